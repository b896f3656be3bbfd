//! `serve` without a configuration file: what its flags mean.

use super::meaning::sensible_pool;
use super::{Config, host_name};
use crate::failure::Failure;
use crate::links::{Link, shown_addresses};
use engine::state::{BootDefaults, Settings};
use model::Network;
use model::network::{Mode, Subnet};
use std::net::Ipv4Addr;

/// Makes a configuration of `--interface` and `--dhcp`.
pub fn read(
    interfaces: &[String],
    dhcp: Option<Subnet>,
    http_port: u16,
    links: &[Link],
) -> Result<Config, Failure> {
    let networks = match dhcp {
        Some(subnet) => vec![giving(subnet, interfaces, links)?],
        None => interfaces
            .iter()
            .map(|name| beside(find(name, links)?))
            .collect::<Result<Vec<Network>, Failure>>()?,
    };
    Ok(Config {
        state: None,
        settings: Settings {
            server_name: host_name(),
            networks,
            http_port,
            networks6: Vec::new(),
            tls_port: None,
            lease_history: engine::state::LEASE_HISTORY,
            boot: BootDefaults::default(),
            defaults: Default::default(),
            key: Default::default(),
        },
        given: None,
        admin: super::Admin::default(),
        syslog_port: None,
        dns: None,
        publish: Vec::new(),
        limits: serve::Limits::default(),
        notes: Vec::new(),
    })
}

fn find<'a>(name: &str, links: &'a [Link]) -> Result<&'a Link, Failure> {
    links.iter().find(|link| link.name == name).ok_or_else(|| {
        let names: Vec<&str> = links.iter().map(|link| link.name.as_str()).collect();
        Failure::failed(format!("there is no interface `{}`", model::text::show(name.as_bytes())))
            .hint(format!("this host has {}", names.join(", ")))
    })
}

/// `--dhcp SUBNET`: addresses too.
fn giving(subnet: Subnet, interfaces: &[String], links: &[Link]) -> Result<Network, Failure> {
    let address_on = |link: &Link| link.addresses.iter().map(|a| a.0).find(|a| subnet.is_host(*a));
    let link = match interfaces {
        [one] => find(one, links)?,
        [] => links.iter().find(|link| address_on(link).is_some()).ok_or_else(|| {
            Failure::failed(format!("no interface of this host has an address in {subnet}"))
                .hint("name the interface: --interface IF")
        })?,
        [..] => {
            return Err(Failure::usage("--dhcp gives addresses on one interface").hint(
                "name one --interface, or write a configuration file with a [[network]] for each",
            ));
        }
    };
    let Some(server) = address_on(link) else {
        let first = Ipv4Addr::from(u32::from(subnet.address).saturating_add(1));
        return Err(Failure::failed(format!(
            "{} has no address in {subnet}: it has {}",
            link.name,
            shown_addresses(link)
        ))
        .hint(format!("give it one: ip addr add {first}/{} dev {}", subnet.prefix, link.name)));
    };
    let pool = sensible_pool(&subnet)
        .ok_or_else(|| Failure::failed(format!("{subnet} leaves no room for a pool")))?;
    Ok(Network { mode: Mode::Dhcp, pools: vec![pool], ..network(link, server, subnet) })
}

/// `--interface IF` alone: beside whatever server there is.
fn beside(link: &Link) -> Result<Network, Failure> {
    let usable = link.addresses.iter().find_map(|(a, p)| Some((*a, Subnet::new(*a, *p)?)));
    let (server, subnet) = usable.ok_or_else(|| {
        let name = &link.name;
        Failure::failed(format!(
            "{name} has {}: machines could not reach us",
            shown_addresses(link)
        ))
        .hint(format!("give it one of its network: ip addr add ADDRESS/PREFIX dev {name}"))
    })?;
    Ok(network(link, server, subnet))
}

fn network(link: &Link, server: Ipv4Addr, subnet: Subnet) -> Network {
    Network::new(&link.name, Mode::Auto, server, subnet)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab() -> Vec<Link> {
        let link = crate::links::imagined;
        vec![link("br0", &[(Ipv4Addr::new(10, 77, 0, 1), 24)]), link("eth1", &[])]
    }

    #[test]
    fn dhcp_finds_its_interface_and_its_pool() {
        let config = read(&[], "10.77.0.0/24".parse().ok(), 80, &lab()).unwrap();
        let network = &config.settings.networks[0];
        assert_eq!((network.interface.as_str(), network.mode), ("br0", Mode::Dhcp));
        assert_eq!(network.pools[0].to_string(), "10.77.0.100-10.77.0.199");
    }

    #[test]
    fn an_interface_without_an_address_is_refused_with_the_command() {
        let refused = read(&["eth1".to_owned()], "10.78.0.0/24".parse().ok(), 80, &lab());
        assert!(refused.unwrap_err().to_string().contains("ip addr add 10.78.0.1/24 dev eth1"));
        assert!(read(&["eth1".to_owned()], None, 80, &lab()).is_err());
        assert!(read(&["eth2".to_owned()], None, 80, &lab()).is_err());
    }
}
