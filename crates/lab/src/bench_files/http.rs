//! `./x bench http`: a large file and small ones over 1, 50 and 500 connections, plain and by TLS,
//! beside nginx.
//!
//! In: how many rounds. Out: tables of throughput, and of the server's processor time. Never: a
//! figure of a run in which a connection was refused or cut.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use super::grid::{Column, Goal, Grid};
use super::servers::{self, Certificate, Running, Subject};
use super::shelf::Shelf;
use super::sources::Sources;
use super::{CLIENT, MIB, SERVER, SERVER_ADDRESS, turns};
use crate::rig::Trouble;
use crate::rig::account::Account;
use crate::rig::need::{self, need};
use crate::rig::ns::Pair;
use crate::rig::process::run as run_program;

const PACKAGES: &[&str] = &["wrk", "nginx-light", "curl", "openssl"];
const SUBJECTS: [Subject; 2] = [Subject::Ours, Subject::Nginx];
const LARGE: &str = "large";
const LARGE_BYTES: u64 = 1 << 30;
const SMALL: &str = "small";
const SMALL_BYTES: u64 = 64 << 10;
pub(crate) const GIB: f64 = 1024.0 * MIB;
const CONNECTIONS: [u32; 3] = [1, 50, 500];
/// One wrk has no more: as many as one machine may have in ours.
pub(crate) const CONNECTIONS_OF_ONE: u32 = 63;
const SECONDS: u32 = 4;

/// Plain or not, with the ratio of throughput that is aimed at.
#[derive(Clone, Copy, Debug)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn columns(self, file: &str) -> [Column; 9] {
        let least = match self {
            Self::Http => 1.0,
            Self::Https => 0.9,
        };
        let rate = |name, decimals| Column { name, decimals, goal: Goal::AtLeast(least) };
        let cost = |name, decimals| Column { name, decimals, goal: Goal::AtMost(1.0) };
        let both = |name, decimals| Column { name, decimals, goal: Goal::Shown };
        match file {
            LARGE => [
                rate("GiB/s 1", 2),
                rate("GiB/s 50", 2),
                rate("GiB/s 500", 2),
                cost("s/GiB 1", 3),
                cost("s/GiB 50", 3),
                cost("s/GiB 500", 3),
                both("both 1", 3),
                both("both 50", 3),
                both("both 500", 3),
            ],
            _ => [
                rate("req/s 1", 0),
                rate("req/s 50", 0),
                rate("req/s 500", 0),
                cost("us/req 1", 1),
                cost("us/req 50", 1),
                cost("us/req 500", 1),
                both("both 1", 1),
                both("both 50", 1),
                both("both 500", 1),
            ],
        }
    }
}

/// Measures `rounds` times and prints the tables.
///
/// # Errors
/// When a server does not start, a package is missing, or bytes are wrong.
pub fn run(rounds: usize) -> Result<(), Trouble> {
    need(need::LINK)?;
    need(PACKAGES)?;
    let shelf = Shelf::new(&[(LARGE.to_owned(), LARGE_BYTES), (SMALL.to_owned(), SMALL_BYTES)])?;
    let tls = certificate(&shelf)?;
    println!(
        "HTTP/1.1, keep-alive, veth with MTU 1500, client wrk, one thread for each \
         {CONNECTIONS_OF_ONE} connections, {SECONDS} s each; nginx with one worker, sendfile and \
         tcp_nopush"
    );
    over(Scheme::Http, rounds, &shelf, None)?;
    match servers::knows_https(&Pair::new(SERVER, CLIENT)?, &tls)? {
        true => over(Scheme::Https, rounds, &shelf, Some(&tls)),
        false => {
            println!("\nHTTPS: this build has none");
            Ok(())
        }
    }
}

