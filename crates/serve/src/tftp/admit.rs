//! From a datagram to a transfer, or to the one datagram that says why there is none.
//!
//! In: what arrives at the ports, what the owner said. Out: new transfers; ERRORs. Never: a word to
//! somebody outside the served subnets.

use super::ask::{Answered, Lookup};
use super::bytes::Reading;
use super::carry::Carry;
use super::core::{Core, Waiting};
use super::ports::chance;
use crate::bell::Order;
use crate::meter::{self, About};
use crate::owner::{Bytes, Owner};
use engine::tftp::{Busy, Door, Negotiated, Opening, Policy, Refusal, Route, Transfer};
use model::Event;
use model::event::{Carrier, Cut, Happening};
use model::text::show;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use wire::tftp::{ErrorCode, Packet, Request};

/// Opcodes of requests (RFC 1350 §5).
const READ: u8 = 1;
const WRITE: u8 = 2;
/// A request waits for room this long at most: clients ask again after 4 s or less.
const WAITING_LIFE: Duration = Duration::from_secs(4);
/// Requests that found no room are told of this often at most.
const REFUSED_EVERY: Duration = Duration::from_secs(1);

/// Bytes by which the head of IPv6 is longer than that of IPv4.
const IPV6_HEAD_LONGER: u16 = 20;

/// Requests that wait because their addresses have many beginnings already.
const WAITING_MAX: usize = 1024;

/// The port as the table of sessions knows it.
pub(super) fn door(port: usize) -> Door {
    Door(u32::try_from(port).unwrap_or(u32::MAX))
}

impl<O: Owner, B: Bytes> Core<O, B> {
    /// A datagram came to a port.
    pub(super) fn hear(&mut self, port: usize, from: SocketAddr, bytes: &[u8]) {
        let Some(at) = self.ports.get(port) else { return };
        if at.front && (!at.doors.contains(&port) || matches!(bytes, [0, READ | WRITE, ..])) {
            return self.greet(port, from, bytes);
        }
        let Some(carry) = self.carries.get_mut(&from).filter(|carry| carry.port == port) else {
            return self.hear_stranger(port, from, bytes);
        };
        self.turn_of = Some(from);
        if carry.hear(self.now, &self.desk.owner, bytes) {
            self.sessions.established(self.now, carry.id);
            self.look_at_waiting = Some(self.now);
        }
        self.turn_of = None;
        self.wake(from);
    }

    /// Somebody who has no transfer at this port.
    fn hear_stranger(&mut self, port: usize, from: SocketAddr, bytes: &[u8]) {
        let Some(at) = self.ports.get(port) else { return };
        if !at.place.serves(from.ip()) || from.port() == 0 {
            return self.desk.counters.tftp_outside.one();
        }
        match Packet::parse(bytes) {
            // An ERROR is not answered, or two servers would go on for ever.
            Ok(Packet::Error { .. }) => return,
            Ok(_) => {}
            Err(_) => return self.desk.counters.tftp_malformed.one(),
        }
        let door = door(port);
        if let Route::Stranger(Some(reply)) = self.sessions.at_door(self.now, door, from) {
            at.say(from, &reply);
        }
    }

    /// Decides at once what needs no owner.
    fn greet(&mut self, front: usize, from: SocketAddr, bytes: &[u8]) {
        let Some(port) = self.ports.get(front) else { return };
        let place = Arc::clone(&port.place);
        if !place.serves(from.ip()) || from.port() == 0 {
            self.desk.counters.tftp_outside.one();
            return;
        }
        let request = match Packet::parse(bytes) {
            Ok(Packet::ReadRequest(request)) => request,
            Ok(Packet::WriteRequest(request)) => {
                return self.refuse(front, from, &request, Refusal::WriteRefused);
            }
            // What belongs to a transfer has no business here, and nothing else has either.
            Ok(_) | Err(_) => return self.desk.counters.tftp_malformed.one(),
        };
        if self.desk.post.bell.ordered() != Order::Serve {
            return;
        }
        if let Some(repeat) = self.sessions.repeated(self.now, from, &request) {
            return self.repeat(&repeat);
        }
        let lookup = Lookup { front, from, request, asked: self.now };
        if self.desk.ask(place, lookup) {
            self.desk.counters.tftp_requests.one();
        } else {
            self.desk.counters.tftp_busy.one();
        }
    }

