//! One `[[network]]` of IPv6 as it is written.
//!
//! In: its table. Out: [`RawNetwork6`], and a fault for every key or value that is none. Never: two
//! keys compared, or the host looked at.

use super::super::fault::Fault;
use super::super::reader::{At, Section};
use super::network::domain;
use super::{names, rate};
use model::network::{HttpBoot, Mode};
use model::network6::{Pool6, Subnet6};
use model::time::parse_duration;
use std::net::Ipv6Addr;
use std::ops::Range;
use std::time::Duration;

/// One `[[network]]` whose subnet has a colon in it.
#[derive(Debug)]
pub struct RawNetwork6 {
    /// Where the table stands.
    pub at: Range<usize>,
    /// `interface`
    pub interface: Option<At<String>>,
    /// `mode`
    pub mode: Option<At<Mode>>,
    /// `subnet`
    pub subnet: Option<At<Subnet6>>,
    /// `pool`
    pub pools: Option<At<Vec<At<Pool6>>>>,
    /// `dns`
    pub dns: Option<At<Vec<At<Ipv6Addr>>>>,
    /// `domain`
    pub domain: Option<At<String>>,
    /// `lease`; `None` inside is `infinite`.
    pub lease: Option<At<Option<Duration>>>,
    /// `relays`
    pub relays: Option<At<Vec<At<Ipv6Addr>>>>,
    /// `others`
    pub others: Option<At<Vec<At<Ipv6Addr>>>>,
    /// `rapid_commit`
    pub rapid_commit: Option<At<bool>>,
    /// `advertise`
    pub advertise: Option<At<bool>>,
    /// `http_boot`
    pub http_boot: Option<At<HttpBoot>>,
    /// `rate`
    pub rate: Option<At<u64>>,
}

/// Keys of networks of IPv4 that have no meaning here, and what to do.
const OTHER_FAMILY: [(&str, &str); 11] = [
    ("router", "DHCPv6 names no router: machines learn it from router advertisements"),
    ("authoritative", "a DHCPv6 client is always told when an address is not of its link"),
    ("pxe_reply", "it is about options that DHCPv6 does not have"),
    ("shared", "name all pools of a link in one [[network]]"),
    ("lease_min", "a DHCPv6 client gets the lease of the network"),
    ("probe", "hosts look themselves whether an address is in use, and refuse it then"),
    ("option_82", "relays of DHCPv6 say where a client is in another way"),
    ("routes", "machines learn routes from router advertisements"),
    ("options", "further options are sent over IPv4 only"),
    ("listen_as", "over IPv6 mode \"listen\" always decides as mode \"dhcp\" would"),
    ("prefix", "write it behind the address of `subnet`: fd77::/64"),
];

/// Whether a table means a network of IPv6: its subnet has a colon.
pub(super) fn is_meant(section: &Section<'_>) -> bool {
    let subnet = section.peek_text("subnet");
    subnet.is_some_and(|subnet| subnet.value.contains(':'))
}

pub(super) fn network6(mut section: Section<'_>) -> RawNetwork6 {
    let read = RawNetwork6 {
        at: section.at.clone(),
        interface: section.text("interface"),
        mode: section.named("mode", &names(Mode::ALL, Mode::name)),
        subnet: section.meant("subnet", str::parse),
        pools: section.list("pool", str::parse),
        dns: section.list("dns", address),
        domain: section.meant("domain", domain),
        lease: section.meant("lease", parse_duration),
        relays: section.list("relays", address),
        others: section.list("others", address),
        rapid_commit: section.flag("rapid_commit"),
        advertise: section.flag("advertise"),
        http_boot: section.named("http_boot", &names(HttpBoot::ALL, HttpBoot::name)),
        rate: section.meant("rate", rate::parse),
    };
    for (key, hint) in OTHER_FAMILY {
        if let Some(at) = section.place(key) {
            section.fault(Fault::new(at, format!("`{key}` is for IPv4 networks")).hint(hint));
        }
    }
    section.finish();
    read
}

fn address(text: &str) -> Result<Ipv6Addr, String> {
    text.parse().map_err(|_| {
        let shown = model::text::show(text.as_bytes());
        format!("`{shown}` is no IPv6 address: write it like fd77::1")
    })
}
