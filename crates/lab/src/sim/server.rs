//! Our server without sockets: the same calls in the same order as behind real ones.

use super::content::Label;
use super::host::{Heard, HttpAnswer, HttpAsk};
use super::tap::Tap;
use super::twin;
use engine::record::Recorded;
use engine::tftp::{
    Caps, Negotiated, Opening, Policy, Refusal, Route, SessionId, Sessions, Step, Transfer, Why,
};
use engine::{
    Answer, Asker, Check, Datagram, Destination, Engine, FileAsk, Found, Outgoing, Overheard,
    Served,
};
use model::event::{Carrier, Cut, TlsFault};
use model::network::PROBE;
use model::{Change, Content, Event, Happening, HardwareAddress, Hash, Now};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;
use wire::tftp::{Mode, Packet};

/// Something our server wants to have sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Send {
    /// Out of which interface.
    pub link: String,
    /// Source.
    pub from: SocketAddrV4,
    /// Destination.
    pub to: Destination,
    /// Payload.
    pub bytes: Vec<u8>,
    /// How long it waits on purpose, in ms.
    pub delay_ms: u64,
}

/// So often a message is decided whose offer turns out to be in use.
const DECIDED_AGAIN: usize = 4;

/// Transfers get ports from here on.
const FIRST_PORT: u16 = 40_000;

struct Running {
    transfer: Transfer,
    bytes: Vec<u8>,
    name: String,
    link: String,
    server: Ipv4Addr,
    client: SocketAddrV4,
    hardware: Option<HardwareAddress>,
    agreed: String,
    asked: Now,
    /// The client has confirmed something.
    begun: bool,
}

/// The engine with everything the real server puts around it.
pub struct Server {
    /// Every decision.
    pub engine: Engine,
    /// What was told since somebody last looked: events, in words and order.
    pub told: Vec<Event>,
    /// Lines about what went over the wire that no event tells.
    pub notes: Vec<(u64, String)>,
    /// The largest packet of the link.
    pub policy: Policy,
    /// What the kernel's neighbour table would say.
    pub neighbours: BTreeMap<Ipv4Addr, HardwareAddress>,
    /// Hosts that use an address without having asked for it: they answer whoever probes.
    pub squatters: BTreeMap<Ipv4Addr, HardwareAddress>,
    /// Where everything that is heard and sent is captured, if it is.
    pub tap: Option<Tap>,
    /// Everything that was decided, as the owner records it.
    pub recorded: Vec<Recorded>,
    /// Names of files that are damaged on disk.
    pub damaged: BTreeSet<String>,
    /// Codes of all reasons for which somebody got nothing.
    pub silences: BTreeSet<&'static str>,
    blobs: BTreeMap<Hash, Label>,
    sessions: Sessions,
    running: BTreeMap<SessionId, Running>,
}

