//! Where the deliveries of one webhook wait, and what became of the last ones.
//!
//! In: deliveries, and what became of tries. Out: the next one, the log of the last ones. Never: a wait
//! while the lock is held.

use crate::types::{DeliveryView, WebhookView};
use model::{Now, Webhook};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use webhook::{Delivery, Outbox, Outcome, Step, Trouble};

/// Tries that are remembered for each webhook.
const LOG_MAX: usize = 50;

/// One try, and what it means for the delivery.
#[derive(Clone, Debug)]
pub(super) struct Tried {
    pub(super) outcome: Outcome,
    pub(super) view: DeliveryView,
    /// See [`webhook::next_try`].
    pub(super) chance: u8,
}

impl Tried {
    /// Whether the receiver wants nothing more: 410 (Gone).
    pub(super) fn is_gone(&self) -> bool {
        self.view.status == Some(410)
    }
}

/// One webhook's.
pub(super) struct Desk {
    state: Mutex<State>,
    bell: Notify,
}

struct State {
    hook: Arc<Webhook>,
    outbox: Outbox,
    /// Newest last.
    log: VecDeque<DeliveryView>,
}

impl Desk {
    pub(super) fn new(hook: Webhook) -> Self {
        let (hook, outbox) = (Arc::new(hook), Outbox::default());
        Self {
            state: Mutex::new(State { hook, outbox, log: VecDeque::new() }),
            bell: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The webhook is this now. What waits is tried at once, as the change may have mended it; for one
    /// that was disabled nothing waits.
    pub(super) fn change(&self, hook: Webhook) {
        let mut state = self.state();
        if *state.hook == hook {
            return;
        }
        if hook.enabled {
            state.outbox.wake();
        } else {
            state.outbox.clear();
        }
        state.hook = Arc::new(hook);
        drop(state);
        self.bell.notify_one();
    }

    pub(super) fn hook(&self) -> Arc<Webhook> {
        Arc::clone(&self.state().hook)
    }

    pub(super) fn wants(&self, kind: &str) -> bool {
        self.state().hook.wants(kind)
    }

    /// Takes a delivery in.
    pub(super) fn put(&self, delivery: Delivery) -> Option<Trouble> {
        let trouble = self.state().outbox.put(delivery);
        self.bell.notify_one();
        trouble
    }

    pub(super) fn next(&self, now: Now) -> Step {
        self.state().outbox.next(now)
    }

    /// Returns when something is new.
    pub(super) async fn rings(&self) {
        self.bell.notified().await;
    }

    /// Notes a try of a delivery that waited here.
    pub(super) fn came_back(&self, now: Now, delivery: Delivery, tried: Tried) -> Option<Trouble> {
        let mut state = self.state();
        if tried.is_gone() {
            state.outbox.clear();
        }
        let Tried { outcome, mut view, chance } = tried;
        let (again, trouble) = state.outbox.came_back(now, delivery, outcome, chance);
        view.again = again.map(|again| again.to_string());
        state.write(view);
        trouble
    }

    /// Notes a try of something that did not wait here.
    pub(super) fn note(&self, tried: Tried) {
        let mut state = self.state();
        if tried.outcome == Outcome::Took {
            state.outbox.wake();
            self.bell.notify_one();
        }
        state.write(tried.view);
    }

    /// The newest tries, newest first.
    pub(super) fn log(&self) -> Vec<DeliveryView> {
        self.state().log.iter().rev().cloned().collect()
    }

    /// Why the last try failed, if it did.
    pub(super) fn last_error(&self) -> Option<String> {
        self.state().log.back().and_then(|last| last.error.clone())
    }

    /// Adds how deliveries go.
    pub(super) fn count(&self, view: &mut WebhookView) {
        let state = self.state();
        view.waiting = state.outbox.len();
        view.dropped = state.outbox.dropped();
        view.given_up = state.outbox.given_up();
        view.last = state.log.back().cloned();
    }
}

impl State {
    fn write(&mut self, view: DeliveryView) {
        self.log.push_back(view);
        while self.log.len() > LOG_MAX {
            self.log.pop_front();
        }
    }
}
