//! `[dns]`: where names are answered, and who else is asked.

use super::super::fault::{Fault, nearest};
use super::super::raw::{Raw, RawDns};
use super::super::reader::At;
use super::list;
use engine::names::{Rules, Split};
use model::network::Mode;
use model::{Network, Network6};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// Servers that one domain is asked of.
const UPSTREAM_MAX: usize = 8;
/// Domains with servers of their own.
const SPLIT_MAX: usize = 64;

/// The networks of both families.
pub(super) struct Both<'a> {
    pub(super) v4: &'a mut [Network],
    pub(super) v6: &'a mut [Network6],
}

impl Both<'_> {
    /// Our own addresses.
    fn own(&self) -> impl Iterator<Item = IpAddr> {
        let v4 = self.v4.iter().map(|network| network.server.into());
        v4.chain(self.v6.iter().map(|network| network.server.into()))
    }

    /// The interfaces on which names can be answered.
    fn links(&self) -> BTreeSet<&str> {
        let can = |network: &&Network| !matches!(network.mode, Mode::Off | Mode::Listen);
        let v4 = self.v4.iter().filter(can).map(|network| network.interface.as_str());
        let v6 = self.v6.iter().filter(|network| !network.only_listens());
        v4.chain(v6.map(|network| network.interface.as_str())).collect()
    }

    /// The interfaces on which we give settings, and whether all that these say of DNS is nothing or us.
    fn told_of_us(&self) -> BTreeMap<&str, bool> {
        let v4 = self.v4.iter().filter(|n| !matches!(n.mode, Mode::Off | Mode::Listen)).map(|n| {
            let ours = n.dns.is_empty() || n.dns.contains(&n.server);
            (n.interface.as_str(), n.mode == Mode::Dhcp && ours)
        });
        let v6 = self
            .v6
            .iter()
            .filter(|n| !n.only_listens())
            .map(|n| (n.interface.as_str(), n.dns.is_empty() || n.dns.contains(&n.server)));
        let mut links = BTreeMap::new();
        for (link, ours) in v4.chain(v6) {
            let all = links.entry(link).or_insert(true);
            *all = *all && ours;
        }
        links
    }
}

/// How names are answered; none answers none. A network whose names we answer and that names no server
/// tells its machines of us.
pub(super) fn mean(
    raw: &Raw,
    networks: Both<'_>,
    notes: &mut Vec<String>,
    note: &impl Fn(Fault),
) -> Option<serve::Dns> {
    let raw = raw.dns.as_ref()?;
    let said = raw.listen.as_ref().is_some_and(|at| at.value);
    // Whoever publishes names may leave the answers to others.
    let mut unsaid = Vec::new();
    let notes = if said || raw.publish.is_empty() { notes } else { &mut unsaid };
    let rules = Rules {
        interfaces: interfaces(raw, &networks, notes, note),
        upstream: upstream(raw.upstream.as_ref(), &networks, note),
        split: splits(raw, &networks, note),
        private: list(raw.private.as_ref()).iter().map(|at| at.value.clone()).collect(),
    };
    if !said {
        notes.push("[dns] without `listen = true`: names are not answered".to_owned());
        return None;
    }
    let served = |link: &String| rules.interfaces.contains(link);
    for network in networks.v4.iter_mut().filter(|network| served(&network.interface)) {
        if network.mode == Mode::Dhcp && network.dns.is_empty() {
            network.dns.push(network.server);
        }
    }
    for network in networks.v6.iter_mut().filter(|network| served(&network.interface)) {
        if network.dns.is_empty() {
            network.dns.push(network.server);
        }
    }
    let rate = raw.rate.as_ref().and_then(|at| u32::try_from(at.value).ok());
    Some(serve::Dns { rules, per_second: rate.unwrap_or(serve::ANSWERS_PER_SECOND) })
}

/// Those that are named; else where we give addresses and the network does not name others.
fn interfaces(
    raw: &RawDns,
    networks: &Both<'_>,
    notes: &mut Vec<String>,
    note: &impl Fn(Fault),
) -> Vec<String> {
    let all = networks.links();
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
    let mut served = Vec::new();
    for (link, ours) in networks.told_of_us() {
        if ours {
            served.push(link.to_owned());
        } else {
            notes.push(format!(
                "names are not answered on {link}: other servers are named there, by its `dns` or by \
                 whoever gives the addresses; interfaces = [\"{link}\"] in [dns] answers them all the same"
            ));
        }
    }
    if served.is_empty() {
        notes.push("[dns]: there is no network on which names are answered".to_owned());
    }
    served
}

fn splits(raw: &RawDns, networks: &Both<'_>, note: &impl Fn(Fault)) -> Vec<Split> {
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
    networks: &Both<'_>,
    note: &impl Fn(Fault),
) -> Vec<SocketAddr> {
    let servers = list(said);
    if let Some(one_more) = servers.get(UPSTREAM_MAX) {
        note(Fault::new(one_more.at.clone(), format!("more than {UPSTREAM_MAX} servers")));
    }
    for At { value, at } in servers {
        let ip = value.ip();
        if networks.own().any(|own| own == ip) && value.port() == 53 {
            let fault = Fault::new(at.clone(), format!("{ip} is this server itself"));
            note(fault.hint("name a server that knows the names of others"));
        } else if ip.is_unspecified() || ip.is_multicast() {
            note(Fault::new(at.clone(), format!("{ip} is the address of no server")));
        }
    }
    servers.iter().map(|at| at.value).collect()
}
