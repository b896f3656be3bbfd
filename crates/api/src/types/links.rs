//! Links: who else speaks there, and how our answers compare where we only listen.

use super::moment;
use model::other::{Deeds, Standing};
use model::{HardwareAddress, Listening, OtherServer, TheirOffer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A link that we hear.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LinkView {
    /// Its interface.
    pub interface: String,
    /// `auto`, `dhcp`, `proxy` or `listen`, once for each network there that has another.
    pub modes: Vec<String>,
    /// Other DHCP and boot servers and routers that were heard there since the start.
    pub others: Vec<OtherServerView>,
    /// What was compared over IPv4, where we only listen and something was.
    pub agreement: Option<AgreementView>,
    /// The same over IPv6.
    pub agreement_ipv6: Option<AgreementView>,
}

/// A DHCP or boot server, or a router, that is not us.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OtherServerView {
    /// Who it says it is (option 54), else where its replies come from: over IPv6 always that.
    pub server: IpAddr,
    /// Where its replies come from: itself, or a relay. `null` if only clients named it.
    pub from: Option<IpAddr>,
    /// The hardware address that its replies come from.
    pub mac: Option<HardwareAddress>,
    /// What it does.
    pub does: Deeds,
    /// Whether it belongs there.
    pub standing: Standing,
    /// What that means for machines here, in words.
    pub means: String,
    /// Replies that were heard.
    pub replies: u64,
    /// Times that a client said to take its offer.
    pub taken: u64,
    /// Clients it spoke to, the newest last.
    pub clients: Vec<HardwareAddress>,
    /// What it last offered.
    pub offered: Option<TheirOffer>,
    /// When it was first heard.
    pub first: String,
    /// When it was last heard.
    pub last: String,
}

impl From<OtherServer> for OtherServerView {
    fn from(other: OtherServer) -> Self {
        let OtherServer { server, from, mac, does, standing, means, replies, taken, .. } = other;
        let (clients, offered) = (other.clients, other.offered);
        let (first, last) = (moment(other.first), moment(other.last));
        Self {
            server,
            from,
            mac,
            does,
            standing,
            means,
            replies,
            taken,
            clients,
            offered,
            first,
            last,
        }
    }
}

/// How often the server that answers said what we would have said.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgreementView {
    /// What we would do there: `proxy` or `dhcp`.
    pub listen_as: String,
    /// Exchanges in which a machine would do the same.
    pub agreed: u64,
    /// Exchanges in which it might do something else.
    pub differed: u64,
    /// Exchanges to which no answer of another server was heard.
    pub unheard: u64,
    /// In what answers differed, the most frequent first.
    pub differences: Vec<DifferenceView>,
    /// The last exchange that differed.
    pub last_difference: Option<LastDifferenceView>,
    /// When the first exchange was compared.
    pub since: String,
    /// When the last was.
    pub last: String,
}

/// A kind of difference.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DifferenceView {
    /// The field or option: `boot file`, `option 51 (lease-time)`.
    pub what: String,
    /// In so many exchanges.
    pub count: u64,
    /// The last time, in words: what we would say, and what they said.
    pub example: String,
    /// For which machine that was. `null` over IPv6 where neither its address nor its identifier shows a card.
    pub machine: Option<HardwareAddress>,
    /// Its identifier over IPv6 (DUID), in hexadecimal digits.
    pub duid: Option<String>,
    /// When that was.
    pub last: String,
}

/// An exchange that differed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LastDifferenceView {
    /// When.
    pub at: String,
    /// Whose. `null` over IPv6 where neither its address nor its identifier shows a card.
    pub machine: Option<HardwareAddress>,
    /// Its identifier over IPv6 (DUID), in hexadecimal digits.
    pub duid: Option<String>,
    /// What it asked.
    pub asked: String,
    /// What we would have said.
    pub ours: String,
    /// What was said.
    pub theirs: String,
    /// In what the two differ.
    pub differences: Vec<String>,
}

impl From<Listening> for AgreementView {
    fn from(listening: Listening) -> Self {
        let differences = listening.differences.into_iter().map(|seen| DifferenceView {
            what: seen.what,
            count: seen.count,
            example: seen.example,
            machine: seen.client.machine,
            duid: seen.client.duid,
            last: moment(seen.last),
        });
        let last_difference = listening.last_difference.map(|last| LastDifferenceView {
            at: moment(last.at),
            machine: last.client.machine,
            duid: last.client.duid,
            asked: last.asked,
            ours: last.ours,
            theirs: last.theirs,
            differences: last.differences,
        });
        Self {
            listen_as: listening.listen_as.to_string(),
            agreed: listening.agreed,
            differed: listening.differed,
            unheard: listening.unheard,
            differences: differences.collect(),
            last_difference,
            since: moment(listening.since),
            last: moment(listening.last),
        }
    }
}
