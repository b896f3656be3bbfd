//! Many DHCP clients at once, from one thread: as much load as one server can take.
//!
//! ```text
//! Crowd (who says what next, pure) ── frames ──▶ Port (sendmmsg) ──▶ link
//!        ▲───────────────── answers ◀── read ◀── Port (recvmmsg) ◀── link
//! ```
//!
//! In: how many clients, at which pace, for how long. Out: how many exchanges DISCOVER, OFFER,
//! REQUEST, ACK were completed, and how long each took. Never: an address of its own, or a second
//! attempt: what got no answer is lost, and counted.

use std::fs;
use std::time::{Duration, Instant};

use crate::rig::Trouble;
use crate::rig::ns::{Link, Namespace};

mod crowd;
pub mod echo;
pub mod frame;
pub mod port;
pub mod tally;

pub use crowd::{Crowd, mac};
pub use tally::Tally;

use frame::Frame;
use port::{BATCH, Hears, Port};

/// How exchanges follow each other.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// So many clients at once; who is done makes room for the next.
    Closed {
        /// Clients in flight.
        in_flight: u16,
    },
    /// So many begin each second, whatever becomes of them.
    Open {
        /// Exchanges begun in a second.
        per_s: u32,
    },
}

/// What is to be played.
#[derive(Clone, Copy, Debug)]
pub struct Play {
    /// Distinct clients; after the last the first comes again.
    pub clients: u32,
    /// Which clients: their MACs follow from it.
    pub seed: u64,
    /// How exchanges follow each other.
    pub pace: Pace,
    /// How long exchanges begin.
    pub lasts: Duration,
    /// How many begin at most.
    pub most: u64,
    /// An exchange that is not done after this time is lost.
    pub patience: Duration,
}

impl Play {
    /// 50,000 clients of this seed at this pace, for so long, each with a second of patience.
    #[must_use]
    pub fn new(seed: u64, pace: Pace, lasts: Duration) -> Self {
        let patience = Duration::from_secs(1);
        Self { clients: 50_000, seed, pace, lasts, most: u64::MAX, patience }
    }

    /// A play that ends when each of so many clients had its turn, or after `at_most`.
    #[must_use]
    pub fn each_once(clients: u32, seed: u64, in_flight: u16, at_most: Duration) -> Self {
        let pace = Pace::Closed { in_flight };
        let patience = Duration::from_secs(5);
        Self { clients, seed, pace, lasts: at_most, most: u64::from(clients), patience }
    }
}

/// Plays it from a namespace, on [`Link::INTERFACE`].
///
/// # Errors
/// When the interface cannot be used. Silence of the server is none: it is counted.
pub fn play(at: &Namespace, play: &Play) -> Result<Tally, Trouble> {
    at.inside(|| drive(play))?
}

fn drive(play: &Play) -> Result<Tally, Trouble> {
    let mut port = Port::open(Link::INTERFACE, Hears::Ip)?;
    let mut crowd = Crowd::new(*play);
    let mut to_send: Vec<Frame> = Vec::with_capacity(4 * BATCH);
    let begun = Instant::now();
    let cpu = own_cpu();
    loop {
        let now = begun.elapsed();
        crowd.give_up(now);
        while to_send.len() < BATCH
            && let Some(first) = crowd.begin(now)
        {
            to_send.push(first);
        }
        let sent = port.send(&to_send)?;
        to_send.drain(..sent);
        let now = begun.elapsed();
        let came = port.receive(|frame| {
            let next = frame::read(frame).and_then(|answer| crowd.hear(now, &answer));
            to_send.extend(next);
        })?;
        if crowd.is_done(now) {
            break;
        }
        if came == 0 && to_send.is_empty() {
            port.wait(crowd.idle_for(begun.elapsed()));
        }
    }
    let cpu = own_cpu().saturating_sub(cpu);
    Ok(crowd.tally(begun.elapsed(), cpu))
}

/// The processor time of this thread.
fn own_cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns = text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
    Duration::from_nanos(ns)
}
