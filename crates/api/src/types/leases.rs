//! Leases and reservations: who has which address, who had it, and who is promised one.

use super::moment;
use model::lease::{LeaseState, Reservation, ReservedFor};
use model::{HardwareAddress, Lease, Machine, Now, Uuid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// A lease.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeaseView {
    /// Address.
    pub address: String,
    /// Whose.
    pub mac: String,
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
    /// Option 61 in hexadecimal digits.
    pub client_id: Option<String>,
}

impl LeaseView {
    /// A lease as it is now.
    pub fn new(lease: &Lease, machine: Option<&Machine>, now: Now) -> Self {
        let state = match lease.state {
            LeaseState::Released => "released",
            _ if lease.until.is_some_and(|until| until <= now) => "expired",
            LeaseState::Bound => "bound",
            LeaseState::Declined => "declined",
            LeaseState::Conflict => "conflict",
        };
        Self {
            address: lease.address.to_string(),
            mac: lease.hardware.to_string(),
            machine: machine.and_then(|m| m.name.clone()),
            host_name: lease.host_name.clone(),
            network: lease.network.clone(),
            state: state.to_owned(),
            since: moment(lease.since),
            until: lease.until.map(moment),
            client_id: lease.client_id.as_deref().map(hex),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
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
    /// By option 61, in hexadecimal digits.
    ClientId(String),
    /// By UUID (option 97).
    Uuid(Uuid),
    /// By the port of a switch (option 82.1).
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
            ReservedFor::ClientId(id) => Self::ClientId(hex(id)),
            ReservedFor::Uuid(uuid) => Self::Uuid(*uuid),
            ReservedFor::Circuit { relay, id } => Self::Circuit { id: hex(id), relay: *relay },
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
    /// Option 12 of its replies.
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
    /// Address.
    pub address: Ipv4Addr,
    /// For whom.
    pub holder: HolderText,
    /// Option 12 of its replies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
}

impl ReservationWish {
    /// The reservation that is meant, made now.
    pub fn meant(self, now: Now) -> Result<Reservation, String> {
        let Self { address, holder, host_name } = self;
        Ok(Reservation { address, holder: holder.try_into()?, host_name, since: now })
    }
}

impl From<Reservation> for ReservationWish {
    fn from(reservation: Reservation) -> Self {
        let Reservation { address, holder, host_name, .. } = reservation;
        Self { address, holder: HolderText::from(&holder), host_name }
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
            client_id: lease.client_id.as_deref().map(hex),
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
