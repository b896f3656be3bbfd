//! Who has which IPv6 address.
//!
//! In: leases and reservations that are kept, and who asks. Out: the address for an association, and
//! leases to be kept. Never: an offer. There is nothing to hold between an ADVERTISE and its REQUEST:
//! which address an association gets is worked out from the association itself, so it is the same
//! each time, and whoever comes second to an address gets the next.

use model::lease::{Lease6, LeaseState, Reservation6, ReservedFor6};
use model::{HardwareAddress, Network6, Now, Uuid};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;
use std::time::Duration;

/// Leases that are kept, whatever the pools span; what ended makes room first.
pub const LEASES_MAX: usize = 131_072;
/// Addresses looked at one by one before the first gap of a pool is searched for.
const LOOKS: u128 = 256;
/// How long a refused address is given to nobody.
const QUARANTINE: Duration = Duration::from_secs(3600);
/// Addresses that one client may put into quarantine in that time.
const DECLINES_EACH: usize = 3;
/// Addresses of a small pool that all clients together may; of a larger one, one in a hundred.
const DECLINES_LEAST: usize = 4;

/// Who asks for an address, and for which of its associations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) duid: &'a [u8],
    pub(crate) iaid: u32,
    pub(crate) hardware: Option<HardwareAddress>,
    pub(crate) uuid: Option<Uuid>,
    pub(crate) host_name: Option<&'a str>,
}

impl Asker<'_> {
    fn has(&self, lease: &Lease6) -> bool {
        lease.iaid == self.iaid && *lease.duid == *self.duid
    }

    fn is_meant(&self, holder: &ReservedFor6) -> bool {
        match holder {
            ReservedFor6::Mac(mac) => self.hardware == Some(*mac),
            ReservedFor6::Duid(duid) => **duid == *self.duid,
            ReservedFor6::Uuid(uuid) => self.uuid == Some(*uuid),
        }
    }
}

/// All leases and reservations of IPv6.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leases6 {
    by_address: BTreeMap<Ipv6Addr, Lease6>,
    by_holder: BTreeSet<(Vec<u8>, u32, Ipv6Addr)>,
    reserved: BTreeMap<Ipv6Addr, Reservation6>,
    by_reserved: BTreeSet<(ReservedFor6, Ipv6Addr)>,
}

impl Leases6 {
    pub(crate) fn put(&mut self, lease: Lease6) {
        self.forget(lease.address);
        self.by_holder.insert((lease.duid.clone(), lease.iaid, lease.address));
        self.by_address.insert(lease.address, lease);
    }

    pub(crate) fn forget(&mut self, address: Ipv6Addr) {
        if let Some(old) = self.by_address.remove(&address) {
            self.by_holder.remove(&(old.duid, old.iaid, address));
        }
    }

    pub(crate) fn reserve(&mut self, reservation: Reservation6) {
        self.unreserve(reservation.address);
        self.by_reserved.insert((reservation.holder.clone(), reservation.address));
        self.reserved.insert(reservation.address, reservation);
    }

    pub(crate) fn unreserve(&mut self, address: Ipv6Addr) {
        if let Some(old) = self.reserved.remove(&address) {
            self.by_reserved.remove(&(old.holder, address));
        }
    }

