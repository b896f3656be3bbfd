//! The story of one boot: everything that was heard from a machine, and told to it, from the moment
//! its firmware began to ask until nothing more is seen.
//!
//! A story is made of events, by `engine::story`. What it holds is data first and words second: a
//! diagnosis reads `what`, a person reads `says`.

mod id;

use crate::address::HardwareAddress;
use crate::client::{Arch, Firmware};
use crate::diagnosis::Diagnosis;
use crate::event::{Carrier, Cut, TlsFault, show_bytes, show_rate};
use crate::other::TheirOffer;
use crate::plan::{Does, Why};
use crate::severity::Severity;
use crate::time::Now;
pub use id::BootId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

crate::client::named! {
    /// How far a boot has come: whose turn it is.
    BootStage: "stage of a boot" {
        /// The machine's own firmware asks.
        Firmware = "firmware",
        /// A bootloader is fetched, or asks.
        Loader = "loader",
        /// A loader reads what it shall do.
        Script = "script",
        /// Kernel and initrds are fetched, or were.
        Kernel = "kernel",
        /// An installer reads its answer files, or reports.
        Installer = "installer",
        /// An operating system asks for its address.
        System = "system",
    }
}

/// One boot of one machine.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Story {
    /// Its name: the same in events, logs, reports and URLs.
    pub id: BootId,
    /// The machine, as it is filed.
    pub machine: HardwareAddress,
    /// What was heard from its firmware; nothing if its firmware was never heard.
    #[serde(default)]
    pub firmware: Option<Firmware>,
    /// For which processor its firmware asked.
    #[serde(default)]
    pub arch: Option<Arch>,
    /// What its firmware calls itself (option 60), shown.
    #[serde(default)]
    pub vendor_class: Option<String>,
    /// The interfaces it was heard on, first the first.
    pub links: Vec<String>,
    /// The cards that spoke, first the first.
    pub cards: Vec<HardwareAddress>,
    /// The relays it was heard through.
    pub relays: Vec<IpAddr>,
    /// The addresses it was given, or fetched from.
    pub addresses: Vec<IpAddr>,
    /// The deployment that ran in it.
    #[serde(default)]
    pub deployment: Option<String>,
    /// When it began.
    pub from: Now,
    /// When the last was heard.
    pub until: Now,
    /// How far it came.
    pub furthest: BootStage,
    /// How it ended, as far as can be said now.
    pub ending: Ending,
    /// The boot that this machine began after it.
    #[serde(default)]
    pub next: Option<BootId>,
    /// What happened, in the order in which it began.
    pub steps: Vec<Step>,
    /// Steps in the middle that were forgotten, there being more than are kept. They are counted in
    /// `totals` all the same.
    pub left_out: u64,
    /// The times in which nothing was heard, in order.
    pub gaps: Vec<Gap>,
    /// All of it in numbers.
    pub totals: Totals,
    /// What it died of, the surest first, once it was judged. Nothing: it goes on, or it arrived.
    #[serde(default)]
    pub diagnoses: Vec<Diagnosis>,
}

impl Story {
    /// From the first that was heard to the last.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.until.since(self.from)
    }

    /// How it ended, or that it goes on, with its furthest stage.
    #[must_use]
    pub fn outcome(&self) -> String {
        self.ending.outcome(self.furthest)
    }
}

/// A boot without its steps: what a list of many shows of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Glance {
    /// Its name.
    pub id: BootId,
    /// The machine, as it is filed.
    pub machine: HardwareAddress,
    /// The interfaces it was heard on, first the first.
    pub links: Vec<String>,
    /// The deployment that ran in it.
    pub deployment: Option<String>,
    /// When it began.
    pub from: Now,
    /// When the last was heard.
    pub until: Now,
    /// How far it came.
    pub furthest: BootStage,
    /// How it ended, as far as can be said now.
    pub ending: Ending,
    /// What the last script told it, in a few words.
    pub told: Option<String>,
    /// All of it in numbers.
    pub totals: Totals,
    /// What it most surely died of, once it was judged.
    pub diagnosis: Option<Diagnosis>,
}

