//! One SQLite file, written and read: write-ahead log, every commit synced.
//!
//! In: rows, in batches. Out: facts. Never: a second writer (the state directory is locked, and so
//! is the file), a thread, a decision.
//!
//! A commit writes the pages that it changed to the end of the log and syncs that. When the log has
//! grown to [`Limits::log`], its pages are moved to their places, and it begins anew over itself:
//! from then on a commit changes no file's size, which makes syncing it cheaper.

use super::audit::{self, Page};
use super::file::{connect, failed, grow, move_log, open};
use super::moments::{Moments, Shift};
use super::reserve;
use super::rows::{self, LeaseRow, NEVER, RESTORED, Rows, Table};
use super::schema::{self, Stage, Step};
use super::{Damage, StoreError};
use model::lease::LeaseState;
use model::{Change, HardwareAddress, Lease, Now};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Row, Statement, Transaction, TransactionBehavior};
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

/// How much of the disk is used for speed and safety.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of the log from which on it is moved into the store. More is fewer stalls, and a
    /// longer start after a crash.
    pub(crate) log: u64,
    /// The same while the log is made of the reserve.
    pub(crate) log_in_need: u64,
    /// See [`reserve`].
    pub(crate) reserve: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { log: 16 << 20, log_in_need: 8 << 20, reserve: reserve::RESERVE }
    }
}

/// The row of `meta` with [`Moments`].
pub(crate) const MOMENT: &str = "moment";

/// Reads a row of `meta`.
pub(crate) const META: &str = "SELECT key, body, sum FROM meta WHERE key = ?1";

/// Facts that are handed over at once.
const FACTS_AT_ONCE: usize = 1024;

/// Nobody gets the address of a lease that cannot be read for so long after a start: somebody may
/// have it.
const QUARANTINE: Duration = Duration::from_secs(24 * 3600);

/// A lease is mostly a row that is there; nothing refers to it, so it may be put in its place.
pub(crate) const PUT_LEASE: &str = "REPLACE INTO lease \
    (address, network, hardware, client_id, host_name, since, until, state, sum) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

const PUT_PAST: &str = "REPLACE INTO lease_past \
    (address, network, hardware, client_id, host_name, since, until, state, sum) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

thread_local! {
    /// Pages in the log after the last commit of the connection that this thread has.
    static LOGGED: Cell<u64> = const { Cell::new(0) };
}

/// A SQLite file. Between a failure and [`Keeper::reopen`] it has no connection.
pub(crate) struct Keeper {
    path: PathBuf,
    limits: Limits,
    connection: Option<Rc<Connection>>,
    /// Pages of the log from which on it is moved into the store.
    pages_max: u64,
    kept: Option<Moments>,
    shift: Shift,
    started: Now,
    /// Why there is no connection, if nobody was told yet.
    failed: Option<StoreError>,
    /// What an upgrade could not read; told with the first load.
    lost: Vec<Damage>,
}

impl Keeper {
    /// Opens the file, or makes it, checks its structure, and brings its tables up to date, telling
    /// how far that is.
    pub(crate) fn open(
        path: &Path,
        limits: Limits,
        steps: &[Step],
        at: &mut dyn FnMut(Stage),
    ) -> Result<Self, StoreError> {
        let mut connection = connect(path)?;
        let lost = schema::bring_up(&mut connection, path, steps, at)?;
        // Without it the store works as well, until the disk is full.
        let _ = reserve::set_aside(path, limits.reserve);
        let mut keeper = Self {
            path: path.to_owned(),
            limits,
            connection: None,
            pages_max: 0,
            kept: None,
            shift: Shift::default(),
            started: Now(0),
            failed: None,
            lost,
        };
        keeper.kept = keeper.read_moments(&connection)?;
        keeper.started = keeper.kept.unwrap_or_default().now;
        keeper.take(Rc::new(connection))?;
        Ok(keeper)
    }

    /// The last batch that was kept.
    pub(crate) fn kept(&self) -> Option<Moments> {
        self.kept
    }

