//! Which addresses are taken, as runs of neighbours: the next free one is found in one look, however many
//! are taken, and a pool may be larger than any list.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

/// The first and the last address of each run. No two runs touch.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs(BTreeMap<u128, u128>);

impl Runs {
    pub(super) fn set(&mut self, address: Ipv6Addr) {
        let address = u128::from(address);
        if self.run_at(address).is_some() {
            return;
        }
        let (mut first, mut last) = (address, address);
        if let Some((before, _)) = address.checked_sub(1).and_then(|below| self.run_at(below)) {
            first = before;
        }
        let above = address.checked_add(1);
        if let Some(end) = above.and_then(|above| self.0.remove(&above)) {
            last = end;
        }
        self.0.insert(first, last);
    }

    pub(super) fn clear(&mut self, address: Ipv6Addr) {
        let address = u128::from(address);
        let Some((first, last)) = self.run_at(address) else { return };
        self.0.remove(&first);
        if let Some(below) = address.checked_sub(1).filter(|below| *below >= first) {
            self.0.insert(first, below);
        }
        if let Some(above) = address.checked_add(1).filter(|above| *above <= last) {
            self.0.insert(above, last);
        }
    }

    /// The addresses of a span that are not taken.
    pub(super) fn gaps(&self, first: u128, last: u128) -> impl Iterator<Item = Ipv6Addr> {
        let mut at = Some(first);
        std::iter::from_fn(move || {
            let here = at?;
            let free = match self.run_at(here) {
                None => here,
                // Behind a run is a gap of one at least.
                Some((_, end)) => end.checked_add(1)?,
            };
            at = free.checked_add(1);
            (free <= last).then(|| Ipv6Addr::from(free))
        })
    }

    fn run_at(&self, address: u128) -> Option<(u128, u128)> {
        let (first, last) = self.0.range(..=address).next_back()?;
        (*last >= address).then_some((*first, *last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_first_and_the_last_of_all_addresses_are_like_others() {
        let mut runs = Runs::default();
        let (first, last) = (Ipv6Addr::from(0), Ipv6Addr::from(u128::MAX));
        for address in [first, last] {
            runs.set(address);
            runs.set(address);
        }
        assert_eq!(runs.gaps(0, 3).collect::<Vec<_>>(), [1, 2, 3].map(Ipv6Addr::from));
        assert_eq!(runs.gaps(u128::MAX, u128::MAX).next(), None);
        runs.clear(last);
        assert_eq!(runs.gaps(u128::MAX, u128::MAX).collect::<Vec<_>>(), [last]);
    }

    proptest! {
        #[test]
        fn what_is_free_is_what_a_plain_set_has_not(
            steps in prop::collection::vec((0_u128..60, any::<bool>()), 0..200),
            (from, to) in (0_u128..60, 0_u128..60),
        ) {
            let (mut runs, mut plain) = (Runs::default(), BTreeSet::new());
            for (address, set) in steps {
                if set {
                    runs.set(Ipv6Addr::from(address));
                    plain.insert(address);
                } else {
                    runs.clear(Ipv6Addr::from(address));
                    plain.remove(&address);
                }
            }
            let free: Vec<u128> = runs.gaps(from, to).map(u128::from).collect();
            let want: Vec<u128> = (from..=to).filter(|at| !plain.contains(at)).collect();
            prop_assert_eq!(free, want);
            let runs: Vec<_> = runs.0.into_iter().collect();
            prop_assert!(runs.windows(2).all(|two| two[0].1 + 1 < two[1].0), "{:?}", runs);
        }
    }
}
