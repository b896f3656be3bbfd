//! What this computer can do at most: its disk, its link, its processor time per process.
//!
//! In: a directory, a pair of namespaces, a process id. Out: syncs in a second, exchanges in a
//! second with a server that decides nothing, processor time. Never: a server that is measured.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::load::{self, Play, Tally, echo};
use crate::rig::ns::Pair;
use crate::rig::{Trouble, io};

/// The unit of /proc/PID/stat on every Linux we know (USER_HZ).
const TICKS_PER_S: f64 = 100.0;

/// How often in a second 4 KiB can be appended and synced (fdatasync), one after the other.
///
/// # Errors
/// When the directory cannot be written to.
pub fn syncs_per_s(directory: &Path, lasts: Duration) -> Result<f64, Trouble> {
    let path = directory.join("sync-rate");
    let cannot = || io(format!("syncing {}", path.display()));
    let mut file = fs::File::create(&path).map_err(cannot())?;
    let begun = Instant::now();
    let mut count = 0_u32;
    while begun.elapsed() < lasts {
        file.write_all(&[0x77; 4096]).map_err(cannot())?;
        file.sync_data().map_err(cannot())?;
        count += 1;
    }
    let took = begun.elapsed().as_secs_f64();
    fs::remove_file(&path).map_err(cannot())?;
    Ok(f64::from(count) / took)
}

/// The same play against a server that only turns frames around.
///
/// # Errors
/// When the link cannot be used.
pub fn link_carries(pair: &Pair, play: &Play, server: [u8; 4]) -> Result<Tally, Trouble> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let echo = scope.spawn(|| echo::serve(&pair.server(), server.into(), &stop));
        let tally = load::play(&pair.client(), play);
        stop.store(true, Ordering::Relaxed);
        echo.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        tally
    })
}

/// The processor seconds that a process and all its threads have used.
///
/// # Errors
/// When there is no such process.
pub fn cpu_s(process: u32) -> Result<f64, Trouble> {
    let path = format!("/proc/{process}/stat");
    let text = fs::read_to_string(&path).map_err(io(format!("reading {path}")))?;
    // The second field is the name in brackets, and may hold blanks.
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks = |at| after.split_whitespace().nth(at).and_then(|n| n.parse::<f64>().ok());
    Ok((ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / TICKS_PER_S)
}

/// The memory that a process has in use, in KiB.
///
/// # Errors
/// When there is no such process.
pub fn resident_kib(process: u32) -> Result<u64, Trouble> {
    let path = format!("/proc/{process}/status");
    let text = fs::read_to_string(&path).map_err(io(format!("reading {path}")))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    Ok(number.unwrap_or(0))
}
