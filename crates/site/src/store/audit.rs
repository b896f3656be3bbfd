//! The audit log, as it is read: its end at the start, the rest in pages when somebody asks.
//!
//! In: a number to begin with. Out: records, and what cannot be read. Never: a record changed.

use super::keeper;
use super::rows::{self, Table};
use super::sqlite::Job;
use super::{Damage, StoreError};
use model::{AuditRecord, Change};
use rusqlite::{Connection, OptionalExtension};
use std::sync::{Weak, mpsc};
use tokio::sync::oneshot;

/// Records that are read at once: the thread that keeps leases reads them.
pub const PAGE_MAX: usize = 500;

/// One record as it lies there.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// As it was written.
    Record(Box<AuditRecord>),
    /// Its number, and what is wrong with it.
    Unreadable(u64, String),
}

/// Some records, in order.
pub type Page = Vec<Entry>;

/// The last record. Where that cannot be read, the last that can, under the number of the last: what
/// comes next is written behind it all the same, and does not follow from it, which `verify` says.
pub(crate) fn last(
    connection: &Connection,
    damaged: &mut Vec<Damage>,
) -> Result<Option<AuditRecord>, rusqlite::Error> {
    let newest: Option<String> = connection
        .query_row("SELECT max(key) FROM audit", (), |row| row.get(0))
        .optional()?
        .flatten();
    let Some(newest) = newest else { return Ok(None) };
    let mut select = connection.prepare("SELECT key, body, sum FROM audit ORDER BY key DESC")?;
    let mut found = select.query(())?;
    let seq = newest.parse().unwrap_or(0);
    while let Some(row) = found.next()? {
        match keeper::read_document(row, Table::Audit) {
            Ok(Change::Audit(record)) => return Ok(Some(AuditRecord { seq, ..record })),
            Ok(_) => {}
            Err(damage) => damaged.push(damage),
        }
    }
    let nothing = model::Hash([0; 32]);
    let by = model::By::server();
    Ok(Some(AuditRecord {
        seq,
        at: model::Now(0),
        by,
        what: String::new(),
        target: None,
        outcome: model::access::Outcome::Done,
        says: String::new(),
        before: None,
        after: None,
        prev: nothing,
        hash: nothing,
    }))
}

/// See [`Reader::page`].
pub(crate) fn page(
    connection: &Connection,
    from: u64,
    at_most: usize,
) -> Result<Page, rusqlite::Error> {
    let all = "SELECT key, body, sum FROM audit WHERE key >= ?1 ORDER BY key LIMIT ?2";
    let mut select = connection.prepare_cached(all)?;
    let at_most = i64::try_from(at_most.min(PAGE_MAX)).unwrap_or(0);
    let mut found = select.query((rows::audit_key(from), at_most))?;
    let mut page = Page::new();
    while let Some(row) = found.next()? {
        let number = row.get_ref(0)?.as_str().ok().and_then(|key| key.parse().ok()).unwrap_or(0);
        page.push(match keeper::read_document(row, Table::Audit) {
            Ok(Change::Audit(record)) if record.seq == number => Entry::Record(Box::new(record)),
            Ok(_) => Entry::Unreadable(number, "it is filed under another number".to_owned()),
            Err(damage) => Entry::Unreadable(number, damage.what),
        });
    }
    Ok(page)
}

/// The way to the log. It does not keep the store open.
#[derive(Clone)]
pub struct Reader(Option<Weak<mpsc::Sender<Job>>>);

impl Reader {
    pub(crate) fn new(jobs: Weak<mpsc::Sender<Job>>) -> Self {
        Self(Some(jobs))
    }

    /// Of a store without a log.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Records from this number on, in order, at most so many and never more than [`PAGE_MAX`].
    pub(crate) async fn page(&self, from: u64, at_most: usize) -> Result<Page, Option<StoreError>> {
        let (to, page) = oneshot::channel();
        {
            let jobs = self.0.as_ref().and_then(Weak::upgrade).ok_or(None)?;
            // Whoever asked may be gone.
            let read = move |keeper: &mut keeper::Keeper| {
                drop(to.send(keeper.audit_page(from, at_most)));
            };
            // It only reads, so a copy goes on meanwhile.
            jobs.send(Job::Keep(Box::new(read))).map_err(|_| None)?;
        }
        page.await.map_err(|_| None)?.map_err(Some)
    }
}
