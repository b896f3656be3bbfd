//! Why facts could not be read or kept, by fault.

use std::path::PathBuf;

/// Why facts could not be read or kept. As text: what happened, then what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operator's: a newer server has written it.
    #[error(
        "{} was written by a newer version (schema {found}, this one knows {known})\nhint: install that version, or put back the backup that its upgrade left in the same directory",
        .path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The operator's: it is something else.
    #[error(
        "{} is not the store of this server: {what}\nhint: move that file away, or correct the `state` setting",
        .path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is missing.
        what: String,
    },
    /// The surroundings: the file is not as it was written.
    #[error(
        "{} is damaged: {what}\nhint: nothing was changed in it; `bootwright store repair` says what can be saved; and look at the disk's health",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, and how it shows.
        what: String,
    },
    /// The operator's: another program has it open.
    #[error(
        "{} is locked by another program\nhint: end that program (fuser {}), then start again",
        .path.display(), .path.display()
    )]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The surroundings: no space.
    #[error(
        "the disk of {} is full\nhint: free space there; it goes on by itself, without a restart",
        .path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The surroundings: an operation on files.
    #[error("could not {doing} {}: {cause}\nhint: check the disk and the state directory", .path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        cause: std::io::Error,
    },
    /// The surroundings: the database.
    #[error("could not {doing} {}: {cause}\nhint: check the disk and the state directory", .path.display())]
    Database {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        cause: rusqlite::Error,
    },
    /// The surroundings: the store failed, was opened again or closed while it was copied.
    #[error("the copy {} was broken off: the store was closed meanwhile\nhint: try again", .path.display())]
    CopyBrokenOff {
        /// The copy.
        path: PathBuf,
    },
    /// The operator's: one copy at a time.
    #[error("the store is being copied already\nhint: wait until that backup is done")]
    CopyBusy {
        /// The copy that was not made.
        path: PathBuf,
    },
    /// Ours: it failed before, and nobody opened it again since.
    #[error("{} failed before and was not opened again\nhint: please report this", .path.display())]
    Closed {
        /// The file.
        path: PathBuf,
    },
    /// Ours: a fact that cannot be written.
    #[error("a fact cannot be written: {0}\nhint: please report this")]
    Unwritable(String),
}

impl StoreError {
    /// What happened and why, without the hint.
    pub fn why(&self) -> String {
        let text = self.to_string();
        text.split_once("\nhint: ").map_or(text.clone(), |(why, _)| why.to_owned())
    }
}
