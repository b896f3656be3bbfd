//! What names are made of, copied out of the engine.

use crate::Engine;
use model::dns::{NameData, NameRecord};
use model::lease::{Lease6, LeaseState, Reservation6, ReservedFor, ReservedFor6};
use model::network::{Mode, Subnet};
use model::network6::Subnet6;
use model::{HardwareAddress, Lease, Now};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
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
    pub subnet: Prefix,
    /// Our address in it.
    pub server: IpAddr,
    /// Below which name its machines are.
    pub domain: Option<String>,
}

/// The subnet of a network, of either family.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prefix {
    /// Of IPv4.
    V4(Subnet),
    /// Of IPv6.
    V6(Subnet6),
}

impl Prefix {
    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4(subnet), IpAddr::V4(address)) => subnet.contains(address),
            (Self::V6(subnet), IpAddr::V6(address)) => subnet.contains(address),
            _ => false,
        }
    }

    /// How many bits it fixes.
    pub fn length(&self) -> u8 {
        match self {
            Self::V4(subnet) => subnet.prefix,
            Self::V6(subnet) => subnet.prefix,
        }
    }

    /// The address after the one that means the subnet itself.
    pub fn first_host(&self) -> IpAddr {
        match self {
            Self::V4(s) => Ipv4Addr::from(u32::from(s.address).saturating_add(1)).into(),
            Self::V6(s) => Ipv6Addr::from(u128::from(s.address).saturating_add(1)).into(),
        }
    }
}

/// An address, whose it is, and what it may be called.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holding {
    /// The address.
    pub address: IpAddr,
    /// Whose; none where only the client's identifier is known.
    pub hardware: Option<HardwareAddress>,
    /// The client's identifier, of DHCPv6.
    pub duid: Option<Vec<u8>>,
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
            subnet: Prefix::V4(network.subnet),
            server: network.server.into(),
            domain: network.domain.clone(),
        });
        let places6 = self.settings.networks6.iter().map(|network| Place {
            interface: network.interface.clone(),
            subnet: Prefix::V6(network.subnet),
            server: network.server.into(),
            domain: network.domain.clone(),
        });
        let mut holdings = self.holdings(now);
        holdings.extend(self.holdings6(now));
        Facts {
            at: now,
            server: self.settings.server_name.clone(),
            places: places.chain(places6).collect(),
            holdings,
            records: self.name_records().filter_map(|(name, record)| own(name, record)).collect(),
        }
    }

    fn holdings(&self, now: Now) -> Vec<Holding> {
        let (mut leased, mut all) = (BTreeSet::new(), Vec::new());
        for lease in self.leases.iter().filter(|l| l.state == LeaseState::Bound && l.holds(now)) {
            leased.insert(lease.address);
            let reservation = self.leases.reservation(lease.address);
            let ours = reservation.filter(|kept| is_of(&kept.holder, lease));
            all.push(Holding {
                address: lease.address.into(),
                hardware: Some(lease.hardware),
                duid: None,
                since: lease.since,
                until: lease.until,
                reserved: ours.is_some(),
                reserved_name: ours.and_then(|kept| kept.host_name.clone()),
                machine_name: self.name_of(Some(&lease.hardware)),
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
                duid: None,
                since: kept.since,
                until: None,
                reserved: true,
                reserved_name: kept.host_name.clone(),
                machine_name: self.name_of(hardware.as_ref()),
                said: None,
            });
        }
        all
    }

    fn holdings6(&self, now: Now) -> Vec<Holding> {
        let mut kept: BTreeMap<Ipv6Addr, &Reservation6> =
            self.reservations6().map(|kept| (kept.address, kept)).collect();
        let mut all = Vec::new();
        for lease in self.newest6(now) {
            let ours = kept
                .remove(&lease.address)
                .filter(|kept| crate::lease6::is_of(&kept.holder, lease));
            all.push(Holding {
                address: lease.address.into(),
                hardware: lease.hardware,
                duid: Some(lease.duid.clone()),
                since: lease.since,
                until: lease.until,
                reserved: ours.is_some(),
                reserved_name: ours.and_then(|kept| kept.host_name.clone()),
                machine_name: self.name_of(lease.hardware.as_ref()),
                said: lease.host_name.clone(),
            });
        }
        for kept in kept.into_values() {
            let (hardware, duid) = match &kept.holder {
                ReservedFor6::Mac(hardware) => (Some(*hardware), None),
                ReservedFor6::Duid(duid) => (None, Some(duid.clone())),
                ReservedFor6::Uuid(_) => (None, None),
            };
            all.push(Holding {
                address: kept.address.into(),
                hardware,
                duid,
                since: kept.since,
                until: None,
                reserved: true,
                reserved_name: kept.host_name.clone(),
                machine_name: self.name_of(hardware.as_ref()),
                said: None,
            });
        }
        all
    }

    /// Firmware, loader and system have an address each over IPv6 (Q44), but the machine is where it
    /// spoke last: of its leases in a network only the one that was given or renewed last has its name.
    fn newest6(&self, now: Now) -> impl Iterator<Item = &Lease6> {
        let mut newest = BTreeMap::new();
        for lease in self.leases6().filter(|l| l.state == LeaseState::Bound && l.holds(now)) {
            let duid = lease.duid.as_slice();
            let who =
                (lease.network.as_str(), lease.hardware, lease.hardware.map_or(duid, |_| &[]));
            let last = |lease: &Lease6| (lease.until.is_none(), lease.until, lease.since);
            let kept = newest.entry(who).or_insert(lease);
            if last(lease) >= last(kept) {
                *kept = lease;
            }
        }
        newest.into_values()
    }

    fn name_of(&self, hardware: Option<&HardwareAddress>) -> Option<String> {
        hardware.and_then(|hardware| self.machines.get(hardware)?.name.clone())
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
