//! A TFTP client with the habits of a known loader.

use std::borrow::Cow;
use std::sync::LazyLock;
use wire::tftp::{Packet, ack, error, read_request};

/// What a client does with a DATA it did not expect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unexpected {
    /// Nothing: U-Boot.
    Ignore,
    /// Repeats its last ACK for every such packet: EDK2, PXELINUX, iPXE.
    AckLast,
    /// Acknowledges what it has, once for each gap, and again when its timer runs out: what RFC 7440
    /// asks for.
    AckGap,
    /// Compares block numbers as plain numbers; ACKs smaller ones as they come, ignores larger
    /// ones: GRUB.
    PlainNumbers,
}

/// What a loader is like.
#[derive(Clone, Debug)]
pub struct Habits {
    pub options: Vec<(&'static str, String)>,
    pub needs_oack: bool,
    pub unexpected: Unexpected,
    /// After so long in silence it repeats its last packet, so many times.
    pub timer_ms: u64,
    pub tries: u32,
    /// Only the request is repeated, never an ACK: GRUB.
    pub repeats_acks: bool,
    /// Once it has this block it neither reads nor writes for so many ms.
    pub pause: Option<(u64, u64)>,
    pub sends_last_ack: bool,
    /// Every ACK goes out so many times.
    pub acks: usize,
    /// It answers the first packet with this error.
    pub stops_with: Option<u16>,
    /// It never says anything after its request.
    pub silent: bool,
    /// The number it expects after 65535.
    pub wraps_to: u64,
}

impl Habits {
    fn with(options: &[(&'static str, &str)]) -> Self {
        Self {
            options: options.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            needs_oack: false,
            unexpected: Unexpected::AckLast,
            timer_ms: 1000,
            tries: 10,
            repeats_acks: true,
            pause: None,
            sends_last_ack: true,
            acks: 1,
            stops_with: None,
            silent: false,
            wraps_to: 0,
        }
    }

    /// RFC 1350 and nothing else.
    pub fn plain() -> Self {
        Self::with(&[])
    }

    pub fn edk2(blksize: &str, windowsize: &str) -> Self {
        let options = [("tsize", "0"), ("blksize", blksize), ("windowsize", windowsize)];
        Self { timer_ms: 4000, tries: 6, ..Self::with(&options) }
    }

    pub fn ipxe() -> Self {
        Self::with(&[("blksize", "1432"), ("tsize", "0")])
    }

    pub fn pxelinux() -> Self {
        Self { needs_oack: true, ..Self::with(&[("tsize", "0"), ("blksize", "1408")]) }
    }

    pub fn grub(blksize: &str) -> Self {
        Self {
            needs_oack: true,
            unexpected: Unexpected::PlainNumbers,
            repeats_acks: false,
            tries: 40,
            timer_ms: 800,
            ..Self::with(&[("blksize", blksize), ("tsize", "0")])
        }
    }

    pub fn u_boot() -> Self {
        Self {
            unexpected: Unexpected::Ignore,
            timer_ms: 5000,
            ..Self::with(&[("timeout", "5"), ("blksize", "1468")])
        }
    }

    /// The same with another value for an option it sends.
    pub fn asking(mut self, name: &str, value: &str) -> Self {
        for (own, own_value) in &mut self.options {
            if *own == name {
                value.clone_into(own_value);
            }
        }
        self
    }
}

/// The file every test loads: byte `i` of it.
pub fn byte_at(i: u64) -> u8 {
    (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

/// The beginning of the file, made once.
static BEGINNING: LazyLock<Vec<u8>> = LazyLock::new(|| (0..BEGINNING_BYTES).map(byte_at).collect());
const BEGINNING_BYTES: u64 = 10_000_000;

/// Bytes of the file.
pub fn bytes_at(from: u64, to: u64) -> Cow<'static, [u8]> {
    match to <= BEGINNING_BYTES {
        true => Cow::Borrowed(&BEGINNING[from as usize..to as usize]),
        false => Cow::Owned((from..to).map(byte_at).collect()),
    }
}

/// The client side of one RRQ.
#[derive(Debug)]
pub struct Client {
    pub habits: Habits,
    size: u64,
    /// The server's port, once it has answered.
    pub server: Option<u16>,
    blksize: u64,
    window: u64,
    got_oack: bool,
    /// Whole blocks and bytes read, and how many blocks the last ACK covered.
    pub blocks: u64,
    pub bytes: u64,
    acked: u64,
    /// It has told of the gap after its last block.
    told_gap: bool,
    last_packet: Vec<u8>,
    deadline: u64,
    tries: u32,
    paused_until: u64,
    waiting: Vec<(u16, Vec<u8>)>,
    pub done: bool,
    pub failed: Option<String>,
    pub acks_sent: u64,
}

impl Client {
    pub fn new(habits: Habits, size: u64) -> Self {
        Self {
            habits,
            size,
            server: None,
            blksize: 512,
            window: 1,
            got_oack: false,
            blocks: 0,
            bytes: 0,
            acked: 0,
            told_gap: false,
            last_packet: Vec::new(),
            deadline: 0,
            tries: 0,
            paused_until: 0,
            waiting: Vec::new(),
            done: false,
            failed: None,
            acks_sent: 0,
        }
    }

    pub fn ended(&self) -> bool {
        self.done || self.failed.is_some()
    }

    /// When it wants to be called without a packet.
    pub fn wake_at(&self) -> u64 {
        match () {
            () if self.ended() => u64::MAX,
            () if self.waiting.is_empty() => self.deadline,
            () => self.paused_until,
        }
    }

    /// The request. Packets are `(port of the server, bytes)`.
    pub fn start(&mut self, now: u64) -> Vec<(u16, Vec<u8>)> {
        let options: Vec<_> =
            self.habits.options.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.last_packet = read_request(b"file", "octet", &options);
        self.deadline = now + self.habits.timer_ms;
        vec![(69, self.last_packet.clone())]
    }

    pub fn on_timer(&mut self, now: u64) -> Vec<(u16, Vec<u8>)> {
        if self.ended() {
            return Vec::new();
        }
        if !self.waiting.is_empty() && now >= self.paused_until {
            let waiting = std::mem::take(&mut self.waiting);
            return waiting
                .iter()
                .flat_map(|(from, bytes)| self.receive(now, *from, bytes))
                .collect();
        }
        if now < self.deadline {
            return Vec::new();
        }
        self.tries += 1;
        self.deadline = now + self.habits.timer_ms;
        if self.tries > self.habits.tries {
            self.failed = Some(format!("no answer after block {}", self.blocks));
            return Vec::new();
        }
        if self.server.is_some() && !self.habits.repeats_acks {
            return Vec::new();
        }
        if self.server.is_some() && self.habits.unexpected == Unexpected::AckGap {
            self.last_packet = ack(self.number(self.blocks)).to_vec();
            self.acked = self.blocks;
        }
        vec![(self.server.unwrap_or(69), self.last_packet.clone())]
    }

    pub fn receive(&mut self, now: u64, from: u16, bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
        if self.ended() || self.habits.silent {
            return Vec::new();
        }
        if now < self.paused_until {
            self.waiting.push((from, bytes.to_vec()));
            return Vec::new();
        }
        if self.server.is_some_and(|port| port != from) {
            return vec![(from, error(5.into(), "Unknown transfer ID"))];
        }
        let packet = Packet::parse(bytes).expect("everything we send can be read");
        if let (Some(code), Packet::OptionAck(_) | Packet::Data { .. }) =
            (self.habits.stops_with, &packet)
        {
            self.failed = Some(format!("stopped with {code}"));
            return vec![(from, error(code.into(), "User aborted the transfer"))];
        }
        match packet {
            Packet::OptionAck(options) => self.options(now, from, &options),
            Packet::Data { block, payload } => self.data(now, from, block, &payload),
            Packet::Error { code, text } => {
                self.failed = Some(format!("{code:?} {}", String::from_utf8_lossy(&text)));
                Vec::new()
            }
            other => panic!("a server does not send {other:?}"),
        }
    }

    fn options(
        &mut self,
        now: u64,
        from: u16,
        options: &[(Vec<u8>, Vec<u8>)],
    ) -> Vec<(u16, Vec<u8>)> {
        if self.got_oack {
            return if self.blocks == 0 { self.ack_last(now) } else { Vec::new() };
        }
        for (name, value) in options {
            let name = std::str::from_utf8(name).unwrap();
            let value: u64 = std::str::from_utf8(value).unwrap().parse().unwrap();
            let asked = self.habits.options.iter().find(|(own, _)| *own == name);
            let asked: u64 = asked.expect("only what was asked").1.parse().unwrap();
            match name {
                "blksize" if value <= asked => self.blksize = value,
                "windowsize" if value <= asked => self.window = value,
                "timeout" if value == asked => {}
                "rollover" if value == asked => self.habits.wraps_to = value,
                "tsize" => assert_eq!(value, self.size),
                other => panic!("{other} {value} instead of {asked}"),
            }
        }
        self.got_oack = true;
        self.server = Some(from);
        self.ack_last(now)
    }

    fn number(&self, block: u64) -> u16 {
        match self.habits.wraps_to {
            1 if block > 0 => ((block - 1) % 65_535 + 1) as u16,
            _ => (block % 65_536) as u16,
        }
    }

    fn data(&mut self, now: u64, from: u16, block: u16, payload: &[u8]) -> Vec<(u16, Vec<u8>)> {
        if self.habits.needs_oack && !self.got_oack {
            return Vec::new();
        }
        self.server = Some(from);
        let expected = self.number(self.blocks + 1);
        if block != expected {
            return match self.habits.unexpected {
                Unexpected::Ignore => Vec::new(),
                Unexpected::AckLast => self.ack_last(now),
                Unexpected::AckGap if self.told_gap => Vec::new(),
                Unexpected::AckGap => {
                    self.told_gap = true;
                    self.ack_last(now)
                }
                Unexpected::PlainNumbers if block < expected => {
                    self.acks_sent += 1;
                    vec![(from, ack(block).to_vec())]
                }
                Unexpected::PlainNumbers => Vec::new(),
            };
        }
        assert!(payload.len() as u64 <= self.blksize, "a block too large");
        let end = self.bytes + payload.len() as u64;
        // Not assert_eq!, which would print both.
        assert!(*payload == *bytes_at(self.bytes, end), "other bytes after {}", self.bytes);
        self.blocks += 1;
        self.told_gap = false;
        self.bytes += payload.len() as u64;
        let last = (payload.len() as u64) < self.blksize;
        if last {
            assert_eq!(self.bytes, self.size, "the whole file and no more");
            self.done = true;
        }
        if let Some((_, ms)) = self.habits.pause.filter(|(at, _)| *at == self.blocks) {
            self.paused_until = now + ms;
            self.deadline = now + ms + self.habits.timer_ms;
        }
        if last && !self.habits.sends_last_ack {
            return Vec::new();
        }
        if last || self.blocks - self.acked >= self.window { self.ack_last(now) } else { vec![] }
    }

    fn ack_last(&mut self, now: u64) -> Vec<(u16, Vec<u8>)> {
        self.last_packet = ack(self.number(self.blocks)).to_vec();
        self.acked = self.blocks;
        self.tries = 0;
        self.deadline = self.deadline.max(now + self.habits.timer_ms);
        self.acks_sent += self.habits.acks as u64;
        let to = self.server.expect("known once anything came");
        vec![(to, self.last_packet.clone()); self.habits.acks]
    }
}
