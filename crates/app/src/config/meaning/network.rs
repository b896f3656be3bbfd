//! One `[[network]]` by itself, on this host.
//!
//! In: what was written, and the interfaces. Out: a [`Network`], and a fault for everything in it
//! that would not work, with the way to mend it. Never: another network; that is [`super::beside`].

use super::super::fault::{Fault, nearest};
use super::super::raw::RawNetwork;
use super::super::reader::At;
use super::list;
use crate::links::{Link, shown_addresses};
use model::network::{HttpBoot, LEASE_MIN, ListenAs, Mode, Option82, PROBE, Pool, Route, Subnet};
use model::option::{ENCODED_MAX, OPTIONS_MAX};
use model::time::show_duration;
use model::{DhcpOption, Network};
use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::Duration;

/// Without `lease`.
const LEASE: Duration = Duration::from_secs(12 * 3600);
/// Option 51 has 32 bits, and all ones means for ever.
const LEASE_S_MAX: u64 = 0xffff_fffe;
/// Servers that one network names.
const OTHERS_MAX: usize = 64;
/// Routes of one network.
const ROUTES_MAX: usize = 64;

/// One network by itself.
///
/// `remote` says that its clients are behind a relay.
pub(super) fn one(
    raw: &RawNetwork,
    remote: bool,
    links: &[Link],
    note: &impl Fn(Fault),
) -> Option<Network> {
    let Some(interface) = &raw.interface else {
        note(Fault::new(raw.at.clone(), "a [[network]] without `interface`"));
        return None;
    };
    let mode = raw.mode.as_ref().map_or(Mode::Auto, |mode| mode.value);
    let listen_as = raw.listen_as.as_ref().map_or(ListenAs::Proxy, |at| at.value);
    let has_addresses = mode == Mode::Dhcp || as_dhcp(mode, listen_as);
    if !has_addresses {
        only_for_dhcp(raw, mode, note);
    }
    others(raw, mode, note);
    let link = links.iter().find(|link| link.name == interface.value);
    if link.is_none() && mode != Mode::Off {
        note(no_such_link(interface, links));
    }

    let (server, subnet) = match (mode, link) {
        (Mode::Off, None) => (Ipv4Addr::UNSPECIFIED, unknown_subnet()?),
        _ if has_addresses => {
            let subnet = raw.subnet.clone();
            if raw.subnet.is_none() {
                note(no_subnet(raw, link));
            }
            pools(raw, note);
            let subnet = subnet?;
            inside(raw, &subnet, note);
            extras(raw, &subnet.value, note);
            (own_address(raw, remote, interface, &subnet, link?, note)?, subnet.value)
        }
        (_, link) => beside_another_server(interface, mode, link?, note)?,
    };
    Some(Network {
        pools: list(raw.pools.as_ref()).iter().map(|pool| pool.value).collect(),
        router: raw.router.as_ref().map(|at| at.value),
        dns: list(raw.dns.as_ref()).iter().map(|at| at.value).collect(),
        domain: raw.domain.as_ref().map(|at| at.value.clone()),
        lease: lease(raw, note),
        relays: list(raw.relays.as_ref()).iter().map(|at| at.value).collect(),
        authoritative: raw.authoritative.as_ref().is_some_and(|at| at.value),
        shared: raw.shared.as_ref().map(|at| at.value.clone()),
        lease_min: lease_min(raw),
        rapid_commit: raw.rapid_commit.as_ref().is_some_and(|at| at.value),
        probe: raw.probe.as_ref().map_or(Some(PROBE), |at| at.value),
        option_82: raw.option_82.as_ref().map_or(Option82::Ignore, |at| at.value),
        routes: list(raw.routes.as_ref()).iter().map(|at| at.value).collect(),
        options: list(raw.options.as_ref()).iter().map(|at| at.value.clone()).collect(),
        http_boot: raw.http_boot.as_ref().map_or(HttpBoot::Http, |at| at.value),
        rate: raw.rate.as_ref().map(|at| at.value),
        others: list(raw.others.as_ref()).iter().map(|at| at.value).collect(),
        listen_as,
        pxe_reply: raw.pxe_reply.as_ref().map(|at| at.value).unwrap_or_default(),
        ..Network::new(&interface.value, mode, server, subnet)
    })
}

/// Stands where a network is off and its interface is not there.
fn unknown_subnet() -> Option<Subnet> {
    Subnet::new(Ipv4Addr::new(127, 0, 0, 0), 8)
}

/// Whether we weigh addresses there and give none.
fn as_dhcp(mode: Mode, listen_as: ListenAs) -> bool {
    mode == Mode::Listen && listen_as == ListenAs::Dhcp
}

