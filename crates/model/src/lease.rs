//! Addresses and who has them.

use crate::address::HardwareAddress;
use crate::time::Now;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

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
}

impl Lease {
    /// Whether nobody else may have the address at this moment.
    pub fn holds(&self, now: Now) -> bool {
        self.state != LeaseState::Released && self.until.is_none_or(|until| until > now)
    }
}
