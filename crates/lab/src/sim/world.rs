//! One clock over everything: it jumps to the next moment at which something happens.

use super::firmware::Board;
use super::foreign::Foreign;
use super::host::{Heard, Host, HttpAnswer, HttpAsk, Sent};
use super::net::{Air, Weather};
use super::server::{Send, Server};
use super::way::Way;
use engine::Destination;
use engine::diagnose::Docket;
use engine::story::Stories;
use model::{Event, HardwareAddress, Now};
use std::collections::BTreeMap;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use wire::dhcp4::{Message, code};

/// When every world begins: in November 2023.
pub const BEGINNING_MS: u64 = 1_700_000_000_000;

/// What a line of the timeline is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// The server says so.
    Server(Box<Event>),
    /// Files that went over the wire.
    Carried(String),
    /// A machine says so.
    Machine(HardwareAddress, String),
    /// Something was sent that nobody can take.
    Lost(String),
}

/// A machine that is switched on.
struct Running {
    link: String,
    relay: Option<Ipv4Addr>,
    host: Host,
    program: Pin<Box<dyn Future<Output = String>>>,
    outcome: Option<String>,
}

/// Something on its way.
#[derive(Clone)]
enum Flight {
    FromMachine { mac: [u8; 6], from: SocketAddrV4, to: SocketAddrV4, bytes: Vec<u8> },
    ToMachine { mac: [u8; 6], heard: Heard },
    Overheard { link: String, heard: Heard },
    Question { mac: [u8; 6], id: u64, ask: HttpAsk },
    Answer { mac: [u8; 6], id: u64, answer: HttpAnswer },
}

/// What makes a reply wrong on its way, to see that firmware minds.
pub type Saboteur = Box<dyn Fn(&mut Send) -> bool>;

/// Server, machines and what is between them.
pub struct World {
    /// The moment.
    pub now_ms: u64,
    /// Ours.
    pub server: Server,
    /// Somebody else's.
    pub foreign: Vec<Foreign>,
    /// Relays by their `giaddr`, with the option 82 each of them adds.
    pub relays: BTreeMap<Ipv4Addr, Vec<u8>>,
    /// Everything that happened, with its moment.
    pub log: Vec<(u64, Told)>,
    /// Changes what our server sends; false drops it.
    pub saboteur: Option<Saboteur>,
    /// Firewalls and the like.
    pub way: Way,
    /// ROMs cannot put fragments together: what is longer with its headers never arrives.
    pub mtu: usize,
    /// The boots so far.
    pub stories: Stories,
    /// What they died of.
    pub docket: Docket,
    machines: BTreeMap<[u8; 6], Running>,
    air: Air<Flight>,
}

impl World {
    /// A world from a seed.
    #[must_use]
    pub fn new(seed: u64, weather: Weather, server: Server) -> Self {
        Self {
            now_ms: BEGINNING_MS,
            server,
            foreign: Vec::new(),
            relays: BTreeMap::new(),
            log: Vec::new(),
            saboteur: None,
            way: Way::default(),
            mtu: 1500,
            stories: Stories::default(),
            docket: Docket::default(),
            machines: BTreeMap::new(),
            air: Air::new(seed, weather),
        }
    }

    /// The moment, as the engine takes it.
    #[must_use]
    pub fn now(&self) -> Now {
        Now(self.now_ms)
    }

    /// Switches a machine on, or off and on.
    pub fn switch_on(&mut self, link: &str, relay: Option<Ipv4Addr>, board: &Board) {
        let host = Host::new(board.mac);
        host.card().borrow_mut().now_ms = self.now_ms;
        let program = Box::pin(super::firmware::power_on(host.clone(), board.clone()));
        let link = link.to_owned();
        let running = Running { link, relay, host, program, outcome: None };
        self.machines.insert(board.mac, running);
        self.go_on(board.mac);
    }

