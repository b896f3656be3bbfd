//! What is kept, and what is told.

mod cut;
mod kind;
mod speaker;

use crate::access::{ApiToken, AuditRecord, User};
use crate::address::HardwareAddress;
use crate::declared::{Declarable, Said};
use crate::deployment::{Batch, Deployment};
use crate::diagnosis::Diagnosis;
use crate::dns::{NameRecord, Published, PublishedAt};
use crate::hardware::Hardware;
use crate::image::{Channels, Image, Loader};
use crate::lease::{Lease, Lease6, Reservation, Reservation6};
use crate::listen::Outcome;
use crate::machine::Machine;
use crate::menu::Menu;
use crate::other::{self, Deeds, Standing, TheirOffer};
use crate::plan::{Does, Reason, Why};
use crate::power::PowerSettings;
use crate::rule::{Profile, Rule};
use crate::severity::Severity;
use crate::story::{BootId, BootStage};
use crate::template::Template;
use crate::time::Now;
use crate::webhook::Webhook;
pub use cut::{Cut, TlsFault};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use speaker::Speaker;
use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One fact that is kept on disk before anybody is told of it. Applying all changes in order to
/// an empty engine gives the engine as it was.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(
    clippy::large_enum_variant,
    reason = "images are rare and large by nature, and a change is moved once or twice"
)]
pub enum Change {
    /// An address was bound, renewed, given back or refused: this is its state now.
    Lease(Lease),
    /// Nothing is known of the address any more.
    LeaseGone(Ipv4Addr),
    /// A lease that ended and whose address somebody else has by now: the past, for questions of
    /// who had an address when. `until` is when it ended.
    LeasePast(Lease),
    /// What is past since before this moment is forgotten.
    PastGone(Now),
    /// An address was promised to a client.
    Reservation(Reservation),
    /// The promise was taken back.
    ReservationGone(Ipv4Addr),
    /// An IPv6 address was bound, renewed, given back or refused: this is its state now.
    Lease6(Lease6),
    /// Nothing is known of the IPv6 address any more.
    Lease6Gone(Ipv6Addr),
    /// An IPv6 address was promised to a client.
    Reservation6(Reservation6),
    /// The promise of an IPv6 address was taken back.
    Reservation6Gone(Ipv6Addr),
    /// A machine appeared or is now this.
    Machine(Machine),
    /// A machine was removed, and with it what it said of its parts, how its power is switched, and
    /// the secret of its own for that.
    MachineGone(HardwareAddress),
    /// What a machine says of its parts.
    Hardware(HardwareAddress, Box<Hardware>),
    /// How the power of a machine is switched.
    Power(HardwareAddress, Box<PowerSettings>),
    /// Nobody switches the power of a machine any more.
    PowerGone(HardwareAddress),
    /// A profile is now this.
    Profile(Profile),
    /// A profile was removed.
    ProfileGone(String),
    /// All rules, in order.
    Rules(Vec<Rule>),
    /// The menu of one network (its interface), or of all.
    Menu(Option<String>, Menu),
    /// An image version was published.
    Image(Image),
    /// An image version was removed.
    ImageGone(String, u32),
    /// Where the channels of an image stand now.
    Channels(String, Channels),
    /// A bootloader is available.
    Loader(Loader),
    /// A bootloader is no longer available.
    LoaderGone(String),
    /// A template is now this.
    Template(Template),
    /// A template was removed.
    TemplateGone(String),
    /// A secret is now this: its name, and its text as the vault sealed it.
    Secret(String, String),
    /// A secret was removed.
    SecretGone(String),
    /// A deployment is now this.
    Deployment(Deployment),
    /// What is known of a deployment that ended is forgotten.
    DeploymentGone(u32),
    /// A batch of deployments is now this.
    Batch(Batch),
    /// What is known of a batch that ended is forgotten.
    BatchGone(u32),
    /// A user is now this.
    User(User),
    /// A user was removed.
    UserGone(String),
    /// A token was made.
    ApiToken(ApiToken),
    /// A token was revoked, or is long over; by its id.
    ApiTokenGone(String),
    /// What somebody did.
    Audit(AuditRecord),
    /// A webhook is now this, its signing key with it.
    Webhook(Webhook),
    /// A webhook was removed.
    WebhookGone(String),
    /// The records that operators added under a name; none are left where there are none.
    Names(String, Vec<NameRecord>),
    /// This may stand at another server, put by us; none is there any more. It is kept before it is sent.
    Published(PublishedAt, Option<Published>),
    /// All of this was read back from a backup then: what was given after the backup is not known.
    Restored(Now),
    /// A document declares this, and says so much of it.
    Declared(Declarable, Said),
    /// No document declares this any more.
    DeclaredGone(Declarable),
}

