//! The kinds of events, by the names that stand in their JSON (`event`).
//!
//! In: what happened. Out: its kind. Never: a name that serde does not write.

use super::Happening;

impl Happening {
    /// Every kind, as [`Self::kind`] names it.
    pub const KINDS: &'static [&'static str] = &[
        "answered",
        "silent",
        "script",
        "transfer-started",
        "transfer-progress",
        "transfer-done",
        "transfer-failed",
        "file-missed",
        "handshake-failed",
        "machine-appeared",
        "inventory",
        "other-server",
        "offer-taken",
        "compared",
        "deployment",
        "syslog",
        "diagnosis",
        "alarm",
        "changed",
    ];

    /// The kind, as the field `event` of the JSON says it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Answered { .. } => "answered",
            Self::Silent { .. } => "silent",
            Self::Script { .. } => "script",
            Self::TransferStarted { .. } => "transfer-started",
            Self::TransferProgress { .. } => "transfer-progress",
            Self::TransferDone { .. } => "transfer-done",
            Self::TransferFailed { .. } => "transfer-failed",
            Self::FileMissed { .. } => "file-missed",
            Self::HandshakeFailed { .. } => "handshake-failed",
            Self::MachineAppeared { .. } => "machine-appeared",
            Self::Inventory { .. } => "inventory",
            Self::OtherServer { .. } => "other-server",
            Self::OfferTaken { .. } => "offer-taken",
            Self::Compared { .. } => "compared",
            Self::Deployment { .. } => "deployment",
            Self::Syslog { .. } => "syslog",
            Self::Diagnosis(_) => "diagnosis",
            Self::Alarm { .. } => "alarm",
            Self::Changed { .. } => "changed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_are_those_that_serde_knows() {
        let why = serde_json::from_str::<Happening>(r#"{"event":"no such"}"#).unwrap_err();
        let why = why.to_string();
        let (_, known) = why.split_once("expected one of ").unwrap();
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        assert_eq!(known, Happening::KINDS);
    }

    #[test]
    fn a_kind_is_what_stands_in_the_json() {
        let text = || "x".to_owned();
        let some = [
            Happening::Alarm { text: text() },
            Happening::Changed { text: text() },
            Happening::MachineAppeared { says: text() },
            Happening::OfferTaken {
                server: [10, 0, 0, 1].into(),
                mac: None,
                standing: None,
                address: None,
                offered: None,
                ours: None,
            },
            Happening::HandshakeFailed {
                from: [10, 0, 0, 1].into(),
                why: text(),
                hint: text(),
                fault: None,
            },
        ];
        for happening in some {
            let json = serde_json::to_value(&happening).unwrap();
            assert_eq!(json["event"], happening.kind());
        }
    }
}
