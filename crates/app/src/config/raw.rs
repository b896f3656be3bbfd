//! The configuration file as it is written: every key with its place, nothing compared yet.
//!
//! In: the text. Out: [`Raw`], and a [`Fault`] for everything that is no key or no value. Never:
//! a look at the host, or at two keys together; that is [`super::meaning`].

mod dns;
mod limits;
mod network;
mod network6;
mod options;
mod rate;
pub(crate) mod settings;

pub use dns::{RawDns, RawPublish};
pub use limits::RawLimits;
pub use network::RawNetwork;
pub use network6::RawNetwork6;

use super::fault::Fault;
use super::reader::{At, Faults, Section};
use engine::state::Unknown;
use model::time::parse_duration;
use std::time::Duration;
use toml::de::DeTable;

/// Everything a file can say.
#[derive(Debug, Default)]
pub struct Raw {
    /// `server.name`
    pub server_name: Option<At<String>>,
    /// `server.state`
    pub state: Option<At<String>>,
    /// `[[network]]`
    pub networks: Vec<RawNetwork>,
    /// `[[network]]` with a subnet of IPv6
    pub networks6: Vec<RawNetwork6>,
    /// `boot.unknown`
    pub unknown: Option<At<Unknown>>,
    /// `boot.approved`
    pub approved: Option<At<Unknown>>,
    /// `boot.ask`
    pub ask: Option<At<String>>,
    /// `boot.menu_wait`; `None` inside is `infinite`.
    pub menu_wait: Option<At<Option<Duration>>>,
    /// `http.port`
    pub http_port: Option<At<u16>>,
    /// `http.tls_port`
    pub tls_port: Option<At<u16>>,
    /// `http.certificate`
    pub certificate: Option<At<String>>,
    /// `http.key`
    pub key: Option<At<String>>,
    /// `syslog.port`; `None` inside is `[syslog]` without one.
    pub syslog: Option<Option<At<u16>>>,
    /// `[dns]`
    pub dns: Option<RawDns>,
    /// `[tftp]`, `[limits]`, and those of `[http]`
    pub limits: RawLimits,
    /// `leases.history`; `None` inside is `infinite`.
    pub lease_history: Option<At<Option<Duration>>>,
    /// `[settings]`
    pub settings: Option<model::setting::Layer>,
    /// `admin.listen`
    pub admin_listen: Option<At<Listen>>,
    /// `admin.hosts`
    pub admin_hosts: Option<At<Vec<At<String>>>>,
}

/// Reads the text; whatever is wrong is noted in `faults`.
pub fn read(text: &str, faults: &Faults) -> Raw {
    let (document, wrong) = DeTable::parse_recoverable(text);
    for error in &wrong {
        let at = error.span().unwrap_or(0..0);
        faults.borrow_mut().push(Fault::new(at, format!("this is no TOML: {}", error.message())));
    }
    let mut top = Section::new("", document.span(), document.get_ref(), faults);
    let mut raw = Raw::default();

    if let Some(mut server) = top.section("server") {
        raw.server_name = server.meant("name", shown_name);
        raw.state = server.meant("state", absolute);
        server.finish();
    }
    for section in top.sections("network") {
        match network6::is_meant(&section) {
            true => raw.networks6.push(network6::network6(section)),
            false => raw.networks.push(network::network(section)),
        }
    }
    if let Some(mut boot) = top.section("boot") {
        raw.unknown = unknown(&mut boot, "unknown");
        raw.approved = unknown(&mut boot, "approved");
        raw.ask = boot.meant("ask", server_to_ask);
        raw.menu_wait = boot.meant("menu_wait", menu_wait);
        boot.finish();
    }
    if let Some(mut leases) = top.section("leases") {
        raw.lease_history = leases.meant("history", parse_duration);
        leases.finish();
    }
    if let Some(mut http) = top.section("http") {
        raw.http_port = http.port("port");
        raw.tls_port = http.port("tls_port");
        raw.certificate = http.meant("certificate", |text| file("certificate", text));
        raw.key = http.meant("key", |text| file("key", text));
        limits::http(&mut http, &mut raw.limits);
        http.finish();
    }
    if let Some(tftp) = top.section("tftp") {
        limits::tftp(tftp, &mut raw.limits);
    }
    if let Some(all) = top.section("limits") {
        limits::rates(all, &mut raw.limits);
    }
    raw.settings = top.section("settings").map(|section| settings::read(&section));
    raw.dns = top.section("dns").map(dns::read);
    if let Some(mut syslog) = top.section("syslog") {
        raw.syslog = Some(syslog.port("port"));
        syslog.finish();
    }
    if let Some(mut admin) = top.section("admin") {
        raw.admin_listen = admin.meant("listen", listen);
        raw.admin_hosts = admin.list("hosts", shown_host);
        admin.finish();
    }
    top.finish();
    raw
}

