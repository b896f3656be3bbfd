//! One `[[network]]` of IPv6, on this host.
//!
//! In: what was written, and the interfaces. Out: a [`Network6`], and a fault for everything in it
//! that would not work, with the way to mend it.

use super::super::fault::Fault;
use super::super::raw::RawNetwork6;
use super::super::reader::At;
use super::list;
use super::network::{no_such_link, too_many_others};
use crate::links::Link;
use model::Network6;
use model::network::{HttpBoot, Mode};
use model::network6::{Pool6, Subnet6};
use std::net::Ipv6Addr;
use std::time::Duration;

/// Without `lease`.
const LEASE: Duration = Duration::from_secs(12 * 3600);
/// A boot has to end within it.
const LEASE_LEAST: Duration = Duration::from_secs(600);
/// A lifetime has 32 bits, and all ones means for ever.
const LEASE_S_MAX: u64 = 0xffff_fffe;
/// One message holds no more.
const DNS_MAX: usize = 8;

/// One network by itself, and beside those before it in the file.
pub(super) fn one(
    raw: &RawNetwork6,
    earlier: &[RawNetwork6],
    links: &[Link],
    note: &impl Fn(Fault),
) -> Option<Network6> {
    let Some(interface) = &raw.interface else {
        note(Fault::new(raw.at.clone(), "a [[network]] without `interface`"));
        return None;
    };
    let mode = raw.mode.as_ref().map_or(Mode::Dhcp, |mode| mode.value);
    if mode == Mode::Off {
        return None;
    }
    if let Some(at) = raw.mode.as_ref().filter(|_| !matches!(mode, Mode::Dhcp | Mode::Listen)) {
        let what = format!(
            "mode \"{mode}\" is for IPv4: over IPv6 there are \"dhcp\", \"listen\" and \"off\""
        );
        let hint = "set mode = \"dhcp\"; without a `pool` machines get settings and boot data only";
        note(Fault::new(at.at.clone(), what).hint(hint));
    }
    let Some(link) = links.iter().find(|link| link.name == interface.value) else {
        note(no_such_link(interface, links));
        return None;
    };
    let subnet = raw.subnet.as_ref()?;
    let advertises = raw.advertise.as_ref().filter(|at| at.value);
    if let Some(at) = advertises.filter(|_| mode == Mode::Listen) {
        let what = "`advertise` is for mode \"dhcp\": where we only listen nothing is sent";
        let hint =
            "leave `advertise` out until mode = \"dhcp\"; routers that advertise are not touched";
        note(Fault::new(at.at.clone(), what).hint(hint));
    }
    if let Some(at) = advertises.filter(|_| !list(raw.relays.as_ref()).is_empty()) {
        let what =
            format!("{} is behind a relay: what we advertised would stay here", subnet.value);
        let hint =
            "leave `advertise` out, and have the router there send advertisements with the M flag";
        note(Fault::new(at.at.clone(), what).hint(hint));
    }
    beside(raw, subnet, earlier, note);
    others(raw, note);
    pools(raw, subnet, note);
    if let Some(one_more) = list(raw.dns.as_ref()).get(DNS_MAX) {
        note(Fault::new(one_more.at.clone(), format!("more than {DNS_MAX} DNS servers")));
    }
    let network = Network6 {
        mode,
        pools: list(raw.pools.as_ref()).iter().map(|pool| pool.value).collect(),
        dns: list(raw.dns.as_ref()).iter().map(|at| at.value).collect(),
        domain: raw.domain.as_ref().map(|at| at.value.clone()),
        lease: lease(raw, note),
        relays: list(raw.relays.as_ref()).iter().map(|at| at.value).collect(),
        others: list(raw.others.as_ref()).iter().map(|at| at.value).collect(),
        rapid_commit: raw.rapid_commit.as_ref().is_some_and(|at| at.value),
        advertise: raw.advertise.as_ref().is_some_and(|at| at.value),
        http_boot: raw.http_boot.as_ref().map_or(HttpBoot::Http, |at| at.value),
        rate: raw.rate.as_ref().map(|at| at.value),
        ..Network6::new(
            &interface.value,
            own_address(raw, interface, subnet, link, note)?,
            subnet.value,
        )
    };
    Some(network)
}

/// Who else belongs there.
fn others(raw: &RawNetwork6, note: &impl Fn(Fault)) {
    let others = list(raw.others.as_ref());
    too_many_others(others, note);
    let nobody = others.iter().find(|at| at.value.is_unspecified() || at.value.is_multicast());
    if let Some(at) = nobody {
        let what = format!("{} is the address of no server", at.value);
        note(Fault::new(at.at.clone(), what).hint(
            "`others` names DHCPv6 servers and routers that belong on this link, by the address that \
             they speak from, as a rule one of fe80::/10: `bootwright link show` has it",
        ));
    }
    let behind = !list(raw.relays.as_ref()).is_empty();
    if let Some(at) = others.first().filter(|_| behind) {
        let what = "`others` of a network behind a relay: nobody there is heard here";
        note(Fault::new(at.at.clone(), what).hint("leave `others` out here"));
    }
}

