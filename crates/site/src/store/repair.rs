//! What can be done with a store that is damaged: every row that is as it was written goes into a
//! new one, and the old one is put aside.
//!
//! In: a state directory that no server works on. Out: a [`Report`] of what is whole and what is
//! not. Never: a change to the damaged file; what is looked at is a copy.
//!
//! It may be killed anywhere. A new store that is complete has the name `bootwright.db.repaired`;
//! from then on whoever opens the store puts it in its place first.

use super::file::{self, failed};
use super::keeper::{self, LEASE, LEASES, META, MOMENT};
use super::moments::Moments;
use super::reserve::log_path;
use super::rows::{LeaseRow, NEVER, RESTORED, Rows, Table};
use super::schema::{self, sync_directory, with_ending};
use super::sqlite::FILE_NAME;
use super::{Damage, StoreError};
use crate::SiteError;
use crate::directory::StateDirectory;
use model::Now;
use rusqlite::{Connection, Row};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// An address that was in a row that is gone, is nobody's for so long in lease time.
const QUARANTINE_MS: i64 = 24 * 3600 * 1000;

/// Lines of SQLite's own check that are worth reading.
const STRUCTURE_LINES: u32 = 20;

/// What was found in a store, and done about it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// The store.
    pub path: PathBuf,
    /// How many rows of each table are as they were written.
    pub whole: Vec<(&'static str, u64)>,
    /// What is not, and is lost.
    pub damaged: Vec<Damage>,
    /// What SQLite says of the structure of the file; nothing if that is sound.
    pub structure: Vec<String>,
    /// Where the damaged file lies now; none if nothing was done.
    pub aside: Option<PathBuf>,
}

impl Report {
    /// Whether there is nothing to repair.
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty() && self.structure.is_empty()
    }
}

/// Looks at every row of the store of a state directory. If anything is wrong and `really` says so,
/// a store of the whole rows takes its place.
pub fn repair(state: &Path, really: bool) -> Result<Report, SiteError> {
    let directory = StateDirectory::open(state)?;
    let path = directory.path().join(FILE_NAME);
    finish(&path)?;
    let scene = Scene::new(&path)?;
    let mut report = scene.salvage()?;
    if really && !report.is_sound() {
        report.aside = Some(scene.exchange()?);
    }
    Ok(report)
}

/// Puts a repaired store in the place of the damaged one, if that was begun.
pub(crate) fn finish(path: &Path) -> Result<(), StoreError> {
    let repaired = with_ending(path, ".repaired");
    if !repaired.exists() {
        return Ok(());
    }
    let exchange = || {
        // The old log must never meet the new file. Both have their second names by now.
        for ending in ["-wal", "-shm"] {
            gone(&with_ending(path, ending))?;
        }
        sync_directory(path)?;
        std::fs::rename(&repaired, path)?;
        sync_directory(path)
    };
    exchange().map_err(io_failed("put the repaired store in the place of", path))
}

/// The files of a repair.
struct Scene {
    path: PathBuf,
    /// A copy of the store and its log.
    looked_at: PathBuf,
    /// The new store.
    partial: PathBuf,
}

impl Scene {
    fn new(path: &Path) -> Result<Self, StoreError> {
        let scene = Self {
            path: path.to_owned(),
            looked_at: with_ending(path, ".looked-at"),
            partial: with_ending(path, ".repaired.partial"),
        };
        scene.clear();
        let failed = io_failed("copy", path);
        copy(path, &scene.looked_at).map_err(&failed)?;
        match copy(&log_path(path), &log_path(&scene.looked_at)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(scene),
        }
    }

    fn clear(&self) {
        for file in [&self.looked_at, &self.partial] {
            for ending in ["", "-wal", "-shm"] {
                // What cannot be removed fails when it is written.
                let _ = std::fs::remove_file(with_ending(file, ending));
            }
        }
    }