    /// By address.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Lease6> {
        self.by_address.values()
    }

    /// By address.
    pub(crate) fn reservations(&self) -> impl Iterator<Item = &Reservation6> {
        self.reserved.values()
    }

    pub(crate) fn of(&self, address: Ipv6Addr) -> Option<&Lease6> {
        self.by_address.get(&address)
    }

    /// The lease of an association here, whatever became of it.
    pub(crate) fn held(&self, network: &Network6, asker: &Asker<'_>) -> Option<&Lease6> {
        let from = (asker.duid.to_vec(), asker.iaid, Ipv6Addr::UNSPECIFIED);
        let own = self.by_holder.range(from..);
        let own = own.take_while(|(duid, iaid, _)| **duid == *asker.duid && *iaid == asker.iaid);
        let here = own.filter_map(|(.., address)| self.by_address.get(address));
        let mut here = here.filter(|lease| network.subnet.contains(lease.address));
        here.find(|lease| lease.state != LeaseState::Declined)
    }

    /// The reservation that means this client here.
    pub(crate) fn reserved_for(
        &self,
        network: &Network6,
        asker: &Asker<'_>,
    ) -> Option<&Reservation6> {
        let by = [
            asker.hardware.map(ReservedFor6::Mac),
            Some(ReservedFor6::Duid(asker.duid.to_vec())),
            asker.uuid.map(ReservedFor6::Uuid),
        ];
        by.into_iter().flatten().find_map(|holder| {
            let all = self.by_reserved.range((holder.clone(), Ipv6Addr::UNSPECIFIED)..);
            let mut all = all.take_while(|(of, _)| *of == holder);
            let here = all.find(|(_, address)| network.subnet.is_host(*address))?;
            self.reserved.get(&here.1)
        })
    }

    /// The address for an association: the one reserved for its client; the one it has or had; the
    /// one it wishes; the one worked out from it; the next that is free.
    pub(crate) fn choose(
        &self,
        now: Now,
        network: &Network6,
        asker: &Asker<'_>,
        wish: Option<Ipv6Addr>,
    ) -> Option<Ipv6Addr> {
        if let Some(reserved) = self.reserved_for(network, asker) {
            let taken = self.of(reserved.address).filter(|lease| lease.holds(now));
            // The stages of a boot, and the system after them, have an association each, but the
            // machine is one (Q44): the newest has the address.
            let theirs = |lease: &Lease6| {
                *lease.duid == *asker.duid
                    || lease.hardware.is_some() && lease.hardware == asker.hardware
            };
            if taken.is_none_or(theirs) {
                return Some(reserved.address);
            }
        }
        let own = self.held(network, asker).map(|lease| lease.address);
        let good =
            |address: &Ipv6Addr| network.leasable(*address) && self.is_free(now, *address, asker);
        let room = self.by_address.len() < LEASES_MAX
            || self.by_address.values().any(|lease| !lease.holds(now));
        own.filter(good)
            .or_else(|| wish.filter(good).filter(|_| room))
            .or_else(|| if room { self.next_free(now, network, asker) } else { None })
    }

    /// Whether this association may have the address: nobody else has it, or was promised it.
    fn is_free(&self, now: Now, address: Ipv6Addr, asker: &Asker<'_>) -> bool {
        let promised = self.reserved.get(&address);
        if promised.is_some_and(|reservation| !asker.is_meant(&reservation.holder)) {
            return false;
        }
        let lease = self.of(address).filter(|lease| lease.holds(now));
        lease.is_none_or(|lease| asker.has(lease) && lease.state == LeaseState::Bound)
    }

    fn next_free(&self, now: Now, network: &Network6, asker: &Asker<'_>) -> Option<Ipv6Addr> {
        let size = network.pool_size();
        let start = u128::from(place(asker)).checked_rem(size)?;
        let good =
            |address: &Ipv6Addr| network.leasable(*address) && self.is_free(now, *address, asker);
        let looks = (0..LOOKS.min(size)).filter_map(|step| {
            // Both are below the size of the pools, and that may be all there are.
            let at = start.checked_add(step)?.checked_rem(size)?;
            nth(network, at)
        });
        looks.into_iter().find(good).or_else(|| self.first_gap(network, &good))
    }

    /// The first address that is good, by a walk over what is leased or reserved.
    fn first_gap(&self, network: &Network6, good: &impl Fn(&Ipv6Addr) -> bool) -> Option<Ipv6Addr> {
        let most = self.by_address.len().saturating_add(self.reserved.len()).saturating_add(8);
        network.pools.iter().find_map(|pool| {
            let (first, last) = (u128::from(pool.first), u128::from(pool.last));
            (first..=last).take(most).map(Ipv6Addr::from).find(good)
        })
    }

    /// The lease of an association, bound or renewed now.
    pub(crate) fn bound(
        &self,
        now: Now,
        network: &Network6,
        asker: &Asker<'_>,
        address: Ipv6Addr,
    ) -> Lease6 {
        let own = self.of(address).filter(|lease| asker.has(lease));
        let promised = self.reserved.get(&address).and_then(|r| r.host_name.clone());
        Lease6 {
            address,
            network: network.interface.clone(),
            duid: asker.duid.to_vec(),
            iaid: asker.iaid,
            hardware: asker.hardware,
            host_name: promised.or_else(|| asker.host_name.map(str::to_owned)),
            since: own.filter(|lease| lease.holds(now)).map_or(now, |lease| lease.since),
            until: network.lease.map(|length| now + length),
            state: LeaseState::Bound,
        }
    }

    /// What has to go before one more lease is kept: nothing, or the one that ended first.
    pub(crate) fn in_the_way(&self, now: Now, address: Ipv6Addr) -> Option<Ipv6Addr> {
        if self.by_address.len() < LEASES_MAX || self.by_address.contains_key(&address) {
            return None;
        }
        let ended = self.by_address.values().filter(|lease| !lease.holds(now));
        ended.min_by_key(|lease| lease.until).map(|lease| lease.address)
    }

    /// A lease given back, if it is this association's.
    pub(crate) fn released(
        &self,
        now: Now,
        asker: &Asker<'_>,
        address: Ipv6Addr,
    ) -> Option<Lease6> {
        let lease = self.of(address).filter(|lease| asker.has(lease) && lease.holds(now))?;
        let bound = lease.state == LeaseState::Bound;
        let until = Some(now);
        bound.then(|| Lease6 { state: LeaseState::Released, until, ..lease.clone() })
    }

    /// A lease whose client found somebody else with its address. `Err` where so many were refused
    /// that it looks like an attack: then nothing is kept.
    pub(crate) fn declined(
        &self,
        now: Now,
        network: &Network6,
        asker: &Asker<'_>,
        address: Ipv6Addr,
    ) -> Option<Result<Lease6, ()>> {
        let lease = self.of(address).filter(|lease| asker.has(lease) && lease.holds(now))?;
        if lease.state != LeaseState::Bound {
            return None;
        }
        let refused = |lease: &&Lease6| lease.state == LeaseState::Declined && lease.holds(now);
        let here = |lease: &&Lease6| network.subnet.contains(lease.address);
        let all: Vec<&Lease6> = self.by_address.values().filter(refused).filter(here).collect();
        let theirs = all.iter().filter(|lease| *lease.duid == *asker.duid).count();
        let hundredth = usize::try_from(network.pool_size() / 100).unwrap_or(usize::MAX);
        if theirs >= DECLINES_EACH || all.len() >= hundredth.max(DECLINES_LEAST) {
            return Some(Err(()));
        }
        let until = Some(now + QUARANTINE);
        Some(Ok(Lease6 { state: LeaseState::Declined, until, ..lease.clone() }))
    }

    /// Leases that ended before a moment, at most so many.
    pub(crate) fn ended(&self, before: Now, most: usize) -> Vec<Ipv6Addr> {
        let ended = |lease: &&Lease6| lease.until.is_some_and(|until| until < before);
        self.by_address.values().filter(ended).take(most).map(|lease| lease.address).collect()
    }
}

