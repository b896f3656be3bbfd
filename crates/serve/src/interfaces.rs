//! The interfaces of this host, as an operator looks at them.

use model::HardwareAddress;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

/// One interface.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interface {
    /// `br0`.
    pub name: String,
    /// The kernel's number for it; a new one when it is made anew.
    pub index: u32,
    /// Somebody switched it on.
    pub up: bool,
    /// It has a link: cable in, other end alive.
    pub running: bool,
    /// It is the loopback interface.
    pub loopback: bool,
    /// Its Ethernet address.
    pub mac: Option<HardwareAddress>,
    /// Its IPv4 addresses and their prefix lengths.
    pub addresses: Vec<(Ipv4Addr, u8)>,
    /// Its IPv6 addresses and their prefix lengths, those of the link alone among them.
    pub addresses6: Vec<(Ipv6Addr, u8)>,
    /// Largest packet.
    pub mtu: Option<u32>,
}

/// All interfaces, by name.
///
/// # Errors
///
/// What the system said.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let mut found: BTreeMap<String, Interface> = BTreeMap::new();
    for entry in getifaddrs()? {
        let name = entry.interface_name;
        let flags = entry.flags;
        let interface = found.entry(name.clone()).or_insert_with(|| Interface {
            index: index(&name).unwrap_or_default(),
            up: flags.contains(InterfaceFlags::IFF_UP),
            running: flags.contains(InterfaceFlags::IFF_RUNNING),
            loopback: flags.contains(InterfaceFlags::IFF_LOOPBACK),
            mac: None,
            addresses: Vec::new(),
            addresses6: Vec::new(),
            mtu: crate::sys::mtu(&name),
            name,
        });
        let Some(address) = entry.address else { continue };
        if let Some(link) = address.as_link_addr() {
            interface.mac = link.addr().map(HardwareAddress::mac).filter(|_| !interface.loopback);
        }
        if let Some(v4) = address.as_sockaddr_in() {
            let mask = entry.netmask.and_then(|m| m.as_sockaddr_in().map(|m| m.ip()));
            let prefix = mask.map_or(32, |m| u32::from(m).leading_ones());
            interface.addresses.push((v4.ip(), u8::try_from(prefix).unwrap_or(32)));
        }
        if let Some(v6) = address.as_sockaddr_in6() {
            let mask = entry.netmask.and_then(|m| m.as_sockaddr_in6().map(|m| m.ip()));
            let prefix = mask.map_or(128, |m| u128::from(m).leading_ones());
            interface.addresses6.push((v6.ip(), u8::try_from(prefix).unwrap_or(128)));
        }
    }
    Ok(found.into_values().collect())
}

/// The address by which an interface speaks IPv6 on its link; none where IPv6 is off.
pub(crate) fn link_local(name: &str) -> io::Result<Option<Ipv6Addr>> {
    let mut all = getifaddrs()?.filter(|entry| entry.interface_name == name);
    Ok(all.find_map(|entry| {
        let address = entry.address?.as_sockaddr_in6()?.ip();
        address.is_unicast_link_local().then_some(address)
    }))
}

/// One interface by name.
pub(crate) fn named(name: &str) -> io::Result<Option<Interface>> {
    Ok(interfaces()?.into_iter().find(|i| i.name == name))
}

/// The kernel's number for an interface, if there is one of this name.
pub(crate) fn index(name: &str) -> Option<u32> {
    if_nametoindex(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_there() {
        let lo = named("lo").unwrap().unwrap();
        assert!(lo.loopback && lo.index > 0);
        assert_eq!(lo.mac, None);
    }
}
