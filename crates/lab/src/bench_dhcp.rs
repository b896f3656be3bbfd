//! `./x bench dhcp`: exchanges in a second, ours beside Kea's and dnsmasq's, in turns.
//!
//! In: how many rounds. Out: tables on stdout. Never: a file that stays, or a word about which of
//! them is right; a machine that is busy otherwise shows in the ratio only if it is unfair.
//!
//! ```text
//! server namespace ── eth0 ═══ eth0 ── client namespace
//!  bootwright │ kea-dhcp4 │ dnsmasq      lab::load │ perfdhcp
//! ```

use std::time::Duration;

use crate::load::{self, Pace, Play, Tally};
use crate::rig::Trouble;
use crate::rig::need::{self, need};
use crate::rig::ns::Pair;

pub(crate) mod floor;
pub mod growth;
pub(crate) mod perfdhcp;
pub mod subject;
mod table;

use perfdhcp::Family;
use subject::{Running, SUBJECTS, Subject};

/// Packages of the peers.
const PACKAGES: &[&str] = &["kea-dhcp4-server", "kea-admin"];
/// Clients in flight in the saturating run.
const IN_FLIGHT: u16 = 256;
const SATURATED: Duration = Duration::from_secs(8);
/// The rate at which latencies are compared: a data centre that is switched on.
const STEADY_PER_S: u32 = 2000;
const STEADY: Duration = Duration::from_secs(8);
const SYNCS: Duration = Duration::from_secs(2);

/// What was measured of one server in one round.
#[derive(Clone, Debug, Default)]
struct Measured {
    closed: Tally,
    /// Processor microseconds of the server for each exchange of the saturating run.
    cpu_us: f64,
    open: Tally,
    open_cpu_us: f64,
    perfdhcp: perfdhcp::Report,
    perfdhcp_best: f64,
}

/// One round: the limits of the machine, and each server.
#[derive(Clone, Debug, Default)]
struct Round {
    syncs_per_s: f64,
    link: Tally,
    of: [Measured; 3],
}

/// Measures `rounds` times and prints the tables.
///
/// # Errors
/// When a server does not start, or a package is missing.
pub fn run(rounds: usize, probe: bool) -> Result<(), Trouble> {
    need(need::LINK)?;
    need(PACKAGES)?;
    println!(
        "DISCOVER-OFFER-REQUEST-ACK over a veth pair; 60,000 addresses, 12 h leases, empty stores \
         on {}; perfdhcp {}; address probes {}",
        subject::DISK,
        perfdhcp::version()?,
        if probe { "on" } else { "off" }
    );
    let mut all = Vec::new();
    for number in 0..rounds {
        let round = one_round(number, probe)?;
        table::round(number + 1, &round);
        all.push(round);
    }
    table::medians(&all);
    Ok(())
}

fn one_round(number: usize, probe: bool) -> Result<Round, Trouble> {
    let pair = Pair::new(subject::SERVER, subject::CLIENT)?;
    let seed = number as u64 * 1_000_003;
    let mut round = Round {
        syncs_per_s: floor::syncs_per_s(subject::new_directory()?.path(), SYNCS)?,
        link: floor::link_carries(&pair, &saturating(seed), [10, 80, 0, 1])?,
        ..Round::default()
    };
    // The order turns, so that a machine that grows slower is nobody's fault.
    for at in (0..SUBJECTS.len()).map(|at| (at + number) % SUBJECTS.len()) {
        let (Some(subject), Some(place)) = (SUBJECTS.get(at), round.of.get_mut(at)) else {
            continue;
        };
        eprintln!("round {}: {}", number + 1, subject.name());
        *place = measure(&pair, *subject, seed, probe)?;
    }
    Ok(round)
}

fn saturating(seed: u64) -> Play {
    Play::new(seed, Pace::Closed { in_flight: IN_FLIGHT }, SATURATED)
}

fn measure(pair: &Pair, subject: Subject, seed: u64, probe: bool) -> Result<Measured, Trouble> {
    let (closed, cpu_us) = played(pair, subject, &saturating(seed), probe)?;
    let steady = Play::new(seed, Pace::Open { per_s: STEADY_PER_S }, STEADY);
    let (open, open_cpu_us) = played(pair, subject, &steady, probe)?;
    let server = Running::start(subject, pair, probe)?;
    let saturated = perfdhcp::saturate(&pair.client(), Family::Four)?;
    let clients = pair.client();
    let try_at = |rate| perfdhcp::at_rate(&clients, Family::Four, rate);
    let perfdhcp_best = perfdhcp::best(saturated, try_at)?;
    drop(server);
    Ok(Measured { closed, cpu_us, open, open_cpu_us, perfdhcp: saturated, perfdhcp_best })
}

/// A play against a server that was just started, and the server's processor time for each
/// completed exchange.
fn played(
    pair: &Pair,
    subject: Subject,
    play: &Play,
    probe: bool,
) -> Result<(Tally, f64), Trouble> {
    let server = Running::start(subject, pair, probe)?;
    let before = floor::cpu_s(server.id())?;
    let tally = load::play(&pair.client(), play)?;
    let cpu = floor::cpu_s(server.id())? - before;
    if tally.completed_in_all() == 0 {
        return Err(Trouble::Silence {
            waited_for: format!("an ACK of {}", subject.name()),
            limit: format!("in {} s of load", play.lasts.as_secs()),
            log: server.log().path().display().to_string(),
            tail: server.log().tail(),
        });
    }
    let cpu_us = cpu * 1e6 / tally.completed_in_all() as f64;
    Ok((tally, cpu_us))
}
