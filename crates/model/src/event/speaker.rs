//! Who spoke, in the DHCP message behind an event.

use crate::address::HardwareAddress;
use crate::client::{Arch, Firmware, Stage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What the DHCP message behind an event said of its sender: enough to tell which program of which
/// boot it was, and whether it said so before.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Speaker {
    /// The card that spoke. A machine with several is filed under one of them.
    pub card: HardwareAddress,
    /// Which program.
    pub stage: Stage,
    /// How it wants to be answered.
    pub firmware: Firmware,
    /// For which processor, where it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<Arch>,
    /// Option 60, shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_class: Option<String>,
    /// The relay it was heard through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay: Option<IpAddr>,
    /// The server it named (option 54).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<IpAddr>,
    /// The port it asked on: 67, or 4011 of PXE.
    pub port: u16,
    /// Its own number of the exchange (`xid`).
    pub exchange: u32,
    /// Seconds since it began to ask, as it counts them (`secs`).
    pub asking_s: u16,
    /// It has its address and only keeps it (RFC 2131, 4.3.2: RENEWING, REBINDING).
    pub renews: bool,
}