fn only_for_dhcp(raw: &RawNetwork, mode: Mode, note: &impl Fn(Fault)) {
    let keys: [(&str, Option<Range<usize>>); 13] = [
        ("subnet", raw.subnet.as_ref().map(|at| at.at.clone())),
        ("pool", raw.pools.as_ref().map(|at| at.at.clone())),
        ("router", raw.router.as_ref().map(|at| at.at.clone())),
        ("dns", raw.dns.as_ref().map(|at| at.at.clone())),
        ("domain", raw.domain.as_ref().map(|at| at.at.clone())),
        ("lease", raw.lease.as_ref().map(|at| at.at.clone())),
        ("authoritative", raw.authoritative.as_ref().map(|at| at.at.clone())),
        ("shared", raw.shared.as_ref().map(|at| at.at.clone())),
        ("lease_min", raw.lease_min.as_ref().map(|at| at.at.clone())),
        ("rapid_commit", raw.rapid_commit.as_ref().map(|at| at.at.clone())),
        ("probe", raw.probe.as_ref().map(|at| at.at.clone())),
        ("routes", raw.routes.as_ref().map(|at| at.at.clone())),
        ("options", raw.options.as_ref().map(|at| at.at.clone())),
    ];
    // A network that is switched off for a while keeps what was written.
    if mode == Mode::Off {
        return;
    }
    for (key, at) in keys {
        if let Some(at) = at {
            let what = format!("`{key}` is for mode \"dhcp\"; in mode \"{mode}\" it has no effect");
            note(Fault::new(at, what).hint(match mode {
                Mode::Listen => "set listen_as = \"dhcp\", or remove the key",
                _ => "set mode = \"dhcp\", or remove the key",
            }));
        }
    }
}

/// Who else belongs there, and what we would be.
fn others(raw: &RawNetwork, mode: Mode, note: &impl Fn(Fault)) {
    let others = list(raw.others.as_ref());
    too_many_others(others, note);
    if let Some(nobody) = others.iter().find(|at| is_no_server(at.value)) {
        let what = format!("{} is the address of no server", nobody.value);
        note(Fault::new(nobody.at.clone(), what).hint(
            "`others` names DHCP and boot servers that belong on this link, by their own address",
        ));
    }
    let off = matches!(mode, Mode::Listen | Mode::Off);
    if let Some(at) = raw.listen_as.as_ref().filter(|_| !off) {
        let what =
            format!("`listen_as` is for mode \"listen\"; in mode \"{mode}\" it has no effect");
        note(Fault::new(at.at.clone(), what).hint("set mode = \"listen\", or remove the key"));
    }
}

pub(super) fn too_many_others<A>(others: &[At<A>], note: &impl Fn(Fault)) {
    if let Some(one_more) = others.get(OTHERS_MAX) {
        note(Fault::new(one_more.at.clone(), format!("more than {OTHERS_MAX} other servers")));
    }
}

fn is_no_server(address: Ipv4Addr) -> bool {
    address.is_unspecified() || address.is_broadcast() || address.is_multicast()
}

pub(super) fn no_such_link(interface: &At<String>, links: &[Link]) -> Fault {
    let shown = model::text::show(interface.value.as_bytes());
    let fault = Fault::new(interface.at.clone(), format!("there is no interface `{shown}`"));
    let names: Vec<&str> = links.iter().map(|link| link.name.as_str()).collect();
    let fault = match nearest(&interface.value, names.iter().copied()) {
        Some(near) => fault.label(format!("did you mean \"{near}\"?")),
        None => fault,
    };
    fault.hint(format!("this host has {}", names.join(", ")))
}

fn no_subnet(raw: &RawNetwork, link: Option<&Link>) -> Fault {
    let fault = Fault::new(raw.at.clone(), "mode \"dhcp\" needs `subnet` and `pool`");
    let example = link
        .and_then(|link| link.addresses.first())
        .and_then(|(address, prefix)| Subnet::new(*address, *prefix));
    let example = example.unwrap_or(Subnet { address: Ipv4Addr::new(10, 77, 0, 0), prefix: 24 });
    match sensible_pool(&example) {
        Some(pool) => {
            fault.hint(format!("for example subnet = \"{example}\", pool = [\"{pool}\"]"))
        }
        None => fault,
    }
}

/// Pools by themselves: there are some, and none is listed twice.
fn pools(raw: &RawNetwork, note: &impl Fn(Fault)) {
    let all = list(raw.pools.as_ref());
    if all.is_empty() {
        if let Some(subnet) = &raw.subnet {
            let fault = Fault::new(subnet.at.clone(), "mode \"dhcp\" needs a `pool` of addresses");
            let pool = sensible_pool(&subnet.value);
            note(match pool {
                Some(pool) => fault.hint(format!("for example pool = [\"{pool}\"]")),
                None => fault,
            });
        }
        return;
    }
    for (index, a) in all.iter().enumerate() {
        let earlier = all.get(..index).unwrap_or_default();
        let overlap = |b: &At<Pool>| a.value.first <= b.value.last && b.value.first <= a.value.last;
        if let Some(b) = earlier.iter().find(|b| overlap(b)) {
            note(Fault::new(a.at.clone(), format!("pool {} overlaps {}", a.value, b.value)));
        }
    }
}