/// How a boot ended. What happens on the machine is not seen from here: this is what the last that
/// was heard speaks for.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum Ending {
    /// Something was heard a moment ago, or a file is on its way.
    GoesOn,
    /// Its deployment is done.
    Installed,
    /// Its deployment failed.
    InstallationFailed {
        /// What its installer said.
        why: String,
    },
    /// An operating system asked for its address.
    SystemUp,
    /// It was told to start its own disk, and was not heard again.
    LocalDisk,
    /// All that it asked for of a kernel went out, and it was not heard again: as it should be where
    /// a system is started from memory.
    KernelSent,
    /// It was told this (to show a menu, to wait for approval), and was not heard again.
    Left {
        /// What it was told, in a few words.
        told: String,
    },
    /// It was not heard again, and should have been.
    Stopped,
}

crate::client::named! {
    /// An [`Ending`] in a word.
    How: "ending of a boot" {
        /// [`Ending::GoesOn`]
        GoesOn = "goes-on",
        /// [`Ending::Installed`]
        Installed = "installed",
        /// [`Ending::InstallationFailed`]
        InstallationFailed = "installation-failed",
        /// [`Ending::SystemUp`]
        SystemUp = "system-up",
        /// [`Ending::LocalDisk`]
        LocalDisk = "local-disk",
        /// [`Ending::KernelSent`]
        KernelSent = "kernel-sent",
        /// [`Ending::Left`]
        Left = "left",
        /// [`Ending::Stopped`]
        Stopped = "stopped",
    }
}

impl Ending {
    /// The same in a word.
    #[must_use]
    pub const fn how(&self) -> How {
        match self {
            Self::GoesOn => How::GoesOn,
            Self::Installed => How::Installed,
            Self::InstallationFailed { .. } => How::InstallationFailed,
            Self::SystemUp => How::SystemUp,
            Self::LocalDisk => How::LocalDisk,
            Self::KernelSent => How::KernelSent,
            Self::Left { .. } => How::Left,
            Self::Stopped => How::Stopped,
        }
    }

    /// Its outcome, of a boot that came so far.
    #[must_use]
    pub fn outcome(&self, furthest: BootStage) -> String {
        match self {
            Self::Stopped => format!("stopped at {furthest}"),
            Self::GoesOn => format!("goes on, at {furthest}"),
            other => other.to_string(),
        }
    }

    /// Whether the machine came where it was sent, as far as can be seen.
    #[must_use]
    pub const fn arrived(&self) -> bool {
        matches!(self, Self::Installed | Self::SystemUp | Self::LocalDisk | Self::KernelSent)
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GoesOn => f.write_str("goes on"),
            Self::Installed => f.write_str("installed"),
            Self::InstallationFailed { why } => write!(f, "installation failed: {why}"),
            Self::SystemUp => f.write_str("its system is up"),
            Self::LocalDisk => f.write_str("went on to its own disk"),
            Self::KernelSent => f.write_str("has its kernel"),
            Self::Left { told } => write!(f, "was told to {told}, and was not heard again"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

/// One thing that happened in a boot: an exchange, a file, a script, a report.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// When it began.
    pub at: Now,
    /// When it ended; the same moment for what takes no time.
    pub until: Now,
    /// Whose turn it was.
    pub stage: BootStage,
    /// On which interface, where that is known.
    #[serde(default)]
    pub link: Option<String>,
    /// Events that are in it. The same again and again (a waiting machine asks for its script every
    /// few seconds) is one step.
    pub times: u32,
    /// What happened, in a line.
    pub says: String,
    /// What happened, for programs.
    pub what: Did,
}

impl Step {
    /// Whether something went wrong in it: no answer, no file, a transfer that ended early.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        match &self.what {
            Did::Dhcp(exchange) => {
                exchange.waits_in_vain() || exchange.answer.as_deref() == Some("NAK")
            }
            Did::Transfer(carried) => carried.state == Carrying::Failed,
            Did::Missed { expected, .. } => !expected,
            Did::Handshake { .. } | Did::Alarm => true,
            Did::Deployment { step, .. } => {
                matches!(step.as_str(), "failed" | "frozen" | "refused")
            }
            Did::Script { .. } | Did::OfferTaken { .. } | Did::Log { .. } | Did::Told => false,
        }
    }

