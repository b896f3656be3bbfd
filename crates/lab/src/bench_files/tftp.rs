//! `./x bench tftp`: one file by windows of different sizes, and many at once.
//!
//! In: how many rounds. Out: a table of MiB in a second, and one of processor time for each MiB.
//! Never: a figure of a transfer whose bytes were not compared before, at least once by each server
//! and each way.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

use super::grid::{Column, Goal, Grid};
use super::servers::{Running, Subject};
use super::shelf::Shelf;
use super::sources::Sources;
use super::{CLIENT, MIB, SERVER, SERVER_ADDRESS, turns};
use crate::rig::need::{self, need};
use crate::rig::ns::Pair;
use crate::rig::process::run as run_program;
use crate::rig::{Trouble, io};

const PACKAGES: &[&str] = &["atftp", "tftpd-hpa", "dnsmasq-base"];
const SUBJECTS: [Subject; 4] = [Subject::Ours, Subject::Dnsmasq, Subject::Hpa, Subject::Atftpd];
const LARGE: &str = "large";
const LARGE_BYTES: u64 = 64 << 20;
const SMALL_BYTES: u64 = 1 << 20;
const SMALL_FILES: u32 = 200;
const CLIENTS: u32 = 50;
/// EDK2's window.
const CROWD_WINDOW: u32 = 4;
/// As large as fits a frame of Ethernet.
const BLKSIZE: u32 = 1468;

/// Windows, and how often the file is fetched with each: longer where it is quick.
const WINDOWS: [(u32, u32); 4] = [(1, 1), (4, 2), (16, 3), (64, 4)];

const fn rate(name: &'static str, goal: f64) -> Column {
    Column { name, decimals: 1, goal: Goal::AtLeast(goal) }
}

const fn cost(name: &'static str) -> Column {
    Column { name, decimals: 2, goal: Goal::AtMost(1.0) }
}

/// First what is fast, then what it costs; "50x" are the small files without windows, "50x4" with
/// windows of four blocks, as EDK2 asks for.
const COLUMNS: [Column; 12] = [
    rate("w1", 1.0),
    rate("w4", 1.3),
    rate("w16", 1.3),
    rate("w64", 1.3),
    rate("50x", 1.3),
    rate("50x4", 1.3),
    cost("ms w1"),
    cost("ms w4"),
    cost("ms w16"),
    cost("ms w64"),
    cost("ms 50x"),
    cost("ms 50x4"),
];

/// Measures `rounds` times and prints the tables.
///
/// # Errors
/// When a server does not start, a package is missing, or bytes are wrong.
pub fn run(rounds: usize) -> Result<(), Trouble> {
    need(need::LINK)?;
    need(PACKAGES)?;
    let mut files = vec![(LARGE.to_owned(), LARGE_BYTES)];
    files.extend((0..SMALL_FILES).map(|number| (small(number), SMALL_BYTES)));
    let shelf = Shelf::new(&files)?;
    println!(
        "TFTP, {} MiB, blksize {BLKSIZE}, veth with MTU 1500, client atftp: MiB/s at window 1, 4, \
         16, 64, and {SMALL_FILES} files of 1 MiB with {CLIENTS} clients at once, without windows (50x) \
         and with windows of {CROWD_WINDOW} (50x4); then the \
         server's processor time, ms for each MiB. dnsmasq and tftpd-hpa know no window and stand \
         with their figure of window 1",
        LARGE_BYTES >> 20
    );
    let mut grid = Grid::new(&COLUMNS, &SUBJECTS.map(Subject::name));
    for round in 0..rounds {
        shelf.warm()?;
        let mut rows = vec![Vec::new(); SUBJECTS.len()];
        for at in turns(SUBJECTS.len(), round) {
            let (Some(subject), Some(row)) = (SUBJECTS.get(at), rows.get_mut(at)) else { continue };
            eprintln!("round {}: {}", round + 1, subject.name());
            *row = measure(*subject, &shelf, round == 0)?;
        }
        grid.round(rows);
    }
    grid.medians();
    Ok(())
}

fn small(number: u32) -> String {
    format!("small/{number:03}")
}

