//! How grave a line of a log is (RFC 5424 §6.2.1).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// From worst to least, in the words that loggers use.
#[derive(
    Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// 0: the system is unusable.
    Emerg,
    /// 1: act now.
    Alert,
    /// 2: critical.
    Crit,
    /// 3: an error.
    Err,
    /// 4: a warning.
    Warning,
    /// 5: normal, and worth a word.
    Notice,
    /// 6: information.
    Info,
    /// 7: for who looks for a bug.
    Debug,
}

impl Severity {
    /// By its number; only the last three bits count.
    pub fn of(number: u8) -> Self {
        match number & 7 {
            0 => Self::Emerg,
            1 => Self::Alert,
            2 => Self::Crit,
            3 => Self::Err,
            4 => Self::Warning,
            5 => Self::Notice,
            6 => Self::Info,
            _ => Self::Debug,
        }
    }

    /// Its number, 0 to 7.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// `warning`
    pub fn name(self) -> &'static str {
        match self {
            Self::Emerg => "emerg",
            Self::Alert => "alert",
            Self::Crit => "crit",
            Self::Err => "err",
            Self::Warning => "warning",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_names_and_json_agree() {
        let all: Vec<Severity> = (0..8).map(Severity::of).collect();
        assert!(all.is_sorted() && all[0] == Severity::Emerg && all[7] == Severity::Debug);
        for severity in all {
            let json = serde_json::to_string(&severity).unwrap();
            assert_eq!(json, format!("\"{severity}\""));
        }
    }
}
