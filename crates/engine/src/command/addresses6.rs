//! What operators may ask of IPv6 addresses: promises and ends.

use super::{Outcome, check_line, check_name, decided, refuse};
use crate::{Engine, lease6};
use model::lease::{LeaseState, Reservation6, ReservedFor6};
use model::{Change, Lease6, Network6, Now};
use std::net::Ipv6Addr;
use wire::dhcp6::duid::{DUID_MAX, DUID_MIN};

impl Engine {
    pub(super) fn add_reservation6(&self, now: Now, mut reservation: Reservation6) -> Outcome {
        let address = reservation.address;
        let network = self.giving_network6(address)?;
        if !network.reservable(address) {
            return refuse(
                format!("{address} is ours, or any router's of {}", network.subnet),
                "reserve another address of that subnet",
            );
        }
        if let Some(name) = &reservation.host_name {
            check_line("a host name", name)?;
            check_name("a host", &name.to_ascii_lowercase())?;
        }
        check_holder(&reservation.holder)?;
        if let Some(other) = self.leases6.reservation(address)
            && other.holder != reservation.holder
        {
            return refuse(
                format!("{address} is reserved for {} already", other.holder),
                &format!("`bootwright reservation remove {address}` first"),
            );
        }
        let same = |r: &&Reservation6| {
            let theirs = r.holder == reservation.holder && r.address != address;
            theirs && network.subnet.contains(r.address)
        };
        if let Some(other) = self.leases6.reservations().find(same) {
            return refuse(
                format!("{} has {} reserved already", other.holder, other.address),
                &format!("`bootwright reservation remove {}` first", other.address),
            );
        }
        reservation.since = now;
        let mut says = format!("{address} is reserved for {}", reservation.holder);
        let others =
            |lease: &&Lease6| lease.holds(now) && !lease6::is_of(&reservation.holder, lease);
        if let Some(lease) = self.leases6.of(address).filter(others) {
            says.push_str(&format!(
                "; {} holds it {}, and is given another when it renews",
                whose(lease),
                until(lease)
            ));
        }
        decided(vec![Change::Reservation6(reservation)], says)
    }

    /// The network that gives addresses of the prefix an address is in.
    fn giving_network6(&self, address: Ipv6Addr) -> Result<&Network6, super::Refusal> {
        let mut around = self.networks6.iter().filter(|n| n.subnet.contains(address)).peekable();
        let first = around.peek().map(|network| network.subnet);
        if let Some(giving) = around.find(|network| network.gives_addresses()) {
            return Ok(giving);
        }
        match first {
            Some(subnet) => refuse(
                format!("machines make their addresses of {subnet} themselves: none is given"),
                "give that `[[network]]` a `pool`",
            ),
            None => refuse(
                format!("{address} is in the prefix of no network of ours"),
                "`[[network]]` with a `subnet` of IPv6 says which those are",
            ),
        }
    }

    pub(super) fn remove_reservation6(&self, address: Ipv6Addr) -> Outcome {
        match self.leases6.reservation(address) {
            Some(gone) => decided(
                vec![Change::Reservation6Gone(address)],
                format!("{address} is no longer reserved for {}", gone.holder),
            ),
            None => refuse(format!("{address} is not reserved"), "see `reservation list`"),
        }
    }

    pub(super) fn release_lease6(&self, now: Now, address: Ipv6Addr) -> Outcome {
        let Some(lease) = self.leases6.of(address).filter(|lease| lease.holds(now)) else {
            return refuse(format!("nobody holds {address}"), "see `lease list`");
        };
        if lease.state == LeaseState::Bound {
            let ended = Lease6 { state: LeaseState::Released, until: Some(now), ..lease.clone() };
            let says = format!(
                "the lease of {address} ended; {} goes on using it until it asks again",
                whose(lease)
            );
            return decided(vec![Change::Lease6(ended)], says);
        }
        decided(vec![Change::Lease6Gone(address)], format!("{address} is out of quarantine"))
    }
}

/// The card, or the identifier where the card could not be told.
fn whose(lease: &Lease6) -> String {
    match lease.hardware {
        Some(hardware) => hardware.to_string(),
        None => ReservedFor6::Duid(lease.duid.clone()).to_string(),
    }
}

fn until(lease: &Lease6) -> String {
    lease.until.map_or("for ever".to_owned(), |until| format!("until {until}"))
}

fn check_holder(holder: &ReservedFor6) -> Result<(), super::Refusal> {
    match holder {
        ReservedFor6::Mac(mac) if mac.as_mac().is_none() => {
            refuse(format!("{mac} is no Ethernet address, and of IPv6 no other is read"), "")
        }
        ReservedFor6::Uuid(uuid) if uuid.is_placeholder() => refuse(
            format!("many boards say they are {uuid}: it names no machine"),
            "reserve by MAC or DUID",
        ),
        ReservedFor6::Duid(duid) if !(DUID_MIN..=DUID_MAX).contains(&duid.len()) => refuse(
            format!("a DUID has {DUID_MIN} to {DUID_MAX} bytes, and this one {}", duid.len()),
            "`bootwright lease show` says which DUID a client has",
        ),
        _ => Ok(()),
    }
}
