//! Which names should be published, and until when that holds.

use super::{Dhcid, PUBLISHED_MAX};
use crate::names::zones::name_of;
use crate::names::{Facts, Holding, Names, Source};
use model::Now;
use model::dns::Published;
use std::collections::BTreeMap;
use std::net::IpAddr;
use wire::dns::{Data, Name};

/// What should be published.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Wanted {
    /// By name, of hosts and of addresses.
    pub names: BTreeMap<Name, Published>,
    /// When it changes by time alone.
    pub until: Option<Now>,
}

impl Wanted {
    /// The names of machines with a name of their own: of a reservation, by an operator, or as they call
    /// themselves. Who did not get the name that he wants, and who goes by his hardware address alone, is
    /// not published; the server's own names and operators' records are theirs to publish.
    pub fn of(names: &Names, facts: &Facts, now: Now) -> Self {
        let holders: BTreeMap<IpAddr, &Holding> =
            facts.holdings.iter().map(|holding| (holding.address, holding)).collect();
        let mut wanted = Self::default();
        for node in names.nodes.values() {
            let own = matches!(
                node.source,
                Some(Source::Reservation(_) | Source::Machine(_) | Source::Client { .. })
            );
            let held = node.records.iter().filter(|held| own && held.holds(now));
            for held in held {
                let address = match held.record.data {
                    Data::A(address) => IpAddr::V4(address),
                    Data::Aaaa(address) => IpAddr::V6(address),
                    _ => continue,
                };
                let holder = holders.get(&address);
                let name = &held.record.name;
                if let Some(dhcid) = holder.and_then(|holder| Dhcid::of(holder, name)) {
                    wanted.put(name, &dhcid, address);
                    wanted.until = [wanted.until, held.until].into_iter().flatten().min();
                }
            }
        }
        wanted
    }

    fn put(&mut self, name: &Name, dhcid: &Dhcid, address: IpAddr) {
        let dhcid = dhcid.to_string();
        let entry = |name: &Name, all: &mut BTreeMap<Name, Published>, dhcid: &str| {
            let new = || Published { dhcid: dhcid.to_owned(), ..Published::default() };
            all.entry(name.clone()).or_insert_with(new);
        };
        entry(name, &mut self.names, &dhcid);
        let Some(host) = self.names.get_mut(name) else { return };
        // A machine that is known by its card on one address and by an identifier alone on another
        // is its card.
        host.dhcid = host.dhcid.clone().min(dhcid.clone());
        host.addresses.insert(address);
        let Some(reverse) = name_of(address) else { return };
        entry(&reverse, &mut self.names, &dhcid);
        if let Some(pointer) = self.names.get_mut(&reverse) {
            pointer.pointers.insert(name.to_string());
        }
    }

    /// Those of a zone that are in none of these smaller ones; and how many had no room.
    pub(super) fn within(
        &self,
        zone: &Name,
        smaller: &[Name],
    ) -> (BTreeMap<Name, Published>, usize) {
        let below = self.names.iter().filter(|(name, _)| {
            *name != zone
                && name.is_within(zone)
                && !smaller.iter().any(|smaller| name.is_within(smaller))
        });
        let all: Vec<_> = below.collect();
        let left_out = all.len().saturating_sub(PUBLISHED_MAX);
        let taken = all.into_iter().take(PUBLISHED_MAX);
        (taken.map(|(name, what)| (name.clone(), what.clone())).collect(), left_out)
    }
}
