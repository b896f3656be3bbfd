//! What stands on the way and lets some of it not through: firewalls, address translation.
//!
//! In: what is on its way. Out: whether it arrives, and as whose. Never: a word to either end, which
//! is what makes them hard to find.

use super::server::Send;
use std::net::{Ipv4Addr, SocketAddrV4};

/// The first port of transfers.
const FIRST_TRANSFER: u16 = 40_000;

/// One thing that does not come through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Barrier {
    /// What our server says from port 67.
    Offers,
    /// Port 4011, both ways.
    Port4011,
    /// What our server says from port 4011.
    AnswersOn4011,
    /// Requests to port 69.
    TftpRequests,
    /// What our server sends from any other port than 67, 4011 and 69.
    TftpAnswers,
    /// Datagrams of our server that are longer.
    LongerThan(usize),
    /// DATA of TFTP after this block.
    AfterBlock(u16),
    /// HTTP.
    Http,
}

impl Barrier {
    /// By its words: `offers`, `port-4011`, `answers-on-4011`, `tftp-requests`, `tftp-answers`,
    /// `longer-than=600`, `after-block=20`, `http`.
    ///
    /// # Errors
    /// When there is no such barrier.
    pub fn read(word: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u16>().map_err(|_| format!("`{text}` is no number"));
        Ok(match word.split_once('=').unwrap_or((word, "")) {
            ("offers", _) => Self::Offers,
            ("port-4011", _) => Self::Port4011,
            ("answers-on-4011", _) => Self::AnswersOn4011,
            ("tftp-requests", _) => Self::TftpRequests,
            ("tftp-answers", _) => Self::TftpAnswers,
            ("longer-than", length) => Self::LongerThan(number(length)?.into()),
            ("after-block", block) => Self::AfterBlock(number(block)?),
            ("http", _) => Self::Http,
            _ => return Err(format!("no firewall drops `{word}`")),
        })
    }

    /// Whether a datagram of our server is dropped.
    #[must_use]
    pub fn stops_answer(self, send: &Send) -> bool {
        let from = send.from.port();
        let block = match send.bytes.as_slice() {
            [0, 3, high, low, ..] => Some(u16::from_be_bytes([*high, *low])),
            _ => None,
        };
        match self {
            Self::Offers => from == 67,
            Self::Port4011 | Self::AnswersOn4011 => from == 4011,
            Self::TftpAnswers => from >= FIRST_TRANSFER,
            Self::LongerThan(length) => from >= FIRST_TRANSFER && send.bytes.len() > length,
            Self::AfterBlock(last) => from >= FIRST_TRANSFER && block.is_some_and(|b| b > last),
            Self::TftpRequests | Self::Http => false,
        }
    }

    /// Whether a datagram to this port of our server is dropped.
    #[must_use]
    pub fn stops_question(self, port: u16) -> bool {
        match self {
            Self::Port4011 => port == 4011,
            Self::TftpRequests => port == 69,
            _ => false,
        }
    }
}

/// What stands between machines and our server.
#[derive(Clone, Debug, Default)]
pub struct Way {
    /// What does not come through.
    pub barriers: Vec<Barrier>,
    /// Everything but DHCP comes from this address, and nothing finds back.
    pub nat: Option<Ipv4Addr>,
}

impl Way {
    /// Whether a datagram of our server is dropped.
    #[must_use]
    pub fn stops_answer(&self, send: &Send) -> bool {
        let translated = match (self.nat, &send.to) {
            (Some(nat), engine::Destination::Routed(to)) => *to.ip() == nat,
            _ => false,
        };
        translated || self.barriers.iter().any(|barrier| barrier.stops_answer(send))
    }

    /// Whether a datagram to this port of our server is dropped.
    #[must_use]
    pub fn stops_question(&self, port: u16) -> bool {
        self.barriers.iter().any(|barrier| barrier.stops_question(port))
    }

    /// Whether HTTP does not come through.
    #[must_use]
    pub fn stops_http(&self) -> bool {
        self.barriers.contains(&Barrier::Http)
    }

    /// Who sends, as our server sees it.
    #[must_use]
    pub fn seen_from(&self, from: SocketAddrV4, to_port: u16) -> SocketAddrV4 {
        match self.nat {
            Some(nat) if !matches!(to_port, 67 | 4011) => SocketAddrV4::new(nat, from.port()),
            _ => from,
        }
    }
}
