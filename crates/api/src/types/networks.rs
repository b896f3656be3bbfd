//! The networks we serve.

use model::network::Mode;
use model::{Fit, Network, Network6};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A network, and how full it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkView {
    /// Its interface.
    pub interface: String,
    /// `ipv4` or `ipv6`.
    pub family: String,
    /// `auto`, `dhcp`, `proxy`, `listen`, `off`; of IPv6 `dhcp` or `listen`.
    pub mode: String,
    /// Our address.
    pub server: String,
    /// Its subnet.
    pub subnet: String,
    /// Addresses that are given, first and last. Without any, machines of IPv6 make their own (SLAAC).
    pub pools: Vec<String>,
    /// The machines' router; over IPv6 routers say themselves that they are.
    pub router: Option<String>,
    /// The machines' name servers.
    pub dns: Vec<String>,
    /// The machines' domain.
    pub domain: Option<String>,
    /// How long a lease is, in seconds; `null` is for ever. It means nothing where no addresses are given.
    pub lease_s: Option<u64>,
    /// Relays whose clients are of this network.
    pub relays: Vec<String>,
    /// Other servers that belong there, as the configuration says.
    pub others: Vec<String>,
    /// Whether router advertisements come from us; `null` over IPv4, where there are none.
    pub advertise: Option<bool>,
    /// Whether two messages are enough for an address, where a client asks for that.
    pub rapid_commit: bool,
    /// How firmware of UEFI HTTP Boot is sent for files: `http` or `https`.
    pub http_boot: String,
    /// How full the pools are, where addresses are given.
    pub numbers: Option<PoolNumbers>,
    /// The mode that fits by what was heard there.
    pub fits: String,
    /// Why, in words; of IPv6, how machines learn that they are to ask.
    pub because: String,
}

/// How full the pools of a network are.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PoolNumbers {
    /// Addresses in them; of IPv6 there may be more than a number holds, which is the largest then.
    pub size: u64,
    /// Leased now.
    pub leased: u64,
    /// In quarantine: somebody uses them without a lease.
    pub quarantined: u64,
    /// Reserved, in the pools or beside them.
    pub reserved: u64,
}

impl NetworkView {
    /// A network as it is.
    pub fn new(network: &Network, numbers: Option<PoolNumbers>, fit: Fit) -> Self {
        let texts = |all: &[std::net::Ipv4Addr]| all.iter().map(ToString::to_string).collect();
        Self {
            interface: network.interface.clone(),
            family: "ipv4".to_owned(),
            mode: network.mode.to_string(),
            server: network.server.to_string(),
            subnet: network.subnet.to_string(),
            pools: network.pools.iter().map(ToString::to_string).collect(),
            router: network.router.map(|router| router.to_string()),
            dns: texts(&network.dns),
            domain: network.domain.clone(),
            lease_s: network
                .lease
                .filter(|_| network.mode == Mode::Dhcp)
                .map(|lease| lease.as_secs()),
            relays: texts(&network.relays),
            others: texts(&network.others),
            advertise: None,
            rapid_commit: network.rapid_commit,
            http_boot: network.http_boot.to_string(),
            numbers,
            fits: fit.mode.to_string(),
            because: fit.because,
        }
    }
    /// One of IPv6 as it is.
    pub fn over_ipv6(network: &Network6, numbers: Option<PoolNumbers>) -> Self {
        let texts = |all: &[std::net::Ipv6Addr]| all.iter().map(ToString::to_string).collect();
        Self {
            interface: network.interface.clone(),
            family: "ipv6".to_owned(),
            mode: network.mode.to_string(),
            server: network.server.to_string(),
            subnet: network.subnet.to_string(),
            pools: network.pools.iter().map(ToString::to_string).collect(),
            router: None,
            dns: texts(&network.dns),
            domain: network.domain.clone(),
            lease_s: network.lease.filter(|_| !network.only_listens()).map(|lease| lease.as_secs()),
            relays: texts(&network.relays),
            others: texts(&network.others),
            advertise: Some(network.advertise),
            rapid_commit: network.rapid_commit,
            http_boot: network.http_boot.to_string(),
            numbers,
            fits: network.mode.to_string(),
            because: asked_for(network),
        }
    }
}

/// Who tells machines that they are to ask us (RFC 4861, 4.2).
fn asked_for(network: &Network6) -> String {
    if network.only_listens() {
        return "we decide and say nothing: `bootwright link agreement` shows how what another server \
                says compares"
            .to_owned();
    }
    let (what, flag) = match network.gives_addresses() {
        true => ("addresses come", "M"),
        false => ("settings come", "O"),
    };
    match (network.advertise, network.relays.is_empty()) {
        (true, _) => format!("our router advertisements say that {what} by DHCPv6"),
        (false, false) => format!(
            "the router of that subnet has to say that {what} by DHCPv6 (flag {flag}), and its relay \
             brings us what machines ask"
        ),
        (false, true) => format!(
            "the router there has to say that {what} by DHCPv6 (flag {flag}); `bootwright doctor` \
             asks it, and advertise = true says so ourselves where there is none"
        ),
    }
}
