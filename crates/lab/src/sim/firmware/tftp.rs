//! TFTP as loaders do it: each with its own options and its own way with what it did not expect.

use crate::sim::content::Label;
use crate::sim::host::Host;
use std::net::Ipv4Addr;
use wire::tftp::{Packet, RawOption, ack, error, read_request};

/// What a loader does with a DATA it did not expect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unexpected {
    /// Nothing: U-Boot.
    Ignore,
    /// Repeats its last ACK, once for each: EDK2, iPXE, PXELINUX.
    AckLast,
}

/// What a loader is like.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// Options it asks for.
    pub options: &'static [(&'static str, &'static str)],
    /// It takes no DATA before an OACK: GRUB, PXELINUX.
    pub needs_oack: bool,
    /// See there.
    pub unexpected: Unexpected,
    /// Repeats its last packet after so long.
    pub timer_ms: u64,
    /// So often.
    pub tries: u32,
    /// Stops at the OACK with this error: a question for the size.
    pub stops_with: Option<u16>,
    /// Reads nothing for so long after the first half of the file: flash being written.
    pub pause_ms: u64,
    /// It has room for so many blocks, and says so then (error 3).
    pub room_blocks: Option<u64>,
    /// Its block numbers do not wrap: 65535 is the last.
    pub no_wrap: bool,
}

const BASE: Habits = Habits {
    options: &[],
    needs_oack: false,
    unexpected: Unexpected::AckLast,
    timer_ms: 1000,
    tries: 10,
    stops_with: None,
    pause_ms: 0,
    room_blocks: None,
    no_wrap: false,
};

/// EDK2 asks for the size first and says error 8 when it has it.
pub const EDK2_SIZE: Habits = Habits {
    options: &[("tsize", "0"), ("blksize", "1468"), ("windowsize", "4")],
    timer_ms: 4000,
    tries: 6,
    stops_with: Some(8),
    ..BASE
};
/// Then for the file, in windows of four.
pub const EDK2: Habits =
    Habits { options: &[("blksize", "1468"), ("windowsize", "4")], stops_with: None, ..EDK2_SIZE };
/// shim loads through the firmware, with small blocks.
pub const SHIM: Habits = Habits { options: &[("blksize", "512")], ..EDK2 };
/// iPXE.
pub const IPXE: Habits = Habits { options: &[("blksize", "1432"), ("tsize", "0")], ..BASE };
/// Intel's BIOS ROM.
pub const BIOS: Habits = Habits { options: &[("tsize", "0"), ("blksize", "1456")], ..BASE };
/// The same with little memory.
pub const SMALL_BIOS: Habits = Habits { room_blocks: Some(10), ..BIOS };
/// PXELINUX.
pub const PXELINUX: Habits =
    Habits { options: &[("tsize", "0"), ("blksize", "1408")], needs_oack: true, ..BASE };
/// GRUB never takes DATA without an OACK.
pub const GRUB: Habits = Habits {
    options: &[("blksize", "1024"), ("tsize", "0")],
    needs_oack: true,
    timer_ms: 800,
    tries: 40,
    ..BASE
};
/// U-Boot wants its timeout back, and repeats nothing before five seconds.
pub const U_BOOT: Habits = Habits {
    options: &[("timeout", "5"), ("blksize", "1468")],
    unexpected: Unexpected::Ignore,
    timer_ms: 5000,
    ..BASE
};
/// A Raspberry Pi's ROM: RFC 1350 and nothing else.
pub const RPI_ROM: Habits = Habits { options: &[], ..BASE };
/// A Raspberry Pi's EEPROM.
pub const RPI_EEPROM: Habits = Habits { options: &[("blksize", "1468"), ("tsize", "0")], ..BASE };
/// The same before the middle of 2025.
pub const RPI_EEPROM_OLD: Habits = Habits { no_wrap: true, ..RPI_EEPROM };
/// A gateway that writes flash while it loads (and says nothing meanwhile).
pub const FLASHER: Habits = Habits { pause_ms: 50_000, ..U_BOOT };

/// Why there is no file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Failed {
    /// Error 1.
    NotFound,
    /// The size that was asked for.
    Size(u64),
    /// Anything else, in words.
    Other(String),
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotFound => f.write_str("not found"),
            Self::Size(size) => write!(f, "{size} bytes"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// Loads a file.
pub async fn get(
    host: &Host,
    server: Ipv4Addr,
    name: &[u8],
    habits: &Habits,
) -> Result<Vec<u8>, Failed> {
    let port = host.fresh_port();
    host.open(port);
    let mut load = Load {
        host,
        habits,
        server,
        port,
        peer: None,
        blksize: 512,
        window: 1,
        size: None,
        got_oack: false,
        blocks: 0,
        acked: 0,
        bytes: Vec::new(),
        last: read_request(name, "octet", habits.options),
        paused: false,
    };
    let result = load.run().await;
    host.close(port);
    result
}

struct Load<'a> {
    host: &'a Host,
    habits: &'a Habits,
    server: Ipv4Addr,
    port: u16,
    peer: Option<u16>,
    blksize: usize,
    window: u64,
    size: Option<u64>,
    got_oack: bool,
    blocks: u64,
    acked: u64,
    bytes: Vec<u8>,
    last: Vec<u8>,
    paused: bool,
}

/// Whether a load goes on.
type Go = Result<bool, Failed>;

