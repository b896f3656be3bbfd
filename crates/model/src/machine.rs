//! Machines: what is known over time.

use crate::address::{HardwareAddress, Uuid};
use crate::client::{Arch, Firmware, named};
use crate::option::DhcpOption;
use crate::time::Now;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

named! {
    /// Whether a machine may boot what the rules give it.
    Life: "state" {
        /// Has appeared by itself; nobody has said anything about it.
        Pending = "pending",
        /// An operator knows it.
        Approved = "approved",
        /// An operator forbade it: it is told so and goes on to its local disk.
        Blocked = "blocked",
        /// Taken out of service.
        Retired = "retired",
    }
}

/// A machine, by everything it ever said of itself.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The address it is filed under: the first it was seen with.
    pub hardware: HardwareAddress,
    /// Given by an operator.
    pub name: Option<String>,
    /// Option 97, or what its script request said.
    pub uuid: Option<Uuid>,
    /// Serial number from its script request.
    pub serial: Option<String>,
    /// Last known architecture.
    pub arch: Option<Arch>,
    /// Last known firmware.
    pub firmware: Option<Firmware>,
    /// Memory in MiB, if it ever told.
    pub memory_mib: Option<u64>,
    /// Option 60 of its firmware, shown.
    pub vendor_class: Option<String>,
    /// Where it was last heard.
    pub link: String,
    /// When it was first heard.
    pub first_seen: Now,
    /// When it was last heard (kept on disk with a minute's grain).
    pub last_seen: Now,
    /// What it may do.
    pub life: Life,
    /// Its own profile, which outranks rules.
    pub profile: Option<String>,
    /// The operator's words about it, usable in rules.
    pub labels: BTreeMap<String, String>,
    /// DHCP options for it alone; they outrank its network's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<DhcpOption>,
}

impl Machine {
    /// A machine of which only the address is known.
    pub fn new(hardware: HardwareAddress, now: Now) -> Self {
        Self {
            hardware,
            name: None,
            uuid: None,
            serial: None,
            arch: None,
            firmware: None,
            memory_mib: None,
            vendor_class: None,
            link: String::new(),
            first_seen: now,
            last_seen: now,
            life: Life::Pending,
            profile: None,
            labels: BTreeMap::new(),
            options: Vec::new(),
        }
    }

    /// Its name, or its hardware address.
    pub fn shown(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.hardware.to_string())
    }

    /// Six digits that stand on a pending machine's screen and in the operator's list, so that
    /// two identical boxes can be told apart. Derived, not secret: it proves nothing.
    pub fn code(&self) -> String {
        code_of(&self.hardware)
    }
}

/// See [`Machine::code`].
pub fn code_of(hardware: &HardwareAddress) -> String {
    // FNV-1a, 32 bit: a short fixed mix that needs no library.
    let mut mixed: u32 = 0x811c_9dc5;
    for byte in hardware.bytes() {
        mixed = (mixed ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    }
    format!("{:03}-{:03}", mixed % 1000, mixed / 1000 % 1000)
}
