//! Exchanges as they are remembered for a report: what a machine asked, and what it got.
//!
//! In: what the engine was given, and what it gave. Out: [`Recorded`], and from it the question once
//! more. Never: a secret. Tokens, codes, passwords, bodies and answer files are left out here, before
//! anything is remembered; what was left out is said ([`File::withheld`]).

mod dhcp6;
mod secrets;

use crate::dhcp::{Datagram, Destination, Outgoing};
use crate::files::{Asker, FileAsk, Found, Served};
use crate::tftp::names;
use crate::{Answer, Engine};
pub use dhcp6::{Message6, Sent6};
use model::event::Carrier;
use model::{Change, HardwareAddress, Hash, Now, Uuid};
use secrets::has_token;
pub use secrets::without_secrets;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// So much of a text is remembered. Scripts have a few KiB.
pub const TEXT_MAX: usize = 32 * 1024;

/// One stretch of a machine's story: what was known before it, and what was said.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What was known of the machine before the first exchange: itself and its leases. A machine of
    /// which nothing was known has none.
    pub before: Vec<Change>,
    /// In the order in which they were decided.
    pub exchanges: Vec<Recorded>,
    /// So many that came behind them are not remembered.
    #[serde(default)]
    pub left_out: u64,
}

/// One exchange.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// When it was decided.
    pub at: Now,
    /// The interface.
    pub link: String,
    /// What was said.
    #[serde(flatten)]
    pub what: Exchange,
}

/// By protocol.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "protocol", rename_all = "kebab-case")]
pub enum Exchange {
    /// Port 67 or 4011.
    Dhcp(Message),
    /// Port 547.
    Dhcp6(Message6),
    /// TFTP or HTTP.
    File(Box<File>),
}

/// A DHCP message and its answer.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Source.
    pub from: SocketAddrV4,
    /// Destination.
    pub to: SocketAddrV4,
    /// The message.
    pub asked: Hex,
    /// The reply; none is silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Sent>,
    /// Why there was none, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<String>,
}

/// A reply.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    /// Source.
    pub from: SocketAddrV4,
    /// Destination.
    pub to: SocketAddrV4,
    /// The message.
    pub bytes: Hex,
}

/// A file that was asked for, and what was given.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct File {
    /// How.
    pub by: Carrier,
    /// Its name.
    pub name: String,
    /// Source.
    pub from: SocketAddr,
    /// Our address that was asked.
    #[serde(rename = "server")]
    pub at: SocketAddr,
    /// What the asker said of itself.
    #[serde(default)]
    pub says: Says,
    /// The MAC that the neighbour table had for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbour: Option<HardwareAddress>,
    /// `User-Agent`, shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// HEAD.
    #[serde(default)]
    pub head_only: bool,
    /// Something secret, or a body, came with it or stood in the answer: it cannot be asked again.
    #[serde(default)]
    pub withheld: bool,
    /// What it got.
    pub given: Given,
}

/// [`Asker`], without a password.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Says {
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<HardwareAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_mib: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
}

/// What was given for a name.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// A text, without secrets: its first [`TEXT_MAX`] bytes, and how long it is.
    Text {
        /// Its beginning.
        text: String,
        /// Bytes of all of it.
        size: u64,
    },
    /// Bytes of the content store.
    Blob {
        /// Their hash; of a file inside a disc, that of the disc.
        sha256: Hash,
        /// Bytes of the file.
        size: u64,
    },
    /// An answer file.
    AnswerFile,
    /// Nothing yet: another server was asked.
    Elsewhere,
    /// Nothing: why, in words.
    Nothing(String),
}

/// Bytes, written as hexadecimal digits.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hex(pub Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&model::address::hex_of(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = model::address::hex(&text);
        bytes.map(Self).ok_or_else(|| de::Error::custom("not an even number of hexadecimal digits"))
    }
}

impl Recorded {
    /// A DHCP message.
    #[must_use]
    pub fn dhcp(at: Now, datagram: &Datagram, answer: &Answer<Outgoing>) -> Self {
        let (answer, silence) = match answer {
            Answer::Reply(outgoing) => (Some(Sent::of(outgoing)), None),
            Answer::Silence(why) => (None, Some(why.to_string())),
        };
        let to = SocketAddrV4::new(datagram.to, datagram.port);
        let (from, asked) = (datagram.from, Hex(datagram.bytes.clone()));
        let what = Exchange::Dhcp(Message { from, to, asked, answer, silence });
        Self { at, link: datagram.link.clone(), what }
    }