/// The tables of one scheme.
fn over(
    scheme: Scheme,
    rounds: usize,
    shelf: &Shelf,
    tls: Option<&Certificate>,
) -> Result<(), Trouble> {
    let names = SUBJECTS.map(Subject::name);
    let mut large = Grid::new(&scheme.columns(LARGE), &names);
    let mut small = Grid::new(&scheme.columns(SMALL), &names);
    for round in 0..rounds {
        shelf.warm()?;
        let mut rows = vec![(Vec::new(), Vec::new()); SUBJECTS.len()];
        for at in turns(SUBJECTS.len(), round) {
            let (Some(subject), Some(row)) = (SUBJECTS.get(at), rows.get_mut(at)) else { continue };
            eprintln!("round {}: {} over {}", round + 1, subject.name(), scheme.name());
            *row = measure(*subject, scheme, shelf, tls, round == 0)?;
        }
        let (larges, smalls) = rows.into_iter().unzip();
        println!("\n{}, {} MiB", scheme.name(), LARGE_BYTES >> 20);
        large.round(larges);
        println!("\n{}, {} KiB", scheme.name(), SMALL_BYTES >> 10);
        small.round(smalls);
    }
    println!("\n{}, {} MiB, connections as named", scheme.name(), LARGE_BYTES >> 20);
    large.medians();
    println!("\n{}, {} KiB, connections as named", scheme.name(), SMALL_BYTES >> 10);
    small.medians();
    Ok(())
}

/// An RSA key of 3072 bits and its certificate, the same for both: what firmware takes.
fn certificate(shelf: &Shelf) -> Result<Certificate, Trouble> {
    let (certificate, key) = (shelf.scratch("certificate.pem"), shelf.scratch("key.pem"));
    let mut command = Command::new("openssl");
    command
        .args(["req", "-x509", "-newkey", "rsa:3072", "-nodes", "-days", "30"])
        .args(["-subj", &format!("/CN={SERVER_ADDRESS}")])
        .args(["-addext", &format!("subjectAltName=IP:{SERVER_ADDRESS}")])
        // Only an authority is one by default; this is a server's.
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-addext", "extendedKeyUsage=serverAuth"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    run_program(&mut command)?;
    Ok(Certificate { certificate, key })
}

/// The rows of one server: the large file, the small one.
fn measure(
    subject: Subject,
    scheme: Scheme,
    shelf: &Shelf,
    tls: Option<&Certificate>,
    compare: bool,
) -> Result<(Vec<f64>, Vec<f64>), Trouble> {
    let pair = Pair::new(SERVER, CLIENT)?;
    let sources = Sources::new(&pair.client(), CONNECTIONS[2].div_ceil(CONNECTIONS_OF_ONE))?;
    let server = Running::start(subject, &pair, shelf, tls)?;
    let url = |name: &str| format!("{}://{SERVER_ADDRESS}/{}", scheme.name(), subject.path(name));
    pair.client().inside(|| {
        if compare {
            for name in [LARGE, SMALL] {
                same(&url(name), &shelf.root().join(name))?;
            }
        }
        let row = |name: &str| -> Result<Vec<f64>, Trouble> {
            let (mut rates, mut costs, mut both) = (Vec::new(), Vec::new(), Vec::new());
            for connections in CONNECTIONS {
                let client = Account::new()?;
                let cpu = server.account().cpu_s()?;
                let said = fetch(&url(name), connections, sources, &client)?;
                let cpu = server.account().cpu_s()? - cpu;
                let all = cpu + client.cpu_s()?;
                let (rate, unit) = match name {
                    LARGE => (said.bytes_per_s / GIB, said.bytes / GIB),
                    _ => (said.requests_per_s, said.requests / 1e6),
                };
                rates.push(rate);
                costs.push(cpu / unit);
                both.push(all / unit);
            }
            Ok([rates, costs, both].concat())
        };
        Ok((row(LARGE)?, row(SMALL)?))
    })?
}

/// Compares every byte.
pub(crate) fn same(url: &str, file: &Path) -> Result<(), Trouble> {
    let mut command = Command::new("sh");
    command.args(["-c", "curl --insecure --silent --show-error --fail \"$0\" | cmp - \"$1\"", url]);
    run_program(command.arg(file).stdin(Stdio::null())).map(drop)
}