    /// Fills the new store with every whole row.
    fn salvage(&self) -> Result<Report, StoreError> {
        let wrong = failed("read", &self.path);
        let mut old = file::open(&self.looked_at).map_err(&wrong)?;
        let structure = file::check(&old, &format!("integrity_check({STRUCTURE_LINES})"));
        let structure = structure.unwrap_or_else(|error| vec![error.to_string()]);
        let mut report = Report { path: self.path.clone(), ..Report::default() };
        report.structure = structure.into_iter().filter(|line| line != "ok").collect();

        // A version that cannot be read is most likely ours: tables that are not there will say so.
        let known = schema::STEPS.last().map_or(0, |step| step.version);
        match schema::version(&old, &self.path) {
            Ok(version) if version == known => {}
            Err(StoreError::Damaged { what, .. }) => {
                report.damaged.push(damage("meta", "schema".to_owned(), what));
            }
            _ => {
                let lost = schema::bring_up(&mut old, &self.looked_at, schema::STEPS, &mut |_| {})?;
                let left = schema::backup_path(&self.looked_at, 1);
                let _ = std::fs::remove_file(left);
                report.damaged.extend(lost);
            }
        }

        file::create(&self.partial)?;
        let wrong_new = failed("write", &self.partial);
        let mut new = file::open(&self.partial).map_err(&wrong_new)?;
        schema::bring_up(&mut new, &self.partial, schema::STEPS, &mut |_| {})?;
        let work = new.transaction().map_err(&wrong_new)?;
        fill(&old, &work, &mut report).map_err(failed("repair", &self.path))?;
        work.commit().map_err(&wrong_new)?;
        new.close().map_err(|(_, error)| wrong_new(error))?;
        Ok(report)
    }

    /// Gives the damaged files a second name, then the new store its first.
    fn exchange(&self) -> Result<PathBuf, StoreError> {
        let aside = (1..)
            .map(|n: u32| with_ending(&self.path, &format!(".damaged.{n}")))
            .find(|aside| !aside.exists())
            .unwrap_or_else(|| with_ending(&self.path, ".damaged"));
        let exchange = || {
            std::fs::hard_link(&self.path, &aside)?;
            if log_path(&self.path).exists() {
                gone(&log_path(&aside))?;
                std::fs::hard_link(log_path(&self.path), log_path(&aside))?;
            }
            File::open(&self.partial)?.sync_all()?;
            sync_directory(&self.path)?;
            std::fs::rename(&self.partial, with_ending(&self.path, ".repaired"))?;
            sync_directory(&self.path)
        };
        exchange().map_err(io_failed("put aside", &self.path))?;
        finish(&self.path)?;
        Ok(aside)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.clear();
    }
}

fn fill(old: &Connection, new: &Connection, report: &mut Report) -> Result<(), rusqlite::Error> {
    let mut times = Times::default();
    for (table, select) in LEASES {
        let mut see = |row: &Row<'_>| match keeper::lease_row(row) {
            Ok(lease) => put_lease(new, table, lease, &mut times),
            Err(found) => {
                report.damaged.push(Damage { table, ..found });
                Ok(())
            }
        };
        let holes = match table {
            LEASE => walk(old, LEASE, select, &mut see)?,
            _ => both_ways(old, select, &mut see)?,
        };
        report.damaged.extend(holes.into_iter().map(|(row, what)| damage(table, row, what)));
    }
    for table in Table::FACTS.into_iter().chain([Table::Audit]) {
        let select = format!("SELECT key, body, sum FROM {}", table.name());
        let mut see = |row: &Row<'_>| match keeper::read_document(row, table) {
            Ok(_) => {
                let (key, body): (String, String) = (row.get(0)?, row.get(1)?);
                keeper::put_documents(new, table, [(key.as_str(), Some(body.as_str()))])
            }
            Err(found) => {
                report.damaged.push(found);
                Ok(())
            }
        };
        let holes = walk(old, table.name(), &select, &mut see)?;
        let holes = holes.into_iter().map(|(row, what)| damage(table.name(), row, what));
        report.damaged.extend(holes);
    }
    put_moment(old, new, &times, report)?;
    put_restored(old, new, report)?;
    put_quarantined(new, report)?;
    let tables = LEASES.map(|(table, _)| table).into_iter();
    for table in tables.chain(Table::FACTS.map(Table::name)).chain([Table::Audit.name()]) {
        let count = format!("SELECT count(*) FROM {table}");
        let count: i64 = new.query_row(&count, (), |row| row.get(0))?;
        report.whole.push((table, count.unsigned_abs()));
    }
    Ok(())
}

