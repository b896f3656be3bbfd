//! The networks we serve, as the operator meant them.

use crate::client::named;
use crate::option::DhcpOption;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::time::Duration;

named! {
    /// What we do on a link.
    Mode: "mode" {
        /// Probe for another DHCP server, then behave as `proxy`. Never hands out addresses.
        Auto = "auto",
        /// Addresses and boot answers.
        Dhcp = "dhcp",
        /// Boot answers only, beside a DHCP server that stays untouched.
        Proxy = "proxy",
        /// Decide and record, but never answer.
        Listen = "listen",
        /// Nothing.
        Off = "off",
    }
}

/// An IPv4 network and its prefix length: `10.77.0.0/24`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Subnet {
    /// First address of the subnet; host bits are zero.
    pub address: Ipv4Addr,
    /// 1 to 30.
    pub prefix: u8,
}

impl Subnet {
    /// `address` may have host bits; they are cut. `None` when the prefix leaves no hosts.
    pub fn new(address: Ipv4Addr, prefix: u8) -> Option<Self> {
        if !(1..=30).contains(&prefix) {
            return None;
        }
        let cut = Self { address, prefix };
        Some(Self { address: Ipv4Addr::from(u32::from(address) & u32::from(cut.mask())), prefix })
    }

    /// `255.255.255.0` for /24.
    pub fn mask(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0))
    }

    /// The directed broadcast address.
    pub fn broadcast(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.address) | !u32::from(self.mask()))
    }

    /// Whether `address` lies in it.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        u32::from(address) & u32::from(self.mask()) == u32::from(self.address)
    }

    /// Whether `address` may be given to a host: neither the network's nor the broadcast's.
    pub fn is_host(&self, address: Ipv4Addr) -> bool {
        self.contains(address) && address != self.address && address != self.broadcast()
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Subnet {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no subnet: write it like 10.77.0.0/24");
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let address = address.parse().map_err(|_| wrong())?;
        Self::new(address, prefix.parse().map_err(|_| wrong())?).ok_or_else(wrong)
    }
}

/// Addresses that may be leased, first and last included: `10.77.0.100-10.77.0.199`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    /// First address.
    pub first: Ipv4Addr,
    /// Last address, not below the first.
    pub last: Ipv4Addr,
}

impl Pool {
    /// How many addresses it spans.
    pub fn size(&self) -> u64 {
        u64::from(u32::from(self.last)) + 1 - u64::from(u32::from(self.first))
    }

    /// Whether `address` lies in it.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&address)
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl FromStr for Pool {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no pool: write it like 10.77.0.100-10.77.0.199");
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let first = first.trim().parse().map_err(|_| wrong())?;
        let last = last.trim().parse().map_err(|_| wrong())?;
        if last < first {
            return Err(format!("`{text}` ends before it begins"));
        }
        Ok(Self { first, last })
    }
}

named! {
    /// What option 82 means in a message that no relay of ours brought (`giaddr` is zero): a switch
    /// that snoops may have added it, or the client itself (RFC 3046, 2.1).
    Option82: "option_82" {
        /// Served as if it were not there; not echoed.
        Ignore = "ignore",
        /// A switch of ours added it: its circuit id counts, and it is echoed.
        Trust = "trust",
        /// Not answered.
        Drop = "drop",
        /// Not answered, and a relayed message without option 82 is not answered either.
        Require = "require",
    }
}

/// One classless static route (RFC 3442): `10.0.0.0/8 via 10.77.0.254`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Where to; host bits are zero.
    pub to: Ipv4Addr,
    /// 0 to 32; 0 is the default route.
    pub prefix: u8,
    /// The router; 0.0.0.0 means "on this link".
    pub via: Ipv4Addr,
}

impl Route {
    /// `None` for more than 32 bits, and where host bits are set.
    pub fn new(to: Ipv4Addr, prefix: u8, via: Ipv4Addr) -> Option<Self> {
        let route = Self { to, prefix, via };
        (prefix <= 32 && u32::from(to) & !u32::from(route.mask()) == 0).then_some(route)
    }

