//! Loaders, profiles, rules, the menu, and explanations.

use engine::explain::Explanation;
use model::event::Happening;
use model::fault::Silence;
use model::menu::{Entry, PasswordHash};
use model::rule::{Condition, Profile, Rule};
use model::setting::{Layer, Setting};
use model::{Channel, Event, Loader};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// A bootloader.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoaderView {
    /// File name in `/loader/`.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// Architecture.
    pub arch: String,
    /// Version.
    pub version: String,
    /// Who signed it; empty is unsigned.
    pub signers: Vec<String>,
    /// Bytes.
    pub size: u64,
    /// SHA-256.
    pub sha256: String,
    /// Where it was found.
    pub path: String,
}

impl From<&Loader> for LoaderView {
    fn from(loader: &Loader) -> Self {
        Self {
            name: loader.name.clone(),
            kind: loader.kind.to_string(),
            arch: loader.arch.to_string(),
            version: loader.version.clone(),
            signers: loader.signers.clone(),
            size: loader.size,
            sha256: loader.sha256.to_string(),
            path: loader.path.clone(),
        }
    }
}

/// A profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProfileView {
    /// Name.
    pub name: String,
    /// Image.
    pub image: String,
    /// Pinned version; none follows the channel.
    pub version: Option<u32>,
    /// The channel it follows without a pinned version.
    pub channel: Channel,
    /// Kernel arguments, after those of the image.
    pub args: String,
    /// Its answer files: what the names of their templates begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// What its templates are told.
    #[serde(default, skip_serializing_if = "Layer::is_empty")]
    pub settings: Layer,
    /// Numbers of the rules that lead to it.
    pub rules: Vec<u32>,
    /// Machines that have it as their own.
    pub machines: Vec<String>,
}

/// Makes a profile, or changes the one of this name: what is not said stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileWish {
    /// Image; a new profile needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Pinned version; 0 pins none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The channel to follow instead of a pinned version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Kernel arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<String>,
    /// What the names of its templates begin with; the empty text takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Settings to set; null takes one away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Option<Setting>>,
    /// `true` refuses when the profile exists, `false` when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<bool>,
}

impl ProfileWish {
    /// The profile as it should be then.
    pub fn onto(self, name: &str, old: Option<Profile>) -> Result<Profile, String> {
        let image = self.image.or_else(|| old.as_ref().map(|p| p.image.clone()));
        Ok(Profile {
            name: name.to_owned(),
            image: image.ok_or("a new profile needs an image")?,
            version: match self.version {
                Some(0) => None,
                Some(version) => Some(version),
                None if self.channel.is_some() => None,
                None => old.as_ref().and_then(|p| p.version),
            },
            // Who follows a channel pins no version.
            channel: self.channel.or(old.as_ref().map(|p| p.channel)).unwrap_or_default(),
            args: self.args.or_else(|| old.as_ref().map(|p| p.args.clone())).unwrap_or_default(),
            template: match self.template {
                Some(template) => Some(template).filter(|template| !template.is_empty()),
                None => old.as_ref().and_then(|p| p.template.clone()),
            },
            settings: laid_over(old.map(|p| p.settings).unwrap_or_default(), self.settings),
        })
    }
}

/// Settings with changes: null takes one away.
fn laid_over(mut layer: Layer, changes: BTreeMap<String, Option<Setting>>) -> Layer {
    for (name, setting) in changes {
        match setting {
            Some(setting) => layer.insert(name, setting),
            None => layer.remove(&name),
        };
    }
    layer
}

/// A condition of a rule as text: `arch=x64-uefi`, `mac=52:54:00`, `memory=4096`,
/// `label:room=3`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConditionText(pub Condition);

impl fmt::Display for ConditionText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Condition::Label(key, value) => write!(f, "label:{key}={value}"),
            Condition::Memory(mib) => write!(f, "memory={mib}"),
            Condition::Disk(bytes) => write!(f, "disk={bytes}"),
            other => write!(f, "{other}"),
        }
    }
}

