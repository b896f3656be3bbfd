//! IPv6 headers around UDP and ICMPv6, for raw frames (RFC 8200, RFC 768, RFC 4443).
//!
//! In: addresses and a payload, or the bytes after an Ethernet header. Out: the packet, or its
//! parts. Never: Ethernet itself, routing, extension headers, fragments.

use crate::udp4::checksum;
use std::error::Error;
use std::fmt;
use std::net::Ipv6Addr;

const HEADER: usize = 40;
const UDP_HEADER: usize = 8;
const UDP: u8 = 17;
const ICMP: u8 = 58;
/// What neighbour discovery sends and takes: the packet passed no router (RFC 4861, 6.1).
pub const HOP_LIMIT_MAX: u8 = 255;

/// All routers on the link.
pub const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// The Ethernet address that stands for a multicast group (RFC 2464, 7).
#[must_use]
pub fn multicast_mac(group: Ipv6Addr) -> [u8; 6] {
    let [.., a, b, c, d] = group.octets();
    [0x33, 0x33, a, b, c, d]
}

/// One packet with a UDP datagram, its checksum valid. `None` when the payload does not fit.
#[must_use]
pub fn udp(
    (src, src_port): (Ipv6Addr, u16),
    (dst, dst_port): (Ipv6Addr, u16),
    payload: &[u8],
) -> Option<Vec<u8>> {
    let length = u16::try_from(payload.len().checked_add(UDP_HEADER)?).ok()?;
    let mut body = Vec::with_capacity(usize::from(length));
    body.extend(src_port.to_be_bytes());
    body.extend(dst_port.to_be_bytes());
    body.extend(length.to_be_bytes());
    body.extend([0, 0]);
    body.extend_from_slice(payload);
    // Here a sum of zero may not be sent: it would say "no checksum" (RFC 8200, 8.1).
    let sum = match checksum(&[&pseudo_header(src, dst, u32::from(length), UDP), &body]) {
        0 => u16::MAX,
        sum => sum,
    };
    put_checksum(&mut body, 6, sum);
    packet(src, dst, UDP, 64, &body)
}

/// One packet with an ICMPv6 message whose checksum is still zero. `None` when it does not fit.
#[must_use]
pub fn icmp(src: Ipv6Addr, dst: Ipv6Addr, message: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(message.len()).ok()?;
    let mut body = message.to_vec();
    let sum = checksum(&[&pseudo_header(src, dst, length, ICMP), &body]);
    put_checksum(&mut body, 2, sum);
    packet(src, dst, ICMP, HOP_LIMIT_MAX, &body)
}

fn put_checksum(body: &mut [u8], at: usize, sum: u16) {
    for (place, byte) in body.iter_mut().skip(at).zip(sum.to_be_bytes()) {
        *place = byte;
    }
}

fn packet(src: Ipv6Addr, dst: Ipv6Addr, next: u8, hops: u8, body: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(body.len()).ok()?;
    let mut bytes = Vec::with_capacity(HEADER.saturating_add(body.len()));
    bytes.extend([0x60, 0, 0, 0]);
    bytes.extend(length.to_be_bytes());
    bytes.extend([next, hops]);
    bytes.extend(src.octets());
    bytes.extend(dst.octets());
    bytes.extend_from_slice(body);
    Some(bytes)
}

fn pseudo_header(src: Ipv6Addr, dst: Ipv6Addr, length: u32, next: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER);
    bytes.extend(src.octets());
    bytes.extend(dst.octets());
    bytes.extend(length.to_be_bytes());
    bytes.extend([0, 0, 0, next]);
    bytes
}

/// What a packet says, its payload borrowed from the bytes read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet<'a> {
    /// Who sent it.
    pub src: Ipv6Addr,
    /// To whom.
    pub dst: Ipv6Addr,
    /// Routers it may still pass, 255 if it passed none.
    pub hop_limit: u8,
    /// What is in it.
    pub body: Body<'a>,
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Body<'a> {
    /// A UDP datagram.
    Udp {
        /// From this port.
        src_port: u16,
        /// To this port.
        dst_port: u16,
        /// What is in it.
        payload: &'a [u8],
    },
    /// An ICMPv6 message, from its type on.
    Icmp(&'a [u8]),
}

