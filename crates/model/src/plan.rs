//! What a machine boots, and why; what it does not get, and why.

use crate::address::HardwareAddress;
use crate::client::{Arch, ArchCode};
use crate::image::Way;
use crate::menu::{Entry, PasswordHash};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// The decision for one machine at one moment, with its reasons in order.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BootPlan {
    /// What it does.
    pub decision: Decision,
    /// Why, first the one that decided.
    pub reasons: Vec<Reason>,
}

/// What a machine does next.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Start its own disk.
    LocalDisk,
    /// Be told that it is blocked, then start its own disk.
    Refused,
    /// Wait on a screen until an operator approves it; the code tells which box it is.
    Pending {
        /// Six digits, see `Machine::code`.
        code: String,
    },
    /// Wait on a screen until an operator has typed the code that stands there; what was armed is
    /// given then. The code itself is in no event and no explanation.
    Confirm,
    /// Show the menu.
    Menu(ShownMenu),
    /// Boot an image.
    Boot(Boot),
    /// Do what another server says (`boot.ask`), which is asked when the machine's loader asks for its
    /// script.
    Ask {
        /// Where that is asked.
        url: String,
    },
    /// Boot what another server named.
    Elsewhere(Elsewhere),
    /// Hear nothing from us.
    Silent,
}

/// The kind of a decision, for programs: its sentence ([`Decision::summary`]) has titles of images in it.
#[derive(
    Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Does {
    /// [`Decision::LocalDisk`]
    LocalDisk,
    /// [`Decision::Refused`]
    Blocked,
    /// [`Decision::Pending`]
    Pending,
    /// [`Decision::Confirm`]
    Confirm,
    /// [`Decision::Menu`]
    Menu,
    /// [`Decision::Boot`]
    Boot,
    /// [`Decision::Ask`]
    Ask,
    /// [`Decision::Elsewhere`]
    Elsewhere,
    /// [`Decision::Silent`]
    Silent,
}

impl Does {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LocalDisk => "local-disk",
            Self::Blocked => "blocked",
            Self::Pending => "pending",
            Self::Confirm => "confirm",
            Self::Menu => "menu",
            Self::Boot => "boot",
            Self::Ask => "ask",
            Self::Elsewhere => "elsewhere",
            Self::Silent => "silent",
        }
    }

    /// Whether the machine is sent to its own disk.
    #[must_use]
    pub fn is_local_disk(self) -> bool {
        matches!(self, Self::LocalDisk | Self::Blocked)
    }
}

impl Decision {
    /// Its kind.
    #[must_use]
    pub fn does(&self) -> Does {
        match self {
            Self::LocalDisk => Does::LocalDisk,
            Self::Refused => Does::Blocked,
            Self::Pending { .. } => Does::Pending,
            Self::Confirm => Does::Confirm,
            Self::Menu(_) => Does::Menu,
            Self::Boot(_) => Does::Boot,
            Self::Ask { .. } => Does::Ask,
            Self::Elsewhere(_) => Does::Elsewhere,
            Self::Silent => Does::Silent,
        }
    }

    /// In a few words, for lines and screens.
    pub fn summary(&self) -> String {
        match self {
            Self::LocalDisk => "start the local disk".to_owned(),
            Self::Refused => "blocked: start the local disk".to_owned(),
            Self::Pending { code } => format!("wait for approval, code {code}"),
            Self::Confirm => "wait until the code on its screen is confirmed".to_owned(),
            Self::Menu(_) => "show the boot menu".to_owned(),
            Self::Boot(boot) => format!("boot {} (version {})", boot.title, boot.version),
            Self::Ask { url } => format!("do what {url} says"),
            Self::Elsewhere(boot) => format!("boot {}, as {} says", boot.kernel, boot.of),
            Self::Silent => "hear nothing from us".to_owned(),
        }
    }
}

/// A kernel, its initrds and its arguments, somewhere else: the machine fetches them from there.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Elsewhere {
    /// The server that named them.
    pub of: String,
    /// URL of the kernel.
    pub kernel: String,
    /// URLs of the initrds.
    pub initrds: Vec<String>,
    /// Kernel arguments.
    pub args: String,
    /// What to show before.
    pub message: Option<String>,
}

/// A menu ready to be shown: every entry exists.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShownMenu {
    /// Entries in order, each with what it boots (none for the local disk).
    pub entries: Vec<(Entry, Option<Boot>)>,
    /// Key of the entry taken by itself.
    pub default: String,
    /// Seconds until then; 0 waits for ever.
    pub wait_s: u64,
    /// Password of locked entries.
    pub password: Option<PasswordHash>,
}

