//! A network that loses, copies and reorders, and a driver for our side of TFTP.

use crate::client::{Client, Habits};
use engine::tftp::{
    Caps, Negotiated, Opening, Policy, Progress, Route, SessionId, Sessions, Step, Summary,
    Transfer, Why,
};
use model::Now;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use wire::tftp::{Packet, data_header};

use crate::client::bytes_at;

/// xorshift64*: small, and the same for ever.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }

    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// Percentages, one direction like the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    pub loss: u64,
    pub copies: u64,
    pub disorder: u64,
}

/// What to lose on purpose: packet number n (from 0) in this direction, judged by its bytes.
pub type Thief = Box<dyn FnMut(bool, &[u8]) -> bool>;

struct Flying {
    to_server: bool,
    server_port: u16,
    client_port: u16,
    bytes: Vec<u8>,
}

/// One file, one client (with as many attempts as it takes), our server.
pub struct World {
    pub now: u64,
    pub size: u64,
    pub policy: Policy,
    weather: Weather,
    /// From when the client has so many blocks.
    weather_from: u64,
    chance: Chance,
    /// What a packet takes: so many ms, and up to so many more.
    takes_ms: (u64, u64),
    /// When the last packet that nothing held up arrives, to the server and to the client: a way
    /// whose length varies is still a queue.
    in_order: [u64; 2],
    pub thief: Option<Thief>,
    air: BTreeMap<(u64, u64), Flying>,
    serial: u64,
    pub client: Client,
    client_port: u16,
    pub attempts: u32,
    sessions: Sessions,
    transfers: BTreeMap<SessionId, Transfer>,
    pub endings: Vec<Result<Summary, Why>>,
    pub figures: Vec<Progress>,
    /// Everything the server sent: when, and the packet.
    pub sent: Vec<(u64, Packet)>,
    /// Keep `sent`? Off for large files.
    pub recording: bool,
    pub data_sent: u64,
    pub late_copies: u64,
}

const LATENCY_MS: u64 = 1;
const END_OF_TIME_MS: u64 = 4 * 3600 * 1000;

impl World {
    pub fn new(habits: Habits, size: u64) -> Self {
        Self {
            now: 0,
            size,
            policy: Policy::default(),
            weather: Weather::default(),
            weather_from: 0,
            chance: Chance::new(1),
            takes_ms: (LATENCY_MS, 0),
            in_order: [0; 2],
            thief: None,
            air: BTreeMap::new(),
            serial: 0,
            client: Client::new(habits, size),
            client_port: 2000,
            attempts: 1,
            sessions: Sessions::new(Caps::default()),
            transfers: BTreeMap::new(),
            endings: Vec::new(),
            figures: Vec::new(),
            sent: Vec::new(),
            recording: true,
            data_sent: 0,
            late_copies: 0,
        }
    }

    pub fn in_weather(mut self, seed: u64, weather: Weather) -> Self {
        self.chance = Chance::new(seed);
        self.weather = weather;
        self
    }

    /// Fair until the client has `block` blocks.
    pub fn weather_from_block(&mut self, block: u64, weather: Weather) {
        self.weather = weather;
        self.weather_from = block;
    }

    /// Each way takes from so many to so many ms.
    pub fn far_away(mut self, least_ms: u64, most_ms: u64) -> Self {
        self.takes_ms = (least_ms, most_ms - least_ms);
        self
    }

    /// Loses what `thief` points at: `(to the server, bytes)`.
    pub fn losing(mut self, thief: impl FnMut(bool, &[u8]) -> bool + 'static) -> Self {
        self.thief = Some(Box::new(thief));
        self
    }

    pub fn blocks(&self) -> u64 {
        self.figures.iter().map(|f| f.blocks).max().unwrap_or(0)
    }

    /// Until the client has its file or gives up for good, and the server has closed everything.
    pub fn run(&mut self) -> &mut Self {
        let request = self.client.start(self.now);
        self.client_sends(request);
        loop {
            let server_at = self.serve();
            let air_at = self.air.first_key_value().map_or(u64::MAX, |((at, _), _)| *at);
            let next = server_at.min(air_at).min(self.client.wake_at());
            if next == u64::MAX {
                return self;
            }
            self.now = self.now.max(next);
            assert!(self.now < END_OF_TIME_MS, "it never ends: {:?}", self.client);
            if air_at <= self.now {
                let (_, flying) = self.air.pop_first().unwrap();
                self.deliver(flying);
            } else {
                let packets = self.client.on_timer(self.now);
                self.client_sends(packets);
            }
        }
    }

    /// Runs until it has its file, with a fresh request whenever the client gives up, as firmware
    /// does.
    pub fn run_attempts(&mut self, most: u32) -> &mut Self {
        self.run();
        while !self.client.done && self.attempts < most {
            self.attempts += 1;
            self.client_port += 1;
            self.client = Client::new(self.client.habits.clone(), self.size);
            self.run();
        }
        self
    }

