//! What a play came to.
//!
//! In: each exchange that ended. Out: rates, losses, and how long exchanges took. Never: a verdict.

use std::time::Duration;

/// The sums of one play.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Exchanges begun.
    pub begun: u64,
    /// Completed while the play lasted: what the rate is made of.
    pub in_time: u64,
    /// Given up while they waited for an OFFER.
    pub lost_discovers: u64,
    /// Given up while they waited for an ACK.
    pub lost_requests: u64,
    /// Ended by a NAK.
    pub refused: u64,
    /// How long it lasted.
    pub lasted: Duration,
    /// Processor time of the generator.
    pub own_cpu: Duration,
    took_us: Vec<u32>,
}

impl Tally {
    /// An exchange was completed at `now`, and took so long.
    pub(super) fn completed(&mut self, now: Duration, took: Duration, lasts: Duration) {
        if now <= lasts {
            self.in_time += 1;
        }
        self.took_us.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    pub(super) fn sort(&mut self) {
        self.took_us.sort_unstable();
    }

    /// Exchanges completed, also those that ended after the play.
    #[must_use]
    pub fn completed_in_all(&self) -> u64 {
        self.took_us.len() as u64
    }

    /// Exchanges completed in a second.
    #[must_use]
    pub fn per_s(&self) -> f64 {
        self.in_time as f64 / self.lasted.as_secs_f64().max(1e-9)
    }

    /// Which part of the exchanges begun was not completed.
    #[must_use]
    pub fn loss(&self) -> f64 {
        let lost = self.begun - self.completed_in_all().min(self.begun);
        lost as f64 / (self.begun as f64).max(1.0)
    }

    /// The time from DISCOVER to ACK within which this part of the completed exchanges was done.
    #[must_use]
    pub fn percentile(&self, part: f64) -> Duration {
        let last = self.took_us.len().saturating_sub(1);
        let at = (last as f64 * part).round() as usize;
        Duration::from_micros(self.took_us.get(at).copied().unwrap_or(0).into())
    }
}
