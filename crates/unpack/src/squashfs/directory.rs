//! Directories of a squashfs: runs of entries whose inodes stand in one block.

use super::inode::Directory;
use super::superblock::Place;
use super::{Squashfs, SquashfsKind};
use crate::error::UnpackError;
use crate::source::{u16_at, u32_at, wide};
use crate::text::hostile;

/// Entries of one run (`SQUASHFS_DIR_COUNT`).
const RUN_MAX: u32 = 256;

/// An entry as it is read.
pub struct Raw<'n> {
    pub name: &'n str,
    pub kind: SquashfsKind,
    pub inode: Place,
}

impl Squashfs<'_> {
    /// Shows every entry until `look` has seen enough. Names that cannot be names are passed over:
    /// nothing here asks for one.
    pub(super) fn directory<T>(
        &self,
        directory: Directory,
        mut look: impl FnMut(Raw<'_>) -> Option<T>,
    ) -> Result<Option<T>, UnpackError> {
        let table = self.superblock.directories_at;
        let mut cursor = self.cursor(table, directory.place);
        let (mut left, mut entries) = (directory.bytes, 0_u32);
        while left > 0 {
            let head = self.take(&mut cursor, 12)?;
            left = left.saturating_sub(12);
            let count = u32_at(&head, 0).saturating_add(1);
            let block = u64::from(u32_at(&head, 4));
            entries = entries.saturating_add(count);
            self.within("entries_max", u64::from(entries), u64::from(self.limits.entries_max))?;
            if count > RUN_MAX {
                let at = table.saturating_add(directory.place.block);
                let found = format!("a run of it has {count} entries");
                return Err(UnpackError::Broken { what: "a squashfs directory", at, found });
            }
            for _ in 0..count {
                let entry = self.take(&mut cursor, 8)?;
                let length = usize::from(u16_at(&entry, 6)).saturating_add(1);
                let name = self.take(&mut cursor, length)?;
                left = left.saturating_sub(wide(length).saturating_add(8));
                let inode = Place { block, offset: usize::from(u16_at(&entry, 0)) };
                let Some(name) = fit(&name) else { continue };
                let raw = Raw { name, kind: kind(u16_at(&entry, 4)), inode };
                if let Some(found) = look(raw) {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }
}

fn kind(number: u16) -> SquashfsKind {
    match number {
        1 | 8 => SquashfsKind::Directory,
        2 | 9 => SquashfsKind::File,
        3 | 10 => SquashfsKind::Link,
        _ => SquashfsKind::Special,
    }
}

fn fit(name: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(name).ok()?;
    let unfit = matches!(name, "." | "..") || name.contains('/') || name.chars().any(hostile);
    (!unfit).then_some(name)
}
