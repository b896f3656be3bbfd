//! From a frame to the packet in it: Ethernet with VLAN tags, Linux cooked captures, raw IP.
//!
//! In: a frame and what it begins with. Out: [`Frame`], its payload borrowed. Never: what is above IP.

use crate::cursor::Cursor;
use crate::file::LinkType;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// VLAN tags around one packet that are read; deeper ones are not.
pub const VLAN_TAGS_MAX: usize = 4;
/// Extension headers of one IPv6 packet that are stepped over.
pub const EXTENSIONS_MAX: usize = 8;

const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;
/// 802.1Q, 802.1ad, and the number of the time before it.
const VLAN: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// A frame, opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame<'a> {
    /// Who sent it, by hardware address, where the capture says.
    pub from: Option<[u8; 6]>,
    /// To whom; Linux cooked captures do not say.
    pub to: Option<[u8; 6]>,
    /// VLANs, outermost first.
    pub vlans: Vec<u16>,
    /// What is in it.
    pub inside: Inside<'a>,
}

/// What is in a frame.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Inside<'a> {
    /// An IP packet, or a fragment of one.
    Ip(Ip<'a>),
    /// Somebody says who has an address, or asks.
    Arp(Arp),
    /// Something that is not read: its Ethernet type.
    Other(u16),
    /// Not what it claims to be.
    Malformed,
}

/// ARP for IPv4 over Ethernet (RFC 826).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Arp {
    /// It says, rather than asks.
    pub reply: bool,
    /// The sender's hardware address.
    pub hardware: [u8; 6],
    /// The sender's address; 0.0.0.0 when it only looks whether one is free (RFC 5227).
    pub address: Ipv4Addr,
    /// The address it is about.
    pub target: Ipv4Addr,
}

/// An IP packet without its header and extensions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ip<'a> {
    /// Who sent it.
    pub from: IpAddr,
    /// To whom.
    pub to: IpAddr,
    /// What is in it (IANA's protocol numbers).
    pub protocol: u8,
    /// Which part of which packet it is, if it is not whole.
    pub fragment: Option<Fragment>,
    /// What is in it.
    pub payload: &'a [u8],
    /// Bytes of the payload that travelled and the capture cut off.
    pub cut: usize,
}

/// A part of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fragment {
    /// The packet it is of.
    pub id: u32,
    /// Where it belongs, in bytes.
    pub offset: u32,
    /// Whether more come behind it.
    pub more: bool,
}

/// Opens a frame.
#[must_use]
pub fn open(link: LinkType, bytes: &[u8]) -> Frame<'_> {
    let opened = match link {
        LinkType::Ethernet => ethernet(bytes),
        LinkType::LinuxCooked => cooked(bytes),
        LinkType::LinuxCooked2 => cooked2(bytes),
        LinkType::RawIp => match version(bytes) {
            Some(4) => ipv4(bytes).map(bare),
            Some(6) => ipv6(bytes).map(bare),
            _ => None,
        },
        LinkType::Ipv4 => ipv4(bytes).map(bare),
        LinkType::Ipv6 => ipv6(bytes).map(bare),
        LinkType::Other(_) => Some(without(Inside::Other(0))),
    };
    opened.unwrap_or_else(|| without(Inside::Malformed))
}

fn bare(ip: Ip<'_>) -> Frame<'_> {
    without(Inside::Ip(ip))
}

/// A frame that says nothing of the link.
fn without(inside: Inside<'_>) -> Frame<'_> {
    Frame { from: None, to: None, vlans: Vec::new(), inside }
}

fn version(bytes: &[u8]) -> Option<u8> {
    bytes.first().map(|first| first >> 4)
}

fn ethernet(bytes: &[u8]) -> Option<Frame<'_>> {
    let mut cursor = Cursor::network(bytes);
    let (to, from) = (cursor.array()?, cursor.array()?);
    let (vlans, inside) = tagged(&mut cursor)?;
    Some(Frame { from: Some(from), to: Some(to), vlans, inside })
}

/// LINKTYPE_LINUX_SLL: packet type, kind of hardware, length and bytes of the address, protocol.
fn cooked(bytes: &[u8]) -> Option<Frame<'_>> {
    let mut cursor = Cursor::network(bytes);
    cursor.take(4)?;
    let length = cursor.u16()?;
    let from = cursor.array::<8>()?;
    let (vlans, inside) = tagged(&mut cursor)?;
    Some(Frame { from: address_of(usize::from(length), from), to: None, vlans, inside })
}

/// LINKTYPE_LINUX_SLL2: protocol first, then interface, kind of hardware, packet type, address.
fn cooked2(bytes: &[u8]) -> Option<Frame<'_>> {
    let mut cursor = Cursor::network(bytes);
    let kind = cursor.u16()?;
    cursor.take(2 + 4 + 2 + 1)?;
    let length = cursor.u8()?;
    let from = cursor.array::<8>()?;
    let (vlans, inside) = behind(kind, &mut cursor)?;
    Some(Frame { from: address_of(usize::from(length), from), to: None, vlans, inside })
}

