//! The content of a file in an archive, and the holes in it (GNU tar's old form of sparse files).

use crate::decompress::Decompress;
use crate::error::UnpackError;
use crate::limits::Limits;
use crate::source::wide;
use ::tar::{GnuExtSparseHeader, GnuSparseHeader, Header};
use std::io::{self, Read};

/// Bytes that the archive holds, at their place in the file.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    pub offset: u64,
    pub length: u64,
}

/// Where the bytes of a sparse file belong.
pub struct Map {
    pub segments: Vec<Segment>,
    pub real_size: u64,
    /// Whether another block of the map follows.
    pub goes_on: bool,
    stored: u64,
}

impl Map {
    pub fn new(header: &Header, stored: u64, at: u64) -> Result<Self, UnpackError> {
        let gnu = header.as_gnu().ok_or_else(|| broken(at, "its header is not GNU tar's"))?;
        let real_size = gnu.real_size().map_err(|_| broken(at, "its size is no number"))?;
        let goes_on = gnu.is_extended();
        let mut map = Self { segments: Vec::new(), real_size, goes_on, stored };
        map.take(&gnu.sparse, at)?;
        Ok(map)
    }

    pub fn extend(&mut self, block: &[u8; 512], at: u64) -> Result<(), UnpackError> {
        let mut more = GnuExtSparseHeader::new();
        more.as_mut_bytes().copy_from_slice(block);
        self.goes_on = more.is_extended();
        self.take(&more.sparse, at)
    }

    fn take(&mut self, places: &[GnuSparseHeader], at: u64) -> Result<(), UnpackError> {
        for place in places.iter().filter(|place| !place.is_empty()) {
            let number = |number: io::Result<u64>| {
                number.map_err(|_| broken(at, "a place in its map is no number"))
            };
            let (offset, length) = (number(place.offset())?, number(place.length())?);
            let last = self.segments.last();
            let least = last.map_or(0, |last| last.offset.saturating_add(last.length));
            if offset < least || offset.saturating_add(length) > self.real_size {
                return Err(broken(
                    at,
                    "a place in its map overlaps another or ends past its size",
                ));
            }
            self.segments.push(Segment { offset, length });
        }
        Ok(())
    }

    /// All that is stored has a place, no more and no less.
    pub fn finish(mut self, at: u64) -> Result<Self, UnpackError> {
        let placed = self.segments.iter().fold(0_u64, |sum, s| sum.saturating_add(s.length));
        if placed != self.stored {
            let found = format!("its map places {placed} of {} bytes", self.stored);
            return Err(broken(at, &found));
        }
        // A file of one hole: never without a segment, which would mean a plain file.
        self.segments.push(Segment { offset: self.real_size, length: 0 });
        Ok(self)
    }
}

fn broken(at: u64, found: &str) -> UnpackError {
    UnpackError::Broken { what: "a sparse file in a tar", at, found: found.to_owned() }
}

/// The bytes of a file, holes as zeros.
pub struct Content<'c, R: Read> {
    from: &'c mut Decompress<R>,
    segments: std::slice::Iter<'c, Segment>,
    /// The segment that is read now or next.
    now: Option<Segment>,
    /// Byte of the file.
    at: u64,
    size: u64,
    /// Bytes of the files before this one.
    before: u64,
    limits: Limits,
}

impl<'c, R: Read> Content<'c, R> {
    pub fn new(
        from: &'c mut Decompress<R>,
        segments: &'c [Segment],
        size: u64,
        before: u64,
        limits: Limits,
    ) -> Self {
        let mut segments = segments.iter();
        let now = segments.next().copied();
        Self { from, segments, now, at: 0, size, before, limits }
    }

    /// How many bytes come next, and whether they are a hole.
    fn run(&mut self) -> (u64, bool) {
        while let Some(now) = self.now {
            let end = now.offset.saturating_add(now.length);
            if self.at < now.offset {
                return (now.offset.saturating_sub(self.at), true);
            }
            if self.at < end {
                return (end.saturating_sub(self.at), false);
            }
            self.now = self.segments.next().copied();
        }
        (self.size.saturating_sub(self.at), true)
    }

    /// Holes cost nothing in the archive, so what they fill counts like what is unpacked.
    fn count(&mut self, read: usize) -> Result<(), UnpackError> {
        self.at = self.at.saturating_add(wide(read));
        let given = self.before.saturating_add(self.at);
        let most = self.limits.ratio_max;
        if given > self.limits.ratio_free_bytes
            && given > self.from.packed_bytes().saturating_mul(most)
        {
            let what = "the holes of a sparse file in a tar".to_owned();
            return Err(UnpackError::TooMuch { what, limit: "ratio_max", most });
        }
        Ok(())
    }
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let (run, hole) = self.run();
        let most = usize::try_from(run).unwrap_or(usize::MAX).min(into.len());
        let into = into.get_mut(..most).unwrap_or_default();
        if into.is_empty() {
            return Ok(0);
        }
        let read = if hole {
            into.fill(0);
            most
        } else {
            self.from.read(into)?
        };
        if read == 0 {
            let what = "a file in the tar archive".to_owned();
            return Err(UnpackError::CutShort { what, at: self.from.unpacked_bytes() }.into());
        }
        self.count(read)?;
        Ok(read)
    }
}