    fn client_at(&self, port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 9], port))
    }

    fn client_sends(&mut self, packets: Vec<(u16, Vec<u8>)>) {
        for (server_port, bytes) in packets {
            let client_port = self.client_port;
            self.fly(Flying { to_server: true, server_port, client_port, bytes });
        }
    }

    fn fly(&mut self, flying: Flying) {
        let stolen = self.thief.as_mut().is_some_and(|t| t(flying.to_server, &flying.bytes));
        let fair = self.client.blocks < self.weather_from;
        let Weather { loss, copies, disorder } =
            if fair { Weather::default() } else { self.weather };
        let count = 1 + u64::from(self.chance.percent(copies));
        for _ in 0..count {
            if stolen || self.chance.percent(loss) {
                continue;
            }
            let at = self.arrival(flying.to_server, disorder);
            self.serial += 1;
            let Flying { to_server, server_port, client_port, ref bytes } = flying;
            let copy = Flying { to_server, server_port, client_port, bytes: bytes.clone() };
            self.air.insert((at, self.serial), copy);
        }
    }

    /// When a packet that leaves now arrives. One that is overtaken by others leaves the queue.
    fn arrival(&mut self, to_server: bool, disorder: u64) -> u64 {
        let (least, more) = self.takes_ms;
        let takes = least + if more > 0 { self.chance.below(more + 1) } else { 0 };
        if self.chance.percent(disorder) {
            return self.now + takes + self.chance.below(40);
        }
        let last = &mut self.in_order[usize::from(to_server)];
        *last = (*last).max(self.now + takes);
        *last
    }

    fn deliver(&mut self, flying: Flying) {
        let Flying { to_server, server_port, client_port, bytes } = flying;
        if !to_server {
            if client_port == self.client_port {
                let packets = self.client.receive(self.now, server_port, &bytes);
                self.client_sends(packets);
            }
            return;
        }
        let from = self.client_at(client_port);
        match Packet::parse(&bytes).expect("our client sends nothing malformed") {
            Packet::ReadRequest(request) => {
                let fresh = |world: &mut Self, id| {
                    let agreed = Negotiated::new(&request, world.size, &world.policy).unwrap();
                    world.transfers.insert(id, Transfer::new(agreed, Now(world.now)));
                };
                match self.sessions.request(Now(self.now), from, &request) {
                    Opening::New { id, .. } => fresh(self, id),
                    Opening::Replace { id, old, .. } => {
                        self.transfers.get_mut(&old).unwrap().replaced();
                        fresh(self, id);
                    }
                    Opening::Duplicate(id) => {
                        self.transfers.get_mut(&id).unwrap().duplicate_request(Now(self.now));
                    }
                    Opening::Late(_) => self.late_copies += 1,
                    Opening::Refused(busy) => panic!("{busy}"),
                }
            }
            packet => {
                let id = SessionId(u64::from(server_port) - 10_000);
                let Route::Ours(id) = self.sessions.at_port(Now(self.now), id, from) else {
                    return;
                };
                let transfer = self.transfers.get_mut(&id).unwrap();
                match packet {
                    Packet::Ack { block } => transfer.acknowledge(Now(self.now), block),
                    Packet::Error { code, text } => {
                        transfer.client_error(Now(self.now), code, &text);
                    }
                    other => panic!("a reader does not send {other:?}"),
                }
                if !transfer.is_half_open() {
                    self.sessions.established(Now(self.now), id);
                }
            }
        }
    }

    /// Everything the transfers want to send now; gives when they want to be asked again.
    fn serve(&mut self) -> u64 {
        let mut wake_at = u64::MAX;
        let ids: Vec<_> = self.transfers.keys().copied().collect();
        for id in ids {
            let mut transfer = self.transfers.remove(&id).unwrap();
            let ending = loop {
                match transfer.next(Now(self.now)) {
                    Step::SendOack(bytes) => self.server_sends(id, bytes),
                    Step::SendData { block, offset, len } => {
                        let end = offset + len as u64;
                        assert!(end <= self.size, "past the end of the file");
                        let mut bytes = data_header(block).to_vec();
                        bytes.extend_from_slice(&bytes_at(offset, end));
                        self.data_sent += 1;
                        self.server_sends(id, bytes);
                    }
                    Step::WaitUntil(at) => {
                        assert!(at > Now(self.now), "waiting for the past spins the driver");
                        wake_at = wake_at.min(at.0);
                        break None;
                    }
                    Step::Done(summary) => break Some(Ok(summary)),
                    Step::GiveUp(why) => break Some(Err(why)),
                }
            };
            if let Some(ending) = ending {
                assert!(transfer.is_ended());
                if let Some(bytes) = ending.as_ref().err().and_then(Why::farewell) {
                    self.server_sends(id, bytes);
                }
                self.figures.push(transfer.progress());
                self.sessions.finished(Now(self.now), id);
                self.endings.push(ending);
            } else {
                self.transfers.insert(id, transfer);
            }
        }
        wake_at
    }

    fn server_sends(&mut self, id: SessionId, bytes: Vec<u8>) {
        if self.recording {
            self.sent.push((self.now, Packet::parse(&bytes).unwrap()));
        }
        let server_port = 10_000 + u16::try_from(id.0).unwrap();
        let client_port = self.client_port;
        self.fly(Flying { to_server: false, server_port, client_port, bytes });
    }
}
