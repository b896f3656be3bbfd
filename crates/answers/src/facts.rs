//! What a template may know.
//!
//! In: what is known about a machine, its network, the server and a deployment. Out: names and
//! values for the engine. Never: a name that stands for nothing; what is not known is left out, and
//! asking for it is an error that says so.

use crate::disk::{DiskMark, TargetDisk};
use crate::secret::{Reveal, Secret, placeholder};
use crate::settings::{Setting, Settings};
use minijinja::Value;
use minijinja::value::{Enumerator, Object};
use model::address::{HardwareAddress, Uuid};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// What a template may know.
#[derive(Debug, Default)]
pub struct Facts {
    /// `machine`.
    pub machine: Machine,
    /// `network`.
    pub network: Network,
    /// `server`.
    pub server: Server,
    /// `settings`.
    pub settings: Settings,
    /// `deployment`, where there is one.
    pub deployment: Option<Deployment>,
    /// `secrets`, by name.
    pub secrets: BTreeMap<String, Secret>,
    /// From which the salts of hashes are made. Made by chance, once for a deployment, so that a
    /// second rendering is the same bytes.
    pub salt: [u8; 32],
}

/// `machine.name`, `.mac`, `.uuid`, `.serial`, `.labels`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Machine {
    /// Its host name.
    pub name: Option<String>,
    /// The address it boots with.
    pub mac: Option<HardwareAddress>,
    /// Of its firmware.
    pub uuid: Option<Uuid>,
    /// Of its case.
    pub serial: Option<String>,
    /// The operator's words about it.
    pub labels: BTreeMap<String, String>,
}

/// `network.address`, `.prefix`, `.mask`, `.router`, `.dns`, `.domain`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Network {
    /// The machine's address.
    pub address: Option<IpAddr>,
    /// Bits of the network's part of it. `mask` is made of it, for IPv4.
    pub prefix: Option<u8>,
    /// The way out.
    pub router: Option<IpAddr>,
    /// Who answers names, in order.
    pub dns: Vec<IpAddr>,
    /// What names end with.
    pub domain: Option<String>,
}

/// `server.url`, `.mirror`, `.image`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Server {
    /// Where machines fetch files, without a slash at the end.
    pub url: Option<String>,
    /// Where packages come from, if it is set.
    pub mirror: Option<String>,
    /// Where the image of this boot is, without a slash at the end.
    pub image: Option<String>,
}

/// `deployment.id`, `.report`, `.answers`, `.disk`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Deployment {
    /// Its number, as shown.
    pub id: String,
    /// Where stages are reported (POST to this, `/` and the stage).
    pub report: String,
    /// Where this machine's answer files are, without a slash at the end.
    pub answers: String,
    /// What may be written to.
    pub disk: TargetDisk,
    /// By which the disk is ours already, and may be overwritten.
    pub ours: Vec<DiskMark>,
}

/// Names that exist for every machine, whether or not they have a value.
const KNOWN: [&str; 24] = [
    "machine",
    "machine.name",
    "machine.mac",
    "machine.uuid",
    "machine.serial",
    "machine.labels",
    "network",
    "network.address",
    "network.prefix",
    "network.mask",
    "network.router",
    "network.dns",
    "network.domain",
    "server",
    "server.url",
    "server.mirror",
    "server.image",
    "settings",
    "secrets",
    "deployment",
    "deployment.id",
    "deployment.report",
    "deployment.answers",
    "deployment.disk",
];

/// Which secrets a rendering asked for.
pub(crate) type Asked = Arc<Mutex<BTreeSet<String>>>;

impl Facts {
    /// The names and values for the engine. In a preview no secret's text is among them.
    pub(crate) fn context(&self, reveal: Reveal, asked: &Asked) -> Value {
        let mut all: BTreeMap<&str, Value> = BTreeMap::new();
        all.insert("machine", self.machine.value());
        all.insert("network", self.network.value());
        all.insert("server", self.server.value());
        let settings =
            self.settings.iter().map(|(name, setting, _)| (name.to_owned(), value(setting)));
        all.insert("settings", settings.collect::<BTreeMap<String, Value>>().into());
        if let Some(deployment) = &self.deployment {
            all.insert("deployment", deployment.value());
        }
        let texts = self.secrets.iter().map(|(name, secret)| {
            let text = match reveal {
                Reveal::No => Zeroizing::new(placeholder(name)),
                Reveal::Yes => Zeroizing::new(secret.reveal().to_owned()),
            };
            (name.clone(), text)
        });
        let secrets = Secrets { texts: texts.collect(), asked: asked.clone() };
        all.insert("secrets", Value::from_object(secrets));
        all.into()
    }

