//! Which address a client is offered, and why that one.

use super::offers::Offer;
use super::{Asking, Leases, OFFER_HELD, OFFER_NEEDED, not_barred};
use model::{Network, Now};
use std::fmt;
use std::net::Ipv4Addr;

/// An address that may be offered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Choice {
    /// The address.
    pub address: Ipv4Addr,
    /// It is not this client's yet, and nobody promised it: whether it is really free is only a
    /// guess until somebody has looked (RFC 2131, 2.2).
    pub unproved: bool,
    /// Why this one.
    pub from: Source,
}

/// Why an address was chosen, in the order in which they are weighed (RFC 2131, 4.3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// It is reserved for this client.
    Reserved,
    /// This client has it.
    Leased,
    /// It was offered to this client a moment ago.
    Offered,
    /// This client had it last.
    Former,
    /// This client asked for it, and it is free.
    Wished,
    /// Nobody ever had it.
    NeverUsed,
    /// Of those that somebody once had, it has been free longest.
    LongEnded,
    /// It was offered to another client, who did not take it up.
    TakenBack,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reserved => "it is reserved for this machine",
            Self::Leased => "this machine has it now",
            Self::Offered => "it was offered to this machine a moment ago",
            Self::Former => "this machine had it last",
            Self::Wished => "this machine asked for it, and it is free",
            Self::NeverUsed => "it is free, and nobody ever had it",
            Self::LongEnded => {
                "every address of the pool was used before, and this one is free longest"
            }
            Self::TakenBack => "it was offered to another machine, which did not take it up",
        })
    }
}

impl Leases {
    /// Chooses an address in the order of RFC 2131, 4.3.1 (promised to it, its own, its former one,
    /// the one it asks for, a free one) and holds it for the REQUEST that should follow.
    pub fn hold(
        &mut self,
        now: Now,
        network: &Network,
        asking: &Asking<'_>,
        wish: Option<Ipv4Addr>,
    ) -> Option<Choice> {
        let choice = self.weigh(now, network, asking, wish)?;
        if choice.from == Source::TakenBack {
            self.offers.remove(choice.address);
        }
        let known = asking.known || self.belongs(network, asking);
        let offer = Offer {
            holder: asking.holder(),
            since: now,
            until: now + OFFER_HELD,
            taken: asking.never_requests,
            known,
        };
        for over in self.offers.put(choice.address, offer) {
            self.pools.unoffered(over, self.by_address.get(&over));
        }
        self.pools.offered(choice.address, self.by_address.get(&choice.address));
        Some(choice)
    }

    /// What is offered to this client and not taken up.
    pub fn offered_to(&self, asking: &Asking<'_>) -> Option<Ipv4Addr> {
        self.offers.to(&asking.holder()).map(|(address, _)| address)
    }

    /// The client takes another server's offer: ours is over.
    pub fn withdraw(&mut self, asking: &Asking<'_>) {
        if let Some((address, _)) = self.offers.to(&asking.holder()) {
            self.offers.remove(address);
            self.pools.unoffered(address, self.by_address.get(&address));
        }
    }

    /// The address that [`Leases::hold`] would hold, without holding it.
    pub fn weigh(
        &self,
        now: Now,
        network: &Network,
        asking: &Asking<'_>,
        wish: Option<Ipv4Addr>,
    ) -> Option<Choice> {
        let free = self.choose(now, network, asking, wish);
        free.or_else(|| self.old_offer(now, network, asking))
    }

    /// With nothing else free, offers that nobody has taken up in a minute are worth less than
    /// somebody who asks now; and one to a stranger is worth less than a client we know.
    fn old_offer(&self, now: Now, network: &Network, asking: &Asking<'_>) -> Option<Choice> {
        let usable = |address: Ipv4Addr, offer: &Offer| {
            !(offer.taken && offer.until > now)
                && network.leasable(address)
                && self.reserved.allows(network, asking, address)
                && !self.leased_to_another(now, asking, address)
        };
        // Of strangers' offers somebody we know may take any, everybody else only aged ones. Both
        // searches go by age and end at the first that is too young.
        let aged = |(_, offer): &(Ipv4Addr, &Offer)| now.since(offer.since) >= OFFER_NEEDED;
        let strangers = self.offers.strangers().take_while(|it| asking.known || aged(it));
        let friends = self.offers.friends().take_while(aged);
        let (address, _) = strangers.chain(friends).find(|(a, offer)| usable(*a, offer))?;
        Some(Choice { address, unproved: true, from: Source::TakenBack })
    }

    /// The address that is free for this client, if one is.
    pub fn choose(
        &self,
        now: Now,
        network: &Network,
        asking: &Asking<'_>,
        wish: Option<Ipv4Addr>,
    ) -> Option<Choice> {
        let holder = asking.holder();
        let usable = |address: &Ipv4Addr| {
            network.leasable(*address) && self.free_for(now, network, asking, *address)
        };
        let promised = self.reserved.to(network, asking).map(|own| own.address);
        let promised = promised.filter(|address| self.free_for(now, network, asking, *address));
        let promised = promised.map(|address| (address, Source::Reserved));
        let own = self.held_by(now, network, asking).map(|lease| lease.address).filter(usable);
        let own = own.map(|address| (address, Source::Leased));
        let offered = self.offers.to(&holder).filter(|(_, offer)| offer.until > now);
        let offered = offered.map(|(address, _)| address).filter(usable);
        if let Some((address, from)) = promised.or(own) {
            let unproved = self.is_doubtful(now, address);
            return Some(Choice { address, unproved, from });
        }
        let former = self.known(network, &holder).filter(|lease| not_barred(lease));
        let former = former.max_by_key(|lease| lease.until).map(|lease| lease.address);
        let named = [
            offered.map(|address| (address, Source::Offered)),
            former.map(|address| (address, Source::Former)),
            wish.map(|address| (address, Source::Wished)),
        ];
        let named = named.into_iter().flatten().find(|(address, _)| usable(address));
        let free = || {
            // What somebody once had comes last, and of that what was free longest: an address
            // that its client comes back for should still be there.
            let good = |address: Ipv4Addr| usable(&address);
            let new = self.pools.never_used(network, holder.place(), good);
            let new = new.map(|address| (address, Source::NeverUsed));
            let ended = || self.pools.long_ended(network, now, good);
            new.or_else(|| ended().map(|address| (address, Source::LongEnded)))
        };
        let (address, from) = named.or_else(free)?;
        Some(Choice { address, unproved: true, from })
    }
}
