//! IPv4 and UDP headers around a payload, for raw frames (RFC 791, RFC 768).
//!
//! In: addresses and a payload, or the bytes after an Ethernet header. Out: the packet, or its
//! parts. Never: Ethernet itself, routing, fragments.

use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

const IP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
const UDP: u8 = 17;
const TTL: u8 = 64;
/// More fragments (RFC 791, 3.1), and the offset after it.
const FRAGMENT: u16 = 0x3fff;

/// One packet: both checksums valid, "don't fragment" clear, since some firmware sits behind
/// links that cannot take what the client promised. `id` tells fragments apart (RFC 6864, 4.3);
/// the caller counts it up.
///
/// `None` when the payload is longer than 65 507 bytes, which no IPv4 packet holds.
#[must_use]
pub fn encode(src: SocketAddrV4, dst: SocketAddrV4, id: u16, payload: &[u8]) -> Option<Vec<u8>> {
    let udp_length = u16::try_from(payload.len().checked_add(UDP_HEADER)?).ok()?;
    let ip_length = u16::try_from(usize::from(udp_length).checked_add(IP_HEADER)?).ok()?;

    let mut ip = Vec::with_capacity(IP_HEADER);
    ip.extend([0x45, 0]);
    ip.extend(ip_length.to_be_bytes());
    ip.extend(id.to_be_bytes());
    ip.extend([0, 0, TTL, UDP]);
    let ip_checksum_at = ip.len();
    ip.extend([0, 0]);
    ip.extend(src.ip().octets());
    ip.extend(dst.ip().octets());
    let ip_checksum = checksum(&[&ip]);

    let mut udp = Vec::with_capacity(UDP_HEADER);
    udp.extend(src.port().to_be_bytes());
    udp.extend(dst.port().to_be_bytes());
    udp.extend(udp_length.to_be_bytes());
    let pseudo = pseudo_header(*src.ip(), *dst.ip(), udp_length);
    // A sum of zero is sent as all ones: zero on the wire says "no checksum" (RFC 768).
    let udp_checksum = match checksum(&[&pseudo, &udp, payload]) {
        0 => u16::MAX,
        sum => sum,
    };

    let mut packet = Vec::with_capacity(usize::from(ip_length));
    packet.extend(ip.iter().take(ip_checksum_at));
    packet.extend(ip_checksum.to_be_bytes());
    packet.extend(ip.iter().skip(ip_checksum_at).skip(2));
    packet.extend(udp);
    packet.extend(udp_checksum.to_be_bytes());
    packet.extend_from_slice(payload);
    Some(packet)
}

/// What a packet says, its payload borrowed from the bytes read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet<'a> {
    /// Who sent it.
    pub src: SocketAddrV4,
    /// To whom.
    pub dst: SocketAddrV4,
    /// What is in it.
    pub payload: &'a [u8],
    ip_header: &'a [u8],
    udp: &'a [u8],
}

