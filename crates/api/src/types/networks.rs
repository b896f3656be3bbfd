//! The networks we serve.

use model::network::Mode;
use model::{Fit, Network};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A network, and how full it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkView {
    /// Its interface.
    pub interface: String,
    /// `auto`, `dhcp`, `proxy`, `listen`, `off`.
    pub mode: String,
    /// Our address.
    pub server: String,
    /// Its subnet.
    pub subnet: String,
    /// Addresses that are given, first and last.
    pub pools: Vec<String>,
    /// The machines' router.
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
    /// How full the pools are, where addresses are given.
    pub numbers: Option<PoolNumbers>,
    /// The mode that fits by what was heard there.
    pub fits: String,
    /// Why, in words.
    pub because: String,
}

/// How full the pools of a network are.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PoolNumbers {
    /// Addresses in them.
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
            numbers,
            fits: fit.mode.to_string(),
            because: fit.because,
        }
    }
}
