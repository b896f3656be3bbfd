//! Packets put together from their fragments (RFC 791, 3.2; RFC 8200, 4.5).
//!
//! In: fragments as they come. Out: the payload of a packet once it is whole. Never: fragments that
//! overlap, which no sender of these protocols makes (RFC 5722): their packet is forgotten.

use crate::frame::{Fragment, Ip};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Packets that are being put together; the oldest makes room.
pub const ASSEMBLING_MAX: usize = 256;
/// Fragments of one packet: more than 64 KiB over the smallest MTU of IPv4 need not be.
pub const PIECES_MAX: usize = 1024;
/// The largest packet.
pub const PACKET_BYTES_MAX: usize = 65_535;
/// Who has not sent the rest by then never will (RFC 8200, 4.5).
const PATIENCE_NS: u64 = 60_000_000_000;

type Key = (IpAddr, IpAddr, u8, u32);

/// Packets of which something is missing.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    waiting: BTreeMap<Key, Assembly>,
    /// Counted up, so that the oldest is known.
    begun: u64,
}

#[derive(Debug)]
struct Assembly {
    begun: u64,
    began_ns: u64,
    pieces: BTreeMap<u32, Vec<u8>>,
    held: usize,
    /// How long it is, once the last piece is there.
    length: Option<usize>,
}

impl Fragments {
    /// Takes a fragment in, and gives its packet if that is whole now.
    pub(super) fn take(&mut self, at_ns: u64, ip: &Ip<'_>, part: Fragment) -> Option<Vec<u8>> {
        let key = (ip.from, ip.to, ip.protocol, part.id);
        // Only the first fragment of IPv6 says what is inside for certain; all of one packet agree.
        let late = |a: &Assembly| at_ns.saturating_sub(a.began_ns) > PATIENCE_NS;
        if self.waiting.get(&key).is_some_and(late) {
            self.waiting.remove(&key);
        }
        if !self.waiting.contains_key(&key) {
            self.make_room();
            self.begun = self.begun.wrapping_add(1);
            let begun = self.begun;
            let pieces = BTreeMap::new();
            let new = Assembly { begun, began_ns: at_ns, pieces, held: 0, length: None };
            self.waiting.insert(key, new);
        }
        let assembly = self.waiting.get_mut(&key)?;
        match assembly.put(ip.payload, part) {
            Put::Waits => None,
            Put::Wrong => {
                self.waiting.remove(&key);
                None
            }
            Put::Whole => self.waiting.remove(&key).map(Assembly::whole),
        }
    }

    fn make_room(&mut self) {
        if self.waiting.len() < ASSEMBLING_MAX {
            return;
        }
        let oldest = self.waiting.iter().min_by_key(|(_, assembly)| assembly.begun);
        if let Some(oldest) = oldest.map(|(key, _)| *key) {
            self.waiting.remove(&oldest);
        }
    }
}

enum Put {
    Waits,
    Wrong,
    Whole,
}

impl Assembly {
    fn put(&mut self, payload: &[u8], part: Fragment) -> Put {
        let start = part.offset as usize;
        let end = start.saturating_add(payload.len());
        // Every piece but the last is a multiple of eight, so that the next has a place to begin.
        let odd = part.more && (!payload.len().is_multiple_of(8) || payload.is_empty());
        if odd || end > PACKET_BYTES_MAX {
            return Put::Wrong;
        }
        if self.pieces.get(&part.offset).is_some_and(|there| there == payload) {
            return self.so_far();
        }
        let before = self.pieces.range(..=part.offset).next_back();
        let overlaps_before = before.is_some_and(|(at, piece)| *at as usize + piece.len() > start);
        let after = self.pieces.range(part.offset..).next();
        let overlaps_after = after.is_some_and(|(at, _)| (*at as usize) < end);
        if overlaps_before || overlaps_after || self.pieces.len() >= PIECES_MAX {
            return Put::Wrong;
        }
        if !part.more {
            if self.length.is_some_and(|length| length != end) {
                return Put::Wrong;
            }
            self.length = Some(end);
        }
        if self.length.is_some_and(|length| end > length) {
            return Put::Wrong;
        }
        self.held = self.held.saturating_add(payload.len());
        self.pieces.insert(part.offset, payload.to_vec());
        self.so_far()
    }

    fn so_far(&self) -> Put {
        if self.length == Some(self.held) { Put::Whole } else { Put::Waits }
    }

    /// They do not overlap and are as long together as the packet: so there is no gap.
    fn whole(self) -> Vec<u8> {
        self.pieces.into_values().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(payload: &[u8]) -> Ip<'_> {
        let at = |n| IpAddr::from([10, 0, 0, n]);
        Ip { from: at(1), to: at(2), protocol: 17, fragment: None, payload, cut: 0 }
    }

    fn put(all: &mut Fragments, id: u32, offset: u32, more: bool, bytes: &[u8]) -> Option<Vec<u8>> {
        all.take(u64::from(id), &ip(bytes), Fragment { id, offset, more })
    }

    #[test]
    fn pieces_come_in_any_order_and_twice() {
        let mut all = Fragments::default();
        assert_eq!(put(&mut all, 1, 16, false, b"end"), None);
        assert_eq!(put(&mut all, 1, 0, true, b"01234567"), None);
        assert_eq!(put(&mut all, 1, 0, true, b"01234567"), None);
        assert_eq!(put(&mut all, 1, 8, true, b"89abcdef").unwrap(), b"0123456789abcdefend");
        assert!(all.waiting.is_empty());
    }

    #[test]
    fn an_overlap_costs_the_packet() {
        for (offset, bytes) in [(0, b"01234568".as_slice()), (8, b"0123456789abcdef")] {
            let mut all = Fragments::default();
            put(&mut all, 1, 0, true, b"01234567");
            put(&mut all, 1, 16, true, b"01234567");
            put(&mut all, 1, offset, true, bytes);
            assert!(all.waiting.is_empty(), "{offset}");
        }
    }

    #[test]
    fn what_never_gets_whole_does_not_grow() {
        let mut all = Fragments::default();
        for id in 0..100_000 {
            put(&mut all, id, 0, true, b"01234567");
            assert!(all.waiting.len() <= ASSEMBLING_MAX);
        }
        let mut one = Fragments::default();
        for piece in 0..8191 {
            put(&mut one, 1, piece * 8 % 65_000, true, b"01234567");
            assert!(one.waiting.values().all(|a| a.pieces.len() <= PIECES_MAX));
        }
        let mut late = Fragments::default();
        put(&mut late, 1, 0, true, b"01234567");
        let much_later = 2 * PATIENCE_NS;
        let part = Fragment { id: 1, offset: 8, more: false };
        assert_eq!(late.take(much_later, &ip(b"x"), part), None, "of another packet by then");
    }
}