    fn mask(&self) -> Ipv4Addr {
        let host_bits = 32 - u32::from(self.prefix.min(32));
        Ipv4Addr::from(u32::MAX.checked_shl(host_bits).unwrap_or(0))
    }

    /// Routes as options 121 and 249 carry them (RFC 3442): the prefix length, as many octets of
    /// the destination as it touches, and the router.
    pub fn encode(routes: &[Self]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for route in routes {
            let significant = usize::from(route.prefix).div_ceil(8);
            bytes.push(route.prefix);
            bytes.extend(route.to.octets().iter().take(significant));
            bytes.extend(route.via.octets());
        }
        bytes
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.to, self.prefix) {
            (Ipv4Addr::UNSPECIFIED, 0) => write!(f, "default")?,
            (to, prefix) => write!(f, "{to}/{prefix}")?,
        }
        match self.via {
            Ipv4Addr::UNSPECIFIED => write!(f, " on link"),
            via => write!(f, " via {via}"),
        }
    }
}

impl FromStr for Route {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            let shown = crate::text::show(text.as_bytes());
            format!("`{shown}` is no route: write it like 10.0.0.0/8 via 10.77.0.254")
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let (to, via) = match words.as_slice() {
            [to, "via", via] => (*to, via.parse().map_err(|_| wrong())?),
            [to, "on", "link"] => (*to, Ipv4Addr::UNSPECIFIED),
            _ => return Err(wrong()),
        };
        let (address, prefix) = match to {
            "default" => (Ipv4Addr::UNSPECIFIED, 0),
            to => {
                let (address, prefix) = to.split_once('/').unwrap_or((to, "32"));
                (address.parse().map_err(|_| wrong())?, prefix.parse().map_err(|_| wrong())?)
            }
        };
        if prefix > 32 {
            return Err(wrong());
        }
        let cut = Self { to: address, prefix, via };
        let network = Ipv4Addr::from(u32::from(address) & u32::from(cut.mask()));
        Self::new(address, prefix, via).ok_or_else(|| {
            format!("`{to}` is a host with a prefix: its network is {network}/{prefix}")
        })
    }
}

/// The shortest lease a client may ask for, unless the network says otherwise: firmware, bootloader
/// and installer ask one after the other.
pub const LEASE_MIN: Duration = Duration::from_secs(600);

/// How long an address is probed before its first offer, unless the network says otherwise. A host
/// on a link answers ARP within a millisecond; firmware waits four seconds.
pub const PROBE: Duration = Duration::from_millis(30);

named! {
    /// The scheme of the URL that firmware of UEFI HTTP Boot is sent to. Whatever comes after it
    /// (iPXE, scripts, kernels) is fetched over HTTP.
    HttpBoot: "http_boot" {
        /// `http://`
        Http = "http",
        /// `https://`: the firmware has our CA enrolled.
        Https = "https",
    }
}

named! {
    /// Of which protocol a network is.
    Family: "family" {
        /// IPv4, with DHCPv4.
        Ipv4 = "ipv4",
        /// IPv6, with DHCPv6.
        Ipv6 = "ipv6",
    }
}

named! {
    /// What we would do on a link where we only listen.
    ListenAs: "listen_as" {
        /// Boot answers beside a DHCP server.
        Proxy = "proxy",
        /// Addresses and boot answers, in place of the DHCP server that is there.
        Dhcp = "dhcp",
    }
}

/// Whether replies to a PXE client carry options 60 and 43 (PXE 2.1, 2.2.1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PxeReply {
    /// Option 60 `PXEClient` and option 43 "boot this file at once": the highest rank in EDK2.
    #[default]
    Full,
    /// Boot file fields only, for ROMs that choke on option 43.
    Plain,
}

