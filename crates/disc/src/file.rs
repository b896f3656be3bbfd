//! A file of a disc: where its bytes stand in the image, and how they are read from there.

use crate::date::Date;
use crate::source::ReadAt;
use std::io;

/// A run of bytes of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Extent {
    /// Where it stands in the image. `None`: it was never recorded, and reads as zeros.
    pub offset: Option<u64>,
    /// How many bytes.
    pub length: u64,
}

/// A file of a disc. It is a value of its own: reading from it needs the image, and no [`Disc`].
///
/// [`Disc`]: crate::Disc
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct File {
    /// How many bytes it has.
    pub size: u64,
    /// Where they are, in order. Together they are exactly `size` bytes.
    pub extents: Box<[Extent]>,
    /// When it was last changed, if the disc says so.
    pub modified: Option<Date>,
    /// It was compressed when the disc was made (zisofs), to this many bytes of `size`. Such a file
    /// is told, and not read.
    pub zisofs: Option<u64>,
}

/// Extents, joined where they touch, and cut to a length.
#[derive(Debug, Default)]
pub(crate) struct Extents(Vec<Extent>);

impl Extents {
    pub fn push(&mut self, extent: Extent) {
        if extent.length == 0 {
            return;
        }
        if let Some(last) = self.0.last_mut() {
            let touches = match (last.offset, extent.offset) {
                (Some(here), Some(there)) => here.checked_add(last.length) == Some(there),
                (None, None) => true,
                _ => false,
            };
            if touches && let Some(length) = last.length.checked_add(extent.length) {
                last.length = length;
                return;
            }
        }
        self.0.push(extent);
    }

    /// Lets them reach `size`, if that is within the block in which they end.
    pub fn stretch(&mut self, size: u64, block: u64) {
        let length = self.length();
        let missing = size.saturating_sub(length);
        let in_block = length.checked_rem(block).unwrap_or_default();
        let there = in_block != 0 && missing <= block.saturating_sub(in_block);
        if let Some(last) = self.0.last_mut().filter(|_| there) {
            last.length = last.length.saturating_add(missing);
        }
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn length(&self) -> u64 {
        self.0.iter().fold(0, |sum, extent| sum.saturating_add(extent.length))
    }

    /// The first `size` bytes of them.
    pub fn cut(mut self, size: u64) -> Vec<Extent> {
        let mut left = size;
        self.0.retain_mut(|extent| {
            extent.length = extent.length.min(left);
            left = left.saturating_sub(extent.length);
            extent.length > 0
        });
        self.0
    }
}

impl File {
    /// Where the bytes from `offset` on stand in the image, at most `length` of them.
    pub fn pieces(&self, offset: u64, length: u64) -> impl Iterator<Item = Extent> + '_ {
        let (mut skip, mut left) = (offset, length);
        self.extents.iter().filter_map(move |extent| {
            let skipped = skip.min(extent.length);
            skip = skip.saturating_sub(skipped);
            let length = extent.length.saturating_sub(skipped).min(left);
            left = left.saturating_sub(length);
            let offset = extent.offset.map(|offset| offset.saturating_add(skipped));
            (length > 0).then_some(Extent { offset, length })
        })
    }

    /// Fills the whole buffer with the file's bytes from `offset` on, or says why it cannot.
    pub fn read_at(&self, image: &dyn ReadAt, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        if let Some(size) = self.zisofs {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!(
                    "the file was compressed when the disc was made (zisofs, {} bytes of {size}), \
                     which this program does not undo; make the disc without -z",
                    self.size
                ),
            ));
        }
        let length = crate::source::wide(buffer.len());
        if offset.checked_add(length).is_none_or(|end| end > self.size) {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("{length} bytes from byte {offset} on of a file of {} bytes", self.size),
            ));
        }
        let mut rest = buffer;
        for piece in self.pieces(offset, length) {
            let take = usize::try_from(piece.length).unwrap_or(usize::MAX).min(rest.len());
            let (now, later) = std::mem::take(&mut rest).split_at_mut(take);
            match piece.offset {
                Some(at) => image.read_at(now, at)?,
                None => now.fill(0),
            }
            rest = later;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> File {
        let mut extents = Extents::default();
        for (offset, length) in [(Some(10), 5), (Some(15), 3), (None, 4), (Some(2), 9)] {
            extents.push(Extent { offset, length });
        }
        assert_eq!(extents.count(), 3);
        File { size: 18, extents: extents.cut(18).into(), ..File::default() }
    }

    #[test]
    fn every_range_of_a_file_is_put_together_from_its_extents() {
        let image: Vec<u8> = (0..100).collect();
        let whole = [10, 11, 12, 13, 14, 15, 16, 17, 0, 0, 0, 0, 2, 3, 4, 5, 6, 7];
        for from in 0..=18 {
            for to in from..=18 {
                let mut buffer = vec![0xaa; to - from];
                file().read_at(&image, &mut buffer, from as u64).unwrap();
                assert_eq!(buffer, whole[from..to]);
            }
        }
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        let image = vec![0; 100];
        for (offset, length) in [(18, 1), (0, 19), (u64::MAX, 2), (19, 0)] {
            let error = file().read_at(&image, &mut vec![0; length], offset).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn a_compressed_file_is_refused_in_words() {
        let file = File { zisofs: Some(900), ..file() };
        let error = file.read_at(&vec![0; 100], &mut [0; 4], 0).unwrap_err().to_string();
        assert!(error.contains("zisofs, 18 bytes of 900"), "{error}");
    }
}