/// Reads the bytes after an Ethernet header; what Ethernet pads at the end is left alone.
/// Checksums are not looked at: of packets from the same host (veth, loopback) the kernel has
/// not computed them yet. See [`Packet::verify_checksum`].
///
/// # Errors
///
/// When it is not one whole IPv4 packet with one whole UDP datagram in it.
pub fn parse(bytes: &[u8]) -> Result<Packet<'_>, Malformed> {
    let Some((fixed, _)) = bytes.split_first_chunk::<IP_HEADER>() else {
        return Err(Malformed::TooShort(bytes.len()));
    };
    let [version, _, l0, l1, _, _, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
        *fixed;
    if version >> 4 != 4 {
        return Err(Malformed::Version(version >> 4));
    }
    if u16::from_be_bytes([f0, f1]) & FRAGMENT != 0 {
        return Err(Malformed::Fragment);
    }
    if protocol != UDP {
        return Err(Malformed::Protocol(protocol));
    }
    let header_length = usize::from(version & 0x0f).saturating_mul(4);
    let packet = bytes.get(..usize::from(u16::from_be_bytes([l0, l1]))).ok_or(Malformed::Length)?;
    let (ip_header, datagram) = packet.split_at_checked(header_length).ok_or(Malformed::Length)?;
    if ip_header.len() < IP_HEADER {
        return Err(Malformed::Length);
    }

    let Some((&[sp0, sp1, dp0, dp1, u0, u1, _, _], _)) = datagram.split_first_chunk::<UDP_HEADER>()
    else {
        return Err(Malformed::Length);
    };
    let udp = datagram.get(..usize::from(u16::from_be_bytes([u0, u1]))).ok_or(Malformed::Length)?;
    let payload = udp.get(UDP_HEADER..).ok_or(Malformed::Length)?;

    Ok(Packet {
        src: SocketAddrV4::new(Ipv4Addr::new(s0, s1, s2, s3), u16::from_be_bytes([sp0, sp1])),
        dst: SocketAddrV4::new(Ipv4Addr::new(d0, d1, d2, d3), u16::from_be_bytes([dp0, dp1])),
        payload,
        ip_header,
        udp,
    })
}

impl Packet<'_> {
    /// Whether the header checksum and, where there is one, the UDP checksum are right.
    #[must_use]
    pub fn verify_checksum(&self) -> bool {
        if checksum(&[self.ip_header]) != 0 {
            return false;
        }
        if self.udp.get(6..UDP_HEADER) == Some(&[0, 0]) {
            return true;
        }
        let length = u16::try_from(self.udp.len()).unwrap_or(u16::MAX);
        checksum(&[&pseudo_header(*self.src.ip(), *self.dst.ip(), length), self.udp]) == 0
    }
}

/// What the UDP checksum covers beside the datagram (RFC 768).
fn pseudo_header(src: Ipv4Addr, dst: Ipv4Addr, udp_length: u16) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(12);
    bytes.extend(src.octets());
    bytes.extend(dst.octets());
    bytes.extend([0, UDP]);
    bytes.extend(udp_length.to_be_bytes());
    bytes
}

/// The Internet checksum of `parts` one after the other (RFC 1071). All parts but the last have
/// an even length.
pub(crate) fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum: u64 = 0;
    for part in parts {
        let (words, odd) = part.as_chunks::<2>();
        for word in words {
            sum = sum.saturating_add(u64::from(u16::from_be_bytes(*word)));
        }
        if let [last] = odd {
            sum = sum.saturating_add(u64::from(u16::from_be_bytes([*last, 0])));
        }
    }
    while let carry @ 1.. = sum >> 16 {
        sum = (sum & 0xffff).saturating_add(carry);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

/// Why bytes are no UDP packet we can read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Malformed {
    /// It ends before the IPv4 header does; so many bytes it has.
    TooShort(usize),
    /// Not version 4.
    Version(u8),
    /// Not UDP.
    Protocol(u8),
    /// A part of a larger packet, which is never put together here.
    Fragment,
    /// The lengths in the headers disagree with each other or with what was received.
    Length,
}

