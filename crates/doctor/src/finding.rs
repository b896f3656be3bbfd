//! One thing that was found: what, why it matters, and the command that mends it.

use crate::Code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// A word that stays the same, for scripts.
    pub code: Code,
    /// How bad it is.
    pub grade: Grade,
    /// What is so.
    pub what: String,
    /// What was seen of it, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Why that matters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// What mends it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mend: String,
}

impl Finding {
    /// As it should be.
    pub fn good(what: impl Into<String>) -> Self {
        let (code, grade) = (Code::Fine, Grade::Good);
        let (why, mend) = (String::new(), String::new());
        Self { code, grade, what: what.into(), evidence: Vec::new(), why, mend }
    }

    /// Worth knowing.
    pub fn note(
        code: Code,
        what: impl Into<String>,
        why: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        let (what, why, mend) = (what.into(), why.into(), mend.into());
        Self { code, grade: Grade::Note, what, evidence: Vec::new(), why, mend }
    }

    /// Booting would fail.
    pub fn bad(
        code: Code,
        what: impl Into<String>,
        why: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self { grade: Grade::Bad, ..Self::note(code, what, why, mend) }
    }

    /// With what was seen of it.
    #[must_use]
    pub fn seen(self, evidence: Vec<String>) -> Self {
        Self { evidence, ..self }
    }

    /// As people read it.
    #[must_use]
    pub fn show(&self) -> String {
        let mut text = match self.grade {
            Grade::Good => format!("good  {}", self.what),
            Grade::Note => format!("note  {} [{}]", self.what, self.code),
            Grade::Bad => format!("BAD   {} [{}]", self.what, self.code),
        };
        for seen in &self.evidence {
            text.push_str(&format!("\n      seen: {seen}"));
        }
        for (name, part) in [("why", &self.why), ("mend", &self.mend)] {
            if !part.is_empty() {
                text.push_str(&format!("\n      {name}: {part}"));
            }
        }
        text
    }
}

/// How many keep machines from booting, in words; none if none does.
#[must_use]
pub fn bad_in_words(findings: &[Finding]) -> Option<String> {
    match findings.iter().filter(|finding| finding.grade == Grade::Bad).count() {
        0 => None,
        1 => Some("1 finding keeps machines from booting".to_owned()),
        many => Some(format!("{many} findings keep machines from booting")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_read_by_people_and_by_programs() {
        let bad =
            Finding::bad(Code::LinkDown, "eth0 is down", "nobody hears", "ip link set eth0 up");
        assert_eq!(
            bad.show(),
            "BAD   eth0 is down [D-LINK-DOWN]\n      why: nobody hears\n      mend: ip link set eth0 up"
        );
        let seen = bad.clone().seen(vec!["operstate down".to_owned()]).show();
        assert!(seen.contains("\n      seen: operstate down\n      why:"), "{seen}");
        let json = serde_json::to_value(&bad).unwrap();
        assert_eq!((&json["code"], &json["grade"]), (&"D-LINK-DOWN".into(), &"bad".into()));
        assert_eq!(serde_json::from_value::<Finding>(json).unwrap(), bad);
        assert_eq!(bad_in_words(&[Finding::good("x")]), None);
        assert!(bad_in_words(&[bad.clone(), bad]).unwrap().starts_with('2'));
    }
}
