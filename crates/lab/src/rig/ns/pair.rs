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
