//! A word for every message, which never changes once it was written: what searches, alerts and
//! `docs/codes.md` go by, while the sentences may become better.
//!
//! In: something the server says. Out: its code. Never: a code made of text from outside. Every
//! `match` here names all variants, so that nothing new can be said without a code.

use crate::client::{Arch, ArchCode};
use crate::event::Happening;
use crate::fault::Fault;
use crate::listen::Outcome;
use crate::plan::{Reason, Why};
use crate::severity::Severity;
use std::net::Ipv4Addr;

/// Words for an answer to a DHCP message, by the code of its event.
const ANSWERS: [(&str, &str); 8] = [
    ("OFFER", "dhcp-offer"),
    ("ACK", "dhcp-ack"),
    ("NAK", "dhcp-nak"),
    ("proxy OFFER", "proxy-offer"),
    ("proxy ACK", "proxy-ack"),
    ("BOOTP reply", "bootp-reply"),
    ("ADVERTISE", "dhcp6-advertise"),
    ("REPLY", "dhcp6-reply"),
];

/// Steps of a deployment, by the code of their event.
const STEPS: [(&str, &str); 14] = [
    ("armed", "deployment-armed"),
    ("claimed", "deployment-claimed"),
    ("begun", "deployment-begun"),
    ("started", "deployment-started"),
    ("progress", "deployment-progress"),
    ("fetched", "deployment-fetched"),
    ("repeated", "deployment-repeated"),
    ("missing", "deployment-missing"),
    ("refused", "deployment-refused"),
    ("done", "deployment-done"),
    ("failed", "deployment-failed"),
    ("expired", "deployment-expired"),
    ("cancelled", "deployment-cancelled"),
    ("frozen", "deployment-frozen"),
];

/// Forms of a script, by the code of its event.
const FORMS: [(&str, &str); 5] = [
    ("iPXE script", "script-ipxe"),
    ("GRUB configuration", "script-grub"),
    ("pxelinux.cfg", "script-pxelinux"),
    ("metadata", "script-metadata"),
    ("answer for pixiecore", "script-pixiecore"),
];

/// Codes of events that say the same of everybody.
const PLAIN: [&str; 14] = [
    "transfer-started",
    "transfer-progress",
    "transfer-done",
    "transfer-failed",
    "handshake-failed",
    "machine-appeared",
    "inventory",
    "other-server",
    "offer-taken",
    "compared",
    "machine-log",
    "diagnosis",
    "alarm",
    "changed",
];

/// What an event says that stands in none of the tables. No engine of this version says it; one of
/// a later version, whose events are read here, may.
const UNKNOWN: [&str; 3] = ["dhcp-answer", "deployment-step", "script-other"];

fn coded(table: &[(&str, &'static str)], word: &str, other: &'static str) -> &'static str {
    table.iter().find(|(known, _)| *known == word).map_or(other, |(_, code)| code)
}

impl Happening {
    /// The code: one of [`Self::codes`], whatever the network sent.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Answered { answer, .. } => coded(&ANSWERS, answer, "dhcp-answer"),
            Self::Silent { why, .. } | Self::FileMissed { why, .. } => why.code(),
            Self::Script { form, .. } => coded(&FORMS, form, "script-other"),
            Self::TransferStarted { .. } => "transfer-started",
            Self::TransferProgress { .. } => "transfer-progress",
            Self::TransferDone { .. } => "transfer-done",
            Self::TransferFailed { .. } => "transfer-failed",
            Self::HandshakeFailed { .. } => "handshake-failed",
            Self::MachineAppeared { .. } => "machine-appeared",
            Self::Inventory { .. } => "inventory",
            Self::OtherServer { .. } => "other-server",
            Self::OfferTaken { .. } => "offer-taken",
            Self::Compared { .. } => "compared",
            Self::Deployment { step, .. } => coded(&STEPS, step, "deployment-step"),
            Self::Syslog { .. } => "machine-log",
            Self::Diagnosis(_) => "diagnosis",
            Self::Alarm { .. } => "alarm",
            Self::Changed { .. } => "changed",
        }
    }

    /// All codes of events, silences among them, each once.
    #[must_use]
    pub fn codes() -> Vec<&'static str> {
        let tables = ANSWERS.iter().chain(&STEPS).chain(&FORMS).map(|(_, code)| *code);
        let mut all: Vec<&str> = tables.chain(PLAIN).chain(UNKNOWN).collect();
        all.extend(Why::examples().iter().map(Why::code));
        all.sort_unstable();
        all.dedup();
        all
    }

    /// How grave it is, by the levels of syslog (RFC 5424, 6.2.1): what nobody need read is
    /// `debug`, what somebody should act on is `warning` or worse.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Alarm { .. } => Severity::Err,
            Self::TransferFailed { .. }
            | Self::HandshakeFailed { .. }
            | Self::Diagnosis(_)
            | Self::OtherServer { .. } => Severity::Warning,
            Self::Silent { why, .. } => why.severity(),
            Self::FileMissed { expected: true, .. } | Self::Syslog { .. } => Severity::Debug,
            Self::FileMissed { expected: false, .. } => Severity::Notice,
            Self::Deployment { step, .. } => match step.as_str() {
                "failed" | "expired" | "frozen" | "refused" | "missing" => Severity::Warning,
                _ => Severity::Notice,
            },
            Self::MachineAppeared { .. } | Self::Changed { .. } => Severity::Notice,
            Self::Answered { .. }
            | Self::Script { .. }
            | Self::TransferStarted { .. }
            | Self::TransferProgress { .. }
            | Self::TransferDone { .. }
            | Self::OfferTaken { .. }
            | Self::Compared { outcome: Outcome::Agrees | Outcome::Unheard, .. }
            | Self::Inventory { .. } => Severity::Info,
            Self::Compared { outcome: Outcome::Differs, .. } => Severity::Notice,
        }
    }
}

