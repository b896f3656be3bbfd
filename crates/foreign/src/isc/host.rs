//! A `host NAME { … }` block, of `dhcpd.conf` or written into `dhcpd.leases` over OMAPI.

use super::lease::{hardware, identifier, plain};
use super::lexer::Statement;
use crate::book::Book;
use crate::boot;
use crate::found::Machine;
use crate::text;
use model::Reservation;
use model::lease::ReservedFor;
use std::io;
use std::net::Ipv4Addr;

/// Addresses of one host: one for each subnet it may appear in.
const ADDRESSES_MAX: usize = 64;

/// What a block has said so far.
pub struct Host {
    pub line: u32,
    pub name: String,
    holders: Vec<ReservedFor>,
    addresses: Vec<Ipv4Addr>,
    host_name: Option<String>,
    deleted: bool,
    file: Option<(u32, String)>,
}

impl Host {
    pub fn new(line: u32, name: String) -> Self {
        Self {
            line,
            name,
            holders: Vec::new(),
            addresses: Vec::new(),
            host_name: None,
            deleted: false,
            file: None,
        }
    }

    /// Takes one statement of the block in.
    pub fn take(&mut self, book: &mut Book, statement: &Statement) {
        let why = match (statement.word(0), statement.word(1)) {
            ("", _) | ("dynamic", _) => return,
            ("deleted", _) => return self.deleted = true,
            ("fixed-address", _) => return self.fix(book, statement),
            ("hardware", _) => match hardware(statement) {
                Some(hardware) => return self.holder(ReservedFor::Mac(hardware)),
                None => "it is no hardware address",
            },
            ("uid" | "dhcp-client-identifier", _) | ("option", "dhcp-client-identifier") => {
                match identifier(statement) {
                    Some(id) => return self.holder(ReservedFor::ClientId(id)),
                    None => "it is no client id",
                }
            }
            ("host-identifier", "option") => match (statement.word(2), identifier(statement)) {
                ("agent.circuit-id", Some(id)) => {
                    return self.holder(ReservedFor::Circuit { relay: None, id });
                }
                ("dhcp-client-identifier", Some(id)) => {
                    return self.holder(ReservedFor::ClientId(id));
                }
                _ => "a host is known here by its MAC, client id, UUID or circuit id",
            },
            ("option", "host-name") => {
                self.host_name = text::name(&plain(statement, 2));
                return;
            }
            ("fixed-address6" | "fixed-prefix6", _) => {
                "DHCPv6: this server gives IPv4 addresses only"
            }
            ("option", _) => "not taken over: `machine set --option` gives one machine an option",
            ("filename", _) => {
                let path = super::settings::plain(statement, 1);
                match () {
                    () if boot::is_loader(&path) => boot::LOADER,
                    () if boot::is_script(&path) => boot::SCRIPT,
                    () if path.is_empty() || boot::is_module(&path) => {
                        "only its own loader starts such a file"
                    }
                    () => {
                        self.file = Some((statement.line, path));
                        return;
                    }
                }
            }
            ("next-server" | "server-name", _) => "not needed: files come from this server",
            _ => "not taken over: only the hardware, address and name of a host are",
        };
        let what = format!("`{}` of host {}", statement.shown(), self.name);
        book.leave(statement.line, &what, why);
    }

    fn holder(&mut self, holder: ReservedFor) {
        if self.holders.len() < 2 && !self.holders.contains(&holder) {
            self.holders.push(holder);
        }
    }

    /// `fixed-address A, B`: addresses; names would have to be looked up.
    fn fix(&mut self, book: &mut Book, statement: &Statement) {
        let words = (1..statement.words.len()).map(|at| statement.word(at));
        for word in words.filter(|word| *word != ",") {
            match word.parse() {
                Ok(address) if self.addresses.len() < ADDRESSES_MAX => self.addresses.push(address),
                Ok(_) => {
                    let why = format!("a host has at most {ADDRESSES_MAX} addresses");
                    book.leave(statement.line, word, why);
                }
                Err(_) => {
                    let why = "it is a name, and names are not looked up: write its address";
                    let what = format!("fixed-address {word} of host {}", self.name);
                    book.leave(statement.line, &what, why);
                }
            }
        }
    }

    /// What it promises.
    pub fn addresses(&self) -> &[Ipv4Addr] {
        &self.addresses
    }

    /// The block is whole.
    pub fn end(self, book: &mut Book, names_by_block: bool) -> io::Result<()> {
        let what = format!("host {}", self.name);
        if self.deleted {
            book.leave(self.line, &what, "it was deleted over OMAPI");
            return Ok(());
        }
        let mut holders = self.holders.into_iter();
        let Some(holder) = holders.next() else {
            book.leave(self.line, &what, "it does not say for whom: no `hardware`, no identifier");
            return Ok(());
        };
        let mac = match &holder {
            ReservedFor::Mac(mac) => Some(*mac),
            _ => None,
        };
        if let Some(mac) = mac {
            let profile = self.file.map(|(line, path)| boot::alone(book, line, &path));
            let name = Some(self.name.clone()).filter(|name| !name.is_empty());
            book.machine(self.line, mac, Machine { name, profile, ..Machine::default() })?;
        }
        if self.addresses.is_empty() {
            if mac.is_none() {
                book.leave(self.line, &what, "it has no fixed-address, and is known by no MAC");
            }
            return Ok(());
        }
        if let Some(other) = holders.next() {
            let why = format!("an address is promised to one client, here {holder}");
            book.leave(self.line, &format!("{what} as {other}"), why);
        }
        let by_block = if names_by_block { text::name(&self.name) } else { None };
        let (host_name, since) = (self.host_name.or(by_block), book.now());
        for address in self.addresses {
            let (holder, host_name) = (holder.clone(), host_name.clone());
            book.reserve(self.line, Reservation { address, holder, host_name, since })?;
        }
        Ok(())
    }
}
