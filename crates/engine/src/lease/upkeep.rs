//! What happens to leases without a client asking: time passes, a host is found on an address, the
//! networks change.

use super::PAST_MAX;
use crate::dhcp::{Check, event};
use crate::{Engine, Noted};
use model::lease::LeaseState;
use model::time::show_duration;
use model::{Change, Event, Happening, HardwareAddress, Lease, Now};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Leases that one [`Engine::tidy`] forgets; the rest waits for the next.
const FORGOTTEN_AT_ONCE: usize = 4096;
/// Leases whose end one [`Engine::tidy`] tells, line by line.
const ENDS_TOLD: usize = 64;
/// So many strangers that asked for an address in the last minutes and did not take it are a flood.
const FLOOD: usize = 2048;

impl Engine {
    /// Whether only renewals may change anything from now on, because hardly anything more can be
    /// kept: everything else that needs a change gets silence, with the reason.
    pub fn only_renew(&mut self, only: bool) {
        self.only_renews = only;
    }

    /// Whether these changes may be made now.
    pub(crate) fn may_keep(&self, changes: &[Change]) -> bool {
        let renewed = |change: &Change| match change {
            Change::Lease(lease) => renews(change, self.leases.of(lease.address)),
            Change::Lease6(new) => self.leases6.of(new.address).is_some_and(|kept| {
                let same = (&kept.duid, kept.iaid) == (&new.duid, new.iaid);
                same && [kept.state, new.state] == [LeaseState::Bound; 2]
            }),
            _ => false,
        };
        !self.only_renews || changes.iter().all(renewed)
    }

    /// Somebody answered for an address that was about to be offered ([`Check`]): nobody gets it
    /// for an hour, then it is probed again.
    pub fn conflict(
        &mut self,
        now: Now,
        link: &str,
        check: &Check,
        theirs: Option<HardwareAddress>,
    ) -> Noted {
        let address = check.address;
        let who = theirs.map_or("a host".to_owned(), |theirs| theirs.to_string());
        let networks = Arc::clone(&self.networks);
        let of = networks.iter().find(|network| network.subnet.contains(address));
        let quarantine = of.and_then(|of| self.leases.conflicting(now, of, address, theirs));
        let Some(lease) = quarantine else {
            let text = format!(
                "{address} on {link} is leased, and {who} uses it without asking\nhint: find that \
                 machine and let it ask for its address, or take {address} out of the pool"
            );
            let what = Happening::Alarm { text };
            return Noted { changes: vec![], events: vec![event(now, theirs, link, what)] };
        };
        let text = format!(
            "{address} on {link} is used by {who}, who has no lease of it: nobody is given it for \
             {}\nhint: let that machine ask for its address, or take {address} out of the pool",
            show_duration(lease.until.unwrap_or(now).since(now))
        );
        let changes = vec![Change::Lease(lease)];
        let what = Happening::Alarm { text };
        if !self.may_keep(&changes) {
            return Noted { changes: vec![], events: vec![event(now, theirs, link, what)] };
        }
        changes.iter().for_each(|change| self.apply(change));
        Noted { changes, events: vec![event(now, theirs, link, what)] }
    }

    /// What time alone changes: the ends of leases are told, what ended long ago is forgotten. The
    /// owner asks every minute.
    pub fn tidy(&mut self, now: Now) -> Noted {
        let mut noted = Noted::default();
        let since = std::mem::replace(&mut self.tidied, now);
        if since > Now(0) {
            noted.events = self.ends(since, now);
        }
        noted.events.extend(self.flood(now));
        noted.events.extend(self.give_up_listening(now));
        if self.only_renews {
            return noted;
        }
        let before = now - self.settings.lease_history;
        let forgotten = self.leases.ended(Now(0), before, FORGOTTEN_AT_ONCE);
        noted.changes = forgotten.map(|lease| Change::LeaseGone(lease.address)).collect();
        let forgotten = self.leases6.ended(Now(0), before, FORGOTTEN_AT_ONCE);
        noted.changes.extend(forgotten.into_iter().map(Change::Lease6Gone));
        // Past a limit in memory the oldest are gone; then the disk needs them no longer, either.
        let end_of = |lease: Option<&Lease>| lease.and_then(|lease| lease.until);
        let full = end_of(self.leases.past().nth(PAST_MAX / 16 * 15)).map(|_| PAST_MAX / 16);
        let cut = full.and_then(|some| end_of(self.leases.past().nth(some))).unwrap_or(before);
        if end_of(self.leases.past().next()).is_some_and(|oldest| oldest < cut) {
            noted.changes.push(Change::PastGone(cut.max(before)));
        }
        for change in &noted.changes {
            self.apply(change);
        }
        let deployed = self.tidy_deployments(now);
        noted.changes.extend(deployed.changes);
        noted.events.extend(deployed.events);
        noted
    }