    /// Switches a machine off; nothing more is heard of it.
    pub fn switch_off(&mut self, mac: [u8; 6]) {
        self.machines.remove(&mac);
    }

    /// How a machine ended up, if it has.
    #[must_use]
    pub fn outcome(&self, mac: [u8; 6]) -> Option<&str> {
        self.machines.get(&mac)?.outcome.as_deref()
    }

    /// A machine's address, as it believes.
    #[must_use]
    pub fn address(&self, mac: [u8; 6]) -> Option<Ipv4Addr> {
        self.machines.get(&mac)?.host.card().borrow().ip
    }

    /// Whether all machines have ended up somewhere.
    #[must_use]
    pub fn all_ended(&self) -> bool {
        self.machines.values().all(|m| m.outcome.is_some())
    }

    /// Lets time pass until this moment, or until nothing can happen any more.
    pub fn run_until(&mut self, end_ms: u64) {
        loop {
            let (sends, server_at) = self.server.serve(self.now());
            for send in sends {
                self.deliver(send);
            }
            self.collect();
            let machines = self.machines.values().filter(|m| m.outcome.is_none());
            let wake_at = machines.map(|m| m.host.card().borrow().wake_at_ms).min();
            let look_at = self.docket.next_look().map_or(u64::MAX, |look| look.0);
            let next = self.air.next_at_ms().min(server_at).min(wake_at.unwrap_or(u64::MAX));
            let next = next.min(look_at.max(self.now_ms));
            if next > end_ms || next == u64::MAX {
                self.now_ms = if next == u64::MAX { self.now_ms } else { end_ms };
                return;
            }
            self.now_ms = self.now_ms.max(next);
            self.judge();
            while let Some(flight) = self.air.arrived(self.now_ms) {
                self.arrive(flight);
            }
            let due: Vec<[u8; 6]> = self.machines.keys().copied().collect();
            for mac in due {
                let wakes = self.machines.get(&mac).is_some_and(|m| {
                    m.outcome.is_none() && m.host.card().borrow().wake_at_ms <= self.now_ms
                });
                if wakes {
                    self.go_on(mac);
                }
            }
        }
    }

    /// Judges boots that are over, or quiet for too long.
    fn judge(&mut self) {
        let now = self.now();
        if self.docket.next_look().is_some_and(|look| look <= now) {
            let verdicts = self.docket.judge(&self.server.engine, &self.stories, now);
            self.server.told.extend(verdicts);
            self.collect();
        }
    }

    /// Writes what the server told into the stories of machines.
    pub fn note(&mut self, event: &mut Event) {
        if event.boot.is_none() {
            event.boot = self.stories.note(event);
        }
        self.docket.note(event);
    }

    /// Moves what the server told into the timeline.
    fn collect(&mut self) {
        for mut event in std::mem::take(&mut self.server.told) {
            self.note(&mut event);
            self.log.push((self.now_ms, Told::Server(Box::new(event))));
        }
        for (at, text) in std::mem::take(&mut self.server.notes) {
            self.log.push((at, Told::Carried(text)));
        }
    }

    /// A machine goes on as far as it can.
    fn go_on(&mut self, mac: [u8; 6]) {
        self.collect();
        let Some(machine) = self.machines.get_mut(&mac) else { return };
        if machine.outcome.is_some() {
            return;
        }
        let card = machine.host.card().clone();
        {
            let mut card = card.borrow_mut();
            card.now_ms = self.now_ms;
            card.wake_at_ms = u64::MAX;
        }
        let polled = machine.program.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(outcome) = polled {
            card.borrow_mut().said.push(outcome.clone());
            machine.outcome = Some(outcome);
        }
        let (said, outbox) = {
            let mut card = card.borrow_mut();
            (std::mem::take(&mut card.said), std::mem::take(&mut card.outbox))
        };
        for line in said {
            self.log.push((self.now_ms, Told::Machine(HardwareAddress::mac(mac), line)));
        }
        for sent in outbox {
            match sent {
                Sent::Udp { from, to, bytes } => {
                    self.air.send(self.now_ms, &Flight::FromMachine { mac, from, to, bytes });
                }
                Sent::Http(id, ask) => {
                    self.air.carry(self.now_ms, Flight::Question { mac, id, ask });
                }
            }
        }
    }

