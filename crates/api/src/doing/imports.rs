//! Imports that run, and the newest that ended: whoever opens a page sees how far they are, and may stop them.
//!
//! In: what is to be imported, and who listens, if anybody does. Out: how each stands. One that was begun for
//! a listener stops when the listener goes; any other goes on by itself. Never: more than [`RUNNING_MAX`] at
//! a time; an import without an end that is told. Soft: a restart of the server forgets them, and what a
//! restart broke off is begun anew (downloads and uploads go on from where they were).

use super::import::{Wanted, import};
use super::{blocking, sweep};
use crate::types::{ImportLine, ImportState, ImportView, ImportWish};
use crate::{House, Problem};
use fetch::Place;
use library::Uploads;
use model::Now;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// Imports at the same time.
pub const RUNNING_MAX: usize = 16;
/// Imports that ended and can still be looked at.
pub const ENDED_MAX: usize = 32;
/// Lines of an import that wait for a slow reader.
const LINES_MAX: usize = 16;

/// All that are known.
#[derive(Debug, Default)]
pub struct Imports {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    count: u64,
    all: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    view: ImportView,
    /// Stops it; none when that was done, or when it has ended.
    stop: Option<oneshot::Sender<()>>,
}

impl Imports {
    /// All of them, the newest first.
    pub fn list(&self) -> Vec<ImportView> {
        self.known().all.iter().rev().map(|entry| entry.view.clone()).collect()
    }

    /// One of them.
    pub fn show(&self, id: &str) -> Result<ImportView, Problem> {
        let known = self.known();
        let entry = known.all.iter().find(|entry| entry.view.id == id);
        entry.map(|entry| entry.view.clone()).ok_or_else(|| unknown(id))
    }

    /// Stops one that runs, and forgets one that has ended. Gives how it stood before.
    pub fn remove(&self, id: &str) -> Result<ImportView, Problem> {
        let mut known = self.known();
        let at = known.all.iter().position(|entry| entry.view.id == id);
        let Some(entry) = at.and_then(|at| known.all.get_mut(at)) else { return Err(unknown(id)) };
        let before = entry.view.clone();
        if !before.is_running() {
            at.and_then(|at| known.all.remove(at));
        } else if let Some(stop) = entry.stop.take() {
            entry.view.state = ImportState::Stopping;
            // It may be ending at this very moment.
            let _ = stop.send(());
        }
        Ok(before)
    }

    fn enter(
        &self,
        house: &House,
        wanted: &Wanted,
        source: String,
        stop: oneshot::Sender<()>,
    ) -> Result<ImportView, Problem> {
        let mut known = self.known();
        let running = known.all.iter().filter(|entry| entry.view.is_running()).count();
        if running >= RUNNING_MAX {
            let why = format!("{RUNNING_MAX} imports run at the moment, which is the most");
            return Err(Problem::refused(why).hint("wait until one of them has ended, or stop one"));
        }
        known.count += 1;
        let view = ImportView {
            id: known.count.to_string(),
            name: model::text::show(wanted.wish.name.as_bytes()),
            source,
            upload: wanted.wish.upload.as_deref().map(|id| model::text::show(id.as_bytes())),
            by: house.asker.by.name.clone(),
            dry_run: wanted.dry_run,
            state: ImportState::Running,
            begun: house.site.now().to_string(),
            ended: None,
            done: 0,
            total: 0,
            file: String::new(),
            version: None,
            says: None,
            problem: None,
        };
        known.all.push_back(Entry { view: view.clone(), stop: Some(stop) });
        Ok(view)
    }

    fn note(&self, id: &str, line: &ImportLine, now: Now) {
        let mut known = self.known();
        if let Some(entry) = known.all.iter_mut().find(|entry| entry.view.id == id) {
            entry.view.note(line, now);
        }
        let ended = known.all.iter().filter(|entry| !entry.view.is_running()).count();
        if ended > ENDED_MAX
            && let Some(oldest) = known.all.iter().position(|entry| !entry.view.is_running())
        {
            known.all.remove(oldest);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing that is done under the lock can leave it half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(id: &str) -> Problem {
    let shown = model::text::show(id.as_bytes());
    Problem::missing(format!("there is no import `{shown}`")).hint(
        "imports are forgotten when the server is started anew, and the oldest when there are many",
    )
}

/// Begins an import. With a listener it is for him: he is told every line, and it stops when he goes.
pub async fn begin(
    house: &House,
    wanted: Wanted,
    listener: Option<mpsc::Sender<ImportLine>>,
) -> Result<ImportView, Problem> {
    let (stop, stopped) = oneshot::channel();
    let source = source_of(house, &wanted.wish).await;
    let view = house.imports.enter(house, &wanted, source, stop)?;
    tokio::spawn(run(house.clone(), view.id.clone(), wanted, stopped, listener));
    Ok(view)
}

async fn run(
    house: House,
    id: String,
    wanted: Wanted,
    stopped: oneshot::Receiver<()>,
    listener: Option<mpsc::Sender<ImportLine>>,
) {
    let (tell, lines) = mpsc::channel(LINES_MAX);
    let importing = tokio::spawn(import(house.clone(), wanted, tell));
    pass_on(&house, &id, lines, stopped, listener.as_ref()).await;
    let last = importing.await.unwrap_or_else(|e| {
        let why = format!("a bug in the server stopped this import: {e}");
        ImportLine::Failed(Problem::failed(why))
    });
    house.imports.note(&id, &last, house.site.now());
    let failed = matches!(last, ImportLine::Failed(_));
    if let Some(listener) = listener {
        // Whoever asked may be gone; what was published stays.
        let _ = listener.send(last).await;
    }
    if failed {
        // What was kept of it is named by nothing. If this fails or others import, a later one does it.
        let _ = sweep(&house).await;
    }
}

/// Notes and tells every line, until the import ends, is stopped, or its listener goes. Then `lines` is
/// dropped, by which the import notices that it shall stop.
async fn pass_on(
    house: &House,
    id: &str,
    mut lines: mpsc::Receiver<ImportLine>,
    mut stopped: oneshot::Receiver<()>,
    listener: Option<&mpsc::Sender<ImportLine>>,
) {
    loop {
        let gone = async {
            match listener {
                Some(listener) => listener.closed().await,
                None => std::future::pending().await,
            }
        };
        let line = tokio::select! {
            line = lines.recv() => line,
            Ok(()) = &mut stopped => return,
            () = gone => return,
        };
        let Some(line) = line else { return };
        house.imports.note(id, &line, house.site.now());
        if let Some(listener) = listener
            && listener.send(line).await.is_err()
        {
            return;
        }
    }
}

/// Where it comes from, for operators; empty where that cannot be said, which the import itself says why.
async fn source_of(house: &House, wish: &ImportWish) -> String {
    let shown = |text: &str| model::text::show(text.as_bytes());
    match (&wish.path, &wish.url, &wish.upload) {
        (Some(path), _, _) => shown(&path.to_string_lossy()),
        // As it is read: without what must not be shown.
        (_, Some(url), _) => Place::read(url).map(|of| shown(&of.to_string())).unwrap_or_default(),
        (_, _, Some(id)) => {
            let (blobs, id) = (house.blobs.clone(), id.clone());
            let found = blocking(move || Uploads::of(&blobs)?.show(&id)).await;
            let name = found.ok().and_then(Result::ok).map(|upload| upload.announced.name);
            name.map(|name| shown(&name)).unwrap_or_default()
        }
        _ => String::new(),
    }
}
