//! A file as it stands in a blob: all of it, or runs of it, or nothing but zeros where a disc never
//! recorded any.
//!
//! In: a [`Content`], an opened blob. Out: a [`Blob`] that reads as the file does. Never: a byte of the
//! blob that is not the file's.

use crate::owner::{Blob, Stretch};
use model::{Content, Hash};
use sha2::{Digest, Sha256};
use std::io;
use std::sync::Arc;

/// Where the bytes of a file stand.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Layout {
    /// In which blob.
    pub(crate) blob: Hash,
    /// Names these bytes and no others: that of the blob if it is all of it.
    pub(crate) key: Hash,
    /// Bytes of the file.
    pub(crate) size: u64,
    /// In order, none empty; none if it is the whole blob.
    spans: Option<Box<[Span]>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Span {
    /// Where it begins in the file.
    begins: u64,
    length: u64,
    /// Where it stands in the blob; none for zeros.
    at: Option<u64>,
}

impl Span {
    fn end(self) -> u64 {
        self.begins.saturating_add(self.length)
    }

    /// Where what follows it in the file would have to stand to be one with it.
    fn follows(self) -> Option<u64> {
        self.at.map(|at| at.saturating_add(self.length))
    }
}

impl Layout {
    /// An error if the runs are not as long together as the file, or longer than can be.
    pub(crate) fn of(content: &Content) -> io::Result<Arc<Self>> {
        let Content { blob, size, runs } = content;
        let (blob, size) = (*blob, *size);
        let Some(runs) = runs else {
            return Ok(Arc::new(Self { blob, key: blob, size, spans: None }));
        };
        let mut spans: Vec<Span> = Vec::new();
        let mut begins = 0_u64;
        for run in runs.iter().filter(|run| run.length > 0) {
            let ends = run.offset.unwrap_or(0).checked_add(run.length);
            let next = begins.checked_add(run.length).filter(|_| ends.is_some());
            let next = next.ok_or_else(|| wrong(content, "a run goes beyond all bounds"))?;
            match spans.last_mut() {
                Some(last) if last.follows() == run.offset => {
                    last.length = last.length.saturating_add(run.length);
                }
                _ => spans.push(Span { begins, length: run.length, at: run.offset }),
            }
            begins = next;
        }
        if begins != size {
            let text = format!("its runs have {begins} bytes together");
            return Err(wrong(content, &text));
        }
        let key = key(&blob, &spans);
        Ok(Arc::new(Self { blob, key, size, spans: Some(spans.into()) }))
    }

    /// The entity tag of the file, a strong one.
    pub(crate) fn tag(&self) -> String {
        format!("\"{}\"", self.key)
    }

    /// An error if the blob is too short for the file, or is the file and has another size.
    fn check(&self, has: u64) -> io::Result<()> {
        let Self { blob, size, .. } = self;
        let Some(spans) = &self.spans else {
            if has == *size {
                return Ok(());
            }
            let text = format!("{blob} has {has} bytes in the store, not {size}");
            return Err(io::Error::other(text));
        };
        let reaches = spans.iter().filter_map(|span| span.follows()).max().unwrap_or(0);
        if reaches <= has {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "it is a part of {blob} that reaches to byte {reaches}, but that has {has} bytes in the store"
        )))
    }

    /// The runs that have bytes from `from` on.
    fn from(&self, from: u64) -> &[Span] {
        let spans = self.spans.as_deref().unwrap_or_default();
        let first = spans.partition_point(|span| span.end() <= from);
        spans.get(first..).unwrap_or_default()
    }
}

fn wrong(content: &Content, what: &str) -> io::Error {
    let Content { blob, size, .. } = content;
    io::Error::other(format!("it is a part of {blob} with {size} bytes, but {what}"))
}

fn key(blob: &Hash, spans: &[Span]) -> Hash {
    let mut hasher = Sha256::new_with_prefix(b"bootwright part\0");
    hasher.update(blob.0);
    for span in spans {
        hasher.update([u8::from(span.at.is_some())]);
        hasher.update(span.at.unwrap_or(0).to_le_bytes());
        hasher.update(span.length.to_le_bytes());
    }
    Hash(hasher.finalize().into())
}

/// A file, opened: a blob, perhaps shared with other files, and where in it.
#[derive(Debug)]
pub(crate) struct Part<B> {
    blob: Arc<B>,
    pub(crate) layout: Arc<Layout>,
}

