//! Addresses: who has which, and which is free.
//!
//! In: who asks, on which network, at which moment. Out: an address to offer, or the [`Lease`] that
//! an ACK would promise. Never: a promise; the owner keeps the lease before it is said.

use model::lease::LeaseState;
use model::{HardwareAddress, Lease, Network, Now, Reservation};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::time::Duration;

/// An offered address waits so long for its REQUEST. EDK2 collects offers for up to 60 s, and a
/// Raspberry Pi 3B uses the offer without ever asking (Q59).
pub const OFFER_HELD: Duration = Duration::from_secs(300);

/// So long firmware may need before it asks for what it was offered.
pub const OFFER_NEEDED: Duration = Duration::from_secs(64);

/// Offers at once; the oldest makes room.
pub const OFFERS_MAX: usize = 4096;

/// A declined address is left alone so long.
pub const DECLINED_FOR: Duration = Duration::from_secs(24 * 3600);

/// Addresses that one client may have quarantined in an hour.
pub const DECLINES_PER_HOUR: usize = 3;

/// Whose an address is. On links where machines boot, that is the hardware address: firmware,
/// iPXE and installer of one machine each send another option 61 (Q43). Only who has no hardware
/// address (InfiniBand, RFC 4390) goes by option 61.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
enum Holder {
    Hardware(HardwareAddress),
    ClientId(Vec<u8>),
}

impl Holder {
    fn of(hardware: &HardwareAddress, client_id: Option<&[u8]>) -> Self {
        match client_id {
            Some(id) if hardware.bytes().is_empty() => Self::ClientId(id.to_vec()),
            _ => Self::Hardware(*hardware),
        }
    }
}

/// Who asks for an address.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// `chaddr`.
    pub hardware: &'a HardwareAddress,
    /// Option 61.
    pub client_id: Option<&'a [u8]>,
    /// Option 12, shown.
    pub host_name: Option<&'a str>,
    /// It uses an offer without a REQUEST (a Raspberry Pi 3B, Q59).
    pub never_requests: bool,
}

impl Asking<'_> {
    fn holder(&self) -> Holder {
        Holder::of(self.hardware, self.client_id)
    }
}

#[derive(Clone, Debug)]
struct Offer {
    holder: Holder,
    until: Now,
    /// The client uses it without ever asking: it is as good as a lease.
    taken: bool,
}

/// All leases, and the offers that nobody has taken up yet (soft state, never kept).
#[derive(Clone, Debug, Default)]
pub struct Leases {
    by_address: BTreeMap<Ipv4Addr, Lease>,
    by_holder: BTreeMap<Holder, BTreeSet<Ipv4Addr>>,
    offers: BTreeMap<Ipv4Addr, Offer>,
    reservations: BTreeMap<Ipv4Addr, Reservation>,
    /// Ended leases whose address somebody else has, oldest first.
    past: VecDeque<Lease>,
}

impl Leases {
    /// The offers, without any lease.
    #[must_use]
    pub fn offers_only(&self) -> Self {
        Self { offers: self.offers.clone(), ..Self::default() }
    }

    /// Takes a kept lease in.
    pub fn put(&mut self, lease: Lease) {
        self.forget(lease.address);
        let holder = Holder::of(&lease.hardware, lease.client_id.as_deref());
        self.by_holder.entry(holder).or_default().insert(lease.address);
        self.offers.remove(&lease.address);
        self.by_address.insert(lease.address, lease);
    }

    /// Nothing is known of the address any more.
    pub fn forget(&mut self, address: Ipv4Addr) {
        let Some(lease) = self.by_address.remove(&address) else { return };
        let holder = Holder::of(&lease.hardware, lease.client_id.as_deref());
        if let Some(addresses) = self.by_holder.get_mut(&holder) {
            addresses.remove(&address);
            if addresses.is_empty() {
                self.by_holder.remove(&holder);
            }
        }
    }

    /// Takes a kept reservation in.
    pub fn reserve(&mut self, reservation: Reservation) {
        self.reservations.insert(reservation.address, reservation);
    }

    /// Takes one back.
    pub fn unreserve(&mut self, address: Ipv4Addr) {
        self.reservations.remove(&address);
    }

    /// All reservations, by address.
    pub fn reservations(&self) -> impl Iterator<Item = &Reservation> {
        self.reservations.values()
    }

    /// Takes a lease of the past in.
    pub fn put_past(&mut self, lease: Lease) {
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

    /// The lease of an address, whatever its state.
    pub fn of(&self, address: Ipv4Addr) -> Option<&Lease> {
        self.by_address.get(&address)
    }

    /// What this client holds on this network now.
    pub fn held_by(&self, now: Now, network: &Network, asking: &Asking<'_>) -> Option<&Lease> {
        self.known(network, &asking.holder())
            .find(|lease| lease.state == LeaseState::Bound && lease.holds(now))
    }

    /// Chooses an address in the order of RFC 2131, 4.3.1 (its own, its former one, the one it
    /// asks for, a free one) and holds it for the REQUEST that should follow.
    pub fn hold(
        &mut self,
        now: Now,
        network: &Network,
        asking: &Asking<'_>,
        wish: Option<Ipv4Addr>,
    ) -> Option<Ipv4Addr> {
        let address = match self.choose(now, network, asking, wish) {
            Some(address) => address,
            None => {
                self.take_back_old_offers(now, network);
                self.choose(now, network, asking, wish)?
            }
        };
        self.offers.retain(|_, offer| offer.until > now);
        let holder = asking.holder();
        self.offers.retain(|_, offer| offer.holder != holder);
        if self.offers.len() >= OFFERS_MAX {
            let oldest = self.offers.iter().min_by_key(|(_, offer)| offer.until);
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                self.offers.remove(&oldest);
            }
        }
        self.offers.insert(
            address,
            Offer { holder, until: now + OFFER_HELD, taken: asking.never_requests },
        );
        Some(address)
    }

