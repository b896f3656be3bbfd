//! From moments to places on a line. Silences and very long things take less room than they would:
//! what happened in a second would not be seen beside a night in which nothing did.

use super::Row;
use model::Now;
use std::time::Duration;

/// A silence is never drawn longer than this share of all time in which something happened, or
/// [`SILENCE_MIN`].
const SILENCE_SHARE: u64 = 3;
const SILENCE_MIN: Duration = Duration::from_secs(5);

/// A line of time.
pub(super) struct Scale {
    /// Where pieces of it begin: the moment, the place in drawn milliseconds.
    knots: Vec<(u64, u64)>,
    /// Silences that are drawn shorter than they were.
    pub(super) cut: Vec<(Now, Now)>,
}

impl Scale {
    pub(super) fn new(from: Now, until: Now, rows: &[Row<'_>]) -> Self {
        let end = rows.iter().map(Row::until).max().unwrap_or(until).max(until);
        let gaps = || {
            rows.iter().filter_map(|row| match row {
                Row::Gap(gap) => Some((gap.from, gap.until)),
                Row::Step(_) => None,
            })
        };
        let silent: u64 = gaps().map(|(from, until)| until.0.saturating_sub(from.0)).sum();
        let busy = end.0.saturating_sub(from.0).saturating_sub(silent);
        let least = u64::try_from(SILENCE_MIN.as_millis()).unwrap_or(u64::MAX);
        let longest = (busy / SILENCE_SHARE).max(least);

        let mut scale = Self { knots: vec![(from.0, 0)], cut: Vec::new() };
        for (begins, ends) in gaps() {
            scale.reach(begins.0, None);
            let long = ends.0.saturating_sub(begins.0);
            if long > longest {
                scale.cut.push((begins, ends));
            }
            scale.reach(ends.0, Some(long.min(longest)));
        }
        scale.reach(end.0.max(from.0 + 1), None);
        scale
    }

    /// Goes on to a moment, in so much room; in as much as it takes if nothing is said.
    fn reach(&mut self, at: u64, room: Option<u64>) {
        let Some((last, place)) = self.knots.last().copied() else { return };
        if at <= last {
            return;
        }
        self.knots.push((at, place + room.unwrap_or(at - last)));
    }

    /// Where a moment is, from 0 (the beginning) to 1 (the end).
    pub(super) fn place(&self, at: Now) -> f64 {
        let whole = self.knots.last().map_or(1, |(_, place)| *place).max(1);
        let after = self.knots.partition_point(|(moment, _)| *moment <= at.0);
        let drawn =
            match (after.checked_sub(1).and_then(|n| self.knots.get(n)), self.knots.get(after)) {
                (Some((from, place)), Some((until, next))) => {
                    let part = (at.0 - from) as f64 / (until - from).max(1) as f64;
                    *place as f64 + part * (next - place) as f64
                }
                (Some((_, place)), None) => *place as f64,
                (None, _) => 0.0,
            };
        (drawn / whole as f64).clamp(0.0, 1.0)
    }

    /// The end of the line.
    pub(super) fn end(&self) -> Now {
        Now(self.knots.last().map_or(0, |(moment, _)| *moment))
    }
}
