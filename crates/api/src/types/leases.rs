//! Leases and reservations: who has which address, who had it, and who is promised one.

use super::moment;
use engine::Command;
use model::address::hex_of;
use model::lease::{Lease6, LeaseState, Reservation, Reservation6, ReservedFor, ReservedFor6};
use model::{HardwareAddress, Lease, Machine, Now, Uuid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};

/// A lease, of IPv4 or of IPv6.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeaseView {
    /// Address.
    pub address: String,
    /// Whose; `null` where a client of IPv6 could not be told by its card.
    pub mac: Option<String>,
    /// The machine's name, if it has one.
    pub machine: Option<String>,
    /// What it calls itself.
    pub host_name: Option<String>,
    /// Interface.
    pub network: String,
    /// `bound`, `released`, `declined`, `conflict`, or `expired`.
    pub state: String,
    /// First given.
    pub since: String,
    /// When it ends; `null` is never.
    pub until: Option<String>,
    /// Option 61 in hexadecimal digits; of IPv4 only.
    pub client_id: Option<String>,
    /// The client's identifier in hexadecimal digits; of IPv6 only. All cards of a machine may share one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duid: Option<String>,
    /// Which of the client's associations has the address; of IPv6 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iaid: Option<u32>,
}

/// How a lease stands: one that nobody renewed is `expired`.
fn standing(state: LeaseState, until: Option<Now>, now: Now) -> String {
    let state = match state {
        LeaseState::Released => "released",
        _ if until.is_some_and(|until| until <= now) => "expired",
        LeaseState::Bound => "bound",
        LeaseState::Declined => "declined",
        LeaseState::Conflict => "conflict",
    };
    state.to_owned()
}

impl LeaseView {
    /// A lease of IPv6 as it is now.
    pub fn new6(lease: &Lease6, machine: Option<&Machine>, now: Now) -> Self {
        Self {
            address: lease.address.to_string(),
            mac: lease.hardware.map(|hardware| hardware.to_string()),
            machine: machine.and_then(|m| m.name.clone()),
            host_name: lease.host_name.clone(),
            network: lease.network.clone(),
            state: standing(lease.state, lease.until, now),
            since: moment(lease.since),
            until: lease.until.map(moment),
            client_id: None,
            duid: Some(hex_of(&lease.duid)),
            iaid: Some(lease.iaid),
        }
    }

    /// A lease of IPv4 as it is now.
    pub fn new(lease: &Lease, machine: Option<&Machine>, now: Now) -> Self {
        Self {
            address: lease.address.to_string(),
            mac: Some(lease.hardware.to_string()),
            machine: machine.and_then(|m| m.name.clone()),
            host_name: lease.host_name.clone(),
            network: lease.network.clone(),
            state: standing(lease.state, lease.until, now),
            since: moment(lease.since),
            until: lease.until.map(moment),
            client_id: lease.client_id.as_deref().map(hex_of),
            duid: None,
            iaid: None,
        }
    }
}

fn bytes(what: &str, digits: &str) -> Result<Vec<u8>, String> {
    model::address::hex(digits)
        .filter(|bytes| !bytes.is_empty())
        .ok_or_else(|| format!("{what} is written in pairs of hexadecimal digits"))
}

/// Who had an address, or what addresses a machine had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeaseHistory {
    /// As things stand; empty if there is no lease now.
    pub now: Vec<LeaseView>,
    /// Before, latest first; `until` is when it ended.
    pub before: Vec<LeaseView>,
}

/// For whom an address is reserved.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HolderText {
    /// By hardware address.
    Mac(HardwareAddress),
    /// By option 61, in hexadecimal digits; of IPv4 only.
    ClientId(String),
    /// By the identifier of a client of IPv6, in hexadecimal digits.
    Duid(String),
    /// By UUID: option 97, or of IPv6 an identifier that is one.
    Uuid(Uuid),
    /// By the port of a switch (option 82.1); of IPv4 only.
    #[serde(rename_all = "kebab-case")]
    Circuit {
        /// In hexadecimal digits.
        id: String,
        /// Behind this relay only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relay: Option<Ipv4Addr>,
    },
}

impl From<&ReservedFor> for HolderText {
    fn from(holder: &ReservedFor) -> Self {
        match holder {
            ReservedFor::Mac(mac) => Self::Mac(*mac),
            ReservedFor::ClientId(id) => Self::ClientId(hex_of(id)),
            ReservedFor::Uuid(uuid) => Self::Uuid(*uuid),
            ReservedFor::Circuit { relay, id } => Self::Circuit { id: hex_of(id), relay: *relay },
        }
    }
}

impl From<&ReservedFor6> for HolderText {
    fn from(holder: &ReservedFor6) -> Self {
        match holder {
            ReservedFor6::Mac(mac) => Self::Mac(*mac),
            ReservedFor6::Duid(duid) => Self::Duid(hex_of(duid)),
            ReservedFor6::Uuid(uuid) => Self::Uuid(*uuid),
        }
    }
}