    /// See [`super::Store::begin`].
    pub(crate) fn begin(&mut self, now: Now) {
        self.shift = Shift::at(now, self.kept);
        self.started = now;
    }

    /// How far moments are ahead of lease time.
    pub(crate) fn shift(&self) -> Shift {
        self.shift
    }

    /// See [`super::Store::reopen`].
    pub(crate) fn reopen(&mut self) -> Result<(), StoreError> {
        // It failed before; whatever it says now adds nothing.
        drop(self.connection.take());
        self.failed = None;
        let connection = connect(&self.path)?;
        self.take(Rc::new(connection))
    }

    /// The connection, for whoever copies what it holds between two batches. It must be dropped before
    /// anything but a batch is kept: while it is there the file cannot be opened again.
    pub(crate) fn lend(&self) -> Option<Rc<Connection>> {
        self.connection.clone()
    }

    fn take(&mut self, connection: Rc<Connection>) -> Result<(), StoreError> {
        let page: i64 = connection
            .pragma_query_value(None, "page_size", |row| row.get(0))
            .map_err(failed("read", &self.path))?;
        let in_need = !reserve::is_there(&self.path, self.limits.reserve);
        let log = if in_need { self.limits.log_in_need } else { self.limits.log };
        // Closing would remove the log, whose space somebody else would have then.
        let keep_log = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        connection.set_db_config(keep_log, in_need).map_err(failed("open", &self.path))?;
        self.pages_max = log / u64::try_from(page).unwrap_or(1).max(1);
        connection.set_prepared_statement_cache_capacity(64);
        connection.wal_hook(Some(|_, pages| {
            LOGGED.set(u64::try_from(pages).unwrap_or(0));
            Ok(())
        }));
        LOGGED.set(0);
        self.connection = Some(connection);
        Ok(())
    }

    /// See [`super::Store::keep`].
    pub(crate) fn keep(&mut self, now: Now, rows: &Rows) -> Result<(), StoreError> {
        // Taken out: it comes back only if all went well.
        let Some(connection) = self.connection.take() else {
            return Err(self.failed.take().unwrap_or_else(|| self.closed()));
        };
        let moments = Moments { now, lease: self.shift.written(now) };
        write(&connection, moments, rows).map_err(failed("write to", &self.path))?;
        self.connection = Some(connection);
        self.kept = Some(moments);
        Ok(())
    }

    /// Moves a long log into the store. What it holds was promised and is safe there, so a failure
    /// costs nothing yet; but of a file that could not be synced nothing more is acknowledged.
    pub(crate) fn tidy(&mut self) {
        if LOGGED.get() < self.pages_max {
            return;
        }
        let Some(connection) = self.connection.take() else { return };
        match move_log(&connection).map_err(failed("write to", &self.path)) {
            Ok(()) => LOGGED.set(0),
            // The log goes on growing while there is space for that.
            Err(StoreError::Full { .. }) => self.pages_max = self.pages_max.saturating_mul(2),
            Err(error) => {
                self.failed = Some(error);
                return;
            }
        }
        self.connection = Some(connection);
    }

    /// See [`super::Store::release_reserve`].
    pub(crate) fn release_reserve(&mut self) -> Result<bool, StoreError> {
        drop(self.connection.take());
        let path = self.path.clone();
        let failed = |cause| StoreError::Io { doing: "use the reserve of", path, cause };
        let spare = self.limits.reserve / 8;
        // What fails here fails again, and is told, when the file is opened for work.
        let prepare = || drop(open(&self.path).and_then(|connection| grow(&connection, spare)));
        reserve::release(&self.path, prepare).map_err(failed)
    }

