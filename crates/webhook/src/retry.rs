//! When a delivery that failed is tried again.

use std::time::Duration;

/// Waits between the tries of one delivery: short enough for a restart of the receiver, long enough in
/// all (seven hours) for a night in which nobody looks.
const WAITS: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(3600),
    Duration::from_secs(6 * 3600),
];

/// Tries of one delivery in all.
pub const TRIES_MAX: u32 = WAITS.len() as u32 + 1;

/// How long to wait after so many tries (1 is the first) before the next; `None`: it is given up.
///
/// `chance` lengthens the wait by up to a quarter, so that what failed together does not come again
/// together.
#[must_use]
pub fn next_try(tries: u32, chance: u8) -> Option<Duration> {
    let at = usize::try_from(tries).ok()?.checked_sub(1)?;
    let wait = *WAITS.get(at)?;
    Some(wait + wait * u32::from(chance) / (4 * u32::from(u8::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let waits: Vec<u64> = (1..TRIES_MAX).map(|n| next_try(n, 0).unwrap().as_secs()).collect();
        assert_eq!(waits, [5, 30, 120, 600, 3600, 21_600]);
        assert_eq!(
            (next_try(TRIES_MAX, 0), next_try(0, 0), next_try(u32::MAX, 255)),
            (None, None, None)
        );
    }

    #[test]
    fn chance_lengthens_a_wait_by_a_quarter_at_most() {
        assert_eq!(next_try(2, 255), Some(Duration::from_millis(37_500)));
        let within = |chance| next_try(1, chance).unwrap();
        assert!((0..=255).map(within).is_sorted());
    }
}
