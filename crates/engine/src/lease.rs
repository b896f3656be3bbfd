//! Addresses: who has which, and which is free.
//!
//! In: who asks, on which network, at which moment. Out: an address to offer, or the [`Lease`] that
//! an ACK would promise. Never: a promise; the owner keeps the lease before it is said.
//!
//! `pools` knows which addresses are free, `offers` which wait for their REQUEST, `reserved` which
//! are promised to somebody, `doubt` what is not sure after a restore; here all of it is weighed.

mod choice;
mod doubt;
mod holder;
mod offers;
mod pools;
mod reserved;
mod upkeep;

pub use choice::{Choice, Source};
pub use offers::OFFERS_MAX;
pub(crate) use upkeep::length;
pub use upkeep::renews;

use doubt::Doubt;
use holder::Holder;
use model::lease::{LeaseState, Reservation};
use model::{HardwareAddress, Lease, Network, Now, Uuid};
use offers::Offers;
use pools::Pools;
use reserved::Reserved;
use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::time::Duration;

/// An offered address waits so long for its REQUEST. EDK2 collects offers for up to 60 s, and a
/// Raspberry Pi 3B uses the offer without ever asking (Q59).
pub const OFFER_HELD: Duration = Duration::from_secs(300);

/// So long firmware may need before it asks for what it was offered.
pub const OFFER_NEEDED: Duration = Duration::from_secs(64);

/// A declined address is left alone so long.
pub const DECLINED_FOR: Duration = Duration::from_secs(24 * 3600);

/// An address that somebody else answered for is left alone so long, then probed again.
pub const CONFLICT_FOR: Duration = Duration::from_secs(3600);

/// The same once a tenth of a pool is in quarantine: somebody answers for everything, and must not
/// empty the pool for long.
pub const CONFLICT_SHORT: Duration = Duration::from_secs(60);

/// Addresses that one client may have quarantined in an hour.
pub const DECLINES_PER_HOUR: usize = 3;

/// Leases of the past that are remembered, at most.
pub const PAST_MAX: usize = 65_536;

/// What is left of a lease that may not be renewed is promised again, unless it is less than this.
pub(crate) const REST_MIN: Duration = Duration::from_secs(60);

/// Who asks for an address.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// `chaddr`.
    pub hardware: &'a HardwareAddress,
    /// Option 61.
    pub client_id: Option<&'a [u8]>,
    /// Option 97.
    pub uuid: Option<Uuid>,
    /// `giaddr` (unspecified without a relay) and option 82.1.
    pub circuit: Option<(Ipv4Addr, &'a [u8])>,
    /// Option 12, shown.
    pub host_name: Option<&'a str>,
    /// It uses an offer without a REQUEST (a Raspberry Pi 3B, Q59).
    pub never_requests: bool,
    /// An operator knows it.
    pub known: bool,
}

impl Asking<'_> {
    fn holder(&self) -> Holder {
        Holder::of(self.hardware, self.client_id)
    }
}

/// All leases, and the offers that nobody has taken up yet (soft state, never kept).
#[derive(Clone, Debug, Default)]
pub struct Leases {
    by_address: BTreeMap<Ipv4Addr, Lease>,
    by_holder: BTreeMap<Holder, Addresses>,
    pools: Pools,
    offers: Offers,
    reserved: Reserved,
    /// Ended leases whose address somebody else has, oldest first.
    past: VecDeque<Lease>,
    /// After a restore.
    doubt: Option<Doubt>,
    /// How long the longest lease may last.
    longest: Duration,
}

/// Addresses of one client: nearly always one.
#[derive(Clone, Debug)]
enum Addresses {
    One(Ipv4Addr),
    More(Vec<Ipv4Addr>),
}

impl Leases {
    /// No leases yet, for these networks.
    #[must_use]
    pub fn new(networks: &[Network]) -> Self {
        Self { pools: Pools::of(networks), longest: doubt::longest(networks), ..Self::default() }
    }

    /// The networks changed: every lease and offer stays.
    pub fn arrange(&mut self, networks: &[Network]) {
        self.pools = Pools::of(networks);
        self.longest = doubt::longest(networks);
        self.by_address.values().for_each(|lease| self.pools.note(lease));
        for address in self.offers.addresses() {
            self.pools.offered(address, self.by_address.get(&address));
        }
    }