impl Server {
    /// A server with these decisions and nothing to send yet.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self {
            engine,
            told: Vec::new(),
            notes: Vec::new(),
            policy: Policy::default(),
            neighbours: BTreeMap::new(),
            squatters: BTreeMap::new(),
            tap: None,
            recorded: Vec::new(),
            damaged: BTreeSet::new(),
            silences: BTreeSet::new(),
            blobs: BTreeMap::new(),
            sessions: Sessions::new(Caps::default()),
            running: BTreeMap::new(),
        }
    }

    /// Puts a file into the store.
    pub fn keep(&mut self, label: &Label) {
        self.blobs.insert(label.hash(), label.clone());
    }

    /// Keeps changes, as the owner does before anything is said.
    pub fn apply(&mut self, changes: &[Change]) {
        changes.iter().for_each(|change| self.engine.apply(change));
    }

    fn server_on(&self, link: &str) -> Option<Ipv4Addr> {
        let networks = &self.engine.settings().networks;
        networks.iter().find(|network| network.interface == link).map(|network| network.server)
    }

    /// A datagram reached one of our ports.
    pub fn hear(&mut self, now: Now, link: &str, heard: &Heard) -> Vec<Send> {
        match heard.port {
            67 | 4011 => self.dhcp(now, link, heard).into_iter().map(send).collect(),
            69 => {
                self.tap_heard(now, link, heard);
                let sends = self.request(now, link, heard);
                self.tap_sent(now, &sends);
                sends
            }
            port => {
                self.tap_heard(now, link, heard);
                self.at_transfer(now, link, port, heard)
            }
        }
    }

    fn tap_heard(&mut self, now: Now, link: &str, heard: &Heard) {
        let Some(tap) = &mut self.tap else { return };
        // A client without an address is on the link itself.
        let own = || heard.bytes.get(28..34).and_then(|own| own.try_into().ok());
        let hardware = match heard.from.ip().is_unspecified() {
            true => own(),
            false => self.neighbours.get(heard.from.ip()).and_then(HardwareAddress::as_mac),
        };
        let to = SocketAddrV4::new(heard.to, heard.port);
        tap.udp((now, link), hardware, (heard.from, to), &heard.bytes);
    }

    fn tap_sent(&mut self, now: Now, sends: &[Send]) {
        let Some(tap) = &mut self.tap else { return };
        for Send { link, from, to, bytes, .. } in sends {
            let to = match to {
                Destination::Broadcast { port } => SocketAddrV4::new(Ipv4Addr::BROADCAST, *port),
                Destination::Link { address, port, .. } => SocketAddrV4::new(*address, *port),
                Destination::Routed(to) => *to,
            };
            tap.udp((now, link), None, (*from, to), bytes);
        }
    }

    /// The DHCP ports.
    pub fn dhcp(&mut self, now: Now, link: &str, heard: &Heard) -> Option<Outgoing> {
        let datagram = Datagram {
            link: link.to_owned(),
            from: heard.from,
            to: heard.to,
            port: heard.port,
            bytes: heard.bytes.clone(),
        };
        self.tap_heard(now, link, heard);
        for _ in 0..DECIDED_AGAIN {
            let told = twin::decided(&mut self.engine, |engine| engine.dhcp(now, &datagram));
            self.recorded.push(Recorded::dhcp(now, &datagram, &told.answer));
            let outgoing = match told.answer {
                Answer::Reply(outgoing) => outgoing,
                Answer::Silence(why) => {
                    self.silences.insert(why.code());
                    self.told.extend(told.events);
                    return None;
                }
            };
            let squatter = |check: Check| {
                let theirs = self.squatters.get(&check.address).copied();
                Some((check, theirs.filter(|theirs| *theirs != check.hardware)?))
            };
            match outgoing.check.and_then(squatter) {
                Some((check, theirs)) => {
                    if let (Some(tap), Some(theirs)) = (&mut self.tap, theirs.as_mac()) {
                        tap.arp((now, link), theirs, check.address);
                    }
                    let noted = self.engine.conflict(now, link, &check, Some(theirs));
                    self.told.extend(noted.events);
                }
                None => {
                    self.told.extend(told.events);
                    self.tap_sent(now, &[send(outgoing.clone())]);
                    return Some(outgoing);
                }
            }
        }
        None
    }

    /// Another server's reply came by.
    pub fn overhear(&mut self, now: Now, link: &str, heard: Heard) {
        let [.., third, last] = heard.from.ip().octets();
        let overheard = Overheard {
            link: link.to_owned(),
            from: heard.from,
            to: heard.to,
            // Each has a card of its own, as its address says.
            mac: HardwareAddress::mac([0x52, 0x54, 0, 0xfe, third, last]),
            ours: None,
            bytes: heard.bytes,
        };
        let noted = self.engine.overhear(now, &overheard);
        self.apply(&noted.changes);
        self.told.extend(noted.events);
    }

    /// Asks for a file, without carrying it.
    pub fn find(&mut self, now: Now, ask: &FileAsk) -> Answer<engine::Found> {
        let told = twin::decided(&mut self.engine, |engine| engine.file(now, ask));
        self.recorded.push(Recorded::file(now, ask, &told.answer));
        self.told.extend(told.events);
        if let Answer::Silence(why) = &told.answer {
            self.silences.insert(why.code());
        }
        let Answer::Reply(Found { what: Served::Ask(inquiry), .. }) = &told.answer else {
            return told.answer;
        };
        let nobody = Err("in this world there is no other server".to_owned());
        self.engine.heard_elsewhere(now, inquiry.machine, nobody);
        let told = twin::decided(&mut self.engine, |engine| engine.file(now, ask));
        self.told.extend(told.events);
        told.answer
    }

    /// The bytes of what was found.
    #[must_use]
    pub fn bytes(&self, what: &Served) -> Vec<u8> {
        match what {
            Served::Text(text) => text.clone().into_bytes(),
            Served::Answer(order) => match order.render(&self.engine.settings().key) {
                Ok(rendered) => rendered.text.into_bytes(),
                Err(error) => error.to_string().into_bytes(),
            },
            Served::Ask(inquiry) => inquiry.url.clone().into_bytes(),
            Served::Blob(Content { blob: sha256, .. }) => {
                self.blobs.get(sha256).map(Label::bytes).unwrap_or_default()
            }
        }
    }

    fn request(&mut self, now: Now, link: &str, heard: &Heard) -> Vec<Send> {
        let Some(server) = self.server_on(link) else { return Vec::new() };
        let reply = |bytes: Vec<u8>| {
            let from = SocketAddrV4::new(server, 69);
            let to = Destination::Routed(heard.from);
            vec![Send { link: link.into(), from, to, bytes, delay_ms: 0 }]
        };
        let request = match Packet::parse(&heard.bytes) {
            Ok(Packet::ReadRequest(request)) => request,
            Ok(Packet::WriteRequest(_)) => return reply(Refusal::WriteRefused.packet()),
            Ok(_) | Err(_) => return Vec::new(),
        };
        let ask = FileAsk {
            by: Carrier::Tftp,
            name: request.name.clone(),
            from: SocketAddr::V4(heard.from),
            at: SocketAddr::V4(SocketAddrV4::new(server, 69)),
            link: link.to_owned(),
            says: Asker::default(),
            neighbour: self.neighbours.get(heard.from.ip()).copied(),
            agent: None,
            body: None,
            head_only: false,
        };
        let found = match self.find(now, &ask) {
            Answer::Reply(found) => found,
            Answer::Silence(model::Why::OutsideServedSubnets) => return Vec::new(),
            Answer::Silence(_) => return reply(Refusal::NotFound.packet()),
        };
        let bytes = self.bytes(&found.what);
        let most = found.blksize_max.unwrap_or(u16::MAX).min(self.policy.blksize_max);
        let policy = Policy { blksize_max: most, ..self.policy };
        let agreed = match Negotiated::new(&request, bytes.len() as u64, &policy) {
            Ok(agreed) if request.mode == Mode::Octet => agreed,
            Ok(_) => return reply(Refusal::ModeUnserved.packet()),
            Err(refusal) => return reply(refusal.packet()),
        };
        let id = match self.sessions.request(now, SocketAddr::V4(heard.from), &request) {
            Opening::New { id, evicted } => {
                self.drop_transfer(evicted);
                id
            }
            Opening::Replace { id, old, evicted } => {
                self.drop_transfer(Some(old));
                self.drop_transfer(evicted);
                id
            }
            Opening::Duplicate(id) => {
                if let Some(running) = self.running.get_mut(&id) {
                    running.transfer.duplicate_request(now);
                }
                return Vec::new();
            }
            Opening::Late(_) | Opening::Refused(_) => return Vec::new(),
        };
        let options: Vec<String> = request
            .options
            .iter()
            .map(|(name, value)| {
                format!("{} {}", String::from_utf8_lossy(name), String::from_utf8_lossy(value))
            })
            .collect();
        let running = Running {
            transfer: Transfer::new(agreed, now),
            bytes,
            name: model::text::show(&request.name),
            link: link.to_owned(),
            server,
            client: heard.from,
            hardware: found.machine,
            agreed: options.join(", "),
            asked: now,
            begun: false,
        };
        self.running.insert(id, running);
        Vec::new()
    }

    fn drop_transfer(&mut self, id: Option<SessionId>) {
        if let Some(id) = id {
            self.running.remove(&id);
        }
    }

    fn at_transfer(&mut self, now: Now, link: &str, port: u16, heard: &Heard) -> Vec<Send> {
        let Some(number) = port.checked_sub(FIRST_PORT) else { return Vec::new() };
        let from = SocketAddr::V4(heard.from);
        let id = match self.sessions.at_port(now, SessionId(u64::from(number)), from) {
            Route::Ours(id) => id,
            Route::Finished => return Vec::new(),
            Route::Stranger(reply) => {
                let Some(server) = self.server_on(link) else { return Vec::new() };
                let from = SocketAddrV4::new(server, port);
                let to = Destination::Routed(heard.from);
                let link = link.to_owned();
                let send = |bytes| Send { link, from, to, bytes, delay_ms: 0 };
                return reply.map(send).into_iter().collect();
            }
        };
        let Some(running) = self.running.get_mut(&id) else { return Vec::new() };
        match Packet::parse(&heard.bytes) {
            Ok(Packet::Ack { block }) => {
                running.transfer.acknowledge(now, block);
                if !running.transfer.is_half_open() {
                    self.sessions.established(now, id);
                    if !std::mem::replace(&mut running.begun, true) {
                        self.told.push(running.started(now));
                    }
                }
            }
            Ok(Packet::Error { code, text }) => running.transfer.client_error(now, code, &text),
            _ => {}
        }
        Vec::new()
    }

    /// What all transfers have to send now, and when they want to be asked again.
    pub fn serve(&mut self, now: Now) -> (Vec<Send>, u64) {
        let (mut sends, mut wake_at_ms) = (Vec::new(), u64::MAX);
        let ids: Vec<SessionId> = self.running.keys().copied().collect();
        for id in ids {
            let Some(mut running) = self.running.remove(&id) else { continue };
            let ending = loop {
                match running.transfer.next(now) {
                    Step::SendOack(bytes) => sends.push(running.packet(id, bytes)),
                    Step::SendData { block, offset, len } => {
                        let mut bytes = wire::tftp::data_header(block).to_vec();
                        let at = usize::try_from(offset).unwrap_or(usize::MAX);
                        bytes.extend(running.bytes.get(at..at + len).unwrap_or_default());
                        sends.push(running.packet(id, bytes));
                    }
                    Step::WaitUntil(at) => {
                        wake_at_ms = wake_at_ms.min(at.0);
                        break None;
                    }
                    Step::Done(summary) => break Some(Ok(summary)),
                    Step::GiveUp(why) => break Some(Err(why)),
                }
            };
            match ending {
                None => {
                    self.running.insert(id, running);
                }
                Some(ending) => {
                    if let Some(bytes) = ending.as_ref().err().and_then(Why::farewell) {
                        sends.push(running.packet(id, bytes));
                    }
                    self.sessions.finished(now, id);
                    self.note_end(now, &running, ending.err());
                }
            }
        }
        self.tap_sent(now, &sends);
        (sends, wake_at_ms)
    }

    fn note_end(&mut self, now: Now, running: &Running, why: Option<Why>) {
        if why.is_none() {
            if !running.begun {
                self.told.push(running.started(now));
            }
            self.told.push(running.done(now));
        }
        let (name, options) = (&running.name, &running.agreed);
        let asked = if options.is_empty() { String::new() } else { format!(", asked {options}") };
        let text = match why {
            None => {
                let again = match running.transfer.progress().resent {
                    0 => String::new(),
                    n => format!(", {n} blocks sent again"),
                };
                format!("TFTP {name}: {} bytes sent{asked}{again}", running.bytes.len())
            }
            Some(Why::ProbeEnded) => format!("TFTP {name}: size asked{asked}"),
            Some(why) => {
                self.told.push(running.failed(now, &why));
                return;
            }
        };
        self.notes.push((now.0, text));
    }

    /// A question by HTTP: one file, or 404; nothing if there is no agreement on TLS.
    pub fn http(
        &mut self,
        now: Now,
        link: &str,
        from: Ipv4Addr,
        ask: &HttpAsk,
    ) -> Option<HttpAnswer> {
        if let Some(fault) = self.tls_fault(ask) {
            let machine = self.neighbours.get(&from).copied();
            let (why, hint) = (format!("{fault}, says the client"), "see docs/https.md".to_owned());
            let from = IpAddr::V4(from);
            let what = Happening::HandshakeFailed { from, why, hint, fault: Some(fault) };
            self.told.push(Event::new(now, machine, Some(link.to_owned()), what));
            return None;
        }
        let (path, query) = ask.target.split_once('?').unwrap_or((&ask.target, ""));
        let file_ask = FileAsk {
            by: Carrier::Http,
            name: decode(path),
            from: SocketAddr::new(IpAddr::V4(from), 50_000),
            at: SocketAddr::V4(ask.to),
            link: link.to_owned(),
            says: asker(query),
            neighbour: self.neighbours.get(&from).copied(),
            agent: Some(ask.agent.to_owned()),
            body: ask.body.clone(),
            head_only: ask.method == "HEAD",
        };
        let answer = self.http_answer(now, path, ask, &file_ask);
        if let Some(tap) = &mut self.tap {
            let hardware = self.neighbours.get(&from).and_then(HardwareAddress::as_mac);
            tap.http((now, link), hardware, from, ask, &answer);
        }
        Some(answer)
    }

    fn http_answer(
        &mut self,
        now: Now,
        path: &str,
        ask: &HttpAsk,
        file_ask: &FileAsk,
    ) -> HttpAnswer {
        match self.find(now, file_ask) {
            Answer::Reply(found) if self.damaged.contains(path.trim_start_matches('/')) => {
                let what = Happening::TransferFailed {
                    file: path.to_owned(),
                    by: Carrier::Http,
                    sent: 0,
                    size: 0,
                    why: "the file is damaged".to_owned(),
                    took_ms: 0,
                    again: 0,
                    cut: Some(Cut::Source),
                    to: Some(file_ask.from.ip()),
                };
                let link = Some(file_ask.link.clone());
                self.told.push(Event::new(now, found.machine, link, what));
                HttpAnswer { status: 500, media: "text/plain".into(), length: 0, body: Vec::new() }
            }
            Answer::Reply(found) => {
                let body = self.bytes(&found.what);
                let (media, length) = (found.media.to_owned(), body.len() as u64);
                let text = format!("HTTP {} {path}: {media}, {length} bytes", ask.method);
                self.notes.push((now.0, text));
                if matches!(found.what, Served::Blob(_)) && ask.method == "GET" {
                    self.tell_http(now, file_ask, found.machine, (path, length), ask.reads);
                }
                let body = if ask.method == "HEAD" { Vec::new() } else { body };
                // Nobody takes half a file for the whole.
                let status = if ask.reads.is_some() { 0 } else { 200 };
                HttpAnswer { status, media, length, body }
            }
            Answer::Silence(_) => {
                HttpAnswer { status: 404, media: "text/plain".into(), length: 0, body: Vec::new() }
            }
        }
    }

    /// What stands in the way of TLS: what the client finds, or that it speaks plain HTTP there.
    fn tls_fault(&self, ask: &HttpAsk) -> Option<TlsFault> {
        let port = self.engine.settings().tls_port;
        let plain = port == Some(ask.to.port()) && ask.tls.is_none() && ask.to.port() != 443;
        ask.tls.or(plain.then_some(TlsFault::PlainHttp))
    }

    /// A file went out by HTTP, or as much of it as the client read.
    fn tell_http(
        &mut self,
        now: Now,
        ask: &FileAsk,
        machine: Option<HardwareAddress>,
        (path, size): (&str, u64),
        reads: Option<u64>,
    ) {
        let (file, by, to) = (path.to_owned(), Carrier::Http, ask.from.ip());
        let event = |at, what| Event::new(at, machine, Some(ask.link.clone()), what);
        // As long as the world takes to carry it.
        let took = Duration::from_millis(reads.unwrap_or(size) / 100_000 + 2);
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let begun = file.clone();
        let started = Happening::TransferStarted { file: begun, by, to, size, waited_ms: 0 };
        let ended = match reads {
            None => Happening::TransferDone { file, by, size, took_ms, again: 0 },
            Some(sent) => Happening::TransferFailed {
                file,
                by,
                sent,
                size,
                why: "the client closed the connection".to_owned(),
                took_ms,
                again: 0,
                cut: Some(Cut::Closed),
                to: Some(to),
            },
        };
        self.told.extend([event(now, started), event(now + took, ended)]);
    }
}

