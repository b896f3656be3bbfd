//! Which way leads to a machine that sleeps, and how one boots from the network once.
//!
//! In: what is known of machines, networks and leases. Out: ways, or why there is none. Never: a
//! packet, or a request to a BMC.

use crate::{Engine, Refusal};
use model::deployment::State;
use model::network::HttpBoot;
use model::power::{PowerSettings, WakeVia, WakeWay};
use model::{Deployment, Firmware, HardwareAddress, Network};
use std::net::Ipv4Addr;

/// Most ways that one machine is looked for by.
const WAYS_MAX: usize = 16;

impl Engine {
    /// How the power of a machine is switched, if an operator said.
    pub fn power_of(&self, machine: &HardwareAddress) -> Option<&PowerSettings> {
        self.power.get(machine)
    }

    /// The ways by which magic packets reach a machine.
    pub fn wake_ways(
        &self,
        machine: &HardwareAddress,
        via: &WakeVia,
    ) -> Result<Vec<WakeWay>, Refusal> {
        match via {
            WakeVia::Interface(name) => Ok(vec![WakeWay::Interface(name.clone())]),
            WakeVia::Broadcast(to) => Ok(vec![WakeWay::Directed(*to)]),
            WakeVia::Relay(relay) => self.behind(*relay).map(|to| vec![WakeWay::Directed(to)]),
            WakeVia::WhereHeard => self.where_heard(machine),
        }
    }

    /// The broadcast address of the network behind a relay.
    pub(crate) fn behind(&self, relay: Ipv4Addr) -> Result<Ipv4Addr, Refusal> {
        let far = |n: &&Network| is_far(n) && n.subnet.contains(relay);
        let named = |n: &&Network| is_far(n) && n.relays.contains(&relay);
        let all = &self.settings.networks;
        let found = all.iter().find(far).or_else(|| all.iter().find(named));
        found.map(|network| network.subnet.broadcast()).ok_or_else(|| Refusal {
            why: format!(
                "no network behind relay {relay} is configured, so its width is not known"
            ),
            hint: Some(
                "say --broadcast with the last address of that network; or configure it, with \
                 `relays`"
                    .to_owned(),
            ),
        })
    }

    /// By the address that it had last, else by the interface that it was heard on: there every
    /// network that shares it is tried.
    fn where_heard(&self, machine: &HardwareAddress) -> Result<Vec<WakeWay>, Refusal> {
        let all = &self.settings.networks;
        let had = self.leases.iter().filter(|lease| lease.hardware == *machine);
        let had = had.max_by_key(|lease| lease.until);
        let there = had.and_then(|lease| all.iter().find(|n| n.subnet.contains(lease.address)));
        if let Some(network) = there {
            return Ok(vec![way(network)]);
        }
        let link = self.machines.get(machine).map(|m| m.link.as_str()).unwrap_or_default();
        let mut ways: Vec<WakeWay> = Vec::new();
        for network in all.iter().filter(|n| link.is_empty() || n.interface == link) {
            let way = way(network);
            if !ways.contains(&way) && ways.len() < WAYS_MAX {
                ways.push(way);
            }
        }
        if ways.is_empty() {
            return Err(Refusal {
                why: format!("nobody knows where {machine} is"),
                hint: Some(
                    "say --interface, --via RELAY or --broadcast ADDRESS with `bootwright machine \
                     power MACHINE set --driver wake-on-lan`"
                        .to_owned(),
                ),
            });
        }
        Ok(ways)
    }

    /// Deployments of batches whose turn has come, whose machines are to be switched on for it and
    /// have not asked yet.
    pub fn to_be_started(&self) -> Vec<(u32, HardwareAddress)> {
        let waits = |of: &&Deployment| {
            let wanted = of.install.as_ref().is_some_and(|install| install.power);
            wanted && of.batch.is_some() && *of.state() == State::Armed
        };
        self.deployments.live().filter(waits).map(|of| (of.id, of.machine)).collect()
    }

    /// Whether a machine boots over the network by UEFI HTTP Boot rather than PXE: it came so the
    /// last time, or its network sends such firmware to HTTPS, for which it was made ready.
    pub fn boots_by_http(&self, machine: &HardwareAddress) -> bool {
        let Some(known) = self.machines.get(machine) else { return false };
        match known.firmware {
            Some(Firmware::Http) => true,
            Some(Firmware::Pxe) | None => {
                let network = self.network(&known.link);
                let https = network.is_some_and(|n| n.http_boot == HttpBoot::Https);
                https && known.arch.is_none_or(|arch| arch.is_uefi())
            }
            Some(_) => false,
        }
    }
}

/// A network that is behind a relay: we have no address in it.
fn is_far(network: &Network) -> bool {
    !network.subnet.contains(network.server)
}

fn way(network: &Network) -> WakeWay {
    match is_far(network) {
        true => WakeWay::Directed(network.subnet.broadcast()),
        false => WakeWay::Interface(network.interface.clone()),
    }
}
