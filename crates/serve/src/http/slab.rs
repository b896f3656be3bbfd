//! Where connections are kept, each under a number that is never given twice.
//!
//! In: connections. Out: the same, by their number. Never: a wrong one for an old number.

use std::fmt;

/// Which connection: its place, and how many had the place before.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Token {
    round: u32,
    place: u32,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.place, self.round)
    }
}

/// As epoll carries it.
impl From<u64> for Token {
    fn from(number: u64) -> Self {
        let low = u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        let high = u32::try_from(number >> 32).unwrap_or(u32::MAX);
        Self { round: high, place: low }
    }
}

impl From<Token> for u64 {
    fn from(token: Token) -> Self {
        Self::from(token.round) << 32 | Self::from(token.place)
    }
}

/// Things with places. Taking one out for a moment keeps its place.
#[derive(Debug)]
pub(super) struct Slab<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Place<T> {
    round: u32,
    what: Option<T>,
}

impl<T> Slab<T> {
    pub(super) fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }

    /// How many places are taken.
    pub(super) fn len(&self) -> usize {
        self.places.len().saturating_sub(self.free.len())
    }

    /// A place for something that is put there next.
    pub(super) fn reserve(&mut self) -> Token {
        if let Some(place) = self.free.pop()
            && let Some(there) = self.places.get(place as usize)
        {
            return Token { round: there.round, place };
        }
        let place = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        self.places.push(Place { round: 0, what: None });
        Token { round: 0, place }
    }

    fn at(&mut self, token: Token) -> Option<&mut Place<T>> {
        self.places.get_mut(token.place as usize).filter(|place| place.round == token.round)
    }

    /// Puts something in its place.
    pub(super) fn put(&mut self, token: Token, what: T) {
        if let Some(place) = self.at(token) {
            place.what = Some(what);
        }
    }

    /// Takes something out; its place stays its own.
    pub(super) fn take(&mut self, token: Token) -> Option<T> {
        self.at(token)?.what.take()
    }

    /// What is there.
    pub(super) fn get(&self, token: Token) -> Option<&T> {
        let place = self.places.get(token.place as usize)?;
        place.what.as_ref().filter(|_| place.round == token.round)
    }

    /// Gives a place back; whoever still has the number finds nothing.
    pub(super) fn free(&mut self, token: Token) {
        let Some(place) = self.at(token) else { return };
        place.what = None;
        place.round = place.round.wrapping_add(1);
        self.free.push(token.place);
    }

    /// Everybody, with a place to write down who is to be looked at.
    pub(super) fn each(&mut self) -> impl Iterator<Item = (Token, &mut T)> {
        self.places.iter_mut().enumerate().filter_map(|(at, place)| {
            let token = Token { round: place.round, place: u32::try_from(at).ok()? };
            place.what.as_mut().map(|what| (token, what))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_number_finds_nothing() {
        let mut slab = Slab::new();
        let first = slab.reserve();
        slab.put(first, "first");
        assert_eq!((slab.get(first), slab.len()), (Some(&"first"), 1));
        assert_eq!(slab.take(first), Some("first"));
        assert_eq!((slab.get(first), slab.len()), (None, 1));
        slab.free(first);
        assert_eq!(slab.len(), 0);
        let second = slab.reserve();
        slab.put(second, "second");
        assert_eq!((slab.get(first), slab.get(second)), (None, Some(&"second")));
        slab.put(first, "late");
        slab.free(first);
        assert_eq!((slab.get(second), slab.len()), (Some(&"second"), 1));
        assert_eq!(Token::from(u64::from(second)), second);
        assert_eq!(slab.each().count(), 1);
    }
}