    /// The offers, without any lease.
    #[must_use]
    pub fn offers_only(&self, networks: &[Network]) -> Self {
        let mut bare = Self { offers: self.offers.clone(), ..Self::default() };
        bare.arrange(networks);
        bare
    }

    /// Takes a kept lease in.
    pub fn put(&mut self, lease: Lease) {
        self.forget(lease.address);
        let holder = Holder::of(&lease.hardware, lease.client_id.as_deref());
        // An offer of it to somebody else outlives the record of who had it before.
        let taken_up = self.offers.of(lease.address).is_none_or(|offer| offer.holder == holder);
        if taken_up || !not_barred(&lease) {
            self.offers.remove(lease.address);
        }
        // Whoever answered for an address that we never gave is no client of ours.
        if lease.state != LeaseState::Conflict {
            let addresses = self.by_holder.remove(&holder);
            self.by_holder.insert(holder, Addresses::with(addresses, lease.address));
        }
        if let Some(doubt) = &mut self.doubt {
            doubt.learn(&lease);
        }
        self.pools.note(&lease);
        if self.offers.of(lease.address).is_some() {
            self.pools.offered(lease.address, Some(&lease));
        }
        self.by_address.insert(lease.address, lease);
    }

    /// Nothing is known of the address any more.
    pub fn forget(&mut self, address: Ipv4Addr) {
        let Some(lease) = self.by_address.remove(&address) else { return };
        let holder = Holder::of(&lease.hardware, lease.client_id.as_deref());
        if let Some(addresses) = self.by_holder.remove(&holder).and_then(|a| a.without(address)) {
            self.by_holder.insert(holder, addresses);
        }
        self.pools.drop(&lease);
        if self.offers.of(address).is_some() {
            self.pools.offered(address, None);
        }
    }

    /// Takes a kept reservation in.
    pub fn reserve(&mut self, reservation: Reservation) {
        self.reserved.put(reservation);
    }

    /// Takes one back.
    pub fn unreserve(&mut self, address: Ipv4Addr) {
        self.reserved.remove(address);
    }

    /// All reservations, by address.
    pub fn reservations(&self) -> impl Iterator<Item = &Reservation> {
        self.reserved.iter()
    }

    /// The reservation of an address.
    pub fn reservation(&self, address: Ipv4Addr) -> Option<&Reservation> {
        self.reserved.of(address)
    }

    /// What is promised to this client on this network.
    pub fn reserved_for(&self, network: &Network, asking: &Asking<'_>) -> Option<&Reservation> {
        self.reserved.to(network, asking)
    }

    /// Takes a lease of the past in.
    pub fn put_past(&mut self, lease: Lease) {
        if self.past.len() >= PAST_MAX {
            self.past.pop_front();
        }
        self.past.push_back(lease);
    }

    /// Forgets what ended before this moment.
    pub fn forget_past(&mut self, before: Now) {
        self.past.retain(|lease| lease.until.is_none_or(|until| until >= before));
    }

    /// Leases of the past, in the order they were superseded.
    pub fn past(&self) -> impl Iterator<Item = &Lease> {
        self.past.iter()
    }