    /// See [`super::Store::restore_reserve`].
    pub(crate) fn restore_reserve(&mut self) -> Result<(), StoreError> {
        reserve::set_aside(&self.path, self.limits.reserve).map_err(|cause| {
            let path = reserve::path(&self.path);
            match cause.kind() {
                std::io::ErrorKind::StorageFull => StoreError::Full { path },
                _ => StoreError::Io { doing: "write", path, cause },
            }
        })?;
        match self.connection.take() {
            Some(connection) => self.take(connection),
            None => Ok(()),
        }
    }

    /// See [`super::Store::load_into`]. `give` takes many at once; false ends it.
    pub(crate) fn load(
        &mut self,
        give: &mut dyn FnMut(Vec<Change>) -> bool,
    ) -> Result<Vec<Damage>, StoreError> {
        let connection = self.connection.as_ref().ok_or_else(|| self.closed())?;
        let mut told = Telling { chunk: Vec::new(), damaged: self.lost.clone(), give };
        self.read_all(connection, &mut told).map_err(failed("read", &self.path))?;
        (told.give)(told.chunk);
        self.lost.clear();
        Ok(told.damaged)
    }

    fn read_all(
        &self,
        connection: &Connection,
        told: &mut Telling<'_>,
    ) -> Result<(), rusqlite::Error> {
        for (table, lease) in LEASES {
            let mut select = connection.prepare(lease)?;
            let mut found = select.query(())?;
            while let Some(row) = found.next()? {
                match (read_lease(row, self.end_in(table)), table) {
                    (Ok(lease), LEASE) => told.fact(Change::Lease(lease)),
                    (Ok(lease), _) => told.fact(Change::LeasePast(lease)),
                    (Err(damage), LEASE) => told.broken_lease(row, self.started, damage),
                    (Err(damage), _) => told.damaged.push(Damage { table, ..damage }),
                }
            }
        }
        for table in Table::FACTS {
            let select = format!("SELECT key, body, sum FROM {}", table.name());
            let mut select = connection.prepare(&select)?;
            let mut found = select.query(())?;
            while let Some(row) = found.next()? {
                match read_document(row, table) {
                    Ok(fact) => told.fact(rows::seen(fact, self.shift)),
                    Err(damage) => told.damaged.push(damage),
                }
            }
        }
        if let Some(last) = audit::last(connection, &mut told.damaged)? {
            told.fact(Change::Audit(last));
        }
        // Last: what was known before is what is in doubt.
        if let Some(at) = self.read_restored(connection, told)? {
            told.fact(Change::Restored(at));
        }
        Ok(())
    }

    /// See [`super::Reader::page`].
    pub(crate) fn audit_page(&self, from: u64, at_most: usize) -> Result<Page, StoreError> {
        let connection = self.connection.as_ref().ok_or_else(|| self.closed())?;
        audit::page(connection, from, at_most).map_err(failed("read", &self.path))
    }

    /// When all of it was restored, if it was. If that cannot be read: just now.
    fn read_restored(
        &self,
        connection: &Connection,
        told: &mut Telling<'_>,
    ) -> Result<Option<Now>, rusqlite::Error> {
        let row = connection.query_row(META, (RESTORED,), |row| Ok(checked(row))).optional()?;
        let damage = match row {
            None => return Ok(None),
            Some(Ok((_, body))) => match body.parse() {
                Ok(at) => return Ok(Some(self.shift.seen(at))),
                Err(_) => unfit(RESTORED),
            },
            Some(Err(damage)) => damage,
        };
        told.damaged.push(damage);
        Ok(Some(self.started))
    }

    /// How the end of a lease is to be read.
    fn end_in(&self, table: &str) -> Shift {
        if table == LEASE { self.shift } else { Shift::default() }
    }

    fn read_moments(&self, connection: &Connection) -> Result<Option<Moments>, StoreError> {
        let found = connection.query_row(META, (MOMENT,), |row| Ok(checked(row)));
        let what = match found {
            Ok(Ok((_, body))) => match Moments::read(&body) {
                Some(moments) => return Ok(Some(moments)),
                None => format!("the last moment is no number: `{body}`"),
            },
            Ok(Err(damage)) => format!("row `{}`: {}", damage.row, damage.what),
            Err(rusqlite::Error::QueryReturnedNoRows) => return Ok(None),
            Err(error) => return Err(failed("read", &self.path)(error)),
        };
        let what = format!("table `meta`: {what}");
        Err(StoreError::Damaged { path: self.path.clone(), what })
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed { path: self.path.clone() }
    }
}

