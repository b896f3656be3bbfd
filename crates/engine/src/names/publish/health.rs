//! How a server that is told of names is: when it is asked again, and what is to be told of it.

use super::answer::Failure;
use model::Now;
use std::time::Duration;

/// The longest pause before a server is tried again: it is one small message.
const REST_MAX: Duration = Duration::from_secs(30);
/// The longest pause before a name is tried again that the server refused.
const NAME_REST_MAX: Duration = Duration::from_secs(300);
/// Refusals in a row, of different names, before the whole zone waits: one may be a name's own.
const REFUSED_MAX: u32 = 3;
/// Failures in a row before it is told, where the first may be a lost packet.
const SILENT_MAX: u32 = 2;

/// One zone of a server.
#[derive(Clone, Debug, Default)]
pub(super) struct Health {
    /// Failures in a row.
    pub(super) row: u32,
    /// Nothing is sent before.
    pub(super) rest: Now,
    /// Since when it fails, and why.
    pub(super) failing: Option<(Now, Failure)>,
    /// When it last did what it was asked.
    pub(super) done: Option<Now>,
    told: bool,
}

/// What is to be told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Tell {
    Nothing,
    Fails,
    Again,
}

/// One second after the first failure, twice as long after each other.
pub(super) fn pause(failures: u32, most: Duration) -> Duration {
    let doubled = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
    Duration::from_secs(doubled).min(most)
}

/// When a name that was refused is tried again.
pub(super) fn name_pause(failures: u32) -> Duration {
    pause(failures, NAME_REST_MAX)
}

impl Health {
    pub(super) fn succeeded(&mut self, now: Now) -> Tell {
        self.done = Some(now);
        self.recovered()
    }

    /// What was in the way is not any more.
    pub(super) fn recovered(&mut self) -> Tell {
        (self.row, self.rest, self.failing) = (0, Now(0), None);
        match std::mem::take(&mut self.told) {
            true => Tell::Again,
            false => Tell::Nothing,
        }
    }

    pub(super) fn failed(&mut self, now: Now, why: Failure) -> Tell {
        // Of messages that left together only the first to fail counts.
        let counts = now >= self.rest;
        self.row = self.row.saturating_add(counts.into());
        let counted = match why.is_of_name() {
            true => self.row.saturating_sub(REFUSED_MAX - 1),
            false => self.row,
        };
        if counts && counted > 0 {
            self.rest = now + pause(counted, REST_MAX);
        }
        let worth = !why.may_pass() || self.row >= SILENT_MAX;
        let since = self.failing.take().map_or(now, |(since, _)| since);
        self.failing = Some((since, why));
        if worth && !self.told {
            self.told = true;
            return Tell::Fails;
        }
        Tell::Nothing
    }
}