    /// All, by address.
    pub fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.by_address.values()
    }

    /// How many there are, ended ones included.
    pub fn len(&self) -> usize {
        self.by_address.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    /// The lease of an address, whatever its state.
    pub fn of(&self, address: Ipv4Addr) -> Option<&Lease> {
        self.by_address.get(&address)
    }

    /// Leases that ended in this time, the longest ended first, at most `most`.
    pub fn ended(&self, from: Now, to: Now, most: usize) -> impl Iterator<Item = &Lease> {
        let addresses = self.pools.ended(from, to, most).into_iter();
        addresses.filter_map(|address| self.by_address.get(&address))
    }

    /// How many offers wait for clients that we know nothing of.
    pub fn offered_to_strangers(&self) -> usize {
        self.offers.held_for_strangers()
    }

    /// What this client holds on this network now.
    pub fn held_by(&self, now: Now, network: &Network, asking: &Asking<'_>) -> Option<&Lease> {
        self.known(network, &asking.holder())
            .find(|lease| lease.state == LeaseState::Bound && lease.holds(now))
    }

    /// Whether this client has a lease, an offer or a promise on this network, or had one.
    pub fn belongs(&self, network: &Network, asking: &Asking<'_>) -> bool {
        let holder = asking.holder();
        self.reserved.to(network, asking).is_some()
            || self.known(network, &holder).any(not_barred)
            || self.offers.to(&holder).is_some_and(|(a, _)| network.subnet.contains(a))
    }

    /// Whether this client may be given this address: it is in the pool, or promised to it, or
    /// already its own, and nobody else has it or waits for it.
    pub fn may_bind(
        &self,
        now: Now,
        network: &Network,
        asking: &Asking<'_>,
        address: Ipv4Addr,
    ) -> bool {
        let own = self.held_by(now, network, asking).is_some_and(|l| l.address == address);
        let given = network.leasable(address) || self.is_promised(network, asking, address);
        // Its reservation was taken away or given to another: what it holds stays until it ends.
        own || given && self.free_for(now, network, asking, address)
    }

    /// The lease that an ACK would promise. Nothing changes until it is [`Leases::put`]. `length`
    /// is `None` for ever.
    pub fn bound(
        &self,
        now: Now,
        network: &Network,
        asking: &Asking<'_>,
        address: Ipv4Addr,
        length: Option<Duration>,
    ) -> Lease {
        let before = self
            .by_address
            .get(&address)
            .filter(|lease| lease.state == LeaseState::Bound && lease.hardware == *asking.hardware);
        let host_name = asking.host_name.map(str::to_owned);
        let until = match before.filter(|lease| lease.holds(now)) {
            Some(held) if !self.renewable(network, asking, address) => held.until,
            // Nothing that was promised is taken back: the client may never hear this ACK.
            Some(held) => held.until.zip(length).map(|(until, length)| until.max(now + length)),
            None => length.map(|length| now + length),
        };
        Lease {
            address,
            network: network.interface.clone(),
            hardware: *asking.hardware,
            client_id: asking.client_id.map(<[u8]>::to_vec),
            host_name: host_name.or_else(|| before.and_then(|l| l.host_name.clone())),
            since: before.map_or(now, |lease| lease.since),
            until,
            state: LeaseState::Bound,
        }
    }

    /// Whether a lease of this address may go on past its end: not when the pool no longer has it,
    /// or it is promised to somebody else by now.
    pub fn renewable(&self, network: &Network, asking: &Asking<'_>, address: Ipv4Addr) -> bool {
        self.is_promised(network, asking, address)
            || network.leasable(address) && self.reserved.of(address).is_none()
    }

    /// Who had the address before it is bound to this client, with the end that this makes.
    pub fn displaced(&self, now: Now, asking: &Asking<'_>, address: Ipv4Addr) -> Option<Lease> {
        let before = self.by_address.get(&address)?;
        let theirs = Holder::of(&before.hardware, before.client_id.as_deref());
        let until = before.until.map_or(now, |until| until.min(now));
        let given = before.state != LeaseState::Conflict && theirs != asking.holder();
        given.then(|| Lease { until: Some(until), ..before.clone() })
    }

    /// The other leases of this client on this network, which end when it takes a new one.
    pub fn superseded(
        &self,
        now: Now,
        network: &Network,
        asking: &Asking<'_>,
        address: Ipv4Addr,
    ) -> Vec<Lease> {
        self.known(network, &asking.holder())
            .filter(|lease| lease.address != address && lease.state == LeaseState::Bound)
            .map(|lease| Lease {
                state: LeaseState::Released,
                until: Some(lease.until.map_or(now, |until| until.min(now))),
                ..lease.clone()
            })
            .collect()
    }

    /// The quarantine that a DECLINE asks for, or `None` when the client does not hold the address
    /// or has had its share (3 an hour; 1 % of the pool, at least 4, at once).
    pub fn declined(
        &self,
        now: Now,
        network: &Network,
        asking: &Asking<'_>,
        address: Ipv4Addr,
    ) -> Option<Lease> {
        let lease = self.held_by(now, network, asking).filter(|l| l.address == address)?;
        let declined = |l: &Lease| l.state == LeaseState::Declined && l.holds(now);
        let by_them = self
            .known(network, &asking.holder())
            .filter(|l| declined(l) && now.since(l.since) < Duration::from_secs(3600))
            .count();
        let share = usize::try_from(network.pool_size() / 100).unwrap_or(usize::MAX).max(4);
        let in_all = self.pools.barred(network).filter_map(|address| self.of(address));
        if by_them >= DECLINES_PER_HOUR || in_all.filter(|l| declined(l)).count() >= share {
            return None;
        }
        Some(Lease {
            state: LeaseState::Declined,
            since: now,
            until: Some(now + DECLINED_FOR),
            ..lease.clone()
        })
    }

    /// The quarantine of an address that somebody answered for before we gave it, or `None` when
    /// it is leased by now: then it is its client's to complain.
    pub fn conflicting(
        &self,
        now: Now,
        network: &Network,
        address: Ipv4Addr,
        theirs: Option<HardwareAddress>,
    ) -> Option<Lease> {
        let leased = self.by_address.get(&address).is_some_and(|lease| lease.holds(now));
        if leased && !self.is_doubtful(now, address) {
            return None;
        }
        let share = usize::try_from(network.pool_size() / 10).unwrap_or(usize::MAX).max(4);
        let quarantine = match self.quarantined(now, network) < share {
            true => CONFLICT_FOR,
            false => CONFLICT_SHORT,
        };
        Some(Lease {
            address,
            network: network.interface.clone(),
            hardware: theirs.unwrap_or(HardwareAddress::new(0, &[])),
            client_id: None,
            host_name: None,
            since: now,
            until: Some(now + quarantine),
            state: LeaseState::Conflict,
        })
    }

    /// How many addresses of a network are in quarantine.
    pub fn quarantined(&self, now: Now, network: &Network) -> usize {
        let barred = self.pools.barred(network).filter_map(|address| self.of(address));
        barred.filter(|lease| lease.holds(now)).count()
    }

    /// How many addresses of a network's pools are leased or in quarantine, or offered to whoever
    /// had them before.
    pub(crate) fn recorded(&self, now: Now, network: &Network) -> usize {
        self.pools.recorded(network, now)
    }

    fn known(&self, network: &Network, holder: &Holder) -> impl Iterator<Item = &Lease> {
        let addresses = self.by_holder.get(holder).map_or(&[][..], Addresses::all);
        let subnet = network.subnet;
        addresses
            .iter()
            .filter(move |address| subnet.contains(**address))
            .filter_map(|address| self.by_address.get(address))
    }

    fn is_promised(&self, network: &Network, asking: &Asking<'_>, address: Ipv4Addr) -> bool {
        self.reserved.to(network, asking).is_some_and(|own| own.address == address)
    }

    fn free_for(
        &self,
        now: Now,
        network: &Network,
        asking: &Asking<'_>,
        address: Ipv4Addr,
    ) -> bool {
        let holder = asking.holder();
        let offered = self
            .offers
            .of(address)
            .is_some_and(|offer| offer.until > now && offer.holder != holder);
        !offered
            && self.reserved.allows(network, asking, address)
            && !self.leased_to_another(now, asking, address)
    }

    fn leased_to_another(&self, now: Now, asking: &Asking<'_>, address: Ipv4Addr) -> bool {
        let holds = |lease: &&Lease| lease.holds(now) || self.may_still_hold(now, lease);
        let Some(lease) = self.by_address.get(&address).filter(holds) else {
            return false;
        };
        // Not even a reservation ends a lease: a UUID or a switch port proves nobody's identity.
        let theirs = Holder::of(&lease.hardware, lease.client_id.as_deref());
        !not_barred(lease) || theirs != asking.holder()
    }
}

fn not_barred(lease: &Lease) -> bool {
    !matches!(lease.state, LeaseState::Declined | LeaseState::Conflict)
}

impl Addresses {
    fn with(before: Option<Self>, address: Ipv4Addr) -> Self {
        match before {
            None => Self::One(address),
            Some(before) => {
                let mut all = before.all().to_vec();
                if !all.contains(&address) {
                    all.push(address);
                }
                Self::More(all)
            }
        }
    }

    fn without(self, address: Ipv4Addr) -> Option<Self> {
        let mut all = self.all().to_vec();
        all.retain(|other| *other != address);
        match all.as_slice() {
            [] => None,
            [one] => Some(Self::One(*one)),
            _ => Some(Self::More(all)),
        }
    }

    fn all(&self) -> &[Ipv4Addr] {
        match self {
            Self::One(address) => std::slice::from_ref(address),
            Self::More(all) => all,
        }
    }
}

#[cfg(test)]
mod tests;
