//! What operators may ask to be changed, and when that is refused.

use model::machine::Life;
use model::menu::Menu;
use model::rule::{Condition, Profile};
use model::{HardwareAddress, Image, Loader};
use serde::{Deserialize, Serialize};

/// A change that an operator asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Adds a profile, or replaces the one of this name.
    SetProfile(Profile),
    /// Removes a profile that no rule, machine or menu uses.
    RemoveProfile(String),
    /// Adds a rule. It is placed before the rules that demand less.
    AddRule {
        /// What it demands.
        conditions: Vec<Condition>,
        /// What it leads to.
        profile: String,
    },
    /// Moves a rule to a place in the order, the first being 1.
    MoveRule {
        /// Its number.
        id: u32,
        /// Its new place.
        to: usize,
    },
    /// Removes a rule.
    RemoveRule(u32),
    /// Sets the menu of one network (its interface), or of all.
    SetMenu(Option<String>, Menu),
    /// Publishes an imported image; its version is given by the engine.
    PublishImage(Image),
    /// Removes one version of an image, or all.
    RemoveImage(String, Option<u32>),
    /// Makes a bootloader available.
    PublishLoader(Loader),
    /// Approves, blocks or retires a machine, named by name, MAC, UUID or serial.
    SetLife(String, Life),
    /// Changes what an operator says of a machine.
    SetMachine {
        /// Name, MAC, UUID or serial; a MAC that was never seen adds the machine.
        machine: String,
        /// New name.
        name: Option<String>,
        /// Own profile; `Some(None)` takes it away.
        profile: Option<Option<String>>,
        /// Labels to set.
        labels: Vec<(String, String)>,
    },
    /// Forgets a machine.
    RemoveMachine(HardwareAddress),
}

/// Why a command was not carried out: what is wrong and what to do.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// What is wrong.
    pub why: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

/// A command that was decided but not yet kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// What to keep, then [`crate::Engine::apply`].
    pub changes: Vec<model::Change>,
    /// What was done (or would be, for a dry run), in words.
    pub says: String,
}

impl crate::Engine {
    /// Decides a command without changing anything: keep the changes first, then apply them.
    pub fn command(&self, now: model::Now, command: Command) -> Result<Decided, Refusal> {
        let _ = (now, command);
        Err(Refusal { why: "not served yet".to_owned(), hint: None })
    }
}
