//! `./x bench dhcp-growth`: what a store of many leases costs: start, memory, decisions.
//!
//! In: how many leases at most. Out: a table on stdout. Never: a claim about a size that was not
//! reached; what the clients did not get in time is shown as it is.

use std::time::{Duration, Instant};

use super::floor;
use super::subject::{self, Plan};
use crate::load::frame::{self, Kind, Say};
use crate::load::port::{Hears, Port};
use crate::load::{self, Pace, Play, Tally, mac};
use crate::rig::need::{self, need};
use crate::rig::ns::{Link, Namespace, Pair};
use crate::rig::{Process, Trouble};

const SERVER: &str = "10.80.0.1/8";
const CLIENT: &str = "10.80.0.2/8";
/// 2^20 addresses and some: also the last newcomers find one.
const PLAN: Plan<'static> =
    Plan { subnet: "10.0.0.0/8", pool: ("10.96.0.0", "10.112.255.255"), lease: "7d", probe: false };
const SIZES: [u32; 4] = [1000, 10_000, 100_000, 1_000_000];
/// Who fills the store, and who comes to a full one.
const SETTLERS: u64 = 1;
const NEWCOMERS: u64 = 0x77_0000_0001;
const IN_FLIGHT: u16 = 256;
/// No store takes longer to fill, nor a server to start.
const FILL_MAX: Duration = Duration::from_secs(1200);
const START_MAX: Duration = Duration::from_secs(120);
const PLAYED: Duration = Duration::from_secs(4);

/// One size.
struct Grown {
    leases: u64,
    fill_s: f64,
    start: Duration,
    resident_kib: u64,
    again: (Tally, f64),
    new: (Tally, f64),
}

/// Measures at 1,000, 10,000, ... leases, up to `most`.
///
/// # Errors
/// When the server does not start.
pub fn run(most: u32) -> Result<(), Trouble> {
    need(need::LINK)?;
    let empty = empty_kib()?;
    println!("an empty server has {empty} KiB resident; \"again\": clients that have a lease");
    println!(
        "   leases   fill s  start ms  rss MiB  bytes/lease  again/s  again us  new/s  new us  p99 ms"
    );
    for size in SIZES.into_iter().filter(|size| *size <= most) {
        let grown = grow(size)?;
        let bytes = grown.resident_kib.saturating_sub(empty) as f64 * 1024.0;
        println!(
            "{:>9} {:>8.1} {:>9.0} {:>8.1} {:>12.0} {:>8.0} {:>9.1} {:>6.0} {:>7.1} {:>7.2}",
            grown.leases,
            grown.fill_s,
            grown.start.as_secs_f64() * 1000.0,
            grown.resident_kib as f64 / 1024.0,
            bytes / (grown.leases as f64).max(1.0),
            grown.again.0.per_s(),
            grown.again.1,
            grown.new.0.per_s(),
            grown.new.1,
            grown.new.0.percentile(0.99).as_secs_f64() * 1000.0,
        );
    }
    Ok(())
}

fn empty_kib() -> Result<u64, Trouble> {
    let pair = Pair::new(SERVER, CLIENT)?;
    let directory = subject::new_directory()?;
    let server = subject::ours(&pair.server(), directory.path(), PLAN)?;
    floor::resident_kib(server.id())
}

fn grow(size: u32) -> Result<Grown, Trouble> {
    let pair = Pair::new(SERVER, CLIENT)?;
    let directory = subject::new_directory()?;
    let (leases, fill_s) = fill(&pair, directory.path(), size)?;

    let spawned = Instant::now();
    let server = subject::ours_begun(&pair.server(), directory.path(), PLAN)?;
    wait_for_offer(&pair.client(), spawned)?;
    let start = spawned.elapsed();
    let resident_kib = floor::resident_kib(server.id())?;

    let pace = Pace::Closed { in_flight: IN_FLIGHT };
    let again = Play { clients: size, ..Play::new(SETTLERS, pace, PLAYED) };
    let again = costs(&server, &pair, &again)?;
    let new = costs(&server, &pair, &Play::new(NEWCOMERS, pace, PLAYED))?;
    Ok(Grown { leases, fill_s, start, resident_kib, again, new })
}

/// Fills the store of an own server, by clients who lease, and ends that server; gives how many
/// leases there are, and the seconds it took.
fn fill(pair: &Pair, directory: &std::path::Path, size: u32) -> Result<(u64, f64), Trouble> {
    let mut server = subject::ours(&pair.server(), directory, PLAN)?;
    let begun = Instant::now();
    let everybody = Play::each_once(size, SETTLERS, IN_FLIGHT, FILL_MAX);
    let tally = load::play(&pair.client(), &everybody)?;
    let took = begun.elapsed().as_secs_f64();
    server.stop();
    Ok((tally.completed_in_all(), took))
}

/// Asks as a client that has a lease, every few milliseconds, until an OFFER comes.
fn wait_for_offer(at: &Namespace, since: Instant) -> Result<(), Trouble> {
    const AGAIN: Duration = Duration::from_millis(5);
    at.inside(|| {
        let mut port = Port::open(Link::INTERFACE, Hears::Ip)?;
        let question = frame::write(mac(SETTLERS, 0), 1, Say::Discover);
        let mut offered = false;
        while !offered && since.elapsed() < START_MAX {
            port.send(&[question])?;
            port.wait(AGAIN);
            port.receive(|bytes| {
                offered |= frame::read(bytes).is_some_and(|answer| answer.kind == Kind::Offer);
            })?;
        }
        match offered {
            true => Ok(()),
            false => Err(Trouble::Missing(format!("an OFFER within {START_MAX:?} of the start"))),
        }
    })?
}

/// A play, and the server's processor microseconds for each completed exchange.
fn costs(server: &Process, pair: &Pair, play: &Play) -> Result<(Tally, f64), Trouble> {
    let before = floor::cpu_s(server.id())?;
    let tally = load::play(&pair.client(), play)?;
    let cpu = floor::cpu_s(server.id())? - before;
    let cpu_us = cpu * 1e6 / (tally.completed_in_all() as f64).max(1.0);
    Ok((tally, cpu_us))
}