/// One thing that happened, told to whoever watches. It is not kept.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When.
    pub at: Now,
    /// To whom, where that is known.
    pub machine: Option<HardwareAddress>,
    /// On which interface, where that is known.
    pub link: Option<String>,
    /// In which boot of the machine. Whoever tells the event fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<BootId>,
    /// How far that boot had come with it. Whoever tells the event fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub furthest: Option<BootStage>,
    /// Who spoke, if a DHCP message is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<Box<Speaker>>,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

impl Event {
    /// Something happened: to a machine, on an interface, where these are known.
    #[must_use]
    pub const fn new(
        at: Now,
        machine: Option<HardwareAddress>,
        link: Option<String>,
        what: Happening,
    ) -> Self {
        Self { at, machine, link, boot: None, furthest: None, speaker: None, what }
    }
}

/// How a file is carried.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Carrier {
    /// UDP 69.
    Tftp,
    /// The machines' port.
    Http,
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Tftp { "TFTP" } else { "HTTP" })
    }
}

/// What happened.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Happening {
    /// A DHCP message was answered.
    Answered {
        /// What came: `DISCOVER`, `REQUEST`, …
        asked: Cow<'static, str>,
        /// What went: `OFFER`, `ACK`, `NAK`, with `proxy` in front beside another server; over IPv6
        /// `ADVERTISE`, `REPLY`.
        answer: Cow<'static, str>,
        /// The address given; none from a proxy.
        address: Option<IpAddr>,
        /// The boot file or URL named in it.
        file: Option<String>,
        /// Why.
        because: Vec<Reason>,
    },
    /// A message was not answered.
    Silent {
        /// What came.
        asked: Cow<'static, str>,
        /// Why nothing went.
        why: Why,
    },
    /// A machine asked what to do, and was told.
    Script {
        /// `iPXE script`, `GRUB configuration`, `pxelinux.cfg`.
        form: String,
        /// What it says, in a few words.
        decision: String,
        /// The same for programs; nothing where the text decides nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        does: Option<Does>,
        /// Why.
        because: Vec<Reason>,
    },
    /// A file begins to go out.
    TransferStarted {
        /// Name as asked, shown.
        file: String,
        /// How.
        by: Carrier,
        /// To where.
        to: IpAddr,
        /// Bytes to send.
        size: u64,
        /// Milliseconds since it was asked for. TFTP begins when the client has confirmed the first
        /// packet: the way there and back, and what the client does before it goes on.
        #[serde(default)]
        waited_ms: u64,
    },
    /// A large file is on its way.
    TransferProgress {
        /// Name as asked, shown.
        file: String,
        /// How.
        by: Carrier,
        /// Bytes sent so far.
        sent: u64,
        /// Bytes to send.
        size: u64,
        /// Milliseconds since it began.
        took_ms: u64,
        /// Blocks sent again so far (TFTP).
        #[serde(default)]
        again: u64,
    },
    /// A file is across.
    TransferDone {
        /// Name as asked, shown.
        file: String,
        /// How.
        by: Carrier,
        /// Bytes.
        size: u64,
        /// Milliseconds.
        took_ms: u64,
        /// Blocks sent again (TFTP).
        again: u64,
    },
    /// A transfer ended early.
    TransferFailed {
        /// Name as asked, shown.
        file: String,
        /// How.
        by: Carrier,
        /// Bytes that arrived.
        sent: u64,
        /// Bytes to send.
        size: u64,
        /// Why, in words.
        why: String,
        /// Milliseconds since it was asked for.
        #[serde(default)]
        took_ms: u64,
        /// Blocks sent again (TFTP).
        #[serde(default)]
        again: u64,
        /// Why, as a value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cut: Option<Cut>,
        /// To where it went.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<IpAddr>,
    },
    /// A file was asked for that we do not have.
    FileMissed {
        /// How.
        by: Carrier,
        /// Why.
        why: Why,
        /// Firmware and loaders look for many names that need not exist; those are not worth a
        /// line unless somebody asks.
        expected: bool,
    },
    /// A connection to the HTTPS port came to nothing.
    HandshakeFailed {
        /// Who tried.
        from: IpAddr,
        /// What happened, as far as it can be seen from here.
        why: String,
        /// What to do.
        hint: String,
        /// What it was, as a value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<TlsFault>,
    },
    /// A machine was heard for the first time.
    MachineAppeared {
        /// What it said of itself.
        says: String,
    },
    /// A machine told what is in it.
    Inventory {
        /// In a line.
        says: String,
    },
    /// Another DHCP server, or a router that advertises, was heard on the link.
    OtherServer {
        /// Who it says it is (option 54), else where its replies come from.
        server: IpAddr,
        /// Where its replies come from, a relay perhaps.
        #[serde(default)]
        from: Option<IpAddr>,
        /// The hardware address that its replies come from.
        #[serde(default)]
        mac: Option<HardwareAddress>,
        /// What it does.
        #[serde(default)]
        does: Deeds,
        /// Whether it belongs there, where that was judged.
        #[serde(default)]
        standing: Option<Standing>,
        /// What follows for us.
        means: String,
    },
    /// A machine said that it takes another server's offer (option 54 of its REQUEST).
    OfferTaken {
        /// Whose.
        server: Ipv4Addr,
        /// The hardware address of that server (or of the relay it came by), if it was ever heard.
        mac: Option<HardwareAddress>,
        /// Whether that server belongs there.
        standing: Option<Standing>,
        /// The address that the machine asks it for.
        address: Option<Ipv4Addr>,
        /// What that server offered this machine, if it was heard.
        offered: Option<TheirOffer>,
        /// What we had offered it in the same exchange.
        ours: Option<Ipv4Addr>,
    },
    /// Where we only listen: what we would have said, beside what another server said.
    Compared {
        /// What came: `DISCOVER`, `REQUEST`, …
        asked: String,
        /// How it came out.
        outcome: Outcome,
        /// Who answered: `10.0.0.1 (52:54:00:00:00:01)`. Nobody, if nobody was heard.
        server: Option<String>,
        /// What we would have said, in words.
        ours: String,
        /// What was said, in words.
        theirs: String,
        /// In what the two differ, as far as a machine would notice.
        differences: Vec<String>,
    },
    /// A deployment went a step.
    Deployment {
        /// `d17`.
        deployment: String,
        /// Its state in a word: `armed`, `claimed`, `begun`, `progress`, `done`, `failed`, `expired`,
        /// `cancelled`, `frozen`.
        step: String,
        /// In words.
        says: String,
    },
    /// A line of a machine's own log, sent by syslog.
    Syslog {
        /// How grave its sender says it is.
        severity: Severity,
        /// Which program says it, shown.
        app: Option<String>,
        /// What it says, shown.
        text: String,
    },
    /// A boot did not arrive, and this is why. Told once for each boot.
    Diagnosis(Box<Diagnosis>),
    /// Something an operator should act on.
    Alarm {
        /// What happened, why, what to do.
        text: String,
    },
    /// Something an operator changed.
    Changed {
        /// In words.
        text: String,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(machine) = &self.machine {
            write!(f, "{machine} ")?;
        }
        write!(f, "{}", self.what)
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { asked, answer, address, file, because } => {
                write!(f, "{asked} → {answer}")?;
                if let Some(address) = address {
                    write!(f, " {address}")?;
                }
                if let Some(file) = file {
                    write!(f, ", file {file}")?;
                }
                write_because(f, because)
            }
            Self::Silent { asked, why } => write!(f, "{asked} → silence: {why}"),
            Self::Script { form, decision, because, .. } => {
                write!(f, "{form}: {decision}")?;
                write_because(f, because)
            }
            Self::TransferStarted { file, by, to, size, .. } => {
                write!(f, "{by} {file} to {to}, {}", show_bytes(*size))
            }
            Self::TransferProgress { file, by, sent, size, took_ms, again } => {
                let percent = sent.saturating_mul(100).checked_div(*size).unwrap_or(100);
                write!(f, "{by} {file} {percent} %, {}", show_rate(*sent, *took_ms))?;
                if let Some(s) = left_s(*sent, *size, *took_ms) {
                    write!(f, ", {s} s left")?;
                }
                write_again(f, *again)
            }
            Self::TransferDone { file, by, size, took_ms, again } => {
                write!(f, "{by} {file} done, {}, ", show_bytes(*size))?;
                write!(f, "{:.1} s, {}", *took_ms as f64 / 1000.0, show_rate(*size, *took_ms))?;
                write_again(f, *again)
            }
            Self::TransferFailed { file, by, sent, size, why, .. } => {
                write!(f, "{by} {file} ended at {} of {size} bytes: {why}", sent)
            }
            Self::FileMissed { by, why, .. } => write!(f, "{by}: {why}"),
            Self::HandshakeFailed { from, why, hint, .. } => {
                write!(f, "no TLS with {from}: {why}; {hint}")
            }
            Self::MachineAppeared { says } => write!(f, "appeared: {says}"),
            Self::Inventory { says } => write!(f, "has {says}"),
            Self::OtherServer { server, from, mac, does, means, .. } => {
                let named = other::named(*server, *from, mac.as_ref());
                let what = if does.router { "router" } else { "DHCP server" };
                write!(f, "another {what}, {named}: {means}")
            }
            Self::OfferTaken { server, mac, address, offered, .. } => {
                let named = other::named(*server, None, mac.as_ref());
                write!(f, "takes the offer of {named}")?;
                match (offered, address) {
                    (Some(offer), _) => write!(f, ": {offer}"),
                    (None, Some(address)) => write!(f, ": {address}"),
                    (None, None) => Ok(()),
                }
            }
            Self::Compared { asked, outcome, server, ours, theirs, differences } => {
                let server = server.as_deref().unwrap_or("nobody");
                match outcome {
                    Outcome::Agrees => write!(f, "{asked}: {server} says {theirs}, as we would"),
                    Outcome::Unheard => {
                        write!(f, "{asked}: no answer was heard; we would say {ours}")
                    }
                    Outcome::Differs => {
                        write!(f, "{asked}: {server} answers otherwise than we would: ")?;
                        f.write_str(&differences.join("; "))
                    }
                }
            }
            Self::Deployment { deployment, step, says } if says.is_empty() => {
                write!(f, "deployment {deployment}: {step}")
            }
            Self::Deployment { deployment, step, says } => {
                write!(f, "deployment {deployment}: {step}: {says}")
            }
            Self::Syslog { severity, app, text } => {
                write!(f, "log {severity}")?;
                match app {
                    Some(app) => write!(f, " {app}: {text}"),
                    None => write!(f, " {text}"),
                }
            }
            Self::Diagnosis(diagnosis) => write!(f, "DIAGNOSIS {diagnosis}"),
            Self::Alarm { text } => write!(f, "ALARM {text}"),
            Self::Changed { text } => f.write_str(text),
        }
    }
}

