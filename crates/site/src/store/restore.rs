//! What a copy of the store holds, and how it becomes a store again.
//!
//! In: a file that [`crate::SiteHandle::copy_store`] made, perhaps of another version, perhaps damaged
//! since. Out: what is in it; and a state directory in the place of another, all at once. Never: a store
//! that a server works on.

use super::file::{self, check, failed};
use super::keeper::{self, LEASES, META, MOMENT};
use super::moments::Moments;
use super::rows::{RESTORED, Table};
use super::schema::{self, sync_directory};
use super::sqlite::FILE_NAME;
use super::{Damage, StoreError};
use crate::SiteError;
use crate::directory::{LOCK, StateDirectory};
use model::{Change, Hash};
use rusqlite::{Connection, OpenFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What a copy holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Held {
    /// How many rows each table has.
    pub rows: BTreeMap<String, u64>,
    /// Blobs that images name.
    pub images: BTreeSet<Hash>,
    /// Blobs that bootloaders name.
    pub loaders: BTreeSet<Hash>,
    /// Rows that are not as they were written. Blobs that these named are not known.
    pub damaged: Vec<Damage>,
}

/// Reads a copy, every row of it.
pub fn look(copy: &Path) -> Result<Held, StoreError> {
    let wrong = failed("read", copy);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(copy, flags).map_err(&wrong)?;
    let found = check(&connection, "quick_check(3)").map_err(&wrong)?;
    if found != ["ok"] {
        return Err(StoreError::Damaged { path: copy.to_owned(), what: found.join("; ") });
    }
    let known = schema::STEPS.last().map_or(0, |step| step.version);
    let version = schema::version(&connection, copy)?;
    if version > known {
        return Err(StoreError::Newer { path: copy.to_owned(), found: version, known });
    }
    read(&connection, version == known).map_err(wrong)
}

/// `ours` is whether the tables are those of this version; of older ones not every row can be read yet.
fn read(connection: &Connection, ours: bool) -> Result<Held, rusqlite::Error> {
    let mut held = Held::default();
    let mut names = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?;
    let names: Vec<String> = names.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
    for name in names {
        // Its own names, from its own list; a quote in one is doubled.
        let count = format!("SELECT count(*) FROM \"{}\"", name.replace('"', "\"\""));
        let count: i64 = connection.query_row(&count, (), |row| row.get(0))?;
        held.rows.insert(name, count.unsigned_abs());
    }
    let there = |table: &str| held.rows.contains_key(table);
    let mut damaged = Vec::new();
    for (table, select) in LEASES.iter().filter(|_| ours) {
        let mut select = connection.prepare(select)?;
        let mut found = select.query(())?;
        while let Some(row) = found.next()? {
            damaged.extend(keeper::lease_row(row).err().map(|damage| Damage { table, ..damage }));
        }
    }
    let (mut images, mut loaders) = (BTreeSet::new(), BTreeSet::new());
    for table in Table::FACTS.into_iter().filter(|table| there(table.name())) {
        let select = format!("SELECT key, body, sum FROM {}", table.name());
        let mut select = connection.prepare(&select)?;
        let mut found = select.query(())?;
        while let Some(row) = found.next()? {
            match keeper::read_document(row, table) {
                Ok(Change::Image(image)) => images.extend(image.blobs()),
                Ok(Change::Loader(loader)) => drop(loaders.insert(loader.sha256)),
                Ok(_) => {}
                Err(damage) => damaged.push(damage),
            }
        }
    }
    Ok(Held { images, loaders, damaged, ..held })
}

/// Upgrades the store of a restored state directory if it is of an older version, and marks it: what was
/// given after its backup is not known.
pub fn mark_restored(state: &Path) -> Result<(), StoreError> {
    let path = state.join(FILE_NAME);
    let mut connection = file::connect(&path)?;
    schema::bring_up(&mut connection, &path, schema::STEPS, &mut |_| {})?;
    let wrong = failed("write to", &path);
    let mark = |connection: &Connection| {
        let moment = connection.query_row(META, (MOMENT,), |row| Ok(keeper::checked(row)));
        let moment = match moment {
            Ok(Ok((_, body))) => Moments::read(&body),
            // Nothing was ever kept; or the server will say that it cannot be read.
            Ok(Err(_)) | Err(rusqlite::Error::QueryReturnedNoRows) => None,
            Err(error) => return Err(error),
        };
        let at = moment.unwrap_or_default().lease.to_string();
        keeper::put_documents(connection, Table::Meta, [(RESTORED, Some(at.as_str()))])
    };
    mark(&connection).map_err(&wrong)?;
    connection.close().map_err(|(_, error)| wrong(error))
}

/// A state directory that is made beside the place that it will take.
#[derive(Debug)]
pub struct Placing {
    target: PathBuf,
    made: StateDirectory,
    /// What stands in that place, held so that no server starts on it meanwhile.
    instead: Option<StateDirectory>,
}

/// In a directory that is being restored; only with it what is there may be thrown away.
const MARK: &str = "restoring";

impl Placing {
    /// Makes `target` + `.new`, empty and locked. What a restore left there that was killed goes; what
    /// somebody else put there is refused. A state in `target` is refused without `force`, and with it if
    /// it is in use; anything else there is refused.
    pub fn begin(target: &Path, force: bool) -> Result<Self, SiteError> {
        // The directory itself, not a link to it, is what will be exchanged.
        let target = target.canonicalize().unwrap_or_else(|_| target.to_owned());
        let instead = match is_empty(&target)? {
            true => None,
            false => {
                crate::directory::refuse_in_use(&target)?;
                let ours = target.join(FILE_NAME).exists();
                if !force || !ours {
                    return Err(SiteError::NotEmpty { path: target, ours });
                }
                Some(StateDirectory::open(&target)?)
            }
        };
        if instead.is_some() {
            // Of a restore that was killed at its end: what is there now is no longer to be thrown away.
            gone(&target.join(MARK)).map_err(failed_to("look through", &target))?;
        }
        let beside = schema::with_ending(&target, ".new");
        if !is_empty(&beside)? && !beside.join(MARK).exists() {
            return Err(SiteError::NotEmpty { path: beside, ours: false });
        }
        let made = StateDirectory::open(&beside)?;
        let placing = Self { target, made, instead };
        placing.clear().map_err(failed_to("empty", &beside))?;
        Ok(placing)
    }

    /// Where the files go.
    pub fn path(&self) -> &Path {
        self.made.path()
    }

    /// Where they will be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Marks it as ours, then removes everything else but the lock.
    fn clear(&self) -> io::Result<()> {
        let mark = self.path().join(MARK);
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&mark)?;
        sync_directory(&mark)?;
        for entry in self.path().read_dir()? {
            let entry = entry?;
            let path = entry.path();
            match entry.file_type()?.is_dir() {
                true => std::fs::remove_dir_all(&path)?,
                false if path == mark || entry.file_name() == LOCK => {}
                false => std::fs::remove_file(&path)?,
            }
        }
        Ok(())
    }

    /// Removes what was made.
    pub fn give_up(self) {
        // Where that fails the next restore tries it again.
        let _ = std::fs::remove_dir_all(self.made.path());
    }

    /// Puts it into its place, which nobody can find half done. Everything in it must be on disk. What
    /// stood there is kept under the name that is given back.
    pub fn finish(self) -> Result<Option<PathBuf>, SiteError> {
        let Self { target, made, instead } = &self;
        let hint = "if the state directory is a mount point, restore into a directory below it, and \
                    name that as `state`";
        let failed = |cause| SiteError::Directory {
            doing: "put the restored state in the place of",
            path: target.clone(),
            cause,
            hint,
        };
        let aside = match instead {
            None => {
                std::fs::rename(made.path(), target).map_err(failed)?;
                None
            }
            Some(_) => Some(exchange(made.path(), target).map_err(failed)?),
        };
        // Until here it may be thrown away by the next restore.
        gone(&target.join(MARK)).and_then(|()| sync_directory(target)).map_err(failed)?;
        Ok(aside)
    }
}

/// Gives each the other's name at once, then what was there a name that says so.
fn exchange(made: &Path, target: &Path) -> io::Result<PathBuf> {
    let (here, flags) = (rustix::fs::CWD, rustix::fs::RenameFlags::EXCHANGE);
    rustix::fs::renameat_with(here, made, here, target, flags)?;
    sync_directory(target)?;
    let aside = (1..)
        .map(|n: u32| schema::with_ending(target, &format!(".before-restore.{n}")))
        .find(|aside| !aside.exists())
        .unwrap_or_else(|| schema::with_ending(target, ".before-restore"));
    std::fs::rename(made, &aside)?;
    Ok(aside)
}

/// Whether there is nothing, or nothing but a lock.
fn is_empty(directory: &Path) -> Result<bool, SiteError> {
    let look = || -> io::Result<bool> {
        for entry in directory.read_dir()? {
            if entry?.file_name() != LOCK {
                return Ok(false);
            }
        }
        Ok(true)
    };
    match look() {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(true),
        looked => looked.map_err(failed_to("look through", directory)),
    }
}

fn gone(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn failed_to(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SiteError + use<> {
    let path = path.to_owned();
    let hint = "check the path, and who may write there";
    move |cause| SiteError::Directory { doing, path, cause, hint }
}