    fn arrive(&mut self, flight: Flight) {
        match flight {
            Flight::FromMachine { mac, from, to, bytes } => self.at_servers(mac, from, to, bytes),
            Flight::ToMachine { mac, heard } => {
                if let Some(machine) = self.machines.get(&mac) {
                    machine.host.card().borrow_mut().hear(heard);
                    self.go_on(mac);
                }
            }
            Flight::Overheard { link, heard } => {
                self.server.overhear(Now(self.now_ms), &link, heard);
                self.collect();
            }
            Flight::Question { mac, id, ask } => {
                let Some(machine) = self.machines.get(&mac) else { return };
                let ip = machine.host.ip();
                let link = machine.link.clone();
                if self.way.stops_http() {
                    return;
                }
                if machine.relay.is_none() {
                    self.server.neighbours.insert(ip, HardwareAddress::mac(mac));
                }
                let Some(answer) = self.server.http(Now(self.now_ms), &link, ip, &ask) else {
                    return;
                };
                // A gigabit link carries 100 kB in a millisecond.
                let takes_ms = answer.body.len() as u64 / 100_000;
                self.air.carry(self.now_ms + takes_ms, Flight::Answer { mac, id, answer });
            }
            Flight::Answer { mac, id, answer } => {
                if let Some(machine) = self.machines.get(&mac) {
                    machine.host.card().borrow_mut().answer(id, answer);
                    self.go_on(mac);
                }
            }
        }
    }

    fn at_servers(&mut self, mac: [u8; 6], from: SocketAddrV4, to: SocketAddrV4, bytes: Vec<u8>) {
        let Some(machine) = self.machines.get(&mac) else { return };
        let (link, relay) = (machine.link.clone(), machine.relay);
        if self.way.stops_question(to.port()) {
            return;
        }
        let from = self.way.seen_from(from, to.port());
        let mut heard = Heard { from, to: *to.ip(), port: to.port(), bytes };
        let translated = self.way.nat == Some(*from.ip());
        if relay.is_none() && !translated && !from.ip().is_unspecified() {
            self.server.neighbours.insert(*from.ip(), HardwareAddress::mac(mac));
        }
        if let (true, Some(giaddr)) = (to.ip().is_broadcast(), relay) {
            let Some(server) = self.server_on(&link) else { return };
            let Some(bytes) = self.relayed(giaddr, &heard.bytes) else { return };
            let from = SocketAddrV4::new(giaddr, 67);
            heard = Heard { from, to: server, port: to.port(), bytes };
        }
        if relay.is_none() {
            self.at_foreign(&link, &heard);
        }
        let ours = self.server_on(&link);
        if heard.to.is_broadcast() || ours == Some(heard.to) {
            for send in self.server.hear(Now(self.now_ms), &link, &heard) {
                self.deliver(send);
            }
            self.collect();
        }
    }

    /// Other servers hear it too, and answer everybody; so we hear what they say.
    fn at_foreign(&mut self, link: &str, asked: &Heard) {
        for n in 0..self.foreign.len() {
            let Some(foreign) = self.foreign.get_mut(n) else { return };
            if !asked.to.is_broadcast() && asked.to != foreign.address {
                continue;
            }
            let Some((from, bytes)) = foreign.hear(asked) else { continue };
            let at_ms = self.now_ms + foreign.slow_ms;
            let heard = Heard { from, to: Ipv4Addr::BROADCAST, port: 68, bytes };
            self.air
                .carry(at_ms, Flight::Overheard { link: link.to_owned(), heard: heard.clone() });
            for mac in self.on_link(link) {
                self.air.send(at_ms, &Flight::ToMachine { mac, heard: heard.clone() });
            }
        }
    }

