//! A `lease ADDRESS { … }` block of `dhcpd.leases`.

use super::lexer::{Statement, Word};
use super::time;
use crate::book::{Book, LeftOut};
use crate::text::{self, ID_MAX};
use model::lease::LeaseState;
use model::{HardwareAddress, Lease, Now};
use std::io;
use std::net::Ipv4Addr;

/// What a block has said so far.
pub struct Draft {
    pub line: u32,
    pub address: Ipv4Addr,
    starts: Option<Now>,
    /// `Some(None)` is never.
    ends: Option<Option<Now>>,
    state: Option<String>,
    hardware: Option<HardwareAddress>,
    client_id: Option<Vec<u8>>,
    host_name: Option<String>,
    abandoned: bool,
    notes: Vec<LeftOut>,
}

/// What a block comes to.
enum Fate {
    Kept(LeaseState),
    /// The address is free, and nobody is remembered by it.
    Free,
    Out(&'static str),
}

impl Draft {
    pub fn new(line: u32, address: Ipv4Addr) -> Self {
        Self {
            line,
            address,
            starts: None,
            ends: None,
            state: None,
            hardware: None,
            client_id: None,
            host_name: None,
            abandoned: false,
            notes: Vec::new(),
        }
    }

    /// Takes one statement of the block in.
    pub fn take(&mut self, book: &Book, statement: &Statement) {
        let wrong = match statement.word(0) {
            "starts" => match time::read(statement) {
                Some(starts) => return self.starts = starts,
                None => "it is no time; the lease is taken to begin now",
            },
            "ends" => {
                self.ends = time::read(statement);
                return;
            }
            "binding" => return self.state = Some(statement.word(2).to_owned()),
            "abandoned" => return self.abandoned = true,
            "hardware" => match hardware(statement) {
                Some(hardware) => return self.hardware = Some(hardware),
                None => "it is no hardware address",
            },
            "uid" => match identifier(statement) {
                Some(id) => return self.client_id = Some(id),
                None => "it is no client id; the lease is taken over without it",
            },
            "client-hostname" | "hostname" => {
                self.host_name = text::name(&plain(statement, 1));
                return;
            }
            "reserved" => {
                "that the lease is reserved is not taken over: `reservation add` promises an \
                 address"
            }
            // What dhcpd keeps for itself: failover, DNS updates, events, what the relay said.
            "" | "tstp" | "tsfp" | "atsfp" | "cltt" | "next" | "rewind" | "set" | "unset"
            | "on" | "option" | "bootp" | "dynamic-bootp" | "ddns-text" | "ddns-fwd-name"
            | "ddns-client-fqdn" | "ddns-rev-name" | "billing" | "ddns-dhcid" => return,
            word if word.starts_with("vendor-class-identifier") => return,
            _ => "not understood",
        };
        // Notes past what a lease may have are not kept anyway.
        if self.notes.len() < 16 {
            let what = format!("`{}` of lease {}", statement.shown(), self.address);
            self.notes.push(book.out(statement.line, &what, wrong));
        }
    }

    /// The block is whole: it is the last word on its address, until another comes.
    pub fn end(self, book: &mut Book) -> io::Result<()> {
        let (line, address) = (self.line, self.address);
        let state = match self.fate(book.now()) {
            Fate::Kept(state) => state,
            Fate::Free => {
                book.forget(address);
                return Ok(());
            }
            Fate::Out(why) => {
                let out = book.out(line, &format!("lease {address}"), why);
                return book.word(address, None, vec![out]);
            }
        };
        let until = self.ends.flatten();
        let starts = self.starts.unwrap_or(book.now());
        let lease = Lease {
            address,
            network: String::new(),
            hardware: self.hardware.unwrap_or_else(text::no_hardware),
            client_id: self.client_id,
            host_name: self.host_name,
            since: until.map_or(starts, |until| until.min(starts)),
            until,
            state,
        };
        let lease = book.at(line, lease);
        book.word(address, Some(lease), self.notes)
    }

    fn fate(&self, now: Now) -> Fate {
        // Files of before failover have no state: the time decides.
        let ended = self.ends.flatten().is_some_and(|ends| ends <= now);
        let unsaid = if ended { "expired" } else { "active" };
        let state =
            if self.abandoned { "abandoned" } else { self.state.as_deref().unwrap_or(unsaid) };
        let known = self.hardware.is_some() || self.client_id.is_some();
        match state {
            "abandoned" => Fate::Out(
                "abandoned: somebody else answered for it. Not taken over; this server probes an \
                 address before it offers it",
            ),
            "active" | "expired" | "free" | "released" | "reset" | "backup" | "bootp" => {
                match (known, state) {
                    (false, "active" | "bootp") => {
                        Fate::Out("it does not say whose it is: no `hardware`, no `uid`")
                    }
                    (false, _) => Fate::Free,
                    (true, _) if self.ends.is_none() => Fate::Out("it does not say when it ends"),
                    (true, "active" | "bootp" | "expired") => Fate::Kept(LeaseState::Bound),
                    (true, _) => Fate::Kept(LeaseState::Released),
                }
            }
            _ => Fate::Out("its binding state is none that dhcpd writes"),
        }
    }
}

/// The words from a place on, without quotes.
pub fn plain(statement: &Statement, at: usize) -> String {
    let words = statement.words.iter().skip(at).map(|word| match word {
        Word::Plain(word) => word.clone(),
        Word::Quoted(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    });
    words.collect::<Vec<String>>().join(" ")
}

/// `hardware ethernet 52:54:00:12:34:56`
pub fn hardware(statement: &Statement) -> Option<HardwareAddress> {
    let kind = match statement.word(1) {
        "ethernet" => 1,
        "token-ring" => 6,
        "fddi" => 8,
        "infiniband" => 32,
        other => other.strip_prefix("unknown-")?.parse().ok()?,
    };
    match statement.word(2) {
        // InfiniBand has no address in DHCP (RFC 4390).
        "" => (kind != 1).then(|| HardwareAddress::new(kind, &[])),
        address => text::hardware(kind, address),
    }
}

/// `uid "\001RT…"` or `uid 01:52:54:…`: the last word.
pub fn identifier(statement: &Statement) -> Option<Vec<u8>> {
    let id = match statement.words.last()? {
        Word::Quoted(bytes) => bytes.clone(),
        Word::Plain(word) => text::bytes(word)?,
    };
    (!id.is_empty() && id.len() <= ID_MAX).then_some(id)
}