/// One `[[network]]`: a link we serve and how.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// The interface.
    pub interface: String,
    /// What we do there.
    pub mode: Mode,
    /// Our own address on it: server identifier, TFTP and HTTP server of the answers.
    pub server: Ipv4Addr,
    /// The subnet we give addresses of. In `dhcp` mode there is one; elsewhere it is the subnet
    /// of `server`, so that we know who is local.
    pub subnet: Subnet,
    /// Leased addresses, in `dhcp` mode.
    pub pools: Vec<Pool>,
    /// Option 3.
    pub router: Option<Ipv4Addr>,
    /// Option 6.
    pub dns: Vec<Ipv4Addr>,
    /// Option 15.
    pub domain: Option<String>,
    /// Option 51; `None` is for ever (0xffff_ffff).
    pub lease: Option<Duration>,
    /// `giaddr` values served through this interface. A relay inside `subnet` means this network.
    pub relays: Vec<Ipv4Addr>,
    /// Whether we may say no (DHCPNAK) for clients of this subnet we know nothing of.
    pub authoritative: bool,
    /// See [`PxeReply`].
    pub pxe_reply: PxeReply,
    /// Networks of one interface with the same word here share their link: a client there may get
    /// an address of any of them, in the order of the file.
    pub shared: Option<String>,
    /// A client may ask for a shorter lease than `lease` (option 51), down to this.
    pub lease_min: Duration,
    /// Whether a DISCOVER with option 80 is answered with an ACK at once (RFC 4039).
    pub rapid_commit: bool,
    /// How long to wait whether somebody already uses an address that is to be offered for the
    /// first time (RFC 2131, 2.2); `None` offers unprobed.
    pub probe: Option<Duration>,
    /// See [`Option82`].
    pub option_82: Option82,
    /// Options 121 and 249.
    pub routes: Vec<Route>,
    /// Further options for everybody here.
    pub options: Vec<DhcpOption>,
    /// See [`HttpBoot`].
    pub http_boot: HttpBoot,
    /// Bytes per second that all machines here may fetch together; none is as fast as it goes.
    pub rate: Option<u64>,
    /// DHCP and boot servers that belong on this link, by what they call themselves (option 54) or
    /// by where their replies come from. Empty where nobody said.
    #[serde(default)]
    pub others: Vec<Ipv4Addr>,
    /// What is decided where we only listen.
    #[serde(default = "as_a_proxy")]
    pub listen_as: ListenAs,
}

/// Reports that were written before there was a choice.
fn as_a_proxy() -> ListenAs {
    ListenAs::Proxy
}

impl Network {
    /// A network with nothing but what it cannot do without.
    pub fn new(interface: &str, mode: Mode, server: Ipv4Addr, subnet: Subnet) -> Self {
        Self {
            interface: interface.to_owned(),
            mode,
            server,
            subnet,
            pools: Vec::new(),
            router: None,
            dns: Vec::new(),
            domain: None,
            lease: Some(Duration::from_secs(12 * 3600)),
            relays: Vec::new(),
            authoritative: false,
            pxe_reply: PxeReply::Full,
            shared: None,
            lease_min: LEASE_MIN,
            rapid_commit: false,
            probe: Some(PROBE),
            option_82: Option82::Ignore,
            routes: Vec::new(),
            options: Vec::new(),
            http_boot: HttpBoot::Http,
            rate: None,
            others: Vec::new(),
            listen_as: ListenAs::Proxy,
        }
    }

    /// Whether we listen on its link at all.
    pub fn is_heard(&self) -> bool {
        self.mode != Mode::Off
    }

    /// Whether its addresses are ours to weigh: we give them, or would if we spoke.
    pub fn has_addresses(&self) -> bool {
        match self.mode {
            Mode::Dhcp => true,
            Mode::Listen => self.listen_as == ListenAs::Dhcp,
            Mode::Auto | Mode::Proxy | Mode::Off => false,
        }
    }

