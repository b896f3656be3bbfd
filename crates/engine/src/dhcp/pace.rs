//! How often one source may speak. A machine that boots says a handful of things; what says
//! hundreds a second is broken or hostile, and must not cost the others their answers.

use model::{HardwareAddress, Now};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// Messages are counted over so long.
const WINDOW: Duration = Duration::from_secs(10);
/// Messages of one source in that time. More than any client says, and little beside what the
/// server can answer.
pub const MESSAGES_PER_WINDOW: u32 = 640;
/// Sources that are counted. More in one window: counting begins again, since then it is many
/// sources, not one, that flood.
const SOURCES_MAX: usize = 16_384;

/// Who is counted.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Source {
    Hardware(HardwareAddress),
    /// Who has no hardware address (InfiniBand, RFC 4390).
    ClientId(Vec<u8>),
    /// A port of a switch behind a relay: whatever addresses are made up behind it.
    Circuit(IpAddr, Vec<u8>),
}

/// What a message's source has had so far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Admitted {
    Yes,
    /// The first one too many of this window: worth telling.
    NoMore,
    No,
}

/// Counts by source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    began: Now,
    counted: BTreeMap<Source, u32>,
}

impl Pace {
    pub(super) fn admits(&mut self, now: Now, source: Source) -> Admitted {
        let full = self.counted.len() >= SOURCES_MAX && !self.counted.contains_key(&source);
        if now.since(self.began) >= WINDOW || full {
            self.began = now;
            self.counted.clear();
        }
        let count = self.counted.entry(source).or_default();
        *count = count.saturating_add(1);
        match (*count).cmp(&(MESSAGES_PER_WINDOW + 1)) {
            std::cmp::Ordering::Less => Admitted::Yes,
            std::cmp::Ordering::Equal => Admitted::NoMore,
            std::cmp::Ordering::Greater => Admitted::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_is_cut_short_and_told_once_and_others_are_not() {
        let mut pace = Pace::default();
        let of = |n| Source::Hardware(HardwareAddress::mac([2, 0, 0, 0, 0, n]));
        let said: Vec<Admitted> =
            (0..MESSAGES_PER_WINDOW + 5).map(|_| pace.admits(Now(50), of(1))).collect();
        assert_eq!(said.iter().filter(|a| **a == Admitted::Yes).count(), 640);
        assert_eq!(said.iter().filter(|a| **a == Admitted::NoMore).count(), 1);
        assert_eq!(pace.admits(Now(60), of(2)), Admitted::Yes);
        assert_eq!(pace.admits(Now(10_060), of(1)), Admitted::Yes, "a new window");
    }

    #[test]
    fn made_up_sources_do_not_grow_the_table() {
        let mut pace = Pace::default();
        for n in 0..50_000_u32 {
            let [a, b, c, d] = n.to_be_bytes();
            pace.admits(Now(1), Source::Hardware(HardwareAddress::mac([2, 0, a, b, c, d])));
            assert!(pace.counted.len() <= SOURCES_MAX);
        }
    }
}