/// Facts on their way out.
struct Telling<'a> {
    chunk: Vec<Change>,
    damaged: Vec<Damage>,
    give: &'a mut dyn FnMut(Vec<Change>) -> bool,
}

impl Telling<'_> {
    fn fact(&mut self, fact: Change) {
        self.chunk.push(fact);
        if self.chunk.len() >= FACTS_AT_ONCE {
            let full = std::mem::replace(&mut self.chunk, Vec::with_capacity(FACTS_AT_ONCE));
            // Whoever asked may be gone; the rest is a short walk then.
            (self.give)(full);
        }
    }

    fn broken_lease(&mut self, row: &Row<'_>, now: Now, damage: Damage) {
        if let Some(address) = damage.address {
            self.fact(Change::Lease(quarantine(address, row.get(1).unwrap_or_default(), now)));
        }
        self.damaged.push(damage);
    }
}

/// What stands for a lease that cannot be read.
pub(crate) fn quarantine(address: Ipv4Addr, network: String, now: Now) -> Lease {
    Lease {
        address,
        network,
        hardware: HardwareAddress::new(0, &[]),
        client_id: None,
        host_name: None,
        since: now,
        until: Some(now + QUARANTINE),
        state: LeaseState::Conflict,
    }
}

/// The table of leases.
pub(crate) const LEASE: &str = "lease";

/// The tables of leases, and how they are read.
pub(crate) const LEASES: [(&str, &str); 2] = [
    (
        LEASE,
        "SELECT address, network, hardware, client_id, host_name, since, until, state, sum \
             FROM lease",
    ),
    (
        "lease_past",
        "SELECT address, network, hardware, client_id, host_name, since, until, state, \
             sum FROM lease_past",
    ),
];

/// Writes a batch and commits it, which syncs it.
fn write(connection: &Connection, moments: Moments, rows: &Rows) -> Result<(), rusqlite::Error> {
    let work = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    put_leases(&work, rows)?;
    for (table, documents) in &rows.documents {
        put_documents(&work, *table, documents.iter().map(|(k, b)| (k.as_str(), b.as_deref())))?;
    }
    put_documents(&work, Table::Meta, [(MOMENT, Some(moments.body().as_str()))])?;
    work.commit()
}

pub(crate) fn put_leases(work: &Connection, rows: &Rows) -> Result<(), rusqlite::Error> {
    let mut put = work.prepare_cached(PUT_LEASE)?;
    for (address, lease) in &rows.leases {
        match lease {
            Some(lease) => {
                bind_lease(&mut put, lease)?;
                put.raw_execute()?;
            }
            None => {
                let mut delete = work.prepare_cached("DELETE FROM lease WHERE address = ?1")?;
                delete.execute((u32::from(*address),))?;
            }
        }
    }
    if let Some(before) = rows.past_gone {
        work.prepare_cached("DELETE FROM lease_past WHERE until < ?1")?.execute((before,))?;
    }
    let mut put = work.prepare_cached(PUT_PAST)?;
    for lease in rows.past.values() {
        bind_lease(&mut put, lease)?;
        put.raw_bind_parameter(7, lease.until.unwrap_or(NEVER))?;
        put.raw_execute()?;
    }
    Ok(())
}

/// In the order of [`PUT_LEASE`].
pub(crate) fn bind_lease(to: &mut Statement<'_>, row: &LeaseRow) -> Result<(), rusqlite::Error> {
    to.raw_bind_parameter(1, row.address)?;
    to.raw_bind_parameter(2, &row.network)?;
    to.raw_bind_parameter(3, &row.hardware)?;
    to.raw_bind_parameter(4, &row.client_id)?;
    to.raw_bind_parameter(5, &row.host_name)?;
    to.raw_bind_parameter(6, row.since)?;
    to.raw_bind_parameter(7, row.until)?;
    to.raw_bind_parameter(8, row.state)?;
    to.raw_bind_parameter(9, row.sum())
}

