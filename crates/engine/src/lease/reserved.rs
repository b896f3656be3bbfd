//! Reservations: addresses promised to a client, by whatever is known of it.
//!
//! In: reservations as they are made and taken back. Out: whose an address is. Never: a lease.

use super::Asking;
use model::Network;
use model::lease::{Reservation, ReservedFor};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// All reservations.
#[derive(Clone, Debug, Default)]
pub(super) struct Reserved {
    by_address: BTreeMap<Ipv4Addr, Reservation>,
    by_holder: BTreeMap<ReservedFor, BTreeSet<Ipv4Addr>>,
}

impl Reserved {
    pub(super) fn put(&mut self, reservation: Reservation) {
        self.remove(reservation.address);
        let holders = self.by_holder.entry(reservation.holder.clone()).or_default();
        holders.insert(reservation.address);
        self.by_address.insert(reservation.address, reservation);
    }

    pub(super) fn remove(&mut self, address: Ipv4Addr) {
        let Some(gone) = self.by_address.remove(&address) else { return };
        if let Some(addresses) = self.by_holder.get_mut(&gone.holder) {
            addresses.remove(&address);
            if addresses.is_empty() {
                self.by_holder.remove(&gone.holder);
            }
        }
    }

    pub(super) fn of(&self, address: Ipv4Addr) -> Option<&Reservation> {
        self.by_address.get(&address)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Reservation> {
        self.by_address.values()
    }

    /// What is promised to this client on this network. What says most about the machine counts
    /// first: its hardware address, then what it calls itself, then where it is plugged in.
    pub(super) fn to(&self, network: &Network, asking: &Asking<'_>) -> Option<&Reservation> {
        if self.by_address.is_empty() {
            return None;
        }
        let circuit =
            |relay| asking.circuit.map(|(_, id)| ReservedFor::Circuit { relay, id: id.to_vec() });
        let names = [
            Some(ReservedFor::Mac(*asking.hardware)),
            asking.client_id.map(|id| ReservedFor::ClientId(id.to_vec())),
            asking.uuid.map(ReservedFor::Uuid),
            circuit(asking.circuit.map(|(relay, _)| relay)),
            circuit(None),
        ];
        let addresses = |name: ReservedFor| self.by_holder.get(&name);
        names
            .into_iter()
            .flatten()
            .filter_map(addresses)
            .flatten()
            .find(|address| network.reservable(**address))
            .and_then(|address| self.by_address.get(address))
    }

    /// Whether this client may have the address as far as promises go.
    pub(super) fn allows(&self, network: &Network, asking: &Asking<'_>, address: Ipv4Addr) -> bool {
        match self.of(address) {
            None => true,
            Some(_) => self.to(network, asking).is_some_and(|own| own.address == address),
        }
    }
}