impl Running {
    fn event(&self, now: Now, what: Happening) -> Event {
        Event::new(now, self.hardware, Some(self.link.clone()), what)
    }

    fn took_ms(&self, now: Now) -> u64 {
        u64::try_from(now.since(self.asked).as_millis()).unwrap_or(u64::MAX)
    }

    fn started(&self, now: Now) -> Event {
        let (file, by) = (self.name.clone(), Carrier::Tftp);
        let (to, size) = ((*self.client.ip()).into(), self.bytes.len() as u64);
        let waited_ms = self.took_ms(now);
        self.event(now, Happening::TransferStarted { file, by, to, size, waited_ms })
    }

    fn done(&self, now: Now) -> Event {
        let (file, by, size) = (self.name.clone(), Carrier::Tftp, self.bytes.len() as u64);
        let (took_ms, again) = (self.took_ms(now), self.transfer.progress().resent);
        self.event(now, Happening::TransferDone { file, by, size, took_ms, again })
    }

    fn failed(&self, now: Now, why: &Why) -> Event {
        let (file, by, size) = (self.name.clone(), Carrier::Tftp, self.bytes.len() as u64);
        let engine::tftp::Progress { bytes: sent, resent: again, .. } = self.transfer.progress();
        let (took_ms, cut) = (self.took_ms(now), Some(why.cut()));
        let (why, to) = (why.to_string(), Some(IpAddr::V4(*self.client.ip())));
        let what = Happening::TransferFailed { file, by, sent, size, why, took_ms, again, cut, to };
        self.event(now, what)
    }