/// Our own address in the subnet. One behind a relay is reached from whatever we have there.
fn own_address(
    raw: &RawNetwork6,
    interface: &At<String>,
    subnet: &At<Subnet6>,
    link: &Link,
    note: &impl Fn(Fault),
) -> Option<Ipv6Addr> {
    let own = link.addresses6.iter().map(|(address, _)| *address);
    let inside = own.clone().find(|address| subnet.value.is_host(*address));
    let remote = !list(raw.relays.as_ref()).is_empty();
    let global = own.clone().find(|address| !address.is_unicast_link_local());
    let found = inside.or(global.filter(|_| remote));
    if found.is_none() {
        let name = &interface.value;
        let has: Vec<String> = own.map(|address| address.to_string()).collect();
        let has = if has.is_empty() { "no IPv6 address".to_owned() } else { has.join(", ") };
        let what = format!("{name} has no address in {}: it has {has}", subnet.value);
        let first = u128::from(subnet.value.address).saturating_add(1);
        let (first, prefix) = (Ipv6Addr::from(first), subnet.value.prefix);
        note(
            Fault::new(interface.at.clone(), what)
                .hint(format!("give it one: ip addr add {first}/{prefix} dev {name}")),
        );
    }
    found
}

fn beside(raw: &RawNetwork6, subnet: &At<Subnet6>, earlier: &[RawNetwork6], note: &impl Fn(Fault)) {
    for other in earlier {
        let name = |raw: &RawNetwork6| raw.interface.as_ref().map(|at| at.value.clone());
        let relayed = |raw: &RawNetwork6| !list(raw.relays.as_ref()).is_empty();
        if name(raw) == name(other) && !relayed(raw) && !relayed(other) {
            let what = format!("a second IPv6 network on {}", name(raw).unwrap_or_default());
            let fault = Fault::new(raw.at.clone(), what).other(other.at.clone(), "the first");
            note(fault.hint("a subnet behind a relay is a [[network]] with `relays`"));
        }
        if name(raw) == name(other) && is_mixed(raw, other) {
            let link = name(raw).unwrap_or_default();
            let what = format!("on {link} we would listen only, and answer as well");
            let fault =
                Fault::new(raw.at.clone(), what).other(other.at.clone(), "the other network");
            note(fault.hint("give all IPv6 networks of an interface the same mode"));
        }
        let theirs = other.subnet.as_ref().map(|at| at.value);
        let overlaps =
            |b: &Subnet6| subnet.value.contains(b.address) || b.contains(subnet.value.address);
        if let Some(theirs) = theirs.filter(overlaps) {
            let what = format!("subnet {} overlaps {theirs} of another network", subnet.value);
            note(Fault::new(subnet.at.clone(), what));
        }
    }
}

/// Whether we would answer for one of two networks, and only listen for the other.
fn is_mixed(one: &RawNetwork6, other: &RawNetwork6) -> bool {
    let mode = |raw: &RawNetwork6| raw.mode.as_ref().map_or(Mode::Dhcp, |mode| mode.value);
    let modes = [mode(one), mode(other)];
    modes.contains(&Mode::Listen) && modes.contains(&Mode::Dhcp)
}

fn pools(raw: &RawNetwork6, subnet: &At<Subnet6>, note: &impl Fn(Fault)) {
    let all = list(raw.pools.as_ref());
    for (index, pool) in all.iter().enumerate() {
        let Pool6 { first, last } = pool.value;
        if let Some(outside) = [first, last].into_iter().find(|a| !subnet.value.contains(*a)) {
            let what = format!("pool {} leaves the subnet {}", pool.value, subnet.value);
            note(Fault::new(pool.at.clone(), what).label(format!("{outside} is outside")));
        }
        let overlap = |b: &&At<Pool6>| first <= b.value.last && b.value.first <= last;
        if let Some(b) = all.iter().take(index).find(overlap) {
            note(Fault::new(pool.at.clone(), format!("pool {} overlaps {}", pool.value, b.value)));
        }
    }
}

fn lease(raw: &RawNetwork6, note: &impl Fn(Fault)) -> Option<Duration> {
    let Some(lease) = &raw.lease else {
        return Some(LEASE);
    };
    match lease.value {
        Some(short) if short < LEASE_LEAST => {
            let fault = Fault::new(lease.at.clone(), "a lease shorter than 10m");
            note(fault.hint(
                "firmware, bootloader and installer ask one after the other; a shorter lease ends \
                 in the middle of a boot",
            ));
        }
        Some(long) if long.as_secs() > LEASE_S_MAX => {
            let fault = Fault::new(lease.at.clone(), "a lease longer than DHCPv6 can say");
            note(fault.hint("write lease = \"infinite\""));
        }
        _ => {}
    }
    lease.value
}
