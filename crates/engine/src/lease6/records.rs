//! All leases, found without a walk over them: by address, by association, by when they end, by what is
//! free between them, counted for each network.
//!
//! In: leases as they are kept and go. Out: what is known of them. Never: who may have an address.

use super::runs::Runs;
use model::lease::LeaseState;
use model::network6::Subnet6;
use model::{Lease6, Network6, Now};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;

/// All leases, whatever became of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    by_address: BTreeMap<Ipv6Addr, Lease6>,
    by_holder: BTreeSet<(Vec<u8>, u32, Ipv6Addr)>,
    /// Refused by their clients, for the time being or once.
    refused: BTreeSet<Ipv6Addr>,
    taken: Runs,
    areas: Vec<Area>,
    /// Leases of no network: what former settings left behind.
    outside: Area,
}

/// The leases of one network.
#[derive(Clone, Debug)]
pub(super) struct Area {
    subnet: Subnet6,
    count: usize,
    /// When each lease ends; those for ever are not in it.
    ends: BTreeSet<(Now, Ipv6Addr)>,
}

impl Area {
    fn of(subnet: Subnet6) -> Self {
        Self { subnet, count: 0, ends: BTreeSet::new() }
    }

    /// How many leases it has, ended ones included.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn is_of(&self, network: &Network6) -> bool {
        self.subnet == network.subnet
    }

    /// Leases that ended by now, the one that ended first before all.
    pub(super) fn ended(&self, now: Now) -> impl Iterator<Item = (Now, Ipv6Addr)> {
        self.ends.iter().copied().take_while(move |(end, _)| *end <= now)
    }
}

impl Default for Area {
    fn default() -> Self {
        Self::of(Subnet6 { address: Ipv6Addr::UNSPECIFIED, prefix: 0 })
    }
}

impl Records {
    /// These are the networks; every lease stays.
    pub(super) fn arrange(&mut self, networks: &[Network6]) {
        self.areas.clear();
        for network in networks {
            if self.area(network).is_none() {
                self.areas.push(Area::of(network.subnet));
            }
        }
        // The smallest first, should one lie in another.
        self.areas.sort_by_key(|area| std::cmp::Reverse(area.subnet.prefix));
        self.outside = Area::default();
        let all = std::mem::take(&mut self.by_address);
        all.values().for_each(|lease| self.file(lease));
        self.by_address = all;
    }

    /// Counts a lease where it belongs.
    fn file(&mut self, lease: &Lease6) {
        let area = self.area_mut(lease.address);
        area.count = area.count.saturating_add(1);
        area.ends.extend(lease.until.map(|until| (until, lease.address)));
    }

    pub(super) fn put(&mut self, lease: Lease6) {
        self.forget(lease.address);
        self.file(&lease);
        self.taken.set(lease.address);
        if lease.state == LeaseState::Declined {
            self.refused.insert(lease.address);
        }
        self.by_holder.insert((lease.duid.clone(), lease.iaid, lease.address));
        self.by_address.insert(lease.address, lease);
    }

    pub(super) fn forget(&mut self, address: Ipv6Addr) {
        let Some(old) = self.by_address.remove(&address) else { return };
        let area = self.area_mut(address);
        area.count = area.count.saturating_sub(1);
        old.until.map(|until| area.ends.remove(&(until, address)));
        self.taken.clear(address);
        self.refused.remove(&address);
        self.by_holder.remove(&(old.duid, old.iaid, address));
    }

    fn area_mut(&mut self, address: Ipv6Addr) -> &mut Area {
        let area = self.areas.iter_mut().find(|area| area.subnet.contains(address));
        area.unwrap_or(&mut self.outside)
    }

    pub(super) fn of(&self, address: Ipv6Addr) -> Option<&Lease6> {
        self.by_address.get(&address)
    }

    /// By address.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Lease6> {
        self.by_address.values()
    }

    /// Those of a subnet, by address.
    pub(super) fn inside(&self, subnet: Subnet6) -> impl Iterator<Item = &Lease6> {
        let from = self.by_address.range(subnet.address..).map(|(_, lease)| lease);
        from.take_while(move |lease| subnet.contains(lease.address))
    }

    /// Those of an association.
    pub(super) fn of_association(&self, duid: &[u8], iaid: u32) -> impl Iterator<Item = &Lease6> {
        self.of_client_from(duid, iaid).take_while(move |lease| lease.iaid == iaid)
    }

    /// Those of a client.
    pub(super) fn of_client(&self, duid: &[u8]) -> impl Iterator<Item = &Lease6> {
        self.of_client_from(duid, 0)
    }

    fn of_client_from(&self, duid: &[u8], iaid: u32) -> impl Iterator<Item = &Lease6> {
        let own = self.by_holder.range((duid.to_vec(), iaid, Ipv6Addr::UNSPECIFIED)..);
        let own = own.take_while(move |(of, ..)| **of == *duid);
        own.filter_map(|(.., address)| self.by_address.get(address))
    }

    /// Addresses of a subnet that are in quarantine now.
    pub(super) fn refused(&self, now: Now, subnet: Subnet6) -> impl Iterator<Item = &Lease6> {
        let from = self.refused.range(subnet.address..);
        let here = from.take_while(move |address| subnet.contains(**address));
        let leases = here.filter_map(|address| self.by_address.get(address));
        leases.filter(move |lease| lease.holds(now))
    }

    pub(super) fn areas(&self) -> impl Iterator<Item = &Area> {
        self.areas.iter()
    }

    /// What belongs to no network.
    pub(super) fn outside(&self) -> &Area {
        &self.outside
    }

    /// The leases of a network; none before it was said that there is one.
    pub(super) fn area(&self, network: &Network6) -> Option<&Area> {
        self.areas.iter().find(|area| area.is_of(network))
    }

    /// Leases that ended in this time, at most `most`.
    pub(super) fn ended(&self, from: Now, to: Now, most: usize) -> Vec<Ipv6Addr> {
        let span = (from, Ipv6Addr::UNSPECIFIED)..(to, Ipv6Addr::UNSPECIFIED);
        let all = self.areas.iter().chain([&self.outside]);
        let all = all.flat_map(|area| area.ends.range(span.clone()));
        all.take(most).map(|(_, address)| *address).collect()
    }

    /// The first address of a network's pools, from the place `start` on and then from their begin, that
    /// nobody has had yet as far as is known, and that is good.
    pub(super) fn never_used(
        &self,
        network: &Network6,
        start: u128,
        good: &impl Fn(&Ipv6Addr) -> bool,
    ) -> Option<Ipv6Addr> {
        let span = |from, to| self.taken.gaps(from, to).find(good);
        let mut before: u128 = 0;
        let (mut later, mut earlier) = (Vec::new(), Vec::new());
        for pool in &network.pools {
            let (first, last) = (u128::from(pool.first), u128::from(pool.last));
            match start.checked_sub(before) {
                Some(inside) if inside < pool.size() => {
                    let begin = first.saturating_add(inside);
                    later.push((begin, last));
                    // Those before it, at the very end.
                    earlier.extend(begin.checked_sub(1).map(|end| (first, end)));
                }
                Some(_) => earlier.push((first, last)),
                None => later.push((first, last)),
            }
            before = before.saturating_add(pool.size());
        }
        let mut spans = later.into_iter().chain(earlier);
        spans.find_map(|(first, last)| (first <= last).then(|| span(first, last))?)
    }
}
