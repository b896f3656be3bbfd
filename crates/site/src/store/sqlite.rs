//! The store's own thread: SQLite waits for the disk, and nobody else may wait for that.
//!
//! In: batches of changes. Out: facts. Never: two of these at once for one file.
//!
//! One thread and no pool: there is one writer, and a call of SQLite costs less than handing every
//! statement from one thread to another would.

use super::audit::Reader;
use super::copy::{self, Copier};
use super::keeper::{Keeper, Limits};
use super::moments::Shift;
use super::rows::Rows;
use super::schema::{self, Stage, Step};
use super::{Damage, StoreError};
use model::{Change, Now};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// In the state directory.
pub(crate) const FILE_NAME: &str = "bootwright.db";

/// Chunks of facts that may be on their way from the file to whoever reads them.
const CHUNKS_WAITING: usize = 4;

/// How a file is opened; the default is what a server does.
pub(crate) struct How {
    pub(crate) limits: Limits,
    /// The versions of the schema.
    pub(crate) steps: Vec<Step>,
    /// Is told how far an upgrade is.
    pub(crate) at: Box<dyn FnMut(Stage) + Send>,
}

impl Default for How {
    fn default() -> Self {
        Self { limits: Limits::default(), steps: schema::STEPS.to_vec(), at: Box::new(|_| {}) }
    }
}

type Work = Box<dyn FnOnce(&mut Keeper) + Send>;

/// What the thread is asked to do.
pub(crate) enum Job {
    /// Keeps a batch, or tidies after it: goes on while a copy is made.
    Keep(Work),
    /// Anything else: a copy that is being made ends before it.
    Other(Work),
    /// Copies the store, between batches.
    Copy(copy::Wish),
}

/// The way to the thread.
pub(crate) struct Sqlite {
    path: PathBuf,
    /// Whoever may ask for copies has a weak one: the thread ends when this is gone.
    jobs: Arc<mpsc::Sender<Job>>,
    thread: JoinHandle<()>,
    kept: Option<Now>,
    shift: Shift,
}

impl Sqlite {
    /// See [`super::Store::open`].
    pub(crate) async fn open(path: &Path, how: How) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::channel::<Job>();
        let (opened, opening) = oneshot::channel();
        let at_path = path.to_owned();
        let run = move || {
            let How { limits, steps, mut at } = how;
            let mut keeper = match Keeper::open(&at_path, limits, &steps, &mut *at) {
                Ok(keeper) => keeper,
                Err(error) => return drop(opened.send(Err(error))),
            };
            // Whoever waits for this may be gone: then no job comes either.
            let _ = opened.send(Ok(keeper.kept()));
            let mut next = waiting.recv().ok();
            while let Some(job) = next {
                next = match job {
                    Job::Keep(work) | Job::Other(work) => {
                        work(&mut keeper);
                        None
                    }
                    Job::Copy(wish) => copy::copy(&mut keeper, &waiting, wish),
                };
                next = next.or_else(|| waiting.recv().ok());
            }
        };
        let failed =
            |cause| StoreError::Io { doing: "start the thread of", path: path.to_owned(), cause };
        let thread =
            std::thread::Builder::new().name("store".to_owned()).spawn(run).map_err(failed)?;
        let gone = |_| StoreError::Closed { path: path.to_owned() };
        let kept = opening.await.map_err(gone)??.map(|kept| kept.now);
        Ok(Self {
            path: path.to_owned(),
            jobs: Arc::new(jobs),
            thread,
            kept,
            shift: Shift::default(),
        })
    }

    /// See [`super::Store::kept`].
    pub(crate) fn kept(&self) -> Option<Now> {
        self.kept
    }

    /// See [`super::Store::begin`].
    pub(crate) async fn begin(&mut self, now: Now) -> Result<(), StoreError> {
        self.shift = self
            .does(move |keeper| {
                keeper.begin(now);
                Ok(keeper.shift())
            })
            .await?;
        Ok(())
    }

    /// Who may be asked for copies of it.
    pub(crate) fn copier(&self) -> Copier {
        Copier::new(self.path.clone(), Arc::downgrade(&self.jobs))
    }

    /// See [`super::Store::keep`].
    pub(crate) async fn keep(&mut self, now: Now, changes: &[Change]) -> Result<(), StoreError> {
        let rows = Rows::of(changes, self.shift).map_err(StoreError::Unwritable)?;
        let kept = self.start(Job::Keep, move |keeper| keeper.keep(now, &rows))?;
        // While the answers leave, the log may be moved.
        let tidy = |keeper: &mut Keeper| {
            keeper.tidy();
            Ok(())
        };
        self.start(Job::Keep, tidy)?;
        self.end_of(kept).await
    }

    /// See [`super::Store::load_into`].
    pub(crate) async fn load(
        &mut self,
        take: &mut (dyn FnMut(Change) + Send),
    ) -> Result<Vec<Damage>, StoreError> {
        let (chunk, mut chunks) = tokio::sync::mpsc::channel(CHUNKS_WAITING);
        let give =
            move |keeper: &mut Keeper| keeper.load(&mut |facts| chunk.blocking_send(facts).is_ok());
        let all = self.start(Job::Other, give)?;
        while let Some(facts) = chunks.recv().await {
            facts.into_iter().for_each(&mut *take);
        }
        self.end_of(all).await
    }

    /// See [`super::Store::reopen`].
    pub(crate) async fn reopen(&mut self) -> Result<(), StoreError> {
        self.does(Keeper::reopen).await
    }

    /// See [`super::Store::release_reserve`].
    pub(crate) async fn release_reserve(&mut self) -> Result<bool, StoreError> {
        self.does(Keeper::release_reserve).await
    }

    /// See [`super::Store::restore_reserve`].
    pub(crate) async fn restore_reserve(&mut self) -> Result<(), StoreError> {
        self.does(Keeper::restore_reserve).await
    }

    /// See [`super::Store::reader`].
    pub(crate) fn reader(&self) -> Reader {
        Reader::new(Arc::downgrade(&self.jobs))
    }

    /// See [`super::Store::close`].
    pub(crate) async fn close(self) {
        drop(self.jobs);
        // Everything acknowledged was synced; closing only tidies up.
        let _ = tokio::task::spawn_blocking(|| self.thread.join()).await;
    }

    async fn does<R: Send + 'static>(
        &mut self,
        job: impl FnOnce(&mut Keeper) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        let end = self.start(Job::Other, job)?;
        self.end_of(end).await
    }

    fn start<R: Send + 'static>(
        &self,
        kind: fn(Work) -> Job,
        job: impl FnOnce(&mut Keeper) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<R, StoreError>>, StoreError> {
        let (to, end) = oneshot::channel();
        let job = move |keeper: &mut Keeper| drop(to.send(job(keeper)));
        self.jobs.send(kind(Box::new(job))).map_err(|_| self.gone())?;
        Ok(end)
    }

    async fn end_of<R>(
        &self,
        end: oneshot::Receiver<Result<R, StoreError>>,
    ) -> Result<R, StoreError> {
        end.await.map_err(|_| self.gone())?
    }

    /// The thread ended by a bug. It is not started again: what that leaves behind is not known.
    fn gone(&self) -> StoreError {
        StoreError::Closed { path: self.path.clone() }
    }
}
