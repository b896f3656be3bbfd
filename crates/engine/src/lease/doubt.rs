//! After a restore: what was given since the backup was made is not known, and must not be given twice.
//!
//! In: when it was restored, and what is bound since. Out: of which addresses it is doubtful who has
//! them. Never: a fact; it is over when the longest lease is, which may have been given a moment before
//! the old server was lost.
//!
//! While it lasts, an address whose lease was not given since is probed before it is offered, to its own
//! client, too; nobody else gets what a client of the backup may have renewed; and who says by its own
//! address that it has it, and is contradicted by nobody, may keep it.

use super::{Asking, Leases};
use model::lease::LeaseState;
use model::{HardwareAddress, Lease, Network, Now};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

/// How long it lasts where leases never end.
const FOR_EVER: Duration = Duration::from_secs(30 * 86_400);

/// What is doubtful.
#[derive(Clone, Debug)]
pub(super) struct Doubt {
    since: Now,
    /// Addresses that were bound since: not more than there are leases.
    known: BTreeSet<Ipv4Addr>,
}

impl Doubt {
    /// A lease is this by now.
    pub(super) fn learn(&mut self, lease: &Lease) {
        match lease.state {
            LeaseState::Bound => self.known.insert(lease.address),
            // Whoever has it may not be ours to ask.
            _ => self.known.remove(&lease.address),
        };
    }
}

/// The longest lease of these networks.
pub(super) fn longest(networks: &[Network]) -> Duration {
    let giving = networks.iter().filter(|network| network.has_addresses());
    giving.map(|network| network.lease.unwrap_or(FOR_EVER)).max().unwrap_or_default()
}

impl Leases {
    /// Everything that is known by now is from a backup that was restored then.
    pub fn doubt_since(&mut self, since: Now) {
        self.doubt = Some(Doubt { since, known: BTreeSet::new() });
    }

    /// Since when and until when there is doubt, if there is.
    pub fn doubt(&self, now: Now) -> Option<(Now, Now)> {
        let since = self.doubt.as_ref()?.since;
        let until = since + self.longest;
        (now < until).then_some((since, until))
    }

    /// Whether somebody may have this address of whom we do not know.
    pub fn is_doubtful(&self, now: Now, address: Ipv4Addr) -> bool {
        let known = self.doubt.as_ref().is_some_and(|doubt| doubt.known.contains(&address));
        !known && self.doubt(now).is_some()
    }

    /// Whether a lease that ended by what we know may have been renewed after the backup.
    pub(super) fn may_still_hold(&self, now: Now, lease: &Lease) -> bool {
        let ran = |since: Now| lease.until.is_none_or(|until| until > since);
        lease.state == LeaseState::Bound && self.doubt(now).is_some_and(|(since, _)| ran(since))
    }

    /// Whether this address was offered to this client, by this server.
    pub fn is_offered(&self, asking: &Asking<'_>, address: Ipv4Addr) -> bool {
        self.offers.to(&asking.holder()).is_some_and(|(offered, _)| offered == address)
    }

    /// Whether a client that uses an address may go on to, though we know nothing of that: nobody else
    /// has it by what we know; or it was found to have it when we probed.
    pub fn may_keep_using(
        &self,
        now: Now,
        network: &Network,
        asking: &Asking<'_>,
        address: Ipv4Addr,
    ) -> bool {
        let found = |hardware: &HardwareAddress| {
            let at = self.by_address.get(&address);
            at.is_some_and(|l| l.state == LeaseState::Conflict && l.hardware == *hardware)
        };
        self.is_doubtful(now, address)
            && network.leasable(address)
            && (self.may_bind(now, network, asking, address) || found(asking.hardware))
    }
}