/// What leases say of the time, should nothing else.
#[derive(Default)]
struct Times {
    first_end: Option<i64>,
    last_since: i64,
}

fn put_lease(
    new: &Connection,
    table: &str,
    lease: LeaseRow,
    times: &mut Times,
) -> Result<(), rusqlite::Error> {
    let mut rows = Rows::default();
    if table == LEASE {
        times.first_end = times.first_end.into_iter().chain(lease.until).min();
        times.last_since = times.last_since.max(lease.since);
        if let Some(address) = super::rows::ipv4(lease.address) {
            rows.leases.insert(address, Some(lease));
        }
    } else {
        rows.past.insert((lease.until.unwrap_or(NEVER), lease.address, lease.since), lease);
    }
    keeper::put_leases(new, &rows)
}

/// The moment of the last batch. If that is lost, one at which no lease has ended yet: then some
/// are longer than they were, and none is shorter.
fn put_moment(
    old: &Connection,
    new: &Connection,
    times: &Times,
    report: &mut Report,
) -> Result<(), rusqlite::Error> {
    let kept = match old.query_row(META, (MOMENT,), |row| Ok(keeper::checked(row))) {
        Ok(Ok((_, body))) => Moments::read(&body),
        Ok(Err(_)) | Err(_) => None,
    };
    if kept.is_none() && times.first_end.is_some() {
        let what = "the moment of the last batch cannot be read; leases may last longer".to_owned();
        report.damaged.push(damage("meta", MOMENT.to_owned(), what));
    }
    let guessed = || {
        let now = Now(times.last_since.unsigned_abs());
        Moments { now, lease: times.first_end.unwrap_or_default() }
    };
    let moments = kept.unwrap_or_else(guessed);
    keeper::put_documents(new, Table::Meta, [(MOMENT, Some(moments.body().as_str()))])
}

/// When it was restored, if it was; if that cannot be read, at the moment of the last batch.
fn put_restored(
    old: &Connection,
    new: &Connection,
    report: &mut Report,
) -> Result<(), rusqlite::Error> {
    let body = match old.query_row(META, (RESTORED,), |row| Ok(keeper::checked(row))) {
        Ok(Ok((_, body))) => body,
        Err(_) => return Ok(()),
        Ok(Err(damage)) => {
            report.damaged.push(damage);
            let body: String = new.query_row(META, (MOMENT,), |row| row.get(1))?;
            Moments::read(&body).unwrap_or_default().lease.to_string()
        }
    };
    keeper::put_documents(new, Table::Meta, [(RESTORED, Some(body.as_str()))])
}

/// Addresses of leases that are lost: somebody may have them.
fn put_quarantined(new: &Connection, report: &Report) -> Result<(), rusqlite::Error> {
    let body: String = new.query_row(META, (MOMENT,), |row| row.get(1))?;
    let moments = Moments::read(&body).unwrap_or_default();
    let mut rows = Rows::default();
    for damage in report.damaged.iter().filter(|damage| damage.table == LEASE) {
        if let Some(address) = damage.address {
            let lease = keeper::quarantine(address, String::new(), moments.now);
            let until = moments.lease.saturating_add(QUARANTINE_MS);
            rows.leases.insert(address, Some(LeaseRow::of(&lease, Some(until))));
        }
    }
    keeper::put_leases(new, &rows)
}