impl<B> Clone for Part<B> {
    fn clone(&self) -> Self {
        Self { blob: Arc::clone(&self.blob), layout: Arc::clone(&self.layout) }
    }
}

/// What a range of the file is.
enum Range {
    /// These bytes of the blob.
    Blob(u64, u64),
    /// So many zeros.
    Zeros(u64),
}

impl<B: Blob> Part<B> {
    /// The file in its blob, if that is long enough.
    pub(crate) fn new(blob: Arc<B>, layout: &Arc<Layout>) -> io::Result<Self> {
        layout.check(blob.size())?;
        Ok(Self { blob, layout: Arc::clone(layout) })
    }

    /// What begins at `offset`, at most `most` bytes of it; none at the end.
    fn range(&self, offset: u64, most: u64) -> Option<Range> {
        if self.layout.spans.is_none() {
            return Some(Range::Blob(offset, most));
        }
        let span = self.layout.from(offset).first()?;
        let within = offset.checked_sub(span.begins)?;
        let most = most.min(span.length.saturating_sub(within));
        Some(match span.at {
            Some(at) => Range::Blob(at.saturating_add(within), most),
            None => Range::Zeros(most),
        })
    }

    /// Fills a buffer run by run, by what `read` does with a range of the blob; gives how far it came.
    fn fill(
        &self,
        buffer: &mut [u8],
        offset: u64,
        mut read: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut got = 0;
        while let Some(rest) = buffer.get_mut(got..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(got as u64);
            let Some(range) = self.range(at, rest.len() as u64) else { break };
            let (Range::Blob(_, most) | Range::Zeros(most)) = range;
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            let Some(room) = rest.get_mut(..most) else { break };
            let more = match range {
                Range::Blob(at, _) => match read(room, at) {
                    Err(_) if got > 0 => break,
                    more => more?,
                },
                Range::Zeros(_) => {
                    room.fill(0);
                    most
                }
            };
            got = got.saturating_add(more);
            if more < most {
                break;
            }
        }
        Ok(got)
    }
}

impl<B: Blob> Blob for Part<B> {
    fn size(&self) -> u64 {
        self.layout.size
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut fault = None;
        let got = self.fill(buffer, offset, |room, at| {
            let read = self.blob.read_exact_at(room, at).map(|()| room.len());
            read.or_else(|cause| {
                fault = Some(cause);
                Ok(0)
            })
        })?;
        match fault {
            Some(cause) => Err(cause),
            None if got < buffer.len() => Err(io::ErrorKind::UnexpectedEof.into()),
            None => Ok(()),
        }
    }

    fn read_now(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.fill(buffer, offset, |room, at| self.blob.read_now(room, at))
    }

