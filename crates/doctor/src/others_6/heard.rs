//! Who speaks IPv6 on a link, as somebody heard it.

use model::HardwareAddress;
use model::network6::Subnet6;
use std::net::Ipv6Addr;

/// What was heard on one link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// The interface.
    pub interface: String,
    /// Why the link could not be asked.
    pub not_asked: Option<String>,
    /// The interface speaks IPv6; otherwise nobody was asked.
    pub spoken: bool,
    /// Addresses of this host: what leads there is ours.
    pub own: Vec<Ipv6Addr>,
    /// Our addresses on it at which names are answered; none where they are not.
    pub names: Vec<Ipv6Addr>,
    /// Servers and routers that belong there, by the address that they speak from.
    pub expected: Vec<Ipv6Addr>,
    /// Routers that announced themselves.
    pub routers: Vec<Router>,
    /// DHCPv6 servers that answered; never our own, which hears nothing of what this host sends.
    pub servers: Vec<Server>,
    /// What we serve there.
    pub ours: Option<Ours>,
}

/// What our configuration says of IPv6 on a link.
#[derive(Clone, Debug, PartialEq)]
pub struct Ours {
    /// The subnet.
    pub subnet: Subnet6,
    /// Machines have their addresses from us; else they make them themselves.
    pub gives_addresses: bool,
    /// We advertise how to ask.
    pub advertises: bool,
    /// Relays hand on what machines ask elsewhere: here are no machines of it.
    pub relayed: bool,
}

/// A router, with what it says of the link.
#[derive(Clone, Debug, PartialEq)]
pub struct Router {
    /// Its address on the link.
    pub address: Ipv6Addr,
    /// Where it spoke from.
    pub mac: HardwareAddress,
    /// M: addresses come by DHCPv6.
    pub managed: bool,
    /// O: other settings come by DHCPv6.
    pub other: bool,
    /// It is a default router.
    pub default: bool,
    /// Prefixes that hold, as far as they mean something to a machine (L or A, RFC 4861, 4.6.2).
    pub prefixes: Vec<Prefix>,
    /// DNS servers it names.
    pub dns: Vec<Ipv6Addr>,
}

/// A prefix that a router announces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prefix {
    /// Its first address, and its bits.
    pub subnet: Subnet6,
    /// L: its addresses are on the link. Who has an address by DHCPv6 knows its neighbours by nothing
    /// else (RFC 5942, 4: such an address says nothing of a prefix).
    pub on_link: bool,
    /// A: machines make themselves an address of it.
    pub autonomous: bool,
}

/// A DHCPv6 server, with what it would have firmware boot.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Its address, or a relay's.
    pub address: Ipv6Addr,
    /// Where its answer came from.
    pub mac: HardwareAddress,
    /// It offers addresses.
    pub offers_address: bool,
    /// DNS servers it names (option 23).
    pub dns: Vec<Ipv6Addr>,
    /// For PXE firmware, bytes of the wire.
    pub pxe_url: Vec<u8>,
    /// For HTTP Boot.
    pub http_url: Vec<u8>,
    /// It says PXEClient (option 16).
    pub says_pxe: bool,
    /// It says HTTPClient (option 16).
    pub says_http: bool,
}