impl Reason {
    /// The code, `reason-…`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Blocked => "reason-blocked",
            Self::Armed { .. } => "reason-armed",
            Self::Spent { .. } => "reason-spent",
            Self::Installed(_) => "reason-installed",
            Self::OwnProfile(_) => "reason-own-profile",
            Self::RuleMatched { .. } => "reason-rule-matched",
            Self::RuleMissed { .. } => "reason-rule-missed",
            Self::DefaultForApproved(_) => "reason-default-for-approved",
            Self::DefaultForUnknown(_) => "reason-default-for-unknown",
            Self::CannotBoot { .. } => "reason-cannot-boot",
            Self::LittleMemory { .. } => "reason-little-memory",
            Self::Loader { .. } => "reason-loader",
            Self::NoFile(_) => "reason-no-file",
            Self::Quirk { .. } => "reason-quirk",
            Self::Note(_) => "reason-note",
        }
    }

    /// All codes of reasons.
    pub const CODES: &'static [&'static str] = &[
        "reason-blocked",
        "reason-armed",
        "reason-spent",
        "reason-installed",
        "reason-own-profile",
        "reason-rule-matched",
        "reason-rule-missed",
        "reason-default-for-approved",
        "reason-default-for-unknown",
        "reason-cannot-boot",
        "reason-little-memory",
        "reason-loader",
        "reason-no-file",
        "reason-quirk",
        "reason-note",
    ];
}

impl Why {
    /// The code, `silence-…`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "silence-malformed",
            Self::BadOption(_) => "silence-bad-option",
            Self::NotServed(_) => "silence-not-served",
            Self::OnlyListening => "silence-only-listening",
            Self::NotBooting => "silence-not-booting",
            Self::ProxyStaysOut(_) => "silence-proxy-stays-out",
            Self::OtherServer(_) => "silence-other-server",
            Self::UnknownRelay(_) => "silence-unknown-relay",
            Self::PoolExhausted { .. } => "silence-pool-exhausted",
            Self::NoRecord(_) => "silence-no-record",
            Self::NotRenewed(_) => "silence-not-renewed",
            Self::NotTheirs(_) => "silence-not-theirs",
            Self::NoAnswerExpected(_) => "silence-no-answer-expected",
            Self::MessageType(_) => "silence-message-type",
            Self::ArchUnserved(_) => "silence-arch-unserved",
            Self::NoLoader(_) => "silence-no-loader",
            Self::PlanIsSilence => "silence-plan-is-silence",
            Self::LocalDiskBySilence => "silence-local-disk-by-silence",
            Self::BootServerType(_) => "silence-boot-server-type",
            Self::NoSuchFile { .. } => "silence-no-such-file",
            Self::NothingHere => "silence-nothing-here",
            Self::OutsideServedSubnets => "silence-outside-served-subnets",
            Self::TooMany(_) => "silence-too-many",
            Self::StoreFailed(_) => "silence-store-failed",
            Self::RestoredNotProbed(_) => "silence-restored-not-probed",
            Self::ReportRefused(_) => "silence-report-refused",
            Self::FileNameTooLong(_) => "silence-file-name-too-long",
            Self::OtherServerId(_) => "silence-other-server-id",
            Self::MustBeMulticast(_) => "silence-must-be-multicast",
            Self::SettingsOnly(_) => "silence-settings-only",
        }
    }

    /// How grave a silence is: the faults that an operator can mend are worth a look.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self.fault() {
            Fault::Settings | Fault::Surroundings => Severity::Warning,
            Fault::Peer | Fault::Ours => Severity::Notice,
            Fault::Nobody => Severity::Info,
        }
    }

    /// One of each, with both faces of those that have two: for whoever must list them all.
    #[must_use]
    pub fn examples() -> Vec<Self> {
        let address = Ipv4Addr::new(192, 0, 2, 1);
        let said = || "…".to_owned();
        vec![
            Self::Malformed(said()),
            Self::BadOption(said()),
            Self::NotServed("eth0".to_owned()),
            Self::OnlyListening,
            Self::NotBooting,
            Self::ProxyStaysOut(said()),
            Self::OtherServer(address),
            Self::UnknownRelay(address.into()),
            Self::PoolExhausted { size: 100, quarantined: 0 },
            Self::PoolExhausted { size: 100, quarantined: 100 },
            Self::NoRecord(address.into()),
            Self::NotRenewed(address),
            Self::NotTheirs(address),
            Self::NoAnswerExpected(said()),
            Self::MessageType(10),
            Self::ArchUnserved(Vec::new()),
            Self::ArchUnserved(vec![ArchCode(13)]),
            Self::NoLoader(Arch::X64Uefi),
            Self::PlanIsSilence,
            Self::LocalDiskBySilence,
            Self::BootServerType(1),
            Self::NoSuchFile { name: said(), hint: None },
            Self::NoSuchFile { name: said(), hint: Some("`bootwright image list`".to_owned()) },
            Self::NothingHere,
            Self::OutsideServedSubnets,
            Self::TooMany(said()),
            Self::StoreFailed(said()),
            Self::RestoredNotProbed(address),
            Self::ReportRefused(said()),
            Self::FileNameTooLong(said()),
            Self::OtherServerId("000300010200000000aa".to_owned()),
            Self::MustBeMulticast("SOLICIT".to_owned()),
            Self::SettingsOnly("SOLICIT".to_owned()),
        ]
    }
}

#[cfg(test)]
mod tests;
