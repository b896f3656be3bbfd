//! Who has which IPv6 address.
//!
//! In: leases and reservations that are kept, and who asks. Out: the address for an association, and
//! leases to be kept. Never: an offer. There is nothing to hold between an ADVERTISE and its REQUEST:
//! which address an association gets is worked out from the association itself, so it is the same
//! each time, and whoever comes second to an address gets the next that nobody had.
//!
//! `records` finds leases and gaps between them without a walk, `room` says how many are kept.

mod records;
mod room;
mod runs;

use model::lease::{Lease6, LeaseState, Reservation6, ReservedFor6};
use model::{HardwareAddress, Network6, Now, Uuid};
use records::Records;
pub use room::LEASES_MAX;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv6Addr;
use std::time::Duration;
use wire::dhcp6::duid;

/// How long a refused address is given to nobody.
const QUARANTINE: Duration = Duration::from_secs(3600);
/// How long a restored lease is doubted where leases never end.
const DOUBT_FOR_EVER: Duration = Duration::from_secs(30 * 86_400);
/// Addresses that one client may put into quarantine in that time.
const DECLINES_EACH: usize = 3;
/// Addresses of a small pool that all clients together may; of a larger one, one in a hundred.
const DECLINES_LEAST: usize = 4;

/// Why an address was chosen for an association.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Source6 {
    /// It is reserved for its client.
    Reserved,
    /// It has it.
    Leased,
    /// It had it last.
    Former,
    /// It asked for it.
    Wished,
    /// It is what the association leads to, or the next that nobody has had.
    Derived,
    /// Of those that somebody had, it has been free longest.
    LongEnded,
    /// Another association of the same client has or had it, and the client has too many.
    TakenOver,
}

impl fmt::Display for Source6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reserved => "it is reserved for this machine",
            Self::Leased => "this association of the machine has it now",
            Self::Former => "this association of the machine had it last",
            Self::Wished => "this machine asked for it, and it is free",
            Self::Derived => "it follows from the identifier and the association, and is free",
            Self::LongEnded => {
                "every address of the pool was used before, and this one is free longest"
            }
            Self::TakenOver => {
                "this machine has as many associations as it may, and this address is its oldest"
            }
        })
    }
}

/// Who asks for an address, and for which of its associations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) duid: &'a [u8],
    pub(crate) iaid: u32,
    pub(crate) hardware: Option<HardwareAddress>,
    pub(crate) uuid: Option<Uuid>,
    pub(crate) host_name: Option<&'a str>,
    /// An operator said a word about it.
    pub(crate) known: bool,
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

/// What the associations before it in the same message are given: nothing of it is kept yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Planned {
    given: Vec<Ipv6Addr>,
    gone: Vec<Ipv6Addr>,
}

impl Planned {
    pub(crate) fn give(&mut self, address: Ipv6Addr) {
        self.given.push(address);
    }

    pub(crate) fn make_room(&mut self, gone: Ipv6Addr) {
        self.gone.push(gone);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    fn touches(&self, address: &Ipv6Addr) -> bool {
        self.given.contains(address) || self.gone.contains(address)
    }
}

/// All leases and reservations of IPv6.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leases6 {
    /// When a backup was restored: who renewed since it was made is not known.
    doubted: Option<Now>,
    /// How long the longest lease may last.
    longest: Duration,
    records: Records,
    reserved: BTreeMap<Ipv6Addr, Reservation6>,
    by_reserved: BTreeSet<(ReservedFor6, Ipv6Addr)>,
}

impl Leases6 {
    /// No leases yet, for these networks.
    pub(crate) fn new(networks: &[Network6]) -> Self {
        let mut empty = Self::default();
        empty.arrange(networks);
        empty
    }

    /// The networks changed: every lease stays.
    pub(crate) fn arrange(&mut self, networks: &[Network6]) {
        let lengths = networks.iter().map(|network| network.lease.unwrap_or(DOUBT_FOR_EVER));
        self.longest = lengths.max().unwrap_or_default();
        self.records.arrange(networks);
    }

    pub(crate) fn put(&mut self, lease: Lease6) {
        self.records.put(lease);
    }

    pub(crate) fn forget(&mut self, address: Ipv6Addr) {
        self.records.forget(address);
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
        self.records.iter()
    }

