//! How the tables look, and how they came to look so.
//!
//! Every version of the schema is a step from the one before. Steps are never changed once they
//! were released. An upgrade first writes `bootwright.db.v{N}.backup`, then takes all steps in one
//! transaction; it may be killed anywhere and starts over at the next start.

use super::StoreError;
use super::rows;
use super::sqlite::failed;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// One step.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    /// The version it leads to.
    pub(crate) version: u32,
    /// What it does.
    pub(crate) sql: &'static str,
}

/// All steps, in order.
pub(crate) const STEPS: &[Step] = &[Step { version: 1, sql: V1 }];

/// Leases have columns, because operators and other programs ask for them by these. Every other
/// fact is a document under its name. `sum` is a checksum of the row. STRICT alone is SQLite's own.
const V1: &str = "
CREATE TABLE lease (
    address   TEXT PRIMARY KEY NOT NULL,
    network   TEXT NOT NULL,
    hardware  BLOB NOT NULL,
    client_id BLOB,
    host_name TEXT,
    since     INTEGER NOT NULL,
    until     INTEGER,
    state     TEXT NOT NULL,
    sum       INTEGER NOT NULL
) STRICT;
CREATE TABLE machine (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE profile (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE rules   (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE menu    (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE image   (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE loader  (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE meta    (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
";

/// The row of `meta` that says which version the tables have. The shape of `meta` never changes.
const VERSION: &str = "schema";

/// A place in an upgrade at which a test may end us.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    /// Half of the backup may be there, under another name.
    BackupWritten,
    /// The backup has its name.
    BackupKept,
    /// A step was taken, but is not committed.
    StepTaken(u32),
    /// All steps are on disk.
    Committed,
}

/// Brings the tables to the last of the steps. `at` is told how far it is.
pub(crate) async fn bring_up(
    connection: &mut SqliteConnection,
    path: &Path,
    steps: &[Step],
    at: &mut (dyn FnMut(Stage) + Send),
) -> Result<(), StoreError> {
    let found = version(connection, path).await?;
    let known = steps.last().map_or(0, |step| step.version);
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    if found == known {
        return Ok(());
    }
    if found > 0 {
        back_up(connection, path, &backup_path(path, found), at).await?;
    }

    let wrong = failed("upgrade", path);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(&wrong)?;
    for step in steps.iter().filter(|step| step.version > found) {
        sqlx::raw_sql(step.sql).execute(&mut *transaction).await.map_err(&wrong)?;
        at(Stage::StepTaken(step.version));
    }
    let body = known.to_string();
    sqlx::query(
        "INSERT INTO meta (key, body, sum) VALUES ($1, $2, $3) \
         ON CONFLICT (key) DO UPDATE SET body = excluded.body, sum = excluded.sum",
    )
    .bind(VERSION)
    .bind(&body)
    .bind(rows::sum(VERSION, &body))
    .execute(&mut *transaction)
    .await
    .map_err(&wrong)?;
    transaction.commit().await.map_err(&wrong)?;
    at(Stage::Committed);
    Ok(())
}

/// Which version the tables have; 0 is a file without any.
async fn version(connection: &mut SqliteConnection, path: &Path) -> Result<u32, StoreError> {
    let wrong = failed("read", path);
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
            .fetch_all(&mut *connection)
            .await
            .map_err(&wrong)?;
    if tables.is_empty() {
        return Ok(0);
    }
    let foreign = |what: &str| StoreError::Foreign { path: path.to_owned(), what: what.to_owned() };
    if !tables.iter().any(|name| name == "meta") {
        return Err(foreign("it has no table `meta`"));
    }
    let row = sqlx::query("SELECT body, sum FROM meta WHERE key = $1")
        .bind(VERSION)
        .fetch_optional(connection)
        .await
        .map_err(&wrong)?
        .ok_or_else(|| foreign("it does not say which schema it has"))?;
    let body: String = row.try_get(0).map_err(&wrong)?;
    let sum: i64 = row.try_get(1).map_err(&wrong)?;
    let what = "the row with its schema version does not fit its checksum".to_owned();
    let damaged = StoreError::Damaged { path: path.to_owned(), what };
    match body.parse() {
        Ok(version) if sum == rows::sum(VERSION, &body) => Ok(version),
        _ => Err(damaged),
    }
}

/// `bootwright.db.v1.backup`.
pub(crate) fn backup_path(path: &Path, version: u32) -> PathBuf {
    with_ending(path, &format!(".v{version}.backup"))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Writes a whole copy under another name, syncs it, then gives it its name: a backup that is
/// there is complete. One of an earlier try that was killed is written again, because the store
/// may have changed since.
async fn back_up(
    connection: &mut SqliteConnection,
    path: &Path,
    to: &Path,
    at: &mut (dyn FnMut(Stage) + Send),
) -> Result<(), StoreError> {
    let partial = with_ending(to, ".partial");
    let failed_io =
        |cause| StoreError::Io { doing: "write the backup", path: to.to_owned(), cause };
    // Made by us, because SQLite would make it readable by others; it takes an empty file.
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)
        .map_err(failed_io)?;
    // The path of the state directory comes from a flag or a file; if it is no UTF-8, SQLite
    // cannot have opened the store either.
    let name = partial.to_string_lossy().into_owned();
    sqlx::query("VACUUM INTO $1")
        .bind(name)
        .execute(connection)
        .await
        .map_err(failed("back up", path))?;
    at(Stage::BackupWritten);
    file.sync_all().map_err(failed_io)?;
    std::fs::rename(&partial, to).map_err(failed_io)?;
    sync_directory(to).map_err(failed_io)?;
    at(Stage::BackupKept);
    Ok(())
}

/// Puts the names in the directory of a file on disk.
pub(crate) fn sync_directory(of: &Path) -> std::io::Result<()> {
    File::open(of.parent().unwrap_or(Path::new("/")))?.sync_all()
}
