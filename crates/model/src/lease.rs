//! Addresses and who has them.

use crate::address::{HardwareAddress, Uuid};
use crate::text::show;
use crate::time::Now;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// An address bound to a client for a time; what an ACK promises.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// Interface of the network it belongs to.
    pub network: String,
    /// Whose it is.
    pub hardware: HardwareAddress,
    /// Option 61 that it was last asked with.
    pub client_id: Option<Vec<u8>>,
    /// Option 12, shown.
    pub host_name: Option<String>,
    /// When it was first given.
    pub since: Now,
    /// When it ends; `None` is never.
    pub until: Option<Now>,
    /// Bound, given back, or refused by a client.
    pub state: LeaseState,
}

/// Where a lease is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeaseState {
    /// Promised by an ACK.
    Bound,
    /// Given back by its client (DHCPRELEASE); kept so that the client gets it again.
    Released,
    /// A client found somebody else using it (DHCPDECLINE): nobody gets it until it ends.
    Declined,
    /// Somebody else answered for it before we offered it (`hardware` is theirs, if it is known):
    /// nobody gets it until it ends.
    Conflict,
}

/// An address promised to one client, leased or not.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Reservation {
    /// The address. It may lie outside the pools; nobody else gets it.
    pub address: Ipv4Addr,
    /// For whom.
    pub holder: ReservedFor,
    /// Option 12 of its replies.
    pub host_name: Option<String>,
    /// When it was made.
    pub since: Now,
}

/// By what a reservation knows its client.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReservedFor {
    /// `htype` and `chaddr`.
    Mac(HardwareAddress),
    /// Option 61.
    ClientId(Vec<u8>),
    /// Option 97.
    Uuid(Uuid),
    /// A port of a switch: option 82.1, behind this relay (`giaddr`) or any.
    Circuit {
        /// The relay, where circuit ids repeat from one to the next.
        relay: Option<Ipv4Addr>,
        /// Sub-option 1.
        id: Vec<u8>,
    },
}

impl fmt::Display for ReservedFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => write!(f, "{mac}"),
            Self::ClientId(id) => write!(f, "client id {}", show(id)),
            Self::Uuid(uuid) => write!(f, "UUID {uuid}"),
            Self::Circuit { relay: None, id } => write!(f, "circuit {}", show(id)),
            Self::Circuit { relay: Some(relay), id } => {
                write!(f, "circuit {} behind {relay}", show(id))
            }
        }
    }
}

/// An IPv6 address bound to one association of a client for a time; what a REPLY promises.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Lease6 {
    /// The address.
    pub address: Ipv6Addr,
    /// Interface of the network it belongs to.
    pub network: String,
    /// Whose it is: the client's identifier (option 1). All cards of a machine may share one.
    pub duid: Vec<u8>,
    /// Which of the client's associations. Firmware, loader and system have one each (Q44).
    pub iaid: u32,
    /// The card it asked by, where that could be told.
    pub hardware: Option<HardwareAddress>,
    /// The name it calls itself, shown.
    pub host_name: Option<String>,
    /// When it was first given.
    pub since: Now,
    /// When it ends; `None` is never.
    pub until: Option<Now>,
    /// Bound, given back, or refused by its client.
    pub state: LeaseState,
}

impl Lease6 {
    /// Whether nobody else may have the address at this moment.
    pub fn holds(&self, now: Now) -> bool {
        self.state != LeaseState::Released && self.until.is_none_or(|until| until > now)
    }
}

/// An IPv6 address promised to one client, leased or not.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Reservation6 {
    /// The address. It may lie outside the pools; nobody else gets it.
    pub address: Ipv6Addr,
    /// For whom.
    pub holder: ReservedFor6,
    /// The name that goes with it.
    pub host_name: Option<String>,
    /// When it was made.
    pub since: Now,
}

/// By what a reservation of an IPv6 address knows its client.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReservedFor6 {
    /// The card: as a relay says (RFC 6939), or as its link-local address or identifier shows.
    Mac(HardwareAddress),
    /// The client's identifier.
    Duid(Vec<u8>),
    /// The machine's UUID, where it identifies itself by that (RFC 6355).
    Uuid(Uuid),
}

impl fmt::Display for ReservedFor6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => write!(f, "{mac}"),
            Self::Duid(duid) => {
                write!(f, "DUID ")?;
                duid.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::Uuid(uuid) => write!(f, "UUID {uuid}"),
        }
    }
}

impl Lease {
    /// Whether nobody else may have the address at this moment.
    pub fn holds(&self, now: Now) -> bool {
        self.state != LeaseState::Released && self.until.is_none_or(|until| until > now)
    }
}
