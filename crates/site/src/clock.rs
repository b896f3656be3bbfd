//! The time: what the edge passes to every decision.
//!
//! In: a source that never runs backwards by itself, and the highest moment ever kept on disk.
//! Out: moments that never go backwards, not even over a restart with a wrong wall clock.

use model::Now;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A source of time. Tests pass one that they turn by hand.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Now;
}

impl<F: Fn() -> Now + Send + Sync> Clock for F {
    fn now(&self) -> Now {
        self()
    }
}

/// The wall clock when it was made, plus the time passed on the monotonic clock since: setting
/// the clock of a running server ends no lease.
#[derive(Debug)]
pub struct WallClock {
    wall: Now,
    started: Instant,
}

impl WallClock {
    /// Reads the wall clock, once.
    pub fn new() -> Self {
        // A wall clock before 1970 is a board without a battery: 1970, then what was kept on disk.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall: Now(0) + wall, started: Instant::now() }
    }
}

impl Default for WallClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for WallClock {
    fn now(&self) -> Now {
        self.wall + self.started.elapsed()
    }
}

/// A source that was moved forward to the highest moment ever kept, and is held there.
#[derive(Clone)]
pub(crate) struct Steady {
    source: Arc<dyn Clock>,
    /// How far the source was behind the store when we started.
    pub(crate) behind: Duration,
    highest: Arc<AtomicU64>,
}

impl Steady {
    /// Continues at `kept`, the highest moment in the store, if the source is earlier than that.
    pub(crate) fn new(source: Arc<dyn Clock>, kept: Now) -> Self {
        let behind = kept.since(source.now());
        Self { source, behind, highest: Arc::new(AtomicU64::new(kept.0)) }
    }

    /// The present moment, never earlier than one that was given before.
    pub(crate) fn now(&self) -> Now {
        let now = self.source.now() + self.behind;
        Now(self.highest.fetch_max(now.0, Ordering::Relaxed).max(now.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_continues_where_the_store_ended() {
        let wall = Arc::new(AtomicU64::new(1_000));
        let source = {
            let wall = Arc::clone(&wall);
            move || Now(wall.load(Ordering::Relaxed))
        };
        let clock = Steady::new(Arc::new(source), Now(5_000));

        assert_eq!(clock.now(), Now(5_000));
        wall.store(1_500, Ordering::Relaxed);
        assert_eq!(clock.now(), Now(5_500));
        wall.store(900, Ordering::Relaxed);
        assert_eq!(clock.now(), Now(5_500), "a source that runs backwards is held");
    }

    #[test]
    fn a_clock_ahead_of_the_store_is_taken_as_it_is() {
        let clock = Steady::new(Arc::new(|| Now(9_000)), Now(5_000));
        assert_eq!(clock.now(), Now(9_000));
        assert!(WallClock::new().now() > Now(1_700_000_000_000));
    }
}
