//! How fast a window goes out, so that the queue of a slow network card is not overrun.
//!
//! In: what was sent, what was lost, which windows came across whole, the time. Out: whether one
//! more block may go now, or from when on. Never: how many blocks a window has. That is promised
//! to the client, who counts them (RFC 7440 §4).
//!
//! A window goes out at once until one is lost. From then on it goes in bursts with pauses between
//! them: half a window, then half of that, and so on with each further loss; and slowly back, as
//! long as nothing is lost.

use super::negotiate::Policy;
use model::Now;
use std::time::Duration;

/// So often the windows needed for the next step up are doubled, each time a step up led to a
/// loss.
const DOUBLINGS_MAX: u32 = 6;

/// The pace of one transfer.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    window: u16,
    least: u16,
    pause: Duration,
    /// Blocks between two pauses; none: no pauses.
    burst: Option<u16>,
    /// Blocks that may still go before the next pause.
    left: u16,
    /// The pause ends then.
    resume: Now,
    /// Windows that came across whole since the last change of pace, and how many it takes.
    clean: u32,
    clean_wanted: u32,
    doublings: u32,
    /// The last change made it faster.
    stepped_up: bool,
    /// Losses of blocks up to this one have changed the pace already.
    noted: u64,
}

impl Pace {
    pub(super) fn new(policy: &Policy, window: u16) -> Self {
        Self {
            window,
            least: policy.burst_min.max(1),
            pause: Duration::from_millis(policy.burst_pause_ms.max(1)),
            burst: None,
            left: 0,
            resume: Now(0),
            clean: 0,
            clean_wanted: policy.burst_clean.max(1),
            doublings: 0,
            stepped_up: false,
            noted: 0,
        }
    }

    /// The end of the pause, if there is one.
    pub(super) fn paused(&mut self, now: Now) -> Option<Now> {
        let burst = self.burst?;
        if self.left > 0 {
            return None;
        }
        if now < self.resume {
            return Some(self.resume);
        }
        self.left = burst;
        None
    }

    /// A block went out.
    pub(super) fn sent(&mut self, now: Now) {
        if self.burst.is_some() {
            self.left = self.left.saturating_sub(1);
            self.resume = now + self.pause;
        }
    }

    /// A window begins: what was under way has arrived or is lost, the queues are empty.
    pub(super) fn begin_window(&mut self) {
        self.left = self.burst.unwrap_or(0);
    }

    /// Blocks behind `acked` were lost, `highest` is the last one sent. Counts once for what was
    /// under way together, and each time when the client has gone silent over it.
    pub(super) fn lost(&mut self, acked: u64, highest: u64, silent: bool) {
        if self.window < 2 || (acked < self.noted && !silent) {
            return;
        }
        self.noted = highest;
        let burst = self.burst.unwrap_or(self.window) / 2;
        self.burst = Some(burst.max(self.least));
        self.left = self.left.min(burst);
        if self.stepped_up && self.doublings < DOUBLINGS_MAX {
            self.doublings += 1;
            self.clean_wanted = self.clean_wanted.saturating_mul(2);
        }
        self.stepped_up = false;
        self.clean = 0;
    }

    /// A window came across whole, nothing of it sent twice.
    pub(super) fn whole(&mut self) {
        let Some(burst) = self.burst else { return };
        self.clean += 1;
        if self.clean < self.clean_wanted {
            return;
        }
        self.clean = 0;
        self.stepped_up = true;
        let faster = burst.saturating_mul(2);
        self.burst = (faster < self.window).then_some(faster);
    }

    /// Blocks between two pauses, if there are pauses.
    pub(super) const fn burst(&self) -> Option<u16> {
        self.burst
    }
}
