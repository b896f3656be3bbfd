//! The bytes of a file of a squashfs: whole blocks, and a tail that shares a block with others.

use super::Squashfs;
use super::superblock::Place;
use crate::error::UnpackError;
use crate::source::{u32_at, u64_at};

/// A block's size in its list: these bits are its length, the next one says it is not packed.
const LENGTH: u32 = 0x00ff_ffff;
const PLAIN: u32 = 0x0100_0000;

/// Where the bytes of a file are.
#[derive(Clone)]
pub struct File {
    /// The byte of the image where its first block stands.
    pub start: u64,
    pub size: u64,
    /// As they stand in its inode; 0 is a block of zeros.
    pub blocks: Vec<u32>,
    /// The fragment that holds its tail, and the byte there.
    pub fragment: Option<(u32, u32)>,
}

impl Squashfs<'_> {
    pub(super) fn content(&self, file: &File) -> Result<Vec<u8>, UnpackError> {
        self.within("file_bytes_max", file.size, self.limits.file_bytes_max)?;
        let size = usize::try_from(file.size).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        let mut at = file.start;
        for block in &file.blocks {
            let expected = size.saturating_sub(bytes.len()).min(self.block_bytes());
            let length = u64::from(block & LENGTH);
            if length == 0 {
                bytes.resize(bytes.len().saturating_add(expected), 0);
                continue;
            }
            let data = self.block(at, *block)?;
            if data.len() != expected {
                let found = format!("it unpacks to {} bytes, not {expected}", data.len());
                return Err(UnpackError::Broken { what: "a block of the squashfs", at, found });
            }
            bytes.extend(data);
            at = at.saturating_add(length);
        }
        let tail = size.saturating_sub(bytes.len());
        if let Some((fragment, offset)) = file.fragment.filter(|_| tail > 0) {
            bytes.extend(self.tail(fragment, offset, tail)?);
        }
        Ok(bytes)
    }

    fn block_bytes(&self) -> usize {
        usize::try_from(self.superblock.facts.block_bytes).unwrap_or(usize::MAX)
    }

    /// A block of data at that byte of the image, its size as lists write it.
    fn block(&self, at: u64, size: u32) -> Result<Vec<u8>, UnpackError> {
        let length = usize::try_from(size & LENGTH).unwrap_or(usize::MAX);
        let what = "a block of the squashfs";
        if length > self.block_bytes() {
            let found = format!("it has {length} bytes, more than unpacked");
            return Err(UnpackError::Broken { what, at, found });
        }
        let bytes = self.source.bytes(what, at, length)?;
        if size & PLAIN != 0 {
            return Ok(bytes);
        }
        let facts = &self.superblock.facts;
        facts.compression.unpack(&bytes, self.block_bytes(), at, self.limits)
    }

    fn tail(&self, number: u32, offset: u32, length: usize) -> Result<Vec<u8>, UnpackError> {
        let table = self.superblock.fragments_at;
        let broken = |found: String| UnpackError::Broken {
            what: "a fragment of the squashfs",
            at: table,
            found,
        };
        if number >= self.superblock.fragments {
            return Err(broken(format!("there is none of number {number}")));
        }
        // Blocks of 512 lines of 16 bytes, and before them a list of where each block stands.
        let index = table.saturating_add(u64::from(number >> 9).saturating_mul(8));
        let list = self.source.bytes("the table of fragments", index, 8)?;
        let line = usize::try_from(number & 511).unwrap_or(0).saturating_mul(16);
        let mut cursor = self.cursor(u64_at(&list, 0), Place { block: 0, offset: line });
        let line = self.take(&mut cursor, 16)?;
        let block = self.block(u64_at(&line, 0), u32_at(&line, 8))?;
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let tail = block.get(from..).and_then(|rest| rest.get(..length));
        let tail = tail.ok_or_else(|| broken(format!("{number} ends before its file does")))?;
        Ok(tail.to_vec())
    }
}
