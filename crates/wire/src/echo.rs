//! ICMP echo (RFC 792): whether somebody answers at an address.
//!
//! In: a number of our own, or a received IPv4 packet. Out: the question without its IP header, or
//! who answered. Never: other kinds of ICMP.

use crate::udp4::checksum;
use std::net::Ipv4Addr;

const ICMP: u8 = 1;
const REQUEST: u8 = 8;
const REPLY: u8 = 0;

/// Asks for an answer that carries `id` and `sequence`.
#[must_use]
pub fn question(id: u16, sequence: u16) -> Vec<u8> {
    let [i0, i1] = id.to_be_bytes();
    let [s0, s1] = sequence.to_be_bytes();
    let [c0, c1] = checksum(&[&[REQUEST, 0, 0, 0, i0, i1, s0, s1]]).to_be_bytes();
    vec![REQUEST, 0, c0, c1, i0, i1, s0, s1]
}

/// Who answered our question, from a packet that begins with its IPv4 header. Nothing if it is no
/// answer to `id`.
#[must_use]
pub fn answer(packet: &[u8], id: u16) -> Option<Ipv4Addr> {
    let [version, _, _, _, _, _, _, _, _, protocol, _, _, s0, s1, s2, s3, ..] = *packet else {
        return None;
    };
    if version >> 4 != 4 || protocol != ICMP {
        return None;
    }
    let header = usize::from(version & 0x0f).saturating_mul(4);
    let [kind, _, _, _, i0, i1, ..] = *packet.get(header..)? else { return None };
    let ours = kind == REPLY && u16::from_be_bytes([i0, i1]) == id;
    ours.then(|| Ipv4Addr::new(s0, s1, s2, s3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_our_number_names_its_sender() {
        let mut icmp = question(0xbeef, 7);
        assert_eq!(checksum(&[&icmp]), 0);
        let mut head = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0];
        head.extend([10, 0, 0, 7, 10, 0, 0, 1]);
        assert_eq!(answer(&[head.clone(), icmp.clone()].concat(), 0xbeef), None, "a question");
        icmp[0] = REPLY;
        let packet = [head, icmp].concat();
        assert_eq!(answer(&packet, 0xbeef), Some([10, 0, 0, 7].into()));
        assert_eq!(answer(&packet, 0xbee0), None);
        assert_eq!(answer(&packet[..22], 0xbeef), None);
    }
}
