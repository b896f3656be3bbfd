//! DHCPv6: what we would have said to a message, and what whoever else said. Messages come from clients or, in their
//! envelopes, through relays.

mod judge;

pub(crate) use judge::judge;

use crate::dhcp::{REPLIES_MAX, Reply};
use crate::ours::because;
use crate::place;
use crate::run::{Asked, Moment, Work};
use capture::Transport;
use engine::{Answer, Datagram6, Engine, Outgoing6, Told};
use model::event::Happening;
use model::plan::Why;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use wire::dhcp6::{CLIENT_PORT, Message, SERVER_PORT, code, kind, unwrapped};

/// Requests whose replies are still looked for; the oldest is given up.
const WAITING_MAX: usize = 8192;
/// RELAY-FORW (RFC 8415, 7.3).
const FORWARD: u8 = 12;
/// RELAY-REPL.
const REPLY: u8 = 13;

/// One message and everything that was, or would have been, said to it.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) ours: Result<Outgoing6, Why>,
    pub(crate) theirs: Vec<Reply>,
}

/// By what a reply is known to belong to a request: whether it came through relays, transaction, client.
type Key = (bool, [u8; 3], Vec<u8>);

/// Requests and their replies.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    waiting: BTreeMap<Key, usize>,
    order: VecDeque<Key>,
}

impl Talk {
    /// Takes a datagram of the ports of DHCPv6 in. `asked` is what was asked before.
    pub(crate) fn hear(
        &mut self,
        engine: &mut Engine,
        moment: &Moment<'_>,
        datagram: &Transport,
        asked: &mut Vec<Asked>,
    ) {
        let first = datagram.payload.first().copied();
        match (is_reply(first), datagram.to.port()) {
            (true, CLIENT_PORT | SERVER_PORT) => self.file(moment, datagram, asked),
            (false, SERVER_PORT) => self.ask(engine, moment, datagram, asked),
            _ => {}
        }
    }

    fn ask(
        &mut self,
        engine: &mut Engine,
        moment: &Moment<'_>,
        datagram: &Transport,
        asked: &mut Vec<Asked>,
    ) {
        let (SocketAddr::V6(from), SocketAddr::V6(to)) = (datagram.from, datagram.to) else {
            return;
        };
        let opened = unwrapped(&datagram.payload).ok();
        // The envelope next to the client says where it is.
        let relays = opened.iter().flat_map(|(relays, _)| relays).rev();
        let relay = relays.map(|relay| relay.link).find(|link| !link.is_unspecified());
        let ends = [relay, Some(*from.ip()), Some(*to.ip())];
        let link = place::link6(&engine.settings().networks6, moment, ends);
        let bytes = datagram.payload.clone();
        let heard = Datagram6 { link, from, to: *to.ip(), bytes };
        let told = engine.dhcp6(moment.now, &heard);
        if let Some(key) = opened.and_then(key) {
            self.wait_for(key, asked.len());
        }
        asked.push(of(moment, told));
    }

    fn wait_for(&mut self, key: Key, entry: usize) {
        if self.waiting.insert(key.clone(), entry).is_none() {
            self.order.push_back(key);
        }
        while self.waiting.len() > WAITING_MAX {
            let Some(oldest) = self.order.pop_front() else { return };
            self.waiting.remove(&oldest);
        }
    }

    /// Files a reply with its request.
    fn file(&self, moment: &Moment<'_>, datagram: &Transport, asked: &mut [Asked]) {
        let found = unwrapped(&datagram.payload).ok().and_then(key);
        let entry = found.and_then(|key| self.waiting.get(&key));
        let Some(Work::Dhcp6(exchange)) =
            entry.and_then(|entry| asked.get_mut(*entry)).map(|asked| &mut asked.work)
        else {
            return;
        };
        let bytes = &datagram.payload;
        let twice = exchange.theirs.iter().any(|r| r.from == datagram.from && r.bytes == *bytes);
        if !twice && exchange.theirs.len() < REPLIES_MAX {
            let (from, bytes) = (datagram.from, bytes.clone());
            exchange.theirs.push(Reply { packet: moment.packet, from, bytes, cut: datagram.cut });
        }
    }
}

/// Whether servers say it, or relays in their place.
fn is_reply(first: Option<u8>) -> bool {
    matches!(first, Some(kind::ADVERTISE | kind::REPLY | REPLY))
}

fn key((relays, inner): (Vec<wire::dhcp6::Envelope>, Vec<u8>)) -> Option<Key> {
    let message = Message::parse(&inner).ok()?;
    let client = message.get(code::CLIENT_ID).unwrap_or_default().to_vec();
    Some((!relays.is_empty(), message.xid, client))
}

/// Whether a datagram asks something, so that the same a moment later is the same.
pub(crate) fn asks(payload: &[u8]) -> bool {
    let first = payload.first().copied();
    !is_reply(first) && first.is_some_and(|first| first <= FORWARD)
}

pub(crate) fn of(moment: &Moment<'_>, told: Told<Outgoing6>) -> Asked {
    let mut what = "DHCPv6 message".to_owned();
    let mut machine = None;
    let mut reasons = because(&told);
    for event in &told.events {
        machine = machine.or(event.machine);
        match &event.what {
            Happening::Answered { asked, .. } | Happening::Silent { asked, .. } => {
                what = format!("DHCPv6 {asked}");
            }
            Happening::MachineAppeared { says } => {
                reasons.insert(0, format!("the machine is new: {says}"));
            }
            _ => {}
        }
    }
    let ours = match told.answer {
        Answer::Reply(outgoing) => Ok(outgoing),
        Answer::Silence(why) => Err(why),
    };
    Asked {
        packet: moment.packet,
        at_ns: moment.at_ns,
        machine,
        asked: what,
        because: reasons,
        work: Work::Dhcp6(Box::new(Exchange { ours, theirs: Vec::new() })),
    }
}
