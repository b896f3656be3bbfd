//! One thing that was found: what, why it matters, and the command that mends it.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// Booting would fail.
    Bad,
}

/// What was found.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub grade: Grade,
    /// What is so.
    pub what: String,
    /// Why that matters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// What mends it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mend: String,
}

impl Finding {
    fn new(grade: Grade, what: String, why: String, mend: String) -> Self {
        Self { grade, what, why, mend }
    }

    /// As it should be.
    pub fn good(what: impl Into<String>) -> Self {
        Self::new(Grade::Good, what.into(), String::new(), String::new())
    }

    /// Worth knowing.
    pub fn note(what: impl Into<String>, why: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(Grade::Note, what.into(), why.into(), mend.into())
    }

    /// Booting would fail.
    pub fn bad(what: impl Into<String>, why: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(Grade::Bad, what.into(), why.into(), mend.into())
    }

    /// As people read it.
    pub fn show(&self) -> String {
        let mut text = match self.grade {
            Grade::Good => format!("good  {}", self.what),
            Grade::Note => format!("note  {}", self.what),
            Grade::Bad => format!("BAD   {}", self.what),
        };
        for (name, part) in [("why", &self.why), ("mend", &self.mend)] {
            if !part.is_empty() {
                text.push_str(&format!("\n      {name}: {part}"));
            }
        }
        text
    }
}
