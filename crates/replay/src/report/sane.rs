//! What a report from anywhere has to hold before an engine is made of it: what a configuration file is
//! held to where it is read.
//!
//! In: a report that parsed. Out: nothing, or what is wrong, in words. Never: whether it is true.

use super::Report;
use model::network::{Network, Subnet};
use model::network6::{Network6, Subnet6};
use std::time::Duration;
use wire::dhcp6::duid::DUID_MAX;

/// Networks of one configuration.
const NETWORKS_MAX: usize = 256;
/// Addresses of the pools of one network: those of a /8.
const POOL_MAX: u64 = 1 << 24;
/// Pools of one network.
const POOLS_MAX: usize = 256;
/// Ten years, as in a configuration.
const LONGEST: Duration = Duration::from_secs(3650 * 86_400);
/// Moments behind the year 9999 are none.
const LATEST_MS: u64 = 253_402_300_800_000;

pub(super) fn check(report: &Report) -> Result<(), String> {
    let networks = &report.settings.networks;
    let networks6 = &report.settings.networks6;
    if networks.len() + networks6.len() > NETWORKS_MAX {
        return Err(format!("it has more than {NETWORKS_MAX} networks"));
    }
    for network in networks {
        self::network(network).map_err(|why| format!("one of its networks {why}"))?;
    }
    for network in networks6 {
        self::network6(network).map_err(|why| format!("one of its networks {why}"))?;
    }
    if report.server_duid.0.len() > DUID_MAX {
        return Err("its server calls itself by more than an identifier has room for".to_owned());
    }
    if report.settings.lease_history > LONGEST {
        return Err("its leases are remembered for more than ten years".to_owned());
    }
    let moments = report.parts.iter().flat_map(|part| &part.exchanges).map(|said| said.at.0);
    match moments.max().is_some_and(|latest| latest > LATEST_MS) {
        true => Err("it tells of moments behind the year 9999".to_owned()),
        false => Ok(()),
    }
}

/// A pool may be larger than any number: nobody walks over it.
fn network6(network: &Network6) -> Result<(), String> {
    let Subnet6 { address, prefix } = network.subnet;
    if Subnet6::new(address, prefix) != Some(network.subnet) {
        return Err("has no subnet".to_owned());
    }
    let whole = |pool: &model::network6::Pool6| pool.first <= pool.last;
    if network.pools.len() > POOLS_MAX || !network.pools.iter().all(whole) {
        return Err("has pools that are none".to_owned());
    }
    match network.lease.unwrap_or_default() > LONGEST {
        true => Err("has times that no configuration has".to_owned()),
        false => Ok(()),
    }
}

fn network(network: &Network) -> Result<(), String> {
    let Subnet { address, prefix } = network.subnet;
    if Subnet::new(address, prefix) != Some(network.subnet) {
        return Err("has no subnet".to_owned());
    }
    // Sizes are counted only of pools that end behind their beginning.
    let whole = |pool: &model::network::Pool| pool.first <= pool.last;
    if network.pools.len() > POOLS_MAX || !network.pools.iter().all(whole) {
        return Err("has pools that are none".to_owned());
    }
    if network.pool_size() > POOL_MAX {
        return Err(format!("has pools of more than {POOL_MAX} addresses"));
    }
    let times = [network.lease.unwrap_or_default(), network.lease_min];
    let waits = network.probe.unwrap_or_default();
    match times.iter().any(|time| *time > LONGEST) || waits > Duration::from_secs(60) {
        true => Err("has times that no configuration has".to_owned()),
        false => Ok(()),
    }
}
