//! What a boot died of.

use super::Mend;
use engine::diagnose::Examined;
use model::diagnosis::Diagnosis;
use model::story::{BootStage, Ending};
use model::{BootId, HardwareAddress, Now};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A verdict over one boot of a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiagnosisView {
    /// The machine, as it is filed.
    pub machine: HardwareAddress,
    /// What people call it.
    pub name: Option<String>,
    /// The boot.
    pub boot: BootId,
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
    /// It may still go on: until then what stands in `diagnoses` holds only if nothing more is heard.
    pub waits_until: Option<Now>,
    /// What it died of, the surest first. Nothing: no fault is seen from here.
    pub diagnoses: Vec<Diagnosis>,
    /// What mends the first, where one request does.
    #[serde(default)]
    pub mend: Option<Mend>,
}

impl DiagnosisView {
    /// Of a boot that was examined.
    pub fn new(examined: Examined, name: Option<String>, mend: Option<Mend>) -> Self {
        let Examined { story, waits_until, diagnoses } = examined;
        Self {
            machine: story.machine,
            name,
            boot: story.id,
            from: story.from,
            until: story.until,
            furthest: story.furthest,
            outcome: story.outcome(),
            ending: story.ending,
            waits_until,
            diagnoses,
            mend,
        }
    }
}
