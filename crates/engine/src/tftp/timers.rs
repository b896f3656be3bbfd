//! What one transfer knows about time and about repeated ACKs.
//!
//! In: what was sent and answered, and when. Out: when to send again; whether a repeat is an echo.
//! Never: which block.

use model::Now;
use std::time::Duration;

/// The first timer, as long as the round trip is unknown and the client did not ask for another.
pub(super) const TIMER_FIRST: Duration = Duration::from_millis(1000);
/// The timer never gets shorter than this, however near the client.
const TIMER_MIN: Duration = Duration::from_millis(250);
/// The timer is doubled up to this, or to the timeout the client asked for if that is longer.
const TIMER_MAX: Duration = Duration::from_secs(8);
/// A round trip is given eight times its usual length before a block counts as lost.
const TIMER_PER_ROUND_TRIP: u32 = 8;
/// When to send again.
#[derive(Clone, Debug)]
pub(super) struct Timers {
    /// What the client asked for.
    pub(super) asked: Option<Duration>,
    /// Smoothed round trip, from ACKs of blocks that were sent once (Karn's rule).
    pub(super) round_trip: Option<Duration>,
    /// The current timer, doubled with each expiry.
    pub(super) current: Duration,
    pub(super) last_sent: Now,
    pub(super) deadline: Now,
}

/// What is known about the ACK value that was heard last, so that its repeats are read rightly.
///
/// With a window, a repeated ACK says that the first block of the window is missing (RFC 7440 §4).
/// It may as well be a copy the network made, or an echo: EDK2 sends one ACK for *each* DATA it
/// did not expect, so every block we send again brings back one more of them. A restart for each
/// would multiply the traffic (RFC 1123 §4.2.3.1 names this the Sorcerer's Apprentice).
#[derive(Clone, Debug)]
pub(super) struct Gap {
    /// Until then repeats of the value are echoes of what we have done already.
    pub(super) quiet_until: Now,
    /// The window was restarted for this value.
    pub(super) restarted: bool,
    /// Blocks were sent again shortly before: repeats are most likely echoes.
    pub(super) echoes: bool,
    /// Something was sent again since the last progress.
    pub(super) resending: bool,
    /// Repeats heard that could not be echoes.
    pub(super) repeats: u32,
    /// Restart then, unless there is progress.
    pub(super) restart_at: Option<Now>,
}

impl Timers {
    pub(super) fn new(asked_s: Option<u8>, now: Now) -> Self {
        let asked = asked_s.map(|s| Duration::from_secs(s.into()));
        let mut timers =
            Self { asked, round_trip: None, current: TIMER_FIRST, last_sent: now, deadline: now };
        timers.current = timers.base();
        timers
    }

    /// The timer when all goes well: the client's wish (RFC 2349), else from the round trip.
    pub(super) fn base(&self) -> Duration {
        match (self.asked, self.round_trip) {
            (Some(asked), _) => asked,
            (None, Some(trip)) => (trip * TIMER_PER_ROUND_TRIP).clamp(TIMER_MIN, TIMER_FIRST),
            (None, None) => TIMER_FIRST,
        }
    }

    pub(super) fn sent(&mut self, now: Now, timer: Duration) {
        self.last_sent = now;
        self.deadline = now + timer;
    }

    /// Progress. `measures`: nothing was sent twice, so the ACK belongs to the last block sent.
    pub(super) fn answered(&mut self, now: Now, measures: bool) {
        if measures {
            let trip = now.since(self.last_sent);
            self.round_trip = Some(self.round_trip.map_or(trip, |usual| (usual * 7 + trip) / 8));
        }
        self.current = self.base();
    }

    pub(super) fn double(&mut self) {
        self.current = (self.current * 2).min(TIMER_MAX.max(self.asked.unwrap_or_default()));
    }
}

impl Gap {
    pub(super) const fn new(now: Now) -> Self {
        Self {
            quiet_until: now,
            restarted: false,
            echoes: false,
            resending: false,
            repeats: 0,
            restart_at: None,
        }
    }
}
