//! The time: what the edge passes to every decision.
//!
//! In: a source that never runs backwards by itself, and the last moment that was kept on disk.
//! Out: moments that never go backwards while we run, and a word on how the source stood to what was
//! kept. Never: the end of a lease; those have a clock of their own (`store::moments`).

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

/// A wall clock that is earlier than what was kept by less than this is set a little wrong, and is
/// held: times should not run twice. One that is earlier by more was set right, or is broken.
const HELD: Duration = Duration::from_secs(DAY_S);

/// A server that was off for longer than this is worth a word.
const OFF: Duration = Duration::from_secs(30 * DAY_S);

/// Nobody has a server off for longer than this; rather a clock was wrong.
const OFF_MAX: Duration = Duration::from_secs(2 * 365 * DAY_S);

/// 2026-01-01, before this program was made: a clock that says so was never set.
const NEVER_SET: Now = Now(1_767_225_600_000);

const DAY_S: u64 = 24 * 3600;

/// What the source said when we started, beside the last moment that was kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Start {
    /// Nothing that is worth a word.
    Plain,
    /// It is earlier, and held at what was kept.
    Held { wall: Now, kept: Now },
    /// It is much earlier, and followed: what was kept must have been wrong.
    WentBack { wall: Now, kept: Now },
    /// It is much later, and followed.
    WasOff { wall: Now, kept: Now },
}

impl Start {
    /// How moments go on after `kept`.
    fn of(wall: Now, kept: Option<Now>) -> Self {
        let Some(kept) = kept else { return Self::Plain };
        match (kept.since(wall), wall.since(kept)) {
            (behind, _) if behind >= HELD && wall >= NEVER_SET => Self::WentBack { wall, kept },
            (behind, _) if behind > Duration::ZERO => Self::Held { wall, kept },
            (_, ahead) if ahead > OFF => Self::WasOff { wall, kept },
            _ => Self::Plain,
        }
    }

    /// What an operator is told of it, and whether something should be done.
    pub(crate) fn says(self) -> Option<(String, Act)> {
        let told = match self {
            Self::Plain => return None,
            Self::Held { wall, kept } if kept.since(wall) <= Duration::from_secs(60) => {
                return None;
            }
            Self::Held { wall, kept } => (
                format!(
                    "the clock of this computer says {wall}, and the last moment that was kept is \
                     {kept}; times go on from there, and no lease ends early\nhint: set the clock, \
                     then restart"
                ),
                Act::Should,
            ),
            Self::WentBack { wall, kept } => (
                format!(
                    "the clock of this computer says {wall}, but the last moment that was kept is \
                     {kept}: the clock was wrong then, or is wrong now. It is followed; leases keep \
                     the time they had left\nhint: if it is wrong now, set it and restart; if not, \
                     times told up to the last stop were wrong, and nothing is to be done"
                ),
                Act::Should,
            ),
            Self::WasOff { wall, kept } => {
                let days = wall.since(kept).as_secs() / DAY_S;
                let plausible = wall.since(kept) <= OFF_MAX || kept < NEVER_SET;
                let text = format!(
                    "by the clock of this computer ({wall}) the server last kept something {days} \
                     days ago; leases keep the time they had left then\nhint: if it was not off \
                     that long, set the clock and restart"
                );
                (text, if plausible { Act::May } else { Act::Should })
            }
        };
        Some(told)
    }
}

/// Whether what an operator is told asks for an act.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Act {
    Should,
    May,
}

/// A source that follows what was kept, and never runs backwards.
#[derive(Clone)]
pub(crate) struct Steady {
    source: Arc<dyn Clock>,
    /// How far the source is behind what we say.
    behind: Duration,
    pub(crate) start: Start,
    highest: Arc<AtomicU64>,
}

impl Steady {
    /// Goes on after `kept`, the last moment in the store.
    pub(crate) fn new(source: Arc<dyn Clock>, kept: Option<Now>) -> Self {
        let wall = source.now();
        let start = Start::of(wall, kept);
        let behind = match start {
            Start::Held { wall, kept } => kept.since(wall),
            _ => Duration::ZERO,
        };
        let highest = Arc::new(AtomicU64::new((wall + behind).0));
        Self { source, behind, start, highest }
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

    const DAY: Duration = Duration::from_secs(DAY_S);
    const KEPT: Now = Now(NEVER_SET.0 + 200 * 86_400_000);

    fn started(wall: Now) -> (Now, Option<Act>) {
        let clock = Steady::new(Arc::new(move || wall), Some(KEPT));
        (clock.now(), clock.start.says().map(|(_, act)| act))
    }

    #[test]
    fn a_clock_set_back_continues_where_the_store_ended() {
        let wall = Arc::new(AtomicU64::new(1_000));
        let source = {
            let wall = Arc::clone(&wall);
            move || Now(wall.load(Ordering::Relaxed))
        };
        let clock = Steady::new(Arc::new(source), Some(Now(5_000)));

        assert_eq!(clock.now(), Now(5_000));
        wall.store(1_500, Ordering::Relaxed);
        assert_eq!(clock.now(), Now(5_500));
        wall.store(900, Ordering::Relaxed);
        assert_eq!(clock.now(), Now(5_500), "a source that runs backwards is held");
    }

    #[test]
    fn what_a_clock_says_at_start_is_held_followed_or_doubted() {
        let follows = |wall, told| assert_eq!(started(wall), (wall, told), "{wall}");
        follows(KEPT, None);
        follows(KEPT + 29 * DAY, None);
        follows(KEPT + 40 * DAY, Some(Act::May));
        follows(KEPT + 3650 * DAY, Some(Act::Should));
        follows(KEPT - 2 * DAY, Some(Act::Should));

        let holds = |wall, told| assert_eq!(started(wall), (KEPT, told), "{wall}");
        holds(KEPT - Duration::from_secs(30), None);
        holds(KEPT - Duration::from_secs(3600), Some(Act::Should));
        // A board without a battery.
        holds(Now(0), Some(Act::Should));
        holds(NEVER_SET - DAY, Some(Act::Should));

        let in_2106 = Now(4_291_747_200_000);
        let back = Steady::new(Arc::new(|| KEPT), Some(in_2106));
        assert_eq!(back.now(), KEPT);
        let (text, act) = back.start.says().unwrap();
        assert!(text.contains("2106-01-01T00:00:00Z: the clock was wrong then"), "{text}");
        assert_eq!(act, Act::Should);
        // A board that has got its time from the network since.
        let set = Steady::new(Arc::new(|| KEPT), Some(Now(77)));
        assert_eq!((set.now(), set.start.says().unwrap().1), (KEPT, Act::May));
    }

    #[test]
    fn without_anything_kept_the_clock_is_taken_as_it_is() {
        let clock = Steady::new(Arc::new(|| Now(9_000)), None);
        assert_eq!((clock.now(), clock.start), (Now(9_000), Start::Plain));
        assert!(WallClock::new().now() > Now(1_700_000_000_000));
    }
}
