//! The names as they are now, for whoever answers.

use super::again::aside;
use super::copy::{Newest, PAUSE_MAX};
use crate::count::Counters;
use engine::names::{Names, Rules};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

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

    /// Replaces them whenever there are other facts, for as long as it is let.
    pub(super) async fn keep_fresh(&self, newest: &Newest, counters: &Arc<Counters>) {
        let mut newest = newest.clone();
        loop {
            let facts = newest.borrow_and_update().clone();
            if let Some(facts) = facts {
                let before = self.now();
                let make = move || Names::of(&facts, before.rules(), Some(&before));
                let Some(names) = aside(counters, make).await else {
                    // A bug, which was counted: the names stay as they are until it works.
                    tokio::time::sleep(PAUSE_MAX).await;
                    continue;
                };
                *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(names);
            }
            if newest.changed().await.is_err() {
                return;
            }
        }
    }
}
