//! `[dns]`: where names are answered, and who else is asked.

use super::super::fault::{Fault, nearest};
use super::super::raw::{Raw, RawDns};
use super::super::reader::At;
use super::list;
use engine::names::{Rules, Split};
use model::Network;
use model::network::Mode;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// Servers that one domain is asked of.
const UPSTREAM_MAX: usize = 8;
/// Domains with servers of their own.
const SPLIT_MAX: usize = 64;

/// How names are answered; none answers none. A network whose names we answer and that names no server
/// tells its machines of us.
pub(super) fn mean(
    raw: &Raw,
    networks: &mut [Network],
    notes: &mut Vec<String>,
    note: &impl Fn(Fault),
) -> Option<serve::Dns> {
    let raw = raw.dns.as_ref()?;
    let rules = Rules {
        interfaces: interfaces(raw, networks, notes, note),
        upstream: upstream(raw.upstream.as_ref(), networks, note),
        split: splits(raw, networks, note),
        private: list(raw.private.as_ref()).iter().map(|at| at.value.clone()).collect(),
    };
    if !raw.listen.as_ref().is_some_and(|at| at.value) {
        let text = "[dns] without `listen = true`: names are not answered";
        notes.push(text.to_owned());
        return None;
    }
    let served = |network: &&mut Network| rules.interfaces.contains(&network.interface);
    for network in networks.iter_mut().filter(served) {
        if network.mode == Mode::Dhcp && network.dns.is_empty() {
            network.dns.push(network.server);
        }
    }
    let rate = raw.rate.as_ref().and_then(|at| u32::try_from(at.value).ok());
    Some(serve::Dns { rules, per_second: rate.unwrap_or(serve::ANSWERS_PER_SECOND) })
}

/// Those that are named; else where we give addresses and the network does not name others.
fn interfaces(
    raw: &RawDns,
    networks: &[Network],
    notes: &mut Vec<String>,
    note: &impl Fn(Fault),
) -> Vec<String> {
    let can = |network: &&Network| !matches!(network.mode, Mode::Off | Mode::Listen);
    let all: BTreeSet<&str> =
        networks.iter().filter(can).map(|network| network.interface.as_str()).collect();
    if let Some(named) = &raw.interfaces {
        for At { value: name, at } in named.value.iter().filter(|at| !all.contains(&*at.value)) {
            let shown = model::text::show(name.as_bytes());
            let fault = Fault::new(at.clone(), format!("`{shown}` is no network that is answered"));
            note(match nearest(name, all.iter().copied()) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault.hint("name the `interface` of a [[network]] in mode dhcp or proxy"),
            });
        }
        return named.value.iter().map(|at| at.value.clone()).collect();
    }
    let mut served = BTreeSet::new();
    for network in networks.iter().filter(|network| network.mode == Mode::Dhcp) {
        let link = &network.interface;
        if network.dns.is_empty() || network.dns.contains(&network.server) {
            served.insert(link.clone());
        } else {
            notes.push(format!(
                "names are not answered on {link}: its `dns` names other servers; \
                 interfaces = [\"{link}\"] in [dns] answers them all the same"
            ));
        }
    }
    if served.is_empty() {
        notes.push("[dns]: there is no network on which names are answered".to_owned());
    }
    served.into_iter().collect()
}

fn splits(raw: &RawDns, networks: &[Network], note: &impl Fn(Fault)) -> Vec<Split> {
    if let Some(one_more) = raw.split.get(SPLIT_MAX) {
        note(Fault::new(one_more.at.clone(), format!("more than {SPLIT_MAX} [[dns.split]]")));
    }
    let mut splits: Vec<Split> = Vec::new();
    for this in &raw.split {
        let (Some(domain), Some(servers)) = (&this.domain, &this.upstream) else {
            let fault = Fault::new(this.at.clone(), "a [[dns.split]] without both of its keys");
            note(fault.hint("domain = \"corp.example\" and upstream = [\"10.1.0.53\"]"));
            continue;
        };
        if splits.iter().any(|other| other.domain == domain.value) {
            note(Fault::new(domain.at.clone(), format!("`{}` stands here twice", domain.value)));
        }
        if servers.value.is_empty() {
            note(Fault::new(servers.at.clone(), "a [[dns.split]] that asks nobody"));
        }
        let upstream = upstream(Some(servers), networks, note);
        splits.push(Split { domain: domain.value.clone(), upstream });
    }
    splits
}

fn upstream(
    said: Option<&At<Vec<At<SocketAddr>>>>,
    networks: &[Network],
    note: &impl Fn(Fault),
) -> Vec<SocketAddr> {
    let servers = list(said);
    if let Some(one_more) = servers.get(UPSTREAM_MAX) {
        note(Fault::new(one_more.at.clone(), format!("more than {UPSTREAM_MAX} servers")));
    }
    for At { value, at } in servers {
        let ip = value.ip();
        let own = networks.iter().any(|network| IpAddr::V4(network.server) == ip);
        if own && value.port() == 53 {
            let fault = Fault::new(at.clone(), format!("{ip} is this server itself"));
            note(fault.hint("name a server that knows the names of others"));
        } else if ip.is_unspecified() || ip.is_multicast() {
            note(Fault::new(at.clone(), format!("{ip} is the address of no server")));
        }
    }
    servers.iter().map(|at| at.value).collect()
}
