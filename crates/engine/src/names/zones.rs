//! Zones: the networks' domains, and the names of their addresses (RFC 1035, 3.5).

use super::facts::{Place, Prefix};
use super::{STEADY_TTL_S, clean};
use model::network::Subnet;
use model::network6::Subnet6;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wire::dns::{Data, Name, Record, Soa, labels, within};

/// A zone that we say everything of.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub(super) apex: Name,
    pub(super) soa: Record,
    /// The subnets whose addresses it names, where it is of addresses and they do not fill it.
    parts: Vec<Prefix>,
}

impl Zone {
    /// Whether a name below it is ours: of another part of the same octet (or nibble) we know nothing.
    pub(super) fn covers(&self, name: &[u8]) -> bool {
        self.parts.is_empty()
            || address_of(name)
                .is_none_or(|address| self.parts.iter().any(|subnet| subnet.contains(address)))
    }
}

/// All zones of these networks.
pub(super) fn of<'a>(
    places: impl Iterator<Item = &'a Place>,
    server: &str,
    serial: u32,
) -> BTreeMap<Box<[u8]>, Zone> {
    let mut zones = BTreeMap::new();
    for place in places {
        let domain = place.domain.as_deref().and_then(Name::parse);
        let host = domain.as_ref().and_then(|domain| host_name(server, domain));
        if let (Some(domain), Some(host)) = (&domain, &host) {
            let zone = zone(domain.clone(), host, serial);
            zones.entry(domain.as_wire().into()).or_insert(zone);
        }
        for apex in reverse(place.subnet) {
            let host = host.clone().unwrap_or_else(|| apex.clone());
            let key = apex.as_wire().into();
            let zone: &mut Zone = zones.entry(key).or_insert_with(|| zone(apex, &host, serial));
            if place.subnet.length() > finest(place.subnet) {
                zone.parts.push(place.subnet);
            }
        }
    }
    zones
}

/// What the server is called in a domain.
pub(crate) fn host_name(server: &str, domain: &Name) -> Option<Name> {
    domain.child(&clean(server).unwrap_or_else(|| "bootwright".to_owned()))
}

fn zone(apex: Name, server: &Name, serial: u32) -> Zone {
    let mailbox = apex.child("hostmaster").unwrap_or_else(|| apex.clone());
    let soa = Soa {
        server: server.clone(),
        mailbox,
        serial,
        refresh_s: 3600,
        retry_s: 600,
        expire_s: 86_400,
        // A machine that is not there yet may be there in a moment.
        minimum_s: super::LEASED_TTL_S,
    };
    let data = Data::Soa(Box::new(soa));
    let soa = Record { name: apex.clone(), ttl_s: super::LEASED_TTL_S.min(STEADY_TTL_S), data };
    Zone { apex, soa, parts: Vec::new() }
}

/// The longest prefix that has a zone of its own: one step above single addresses.
fn finest(subnet: Prefix) -> u8 {
    match subnet {
        Prefix::V4(_) => 24,
        Prefix::V6(_) => 124,
    }
}

/// The zones of a subnet's addresses: of whole octets (RFC 1035, 3.5) or nibbles (RFC 3596, 2.5), so
/// several where its prefix ends within one.
fn reverse(subnet: Prefix) -> Vec<Name> {
    match subnet {
        Prefix::V4(subnet) => reverse4(subnet),
        Prefix::V6(subnet) => reverse6(subnet),
    }
}

fn reverse6(subnet: Subnet6) -> Vec<Name> {
    let whole = subnet.prefix.next_multiple_of(4).min(124);
    let count = 1_u128 << whole.saturating_sub(subnet.prefix);
    let base = u128::from(subnet.address);
    let zone = |n: u128| reverse_name6(Ipv6Addr::from(base | n << (128 - whole)), whole / 4);
    (0..count).filter_map(zone).collect()
}

fn reverse4(subnet: Subnet) -> Vec<Name> {
    let whole = match subnet.prefix {
        ..=8 => 8_u32,
        9..=16 => 16,
        _ => 24,
    };
    let prefix = u32::from(subnet.prefix).min(whole);
    let count = 1_u32 << (whole - prefix);
    let base = u32::from(subnet.address);
    let step = |n: u32| base.wrapping_add(n << (32 - whole));
    let octets = usize::try_from(whole / 8).unwrap_or(3);
    (0..count).filter_map(|n| reverse_name(Ipv4Addr::from(step(n)), octets)).collect()
}

/// `0.77.10.in-addr.arpa` for three octets of 10.77.0.0.
fn reverse_name(address: Ipv4Addr, octets: usize) -> Option<Name> {
    let used = address.octets().into_iter().take(octets).rev();
    let text: String = used.map(|octet| format!("{octet}.")).collect();
    Name::parse(&format!("{text}in-addr.arpa"))
}

/// The name of an address, below `in-addr.arpa` or `ip6.arpa`.
pub fn name_of(address: IpAddr) -> Option<Name> {
    match address {
        IpAddr::V4(address) => reverse_name(address, 4),
        IpAddr::V6(address) => reverse_name6(address, 32),
    }
}

/// `7.7.d.f.ip6.arpa` for four nibbles of fd77::.
fn reverse_name6(address: Ipv6Addr, nibbles: u8) -> Option<Name> {
    let all = address.octets().into_iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    let mut used: Vec<u8> = all.take(nibbles.into()).collect();
    used.reverse();
    let text: String = used.iter().map(|nibble| format!("{nibble:x}.")).collect();
    Name::parse(&format!("{text}ip6.arpa"))
}