    /// Bytes of files that it brought to the machine.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match &self.what {
            Did::Transfer(carried) => carried.sent,
            _ => 0,
        }
    }
}

/// What happened in a step, for programs.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Did {
    /// A DHCP message, answered or not.
    Dhcp(Box<Exchange>),
    /// It asked what to do.
    Script {
        /// `iPXE script`, `GRUB configuration`, `pxelinux.cfg`.
        form: String,
        /// What it was told, in a few words.
        decision: String,
        /// The same for programs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        does: Option<Does>,
    },
    /// A file went out, or is on its way.
    Transfer(Box<Carried>),
    /// A file was asked for that we do not have.
    Missed {
        /// How.
        by: Carrier,
        /// Why there is none.
        why: Why,
        /// Loaders look for many names that need not exist: nothing is wrong.
        expected: bool,
    },
    /// A connection to the HTTPS port came to nothing.
    Handshake {
        /// Who tried.
        from: IpAddr,
        /// What happened.
        why: String,
        /// What to do.
        hint: String,
        /// What it was, as a value.
        #[serde(default)]
        fault: Option<TlsFault>,
    },
    /// It said that it takes another server's offer.
    OfferTaken {
        /// Whose.
        server: Ipv4Addr,
        /// The hardware address of that server, if it was ever heard.
        mac: Option<HardwareAddress>,
        /// What that server offered, if it was heard.
        offered: Option<TheirOffer>,
    },
    /// Its deployment went a step.
    Deployment {
        /// `d17`.
        deployment: String,
        /// Where it stands now, in a word.
        step: String,
        /// In words.
        words: String,
    },
    /// Lines of the machine's own log (syslog): the worst of them, else the last.
    Log {
        /// How grave the worst is.
        severity: Severity,
        /// Which program said it.
        app: Option<String>,
        /// What it said.
        text: String,
    },
    /// Something an operator should act on.
    Alarm,
    /// Anything else: it appeared, it said what is in it, an operator changed it.
    Told,
}

/// One DHCP message and what came of it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exchange {
    /// What came: `DISCOVER`, `REQUEST`, `REQUEST on 4011`.
    pub asked: String,
    /// What went: `OFFER`, `ACK`, `NAK`, `proxy OFFER`; nothing if it was not answered.
    pub answer: Option<String>,
    /// Why it was not answered.
    pub why: Option<Why>,
    /// The address given.
    pub address: Option<IpAddr>,
    /// The boot file named in the answer.
    pub file: Option<String>,
    /// Why no boot file is named in the answer, where it asked for one.
    #[serde(default)]
    pub no_file: Option<Why>,
    /// Why this bootloader, where one was chosen: also what Secure Boot would say of it.
    pub loader: Option<String>,
    /// 1 for the first of its kind in this try of this card, 2 for the first repetition.
    pub attempt: u32,
    /// The card that asked.
    pub card: Option<HardwareAddress>,
    /// The program that asked: `firmware`, `ipxe`, `system`.
    pub program: Option<String>,
    /// How it wants to be answered.
    pub firmware: Option<Firmware>,
    /// The relay it came through.
    pub relay: Option<IpAddr>,
    /// The server that it named (option 54).
    pub server: Option<IpAddr>,
    /// The port it asked on: 67 or 4011.
    pub port: Option<u16>,
    /// Seconds since it began to ask, as it counts them.
    pub asking_s: Option<u16>,
}

impl Exchange {
    /// Whether it was not answered though it waits for an answer, and for ours: what is meant for
    /// another server, or shall have no answer, is no trouble.
    #[must_use]
    pub const fn waits_in_vain(&self) -> bool {
        !matches!(
            self.why,
            None | Some(
                Why::OtherServer(_)
                    | Why::OtherServerId(_)
                    | Why::ProxyStaysOut(_)
                    | Why::OnlyListening
                    | Why::NoAnswerExpected(_)
                    | Why::PlanIsSilence
                    | Why::LocalDiskBySilence
            )
        )
    }
}

