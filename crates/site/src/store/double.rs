//! A store for tests of the owner: it does as it is told, and writes down the order.

use super::{Damage, StoreError};
use model::{Change, Now};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// What a test and its double share.
#[derive(Clone)]
pub(crate) struct Double {
    pub(crate) script: Arc<Mutex<Script>>,
    /// A permit lets one commit come to its end.
    pub(crate) gate: Arc<Semaphore>,
}

#[derive(Default)]
pub(crate) struct Script {
    /// Every batch that was kept.
    pub(crate) kept: Vec<Vec<Change>>,
    /// What was done, in order.
    pub(crate) log: Vec<String>,
    /// The next commits fail so.
    pub(crate) fail: VecDeque<StoreError>,
    /// So many times it cannot be opened again.
    pub(crate) reopen_fails: usize,
    /// Whether space is set aside.
    pub(crate) reserve: bool,
    /// So many times there is no space to set aside.
    pub(crate) restore_fails: usize,
}

impl Double {
    /// With commits that end at once.
    pub(crate) fn new() -> Self {
        let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Self { script: Arc::default(), gate }
    }

    /// With commits that wait for the test.
    pub(crate) fn gated() -> Self {
        Self { script: Arc::default(), gate: Arc::new(Semaphore::new(0)) }
    }

    pub(crate) fn note(&self, what: impl Into<String>) {
        self.script.lock().unwrap().log.push(what.into());
    }

    pub(crate) fn full() -> StoreError {
        StoreError::Full { path: PathBuf::from("/state/bootwright.db") }
    }

    pub(crate) fn load(&self, take: &mut dyn FnMut(Change)) -> Result<Vec<Damage>, StoreError> {
        self.script.lock().unwrap().kept.concat().into_iter().for_each(take);
        Ok(Vec::new())
    }

    pub(crate) async fn keep(&self, _: Now, changes: &[Change]) -> Result<(), StoreError> {
        self.note("write");
        self.gate.acquire().await.expect("the gate is never closed").forget();
        let mut script = self.script.lock().unwrap();
        if let Some(error) = script.fail.pop_front() {
            script.log.push("sync failed".to_owned());
            return Err(error);
        }
        script.kept.push(changes.to_vec());
        script.log.push("synced".to_owned());
        Ok(())
    }

    pub(crate) fn reopen(&self) -> Result<(), StoreError> {
        let mut script = self.script.lock().unwrap();
        if script.reopen_fails > 0 {
            script.reopen_fails -= 1;
            return Err(Self::full());
        }
        script.log.push("reopened".to_owned());
        Ok(())
    }

    pub(crate) fn release_reserve(&self) -> bool {
        let mut script = self.script.lock().unwrap();
        script.log.push("reserve released".to_owned());
        std::mem::take(&mut script.reserve)
    }

    pub(crate) fn restore_reserve(&self) -> Result<(), StoreError> {
        let mut script = self.script.lock().unwrap();
        if script.restore_fails > 0 {
            script.restore_fails -= 1;
            return Err(Self::full());
        }
        script.reserve = true;
        script.log.push("reserve restored".to_owned());
        Ok(())
    }
}