/// Where in the pools the search for an address begins: a number made of the association (FNV-1a),
/// so that it has the same address each time, after a restart too.
fn place(asker: &Asker<'_>) -> u64 {
    let bytes = asker.duid.iter().copied().chain(asker.iaid.to_be_bytes());
    let mixed = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // The low bits of neighbours differ little; a pool may be small.
    mixed ^ mixed >> 32
}

/// The address at a place, counted over all pools in order.
fn nth(network: &Network6, mut at: u128) -> Option<Ipv6Addr> {
    for pool in &network.pools {
        if at < pool.size() {
            return u128::from(pool.first).checked_add(at).map(Ipv6Addr::from);
        }
        at -= pool.size();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    fn network(pool: &str) -> Network6 {
        let mut network = Network6::new("lan", ip("fd77::1"), "fd77::/64".parse().unwrap());
        network.pools = vec![pool.parse().unwrap()];
        network
    }

    fn asker(duid: &[u8], iaid: u32) -> Asker<'_> {
        Asker { duid, iaid, hardware: None, uuid: None, host_name: None }
    }

    fn bind(leases: &mut Leases6, network: &Network6, who: &Asker<'_>) -> Option<Ipv6Addr> {
        let address = leases.choose(Now(1), network, who, None)?;
        leases.put(leases.bound(Now(1), network, who, address));
        Some(address)
    }

    #[test]
    fn a_pool_is_given_to_the_last_address_and_nobody_gets_two() {
        let (mut leases, small) = (Leases6::default(), network("fd77::-fd77::401"));
        let duids: Vec<[u8; 4]> = (0..1024_u32).map(u32::to_be_bytes).collect();
        let got: BTreeSet<Ipv6Addr> =
            duids.iter().filter_map(|duid| bind(&mut leases, &small, &asker(duid, 7))).collect();
        // 1,026 addresses, of which one is any router's and one is ours.
        assert_eq!(got.len(), 1024);
        assert_eq!(bind(&mut leases, &small, &asker(&[9; 9], 7)), None);
        let again = leases.choose(Now(2), &small, &asker(&duids[3], 7), None);
        assert_eq!(again, leases.held(&small, &asker(&duids[3], 7)).map(|lease| lease.address));
        assert_eq!(bind(&mut leases, &small, &asker(&duids[3], 8)), None, "another association");
    }

    #[test]
    fn an_association_is_given_the_same_address_again_after_it_ended() {
        let (mut leases, lan) = (Leases6::default(), network("fd77::100-fd77::1ff"));
        let (a, b) = (asker(&[1; 5], 1), asker(&[2; 5], 1));
        let first = bind(&mut leases, &lan, &a).unwrap();
        let later = Now(1) + Duration::from_secs(13 * 3600);
        assert_eq!(leases.choose(later, &lan, &a, None), Some(first));
        assert_eq!(leases.choose(later, &lan, &b, Some(first)), Some(first), "nobody has it");
        assert_ne!(leases.choose(Now(2), &lan, &b, Some(first)), Some(first));
        leases.put(leases.released(Now(5), &a, first).unwrap());
        assert_eq!(leases.released(Now(5), &a, first), None, "once");
        assert_eq!(leases.choose(Now(6), &lan, &b, Some(first)), Some(first));
    }

    #[test]
    fn a_reserved_address_follows_the_card_from_stage_to_stage() {
        let (mut leases, lan) = (Leases6::default(), network("fd77::100-fd77::1ff"));
        let mac = HardwareAddress::mac([2, 0, 0, 0, 0, 7]);
        let of = |holder| Reservation6 {
            address: ip("fd77::7"),
            holder,
            host_name: Some("web".into()),
            since: Now(0),
        };
        leases.reserve(of(ReservedFor6::Mac(mac)));
        let stage = |duid, iaid| Asker { hardware: Some(mac), ..asker(duid, iaid) };
        for who in [stage(&[4; 18], 1), stage(&[4; 18], 2), stage(&[1; 14], 9)] {
            assert_eq!(bind(&mut leases, &lan, &who), Some(ip("fd77::7")));
        }
        assert_eq!(leases.of(ip("fd77::7")).unwrap().host_name.as_deref(), Some("web"));
        let other = asker(&[5; 5], 1);
        assert_ne!(leases.choose(Now(1), &lan, &other, Some(ip("fd77::7"))), Some(ip("fd77::7")));
        leases.unreserve(ip("fd77::7"));
        leases.reserve(of(ReservedFor6::Duid(vec![5; 5])));
        assert_ne!(
            leases.choose(Now(1), &lan, &other, None),
            Some(ip("fd77::7")),
            "somebody has it still"
        );
        let later = Now(1) + Duration::from_secs(13 * 3600);
        assert_eq!(leases.choose(later, &lan, &other, None), Some(ip("fd77::7")));
    }

    #[test]
    fn what_is_refused_is_given_to_nobody_for_an_hour_and_a_flood_of_refusals_counts_no_more() {
        let (mut leases, lan) = (Leases6::default(), network("fd77::100-fd77::1ff"));
        for n in 0..6_u32 {
            let who = asker(&[1; 5], n);
            let address = bind(&mut leases, &lan, &who).unwrap();
            match leases.declined(Now(2), &lan, &who, address) {
                Some(Ok(lease)) => {
                    assert!(n < 3, "three of each client");
                    leases.put(lease);
                    assert_ne!(leases.choose(Now(3), &lan, &who, Some(address)), Some(address));
                }
                refused => assert!(refused == Some(Err(())) && n >= 3),
            }
        }
        let mine = asker(&[1; 5], 5);
        let address = leases.held(&lan, &mine).unwrap().address;
        assert_eq!(leases.declined(Now(2), &lan, &asker(&[2; 5], 5), address), None, "not theirs");
    }
}
