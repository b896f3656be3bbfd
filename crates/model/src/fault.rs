//! Whose fault a silence is, and what would change it.
//!
//! In: a [`Why`]. Out: a [`Fault`], by the variant alone, and at most one [`Remedy`]. Never: a look at
//! the words inside a reason, or advice that an operator could not follow.

use crate::event::Happening;
use crate::plan::Why;
use crate::time::Now;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// Who has to act, if anybody, for a silence to become an answer.
#[derive(
    Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// What the other end sent: its bytes are broken, too many, or ask for what is not theirs.
    Peer,
    /// What an operator set, or has not set yet: the server does as it was told.
    Settings,
    /// What is around the server: the disk, other servers on the link, relays, floods.
    Surroundings,
    /// This program: something that it does not do.
    Ours,
    /// Nobody: by the protocol, silence is the right answer.
    Nobody,
}

impl Fault {
    /// All, in the order of their declaration.
    pub const ALL: &'static [Self] =
        &[Self::Peer, Self::Settings, Self::Surroundings, Self::Ours, Self::Nobody];

    /// Who, in words that go on after "down to".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Peer => "what the machine sends",
            Self::Settings => "the settings here",
            Self::Surroundings => "what is around: the network, other servers, the machine itself",
            Self::Ours => "Bootwright itself",
            Self::Nobody => "nobody",
        }
    }

    /// The word that stands in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Settings => "settings",
            Self::Surroundings => "surroundings",
            Self::Ours => "ours",
            Self::Nobody => "nobody",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Peer => "the fault is in what it sent",
            Self::Settings => "the settings of this server say so",
            Self::Surroundings => "the fault is in what is around this server",
            Self::Ours => "this program does not do it",
            Self::Nobody => "nobody's fault: silence is the right answer",
        })
    }
}

