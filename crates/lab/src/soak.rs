//! `./x soak kill N`: the server is killed again and again under load; what it promised must hold.
//!
//! ```text
//! harness ── SIGKILL, start again on the same state ──▶ bootwright
//! clients ── DISCOVER, renew, reboot, release ────────▶     │
//!         └─ SOLICIT, RENEW, REBIND, RELEASE ────────▶     │
//!    history ◀── every ACK, NAK and REPLY on the wire ─────────────┘ ──▶ check: broken promises
//! ```
//!
//! In: how many kills, a seed. Out: what was acknowledged, and every broken promise with its
//! story. Never: a look into the server's store; only what went over the wire counts.

use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::bench_dhcp::subject::{self, Plan};
use crate::load::frame;
use crate::load::port::{BATCH, Hears, Port};
use crate::rig::Trouble;
use crate::rig::need::{self, need};
use crate::rig::ns::{Link, Namespace, Pair};
use crate::sim::chance::Chance;

mod arp;
mod clients;
mod clients6;
pub mod history;
pub mod library;
mod speak6;

use clients::Clients;
use clients6::Clients6;
use history::{Entry, What};

/// More clients than addresses: what one gives up, another takes at once.
const CLIENTS: u32 = 700;
const PLAN: Plan<'static> =
    Plan { subnet: "10.80.0.0/16", pool: ("10.80.1.0", "10.80.3.127"), lease: "10m", probe: false };
/// The same of DHCPv6: as many associations, of two each to an identifier, and fewer addresses.
const CLIENTS_6: u32 = 300;
const NETWORK_6: &str =
    "subnet = \"fd80::/64\"\npool = [\"fd80::100-fd80::1df\"]\nlease = \"10m\"\n";
const SERVER_6: &str = "fd80::1/64";
const CLIENT_6: &str = "fd80::2/64";
/// What `PLAN.lease` says.
const LEASE: Duration = Duration::from_secs(600);
/// The server is up at least and at most so long, in milliseconds.
const UP_MS: (u64, u64) = (1000, 3000);
/// How long the clients may take in the end to confirm what they have.
const SETTLE: Duration = Duration::from_secs(30);
/// How long the clients rest between two looks at the time.
const TURN: Duration = Duration::from_millis(2);

/// What a soak came to.
#[derive(Debug)]
pub struct Outcome {
    /// ACKs on the wire.
    pub acked: usize,
    /// REPLYs of DHCPv6 with an address.
    pub acked6: usize,
    /// How long the clients were at it.
    pub lasted: Duration,
    /// Every broken promise, with its story; empty is what is wanted.
    pub broken: Vec<String>,
    /// All clients had their last answer.
    pub settled: bool,
}

/// Kills the server `kills` times and prints what came of it.
///
/// # Errors
/// When the server does not start again, or a promise was broken.
pub fn run(kills: u32, seed: u64) -> Result<(), Trouble> {
    println!("{kills} kills under load, seed {seed}");
    let outcome = kill(kills, seed)?;
    let s = outcome.lasted.as_secs_f64();
    println!(
        "{} ACKs and {} REPLYs in {s:.0} s ({:.0}/s), {} broken promises",
        outcome.acked,
        outcome.acked6,
        (outcome.acked + outcome.acked6) as f64 / s,
        outcome.broken.len()
    );
    let mut said = String::new();
    for story in outcome.broken.iter().take(5) {
        let _infallible = writeln!(said, "{story}");
    }
    if !outcome.settled {
        said.push_str("clients were still without an answer at the end\n");
    }
    match said.is_empty() {
        true => Ok(()),
        false => Err(Trouble::Command { command: format!("soak kill {kills}, seed {seed}"), said }),
    }
}

