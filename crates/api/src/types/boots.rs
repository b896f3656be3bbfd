//! Boots.

use model::story::{BootStage, Ending, Totals};
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
    /// All of it in numbers.
    pub totals: Totals,
}

impl BootView {
    /// Of a story.
    pub fn new(story: &Story, name: Option<String>) -> Self {
        Self {
            id: story.id,
            machine: story.machine,
            name,
            from: story.from,
            until: story.until,
            furthest: story.furthest,
            ending: story.ending.clone(),
            outcome: story.outcome(),
            arrived: story.ending.arrived(),
            links: story.links.clone(),
            deployment: story.deployment.clone(),
            totals: story.totals,
        }
    }
}

/// A boot with all its steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BootShown {
    /// What people call the machine.
    pub name: Option<String>,
    /// The boot.
    pub story: Story,
}
