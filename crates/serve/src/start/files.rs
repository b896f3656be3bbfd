//! Where files are served, and names answered: TFTP, HTTP and DNS on our addresses of both families.

use super::refused::{Place, StartError};
use crate::holder::Transport;
use crate::tftp::Served;
use crate::{Dns, Limits, TFTP_PORT, TlsKeys, dns, http, sys, tftp};
use engine::tftp::Policy;
use model::network::Subnet;
use model::{Network, Network6};
use socket2::{Domain, Socket, Type};
use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Connections that wait to be taken.
const BACKLOG: i32 = 1024;

/// The subnets whose machines may ask for files over TFTP. Empty where machines behind relays may
/// have addresses that no setting names; then the owner decides about each.
pub(super) fn served(networks: &[&Network], networks6: &[Network6]) -> Served {
    let remote = networks6.iter().any(|n| !n.relays.is_empty());
    let v6 = if remote { Vec::new() } else { networks6.iter().map(|n| n.subnet).collect() };
    Served { v4: served_by_ipv4(networks), v6 }
}

fn served_by_ipv4(networks: &[&Network]) -> Vec<Subnet> {
    let remote = networks
        .iter()
        .flat_map(|n| &n.relays)
        .any(|relay| !networks.iter().any(|n| n.subnet.contains(*relay)));
    if remote { Vec::new() } else { networks.iter().map(|n| n.subnet).collect() }
}

/// Our addresses, each once, with the interface it is on.
pub(super) fn addresses<'a>(
    networks: impl Iterator<Item = &'a Network>,
    networks6: impl Iterator<Item = &'a Network6>,
) -> Vec<(&'a str, IpAddr)> {
    let v4 = networks.map(|n| (n.interface.as_str(), n.server.into()));
    let all = v4.chain(networks6.map(|n| (n.interface.as_str(), n.server.into())));
    let mut seen = BTreeSet::new();
    all.filter(|(_, address)| seen.insert(*address)).collect()
}

/// TFTP on each of our addresses.
pub(super) fn tftp_on(
    ours: &[(&str, IpAddr)],
    served: &Served,
    limits: &Limits,
) -> Result<Vec<tftp::Opened>, StartError> {
    let open = |&(link, address): &(&str, IpAddr)| {
        let mtu = sys::mtu(link).and_then(|mtu| u16::try_from(mtu).ok());
        let most = limits.tftp_policy.mtu;
        let place = tftp::Place {
            link: link.to_owned(),
            server: address,
            policy: Policy { mtu: mtu.unwrap_or(most).min(most), ..limits.tftp_policy },
            served: served.clone(),
        };
        let place_of = Place { link, address, port: TFTP_PORT };
        tftp::Opened::new(place, limits).map_err(|cause| place_of.refused(Transport::Udp, cause))
    };
    ours.iter().map(open).collect()
}

/// The boot port, or the one for HTTPS, on each of our addresses.
pub(super) fn http_on(
    ours: &[(&str, IpAddr)],
    port: u16,
    keys: Option<Arc<TlsKeys>>,
) -> Result<http::Port, StartError> {
    let mut listeners = Vec::new();
    for &(link, address) in ours {
        let listener = listener(SocketAddr::new(address, port))
            .map_err(|cause| Place { link, address, port }.refused(Transport::Tcp, cause))?;
        listeners.push((listener, link.to_owned()));
    }
    http::Port::open(listeners, keys).map_err(|e| StartError::thread("the boot port", e))
}

/// Port 53 on our address in each network where names are answered.
pub(super) fn dns_on(
    networks: &[&Network],
    networks6: &[Network6],
    dns: Dns,
) -> Result<(Vec<dns::Opened>, Dns), StartError> {
    let mut opened = Vec::new();
    for (link, address) in dns::places(&dns, networks, networks6) {
        let place = Place { link, address, port: dns::PORT };
        let tcp = listener(SocketAddr::new(address, dns::PORT))
            .map_err(|cause| place.refused(Transport::Tcp, cause))?;
        let both = dns::Opened::new(address, tcp);
        opened.push(both.map_err(|cause| place.refused(Transport::Udp, cause))?);
    }
    Ok((opened, dns))
}

fn listener(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restart must not wait for the last connections to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}