/// What one wrk, or several together, say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Said {
    /// Answers.
    pub(crate) requests: f64,
    /// Bytes of their bodies.
    pub(crate) bytes: f64,
    requests_per_s: f64,
    /// Bytes in a second.
    pub(crate) bytes_per_s: f64,
}

/// So many connections, spread over as many sources as they need.
pub(crate) fn fetch(
    url: &str,
    connections: u32,
    sources: Sources,
    account: &Account,
) -> Result<Said, Trouble> {
    let count = connections.div_ceil(CONNECTIONS_OF_ONE);
    let one = |number: u32| {
        let share = connections / count + u32::from(number < connections % count);
        let mut wrk = Command::new("setpriv");
        wrk.args(["--reuid", &sources.user(number).to_string(), "wrk", "-t1"]);
        wrk.args([&format!("-c{share}"), &format!("-d{SECONDS}s"), "--timeout", "60s", url]);
        let text = run_program(account.charged(&wrk).stdin(Stdio::null()))?;
        read(&text).ok_or_else(|| Trouble::Command { command: format!("wrk {url}"), said: text })
    };
    thread::scope(|scope| {
        let all: Vec<_> = (0..count).map(|number| scope.spawn(move || one(number))).collect();
        let mut sum = Said::default();
        for one in all {
            let said = one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            sum.requests += said.requests;
            sum.bytes += said.bytes;
            sum.requests_per_s += said.requests_per_s;
            sum.bytes_per_s += said.bytes_per_s;
        }
        // One of several wrk may have to wait on a busy machine; all of them may not.
        match sum.bytes > 0.0 {
            true => Ok(sum),
            false => Err(Trouble::Command {
                command: format!("wrk {url}, {connections} connections"),
                said: format!("no byte came within {SECONDS} s"),
            }),
        }
    })
}

/// What wrk printed; nothing if a connection was refused or cut, or an answer was an error.
fn read(text: &str) -> Option<Said> {
    if text.contains("Socket errors") || text.contains("Non-2xx") {
        return None;
    }
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name))?;
        Some(line.trim().to_owned())
    };
    let line = text.lines().find(|line| line.contains(" requests in "))?;
    let mut words = line.split_whitespace();
    let requests = words.next()?.parse().ok()?;
    let bytes = amount(words.nth(3)?)?;
    Some(Said {
        requests,
        bytes,
        requests_per_s: field("Requests/sec:")?.parse().ok()?,
        bytes_per_s: amount(&field("Transfer/sec:")?)?,
    })
}

/// `14.52GB`, in bytes: wrk's units are binary.
fn amount(text: &str) -> Option<f64> {
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(at);
    let unit = match unit {
        "B" => 1.0,
        "KB" => 1024.0,
        "MB" => MIB,
        "GB" => GIB,
        "TB" => 1024.0 * GIB,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Running 4s test @ http://10.80.0.1/large\n  1 threads and 1 connections\n\
        \x20 Thread Stats   Avg      Stdev     Max   +/- Stdev\n\
        \x20 11 requests in 4.00s, 11.50GB read\n\
        Requests/sec:      2.75\nTransfer/sec:      2.88GB\n";

    #[test]
    fn what_wrk_says_is_read() {
        let said = Said {
            requests: 11.0,
            bytes: 11.5 * GIB,
            requests_per_s: 2.75,
            bytes_per_s: 2.88 * GIB,
        };
        assert_eq!(read(TEXT), Some(said));
    }

    #[test]
    fn a_run_with_errors_is_none() {
        let errors = "  Socket errors: connect 0, read 3, write 0, timeout 0\n";
        assert_eq!(read(&format!("{TEXT}{errors}")), None);
        assert_eq!(read(&format!("{TEXT}  Non-2xx or 3xx responses: 4\n")), None);
    }
}
