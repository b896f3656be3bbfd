//! The driver of a machine, made of what the owner knows.
//!
//! In: a machine's name. Out: the driver, or why there is none. Never: anything sent.

use super::{policy, trouble};
use crate::Problem;
use crate::routes::machines::unknown;
use engine::{Engine, Refusal};
use model::power::{BmcSettings, PowerSettings, WakeSettings, WakeVia, WakeWay};
use model::{HardwareAddress, Uuid};
use power::redfish::{Account, Login, Trust, Which};
use power::wake::{PAUSES_USUAL, SecureOn, WakeError, Way};
use power::{Power, Redfish, Secret, WakeOnLan};
use site::SiteHandle;
use zeroize::Zeroizing;

/// A machine, with all that switching it takes.
#[derive(Clone, Debug)]
pub struct Target {
    /// Which.
    pub hardware: HardwareAddress,
    /// Its name, or its address.
    pub shown: String,
    /// The ways that lead to it while it sleeps.
    pub ways: Result<Vec<WakeWay>, Refusal>,
    /// Whether it boots over the network by UEFI HTTP Boot.
    pub by_http: bool,
    settings: Option<PowerSettings>,
    /// Its secret, by name, sealed.
    sealed: Option<(String, String)>,
    /// What it is being deployed with.
    busy: Option<String>,
}

/// A driver that can be asked.
#[derive(Debug)]
pub enum Ready {
    /// Magic packets.
    Wake(WakeOnLan),
    /// A BMC.
    Bmc(Redfish),
}

impl Ready {
    /// What all of them can be asked.
    pub fn power(&self) -> &dyn Power {
        match self {
            Self::Wake(wake) => wake,
            Self::Bmc(bmc) => bmc,
        }
    }
}

impl Target {
    /// By name, MAC, UUID or serial.
    pub async fn of(site: &SiteHandle, named: String) -> Result<Self, Problem> {
        let found = site.ask(move |engine, _| {
            let machine = engine.machine(&named).ok_or_else(|| unknown(&named))?;
            Ok(Self::known(engine, machine))
        });
        found.await?
    }

    /// By its address; none if it is not known any more.
    pub async fn at(site: &SiteHandle, hardware: HardwareAddress) -> Result<Option<Self>, Problem> {
        let found =
            site.ask(move |engine, _| engine.machine_of(&hardware).map(|m| Self::known(engine, m)));
        Ok(found.await?)
    }

    fn known(engine: &Engine, machine: &model::Machine) -> Self {
        let hardware = machine.hardware;
        let settings = engine.power_of(&hardware).cloned();
        let via = match &settings {
            Some(PowerSettings::WakeOnLan(WakeSettings { via, .. })) => via.clone(),
            _ => WakeVia::WhereHeard,
        };
        let secret = settings.as_ref().and_then(PowerSettings::credential);
        let sealed = secret.and_then(|name| Some((name, engine.secret(name)?)));
        let busy = engine.deployment_of(&hardware).filter(|of| of.begun().is_some());
        Self {
            hardware,
            shown: machine.shown(),
            ways: engine.wake_ways(&hardware, &via),
            by_http: engine.boots_by_http(&hardware),
            sealed: sealed.map(|(name, sealed)| (name.to_owned(), sealed.to_owned())),
            settings,
            busy: busy.map(|of| format!("{}, {}", of.shown(), of.standing())),
        }
    }

    /// Its name, with what switching it would break off.
    pub fn in_words(&self) -> String {
        match &self.busy {
            Some(busy) => format!("{} (being deployed: {busy})", self.shown),
            None => self.shown.clone(),
        }
    }

    /// Its driver.
    pub fn ready(&self, site: &SiteHandle) -> Result<Ready, Problem> {
        match &self.settings {
            None => Err(Problem::refused(format!(
                "nobody said how the power of {} is switched",
                self.shown
            ))
            .hint(format!(
                "`bootwright machine power {0} set --driver redfish --url https://BMC --user NAME`; \
                 or `bootwright machine wake {0}`, which needs no settings",
                self.shown
            ))),
            Some(PowerSettings::WakeOnLan(wake)) => self.waking(site, Some(wake)),
            Some(PowerSettings::Redfish(bmc)) => {
                let password = self.password(site)?.ok_or_else(|| self.no_password())?;
                redfish(bmc, &password).map(Ready::Bmc)
            }
        }
    }

    /// Magic packets for it, whatever its driver is; with a SecureOn password where it has one.
    pub fn awake(&self, site: &SiteHandle) -> Result<Ready, Problem> {
        match &self.settings {
            Some(PowerSettings::WakeOnLan(wake)) => self.waking(site, Some(wake)),
            _ => self.waking(site, None),
        }
    }

    fn waking(&self, site: &SiteHandle, wake: Option<&WakeSettings>) -> Result<Ready, Problem> {
        let refused = |why: WakeError| trouble(why.into());
        let port = wake.and_then(|wake| wake.port);
        let mut ways = Vec::new();
        for way in self.ways.clone()? {
            let way = match way {
                WakeWay::Interface(name) => Way::interface(&name).map_err(refused)?,
                WakeWay::Directed(to) => Way::directed(to).map_err(refused)?,
            };
            ways.push(match port {
                Some(port) => way.to_port(port),
                None => way,
            });
        }
        let password = match wake.and_then(|wake| wake.credential.as_ref()) {
            None => None,
            Some(_) => {
                let text = self.password(site)?.ok_or_else(|| self.no_password())?;
                Some(text.parse::<SecureOn>().map_err(refused)?)
            }
        };
        WakeOnLan::new(self.hardware, password.as_ref(), ways, &PAUSES_USUAL)
            .map(Ready::Wake)
            .map_err(refused)
    }

    fn password(&self, site: &SiteHandle) -> Result<Option<Zeroizing<String>>, Problem> {
        let Some((name, sealed)) = &self.sealed else { return Ok(None) };
        site.open(name, sealed).map(Some).ok_or_else(|| {
            Problem::refused(format!("secret {name} does not open with this server's key"))
                .hint("it was sealed with another: set it anew")
        })
    }

    fn no_password(&self) -> Problem {
        Problem::refused(format!("the secret for the power of {} is not set", self.shown))
            .hint("`bootwright machine power MACHINE set` asks for it")
    }
}

/// A BMC with its account. Nothing is sent.
pub fn redfish(bmc: &BmcSettings, password: &str) -> Result<Redfish, Problem> {
    let trust = match &bmc.fingerprint {
        Some(text) => Trust::Pinned(text.parse().map_err(refused)?),
        None if bmc.insecure_http => Trust::Unencrypted,
        None => Trust::Unconfirmed,
    };
    let password = Secret::new(password.to_owned());
    let account = Account::new(bmc.user.clone(), password, Login::Either);
    let which = which(bmc.system.as_deref())?;
    Redfish::new(&bmc.url, trust, account, which, policy()).map_err(refused)
}

fn refused(why: power::redfish::RedfishError) -> Problem {
    trouble(why.into())
}

fn which(system: Option<&str>) -> Result<Which, Problem> {
    let Some(text) = system else { return Ok(Which::Only) };
    if let Some(uuid) = text.strip_prefix("uuid:") {
        let no =
            |_| Problem::malformed(format!("`{}` is no UUID", model::text::show(uuid.as_bytes())));
        return uuid.parse::<Uuid>().map(Which::Uuid).map_err(no);
    }
    Ok(match text.strip_prefix("serial:") {
        Some(serial) => Which::Serial(serial.to_owned()),
        None => Which::Id(text.to_owned()),
    })
}