/// Writes documents of one table; those without a body go.
pub(crate) fn put_documents<'a>(
    work: &Connection,
    table: Table,
    documents: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> Result<(), rusqlite::Error> {
    let name = table.name();
    for (key, body) in documents {
        let Some(body) = body else {
            work.prepare_cached(&format!("DELETE FROM {name} WHERE key = ?1"))?.execute((key,))?;
            continue;
        };
        work.prepare_cached(&format!(
            "INSERT INTO {name} (key, body, sum) VALUES (?1, ?2, ?3) \
             ON CONFLICT (key) DO UPDATE SET body = excluded.body, sum = excluded.sum"
        ))?
        .execute((key, body, rows::sum(key, body)))?;
    }
    Ok(())
}

/// A lease from a row of [`LEASES`], or what is wrong with that.
fn read_lease(row: &Row<'_>, ends: Shift) -> Result<Lease, Damage> {
    let lease = lease_row(row)?;
    let number = lease.address;
    lease.lease(|until| ends.seen(until)).map_err(|what| broken_lease(number, what))
}

fn broken_lease(number: i64, what: String) -> Damage {
    let address = rows::ipv4(number);
    let row = address.map_or(number.to_string(), |address| address.to_string());
    Damage { table: LEASE, row, what, address }
}

/// The columns of a row of [`LEASES`], if they fit their sum.
pub(crate) fn lease_row(row: &Row<'_>) -> Result<LeaseRow, Damage> {
    let number = row.get::<_, i64>(0).unwrap_or(-1);
    let read = || -> Result<(LeaseRow, i64), rusqlite::Error> {
        let lease = LeaseRow {
            address: number,
            network: row.get(1)?,
            hardware: row.get(2)?,
            client_id: row.get(3)?,
            host_name: row.get(4)?,
            since: row.get(5)?,
            until: row.get::<_, Option<i64>>(6)?.filter(|until| *until != NEVER),
            state: row.get(7)?,
        };
        Ok((lease, row.get(8)?))
    };
    match read() {
        Ok((lease, sum)) if lease.sum() == sum => Ok(lease),
        Ok(_) => Err(broken_lease(number, UNFIT.to_owned())),
        Err(error) => Err(broken_lease(number, error.to_string())),
    }
}

fn unfit(row: &str) -> Damage {
    Damage { table: "meta", row: row.to_owned(), what: UNFIT.to_owned(), address: None }
}

const UNFIT: &str = "it does not fit its checksum";

/// A fact from a row `key, body, sum`, or what is wrong with that.
pub(crate) fn read_document(row: &Row<'_>, table: Table) -> Result<Change, Damage> {
    let named = |damage: Damage| Damage { table: table.name(), ..damage };
    let (key, body) = checked(row).map_err(named)?;
    rows::read(table, &key, &body).map_err(|what| {
        let row = model::text::show(key.as_bytes());
        named(Damage { table: table.name(), row, what, address: None })
    })
}

/// The key and the body of a document that fits its sum.
pub(crate) fn checked(row: &Row<'_>) -> Result<(String, String), Damage> {
    let read = || -> Result<(String, String, i64), rusqlite::Error> {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    };
    let damage = |what: String| {
        let key = row.get_ref(0).ok().and_then(|key| key.as_bytes().ok());
        let row = key.map_or("?".to_owned(), model::text::show);
        Damage { table: "meta", row, what, address: None }
    };
    match read() {
        Ok((key, body, sum)) if sum == rows::sum(&key, &body) => Ok((key, body)),
        Ok(_) => Err(damage(UNFIT.to_owned())),
        Err(error) => Err(damage(error.to_string())),
    }
}