impl TryFrom<HolderText> for ReservedFor6 {
    type Error = String;
    fn try_from(text: HolderText) -> Result<Self, String> {
        let only = |what: &str| {
            Err(format!(
                "{what} names clients of IPv4; an IPv6 address is reserved by mac, duid or uuid"
            ))
        };
        match text {
            HolderText::Mac(mac) => Ok(Self::Mac(mac)),
            HolderText::Duid(duid) => Ok(Self::Duid(bytes("a DUID", &duid)?)),
            HolderText::Uuid(uuid) => Ok(Self::Uuid(uuid)),
            HolderText::ClientId(_) => only("a client id"),
            HolderText::Circuit { .. } => only("a circuit id"),
        }
    }
}

impl TryFrom<HolderText> for ReservedFor {
    type Error = String;
    fn try_from(text: HolderText) -> Result<Self, String> {
        Ok(match text {
            HolderText::Mac(mac) => Self::Mac(mac),
            HolderText::ClientId(id) => Self::ClientId(bytes("a client id", &id)?),
            HolderText::Uuid(uuid) => Self::Uuid(uuid),
            HolderText::Duid(_) => {
                let why = "a DUID names clients of IPv6; an IPv4 address is reserved by mac, client-id, uuid or circuit";
                return Err(why.to_owned());
            }
            HolderText::Circuit { id, relay } => {
                Self::Circuit { relay, id: bytes("a circuit id", &id)? }
            }
        })
    }
}

/// A promised address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReservationView {
    /// Address.
    pub address: String,
    /// For whom.
    pub holder: HolderText,
    /// For whom, in words.
    pub holder_shown: String,
    /// The name of the machine it is for, if it is known and has one.
    pub machine: Option<String>,
    /// The name that goes with it: of IPv4, option 12 of its replies.
    pub host_name: Option<String>,
    /// Interface of its network; `null` where no network has the address any more.
    pub network: Option<String>,
    /// Whether somebody holds a lease of it now.
    pub leased: bool,
    /// When it was made.
    pub since: String,
}

/// Promises an address. One reservation per address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservationWish {
    /// Address, of either family.
    pub address: IpAddr,
    /// For whom.
    pub holder: HolderText,
    /// The name that goes with it: of IPv4, option 12 of its replies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
}

impl ReservationWish {
    /// What is meant, made now.
    pub fn meant(self, now: Now) -> Result<Command, String> {
        let Self { address, holder, host_name } = self;
        let since = now;
        Ok(match address {
            IpAddr::V4(address) => {
                let holder = holder.try_into()?;
                Command::AddReservation(Reservation { address, holder, host_name, since })
            }
            IpAddr::V6(address) => {
                let holder = holder.try_into()?;
                Command::AddReservation6(Reservation6 { address, holder, host_name, since })
            }
        })
    }
}

impl From<Reservation> for ReservationWish {
    fn from(reservation: Reservation) -> Self {
        let Reservation { address, holder, host_name, .. } = reservation;
        Self { address: address.into(), holder: HolderText::from(&holder), host_name }
    }
}

/// Leases to take over from another server: so many at once.
pub const LEASES_MAX: usize = 10_000;

/// Takes leases of another server over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeasesWish {
    /// At most [`LEASES_MAX`].
    pub leases: Vec<LeaseWish>,
}

/// One lease of another server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseWish {
    /// Address.
    pub address: Ipv4Addr,
    /// Whose.
    pub mac: HardwareAddress,
    /// Option 61 in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// What the client calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
    /// When it was given.
    pub since: String,
    /// When it ends or ended; `null` is never. It has to be said.
    #[serde(deserialize_with = "Option::deserialize")]
    pub until: Option<String>,
    /// Whether the client gave it back: it is remembered then, and free.
    #[serde(default)]
    pub released: bool,
}

impl From<&Lease> for LeaseWish {
    fn from(lease: &Lease) -> Self {
        Self {
            address: lease.address,
            mac: lease.hardware,
            client_id: lease.client_id.as_deref().map(hex_of),
            host_name: lease.host_name.clone(),
            since: moment(lease.since),
            until: lease.until.map(moment),
            released: lease.state == LeaseState::Released,
        }
    }
}

impl LeaseWish {
    /// The lease that is meant; the engine says which network it belongs to.
    pub fn meant(self) -> Result<Lease, String> {
        let client_id = self.client_id.map(|id| bytes("a client id", &id)).transpose()?;
        Ok(Lease {
            address: self.address,
            network: String::new(),
            hardware: self.mac,
            client_id,
            host_name: self.host_name,
            since: self.since.parse()?,
            until: self.until.map(|until| until.parse()).transpose()?,
            state: if self.released { LeaseState::Released } else { LeaseState::Bound },
        })
    }
}

/// What became of leases that were to be taken over (or would become, in a dry run).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeasesTaken {
    /// In words.
    pub says: String,
    /// `false` for a dry run.
    pub done: bool,
    /// So many were taken over.
    pub taken: usize,
    /// The others.
    pub left: Vec<LeaseLeft>,
}

/// A lease that was not taken over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeaseLeft {
    /// Address.
    pub address: Ipv4Addr,
    /// The kind of reason; programs go by it.
    pub fate: Fate,
    /// In words.
    pub why: String,
}

/// Why a lease or reservation was not taken over.
#[derive(
    Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// We know it already.
    AlreadyThere,
    /// Somebody else holds the address here.
    Contradicts,
    /// No network that we give addresses of has it.
    Outside,
}