/// Everything that must lie in the subnet.
fn inside(raw: &RawNetwork, subnet: &At<Subnet>, note: &impl Fn(Fault)) {
    for pool in list(raw.pools.as_ref()) {
        let (first, last) = (pool.value.first, pool.value.last);
        let outside = [first, last].into_iter().find(|a| !subnet.value.contains(*a));
        if let Some(outside) = outside {
            let what = format!("pool {} leaves the subnet {}", pool.value, subnet.value);
            note(Fault::new(pool.at.clone(), what).label(format!("{outside} is outside")));
        } else if ![first, last].into_iter().all(|a| subnet.value.is_host(a)) {
            let what = format!(
                "pool {} holds the subnet's own address or its broadcast address",
                pool.value
            );
            note(Fault::new(pool.at.clone(), what));
        }
    }
    if let Some(router) = &raw.router
        && !subnet.value.is_host(router.value)
    {
        let what = format!("router {} is no host of the subnet {}", router.value, subnet.value);
        note(
            Fault::new(router.at.clone(), what)
                .hint("machines reach only a router in their subnet"),
        );
    }
}

/// Routes that can be reached, and options that fit into a message.
fn extras(raw: &RawNetwork, subnet: &Subnet, note: &impl Fn(Fault)) {
    let routes = list(raw.routes.as_ref());
    for (index, route) in routes.iter().enumerate() {
        let via = route.value.via;
        if !via.is_unspecified() && !subnet.is_host(via) {
            let what = format!("the router of {} is no host of the subnet {subnet}", route.value);
            let fault = Fault::new(route.at.clone(), what);
            note(fault.hint("machines reach only a router in their subnet"));
        }
        let to = |r: &Route| (r.to, r.prefix);
        let earlier = routes.get(..index).unwrap_or_default();
        if let Some(other) = earlier.iter().find(|other| to(&other.value) == to(&route.value)) {
            let what = format!("`{}` goes where another route goes", route.value);
            note(Fault::new(route.at.clone(), what).other(other.at.clone(), "here already"));
        }
    }
    if let Some(one_more) = routes.get(ROUTES_MAX) {
        note(Fault::new(one_more.at.clone(), format!("more than {ROUTES_MAX} routes")));
    }
    let options = list(raw.options.as_ref());
    if let Some(one_more) = options.get(OPTIONS_MAX) {
        note(Fault::new(one_more.at.clone(), format!("more than {OPTIONS_MAX} options")));
    }
    too_long(raw, note);
}

/// Options and routes share what room there is in a message.
fn too_long(raw: &RawNetwork, note: &impl Fn(Fault)) {
    let routes: Vec<Route> = list(raw.routes.as_ref()).iter().map(|at| at.value).collect();
    let routes_len = match Route::encode(&routes) {
        none if none.is_empty() => 0,
        value => DhcpOption { code: 121, value, always: false }.encoded_len(),
    };
    let mut parts: Vec<(usize, String, Range<usize>)> = list(raw.options.as_ref())
        .iter()
        .map(|at| {
            let name = model::option::name(at.value.code);
            let name = name.map_or_else(|| at.value.code.to_string(), str::to_owned);
            (at.value.encoded_len(), name, at.at.clone())
        })
        .collect();
    if let Some(at) = &raw.routes {
        parts.push((routes_len, "routes".to_owned(), at.at.clone()));
    }
    let total: usize = parts.iter().map(|(len, _, _)| len).sum();
    let Some((len, name, at)) = parts.into_iter().max_by_key(|(len, _, _)| *len) else { return };
    if total > ENCODED_MAX {
        let what = format!(
            "the options and routes of this network take {total} bytes; {ENCODED_MAX} is the most"
        );
        let fault = Fault::new(at, what).label(format!("`{name}` takes {len} of them"));
        note(fault.hint("a message that leaves no room for the boot file boots nobody"));
    }
}

fn lease_min(raw: &RawNetwork) -> Duration {
    raw.lease_min.as_ref().map_or(LEASE_MIN, |at| at.value)
}

fn too_short(raw: &RawNetwork, lease: &At<Option<Duration>>) -> Fault {
    let least = show_duration(lease_min(raw));
    let fault = Fault::new(lease.at.clone(), format!("a lease shorter than {least}"));
    match &raw.lease_min {
        Some(min) => fault
            .other(min.at.clone(), "the shortest that a client may get")
            .hint("`lease_min` is for clients that ask for less than `lease`: it cannot be more"),
        None => fault.hint(
            "firmware, bootloader and installer ask one after the other; a shorter lease ends in \
             the middle of a boot (if you want it nevertheless: set `lease_min` as well)",
        ),
    }
}