impl Load<'_> {
    async fn run(&mut self) -> Result<Vec<u8>, Failed> {
        let mut tries = 0;
        self.again();
        let mut until_ms = self.host.now() + self.habits.timer_ms;
        loop {
            let Some(heard) = self.host.receive(self.port, until_ms).await else {
                tries += 1;
                if tries > self.habits.tries {
                    return Err(Failed::Other(format!("timeout after block {}", self.blocks)));
                }
                self.again();
                until_ms = self.host.now() + self.habits.timer_ms;
                continue;
            };
            if *heard.from.ip() != self.server {
                return Err(Failed::Other(format!("an answer from {}", heard.from)));
            }
            if self.peer.is_some_and(|peer| peer != heard.from.port()) {
                let farewell = error(5.into(), "Unknown transfer ID");
                self.host.send(self.port, (self.server, heard.from.port()), farewell);
                continue;
            }
            let before = self.blocks;
            if self.take(heard.from.port(), &heard.bytes)? {
                return Ok(std::mem::take(&mut self.bytes));
            }
            if self.habits.pause_ms > 0 && self.blocks > 20 && !self.paused {
                self.paused = true;
                self.host.sleep(self.habits.pause_ms).await;
            }
            if self.blocks > before || !self.got_oack {
                tries = 0;
                until_ms = self.host.now() + self.habits.timer_ms;
            }
        }
    }

    fn again(&self) {
        let to = self.peer.unwrap_or(69);
        self.host.send(self.port, (self.server, to), self.last.clone());
    }

    fn take(&mut self, from: u16, bytes: &[u8]) -> Go {
        let packet = Packet::parse(bytes).map_err(|e| Failed::Other(format!("malformed: {e}")))?;
        match packet {
            Packet::OptionAck(options) => self.options(from, &options, bytes),
            Packet::Data { block, payload } => self.data(from, block, &payload),
            Packet::Error { code, .. } if u16::from(code) == 1 => Err(Failed::NotFound),
            Packet::Error { code, text } => {
                let text = String::from_utf8_lossy(&text);
                Err(Failed::Other(format!("error {}: {text}", u16::from(code))))
            }
            other => Err(Failed::Other(format!("a server does not send {other:?}"))),
        }
    }

    fn options(&mut self, from: u16, options: &[RawOption], raw: &[u8]) -> Go {
        if self.got_oack {
            if self.blocks == 0 {
                self.again();
            }
            return Ok(false);
        }
        // Cisco's switches refuse what stands behind the last option; so do we.
        let exact: usize = options.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        if raw.len() != exact + 2 {
            return Err(Failed::Other("the OACK has bytes at its end".into()));
        }
        for (name, value) in options {
            let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
            self.option(&name, &value)?;
        }
        self.got_oack = true;
        self.peer = Some(from);
        if let Some(code) = self.habits.stops_with {
            let farewell = error(code.into(), "User aborted the transfer");
            self.host.send(self.port, (self.server, from), farewell);
            let size = self.size.ok_or_else(|| Failed::Other("no tsize in the OACK".into()))?;
            return Err(Failed::Size(size));
        }
        self.acknowledge();
        Ok(false)
    }

    fn option(&mut self, name: &str, value: &str) -> Result<(), Failed> {
        let wrong = |what: &str| Failed::Other(format!("OACK {name}={value}: {what}"));
        let asked = self.habits.options.iter().find(|(own, _)| *own == name);
        let asked: u64 = asked
            .ok_or_else(|| wrong("nobody asked for it"))?
            .1
            .parse()
            .map_err(|_| wrong("no number"))?;
        let given: u64 = value.parse().map_err(|_| wrong("no number"))?;
        match name {
            "tsize" => self.size = Some(given),
            "timeout" if given == asked => {}
            "blksize" if (8..=asked).contains(&given) => {
                self.blksize = usize::try_from(given).unwrap_or(512);
            }
            "windowsize" if (1..=asked).contains(&given) => self.window = given,
            _ => return Err(wrong("not what was asked for")),
        }
        Ok(())
    }

    fn data(&mut self, from: u16, block: u16, payload: &[u8]) -> Go {
        if self.habits.needs_oack && !self.got_oack {
            return Ok(false);
        }
        if self.habits.stops_with.is_some() {
            return Err(Failed::Other("DATA instead of an OACK".into()));
        }
        self.peer = Some(from);
        if block != ((self.blocks + 1) & 0xffff) as u16 {
            if self.habits.unexpected == Unexpected::AckLast {
                self.acknowledge();
            }
            return Ok(false);
        }
        if payload.len() > self.blksize {
            return Err(Failed::Other("a block larger than agreed".into()));
        }
        if self.habits.no_wrap && block == 0 {
            return Err(Failed::Other("a block behind 65535".into()));
        }
        self.blocks += 1;
        self.bytes.extend(payload);
        if self.habits.room_blocks.is_some_and(|room| self.blocks > room) {
            self.last = error(3.into(), "no memory");
            self.again();
            return Err(Failed::Other("no memory for it".into()));
        }
        let last = payload.len() < self.blksize;
        if last || self.blocks - self.acked >= self.window {
            self.acknowledge();
        }
        if last && self.size.is_some_and(|size| size != self.bytes.len() as u64) {
            return Err(Failed::Other("not as long as tsize said".into()));
        }
        Ok(last)
    }

    fn acknowledge(&mut self) {
        self.last = ack((self.blocks & 0xffff) as u16).to_vec();
        self.acked = self.blocks;
        self.again();
    }
}

/// A file that must be one of ours, whole.
pub fn label(bytes: &[u8]) -> Result<Label, Failed> {
    Label::read(bytes).ok_or_else(|| Failed::Other("no image, or a damaged one".into()))
}
