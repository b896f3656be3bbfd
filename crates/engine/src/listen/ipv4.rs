//! Exchanges of DHCPv4: our answer that nobody got, beside the one that the machine got.

use super::Verdict;
use super::book::{Asked, Waiting};
use crate::Engine;
use crate::compare::{self, Bearing, Difference};
use crate::dhcp::{Decided, Exchange, server_id};
use crate::others::{Reply, offer_of};
use model::listen::Asker;
use model::network::{Family, ListenAs, Mode};
use model::plan::Why;
use model::{Event, HardwareAddress, Network, Now};
use std::net::Ipv4Addr;
use wire::dhcp4::{Message, MessageType, code};

/// Differences that are told of one exchange.
const TOLD_MAX: usize = 16;

/// What a client asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked4 {
    client: HardwareAddress,
    xid: u32,
    kind: Option<MessageType>,
    /// It was asked on port 4011.
    pxe_port: bool,
    /// The network of which any address is as good for this client as another.
    any_address: Option<Network>,
}

impl Engine {
    /// Decides as we would, and waits for what the other server says.
    pub(crate) fn rehearse(&mut self, exchange: &Exchange<'_>) -> Why {
        let ours = match exchange.network.listen_as {
            ListenAs::Proxy => self.answer_beside(exchange),
            ListenAs::Dhcp => self.answer_as_if_ours(exchange),
        };
        let asked = Asked4 {
            client: exchange.client.hardware,
            xid: exchange.message.xid,
            kind: exchange.message.options.message_type().and_then(Result::ok),
            pxe_port: exchange.datagram.port != crate::dhcp::SERVER_PORT,
            any_address: self.any_address(exchange),
        };
        let waiting = Waiting {
            at: exchange.now,
            link: exchange.datagram.link.clone(),
            listen_as: exchange.network.listen_as,
            asked,
            ours: ours.map(|said| said.outgoing.bytes),
            address_only: None,
            done: false,
        };
        if expects_answer(&waiting) {
            self.listening.wait_for(waiting);
        }
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
        let mut events = self.listening.give_up(now);
        let named = model::other::named(reply.server, Some(reply.from), Some(&mac));
        events.extend(self.listening.compare(now, reply, named));
        events
    }
}

impl Asked for Asked4 {
    type Reply = Reply;
    const FAMILY: Family = Family::Ipv4;

    fn is_again(&self, before: &Self) -> bool {
        (self.xid, self.client, self.kind, self.pxe_port)
            == (before.xid, before.client, before.kind, before.pxe_port)
    }

    fn is_answered_by(&self, reply: &Reply) -> bool {
        (self.xid, Some(self.client)) == (reply.xid, reply.client) && answers(self.kind, reply.kind)
    }

    fn client(&self) -> Asker {
        Asker { machine: Some(self.client), duid: None }
    }

    fn in_words(&self) -> String {
        let kind = match self.kind {
            Some(MessageType::Discover) => "DISCOVER",
            Some(MessageType::Request) => "REQUEST",
            Some(MessageType::Inform) => "INFORM",
            Some(_) => "message",
            None => "BOOTP request",
        };
        if self.pxe_port { format!("{kind} on 4011") } else { kind.to_owned() }
    }

    fn reply_in_words(reply: &Reply) -> String {
        in_a_line(&reply.message)
    }

    fn compare(waiting: &Waiting<Self>, reply: &Reply) -> Option<Verdict> {
        compare(waiting, &reply.message)
    }

    fn unheard(waiting: &Waiting<Self>) -> Verdict {
        unheard(waiting)
    }
}

/// Whether there is anything to compare. A proxy never answers what is the DHCP server's alone.
fn expects_answer(waiting: &Waiting<Asked4>) -> bool {
    let ended = matches!(waiting.asked.kind, Some(MessageType::Release | MessageType::Decline));
    let theirs = matches!(waiting.ours, Err(Why::ProxyStaysOut(_) | Why::OtherServer(_)));
    let beside = waiting.listen_as == ListenAs::Proxy;
    !(ended || (theirs && beside))
}