impl Error for Malformed {}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort(length) => {
                write!(f, "{length} bytes are too short for an IPv4 header, which has 20 or more")
            }
            Self::Version(version) => write!(f, "IP version {version} instead of 4"),
            Self::Protocol(protocol) => write!(f, "IP protocol {protocol} instead of 17 (UDP)"),
            Self::Fragment => f.write_str("a fragment of a larger packet"),
            Self::Length => f.write_str("the lengths in the IPv4 and UDP headers do not fit"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 67);
    const CLIENT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 100), 68);

    fn packet(payload: &[u8]) -> Vec<u8> {
        encode(SERVER, CLIENT, 0x1234, payload).expect("short enough")
    }

    #[test]
    fn a_packet_byte_for_byte() {
        let expected = [
            0x45, 0, 0, 31, 0x12, 0x34, 0, 0, 64, 17, 0x54, 0x36, 10, 0, 0, 1, 10, 0, 0,
            100, //
            0, 67, 0, 68, 0, 11, 0x26, 0x8a, b'a', b'b', b'c',
        ];
        assert_eq!(packet(b"abc"), expected);
    }

    #[test]
    fn what_was_put_in_comes_out_with_valid_checksums() {
        for length in [0, 1, 2, 300, 1471, 1472, 65_507] {
            let payload: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let bytes = packet(&payload);
            let packet = parse(&bytes).expect("ours");
            assert_eq!((packet.src, packet.dst, packet.payload), (SERVER, CLIENT, &payload[..]));
            assert!(packet.verify_checksum(), "{length} bytes");
        }
        assert_eq!(encode(SERVER, CLIENT, 0, &vec![0; 65_508]), None);
    }

    /// A sum of zero means "no checksum", so it is sent as its other form.
    #[test]
    fn a_checksum_of_zero_is_sent_as_all_ones() {
        let ones = (0..=u16::MAX)
            .map(|word| packet(&word.to_be_bytes()))
            .filter(|bytes| bytes[26..28] == [0xff, 0xff])
            .inspect(|bytes| assert!(parse(bytes).expect("ours").verify_checksum()));
        assert_eq!(ones.count(), 1);
    }

    #[test]
    fn any_flipped_bit_that_leaves_a_packet_spoils_a_checksum() {
        let good = packet(b"odd");
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(packet) = parse(&bytes) {
                assert!(!packet.verify_checksum(), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_partial_checksum_is_read_and_no_checksum_is_right() {
        let mut bytes = packet(b"abc");
        bytes[26] ^= 0x55;
        assert!(!parse(&bytes).expect("read all the same").verify_checksum());
        bytes[26..28].fill(0);
        assert!(parse(&bytes).expect("read all the same").verify_checksum());
    }

    #[test]
    fn what_ethernet_pads_is_left_alone() {
        let mut bytes = packet(b"abc");
        bytes.resize(46, 0);
        assert_eq!(parse(&bytes).map(|packet| packet.payload), Ok(&b"abc"[..]));
    }

    #[test]
    fn header_options_are_stepped_over() {
        let mut bytes = packet(b"abc");
        bytes[0] = 0x46;
        bytes[3] += 4;
        bytes.splice(20..20, [1, 1, 1, 0]);
        assert_eq!(parse(&bytes).map(|packet| packet.payload), Ok(&b"abc"[..]));
    }

    #[test]
    fn what_is_no_whole_udp_packet_is_refused() {
        let bent = |at: usize, value: u8| {
            let mut bytes = packet(b"abc");
            bytes[at] = value;
            parse(&bytes).map(|packet| packet.payload.len())
        };
        assert_eq!(bent(0, 0x65), Err(Malformed::Version(6)));
        assert_eq!(bent(0, 0x44), Err(Malformed::Length), "a header of 16 bytes");
        assert_eq!(bent(0, 0x4f), Err(Malformed::Length), "a header of 60 bytes");
        assert_eq!(bent(3, 32), Err(Malformed::Length), "one byte is missing");
        assert_eq!(bent(3, 19), Err(Malformed::Length));
        assert_eq!(bent(6, 0x20), Err(Malformed::Fragment), "the first");
        assert_eq!(bent(7, 1), Err(Malformed::Fragment), "a later one");
        assert_eq!(bent(6, 0x40), Ok(3), "don't fragment is fine");
        assert_eq!(bent(9, 6), Err(Malformed::Protocol(6)));
        assert_eq!(bent(25, 12), Err(Malformed::Length), "UDP claims more than IP holds");
        assert_eq!(bent(25, 7), Err(Malformed::Length), "UDP claims less than its header");
        assert_eq!(bent(25, 10), Ok(2));
        for length in 0..31 {
            assert!(parse(&packet(b"abc")[..length]).is_err(), "{length} bytes");
        }
    }
}
