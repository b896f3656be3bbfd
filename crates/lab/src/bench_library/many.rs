//! A disc with 50,000 small files beside one with a single file: how long the server takes to
//! start with it, to list it, to find a file of it.
//!
//! In: how many rounds. Out: a table. Never: a file twice in a row.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{operator, pair};
use crate::bench_dhcp::{floor, subject};
use crate::bench_files::grid::{Column, Goal, Grid, median};
use crate::bench_files::turns;
use crate::fetch::get::get;
use crate::rig::ns::Namespace;
use crate::rig::process::run as run_program;
use crate::rig::{Trouble, io, iso};

const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 80, 0, 1)), 80);
const IMAGE: &str = "disc";
const FOLDERS: u32 = 500;
const FILES_OF_ONE: u32 = 100;
/// So many files are fetched, far from each other.
const FETCHES: u32 = 500;
const STRIDE: u32 = 7919;
const START_MAX: Duration = Duration::from_secs(60);
const COLUMNS: [Column; 6] = [
    Column { name: "import s", decimals: 2, goal: Goal::Shown },
    Column { name: "start ms", decimals: 0, goal: Goal::Shown },
    Column { name: "list ms", decimals: 0, goal: Goal::Shown },
    Column { name: "show ms", decimals: 0, goal: Goal::Shown },
    Column { name: "GET us", decimals: 0, goal: Goal::Shown },
    Column { name: "RSS MiB", decimals: 0, goal: Goal::Shown },
];
const SUBJECTS: [&str; 2] = ["50,000 files", "one file"];

/// Measures `rounds` times, in turns.
///
/// # Errors
/// When the server does not start or does not take the discs, or bytes are wrong.
pub fn run(rounds: usize) -> Result<String, Trouble> {
    let directory = subject::new_directory()?;
    let discs = [
        Disc::new(directory.path(), "many", FOLDERS, FILES_OF_ONE)?,
        Disc::new(directory.path(), "one", 1, 1)?,
    ];
    let mut grid = Grid::new(&COLUMNS, &SUBJECTS);
    for round in 0..rounds {
        let mut rows = vec![Vec::new(); SUBJECTS.len()];
        for at in turns(SUBJECTS.len(), round) {
            eprintln!("round {}: a disc with {}", round + 1, SUBJECTS[at]);
            rows[at] = discs[at].measure()?;
        }
        grid.round(rows);
    }
    let count = FOLDERS * FILES_OF_ONE;
    Ok(format!("a disc with {count} files, and one with a single file\n{}", grid.told()))
}

struct Disc {
    iso: PathBuf,
    folders: u32,
    files: u32,
}

impl Disc {
    fn new(directory: &Path, name: &str, folders: u32, files: u32) -> Result<Self, Trouble> {
        let tree = directory.join(name);
        eprintln!("making a disc with this many files: {}", folders * files);
        let disc = Self { iso: directory.join(format!("{name}.iso")), folders, files };
        for folder in 0..folders {
            let at = tree.join(format!("folder-{folder}"));
            fs::create_dir_all(&at).map_err(io(format!("making {}", at.display())))?;
            for number in folder * files..(folder + 1) * files {
                let path = tree.join(disc.path(number));
                fs::write(&path, text(number))
                    .map_err(io(format!("writing {}", path.display())))?;
            }
        }
        iso::write(&tree, "MANY", &disc.iso)?;
        fs::remove_dir_all(&tree).map_err(io("removing the tree of a disc"))?;
        Ok(disc)
    }

    fn path(&self, number: u32) -> String {
        format!("folder-{}/file-{number}", number / self.files)
    }

    /// The row of one disc.
    fn measure(&self) -> Result<Vec<f64>, Trouble> {
        let (pair, directory) = (pair()?, subject::new_directory()?);
        let directory = directory.path();
        let mut server = subject::ours(&pair.server(), directory, subject::plan(false))?;
        let path = self.iso.display().to_string();
        let words = ["image", "import", &path, "--name", IMAGE];
        let import_s = timed(&mut operator(&pair, directory, &words)?)?;
        server.stop();

        let begun = Instant::now();
        let server = subject::ours_begun(&pair.server(), directory, subject::plan(false))?;
        pair.client().inside(|| self.served(begun))??;
        let start_ms = begun.elapsed().as_secs_f64() * 1e3;
        let list = ["image", "list", "--json"];
        let list_ms = timed(&mut operator(&pair, directory, &list)?)? * 1e3;
        let show = ["image", "show", IMAGE, "--json"];
        let show_ms = timed(&mut operator(&pair, directory, &show)?)? * 1e3;
        let get_us = self.gets(&pair.client())?;
        let resident = floor::resident_kib(server.id())? as f64 / 1024.0;
        Ok(vec![import_s, start_ms, list_ms, show_ms, get_us, resident])
    }

    /// Asks until a file comes.
    fn served(&self, begun: Instant) -> Result<(), Trouble> {
        loop {
            match self.get(0) {
                Ok(()) => return Ok(()),
                Err(trouble) if begun.elapsed() > START_MAX => return Err(trouble),
                Err(_) => sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Microseconds for a file on a connection of its own, in the median.
    fn gets(&self, at: &Namespace) -> Result<f64, Trouble> {
        at.inside(|| {
            let one = |number: u32| {
                let begun = Instant::now();
                let number = number.wrapping_mul(STRIDE) % (self.folders * self.files);
                self.get(number).map(|()| begun.elapsed().as_secs_f64() * 1e6)
            };
            (0..FETCHES).map(one).collect::<Result<Vec<f64>, Trouble>>().map(median)
        })?
    }

    fn get(&self, number: u32) -> Result<(), Trouble> {
        let path = format!("/image/{IMAGE}/1/{}", self.path(number));
        let said = match get(SERVER, &path) {
            Ok(bytes) if bytes == text(number).as_bytes() => return Ok(()),
            Ok(bytes) => format!("other bytes: {:?}", String::from_utf8_lossy(&bytes)),
            Err(why) => why,
        };
        Err(Trouble::Command { command: format!("GET {path}"), said })
    }
}

fn text(number: u32) -> String {
    format!("this is file {number}\n").repeat(1 + number as usize % 40)
}

/// Runs a command; seconds.
fn timed(command: &mut Command) -> Result<f64, Trouble> {
    let begun = Instant::now();
    run_program(command)?;
    Ok(begun.elapsed().as_secs_f64())
}
