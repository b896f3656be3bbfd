//! ARP for IPv4 over Ethernet (RFC 826): who has an address.
//!
//! In: addresses, or the bytes after an Ethernet header. Out: the question, or who answered.
//! Never: a cache.

use std::net::Ipv4Addr;

/// Bytes of one message.
pub const LENGTH: usize = 28;

/// Ethernet, IPv4, their lengths.
const HEAD: [u8; 6] = [0, 1, 8, 0, 6, 4];
const REQUEST: [u8; 2] = [0, 1];
const REPLY: [u8; 2] = [0, 2];

/// Asks who has `address`, as somebody with `mac` and `from`.
#[must_use]
pub fn question(mac: [u8; 6], from: Ipv4Addr, address: Ipv4Addr) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(LENGTH);
    bytes.extend(HEAD);
    bytes.extend(REQUEST);
    bytes.extend(mac);
    bytes.extend(from.octets());
    bytes.extend([0; 6]);
    bytes.extend(address.octets());
    bytes
}

/// Of a reply: the address its sender has, and the sender's MAC. Nothing if it is no reply.
#[must_use]
pub fn answer(bytes: &[u8]) -> Option<(Ipv4Addr, [u8; 6])> {
    let rest = bytes.get(..LENGTH)?.strip_prefix(&HEAD)?.strip_prefix(&REPLY)?;
    let (mac, rest) = rest.split_first_chunk::<6>()?;
    let (address, _) = rest.split_first_chunk::<4>()?;
    Some((Ipv4Addr::from(*address), *mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_names_its_sender_and_a_question_is_none() {
        let mut bytes = question([2, 0, 0, 0, 0, 1], [10, 0, 0, 1].into(), [10, 0, 0, 7].into());
        assert_eq!(bytes.len(), LENGTH);
        assert_eq!(answer(&bytes), None);
        bytes[7] = 2;
        assert_eq!(answer(&bytes), Some(([10, 0, 0, 1].into(), [2, 0, 0, 0, 0, 1])));
        // Ethernet pads it to 46 bytes.
        bytes.extend([0; 18]);
        assert!(answer(&bytes).is_some());
        assert_eq!(answer(&bytes[..27]), None);
    }
}
