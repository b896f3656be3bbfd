//! A squashfs file system, read in place: its facts, and the few files that tell what it is.
//!
//! ```text
//! image ─ReadAt─▶ superblock ─▶ inode ─▶ directory ─▶ inode ─▶ data, fragment ─▶ bytes
//!                                   └── metadata (blocks of 8 KiB) ── codec
//! ```
//!
//! In: an image at any place, limits. Out: facts, the names in a directory, the bytes of a file.
//! Never: the whole tree in memory, whatever its size; a link followed out of it.

mod codec;
mod data;
mod directory;
mod inode;
mod metadata;
mod superblock;

pub use codec::Compression;
pub use superblock::Facts;

use crate::error::UnpackError;
use crate::limits::Limits;
use crate::os_release::OsRelease;
use crate::source::{ReadAt, Source, wide};
use crate::text::shown;
use inode::{Inode, Kind};
use metadata::Metadata;
use std::fmt;
use superblock::Superblock;

/// A file system in a file.
pub struct Squashfs<'a> {
    source: Source<'a>,
    superblock: Superblock,
    metadata: Metadata,
    limits: Limits,
}

impl fmt::Debug for Squashfs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Squashfs({:?})", self.superblock.facts)
    }
}

/// An entry of a directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SquashfsEntry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: SquashfsKind,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SquashfsKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A device, socket or pipe.
    Special,
}

impl<'a> Squashfs<'a> {
    /// Reads the superblock, and no more.
    pub fn open(image: &'a dyn ReadAt, limits: Limits) -> Result<Self, UnpackError> {
        let source = Source::new(image, limits.metadata_bytes_max);
        let superblock = superblock::read(&source)?;
        let metadata = Metadata::new(superblock.facts.compression, limits);
        Ok(Self { source, superblock, metadata, limits })
    }

    /// What the file system says of itself.
    pub fn facts(&self) -> &Facts {
        &self.superblock.facts
    }

    /// The entries of a directory, in its order, which is that of the names' bytes.
    pub fn list(&self, path: &str) -> Result<Vec<SquashfsEntry>, UnpackError> {
        let found = self.find(path)?;
        let Kind::Directory(place) = found.kind else {
            return Err(self.not_found(path, "is no directory"));
        };
        let mut entries = Vec::new();
        self.directory(place, |entry| {
            entries.push(SquashfsEntry { name: entry.name.to_owned(), kind: entry.kind });
            None::<()>
        })?;
        Ok(entries)
    }

    /// All bytes of a file, at most `file_bytes_max` of [`Limits`]. Symbolic links are followed, as
    /// if the file system were the root of a system.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, UnpackError> {
        let found = self.find(path)?;
        let Kind::File(file) = found.kind else {
            return Err(self.not_found(path, "is no regular file"));
        };
        self.content(&file)
    }

    /// Whether there is something of that path.
    pub fn has(&self, path: &str) -> Result<bool, UnpackError> {
        match self.find(path) {
            Ok(_) => Ok(true),
            Err(UnpackError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What the system in it says it is: `/etc/os-release`, else `/usr/lib/os-release`.
    pub fn os_release(&self) -> Result<OsRelease, UnpackError> {
        let bytes = match self.read("/etc/os-release") {
            Err(UnpackError::NotFound { .. }) => self.read("/usr/lib/os-release")?,
            other => other?,
        };
        Ok(OsRelease::read(&bytes))
    }

    /// The kernel versions it has modules of.
    pub fn kernels(&self) -> Result<Vec<String>, UnpackError> {
        for place in ["/usr/lib/modules", "/lib/modules"] {
            match self.list(place) {
                Err(UnpackError::NotFound { .. }) => {}
                other => return Ok(other?.into_iter().map(|entry| entry.name).collect()),
            }
        }
        Ok(Vec::new())
    }

    /// The inode of a path.
    fn find(&self, path: &str) -> Result<Inode, UnpackError> {
        let root = self.inode(self.superblock.root)?;
        // The directories from the root down to here; `..` takes the last one away.
        let mut above: Vec<Inode> = Vec::new();
        let mut here = root.clone();
        // Names that are still to be gone through, the next one last.
        let mut left = names(path);
        let mut hops = 0_u32;
        while let Some(name) = left.pop() {
            match name.as_str() {
                "" | "." => continue,
                ".." => {
                    here = above.pop().unwrap_or_else(|| root.clone());
                    continue;
                }
                _ => {}
            }
            let Kind::Directory(place) = here.kind else {
                return Err(self.not_found(path, "leads through what is no directory"));
            };
            let wanted = |entry: directory::Raw<'_>| (entry.name == name).then_some(entry.inode);
            let Some(next) = self.directory(place, wanted)? else {
                return Err(self.not_found(path, "is not there"));
            };
            let next = self.inode(next)?;
            let Kind::Link(target) = next.kind else {
                self.within("depth_max", wide(above.len()), u64::from(self.limits.depth_max))?;
                above.push(std::mem::replace(&mut here, next));
                continue;
            };
            hops = hops.saturating_add(1);
            if hops > self.limits.link_hops_max {
                let why = "is a symbolic link without an end (`link_hops_max`)";
                return Err(self.not_found(path, why));
            }
            if target.starts_with('/') {
                above.clear();
                here = root.clone();
            }
            left.extend(names(&target));
        }
        Ok(here)
    }

    fn not_found(&self, path: &str, why: &str) -> UnpackError {
        UnpackError::NotFound { what: format!("`{}` {why} in the squashfs", shown(path)) }
    }

    fn within(&self, limit: &'static str, is: u64, most: u64) -> Result<(), UnpackError> {
        if is <= most {
            return Ok(());
        }
        Err(UnpackError::TooMuch { what: "the squashfs".to_owned(), limit, most })
    }
}

fn names(path: &str) -> Vec<String> {
    path.split('/').rev().map(str::to_owned).collect()
}
