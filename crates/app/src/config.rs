//! The configuration file: TOML, read as written ([`raw`]), then made into what is meant
//! ([`meaning`]). Every fault is found at once and shown where it stands ([`fault`]).
//!
//! In: the text of a file (or the flags of `serve`), and the interfaces of this host. Out:
//! [`Config`]. Never: a socket, or a change of anything.

pub mod edit;
pub mod fault;
pub mod flags;
mod meaning;
pub(crate) mod raw;
pub mod reader;
#[cfg(test)]
mod tests;

use crate::failure::Failure;
use crate::links::Link;
use engine::Settings;
use engine::names::Name;
use engine::names::publish::Algorithm;
use fault::Fault;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Where the file is when nobody says.
pub const DEFAULT_FILE: &str = "/etc/bootwright/bootwright.toml";
/// Where state is kept when nobody says.
pub const DEFAULT_STATE: &str = "/var/lib/bootwright";
/// A file larger than this is not a configuration.
const FILE_MAX: u64 = 1 << 20;

/// What a file means.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `server.state`.
    pub state: Option<PathBuf>,
    /// What the engine is told.
    pub settings: Settings,
    /// The certificate to serve HTTPS with; none is our own of `tls init`.
    pub given: Option<Given>,
    /// Where operators reach us, beside the Unix socket.
    pub admin: Admin,
    /// The UDP port for installers' logs; none takes none.
    pub syslog_port: Option<u16>,
    /// How names are answered; none answers none.
    pub dns: Option<serve::Dns>,
    /// DNS servers of others that are told of names.
    pub publish: Vec<PublishTo>,
    /// What machines may take.
    pub limits: serve::Limits,
    /// What is accepted but has no effect in this version: one line each.
    pub notes: Vec<String>,
}

/// A DNS server that is told of names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishTo {
    /// Where it is.
    pub server: SocketAddr,
    /// Zones of which it is the primary server.
    pub zones: Vec<Name>,
    /// What it calls the key.
    pub key: Name,
    /// How the key signs; without it, as its file says.
    pub algorithm: Option<Algorithm>,
    /// The file with its secret.
    pub secret_file: PathBuf,
    /// Seconds for which records may be remembered.
    pub ttl_s: u32,
}

/// The operators' TCP port, unless the configuration says otherwise.
pub const DEFAULT_ADMIN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7070);

/// Where operators reach us, beside the Unix socket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Admin {
    /// Address and port; none is off.
    pub listen: Option<SocketAddr>,
    /// Whether the configuration names it.
    pub asked: bool,
    /// Names that are ours, beside the address, `localhost` and the server's name.
    pub hosts: Vec<String>,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: Some(DEFAULT_ADMIN), asked: false, hosts: Vec::new() }
    }
}

/// A certificate that somebody else made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Given {
    /// PEM: the server's own first, then who signed it.
    pub certificate: PathBuf,
    /// PEM, without a password.
    pub key: PathBuf,
}

/// Reads a text. `Err` is every fault.
pub fn judge_text(text: &str, links: &[Link], host_name: &str) -> Result<Config, Vec<Fault>> {
    let faults = RefCell::new(Vec::new());
    let raw = raw::read(text, &faults);
    let config = meaning::mean(raw, links, host_name, &faults);
    let mut faults = faults.into_inner();
    if faults.is_empty() {
        return Ok(config);
    }
    faults.sort_by_key(|fault| fault.at.start);
    Err(faults)
}

/// Reads a text. `Err` is every fault, ready to be read.
pub fn read_text(
    file: &str,
    text: &str,
    links: &[Link],
    host_name: &str,
) -> Result<Config, String> {
    let faults = match judge_text(text, links, host_name) {
        Ok(config) => return Ok(config),
        Err(faults) => faults,
    };
    let count = match faults.len() {
        1 => "1 fault".to_owned(),
        many => format!("{many} faults"),
    };
    Err(format!("{file} has {count}\n\n{}", fault::show_all(&faults, file, text)))
}

/// Reads a file as on a host with these interfaces, which may depend on the networks it names.
pub fn read_file_on(
    path: &Path,
    links: impl FnOnce(&raw::Raw) -> Vec<Link>,
) -> Result<Config, Failure> {
    let (file, text) = (path.display().to_string(), text_of(path)?);
    // Its faults are noted when it is read for good.
    let named = raw::read(&text, &RefCell::default());
    read_text(&file, &text, &links(&named), &host_name()).map_err(Failure::failed)
}

/// Reads a file on this host.
pub fn read_file(path: &Path) -> Result<Config, Failure> {
    let (file, text) = (path.display().to_string(), text_of(path)?);
    let links = crate::links::all().map_err(Failure::failed)?;
    read_text(&file, &text, &links, &host_name()).map_err(Failure::failed)
}

fn text_of(path: &Path) -> Result<String, Failure> {
    let file = path.display().to_string();
    let cannot = |e: std::io::Error| {
        Failure::failed(format!("cannot read {file}: {e}")).hint(
            "name another file with --config FILE, or serve without one: bootwright serve \
             --interface IF",
        )
    };
    let size = std::fs::metadata(path).map_err(cannot)?.len();
    if size > FILE_MAX {
        return Err(Failure::failed(format!("{file} has {size} bytes: that is no configuration")));
    }
    std::fs::read_to_string(path).map_err(cannot)
}

/// This host's name without its domain, for machines' screens.
pub fn host_name() -> String {
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let short = name.as_deref().and_then(|name| name.split('.').next()).unwrap_or_default();
    let good = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let kept: String = short.chars().filter(good).take(63).collect();
    if kept.is_empty() { "bootwright".to_owned() } else { kept }
}
