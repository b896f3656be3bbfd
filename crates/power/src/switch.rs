//! What can be asked of a machine's power, and what comes back: the same words for every driver.
//!
//! In and out: values. Never: how a driver does it.

use std::fmt;

/// How power is to change. The names are those of Redfish (DSP0268, Resource.ResetType).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Switch on.
    On,
    /// Cut the power at once, whatever the system does.
    ForceOff,
    /// Ask the system to shut down. It may not hear it.
    GracefulShutdown,
    /// Restart at once, whatever the system does.
    ForceRestart,
    /// Cut the power, wait, and switch on again.
    PowerCycle,
}

impl Turn {
    /// Redfish's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::On => "On",
            Self::ForceOff => "ForceOff",
            Self::GracefulShutdown => "GracefulShutdown",
            Self::ForceRestart => "ForceRestart",
            Self::PowerCycle => "PowerCycle",
        }
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a machine is on, as its BMC says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PowerState {
    /// On.
    On,
    /// Off.
    Off,
    /// On its way to on.
    PoweringOn,
    /// On its way to off.
    PoweringOff,
    /// Suspended.
    Paused,
    /// The BMC does not say (null, or nothing).
    Unknown,
    /// A word that the standard does not have, shown.
    Other(String),
}

impl fmt::Display for PowerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::On => "on",
            Self::Off => "off",
            Self::PoweringOn => "powering on",
            Self::PoweringOff => "powering off",
            Self::Paused => "paused",
            Self::Unknown => "unknown",
            Self::Other(word) => word,
        })
    }
}

/// How far a change of power got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Packets left. Nobody confirms them: only the machine's own asking shows that it woke.
    Sent,
    /// The BMC did it. The machine itself may still be on its way.
    Done,
    /// The BMC took it on and does not tell how it ends.
    Accepted,
}

/// From where a machine boots once. The names are those of Redfish (ComputerSystem.BootSource).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootTarget {
    /// From the network, by PXE.
    Pxe,
    /// From the network, by UEFI HTTP Boot.
    UefiHttp,
    /// From the hard disk.
    Hdd,
    /// No override: takes back what was set.
    None,
}

impl BootTarget {
    /// Redfish's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pxe => "Pxe",
            Self::UefiHttp => "UefiHttp",
            Self::Hdd => "Hdd",
            Self::None => "None",
        }
    }
}

impl fmt::Display for BootTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// By which kind of firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootMode {
    /// UEFI.
    Uefi,
    /// BIOS.
    Legacy,
}

impl BootMode {
    /// Redfish's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uefi => "UEFI",
            Self::Legacy => "Legacy",
        }
    }
}

impl fmt::Display for BootMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What to boot at the next start, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootOnce {
    /// From where.
    pub target: BootTarget,
    /// By which firmware; none leaves it as it is.
    pub mode: Option<BootMode>,
    /// For [`BootTarget::UefiHttp`]: the URL to load, instead of what DHCP says.
    pub uri: Option<String>,
}

impl BootOnce {
    /// From this target, with mode and URL left alone.
    #[must_use]
    pub fn from(target: BootTarget) -> Self {
        Self { target, mode: None, uri: None }
    }
}

/// What a BMC says of the next boot after it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootSet {
    /// Its `BootSourceOverrideTarget`.
    pub target: Option<String>,
    /// Its `BootSourceOverrideEnabled`: `Once`, `Continuous` or `Disabled`.
    pub enabled: Option<String>,
    /// Its `BootSourceOverrideMode`.
    pub mode: Option<String>,
    /// Its `HttpBootUri`.
    pub uri: Option<String>,
    /// Whether that is what it was told. It took the request either way; some show it only at the
    /// next start.
    pub agrees: bool,
}
