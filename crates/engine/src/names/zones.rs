//! Zones: the networks' domains, and the names of their addresses (RFC 1035, 3.5).

use super::facts::Place;
use super::{STEADY_TTL_S, clean};
use model::network::Subnet;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use wire::dns::{Data, Name, Record, Soa, labels, within};

/// A zone that we say everything of.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub(super) apex: Name,
    pub(super) soa: Record,
    /// The subnets whose addresses it names, where it is of addresses and they do not fill it.
    parts: Vec<Subnet>,
}

impl Zone {
    /// Whether a name below it is ours: of another part of the same octet we know nothing.
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
            if place.subnet.prefix > 24 {
                zone.parts.push(place.subnet);
            }
        }
    }
    zones
}

/// What the server is called in a domain.
pub(super) fn host_name(server: &str, domain: &Name) -> Option<Name> {
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

/// The zones of a subnet's addresses: of whole octets, so several where its prefix ends within one.
fn reverse(subnet: Subnet) -> Vec<Name> {
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

/// The name of an address.
pub(super) fn name_of(address: IpAddr) -> Option<Name> {
    match address {
        IpAddr::V4(address) => reverse_name(address, 4),
        IpAddr::V6(address) => {
            let nibbles = address.octets().into_iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
            let all: Vec<u8> = nibbles.collect();
            let text: String = all.iter().rev().map(|nibble| format!("{nibble:x}.")).collect();
            Name::parse(&format!("{text}ip6.arpa"))
        }
    }
}

/// The address that a name names.
fn address_of(name: &[u8]) -> Option<Ipv4Addr> {
    let labels: Vec<&[u8]> = labels(name).collect();
    let [d, c, b, a, in_addr, arpa] = labels.as_slice() else { return None };
    if (*in_addr, *arpa) != (b"in-addr".as_slice(), b"arpa".as_slice()) {
        return None;
    }
    let octet = |label: &[u8]| std::str::from_utf8(label).ok()?.parse::<u8>().ok();
    Some(Ipv4Addr::new(octet(a)?, octet(b)?, octet(c)?, octet(d)?))
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
            let all = reverse(subnet.parse().unwrap());
            let ends = (all.first().unwrap().to_string(), all.last().unwrap().to_string());
            (all.len(), ends.0, ends.1)
        };
        let one = |count, a: &str, b: &str| (count, a.to_owned(), b.to_owned());
        assert_eq!(zones("10.77.0.0/24"), one(1, "0.77.10.in-addr.arpa", "0.77.10.in-addr.arpa"));
        assert_eq!(zones("10.77.4.0/22"), one(4, "4.77.10.in-addr.arpa", "7.77.10.in-addr.arpa"));
        assert_eq!(zones("10.0.0.0/8"), one(1, "10.in-addr.arpa", "10.in-addr.arpa"));
        assert_eq!(zones("172.16.0.0/12"), one(16, "16.172.in-addr.arpa", "31.172.in-addr.arpa"));
        assert_eq!(zones("10.0.0.64/26"), one(1, "0.0.10.in-addr.arpa", "0.0.10.in-addr.arpa"));
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
        assert_eq!(address_of(name.as_wire()), Some(Ipv4Addr::new(10, 77, 0, 9)));
        let name = name_of("2001:db8::1".parse().unwrap()).unwrap().to_string();
        assert!(
            name.starts_with("1.0.0.0") && name.ends_with("8.b.d.0.1.0.0.2.ip6.arpa"),
            "{name}"
        );
    }
}
