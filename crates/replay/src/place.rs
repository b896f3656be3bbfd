//! Where a packet came in: which of our interfaces the capture stands for.

use crate::run::Moment;
use model::network::Mode;
use model::{Network, Network6};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which interface of ours a packet came in on: by its name in the capture if that is one of ours, else
/// by the only one there is, else by the addresses in it.
pub(crate) fn link(networks: &[Network], moment: &Moment<'_>, ends: [Option<IpAddr>; 3]) -> String {
    let name = moment.interface;
    if let Some(name) = name.filter(|_| moment.names_are_ours) {
        return name.to_owned();
    }
    let named = networks.iter().find(|network| Some(network.interface.as_str()) == name);
    let of = |address: &IpAddr| {
        let IpAddr::V4(address) = address else { return None };
        let fits = |network: &&Network| {
            network.subnet.contains(*address) || network.relays.contains(address)
        };
        networks.iter().filter(|network| network.mode != Mode::Off).find(fits)
    };
    let by_address = || ends.iter().flatten().find_map(of);
    let first = || networks.iter().find(|network| network.mode != Mode::Off);
    let found = named.or_else(by_address).or_else(first);
    found.map(|network| network.interface.clone()).or(name.map(str::to_owned)).unwrap_or_default()
}

/// The same over IPv6, where clients ask from an address that is of every link.
pub(crate) fn link6(
    networks: &[Network6],
    moment: &Moment<'_>,
    ends: [Option<Ipv6Addr>; 3],
) -> String {
    let name = moment.interface;
    if let Some(name) = name.filter(|_| moment.names_are_ours) {
        return name.to_owned();
    }
    let named = networks.iter().find(|network| Some(network.interface.as_str()) == name);
    let of = |address: &Ipv6Addr| {
        networks.iter().find(|n| n.subnet.contains(*address) || n.relays.contains(address))
    };
    let found = named.or_else(|| ends.iter().flatten().find_map(of)).or_else(|| networks.first());
    found.map(|network| network.interface.clone()).or(name.map(str::to_owned)).unwrap_or_default()
}

/// Whether a host of this address is on the link itself, so that a neighbour table would know it.
pub(crate) fn is_local(networks: &[Network], link: &str, address: IpAddr) -> bool {
    let IpAddr::V4(address) = address else { return false };
    networks.iter().any(|network| network.interface == link && network.subnet.contains(address))
}

/// Whether an address is ours.
pub(crate) fn is_ours(networks: &[Network], address: Ipv4Addr) -> bool {
    networks.iter().any(|network| network.server == address)
}
