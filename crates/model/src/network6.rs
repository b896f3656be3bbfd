//! The IPv6 networks we serve, as the operator meant them.

use crate::network::{HttpBoot, Mode};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;
use std::time::Duration;

/// An IPv6 network and its prefix length: `fd77::/64`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Subnet6 {
    /// First address of the subnet; host bits are zero.
    pub address: Ipv6Addr,
    /// 1 to 126.
    pub prefix: u8,
}

impl Subnet6 {
    /// `address` may have host bits; they are cut. `None` when the prefix leaves no hosts.
    pub fn new(address: Ipv6Addr, prefix: u8) -> Option<Self> {
        let cut = Self { address, prefix };
        (1..=126)
            .contains(&prefix)
            .then(|| Self { address: Ipv6Addr::from(u128::from(address) & cut.mask()), prefix })
    }

    fn mask(&self) -> u128 {
        u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0)
    }

    /// Whether `address` lies in it.
    pub fn contains(&self, address: Ipv6Addr) -> bool {
        u128::from(address) & self.mask() == u128::from(self.address)
    }

    /// Whether `address` may be given to a host: not the first, which means any router
    /// (RFC 4291, 2.6.1).
    pub fn is_host(&self, address: Ipv6Addr) -> bool {
        self.contains(address) && address != self.address
    }
}

impl fmt::Display for Subnet6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Subnet6 {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            let shown = crate::text::show(text.as_bytes());
            format!("`{shown}` is no IPv6 subnet: write it like fd77::/64")
        };
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let address = address.parse().map_err(|_| wrong())?;
        Self::new(address, prefix.parse().map_err(|_| wrong())?).ok_or_else(wrong)
    }
}

/// Addresses that may be leased, first and last included: `fd77::100-fd77::1ff`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Pool6 {
    /// First address.
    pub first: Ipv6Addr,
    /// Last address, not below the first.
    pub last: Ipv6Addr,
}

impl Pool6 {
    /// How many addresses it spans; more than a number holds are the largest number.
    pub fn size(&self) -> u128 {
        let between = u128::from(self.last).saturating_sub(u128::from(self.first));
        between.saturating_add(1)
    }

    /// Whether `address` lies in it.
    pub fn contains(&self, address: Ipv6Addr) -> bool {
        (self.first..=self.last).contains(&address)
    }
}

impl fmt::Display for Pool6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl FromStr for Pool6 {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let shown = || crate::text::show(text.as_bytes());
        let wrong = || format!("`{}` is no IPv6 pool: write it like fd77::100-fd77::1ff", shown());
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let first: Ipv6Addr = first.trim().parse().map_err(|_| wrong())?;
        let last: Ipv6Addr = last.trim().parse().map_err(|_| wrong())?;
        if last < first {
            return Err(format!("`{}` ends before it begins", shown()));
        }
        Ok(Self { first, last })
    }
}

/// One `[[network]]` whose subnet is of IPv6: a link we serve and how. The same interface may have
/// one of IPv4 beside it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Network6 {
    /// The interface.
    pub interface: String,
    /// `dhcp` or `listen`; what is `off` is no network.
    #[serde(default = "as_dhcp")]
    pub mode: Mode,
    /// Our own address on it: TFTP and HTTP server of the answers.
    pub server: Ipv6Addr,
    /// The subnet.
    pub subnet: Subnet6,
    /// Leased addresses. Without any, machines have their addresses by themselves (SLAAC,
    /// RFC 4862) and get settings only.
    pub pools: Vec<Pool6>,
    /// Option 23.
    pub dns: Vec<Ipv6Addr>,
    /// Option 24.
    pub domain: Option<String>,
    /// Valid lifetime; `None` is for ever.
    pub lease: Option<Duration>,
    /// Link addresses of relays whose clients get addresses of this network.
    pub relays: Vec<Ipv6Addr>,
    /// Whether a SOLICIT with option 14 is answered with a REPLY at once (RFC 8415, 18.3.1).
    pub rapid_commit: bool,
    /// Whether router advertisements for the link come from us: that addresses come by DHCPv6, and
    /// which are on the link. We never say that we are a router.
    pub advertise: bool,
    /// See [`HttpBoot`].
    pub http_boot: HttpBoot,
    /// Bytes per second that all machines here may fetch together; none is as fast as it goes.
    pub rate: Option<u64>,
    /// DHCPv6 servers and routers that belong on this link, by the address that they speak from. Where
    /// one is named, no other is expected.
    #[serde(default)]
    pub others: Vec<Ipv6Addr>,
}