    /// How many addresses its pools span.
    pub fn pool_size(&self) -> u64 {
        self.pools.iter().map(Pool::size).sum()
    }

    /// Whether `address` is a host's of this subnet and not ours or the router's: what a reservation
    /// may name.
    pub fn reservable(&self, address: Ipv4Addr) -> bool {
        self.subnet.is_host(address) && address != self.server && Some(address) != self.router
    }

    /// All leasable addresses, in order, without the server's own, the router's, and those that
    /// old Windows refuses (.0 and .255 of a larger pool, Q62).
    pub fn leasable(&self, address: Ipv4Addr) -> bool {
        self.pools.iter().any(|p| p.contains(address))
            && self.subnet.is_host(address)
            && address != self.server
            && Some(address) != self.router
            && !matches!(address.octets()[3], 0 | 255)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_knows_its_hosts() {
        let lab: Subnet = "10.77.0.9/24".parse().unwrap();
        assert_eq!(lab.to_string(), "10.77.0.0/24");
        assert_eq!(lab.mask(), Ipv4Addr::new(255, 255, 255, 0));
        assert!(lab.is_host(Ipv4Addr::new(10, 77, 0, 1)));
        assert!(!lab.is_host(Ipv4Addr::new(10, 77, 0, 255)));
        assert!(!lab.contains(Ipv4Addr::new(10, 78, 0, 1)));
        for wrong in ["10.77.0.0", "10.77.0.0/31", "10.77.0.0/0", "x/24"] {
            assert!(wrong.parse::<Subnet>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn routes_are_written_with_their_significant_octets() {
        // The table of RFC 3442: subnet, and its destination descriptor.
        for (to, descriptor) in [
            ("default", vec![0]),
            ("10.0.0.0/8", vec![8, 10]),
            ("10.0.0.0/24", vec![24, 10, 0, 0]),
            ("10.17.0.0/16", vec![16, 10, 17]),
            ("10.27.129.0/24", vec![24, 10, 27, 129]),
            ("10.229.0.128/25", vec![25, 10, 229, 0, 128]),
            ("10.198.122.47/32", vec![32, 10, 198, 122, 47]),
        ] {
            let route: Route = format!("{to} via 10.77.0.254").parse().unwrap();
            let wanted = [descriptor, vec![10, 77, 0, 254]].concat();
            assert_eq!(Route::encode(&[route]), wanted, "{to}");
            assert_eq!(Route::encode(&[route, route]), wanted.repeat(2), "{to}");
            assert_eq!(route.to_string(), format!("{to} via 10.77.0.254"));
        }
        let here: Route = "10.1.0.0/16 via 0.0.0.0".parse().unwrap();
        assert_eq!(here.to_string(), "10.1.0.0/16 on link");
        assert_eq!(here.to_string().parse(), Ok(here));
        assert_eq!("10.1.2.3 via 10.0.0.1".parse::<Route>().unwrap().prefix, 32);
    }

    #[test]
    fn a_route_that_is_none_says_how_to_write_one() {
        for wrong in ["", "10.0.0.0/8", "10.0.0.0/33 via 10.0.0.1", "0.0.0.0/0 via x", "a via b"] {
            let why = wrong.parse::<Route>().unwrap_err();
            assert!(why.contains("write it like"), "{why}");
        }
        let why = "10.1.2.3/8 via 10.0.0.1".parse::<Route>().unwrap_err();
        assert!(why.contains("its network is 10.0.0.0/8"), "{why}");
        assert_eq!(
            "0.0.0.0/0 via 10.0.0.1".parse::<Route>().unwrap().to_string(),
            "default via 10.0.0.1"
        );
    }

    #[test]
    fn a_pool_may_not_run_backwards() {
        assert_eq!("10.0.0.1-10.0.0.9".parse::<Pool>().unwrap().size(), 9);
        assert!("10.0.0.9-10.0.0.1".parse::<Pool>().is_err());
    }
}