impl FromStr for ConditionText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or_else(|| {
            format!("`{text}` is no condition: write it like arch=x64-uefi or label:room=3")
        })?;
        if value.is_empty() {
            return Err(format!("`{text}` demands nothing: write a value after ="));
        }
        let text = || value.to_owned();
        Ok(Self(match key {
            "mac" => Condition::Mac(value.parse()?),
            "uuid" => Condition::Uuid(value.parse()?),
            "serial" => Condition::Serial(text()),
            "arch" => Condition::Arch(value.parse()?),
            "firmware" => Condition::Firmware(value.parse()?),
            "vendor-class" => Condition::VendorClass(text()),
            "network" => Condition::Network(text()),
            "circuit" => Condition::Circuit(text()),
            "memory" => Condition::Memory(memory(value)?),
            "disk" => Condition::Disk(disk(value)?),
            "cpu" => Condition::Cpu(text()),
            _ => match key.strip_prefix("label:") {
                Some(label) if !label.is_empty() => Condition::Label(label.to_owned(), text()),
                _ => {
                    return Err(format!(
                        "`{key}` is nothing a rule can demand: write one of mac, uuid, serial, \
                         arch, firmware, vendor-class, network, circuit, memory, disk, cpu, label:KEY"
                    ));
                }
            },
        }))
    }
}

/// `4096`, `4096MiB`, `4G`, `4GiB`.
fn memory(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no amount of memory: write 4096 (MiB) or 4GiB");
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    match text.get(digits.len()..).unwrap_or_default() {
        "" | "M" | "MiB" => Ok(number),
        "G" | "GiB" => number.checked_mul(1024).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

/// `480GB`, `1TB`, `100GiB`, bytes. Makers of disks count in thousands.
fn disk(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size of a disk: write 480GB, 1TB, 100GiB or bytes");
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let unit: u64 = match text.get(digits.len()..).unwrap_or_default() {
        "" => 1,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).ok_or_else(wrong)
}

model::schema_text!(
    ConditionText,
    "Condition",
    "What a rule demands: `arch=x64-uefi`, `mac=52:54:00`, `memory=4096`, `label:room=3`.",
    "^(mac|uuid|serial|arch|firmware|vendor-class|network|circuit|memory|disk|cpu|label:[^=]+)=.+$"
);

impl Serialize for ConditionText {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ConditionText {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A rule, in the order in which rules are tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleView {
    /// Place in the order, from 1.
    pub place: usize,
    /// Its number.
    pub id: u32,
    /// All must hold; none is everybody.
    pub conditions: Vec<ConditionText>,
    /// What it leads to.
    pub profile: String,
}

impl RuleView {
    /// All rules with their places.
    pub fn all(rules: &[Rule]) -> Vec<Self> {
        let view = |(index, rule): (usize, &Rule)| Self {
            place: index + 1,
            id: rule.id,
            conditions: rule.conditions.iter().cloned().map(ConditionText).collect(),
            profile: rule.profile.clone(),
        };
        rules.iter().enumerate().map(view).collect()
    }
}

/// A new rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleWish {
    /// All must hold; none is everybody.
    #[serde(default)]
    pub conditions: Vec<ConditionText>,
    /// What it leads to.
    pub profile: String,
}

/// A new place for a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveWish {
    /// From 1.
    pub to: usize,
}

/// Which rule a machine meets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleTest {
    /// Hardware address.
    pub machine: String,
    /// What it was taken to be.
    pub taken_as: String,
    /// What it would get, in a few words.
    pub decision: String,
    /// The reasons in words, first the one that decided.
    pub reasons: Vec<String>,
}

/// A menu. Its password is never read, only whether there is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MenuView {
    /// Its interface; none is for all networks without a menu of their own.
    pub network: Option<String>,
    /// Entries in order; none is the local disk, then every profile, then every image.
    pub entries: Vec<Entry>,
    /// Key of the entry taken by itself; none is the local disk.
    pub default: Option<String>,
    /// Whether locked entries have a password.
    pub password_set: bool,
}