/// Reports that were written before there was a choice.
fn as_dhcp() -> Mode {
    Mode::Dhcp
}

impl Network6 {
    /// A network with nothing but what it cannot do without.
    pub fn new(interface: &str, server: Ipv6Addr, subnet: Subnet6) -> Self {
        Self {
            interface: interface.to_owned(),
            mode: Mode::Dhcp,
            server,
            subnet,
            pools: Vec::new(),
            dns: Vec::new(),
            domain: None,
            lease: Some(Duration::from_secs(12 * 3600)),
            relays: Vec::new(),
            rapid_commit: false,
            advertise: false,
            http_boot: HttpBoot::Http,
            rate: None,
            others: Vec::new(),
        }
    }

    /// Whether we only listen there: we decide, and say nothing.
    pub fn only_listens(&self) -> bool {
        self.mode == Mode::Listen
    }

    /// Whether its machines are on its link, and not behind a relay.
    pub fn is_on_link(&self) -> bool {
        self.relays.is_empty()
    }

    /// Whether its machines get their addresses from us, or would if we spoke.
    pub fn gives_addresses(&self) -> bool {
        !self.pools.is_empty()
    }

    /// Whether `address` may be leased here: it is in a pool, a host's, and not ours.
    pub fn leasable(&self, address: Ipv6Addr) -> bool {
        self.pools.iter().any(|pool| pool.contains(address))
            && self.subnet.is_host(address)
            && address != self.server
    }

    /// Whether `address` may be promised to somebody: it is a host's of the subnet, and not ours.
    pub fn reservable(&self, address: Ipv6Addr) -> bool {
        self.subnet.is_host(address) && address != self.server
    }

    /// How many addresses its pools span.
    pub fn pool_size(&self) -> u128 {
        self.pools.iter().fold(0, |all, pool| all.saturating_add(pool.size()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    #[test]
    fn a_subnet_knows_its_hosts() {
        let lab: Subnet6 = "fd77::9/64".parse().unwrap();
        assert_eq!(lab.to_string(), "fd77::/64");
        assert!(lab.is_host(ip("fd77::1")) && !lab.is_host(ip("fd77::")));
        assert!(!lab.contains(ip("fd78::1")));
        for wrong in ["fd77::", "fd77::/127", "fd77::/0", "10.0.0.0/24", "x/64"] {
            assert!(wrong.parse::<Subnet6>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_pool_has_a_size_and_the_server_is_never_leased() {
        let pool: Pool6 = "fd77::100-fd77::1ff".parse().unwrap();
        assert_eq!((pool.size(), pool.to_string().as_str()), (256, "fd77::100-fd77::1ff"));
        assert!("fd77::2-fd77::1".parse::<Pool6>().is_err());
        let all = Pool6 { first: ip("::"), last: Ipv6Addr::from(u128::MAX) };
        assert_eq!(all.size(), u128::MAX);
        let subnet = "fd77::/64".parse().unwrap();
        let mut network = Network6::new("lan", ip("fd77::1"), subnet);
        network.pools = vec!["fd77::-fd77::3".parse().unwrap()];
        let leasable = |address: &str| network.leasable(ip(address));
        assert!(!leasable("fd77::") && !leasable("fd77::1") && !leasable("fd77::4"));
        assert!(leasable("fd77::2") && leasable("fd77::3"));
    }
}
