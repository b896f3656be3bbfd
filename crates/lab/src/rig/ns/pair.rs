//! A cable of our own: a server's namespace and a client's, and nothing between them.
//!
//! In: the address of each end. Out: two namespaces, removed when dropped. Never: a bridge, which
//! would be measured along; an interface of this host.

use std::process::{Child, id};
use std::sync::atomic::Ordering;

use super::{Link, MADE, Namespace, PREFIX, SWEPT, ip, janitor, sweep};
use crate::rig::Trouble;

/// A veth pair with a namespace at each end; the interface is [`Link::INTERFACE`] in both.
#[derive(Debug)]
pub struct Pair {
    name: String,
    janitor: Child,
}

impl Pair {
    /// The client's link-local address.
    pub const CLIENT_LINK_LOCAL: &str = "fe80::2";

    /// Makes the pair; each end with its address, `10.80.0.1/16`.
    ///
    /// # Errors
    /// When `ip` is missing or not allowed to.
    pub fn new(server: &str, client: &str) -> Result<Self, Trouble> {
        SWEPT.call_once(sweep);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}-{}-{number}", id());
        let janitor = janitor(&name)?;
        let pair = Self { name, janitor };
        let (one, other, interface) = (pair.server(), pair.client(), Link::INTERFACE);
        one.make()?;
        other.make()?;
        ip(&[
            "-n", &one.0, "link", "add", interface, "type", "veth", "peer", "name", interface,
            "netns", &other.0,
        ])?;
        for (end, address) in [(&one, server), (&other, client)] {
            // No router solicitations and no address detection: they are nobody's load.
            ip(&["-n", &end.0, "link", "set", interface, "addrgenmode", "none"])?;
            ip(&["-n", &end.0, "link", "set", interface, "promisc", "on", "up"])?;
            end.address(address)?;
        }
        Ok(pair)
    }

    /// Each end has an IPv6 address, too (`fd80::1/64`), and a link-local one that says nothing of its card.
    ///
    /// # Errors
    /// When `ip` refuses.
    pub fn with_ipv6(&self, server: &str, client: &str) -> Result<(), Trouble> {
        let ends =
            [(self.server(), server, "fe80::1"), (self.client(), client, Self::CLIENT_LINK_LOCAL)];
        for (end, address, link_local) in ends {
            ip(&["-n", &end.0, "addr", "add", address, "dev", Link::INTERFACE, "nodad"])?;
            end.link_local(link_local)?;
        }
        Ok(())
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
}

impl Drop for Pair {
    fn drop(&mut self) {
        drop(self.janitor.stdin.take());
        if let Err(cause) = self.janitor.wait() {
            eprintln!("the namespaces of {} may stay behind: {cause}", self.name);
        }
    }
}