/// Kills the server `kills` times under load.
///
/// # Errors
/// When it does not start again. A broken promise is no error here.
pub fn kill(kills: u32, seed: u64) -> Result<Outcome, Trouble> {
    need(need::LINK)?;
    let pair = Pair::new(subject::SERVER, subject::CLIENT)?;
    pair.with_ipv6(SERVER_6, CLIENT_6)?;
    let directory = subject::new_directory()?;
    let config = format!(
        "{}\n[[network]]\ninterface = \"{}\"\n{NETWORK_6}",
        subject::config(PLAN),
        Link::INTERFACE
    );
    let start = || subject::ours_with(&pair.server(), directory.path(), &config);
    let mut server = start()?;

    let begun = Instant::now();
    let (told, settle) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let tell = |what| {
        let entry = Entry { at: begun.elapsed(), what };
        told.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(entry);
    };
    let place = pair.client();
    let six = Clients6::new(CLIENTS_6, seed);
    let ((clients, settled), (six, settled6)) = thread::scope(|scope| {
        let load = scope.spawn(|| speak(&place, seed, begun, &settle));
        let load6 = scope.spawn(|| speak6::speak(&place, six, begun, &settle));
        let mut chance = Chance::new(seed);
        let mut killing = || -> Result<(), Trouble> {
            for _ in 0..kills {
                let up = UP_MS.0 + chance.below(UP_MS.1 - UP_MS.0);
                thread::sleep(Duration::from_millis(up));
                server.kill();
                tell(What::Killed);
                server = start()?;
                tell(What::Ready);
            }
            Ok(())
        };
        let killed = killing();
        settle.store(true, Ordering::Relaxed);
        let spoken = load.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let spoken6 = load6.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        killed.and(spoken).and_then(|spoken| Ok((spoken, spoken6?)))
    })?;

    let told = told.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (acked, mut broken) = judged(clients.history, &told);
    let (acked6, broken6) = judged(six.history, &told);
    broken.extend(broken6);
    let settled = settled && settled6;
    Ok(Outcome { acked, acked6, lasted: begun.elapsed(), broken, settled })
}

/// How much was acknowledged to the clients of one family, and every broken promise with its story.
fn judged(mut all: Vec<Entry>, told: &[Entry]) -> (usize, Vec<String>) {
    all.extend(told);
    all.sort_by_key(|entry| entry.at);
    let broken = history::check(&all).into_iter().map(|broken| broken.story(&all)).collect();
    let acked = all.iter().filter(|entry| matches!(entry.what, What::Acked { .. })).count();
    (acked, broken)
}

/// Lets the clients speak until each has confirmed what it has; also whether they all did.
fn speak(
    at: &Namespace,
    seed: u64,
    begun: Instant,
    settle: &AtomicBool,
) -> Result<(Clients, bool), Trouble> {
    at.inside(|| {
        let mut port = Port::open(Link::INTERFACE, Hears::All)?;
        let mut clients = Clients::new(CLIENTS, seed, LEASE);
        let mut end = None;
        loop {
            if settle.load(Ordering::Relaxed) && end.is_none() {
                clients.settle(begun.elapsed());
                end = Some(begun.elapsed() + SETTLE);
            }
            turn(&mut port, &mut clients, begun)?;
            let settled = clients.is_settled();
            if settled || end.is_some_and(|end| begun.elapsed() > end) {
                return Ok((clients, settled));
            }
        }
    })?
}

/// Hears what came, says what is due.
fn turn(port: &mut Port, clients: &mut Clients, begun: Instant) -> Result<(), Trouble> {
    let (mut says, mut arps) = (Vec::new(), Vec::new());
    let mut came = BATCH;
    while came == BATCH {
        let now = begun.elapsed();
        came = port.receive(|bytes| {
            if let Some(answer) = frame::read(bytes) {
                says.extend(clients.hear(now, &answer));
            } else if let Some(address) = arp::looked_for(bytes) {
                let holder = clients.holder(now, address);
                arps.extend(holder.and_then(|mac| arp::reply(bytes, mac)));
            }
        })?;
    }
    clients.speak(begun.elapsed(), &mut says);
    send_all(port, &arps)?;
    send_all(port, &says)?;
    port.wait(TURN);
    Ok(())
}

fn send_all<F: AsRef<[u8]>>(port: &Port, frames: &[F]) -> Result<(), Trouble> {
    let mut rest = frames;
    while !rest.is_empty() {
        let sent = port.send(rest)?;
        rest = rest.get(sent..).unwrap_or_default();
        if sent == 0 {
            // The queue is full; what is not said now is asked again later.
            break;
        }
    }
    Ok(())
}
