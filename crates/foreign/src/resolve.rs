//! Gives what was found names that are good here, and looks whether everything that is named is
//! there. What cannot be brought together is left out, aloud.

use crate::book::{At, LeftOut};
use crate::found::{Found, Image, Machine, Network, Profile, Rule};
use model::HardwareAddress;
use model::network::{Pool, Subnet};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// The longest name.
const NAME_MAX: usize = 63;

/// Pools of one network.
const POOLS_MAX: usize = 256;

/// The shortest lease that the configuration file takes.
const LEASE_LEAST_S: u32 = 600;

/// What files say beside leases and reservations, ready to be written down.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    /// Machines by MAC.
    pub machines: Vec<(HardwareAddress, At<Machine>)>,
    /// Images that have to be imported, by name.
    pub images: Vec<(String, At<Image>)>,
    /// Profiles by name.
    pub profiles: Vec<(String, At<Profile>)>,
    /// Rules in order.
    pub rules: Vec<At<Rule>>,
    /// Networks.
    pub networks: Vec<At<Network>>,
    /// Seconds that a boot menu waits.
    pub menu_wait_s: Option<u64>,
}

impl Settings {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Brings it together; what is left out goes to `out`.
pub fn resolve(found: Found, out: &mut Vec<LeftOut>) -> Settings {
    let mut images = Names::default();
    let mut profiles = Names::default();
    let Found { machines, images: all_images, profiles: all, rules, networks, menu_wait_s } = found;

    let mut settings = Settings { menu_wait_s, ..Settings::default() };
    for (theirs, at) in all_images {
        settings.images.push((images.give(&theirs), at));
    }
    for (theirs, mut at) in all {
        let Some(image) = images.of(&at.value.image) else {
            let why = format!("no file says what `{}` is, which it boots", show(&at.value.image));
            out.push(left(&at, &format!("profile {theirs}"), why));
            continue;
        };
        at.value.image = image;
        settings.profiles.push((profiles.give(&theirs), at));
    }
    let mut seen = BTreeSet::new();
    for mut at in rules {
        let shown: Vec<String> = at.value.conditions.iter().map(ToString::to_string).collect();
        let what = format!(
            "the rule for {}",
            if shown.is_empty() { "everybody".into() } else { shown.join(", ") }
        );
        let Some(profile) = profiles.of(&at.value.profile) else {
            let why = format!("profile `{}` is not taken over", show(&at.value.profile));
            out.push(left(&at, &what, why));
            continue;
        };
        let mut demands: Vec<String> =
            at.value.conditions.iter().map(|c| format!("{c:?}")).collect();
        demands.sort();
        demands.dedup();
        if !seen.insert(demands) {
            out.push(left(&at, &what, "an earlier rule demands the same".to_owned()));
            continue;
        }
        at.value.profile = profile;
        settings.rules.push(at);
    }
    let mut names = BTreeSet::new();
    for (mac, mut at) in machines {
        named(&mut at, mac, &mut names, out);
        if let Some(theirs) = at.value.profile.take() {
            at.value.profile = profiles.of(&theirs);
            if at.value.profile.is_none() {
                let why = format!("profile `{}` is not taken over", show(&theirs));
                out.push(left(&at, &format!("the profile of machine {mac}"), why));
            }
        }
        settings.machines.push((mac, at));
    }
    let mut taken = BTreeMap::new();
    for mut at in networks {
        clip(&mut at.value);
        if merged(&at.value, &mut settings.networks) {
            continue;
        }
        if served(&mut at, out) {
            on_its_interface(&mut at, &mut taken, out);
            settings.networks.push(at);
        }
    }
    settings
}

/// Whether the configuration can have the network. A lease that is too short for it is as long as
/// the shortest.
fn served(at: &mut At<Network>, out: &mut Vec<LeftOut>) -> bool {
    let what = format!("subnet {}", at.value.subnet.as_deref().unwrap_or_default());
    if !at.value.proxy && at.value.pools.is_empty() {
        let why = "it has no range: a [[network]] gives addresses out of a `pool`, so write one with a \
                   pool of a few; its reservations are taken over then";
        out.push(left(at, &what, why.to_owned()));
        return false;
    }
    if let Some(lease) = at.value.lease_s.filter(|lease| *lease < LEASE_LEAST_S) {
        let why = format!("the shortest here is {LEASE_LEAST_S} s, which is written down");
        out.push(left(at, &format!("{what}: a lease of {lease} s"), why));
        at.value.lease_s = Some(LEASE_LEAST_S);
    }
    true
}

/// Several ranges of one subnet are pools of one network.
fn merged(network: &Network, before: &mut [At<Network>]) -> bool {
    let same = |at: &&mut At<Network>| {
        let other = &at.value;
        other.subnet == network.subnet && !other.proxy && !network.proxy
    };
    let Some(first) = before.iter_mut().find(same) else { return false };
    for pool in &network.pools {
        if !first.value.pools.contains(pool) && first.value.pools.len() < POOLS_MAX {
            first.value.pools.push(pool.clone());
        }
    }
    first.value.fill(network);
    true
}

/// Several networks stand on one interface only if they share its link, or are behind relays.
fn on_its_interface(
    at: &mut At<Network>,
    taken: &mut BTreeMap<String, Option<String>>,
    out: &mut Vec<LeftOut>,
) {
    let subnet = at.value.subnet.as_ref().and_then(|text| text.parse::<Subnet>().ok());
    let relayed =
        subnet.is_some_and(|subnet| at.value.relays.iter().any(|relay| subnet.contains(*relay)));
    let Some(interface) = at.value.interface.clone().filter(|_| !relayed) else { return };
    let shared = at.value.shared.clone();
    match taken.get(&interface) {
        None => drop(taken.insert(interface, shared)),
        Some(first) if shared.is_some() && *first == shared => {}
        Some(_) => {
            let what = format!(
                "interface {interface} of subnet {}",
                at.value.subnet.as_deref().unwrap_or_default()
            );
            let why = "another network stands on it already: name its own interface or its `relays`, \
                       or say that both are `shared`";
            out.push(left(at, &what, why.to_owned()));
            at.value.interface = None;
        }
    }
}

/// A pool has no address of the subnet itself, and not its broadcast address.
fn clip(network: &mut Network) {
    let Some(subnet) = network.subnet.as_ref().and_then(|text| text.parse::<Subnet>().ok()) else {
        return;
    };
    let step =
        |address: Ipv4Addr, by: i32| Ipv4Addr::from(u32::from(address).wrapping_add_signed(by));
    let clipped = network.pools.iter().filter_map(|pool| {
        let Pool { mut first, mut last } = pool.parse().ok()?;
        if first == subnet.address {
            first = step(first, 1);
        }
        if last == subnet.broadcast() {
            last = step(last, -1);
        }
        (first <= last).then(|| Pool { first, last }.to_string())
    });
    network.pools = clipped.collect();
}

/// A name of a machine is one that it can have here, and no other machine's.
fn named(
    at: &mut At<Machine>,
    mac: HardwareAddress,
    names: &mut BTreeSet<String>,
    out: &mut Vec<LeftOut>,
) {
    let Some(theirs) = at.value.name.take() else { return };
    let what = format!("the name {theirs} of machine {mac}");
    let Some(name) = slug(&theirs) else {
        out.push(left(at, &what, "no letter or digit is in it".to_owned()));
        return;
    };
    if !names.insert(name.clone()) {
        out.push(left(at, &what, format!("another machine is called {name}")));
        return;
    }
    at.value.name = Some(name);
}

fn left<T>(at: &At<T>, what: &str, why: String) -> LeftOut {
    let (file, line) = (std::sync::Arc::clone(&at.file), at.line);
    LeftOut { file, line, what: show(what), why }
}

fn show(text: &str) -> String {
    model::text::show(text.as_bytes())
}

/// Names that are given, each once.
#[derive(Default)]
struct Names {
    given: BTreeSet<String>,
    of: BTreeMap<String, String>,
}

impl Names {
    fn give(&mut self, theirs: &str) -> String {
        let base = slug(theirs).unwrap_or_else(|| "unnamed".to_owned());
        let mut name = base.clone();
        let mut number = 2_u32;
        while !self.given.insert(name.clone()) {
            let end = format!("-{number}");
            let begin = base.get(..base.len().min(NAME_MAX - end.len())).unwrap_or(&base);
            name = format!("{begin}{end}");
            number = number.saturating_add(1);
        }
        self.of.insert(theirs.to_owned(), name.clone());
        name
    }

