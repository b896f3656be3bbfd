//! What a machine would get at every stage, and why: the live decision, with nothing kept.

use crate::Engine;
use model::plan::{BootPlan, Reason, Why};
use model::{Arch, Firmware, HardwareAddress, Now};
use serde::{Deserialize, Serialize};

/// Whom to explain, as far as the operator says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Name, MAC, UUID or serial.
    pub machine: String,
    /// Instead of what it last said.
    pub arch: Option<Arch>,
    /// Instead of what it last said.
    pub firmware: Option<Firmware>,
    /// Only this stage: `firmware`, `ipxe`, `grub`.
    pub stage: Option<String>,
    /// Interface, instead of where it was last heard.
    pub network: Option<String>,
}

/// Everything a machine would get.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Its hardware address.
    pub machine: HardwareAddress,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What it was taken to be: "x64-uefi, pxe, on lan0".
    pub taken_as: String,
    /// The decision and its reasons, rule by rule.
    pub plan: BootPlan,
    /// Stage by stage.
    pub stages: Vec<StageAnswer>,
}

/// What one stage gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageAnswer {
    /// `firmware`, `bootloader`, `script`, `kernel`.
    pub stage: String,
    /// What it gets, in a line; none is silence.
    pub gets: Option<String>,
    /// The text it gets (a script), where there is one.
    pub text: Option<String>,
    /// Why it gets nothing.
    pub silence: Option<Why>,
    /// Why it gets that.
    pub because: Vec<Reason>,
}

impl Engine {
    /// Explains without changing anything. `Err` says why the question has no answer.
    pub fn explain(&self, now: Now, question: &Question) -> Result<Explanation, crate::Refusal> {
        let _ = now;
        Err(crate::Refusal { why: format!("{} is not known", question.machine), hint: None })
    }
}
