//! `./x bench dns`: questions in a second for names that are known here, ours beside dnsmasq's, in turns,
//! asked by dnsperf; and how long one answer takes at a rate that both carry.
//!
//! In: how many rounds. Out: a table on stdout. Never: a file that stays. Our limit on answers to one
//! neighbourhood, which dnsmasq has not, is set out of the way.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::bench_dhcp::subject::{CLIENT, SERVER, new_directory};
use crate::rig::need::{self, need};
use crate::rig::ns::{Link, Namespace, Pair};
use crate::rig::process::run as run_command;
use crate::rig::server::binary;
use crate::rig::{Process, Trouble, io};

const PACKAGES: &[&str] = &["dnsmasq-base", "dnsperf"];
/// Names that are known, each with an address.
const NAMES: u32 = 1000;
const SATURATED_S: u32 = 8;
/// Questions in a second at which single answers are timed: a hundred machines that install.
const STEADY_PER_S: u32 = 5000;
const STEADY_S: u32 = 5;
const START: Duration = Duration::from_secs(30);
/// No run of dnsperf takes longer.
const LIMIT_S: &str = "60";

/// What was measured of one server in one round.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    per_s: f64,
    lost: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Measures `rounds` times and prints the table.
///
/// # Errors
/// When a server does not start, a package is missing, or dnsperf says nothing that can be read.
pub fn run(rounds: usize) -> Result<(), Trouble> {
    need(need::LINK)?;
    need(PACKAGES)?;
    println!(
        "A of {NAMES} names over a veth pair; saturated {SATURATED_S} s, then {STEADY_PER_S}/s for \
         {STEADY_S} s\n{:>5}  {:<10} {:>10} {:>7} {:>9} {:>9}",
        "round", "server", "answers/s", "lost", "p50 ms", "p99 ms"
    );
    let mut ratios = Vec::new();
    for round in 0..rounds {
        let pair = Pair::new(SERVER, CLIENT)?;
        let mut of = [Measured::default(); 2];
        // The order turns.
        for at in [round % 2, (round + 1) % 2] {
            let directory = new_directory()?;
            let asked = questions(directory.path())?;
            let server = match at {
                0 => ours(&pair.server(), directory.path())?,
                _ => dnsmasq(&pair.server(), directory.path())?,
            };
            of[at] = measure(&pair.client(), &asked)?;
            drop(server);
            let Measured { per_s, lost, p50_ms, p99_ms } = of[at];
            let name = ["bootwright", "dnsmasq"][at];
            println!(
                "{:>5}  {name:<10} {per_s:>10.0} {:>6.2}% {p50_ms:>9.3} {p99_ms:>9.3}",
                round + 1,
                lost * 100.0
            );
        }
        ratios.push(of[0].per_s / of[1].per_s.max(1.0));
    }
    ratios.sort_by(f64::total_cmp);
    if let Some(median) = ratios.get(ratios.len() / 2) {
        println!("median of answers/s, ours to dnsmasq's: {median:.2}");
    }
    Ok(())
}

/// Name, address and MAC of the n-th host.
fn host(n: u32) -> (String, String, String) {
    let (high, low) = (n / 200 + 1, n % 200 + 1);
    (
        format!("node-{n}"),
        format!("10.80.{high}.{low}"),
        format!("52:54:00:80:{high:02x}:{low:02x}"),
    )
}

fn questions(directory: &Path) -> Result<std::path::PathBuf, Trouble> {
    let file = directory.join("questions");
    let lines: String = (0..NAMES).map(|n| format!("{}.lab.example A\n", host(n).0)).collect();
    fs::write(&file, lines).map_err(io("writing questions"))?;
    Ok(file)
}

fn ours(at: &Namespace, directory: &Path) -> Result<Process, Trouble> {
    let config = format!(
        "[[network]]\ninterface = \"{}\"\nmode = \"dhcp\"\nsubnet = \"10.80.0.0/16\"\n\
         pool = [\"10.80.1.0-10.80.235.95\"]\ndomain = \"lab.example\"\n\
         [dns]\nlisten = true\nrate = 10000000\n",
        Link::INTERFACE
    );
    let (file, state) = (directory.join("bootwright.toml"), directory.join("state"));
    fs::write(&file, config).map_err(io("writing our configuration"))?;
    let mut command = at.command(binary()?);
    command.args(["serve", "--quiet", "--config"]).arg(&file).arg("--state").arg(&state);
    let mut process = Process::start(command, directory.join("server.log"))?;
    process.wait_for_line("ready", START)?;
    // Leases, as another server would have left them.
    let leases = directory.join("dnsmasq.leases");
    let lines: String = (0..NAMES)
        .map(|n| {
            let (name, address, mac) = host(n);
            format!("4102444800 {mac} {address} {name} *\n")
        })
        .collect();
    fs::write(&leases, lines).map_err(io("writing leases"))?;
    let mut import = Command::new(binary()?);
    import.arg("--state").arg(&state).args(["import-from", "dnsmasq"]).arg(&leases);
    run_command(&mut import)?;
    // A name answers within a second of its lease.
    std::thread::sleep(Duration::from_secs(2));
    Ok(process)
}

