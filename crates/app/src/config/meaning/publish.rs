//! `[[dns.publish]]`: which DNS servers are told of names.
//!
//! In: what was written, and the networks. Out: servers with their zones, and a fault or a note where
//! something cannot be. Never: a look into the file of a secret; that is done when it is needed.

use super::super::fault::Fault;
use super::super::raw::{Raw, RawPublish};
use super::super::reader::At;
use super::super::{Config, PublishTo};
use super::list;
use engine::names::publish::PUBLISHED_TTL_S;
use engine::names::{Name, name_of};
use model::network::Mode;
use model::{Network, Network6};
use std::net::IpAddr;

/// Servers that are told of names.
const PUBLISH_MAX: usize = 8;
/// Zones of one of them.
const ZONES_MAX: usize = 64;

const WHOLE: &str = "server = \"192.0.2.1\", zones = [\"lab.example\", \"77.10.in-addr.arpa\"], key = \
                     \"bootwright\" and secret_file = \"/etc/bootwright/tsig.key\"";

pub(super) fn mean(
    raw: &Raw,
    networks: (&[Network], &[Network6]),
    notes: &mut Vec<String>,
    note: &impl Fn(Fault),
) -> Vec<PublishTo> {
    let Some(raw) = &raw.dns else { return Vec::new() };
    if let Some(one_more) = raw.publish.get(PUBLISH_MAX) {
        note(Fault::new(one_more.at.clone(), format!("more than {PUBLISH_MAX} [[dns.publish]]")));
    }
    let mut all: Vec<PublishTo> = Vec::new();
    for this in raw.publish.iter().take(PUBLISH_MAX) {
        let Some(one) = one(this, networks, note) else { continue };
        for zone in list(this.zones.as_ref()) {
            let said = all.iter().filter(|other| other.server == one.server);
            if said.flat_map(|other| &other.zones).any(|other| *other == zone.value) {
                let what = format!("{} is told of `{}` twice", one.server, zone.value);
                note(Fault::new(zone.at.clone(), what));
            }
        }
        all.push(one);
    }
    if !all.is_empty() {
        say_what_is_left_out(&all, networks, notes);
    }
    all
}

fn one(
    raw: &RawPublish,
    (networks, networks6): (&[Network], &[Network6]),
    note: &impl Fn(Fault),
) -> Option<PublishTo> {
    if !raw.missing.is_empty() {
        let what = format!("a [[dns.publish]] without `{}`", raw.missing.join("` and `"));
        note(Fault::new(raw.at.clone(), what).hint(WHOLE));
    }
    let (Some(server), Some(zones), Some(key), Some(file)) =
        (&raw.server, &raw.zones, &raw.key, &raw.secret_file)
    else {
        return None;
    };
    let ip = server.value.ip();
    let own4 = networks.iter().map(|network| IpAddr::from(network.server));
    let own6 = networks6.iter().map(|network| network.server.into());
    if own4.chain(own6).any(|own| own == ip) && server.value.port() == 53 {
        let fault = Fault::new(server.at.clone(), format!("{ip} is this server itself"));
        note(fault.hint("with listen = true it answers these names anyway"));
    } else if ip.is_unspecified() || ip.is_multicast() {
        note(Fault::new(server.at.clone(), format!("{ip} is the address of no server")));
    }
    if zones.value.is_empty() {
        note(Fault::new(zones.at.clone(), "a [[dns.publish]] without a zone").hint(WHOLE));
    }
    if let Some(one_more) = zones.value.get(ZONES_MAX) {
        note(Fault::new(one_more.at.clone(), format!("more than {ZONES_MAX} zones")));
    }
    let mut taken: Vec<&Name> = Vec::new();
    for At { value, at } in &zones.value {
        if taken.contains(&value) {
            note(Fault::new(at.clone(), format!("`{value}` stands here twice")));
        }
        taken.push(value);
    }
    if file.value.is_empty() {
        let fault = Fault::new(file.at.clone(), "a file without a name");
        note(
            fault.hint("the secret never stands in the configuration: it is in a file of its own"),
        );
    }
    let ttl_s = raw.ttl.as_ref().and_then(|at| u32::try_from(at.value).ok());
    Some(PublishTo {
        server: server.value,
        zones: zones.value.iter().map(|at| at.value.clone()).collect(),
        key: key.value.clone(),
        algorithm: raw.algorithm.as_ref().map(|at| at.value),
        secret_file: file.value.clone().into(),
        ttl_s: ttl_s.unwrap_or(PUBLISHED_TTL_S),
    })
}

/// What nobody would miss before he looks for it.
fn say_what_is_left_out(
    all: &[PublishTo],
    (networks, networks6): (&[Network], &[Network6]),
    notes: &mut Vec<String>,
) {
    let zones: Vec<&Name> = all.iter().flat_map(|one| &one.zones).collect();
    let is_told = |name: &Name| zones.iter().any(|zone| name.is_within(zone));
    let giving = networks.iter().filter(|network| network.mode == Mode::Dhcp);
    let v4 = giving.map(|n| (n.domain.as_deref(), IpAddr::from(n.server), n.subnet.to_string()));
    let v6 = networks6.iter();
    let v6 = v6.map(|n| (n.domain.as_deref(), IpAddr::from(n.server), n.subnet.to_string()));
    for (domain, server, subnet) in v4.chain(v6) {
        let Some(domain) = domain else {
            notes.push(format!(
                "[[dns.publish]]: {subnet} has no `domain`, so nothing of it is published"
            ));
            continue;
        };
        let Some(name) = Name::parse(domain) else { continue };
        if !is_told(&name) {
            notes.push(format!("[[dns.publish]]: {domain} of {subnet} is in none of the `zones`"));
        } else if name_of(server).is_some_and(|back| !is_told(&back)) {
            notes.push(format!(
                "[[dns.publish]]: addresses of {subnet} are not named the other way round, for none of \
                 the `zones` is of them"
            ));
        }
    }
    for zone in &zones {
        if !has_names_in(zone, (networks, networks6)) {
            notes.push(format!("[[dns.publish]]: no network has names in {zone}"));
        }
    }
}

/// Whether names of a network, or those of its addresses, are in a zone or around it.
fn has_names_in(zone: &Name, (networks, networks6): (&[Network], &[Network6])) -> bool {
    let within = |domain: Option<&str>, server: IpAddr| {
        let domain = domain.and_then(Name::parse);
        let back = name_of(server);
        domain.is_some_and(|domain| domain.is_within(zone) || zone.is_within(&domain))
            || back.is_some_and(|back| back.is_within(zone))
    };
    let v4 = networks.iter().any(|n| within(n.domain.as_deref(), n.server.into()));
    v4 || networks6.iter().any(|n| within(n.domain.as_deref(), n.server.into()))
}

impl Config {
    /// Whether a network has names, or addresses, in a zone.
    pub fn has_names_in(&self, zone: &Name) -> bool {
        has_names_in(zone, (&self.settings.networks, &self.settings.networks6))
    }
}