/// A whole new menu.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MenuWish {
    /// Its interface; none is for all networks without a menu of their own.
    #[serde(default)]
    pub network: Option<String>,
    /// Entries in order.
    #[serde(default)]
    pub entries: Vec<Entry>,
    /// Key of the entry taken by itself.
    #[serde(default)]
    pub default: Option<String>,
    /// A new password, hashed; without one the old password stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordHash>,
    /// Takes the password away.
    #[serde(default)]
    pub no_password: bool,
}

/// What a machine would get, and what happened to it lately.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explained {
    /// The answer of the engine.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// What is known of the machine; none if it was never heard.
    pub known: Option<super::MachineView>,
    /// What it asked, got, or was refused lately, oldest first.
    pub recent: Vec<Event>,
    /// What gets no answer: stages, then what lately got none, each reason once and the newest first;
    /// whose fault it is, and what would change it.
    #[serde(default)]
    pub silences: Vec<Silence>,
    /// The moment of the answer.
    pub now: model::Now,
}

impl Explained {
    /// Puts together what there is to say.
    pub fn new(
        explanation: Explanation,
        known: Option<super::MachineView>,
        recent: Vec<Event>,
        now: model::Now,
    ) -> Self {
        let silences = silences(&explanation, &recent);
        Self { explanation, known, recent, silences, now }
    }
}

fn silences(explanation: &Explanation, recent: &[Event]) -> Vec<Silence> {
    let name = explanation.name.clone().unwrap_or_else(|| explanation.machine.to_string());
    let stages = explanation.stages.iter().filter_map(|stage| {
        let why = stage.silence.as_ref()?;
        Some(Silence { stage: Some(stage.stage.clone()), ..Silence::of(why, &name) })
    });
    let mut all: Vec<Silence> = stages.collect();
    let mut told = BTreeSet::new();
    for event in recent.iter().rev() {
        let expected = matches!(event.what, Happening::FileMissed { expected: true, .. });
        let Some(why) = event.what.silence().filter(|_| !expected) else { continue };
        if told.insert(why.code()) {
            all.push(Silence { at: Some(event.at), ..Silence::of(why, &name) });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_read_back_as_it_is_written() {
        for text in [
            "mac=52:54:00",
            "arch=x64-uefi",
            "firmware=http",
            "serial=ab=c",
            "memory=4096",
            "disk=480000000000",
            "cpu=EPYC",
            "label:room=3",
            "network=br0",
            "uuid=00112233-4455-6677-8899-aabbccddeeff",
        ] {
            let read: ConditionText = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
            let json = serde_json::to_string(&read).unwrap();
            assert_eq!(serde_json::from_str::<ConditionText>(&json).unwrap(), read);
        }
        assert_eq!("memory=4GiB".parse::<ConditionText>().unwrap().to_string(), "memory=4096");
        assert_eq!(
            "disk=1TB".parse::<ConditionText>().unwrap().0,
            Condition::Disk(1_000_000_000_000)
        );
        for wrong in
            ["arch", "arch=", "arch=x64", "label:=3", "colour=red", "memory=lots", "disk=4 bytes"]
        {
            assert!(wrong.parse::<ConditionText>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_profile_keeps_what_is_not_said() {
        let old = Profile {
            name: "a".to_owned(),
            image: "i".to_owned(),
            version: Some(2),
            channel: Channel::Stable,
            args: "quiet".to_owned(),
            template: None,
            settings: Default::default(),
        };
        let wish = ProfileWish { args: Some(String::new()), ..ProfileWish::default() };
        let new = wish.onto("a", Some(old)).unwrap();
        assert_eq!((new.image.as_str(), new.version, new.args.as_str()), ("i", Some(2), ""));
        assert!(ProfileWish::default().onto("b", None).is_err());
    }
}
