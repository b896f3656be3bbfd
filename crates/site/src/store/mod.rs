//! What is kept: every fact of the engine, on disk, before anybody is told.
//!
//! In: changes, in batches. Out: the same facts again after any restart. Never: a decision.
//! `schema` says how the tables look and came to look so, `rows` how a fact is written, `sqlite`
//! does it.

#[cfg(test)]
pub(crate) mod double;
pub(crate) mod rows;
mod schema;
mod sqlite;
#[cfg(test)]
mod tests;

use model::{Change, Now};
use std::path::{Path, PathBuf};

/// A place for facts. One so far; a second database joins here.
pub(crate) enum Store {
    /// A file in the state directory.
    Sqlite(Box<sqlite::Sqlite>),
    /// Does as its test says.
    #[cfg(test)]
    Double(double::Double),
}

/// Everything that is kept.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The highest moment of any batch that was kept.
    pub(crate) moment: Now,
    /// Every fact, as a change to an engine that knows nothing.
    pub(crate) changes: Vec<Change>,
}

impl Store {
    /// Opens the store of a state directory, or makes it. An older one is upgraded, after a backup
    /// of it was written beside it.
    pub(crate) async fn open(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(sqlite::FILE_NAME);
        sqlite::Sqlite::open(&path).await.map(|sqlite| Self::Sqlite(Box::new(sqlite)))
    }

    /// Reads every fact.
    pub(crate) async fn load(&mut self) -> Result<Facts, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.load().await,
            #[cfg(test)]
            Self::Double(double) => double.load(),
        }
    }

    /// Keeps a batch: all of it is on disk when this returns, or none of it is promised. After an
    /// error the store has to be opened again.
    pub(crate) async fn keep(&mut self, moment: Now, changes: &[Change]) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.keep(moment, changes).await,
            #[cfg(test)]
            Self::Double(double) => double.keep(moment, changes).await,
        }
    }

    /// Lets go of the file and opens it as if for the first time: what a failed sync left in
    /// memory of the operating system is not trusted.
    pub(crate) async fn reopen(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.reopen().await,
            #[cfg(test)]
            Self::Double(double) => double.reopen(),
        }
    }

    /// Closes it in order. Without this nothing is lost either; the next start reads a little more.
    pub(crate) async fn close(self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            #[cfg(test)]
            Self::Double(_) => {}
        }
    }
}

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
        "{} is damaged: {what}\nhint: nothing was changed in it; put back a backup, and look at the disk's health",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, and how it shows.
        what: String,
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
        cause: sqlx::Error,
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
