//! A word for every message, which never changes once it was written: what searches, alerts and
//! `docs/messages.md` go by, while the sentences may become better.
//!
//! In: something the server says. Out: its code. Never: a code made of text from outside. Every
//! `match` here names all variants, so that nothing new can be said without a code.

use crate::client::{Arch, ArchCode};
use crate::plan::Why;
use std::net::Ipv4Addr;

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
            Self::UnknownRelay(address),
            Self::PoolExhausted { size: 100, quarantined: 0 },
            Self::PoolExhausted { size: 100, quarantined: 100 },
            Self::NoRecord(address),
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
        ]
    }
}

#[cfg(test)]
mod tests;
