//! The clock that leases end by. It runs while the server runs, and never looks at the wall clock:
//! however that was set while we were off, no lease ends early and none is given twice.
//!
//! In: the moments of decisions, and the last that was kept. Out: the ends of leases as they are
//! written, and as decisions see them. Never: a clock.
//!
//! Rows hold the end of a lease in lease time. At start that is moved by one number, so that the
//! moment of the last batch is the present: a lease that had ended has ended, one that ran has what
//! was left of it. Time off does not count. That can only delay that an address is given again.

use model::Now;

/// The last batch, on both clocks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Moments {
    /// As decisions saw it: about the wall clock.
    pub(crate) now: Now,
    /// In lease time.
    pub(crate) lease: i64,
}

impl Moments {
    /// How it is written.
    pub(crate) fn body(self) -> String {
        format!("{} {}", self.now.0, self.lease)
    }

    /// Reads it back.
    pub(crate) fn read(body: &str) -> Option<Self> {
        let (now, lease) = body.split_once(' ')?;
        Some(Self { now: Now(now.parse().ok()?), lease: lease.parse().ok()? })
    }
}

/// How far the moments of this run are ahead of lease time. It never changes while we run.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Shift(i64);

impl Shift {
    /// The lease clock goes on at `now` from where it stood when `kept` was.
    pub(crate) fn at(now: Now, kept: Option<Moments>) -> Self {
        Self(kept.map_or(0, |kept| moment(now).saturating_sub(kept.lease)))
    }

    /// A moment of this run in lease time.
    pub(crate) fn written(self, now: Now) -> i64 {
        moment(now).saturating_sub(self.0)
    }

    /// A moment in lease time as this run sees it. What ended before 1970 ended in 1970.
    pub(crate) fn seen(self, lease: i64) -> Now {
        Now(u64::try_from(lease.saturating_add(self.0)).unwrap_or(0))
    }
}

/// Milliseconds as a database holds them. Later than 292 million years from now is that.
pub(crate) fn moment(now: Now) -> i64 {
    i64::try_from(now.0).unwrap_or(i64::MAX)
}
