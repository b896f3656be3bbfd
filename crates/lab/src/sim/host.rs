//! A machine's network card and clock, as its firmware sees them.
//!
//! Firmware is written as it runs, from the top down: it sends, waits for an answer or a moment,
//! and goes on. The compiler makes the state machine of it; the world outside holds it as a value,
//! gives it packets and the time, and asks what comes next. Nothing here knows a runtime.

use model::event::TlsFault;
use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;
use std::task::Poll;

/// A datagram that arrived.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Heard {
    /// Who sent it.
    pub from: SocketAddrV4,
    /// Destination address: ours, or a broadcast.
    pub to: Ipv4Addr,
    /// Destination port.
    pub port: u16,
    /// Payload.
    pub bytes: Vec<u8>,
}

/// A question by HTTP. What TCP does is not played.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpAsk {
    /// `GET` or `HEAD`.
    pub method: &'static str,
    /// Host, port.
    pub to: SocketAddrV4,
    /// Path and query, as on the wire.
    pub target: String,
    /// `User-Agent`.
    pub agent: &'static str,
    /// What goes with a POST.
    pub body: Option<Vec<u8>>,
    /// It reads so many bytes of the answer and closes the connection.
    pub reads: Option<u64>,
    /// The client finds this in the way of TLS, and leaves.
    pub tls: Option<TlsFault>,
}

impl HttpAsk {
    /// A GET, read to its end.
    #[must_use]
    pub fn get(to: SocketAddrV4, target: String, agent: &'static str) -> Self {
        Self { method: "GET", to, target, agent, body: None, reads: None, tls: None }
    }
}

/// Its answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpAnswer {
    /// Status.
    pub status: u16,
    /// `Content-Type`.
    pub media: String,
    /// `Content-Length`.
    pub length: u64,
    /// Body; empty for HEAD.
    pub body: Vec<u8>,
}

/// What a machine sends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Sent {
    /// A datagram; 255.255.255.255 is a broadcast frame.
    Udp {
        /// Source, as it was when it was sent.
        from: SocketAddrV4,
        /// Destination.
        to: SocketAddrV4,
        /// Payload.
        bytes: Vec<u8>,
    },
    /// A question by HTTP, with a number to know its answer by.
    Http(u64, HttpAsk),
}

/// What the world and the firmware share.
#[derive(Debug, Default)]
pub struct Card {
    /// The moment.
    pub now_ms: u64,
    /// Its address, once it has one.
    pub ip: Option<Ipv4Addr>,
    /// It does not answer ARP: a Pi 3B during TFTP.
    pub deaf_to_arp: bool,
    /// When the firmware wants to go on without a packet.
    pub wake_at_ms: u64,
    /// To be sent.
    pub outbox: Vec<Sent>,
    /// Said on its screen.
    pub said: Vec<String>,
    open: BTreeSet<u16>,
    inbox: VecDeque<Heard>,
    answers: VecDeque<(u64, HttpAnswer)>,
    last_id: u64,
    last_port: u16,
}

impl Card {
    /// Takes a datagram in, if anybody listens on its port and it is for us.
    pub fn hear(&mut self, heard: Heard) {
        let broadcast = heard.to == Ipv4Addr::BROADCAST;
        let ours = broadcast || self.ip.is_none_or(|ip| ip == heard.to);
        if ours && self.open.contains(&heard.port) {
            self.inbox.push_back(heard);
        }
    }

    /// Takes the answer to a question by HTTP in.
    pub fn answer(&mut self, id: u64, answer: HttpAnswer) {
        self.answers.push_back((id, answer));
    }
}

/// The firmware's end of a [`Card`].
#[derive(Clone, Debug)]
pub struct Host {
    /// Its hardware address.
    pub mac: [u8; 6],
    card: Rc<RefCell<Card>>,
}

impl Host {
    /// A host with a card of its own.
    #[must_use]
    pub fn new(mac: [u8; 6]) -> Self {
        Self { mac, card: Rc::default() }
    }

    /// The card, for the world.
    #[must_use]
    pub fn card(&self) -> &Rc<RefCell<Card>> {
        &self.card
    }

    /// The moment, in ms.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.card.borrow().now_ms
    }

    /// Writes a line on the screen.
    pub fn say(&self, line: impl Into<String>) {
        self.card.borrow_mut().said.push(line.into());
    }

    /// Listens on a port; what comes to others is dropped.
    pub fn open(&self, port: u16) {
        self.card.borrow_mut().open.insert(port);
    }

    /// Stops to listen, and forgets what has come in.
    pub fn close(&self, port: u16) {
        let mut card = self.card.borrow_mut();
        card.open.remove(&port);
        card.inbox.retain(|heard| heard.port != port);
    }

    /// A port nobody used before.
    #[must_use]
    pub fn fresh_port(&self) -> u16 {
        let mut card = self.card.borrow_mut();
        card.last_port = card.last_port.max(2000) + 1;
        card.last_port
    }

    /// Takes an address, or puts it off.
    pub fn configure(&self, ip: Option<Ipv4Addr>) {
        self.card.borrow_mut().ip = ip;
    }

    /// Its address, unspecified while it has none.
    #[must_use]
    pub fn ip(&self) -> Ipv4Addr {
        self.card.borrow().ip.unwrap_or(Ipv4Addr::UNSPECIFIED)
    }

    /// Answers ARP, or does not.
    pub fn deaf_to_arp(&self, deaf: bool) {
        self.card.borrow_mut().deaf_to_arp = deaf;
    }

    /// Sends a datagram.
    pub fn send(&self, from_port: u16, to: (Ipv4Addr, u16), bytes: Vec<u8>) {
        let from = SocketAddrV4::new(self.ip(), from_port);
        let to = SocketAddrV4::new(to.0, to.1);
        self.card.borrow_mut().outbox.push(Sent::Udp { from, to, bytes });
    }

    /// The next datagram to `port`, or nothing by `until_ms`.
    pub async fn receive(&self, port: u16, until_ms: u64) -> Option<Heard> {
        self.first(until_ms, |card| {
            let place = card.inbox.iter().position(|heard| heard.port == port)?;
            card.inbox.remove(place)
        })
        .await
    }

    /// Waits.
    pub async fn sleep(&self, ms: u64) {
        let until_ms = self.now() + ms;
        self.first::<()>(until_ms, |_| None).await;
    }

    /// Asks by HTTP and waits for the answer.
    pub async fn http(&self, ask: HttpAsk, timeout_ms: u64) -> Option<HttpAnswer> {
        let (id, until_ms) = {
            let mut card = self.card.borrow_mut();
            card.last_id += 1;
            let id = card.last_id;
            card.outbox.push(Sent::Http(id, ask));
            (id, card.now_ms + timeout_ms)
        };
        self.first(until_ms, |card| {
            let place = card.answers.iter().position(|(of, _)| *of == id)?;
            card.answers.remove(place).map(|(_, answer)| answer)
        })
        .await
    }

    /// What `find` finds, as soon as it does, or nothing by `until_ms`.
    async fn first<T>(&self, until_ms: u64, find: impl Fn(&mut Card) -> Option<T>) -> Option<T> {
        poll_fn(|_| {
            let mut card = self.card.borrow_mut();
            if let Some(found) = find(&mut card) {
                return Poll::Ready(Some(found));
            }
            if card.now_ms >= until_ms {
                return Poll::Ready(None);
            }
            card.wake_at_ms = until_ms;
            Poll::Pending
        })
        .await
    }
}
