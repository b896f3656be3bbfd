//! Which quirks a client has, as the database and operators say, for the rooms that make allowance
//! for them.
//!
//! In: a client, what it was seen to do, the pins of its machine. Out: [`Allow`], asked by
//! [`Action`], and the reasons that answers give. Never: a quirk that is not in the database.

use crate::{Engine, FileAsk};
use model::plan::Reason;
use model::{Client, HardwareAddress, Pin, Seen};
use quirks::{Action, Bearing, Facts, Quirk, Standing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What one client is made allowance for, decided once for a message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allow {
    /// With how we know.
    has: Vec<(&'static Quirk, &'static str)>,
    /// Whether reasons are given for it.
    tells: bool,
}

impl Allow {
    fn of(facts: &Facts<'_>, tells: bool) -> Self {
        let has = |quirk: &'static Quirk| match quirks::standing(quirk, facts) {
            Standing::Has(because) => Some((quirk, because)),
            Standing::Denied | Standing::HasNot => None,
        };
        Self { has: quirks::telling().filter_map(has).collect(), tells }
    }

    /// Whether this is done for it.
    pub(crate) fn has(&self, action: Action) -> bool {
        self.has.iter().any(|(quirk, _)| quirk.action == Some(action))
    }

    /// The reason to give where it was done; none if it is not.
    pub(crate) fn reason(&self, action: Action) -> Option<Reason> {
        let found = self.has.iter().find(|(quirk, _)| quirk.action == Some(action));
        found.filter(|_| self.tells).map(|(quirk, because)| quirk.reason(because))
    }

    /// What is done for everybody and makes a difference to this one.
    pub(crate) fn for_everybody(&self) -> impl Iterator<Item = Reason> {
        let all = self.has.iter().filter(|(quirk, _)| quirk.bearing == Bearing::Everybody);
        all.filter(|_| self.tells).map(|(quirk, because)| quirk.reason(because))
    }
}

/// A quirk of a machine, as `explain` tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuirkSaid {
    /// `quirk-07`.
    pub id: String,
    /// `ignores-option-43`.
    pub name: String,
    /// What we do for it.
    pub does: String,
    /// How we know that it has it; or, where `denied`, that it looks like it.
    pub because: String,
    /// An operator says that it does not have it, so nothing is done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub denied: bool,
}

/// What every ROM can put together: 1024 bytes fit any link, with all headers.
const SMALL_BLOCK: u16 = 1024;
/// How long a slow reply waits.
pub(crate) const SLOW: Duration = Duration::from_secs(2);

/// Nothing was seen, nobody said anything.
static NOTHING: (BTreeSet<Seen>, BTreeMap<String, Pin>) = (BTreeSet::new(), BTreeMap::new());

impl Engine {
    pub(crate) fn pins(&self, hardware: &HardwareAddress) -> &BTreeMap<String, Pin> {
        self.machines.get(hardware).map_or(&NOTHING.1, |machine| &machine.quirks)
    }

    fn facts<'a>(&'a self, client: &'a Client, beside: Option<bool>) -> Facts<'a> {
        let seen = self.memory.seen(&client.hardware).unwrap_or(&NOTHING.0);
        Facts { seen, beside, pins: self.pins(&client.hardware), ..Facts::of(client) }
    }

    /// What is done for this client. `beside` says that another server gives the addresses.
    pub(crate) fn allowances(&self, client: &Client, beside: bool) -> Allow {
        Allow::of(&self.facts(client, Some(beside)), self.gives_reasons)
    }

    /// The largest block of TFTP for a client, where that is a quirk of it.
    pub(crate) fn blksize_max(&self, ask: &FileAsk, hardware: HardwareAddress) -> Option<u16> {
        if self.pins(&hardware).is_empty() {
            return None;
        }
        let client = self.remembered(&ask.link, hardware);
        self.allowances(&client, false).has(Action::SmallBlocks).then_some(SMALL_BLOCK)
    }

    /// All its quirks, for operators, at every stage that it has.
    pub(crate) fn quirks_said(&self, client: &Client, beside: bool) -> Vec<QuirkSaid> {
        let facts = self.facts(client, Some(beside));
        let without = Facts { pins: &NOTHING.1, ..facts };
        let said = |quirk: &'static Quirk| {
            let (because, denied) = match quirks::standing(quirk, &facts) {
                Standing::Has(because) => (because, false),
                Standing::Denied => match quirks::standing(quirk, &without) {
                    Standing::Has(because) => (because, true),
                    Standing::Denied | Standing::HasNot => return None,
                },
                Standing::HasNot => return None,
            };
            Some(QuirkSaid {
                id: quirk.id(),
                name: quirk.name.clone(),
                does: quirk.says().to_owned(),
                because: because.to_owned(),
                denied,
            })
        };
        quirks::telling().filter_map(said).collect()
    }
}
