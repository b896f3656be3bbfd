//! How operators say that the power of a machine is switched.

use super::templates::check_secret;
use super::{Outcome, Refusal, check_line, decided, refuse};
use crate::Engine;
use model::Change;
use model::power::{
    BmcSettings, CREDENTIAL, PowerSettings, WakeVia, is_credential, is_own_credential,
    own_credential,
};

/// The longest URL, name of an account or of a system.
const TEXT_MAX: usize = 512;
/// The longest name of an interface.
const INTERFACE_MAX: usize = 15;

impl Engine {
    pub(super) fn set_power(
        &self,
        named: &str,
        power: PowerSettings,
        sealed: Option<String>,
    ) -> Outcome {
        let machine = self.named(named)?;
        let hardware = machine.hardware;
        match &power {
            PowerSettings::WakeOnLan(wake) => self.check_via(&wake.via)?,
            PowerSettings::Redfish(bmc) => check_bmc(bmc)?,
        }
        let own = own_credential(&hardware);
        if let Some(secret) = power.credential() {
            self.check_credential(secret, &own, sealed.is_some())?;
        }
        let mut changes = Vec::new();
        let mut says = format!("the power of {} is switched by {power}", machine.shown());
        match sealed {
            Some(sealed) if power.credential() == Some(&own) => {
                changes.push(Change::Secret(own, sealed));
            }
            _ if power.credential() != Some(&own) && self.secrets.contains_key(&own) => {
                changes.push(Change::SecretGone(own));
            }
            _ => {}
        }
        if let PowerSettings::Redfish(BmcSettings { insecure_http: true, .. }) = &power {
            says.push_str("; the password goes there in the clear, and so does every answer");
        }
        changes.push(Change::Power(hardware, Box::new(power)));
        decided(changes, says)
    }

    pub(super) fn remove_power(&self, named: &str) -> Outcome {
        let machine = self.named(named)?;
        let hardware = machine.hardware;
        if self.power_of(&hardware).is_none() {
            return refuse(format!("nobody said how {} is switched", machine.shown()), "");
        }
        let own = own_credential(&hardware);
        let mut changes = vec![Change::PowerGone(hardware)];
        if self.secrets.contains_key(&own) {
            changes.push(Change::SecretGone(own));
        }
        decided(changes, format!("nobody switches {} any more", machine.shown()))
    }

    /// Secrets that machines are switched with stay.
    pub(super) fn credential_is_free(&self, secret: &str) -> Result<(), Refusal> {
        if !is_credential(secret) {
            return Ok(());
        }
        let user = self.power.iter().find(|(_, power)| power.credential() == Some(secret));
        match user.and_then(|(hardware, _)| self.machines.get(hardware)) {
            Some(machine) => refuse(
                format!("the power of {} is switched with secret {secret}", machine.shown()),
                "`bootwright machine power MACHINE remove` first, or give it another",
            ),
            None => Ok(()),
        }
    }

    fn check_via(&self, via: &WakeVia) -> Result<(), Refusal> {
        match via {
            WakeVia::WhereHeard | WakeVia::Broadcast(_) => Ok(()),
            WakeVia::Relay(relay) => self.behind(*relay).map(drop),
            WakeVia::Interface(name) => {
                let odd = |c: char| c == '/' || c.is_whitespace() || c.is_control();
                if !name.is_empty() && name.len() <= INTERFACE_MAX && !name.contains(odd) {
                    return Ok(());
                }
                let shown = model::text::show(name.as_bytes());
                refuse(format!("`{shown}` cannot be an interface"), "`ip link` lists them")
            }
        }
    }

    /// A template could otherwise be given what opens a BMC, or a BMC what is a machine's alone.
    fn check_credential(&self, secret: &str, own: &str, sealed: bool) -> Result<(), Refusal> {
        check_secret(secret)?;
        if !is_credential(secret) {
            return refuse(
                format!("secret {secret} is one that templates may be given"),
                &format!("secrets for power have names that begin with {CREDENTIAL}"),
            );
        }
        if is_own_credential(secret) && secret != own {
            return refuse(
                format!("secret {secret} is another machine's own"),
                &format!("`bootwright secret set {CREDENTIAL}NAME` makes one that several may use"),
            );
        }
        if self.secrets.contains_key(secret) || (sealed && secret == own) {
            return Ok(());
        }
        refuse(format!("there is no secret {secret}"), "`bootwright secret set` sets one")
    }
}

fn check_bmc(bmc: &BmcSettings) -> Result<(), Refusal> {
    let texts = [Some(&bmc.url), Some(&bmc.user), bmc.system.as_ref(), bmc.fingerprint.as_ref()];
    for text in texts.into_iter().flatten() {
        check_line("what is said of a BMC", text)?;
        if text.is_empty() || text.len() > TEXT_MAX {
            return refuse(format!("what is said of a BMC has 1 to {TEXT_MAX} bytes"), "");
        }
    }
    let plain = bmc.url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
    match (plain, bmc.insecure_http, &bmc.fingerprint) {
        (true, false, _) => refuse(
            format!("{} would get the password in the clear", bmc.url),
            "say https://; or --insecure-http, if whoever can listen on that network may know it",
        ),
        (false, true, _) => {
            refuse(format!("{} is asked over TLS", bmc.url), "leave --insecure-http out")
        }
        (false, false, None) => refuse(
            format!("nobody has confirmed the certificate of {}", bmc.url),
            "compare its fingerprint with what the BMC itself shows, and say --fingerprint",
        ),
        (true, true, Some(_)) => {
            refuse(format!("{} shows no certificate", bmc.url), "leave --fingerprint out")
        }
        _ => Ok(()),
    }
}