    /// With nothing else free, offers that nobody has taken up in a minute are worth less than
    /// somebody who asks now.
    fn take_back_old_offers(&mut self, now: Now, network: &Network) {
        let fresh = OFFER_HELD.saturating_sub(OFFER_NEEDED);
        self.offers.retain(|address, offer| {
            offer.taken || !network.subnet.contains(*address) || offer.until.since(now) > fresh
        });
    }

    /// The address that [`Leases::hold`] would choose, without holding it.
    pub fn choose(
        &self,
        now: Now,
        network: &Network,
        asking: &Asking<'_>,
        wish: Option<Ipv4Addr>,
    ) -> Option<Ipv4Addr> {
        let holder = asking.holder();
        let usable =
            |address: Ipv4Addr| network.leasable(address) && self.free_for(now, address, &holder);

        let own = self.held_by(now, network, asking).map(|lease| lease.address);
        let offered = self.offers.iter().find(|(_, o)| o.holder == holder && o.until > now);
        let former = self
            .known(network, &holder)
            .filter(|lease| lease.state != LeaseState::Declined)
            .max_by_key(|lease| lease.until);
        let named = [own, offered.map(|(a, _)| *a), former.map(|lease| lease.address), wish];
        let named = named.into_iter().flatten().find(|address| usable(*address));
        named.or_else(|| self.first_free(now, network, &holder))
    }

    /// Whether this client may be given this address: it is in the pool (or already its own) and
    /// nobody else has it or waits for it.
    pub fn may_bind(
        &self,
        now: Now,
        network: &Network,
        asking: &Asking<'_>,
        address: Ipv4Addr,
    ) -> bool {
        let own = self.held_by(now, network, asking).is_some_and(|l| l.address == address);
        own || network.leasable(address) && self.free_for(now, address, &asking.holder())
    }

    /// The lease that an ACK would promise. Nothing changes until it is [`Leases::put`].
    pub fn bound(
        &self,
        now: Now,
        network: &Network,
        asking: &Asking<'_>,
        address: Ipv4Addr,
    ) -> Lease {
        let before = self
            .by_address
            .get(&address)
            .filter(|lease| lease.state == LeaseState::Bound && lease.hardware == *asking.hardware);
        let host_name = asking.host_name.map(str::to_owned);
        Lease {
            address,
            network: network.interface.clone(),
            hardware: *asking.hardware,
            client_id: asking.client_id.map(<[u8]>::to_vec),
            host_name: host_name.or_else(|| before.and_then(|l| l.host_name.clone())),
            since: before.map_or(now, |lease| lease.since),
            until: network.lease.map(|length| now + length),
            state: LeaseState::Bound,
        }
    }

    /// The other leases of this client on this network, which end when it takes a new one.
    pub fn superseded(
        &self,
        network: &Network,
        asking: &Asking<'_>,
        address: Ipv4Addr,
    ) -> Vec<Lease> {
        self.known(network, &asking.holder())
            .filter(|lease| lease.address != address && lease.state == LeaseState::Bound)
            .map(|lease| Lease { state: LeaseState::Released, ..lease.clone() })
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
        let holder = asking.holder();
        let lease = self.held_by(now, network, asking).filter(|l| l.address == address)?;
        let quarantined = |l: &&Lease| l.state == LeaseState::Declined && l.holds(now);
        let by_them = self
            .known(network, &holder)
            .filter(quarantined)
            .filter(|l| now.since(l.since) < Duration::from_secs(3600))
            .count();
        let size: u64 = network.pools.iter().map(model::network::Pool::size).sum();
        let share = usize::try_from(size / 100).unwrap_or(usize::MAX).max(4);
        let in_all = self.iter().filter(quarantined).filter(|l| network.subnet.contains(l.address));
        if by_them >= DECLINES_PER_HOUR || in_all.count() >= share {
            return None;
        }
        Some(Lease {
            state: LeaseState::Declined,
            since: now,
            until: Some(now + DECLINED_FOR),
            ..lease.clone()
        })
    }

    fn known(&self, network: &Network, holder: &Holder) -> impl Iterator<Item = &Lease> {
        let addresses = self.by_holder.get(holder).into_iter().flatten();
        let subnet = network.subnet;
        addresses
            .filter(move |address| subnet.contains(**address))
            .filter_map(|address| self.by_address.get(address))
    }

