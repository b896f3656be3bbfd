//! What IPv6 networks need beside what all need: DHCPv6, and router advertisements on request.

use super::refused::{Place, StartError};
use crate::holder::Transport;
use crate::listen6::{self, Hears};
use crate::{advertise, dhcp6};
use model::{Network, Network6};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The networks to be served, of both families.
#[derive(Clone, Copy, Debug)]
pub struct Networks<'a> {
    /// Those of IPv4.
    pub v4: &'a [Network],
    /// Those of IPv6.
    pub v6: &'a [Network6],
}

/// Their sockets, opened.
pub(super) struct Opened6 {
    pub(super) dhcp: Vec<dhcp6::Opened>,
    /// What others say, and where we only listen what is asked.
    pub(super) listen: Vec<listen6::Opened>,
    pub(super) advertise: Vec<advertise::Opened>,
}

impl Opened6 {
    pub(super) fn new(networks: &[Network6]) -> Result<Self, StartError> {
        let (silent, networks): (Vec<&Network6>, Vec<&Network6>) =
            networks.iter().partition(|network| network.only_listens());
        let links = |networks: &[&'_ Network6]| -> BTreeSet<String> {
            networks.iter().map(|network| network.interface.clone()).collect()
        };
        let near: Vec<&Network6> =
            networks.iter().copied().filter(|network| network.is_on_link()).collect();
        let heard = [(links(&silent), Hears::Everything), (links(&near), Hears::Others)];
        let mut listen = Vec::new();
        for (link, hears) in
            heard.iter().flat_map(|(all, hears)| all.iter().map(move |l| (l, *hears)))
        {
            let opened = listen6::Opened::new(link, hears);
            listen.push(opened.map_err(|cause| StartError::packet_socket(link, cause))?);
        }
        let mut dhcp = Vec::new();
        for link in &links(&networks) {
            let on_link: Vec<&Network6> =
                networks.iter().copied().filter(|network| network.interface == *link).collect();
            let address = on_link.first().map(|network| network.server);
            let address = IpAddr::V6(address.unwrap_or(std::net::Ipv6Addr::UNSPECIFIED));
            let place = Place { link, address, port: wire::dhcp6::SERVER_PORT };
            let opened = dhcp6::Opened::new(link, &on_link);
            dhcp.push(opened.map_err(|cause| place.refused(Transport::Udp, cause))?);
        }
        let mut advertise = Vec::new();
        for network in networks.iter().filter(|network| network.advertise) {
            let opened = advertise::Opened::new(network);
            advertise.push(opened.map_err(|cause| StartError {
                text: format!(
                    "router advertisements on {} cannot be sent: {cause}",
                    network.interface
                ),
                hint: "run as root, or with CAP_NET_RAW; or leave `advertise` out".to_owned(),
                cause,
            })?);
        }
        Ok(Self { dhcp, listen, advertise })
    }
}
