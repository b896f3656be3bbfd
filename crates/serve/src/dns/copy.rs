//! What names are made of, copied out of the owner when it changes: once, for all who make something of it.
//!
//! In: the owner's facts. Out: the newest of them. Never: more of the owner's time than a part.

use super::again::again;
use crate::count::Counters;
use crate::owner::Owner;
use engine::names::Facts;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How often it is looked whether anything changed.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A lease has its name within a second, so no pause is longer than this, whatever there is to copy.
pub(super) const PAUSE_MAX: Duration = Duration::from_millis(600);
/// Of the owner's time no more than one part in so many goes to copying names.
const PART_OF_OWNER: u32 = 10;

/// The newest facts; none before the first copy.
pub(super) type Newest = watch::Receiver<Option<Arc<Facts>>>;

/// What runs. Dropping it ends it.
pub(crate) struct Copier {
    newest: Newest,
    _task: JoinSet<()>,
}

impl std::fmt::Debug for Copier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("dns::Copier")
    }
}

impl Copier {
    /// Starts to copy. To be called inside a Tokio runtime.
    pub(crate) fn start<O: Owner>(owner: &O, counters: &Arc<Counters>) -> Self {
        let (sender, newest) = watch::channel(None);
        let (owner, counters, mut task) = (owner.clone(), Arc::clone(counters), JoinSet::new());
        task.spawn(async move { again(&counters, || keep_copying(&owner, &sender)).await });
        Self { newest, _task: task }
    }

    /// What it copies.
    pub(super) fn newest(&self) -> Newest {
        self.newest.clone()
    }
}

/// Copies whenever the owner knows other facts, for as long as it is let.
async fn keep_copying(owner: &impl Owner, sender: &watch::Sender<Option<Arc<Facts>>>) {
    let mut seen = None;
    loop {
        let edition = owner.names_edition();
        if seen == Some(edition) {
            tokio::time::sleep(LOOK_EVERY).await;
            continue;
        }
        let begun = Instant::now();
        let Some(facts) = owner.name_facts().await else {
            // The server is stopping, or will say why it cannot answer.
            tokio::time::sleep(PAUSE_MAX).await;
            continue;
        };
        seen = Some(edition);
        sender.send_replace(Some(Arc::new(facts)));
        tokio::time::sleep(pause_after(begun)).await;
    }
}

/// So long nothing is done after work that began then: ten times as long as it took, within limits.
pub(super) fn pause_after(begun: Instant) -> Duration {
    begun.elapsed().saturating_mul(PART_OF_OWNER).clamp(LOOK_EVERY, PAUSE_MAX)
}
