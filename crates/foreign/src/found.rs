//! What files say beside leases and reservations: which machines there are, what they boot, and the
//! networks. Everything is kept under the name that the other server uses; [`crate::resolve`] gives
//! it one that is good here.

use model::rule::Condition;
use model::{DhcpOption, HardwareAddress};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// A machine that files name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Machine {
    /// What it is called.
    pub name: Option<String>,
    /// What it boots.
    pub profile: Option<String>,
    /// What is known about it.
    pub labels: BTreeMap<String, String>,
    /// What a reader should know of it.
    pub notes: Vec<String>,
}

/// Files that are booted: here they are imported as an image.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Image {
    /// Path or URL of the kernel, or of what is started.
    pub kernel: String,
    /// Paths or URLs of the initrds.
    pub initrds: Vec<String>,
}

/// An image with arguments.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Profile {
    /// The image.
    pub image: String,
    /// Kernel arguments.
    pub args: String,
    /// What a reader should know of it.
    pub notes: Vec<String>,
}

/// Conditions that lead to a profile.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    /// All must hold; none means everybody.
    pub conditions: Vec<Condition>,
    /// What it leads to.
    pub profile: String,
}

/// A network that addresses are given on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Network {
    /// Its interface, where the files know it.
    pub interface: Option<String>,
    /// Beside another server: no addresses.
    pub proxy: bool,
    /// `10.77.0.0/24`.
    pub subnet: Option<String>,
    /// Whether the mask is a guess.
    pub guessed: bool,
    /// `10.77.0.100-10.77.0.199`.
    pub pools: Vec<String>,
    /// Its first router.
    pub router: Option<Ipv4Addr>,
    /// Its name servers.
    pub dns: Vec<Ipv4Addr>,
    /// Its domain.
    pub domain: Option<String>,
    /// Seconds of a lease; `u32::MAX` is for ever.
    pub lease_s: Option<u32>,
    /// Relays it is served through.
    pub relays: Vec<Ipv4Addr>,
    /// The word of the networks that share its link.
    pub shared: Option<String>,
    /// Other options.
    pub options: Vec<DhcpOption>,
}

impl Network {
    /// Takes an option in: a key of its own where it has one. `Err` says why it cannot be.
    pub fn option(&mut self, code: u8, items: &[&str]) -> Result<(), String> {
        let first = |items: &[&str]| items.first().and_then(|item| item.parse().ok());
        match code {
            1 | 28 => Ok(()),
            3 => {
                self.router = Some(first(items).ok_or("it names no router")?);
                match items.len() {
                    1 => Ok(()),
                    _ => Err("a network has one router here, the first".to_owned()),
                }
            }
            6 => {
                self.dns = items.iter().filter_map(|item| item.parse().ok()).collect();
                match self.dns.is_empty() {
                    false => Ok(()),
                    true => Err("it names no server".to_owned()),
                }
            }
            15 => {
                self.domain = Some(items.concat());
                Ok(())
            }
            51 => {
                self.lease_s =
                    Some(items.concat().parse().map_err(|_| "it is no number of seconds")?);
                Ok(())
            }
            code => {
                let option = model::option::value(code, items)?;
                self.options.retain(|old| old.code != code);
                self.options.push(option);
                Ok(())
            }
        }
    }

    /// Takes what the whole server is told where the network itself is told nothing.
    pub fn fill(&mut self, from: &Self) {
        self.router = self.router.or(from.router);
        self.lease_s = self.lease_s.or(from.lease_s);
        self.domain = self.domain.take().or_else(|| from.domain.clone());
        self.interface = self.interface.take().or_else(|| from.interface.clone());
        if self.dns.is_empty() {
            self.dns.clone_from(&from.dns);
        }
        for option in &from.options {
            if !self.options.iter().any(|own| own.code == option.code) {
                self.options.push(option.clone());
            }
        }
    }
}

/// Everything that was found, under the names of the other server.
#[derive(Debug, Default)]
pub struct Found {
    /// By their MACs.
    pub machines: BTreeMap<HardwareAddress, crate::At<Machine>>,
    /// By the name of the other server.
    pub images: BTreeMap<String, crate::At<Image>>,
    /// By the name of the other server.
    pub profiles: BTreeMap<String, crate::At<Profile>>,
    /// In the order of the files.
    pub rules: Vec<crate::At<Rule>>,
    /// In the order of the files.
    pub networks: Vec<crate::At<Network>>,
    /// Seconds that a boot menu waits.
    pub menu_wait_s: Option<u64>,
}