/// Reads the bytes after an Ethernet header; what Ethernet pads at the end is left alone.
/// Checksums are not looked at: between sockets of one host the kernel leaves them out.
///
/// # Errors
///
/// When it is not one whole packet with UDP or ICMPv6 directly behind its header.
pub fn parse(bytes: &[u8]) -> Result<Packet<'_>, Malformed> {
    let Some((head, rest)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(Malformed::TooShort(bytes.len()));
    };
    let [version, _, _, _, l0, l1, next, hop_limit, addresses @ ..] = *head;
    if version >> 4 != 6 {
        return Err(Malformed::Version(version >> 4));
    }
    let body = rest.get(..usize::from(u16::from_be_bytes([l0, l1]))).ok_or(Malformed::Length)?;
    let body = match next {
        ICMP => Body::Icmp(body),
        UDP => datagram(body)?,
        other => return Err(Malformed::NextHeader(other)),
    };
    let (src, dst) = addresses.split_at_checked(16).ok_or(Malformed::Length)?;
    Ok(Packet { src: address(src)?, dst: address(dst)?, hop_limit, body })
}

fn address(bytes: &[u8]) -> Result<Ipv6Addr, Malformed> {
    <[u8; 16]>::try_from(bytes).map(Ipv6Addr::from).map_err(|_| Malformed::Length)
}

fn datagram(bytes: &[u8]) -> Result<Body<'_>, Malformed> {
    let Some((&[s0, s1, d0, d1, l0, l1, _, _], _)) = bytes.split_first_chunk::<UDP_HEADER>() else {
        return Err(Malformed::Length);
    };
    let whole = bytes.get(..usize::from(u16::from_be_bytes([l0, l1]))).ok_or(Malformed::Length)?;
    let payload = whole.get(UDP_HEADER..).ok_or(Malformed::Length)?;
    Ok(Body::Udp {
        src_port: u16::from_be_bytes([s0, s1]),
        dst_port: u16::from_be_bytes([d0, d1]),
        payload,
    })
}

/// Why bytes are no packet we can read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Malformed {
    /// It ends before the IPv6 header does; so many bytes it has.
    TooShort(usize),
    /// Not version 6.
    Version(u8),
    /// Neither UDP nor ICMPv6 behind the header.
    NextHeader(u8),
    /// The lengths in the headers disagree with each other or with what was received.
    Length,
}

impl Error for Malformed {}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort(length) => {
                write!(f, "{length} bytes are too short for an IPv6 header, which has 40")
            }
            Self::Version(version) => write!(f, "IP version {version} instead of 6"),
            Self::NextHeader(next) => {
                write!(f, "next header {next} instead of 17 (UDP) or 58 (ICMPv6)")
            }
            Self::Length => f.write_str("the lengths in the IPv6 and UDP headers do not fit"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    const ALL: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);

    #[test]
    fn what_was_put_in_comes_out_and_every_sum_is_right() {
        for length in [0, 1, 2, 77, 1452] {
            let payload: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let bytes = udp((US, 546), (ALL, 547), &payload).unwrap();
            let packet = parse(&bytes).unwrap();
            assert_eq!((packet.src, packet.dst), (US, ALL));
            let body = Body::Udp { src_port: 546, dst_port: 547, payload: &payload };
            assert_eq!(packet.body, body);
            let part = &bytes[HEADER..];
            let head = pseudo_header(US, ALL, u32::try_from(part.len()).unwrap(), UDP);
            assert_eq!(checksum(&[&head, part]), 0, "{length} bytes");
        }
        assert_eq!(udp((US, 1), (ALL, 2), &vec![0; 65_528]), None);
    }

    #[test]
    fn icmp_carries_its_sum_and_the_hop_limit_of_neighbours() {
        let bytes = icmp(US, ALL_ROUTERS, &[133, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        let packet = parse(&bytes).unwrap();
        assert_eq!(packet.hop_limit, 255);
        let Body::Icmp(message) = packet.body else { panic!("{packet:?}") };
        let head = pseudo_header(US, ALL_ROUTERS, 8, ICMP);
        assert_eq!(checksum(&[&head, message]), 0);
    }

    #[test]
    fn what_is_no_whole_packet_is_refused_and_padding_is_left_alone() {
        let good = udp((US, 546), (ALL, 547), b"abc").unwrap();
        for length in 0..good.len() {
            assert!(parse(&good[..length]).is_err(), "{length} bytes");
        }
        let bent = |at: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[at] = value;
            parse(&bytes).map(drop)
        };
        assert_eq!(bent(0, 0x45), Err(Malformed::Version(4)));
        assert_eq!(bent(6, 0), Err(Malformed::NextHeader(0)));
        assert_eq!(bent(45, 12), Err(Malformed::Length));
        assert_eq!(bent(45, 7), Err(Malformed::Length));
        let padded = [good.as_slice(), &[0; 9]].concat();
        assert_eq!(parse(&padded), parse(&good));
    }

    #[test]
    fn a_group_has_its_ethernet_address() {
        assert_eq!(multicast_mac(ALL), [0x33, 0x33, 0, 1, 0, 2]);
    }
}
