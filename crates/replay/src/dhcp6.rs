//! DHCPv6: what we would have said to a message, and what whoever else said. Messages come from clients or, in their
//! envelopes, through relays.

mod judge;

pub(crate) use judge::judge;

use crate::place;
use crate::run::{Asked, Moment, Work};
use crate::talk::{Reply, Waiting, asked_of, file};
use capture::Transport;
use engine::{Datagram6, Engine, Outgoing6, Told};
use model::plan::Why;
use std::net::SocketAddr;
use wire::dhcp6::{CLIENT_PORT, Message, SERVER_PORT, code, kind, unwrapped};

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
    waiting: Waiting<Key>,
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
            self.waiting.put(key, asked.len());
        }
        asked.push(of(moment, told));
    }

    /// Files a reply with its request.
    fn file(&self, moment: &Moment<'_>, datagram: &Transport, asked: &mut [Asked]) {
        let found = unwrapped(&datagram.payload).ok().and_then(key);
        let entry = found.and_then(|key| self.waiting.of(&key));
        let asked = entry.and_then(|entry| asked.get_mut(entry)).map(|asked| &mut asked.work);
        if let Some(Work::Dhcp6(exchange)) = asked {
            file(&mut exchange.theirs, moment, datagram);
        }
    }
}

/// Whether servers say it to who asked, or relays in their place.
fn is_reply(first: Option<u8>) -> bool {
    first.is_some_and(|first| first != kind::RECONFIGURE && kind::is_of_server(first))
}

fn key((relays, inner): (Vec<wire::dhcp6::Envelope>, Vec<u8>)) -> Option<Key> {
    let message = Message::parse(&inner).ok()?;
    let client = message.get(code::CLIENT_ID).unwrap_or_default().to_vec();
    Some((!relays.is_empty(), message.xid, client))
}

/// Whether a datagram asks something, so that the same a moment later is the same.
pub(crate) fn asks(payload: &[u8]) -> bool {
    let first = payload.first().copied();
    !is_reply(first) && first.is_some_and(|first| first <= kind::RELAY_FORW)
}

pub(crate) fn of(moment: &Moment<'_>, told: Told<Outgoing6>) -> Asked {
    asked_of(
        moment,
        told,
        |asked| format!("DHCPv6 {}", asked.unwrap_or("message")),
        |ours| Work::Dhcp6(Box::new(Exchange { ours, theirs: Vec::new() })),
    )
}
