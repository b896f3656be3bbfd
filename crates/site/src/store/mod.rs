//! What is kept: every fact of the engine, on disk, before anybody is told.
//!
//! In: changes, in batches. Out: the same facts again after any restart. Never: a decision.
//!
//! `copy` makes a copy while it is written.
//! `rows` says how a fact is written, `schema` how the tables look and came to look so, `file` opens
//! and checks them, `keeper` writes and reads them, `sqlite` is the thread it works on. `moments` has the clock that leases
//! end by, `audit` reads the log of what operators did, `reserve` the space that is left when the disk is
//! full, [`repair`] what can be done with a damaged file, [`restore`] what a copy holds and how it becomes a
//! store again.

pub(crate) mod audit;
pub(crate) mod copy;
#[cfg(test)]
pub(crate) mod double;
mod error;
pub(crate) mod facts;
mod file;
mod keeper;
mod moments;
pub mod repair;
pub(crate) mod reserve;
pub mod restore;
pub(crate) mod rows;
mod schema;
mod sqlite;
#[cfg(test)]
mod tests;

pub use error::StoreError;

use model::{Change, Now};
use std::fmt;
use std::net::Ipv4Addr;
use std::path::Path;

/// A place for facts. One so far; a second database joins here.
pub(crate) enum Store {
    /// A file in the state directory.
    Sqlite(sqlite::Sqlite),
    /// Does as its test says.
    #[cfg(test)]
    Double(double::Double),
}

/// Everything that is kept.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Every fact, as a change to an engine that knows nothing.
    pub(crate) changes: Vec<Change>,
    /// What could not be read. The rest is whole.
    pub(crate) damaged: Vec<Damage>,
}

/// A row that is not as it was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Damage {
    /// In which table.
    pub table: &'static str,
    /// Its key.
    pub row: String,
    /// How it shows.
    pub what: String,
    /// The address it was about. Until tomorrow nobody gets that, because somebody may have it.
    pub address: Option<Ipv4Addr>,
}

/// Damaged rows that an alarm names; `repair` names all.
const DAMAGE_NAMED: usize = 5;

impl Damage {
    /// All of them for an alarm; none if there are none.
    pub(crate) fn all_in_words(damaged: &[Self]) -> Option<String> {
        let named: Vec<String> = damaged.iter().take(DAMAGE_NAMED).map(Self::to_string).collect();
        let more = match damaged.len().saturating_sub(DAMAGE_NAMED) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        (!damaged.is_empty()).then(|| {
            format!(
                "the store is damaged, and goes on without what cannot be read: {}{more}. Addresses \
                 of leases among it are given to nobody for a day\nhint: look at the disk's health; \
                 then stop the server and let `bootwright store repair` write a whole store",
                named.join("; ")
            )
        })
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.table, self.row, self.what)
    }
}

impl Store {
    /// Opens the store of a state directory, or makes it. An older one is upgraded, after a backup
    /// of it was written beside it.
    pub(crate) async fn open(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(sqlite::FILE_NAME);
        repair::finish(&path)?;
        sqlite::Sqlite::open(&path, sqlite::How::default()).await.map(Self::Sqlite)
    }

    /// When a batch was kept last, if ever, by the clock that decisions are made on.
    pub(crate) fn kept(&self) -> Option<Now> {
        match self {
            Self::Sqlite(sqlite) => sqlite.kept(),
            #[cfg(test)]
            Self::Double(_) => None,
        }
    }

    /// Who may be asked for copies of it, if it can be copied.
    pub(crate) fn copier(&self) -> Option<copy::Copier> {
        match self {
            Self::Sqlite(sqlite) => Some(sqlite.copier()),
            #[cfg(test)]
            Self::Double(_) => None,
        }
    }

    /// Lets the lease clock go on from where it stood. Once, before the first [`Store::load`].
    pub(crate) async fn begin(&mut self, now: Now) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.begin(now).await,
            #[cfg(test)]
            Self::Double(_) => Ok(()),
        }
    }

    /// Reads every fact.
    pub(crate) async fn load(&mut self) -> Result<Facts, StoreError> {
        let mut changes = Vec::new();
        let damaged = self.load_into(&mut |change| changes.push(change)).await?;
        Ok(Facts { changes, damaged })
    }

    /// Hands every fact over, one by one, and says what could not be read.
    pub(crate) async fn load_into(
        &mut self,
        take: &mut (dyn FnMut(Change) + Send),
    ) -> Result<Vec<Damage>, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.load(take).await,
            #[cfg(test)]
            Self::Double(double) => double.load(take),
        }
    }

    /// Keeps a batch: all of it is on disk when this returns, or none of it is promised. After an
    /// error the store has to be opened again. A batch without changes keeps the moment.
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

    /// After [`StoreError::Full`], before [`Store::reopen`]: makes the space that was set aside the
    /// log of the store. What renews a lease can be kept from now on. Says whether there was any.
    pub(crate) async fn release_reserve(&mut self) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.release_reserve().await,
            #[cfg(test)]
            Self::Double(double) => Ok(double.release_reserve()),
        }
    }

    /// Sets the space aside again. If that succeeds the disk is no longer full: everything can be
    /// kept.
    pub(crate) async fn restore_reserve(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.restore_reserve().await,
            #[cfg(test)]
            Self::Double(double) => double.restore_reserve(),
        }
    }

    /// A way to the audit log that others may have.
    pub(crate) fn reader(&self) -> audit::Reader {
        match self {
            Self::Sqlite(sqlite) => sqlite.reader(),
            #[cfg(test)]
            Self::Double(_) => audit::Reader::none(),
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
