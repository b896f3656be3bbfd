//! Where a magic packet leaves.
//!
//! In: interfaces, networks, a packet. Out: one datagram or frame, or why not. Never: a packet to
//! one host alone: a sleeping machine answers no ARP.

use super::{Ethernet, WakeError};
use model::text::show;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

/// The discard port, to which magic packets go: whoever is awake ignores what comes there.
pub const PORT: u16 = 9;
/// The longest interface name (IFNAMSIZ without its NUL).
const INTERFACE_BYTES_MAX: usize = 15;
/// The narrowest network with a broadcast address of its own.
const PREFIX_MAX: u8 = 30;

/// One way to a sleeping machine.
#[derive(Clone, Debug)]
pub struct Way {
    kind: Kind,
    port: u16,
}

#[derive(Clone, Debug)]
enum Kind {
    Interface(String),
    Directed(Ipv4Addr),
    Ethernet(Arc<Ethernet>),
}

/// The broadcast address of a network; none where it has none (/31, /32) or the prefix is none.
#[must_use]
pub fn directed_broadcast(network: Ipv4Addr, prefix: u8) -> Option<Ipv4Addr> {
    if prefix == 0 || prefix > PREFIX_MAX {
        return None;
    }
    let hosts = u32::MAX.checked_shr(u32::from(prefix))?;
    Some(Ipv4Addr::from(u32::from(network) | hosts))
}

impl Way {
    /// UDP to 255.255.255.255 out of a named interface, whatever the routes say and whether or not
    /// it has an address.
    ///
    /// # Errors
    /// When that cannot be an interface's name.
    pub fn interface(name: &str) -> Result<Self, WakeError> {
        let fits = !name.is_empty() && name.len() <= INTERFACE_BYTES_MAX;
        if !fits || name.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control()) {
            return Err(WakeError::NoInterface { interface: show(name.as_bytes()) });
        }
        Ok(Self::of(Kind::Interface(name.to_owned())))
    }

    /// UDP to the broadcast address of a far network ([`directed_broadcast`]), by the host's
    /// routes. The last router must let directed broadcasts through, which it does not by itself:
    /// `ip directed-broadcast` on Cisco, `bc_forwarding` on Linux.
    ///
    /// # Errors
    /// When that can be no such address.
    pub fn directed(to: Ipv4Addr) -> Result<Self, WakeError> {
        let not = |why| Err(WakeError::Broadcast { to: to.to_string(), why });
        if to.is_broadcast() {
            return not("it never leaves this link; name the interface instead");
        }
        if to.is_loopback() || to.is_unspecified() || to.octets()[0] == 0 {
            return not("it stays within this host");
        }
        if to.is_multicast() || to.octets()[0] >= 240 {
            return not("it is a group's or reserved; give the last address of the network");
        }
        Ok(Self::of(Kind::Directed(to)))
    }

    /// A raw frame of type 0x0842. The socket is opened beforehand, so that the right to open it
    /// can be dropped.
    #[must_use]
    pub fn ethernet(opened: Arc<Ethernet>) -> Self {
        Self::of(Kind::Ethernet(opened))
    }

    /// The same to another UDP port than [`PORT`]; a frame has none.
    #[must_use]
    pub fn to_port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    fn of(kind: Kind) -> Self {
        Self { kind, port: PORT }
    }

    pub(super) fn send(&self, packet: &[u8]) -> Result<(), WakeError> {
        let port = self.port;
        let sent = match &self.kind {
            Kind::Interface(name) => datagram(Some(name), (Ipv4Addr::BROADCAST, port), packet),
            Kind::Directed(to) => datagram(None, (*to, port), packet),
            Kind::Ethernet(opened) => opened.send(packet),
        };
        sent.map_err(|cause| WakeError::send(self.words(), cause))
    }

    fn words(&self) -> String {
        match &self.kind {
            Kind::Interface(name) => format!("by UDP out of {name}"),
            Kind::Directed(to) => format!("by UDP to {to}"),
            Kind::Ethernet(opened) => format!("as a frame out of {}", opened.interface()),
        }
    }
}

/// One datagram. A full queue is an error, not a wait.
fn datagram(interface: Option<&str>, (to, port): (Ipv4Addr, u16), packet: &[u8]) -> io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    socket.set_broadcast(true)?;
    if let Some(name) = interface {
        socket.bind_device(Some(name.as_bytes()))?;
    }
    socket.send_to(packet, &SocketAddrV4::new(to, port).into()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_broadcast_address_is_the_last_of_the_network() {
        let of = |network: &str, prefix| {
            directed_broadcast(network.parse().unwrap(), prefix).map(|to| to.to_string())
        };
        assert_eq!(of("10.80.0.0", 24).as_deref(), Some("10.80.0.255"));
        assert_eq!(of("10.80.0.77", 22).as_deref(), Some("10.80.3.255"));
        assert_eq!(of("10.0.0.0", 8).as_deref(), Some("10.255.255.255"));
        assert_eq!(of("192.168.7.4", 30).as_deref(), Some("192.168.7.7"));
        for none in [0, 31, 32, 33, 255] {
            assert_eq!(of("10.80.0.0", none), None, "/{none}");
        }
    }

    #[test]
    fn a_way_that_cannot_be_is_refused_in_words() {
        for wrong in ["", "a/b", "eth 0", "eth\n", "sixteen-letters-"] {
            assert!(matches!(Way::interface(wrong), Err(WakeError::NoInterface { .. })), "{wrong}");
        }
        assert!(Way::interface("enp0s31f6.4000").is_ok());
        for wrong in ["255.255.255.255", "127.255.255.255", "0.0.0.255", "224.0.0.1", "250.1.1.1"] {
            let refused = Way::directed(wrong.parse().unwrap()).unwrap_err().to_string();
            assert!(refused.starts_with(wrong), "{refused}");
        }
        assert!(Way::directed(Ipv4Addr::new(10, 80, 0, 255)).is_ok());
    }

    #[test]
    fn what_the_system_says_is_told_with_the_way() {
        let way = Way::interface("nosuchcard0").unwrap();
        let failed = way.send(&[0; 102]).unwrap_err().to_string();
        assert!(failed.contains("out of nosuchcard0") && failed.contains("ip link"), "{failed}");
    }
}
