//! What other DHCP servers wrote, read as ours: the leases and reservations of dnsmasq, ISC dhcpd
//! and Kea.
//!
//! ```text
//! files ─ lines (bounded) ─┬─ dnsmasq ─────────────┐
//!                          ├─ isc ─ lexer, time ───┼─▶ book: the last word on each address ─▶ Parsed
//!                          └─ kea ─ csv, json ─────┘
//! ```
//!
//! In: text of another server, by a reader, with its file's name, and the moment. Out: leases,
//! reservations, and everything that was left out, each with its file, its line and the reason.
//! Never: a file opened, a lease made up, a word dropped in silence, a panic.
#![forbid(unsafe_code)]

mod book;
mod dnsmasq;
mod isc;
mod kea;
mod lines;
mod text;

pub use book::{At, Book, LeftOut, Parsed};
pub use lines::{FILE_MAX, LINE_MAX};

use std::io::{self, BufRead};

/// Whose files they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Server {
    /// dnsmasq: lease file, configuration, `dhcp-hostsfile`.
    Dnsmasq,
    /// ISC dhcpd: `dhcpd.leases`, `dhcpd.conf`.
    Isc,
    /// Kea: memfile CSV, JSON configuration.
    Kea,
}

impl Book {
    /// Reads one file. What a later file says of an address outranks what an earlier one said.
    pub fn read(&mut self, server: Server, file: &str, from: &mut dyn BufRead) -> io::Result<()> {
        self.open(file);
        match server {
            Server::Dnsmasq => dnsmasq::read(self, from),
            Server::Isc => isc::read(self, from),
            Server::Kea => kea::read(self, from),
        }
    }
}