/// A kernel, its initrds and its arguments, as paths on the machines' port.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Boot {
    /// Image name.
    pub image: String,
    /// Image version.
    pub version: u32,
    /// What it is, in words.
    pub title: String,
    /// The profile that led here.
    pub profile: Option<String>,
    /// What starts it.
    #[serde(default)]
    pub way: Way,
    /// Path of the kernel, `image/NAME/VERSION/PATH`, or of the disc that is started as a drive.
    pub kernel: String,
    /// Paths of the initrds.
    pub initrds: Vec<String>,
    /// What each of `initrds` is told (see [`crate::image::Recipe::initrd_args`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub initrd_args: Vec<String>,
    /// The disc, and the path under which it is put beside the initrds.
    #[serde(default)]
    pub disc_as: Option<(String, String)>,
    /// All kernel arguments, before those that a loader adds by itself (`initrd=`, `BOOTIF=`), with
    /// the placeholders of [`crate::image::Recipe`].
    pub args: String,
    /// Paths of the image's own shim and GRUB.
    pub signed: Option<(String, String)>,
    /// The deployment that arms it, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<u32>,
}

/// One step of a decision. Shown in `explain`, events and the machines' scripts.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// An operator blocked the machine.
    Blocked,
    /// The machine is armed with this.
    Armed {
        /// `d17`.
        deployment: String,
        /// What: an installation, or something to boot once.
        what: String,
        /// Who armed it, and until when.
        by: String,
    },
    /// The machine was armed, and is not given it a second time.
    Spent {
        /// `d17`.
        deployment: String,
        /// Where it stands.
        standing: String,
    },
    /// The machine was installed (or an installation failed): neither profile nor rules lead it
    /// anywhere until an operator says so.
    Installed(String),
    /// The machine has a profile of its own.
    OwnProfile(String),
    /// This rule matched.
    RuleMatched {
        /// Shown rule.
        rule: Arc<str>,
        /// The facts that its conditions met; empty for everybody's rule.
        because: Vec<Arc<str>>,
    },
    /// This rule was tried before and did not match.
    RuleMissed {
        /// Shown rule.
        rule: Arc<str>,
        /// The condition that failed.
        condition: Arc<str>,
        /// What the machine is instead; `None` if it is not known yet.
        actual: Option<Arc<str>>,
    },
    /// No rule matched, and the machine is approved: `boot.approved`.
    DefaultForApproved(String),
    /// No rule matched, and nobody approved the machine: `boot.unknown`.
    DefaultForUnknown(String),
    /// The profile cannot be booted here, so the machine goes on to its local disk.
    CannotBoot {
        /// Profile or image.
        what: String,
        /// Why not, and what to do.
        why: String,
    },
    /// The machine has less memory than the image needs; it is tried all the same.
    LittleMemory {
        /// What it has, in MiB.
        has_mib: u64,
        /// What the image needs, about, in MiB.
        needs_mib: u64,
        /// What takes it.
        because: String,
        /// A way that needs less.
        less: Option<String>,
    },
    /// Which bootloader, and why that one.
    Loader {
        /// File name.
        name: String,
        /// Why.
        because: String,
    },
    /// It gets an address and nothing to boot.
    NoFile(Why),
    /// The answer makes allowance for a quirk of this client.
    Quirk {
        /// `quirk-07`.
        id: Cow<'static, str>,
        /// `ignores-option-43`.
        name: Cow<'static, str>,
        /// What we do for it.
        does: Cow<'static, str>,
        /// How we know that it has it.
        because: Cow<'static, str>,
    },
    /// Anything else worth saying about how the answer is formed.
    Note(Cow<'static, str>),
}

impl Reason {
    /// What [`fmt::Display`] writes, part by part: a script has several rules in it, and a formatter takes
    /// longer than what it writes.
    pub fn say(&self, mut part: impl FnMut(&str)) {
        match self {
            Self::RuleMatched { rule, because } if !because.is_empty() => {
                part(rule);
                for (at, fact) in because.iter().enumerate() {
                    part(if at == 0 { " matches: " } else { ", " });
                    part(fact);
                }
            }
            Self::RuleMissed { rule, condition, actual } => {
                missed(rule, condition, actual.as_deref()).into_iter().for_each(part);
            }
            Self::Note(text) => part(text),
            other => part(&other.to_string()),
        }
    }
}