    fn free_for(&self, now: Now, address: Ipv4Addr, holder: &Holder) -> bool {
        let leased = self.by_address.get(&address).is_some_and(|lease| {
            lease.holds(now)
                && (lease.state == LeaseState::Declined
                    || Holder::of(&lease.hardware, lease.client_id.as_deref()) != *holder)
        });
        let offered = self
            .offers
            .get(&address)
            .is_some_and(|offer| offer.until > now && offer.holder != *holder);
        !leased && !offered
    }

    /// A free address, the same one for the same client after a restart: the search begins at a
    /// place that the client's identity gives. Addresses nobody ever had come before others'
    /// former ones.
    fn first_free(&self, now: Now, network: &Network, holder: &Holder) -> Option<Ipv4Addr> {
        let size: u64 = network.pools.iter().map(model::network::Pool::size).sum();
        let start = mix(holder).checked_rem(size)?;
        let nth = |n: u64| {
            let mut n = n % size;
            for pool in &network.pools {
                if n < pool.size() {
                    let offset = u32::try_from(n).unwrap_or(u32::MAX);
                    return Some(Ipv4Addr::from(u32::from(pool.first).wrapping_add(offset)));
                }
                n -= pool.size();
            }
            None
        };
        let mut former = None;
        for n in 0..size {
            let Some(address) = nth(start + n) else { continue };
            if !network.leasable(address) || !self.free_for(now, address, holder) {
                continue;
            }
            if !self.by_address.contains_key(&address) {
                return Some(address);
            }
            former = former.or(Some(address));
        }
        former
    }
}

/// FNV-1a over the identity: spreads clients over the pool, the same way after every restart.
fn mix(holder: &Holder) -> u64 {
    let bytes = match holder {
        Holder::Hardware(address) => address.bytes(),
        Holder::ClientId(id) => id,
    };
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |mixed, byte| {
        (mixed ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::network::Mode;

    fn lab(pool: &str) -> Network {
        let (server, subnet) = (Ipv4Addr::new(10, 0, 0, 1), "10.0.0.0/24".parse().unwrap());
        Network {
            pools: vec![pool.parse().unwrap()],
            lease: Some(Duration::from_secs(3600)),
            authoritative: true,
            ..Network::new("lan", Mode::Dhcp, server, subnet)
        }
    }

    fn mac(last: u8) -> HardwareAddress {
        HardwareAddress::mac([0x52, 0x54, 0, 0, 0, last])
    }

    fn asking(hardware: &HardwareAddress) -> Asking<'_> {
        Asking { hardware, client_id: None, host_name: None, never_requests: false }
    }

    #[test]
    fn a_client_gets_its_address_again_under_another_client_id() {
        let (lab, one) = (lab("10.0.0.100-10.0.0.199"), mac(1));
        let mut leases = Leases::default();
        let first = leases.hold(Now(0), &lab, &asking(&one), None).unwrap();
        leases.put(leases.bound(Now(0), &lab, &asking(&one), first));
        let installer = Asking { client_id: Some(b"\xff1234"), ..asking(&one) };
        assert_eq!(leases.hold(Now(1), &lab, &installer, None), Some(first));
        // Long after the end, still, while nobody else needed it.
        assert_eq!(leases.hold(Now(9_000_000), &lab, &asking(&one), None), Some(first));
    }

    #[test]
    fn an_offer_is_nobody_elses_until_it_lapses() {
        let lab = lab("10.0.0.100");
        let (one, two) = (mac(1), mac(2));
        let mut leases = Leases::default();
        let only = Some(Ipv4Addr::new(10, 0, 0, 100));
        assert_eq!(leases.hold(Now(0), &lab, &asking(&one), None), only);
        assert_eq!(leases.hold(Now(0), &lab, &asking(&two), None), None);
        assert_eq!(leases.hold(Now(300_000), &lab, &asking(&two), None), only);
    }

    #[test]
    fn zero_and_255_and_our_own_are_never_given() {
        let mut lab = lab("10.0.0.0-10.0.0.3");
        lab.subnet = "10.0.0.0/23".parse().unwrap();
        lab.router = Some(Ipv4Addr::new(10, 0, 0, 2));
        let mut leases = Leases::default();
        let given = |leases: &mut Leases, n| leases.hold(Now(0), &lab, &asking(&mac(n)), None);
        assert_eq!(given(&mut leases, 1), Some(Ipv4Addr::new(10, 0, 0, 3)));
        assert_eq!(given(&mut leases, 2), None);
    }

    #[test]
    fn one_client_cannot_quarantine_a_pool() {
        let (lab, one) = (lab("10.0.0.100-10.0.0.199"), mac(1));
        let mut leases = Leases::default();
        let mut quarantined = 0;
        for n in 0..10 {
            let address = leases.hold(Now(n), &lab, &asking(&one), None).unwrap();
            leases.put(leases.bound(Now(n), &lab, &asking(&one), address));
            match leases.declined(Now(n), &lab, &asking(&one), address) {
                Some(lease) => leases.put(lease),
                None => break,
            }
            quarantined += 1;
        }
        assert_eq!(quarantined, DECLINES_PER_HOUR);
    }
}
