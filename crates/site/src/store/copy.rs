//! A copy of the store while it is written: a backup keeps nobody waiting.
//!
//! In: where it goes. Out: a file with everything that was kept up to a moment between the request and
//! the answer, and nothing of a batch in part. Never: a pause of the commits longer than a step.
//!
//! SQLite copies some pages at a time, on the store's own thread and by its own connection (the file has
//! no other, it is locked). Between two steps come the batches that wait; what they change of pages that
//! were copied is changed in the copy, too.

use super::StoreError;
use super::file::{create, failed};
use super::keeper::Keeper;
use super::sqlite::Job;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::ffi::c_int;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::sync::{Arc, Weak};
use tokio::sync::oneshot;

/// Pages copied at a time: a fraction of what a sync takes.
const STEP_PAGES: c_int = 128;

/// What a copy is asked for with.
pub(crate) struct Wish {
    to: PathBuf,
    done: oneshot::Sender<Result<(), StoreError>>,
}

/// May ask for copies. It does not keep the store open.
#[derive(Clone, Debug)]
pub(crate) struct Copier {
    path: PathBuf,
    jobs: Weak<Sender<Job>>,
}

impl Copier {
    pub(super) fn new(path: PathBuf, jobs: Weak<Sender<Job>>) -> Self {
        Self { path, jobs }
    }

    /// Copies the store into a new file. What is left of it after an error is the caller's to remove.
    pub(crate) async fn copy(&self, to: &Path) -> Result<(), StoreError> {
        let (done, end) = oneshot::channel();
        let gone = || StoreError::Closed { path: self.path.clone() };
        let jobs: Arc<Sender<Job>> = self.jobs.upgrade().ok_or_else(gone)?;
        jobs.send(Job::Copy(Wish { to: to.to_owned(), done })).map_err(|_| gone())?;
        drop(jobs);
        end.await.map_err(|_| gone())?
    }
}

/// Makes a copy, and keeps what is to be kept meanwhile. Gives back the job that it ended for.
pub(super) fn copy(keeper: &mut Keeper, waiting: &Receiver<Job>, wish: Wish) -> Option<Job> {
    let mut next = None;
    let made = make(keeper, waiting, &wish, &mut next);
    // Whoever asked may be gone.
    let _ = wish.done.send(made);
    next
}

fn make(
    keeper: &mut Keeper,
    waiting: &Receiver<Job>,
    wish: &Wish,
    next: &mut Option<Job>,
) -> Result<(), StoreError> {
    let broken_off = || StoreError::CopyBrokenOff { path: wish.to.clone() };
    let from = keeper.lend().ok_or_else(broken_off)?;
    let wrong = failed("copy the store to", &wish.to);
    create(&wish.to)?;
    let mut to = Connection::open(&wish.to).map_err(&wrong)?;
    // It is read once and thrown away: after a crash nobody asks for it.
    let quick = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;";
    to.execute_batch(quick).map_err(&wrong)?;
    let copying = Backup::new(&from, &mut to).map_err(&wrong)?;
    loop {
        match waiting.try_recv() {
            Ok(Job::Keep(work)) => {
                work(keeper);
                // A batch that could not be kept cost the connection.
                if !keeper.lend().is_some_and(|is| Rc::ptr_eq(&is, &from)) {
                    return Err(broken_off());
                }
            }
            // Answered at once: whoever asks second is told, and not kept waiting.
            Ok(Job::Copy(other)) => {
                let busy = StoreError::CopyBusy { path: other.to.clone() };
                let _ = other.done.send(Err(busy));
            }
            Ok(other) => {
                *next = Some(other);
                return Err(broken_off());
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return Err(broken_off()),
        }
        match copying.step(STEP_PAGES).map_err(&wrong)? {
            StepResult::Done => break,
            StepResult::More => {}
            // Nobody else has either file open.
            _ => return Err(StoreError::Busy { path: wish.to.clone() }),
        }
    }
    drop(copying);
    // A log beside it would be one more file to carry along.
    let mode = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    to.query_row("PRAGMA journal_mode = DELETE", (), mode).map_err(&wrong)?;
    to.close().map_err(|(_, error)| wrong(error))
}
