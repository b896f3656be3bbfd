//! What operators may ask of addresses: promises, ends, and what another server promised.

use super::{Outcome, check_line, check_name, decided, refuse};
use crate::Engine;
use model::lease::{LeaseState, Reservation, ReservedFor};
use model::text::show;
use model::{Change, DhcpOption, Lease, Network, Now};
use std::net::Ipv4Addr;

/// DHCP options that one machine may have of its own.
const OPTIONS_MAX: usize = 64;
/// Bytes of them all: a reply has room for little more beside what a boot needs.
const OPTION_BYTES_MAX: usize = 1024;

impl Engine {
    pub(super) fn add_reservation(&self, now: Now, mut reservation: Reservation) -> Outcome {
        let address = reservation.address;
        let Some(network) = self.network_with(address) else {
            return refuse(
                format!("{address} is in no subnet that we give addresses of"),
                "`[[network]]` with mode = \"dhcp\" says which those are",
            );
        };
        if !network.reservable(address) {
            return refuse(
                format!("{address} is ours, the router's, or no host's of {}", network.subnet),
                "reserve another address of that subnet",
            );
        }
        if let Some(name) = &reservation.host_name {
            check_line("a host name", name)?;
            check_name("a host", &name.to_ascii_lowercase())?;
        }
        check_holder(&reservation.holder)?;
        if let Some(other) = self.leases.reservation(address)
            && other.holder != reservation.holder
        {
            return refuse(
                format!("{address} is reserved for {} already", other.holder),
                &format!("`bootwright reservation remove {address}` first"),
            );
        }
        let same = |r: &&Reservation| {
            r.holder == reservation.holder
                && r.address != address
                && network.subnet.contains(r.address)
        };
        if let Some(other) = self.leases.reservations().find(same) {
            return refuse(
                format!("{} has {} reserved already", other.holder, other.address),
                &format!("`bootwright reservation remove {}` first", other.address),
            );
        }
        reservation.since = now;
        let mut says = format!("{address} is reserved for {}", reservation.holder);
        let theirs = |lease: &&Lease| {
            lease.holds(now) && reservation.holder != ReservedFor::Mac(lease.hardware)
        };
        if let Some(lease) = self.leases.of(address).filter(theirs) {
            let until = lease.until.map_or("for ever".to_owned(), |until| format!("until {until}"));
            says.push_str(&format!(
                "; {} holds it {until}, and it is not renewed past that",
                lease.hardware
            ));
        }
        decided(vec![Change::Reservation(reservation)], says)
    }

    pub(super) fn remove_reservation(&self, address: Ipv4Addr) -> Outcome {
        match self.leases.reservation(address) {
            Some(gone) => decided(
                vec![Change::ReservationGone(address)],
                format!("{address} is no longer reserved for {}", gone.holder),
            ),
            None => refuse(format!("{address} is not reserved"), "see `reservation list`"),
        }
    }

    pub(super) fn release_lease(&self, now: Now, address: Ipv4Addr) -> Outcome {
        let Some(lease) = self.leases.of(address).filter(|lease| lease.holds(now)) else {
            return refuse(format!("nobody holds {address}"), "see `lease list`");
        };
        if lease.state == LeaseState::Bound {
            let ended = Lease { state: LeaseState::Released, until: Some(now), ..lease.clone() };
            let says = format!(
                "the lease of {address} ended; {} goes on using it until it asks again",
                lease.hardware
            );
            return decided(vec![Change::Lease(ended)], says);
        }
        let says = format!("{address} is out of quarantine");
        decided(vec![Change::LeaseGone(address)], says)
    }

    /// Leases of another server. Ours win: what we promised stays promised.
    pub(super) fn import_leases(&self, now: Now, leases: Vec<Lease>) -> Outcome {
        let (mut outside, mut held, mut ended) = (0_usize, 0_usize, 0_usize);
        let (mut changes, mut first_held) = (Vec::new(), None);
        for lease in leases {
            let network = self.network_with(lease.address);
            let Some(network) = network.filter(|network| network.reservable(lease.address)) else {
                outside += 1;
                continue;
            };
            let ours = self.leases.of(lease.address).filter(|ours| ours.holds(now));
            let same = |ours: &Lease| {
                ours.hardware == lease.hardware
                    && (!lease.hardware.bytes().is_empty() || ours.client_id == lease.client_id)
            };
            if ours.is_some_and(|ours| !same(ours)) {
                held += 1;
                first_held = first_held.or(Some(lease.address));
                continue;
            }
            // What ended there says nothing against what we know here.
            if !lease.holds(now) && self.leases.of(lease.address).is_some() {
                ended += 1;
                continue;
            }
            // The longer promise counts: its client may know of either.
            let until = match ours {
                Some(ours) if ours.until.is_none() => None,
                Some(ours) => lease.until.map(|until| until.max(ours.until.unwrap_or(until))),
                None => lease.until,
            };
            let network = network.interface.clone();
            changes.push(Change::Lease(Lease { network, until, ..lease }));
        }
        let mut says = format!("{} leases taken over", changes.len());
        if outside > 0 {
            says.push_str(&format!(", {outside} left out: in no subnet that we give addresses of"));
        }
        if ended > 0 {
            says.push_str(&format!(
                ", {ended} left out: ended there, and the address is known here"
            ));
        }
        if let Some(first) = first_held {
            says.push_str(&format!(
                ", {held} left out: somebody else holds the address here (the first is {first})"
            ));
        }
        decided(changes, says)
    }

    pub(super) fn set_machine_options(&self, named: &str, options: Vec<DhcpOption>) -> Outcome {
        let Some(machine) = self.machine(named) else {
            return refuse(
                format!("no machine is called {}", show(named.as_bytes())),
                "`bootwright machine list` shows who has been seen",
            );
        };
        let bytes: usize = options.iter().map(|option| option.value.len() + 2).sum();
        if options.len() > OPTIONS_MAX || bytes > OPTION_BYTES_MAX {
            return refuse(
                format!("{} options of {bytes} bytes are more than a reply carries", options.len()),
                "64 options of 1024 bytes together are the most",
            );
        }
        let says = match options.len() {
            0 => format!("machine {} has no DHCP options of its own", machine.shown()),
            n => format!("machine {} has {n} DHCP options of its own", machine.shown()),
        };
        let mut changed = machine.clone();
        changed.options = options;
        decided(vec![Change::Machine(changed)], says)
    }

    /// The network that gives addresses of the subnet an address is in.
    fn network_with(&self, address: Ipv4Addr) -> Option<&Network> {
        let giving = self.settings.networks.iter().filter(|network| network.has_addresses());
        giving.into_iter().find(|network| network.subnet.contains(address))
    }
}

fn check_holder(holder: &ReservedFor) -> Result<(), super::Refusal> {
    let (what, length, most) = match holder {
        ReservedFor::Mac(mac) => ("a hardware address", mac.bytes().len(), 16),
        ReservedFor::ClientId(id) => ("a client identifier", id.len(), 255),
        ReservedFor::Circuit { id, .. } => ("a circuit id", id.len(), 255),
        ReservedFor::Uuid(uuid) if uuid.is_placeholder() => {
            return refuse(
                format!("many boards say they are {uuid}: it names no machine"),
                "reserve by MAC",
            );
        }
        ReservedFor::Uuid(_) => return Ok(()),
    };
    match length {
        0 => refuse(format!("{what} without a byte names nobody"), ""),
        n if n > most => refuse(format!("{what} has {most} bytes at most"), ""),
        _ => Ok(()),
    }
}
