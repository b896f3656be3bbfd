//! Taking in a disc of 1 GiB, against the least that anybody could do with it: hash it, copy it,
//! sync the copy.
//!
//! In: how many rounds. Out: a table. Never: a disc whose bytes differ from round to round, or a copy
//! that shares its blocks with what it is of.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::{operator, pair};
use crate::bench_dhcp::{floor, subject};
use crate::bench_files::grid::{Column, Goal, Grid};
use crate::bench_files::{MIB, shelf, turns};
use crate::rig::account::Account;
use crate::rig::process::run as run_program;
use crate::rig::{Trouble, io, iso};

/// Half of the files are by chance, half nearly zeros: a disc has both.
const FILES: u64 = 32;
const FILE_BYTES: u64 = 32 << 20;
/// Every block of what is nearly zeros begins with its number.
const BLOCK: usize = 4096;
const COLUMNS: [Column; 3] = [
    Column { name: "seconds", decimals: 2, goal: Goal::AtMost(1.3) },
    Column { name: "MiB/s", decimals: 0, goal: Goal::AtLeast(1.0 / 1.3) },
    Column { name: "cpu s", decimals: 2, goal: Goal::Shown },
];
const SUBJECTS: [&str; 2] = ["bootwright", "hash, copy"];

/// Measures `rounds` times, in turns.
///
/// # Errors
/// When the disc cannot be made, or the server does not take it.
pub fn run(rounds: usize) -> Result<String, Trouble> {
    let directory = subject::new_directory()?;
    eprintln!("making a disc of {} MiB", (FILES * FILE_BYTES) >> 20);
    let disc = disc(directory.path())?;
    let bytes = fs::metadata(&disc).map_err(io("looking at the disc"))?.len();
    let mut grid = Grid::new(&COLUMNS, &SUBJECTS);
    for round in 0..rounds {
        let mut rows = vec![Vec::new(); SUBJECTS.len()];
        for at in turns(SUBJECTS.len(), round) {
            // What was written before is nobody's affair now, and the disc is in memory for both.
            run_program(&mut Command::new("sync"))?;
            shelf::read(&disc).map_err(io("reading the disc"))?;
            eprintln!("round {}: {} takes in a disc", round + 1, SUBJECTS[at]);
            let (seconds, cpu) = match at {
                0 => ours(&disc)?,
                _ => theirs(&disc)?,
            };
            rows[at] = vec![seconds, bytes as f64 / MIB / seconds, cpu];
        }
        grid.round(rows);
    }
    Ok(format!("taking in a disc of {} MiB\n{}", bytes >> 20, grid.told()))
}

/// The command from its start to its end, by a server with an empty store; seconds, and the server's
/// processor seconds.
fn ours(disc: &Path) -> Result<(f64, f64), Trouble> {
    let (pair, directory) = (pair()?, subject::new_directory()?);
    let server = subject::ours(&pair.server(), directory.path(), subject::plan(false))?;
    let path = disc.display().to_string();
    let words = ["image", "import", &path, "--name", "disc"];
    let mut command = operator(&pair, directory.path(), &words)?;
    let (before, begun) = (floor::cpu_s(server.id())?, Instant::now());
    run_program(&mut command)?;
    Ok((begun.elapsed().as_secs_f64(), floor::cpu_s(server.id())? - before))
}

/// Three programs one after another; seconds, and their processor seconds.
fn theirs(disc: &Path) -> Result<(f64, f64), Trouble> {
    const SCRIPT: &str =
        "sha256sum \"$0\" && cp --reflink=never --sparse=never \"$0\" \"$1\" && sync \"$1\"";
    let (account, directory) = (Account::new()?, subject::new_directory()?);
    let mut inner = Command::new("sh");
    inner.args(["-c", SCRIPT]).arg(disc).arg(directory.path().join("copy"));
    let mut command = account.charged(&inner);
    let begun = Instant::now();
    run_program(&mut command)?;
    Ok((begun.elapsed().as_secs_f64(), account.cpu_s()?))
}

fn disc(directory: &Path) -> Result<PathBuf, Trouble> {
    let (tree, disc) = (directory.join("tree"), directory.join("disc.iso"));
    fs::create_dir(&tree).map_err(io("making the tree of a disc"))?;
    for number in 0..FILES {
        let path = tree.join(format!("file-{number}"));
        let written = match number % 2 {
            0 => shelf::write(&path, FILE_BYTES),
            _ => nearly_zeros(&path, number),
        };
        written.map_err(io(format!("writing {}", path.display())))?;
    }
    iso::write(&tree, "INTAKE", &disc)?;
    fs::remove_dir_all(&tree).map_err(io("removing the tree of a disc"))?;
    Ok(disc)
}

fn nearly_zeros(path: &Path, number: u64) -> std::io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut block = [0; BLOCK];
    for at in 0..FILE_BYTES / BLOCK as u64 {
        block[..8].copy_from_slice(&(number << 32 | at).to_le_bytes());
        file.write_all(&block)?;
    }
    file.flush()
}
