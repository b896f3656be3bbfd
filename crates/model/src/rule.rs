//! Rules and profiles: which machine boots what.

use crate::address::{HardwareAddress, Uuid};
use crate::client::{Arch, Firmware};
use crate::image::{Channel, Wanted};
use crate::setting::Layer;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An image with what an operator adds to it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Name, `[a-z0-9._-]+`.
    pub name: String,
    /// The image.
    pub image: String,
    /// A pinned version; without one, what the channel shows.
    pub version: Option<u32>,
    /// The channel that is followed.
    #[serde(default)]
    pub channel: Channel,
    /// Kernel arguments, after those of the image.
    pub args: String,
    /// The answer files of an installation: templates `TEMPLATE.FORMAT`. Without one it boots
    /// interactively or live only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// What its templates are told, over the defaults of the configuration and under what the machine
    /// itself has.
    #[serde(default, skip_serializing_if = "Layer::is_empty")]
    pub settings: Layer,
}

impl Profile {
    /// Which version of its image it wants.
    pub fn wanted(&self) -> Wanted {
        self.version.map_or(Wanted::Channel(self.channel), Wanted::Version)
    }
}

/// What a rule demands of a machine. A fact that is not known does not match.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// The first bytes of its MAC.
    Mac(MacPrefix),
    /// Its UUID.
    Uuid(Uuid),
    /// Its serial number, exactly.
    Serial(String),
    /// Its architecture.
    Arch(Arch),
    /// Its firmware.
    Firmware(Firmware),
    /// Option 60 begins so.
    VendorClass(String),
    /// The interface it is on.
    Network(String),
    /// The relay port it is behind (option 82.1), shown text.
    Circuit(String),
    /// At least so many MiB of memory.
    Memory(u64),
    /// A disk of at least so many bytes, by its report.
    Disk(u64),
    /// Its processor's name holds this, by its report.
    Cpu(String),
    /// A label of the operator.
    Label(String, String),
}

/// One to six bytes of a MAC.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MacPrefix(pub Vec<u8>);

impl MacPrefix {
    /// Whether the address begins so.
    pub fn matches(&self, hardware: &HardwareAddress) -> bool {
        hardware.kind() == 1 && hardware.bytes().starts_with(&self.0)
    }
}

impl fmt::Display for MacPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: Vec<String> = self.0.iter().map(|b| format!("{b:02x}")).collect();
        f.write_str(&text.join(":"))
    }
}

impl std::str::FromStr for MacPrefix {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
        match crate::address::hex(&digits) {
            Some(bytes) if (1..=6).contains(&bytes.len()) => Ok(Self(bytes)),
            _ => Err(format!("`{text}` is no MAC or beginning of one: write it like 52:54:00")),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(prefix) => write!(f, "mac={prefix}"),
            Self::Uuid(uuid) => write!(f, "uuid={uuid}"),
            Self::Serial(serial) => write!(f, "serial={serial}"),
            Self::Arch(arch) => write!(f, "arch={arch}"),
            Self::Firmware(firmware) => write!(f, "firmware={firmware}"),
            Self::VendorClass(class) => write!(f, "vendor-class={class}"),
            Self::Network(name) => write!(f, "network={name}"),
            Self::Circuit(id) => write!(f, "circuit={id}"),
            Self::Memory(mib) => write!(f, "memory>={mib}MiB"),
            Self::Disk(bytes) => write!(f, "disk>={}", crate::event::show_bytes(*bytes)),
            Self::Cpu(word) => write!(f, "cpu={word}"),
            Self::Label(key, value) => write!(f, "label {key}={value}"),
        }
    }
}

/// Conditions that lead to a profile. Rules are tried in order; the first that matches wins.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its number: what operators name it by, for its life.
    pub id: u32,
    /// All must hold; none means everybody.
    pub conditions: Vec<Condition>,
    /// What it leads to.
    pub profile: String,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {} (", self.id)?;
        if self.conditions.is_empty() {
            f.write_str("everybody")?;
        }
        for (i, condition) in self.conditions.iter().enumerate() {
            write!(f, "{}{condition}", if i > 0 { ", " } else { "" })?;
        }
        write!(f, " → {})", self.profile)
    }
}
