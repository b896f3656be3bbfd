//! Why bytes could not be kept or read back, and what is wrong with a blob.
//!
//! In: what the system said, and where. Out: sentences that say what to do. Never: a decision.

use model::Hash;
use model::event::show_bytes;
use std::io;
use std::path::{Path, PathBuf};

/// A blob that is not what was imported. It is in quarantine from then on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "blob {} is damaged: in {path} {what}. It is in quarantine and is not sent any more; `bootwright image verify` says \
     which images need it; look at the disk, and import its image again: the same bytes replace it",
    .hash.short()
)]
pub struct Damage {
    /// Which blob.
    pub hash: Hash,
    /// Where it is.
    pub path: PathBuf,
    /// What of it is wrong.
    pub what: Wrong,
}

/// What is wrong with a blob.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Wrong {
    /// One of its chunks has other bytes than it had.
    #[error("chunk {chunk} ({length} bytes from byte {offset} on) has changed and hashes to {} now", .found.short())]
    Chunk {
        /// Which, from 0.
        chunk: u64,
        /// Where it begins.
        offset: u64,
        /// Its bytes.
        length: u64,
        /// What they hash to.
        found: Hash,
    },
    /// It has another length than it had.
    #[error("there are {found} bytes and there were {kept}")]
    Length {
        /// Bytes that were kept.
        kept: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// As a whole it hashes to something else.
    #[error("all bytes together hash to {} now", .found.short())]
    Whole {
        /// To what.
        found: Hash,
    },
}

/// Why bytes could not be kept or read back.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operator's surroundings: no room.
    #[error(
        "no room left to write {path}{}: {cause}; nothing of it was kept; free some space there, or move the state \
         directory to a larger disk", .free.map_or(String::new(), |free| format!(" ({} are free)", show_bytes(free)))
    )]
    DiskFull {
        /// What was being written.
        path: PathBuf,
        /// Bytes that can still be written there, if the system says so.
        free: Option<u64>,
        /// What the system said.
        cause: io::Error,
    },
    /// The operator's surroundings: the disk or its rights.
    #[error(
        "cannot write {path}: {cause}; the server must own its state directory and the disk must be writable"
    )]
    Write {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The operator's surroundings: the disk or its rights.
    #[error(
        "cannot read {path}: {cause}; the server must own its state directory, and the disk must be readable"
    )]
    Read {
        /// What was being read.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Where the bytes came from gave up.
    #[error("the bytes to be kept could not be read to their end: {0}")]
    Source(#[source] io::Error),
    /// Nothing that is served is so large.
    #[error("{path} would be larger than {}, the most that is kept as one file", show_bytes(*.most))]
    TooLarge {
        /// What was being written.
        path: PathBuf,
        /// Bytes.
        most: u64,
    },
    /// A blob that something still names is gone.
    #[error("blob {} is missing: {path} was removed behind the server's back; import its image again", .hash.short())]
    Missing {
        /// Which.
        hash: Hash,
        /// Where it should be.
        path: PathBuf,
    },
    /// A blob has changed.
    #[error(transparent)]
    Damaged(Box<Damage>),
    /// It was found damaged before.
    #[error(
        "blob {} is in quarantine, because it was found damaged ({mark} says what is wrong); look at the disk, and import \
         its image again: the same bytes replace it", .hash.short()
    )]
    Quarantined {
        /// Which.
        hash: Hash,
        /// Where it stands.
        mark: PathBuf,
    },
    /// The caller wanted no more.
    #[error("stopped on request; nothing was kept")]
    Stopped,
}

impl StoreError {
    pub(crate) fn write(path: &Path, cause: io::Error) -> Self {
        let path = path.to_owned();
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                let free = path.parent().and_then(free_space);
                Self::DiskFull { path, free, cause }
            }
            _ => Self::Write { path, cause },
        }
    }

    pub(crate) fn read(path: &Path, cause: io::Error) -> Self {
        Self::Read { path: path.to_owned(), cause }
    }

    /// Whether it is that a blob is damaged, which the store itself tells of, once.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(_) | Self::Quarantined { .. })
    }
}

impl From<Damage> for StoreError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(Box::new(damage))
    }
}

/// What is damaged, if that is why a blob could not be read or opened.
pub fn damage_of(error: &io::Error) -> Option<&Damage> {
    let inner = error.get_ref()?;
    match inner.downcast_ref() {
        Some(StoreError::Damaged(damage)) => Some(damage),
        _ => inner.downcast_ref(),
    }
}

/// Whether it is that a blob is damaged or in quarantine, of which [`super::Blobs::on_damage`] tells.
pub fn is_damage(error: &io::Error) -> bool {
    let store = error.get_ref().and_then(|inner| inner.downcast_ref::<StoreError>());
    damage_of(error).is_some() || store.is_some_and(StoreError::is_damage)
}

/// Bytes that can still be written to a folder's file system; none if it does not say.
pub(crate) fn free_space(folder: &Path) -> Option<u64> {
    let said = rustix::fs::statvfs(folder).ok()?;
    said.f_bavail.checked_mul(said.f_frsize)
}