/// `, 12 blocks sent again`; nothing if there are none.
fn write_again(f: &mut fmt::Formatter<'_>, again: u64) -> fmt::Result {
    match again {
        0 => Ok(()),
        1 => f.write_str(", 1 block sent again"),
        more => write!(f, ", {more} blocks sent again"),
    }
}

/// `, because A; B`: the reasons that decided, without the rules that merely did not match.
fn write_because(f: &mut fmt::Formatter<'_>, because: &[Reason]) -> fmt::Result {
    let decisive = because.iter().filter(|r| !matches!(r, Reason::RuleMissed { .. }));
    for (i, reason) in decisive.enumerate() {
        write!(f, "{}{reason}", if i == 0 { " because " } else { "; " })?;
    }
    Ok(())
}

/// `37.4 MiB`.
pub fn show_bytes(bytes: u64) -> String {
    match bytes {
        0..=1023 => format!("{bytes} B"),
        1024..=1_048_575 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        1_048_576..=1_073_741_823 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.2} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

/// `12.3 MiB/s`.
pub fn show_rate(bytes: u64, took_ms: u64) -> String {
    format!("{}/s", show_bytes(bytes.saturating_mul(1000) / took_ms.max(1)))
}

/// Whole seconds until the rest has gone at the rate so far.
fn left_s(sent: u64, size: u64, took_ms: u64) -> Option<u64> {
    let rest = size.checked_sub(sent)?;
    rest.saturating_mul(took_ms).checked_div(sent.saturating_mul(1000))
}
