//! The servers, each on an account of its own, each with the same files.
//!
//! In: which one, where, the files. Out: a running server and what it costs. Never: a setting that
//! slows one of them down: none logs a request, none asks a name server.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::SERVER_ADDRESS;
use super::shelf::Shelf;
use crate::bench_dhcp::subject::{self, Plan};
use crate::rig::account::Account;
use crate::rig::ns::{Link, Namespace, Pair};
use crate::rig::process::run;
use crate::rig::server::binary;
use crate::rig::{Process, Trouble, io};

const START: Duration = Duration::from_secs(30);
const TFTP: u16 = 69;
const HTTP: u16 = 80;
const HTTPS: u16 = 443;
/// Where `./x` unpacked atftpd, which as a package would put tftpd-hpa out.
const ATFTPD: &str = "BOOTWRIGHT_ATFTPD";
/// What peers offer to machines that boot.
pub const BOOT_FILE: &str = "boot.efi";
/// The subnet of the cable, and what is leased in it.
pub const PLAN: Plan<'static> = Plan {
    subnet: "10.80.0.0/16",
    pool: ("10.80.32.0", "10.80.63.255"),
    lease: "12h",
    probe: false,
};

/// Begins what a configuration says of HTTP; what follows is of TFTP as well.
const HTTP_SECTION: &str = "\n[http]\n";
const MORE: &str = "connections_max = 10000\n\n[tftp]\ntransfers_max = 10000\n";

/// A server that is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subject {
    /// bootwright, the release build beside this program.
    Ours,
    /// dnsmasq, TFTP only.
    Dnsmasq,
    /// dnsmasq, DHCP and TFTP, with [`BOOT_FILE`] for everybody.
    DnsmasqBoots,
    /// tftpd-hpa's in.tftpd.
    Hpa,
    /// atftpd.
    Atftpd,
    /// nginx.
    Nginx,
}

impl Subject {
    /// Its name in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "bootwright",
            Self::Dnsmasq | Self::DnsmasqBoots => "dnsmasq",
            Self::Hpa => "tftpd-hpa",
            Self::Atftpd => "atftpd",
            Self::Nginx => "nginx",
        }
    }

    /// What it calls a file of the shelf.
    #[must_use]
    pub fn path(self, name: &str) -> String {
        match self {
            Self::Ours => Shelf::ours(name),
            _ => name.to_owned(),
        }
    }
}

/// A certificate with its key, for those who serve HTTPS.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// PEM.
    pub certificate: PathBuf,
    /// PEM.
    pub key: PathBuf,
}

/// A running server. Fields end in this order: the server, its account, its directory.
#[derive(Debug)]
pub struct Running {
    process: Process,
    account: Account,
    directory: tempfile::TempDir,
}

impl Running {
    /// Starts one in the server's namespace, and waits until it listens.
    ///
    /// # Errors
    /// When it does not start, with what it said.
    pub fn start(
        subject: Subject,
        pair: &Pair,
        shelf: &Shelf,
        tls: Option<&Certificate>,
    ) -> Result<Self, Trouble> {
        let account = Account::new()?;
        let directory = subject::new_directory()?;
        let place = Place { at: pair.server(), account: &account, directory: directory.path() };
        let mut process = match subject {
            Subject::Ours => ours(&place, &shelf.state(), &raised(pair, &settings(tls))?)?,
            Subject::Dnsmasq => place.start(dnsmasq(&place, &shelf.root()))?,
            Subject::DnsmasqBoots => place.start(dnsmasq_boots(&place, &shelf.root()))?,
            Subject::Hpa => hpa(&place, &shelf.root())?,
            Subject::Atftpd => atftpd(&place, &shelf.root())?,
            Subject::Nginx => nginx(&place, &shelf.root(), tls)?,
        };
        let sockets = match (subject, tls) {
            // It says when it is ready.
            (Subject::Ours, _) => None,
            (Subject::Nginx, None) => Some(("tcp", HTTP)),
            (Subject::Nginx, Some(_)) => Some(("tcp", HTTPS)),
            _ => Some(("udp", TFTP)),
        };
        if let Some((protocol, port)) = sockets {
            listens(&mut process, protocol, port)?;
        }
        Ok(Self { process, account, directory })
    }

    /// What it costs.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// What it said last.
    #[must_use]
    pub fn said(&self) -> String {
        self.process.log().tail()
    }

