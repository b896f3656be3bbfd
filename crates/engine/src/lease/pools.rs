//! Which addresses of the pools nobody ever had, and which were free longest: answered without a
//! walk over the pool, however large it is and however full.
//!
//! In: pools, and every lease and offer as it comes and goes. Out: candidates, in the order in
//! which they should be given. Never: whether somebody may have one.

use model::lease::LeaseState;
use model::network::Pool;
use model::{Lease, Network, Now};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// All pools of all networks, in the order of their addresses.
#[derive(Clone, Debug, Default)]
pub(super) struct Pools {
    areas: Vec<Area>,
    /// Ends of leases that lie in no pool: reservations, and what a smaller pool left behind.
    outside: BTreeSet<(Now, Ipv4Addr)>,
}

#[derive(Clone, Debug)]
struct Area {
    pool: Pool,
    used: Used,
    /// When each lease ends; those for ever are not in it.
    ends: BTreeSet<(Now, Ipv4Addr)>,
    /// Addresses in quarantine.
    barred: BTreeSet<Ipv4Addr>,
    /// How many addresses have a record, whatever it says.
    records: usize,
}

impl Pools {
    /// The pools of these networks, empty.
    pub(super) fn of(networks: &[Network]) -> Self {
        let giving = networks.iter().filter(|network| network.has_addresses());
        let mut areas: Vec<Area> = giving
            .flat_map(|network| &network.pools)
            .map(|pool| Area {
                pool: *pool,
                used: Used::default(),
                ends: BTreeSet::new(),
                barred: BTreeSet::new(),
                records: 0,
            })
            .collect();
        areas.sort_by_key(|area| area.pool.first);
        Self { areas, outside: BTreeSet::new() }
    }

    /// A lease is recorded.
    pub(super) fn note(&mut self, lease: &Lease) {
        let (address, end) = (lease.address, lease.until);
        let Some(area) = self.area_mut(address) else {
            self.outside.extend(end.map(|end| (end, address)));
            return;
        };
        area.used.set(area.pool, address);
        area.records += 1;
        area.ends.extend(end.map(|end| (end, address)));
        if matches!(lease.state, LeaseState::Declined | LeaseState::Conflict) {
            area.barred.insert(address);
        }
    }

    /// A lease's record is gone.
    pub(super) fn drop(&mut self, lease: &Lease) {
        let (address, end) = (lease.address, lease.until);
        let Some(area) = self.area_mut(address) else {
            end.map(|end| self.outside.remove(&(end, address)));
            return;
        };
        area.used.clear(area.pool, address);
        area.records = area.records.saturating_sub(1);
        end.map(|end| area.ends.remove(&(end, address)));
        area.barred.remove(&address);
    }

    /// An address is offered; `record` is its lease, if there is one.
    pub(super) fn offered(&mut self, address: Ipv4Addr, record: Option<&Lease>) {
        let Some(area) = self.area_mut(address) else { return };
        area.used.set(area.pool, address);
        // So that whoever looks for an ended lease does not meet all that wait for a REQUEST.
        if let Some(end) = record.and_then(|lease| lease.until) {
            area.ends.remove(&(end, address));
        }
    }

    /// Such an offer is over.
    pub(super) fn unoffered(&mut self, address: Ipv4Addr, record: Option<&Lease>) {
        let Some(area) = self.area_mut(address) else { return };
        match record {
            Some(lease) => area.ends.extend(lease.until.map(|end| (end, address))),
            None => area.used.clear(area.pool, address),
        }
    }

    /// The first address of a network that nobody has had yet and that is `good`, looking from
    /// place `start` of its pools on.
    pub(super) fn never_used(
        &self,
        network: &Network,
        start: u64,
        good: impl Fn(Ipv4Addr) -> bool,
    ) -> Option<Ipv4Addr> {
        let size = network.pool_size();
        let mut start = start.checked_rem(size)?;
        let own: Vec<&Area> = network.pools.iter().filter_map(|p| self.area(p.first)).collect();
        let first = own.iter().position(|area| {
            let here = start < area.pool.size();
            start -= if here { 0 } else { area.pool.size() };
            here
        })?;
        let (before, after) = own.split_at_checked(first)?;
        let (begin, rest) = after.split_first()?;
        let whole = |area: &&Area| area.next_unused(0, u64::MAX, &good);
        begin
            .next_unused(start, u64::MAX, &good)
            .or_else(|| rest.iter().chain(before).find_map(whole))
            .or_else(|| begin.next_unused(0, start, &good))
    }

    /// The address of a network whose lease ended longest ago and that is `good`.
    pub(super) fn long_ended(
        &self,
        network: &Network,
        now: Now,
        good: impl Fn(Ipv4Addr) -> bool,
    ) -> Option<Ipv4Addr> {
        let own = network.pools.iter().filter_map(|pool| self.area(pool.first));
        let oldest = own.filter_map(|area| {
            let ended = area.ends.iter().take_while(|(end, _)| *end <= now);
            ended.copied().find(|(_, address)| good(*address))
        });
        oldest.min().map(|(_, address)| address)
    }

    /// How many addresses of a network are in quarantine, ended or not.
    pub(super) fn barred(&self, network: &Network) -> impl Iterator<Item = Ipv4Addr> {
        let own = network.pools.iter().filter_map(|pool| self.area(pool.first));
        own.flat_map(|area| area.barred.iter().copied())
    }

    /// How many addresses of a network have a record that has not ended. What ended and is offered
    /// again counts, too, until the offer is over. Takes as long as there are ended ones.
    pub(super) fn recorded(&self, network: &Network, now: Now) -> usize {
        let own = network.pools.iter().filter_map(|pool| self.area(pool.first));
        own.map(|area| {
            let ended = area.ends.iter().take_while(|(end, _)| *end <= now).count();
            area.records.saturating_sub(ended)
        })
        .sum()
    }

