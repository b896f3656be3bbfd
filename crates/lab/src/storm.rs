//! Machines that are switched on at the same moment, from one thread.
//!
//! ```text
//! DISCOVER ─ OFFER ─ REQUEST ─ ACK     its own MAC; PXE, x64 UEFI, broadcast answers
//!   └ the boot file by TFTP            from the leased address; blksize 1468, windowsize 4
//!       └ the script by HTTP ─ the disc by HTTP, each on a connection of its own
//! ```
//!
//! In: how many, where the server is, what its files must be. Out: when each machine was done, what
//! failed, what had to be said again. Never: an address that no lease gave; a machine that gives up
//! quietly.

use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};

use crate::fetch::Wanted;
use crate::fetch::http::Scrap;
use crate::fetch::poll::{Poll, room_for};
use crate::load::port::{BATCH, Hears, Port};
use crate::rig::ns::{Link, Namespace};
use crate::rig::{Trouble, io};

mod exchange;
mod machine;

use machine::Machine;

/// The number of the socket that hears what is broadcast to port 68.
const BROADCASTS: u64 = u64::MAX;
/// Room for the answers to all machines at once.
const ROOM: usize = 16 * 1024 * 1024;
/// How long nothing may happen before the driver looks at the time again.
const LOOK: Duration = Duration::from_millis(50);

/// What the machines are to load.
#[derive(Clone, Debug)]
pub struct Play {
    /// How many.
    pub machines: u32,
    /// Who they are: their MACs follow from it.
    pub seed: u64,
    /// Where the script and the disc are.
    pub http: SocketAddrV4,
    /// What comes by TFTP, under the name that the ACK says.
    pub boot_file: Wanted,
    /// The script's path; `{mac}` stands for the machine's own.
    pub script: String,
    /// Path and bytes of the disc.
    pub disc: (String, Wanted),
    /// Who is not done by then has failed.
    pub at_most: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// When machines were done, the first one first.
    pub done: Vec<Duration>,
    /// Why the others were not.
    pub failed: Vec<String>,
    /// DHCP messages said again.
    pub dhcp_again: u64,
    /// TFTP packets said again by the timer.
    pub tftp_again: u64,
    /// When the last lease was given, and when the last boot file was there.
    pub leased: Duration,
    /// See `leased`.
    pub loaded: Duration,
    /// Processor time of the generator.
    pub own_cpu: Duration,
}

impl Outcome {
    /// When this part of the machines was done.
    #[must_use]
    pub fn percentile(&self, part: f64) -> Duration {
        let last = self.done.len().saturating_sub(1);
        let at = (last as f64 * part).round() as usize;
        self.done.get(at).copied().unwrap_or(Duration::ZERO)
    }
}

/// Switches them on in a namespace that takes the leased addresses for its own.
///
/// # Errors
/// When sockets cannot be had. A machine that fails is none: it is told.
pub fn play(at: &Namespace, play: &Play) -> Result<Outcome, Trouble> {
    at.inside(|| drive(play))?
}

/// What all machines share.
struct Hall<'a> {
    play: &'a Play,
    poll: Poll,
    /// DHCP frames to be sent.
    frames: Vec<Vec<u8>>,
    scrap: Scrap,
    outcome: Outcome,
}

fn drive(play: &Play) -> Result<Outcome, Trouble> {
    room_for(u64::from(play.machines) + 100)?;
    let port = Port::open(Link::INTERFACE, Hears::Nothing)?;
    let broadcasts = broadcasts()?;
    let mut hall = Hall {
        play,
        poll: Poll::new()?,
        frames: Vec::new(),
        scrap: Scrap::default(),
        outcome: Outcome::default(),
    };
    hall.poll.reads(&broadcasts, BROADCASTS)?;
    let cpu = own_cpu();
    let mut machines: Vec<Machine> =
        (0..play.machines).map(|number| Machine::new(play.seed, number)).collect();
    for machine in &mut machines {
        machine.power_on(&mut hall)?;
    }
    let mut left = machines.len();
    while left > 0 && hall.poll.now() < play.at_most {
        send(&port, &mut hall.frames)?;
        let wait = if hall.frames.is_empty() { LOOK } else { Duration::ZERO };
        for number in hall.poll.wait(wait)? {
            if number == BROADCASTS {
                exchange::hear(&broadcasts, |answer| {
                    let machine = machines.get_mut(answer.xid as usize);
                    machine.map_or(Ok(()), |machine| machine.hear(&mut hall, answer))
                })?;
            } else if let Some(machine) = machines.get_mut(number as usize) {
                machine.ready(&mut hall)?;
            }
        }
        while let Some(number) = hall.poll.rings() {
            if let Some(machine) = machines.get_mut(number as usize) {
                machine.late(&mut hall)?;
            }
        }
        left = machines.len() - hall.outcome.done.len() - hall.outcome.failed.len();
    }
    let late = machines.iter().filter(|machine| !machine.ended());
    let late: Vec<String> = late.map(|machine| format!("{machine}: too late")).collect();
    hall.outcome.failed.extend(late);
    hall.outcome.own_cpu = own_cpu().saturating_sub(cpu);
    Ok(hall.outcome)
}

/// As many frames as the queue takes.
fn send(port: &Port, frames: &mut Vec<Vec<u8>>) -> Result<(), Trouble> {
    while !frames.is_empty() {
        let sent = port.send(frames.get(..BATCH.min(frames.len())).unwrap_or_default())?;
        frames.drain(..sent);
        if sent == 0 {
            break;
        }
    }
    Ok(())
}

fn broadcasts() -> Result<UdpSocket, Trouble> {
    let doing = || io("listening on port 68");
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 68)).map_err(doing())?;
    socket.set_nonblocking(true).map_err(doing())?;
    setsockopt(&socket, sockopt::RcvBufForce, &ROOM).map_err(|e| doing()(e.into()))?;
    Ok(socket)
}

/// The processor time of this thread.
fn own_cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns = text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
    Duration::from_nanos(ns)
}