fn dnsmasq(at: &Namespace, directory: &Path) -> Result<Process, Trouble> {
    let hosts = directory.join("hosts");
    let lines: String = (0..NAMES)
        .map(|n| {
            let (name, address, _) = host(n);
            format!("{address} {name}.lab.example {name}\n")
        })
        .collect();
    fs::write(&hosts, lines).map_err(io("writing hosts"))?;
    let mut command = at.command("dnsmasq");
    command
        .args(["--no-daemon", "--conf-file=/dev/null", "--user=root", "--no-resolv", "--no-hosts"])
        .args(["--bind-interfaces", &format!("--interface={}", Link::INTERFACE)])
        .args(["--local=/lab.example/", "--domain=lab.example"])
        .arg(format!("--addn-hosts={}", hosts.display()));
    let mut process = Process::start(command, directory.join("dnsmasq.log"))?;
    process
        .wait_for(&format!("{NAMES} names"), START)
        .or_else(|_| process.wait_for("read", START))?;
    Ok(process)
}

fn measure(at: &Namespace, asked: &Path) -> Result<Measured, Trouble> {
    let seconds = SATURATED_S.to_string();
    let said = dnsperf(at, asked, &["-l", &seconds, "-c", "8", "-q", "256"])?;
    let (per_s, lost) = (number(&said, "Queries per second:")?, lost(&said)?);
    let (seconds, rate) = (STEADY_S.to_string(), STEADY_PER_S.to_string());
    let said = dnsperf(at, asked, &["-l", &seconds, "-c", "8", "-Q", &rate, "-v"])?;
    let mut took = times(&said);
    took.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let place = (took.len() as f64 * part) as usize;
        took.get(place.min(took.len().saturating_sub(1))).copied().unwrap_or(f64::NAN) * 1000.0
    };
    Ok(Measured { per_s, lost, p50_ms: at(0.5), p99_ms: at(0.99) })
}

fn dnsperf(at: &Namespace, asked: &Path, arguments: &[&str]) -> Result<String, Trouble> {
    let mut inside = at.command("dnsperf");
    inside.args(["-s", "10.80.0.1", "-d"]).arg(asked).args(arguments);
    let mut bounded = Command::new("timeout");
    bounded.args(["-k", "2", LIMIT_S]).arg(inside.get_program()).args(inside.get_args());
    let output = bounded.output().map_err(io("starting dnsperf"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The number behind a word of its report.
fn number(said: &str, word: &str) -> Result<f64, Trouble> {
    let line = said.lines().find(|line| line.trim_start().starts_with(word));
    let number =
        line.and_then(|line| line.split(':').nth(1)?.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| Trouble::Command { command: "dnsperf".to_owned(), said: said.to_owned() })
}

/// The part of questions without an answer.
fn lost(said: &str) -> Result<f64, Trouble> {
    let (sent, lost) = (number(said, "Queries sent:")?, number(said, "Queries lost:")?);
    Ok(lost / sent.max(1.0))
}

/// Seconds that each answer took: `> NOERROR node-1.lab.example A 0.000123`.
fn times(said: &str) -> Vec<f64> {
    let of = |line: &str| line.strip_prefix("> ")?.split_whitespace().last()?.parse().ok();
    said.lines().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_dnsperf_is_read() {
        let said = "> NOERROR node-1.lab.example A 0.000123\n> T node-2.lab.example A\n\
                    Statistics:\n\n  Queries sent:         1000\n  Queries completed:    990 (99.00%)\n\
                    \x20 Queries lost:         10 (1.00%)\n\n  Queries per second:   12345.678901\n";
        assert_eq!(times(said), [0.000_123]);
        assert!((number(said, "Queries per second:").unwrap() - 12_345.678_901).abs() < 1e-6);
        assert!((lost(said).unwrap() - 0.01).abs() < 1e-9);
        assert!(number("nothing", "Queries sent:").is_err());
    }
}
