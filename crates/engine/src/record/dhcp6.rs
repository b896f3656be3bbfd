//! Messages of DHCPv6, as they are remembered.

use super::{Exchange, Hex, Recorded};
use crate::dhcp6::{Datagram6, Outgoing6};
use crate::{Answer, Engine};
use model::{Change, HardwareAddress, Now};
use serde::{Deserialize, Serialize};
use std::net::{Ipv6Addr, SocketAddrV6};
use wire::dhcp6::Heard;

/// A DHCPv6 message and its answer.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Message6 {
    /// Source.
    pub from: SocketAddrV6,
    /// Destination; its port is 547.
    pub to: Ipv6Addr,
    /// The message, in the envelopes of its relays.
    pub asked: Hex,
    /// The reply; none is silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Sent6>,
    /// Why there was none, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<String>,
}

/// A reply.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Sent6 {
    /// Destination: the client, or the nearest relay.
    pub to: SocketAddrV6,
    /// The message, in the envelopes that its question came in.
    pub bytes: Hex,
}

impl Message6 {
    /// About so many bytes of memory, beside itself.
    pub(super) fn weight(&self) -> usize {
        let answer = self.answer.as_ref().map_or(0, |sent| sent.bytes.0.len());
        self.asked.0.len() + answer + self.silence.as_ref().map_or(0, String::len)
    }
}

impl Recorded {
    /// A DHCPv6 message.
    #[must_use]
    pub fn dhcp6(at: Now, datagram: &Datagram6, answer: &Answer<Outgoing6>) -> Self {
        let (answer, silence) = match answer {
            Answer::Reply(Outgoing6 { to, bytes, .. }) => {
                (Some(Sent6 { to: *to, bytes: Hex(bytes.clone()) }), None)
            }
            Answer::Silence(why) => (None, Some(why.to_string())),
        };
        let Datagram6 { link, from, to, bytes } = datagram;
        let asked = Hex(bytes.clone());
        let what = Exchange::Dhcp6(Message6 { from: *from, to: *to, asked, answer, silence });
        Self { at, link: link.clone(), what }
    }

    /// The DHCPv6 message, to be decided again.
    #[must_use]
    pub fn datagram6(&self) -> Option<Datagram6> {
        let Exchange::Dhcp6(Message6 { from, to, asked, .. }) = &self.what else { return None };
        let (link, bytes) = (self.link.clone(), asked.0.clone());
        Some(Datagram6 { link, from: *from, to: *to, bytes })
    }
}

impl Engine {
    /// Who sends a DHCPv6 message, as he is filed, and by what he calls himself; where both can be told.
    #[must_use]
    pub fn filed_sender6(&self, datagram: &Datagram6) -> Option<(HardwareAddress, Vec<u8>)> {
        let heard = Heard::parse(&datagram.bytes).ok()?;
        let mac = self.client6(datagram, &heard).hardware;
        let filed = self.machine_of(&mac).map_or(mac, |machine| machine.hardware);
        let known = !mac.bytes().is_empty();
        known.then(|| (filed, heard.packet.client_id.unwrap_or_default()))
    }

    /// What is known of a machine alone, as [`Self::facts_of`] says it, with the IPv6 addresses of one client of
    /// it: firmware, loader and system may call themselves differently.
    #[must_use]
    pub fn facts_of6(&self, hardware: &HardwareAddress, duid: &[u8]) -> Vec<Change> {
        let leases = self.leases6.of_client(duid).cloned().map(Change::Lease6);
        self.facts_of(hardware).into_iter().chain(leases).collect()
    }

    /// How we call ourselves over DHCPv6 (RFC 8415, 11).
    #[must_use]
    pub fn server_duid(&self) -> &[u8] {
        &self.server_duid
    }

    /// Answers in the place of the server that calls itself so, until the settings are others: for whoever decides
    /// once more what was said elsewhere.
    pub fn in_place_of(&mut self, duid: Vec<u8>) {
        self.server_duid = duid;
    }
}