    /// Those of a client, whichever association they are of.
    pub(crate) fn of_client(&self, duid: &[u8]) -> impl Iterator<Item = &Lease6> {
        self.records.of_client(duid)
    }

    /// By address.
    pub(crate) fn reservations(&self) -> impl Iterator<Item = &Reservation6> {
        self.reserved.values()
    }

    pub(crate) fn reservation(&self, address: Ipv6Addr) -> Option<&Reservation6> {
        self.reserved.get(&address)
    }

    pub(crate) fn of(&self, address: Ipv6Addr) -> Option<&Lease6> {
        self.records.of(address)
    }

    /// The lease of an association here, whatever became of it: the one that holds, else the one that
    /// ended last.
    pub(crate) fn held(&self, now: Now, network: &Network6, asker: &Asker<'_>) -> Option<&Lease6> {
        let own = self.records.of_association(asker.duid, asker.iaid);
        own.filter(|lease| network.subnet.contains(lease.address))
            .filter(|lease| lease.state != LeaseState::Declined)
            .max_by_key(|lease| (lease.holds(now), lease.until.is_none(), lease.until))
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

    /// The address for an association; see [`Leases6::weigh`].
    pub(crate) fn choose(
        &self,
        now: Now,
        network: &Network6,
        asker: &Asker<'_>,
        wish: Option<Ipv6Addr>,
        planned: &Planned,
    ) -> Option<Ipv6Addr> {
        self.weigh(now, network, asker, wish, planned).map(|(address, _)| address)
    }

    /// The address for an association, and why: the one reserved for its client; the one it has or
    /// had; the one it wishes; the one worked out from it; the next that is free.
    pub(crate) fn weigh(
        &self,
        now: Now,
        network: &Network6,
        asker: &Asker<'_>,
        wish: Option<Ipv6Addr>,
        planned: &Planned,
    ) -> Option<(Ipv6Addr, Source6)> {
        let left = |address: &Ipv6Addr| !planned.given.contains(address);
        if let Some(reserved) = self.reserved_for(network, asker) {
            let taken = self.of(reserved.address).filter(|lease| lease.holds(now));
            // The stages of a boot, and the system after them, have an association each, but the
            // machine is one (Q44): the newest has the address.
            let theirs = |lease: &Lease6| {
                let known = lease.hardware.is_some() && lease.hardware == asker.hardware;
                // What it refused itself is no more its own than anybody's.
                lease.state == LeaseState::Bound && (known || *lease.duid == *asker.duid)
            };
            if left(&reserved.address) && taken.is_none_or(theirs) {
                return Some((reserved.address, Source6::Reserved));
            }
        }
        let own = self.held(now, network, asker).map(|lease| {
            let from = if lease.holds(now) { Source6::Leased } else { Source6::Former };
            (lease.address, from)
        });
        let good =
            |address: &Ipv6Addr| left(address) && self.may_have(now, network, *address, asker);
        if let Some(own) = own.filter(|(own, _)| good(own)) {
            return Some(own);
        }
        if let Some(oldest) = self.oldest_of(now, network, asker, planned) {
            return oldest.map(|oldest| (oldest, Source6::TakenOver));
        }
        let full = self.is_full(network, asker, planned);
        if full && self.first_ended(now, network, planned).is_none() {
            return None;
        }
        if let Some(wish) = wish.filter(good) {
            return Some((wish, Source6::Wished));
        }
        // An address that its client comes back for should still be there.
        let start = u128::from(place(asker)).checked_rem(network.pool_size())?;
        if let Some(new) = self.records.never_used(network, start, &good) {
            return Some((new, Source6::Derived));
        }
        let mut ended = self.records.area(network)?.ended(now).map(|(_, address)| address);
        Some((ended.find(good)?, Source6::LongEnded))
    }

    /// Everything that is known by now is from a backup that was restored then.
    pub(crate) fn doubt_since(&mut self, restored: Now) {
        self.doubted = Some(restored);
    }

    /// Whether a lease that ended by what we know may have been renewed after the backup.
    fn may_still_hold(&self, now: Now, network: &Network6, lease: &Lease6) -> bool {
        let Some(since) = self.doubted else { return false };
        let longest = network.lease.unwrap_or(DOUBT_FOR_EVER);
        let ran = lease.until.is_none_or(|until| until > since);
        lease.state == LeaseState::Bound && ran && now < since + longest
    }

    /// Whether this association may have the address: it is one to be given, and nobody else has it or
    /// was promised it.
    fn may_have(&self, now: Now, network: &Network6, address: Ipv6Addr, asker: &Asker<'_>) -> bool {
        if !network.leasable(address) {
            return false;
        }
        if !self.is_promised_to_none_but(address, asker) {
            return false;
        }
        let lease = self.of(address);
        let lease = lease.filter(|l| l.holds(now) || self.may_still_hold(now, network, l));
        lease.is_none_or(|lease| asker.has(lease) && lease.state == LeaseState::Bound)
    }

    fn is_promised_to_none_but(&self, address: Ipv6Addr, asker: &Asker<'_>) -> bool {
        self.reserved.get(&address).is_none_or(|reserved| asker.is_meant(&reserved.holder))
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
        let held = own.filter(|lease| lease.holds(now) && lease.state == LeaseState::Bound);
        let length = network.lease;
        let until = match held {
            // Nothing that was promised is taken back: the client may never hear this REPLY.
            Some(held) => held.until.zip(length).map(|(until, length)| until.max(now + length)),
            None => length.map(|length| now + length),
        };
        Lease6 {
            address,
            network: network.interface.clone(),
            duid: asker.duid.to_vec(),
            iaid: asker.iaid,
            hardware: asker.hardware,
            host_name: promised.or_else(|| asker.host_name.map(str::to_owned)),
            since: own.filter(|lease| lease.holds(now)).map_or(now, |lease| lease.since),
            until,
            state: LeaseState::Bound,
        }
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
        let all: Vec<&Lease6> = self.records.refused(now, network.subnet).collect();
        let theirs = all.iter().filter(|lease| *lease.duid == *asker.duid).count();
        let hundredth = usize::try_from(network.pool_size() / 100).unwrap_or(usize::MAX);
        if theirs >= DECLINES_EACH || all.len() >= hundredth.max(DECLINES_LEAST) {
            return Some(Err(()));
        }
        let until = Some(now + QUARANTINE);
        Some(Ok(Lease6 { state: LeaseState::Declined, until, ..lease.clone() }))
    }

    /// Addresses of the pools of a network that are leased, and that are in quarantine: no walk over
    /// the pools, which may be larger than any number, and one over the leases of the subnet.
    pub(crate) fn used(&self, now: Now, network: &Network6) -> (usize, usize) {
        let here = self.records.inside(network.subnet);
        let here = here.filter(|lease| lease.holds(now) && network.leasable(lease.address));
        here.fold((0, 0), |(leased, quarantined), lease| match lease.state {
            LeaseState::Bound => (leased + 1, quarantined),
            _ => (leased, quarantined + 1),
        })
    }

    /// Leases of a card's machine here, the newest first.
    pub(crate) fn of_machine(
        &self,
        network: &Network6,
        theirs: impl Fn(&HardwareAddress) -> bool,
    ) -> Vec<&Lease6> {
        let here = self.records.inside(network.subnet);
        let mut all: Vec<&Lease6> = here
            .filter(|lease| lease.state != LeaseState::Declined)
            .filter(|lease| lease.hardware.as_ref().is_some_and(&theirs))
            .collect();
        all.sort_by_key(|lease| std::cmp::Reverse((lease.until, lease.since)));
        all
    }

    /// Addresses of the pools of a network that are in quarantine: no walk over its leases.
    pub(crate) fn quarantined(&self, now: Now, network: &Network6) -> usize {
        let refused = self.records.refused(now, network.subnet);
        refused.filter(|lease| network.leasable(lease.address)).count()
    }

    /// Leases that ended in this time, at most so many.
    pub(crate) fn ended(&self, from: Now, to: Now, most: usize) -> Vec<Ipv6Addr> {
        self.records.ended(from, to, most)
    }
}

/// Whether a lease is of the client that a reservation means.
pub(crate) fn is_of(holder: &ReservedFor6, lease: &Lease6) -> bool {
    match holder {
        ReservedFor6::Mac(mac) => lease.hardware == Some(*mac),
        ReservedFor6::Duid(duid) => *duid == lease.duid,
        // Firmware writes a UUID as it lies in its tables, others as it is spelled.
        ReservedFor6::Uuid(uuid) => duid::uuid(&lease.duid)
            .is_some_and(|said| [Uuid(said), Uuid::from_option_97(said)].contains(uuid)),
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

#[cfg(test)]
mod tests;