    /// A request for a file.
    #[must_use]
    pub fn file(at: Now, ask: &FileAsk, answer: &Answer<Found>) -> Self {
        let asked = String::from_utf8_lossy(&ask.name);
        // A token is one in any spelling of the path before it that is served.
        let served = names::read(&ask.name).map(|asked| asked.name).unwrap_or_default();
        let name = match has_token(&served) {
            true => without_secrets(&served),
            false => without_secrets(&asked),
        };
        let (given, cleaned) = Given::of(answer);
        let Asker { mac, uuid, serial, arch, platform, memory_mib, entry, password } =
            ask.says.clone();
        let withheld = cleaned
            || name.as_bytes() != ask.name
            || password.is_some()
            || ask.body.is_some()
            || matches!(given, Given::AnswerFile | Given::Elsewhere);
        let file = File {
            by: ask.by,
            name,
            from: ask.from,
            at: ask.at,
            says: Says { mac, uuid, serial, arch, platform, memory_mib, entry },
            neighbour: ask.neighbour,
            agent: ask.agent.clone(),
            head_only: ask.head_only,
            withheld,
            given,
        };
        Self { at, link: ask.link.clone(), what: Exchange::File(Box::new(file)) }
    }

    /// About so many bytes of memory.
    #[must_use]
    pub fn weight(&self) -> usize {
        let own = size_of::<Self>() + self.link.len();
        own + match &self.what {
            Exchange::Dhcp(message) => {
                let answer = message.answer.as_ref().map_or(0, |sent| sent.bytes.0.len());
                message.asked.0.len() + answer + message.silence.as_ref().map_or(0, String::len)
            }
            Exchange::Dhcp6(message) => message.weight(),
            Exchange::File(file) => {
                let text = match &file.given {
                    Given::Text { text, .. } | Given::Nothing(text) => text.len(),
                    Given::Blob { .. } | Given::AnswerFile | Given::Elsewhere => 0,
                };
                // What it said of itself is bounded where it is read; this is the order of it.
                file.name.len() + file.agent.as_ref().map_or(0, String::len) + text + 128
            }
        }
    }

    /// The message, to be decided again.
    #[must_use]
    pub fn datagram(&self) -> Option<Datagram> {
        let Exchange::Dhcp(Message { from, to, asked, .. }) = &self.what else { return None };
        let (link, bytes) = (self.link.clone(), asked.0.clone());
        Some(Datagram { link, from: *from, to: *to.ip(), port: to.port(), bytes })
    }
}

impl File {
    /// The question, to be decided again.
    #[must_use]
    pub fn ask(&self, link: &str) -> FileAsk {
        let Says { mac, uuid, serial, arch, platform, memory_mib, entry } = self.says.clone();
        FileAsk {
            by: self.by,
            name: self.name.clone().into_bytes(),
            from: self.from,
            at: self.at,
            link: link.to_owned(),
            says: Asker { mac, uuid, serial, arch, platform, memory_mib, entry, password: None },
            neighbour: self.neighbour,
            agent: self.agent.clone(),
            body: None,
            head_only: self.head_only,
        }
    }
}

impl Sent {
    /// A reply as it is remembered.
    #[must_use]
    pub fn of(outgoing: &Outgoing) -> Self {
        let to = match outgoing.to {
            Destination::Broadcast { port } => SocketAddrV4::new(Ipv4Addr::BROADCAST, port),
            Destination::Link { address, port, .. } => SocketAddrV4::new(address, port),
            Destination::Routed(to) => to,
        };
        Self { from: outgoing.from, to, bytes: Hex(outgoing.bytes.clone()) }
    }
}

impl Given {
    /// What was given, and whether anything secret was taken out of it.
    #[must_use]
    pub fn of(answer: &Answer<Found>) -> (Self, bool) {
        match answer {
            Answer::Reply(Found { what: Served::Text(text), .. }) => {
                let cleaned = without_secrets(text);
                let (size, changed) = (cleaned.len() as u64, cleaned != *text);
                let end = cleaned.floor_char_boundary(TEXT_MAX);
                let text = cleaned.get(..end).unwrap_or_default().to_owned();
                (Self::Text { text, size }, changed)
            }
            Answer::Reply(Found { what: Served::Blob(content), .. }) => {
                (Self::Blob { sha256: content.blob, size: content.size }, false)
            }
            Answer::Reply(Found { what: Served::Answer(_), .. }) => (Self::AnswerFile, false),
            Answer::Reply(Found { what: Served::Ask(_), .. }) => (Self::Elsewhere, false),
            Answer::Silence(why) => (Self::Nothing(why.to_string()), false),
        }
    }
}

impl Engine {
    /// What is known of a machine alone: itself, as it is filed, and its leases.
    #[must_use]
    pub fn facts_of(&self, hardware: &HardwareAddress) -> Vec<Change> {
        let machine = self.machine_of(hardware).cloned().map(Change::Machine);
        let leases = self.leases.of_hardware(hardware).cloned().map(Change::Lease);
        machine.into_iter().chain(leases).collect()
    }

    /// Under which address the sender of a DHCP message is filed; for Ethernet.
    #[must_use]
    pub fn filed_sender(&self, datagram: &Datagram) -> Option<HardwareAddress> {
        let bytes = &datagram.bytes;
        let ethernet = bytes.get(1..3)? == [1, 6];
        let mac: [u8; 6] = bytes.get(28..34).filter(|_| ethernet)?.try_into().ok()?;
        let mac = HardwareAddress::mac(mac);
        Some(self.machine_of(&mac).map_or(mac, |machine| machine.hardware))
    }
}
