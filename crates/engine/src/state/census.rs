//! How many there are of everything: numbers for whoever watches a fleet.
//!
//! In: the engine, a moment. Out: a [`Census`]. Never: a walk over all machines or deployments, for
//! the owner answers this between two packets; what is many is counted as it changes.

use crate::Engine;
use model::network::Mode;
use model::{Life, Now};
use std::collections::BTreeMap;

/// The engine in numbers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Census {
    /// Machines by the state of their life, all states in order.
    pub machines: Vec<(&'static str, usize)>,
    /// Deployments by their state, all states in order.
    pub deployments: Vec<(&'static str, usize)>,
    /// Pools of the networks that give addresses.
    pub pools: Vec<PoolUse>,
    /// Promised addresses, of both families.
    pub reservations: usize,
    /// Image versions.
    pub images: usize,
    /// Bootloaders.
    pub loaders: usize,
    /// Profiles.
    pub profiles: usize,
    /// Rules.
    pub rules: usize,
}

/// The addresses of one network that may be leased.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PoolUse {
    /// The interface.
    pub link: String,
    /// The subnet: `10.77.0.0/24`, `fd77::/64`.
    pub subnet: String,
    /// Addresses in its pools; of IPv6 there may be more than a number holds, which is the largest then.
    pub size: u64,
    /// Of these, leased, or offered to whoever had them before.
    pub leased: usize,
    /// Of these, in quarantine: declined, or used by somebody who did not ask.
    pub quarantined: usize,
}

impl Engine {
    /// Counts.
    #[must_use]
    pub fn census(&self, now: Now) -> Census {
        let giving = self.networks.iter().filter(|network| network.mode == Mode::Dhcp);
        Census {
            machines: self.machines.lives().collect(),
            deployments: self.deployments.states().collect(),
            pools: giving
                .map(|network| {
                    let quarantined = self.leases.quarantined(now, network);
                    PoolUse {
                        link: network.interface.clone(),
                        subnet: network.subnet.to_string(),
                        size: network.pool_size(),
                        leased: self.leases.recorded(now, network).saturating_sub(quarantined),
                        quarantined,
                    }
                })
                .chain(self.pools6(now))
                .collect(),
            reservations: self.reservations().count() + self.reservations6().count(),
            images: self.images().count(),
            loaders: self.loaders.len(),
            profiles: self.profiles.len(),
            rules: self.rules.len(),
        }
    }
}

impl Engine {
    fn pools6(&self, now: Now) -> impl Iterator<Item = PoolUse> {
        self.networks6.iter().filter(|network| network.gives_addresses()).map(move |network| {
            let (leased, quarantined) = self.leases6.used(now, network);
            PoolUse {
                link: network.interface.clone(),
                subnet: network.subnet.to_string(),
                size: u64::try_from(network.pool_size()).unwrap_or(u64::MAX),
                leased,
                quarantined,
            }
        })
    }
}

/// How many there are of each of a few names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    pub(crate) fn more(&mut self, name: &'static str) {
        *self.0.entry(name).or_default() += 1;
    }

    pub(crate) fn less(&mut self, name: &'static str) {
        if let Some(count) = self.0.get_mut(name) {
            *count = count.saturating_sub(1);
        }
    }

    pub(crate) fn of(&self, name: &str) -> usize {
        self.0.get(name).copied().unwrap_or(0)
    }
}

impl super::machines::Machines {
    fn lives(&self) -> impl Iterator<Item = (&'static str, usize)> {
        Life::ALL.iter().map(|life| (life.name(), self.tally().of(life.name())))
    }
}
