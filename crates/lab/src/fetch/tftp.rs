//! One download by TFTP, as EDK2 does it: a window, an ACK for everything unexpected, four seconds.
//!
//! In: a moment, and that there is something to be read. Out: ACKs, and how the download stands.
//! Never: a block that was not compared.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use wire::tftp::{Packet, RawOption, ack, error, read_request};

use super::{Stand, Wanted};
use crate::rig::{Trouble, io as cannot};

/// EDK2 waits so long, and so often.
const TIMER: Duration = Duration::from_secs(4);
const TRIES: u32 = 6;
/// The largest packet that can come: a block of 1468 and its head.
const PACKET_MAX: usize = 1500;
/// So many packets are read before others have their turn.
const PACKETS_AT_ONCE: usize = 64;

/// What to ask for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Whose address it comes from.
    pub from: Ipv4Addr,
    /// Where to.
    pub server: SocketAddrV4,
    /// The file.
    pub name: Vec<u8>,
    /// What it must be.
    pub wanted: Wanted,
    /// `blksize` and `windowsize`.
    pub options: (u32, u32),
    /// ACKs wait until they are asked for ([`Tftp::acknowledge`]): a client that takes its time.
    pub patient: bool,
}

/// A download that was begun.
#[derive(Debug)]
pub struct Tftp {
    ask: Ask,
    socket: UdpSocket,
    connected: bool,
    blksize: usize,
    window: u64,
    blocks: u64,
    acked: u64,
    bytes: u64,
    owes: bool,
    last: Vec<u8>,
    deadline: Duration,
    tries: u32,
    resent: u32,
}

impl Tftp {
    /// Sends the request.
    ///
    /// # Errors
    /// When there is no socket to be had.
    pub fn begin(now: Duration, ask: Ask) -> Result<Self, Trouble> {
        let opened = UdpSocket::bind((ask.from, 0)).and_then(|socket| {
            socket.set_nonblocking(true)?;
            Ok(socket)
        });
        let socket = opened.map_err(cannot(format!("opening a socket on {}", ask.from)))?;
        let (blksize, window) = (ask.options.0.to_string(), ask.options.1.to_string());
        let mut options = vec![("blksize", blksize.as_str())];
        if ask.options.1 > 1 {
            options.push(("windowsize", window.as_str()));
        }
        let last = read_request(&ask.name, "octet", &options);
        let get = Self {
            ask,
            socket,
            connected: false,
            blksize: 512,
            window: 1,
            blocks: 0,
            acked: 0,
            bytes: 0,
            owes: false,
            last,
            deadline: now + TIMER,
            tries: 0,
            resent: 0,
        };
        get.send();
        Ok(get)
    }