fn lease(raw: &RawNetwork, note: &impl Fn(Fault)) -> Option<Duration> {
    let Some(lease) = &raw.lease else {
        return Some(LEASE);
    };
    match lease.value {
        Some(short) if short < lease_min(raw) => note(too_short(raw, lease)),
        Some(long) if long.as_secs() > LEASE_S_MAX => {
            let fault = Fault::new(lease.at.clone(), "a lease longer than DHCP can say");
            note(fault.hint("write lease = \"infinite\""));
        }
        _ => {}
    }
    lease.value
}

/// Our own address in the subnet we give addresses of. A subnet behind a relay is reached from
/// whatever address we have there.
fn own_address(
    raw: &RawNetwork,
    remote: bool,
    interface: &At<String>,
    subnet: &At<Subnet>,
    link: &Link,
    note: &impl Fn(Fault),
) -> Option<Ipv4Addr> {
    let own = link.addresses.iter().find(|(address, _)| subnet.value.is_host(*address));
    if let Some((address, _)) = own {
        return Some(*address);
    }
    if let (true, Some((address, _))) = (remote, link.addresses.first()) {
        return Some(*address);
    }
    let name = &interface.value;
    let has = shown_addresses(link);
    let what = format!("{name} has no address in {}: it has {has}", subnet.value);
    let fault = Fault::new(interface.at.clone(), what);
    note(match free_for_us(raw, &subnet.value) {
        Some(address) => fault
            .hint(format!("give it one: ip addr add {address}/{} dev {name}", subnet.value.prefix)),
        None => fault,
    });
    None
}

/// The first address that is neither leased nor the router's.
fn free_for_us(raw: &RawNetwork, subnet: &Subnet) -> Option<Ipv4Addr> {
    let taken = |address: &Ipv4Addr| {
        Some(*address) == raw.router.as_ref().map(|router| router.value)
            || list(raw.pools.as_ref()).iter().any(|pool| pool.value.contains(*address))
    };
    hosts(subnet).take(65_536).find(|address| !taken(address))
}

fn hosts(subnet: &Subnet) -> impl Iterator<Item = Ipv4Addr> {
    let first = u32::from(subnet.address).saturating_add(1);
    (first..u32::from(subnet.broadcast())).map(Ipv4Addr::from)
}

/// Our address beside another server, and who is local to it.
fn beside_another_server(
    interface: &At<String>,
    mode: Mode,
    link: &Link,
    note: &impl Fn(Fault),
) -> Option<(Ipv4Addr, Subnet)> {
    let usable = link.addresses.iter().find_map(|(address, prefix)| {
        Subnet::new(*address, *prefix).map(|subnet| (*address, subnet))
    });
    if usable.is_none() && mode == Mode::Off {
        return Some((Ipv4Addr::UNSPECIFIED, unknown_subnet()?));
    }
    if usable.is_none() {
        let name = &interface.value;
        let what = format!("{name} has {}: machines could not reach us", shown_addresses(link));
        let fault = Fault::new(interface.at.clone(), what);
        note(fault.hint(format!(
            "give it one of its network: ip addr add ADDRESS/PREFIX dev {name} (or by DHCP), or \
             give addresses yourself with mode = \"dhcp\""
        )));
    }
    usable
}

/// A pool for whoever named none: `.100` to `.199` of a /24, the upper half of a smaller
/// subnet, and the first such block of a larger one.
pub fn sensible_pool(subnet: &Subnet) -> Option<Pool> {
    let base = u32::from(subnet.address);
    let (first, last) = match subnet.prefix {
        ..=24 => (base.checked_add(100)?, base.checked_add(199)?),
        25..=29 => {
            let size = 1u32 << (32 - u32::from(subnet.prefix));
            (base.checked_add(size / 2)?, base.checked_add(size - 2)?)
        }
        _ => (base.checked_add(2)?, base.checked_add(2)?),
    };
    Some(Pool { first: first.into(), last: last.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_chosen_with_sense() {
        for (subnet, pool) in [
            ("10.77.0.0/24", "10.77.0.100-10.77.0.199"),
            ("10.77.0.0/16", "10.77.0.100-10.77.0.199"),
            ("10.77.0.64/26", "10.77.0.96-10.77.0.126"),
            ("10.77.0.4/30", "10.77.0.6-10.77.0.6"),
        ] {
            let chosen = sensible_pool(&subnet.parse().unwrap()).unwrap();
            assert_eq!(chosen.to_string(), pool, "{subnet}");
        }
    }
}
