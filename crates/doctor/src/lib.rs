//! What would keep machines from booting, and what mends it.
//!
//! ```text
//! Facts ─┬─ host      rights, state directory, disk, clock
//!        ├─ link      interfaces, bridges, reverse paths, subnets that overlap
//!        ├─ ports     who has the ports that machines ask
//!        ├─ firewall  rules of this host in their way          ─▶ Findings
//!        ├─ others    DHCP, proxyDHCP and TFTP servers of a link
//!        ├─ others_6  routers and DHCPv6 servers of a link
//!        ├─ publish   DNS servers that are told of names
//!        └─ stock     configuration, certificates, bootloaders, images, profiles, rules
//! ```
//!
//! [`switch`] makes a switch's configuration of the same facts; [`screen`] knows what firmware and
//! loaders write on a machine's screen.
//!
//! In: [`Facts`], as somebody saw them. Out: [`Finding`]s, each with a [`Code`] that stays, why it
//! matters and the command that mends it. Never: looking by itself, nor mending anything.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod code;
mod finding;
pub mod firewall;
pub mod host;
pub mod link;
pub mod others;
pub mod others_6;
pub mod ports;
pub mod publish;
pub mod screen;
pub mod stock;
pub mod switch;

pub use code::Code;
pub use finding::{Finding, Grade, bad_in_words};

use firewall::Firewall;

/// All that was looked at. What nobody could look at is left out, or says why.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// A server runs: its process and since when.
    pub server: Option<(u32, String)>,
    /// The configuration.
    pub configuration: stock::Configuration,
    /// This host.
    pub host: host::Host,
    /// The interfaces that are served, or are to be.
    pub links: Vec<link::Link>,
    /// Every other interface that is up, with its addresses.
    pub neighbours: Vec<link::Neighbour>,
    /// The ports that machines ask.
    pub ports: Vec<ports::Port>,
    /// DNS servers of others that are told of names.
    pub publish: Vec<publish::Server>,
    /// The packet filter of this host.
    pub firewall: Firewall,
    /// Who else speaks IPv4 to machines, for each link.
    pub others: Vec<others::Heard>,
    /// Who speaks IPv6 to machines, for each link.
    pub others_6: Vec<others_6::Heard>,
    /// Certificates for HTTPS.
    pub certificates: stock::Certificates,
    /// Bootloaders.
    pub loaders: Vec<stock::Loader>,
    /// What the running server has to be sent; none where none runs.
    pub library: Option<stock::Library>,
}

/// What follows from all of it, in the order in which it would be mended.
#[must_use]
pub fn examine(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![stock::server(facts.server.as_ref())];
    findings.extend(stock::configuration(&facts.configuration, facts.server.is_some()));
    findings.extend(host::judge(&facts.host, facts.server.is_some()));
    findings.extend(link::judge(&facts.links, &facts.neighbours));
    findings.extend(facts.others.iter().flat_map(others::judge));
    findings.extend(facts.others_6.iter().flat_map(others_6::judge));
    findings.extend(publish::judge(&facts.publish, facts.server.is_some()));
    findings.extend(facts.ports.iter().map(ports::judge));
    findings.extend(firewall::judge(&facts.firewall, &facts.links, &facts.ports));
    findings.extend(stock::certificates(&facts.certificates));
    findings.extend(stock::loaders(&facts.loaders));
    findings.extend(stock::library(facts.library.as_ref()));
    findings
}