fn address_of(length: usize, field: [u8; 8]) -> Option<[u8; 6]> {
    let [a, b, c, d, e, f, ..] = field;
    (length == 6).then_some([a, b, c, d, e, f])
}

fn tagged<'a>(cursor: &mut Cursor<'a>) -> Option<(Vec<u16>, Inside<'a>)> {
    let kind = cursor.u16()?;
    behind(kind, cursor)
}

/// What stands behind an Ethernet type, VLAN tags first.
fn behind<'a>(mut kind: u16, cursor: &mut Cursor<'a>) -> Option<(Vec<u16>, Inside<'a>)> {
    let mut vlans = Vec::new();
    while VLAN.contains(&kind) {
        if vlans.len() >= VLAN_TAGS_MAX {
            return Some((vlans, Inside::Other(kind)));
        }
        vlans.push(cursor.u16()? & 0x0fff);
        kind = cursor.u16()?;
    }
    let inside = match kind {
        IPV4 => ipv4(cursor.rest()).map(Inside::Ip),
        IPV6 => ipv6(cursor.rest()).map(Inside::Ip),
        ARP => arp(cursor.rest()).map(Inside::Arp),
        other => Some(Inside::Other(other)),
    };
    Some((vlans, inside.unwrap_or(Inside::Malformed)))
}

fn arp(bytes: &[u8]) -> Option<Arp> {
    let mut cursor = Cursor::network(bytes);
    let (hardware, protocol, lengths) = (cursor.u16()?, cursor.u16()?, cursor.u16()?);
    if (hardware, protocol, lengths) != (1, IPV4, 0x0604) {
        return None;
    }
    let reply = cursor.u16()? == 2;
    let (hardware, address) = (cursor.array()?, cursor.array::<4>()?);
    cursor.take(6)?;
    let target = cursor.array::<4>()?;
    Some(Arp { reply, hardware, address: address.into(), target: target.into() })
}

/// RFC 791. What Ethernet pads behind the packet is left alone.
fn ipv4(bytes: &[u8]) -> Option<Ip<'_>> {
    let mut cursor = Cursor::network(bytes);
    let first = cursor.u8()?;
    let header = usize::from(first & 0x0f) * 4;
    if first >> 4 != 4 || header < 20 {
        return None;
    }
    cursor.u8()?;
    let total = usize::from(cursor.u16()?);
    let id = u32::from(cursor.u16()?);
    let fragment = cursor.u16()?;
    cursor.u8()?;
    let protocol = cursor.u8()?;
    cursor.u16()?;
    let (from, to) = (cursor.array::<4>()?, cursor.array::<4>()?);
    // Offloaded to the network card, a packet may say that it is empty.
    let total = if total == 0 { bytes.len() } else { total };
    let (payload, cut) = within(bytes, header, total)?;
    let more = fragment & 0x2000 != 0;
    let offset = u32::from(fragment & 0x1fff) * 8;
    let whole = !more && offset == 0;
    let fragment = (!whole).then_some(Fragment { id, offset, more });
    let (from, to) = (IpAddr::from(from), IpAddr::from(to));
    Some(Ip { from, to, protocol, fragment, payload, cut })
}

/// From the end of the header to the end of the packet, and how much of that is missing.
fn within(bytes: &[u8], header: usize, total: usize) -> Option<(&[u8], usize)> {
    let held = total.min(bytes.len());
    let payload = bytes.get(header..held)?;
    Some((payload, total - held))
}

/// RFC 8200, with the extensions that may stand before what it carries.
fn ipv6(bytes: &[u8]) -> Option<Ip<'_>> {
    const HOP_BY_HOP: u8 = 0;
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    const DESTINATION: u8 = 60;
    let mut cursor = Cursor::network(bytes);
    if cursor.u32()? >> 28 != 6 {
        return None;
    }
    let length = usize::from(cursor.u16()?);
    let mut protocol = cursor.u8()?;
    cursor.u8()?;
    let (from, to) = (cursor.array::<16>()?, cursor.array::<16>()?);
    let total = if length == 0 { bytes.len() } else { 40 + length };
    let (inside, cut) = within(bytes, 40, total)?;
    let mut cursor = Cursor::network(inside);
    let mut fragment = None;
    for _ in 0..EXTENSIONS_MAX {
        match protocol {
            HOP_BY_HOP | ROUTING | DESTINATION => {
                protocol = cursor.u8()?;
                let length = usize::from(cursor.u8()?) * 8 + 6;
                cursor.take(length)?;
            }
            FRAGMENT if fragment.is_none() => {
                protocol = cursor.u8()?;
                cursor.u8()?;
                let place = cursor.u16()?;
                let id = cursor.u32()?;
                let part = Fragment { id, offset: u32::from(place & 0xfff8), more: place & 1 != 0 };
                fragment = (part.more || part.offset != 0).then_some(part);
                if part.offset != 0 {
                    // What follows is from the middle of a packet.
                    break;
                }
            }
            _ => break,
        }
    }
    let (from, to) = (IpAddr::V6(Ipv6Addr::from(from)), IpAddr::V6(Ipv6Addr::from(to)));
    Some(Ip { from, to, protocol, fragment, payload: cursor.rest(), cut })
}