    fn packet(&self, id: SessionId, bytes: Vec<u8>) -> Send {
        let port = FIRST_PORT + u16::try_from(id.0 % 20_000).unwrap_or(0);
        Send {
            link: self.link.clone(),
            from: SocketAddrV4::new(self.server, port),
            to: Destination::Routed(self.client),
            bytes,
            delay_ms: 0,
        }
    }
}

fn send(outgoing: Outgoing) -> Send {
    let Outgoing { link, from, to, bytes, check, delay } = outgoing;
    // What is asked first leaves when the question is over; a usual one costs nothing here.
    let asked = check.map(|check| check.wait).filter(|wait| *wait > PROBE);
    let delay_ms = delay.or(asked).map_or(0, |delay| delay.as_millis() as u64);
    Send { link, from, to, bytes, delay_ms }
}

/// `%41` is `A`; once.
#[must_use]
pub fn decode(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let coded = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        (bytes, rest) = match (first, coded) {
            (b'%', Some(byte)) => {
                ([bytes, vec![byte]].concat(), after.get(2..).unwrap_or_default())
            }
            _ => ([bytes, vec![*first]].concat(), after),
        };
    }
    bytes
}

/// What a script request says of who asks.
#[must_use]
pub fn asker(query: &str) -> Asker {
    let mut says = Asker::default();
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = String::from_utf8_lossy(&decode(value)).into_owned();
        if value.is_empty() {
            continue;
        }
        match key {
            "mac" => says.mac = value.parse().ok(),
            "uuid" => says.uuid = value.parse().ok(),
            "serial" => says.serial = Some(value),
            "arch" => says.arch = Some(value),
            "platform" => says.platform = Some(value),
            "memsize" => says.memory_mib = value.parse().ok(),
            "entry" => says.entry = Some(value),
            "password" => says.password = Some(value),
            _ => {}
        }
    }
    says
}