    /// Every name that may be asked for, for the hint behind one that is not known.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = KNOWN.iter().map(|name| (*name).to_owned()).collect();
        names.extend(self.settings.iter().map(|(name, ..)| format!("settings.{name}")));
        names.extend(self.secrets.keys().map(|name| format!("secrets.{name}")));
        names.extend(self.machine.labels.keys().map(|name| format!("machine.labels.{name}")));
        names
    }

    /// Whether a name is known for every machine.
    pub(crate) fn is_known(name: &str) -> bool {
        KNOWN.contains(&name)
    }

    /// Bytes of all that the caller brought.
    pub(crate) fn bytes(&self) -> usize {
        let setting = |setting: &Setting| match setting {
            Setting::Text(text) => text.len(),
            Setting::List(list) => list
                .iter()
                .fold(0usize, |sum, text| sum.saturating_add(text.len()).saturating_add(16)),
            Setting::Whole(_) | Setting::Flag(_) => 8,
        };
        let labels =
            self.machine.labels.iter().map(|(name, text)| name.len().saturating_add(text.len()));
        let secrets =
            self.secrets.iter().map(|(name, text)| name.len().saturating_add(text.reveal().len()));
        let settings =
            self.settings.iter().map(|(name, s, _)| name.len().saturating_add(setting(s)));
        labels.chain(secrets).chain(settings).fold(0, usize::saturating_add)
    }
}

fn value(setting: &Setting) -> Value {
    match setting {
        Setting::Text(text) => Value::from(text.as_str()),
        Setting::Whole(number) => Value::from(*number),
        Setting::Flag(flag) => Value::from(*flag),
        Setting::List(list) => Value::from(list.clone()),
    }
}

/// Only what has a value.
fn known(pairs: Vec<(&'static str, Option<Value>)>) -> Value {
    let there = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
    there.collect::<BTreeMap<&str, Value>>().into()
}

fn text(value: &Option<impl ToString>) -> Option<Value> {
    value.as_ref().map(|value| Value::from(value.to_string()))
}

impl Machine {
    fn value(&self) -> Value {
        known(vec![
            ("name", text(&self.name)),
            ("mac", text(&self.mac)),
            ("uuid", text(&self.uuid)),
            ("serial", text(&self.serial)),
            ("labels", Some(Value::from(self.labels.clone()))),
        ])
    }
}

impl Network {
    fn value(&self) -> Value {
        let mask = self.prefix.filter(|_| self.address.is_none_or(|a| a.is_ipv4())).map(|bits| {
            let host = u32::MAX.checked_shr(u32::from(bits)).unwrap_or_default();
            std::net::Ipv4Addr::from(!host)
        });
        let dns: Vec<String> = self.dns.iter().map(IpAddr::to_string).collect();
        known(vec![
            ("address", text(&self.address)),
            ("prefix", self.prefix.map(Value::from)),
            ("mask", text(&mask)),
            ("router", text(&self.router)),
            ("dns", Some(Value::from(dns))),
            ("domain", text(&self.domain)),
        ])
    }
}

impl Server {
    fn value(&self) -> Value {
        known(vec![
            ("url", text(&self.url)),
            ("mirror", text(&self.mirror)),
            ("image", text(&self.image)),
        ])
    }
}

impl Deployment {
    fn value(&self) -> Value {
        known(vec![
            ("id", Some(Value::from(self.id.as_str()))),
            ("report", Some(Value::from(self.report.as_str()))),
            ("answers", Some(Value::from(self.answers.as_str()))),
            ("disk", Some(self.disk.value(&self.ours))),
        ])
    }
}

/// `secrets`: each is given by its name and remembered as asked for; the whole is given to nobody.
struct Secrets {
    texts: BTreeMap<String, Zeroizing<String>>,
    asked: Asked,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Object for Secrets {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let text = self.texts.get(name)?;
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        Some(Value::from(text.as_str()))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