fn measure(subject: Subject, shelf: &Shelf, compare: bool) -> Result<Vec<f64>, Trouble> {
    let pair = Pair::new(SERVER, CLIENT)?;
    let sources = Sources::new(&pair.client(), CLIENTS)?;
    let server = Running::start(subject, &pair, shelf, None)?;
    let client = Client { subject, sources };
    pair.client().inside(|| {
        if compare {
            client.compares(shelf, LARGE, 1)?;
            client.compares(shelf, &small(7), 1)?;
        }
        let mut costs = Vec::new();
        for (window, times) in WINDOWS {
            if !knows(subject, window) {
                let same: (f64, f64) = costs.first().copied().unwrap_or((f64::NAN, f64::NAN));
                costs.push(same);
                continue;
            }
            if compare && window > 1 {
                client.compares(shelf, LARGE, window)?;
            }
            let mib = f64::from(times) * LARGE_BYTES as f64 / MIB;
            costs.push(timed(&server, mib, || {
                (0..times).try_for_each(|_| client.gets(0, LARGE, window))
            })?);
        }
        let mib = f64::from(SMALL_FILES) * SMALL_BYTES as f64 / MIB;
        let without = timed(&server, mib, || client.crowd(1))?;
        costs.push(without);
        costs.push(match knows(subject, CROWD_WINDOW) {
            true => timed(&server, mib, || client.crowd(CROWD_WINDOW))?,
            false => without,
        });
        let (rates, cpus): (Vec<_>, Vec<_>) = costs.into_iter().unzip();
        Ok([rates, cpus].concat())
    })?
}

/// What RFC 7440 is to a server.
fn knows(subject: Subject, window: u32) -> bool {
    window == 1 || matches!(subject, Subject::Ours | Subject::Atftpd)
}

/// MiB in a second, and the server's milliseconds for each.
fn timed(
    server: &Running,
    mib: f64,
    work: impl FnOnce() -> Result<(), Trouble>,
) -> Result<(f64, f64), Trouble> {
    let (cpu, begun) = (server.account().cpu_s()?, Instant::now());
    work()?;
    let took = begun.elapsed().as_secs_f64();
    let cpu = server.account().cpu_s()? - cpu;
    Ok((mib / took, cpu * 1000.0 / mib))
}

/// atftp, from inside the client's namespace.
#[derive(Clone, Copy)]
struct Client {
    subject: Subject,
    sources: Sources,
}

impl Client {
    /// Fetches a file as this client, and throws it away.
    fn gets(&self, number: u32, name: &str, window: u32) -> Result<(), Trouble> {
        let mut command = self.atftp(name, window, Path::new("/dev/null"));
        self.sources.run_as(number, &mut command);
        run_program(&mut command).map(drop)
    }

    fn atftp(&self, name: &str, window: u32, to: &Path) -> Command {
        let mut command = Command::new("atftp");
        command.args(["--option", &format!("blksize {BLKSIZE}")]);
        if window > 1 {
            command.args(["--option", &format!("windowsize {window}")]);
        }
        command.args(["-g", "-r", &self.subject.path(name), "-l"]).arg(to).arg(SERVER_ADDRESS);
        command.stdin(Stdio::null());
        command
    }

    /// All small files, by so many clients at once.
    fn crowd(&self, window: u32) -> Result<(), Trouble> {
        let next = AtomicU32::new(0);
        let one_client = |number| {
            loop {
                let file = next.fetch_add(1, Ordering::Relaxed);
                if file >= SMALL_FILES {
                    return Ok(());
                }
                self.gets(number, &small(file), window)?;
            }
        };
        thread::scope(|scope| {
            let clients: Vec<_> =
                (0..CLIENTS).map(|number| scope.spawn(move || one_client(number))).collect();
            let ends = clients.into_iter().map(|client| {
                client.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            ends.collect::<Result<(), Trouble>>()
        })
    }

    /// Fetches a file and compares every byte.
    fn compares(&self, shelf: &Shelf, name: &str, window: u32) -> Result<(), Trouble> {
        let got = shelf.scratch("got");
        // As ourselves: other users may not write there.
        run_program(&mut self.atftp(name, window, &got))?;
        let read = |path: &Path| fs::read(path).map_err(io(format!("reading {}", path.display())));
        match read(&got)? == read(&shelf.root().join(name))? {
            true => Ok(()),
            false => Err(Trouble::Command {
                command: format!("atftp, window {window}, {name} of {}", self.subject.name()),
                said: "these are other bytes".to_owned(),
            }),
        }
    }
}
