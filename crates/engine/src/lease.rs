//! Addresses: who has which, and which is free.

use model::Lease;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// All leases.
#[derive(Clone, Debug, Default)]
pub struct Leases {
    by_address: BTreeMap<Ipv4Addr, Lease>,
}

impl Leases {
    /// Takes a kept lease in.
    pub fn put(&mut self, lease: Lease) {
        self.by_address.insert(lease.address, lease);
    }

    /// Nothing is known of the address any more.
    pub fn forget(&mut self, address: Ipv4Addr) {
        self.by_address.remove(&address);
    }

    /// All, by address.
    pub fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.by_address.values()
    }
}
