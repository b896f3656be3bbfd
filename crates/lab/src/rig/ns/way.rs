//! A way with a gap in the middle: what one end sends reaches the other only if somebody carries it
//! over.
//!
//! In: nothing. Out: two namespaces and one between them, with an interface to each,
//! removed when dropped. Never: ARP, or a card's work left to nobody: neighbours are fixed, and each
//! frame is one packet.

use std::process::{Child, id};
use std::sync::atomic::Ordering;

use super::{Link, MADE, Namespace, PREFIX, SWEPT, ip, janitor, sweep};
use crate::rig::Trouble;

/// Two cables that end beside each other.
#[derive(Debug)]
pub struct Way {
    name: String,
    janitor: Child,
}

/// Addresses of the ends on the link.
const SERVER_MAC: &str = "02:00:00:00:00:01";
const CLIENT_MAC: &str = "02:00:00:00:00:02";

impl Way {
    /// The interface between, towards the server.
    pub const TO_SERVER: &str = "server";
    /// The interface between, towards the client.
    pub const TO_CLIENT: &str = "client";

    /// The server's address, and its subnet.
    pub const SERVER: &str = "10.80.0.1";
    /// The client's address. Others of [`Way::CLIENTS`] are behind it.
    pub const CLIENT: &str = "10.80.0.2";
    /// Where clients may have addresses of their own.
    pub const CLIENTS: &str = "10.80.2.0/24";

    /// Makes it.
    ///
    /// # Errors
    /// When `ip` is missing or not allowed to.
    pub fn new() -> Result<Self, Trouble> {
        SWEPT.call_once(sweep);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}-{}-{number}", id());
        let janitor = janitor(&name)?;
        let way = Self { name, janitor };
        let (between, interface) = (way.between(), Link::INTERFACE);
        for end in [&between, &way.server(), &way.client()] {
            end.make()?;
        }
        let ends = [
            (way.server(), Self::TO_SERVER, (Self::SERVER, SERVER_MAC), (Self::CLIENT, CLIENT_MAC)),
            (way.client(), Self::TO_CLIENT, (Self::CLIENT, CLIENT_MAC), (Self::SERVER, SERVER_MAC)),
        ];
        for (end, port, own, other) in ends {
            ip(&[
                "-n", &between.0, "link", "add", port, "type", "veth", "peer", "name", interface,
                "address", own.1, "netns", &end.0,
            ])?;
            ip(&["-n", &between.0, "link", "set", port, "addrgenmode", "none", "up"])?;
            // A frame of many packets would be seen as one that is too long.
            ip(&["-n", &end.0, "link", "set", interface, "gso_max_segs", "1"])?;
            ip(&["-n", &end.0, "link", "set", interface, "addrgenmode", "none", "up"])?;
            end.address(&format!("{}/16", own.0))?;
            ip(&["-n", &end.0, "neigh", "add", other.0, "lladdr", other.1, "dev", interface])?;
        }
        let server = way.server();
        let behind = [Self::CLIENTS, "via", Self::CLIENT, "dev", interface];
        ip(&[&["-n", &server.0, "route", "add"], &behind[..]].concat())?;
        Ok(way)
    }

    /// Where the server runs.
    #[must_use]
    pub fn server(&self) -> Namespace {
        Namespace(format!("{}-server", self.name))
    }

    /// Where the clients are.
    #[must_use]
    pub fn client(&self) -> Namespace {
        Namespace(format!("{}-client", self.name))
    }

    /// Where frames are carried over.
    #[must_use]
    pub fn between(&self) -> Namespace {
        Namespace(format!("{}-between", self.name))
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        drop(self.janitor.stdin.take());
        if let Err(cause) = self.janitor.wait() {
            eprintln!("the namespaces of {} may stay behind: {cause}", self.name);
        }
    }
}
