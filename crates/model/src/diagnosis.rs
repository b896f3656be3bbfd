//! What a boot that did not arrive died of: a verdict, what shows it, and what to do.
//!
//! In: nothing but words. Out: the same. Never: how a verdict is reached (that is `engine::diagnose`).

mod code;

use crate::client::named;
use crate::fault::Fault;
use crate::time::Now;
pub use code::Code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

named! {
    /// How sure a verdict is.
    Certainty: "certainty" {
        /// Nothing else explains what was seen.
        Certain = "certain",
        /// What was seen is what this looks like, and there are rarer causes.
        Likely = "likely",
        /// One of several causes that look the same from here.
        Possible = "possible",
    }
}

/// One verdict over one boot.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnosis {
    /// Which: a stable name, explained in the documentation.
    pub code: Code,
    /// How sure it is.
    pub certainty: Certainty,
    /// Who has to change something.
    pub fault: Fault,
    /// What happened, in a sentence.
    pub verdict: String,
    /// What shows it, oldest first; [`EVIDENCE_MAX`] at most.
    pub evidence: Vec<Evidence>,
    /// The one thing to do about it.
    pub remedy: String,
}

/// So many steps are shown as evidence.
pub const EVIDENCE_MAX: usize = 6;

/// One thing that was seen, or known.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// When it was seen; none for what is known anyway.
    pub at: Option<Now>,
    /// What.
    pub says: String,
}

impl fmt::Display for Diagnosis {
    /// `tftp-answers-blocked (likely): not one …; remedy: …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}; to do: {}", self.code, self.certainty, self.verdict, self.remedy)
    }
}
