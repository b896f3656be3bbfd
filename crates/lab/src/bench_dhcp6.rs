//! `./x bench dhcp6`: exchanges of DHCPv6 in a second, ours beside Kea's, in turns, asked by Kea's own
//! generator, perfdhcp.
//!
//! In: how many rounds. Out: a table on stdout. Never: a file that stays; a REPLY that counts although its
//! lease is on no disk: both keep them, each in its own way.

use std::path::Path;

use crate::bench_dhcp::floor;
use crate::bench_dhcp::perfdhcp::{self, Family, Report};
use crate::bench_dhcp::subject::{CLIENT, DISK, SERVER, new_directory, ours_with};
use crate::rig::kea::{Kea, Serves};
use crate::rig::need::{self, need};
use crate::rig::ns::{Link, Namespace, Pair};
use crate::rig::{Process, Trouble};

/// Packages of the peer.
const PACKAGES: &[&str] = &["kea-dhcp6-server", "kea-admin"];
const SERVER_6: &str = "fd80::1/64";
const CLIENT_6: &str = "fd80::2/64";
const SUBNET: &str = "fd80::/64";
/// 65,536 addresses.
const POOL: (&str, &str) = ("fd80::1:0", "fd80::1:ffff");
const LEASE_S: u32 = 12 * 3600;

const NAMES: [&str; 2] = ["bootwright", "Kea"];

/// What was measured of one server in one round.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    saturated: Report,
    best: f64,
    /// Processor microseconds of the server for each exchange of the saturating run.
    cpu_us: f64,
}

enum Running {
    Ours(Process),
    Kea(Kea),
}

impl Running {
    fn start(which: usize, at: &Namespace, directory: &Path) -> Result<Self, Trouble> {
        let (first, last) = POOL;
        if which == 0 {
            let config = format!(
                "[[network]]\ninterface = \"{}\"\nsubnet = \"{SUBNET}\"\n\
                 pool = [\"{first}-{last}\"]\nlease = \"12h\"\n",
                Link::INTERFACE
            );
            return ours_with(at, directory, &config).map(Self::Ours);
        }
        let pool = format!("{first} - {last}");
        let serves = Serves { subnet: SUBNET, pool: &pool, lease_s: LEASE_S };
        Kea::start6(at, serves, directory).map(Self::Kea)
    }

    fn id(&self) -> u32 {
        match self {
            Self::Ours(process) => process.id(),
            Self::Kea(kea) => kea.id(),
        }
    }
}

/// Measures `rounds` times and prints the table.
///
/// # Errors
/// When a server does not start, or a package is missing.
pub fn run(rounds: usize) -> Result<(), Trouble> {
    need(need::LINK)?;
    need(PACKAGES)?;
    println!(
        "SOLICIT-ADVERTISE-REQUEST-REPLY over a veth pair; 65,536 addresses, 12 h leases, empty stores on \
         {DISK}; perfdhcp {}\n{:>5}  {:<10} {:>11} {:>7} {:>16} {:>10}",
        perfdhcp::version()?,
        "round",
        "server",
        "saturated/s",
        "lost",
        "best/s at 0.1 %",
        "cpu us"
    );
    let mut ratios = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        let mut of = [Measured::default(); 2];
        // The order turns.
        for at in [round % 2, (round + 1) % 2] {
            let Some(measured) = of.get_mut(at) else { continue };
            *measured = measure(at)?;
            let Measured { saturated: Report { per_s, loss }, best, cpu_us } = *measured;
            println!(
                "{:>5}  {:<10} {per_s:>11.0} {:>6.2}% {best:>16.0} {cpu_us:>10.1}",
                round + 1,
                NAMES.get(at).copied().unwrap_or_default(),
                loss * 100.0
            );
        }
        let [ours, kea] = of;
        let [saturated, best] = &mut ratios;
        saturated.push(ours.saturated.per_s / kea.saturated.per_s.max(1.0));
        best.push(ours.best / kea.best.max(1.0));
    }
    for (name, mut ratios) in ["saturated", "best"].into_iter().zip(ratios) {
        ratios.sort_by(f64::total_cmp);
        if let Some(median) = ratios.get(ratios.len() / 2) {
            println!("median of {name}, ours to Kea's: {median:.2}");
        }
    }
    Ok(())
}

/// One server: as fast as it goes, and the most it serves without loss.
fn measure(which: usize) -> Result<Measured, Trouble> {
    let (saturated, cpu_us) = asked(which, |clients| perfdhcp::saturate(clients, Family::Six))?;
    let best = perfdhcp::best(saturated, |rate| {
        let at_rate = |clients: &Namespace| perfdhcp::at_rate(clients, Family::Six, rate);
        asked(which, at_rate).map(|(report, _)| report)
    })?;
    Ok(Measured { saturated, best, cpu_us })
}

/// One run against a server with an empty store, since the generator's clients are new ones in each; and the
/// server's processor time for each exchange.
fn asked(
    which: usize,
    ask: impl FnOnce(&Namespace) -> Result<Report, Trouble>,
) -> Result<(Report, f64), Trouble> {
    let pair = Pair::new(SERVER, CLIENT)?;
    pair.with_ipv6(SERVER_6, CLIENT_6)?;
    let directory = new_directory()?;
    let server = Running::start(which, &pair.server(), directory.path())?;
    let before = floor::cpu_s(server.id())?;
    let report = ask(&pair.client())?;
    let cpu = floor::cpu_s(server.id())? - before;
    let completed = report.per_s * f64::from(perfdhcp::PERIOD_S);
    Ok((report, cpu * 1e6 / completed.max(1.0)))
}
