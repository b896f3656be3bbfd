//! How a client shows what it is, what it was seen to do, and what an operator says of its quirks.
//!
//! The quirks themselves, and whom each of them fits, are data of the crate `quirks`.

use crate::address::HardwareAddress;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// So many options of a client's list are kept in its fingerprint; the longest list of known
/// firmware has 36.
pub const PARAMETERS_MAX: usize = 64;

/// What a client's messages show of the program that wrote them: nothing of whose machine it is.
#[derive(
    Clone, Debug, Default, Eq, PartialEq, Hash, Ord, PartialOrd, Serialize, Deserialize, JsonSchema,
)]
pub struct Fingerprint {
    /// Option 60, shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_class: Option<String>,
    /// Option 55, in the order of the client; the first [`PARAMETERS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<u8>,
    /// Option 93.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub archs: Vec<u16>,
    /// Option 94: type, major, minor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ndi: Option<[u8; 3]>,
    /// What option 97 looks like.
    #[serde(default)]
    pub uuid: UuidForm,
    /// Option 77, shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_class: Option<String>,
    /// Option 77 is a list with lengths, as RFC 3004 wants it, and no bare text.
    #[serde(default)]
    pub user_class_list: bool,
    /// Option 175 is there.
    #[serde(default)]
    pub ipxe: bool,
    /// Who made the card: the first half of an Ethernet address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oui: Option<[u8; 3]>,
    /// `htype`.
    #[serde(default)]
    pub hardware_type: u8,
    /// `hlen`.
    #[serde(default)]
    pub hardware_length: u8,
    /// Length of the message in bytes.
    #[serde(default)]
    pub size: u16,
    /// Option 57.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_message: Option<u16>,
    /// The BROADCAST flag is set.
    #[serde(default)]
    pub broadcast: bool,
    /// Its host name ends with a NUL.
    #[serde(default)]
    pub terminates: bool,
}

/// What option 97 looks like. Its value would tell whose machine it is.
#[derive(
    Clone, Debug, Default, Eq, PartialEq, Hash, Ord, PartialOrd, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum UuidForm {
    /// Not there.
    #[default]
    Absent,
    /// 16 bytes behind a zero.
    Guid,
    /// 16 bytes behind a zero, and the first four of them are the name of a board: `RPi4`.
    Board(String),
    /// Anything else; its length.
    Odd(usize),
}

/// What a client was seen to do.
#[derive(
    Clone, Copy, Debug, Eq, PartialEq, Hash, Ord, PartialOrd, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// A third DISCOVER of one transaction, though the ones before were answered.
    UnheardOffers,
    /// It came to port 4011.
    AskedOn4011,
    /// It asked for a file by a name of ours with rubbish behind it.
    RubbishBehindName,
    /// It repeated its class in no REQUEST.
    ClassOnlyOnce,
}

impl Seen {
    /// In words, as what "it" did.
    pub fn words(self) -> &'static str {
        match self {
            Self::UnheardOffers => "it took none of three offers in a row",
            Self::AskedOn4011 => "it came to port 4011",
            Self::RubbishBehindName => "it asked for a name of ours with rubbish behind it",
            Self::ClassOnlyOnce => "it says its class in the DISCOVER only",
        }
    }
}

/// What an operator says of a quirk of one machine.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pin {
    /// It has it, whatever it looks like.
    On,
    /// It does not have it, whatever it looks like.
    Off,
    /// What it looks like decides.
    #[default]
    Auto,
}

impl Pin {
    /// As operators write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Auto => "auto",
        }
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Pin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::On, Self::Off, Self::Auto];
        let found = all.into_iter().find(|pin| pin.name() == text);
        found.ok_or_else(|| {
            format!("a quirk is on, off or auto, not `{}`", crate::text::show(text.as_bytes()))
        })
    }
}

/// The maker's part of an Ethernet address; none for other hardware.
pub fn oui(hardware: &HardwareAddress) -> Option<[u8; 3]> {
    hardware.as_mac().map(|[a, b, c, ..]| [a, b, c])
}

impl Fingerprint {
    /// Of somebody of whom only the hardware address is known.
    pub fn of_hardware(hardware: &HardwareAddress) -> Self {
        Self {
            oui: oui(hardware),
            hardware_type: hardware.kind(),
            hardware_length: u8::try_from(hardware.bytes().len()).unwrap_or(u8::MAX),
            ..Self::default()
        }
    }

    /// The same without anything that could tell one machine from another of its kind: digits of
    /// serial numbers in texts, and the length of a message, which names in it change.
    #[must_use]
    pub fn masked(&self) -> Self {
        Self {
            vendor_class: self.vendor_class.as_deref().map(mask),
            user_class: self.user_class.as_deref().map(mask),
            size: 0,
            ..self.clone()
        }
    }
}

/// Words of more than this are shown in a report only if they have no digit.
const WORD_MAX: usize = 5;

/// `sn:FOC1234X0AB` becomes `sn:#`. What the standards number stays: `Arch:00007:UNDI:003016`.
fn mask(text: &str) -> String {
    let (mut out, mut word, mut before) = (String::new(), String::new(), String::new());
    for c in text.chars().chain(std::iter::once('\n')) {
        if c.is_alphanumeric() {
            word.push(c);
            continue;
        }
        let numbered = matches!(before.as_str(), "Arch" | "UNDI");
        let serial = word.len() > WORD_MAX && word.chars().any(|c| c.is_ascii_digit());
        match serial && !numbered {
            true => out.push('#'),
            false => out.push_str(&word),
        }
        before = std::mem::take(&mut word);
        if c != '\n' {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_kinds_and_no_machines() {
        for (text, shown) in [
            ("PXEClient:Arch:00007:UNDI:003016", "PXEClient:Arch:00007:UNDI:003016"),
            ("Cisco;pid:N9K-C93180;sn:FDO22320ABC", "Cisco;pid:N9K-#;sn:#"),
            ("anaconda-Linux 5.14 x86_64", "anaconda-Linux 5.14 x86_64"),
            ("UNDI:12345678:99887766", "UNDI:12345678:#"),
        ] {
            assert_eq!(mask(text), shown);
        }
    }

    #[test]
    fn pins_are_read_back() {
        for pin in [Pin::On, Pin::Off, Pin::Auto] {
            assert_eq!(pin.name().parse(), Ok(pin));
        }
        assert!("yes".parse::<Pin>().unwrap_err().contains("on, off or auto"));
    }
}