    /// Its own files.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

/// Where and on whose account a server runs.
struct Place<'a> {
    at: Namespace,
    account: &'a Account,
    directory: &'a Path,
}

impl Place<'_> {
    fn command(&self, program: impl AsRef<Path>) -> Command {
        self.account.command(&self.at, program)
    }

    fn file(&self, name: &str, text: &str) -> Result<PathBuf, Trouble> {
        let path = self.directory.join(name);
        fs::write(&path, text).map_err(io(format!("writing {}", path.display())))?;
        Ok(path)
    }

    fn start(&self, command: Command) -> Result<Process, Trouble> {
        Process::start(command, self.directory.join("server.log"))
    }
}

fn settings(tls: Option<&Certificate>) -> String {
    let mut text = subject::config(PLAN);
    if let Some(Certificate { certificate, key }) = tls {
        text.push_str(&format!(
            "{HTTP_SECTION}tls_port = {HTTPS}\ncertificate = \"{}\"\nkey = \"{}\"\n",
            certificate.display(),
            key.display()
        ));
    }
    text
}

fn ours(place: &Place<'_>, state: &Path, settings: &str) -> Result<Process, Trouble> {
    let config = place.file("bootwright.toml", settings)?;
    let mut command = place.command(binary()?);
    command.args(["serve", "--quiet", "--config"]).arg(&config).arg("--state").arg(state);
    let mut process = place.start(command)?;
    process.wait_for_line("ready", START)?;
    Ok(process)
}

/// Starts ours on the shelf's state for as long as an operator's command takes.
///
/// # Errors
/// When the command fails, with what it said.
pub fn import(pair: &Pair, shelf: &Shelf, words: &[&str]) -> Result<String, Trouble> {
    let account = Account::new()?;
    let directory = subject::new_directory()?;
    let place = Place { at: pair.server(), account: &account, directory: directory.path() };
    let process = ours(&place, &shelf.state(), &settings(None))?;
    let mut command = pair.server().command(binary()?);
    let said = run(command.arg("--state").arg(shelf.state()).args(words));
    drop(process);
    said
}

/// Whether our server knows HTTPS for machines, by what it says about a configuration that asks
/// for it.
///
/// # Errors
/// When it knows HTTPS and has something against this certificate, with what it said.
pub fn knows_https(pair: &Pair, tls: &Certificate) -> Result<bool, Trouble> {
    match check(pair, &settings(Some(tls))) {
        Ok(_) => Ok(true),
        Err(Trouble::Command { said, .. }) if said.contains(NO_HTTPS) => Ok(false),
        Err(other) => Err(other),
    }
}

/// What a build without HTTPS says.
const NO_HTTPS: &str = "is not served by this version";

/// What our server says about a configuration that it takes.
fn check(pair: &Pair, settings: &str) -> Result<String, Trouble> {
    let directory = subject::new_directory()?;
    let config = directory.path().join("bootwright.toml");
    fs::write(&config, settings).map_err(io("writing our configuration"))?;
    let mut command = pair.server().command(binary()?);
    run(command.args(["check", "--config"]).arg(&config))
}

/// The same with more room for transfers and connections, as the peers have it, if this build lets
/// its operators say so.
fn raised(pair: &Pair, settings: &str) -> Result<String, Trouble> {
    let http = if settings.contains(HTTP_SECTION) { "" } else { HTTP_SECTION };
    let more = format!("{settings}{http}{MORE}");
    Ok(if check(pair, &more).is_ok() { more } else { settings.to_owned() })
}

fn dnsmasq(place: &Place<'_>, root: &Path) -> Command {
    let mut command = place.command("dnsmasq");
    command
        .args(["--no-daemon", "--conf-file=/dev/null", "--user=root", "--port=0", "--quiet-tftp"])
        .args(["--bind-interfaces", &format!("--interface={}", Link::INTERFACE)])
        // Its default is 50 transfers.
        .args(["--enable-tftp", "--tftp-max=5000"])
        .arg(format!("--tftp-root={}", root.display()));
    command
}

fn dnsmasq_boots(place: &Place<'_>, root: &Path) -> Command {
    let mut command = dnsmasq(place, root);
    let (first, last) = PLAN.pool;
    command
        .arg(format!("--dhcp-range={first},{last},255.255.0.0,{}", PLAN.lease))
        // Its default is 1,000 leases, and to try each address by ping first; ours does neither.
        .args(["--dhcp-lease-max=10000", "--no-ping", "--dhcp-authoritative", "--quiet-dhcp"])
        .arg(format!("--dhcp-boot={BOOT_FILE}"))
        .arg(format!("--dhcp-leasefile={}", place.directory.join("leases").display()));
    command
}

