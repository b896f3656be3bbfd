//! What came of one request, and of all.

use engine::compare::Difference;
use model::HardwareAddress;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One request of a capture, with both answers.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The packet in the capture that completed the request, counted from 1 as Wireshark does.
    pub packet: u64,
    /// Milliseconds since the first packet of the capture.
    pub after_ms: u64,
    /// The machine, as it is filed, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<HardwareAddress>,
    /// What it asked, in words.
    pub asked: String,
    /// What we would have answered, or why we would not.
    pub ours: String,
    /// Why.
    pub because: Vec<String>,
    /// What was answered in the capture.
    pub theirs: Vec<Theirs>,
    /// How the two compare.
    pub verdict: Verdict,
    /// In what they differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// What else is to be known of the comparison.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// An answer that the capture shows.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Theirs {
    /// The address it came from.
    pub from: String,
    /// Packets of the capture, counted from 1: where it began.
    pub packet: u64,
    /// What it says, in words.
    pub says: String,
}

/// How what we would have said compares with what was said.
#[derive(
    Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Byte for byte the same.
    Same,
    /// Other bytes, and no machine would do anything else for it.
    Agrees,
    /// A machine may do something else.
    Differs,
    /// We would have answered, and the capture shows no answer.
    OnlyWe,
    /// The capture shows an answer, and we would have been silent.
    OnlyThey,
    /// The capture shows an answer, and it is another server's business by our configuration.
    LeftToThem,
    /// Neither answers.
    Silent,
    /// The capture holds too little of the answer to compare.
    Unseen,
}

impl Verdict {
    /// Every verdict, in the order in which a summary counts them.
    pub const ALL: [Self; 8] = [
        Self::Same,
        Self::Agrees,
        Self::LeftToThem,
        Self::Silent,
        Self::Unseen,
        Self::Differs,
        Self::OnlyWe,
        Self::OnlyThey,
    ];

    /// Whether a machine would notice no difference.
    #[must_use]
    pub fn agrees(self) -> bool {
        !matches!(self, Self::Differs | Self::OnlyWe | Self::OnlyThey)
    }

    /// In a few words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Same => "the same, byte for byte",
            Self::Agrees => "agrees",
            Self::Differs => "DIFFERS",
            Self::OnlyWe => "ONLY WE would answer",
            Self::OnlyThey => "ONLY THEY answer",
            Self::LeftToThem => "left to the other server",
            Self::Silent => "silence on both sides",
            Self::Unseen => "not compared",
        }
    }
}

/// A whole capture, replayed.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Replayed {
    /// Every request, in the order of the capture.
    pub entries: Vec<Entry>,
    /// What is to be known of the whole: what was assumed, what was not read.
    pub notes: Vec<String>,
}

impl Replayed {
    /// Whether every answer agrees.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.entries.iter().all(|entry| entry.verdict.agrees())
    }

    /// How often a verdict was given.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.entries.iter().filter(|entry| entry.verdict == verdict).count()
    }
}
