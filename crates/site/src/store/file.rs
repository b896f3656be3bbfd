//! The file itself, as SQLite opens, checks, grows and blames it.
//!
//! In: a path. Out: a connection that keeps promises, or a [`StoreError`] in words. Never: a row.

use super::StoreError;
use super::schema;
use rusqlite::{Connection, OpenFlags};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// Opens the file with everything that keeping a promise needs, and checks it.
pub(crate) fn connect(path: &Path) -> Result<Connection, StoreError> {
    create(path)?;
    let wrong = failed("open", path);
    let connection = open(path).map_err(&wrong)?;

    // The structure of every page. That a row is as it was written, its checksum tells when it is
    // read; that an index of documents fits its table, only `repair` looks.
    let found = check(&connection, "quick_check(3)").map_err(&wrong)?;
    if found != ["ok"] {
        return Err(StoreError::Damaged { path: path.to_owned(), what: found.join("; ") });
    }
    // After a sync that failed the log may be on disk only in part, and a second sync of it would
    // not notice; what is moved is written anew, to another place, and synced there. A full disk
    // may leave it in the log, where it was synced.
    match move_log(&connection).map_err(&wrong) {
        Ok(()) | Err(StoreError::Full { .. }) => Ok(connection),
        Err(error) => Err(error),
    }
}

/// SQLite as we use it.
pub(crate) fn open(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // Small pages, because a batch touches many and each goes to the log as a whole; ours alone,
    // so that the log's index is not a file, and no reader keeps the log from beginning anew.
    connection.execute_batch(
        "PRAGMA page_size = 1024;
         PRAGMA locking_mode = EXCLUSIVE;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA cache_size = -16000;
         PRAGMA temp_store = MEMORY;
         PRAGMA cell_size_check = ON;
         PRAGMA trusted_schema = OFF;",
    )?;
    Ok(connection)
}

/// What one of SQLite's own checks says: `ok`, or what is wrong.
pub(crate) fn check(connection: &Connection, how: &str) -> Result<Vec<String>, rusqlite::Error> {
    let mut check = connection.prepare(&format!("PRAGMA {how}"))?;
    let found = check.query_map((), |row| row.get(0))?;
    found.collect()
}

/// Moves everything from the log into the store and syncs that; the log begins anew, and keeps its
/// size.
pub(crate) fn move_log(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.query_row("PRAGMA wal_checkpoint(RESTART)", (), |_| Ok(()))
}

/// Moves the log into the store, and gives that some pages that are free: a row that is renewed may
/// need a byte more than there is on its page. Closing the connection then removes the log.
pub(crate) fn grow(connection: &Connection, bytes: u64) -> Result<(), rusqlite::Error> {
    move_log(connection)?;
    connection.execute_batch("CREATE TABLE IF NOT EXISTS spare (x BLOB) STRICT")?;
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    connection.execute("INSERT INTO spare (x) VALUES (zeroblob(?1))", (bytes,))?;
    // Only what is moved takes space in the file.
    move_log(connection)?;
    connection.execute_batch("DROP TABLE spare")?;
    move_log(connection)
}

/// Makes an empty file, because SQLite would make it readable by others; its log takes its mode.
pub(crate) fn create(path: &Path) -> Result<(), StoreError> {
    let failed = |cause| StoreError::Io { doing: "create", path: path.to_owned(), cause };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => schema::sync_directory(path).map_err(failed),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(failed(e)),
    }
}

/// Sorts an error of SQLite by whose fault it is.
pub(crate) fn failed(
    doing: &'static str,
    path: &Path,
) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |cause| {
        use rusqlite::ErrorCode as Code;
        use rusqlite::types::FromSqlError;
        let path = path.clone();
        let odd = |cause: &rusqlite::Error| StoreError::Damaged {
            path: path.clone(),
            what: cause.to_string(),
        };
        match &cause {
            rusqlite::Error::SqliteFailure(error, _) => match error.code {
                Code::DiskFull => StoreError::Full { path },
                Code::DatabaseBusy | Code::DatabaseLocked => StoreError::Busy { path },
                Code::DatabaseCorrupt => odd(&cause),
                Code::NotADatabase => {
                    StoreError::Damaged { path, what: "it is no SQLite database".to_owned() }
                }
                _ => StoreError::Database { doing, path, cause },
            },
            rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::Utf8Error(..) => odd(&cause),
            rusqlite::Error::FromSqlConversionFailure(_, _, of) if of.is::<FromSqlError>() => {
                odd(&cause)
            }
            _ => StoreError::Database { doing, path, cause },
        }
    }
}
