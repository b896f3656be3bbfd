//! DHCP and proxyDHCP: one datagram in, one answer out.

use crate::{Engine, Told};
use model::plan::{Answer, Why};
use model::{HardwareAddress, Now};
use std::net::{Ipv4Addr, SocketAddrV4};

/// A UDP payload that reached port 67 or 4011.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Datagram {
    /// The interface it came in on.
    pub link: String,
    /// Source address and port.
    pub from: SocketAddrV4,
    /// Destination address: ours, 255.255.255.255, or a directed broadcast.
    pub to: Ipv4Addr,
    /// 67 or 4011.
    pub port: u16,
    /// The message.
    pub bytes: Vec<u8>,
}

/// Where a reply goes (`protocols.md` §6).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Destination {
    /// 255.255.255.255, out of the interface the request came in on.
    Broadcast {
        /// UDP port, 68 as a rule.
        port: u16,
    },
    /// A client that has no address yet: this link-layer destination, never by ARP.
    Link {
        /// The address it is being given.
        address: Ipv4Addr,
        /// UDP port.
        port: u16,
        /// Its hardware address.
        hardware: HardwareAddress,
    },
    /// A relay, or a client that has its address: by the kernel's routes and ARP.
    Routed(SocketAddrV4),
}

/// A reply, ready to be sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outgoing {
    /// The interface to send it out of.
    pub link: String,
    /// Source address and port.
    pub from: SocketAddrV4,
    /// Where to.
    pub to: Destination,
    /// The message.
    pub bytes: Vec<u8>,
}

/// Soft state about clients in the middle of a boot; may be lost at any moment.
#[derive(Clone, Debug, Default)]
pub struct Memory {}

impl Engine {
    /// Reads one message and decides what to answer.
    pub fn dhcp(&mut self, now: Now, datagram: &Datagram) -> Told<Outgoing> {
        let _ = (now, &self.memory);
        Told {
            answer: Answer::Silence(Why::NotServed(datagram.link.clone())),
            changes: Vec::new(),
            events: Vec::new(),
        }
    }
}
