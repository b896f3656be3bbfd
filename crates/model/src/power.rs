//! How the power of a machine is switched, as an operator set it.
//!
//! In: what an operator says. Out: the same as values. Never: a password, only the name of the secret
//! that has it; a command.

use crate::address::HardwareAddress;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::Ipv4Addr;

/// By which driver, and what that takes.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "driver", rename_all = "kebab-case")]
pub enum PowerSettings {
    /// Magic packets: switch on, and nothing else.
    WakeOnLan(WakeSettings),
    /// A BMC that speaks Redfish.
    Redfish(BmcSettings),
}

/// How magic packets reach a machine.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct WakeSettings {
    /// By which way.
    #[serde(default)]
    pub via: WakeVia,
    /// To which UDP port; 9 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The secret with the SecureOn password of its card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// Where magic packets are sent.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WakeVia {
    /// Where the machine was last heard.
    #[default]
    WhereHeard,
    /// Out of an interface of this host, to everybody on its link.
    Interface(String),
    /// To everybody on the link behind this relay.
    Relay(Ipv4Addr),
    /// To the broadcast address of a far network.
    Broadcast(Ipv4Addr),
}

/// A BMC, and how we are let in.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct BmcSettings {
    /// `https://10.0.0.5`, or with `insecure_http` `http://…`.
    pub url: String,
    /// The name of the account.
    pub user: String,
    /// The secret with its password.
    pub credential: String,
    /// SHA-256 of its certificate, as an operator confirmed it; none only over plain HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Which of its systems the machine is: an id, `uuid:…` or `serial:…`; without it, the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// An operator said that the password may go there in the clear.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure_http: bool,
}

/// One way for magic packets, found out.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WakeWay {
    /// Out of an interface of this host.
    Interface(String),
    /// To the broadcast address of a far network.
    Directed(Ipv4Addr),
}

/// What the names of secrets begin with that are for power alone: no template is given one.
pub const CREDENTIAL: &str = "bmc_";
/// The first name behind all of those.
pub const BEHIND_CREDENTIALS: &str = "bmc`";
/// The fewest digits of the address in the name of a machine's own secret: six bytes.
const DIGITS_MIN: usize = 12;

/// Whether a secret is for power alone, by its name.
#[must_use]
pub fn is_credential(secret: &str) -> bool {
    secret.starts_with(CREDENTIAL)
}

/// The name of a machine's own secret for power: `bmc_525400770001`.
#[must_use]
pub fn own_credential(of: &HardwareAddress) -> String {
    let digits = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    match of.as_mac() {
        Some(mac) => format!("{CREDENTIAL}{}", digits(&mac)),
        None => format!("{CREDENTIAL}{:02x}{}", of.kind(), digits(of.bytes())),
    }
}

/// Whether a secret is some machine's own, by its name.
#[must_use]
pub fn is_own_credential(secret: &str) -> bool {
    let digits = secret.strip_prefix(CREDENTIAL).unwrap_or_default();
    let hex = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
    digits.len() >= DIGITS_MIN && digits.len().is_multiple_of(2) && hex
}

impl PowerSettings {
    /// The name of the driver.
    #[must_use]
    pub fn driver(&self) -> &'static str {
        match self {
            Self::WakeOnLan(_) => "wake-on-lan",
            Self::Redfish(_) => "redfish",
        }
    }

    /// The secret that it takes.
    #[must_use]
    pub fn credential(&self) -> Option<&str> {
        match self {
            Self::WakeOnLan(wake) => wake.credential.as_deref(),
            Self::Redfish(bmc) => Some(&bmc.credential),
        }
    }
}

impl fmt::Display for PowerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WakeOnLan(wake) => write!(f, "wake-on-lan {}", wake.via),
            Self::Redfish(bmc) => write!(f, "redfish at {}", bmc.url),
        }
    }
}

impl fmt::Display for WakeVia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WhereHeard => f.write_str("where it was last heard"),
            Self::Interface(name) => write!(f, "out of {name}"),
            Self::Relay(relay) => write!(f, "behind relay {relay}"),
            Self::Broadcast(to) => write!(f, "to {to}"),
        }
    }
}

impl fmt::Display for WakeWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => write!(f, "out of {name}"),
            Self::Directed(to) => write!(f, "to {to}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_secret_of_a_machine_is_known_by_its_name() {
        let box_1 = HardwareAddress::mac([0x52, 0x54, 0, 0x77, 0, 1]);
        assert_eq!(own_credential(&box_1), "bmc_525400770001");
        let other = HardwareAddress::new(32, &[0xab; 8]);
        assert_eq!(own_credential(&other), "bmc_20abababababababab");
        for own in [own_credential(&box_1), own_credential(&other)] {
            assert!(is_credential(&own) && is_own_credential(&own), "{own}");
            assert!(own.as_str() > CREDENTIAL && own.as_str() < BEHIND_CREDENTIALS, "{own}");
        }
        for shared in ["bmc_rack3", "bmc_", "bmc_52540077000", "bmc_52540077000G", "root_password"]
        {
            assert!(!is_own_credential(shared), "{shared}");
        }
        assert!(!is_credential("bmcx") && !is_credential("BMC_x"));
    }
}
