//! How many there may be at once: of all together, and of one source.
//!
//! In: who comes, who goes. Out: whether there is room, and if not, because of whom. Never: a walk over all sources
//! for one that comes, an entry for a source that has nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Places, and what else is known of each source that has one.
#[derive(Debug)]
pub(crate) struct Places<T = ()> {
    most: usize,
    most_of_one: usize,
    taken: usize,
    of: HashMap<IpAddr, Source<T>>,
}

/// A source that has places; there is at least one.
#[derive(Debug, Default)]
pub(crate) struct Source<T> {
    pub(crate) taken: usize,
    pub(crate) more: T,
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Full {
    /// This source has too many.
    OfSource,
    /// All together have.
    OfAll,
}

impl<T: Default> Places<T> {
    pub(crate) fn new(most: usize, most_of_one: usize) -> Self {
        Self { most, most_of_one, taken: 0, of: HashMap::new() }
    }

    /// Whether one more of this source finds no room.
    pub(crate) fn full(&self, source: IpAddr) -> Option<Full> {
        let own = self.of.get(&source).map_or(0, |source| source.taken);
        if own >= self.most_of_one {
            return Some(Full::OfSource);
        }
        (self.taken >= self.most).then_some(Full::OfAll)
    }

    /// One more is there.
    pub(crate) fn enter(&mut self, source: IpAddr) {
        self.taken += 1;
        self.of.entry(source).or_default().taken += 1;
    }

    /// One fewer is there.
    pub(crate) fn leave(&mut self, source: IpAddr) {
        self.taken = self.taken.saturating_sub(1);
        if let Some(one) = self.of.get_mut(&source) {
            one.taken = one.taken.saturating_sub(1);
            if one.taken == 0 {
                self.of.remove(&source);
            }
        }
    }

    /// How many places are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    /// A source that has at least one.
    pub(crate) fn of(&mut self, source: IpAddr) -> Option<&mut Source<T>> {
        self.of.get_mut(&source)
    }
}

/// Places that several threads and tasks take. Clone it freely.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<Places>>);

/// One place of a source, until it is dropped.
#[derive(Debug)]
pub(crate) struct Guest(Shared, IpAddr);

impl Shared {
    pub(crate) fn new(most: usize, most_of_one: usize) -> Self {
        Self(Arc::new(Mutex::new(Places::new(most, most_of_one))))
    }

    /// A place for one more of this source; none where there is no room.
    pub(crate) fn admit(&self, source: IpAddr) -> Option<Guest> {
        let mut places = self.locked();
        if places.full(source).is_some() {
            return None;
        }
        places.enter(source);
        drop(places);
        Some(Guest(self.clone(), source))
    }

    fn locked(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.locked().leave(self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    #[test]
    fn one_source_does_not_take_all_and_all_are_bounded() {
        let places = Shared::new(3, 2);
        let first = [places.admit(peer(1)), places.admit(peer(1))];
        assert!(first.iter().all(Option::is_some) && places.admit(peer(1)).is_none());
        assert_eq!(places.locked().full(peer(1)), Some(Full::OfSource));
        let other = places.admit(peer(2));
        assert!(other.is_some() && places.admit(peer(3)).is_none());
        assert_eq!(places.locked().full(peer(3)), Some(Full::OfAll));
        drop(first);
        assert!(places.admit(peer(1)).is_some(), "there is room again");
        drop(other);
        assert_eq!(places.locked().taken(), 0);
        assert!(places.locked().of.is_empty(), "nothing is left of those who have gone");
    }
}
