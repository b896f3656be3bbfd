//! Bytes of the image, counted, and the fields in them, each looked up with its length checked.

use crate::error::DiscError;
use crate::limits::Limits;
use std::io;

/// An image to be read from. The crate opens nothing itself.
pub trait ReadAt {
    /// How many bytes the image has.
    fn size(&self) -> u64;

    /// Fills the whole buffer with the bytes from `offset` on, or fails.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for [u8] {
    fn size(&self) -> u64 {
        u64::try_from(self.len()).unwrap_or(u64::MAX)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).ok();
        let there = start.and_then(|start| self.get(start..)?.get(..buffer.len()));
        buffer.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
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

/// Neighbours are read together: what describes the files of a disc stands side by side.
const WINDOW: usize = 8 << 10;

/// The image while it is being looked through: everything read is counted.
pub struct Source<'a> {
    reader: &'a dyn ReadAt,
    size: u64,
    limits: Limits,
    read: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl<'a> Source<'a> {
    pub fn new(reader: &'a dyn ReadAt, limits: Limits) -> Self {
        let size = reader.size();
        Self { reader, size, limits, read: 0, window: Vec::new(), window_at: 0 }
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The bytes of a structure. `what` names it in errors.
    pub fn bytes(
        &mut self,
        what: &'static str,
        at: u64,
        length: usize,
    ) -> Result<Vec<u8>, DiscError> {
        if let Some(known) = self.known(at, length) {
            let bytes = known.to_vec();
            self.count(at, length)?;
            return Ok(bytes);
        }
        let end = at.saturating_add(wide(length));
        if end > self.size {
            return Err(DiscError::CutShort { what: what.to_owned(), end, size: self.size });
        }
        let most = usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX);
        let take = length.max(WINDOW.min(most));
        self.count(at, take)?;
        let mut bytes = vec![0; take];
        self.reader.read_at(&mut bytes, at).map_err(|cause| DiscError::Reading {
            what,
            at,
            cause,
        })?;
        if take > WINDOW {
            bytes.truncate(length);
            return Ok(bytes);
        }
        self.window = bytes;
        self.window_at = at;
        Ok(self.known(at, length).unwrap_or_default().to_vec())
    }

    fn known(&self, at: u64, length: usize) -> Option<&[u8]> {
        let from = usize::try_from(at.checked_sub(self.window_at)?).ok()?;
        self.window.get(from..)?.get(..length)
    }

    fn count(&mut self, at: u64, length: usize) -> Result<(), DiscError> {
        self.read = self.read.saturating_add(wide(length));
        let most = self.limits.metadata_bytes_max;
        if self.read > most {
            return Err(DiscError::TooMuch { limit: "metadata_bytes_max", most, at });
        }
        Ok(())
    }
}

/// A length of memory as a length on a disc.
pub fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A structure in memory that still knows its name and its place on the disc.
#[derive(Clone, Copy)]
pub struct View<'b> {
    pub what: &'static str,
    pub at: u64,
    pub bytes: &'b [u8],
}

impl<'b> View<'b> {
    pub fn new(what: &'static str, at: u64, bytes: &'b [u8]) -> Self {
        Self { what, at, bytes }
    }

    pub fn slice(&self, from: usize, length: usize) -> Result<&'b [u8], DiscError> {
        self.bytes.get(from..).and_then(|rest| rest.get(..length)).ok_or_else(|| {
            let has = self.bytes.len();
            self.broken(
                0,
                format!("it has {has} bytes, and {length} more are needed from its byte {from} on"),
            )
        })
    }

    /// Part of this as a structure of its own.
    pub fn inner(&self, what: &'static str, from: usize, length: usize) -> Result<Self, DiscError> {
        let at = self.at.saturating_add(wide(from));
        Ok(Self { what, at, bytes: self.slice(from, length)? })
    }

    fn array<const N: usize>(&self, from: usize) -> Result<[u8; N], DiscError> {
        let mut array = [0; N];
        array.copy_from_slice(self.slice(from, N)?);
        Ok(array)
    }

    pub fn u8(&self, from: usize) -> Result<u8, DiscError> {
        Ok(u8::from_le_bytes(self.array(from)?))
    }

    pub fn u16(&self, from: usize) -> Result<u16, DiscError> {
        Ok(u16::from_le_bytes(self.array(from)?))
    }

    pub fn u32(&self, from: usize) -> Result<u32, DiscError> {
        Ok(u32::from_le_bytes(self.array(from)?))
    }

    pub fn u64(&self, from: usize) -> Result<u64, DiscError> {
        Ok(u64::from_le_bytes(self.array(from)?))
    }

    /// A length or count that is used on memory.
    pub fn length(&self, from: usize) -> Result<usize, DiscError> {
        Ok(usize::try_from(self.u32(from)?).unwrap_or(usize::MAX))
    }

    pub fn broken(&self, from: usize, found: impl Into<String>) -> DiscError {
        let at = self.at.saturating_add(wide(from));
        DiscError::Broken { what: self.what, at, found: found.into() }
    }
}