    fn ends(&self, since: Now, now: Now) -> Vec<Event> {
        let ended = self.leases.ended(since, now, ENDS_TOLD + 1);
        let ended = ended.filter(|lease| lease.state == LeaseState::Bound);
        let four = ended.map(|l| (IpAddr::V4(l.address), Some(l.hardware), &l.network));
        let six = self.leases6.ended(since, now, ENDS_TOLD + 1).into_iter();
        let six = six.filter_map(|address| self.leases6.of(address));
        let six = six.filter(|lease| lease.state == LeaseState::Bound);
        let six = six.map(|l| (IpAddr::V6(l.address), l.hardware, &l.network));
        let mut events: Vec<Event> = four
            .chain(six)
            .map(|(address, hardware, network)| {
                let text = format!("the lease of {address} ended: it was not renewed");
                event(now, hardware, network, Happening::Changed { text })
            })
            .collect();
        if events.len() > ENDS_TOLD {
            events.truncate(ENDS_TOLD);
            let text = "more leases ended than are told one by one".to_owned();
            events.push(Event::new(now, None, None, Happening::Changed { text }));
        }
        events
    }

    fn flood(&self, now: Now) -> Option<Event> {
        let strangers = self.leases.offered_to_strangers();
        if strangers < FLOOD {
            return None;
        }
        let text = format!(
            "{strangers} clients that nobody knows were offered an address and did not take it: it \
             looks like a flood of made-up DISCOVERs\nhint: machines with a lease, a reservation or \
             a word of yours are still served; find the port of the switch it comes from"
        );
        Some(Event::new(now, None, None, Happening::Alarm { text }))
    }

    /// After the networks changed: leases in force that will not be renewed, told network by
    /// network.
    pub(crate) fn leases_left_behind(&self) -> Vec<String> {
        let networks = &self.settings.networks;
        let giving = || networks.iter().filter(|network| network.has_addresses());
        let kept = |lease: &Lease| {
            self.leases.reservation(lease.address).is_some()
                || giving().any(|network| network.leasable(lease.address))
        };
        let left: Vec<&Lease> = self
            .leases
            .iter()
            .filter(|lease| lease.state == LeaseState::Bound && lease.holds(self.tidied))
            .filter(|lease| !kept(lease))
            .collect();
        let Some(first) = left.first() else { return Vec::new() };
        let last =
            left.iter().map(|lease| lease.until).max_by_key(|until| until.unwrap_or(Now(u64::MAX)));
        let until = match last.flatten() {
            Some(until) => format!("the last of them ends at {until}"),
            None => "some of them never end: `bootwright lease release` ends them".to_owned(),
        };
        let (count, address) = (left.len(), first.address);
        vec![format!(
            "{count} leases (the first is {address}) are in no pool any more: they stay until they \
             end and are not renewed; {until}"
        )]
    }
}

/// Whether a change may be kept when the disk has hardly any space left: it renews a lease that is
/// there (`kept`), and neither gives an address nor takes one from anybody.
#[must_use]
pub fn renews(change: &Change, kept: Option<&Lease>) -> bool {
    let (Change::Lease(new), Some(kept)) = (change, kept) else { return false };
    let bound = new.state == LeaseState::Bound && kept.state == LeaseState::Bound;
    // Whose a lease is, a machine without a hardware address says by its client id.
    let same = new.hardware == kept.hardware
        && (!new.hardware.bytes().is_empty() || new.client_id == kept.client_id);
    bound && same && new.address == kept.address
}

/// A lease's length: what the network gives, less if the client asks for less (option 51), never
/// below the network's minimum. Who boots gets all of it: its lease must outlast the boot.
pub(crate) fn length(
    network: &model::Network,
    boots: bool,
    asked_s: Option<u32>,
) -> Option<Duration> {
    let asked = asked_s.filter(|asked| !boots && *asked != u32::MAX);
    let asked = asked.map(|asked| Duration::from_secs(asked.into()).max(network.lease_min));
    match (network.lease, asked) {
        (Some(usual), Some(asked)) => Some(usual.min(asked)),
        (None, asked) => asked,
        (usual, None) => usual,
    }
}
