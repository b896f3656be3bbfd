//! Mode `listen`: we decide as if it were ours to answer, say nothing, and lay what we would have
//! said beside what the server that answers there says.
//!
//! ```text
//! request ─ rehearse ── what we would say, as mode proxy or dhcp ─▶ waits, by xid and client
//! reply   ─ compare ─── the one that waits ─▶ agrees or differs, told and counted
//! time    ─ give up ─── no reply was heard
//! ```
//!
//! In: exchanges on links where we listen, replies of others, the moment. Out: events and sums.
//! Never: an answer; a fact that is kept.

mod book;
mod verdict;

pub(crate) use book::Book;
pub use book::{DIFFERENCES_MAX, WAITING_MAX};

use crate::Engine;
use crate::dhcp::{Decided, Exchange, server_id};
use crate::others::Reply;
use book::Waiting;
use model::network::{ListenAs, Mode};
use model::plan::Why;
use model::{Event, HardwareAddress, Listening, Network, Now};
use std::net::Ipv4Addr;
use wire::dhcp4::{Message, MessageType, code};

impl Engine {
    /// Decides as we would, and waits for what the other server says.
    pub(crate) fn rehearse(&mut self, exchange: &Exchange<'_>) -> Why {
        let ours = match exchange.network.listen_as {
            ListenAs::Proxy => self.answer_beside(exchange),
            ListenAs::Dhcp => self.answer_as_if_ours(exchange),
        };
        let waiting = Waiting {
            at: exchange.now,
            link: exchange.datagram.link.clone(),
            listen_as: exchange.network.listen_as,
            client: exchange.client.hardware,
            xid: exchange.message.xid,
            asked: exchange.message.options.message_type().and_then(Result::ok),
            pxe_port: exchange.datagram.port != crate::dhcp::SERVER_PORT,
            any_address: self.any_address(exchange),
            ours: ours.map(|said| said.outgoing.bytes),
            address_only: None,
            done: false,
        };
        self.listening.wait_for(waiting);
        Why::OnlyListening
    }

    /// As mode `dhcp`, the day after the leases were taken over: whatever address a client asks
    /// for by REQUEST is weighed as if it were ours to give, whichever server gave it.
    fn answer_as_if_ours(&mut self, exchange: &Exchange<'_>) -> Decided {
        let network = Network { mode: Mode::Dhcp, probe: None, ..exchange.network.clone() };
        let mut message = exchange.message.clone();
        if message.options.message_type() == Some(Ok(MessageType::Request)) {
            let own = Some(message.ciaddr).filter(|address| !address.is_unspecified());
            let address = message.options.ip(code::REQUESTED_ADDRESS).or(own);
            let us = server_id(exchange);
            message.options.remove(code::SERVER_ID);
            message.options.push(code::SERVER_ID, us.octets());
            if let Some(address) = address {
                message.options.remove(code::REQUESTED_ADDRESS);
                message.options.push(code::REQUESTED_ADDRESS, address.octets());
            }
        }
        self.answer_with_address(&Exchange { message: &message, network: &network, ..*exchange })
    }

    /// Addresses of which one is as good as another for this client: nothing is promised to it and
    /// it has none, so that whichever it gets is right.
    fn any_address(&self, exchange: &Exchange<'_>) -> Option<Network> {
        let (now, network, asking) = (exchange.now, exchange.network, &exchange.asking);
        let promised = self.leases.reserved_for(network, asking).is_some();
        let has = self.leases.held_by(now, network, asking).is_some();
        (!promised && !has).then(|| network.clone())
    }

    /// Pairs a reply with what we would have said.
    pub(crate) fn compare_heard(
        &mut self,
        now: Now,
        reply: &Reply,
        mac: HardwareAddress,
    ) -> Vec<Event> {
        self.listening.compare(now, reply, mac)
    }

    /// Gives up exchanges that nobody was heard to answer.
    pub(crate) fn give_up_listening(&mut self, now: Now) -> Vec<Event> {
        self.listening.give_up(now)
    }

    /// What was compared on each link where we listen.
    pub fn listening(&self) -> Vec<Listening> {
        self.listening.sums()
    }
}

/// Whether a reply is one to this kind of question (RFC 2131, table 3).
fn answers(asked: Option<MessageType>, reply: Option<MessageType>) -> bool {
    use MessageType::{Ack, Discover, Inform, Nak, Offer, Request};
    match asked {
        Some(Discover) => matches!(reply, Some(Offer | Ack)),
        Some(Request) => matches!(reply, Some(Ack | Nak)),
        Some(Inform) => reply == Some(Ack),
        None => reply.is_none(),
        Some(_) => false,
    }
}

/// Our reply with the address that they gave, if any address is as good as another.
fn with_their_address(mut ours: Message, theirs: &Message, any: Option<&Network>) -> Message {
    let given = theirs.yiaddr;
    let both = !ours.yiaddr.is_unspecified() && given != Ipv4Addr::UNSPECIFIED;
    if both && any.is_some_and(|network| network.leasable(given)) {
        ours.yiaddr = given;
    }
    ours
}
