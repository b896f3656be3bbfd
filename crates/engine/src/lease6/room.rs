//! How many leases are kept, and which goes where there is no room for one more.
//!
//! Half of the room is common; the other half is shared out, so that whoever makes up identifiers on one link
//! leaves the others theirs. Of both, the last quarter is for clients that are known. What one client may fill
//! is limited as well.

use super::records::Area;
use super::{Asker, Leases6, Planned};
use model::lease::LeaseState;
use model::{Lease6, Network6, Now};
use std::net::Ipv6Addr;

/// Leases that are kept, whatever the pools span; what ended makes room first.
pub const LEASES_MAX: usize = 131_072;
/// Of those, what any network may have beyond its share.
const COMMON: usize = LEASES_MAX / 2;
/// Leases of one client on a network, ended ones included. A machine needs one for each card, and for each
/// stage of its boot and each system that it has run lately.
pub(super) const ASSOCIATIONS_MAX: usize = 64;

impl Leases6 {
    /// What a network has for itself.
    fn share(&self) -> usize {
        COMMON / self.records.areas().count().max(1)
    }

    /// Whether one more lease of a network needs another to go.
    pub(super) fn is_full(&self, network: &Network6, asker: &Asker<'_>, planned: &Planned) -> bool {
        let share = self.share();
        let may = |all: usize| if asker.known { all } else { all / 4 * 3 };
        let fresh = planned.given.iter().filter(|given| self.of(**given).is_none()).count();
        let more = fresh.saturating_sub(planned.gone.len());
        let own = self.records.area(network).map(|area| area.count().saturating_add(more));
        let beyond = self.records.areas().map(|area| area.count().saturating_sub(share));
        let common = beyond.fold(self.records.outside().count(), usize::saturating_add);
        own.is_none_or(|own| own >= may(share)) && common.saturating_add(more) >= may(COMMON)
    }

    /// The lease that ended first, and is not spoken of yet: of the same network, or of one that has more than
    /// its share.
    pub(super) fn first_ended(
        &self,
        now: Now,
        network: &Network6,
        planned: &Planned,
    ) -> Option<Ipv6Addr> {
        let share = self.share();
        let over = |area: &&Area| area.is_of(network) || area.count() > share;
        let sure =
            |end: Now| self.doubted.is_none_or(|since| end <= since || now >= since + self.longest);
        let areas = self.records.areas().filter(over).chain([self.records.outside()]);
        let first = areas.filter_map(|area| {
            let mut ended = area.ended(now).take_while(|(end, _)| sure(*end));
            ended.find(|(_, address)| !planned.touches(address))
        });
        first.min().map(|(_, address)| address)
    }

    /// What has to go before one more lease is kept: nothing, or the one that ended first.
    pub(crate) fn in_the_way(
        &self,
        now: Now,
        network: &Network6,
        asker: &Asker<'_>,
        address: Ipv6Addr,
        planned: &Planned,
    ) -> Option<Ipv6Addr> {
        if self.of(address).is_some() || !self.is_full(network, asker, planned) {
            return None;
        }
        self.first_ended(now, network, planned)
    }

    /// Where a client has all that one client may have: the address of its own that a new association takes
    /// over, the one that ended or ends first.
    pub(super) fn oldest_of(
        &self,
        now: Now,
        network: &Network6,
        asker: &Asker<'_>,
        planned: &Planned,
    ) -> Option<Option<Ipv6Addr>> {
        let theirs = self.records.of_client(asker.duid);
        let theirs = theirs.filter(|lease| network.subnet.contains(lease.address));
        let theirs: Vec<&Lease6> = theirs.collect();
        if theirs.len() < ASSOCIATIONS_MAX {
            return None;
        }
        let usable = theirs.into_iter().filter(|lease| {
            let refused = lease.state == LeaseState::Declined && lease.holds(now);
            !refused && network.leasable(lease.address) && !planned.touches(&lease.address)
        });
        let usable = usable.filter(|lease| self.is_promised_to_none_but(lease.address, asker));
        let oldest =
            usable.min_by_key(|lease| (lease.holds(now), lease.until.is_none(), lease.until));
        Some(oldest.map(|lease| lease.address))
    }
}
