//! The first 96 bytes of a squashfs (version 4.0, Linux `fs/squashfs/squashfs_fs.h`).

use super::codec::Compression;
use crate::error::UnpackError;
use crate::source::{Source, u16_at, u32_at, u64_at};

/// What a squashfs says of itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Facts {
    /// Major and minor; only 4.0 is in use.
    pub version: (u16, u16),
    /// How its blocks are packed.
    pub compression: Compression,
    /// Bytes of a block of data, unpacked.
    pub block_bytes: u32,
    /// Files, directories and all else.
    pub inodes: u32,
    /// Bytes it takes, without padding.
    pub bytes: u64,
    /// When it was made, seconds since 1970.
    pub made_s: u32,
}

/// A place in a table of metadata: the block, counted in bytes from the table's start, and the byte
/// in what it unpacks to.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub block: u64,
    pub offset: usize,
}

pub struct Superblock {
    pub facts: Facts,
    pub root: Place,
    pub inodes_at: u64,
    pub directories_at: u64,
    pub fragments_at: u64,
    pub fragments: u32,
}

impl Place {
    /// As inodes and the superblock write it.
    pub fn of(reference: u64) -> Self {
        let offset = usize::try_from(reference & 0xffff).unwrap_or(0);
        Self { block: (reference >> 16) & 0xffff_ffff, offset }
    }
}

pub fn read(source: &Source<'_>) -> Result<Superblock, UnpackError> {
    let bytes = source.up_to("the superblock", 0, 96)?;
    if !bytes.starts_with(b"hsqs") || bytes.len() < 96 {
        let why = "it does not start with the signature of one".to_owned();
        return Err(UnpackError::NotThis { what: "squashfs file system", why });
    }
    let version = (u16_at(&bytes, 28), u16_at(&bytes, 30));
    if version != (4, 0) {
        let what = format!("squashfs of version {}.{}", version.0, version.1);
        return Err(UnpackError::NotRead { what, hint: "make it anew with mksquashfs of today" });
    }
    let block_bytes = u32_at(&bytes, 12);
    // 4 KiB to 1 MiB, and said twice (`block_log`).
    let log = u32::from(u16_at(&bytes, 22));
    if !(12..=20).contains(&log) || 1_u32.checked_shl(log) != Some(block_bytes) {
        let found = format!("it says that its blocks have {block_bytes} bytes");
        return Err(UnpackError::Broken { what: "the superblock", at: 0, found });
    }
    let facts = Facts {
        version,
        compression: Compression::of(u16_at(&bytes, 20)),
        block_bytes,
        inodes: u32_at(&bytes, 4),
        bytes: u64_at(&bytes, 40),
        made_s: u32_at(&bytes, 8),
    };
    if facts.bytes > source.size() {
        let what = format!("the squashfs, which has {} bytes,", facts.bytes);
        return Err(UnpackError::CutShort { what, at: source.size() });
    }
    Ok(Superblock {
        facts,
        root: Place::of(u64_at(&bytes, 32)),
        inodes_at: u64_at(&bytes, 64),
        directories_at: u64_at(&bytes, 72),
        fragments_at: u64_at(&bytes, 80),
        fragments: u32_at(&bytes, 16),
    })
}
