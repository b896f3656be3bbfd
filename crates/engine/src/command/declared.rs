//! What an operator declares in documents: machines, profiles, templates and the list of rules as they
//! are to be. Every part knows where it stands, so that a refusal can say so.

use model::Life;
use model::rule::{Condition, Profile};
use model::setting::{Layer, Setting};
use model::template::Template;
use model::{Channel, HardwareAddress, Pin};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// More machines than this are not declared at once.
pub const MACHINES_MAX: usize = 200_000;
/// More profiles than this are not declared at once.
pub const PROFILES_MAX: usize = 10_000;
/// More templates than this are not declared at once.
pub const TEMPLATES_MAX: usize = 400;
/// More rules than this are not declared.
pub const RULES_MAX: usize = 10_000;

/// Everything that documents declare.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Declared {
    /// Machines; others stay as they are.
    #[serde(default)]
    pub machines: Vec<DeclaredMachine>,
    /// Profiles; others stay as they are.
    #[serde(default)]
    pub profiles: Vec<DeclaredProfile>,
    /// Templates; others stay as they are.
    #[serde(default)]
    pub templates: Vec<DeclaredTemplate>,
    /// The whole list of rules, in order. None leaves the rules as they are.
    #[serde(default)]
    pub rules: Option<Vec<DeclaredRule>>,
}

/// A machine as it is to be. What is not said stays as it is, or is taken back if a document said
/// it before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeclaredMachine {
    /// The address it is filed under.
    pub mac: HardwareAddress,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its own profile; the empty text is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Labels to set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Settings to set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Setting>,
    /// Quirks, by any of their names: `on`, `off`, or `auto`, which is to say nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quirks: BTreeMap<String, Pin>,
    /// Remarks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// What it may do; not said, it stays, and a new machine is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Life>,
    /// Where it stands: `lab.toml:12:1`. Empty if nobody knows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
}

impl DeclaredMachine {
    /// A machine of which nothing is said.
    pub fn new(mac: HardwareAddress) -> Self {
        Self {
            mac,
            name: None,
            profile: None,
            labels: BTreeMap::new(),
            settings: BTreeMap::new(),
            quirks: BTreeMap::new(),
            notes: None,
            state: None,
            at: String::new(),
        }
    }
}

/// A profile as it is to be: all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeclaredProfile {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// A pinned version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The channel to follow without one.
    #[serde(default)]
    pub channel: Channel,
    /// Kernel arguments.
    #[serde(default)]
    pub args: String,
    /// What the names of its templates begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// What its templates are told.
    #[serde(default, skip_serializing_if = "Layer::is_empty")]
    pub settings: Layer,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
}

impl DeclaredProfile {
    pub(super) fn profile(&self) -> Profile {
        let Self { name, image, version, channel, args, template, settings, at: _ } = self.clone();
        let template = template.filter(|template| !template.is_empty());
        Profile { name, image, version, channel, args, template, settings }
    }
}

/// A template as it is to be: all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeclaredTemplate {
    /// Its name.
    pub name: String,
    /// What it makes; without it, what its name ends with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Its text.
    pub text: String,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
}

impl DeclaredTemplate {
    pub(super) fn template(&self) -> Template {
        let Self { name, format, text, at: _ } = self.clone();
        let ending = || name.rsplit_once('.').map(|(_, ending)| ending.to_owned());
        // Without any it is no format, which is refused.
        let format = format.or_else(ending).unwrap_or_default();
        Template { name, format, text }
    }
}

/// A rule as it is to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeclaredRule {
    /// All must hold; none means everybody.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// What it leads to.
    pub profile: String,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
}
