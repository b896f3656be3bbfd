//! What names are made of, copied out of the engine.

use crate::Engine;
use model::dns::{NameData, NameRecord};
use model::lease::{LeaseState, ReservedFor};
use model::network::{Mode, Subnet};
use model::{HardwareAddress, Lease, Now};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use wire::dns::{Data, Name};

/// Everything that names are made of, at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The moment.
    pub at: Now,
    /// What the server is called.
    pub server: String,
    /// The networks.
    pub places: Vec<Place>,
    /// Who has which address.
    pub holdings: Vec<Holding>,
    /// What operators added.
    pub records: Vec<OwnRecord>,
}

/// A network, as far as names go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// Its interface.
    pub interface: String,
    /// Who is asked from there, and whose addresses are named.
    pub subnet: Subnet,
    /// Our address in it.
    pub server: Ipv4Addr,
    /// Below which name its machines are.
    pub domain: Option<String>,
}

/// An address, whose it is, and what it may be called.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holding {
    /// The address.
    pub address: IpAddr,
    /// Whose; none for a reservation that knows its client otherwise.
    pub hardware: Option<HardwareAddress>,
    /// Since when.
    pub since: Now,
    /// Until when; none is for ever.
    pub until: Option<Now>,
    /// Whether an operator promised it: then it lasts.
    pub reserved: bool,
    /// What its reservation calls it.
    pub reserved_name: Option<String>,
    /// What an operator called the machine.
    pub machine_name: Option<String>,
    /// What the client calls itself.
    pub said: Option<String>,
}

/// A record that an operator added.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnRecord {
    /// Whose.
    pub name: Name,
    /// For how many seconds it may be remembered.
    pub ttl_s: u32,
    /// What.
    pub data: Data,
}

impl Engine {
    /// What names are made of at this moment.
    pub fn name_facts(&self, now: Now) -> Facts {
        let networks = self.settings.networks.iter().filter(|n| n.mode != Mode::Off);
        let places = networks.map(|network| Place {
            interface: network.interface.clone(),
            subnet: network.subnet,
            server: network.server,
            domain: network.domain.clone(),
        });
        Facts {
            at: now,
            server: self.settings.server_name.clone(),
            places: places.collect(),
            holdings: self.holdings(now),
            records: self.name_records().filter_map(|(name, record)| own(name, record)).collect(),
        }
    }

    fn holdings(&self, now: Now) -> Vec<Holding> {
        let name_of = |hardware: &HardwareAddress| {
            self.machines.get(hardware).and_then(|machine| machine.name.clone())
        };
        let mut leased = BTreeSet::new();
        let mut all = Vec::new();
        for lease in self.leases.iter().filter(|l| l.state == LeaseState::Bound && l.holds(now)) {
            leased.insert(lease.address);
            let reservation = self.leases.reservation(lease.address);
            let ours = reservation.filter(|kept| is_of(&kept.holder, lease));
            all.push(Holding {
                address: lease.address.into(),
                hardware: Some(lease.hardware),
                since: lease.since,
                until: lease.until,
                reserved: ours.is_some(),
                reserved_name: ours.and_then(|kept| kept.host_name.clone()),
                machine_name: name_of(&lease.hardware),
                said: lease.host_name.clone(),
            });
        }
        for kept in self.leases.reservations().filter(|kept| !leased.contains(&kept.address)) {
            let hardware = match &kept.holder {
                ReservedFor::Mac(hardware) => Some(*hardware),
                _ => None,
            };
            all.push(Holding {
                address: kept.address.into(),
                hardware,
                since: kept.since,
                until: None,
                reserved: true,
                reserved_name: kept.host_name.clone(),
                machine_name: hardware.as_ref().and_then(name_of),
                said: None,
            });
        }
        all
    }
}

/// Whether a lease is the one that a reservation promised. Where that cannot be told from the lease, it
/// is: nobody else is given the address.
fn is_of(holder: &ReservedFor, lease: &Lease) -> bool {
    match holder {
        ReservedFor::Mac(hardware) => *hardware == lease.hardware,
        ReservedFor::ClientId(id) => lease.client_id.as_ref() == Some(id),
        ReservedFor::Uuid(_) | ReservedFor::Circuit { .. } => true,
    }
}

/// A record as it is answered. What was kept was checked; a name that could not be is not answered.
fn own(name: &str, record: &NameRecord) -> Option<OwnRecord> {
    let data = match &record.data {
        NameData::A(address) => Data::A(*address),
        NameData::Aaaa(address) => Data::Aaaa(*address),
        NameData::Cname(target) => Data::Cname(Name::parse(target)?),
        NameData::Txt(text) => Data::Txt(text.as_bytes().to_vec()),
        NameData::Srv { priority, weight, port, target } => Data::Srv {
            priority: *priority,
            weight: *weight,
            port: *port,
            target: Name::parse(target)?,
        },
    };
    Some(OwnRecord { name: Name::parse(name)?, ttl_s: record.ttl_s, data })
}
