//! Bytes of a file at any place, counted, and the numbers in them.

use crate::error::UnpackError;
use std::cell::{Cell, RefCell};
use std::io;

/// A file to be read from at any place. The crate opens nothing itself.
pub trait ReadAt {
    /// How many bytes it has.
    fn size(&self) -> u64;

    /// Fills the whole buffer with the bytes from `offset` on, or fails.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for [u8] {
    fn size(&self) -> u64 {
        wide(self.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).ok();
        let there = start.and_then(|start| self.get(start..)?.get(..buffer.len()));
        buffer.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn size(&self) -> u64 {
        (**self).size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        (**self).read_at(buffer, offset)
    }
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> u64 {
        self.as_slice().size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.as_slice().read_at(buffer, offset)
    }
}

/// A piece of a file as a file of its own: a partition, a file that lies in one piece.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    whole: &'a dyn ReadAt,
    offset: u64,
    size: u64,
}

impl std::fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Part({} bytes from byte {})", self.size, self.offset)
    }
}

impl<'a> Part<'a> {
    /// So many bytes from `offset` on, as far as the file goes.
    pub fn new(whole: &'a dyn ReadAt, offset: u64, length: u64) -> Self {
        let there = whole.size().saturating_sub(offset);
        Self { whole, offset, size: length.min(there) }
    }
}

impl ReadAt for Part<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset.checked_add(wide(buffer.len()));
        if end.is_none_or(|end| end > self.size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.whole.read_at(buffer, self.offset.saturating_add(offset))
    }
}

/// Neighbours are read together.
const WINDOW: usize = 8 << 10;

/// A file while it is being looked through: everything read is counted.
pub struct Source<'a> {
    reader: &'a dyn ReadAt,
    size: u64,
    most: u64,
    read: Cell<u64>,
    window: RefCell<(u64, Vec<u8>)>,
}

impl<'a> Source<'a> {
    /// `most`: how many bytes may be looked at, [`Limits::metadata_bytes_max`](crate::Limits).
    pub fn new(reader: &'a dyn ReadAt, most: u64) -> Self {
        let size = reader.size();
        Self { reader, size, most, read: Cell::new(0), window: RefCell::new((0, Vec::new())) }
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes of a structure. `what` names it in errors. The caller has bounded `length`.
    pub fn bytes(&self, what: &str, at: u64, length: usize) -> Result<Vec<u8>, UnpackError> {
        self.count(what, length)?;
        if let Some(known) = self.known(at, length) {
            return Ok(known);
        }
        if at.checked_add(wide(length)).is_none_or(|end| end > self.size) {
            return Err(UnpackError::CutShort { what: what.to_owned(), at: self.size });
        }
        let most = usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX);
        let take = length.max(WINDOW.min(most));
        let mut bytes = vec![0; take];
        self.reader.read_at(&mut bytes, at)?;
        if take > WINDOW {
            bytes.truncate(length);
            return Ok(bytes);
        }
        self.window.replace((at, bytes));
        Ok(self.known(at, length).unwrap_or_default())
    }

    /// Like [`bytes`](Self::bytes), but as many as there are.
    pub fn up_to(&self, what: &str, at: u64, length: usize) -> Result<Vec<u8>, UnpackError> {
        let there = usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX);
        self.bytes(what, at, length.min(there))
    }

    fn known(&self, at: u64, length: usize) -> Option<Vec<u8>> {
        let window = self.window.borrow();
        let from = usize::try_from(at.checked_sub(window.0)?).ok()?;
        Some(window.1.get(from..)?.get(..length)?.to_vec())
    }

    fn count(&self, what: &str, length: usize) -> Result<(), UnpackError> {
        self.read.set(self.read.get().saturating_add(wide(length)));
        if self.read.get() > self.most {
            let (limit, most) = ("metadata_bytes_max", self.most);
            return Err(UnpackError::TooMuch { what: what.to_owned(), limit, most });
        }
        Ok(())
    }
}

/// A length of memory as a length in a file.
pub fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn array<const N: usize>(bytes: &[u8], from: usize) -> Option<[u8; N]> {
    bytes.get(from..)?.first_chunk::<N>().copied()
}

/// The little-endian number at a place of a structure; zero past its end, which callers have read
/// in its full length.
pub fn u16_at(bytes: &[u8], from: usize) -> u16 {
    array(bytes, from).map_or(0, u16::from_le_bytes)
}

/// As [`u16_at`].
pub fn u32_at(bytes: &[u8], from: usize) -> u32 {
    array(bytes, from).map_or(0, u32::from_le_bytes)
}

/// As [`u16_at`].
pub fn u64_at(bytes: &[u8], from: usize) -> u64 {
    array(bytes, from).map_or(0, u64::from_le_bytes)
}

/// As [`u16_at`].
pub fn u8_at(bytes: &[u8], from: usize) -> u8 {
    bytes.get(from).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_where_it_ends() {
        let whole: Vec<u8> = (0..100).collect();
        let part = Part::new(&whole, 10, 20);
        let mut bytes = [0; 4];
        part.read_at(&mut bytes, 16).unwrap();
        assert_eq!((bytes, part.size()), ([26, 27, 28, 29], 20));
        assert!(part.read_at(&mut bytes, 17).is_err());
        assert!(part.read_at(&mut bytes, u64::MAX).is_err());
        // No further than the file that it is of.
        assert_eq!(Part::new(&whole, 90, u64::MAX).size(), 10);
        assert_eq!(Part::new(&whole, 101, 5).size(), 0);
    }

    #[test]
    fn what_is_looked_at_is_counted() {
        let whole = vec![7; 100_000];
        let source = Source::new(&whole, 50_000);
        assert_eq!(source.bytes("it", 0, 10_000).unwrap(), [7; 10_000]);
        assert_eq!(source.up_to("it", 99_999, 10).unwrap(), [7]);
        let cut = source.bytes("it", 99_999, 2).unwrap_err().to_string();
        assert_eq!(cut, "the file is cut short: it goes on at byte 100000; fetch it again");
        assert!(source.bytes("it", u64::MAX, 2).is_err());
        let much = source.bytes("it", 0, 45_000).unwrap_err().to_string();
        assert!(much.contains("it asks for more than 50000 of `metadata_bytes_max`"), "{much}");
    }
}