/// The base of an API. It stands in URLs that machines fetch from, and in their scripts.
fn server_to_ask(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/[]".contains(&b));
    match !host.is_empty() && plain {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => {
            Err("`ask` is a URL such as http://10.0.0.5:8080, below which is /v1/boot/MAC"
                .to_owned())
        }
    }
}

fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|value| name(*value)).collect()
}

fn unknown(section: &mut Section<'_>, key: &'static str) -> Option<At<Unknown>> {
    use Unknown::{LocalDisk, Menu, Pending, Silent};
    let all = [Menu, Pending, LocalDisk, Silent];
    let read: Option<At<Named>> = section.named(key, &names(&all, Unknown::name));
    read.map(|found| At { value: found.value.0, at: found.at })
}

/// [`Unknown`] by its name.
struct Named(Unknown);

impl std::str::FromStr for Named {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        use Unknown::{LocalDisk, Menu, Pending, Silent};
        [Menu, Pending, LocalDisk, Silent]
            .into_iter()
            .find(|value| value.name() == text)
            .map(Self)
            .ok_or(())
    }
}

fn absolute(text: &str) -> Result<String, String> {
    match text.starts_with('/') {
        true => Ok(text.to_owned()),
        false => {
            Err("`state` is a directory, written from the root: /var/lib/bootwright".to_owned())
        }
    }
}

fn file(key: &str, text: &str) -> Result<String, String> {
    match text.starts_with('/') {
        true => Ok(text.to_owned()),
        false => {
            Err(format!("`{key}` is a file, written from the root: /etc/bootwright/{key}.pem"))
        }
    }
}

/// A name that is shown on machines' screens and in scripts.
fn shown_name(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    match !text.is_empty() && text.len() <= 63 && text.chars().all(good) {
        true => Ok(text.to_owned()),
        false => Err("`name` takes up to 63 letters, digits, `-`, `.` and `_`".to_owned()),
    }
}

fn menu_wait(text: &str) -> Result<Option<Duration>, String> {
    match parse_duration(text)? {
        Some(wait) if wait.is_zero() => {
            Err("a menu that waits 0 s could not be read: write at least \"1s\", or \"infinite\""
                .to_owned())
        }
        Some(wait) if wait > Duration::from_secs(86_400) => {
            Err("a menu waits a day at most, or \"infinite\"".to_owned())
        }
        wait => Ok(wait),
    }
}

/// `admin.listen`: none is `off`.
pub type Listen = Option<std::net::SocketAddr>;

fn listen(text: &str) -> Result<Listen, String> {
    match text.parse::<std::net::SocketAddr>() {
        Ok(at) if at.port() > 0 => Ok(Some(at)),
        _ if text == "off" => Ok(None),
        _ => Err("`listen` is an address and a port, or off: 127.0.0.1:7070".to_owned()),
    }
}

/// A name by which browsers reach the operators' port.
fn shown_host(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    match !text.is_empty() && text.len() <= 253 && text.chars().all(good) {
        true => Ok(text.to_owned()),
        false => Err("`hosts` takes names without a port: boot.lab.example".to_owned()),
    }
}
