//! The three servers, each with the same pool and an empty store on a real disk.
//!
//! In: which one, and where. Out: a running server, its process, its directory. Never: a setting
//! that slows one of them down: none logs each packet, none waits for a ping before it offers.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::rig::kea::{Kea, Serves};
use crate::rig::ns::{Link, Namespace, Pair};
use crate::rig::server::binary;
use crate::rig::{Log, Process, Trouble, io};

/// The servers' address, with its mask.
pub const SERVER: &str = "10.80.0.1/16";
/// The generator's address: only perfdhcp, which plays a relay, needs one.
pub const CLIENT: &str = "10.80.0.2/16";
/// `/tmp` may be memory; this is a disk.
pub const DISK: &str = "/var/tmp";
const SUBNET: &str = "10.80.0.0/16";
/// 60,000 addresses.
const FIRST: &str = "10.80.1.0";
const LAST: &str = "10.80.235.95";
const LEASE_S: u32 = 12 * 3600;
const START: Duration = Duration::from_secs(30);

/// A server that is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subject {
    /// bootwright, the release build beside this program.
    Ours,
    /// Kea with its memfile store.
    Kea,
    /// dnsmasq.
    Dnsmasq,
}

/// All of them, in the order of the tables.
pub const SUBJECTS: [Subject; 3] = [Subject::Ours, Subject::Kea, Subject::Dnsmasq];

impl Subject {
    /// Its name in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "bootwright",
            Self::Kea => "Kea",
            Self::Dnsmasq => "dnsmasq",
        }
    }
}

/// A pool in a subnet, as our configuration names it.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The subnet of the link.
    pub subnet: &'a str,
    /// First and last address.
    pub pool: (&'a str, &'a str),
    /// How long a lease lasts.
    pub lease: &'a str,
    /// Whether a new address is tried on the link before it is offered.
    pub probe: bool,
}

/// The plan of the comparison.
#[must_use]
pub fn plan(probe: bool) -> Plan<'static> {
    Plan { subnet: SUBNET, pool: (FIRST, LAST), lease: "12h", probe }
}

/// What stands in the network when new addresses are not to be tried on the link.
const PROBE_OFF: &str = "probe = \"off\"\n";

/// Our configuration: the one place where it is written.
#[must_use]
pub fn config(plan: Plan<'_>) -> String {
    let Plan { subnet, pool: (first, last), lease, probe } = plan;
    let probe = if probe { "" } else { PROBE_OFF };
    format!(
        "[[network]]\ninterface = \"{}\"\nmode = \"dhcp\"\nsubnet = \"{subnet}\"\n\
         pool = [\"{first}-{last}\"]\nlease = \"{lease}\"\n{probe}",
        Link::INTERFACE
    )
}

/// A running server. Fields end in this order: the server first, then its directory.
#[derive(Debug)]
pub struct Running {
    server: Server,
    directory: tempfile::TempDir,
}

#[derive(Debug)]
enum Server {
    Kea(Kea),
    Other(Process),
}

impl Running {
    /// Starts one with an empty store.
    ///
    /// # Errors
    /// When it does not start, with what it said.
    pub fn start(subject: Subject, pair: &Pair, probe: bool) -> Result<Self, Trouble> {
        let directory = new_directory()?;
        let (at, path) = (pair.server(), directory.path());
        let server = match subject {
            Subject::Ours => Server::Other(ours(&at, path, plan(probe))?),
            Subject::Kea => {
                let pool = format!("{FIRST} - {LAST}");
                let serves = Serves { subnet: SUBNET, pool: &pool, lease_s: LEASE_S };
                Server::Kea(Kea::start(&at, serves, path)?)
            }
            Subject::Dnsmasq => Server::Other(dnsmasq(&at, path, probe)?),
        };
        Ok(Self { server, directory })
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        match &self.server {
            Server::Kea(kea) => kea.id(),
            Server::Other(process) => process.id(),
        }
    }

    /// What it said.
    #[must_use]
    pub fn log(&self) -> &Log {
        match &self.server {
            Server::Kea(kea) => kea.log(),
            Server::Other(process) => process.log(),
        }
    }

    /// Where its leases are.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

/// A directory on a disk, removed when dropped.
///
/// # Errors
/// When it cannot be made.
pub fn new_directory() -> Result<tempfile::TempDir, Trouble> {
    tempfile::Builder::new()
        .prefix("bwbench-")
        .tempdir_in(DISK)
        .map_err(io(format!("making a directory in {DISK}")))
}

/// Starts our server with its configuration and state in `directory`, which may hold a state
/// already, and waits until it is ready.
///
/// # Errors
/// When it does not start, with what it said.
pub fn ours(at: &Namespace, directory: &Path, plan: Plan<'_>) -> Result<Process, Trouble> {
    ours_with(at, directory, &config(plan))
}

/// As [`ours`], without waiting.
///
/// # Errors
/// When it cannot be started at all.
pub fn ours_begun(at: &Namespace, directory: &Path, plan: Plan<'_>) -> Result<Process, Trouble> {
    begun(at, directory, &config(plan))
}

/// As [`ours`], with this configuration.
///
/// # Errors
/// When it does not start, with what it said.
pub fn ours_with(at: &Namespace, directory: &Path, config: &str) -> Result<Process, Trouble> {
    let mut process = begun(at, directory, config)?;
    process.wait_for_line("ready", START)?;
    Ok(process)
}

fn begun(at: &Namespace, directory: &Path, config: &str) -> Result<Process, Trouble> {
    let file: PathBuf = directory.join("bootwright.toml");
    fs::write(&file, config).map_err(io("writing our configuration"))?;
    let mut command = at.command(binary()?);
    command.args(["serve", "--quiet", "--config"]).arg(&file);
    command.arg("--state").arg(directory.join("state"));
    Process::start(command, directory.join("server.log"))
}

fn dnsmasq(at: &Namespace, directory: &Path, probe: bool) -> Result<Process, Trouble> {
    let mut command = at.command("dnsmasq");
    command
        .args(["--no-daemon", "--conf-file=/dev/null", "--user=root", "--port=0", "--quiet-dhcp"])
        .args(["--bind-interfaces", &format!("--interface={}", Link::INTERFACE)])
        .arg(format!("--dhcp-range={FIRST},{LAST},255.255.0.0,12h"))
        // Its default is 1,000 leases.
        .args(["--dhcp-lease-max=60000", "--dhcp-authoritative"])
        .arg(format!("--dhcp-leasefile={}", directory.join("leases").display()));
    if !probe {
        command.arg("--no-ping");
    }
    let mut process = Process::start(command, directory.join("dnsmasq.log"))?;
    process.wait_for("sockets bound exclusively", START)?;
    Ok(process)
}