/// Why a rule does not match.
fn missed<'r>(rule: &'r str, condition: &'r str, actual: Option<&'r str>) -> [&'r str; 5] {
    let (before, actual) = match actual {
        Some(actual) => (", this one has ", actual),
        None => (", not known at this stage", ""),
    };
    [rule, " does not match: it demands ", condition, before, actual]
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocked => f.write_str("an operator blocked this machine"),
            Self::Armed { deployment, what, by } => {
                write!(f, "deployment {deployment} arms it with {what} ({by})")
            }
            Self::Spent { deployment, standing } => write!(
                f,
                "deployment {deployment} is not given twice, and it is {standing}; `bootwright \
                 machine cancel` ends it"
            ),
            Self::Installed(life) => write!(
                f,
                "the machine is {life}, so it starts its own disk; `bootwright machine deploy` \
                 installs it, `machine approve` lets rules lead it again"
            ),
            Self::OwnProfile(profile) => write!(f, "the machine has its own profile {profile}"),
            Self::RuleMatched { rule, because } if because.is_empty() => {
                write!(f, "{rule} matches everybody")
            }
            // What takes several parts is put together in one place.
            Self::RuleMatched { .. } => {
                let mut written = Ok(());
                self.say(|part| written = written.and_then(|()| f.write_str(part)));
                written
            }
            Self::RuleMissed { rule, condition, actual } => {
                missed(rule, condition, actual.as_deref())
                    .iter()
                    .try_for_each(|part| f.write_str(part))
            }
            Self::DefaultForApproved(what) => {
                write!(f, "no rule matches an approved machine; boot.approved = \"{what}\"")
            }
            Self::DefaultForUnknown(what) => write!(
                f,
                "no rule matches, and nobody approved the machine; boot.unknown = \"{what}\""
            ),
            Self::CannotBoot { what, why } => write!(f, "{what} cannot be booted here: {why}"),
            Self::LittleMemory { has_mib, needs_mib, because, less } => {
                write!(
                    f,
                    "the machine has {has_mib} MiB of memory, and this needs about {needs_mib} MiB: \
                     {because}"
                )?;
                match less {
                    Some(less) => write!(f, "; {less}"),
                    None => Ok(()),
                }
            }
            Self::Loader { name, because } => write!(f, "{name}: {because}"),
            Self::NoFile(why) => write!(f, "no boot file: {why}"),
            Self::Quirk { id, name, does, because } => {
                write!(f, "{id} {name}: {does}, because {because}")
            }
            Self::Note(text) => f.write_str(text),
        }
    }
}

