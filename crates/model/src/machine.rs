//! Machines: what is known over time.

use crate::address::{HardwareAddress, Uuid};
use crate::client::{Arch, Firmware};
use crate::labels::Labels;
use crate::life::{Illegal, Life, Move};
use crate::option::DhcpOption;
use crate::quirk::Pin;
use crate::setting::Layer;
use crate::time::Now;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A machine, by everything it ever said of itself.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The address it is filed under: the first it was seen with.
    pub hardware: HardwareAddress,
    /// Its other addresses: every further card that it boots by. An operator says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<HardwareAddress>,
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
    /// What it may do. Only [`Machine::moved`] changes it.
    life: Life,
    /// Its own profile, which outranks rules.
    pub profile: Option<String>,
    /// The operator's words about it, usable in rules.
    pub labels: Labels,
    /// DHCP options for it alone; they outrank its network's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<DhcpOption>,
    /// What templates are told about it alone.
    #[serde(default, skip_serializing_if = "Layer::is_empty")]
    pub settings: Layer,
    /// Which quirks an operator says it has or has not, by their ids (`quirk-07`); of all others
    /// its fingerprint decides.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quirks: BTreeMap<String, Pin>,
    /// The operator's remarks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// By which its disks are known as installed by us: what `done` reported, newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
}

/// So many disks of a machine are remembered as ours.
pub const MARKS_MAX: usize = 8;
/// So many further addresses a machine may have.
pub const ALSO_MAX: usize = 15;

impl Machine {
    /// A machine of which only the address is known.
    pub fn new(hardware: HardwareAddress, now: Now) -> Self {
        Self {
            hardware,
            also: Vec::new(),
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
            labels: Labels::new(),
            options: Vec::new(),
            settings: Layer::new(),
            quirks: BTreeMap::new(),
            notes: String::new(),
            marks: Vec::new(),
        }
    }

    /// What it may do.
    pub fn life(&self) -> Life {
        self.life
    }

    /// The same machine after a move of its life, if it may make it.
    pub fn moved(&self, step: Move) -> Result<Self, Illegal> {
        Ok(Self { life: self.life.after(step)?, ..self.clone() })
    }

    /// All its addresses, the one it is filed under first.
    pub fn addresses(&self) -> impl Iterator<Item = HardwareAddress> {
        std::iter::once(self.hardware).chain(self.also.iter().copied())
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
