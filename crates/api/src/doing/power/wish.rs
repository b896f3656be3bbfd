//! What an operator wishes of a machine's power, made into settings and a secret.
//!
//! In: the wish, as it came. Out: settings that a driver takes, and the password apart from them.
//! Never: a driver that is a command; a password that stays in the wish.

use super::ready::redfish;
use super::trouble;
use crate::Problem;
use crate::types::{Hidden, PowerWish};
use model::power::{BmcSettings, PowerSettings, WakeSettings, WakeVia};
use power::redfish::Fingerprint;
use power::wake::{SecureOn, Way};
use power::{Driver, PowerError};
use zeroize::Zeroizing;

/// Settings, and the password that is to be sealed as the machine's own secret.
#[derive(Debug)]
pub struct Wished {
    /// How it is switched.
    pub settings: PowerSettings,
    /// Its own password.
    pub password: Option<Zeroizing<String>>,
}

/// A password may have so many bytes.
const PASSWORD_MAX: usize = 1024;

/// The wish, checked as far as that needs nobody else. `own` is the name of the machine's own secret.
pub fn wished(mut wish: PowerWish, own: &str) -> Result<Wished, Problem> {
    let driver: Driver =
        wish.driver.parse().map_err(|why: power::NoDriver| Problem::refused(why.to_string()))?;
    let password = wish.password.take().map(|Hidden(text)| Zeroizing::new(text));
    let credential = match (&password, wish.secret.take()) {
        (Some(_), Some(_)) => {
            return Err(Problem::malformed("say `password` or `secret`, and not both"));
        }
        (Some(text), None) if text.is_empty() || text.len() > PASSWORD_MAX => {
            return Err(Problem::malformed(format!("a password has 1 to {PASSWORD_MAX} bytes")));
        }
        (Some(_), None) => Some(own.to_owned()),
        (None, secret) => secret,
    };
    foreign(&wish, driver)?;
    let settings = match driver {
        Driver::WakeOnLan => {
            if let Some(text) = &password {
                let _fits: SecureOn = text.parse().map_err(|why| trouble(PowerError::Wake(why)))?;
            }
            PowerSettings::WakeOnLan(waking(&wish, credential)?)
        }
        Driver::Redfish => {
            let bmc = bmc(&mut wish, credential)?;
            // What cannot be a BMC or an account is refused while the operator is there.
            let _asked = redfish(&bmc, password.as_ref().map_or("unknown", |text| text.as_str()))?;
            PowerSettings::Redfish(bmc)
        }
    };
    Ok(Wished { settings, password })
}

/// Refuses what the driver does not take: whoever says it means another.
fn foreign(wish: &PowerWish, driver: Driver) -> Result<(), Problem> {
    let said = match driver {
        Driver::WakeOnLan => [
            ("url", wish.url.is_some()),
            ("user", wish.user.is_some()),
            ("fingerprint", wish.fingerprint.is_some()),
            ("system", wish.system.is_some()),
            ("insecure_http", wish.insecure_http),
        ],
        Driver::Redfish => [
            ("interface", wish.interface.is_some()),
            ("via", wish.via.is_some()),
            ("broadcast", wish.broadcast.is_some()),
            ("port", wish.port.is_some()),
            ("", false),
        ],
    };
    match said.into_iter().find(|(_, said)| *said) {
        Some((name, _)) => {
            Err(Problem::malformed(format!("`{name}` is not for the driver {driver}")))
        }
        None => Ok(()),
    }
}

fn waking(wish: &PowerWish, credential: Option<String>) -> Result<WakeSettings, Problem> {
    let via = match (&wish.interface, wish.via, wish.broadcast) {
        (None, None, None) => WakeVia::WhereHeard,
        (Some(name), None, None) => WakeVia::Interface(name.clone()),
        (None, Some(relay), None) => WakeVia::Relay(relay),
        (None, None, Some(to)) => {
            let _fits = Way::directed(to).map_err(|why| trouble(why.into()))?;
            WakeVia::Broadcast(to)
        }
        _ => return Err(Problem::malformed("say one of `interface`, `via` and `broadcast`")),
    };
    if wish.port == Some(0) {
        return Err(Problem::malformed("there is no UDP port 0"));
    }
    Ok(WakeSettings { via, port: wish.port, credential })
}

fn bmc(wish: &mut PowerWish, credential: Option<String>) -> Result<BmcSettings, Problem> {
    let missing = |what: &str| Problem::malformed(format!("the driver redfish takes `{what}`"));
    let url = wish.url.take().ok_or_else(|| missing("url"))?;
    let user = wish.user.take().ok_or_else(|| missing("user"))?;
    let credential = credential
        .ok_or_else(|| missing("password").hint("or `secret`, the name of one: bmc_NAME"))?;
    let fingerprint = match &wish.fingerprint {
        None => None,
        Some(text) => {
            let read: Fingerprint =
                text.parse().map_err(|why| trouble(PowerError::Redfish(why)))?;
            Some(read.to_string())
        }
    };
    let (system, insecure_http) = (wish.system.take(), wish.insecure_http);
    Ok(BmcSettings { url, user, credential, fingerprint, system, insecure_http })
}
