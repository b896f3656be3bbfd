//! Boots.

use super::Mend;
use model::diagnosis::Diagnosis;
use model::story::{BootStage, Ending, Glance, Totals};
use model::{BootId, HardwareAddress, Now, Story};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A boot in a line of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BootView {
    /// Its name.
    pub id: BootId,
    /// The machine, as it is filed.
    pub machine: HardwareAddress,
    /// What people call it.
    pub name: Option<String>,
    /// When it began.
    pub from: Now,
    /// When the last was heard.
    pub until: Now,
    /// How far it came.
    pub furthest: BootStage,
    /// How it ended, as far as can be said now.
    pub ending: Ending,
    /// The same in a few words.
    pub outcome: String,
    /// Whether the machine came where it was sent, as far as can be seen.
    pub arrived: bool,
    /// The interfaces it was heard on.
    pub links: Vec<String>,
    /// The deployment that ran in it.
    pub deployment: Option<String>,
    /// What the last script told it, in a few words.
    #[serde(default)]
    pub told: Option<String>,
    /// All of it in numbers.
    pub totals: Totals,
    /// What it most surely died of, once it was judged.
    #[serde(default)]
    pub diagnosis: Option<Diagnosis>,
    /// What mends that, where one request does.
    #[serde(default)]
    pub mend: Option<Mend>,
}

impl BootView {
    /// Of a boot.
    pub fn new(boot: Glance, name: Option<String>, mend: Option<Mend>) -> Self {
        Self {
            id: boot.id,
            machine: boot.machine,
            name,
            from: boot.from,
            until: boot.until,
            furthest: boot.furthest,
            outcome: boot.ending.outcome(boot.furthest),
            arrived: boot.ending.arrived(),
            ending: boot.ending,
            links: boot.links,
            deployment: boot.deployment,
            told: boot.told,
            totals: boot.totals,
            diagnosis: boot.diagnosis,
            mend,
        }
    }
}

/// A boot with all its steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BootShown {
    /// What people call the machine.
    pub name: Option<String>,
    /// How it ended, or that it goes on, in a few words.
    #[serde(default)]
    pub outcome: String,
    /// Whether the machine came where it was sent, as far as can be seen.
    #[serde(default)]
    pub arrived: bool,
    /// In which of its steps something went wrong, by their places, the first being 0.
    #[serde(default)]
    pub trouble: Vec<usize>,
    /// The boot.
    pub story: Story,
}

impl BootShown {
    /// Of a story.
    pub fn new(story: Story, name: Option<String>) -> Self {
        let steps = story.steps.iter().enumerate();
        let trouble = steps.filter(|(_, step)| step.is_trouble()).map(|(at, _)| at).collect();
        let (outcome, arrived) = (story.outcome(), story.ending.arrived());
        Self { name, outcome, arrived, trouble, story }
    }
}
