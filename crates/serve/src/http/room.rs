//! How many connections there is room for, and who goes when there is none.
//!
//! In: who comes, who goes, who falls idle. Out: whether there is room, and who has to make it.
//! Never: a walk over all connections for one that comes.

use super::slab::Token;
use crate::Limits;
use crate::places::{Full, Places};
use std::collections::VecDeque;
use std::net::IpAddr;

/// All connections of one port.
#[derive(Debug)]
pub(super) struct Room {
    places: Places<Idle>,
    idle: Idle,
}

/// Connections in the order in which they fell idle. Those that are busy again stay in it until
/// they are met: each entry carries the number of the rest it tells of.
#[derive(Debug, Default)]
struct Idle(VecDeque<(Token, u32)>);

impl Idle {
    fn add(&mut self, token: Token, rest: u32, taken: usize, still: impl Fn(Token, u32) -> bool) {
        // Twice as many entries as connections: at least half of them are stale.
        if self.0.len() > taken.saturating_mul(2).saturating_add(16) {
            self.0.retain(|(token, rest)| still(*token, *rest));
        }
        self.0.push_back((token, rest));
    }

    fn longest(&mut self, still: impl Fn(Token, u32) -> bool) -> Option<Token> {
        while let Some((token, rest)) = self.0.pop_front() {
            if still(token, rest) {
                return Some(token);
            }
        }
        None
    }
}

/// Whether there is room for one more.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Place {
    Free,
    /// There will be when this idle one has left.
    After(Token),
    None,
}

impl Room {
    pub(super) fn new(limits: &Limits) -> Self {
        let Limits { http_connections, http_connections_per_source, .. } = *limits;
        let places = Places::new(http_connections, http_connections_per_source);
        Self { places, idle: Idle::default() }
    }

    /// Whether one more of this source may come. If there is no room, the connection that has been
    /// idle for longest is to go, of the same source if that has too many; nobody goes who is busy.
    /// `still` says whether a connection has been idle since it was told of.
    pub(super) fn place(&mut self, peer: IpAddr, still: impl Fn(Token, u32) -> bool) -> Place {
        let longest = match self.places.full(peer) {
            None => return Place::Free,
            Some(Full::OfSource) => {
                self.places.of(peer).and_then(|source| source.more.longest(still))
            }
            Some(Full::OfAll) => self.idle.longest(still),
        };
        longest.map_or(Place::None, Place::After)
    }

    /// One more is there.
    pub(super) fn enter(&mut self, peer: IpAddr) {
        self.places.enter(peer);
    }

    /// One fewer is there.
    pub(super) fn leave(&mut self, peer: IpAddr) {
        self.places.leave(peer);
    }

    /// A connection has nothing to do; it is its `rest`th rest.
    pub(super) fn idle(
        &mut self,
        token: Token,
        peer: IpAddr,
        rest: u32,
        still: impl Fn(Token, u32) -> bool,
    ) {
        self.idle.add(token, rest, self.places.taken(), &still);
        if let Some(source) = self.places.of(peer) {
            source.more.add(token, rest, source.taken, &still);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(most: usize, most_of_one: usize) -> Room {
        Room::new(&Limits {
            http_connections: most,
            http_connections_per_source: most_of_one,
            ..Limits::default()
        })
    }

    fn peer(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    fn token(n: u64) -> Token {
        Token::from(n)
    }

    #[test]
    fn one_source_does_not_take_all() {
        let mut room = room(10, 2);
        for _ in 0..2 {
            assert_eq!(room.place(peer(1), |_, _| false), Place::Free);
            room.enter(peer(1));
        }
        assert_eq!(room.place(peer(1), |_, _| true), Place::None);
        assert_eq!(room.place(peer(2), |_, _| true), Place::Free);
        room.idle(token(7), peer(1), 1, |_, _| true);
        assert_eq!(room.place(peer(1), |_, _| true), Place::After(token(7)));
        room.leave(peer(1));
        room.leave(peer(1));
        assert_eq!(room.place(peer(1), |_, _| true), Place::Free);
        assert!(room.places.of(peer(1)).is_none() && room.places.taken() == 0);
    }

    #[test]
    fn the_total_is_bounded_and_busy_connections_stay() {
        let mut room = room(2, 2);
        for n in 1..=2 {
            room.enter(peer(n));
            room.idle(token(u64::from(n)), peer(n), 0, |_, _| true);
        }
        // The first is busy again, so the second goes.
        let still = |who: Token, _| who != token(1);
        assert_eq!(room.place(peer(3), still), Place::After(token(2)));
        assert_eq!(room.place(peer(3), |_, _| true), Place::None);
    }

    #[test]
    fn what_is_remembered_of_idle_connections_does_not_grow() {
        let mut room = room(2, 2);
        room.enter(peer(1));
        for rest in 0..10_000 {
            room.idle(token(1), peer(1), rest, |_, of| of == rest);
        }
        let own = room.places.of(peer(1)).unwrap();
        assert!(room.idle.0.len() < 32 && own.more.0.len() < 32);
    }
}
