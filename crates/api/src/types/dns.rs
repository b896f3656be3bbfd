//! Names: what is answered, and why.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// How names are answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DnsStatus {
    /// Whether any are.
    pub on: bool,
    /// On which interfaces.
    pub interfaces: Vec<String>,
    /// Of which zones everything is known here.
    pub zones: Vec<String>,
    /// The serial number of the zones.
    pub serial: u32,
    /// How many names and records there are.
    pub records: usize,
    /// Who is asked for names of others.
    pub upstreams: Vec<UpstreamView>,
    /// Which of them is asked for what.
    pub asks: Vec<AskedForView>,
    /// What is remembered of what they said; `null` where nobody is asked.
    #[serde(default)]
    pub cache: Option<DnsCacheView>,
    /// Domains whose names may lead to private addresses, though others say so.
    pub private: Vec<String>,
    /// What was counted since the start, as `bootwright_dns_…` at `/metrics`.
    pub counted: Vec<CountedView>,
    /// Questions that were refused lately, the newest first.
    pub refused: Vec<NameRefusedView>,
    /// Who wants a name that another has.
    pub lost: Vec<NameLostView>,
    /// DNS servers that are told of names.
    #[serde(default)]
    pub publish: Vec<PublishView>,
    /// What stands at servers, put there by us, that the configuration names no more: how many names, by
    /// server and zone.
    #[serde(default)]
    pub abandoned: Vec<PublishAbandoned>,
}

/// A zone of a DNS server that is told of names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublishView {
    /// Its address and port.
    pub server: String,
    /// The zone.
    pub zone: String,
    /// How many names are there as they should be.
    pub published: usize,
    /// How many wait.
    pub waiting: usize,
    /// How many had no room.
    pub left_out: usize,
    /// Names that somebody else has there; the first of them.
    pub foreign: Vec<String>,
    /// Names that were refused, and why; the first of them.
    pub refused: Vec<String>,
    /// When something was last done.
    pub done: Option<String>,
    /// What is wrong, where nothing works.
    pub failing: Option<PublishFailing>,
}

/// Why names are not published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublishFailing {
    /// Since when.
    pub since: String,
    /// Why.
    pub why: String,
    /// What to do.
    pub hint: String,
    /// When it is tried again.
    pub again: String,
}

/// Names that were published, at a server that is told of none any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublishAbandoned {
    /// Its address and port.
    pub server: String,
    /// The zone.
    pub zone: String,
    /// How many names.
    pub names: usize,
}

/// A server that is asked for names of others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UpstreamView {
    /// Its address and port.
    pub at: String,
    /// Whether it is counted on.
    pub up: bool,
    /// When it last answered.
    pub answered: Option<String>,
    /// How long that took, in milliseconds.
    pub took_ms: Option<u64>,
    /// How often in a row it has not answered since.
    pub failed: u32,
    /// Why not, the last time.
    pub why: Option<String>,
}

/// Answers of others that are remembered. What is counted begins anew when the sockets are opened.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DnsCacheView {
    /// How many are at this moment.
    pub kept: usize,
    /// For how many there is room.
    pub most: usize,
    /// Questions whose answer was remembered.
    pub hits: u64,
    /// Questions whose answer was not.
    pub misses: u64,
    /// Answers that were forgotten because they held no longer.
    pub ended: u64,
    /// Answers that were forgotten because others needed the room.
    pub displaced: u64,
}

/// Whom names below a domain are asked of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AskedForView {
    /// The domain; `null` is every other name.
    pub domain: Option<String>,
    /// Addresses and ports.
    pub servers: Vec<String>,
}

/// One number that only grows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CountedView {
    /// Its name: `questions`, `forwarded`, `limited`, ...
    pub name: String,
    /// What it says.
    pub says: String,
    /// How much it is.
    pub count: u64,
}

/// A question for a name that was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NameRefusedView {
    /// When it was last asked.
    pub last: String,
    /// By whom.
    #[schemars(with = "String")]
    pub from: IpAddr,
    /// The name.
    pub name: String,
    /// The type.
    pub kind: String,
    /// What was said: `REFUSED`, `SERVFAIL`, `NOTIMP`, ...
    pub ends: String,
    /// Why.
    pub because: String,
    /// How often since it was first remembered.
    pub times: u64,
}

/// Somebody who wants a name that another has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NameLostView {
    /// The name.
    pub name: String,
    /// The address that does not have it.
    #[schemars(with = "String")]
    pub address: IpAddr,
    /// Whose address it is.
    pub hardware: Option<String>,
    /// Why he wants it, in words.
    pub wants: String,
    /// Why another has it, in words.
    pub why: String,
}

/// A name, and one thing that it answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NameView {
    /// The name.
    pub name: String,
    /// `A`, `AAAA`, `PTR`, ...
    pub kind: String,
    /// As zone files write it.
    pub data: String,
    /// For how many seconds it may be remembered.
    pub ttl_s: u32,
    /// Where it comes from: `own`, `record`, `reservation`, `machine`, `client`, `hardware`.
    pub source: String,
    /// The same in words.
    pub because: String,
}

/// What somebody who asks gets, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DnsAnswer {
    /// The name that is asked for.
    pub name: String,
    /// The type.
    pub kind: String,
    /// Who asks.
    #[schemars(with = "String")]
    pub from: IpAddr,
    /// `NOERROR`, `NXDOMAIN`, ...; `forward` where others are asked, `silence` where nothing is said.
    pub ends: String,
    /// What is said, as zone files write it.
    pub answers: Vec<String>,
    /// Who else is asked.
    pub asks: Vec<String>,
    /// Why.
    pub because: String,
}

/// A record that an operator added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordView {
    /// Its name.
    pub name: String,
    /// `A`, `AAAA`, `CNAME`, `TXT`, `SRV`.
    pub kind: String,
    /// As zone files write it.
    pub data: String,
    /// For how many seconds it may be remembered.
    pub ttl_s: u32,
}

/// Adds a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordWish {
    /// Its name, in a domain of a network.
    pub name: String,
    /// `A`, `AAAA`, `CNAME`, `TXT`, `SRV`.
    pub kind: String,
    /// As zone files write it: `0 5 389 ldap.lab.example` for SRV.
    pub data: String,
    /// For how many seconds it may be remembered; without it, 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_s: Option<u32>,
}