/// Why a request got no reply. The operator reads it as it stands.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The bytes are no message.
    Malformed(String),
    /// An option that decides something is broken.
    BadOption(String),
    /// We serve no network on this interface.
    NotServed(String),
    /// The network is switched off, or we only listen there.
    OnlyListening,
    /// In proxy mode only machines that want to boot are answered.
    NotBooting,
    /// The message is not for a proxy: addresses are the other server's business.
    ProxyStaysOut(String),
    /// A broadcast REQUEST that names another server.
    OtherServer(Ipv4Addr),
    /// The relay is not one we serve.
    UnknownRelay(IpAddr),
    /// Nothing is free.
    PoolExhausted {
        /// Addresses that may be leased.
        size: u64,
        /// Of these, in quarantine.
        #[serde(default)]
        quarantined: u64,
    },
    /// INIT-REBOOT or renewal of something we have no record of, and we are not authoritative.
    NoRecord(IpAddr),
    /// A renewal of what is not renewed any more, in the last minute of its lease.
    NotRenewed(Ipv4Addr),
    /// A RELEASE or DECLINE that names nothing this client holds.
    NotTheirs(Ipv4Addr),
    /// The message asks for no answer (RELEASE, DECLINE).
    NoAnswerExpected(String),
    /// A message type that we do not serve.
    MessageType(u8),
    /// No bootloader for this architecture.
    ArchUnserved(Vec<ArchCode>),
    /// There is an architecture, but no bootloader was found for it.
    NoLoader(Arch),
    /// The plan is to stay silent.
    PlanIsSilence,
    /// The plan is the local disk, and silence is the quickest way there.
    LocalDiskBySilence,
    /// A PXE boot server of this type is not ours.
    BootServerType(u16),
    /// A file that we do not have.
    NoSuchFile {
        /// The name as asked, shown.
        name: String,
        /// What might be meant.
        hint: Option<String>,
    },
    /// An answer file or a report address that this asker has no right to, or that does not exist:
    /// nobody is told which.
    NothingHere,
    /// Asked from outside the subnets we serve.
    OutsideServedSubnets,
    /// More than one source may have.
    TooMany(String),
    /// What it promises could not be kept on disk.
    StoreFailed(String),
    /// A BOOTP client would get an address at once, and after a restore each is probed first.
    RestoredNotProbed(Ipv4Addr),
    /// A report of hardware that is not filed.
    ReportRefused(String),
    /// The name of the boot file, which does not fit into option 67 (255 bytes).
    FileNameTooLong(String),
    /// A DHCPv6 message for the server with this identifier (in hexadecimal).
    OtherServerId(String),
    /// A DHCPv6 message of this kind was sent to us alone, where it has to go to all servers
    /// (RFC 8415, 16).
    MustBeMulticast(String),
    /// A DHCPv6 message of this kind asks for an address where machines have theirs by themselves.
    SettingsOnly(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherServerId(duid) => write!(f, "the client chose the DHCPv6 server {duid}"),
            Self::MustBeMulticast(kind) => {
                write!(f, "{kind} was sent to this server alone; it goes to all of the link")
            }
            Self::SettingsOnly(kind) => write!(
                f,
                "{kind} asks for an address, and this network has no `pool`: its machines make \
                 addresses of the router's prefix themselves, and get settings from us"
            ),
            Self::ReportRefused(why) => write!(f, "the report of its hardware was refused: {why}"),
            Self::FileNameTooLong(file) => write!(
                f,
                "the boot file name `{file}` is longer than option 67 can carry (255 bytes): shorten \
                 image name or path"
            ),
            Self::Malformed(what) => write!(f, "the message is malformed: {what}"),
            Self::BadOption(what) => write!(f, "an option that decides is broken: {what}"),
            Self::NotServed(link) => write!(f, "no network is configured on {link}"),
            Self::OnlyListening => f.write_str("this network is set to listen only"),
            Self::NotBooting => f.write_str(
                "it did not ask to boot over the network; addresses are the other server's business",
            ),
            Self::ProxyStaysOut(what) => {
                write!(f, "{what} is for the DHCP server; beside it we only answer boot requests")
            }
            Self::OtherServer(server) => write!(f, "the client chose the DHCP server {server}"),
            Self::UnknownRelay(relay) => {
                write!(
                    f,
                    "relay {relay} is not served: it is not in `relays`, or no network gives \
                     addresses of its subnet"
                )
            }
            Self::PoolExhausted { size, quarantined } => {
                write!(f, "all {size} addresses of the pool are leased")?;
                if *quarantined > 0 {
                    write!(f, " ({quarantined} of them in quarantine)")?;
                }
                f.write_str(": widen `pool` or shorten `lease`")
            }
            Self::RestoredNotProbed(address) => write!(
                f,
                "{address} may have been given to somebody after the backup that was restored, and \
                 BOOTP leaves no time to ask: reserve an address for this machine"
            ),
            Self::NoRecord(address) => write!(
                f,
                "it asks to keep {address}, of which we have no record, and this network is not authoritative"
            ),
            Self::NotRenewed(address) => write!(
                f,
                "{address} is in no pool any more, or promised to another: its lease ends within a minute"
            ),
            Self::NotTheirs(address) => write!(f, "it does not hold {address}"),
            Self::NoAnswerExpected(what) => write!(f, "{what} has no answer"),
            Self::MessageType(kind) => write!(f, "message type {kind} is not served"),
            Self::ArchUnserved(codes) if codes.is_empty() => {
                f.write_str("it did not say which architecture it is (no option 93)")
            }
            Self::ArchUnserved(codes) => {
                let shown: Vec<String> = codes
                    .iter()
                    .map(|c| format!("{} ({})", c.0, c.registry_name()))
                    .collect();
                write!(f, "nobody has a bootloader for architecture {}", shown.join(", "))
            }
            Self::NoLoader(arch) => write!(
                f,
                "no bootloader for {arch} was found: `bootwright bootloader import FILE|DEB` adds one"
            ),
            Self::PlanIsSilence => f.write_str("the plan for this machine is silence"),
            Self::LocalDiskBySilence => {
                f.write_str("the plan is the local disk, and its firmware goes there when nobody answers")
            }
            Self::BootServerType(kind) => write!(f, "PXE boot server type {kind} is not ours"),
            Self::NoSuchFile { name, hint: None } => write!(f, "there is no file `{name}`"),
            Self::NoSuchFile { name, hint: Some(hint) } => {
                write!(f, "there is no file `{name}`: {hint}")
            }
            Self::NothingHere => f.write_str("there is nothing here"),
            Self::OutsideServedSubnets => f.write_str("it asked from outside the served subnets"),
            Self::TooMany(what) => write!(f, "too many {what}"),
            Self::StoreFailed(what) => write!(f, "what the answer promises could not be kept: {what}"),
        }
    }
}

/// The answer to one request: speak, or stay silent and say why.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Answer<T> {
    /// Say this.
    Reply(T),
    /// Say nothing.
    Silence(Why),
}

/// Who an event or decision is about.
pub type Who = HardwareAddress;
