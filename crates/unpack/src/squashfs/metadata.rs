//! The tables of a squashfs: blocks of up to 8 KiB, each packed by itself, read as one run of bytes.

use super::Squashfs;
use super::codec::Compression;
use super::superblock::Place;
use crate::error::UnpackError;
use crate::limits::Limits;
use crate::source::{u16_at, wide};
use std::cell::{Cell, RefCell};

/// Bytes of a block, unpacked.
const BLOCK: usize = 8192;

/// How the tables are unpacked, and the block that was unpacked last.
pub struct Metadata {
    compression: Compression,
    limits: Limits,
    /// Its byte in the image, its bytes, and the byte of the next one.
    last: RefCell<(u64, Vec<u8>, u64)>,
    unpacked: Cell<u64>,
}

impl Metadata {
    pub fn new(compression: Compression, limits: Limits) -> Self {
        let last = RefCell::new((u64::MAX, Vec::new(), 0));
        Self { compression, limits, last, unpacked: Cell::new(0) }
    }

    /// What is unpacked counts as what is read does.
    fn count(&self, length: usize) -> Result<(), UnpackError> {
        self.unpacked.set(self.unpacked.get().saturating_add(wide(length)));
        let most = self.limits.metadata_bytes_max;
        if self.unpacked.get() > most {
            let (what, limit) = ("the squashfs".to_owned(), "metadata_bytes_max");
            return Err(UnpackError::TooMuch { what, limit, most });
        }
        Ok(())
    }
}

/// A place that moves on as it is read from.
pub struct Cursor {
    /// The byte of the image where the block stands.
    block: u64,
    offset: usize,
}

impl Squashfs<'_> {
    /// A cursor in the table that starts at that byte of the image.
    pub(super) fn cursor(&self, table_at: u64, place: Place) -> Cursor {
        Cursor { block: table_at.saturating_add(place.block), offset: place.offset }
    }

    /// The next bytes, exactly so many. The caller has bounded `length`.
    pub(super) fn take(&self, cursor: &mut Cursor, length: usize) -> Result<Vec<u8>, UnpackError> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            self.load(cursor.block)?;
            let last = self.metadata.last.borrow();
            let rest = last.1.get(cursor.offset..).unwrap_or_default();
            if rest.is_empty() {
                // Only a full block is followed by another one.
                if cursor.offset != BLOCK || last.1.len() != BLOCK {
                    let found = "its table ends before it does".to_owned();
                    let (what, at) = ("an entry of a squashfs", cursor.block);
                    return Err(UnpackError::Broken { what, at, found });
                }
                (cursor.block, cursor.offset) = (last.2, 0);
                continue;
            }
            let more = length.saturating_sub(bytes.len()).min(rest.len());
            bytes.extend_from_slice(rest.get(..more).unwrap_or_default());
            cursor.offset = cursor.offset.saturating_add(more);
        }
        Ok(bytes)
    }

    fn load(&self, at: u64) -> Result<(), UnpackError> {
        if self.metadata.last.borrow().0 == at {
            return Ok(());
        }
        let what = "a table of the squashfs";
        let header = u16_at(&self.source.bytes(what, at, 2)?, 0);
        let length = usize::from(header & 0x7fff);
        if length == 0 || length > BLOCK {
            let found = format!("a block of it has {length} bytes");
            return Err(UnpackError::Broken { what, at, found });
        }
        let from = at.saturating_add(2);
        let bytes = self.source.bytes(what, from, length)?;
        let bytes = if header & 0x8000 == 0 {
            self.metadata.compression.unpack(&bytes, BLOCK, at, self.limits)?
        } else {
            bytes
        };
        self.metadata.count(bytes.len())?;
        self.metadata.last.replace((at, bytes, from.saturating_add(wide(length))));
        Ok(())
    }
}