    /// The request of a running transfer once more.
    fn repeat(&mut self, opening: &Opening) {
        let Opening::Duplicate(id) = opening else { return };
        let Some(client) = self.clients.get(id).copied() else { return };
        if let Some(carry) = self.carries.get_mut(&client) {
            carry.transfer.duplicate_request(self.now);
            self.wake(client);
        }
    }

    /// The owner and the shelf have said what they have.
    pub(super) fn answered(&mut self, lookup: Lookup, answered: Answered<B::Blob>) {
        let Lookup { front, from, ref request, .. } = lookup;
        let Some(port) = self.ports.get(front) else { return };
        match answered {
            Answered::File { source, sha256, machine, blksize_max } => {
                self.admit_or_wait(Waiting { lookup, source, sha256, machine, blksize_max });
            }
            Answered::Missing => port.say(from, &Refusal::NotFound.packet()),
            Answered::Silence => {}
            Answered::TooLarge => self.refuse(front, from, request, Refusal::TooLargeForNetascii),
            Answered::Unreadable { cause, machine } => {
                let text = "The server cannot read the file";
                port.say(from, &wire::tftp::error(ErrorCode::NotDefined, text));
                let (file, link) = (show(&request.name), Some(port.place.link.clone()));
                for what in meter::unreadable(Carrier::Tftp, file, &cause) {
                    self.desk.owner.tell(Event::new(self.now, machine, link.clone(), what));
                }
            }
        }
    }

    /// Begins, or keeps the request until others of its address have begun.
    fn admit_or_wait(&mut self, one: Waiting<B::Blob>) {
        // What the same port asked before is not what it wants now.
        self.waiting.retain(|before| before.lookup.from != one.lookup.from);
        let source = one.lookup.from.ip();
        let Some(until) = self.sessions.crowded(self.now, source) else { return self.admit(one) };
        if self.waiting.len() >= WAITING_MAX {
            return self.desk.counters.tftp_busy.one();
        }
        self.waiting.push_back(one);
        let look = self.look_at_waiting.map_or(until, |look| look.min(until));
        self.look_at_waiting = Some(look);
    }

    /// Lets those in who have waited for long enough.
    pub(super) fn let_in(&mut self) {
        if self.look_at_waiting.is_none_or(|look| look > self.now) {
            return;
        }
        self.look_at_waiting = None;
        for _ in 0..self.waiting.len() {
            // Its client has asked again by then.
            let fresh = |one: &Waiting<_>| self.now.since(one.lookup.asked) < WAITING_LIFE;
            if let Some(one) = self.waiting.pop_front().filter(fresh) {
                self.admit_or_wait(one);
            }
        }
    }