/// The address that a name names.
fn address_of(name: &[u8]) -> Option<IpAddr> {
    let labels: Vec<&[u8]> = labels(name).collect();
    if let [nibbles @ .., ip6, arpa] = labels.as_slice()
        && (*ip6, *arpa) == (b"ip6".as_slice(), b"arpa".as_slice())
    {
        return address6_of(nibbles);
    }
    let [d, c, b, a, in_addr, arpa] = labels.as_slice() else { return None };
    if (*in_addr, *arpa) != (b"in-addr".as_slice(), b"arpa".as_slice()) {
        return None;
    }
    let octet = |label: &[u8]| std::str::from_utf8(label).ok()?.parse::<u8>().ok();
    Some(Ipv4Addr::new(octet(a)?, octet(b)?, octet(c)?, octet(d)?).into())
}

fn address6_of(nibbles: &[&[u8]]) -> Option<IpAddr> {
    let nibble = |label: &&[u8]| match label {
        [digit] => char::from(*digit).to_digit(16),
        _ => None,
    };
    let all: Option<Vec<u32>> = nibbles.iter().rev().map(nibble).collect();
    let all = all.filter(|all| all.len() == 32)?;
    let bits = all.into_iter().fold(0_u128, |bits, nibble| bits << 4 | u128::from(nibble));
    Some(Ipv6Addr::from(bits).into())
}

/// Whether a name is asked for by mistake only, so that it is told to nobody: addresses of private
/// networks (RFC 6303), and `localhost`, `invalid`, `local`, `onion`, `test` (RFC 6761, 6762, 7686).
pub(super) fn is_nobodys(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 8] = [
        b"\x09localhost",
        b"\x07invalid",
        b"\x05local",
        b"\x05onion",
        b"\x04test",
        // fd00::/8, fe80::/12 and ::1.
        b"\x01d\x01f\x03ip6\x04arpa",
        b"\x018\x01e\x01f\x03ip6\x04arpa",
        b"\x010\x010\x010\x010\x03ip6\x04arpa",
    ];
    if NAMES.iter().any(|zone| within(name, zone)) {
        return true;
    }
    let ends = labels(name).collect::<Vec<&[u8]>>();
    let mut ends = ends.iter().rev().copied();
    if (ends.next(), ends.next()) != (Some(b"arpa"), Some(b"in-addr")) {
        return false;
    }
    let octet = |label: &[u8]| std::str::from_utf8(label).ok()?.parse::<u8>().ok();
    let first = ends.next().and_then(octet);
    let second = ends.next().and_then(octet);
    match (first, second) {
        (Some(10 | 127), _) | (Some(192), Some(168)) | (Some(169), Some(254)) => true,
        (Some(172), Some(second)) => (16..32).contains(&second),
        (Some(100), Some(second)) => (64..128).contains(&second),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zones_of_a_subnet_are_of_whole_octets() {
        let zones = |subnet: &str| {
            let v4 = subnet.parse().map(Prefix::V4);
            let all = reverse(v4.or_else(|_| subnet.parse().map(Prefix::V6)).unwrap());
            let ends = (all.first().unwrap().to_string(), all.last().unwrap().to_string());
            (all.len(), ends.0, ends.1)
        };
        let one = |count, a: &str, b: &str| (count, a.to_owned(), b.to_owned());
        assert_eq!(zones("10.77.0.0/24"), one(1, "0.77.10.in-addr.arpa", "0.77.10.in-addr.arpa"));
        assert_eq!(zones("10.77.4.0/22"), one(4, "4.77.10.in-addr.arpa", "7.77.10.in-addr.arpa"));
        assert_eq!(zones("10.0.0.0/8"), one(1, "10.in-addr.arpa", "10.in-addr.arpa"));
        assert_eq!(zones("172.16.0.0/12"), one(16, "16.172.in-addr.arpa", "31.172.in-addr.arpa"));
        assert_eq!(zones("10.0.0.64/26"), one(1, "0.0.10.in-addr.arpa", "0.0.10.in-addr.arpa"));
        let of_64 = "0.0.0.0.0.0.0.0.0.0.0.0.7.7.d.f.ip6.arpa";
        assert_eq!(zones("fd77::/64"), one(1, of_64, of_64));
        assert_eq!(zones("fd77::/14"), one(4, "4.7.d.f.ip6.arpa", "7.7.d.f.ip6.arpa"));
        assert_eq!(zones("fd77::4/126").0, 1);
    }

    #[test]
    fn private_names_are_told_to_nobody() {
        let nobodys = |name: &str| is_nobodys(Name::parse(name).unwrap().as_wire());
        for name in ["1.0.0.10.in-addr.arpa", "x.y.local", "localhost", "9.168.192.in-addr.arpa"] {
            assert!(nobodys(name), "{name}");
        }
        assert!(nobodys("1.2.31.172.in-addr.arpa") && !nobodys("1.2.32.172.in-addr.arpa"));
        for name in ["8.8.8.8.in-addr.arpa", "arpa", "in-addr.arpa", "example", "notlocal"] {
            assert!(!nobodys(name), "{name}");
        }
    }

    #[test]
    fn an_address_has_a_name_and_back() {
        let name = name_of("10.77.0.9".parse().unwrap()).unwrap();
        assert_eq!(name.to_string(), "9.0.77.10.in-addr.arpa");
        assert_eq!(address_of(name.as_wire()), "10.77.0.9".parse().ok());
        let name = name_of("2001:db8::1".parse().unwrap()).unwrap();
        assert_eq!(address_of(name.as_wire()), "2001:db8::1".parse().ok());
        assert_eq!(address_of(Name::parse("1.0.ip6.arpa").unwrap().as_wire()), None);
        let name = name.to_string();
        assert!(
            name.starts_with("1.0.0.0") && name.ends_with("8.b.d.0.1.0.0.2.ip6.arpa"),
            "{name}"
        );
    }
}
