//! How long a certificate is good for.
//!
//! In: its dates, and the time. Out: [`Expiry`]. Never: a clock.

use model::Now;
use std::time::Duration;

/// So long before the end it is told.
pub const WARN_BEFORE: Duration = Duration::from_secs(30 * DAY_S);
const DAY_S: u64 = 86_400;

/// How a certificate stands in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expiry {
    /// Whole days left.
    Fine(u64),
    /// Whole days left, fewer than [`WARN_BEFORE`].
    Soon(u64),
    /// Whole days since its end.
    Over(u64),
    /// Whole days until it begins.
    NotYet(u64),
}

impl Expiry {
    /// `not_before` and `not_after` are in seconds since 1970, both included (RFC 5280, 4.1.2.5).
    pub fn at(now: Now, not_before: i64, not_after: i64) -> Self {
        let now = i64::try_from(now.0 / 1000).unwrap_or(i64::MAX);
        let days = |from: i64, to: i64| to.saturating_sub(from).unsigned_abs() / DAY_S;
        if now < not_before {
            return Self::NotYet(days(now, not_before));
        }
        if now > not_after {
            return Self::Over(days(not_after, now));
        }
        match days(now, not_after) {
            left if left < WARN_BEFORE.as_secs() / DAY_S => Self::Soon(left),
            left => Self::Fine(left),
        }
    }

    /// Whether somebody should act.
    pub fn matters(self) -> bool {
        !matches!(self, Self::Fine(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn at(day: i64) -> Expiry {
        let now = Now(u64::try_from(day * DAY * 1000).unwrap());
        Expiry::at(now, 100 * DAY, 400 * DAY)
    }

    #[test]
    fn thirty_days_before_the_end_it_is_told() {
        assert_eq!(at(99), Expiry::NotYet(1));
        assert_eq!(at(100), Expiry::Fine(300));
        assert_eq!(at(370), Expiry::Fine(30));
        assert_eq!(at(371), Expiry::Soon(29));
        assert_eq!(at(400), Expiry::Soon(0));
        assert_eq!(at(403), Expiry::Over(3));
        assert!(!at(370).matters() && at(371).matters() && at(403).matters() && at(99).matters());
    }

    #[test]
    fn the_last_second_counts_and_the_next_does_not() {
        let end = 400 * DAY;
        let ms = |s: i64| Now(u64::try_from(s).unwrap() * 1000 + 999);
        assert_eq!(Expiry::at(ms(end), 0, end), Expiry::Soon(0));
        assert_eq!(Expiry::at(ms(end + 1), 0, end), Expiry::Over(0));
        assert_eq!(
            Expiry::at(Now(u64::MAX), 0, i64::MAX),
            Expiry::Fine(
                u64::try_from((i64::MAX - i64::try_from(u64::MAX / 1000).unwrap()) / DAY).unwrap()
            )
        );
    }
}