    fn of(&self, theirs: &str) -> Option<String> {
        self.of.get(theirs).cloned()
    }
}

/// A name as this server takes it: small letters, digits, `.`, `_` and `-`. None if nothing is left.
pub fn slug(theirs: &str) -> Option<String> {
    let mut name = String::new();
    for c in theirs.chars().map(|c| c.to_ascii_lowercase()) {
        if name.len() == NAME_MAX {
            break;
        }
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            '.' | '_' | '-' if !name.is_empty() => name.push(c),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    let name = name.trim_end_matches(['-', '.']);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_good_and_given_once() {
        assert_eq!(slug("Debian 12 (amd64)").as_deref(), Some("debian-12-amd64"));
        assert_eq!(slug("^_X"), Some("x".to_owned()));
        assert_eq!(slug("ü"), None);
        assert_eq!(slug(&"a".repeat(99)).map(|name| name.len()), Some(63));
        let mut names = Names::default();
        let long = "b".repeat(70);
        assert_eq!(names.give("A b"), "a-b");
        assert_eq!(names.give("a.b"), "a.b");
        assert_eq!(names.give("a-b"), "a-b-2");
        assert_eq!(names.give(&long).len(), 63);
        assert_eq!(names.give(&format!("{long}c")).len(), 63);
        assert_eq!(names.of("a-b").as_deref(), Some("a-b-2"));
    }
}
