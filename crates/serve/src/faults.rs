//! Errors of a socket in a row: how long it is left alone, and when that is worth a word.
//!
//! In: that it failed, or worked. Out: a pause, and once in a row that it lasts. Never: a wait of its own.

use std::time::Duration;

/// The first pause: a lone error is that of a reply before, and loses nothing.
const PAUSE: Duration = Duration::from_millis(1);
/// Pauses are doubled up to this.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// So many in a row, over a second, are no passing thing.
const LASTING: u32 = 11;

/// How a socket fares.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    row: u32,
}

/// What to do after an error.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    /// For how long not to ask again.
    pub(crate) pause: Duration,
    /// It lasts, and nobody was told.
    pub(crate) is_news: bool,
}

impl Faults {
    /// It failed once more.
    pub(crate) fn failed(&mut self) -> Fault {
        let times = 1_u32.checked_shl(self.row).unwrap_or(u32::MAX);
        self.row = self.row.saturating_add(1);
        let pause = PAUSE.saturating_mul(times).min(PAUSE_MAX);
        Fault { pause, is_news: self.row == LASTING }
    }

    /// It works (again).
    pub(crate) fn worked(&mut self) {
        self.row = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_lasts_is_tried_once_a_second_and_told_once() {
        let mut faults = Faults::default();
        let (mut passed, mut tries, mut told) = (Duration::ZERO, 0, Vec::new());
        while passed < Duration::from_secs(3600) {
            let Fault { pause, is_news } = faults.failed();
            told.extend(is_news.then_some(passed));
            assert!(pause >= PAUSE && pause <= PAUSE_MAX, "{pause:?}");
            passed += pause;
            tries += 1;
        }
        assert!(tries < 3620, "{tries}");
        let [at] = told[..] else { panic!("{told:?}") };
        assert!(at >= Duration::from_secs(1) && at < Duration::from_secs(2), "{at:?}");
    }

    #[test]
    fn errors_between_messages_are_never_told_and_hardly_waited_for() {
        let mut faults = Faults::default();
        for _ in 0..1000 {
            assert_eq!(faults.failed(), Fault { pause: PAUSE, is_news: false });
            faults.worked();
        }
    }

    #[test]
    fn what_works_again_and_fails_again_is_told_again() {
        let mut faults = Faults::default();
        let row = |faults: &mut Faults| (0..50).filter(|_| faults.failed().is_news).count();
        assert_eq!(row(&mut faults), 1);
        faults.worked();
        assert_eq!(row(&mut faults), 1);
        for _ in 0..100 {
            assert_eq!(faults.failed().pause, PAUSE_MAX);
        }
    }
}
