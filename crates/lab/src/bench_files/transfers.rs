//! `./x bench transfers`: what more and more transfers at once cost, at the same rate together.
//!
//! In: nothing. Out: a table of processor time and memory by the number of transfers, and a picture.
//! Never: a transfer that ended before the last had begun, or that shares its address with another.

use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use super::plot::{Axis, Line, Plot};
use super::servers::{Running, Subject};
use super::shelf::Shelf;
use super::storm::take_leased;
use super::{CLIENT, MIB, PICTURES, SERVER};
use crate::fetch::crowd::{self, Asks, Outcome, Play};
use crate::fetch::{Wanted, http, tftp};
use crate::rig::need::{self, need};
use crate::rig::ns::Pair;
use crate::rig::{Trouble, io};

const PACKAGES: &[&str] = &["dnsmasq-base", "nginx-light"];
const SIZES: [u32; 4] = [10, 100, 1000, 5000];
/// All transfers together, MiB in a second.
const RATE_MIB: f64 = 48.0;
const LASTS: Duration = Duration::from_secs(6);
const FILE: &str = "disc";
/// More than the share of one of ten.
const FILE_BYTES: u64 = 64 << 20;
/// The first reader's.
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 80, 32, 1);
const SERVER_AT: Ipv4Addr = Ipv4Addr::new(10, 80, 0, 1);
/// Blksize, windowsize.
const OPTIONS: (u32, u32) = (1468, 4);

/// What is read by what from whom.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum By {
    Tftp,
    Http,
}

const WAYS: [(By, Subject); 4] = [
    (By::Tftp, Subject::Ours),
    (By::Tftp, Subject::Dnsmasq),
    (By::Http, Subject::Ours),
    (By::Http, Subject::Nginx),
];

/// One number of transfers.
struct Cost {
    alive: u32,
    ms_per_mib: f64,
    mib: f64,
}

/// Measures every way at every size and prints the table.
///
/// # Errors
/// When a server does not start, or a package is missing.
pub fn run() -> Result<(), Trouble> {
    need(need::LINK)?;
    need(PACKAGES)?;
    let shelf = Shelf::new(&[(FILE.to_owned(), FILE_BYTES)])?;
    let bytes = fs::read(shelf.root().join(FILE)).map_err(io("reading the file"))?;
    let wanted = Wanted::Bytes(bytes.into());
    shelf.warm()?;
    println!(
        "so many transfers at once, each from an address of its own, all together {RATE_MIB:.0} \
         MiB/s, {} s each; TFTP with blksize {} and windowsize {} (dnsmasq knows none); nginx with \
         one worker; alive: from the first to the last moment that was measured",
        LASTS.as_secs(),
        OPTIONS.0,
        OPTIONS.1
    );
    println!(
        "{:<6}{:<12} {:>6} {:>6} {:>7} {:>8} {:>9} {:>13} {:>6} {:>7}",
        "by",
        "server",
        "asked",
        "alive",
        "MiB/s",
        "ms/MiB",
        "MiB",
        "KiB/transfer",
        "again",
        "failed"
    );
    let mut curves = Vec::new();
    for (by, subject) in WAYS {
        let mut costs = Vec::new();
        for size in SIZES {
            costs.push(measure(by, subject, size, &shelf, &wanted)?);
        }
        curves.push((by, subject, costs));
    }
    picture(&curves)
}

fn measure(
    by: By,
    subject: Subject,
    readers: u32,
    shelf: &Shelf,
    wanted: &Wanted,
) -> Result<Cost, Trouble> {
    let pair = Pair::new(SERVER, CLIENT)?;
    take_leased(&pair)?;
    let server = Running::start(subject, &pair, shelf, None)?;
    let idle_kib = server.account().resident_kib();
    let play = Play {
        asks: asks(by, subject.path(FILE), wanted),
        readers,
        first: FIRST,
        rate: RATE_MIB * MIB,
        lasts: LASTS,
    };
    let (begin, end) = (Mutex::new(0.0), Mutex::new((0.0, 0)));
    let cpu = || server.account().cpu_s().unwrap_or(f64::NAN);
    let set_begin = || {
        if let Ok(mut begin) = begin.lock() {
            *begin = cpu();
        }
    };
    let set_end = || {
        if let Ok(mut end) = end.lock() {
            *end = (cpu(), server.account().resident_kib());
        }
    };
    let outcome = crowd::play(&pair.client(), &play, set_begin, set_end)?;
    let begin = begin.into_inner().unwrap_or(f64::NAN);
    let (end, resident_kib) = end.into_inner().unwrap_or((f64::NAN, 0));
    let mib = outcome.bytes as f64 / MIB;
    let cost = Cost {
        alive: outcome.alive,
        ms_per_mib: (end - begin) * 1000.0 / mib,
        mib: resident_kib as f64 / 1024.0,
    };
    let each_kib = resident_kib.saturating_sub(idle_kib) as f64 / f64::from(outcome.alive.max(1));
    println!(
        "{:<6}{:<12} {readers:>6} {:>6} {:>7.1} {:>8.2} {:>9.1} {each_kib:>13.1} {:>6} {:>7}",
        by.name(),
        subject.name(),
        cost.alive,
        mib / outcome.took.as_secs_f64(),
        cost.ms_per_mib,
        cost.mib,
        outcome.again,
        outcome.failed.len()
    );
    why(&outcome);
    Ok(cost)
}

/// The reasons, each once.
fn why(outcome: &Outcome) {
    let mut reasons = outcome.failed.clone();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons.iter().take(3) {
        println!("      {reason}");
    }
}

fn asks(by: By, path: String, wanted: &Wanted) -> Asks {
    let (from, wanted) = (Ipv4Addr::UNSPECIFIED, wanted.clone());
    match by {
        By::Tftp => Asks::Tftp(tftp::Ask {
            from,
            server: SocketAddrV4::new(SERVER_AT, 69),
            name: path.into_bytes(),
            wanted,
            options: OPTIONS,
            patient: true,
        }),
        By::Http => Asks::Http(http::Ask {
            from,
            server: SocketAddrV4::new(SERVER_AT, 80),
            path: format!("/{path}"),
            wanted,
            room: None,
        }),
    }
}

impl By {
    fn name(self) -> &'static str {
        match self {
            Self::Tftp => "TFTP",
            Self::Http => "HTTP",
        }
    }
}

/// Processor time by the number of transfers that were alive. Memory stands in the table.
fn picture(curves: &[(By, Subject, Vec<Cost>)]) -> Result<(), Trouble> {
    let lines = |value: fn(&Cost) -> f64| -> Vec<Line> {
        let line = |(by, subject, costs): &(By, Subject, Vec<Cost>)| Line {
            name: format!("{}, {}", subject.name(), by.name()),
            points: costs.iter().map(|cost| (f64::from(cost.alive), value(cost))).collect(),
        };
        curves.iter().map(line).collect()
    };
    let plot = |title: &str, y: &str, lines| Plot {
        title: title.to_owned(),
        x: Axis::logarithmic("transfers at once"),
        y: Axis::logarithmic(y),
        lines,
    };
    let folder = Path::new(PICTURES);
    plot("What transfers at once cost", "processor, ms for each MiB", lines(|c| c.ms_per_mib))
        .write(&folder.join("transfers.svg"))?;
    plot("What transfers at once need", "memory, MiB", lines(|c| c.mib))
        .write(&folder.join("transfers-memory.svg"))
}