fn hpa(place: &Place<'_>, root: &Path) -> Result<Process, Trouble> {
    let mut command = place.command("in.tftpd");
    command.args(["-L", "-a", &format!("{SERVER_ADDRESS}:{TFTP}"), "-u", "root", "-s"]).arg(root);
    place.start(command)
}

fn atftpd(place: &Place<'_>, root: &Path) -> Result<Process, Trouble> {
    let program = env::var_os(ATFTPD).ok_or_else(|| {
        Trouble::Missing(format!(
            "atftpd ({ATFTPD} names it; `./x bench tftp` unpacks and names it)"
        ))
    })?;
    let mut command = place.command(PathBuf::from(program));
    command
        .args(["--daemon", "--no-fork", "--user", "root.root", "--bind-address", SERVER_ADDRESS])
        // Its defaults are 100 threads and a line for each request.
        .args(["--maxthread", "1000", "--verbose=3", "--logfile", "/dev/null"])
        .arg(root);
    place.start(command)
}

/// One worker, as the comparison is with one core; the rest as Debian ships it, without the log.
fn nginx(place: &Place<'_>, root: &Path, tls: Option<&Certificate>) -> Result<Process, Trouble> {
    let here = place.directory.display();
    let listen = match tls {
        None => format!("listen {HTTP} backlog=4096;"),
        Some(Certificate { certificate, key }) => format!(
            "listen {HTTPS} ssl backlog=4096; ssl_certificate {}; ssl_certificate_key {}; \
             ssl_protocols TLSv1.2 TLSv1.3;",
            certificate.display(),
            key.display()
        ),
    };
    let config = place.file(
        "nginx.conf",
        &format!(
            "daemon off;\nuser root;\nworker_processes 1;\nworker_rlimit_nofile 20000;\n\
             pid {here}/nginx.pid;\nerror_log stderr warn;\n\
             events {{ worker_connections 10000; }}\n\
             http {{\n  access_log off;\n  sendfile on;\n  tcp_nopush on;\n\
             \x20 open_file_cache off;\n  keepalive_requests 1000000;\n\
             \x20 client_body_temp_path {here}/t1; proxy_temp_path {here}/t2;\n\
             \x20 fastcgi_temp_path {here}/t3; uwsgi_temp_path {here}/t4; scgi_temp_path {here}/t5;\n\
             \x20 server {{ {listen} root {}; }}\n}}\n",
            root.display()
        ),
    )?;
    let mut command = place.command("nginx");
    command.arg("-c").arg(&config).args(["-p", &here.to_string(), "-e", "stderr"]);
    place.start(command)
}

/// Waits until something in the namespace of the process is bound to the port.
fn listens(process: &mut Process, protocol: &str, port: u16) -> Result<(), Trouble> {
    let table = format!("/proc/{}/net/{protocol}", process.id());
    let since = Instant::now();
    loop {
        if fs::read_to_string(&table).is_ok_and(|text| bound(&text, port)) {
            return Ok(());
        }
        if process.ended().is_some() || since.elapsed() > START {
            return Err(Trouble::Silence {
                waited_for: format!("a socket on {protocol} port {port}"),
                limit: format!("within {} s", START.as_secs()),
                log: process.log().path().display().to_string(),
                tail: process.log().tail(),
            });
        }
        sleep(Duration::from_millis(20));
    }
}

/// Whether a table of /proc/net has a socket on the port.
fn bound(table: &str, port: u16) -> bool {
    let end = format!(":{port:04X}");
    let local = |line: &str| line.split_whitespace().nth(1).map(|local| local.ends_with(&end));
    table.lines().skip(1).any(|line| local(line) == Some(true))
}

#[cfg(test)]
mod tests {
    use super::bound;

    #[test]
    fn a_bound_port_is_seen_and_a_remote_one_is_not() {
        let table = "  sl  local_address rem_address   st\n\
                     \x20  7: 0100500A:0045 00000000:0000 07\n\
                     \x20  8: 0100500A:9000 0200500A:0050 01\n";
        assert!(bound(table, 69));
        assert!(!bound(table, 80));
    }
}
