//! What travelled: datagrams whole, streams in order.
//!
//! In: packets of a capture, in its order. Out: [`Heard`]: ARP, a UDP datagram, a stretch of a TCP
//! stream. Never: more memory than the limits of [`fragments`] and [`tcp`] say, whatever comes.

pub mod fragments;
pub mod tcp;

use crate::cursor::Cursor;
use crate::file::Packet;
use crate::frame::{self, Arp, Inside};
use fragments::Fragments;
use std::net::SocketAddr;
use tcp::{Segment, Streams, Stretch};

/// Something that was said, and by whom.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Heard {
    /// Nanoseconds since 1970: when its last packet was captured.
    pub at_ns: u64,
    /// Which interface: an index into the capture's.
    pub interface: usize,
    /// The sender's hardware address on this link, where the capture says.
    pub hardware: Option<[u8; 6]>,
    /// VLANs, outermost first.
    pub vlans: Vec<u16>,
    /// What was said.
    pub said: Said,
}

/// What was said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Said {
    /// Who has an address.
    Arp(Arp),
    /// A whole datagram.
    Udp(Transport),
    /// Bytes of a stream that now stand in order.
    Tcp(Stretch),
}

/// A UDP datagram.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Transport {
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// The payload; shorter than it was if the capture cut it.
    pub payload: Vec<u8>,
    /// Whether the capture holds less of it than travelled.
    pub cut: bool,
}

/// Puts together what packets carry.
#[derive(Debug, Default)]
pub struct Dissector {
    fragments: Fragments,
    streams: Streams,
}

const TCP: u8 = 6;
const UDP: u8 = 17;

impl Dissector {
    /// Nothing heard yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next packet in; gives what is complete with it, if anything is.
    pub fn hear(&mut self, packet: &Packet) -> Option<Heard> {
        let frame = frame::open(packet.link, &packet.bytes);
        let said = match frame.inside {
            Inside::Arp(arp) => Said::Arp(arp),
            Inside::Ip(ip) => {
                let whole;
                let (payload, cut) = match ip.fragment {
                    None => (ip.payload, ip.cut > 0),
                    Some(_) if ip.cut > 0 => return None,
                    Some(part) => {
                        whole = self.fragments.take(packet.at_ns, &ip, part)?;
                        (whole.as_slice(), false)
                    }
                };
                match ip.protocol {
                    UDP => Said::Udp(udp(&ip, payload, cut)?),
                    TCP => {
                        let segment = Segment::read(&ip, payload, cut)?;
                        Said::Tcp(self.streams.take(segment)?)
                    }
                    _ => return None,
                }
            }
            Inside::Other(_) | Inside::Malformed => return None,
        };
        Some(Heard {
            at_ns: packet.at_ns,
            interface: packet.interface,
            hardware: frame.from,
            vlans: frame.vlans,
            said,
        })
    }
}

/// RFC 768. Checksums are not looked at: of packets of the capturing host they are not made yet.
fn udp(ip: &frame::Ip<'_>, bytes: &[u8], cut: bool) -> Option<Transport> {
    let mut cursor = Cursor::network(bytes);
    let (from, to) = (cursor.u16()?, cursor.u16()?);
    let length = usize::from(cursor.u16()?);
    cursor.u16()?;
    let inside = length.checked_sub(8)?;
    let rest = cursor.rest();
    let payload = match rest.get(..inside) {
        Some(payload) => payload,
        None if cut => rest,
        None => return None,
    };
    Some(Transport {
        from: SocketAddr::new(ip.from, from),
        to: SocketAddr::new(ip.to, to),
        payload: payload.to_vec(),
        cut: payload.len() < inside,
    })
}