/// One file, or the same file several times (or in several parts) in a row.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Carried {
    /// Name as asked, shown.
    pub file: String,
    /// How.
    pub by: Carrier,
    /// To where, where that was told.
    pub to: Option<IpAddr>,
    /// Bytes to send.
    pub size: u64,
    /// Bytes that arrived, of all times.
    pub sent: u64,
    /// Milliseconds it took, of all times.
    pub took_ms: u64,
    /// Milliseconds from the (last) request until it began: over TFTP, until the client had confirmed
    /// the first packet. Nothing where it never began.
    pub waited_ms: Option<u64>,
    /// Blocks sent again (TFTP).
    pub again: u64,
    /// Where it stands.
    pub state: Carrying,
    /// Why it ended early, in words: the client's own where it gave any.
    pub why: Option<String>,
    /// Why it ended early, as a value.
    #[serde(default)]
    pub cut: Option<Cut>,
    /// We named this file to the machine in this boot. Otherwise somebody else did: another server,
    /// the loader itself, a person.
    pub named_by_us: bool,
}

/// Where a transfer stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Carrying {
    /// On its way.
    Runs,
    /// All of it arrived.
    Done,
    /// It ended early.
    Failed,
}

/// A time in which nothing was heard from the machine, and nothing was on its way to it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// Since when.
    pub from: Now,
    /// Until when: the next step, or the moment at which the story was read if there is none.
    pub until: Now,
    /// Whose turn it was before.
    pub after: BootStage,
    /// Whose turn it was then; nothing if nothing was heard since.
    pub before: Option<BootStage>,
    /// What it usually means.
    pub means: String,
    /// How we know: a clause, a source, a measurement; nothing where we do not.
    pub source: Option<String>,
    /// So long a silence is usual there. One that is not is worth a look.
    pub usual: bool,
}

impl Gap {
    /// How long.
    #[must_use]
    pub fn long(&self) -> Duration {
        self.until.since(self.from)
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in which the machine said nothing: {}", show_time(self.long()), self.means)
    }
}

/// A boot in numbers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Events that are in it.
    pub events: u64,
    /// DHCP messages.
    pub dhcp: u64,
    /// DHCP messages that wait in vain for an answer of ours.
    pub unanswered: u64,
    /// DHCP messages that repeated one before.
    pub repeated: u64,
    /// Files that arrived.
    pub files: u64,
    /// Transfers that ended early.
    pub failed: u64,
    /// Names asked for in vain that should exist.
    pub missed: u64,
    /// Bytes that arrived.
    pub bytes: u64,
    /// Of these by TFTP.
    pub tftp_bytes: u64,
    /// Blocks sent again (TFTP).
    pub again: u64,
    /// Lines of the machine's own log.
    pub log_lines: u64,
    /// Milliseconds in which nothing was heard, up to the last that was.
    pub silent_ms: u64,
}

/// `0.04 s`, `12 s`, `3 min 20 s`, `2 h 5 min`.
#[must_use]
pub fn show_time(time: Duration) -> String {
    let (ms, s) = (time.as_millis(), time.as_secs());
    match s {
        0 if ms < 100 => format!("{ms} ms"),
        0..=9 => format!("{:.1} s", time.as_secs_f64()),
        10..=99 => format!("{s} s"),
        100..=3599 => format!("{} min {} s", s / 60, s % 60),
        _ => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

/// `37.4 MiB in 3.1 s, 12.1 MiB/s`; without a rate where it was over at once.
#[must_use]
pub fn show_carried(bytes: u64, took_ms: u64) -> String {
    let took = show_time(Duration::from_millis(took_ms));
    match took_ms {
        0..=9 => format!("{} in {took}", show_bytes(bytes)),
        _ => format!("{} in {took}, {}", show_bytes(bytes), show_rate(bytes, took_ms)),
    }
}