type See<'a> = dyn FnMut(&Row<'_>) -> Result<(), rusqlite::Error> + 'a;

/// What could not be read, and why.
type Holes = Vec<(String, String)>;

/// Sees every row of a table that has numbers, in order; where a page cannot be read, also what
/// lies behind it.
fn walk(
    old: &Connection,
    table: &str,
    select: &str,
    see: &mut See<'_>,
) -> Result<Holes, rusqlite::Error> {
    let up = format!("{select} WHERE rowid >= ?1 AND rowid <= ?2 ORDER BY rowid");
    let down = format!("{select} WHERE rowid >= ?1 AND rowid <= ?2 ORDER BY rowid DESC");
    let number = format!("SELECT rowid FROM {table} WHERE rowid >= ?1 ORDER BY rowid LIMIT 1");
    let shown = |row: i64| match table {
        LEASE => super::rows::ipv4(row).map_or(row.to_string(), |address| address.to_string()),
        _ => format!("number {row}"),
    };
    let mut holes = Holes::new();
    let mut from = 0;
    while let Some(what) = pass(old, &up, from, i64::MAX, see) {
        let broken = first_broken(old, &number, from)?;
        let Some(beyond) = next_readable(old, &number, broken) else {
            holes.push((format!("{} and all behind it", shown(broken)), what));
            break;
        };
        // Between the broken page and that place there may be more that can be read.
        pass(old, &down, broken, beyond, see);
        holes.push((format!("{} to {} in part", shown(broken), shown(beyond)), what));
        from = beyond.saturating_add(1);
    }
    Ok(holes)
}

/// Sees rows until one cannot be read, and says why.
fn pass(old: &Connection, select: &str, from: i64, to: i64, see: &mut See<'_>) -> Option<String> {
    let mut run = || -> Result<(), rusqlite::Error> {
        let mut select = old.prepare(select)?;
        let mut found = select.query((from, to))?;
        while let Some(row) = found.next()? {
            see(row)?;
        }
        Ok(())
    };
    run().err().map(|error| error.to_string())
}

/// The number after the last row that can be read from there on.
fn first_broken(old: &Connection, number: &str, from: i64) -> Result<i64, rusqlite::Error> {
    let mut next = old.prepare(number)?;
    let mut at = from;
    while let Ok(row) = next.query_row((at,), |row| row.get::<_, i64>(0)) {
        at = row.saturating_add(1);
    }
    Ok(at)
}

/// The first row behind a broken place that is found by looking ever further.
fn next_readable(old: &Connection, number: &str, broken: i64) -> Option<i64> {
    let mut next = old.prepare(number).ok()?;
    let steps = (0..62).map(|power| broken.saturating_add(1 << power));
    for at in steps {
        match next.query_row((at,), |row| row.get::<_, i64>(0)) {
            Ok(row) => return Some(row),
            Err(rusqlite::Error::QueryReturnedNoRows) => return None,
            Err(_) => {}
        }
    }
    None
}

/// Sees the rows of a table without numbers from both ends.
fn both_ways(old: &Connection, select: &str, see: &mut See<'_>) -> Result<Holes, rusqlite::Error> {
    let all = format!("{select} WHERE until >= ?1 AND until <= ?2 ORDER BY until");
    let Some(what) = pass(old, &all, i64::MIN, i64::MAX, see) else { return Ok(Holes::new()) };
    pass(old, &format!("{all} DESC"), i64::MIN, i64::MAX, see);
    Ok(vec![("some in the middle".to_owned(), what)])
}

fn damage(table: &'static str, row: String, what: String) -> Damage {
    Damage { table, row, what, address: None }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut from = File::open(from)?;
    let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    io::copy(&mut from, &mut to).map(|_| ())
}

fn gone(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn io_failed(doing: &'static str, path: &Path) -> impl Fn(io::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |cause| StoreError::Io { doing, path: path.clone(), cause }
}
