//! Documents that declare machines, profiles, templates and rules, and what became of them.

use super::ConditionText;
use engine::command::{
    Declared, DeclaredMachine, DeclaredProfile, DeclaredRule, DeclaredTemplate, Tally,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What documents declare. What is not named stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyWish {
    /// Machines.
    #[serde(default)]
    pub machines: Vec<DeclaredMachine>,
    /// Profiles.
    #[serde(default)]
    pub profiles: Vec<DeclaredProfile>,
    /// Templates.
    #[serde(default)]
    pub templates: Vec<DeclaredTemplate>,
    /// The whole list of rules, in order; none leaves them alone.
    #[serde(default)]
    pub rules: Option<Vec<RuleDeclared>>,
}

/// A rule of a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleDeclared {
    /// All must hold; none is everybody.
    #[serde(default)]
    pub conditions: Vec<ConditionText>,
    /// What it leads to.
    pub profile: String,
    /// Where it stands: `lab.toml:12:1`.
    #[serde(default)]
    pub at: String,
}

impl From<ApplyWish> for Declared {
    fn from(wish: ApplyWish) -> Self {
        let rule = |RuleDeclared { conditions, profile, at }| DeclaredRule {
            conditions: conditions.into_iter().map(|condition| condition.0).collect(),
            profile,
            at,
        };
        Self {
            machines: wish.machines,
            profiles: wish.profiles,
            templates: wish.templates,
            rules: wish.rules.map(|rules| rules.into_iter().map(rule).collect()),
        }
    }
}

/// Many machines at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachinesWish {
    /// Each by its MAC, with what is said of it.
    pub machines: Vec<DeclaredMachine>,
}

/// What an apply did, or would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// The difference: its numbers, then a line for each thing (`+` added, `~` changed, `-` removed).
    pub says: String,
    /// `false` for a dry run.
    pub done: bool,
    /// Things added.
    pub added: usize,
    /// Things changed.
    pub changed: usize,
    /// Things removed.
    pub removed: usize,
}

impl From<super::Done> for Applied {
    fn from(done: super::Done) -> Self {
        let Tally { added, changed, removed } = Tally::of(&done.says);
        Self { says: done.says, done: done.done, added, changed, removed }
    }
}
