//! How the tables look, and how they came to look so.
//!
//! Every version of the schema is a step from the one before. Steps are never changed once they
//! were released. An upgrade first writes `bootwright.db.v{N}.backup`, then takes all steps in one
//! transaction; it may be killed anywhere and starts over at the next start.

use super::file::failed;
use super::keeper::quarantine;
use super::rows::{self, LeaseRow, Sum};
use super::{Damage, StoreError};
use model::Now;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use std::fs::{File, OpenOptions};
use std::net::Ipv4Addr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// One step.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    /// The version it leads to.
    pub(crate) version: u32,
    /// What it does to the tables.
    pub(crate) sql: &'static str,
    /// What it does to their rows, after that.
    pub(crate) rows: Option<Rewrite>,
}

/// Rewrites rows of the version before. What does not fit its checksum stays behind, in the backup.
type Rewrite = fn(&Transaction<'_>) -> Result<Vec<Damage>, rusqlite::Error>;

/// All steps, in order.
pub(crate) const STEPS: &[Step] = &[
    Step { version: 1, sql: V1, rows: None },
    Step { version: 2, sql: V2, rows: Some(rows_of_v2) },
    Step { version: 3, sql: V3, rows: None },
    Step { version: 4, sql: V4, rows: None },
    Step { version: 5, sql: V5, rows: None },
    Step { version: 6, sql: V6, rows: None },
    Step { version: 7, sql: V7, rows: None },
];

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

/// An address as a number is the name of its row: one tree instead of two. Ends of leases are in
/// lease time (see `moments`), of which the row `moment` of `meta` has the last. What is past lies
/// in the order of its end, because that is how it is forgotten.
const V2: &str = "
ALTER TABLE lease RENAME TO lease_v1;
CREATE TABLE lease (
    address   INTEGER PRIMARY KEY NOT NULL,
    network   TEXT NOT NULL,
    hardware  BLOB NOT NULL,
    client_id BLOB,
    host_name TEXT,
    since     INTEGER NOT NULL,
    until     INTEGER,
    state     INTEGER NOT NULL,
    sum       INTEGER NOT NULL
) STRICT;
CREATE TABLE lease_past (
    until     INTEGER NOT NULL,
    address   INTEGER NOT NULL,
    since     INTEGER NOT NULL,
    network   TEXT NOT NULL,
    hardware  BLOB NOT NULL,
    client_id BLOB,
    host_name TEXT,
    state     INTEGER NOT NULL,
    sum       INTEGER NOT NULL,
    PRIMARY KEY (until, address, since)
) STRICT, WITHOUT ROWID;
CREATE TABLE reservation (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
";

/// Where the channels of images stand, under the image's name.
const V3: &str = "
CREATE TABLE channel (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
";

/// Deployments and what they are made of; operators, their tokens, and what they did: by number, written
/// once and never again; webhooks; what documents declared, and what they said of it; what machines say of
/// their parts, apart from the machine, because it is many times as long and written far less often; how
/// their power is switched.
const V4: &str = "
CREATE TABLE template   (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE secret     (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE deployment (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE batch      (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE user       (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE token      (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE audit      (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE webhook    (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE declared   (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE hardware   (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE power      (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
";

/// Addresses of IPv6: who has which, and who was promised which. No number of SQLite's holds one, so
/// they are documents under their addresses.
const V5: &str = "
CREATE TABLE lease6       (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE reservation6 (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
";

/// Records of the DNS, under their names.
const V6: &str = "
CREATE TABLE name (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
";

/// What may stand at other DNS servers, under server, zone and name.
const V7: &str = "
CREATE TABLE published (key TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
";

/// Leases of the first version: the address as text, the state as a word, the end by the wall clock.
/// Its last moment is where lease time begins.
fn rows_of_v2(work: &Transaction<'_>) -> Result<Vec<Damage>, rusqlite::Error> {
    let mut damaged = Vec::new();
    let moment = "SELECT body FROM meta WHERE key = 'moment'";
    let last: Option<String> = work.query_row(moment, (), |row| row.get(0)).optional()?;
    let now = last.as_ref().and_then(|last| last.parse().ok()).map(Now).unwrap_or_default();
    {
        let mut put = work.prepare(super::keeper::PUT_LEASE)?;
        let mut select = work.prepare(
            "SELECT address, network, hardware, client_id, host_name, since, until, state, sum \
             FROM lease_v1",
        )?;
        let mut found = select.query(())?;
        while let Some(row) = found.next()? {
            let address: String = row.get(0)?;
            let state: String = row.get(7)?;
            let sum: i64 = row.get(8)?;
            let old = LeaseRow {
                address: address.parse().map_or(-1, |a: Ipv4Addr| u32::from(a).into()),
                network: row.get(1)?,
                hardware: row.get(2)?,
                client_id: row.get(3)?,
                host_name: row.get(4)?,
                since: row.get(5)?,
                until: row.get(6)?,
                state: WORDS_OF_V1.iter().position(|word| *word == state).map_or(-1, |n| n as i64),
            };
            if sum != sum_of_v1(&address, &state, &old) || old.address < 0 || old.state < 0 {
                let (row, address) =
                    (model::text::show(address.as_bytes()), rows::ipv4(old.address));
                if let Some(address) = address {
                    let held = quarantine(address, old.network, now);
                    let held = LeaseRow::of(&held, held.until.map(super::moments::moment));
                    super::keeper::bind_lease(&mut put, &held)?;
                    put.raw_execute()?;
                }
                let what = "it does not fit its checksum".to_owned();
                damaged.push(Damage { table: "lease", row, what, address });
                continue;
            }
            super::keeper::bind_lease(&mut put, &old)?;
            put.raw_execute()?;
        }
    }
    work.execute_batch("DROP TABLE lease_v1")?;

    if let Some(last) = last {
        let body = format!("{last} {last}");
        let update = "UPDATE meta SET body = ?1, sum = ?2 WHERE key = 'moment'";
        work.execute(update, (&body, rows::sum("moment", &body)))?;
    }
    Ok(damaged)
}

/// In the order of their numbers now.
const WORDS_OF_V1: [&str; 3] = ["bound", "released", "declined"];

fn sum_of_v1(address: &str, state: &str, row: &LeaseRow) -> i64 {
    let mut sum = Sum::new();
    sum.field(Some(address.as_bytes()));
    sum.field(Some(row.network.as_bytes()));
    sum.field(Some(&row.hardware));
    sum.field(row.client_id.as_deref());
    sum.field(row.host_name.as_ref().map(String::as_bytes));
    sum.field(Some(&row.since.to_be_bytes()));
    sum.field(row.until.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
    sum.field(Some(state.as_bytes()));
    sum.end()
}

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

/// Brings the tables to the last of the steps, and says what of their rows could not come along.
/// `at` is told how far it is.
pub(crate) fn bring_up(
    connection: &mut Connection,
    path: &Path,
    steps: &[Step],
    at: &mut dyn FnMut(Stage),
) -> Result<Vec<Damage>, StoreError> {
    let found = version(connection, path)?;
    let known = steps.last().map_or(0, |step| step.version);
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    if found == known {
        return Ok(Vec::new());
    }
    if found > 0 {
        back_up(connection, path, &backup_path(path, found), at)?;
    }
    take_steps(connection, found, steps, at).map_err(failed("upgrade", path))
}

fn take_steps(
    connection: &mut Connection,
    found: u32,
    steps: &[Step],
    at: &mut dyn FnMut(Stage),
) -> Result<Vec<Damage>, rusqlite::Error> {
    let mut damaged = Vec::new();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut last = found;
    for step in steps.iter().filter(|step| step.version > found) {
        transaction.execute_batch(step.sql)?;
        if let Some(rewrite) = step.rows {
            damaged.extend(rewrite(&transaction)?);
        }
        last = step.version;
        at(Stage::StepTaken(last));
    }
    let body = last.to_string();
    transaction.execute(
        "INSERT INTO meta (key, body, sum) VALUES (?1, ?2, ?3) \
         ON CONFLICT (key) DO UPDATE SET body = excluded.body, sum = excluded.sum",
        (VERSION, &body, rows::sum(VERSION, &body)),
    )?;
    transaction.commit()?;
    at(Stage::Committed);
    Ok(damaged)
}

/// Which version the tables have; 0 is a file without any.
pub(crate) fn version(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let wrong = failed("read", path);
    let names = |name: Option<&str>| {
        let count = "SELECT count(*) FROM sqlite_master WHERE type = 'table' \
                     AND (?1 IS NULL OR name = ?1)";
        connection.query_row(count, (name,), |row| row.get::<_, i64>(0)).map_err(&wrong)
    };
    if names(None)? == 0 {
        return Ok(0);
    }
    let foreign = |what: &str| StoreError::Foreign { path: path.to_owned(), what: what.to_owned() };
    if names(Some("meta"))? == 0 {
        return Err(foreign("it has no table `meta`"));
    }
    let (body, sum): (String, i64) = connection
        .query_row("SELECT body, sum FROM meta WHERE key = ?1", (VERSION,), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
        .map_err(&wrong)?
        .ok_or_else(|| foreign("it does not say which schema it has"))?;
    let what = "the row with its schema version does not fit its checksum".to_owned();
    match body.parse() {
        Ok(version) if sum == rows::sum(VERSION, &body) => Ok(version),
        _ => Err(StoreError::Damaged { path: path.to_owned(), what }),
    }
}

/// `bootwright.db.v1.backup`.
pub(crate) fn backup_path(path: &Path, version: u32) -> PathBuf {
    with_ending(path, &format!(".v{version}.backup"))
}

/// Beside it, under a longer name.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Writes a whole copy under another name, syncs it, then gives it its name: a backup that is
/// there is complete. One of an earlier try that was killed is written again, because the store
/// may have changed since.
fn back_up(
    connection: &Connection,
    path: &Path,
    to: &Path,
    at: &mut dyn FnMut(Stage),
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
    connection.execute("VACUUM INTO ?1", (name,)).map_err(failed("back up", path))?;
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
