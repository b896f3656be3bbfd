//! One `[[network]]` as it is written.
//!
//! In: its table. Out: [`RawNetwork`], and a fault for every key or value that is none. Never: two
//! keys compared, or the host looked at.

use super::super::fault::Fault;
use super::super::reader::{At, Section};
use super::{names, options, rate};
use model::DhcpOption;
use model::network::{HttpBoot, ListenAs, Mode, Option82, Pool, PxeReply, Route, Subnet};
use model::time::parse_duration;
use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::Duration;

/// A shorter lease than this cannot be renewed in time by anybody.
const LEASE_MIN_LEAST: Duration = Duration::from_secs(60);
/// Firmware waits four seconds for an offer, and a batch of probes must fit in.
const PROBE_MS_MAX: u64 = 500;

/// One `[[network]]`.
#[derive(Debug)]
pub struct RawNetwork {
    /// Where the table stands.
    pub at: Range<usize>,
    /// `interface`
    pub interface: Option<At<String>>,
    /// `mode`
    pub mode: Option<At<Mode>>,
    /// `subnet`
    pub subnet: Option<At<Subnet>>,
    /// `pool`
    pub pools: Option<At<Vec<At<Pool>>>>,
    /// `router`
    pub router: Option<At<Ipv4Addr>>,
    /// `dns`
    pub dns: Option<At<Vec<At<Ipv4Addr>>>>,
    /// `domain`
    pub domain: Option<At<String>>,
    /// `lease`; `None` inside is `infinite`.
    pub lease: Option<At<Option<Duration>>>,
    /// `relays`
    pub relays: Option<At<Vec<At<Ipv4Addr>>>>,
    /// `authoritative`
    pub authoritative: Option<At<bool>>,
    /// `pxe_reply`
    pub pxe_reply: Option<At<PxeReply>>,
    /// `shared`
    pub shared: Option<At<String>>,
    /// `lease_min`
    pub lease_min: Option<At<Duration>>,
    /// `rapid_commit`
    pub rapid_commit: Option<At<bool>>,
    /// `probe`; `None` inside is `off`.
    pub probe: Option<At<Option<Duration>>>,
    /// `option_82`
    pub option_82: Option<At<Option82>>,
    /// `routes`
    pub routes: Option<At<Vec<At<Route>>>>,
    /// `[network.options]`
    pub options: Option<At<Vec<At<DhcpOption>>>>,
    /// `http_boot`
    pub http_boot: Option<At<HttpBoot>>,
    /// `rate`
    pub rate: Option<At<u64>>,
    /// `others`
    pub others: Option<At<Vec<At<Ipv4Addr>>>>,
    /// `listen_as`
    pub listen_as: Option<At<ListenAs>>,
}

pub(super) fn network(mut section: Section<'_>) -> RawNetwork {
    let at = section.at.clone();
    let read = RawNetwork {
        at,
        interface: section.text("interface"),
        mode: section.named("mode", &names(Mode::ALL, Mode::name)),
        subnet: section.meant("subnet", str::parse),
        pools: section.list("pool", str::parse),
        router: section.meant("router", address),
        dns: section.list("dns", address),
        domain: section.meant("domain", domain),
        lease: section.meant("lease", parse_duration),
        relays: section.list("relays", address),
        authoritative: section.flag("authoritative"),
        pxe_reply: section.meant("pxe_reply", |text| match text {
            "full" => Ok(PxeReply::Full),
            "plain" => Ok(PxeReply::Plain),
            _ => Err("`pxe_reply` is \"full\" or \"plain\"".to_owned()),
        }),
        shared: section.meant("shared", shared),
        lease_min: section.meant("lease_min", lease_min),
        rapid_commit: section.flag("rapid_commit"),
        probe: section.meant("probe", probe),
        option_82: section.named("option_82", &names(Option82::ALL, Option82::name)),
        routes: section.list("routes", str::parse),
        options: section.section("options").map(options::read),
        http_boot: section.named("http_boot", &names(HttpBoot::ALL, HttpBoot::name)),
        rate: section.meant("rate", rate::parse),
        others: section.list("others", address),
        listen_as: section.named("listen_as", &names(ListenAs::ALL, ListenAs::name)),
    };
    if let Some(at) = section.place("advertise") {
        let fault = Fault::new(at, "`advertise` is for IPv6 networks");
        section.fault(fault.hint("an IPv6 network has a `subnet` like fd77::/64"));
    }
    section.finish();
    read
}

/// A word that is compared, and shown.
fn shared(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    match !text.is_empty() && text.len() <= 63 && text.chars().all(good) {
        true => Ok(text.to_owned()),
        false => Err("`shared` takes up to 63 letters, digits, `-`, `.` and `_`".to_owned()),
    }
}

fn lease_min(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Some(time) if time >= LEASE_MIN_LEAST => Ok(time),
        Some(_) => Err("`lease_min` is a minute at least: a boot has to end within it".to_owned()),
        None => Err("`lease_min` is the shortest lease: write a time like \"10m\"".to_owned()),
    }
}

/// `30ms`, or `off`; a probe is the only thing here that is shorter than a second.
fn probe(text: &str) -> Result<Option<Duration>, String> {
    if text == "off" {
        return Ok(None);
    }
    let digits = text.strip_suffix("ms").map(str::trim_end);
    let time: Option<u64> = digits.and_then(|digits| digits.parse().ok());
    match time {
        Some(1..=PROBE_MS_MAX) => time.map(|ms| Ok(Duration::from_millis(ms))).transpose(),
        Some(0) => Err("a probe that waits 0 ms hears nobody: write \"off\"".to_owned()),
        _ => Err(format!(
            "`probe` is a time from 1ms to {PROBE_MS_MAX}ms, like \"30ms\", or \"off\": firmware \
             waits for the offer meanwhile"
        )),
    }
}

fn address(text: &str) -> Result<Ipv4Addr, String> {
    text.parse().map_err(|_| {
        if text.parse::<std::net::Ipv6Addr>().is_ok() {
            format!("`{text}` is an IPv6 address: it belongs in a [[network]] with an IPv6 subnet")
        } else {
            format!(
                "`{}` is no address: write it like 10.77.0.1",
                model::text::show(text.as_bytes())
            )
        }
    })
}

/// RFC 1035, 2.3.1, as hosts are named today (RFC 1123, 2.1).
pub(super) fn domain(text: &str) -> Result<String, String> {
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let trimmed = text.strip_suffix('.').unwrap_or(text);
    match trimmed.len() <= 253 && trimmed.split('.').all(label) {
        true => Ok(trimmed.to_owned()),
        false => Err(format!("`{}` is no domain name", model::text::show(text.as_bytes()))),
    }
}
