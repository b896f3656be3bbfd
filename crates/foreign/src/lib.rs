//! What other boot and DHCP servers wrote, read as ours: leases and reservations of dnsmasq, ISC
//! dhcpd and Kea, and what these, matchbox, Cobbler, pxelinux and FOG say of machines, of what they
//! boot and of networks.
//!
//! ```text
//! files ─ lines (bounded) ─┬─ dnsmasq ───────────────────┐
//!                          ├─ isc ─ lexer, time ─────────┤   book: the last word on each address,
//!                          ├─ kea ─ csv, json ───────────┼─▶ what was found ─ resolve ─▶ Parsed ─ write
//!                          ├─ matchbox, cobbler ─ json ──┤
//!                          └─ pxelinux, fog ─────────────┘
//! ```
//!
//! In: text of another server, by a reader, with its file's name, and the moment. Out: leases,
//! reservations, settings (as a document for `apply` and networks for the configuration file), and
//! everything that was left out, each with its file, its line and the reason.
//! Never: a file opened, a lease made up, a word dropped in silence, a panic.
#![forbid(unsafe_code)]

mod book;
mod boot;
mod cobbler;
mod dnsmasq;
mod expression;
mod fog;
mod found;
mod isc;
mod json;
mod kea;
mod lines;
mod matchbox;
mod pxelinux;
mod resolve;
mod text;
mod write;

pub use book::{At, Book, LeftOut, Parsed};
pub use found::{Image, Machine, Network, Profile, Rule};
pub use lines::{FILE_MAX, LINE_MAX};
pub use resolve::Settings;
pub use write::{Written, left_out};

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
    /// matchbox: `groups/*.json`, `profiles/*.json`.
    Matchbox,
    /// Cobbler: the JSON of its collections.
    Cobbler,
    /// PXELINUX and SYSLINUX: the files of `pxelinux.cfg`.
    Pxelinux,
    /// FOG: a dump of its database.
    Fog,
}

impl Book {
    /// Reads one file. What a later file says of an address outranks what an earlier one said.
    pub fn read(&mut self, server: Server, file: &str, from: &mut dyn BufRead) -> io::Result<()> {
        self.open(file);
        match server {
            Server::Dnsmasq => dnsmasq::read(self, from),
            Server::Isc => isc::read(self, from),
            Server::Kea => kea::read(self, from),
            Server::Matchbox => matchbox::read(self, from),
            Server::Cobbler => cobbler::read(self, from),
            Server::Pxelinux => pxelinux::read(self, file, from),
            Server::Fog => fog::read(self, from),
        }
    }
}
