//! Offers that nobody has taken up yet: soft state, never kept, bounded, the oldest out first.
//!
//! In: who was offered what, until when. Out: whose an address is waiting for. Never: a lease.

use super::holder::Holder;
use model::Now;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// Offers at once. Clients we know (a lease, a reservation, an operator's word) always find room:
/// strangers may have three quarters of the table.
pub const OFFERS_MAX: usize = 16_384;
/// Offers to clients we know nothing of.
const STRANGERS_MAX: usize = OFFERS_MAX / 4 * 3;

#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) holder: Holder,
    pub(super) since: Now,
    pub(super) until: Now,
    /// The client uses it without ever asking: it is as good as a lease.
    pub(super) taken: bool,
    /// Somebody we know.
    pub(super) known: bool,
}

/// All offers; one a client.
#[derive(Clone, Debug, Default)]
pub(super) struct Offers {
    by_address: BTreeMap<Ipv4Addr, Offer>,
    by_holder: BTreeMap<Holder, Ipv4Addr>,
    /// By age: of strangers, and of those we know.
    ages: [BTreeSet<(Now, Ipv4Addr)>; 2],
}

impl Offers {
    pub(super) fn of(&self, address: Ipv4Addr) -> Option<&Offer> {
        self.by_address.get(&address)
    }

    pub(super) fn to(&self, holder: &Holder) -> Option<(Ipv4Addr, &Offer)> {
        let address = *self.by_holder.get(holder)?;
        Some((address, self.by_address.get(&address)?))
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.by_address.keys().copied()
    }

    /// Of strangers, oldest first.
    pub(super) fn strangers(&self) -> impl Iterator<Item = (Ipv4Addr, &Offer)> {
        let [strangers, _] = &self.ages;
        strangers.iter().filter_map(|(_, address)| Some((*address, self.by_address.get(address)?)))
    }

    /// Of clients we know, oldest first.
    pub(super) fn friends(&self) -> impl Iterator<Item = (Ipv4Addr, &Offer)> {
        let [_, known] = &self.ages;
        known.iter().filter_map(|(_, address)| Some((*address, self.by_address.get(address)?)))
    }

    /// Adds an offer in place of any other of the same client. Returns the addresses that are no
    /// longer offered.
    pub(super) fn put(&mut self, address: Ipv4Addr, offer: Offer) -> Vec<Ipv4Addr> {
        let mut over = self.lapsed(offer.since);
        let before = self.by_holder.get(&offer.holder).copied();
        over.extend(before.filter(|before| *before != address));
        let [strangers, known] = &self.ages;
        let full = match offer.known {
            false => strangers.len() >= STRANGERS_MAX,
            true => strangers.len().saturating_add(known.len()) >= OFFERS_MAX,
        };
        if full && before.is_none() {
            let mut oldest = self.strangers().chain(self.friends());
            over.extend(oldest.find(|(_, offer)| !offer.taken).map(|(address, _)| address));
        }
        for gone in over.iter().chain([&address]) {
            self.remove(*gone);
        }
        self.age_of(&offer).insert((offer.since, address));
        self.by_holder.insert(offer.holder.clone(), address);
        self.by_address.insert(address, offer);
        over
    }

    pub(super) fn remove(&mut self, address: Ipv4Addr) -> bool {
        let Some(offer) = self.by_address.remove(&address) else { return false };
        self.age_of(&offer).remove(&(offer.since, address));
        if self.by_holder.get(&offer.holder) == Some(&address) {
            self.by_holder.remove(&offer.holder);
        }
        true
    }

    /// How many are held for strangers.
    pub(super) fn held_for_strangers(&self) -> usize {
        let [strangers, _] = &self.ages;
        strangers.len()
    }

    /// Those that are over; a few at a time, since every new offer asks.
    fn lapsed(&self, now: Now) -> Vec<Ipv4Addr> {
        const AT_ONCE: usize = 16;
        let over = |ages: &BTreeSet<(Now, Ipv4Addr)>| -> Vec<Ipv4Addr> {
            let offers = ages.iter().filter_map(|(_, a)| Some((*a, self.by_address.get(a)?)));
            let lapsed = offers.take_while(|(_, offer)| offer.until <= now);
            lapsed.take(AT_ONCE).map(|(address, _)| address).collect()
        };
        self.ages.iter().flat_map(over).collect()
    }

    fn age_of(&mut self, offer: &Offer) -> &mut BTreeSet<(Now, Ipv4Addr)> {
        let [strangers, known] = &mut self.ages;
        if offer.known { known } else { strangers }
    }
}