    /// Agrees with the client, and begins.
    fn admit(&mut self, one: Waiting<B::Blob>) {
        let Waiting { lookup, source, sha256, machine, blksize_max } = one;
        let Lookup { front, from, request, asked } = lookup;
        let Some(place) = self.ports.get(front).map(|port| Arc::clone(&port.place)) else { return };
        let mut policy = self.policy_for(&place.policy, from);
        policy.blksize_max = blksize_max.map_or(policy.blksize_max, |m| m.min(policy.blksize_max));
        let agreed = match Negotiated::new(&request, source.size(), &policy) {
            Ok(agreed) => agreed,
            Err(refusal) => return self.refuse(front, from, &request, refusal),
        };
        let (id, old, evicted) = match self.sessions.request(self.now, from, &request) {
            Opening::New { id, evicted } => (id, None, evicted),
            Opening::Replace { id, old, evicted } => (id, Some(old), evicted),
            Opening::Refused(busy) => return self.tell_busy(from, &request, &place.link, busy),
            repeat => return self.repeat(&repeat),
        };
        if let Some(old) = old {
            self.replace(old);
        }
        if let Some(evicted) = evicted {
            self.desk.counters.tftp_evicted.one();
            self.drop_for(evicted, "it had to make room for newer requests");
        }
        let about = About {
            file: show(&request.name),
            by: Carrier::Tftp,
            to: from.ip(),
            size: agreed.size(),
            machine,
            link: place.link.clone(),
            board: self.board.clone(),
        };
        let port = self.choose_port(front, from);
        self.sessions.placed(id, door(port));
        if let Some(port) = self.ports.get_mut(port) {
            port.transfers += 1;
        }
        let sizes = (agreed.blksize(), policy.burst_max, agreed.windowsize());
        let transfer = Transfer::new(agreed, self.now);
        let reading = Reading::new(source, sha256);
        let way = (place.server, about.to);
        let carry = Carry::new((id, from, port), way, transfer, reading, sizes, about, asked);
        self.carries.insert(from, carry);
        self.clients.insert(id, from);
        self.wake(from);
    }

    /// What is allowed on the way to this client: a block must fit the narrowest part we know of.
    fn policy_for(&self, policy: &Policy, client: SocketAddr) -> Policy {
        let path = self.probes.path_mtu(client);
        let path = path.and_then(|mtu| u16::try_from(mtu).ok()).unwrap_or(policy.mtu);
        let mtu = policy.mtu.min(path);
        // What is reckoned with is a head of IPv4.
        let longer = if client.is_ipv6() { IPV6_HEAD_LONGER } else { 0 };
        Policy { mtu: mtu.saturating_sub(longer), ..*policy }
    }

    /// One of the ports for transfers, by chance; not one where late packets of this client may
    /// still come in, if there is another.
    fn choose_port(&self, front: usize, client: SocketAddr) -> usize {
        let doors = self.ports.get(front).map_or(front..front + 1, |port| port.doors.clone());
        let count = doors.len().max(1);
        let start = usize::try_from(chance() % count as u64).unwrap_or_default();
        let in_turn = || (0..count).map(|n| doors.start + (start + n) % count);
        in_turn()
            .find(|port| !self.sessions.was_at(door(*port), client))
            .or_else(|| in_turn().next())
            .unwrap_or(front)
    }

    /// Sends the one ERROR of a request that is refused, and tells of it.
    fn refuse(&self, front: usize, from: SocketAddr, request: &Request, refusal: Refusal) {
        let Some(port) = self.ports.get(front) else { return };
        port.say(from, &refusal.packet());
        self.desk.tell_refused(&port.place, from, &request.name, refusal.to_string());
    }

    /// There was no room. The client hears nothing and asks again; an operator should know.
    fn tell_busy(&mut self, from: SocketAddr, request: &Request, link: &str, busy: Busy) {
        self.desk.counters.tftp_busy.one();
        if self.refused_told.is_some_and(|told| self.now.since(told) < REFUSED_EVERY) {
            self.refused_untold += 1;
            return;
        }
        self.refused_told = Some(self.now);
        let mut why = format!("no room for {from}: {busy}");
        match std::mem::take(&mut self.refused_untold) {
            0 => {}
            more => why.push_str(&format!(" ({more} more requests were refused before)")),
        }
        let (file, by) = (show(&request.name), Carrier::Tftp);
        let what = Happening::TransferFailed {
            file,
            by,
            sent: 0,
            size: 0,
            why,
            took_ms: 0,
            again: 0,
            cut: Some(Cut::NoRoom),
            to: Some(from.ip()),
        };
        self.desk.owner.tell(Event::new(self.now, None, Some(link.to_owned()), what));
    }
}