    /// Addresses whose lease ended in this time, the oldest first, at most `most`.
    pub(super) fn ended(&self, from: Now, to: Now, most: usize) -> Vec<Ipv4Addr> {
        let span = (from, Ipv4Addr::UNSPECIFIED)..(to, Ipv4Addr::UNSPECIFIED);
        let inside = self.areas.iter().flat_map(|area| area.ends.range(span.clone()));
        let all = inside.chain(self.outside.range(span.clone()));
        all.take(most).map(|(_, address)| *address).collect()
    }

    fn area(&self, address: Ipv4Addr) -> Option<&Area> {
        let after = self.areas.partition_point(|area| area.pool.first <= address);
        self.areas.get(after.checked_sub(1)?).filter(|area| area.pool.contains(address))
    }

    fn area_mut(&mut self, address: Ipv4Addr) -> Option<&mut Area> {
        let after = self.areas.partition_point(|area| area.pool.first <= address);
        self.areas.get_mut(after.checked_sub(1)?).filter(|area| area.pool.contains(address))
    }
}

impl Area {
    /// The first unused address with a place in `from..to`.
    fn next_unused(&self, from: u64, to: u64, good: impl Fn(Ipv4Addr) -> bool) -> Option<Ipv4Addr> {
        let to = to.min(self.pool.size());
        let mut place = from;
        while let Some(free) = self.used.next_clear(place).filter(|free| *free < to) {
            let offset = u32::try_from(free).ok()?;
            let address = Ipv4Addr::from(u32::from(self.pool.first).checked_add(offset)?);
            if good(address) {
                return Some(address);
            }
            place = free + 1;
        }
        None
    }
}

/// Places that are used, a bit each, in blocks that exist only where something is set.
#[derive(Clone, Debug, Default)]
struct Used {
    blocks: BTreeMap<u64, Block>,
}

#[derive(Clone, Debug)]
struct Block {
    words: [u64; WORDS],
    set: u32,
}

const WORDS: usize = 64;
const BLOCK: u64 = 64 * WORDS as u64;

impl Used {
    fn set(&mut self, pool: Pool, address: Ipv4Addr) {
        let (block, word, bit) = place_of(pool, address);
        let block = self.blocks.entry(block).or_insert(Block { words: [0; WORDS], set: 0 });
        if let Some(word) = block.words.get_mut(word).filter(|word| **word & bit == 0) {
            *word |= bit;
            block.set += 1;
        }
    }

    fn clear(&mut self, pool: Pool, address: Ipv4Addr) {
        let (number, word, bit) = place_of(pool, address);
        let Some(block) = self.blocks.get_mut(&number) else { return };
        if let Some(word) = block.words.get_mut(word).filter(|word| **word & bit != 0) {
            *word &= !bit;
            block.set -= 1;
        }
        if block.set == 0 {
            self.blocks.remove(&number);
        }
    }

    /// The first place from `from` on that is not set.
    fn next_clear(&self, from: u64) -> Option<u64> {
        let mut number = from / BLOCK;
        let mut within = from % BLOCK;
        loop {
            let Some(block) = self.blocks.get(&number) else {
                return number.checked_mul(BLOCK)?.checked_add(within);
            };
            if u64::from(block.set) < BLOCK
                && let Some(place) = block.next_clear(within)
            {
                return number.checked_mul(BLOCK)?.checked_add(place);
            }
            (number, within) = (number.checked_add(1)?, 0);
        }
    }
}

impl Block {
    fn next_clear(&self, from: u64) -> Option<u64> {
        let first = usize::try_from(from / 64).ok()?;
        // Places before `from` count as set.
        let mut before = (1_u64 << (from % 64)) - 1;
        for (index, word) in self.words.iter().enumerate().skip(first) {
            let free = !(*word | std::mem::take(&mut before));
            if free != 0 {
                return Some(index as u64 * 64 + u64::from(free.trailing_zeros()));
            }
        }
        None
    }
}

/// Block, word and bit of an address.
fn place_of(pool: Pool, address: Ipv4Addr) -> (u64, usize, u64) {
    let place = u64::from(u32::from(address).saturating_sub(u32::from(pool.first)));
    let word = usize::try_from(place % BLOCK / 64).unwrap_or(0);
    (place / BLOCK, word, 1 << (place % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_block_that_is_full_is_stepped_over() {
        let pool: Pool = "10.0.0.0-10.0.63.255".parse().unwrap();
        let mut used = Used::default();
        for n in 0..(2 * BLOCK as u32) {
            used.set(pool, Ipv4Addr::from(u32::from(pool.first) + n));
        }
        assert_eq!(used.next_clear(0), Some(2 * BLOCK));
        used.clear(pool, Ipv4Addr::from(u32::from(pool.first) + 4711));
        assert_eq!(used.next_clear(0), Some(4711));
        assert_eq!(used.next_clear(4712), Some(2 * BLOCK));
    }

    proptest! {
        #[test]
        fn places_are_as_a_plain_set_has_them(
            steps in prop::collection::vec((0_u32..9000, any::<bool>()), 0..300),
            from in 0_u64..9000,
        ) {
            let pool: Pool = "10.0.0.0-10.0.63.255".parse().unwrap();
            let (mut used, mut plain) = (Used::default(), BTreeSet::new());
            for (place, set) in steps {
                let address = Ipv4Addr::from(u32::from(pool.first) + place);
                if set {
                    used.set(pool, address);
                    plain.insert(u64::from(place));
                } else {
                    used.clear(pool, address);
                    plain.remove(&u64::from(place));
                }
            }
            prop_assert_eq!(used.next_clear(from), (from..).find(|place| !plain.contains(place)));
        }
    }
}
