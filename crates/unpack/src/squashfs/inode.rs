//! Inodes of a squashfs: what a name stands for.

use super::Squashfs;
use super::data::File;
use super::superblock::Place;
use crate::error::UnpackError;
use crate::source::{u16_at, u32_at, u64_at};
use crate::text::hostile;

/// "No fragment" (`SQUASHFS_INVALID_FRAG`).
const NO_FRAGMENT: u32 = 0xffff_ffff;

#[derive(Clone)]
pub struct Inode {
    pub kind: Kind,
}

#[derive(Clone)]
pub enum Kind {
    Directory(Directory),
    File(File),
    Link(String),
    Special,
}

/// Where the entries of a directory stand.
#[derive(Clone, Copy)]
pub struct Directory {
    pub place: Place,
    /// Bytes of its entries.
    pub bytes: u64,
}

impl Squashfs<'_> {
    pub(super) fn inode(&self, place: Place) -> Result<Inode, UnpackError> {
        let at = self.superblock.inodes_at.saturating_add(place.block);
        let mut cursor = self.cursor(self.superblock.inodes_at, place);
        let head = self.take(&mut cursor, 16)?;
        let kind = match u16_at(&head, 0) {
            1 => {
                let own = self.take(&mut cursor, 16)?;
                let bytes = u32::from(u16_at(&own, 8));
                directory(u32_at(&own, 0), u16_at(&own, 10), bytes)
            }
            8 => {
                let own = self.take(&mut cursor, 24)?;
                directory(u32_at(&own, 8), u16_at(&own, 18), u32_at(&own, 4))
            }
            2 => {
                let own = self.take(&mut cursor, 16)?;
                let (start, size) = (u64::from(u32_at(&own, 0)), u64::from(u32_at(&own, 12)));
                self.file(&mut cursor, start, size, (u32_at(&own, 4), u32_at(&own, 8)))?
            }
            9 => {
                let own = self.take(&mut cursor, 40)?;
                let (start, size) = (u64_at(&own, 0), u64_at(&own, 8));
                self.file(&mut cursor, start, size, (u32_at(&own, 28), u32_at(&own, 32)))?
            }
            3 | 10 => {
                let own = self.take(&mut cursor, 8)?;
                self.link(&mut cursor, u32_at(&own, 4), at)?
            }
            4..=7 | 11..=14 => Kind::Special,
            other => {
                let found = format!("an entry has the type {other}");
                return Err(UnpackError::Broken { what: "the squashfs", at, found });
            }
        };
        Ok(Inode { kind })
    }

    fn link(
        &self,
        cursor: &mut super::metadata::Cursor,
        length: u32,
        at: u64,
    ) -> Result<Kind, UnpackError> {
        let most = self.limits.path_bytes_max;
        self.within("path_bytes_max", u64::from(length), u64::from(most))?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let target = String::from_utf8(self.take(cursor, length)?).ok();
        let target = target.filter(|target| !target.chars().any(hostile));
        let broken = || {
            let found = "a symbolic link names what is no UTF-8 or holds control characters";
            UnpackError::Broken { what: "the squashfs", at, found: found.to_owned() }
        };
        Ok(Kind::Link(target.ok_or_else(broken)?))
    }

    fn file(
        &self,
        cursor: &mut super::metadata::Cursor,
        start: u64,
        size: u64,
        (fragment, offset): (u32, u32),
    ) -> Result<Kind, UnpackError> {
        let block = u64::from(self.superblock.facts.block_bytes);
        let fragment = (fragment != NO_FRAGMENT).then_some((fragment, offset));
        // The list of blocks is read only of files that may be read.
        if size > self.limits.file_bytes_max {
            return Ok(Kind::File(File { start, size, blocks: Vec::new(), fragment }));
        }
        let whole = size.checked_div(block).unwrap_or(0);
        let tail = size.checked_rem(block).unwrap_or(0) != 0;
        let count = whole.saturating_add(u64::from(tail && fragment.is_none()));
        let bytes = usize::try_from(count.saturating_mul(4)).unwrap_or(usize::MAX);
        let list = self.take(cursor, bytes)?;
        let blocks = list.chunks_exact(4).map(|size| u32_at(size, 0)).collect();
        Ok(Kind::File(File { start, size, blocks, fragment }))
    }
}

fn directory(block: u32, offset: u16, bytes: u32) -> Kind {
    let place = Place { block: u64::from(block), offset: usize::from(offset) };
    // `.` and `..` count three bytes and are not there.
    Kind::Directory(Directory { place, bytes: u64::from(bytes.saturating_sub(3)) })
}