/// The one thing that would turn a silence into an answer.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", content = "what", rename_all = "kebab-case")]
pub enum Remedy {
    /// A command, as it is typed. [`MACHINE`] stands where the machine is named; other words in
    /// capitals are the operator's to choose.
    Command(Cow<'static, str>),
    /// A line of the configuration file, in the `[[network]]` of the interface (a new one, where
    /// there is none). `bootwright reload` puts it to work.
    Setting(Cow<'static, str>),
    /// Something that has to be done elsewhere, as a sentence without its full stop.
    Elsewhere(Cow<'static, str>),
}

/// Stands in [`Remedy::Command`] where a machine is to be named.
pub const MACHINE: &str = "MACHINE";

impl Remedy {
    /// For this machine: its name takes the place of [`MACHINE`].
    #[must_use]
    pub fn of(self, machine: &str) -> Self {
        match self {
            Self::Command(text) => Self::Command(text.replace(MACHINE, machine).into()),
            other => other,
        }
    }

    const fn command(text: &'static str) -> Self {
        Self::Command(Cow::Borrowed(text))
    }

    const fn setting(text: &'static str) -> Self {
        Self::Setting(Cow::Borrowed(text))
    }

    const fn elsewhere(text: &'static str) -> Self {
        Self::Elsewhere(Cow::Borrowed(text))
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(text) => write!(f, "run `{text}`"),
            Self::Setting(text) => write!(f, "set `{text}`, then `bootwright reload`"),
            Self::Elsewhere(text) => f.write_str(text),
        }
    }
}

impl Happening {
    /// Why somebody got nothing, if this tells of it.
    #[must_use]
    pub const fn silence(&self) -> Option<&Why> {
        match self {
            Self::Silent { why, .. } | Self::FileMissed { why, .. } => Some(why),
            _ => None,
        }
    }
}

/// Something that got no answer, as a program reads it: whose fault, and what would change it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Silence {
    /// The stage of an explanation that gets nothing; none for what happened.
    pub stage: Option<String>,
    /// When it happened; none for what would.
    pub at: Option<Now>,
    /// The code of the reason ([`Why::code`]).
    pub code: Cow<'static, str>,
    /// The reason in words.
    pub says: String,
    /// Who has to act.
    pub fault: Fault,
    /// What would change it, with the machine's name filled in; none where silence is right.
    pub remedy: Option<Remedy>,
}

impl Silence {
    /// Of this reason, for this machine.
    #[must_use]
    pub fn of(why: &Why, machine: &str) -> Self {
        Self {
            stage: None,
            at: None,
            code: Cow::Borrowed(why.code()),
            says: why.to_string(),
            fault: why.fault(),
            remedy: why.remedy().map(|remedy| remedy.of(machine)),
        }
    }
}

/// The last DHCP message type that is registered (RFC 7724): what lies above no client may send.
const MESSAGE_TYPE_MAX: u8 = 18;

impl Why {
    /// Whose fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Malformed(_)
            | Self::BadOption(_)
            | Self::NotTheirs(_)
            | Self::NothingHere
            | Self::MustBeMulticast(_)
            | Self::ReportRefused(_) => Fault::Peer,
            Self::MessageType(kind) if *kind > MESSAGE_TYPE_MAX => Fault::Peer,
            Self::MessageType(_) => Fault::Ours,
            // Option 93 is missing, or names what no program here can be made for.
            Self::ArchUnserved(codes) if codes.is_empty() => Fault::Peer,
            Self::ArchUnserved(_) => Fault::Ours,
            Self::NotServed(_)
            | Self::OnlyListening
            | Self::UnknownRelay(_)
            | Self::NotRenewed(_)
            | Self::NoLoader(_)
            | Self::PlanIsSilence
            | Self::LocalDiskBySilence
            | Self::NoSuchFile { .. }
            | Self::FileNameTooLong(_)
            | Self::SettingsOnly(_)
            | Self::OutsideServedSubnets => Fault::Settings,
            // Who uses addresses that nobody leased to him keeps them from everybody else.
            Self::PoolExhausted { size, quarantined } if size == quarantined => Fault::Surroundings,
            Self::PoolExhausted { .. } => Fault::Settings,
            Self::NoRecord(_)
            | Self::TooMany(_)
            | Self::StoreFailed(_)
            | Self::RestoredNotProbed(_) => Fault::Surroundings,
            Self::NotBooting
            | Self::ProxyStaysOut(_)
            | Self::OtherServer(_)
            | Self::OtherServerId(_)
            | Self::NoAnswerExpected(_)
            | Self::BootServerType(_) => Fault::Nobody,
        }
    }

    /// What would change it; none where silence is right, whatever anybody does.
    #[must_use]
    pub fn remedy(&self) -> Option<Remedy> {
        Some(match self {
            Self::Malformed(_) | Self::BadOption(_) => Remedy::elsewhere(
                "update the firmware of the machine, or the relay that sent it; the bytes cannot be \
                 mended here",
            ),
            Self::NotServed(link) => Remedy::Setting(format!("interface = \"{link}\"").into()),
            Self::OnlyListening => Remedy::setting("mode = \"dhcp\" or \"proxy\""),
            Self::NotBooting => Remedy::elsewhere(
                "choose network boot (PXE or HTTP) in the boot order of its firmware, if it is to boot",
            ),
            Self::OtherServer(server) => Remedy::Elsewhere(
                format!(
                    "if this server is to give the addresses, stop the DHCP server {server} on that \
                     network"
                )
                .into(),
            ),
            Self::UnknownRelay(relay) => Remedy::Setting(format!("relays = [\"{relay}\"]").into()),
            Self::PoolExhausted { size, quarantined } if size == quarantined => Remedy::elsewhere(
                "find who uses addresses of the pool without a lease: `bootwright lease list` names \
                 them",
            ),
            Self::OtherServerId(duid) => Remedy::Elsewhere(
                format!(
                    "if this server is to give the addresses, stop the DHCPv6 server {duid} on that \
                     network"
                )
                .into(),
            ),
            Self::PoolExhausted { .. } | Self::NotRenewed(_) | Self::SettingsOnly(_) => Remedy::setting("pool = [\"FIRST-LAST\"]"),
            Self::NoRecord(_) => Remedy::setting("authoritative = true"),
            Self::ArchUnserved(codes) if codes.is_empty() => {
                Remedy::command("bootwright explain MACHINE --arch ARCH")
            }
            Self::ArchUnserved(_) => Remedy::elsewhere(
                "start it from a medium of its own, or by a bootloader in its flash that speaks iPXE \
                 or pxelinux",
            ),
            Self::NoLoader(_) => Remedy::command("bootwright bootloader import FILE"),
            Self::PlanIsSilence | Self::LocalDiskBySilence => {
                Remedy::command("bootwright machine set MACHINE --profile PROFILE")
            }
            Self::NoSuchFile { hint: Some(hint), .. } => Remedy::Elsewhere(hint.clone().into()),
            Self::NoSuchFile { hint: None, .. } => Remedy::command("bootwright image list"),
            Self::NothingHere => Remedy::command("bootwright machine deploy MACHINE --profile PROFILE"),
            Self::OutsideServedSubnets => Remedy::setting("relays = [\"RELAY\"]"),
            Self::TooMany(_) => Remedy::elsewhere(
                "look for a loop of cables or relays, or a client that never stops asking",
            ),
            Self::StoreFailed(_) => {
                Remedy::elsewhere("make room on the disk of the state directory")
            }
            Self::RestoredNotProbed(_) => {
                Remedy::command("bootwright reservation add ADDRESS --mac MACHINE")
            }
            Self::ReportRefused(_) => Remedy::command("bootwright machine show MACHINE"),
            Self::FileNameTooLong(_) => {
                Remedy::command("bootwright image import PATH --name SHORTER")
            }
            Self::ProxyStaysOut(_)
            | Self::NotTheirs(_)
            | Self::NoAnswerExpected(_)
            | Self::MessageType(_)
            | Self::MustBeMulticast(_)
            | Self::BootServerType(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests;
