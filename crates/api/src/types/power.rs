//! How machines are switched, and what their BMCs say of them.

use super::Hidden;
use model::PowerSettings;
use model::power::{BmcSettings, WakeSettings, is_own_credential};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// Says how the power of a machine is switched. What its driver does not take must not be there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PowerWish {
    /// `redfish` or `wake-on-lan`.
    pub driver: String,
    /// Its BMC: `https://10.0.0.5`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The name of an account there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The password of that account, or of a card that wakes for nothing less. It is never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Hidden>,
    /// Instead of a password: the secret that has it, `bmc_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The SHA-256 of the BMC's certificate, confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Which of several systems behind the BMC: an id, `uuid:…`, `serial:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The password may go there in the clear.
    #[serde(default)]
    pub insecure_http: bool,
    /// Magic packets leave by this interface,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// or go to the network behind this relay,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Ipv4Addr>,
    /// or to this broadcast address; without all three, where the machine was last heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<Ipv4Addr>,
    /// Magic packets go to this UDP port; 9 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

impl Drop for PowerWish {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        if let Some(Hidden(password)) = &mut self.password {
            password.zeroize();
        }
    }
}

/// How the power of a machine is switched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PowerView {
    /// `redfish` or `wake-on-lan`.
    pub driver: String,
    /// Its BMC.
    pub url: Option<String>,
    /// The name of the account there.
    pub user: Option<String>,
    /// Whether there is a password.
    pub password_set: bool,
    /// The secret that has it, where that is not the machine's own.
    pub secret: Option<String>,
    /// The SHA-256 of the BMC's certificate, as it was confirmed.
    pub fingerprint: Option<String>,
    /// Which of several systems behind the BMC.
    pub system: Option<String>,
    /// Whether the password goes there in the clear.
    pub insecure_http: bool,
    /// Where magic packets are sent, in words.
    pub via: Option<String>,
    /// To which UDP port.
    pub port: Option<u16>,
}

impl PowerView {
    /// Settings as operators see them.
    pub fn new(settings: &PowerSettings) -> Self {
        let secret = settings.credential().filter(|name| !is_own_credential(name));
        let none = Self {
            driver: settings.driver().to_owned(),
            url: None,
            user: None,
            password_set: settings.credential().is_some(),
            secret: secret.map(str::to_owned),
            fingerprint: None,
            system: None,
            insecure_http: false,
            via: None,
            port: None,
        };
        match settings.clone() {
            PowerSettings::WakeOnLan(WakeSettings { via, port, .. }) => {
                Self { via: Some(via.to_string()), port, ..none }
            }
            PowerSettings::Redfish(bmc) => {
                let BmcSettings { url, user, fingerprint, system, insecure_http, .. } = bmc;
                let (url, user) = (Some(url), Some(user));
                Self { url, user, fingerprint, system, insecure_http, ..none }
            }
        }
    }
}

/// Which certificate is asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateWish {
    /// The BMC: `https://10.0.0.5`.
    pub url: String,
}

/// The certificate that a BMC shows, which nobody has confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateView {
    /// Its SHA-256.
    pub fingerprint: String,
}

/// From where a machine boots next, once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BootWish {
    /// `pxe`, `http`, `disk`, or `none` to take that back.
    pub from: String,
    /// For `http`: the URL to load, instead of what DHCP says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

/// What a BMC says of a machine. What it does not say is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PowerStatus {
    /// `on`, `off`, ...
    pub power: String,
    /// Whether Secure Boot is set for the next start.
    pub secure_boot: Option<bool>,
    /// Whether it was in force at the last.
    pub secure_boot_in_force: Option<bool>,
    /// `UserMode`, `SetupMode`, `AuditMode` or `DeployedMode`.
    pub secure_boot_mode: Option<String>,
    /// Its name at the BMC.
    pub system: String,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// What it is.
    pub model: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// The version of its firmware.
    pub firmware: Option<String>,
    /// How it can be switched; null if the BMC does not list it.
    pub actions: Option<Vec<String>>,
    /// From where it can be told to boot.
    pub boot_sources: Option<Vec<String>>,
    /// What an operator should look at.
    pub notes: Vec<String>,
}