    /// Whether anything came at all.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.connected
    }

    /// Bytes that came so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that one ACK lets come.
    #[must_use]
    pub fn window_bytes(&self) -> u64 {
        self.window * self.blksize as u64
    }

    /// How often its timer ran out.
    #[must_use]
    pub fn resent(&self) -> u32 {
        self.resent
    }

    /// When it wants to be told the time.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// The time has come: what was said last is said again.
    pub fn late(&mut self, now: Duration) -> Stand {
        if now < self.deadline {
            return Stand::Going;
        }
        self.tries += 1;
        if self.tries > TRIES {
            return Stand::Failed(format!("TFTP: silence after block {}", self.blocks));
        }
        self.resent += 1;
        self.deadline = now + TIMER;
        self.send();
        Stand::Going
    }

    /// Reads what came.
    pub fn readable(&mut self, now: Duration) -> Stand {
        let mut packet = [0; PACKET_MAX];
        for _ in 0..PACKETS_AT_ONCE {
            let length = match self.receive(&mut packet) {
                Ok(length) => length,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Stand::Going,
                // An ICMP error for a packet of ours; the timer knows what to do.
                Err(_) => continue,
            };
            let stand = self.take(now, packet.get(..length).unwrap_or_default());
            if stand != Stand::Going {
                return stand;
            }
        }
        Stand::Going
    }

    /// Sends the ACK that a patient client owes; whether there was one.
    pub fn acknowledge(&mut self, now: Duration) -> bool {
        let owes = std::mem::take(&mut self.owes);
        if owes {
            self.say(now);
        }
        owes
    }

    /// Ends it before the end of the file.
    pub fn stop(self) {
        self.tell(&error(0.into(), "That was enough"));
    }

    /// From then on only what comes from where the first answer came from.
    fn receive(&mut self, packet: &mut [u8]) -> io::Result<usize> {
        if self.connected {
            return self.socket.recv(packet);
        }
        let (length, from) = self.socket.recv_from(packet)?;
        if from.ip() != *self.ask.server.ip() {
            return Err(ErrorKind::InvalidData.into());
        }
        self.socket.connect(from)?;
        self.connected = true;
        Ok(length)
    }

    fn take(&mut self, now: Duration, packet: &[u8]) -> Stand {
        if let [0, 3, high, low, payload @ ..] = packet {
            return self.data(now, u16::from_be_bytes([*high, *low]), payload);
        }
        match Packet::parse(packet) {
            Ok(Packet::OptionAck(options)) if self.blocks == 0 => {
                if let Err(why) = self.agree(&options) {
                    return Stand::Failed(why);
                }
                self.owe(now);
                Stand::Going
            }
            Ok(Packet::OptionAck(_)) => Stand::Going,
            Ok(Packet::Error { code, text }) => {
                let text = String::from_utf8_lossy(&text).into_owned();
                Stand::Failed(format!("TFTP: error {}: {text}", u16::from(code)))
            }
            other => Stand::Failed(format!("TFTP: a server does not send {other:?}")),
        }
    }

    fn agree(&mut self, options: &[RawOption]) -> Result<(), String> {
        for (name, value) in options {
            let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
            let number: u32 = value.parse().map_err(|_| format!("TFTP: {name}={value}"))?;
            match &*name {
                "blksize" if (8..=self.ask.options.0).contains(&number) => {
                    self.blksize = number as usize;
                }
                "windowsize" if (1..=self.ask.options.1).contains(&number) => {
                    self.window = number.into();
                }
                _ => return Err(format!("TFTP: nobody asked for {name}={value}")),
            }
        }
        Ok(())
    }

    fn data(&mut self, now: Duration, block: u16, payload: &[u8]) -> Stand {
        if block != ((self.blocks + 1) & 0xffff) as u16 {
            // EDK2 and iPXE repeat their last ACK for each.
            self.send();
            return Stand::Going;
        }
        if payload.len() > self.blksize || !self.ask.wanted.has(self.bytes, payload) {
            return Stand::Failed(format!("TFTP: other bytes in block {}", self.blocks + 1));
        }
        self.blocks += 1;
        self.bytes += payload.len() as u64;
        self.tries = 0;
        self.deadline = now + TIMER;
        let last = payload.len() < self.blksize;
        if last {
            self.say(now);
            return match self.ask.wanted.is_long(self.bytes) {
                true => Stand::Done,
                false => Stand::Failed(format!("TFTP: ended after {} bytes", self.bytes)),
            };
        }
        if self.blocks - self.acked >= self.window {
            self.owe(now);
        }
        Stand::Going
    }

    fn owe(&mut self, now: Duration) {
        match self.ask.patient {
            true => self.owes = true,
            false => self.say(now),
        }
    }

    fn say(&mut self, now: Duration) {
        self.last = ack((self.blocks & 0xffff) as u16).to_vec();
        self.acked = self.blocks;
        self.deadline = now + TIMER;
        self.send();
    }

    fn send(&self) {
        self.tell(&self.last);
    }

    /// What is lost is sent again by the timer.
    fn tell(&self, packet: &[u8]) {
        let _lost = match self.connected {
            true => self.socket.send(packet),
            false => self.socket.send_to(packet, SocketAddr::V4(self.ask.server)),
        };
    }
}

impl AsFd for Tftp {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