    fn server_on(&self, link: &str) -> Option<Ipv4Addr> {
        let networks = &self.server.engine.settings().networks;
        networks.iter().find(|network| network.interface == link).map(|network| network.server)
    }

    /// What a relay makes of a client's broadcast (RFC 1542, 4.1; RFC 3046).
    fn relayed(&self, giaddr: Ipv4Addr, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut message = Message::parse_request(bytes).ok()?;
        message.giaddr = giaddr;
        message.hops = message.hops.saturating_add(1);
        if let Some(info) = self.relays.get(&giaddr).filter(|info| !info.is_empty()) {
            message.options.push(code::RELAY_AGENT, info.clone());
        }
        message.encode(usize::MAX).ok()
    }

    /// Our server's datagram goes out: who is meant, as the link layer sees it?
    fn deliver(&mut self, mut send: Send) {
        if self.saboteur.as_ref().is_some_and(|sabotage| !sabotage(&mut send)) {
            return;
        }
        if self.way.stops_answer(&send) {
            return;
        }
        if send.bytes.len() + 28 > self.mtu {
            let text =
                format!("{} bytes in fragments, which no ROM puts together", send.bytes.len());
            self.log.push((self.now_ms, Told::Lost(text)));
            return;
        }
        let Send { link, from, to, bytes, delay_ms } = send;
        let mut heard = Heard { from, to: Ipv4Addr::BROADCAST, port: 0, bytes };
        let meant: Vec<[u8; 6]> = match to {
            Destination::Broadcast { port } => {
                heard.port = port;
                self.on_link(&link)
            }
            Destination::Link { address, port, hardware } => {
                (heard.to, heard.port) = (address, port);
                hardware.as_mac().into_iter().collect()
            }
            Destination::Routed(to) if self.relays.contains_key(to.ip()) => {
                self.back_through_relay(*to.ip(), &mut heard)
            }
            Destination::Routed(to) => {
                (heard.to, heard.port) = (*to.ip(), to.port());
                self.who_has(*to.ip())
            }
        };
        if meant.is_empty() {
            let text = format!("nobody takes what {from} sends to {}:{}", heard.to, heard.port);
            self.log.push((self.now_ms, Told::Lost(text)));
        }
        for mac in meant {
            let at_ms = self.now_ms + delay_ms;
            self.air.send(at_ms, &Flight::ToMachine { mac, heard: heard.clone() });
        }
    }

    fn on_link(&self, link: &str) -> Vec<[u8; 6]> {
        let here = self.machines.iter().filter(|(_, m)| m.link == link && m.relay.is_none());
        here.map(|(mac, _)| *mac).collect()
    }

    fn who_has(&self, ip: Ipv4Addr) -> Vec<[u8; 6]> {
        let has = |m: &&Running| {
            let card = m.host.card().borrow();
            card.ip == Some(ip) && !card.deaf_to_arp
        };
        self.machines.iter().filter(|(_, m)| has(m)).map(|(mac, _)| *mac).collect()
    }

    /// A relay gives the reply to the client: by broadcast if the B flag says so, else to its
    /// hardware address.
    fn back_through_relay(&self, giaddr: Ipv4Addr, heard: &mut Heard) -> Vec<[u8; 6]> {
        let Ok(mut message) = Message::parse(&heard.bytes) else { return Vec::new() };
        message.options.remove(code::RELAY_AGENT);
        heard.port = 68;
        if !message.broadcast() {
            heard.to = message.yiaddr;
        }
        heard.bytes = message.encode(usize::MAX).unwrap_or_default();
        let behind = self.machines.iter().filter(|(_, m)| m.relay == Some(giaddr));
        behind
            .filter(|(mac, _)| message.broadcast() || message.hardware_address() == *mac)
            .map(|(mac, _)| *mac)
            .collect()
    }
}