/// Compares; `None` where the reply says nothing of what we would have spoken about: the addresses
/// of the DHCP server that we would stand beside.
fn compare(waiting: &Waiting<Asked4>, theirs: &Message) -> Option<Verdict> {
    let beside = waiting.listen_as == ListenAs::Proxy;
    let ours = match &waiting.ours {
        Ok(bytes) => Message::parse(bytes).ok(),
        // Beside a DHCP server we leave such clients to it, whatever it says.
        Err(why @ Why::NotBooting) if beside => {
            return Some(Verdict::of(format!("silence: {why}"), in_a_line(theirs), Vec::new()));
        }
        Err(_) => None,
    };
    if beside && !speaks_of_booting(theirs) {
        return None;
    }
    let ours = match (&waiting.ours, ours) {
        (Err(why), _) => return Some(silent(why, theirs, beside)),
        (Ok(_), ours) => ours?,
    };
    let ours = with_their_address(ours, theirs, waiting.asked.any_address.as_ref());
    let kinds = (kind(&ours), kind(theirs));
    let (said, heard) = (in_a_line(&ours), in_a_line(theirs));
    if kinds.0 != kinds.1 && !beside {
        let (ours, theirs) = kinds;
        let text = format!("kind of answer: we say {ours}, they say {theirs}");
        return Some(Verdict::of(said, heard, vec![("kind of answer".to_owned(), text)]));
    }
    let matters = |difference: &Difference| match beside {
        // Addresses and the network are the other server's there.
        true => difference.bearing == Bearing::Boot,
        false => difference.bearing.matters(),
    };
    let differences = compare::replies(&ours, theirs).into_iter().filter(matters);
    let told = differences.take(TOLD_MAX).map(|d| (d.what.clone(), d.to_string())).collect();
    Some(Verdict::of(said, heard, told))
}

/// We would have said nothing, and they did.
fn silent(why: &Why, theirs: &Message, beside: bool) -> Verdict {
    let heard = in_a_line(theirs);
    let what = if beside { "boot answer" } else { "answer" };
    let text = format!("{what}: we say nothing ({why}), they say {heard}");
    Verdict::of(format!("silence: {why}"), heard, vec![(what.to_owned(), text)])
}

fn speaks_of_booting(message: &Message) -> bool {
    let offer = offer_of(message);
    offer.boot || offer.file.is_some()
}

/// Nobody was heard, or only the DHCP server that we would stand beside.
fn unheard(waiting: &Waiting<Asked4>) -> Verdict {
    let ours = match &waiting.ours {
        Ok(bytes) => Message::parse(bytes).map_or_else(|_| String::new(), |m| in_a_line(&m)),
        Err(why) => format!("silence: {why}"),
    };
    let Some((_, theirs)) = &waiting.address_only else {
        return Verdict::unheard(ours);
    };
    let differences = match waiting.ours {
        Ok(_) => {
            let text = format!("boot answer: we say {ours}, they say nothing of booting");
            vec![("boot answer".to_owned(), text)]
        }
        Err(_) => Vec::new(),
    };
    Verdict::of(ours, theirs.clone(), differences)
}

/// `OFFER 10.0.0.5, file pxelinux.0 from 10.0.0.66`.
fn in_a_line(message: &Message) -> String {
    format!("{} {}", kind(message), offer_of(message))
}

fn kind(message: &Message) -> String {
    match message.options.message_type() {
        Some(Ok(MessageType::Offer)) => "OFFER".to_owned(),
        Some(Ok(MessageType::Ack)) => "ACK".to_owned(),
        Some(Ok(MessageType::Nak)) => "NAK".to_owned(),
        Some(Ok(other)) => format!("message type {}", other.number()),
        Some(Err(number)) => format!("message type {number}"),
        None => "BOOTP reply".to_owned(),
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
