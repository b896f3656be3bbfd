//! `./x bench storm`: machines that are switched on at once, against us, and against dnsmasq with
//! nginx.
//!
//! In: how many machines. Out: when they were done, what it cost, a picture. Never: a server that is
//! told how many will come.

use std::fs;
use std::net::SocketAddrV4;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::grid::{Column, Goal, Grid};
use super::plot::{Axis, Line, Plot};
use super::servers::{BOOT_FILE, Running, Subject};
use super::shelf::Shelf;
use super::{CLIENT, PICTURES, SERVER, turns};
use crate::fetch::Wanted;
use crate::rig::need::{self, need};
use crate::rig::ns::{Link, Pair};
use crate::rig::process::run as run_program;
use crate::rig::{Trouble, io};
use crate::storm::{self, Outcome, Play};

const PACKAGES: &[&str] = &["dnsmasq-base", "nginx-light", "shim-signed", "grub-efi-amd64-signed"];
/// What ours gives to x64 UEFI where these packages are: about a megabyte. The peers are given it.
const LOADER: &str = "/usr/lib/shim/shimx64.efi.signed";
const DISC: &str = "disc";
const DISC_BYTES: u64 = 16 << 20;
/// What nginx hands out; ours writes its own for each machine.
const SCRIPT: &str = "#!ipxe\n# The same for everybody.\nkernel disc\nboot\n";
const SCRIPT_NAME: &str = "boot.ipxe";
const ROUNDS: usize = 3;
/// So many machines that failed are named.
const SHOWN: usize = 10;
const AT_MOST: Duration = Duration::from_secs(240);
/// The address that the generator has of its own, behind which all leased ones are.
const BEHIND: &str = "10.80.0.2";
/// All addresses of the pool.
pub const LEASED: &str = "10.80.32.0/19";

/// Who stands against the storm.
#[derive(Clone, Copy, Debug)]
enum Stack {
    Ours,
    Theirs,
}

const STACKS: [Stack; 2] = [Stack::Ours, Stack::Theirs];

impl Stack {
    fn name(self) -> &'static str {
        match self {
            Self::Ours => "bootwright",
            Self::Theirs => "dnsm+nginx",
        }
    }

    fn servers(self) -> &'static [Subject] {
        match self {
            Self::Ours => &[Subject::Ours],
            Self::Theirs => &[Subject::DnsmasqBoots, Subject::Nginx],
        }
    }
}

const fn shown(name: &'static str, decimals: usize) -> Column {
    Column { name, decimals, goal: Goal::Shown }
}

/// The servers' memory at its largest (VmHWM), all processes together.
const MEMORY: &str = "MiB";
const MEMORY_GOAL_MIB: f64 = 256.0;
const ERRORS: &str = "errors";
const COLUMNS: [Column; 8] = [
    Column { name: "all s", decimals: 2, goal: Goal::AtMost(0.8) },
    shown("first s", 2),
    shown("p50 s", 2),
    shown("p99 s", 2),
    shown("cpu s", 2),
    shown(MEMORY, 1),
    shown("again", 0),
    shown(ERRORS, 0),
];

/// Switches them on, three times for each stack, and prints the table.
///
/// # Errors
/// When a server does not start, a package is missing, or a machine failed.
pub fn run(machines: u32) -> Result<(), Trouble> {
    need(need::LINK)?;
    need(PACKAGES)?;
    let shelf = Shelf::new(&[(DISC.to_owned(), DISC_BYTES)])?;
    let loader = for_peers(&shelf)?;
    let disc = fs::read(shelf.root().join(DISC)).map_err(io("reading the disc"))?;
    println!(
        "{machines} machines switched on at once: DHCP as PXE (x64 UEFI), Debian's shim ({} KiB) by \
         TFTP (blksize 1468, windowsize 4, timer 4 s), a script and 16 MiB by HTTP; dnsm+nginx: \
         dnsmasq for DHCP and TFTP, nginx with one worker for HTTP",
        loader.len() >> 10
    );
    let mut grid = Grid::new(&COLUMNS, &STACKS.map(Stack::name));
    let mut pictured: Vec<Option<Outcome>> = vec![None; STACKS.len()];
    let mut failed: Vec<String> = Vec::new();
    for round in 0..ROUNDS {
        shelf.warm()?;
        let mut rows = vec![Vec::new(); STACKS.len()];
        for at in turns(STACKS.len(), round) {
            let (Some(stack), Some(row)) = (STACKS.get(at), rows.get_mut(at)) else { continue };
            eprintln!("round {}: {}", round + 1, stack.name());
            let play = play(*stack, machines, round, &loader, &disc);
            let (outcome, cells) = measure(*stack, &shelf, &play)?;
            *row = cells;
            for why in outcome.failed.iter().take(SHOWN) {
                println!("  {}: {why}", stack.name());
            }
            if let Stack::Ours = stack {
                failed.extend(outcome.failed.iter().cloned());
            }
            if let Some(place) = pictured.get_mut(at) {
                *place = Some(outcome);
            }
        }
        grid.round(rows);
    }
    grid.medians();
    println!(
        "ours at most {:.1} MiB (goal: {MEMORY_GOAL_MIB:.0}), {:.0} errors (goal: 0)",
        grid.largest(0, MEMORY),
        grid.largest(0, ERRORS)
    );
    picture(machines, &pictured)?;
    match failed.len() {
        0 => Ok(()),
        count => Err(Trouble::Command {
            command: format!("a storm of {machines} machines"),
            said: format!("{count} of ours failed"),
        }),
    }
}

