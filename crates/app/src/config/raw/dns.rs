//! `[dns]` as it is written.

use super::super::reader::{At, Section};
use engine::names::Name;
use engine::names::publish::Algorithm;
use std::net::{IpAddr, SocketAddr};

/// The port that is asked where none is named.
const PORT: u16 = 53;
/// A limit above this limits nobody.
const RATE_MAX: u64 = 10_000_000;
/// Shorter, and everybody asks again for each file; longer, and a machine that moved is not found.
const TTL_LEAST: u64 = 10;
const TTL_MAX: u64 = 86_400;

/// `[dns]`.
#[derive(Debug)]
pub struct RawDns {
    /// `listen`
    pub listen: Option<At<bool>>,
    /// `interfaces`
    pub interfaces: Option<At<Vec<At<String>>>>,
    /// `upstream`
    pub upstream: Option<At<Vec<At<SocketAddr>>>>,
    /// `[[dns.split]]`
    pub split: Vec<RawSplit>,
    /// `[[dns.publish]]`
    pub publish: Vec<RawPublish>,
    /// `private`
    pub private: Option<At<Vec<At<Name>>>>,
    /// `rate`
    pub rate: Option<At<u64>>,
}

/// `[[dns.split]]`: who knows the names below a domain.
#[derive(Debug)]
pub struct RawSplit {
    /// Where the table stands.
    pub at: std::ops::Range<usize>,
    /// `domain`
    pub domain: Option<At<Name>>,
    /// `upstream`
    pub upstream: Option<At<Vec<At<SocketAddr>>>>,
}

/// `[[dns.publish]]`: a server that is told of names.
#[derive(Debug)]
pub struct RawPublish {
    /// Where the table stands.
    pub at: std::ops::Range<usize>,
    /// `server`
    pub server: Option<At<SocketAddr>>,
    /// `zones`
    pub zones: Option<At<Vec<At<Name>>>>,
    /// `key`
    pub key: Option<At<Name>>,
    /// `algorithm`
    pub algorithm: Option<At<Algorithm>>,
    /// `secret_file`
    pub secret_file: Option<At<String>>,
    /// `ttl`
    pub ttl: Option<At<u64>>,
    /// Keys that have to be there and are not.
    pub missing: Vec<&'static str>,
}

pub(super) fn read(mut section: Section<'_>) -> RawDns {
    let read = RawDns {
        listen: section.flag("listen"),
        interfaces: section.list("interfaces", |text| Ok(text.to_owned())),
        upstream: section.list("upstream", server),
        split: section.sections("split").into_iter().map(split).collect(),
        publish: section.sections("publish").into_iter().map(publish).collect(),
        private: section.list("private", domain),
        rate: section.number("rate", 1..=RATE_MAX),
    };
    section.finish();
    read
}

fn split(mut section: Section<'_>) -> RawSplit {
    let at = section.at.clone();
    let read = RawSplit {
        at,
        domain: section.meant("domain", domain),
        upstream: section.list("upstream", server),
    };
    section.finish();
    read
}

fn publish(mut section: Section<'_>) -> RawPublish {
    let at = section.at.clone();
    let needed = ["server", "zones", "key", "secret_file"];
    let missing = needed.into_iter().filter(|key| !section.has(key)).collect();
    let read = RawPublish {
        at,
        server: section.meant("server", server),
        zones: section.list("zones", domain),
        key: section.meant("key", domain),
        algorithm: section.named("algorithm", &Algorithm::NAMES),
        secret_file: section.text("secret_file"),
        ttl: section.number("ttl", TTL_LEAST..=TTL_MAX),
        missing,
    };
    section.finish();
    read
}

/// `9.9.9.9`, `9.9.9.9:5353`, `2620:fe::fe`, `[2620:fe::fe]:53`.
fn server(text: &str) -> Result<SocketAddr, String> {
    let alone = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, PORT));
    let read = alone.or_else(|_| text.parse::<SocketAddr>());
    read.ok().filter(|at| at.port() > 0).ok_or_else(|| {
        let shown = model::text::show(text.as_bytes());
        format!("`{shown}` is no DNS server: write its address, like 9.9.9.9")
    })
}

fn domain(text: &str) -> Result<Name, String> {
    let whole = text.strip_suffix('.').unwrap_or(text);
    Name::parse(whole)
        .filter(|_| !whole.is_empty())
        .ok_or_else(|| format!("`{}` is no domain name", model::text::show(text.as_bytes())))
}
