//! Whether whoever asks is the machine that has the script: by the address that it asks from.

use crate::Engine;
use crate::files::FileAsk;
use model::lease::LeaseState;
use model::{Deployment, HardwareAddress, Now};
use std::net::{IpAddr, Ipv6Addr};

impl Engine {
    /// Whether it asks from the address that the script went to. Over IPv6 each stage of a boot has an
    /// identifier of its own, and so an address (RFC 8415, 12): there an address that is the same
    /// machine's will do.
    pub(super) fn has_the_script(&self, now: Now, of: &Deployment, ask: &FileAsk) -> bool {
        match (of.holder(), ask.from.ip()) {
            (Some(holder), from) if holder == from => true,
            (Some(IpAddr::V6(_)), IpAddr::V6(from)) => {
                self.is_known_for(now, from, ask.neighbour, &of.machine)
            }
            _ => false,
        }
    }

    /// Whether an address is known to be this machine's: by its lease, or by the neighbour table. Where
    /// both say something, neither may speak against it: a lease follows what its client said of
    /// itself, the table shows which card sends.
    fn is_known_for(
        &self,
        now: Now,
        from: Ipv6Addr,
        neighbour: Option<HardwareAddress>,
        machine: &HardwareAddress,
    ) -> bool {
        let bound = |lease: &&model::Lease6| lease.state == LeaseState::Bound && lease.holds(now);
        let leased = self.leases6.of(from).filter(bound).and_then(|lease| lease.hardware);
        let is_its = |card: &HardwareAddress| self.filed(card) == self.filed(machine);
        let cards = [leased, neighbour];
        cards.iter().any(Option::is_some) && cards.iter().flatten().all(is_its)
    }
}