/// Gives the peers the bootloader and a script; the bootloader's bytes.
fn for_peers(shelf: &Shelf) -> Result<Vec<u8>, Trouble> {
    let bytes = fs::read(LOADER).map_err(io(format!("reading {LOADER}")))?;
    let write = |name: &str, bytes: &[u8]| {
        fs::write(shelf.root().join(name), bytes).map_err(io(format!("writing {name}")))
    };
    write(BOOT_FILE, &bytes)?;
    write(SCRIPT_NAME, SCRIPT.as_bytes())?;
    Ok(bytes)
}

fn play(stack: Stack, machines: u32, round: usize, loader: &[u8], disc: &[u8]) -> Play {
    let (script, path) = match stack {
        Stack::Ours => (format!("/{SCRIPT_NAME}?mac={{mac}}"), Subject::Ours.path(DISC)),
        Stack::Theirs => (format!("/{SCRIPT_NAME}"), Subject::Nginx.path(DISC)),
    };
    Play {
        machines,
        seed: round as u64 * 1_000_003,
        http: SocketAddrV4::new([10, 80, 0, 1].into(), 80),
        boot_file: Wanted::Bytes(loader.into()),
        script,
        disc: (format!("/{path}"), Wanted::Bytes(disc.into())),
        at_most: AT_MOST,
    }
}

fn measure(stack: Stack, shelf: &Shelf, play: &Play) -> Result<(Outcome, Vec<f64>), Trouble> {
    let pair = Pair::new(SERVER, CLIENT)?;
    take_leased(&pair)?;
    let servers: Vec<Running> = stack
        .servers()
        .iter()
        .map(|subject| Running::start(*subject, &pair, shelf, None))
        .collect::<Result<_, _>>()?;
    let cpu = || servers.iter().map(|server| server.account().cpu_s()).sum::<Result<f64, _>>();
    let before = cpu()?;
    let outcome = storm::play(&pair.client(), play)?;
    let cpu = cpu()? - before;
    let peak: u64 = servers.iter().map(|server| server.account().peak_kib()).sum();
    let all = outcome.done.last().copied().unwrap_or(AT_MOST);
    println!(
        "  {}: last lease {:.2} s, last boot file {:.2} s; DHCP again {}, TFTP again {}, generator \
         {:.2} s of processor",
        stack.name(),
        outcome.leased.as_secs_f64(),
        outcome.loaded.as_secs_f64(),
        outcome.dhcp_again,
        outcome.tftp_again,
        outcome.own_cpu.as_secs_f64()
    );
    let cells = vec![
        all.as_secs_f64(),
        outcome.percentile(0.0).as_secs_f64(),
        outcome.percentile(0.5).as_secs_f64(),
        outcome.percentile(0.99).as_secs_f64(),
        cpu,
        peak as f64 / 1024.0,
        (outcome.dhcp_again + outcome.tftp_again) as f64,
        outcome.failed.len() as f64,
    ];
    Ok((outcome, cells))
}

/// The client's end takes every address of the pool for its own; to the server all of them are
/// behind one neighbour, since a kernel knows 1,024 neighbours and no more unless told otherwise.
///
/// # Errors
/// When `ip` refuses.
pub fn take_leased(pair: &Pair) -> Result<(), Trouble> {
    let ip = |at: &str, words: &[&str]| {
        run_program(Command::new("ip").args(["-n", at, "route", "add"]).args(words)).map(drop)
    };
    ip(pair.client().name(), &["local", LEASED, "dev", "lo"])?;
    ip(pair.server().name(), &[LEASED, "via", BEHIND, "dev", Link::INTERFACE])
}

/// Machines done over time, the last round of each.
fn picture(machines: u32, outcomes: &[Option<Outcome>]) -> Result<(), Trouble> {
    let line = |(stack, outcome): (&Stack, &Option<Outcome>)| {
        let done = &outcome.as_ref()?.done;
        let mut points = vec![(0.0, 0.0)];
        points.extend(done.iter().enumerate().map(|(at, s)| (s.as_secs_f64(), (at + 1) as f64)));
        let name = match stack {
            Stack::Ours => "bootwright",
            Stack::Theirs => "dnsmasq and nginx",
        };
        Some(Line { name: name.to_owned(), points })
    };
    Plot {
        title: format!("{machines} machines switched on at once"),
        x: Axis::plain("seconds since power-on"),
        y: Axis::plain("machines done"),
        lines: STACKS.iter().zip(outcomes).filter_map(line).collect(),
    }
    .write(&Path::new(PICTURES).join("storm.svg"))
}
