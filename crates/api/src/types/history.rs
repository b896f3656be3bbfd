//! The last day in numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the server did lately. It begins anew with each start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryView {
    /// So many seconds lie between two samples.
    pub every_s: u64,
    /// Oldest first.
    pub samples: Vec<Sample>,
}

/// What happened in the time before `at`, and how things stood then.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// When it was taken.
    pub at: String,
    /// So many seconds it is of.
    pub seconds: u64,
    /// Bytes of files that went to machines.
    pub bytes: u64,
    /// Machines that were told to boot a system.
    pub boots: u64,
    /// DHCP messages that came.
    pub dhcp: u64,
    /// Installations that ended well.
    pub installed: u64,
    /// Installations that failed.
    pub failed: u64,
    /// Addresses that are leased.
    pub leases: u64,
}