    fn stretch(&self, offset: u64, most: u64) -> Option<Stretch<'_>> {
        match self.range(offset, most)? {
            Range::Blob(at, most) => self.blob.stretch(at, most),
            Range::Zeros(_) => None,
        }
    }

    fn is_ready(&self, from: u64, to: u64) -> io::Result<bool> {
        if to > self.size() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut at = from;
        while at < to {
            let Some(range) = self.range(at, to - at) else { break };
            let (Range::Blob(_, length) | Range::Zeros(length)) = range;
            if let Range::Blob(begins, length) = range
                && !self.blob.is_ready(begins, begins.saturating_add(length))?
            {
                return Ok(false);
            }
            at = at.saturating_add(length);
        }
        Ok(true)
    }

    fn still_whole(&self) -> io::Result<()> {
        self.blob.still_whole()
    }

    /// For no more than a stretch, which is in one run.
    fn came_from_disk(&self, offset: u64, length: u64) -> u64 {
        match self.range(offset, length) {
            Some(Range::Blob(at, length)) => self.blob.came_from_disk(at, length),
            Some(Range::Zeros(_)) | None => 0,
        }
    }

    fn is_settled(&self, doubt: u64) -> bool {
        self.blob.is_settled(doubt)
    }

    fn check_again(&self) -> io::Result<()> {
        self.blob.check_again()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::image::Run;

    /// 100 bytes that count up, of which 50 and more are not in memory.
    #[derive(Debug)]
    struct Counting;

    impl Blob for Counting {
        fn size(&self) -> u64 {
            100
        }
        fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
            assert!(offset + buffer.len() as u64 <= 100, "beyond the blob");
            for (byte, at) in buffer.iter_mut().zip(offset..) {
                *byte = at as u8;
            }
            Ok(())
        }
        fn read_now(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            if offset >= 50 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let most = buffer.len().min(usize::try_from(50 - offset).unwrap());
            self.read_exact_at(&mut buffer[..most], offset)?;
            Ok(most)
        }
        fn stretch(&self, _: u64, _: u64) -> Option<Stretch<'_>> {
            None
        }
        fn still_whole(&self) -> io::Result<()> {
            Ok(())
        }
    }

    const BLOB: Hash = Hash([7; 32]);

    fn content(size: u64, runs: &[(Option<u64>, u64)]) -> Content {
        let runs = runs.iter().map(|(offset, length)| Run { offset: *offset, length: *length });
        Content { blob: BLOB, size, runs: Some(runs.collect()) }
    }

    fn part(size: u64, runs: &[(Option<u64>, u64)]) -> io::Result<Part<Counting>> {
        Part::new(Arc::new(Counting), &Layout::of(&content(size, runs))?)
    }

    #[test]
    fn every_range_of_a_part_is_what_its_runs_say() {
        let runs = [
            (Some(10), 5),
            (Some(15), 5),
            (None, 4),
            (Some(80), 20),
            (Some(3), 0),
            (None, 1),
            (Some(0), 9),
        ];
        let part = part(44, &runs).unwrap();
        assert_eq!(part.layout.spans.as_ref().unwrap().len(), 5, "what is one is kept as one");
        let mut all: Vec<u8> = (10..20).collect();
        all.extend([0; 4]);
        all.extend(80..100);
        all.push(0);
        all.extend(0..9);
        for from in 0..=44 {
            for to in from..=44 {
                let mut got = vec![9; to - from];
                part.read_exact_at(&mut got, from as u64).unwrap();
                assert_eq!(got, all[from..to], "{from}..{to}");
                let ready = part.is_ready(from as u64, to as u64).unwrap();
                let cold = from.max(14) < to.min(34);
                assert_eq!(ready, !cold || from == to, "{from}..{to}");
                let now = part.read_now(&mut got, from as u64);
                match now {
                    Ok(length) => assert_eq!(got[..length], all[from..from + length]),
                    Err(cause) => assert_eq!(cause.kind(), io::ErrorKind::WouldBlock),
                }
            }
        }
        assert!(part.read_exact_at(&mut [0; 2], 43).is_err());
        assert!(part.is_ready(0, 45).is_err());
        assert_eq!(part.read_now(&mut [0; 2], 44).unwrap(), 0);
        assert_eq!(part.read_now(&mut [0; 44], 0).unwrap(), 14, "up to what is not in memory");
    }

    #[test]
    fn runs_that_do_not_fit_are_refused() {
        let beyond = part(21, &[(Some(80), 21)]).unwrap_err().to_string();
        assert!(
            beyond.contains("reaches to byte 101") && beyond.contains("has 100 bytes"),
            "{beyond}"
        );
        assert!(part(20, &[(Some(80), 20)]).is_ok());
        assert!(part(20, &[(Some(80), 19)]).is_err(), "shorter than the file");
        assert!(part(20, &[(Some(80), 20), (None, 1)]).is_err(), "longer");
        assert!(part(0, &[(Some(u64::MAX), 2)]).is_err());
        assert!(part(1, &[(None, u64::MAX), (None, 2)]).is_err());
        assert!(part(0, &[]).is_ok());
        let whole = |size| Part::new(Arc::new(Counting), &Layout::of(&Content::whole(BLOB, size))?);
        assert!(whole(100).is_ok());
        let other = whole(99).unwrap_err().to_string();
        assert!(other.contains("has 100 bytes in the store, not 99"), "{other}");
    }

    #[test]
    fn a_part_has_a_tag_of_its_own() {
        let key = |content: &Content| Layout::of(content).unwrap().key;
        let whole = Content::whole(BLOB, 100);
        assert_eq!(key(&whole), BLOB);
        let keys = [
            key(&whole),
            key(&content(20, &[(Some(0), 20)])),
            key(&content(20, &[(Some(1), 20)])),
            key(&content(20, &[(None, 20)])),
            key(&content(21, &[(Some(0), 21)])),
            key(&content(20, &[(Some(0), 10), (Some(11), 10)])),
            key(&Content { blob: Hash([8; 32]), ..content(20, &[(Some(0), 20)]) }),
        ];
        let different: std::collections::BTreeSet<Hash> = keys.into_iter().collect();
        assert_eq!(different.len(), keys.len());
        let split = content(20, &[(Some(0), 10), (Some(10), 10)]);
        assert_eq!(key(&split), keys[1], "the same bytes, said otherwise");
    }
}
