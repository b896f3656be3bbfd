//! Verdicts in plain English.
//!
//! In: a verdict. Out: sentences for operators. Never: a decision.

use crate::verdict::{Across, Asker, Link, List, Reason, Remark, Starts, Verdict};
use std::fmt;

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Db => "firmware's list db",
            Self::Dbx => "firmware's list dbx",
            Self::Vendor => "the list in this shim",
            Self::VendorDbx => "the list of revocations in this shim",
            Self::Mok => "the machine owner's list (MOK)",
        })
    }
}

impl List {
    fn who(self) -> &'static str {
        match self {
            Self::Db | Self::Dbx => "firmware",
            Self::Vendor | Self::VendorDbx => "this shim",
            Self::Mok => "the machine's owner (MOK)",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trusted { signer, authority, list, is_proved } => {
                write!(f, "signed by {signer}, which {} trusts ({authority}", list.who())?;
                f.write_str(if *is_proved { ")" } else { ", by name: its key is not at hand)" })
            }
            Self::TrustedDigest(list) => write!(f, "its digest is in {list}"),
            Self::Unsigned => f.write_str("unsigned: starts only with Secure Boot off"),
            Self::Stranger { signer, authority } if signer == authority => {
                write!(f, "signed by {signer}, which is not trusted")
            }
            Self::Stranger { signer, authority } => {
                write!(f, "signed by {signer}, certified by {authority}, which is not trusted")
            }
            Self::Flawed { signer, flaw } if flaw.is_only_unknown() => {
                write!(f, "the signature of {signer} cannot be checked here: {flaw}")
            }
            Self::Flawed { signer, flaw } => {
                write!(f, "the signature of {signer} is worth nothing: {flaw}")
            }
            Self::DamagedTable => f.write_str(
                "its table of signatures does not end with its last one; sign it anew, or fetch it again",
            ),
            Self::RevokedDigest(list) => write!(f, "its digest is revoked by {list}"),
            Self::RevokedCertificate { name, list } => {
                write!(f, "the certificate of {name} is revoked by {list}")
            }
            Self::Sbat { component, generation, lowest, level } => write!(
                f,
                "its component {component} is of generation {generation}, and the SBAT level {level} revokes all below {lowest}; take a newer build"
            ),
            Self::NoSbat => f.write_str("it has no SBAT section, which this shim demands"),
            Self::BrokenSbat(line) => {
                write!(f, "line {line} of its SBAT section does not have six fields")
            }
            Self::NoShim => f.write_str(
                "GRUB asks shim whether to start a kernel, and no shim comes before this GRUB",
            ),
            Self::Svn { own, lowest } => write!(
                f,
                "its security version is {own}, and firmware's list dbx revokes all below {lowest}; take it from newer Windows media"
            ),
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfDate { name, from, until } => write!(
                f,
                "the certificate of {name} is for {from} to {until}; firmware does not look at that"
            ),
            Self::Nested(signer) => write!(
                f,
                "a signature of {signer} stands inside another one, where firmware does not look"
            ),
            Self::OtherMachine(machine) => {
                write!(f, "it is for another processor ({machine:#06x}) than the file before it")
            }
            Self::Useless { signer, flaw: None } => {
                write!(f, "it is also signed by {signer}, which is not trusted")
            }
            Self::Useless { signer, flaw: Some(flaw) } => {
                write!(f, "it is also signed by {signer}, which is worth nothing: {flaw}")
            }
            Self::ShimUnread(what) => write!(f, "in this shim, {what}"),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = match self.asked {
            Asker::Firmware => "firmware",
            Asker::Shim => "shim",
        };
        let kind = &self.kind;
        match self.starts {
            Starts::Yes => write!(f, "{asked} starts {kind}: ")?,
            Starts::Perhaps => write!(f, "{asked} starts {kind} if the names are true: ")?,
            Starts::No => write!(f, "{asked} refuses {kind}: ")?,
        }
        // What is for a file stays told when something against it decides.
        let texts: Vec<String> = self.reasons.iter().map(Reason::to_string).collect();
        f.write_str(&texts.join("; "))?;
        self.remarks.iter().try_for_each(|remark| write!(f, "\n  note: {remark}"))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.starts {
            Starts::Yes => "boots with Secure Boot",
            Starts::Perhaps => "boots with Secure Boot, if the names are true",
            Starts::No => "does not boot with Secure Boot",
        })?;
        self.links.iter().try_for_each(|link| write!(f, "\n{link}"))
    }
}

impl Verdict {
    /// The reason of the first link that is refused, after its kind.
    fn refusal(&self) -> Option<String> {
        let link = self.links.iter().find(|link| link.starts == Starts::No)?;
        let reason = link.reasons.iter().rev().find(|reason| !is_for(reason))?;
        Some(format!("{}: {reason}", link.kind))
    }

    /// The authorities by which firmware starts the first file.
    fn authorities(&self) -> Vec<&str> {
        let reasons = self.links.first().into_iter().flat_map(|link| &link.reasons);
        let all = reasons.filter_map(|reason| match reason {
            Reason::Trusted { authority, .. } => Some(authority.as_str()),
            _ => None,
        });
        all.collect()
    }
}

fn is_for(reason: &Reason) -> bool {
    matches!(reason, Reason::Trusted { .. } | Reason::TrustedDigest(_))
}

impl fmt::Display for Across {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let starts = |verdict: &Verdict| verdict.starts > Starts::No;
        let is_proved =
            [&self.only_2011, &self.only_2023].iter().all(|v| v.starts != Starts::Perhaps);
        let named = |verdict: &Verdict| verdict.authorities().join(" or ");
        match (starts(&self.only_2011), starts(&self.only_2023)) {
            (true, true) => write!(
                f,
                "boots with Secure Boot on machines that trust {} or {}",
                named(&self.only_2011),
                named(&self.only_2023)
            )?,
            (true, false) => write!(
                f,
                "boots with Secure Boot on machines that trust {}; refused where only Microsoft's authorities of 2023 are trusted",
                named(&self.only_2011)
            )?,
            (false, true) => write!(
                f,
                "boots with Secure Boot on machines that trust {}; refused where only Microsoft's authorities of 2011 are trusted",
                named(&self.only_2023)
            )?,
            (false, false) if starts(&self.both) => write!(
                f,
                "boots with Secure Boot only where Microsoft's authorities of 2011 and of 2023 are both trusted"
            )?,
            (false, false) => {
                let why = self.both.refusal().unwrap_or_else(|| "there is no file".to_owned());
                return write!(f, "refused with Secure Boot on; {why}");
            }
        }
        f.write_str(if is_proved { "" } else { " (by name: not every key is at hand)" })
    }
}
