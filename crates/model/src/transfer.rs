//! Files on their way to machines, as they can be looked at while they go.

use crate::address::HardwareAddress;
use crate::event::Carrier;
use crate::time::Now;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// One file on its way.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TransferNow {
    /// Name as asked, shown.
    pub file: String,
    /// How.
    pub by: Carrier,
    /// To where.
    pub to: IpAddr,
    /// To whom, where that is known.
    pub machine: Option<HardwareAddress>,
    /// The interface.
    pub link: String,
    /// Bytes to send.
    pub size: u64,
    /// Bytes sent so far: confirmed by the client (TFTP), or taken by the network (HTTP).
    pub sent: u64,
    /// Blocks sent again (TFTP).
    pub again: u64,
    /// When it was asked for.
    pub started: Now,
    /// Bytes in a second, lately.
    pub bytes_per_s: u64,
    /// It waits for its turn, with a trickle meanwhile: more machines load than can be served at
    /// full speed.
    pub waiting: bool,
}

impl TransferNow {
    /// Whole seconds until the rest has gone at the rate of lately; none while nothing goes.
    #[must_use]
    pub fn left_s(&self) -> Option<u64> {
        self.size.saturating_sub(self.sent).checked_div(self.bytes_per_s)
    }
}

/// What went out since the start, by one carrier.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Bytes of files, those of transfers that run included.
    pub bytes: u64,
    /// Transfers that arrived.
    pub done: u64,
    /// Transfers that ended early.
    pub failed: u64,
    /// Blocks sent again (TFTP).
    pub again: u64,
}

/// All files on their way, and what was.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Transfers {
    /// Those that run, oldest first.
    pub now: Vec<TransferNow>,
    /// By TFTP.
    pub tftp: Totals,
    /// By HTTP and HTTPS.
    pub http: Totals,
}
