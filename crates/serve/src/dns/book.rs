//! The names as they are now, for whoever answers.

use super::again::aside;
use crate::count::Counters;
use crate::owner::Owner;
use engine::names::{Names, Rules};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// How often it is looked whether anything changed.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A lease has its name within a second, so no pause is longer than this, whatever there is to copy.
const PAUSE_MAX: Duration = Duration::from_millis(600);
/// Of the owner's time no more than one part in so many goes to copying names.
const PART_OF_OWNER: u32 = 10;

/// The names, replaced as a whole.
#[derive(Clone)]
pub(crate) struct Book(Arc<RwLock<Arc<Names>>>);

impl Book {
    /// Empty: nothing is answered yet.
    pub(super) fn new(rules: Rules) -> Self {
        let names = Names::of(&engine::names::Facts::default(), &rules, None);
        Self(Arc::new(RwLock::new(Arc::new(names))))
    }

    /// As they are now.
    pub(crate) fn now(&self) -> Arc<Names> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether somebody asks from where names are answered; counts him if not. Before the first copy
    /// nobody is outside, and nobody is answered.
    pub(super) fn admits(names: &Names, source: IpAddr, counters: &Counters) -> bool {
        let serves = names.serves(source);
        if !serves && names.somebody().is_some() {
            counters.dns_outside.one();
        }
        serves
    }

    /// Replaces them whenever the owner knows other facts, for as long as it is let.
    pub(super) async fn keep_fresh(&self, owner: &impl Owner, counters: &Arc<Counters>) {
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
            let copied = begun.elapsed();
            let before = self.now();
            let make = move || Names::of(&facts, before.rules(), Some(&before));
            let Some(names) = aside(counters, make).await else {
                // A bug, which was counted: the names stay as they are until it works.
                tokio::time::sleep(PAUSE_MAX).await;
                continue;
            };
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(names);
            seen = Some(edition);
            let pause = copied.saturating_mul(PART_OF_OWNER);
            tokio::time::sleep(pause.clamp(LOOK_EVERY, PAUSE_MAX)).await;
        }
    }
}
