//! A file out of a disc against the same file by itself, by the same server, over HTTP.
//!
//! In: how many rounds. Out: a table of throughput and processor time. Never: a figure of bytes that
//! were not compared once.

use super::pair;
use crate::bench_files::grid::{Column, Goal, Grid};
use crate::bench_files::http::{self, CONNECTIONS_OF_ONE, GIB};
use crate::bench_files::servers::{self, Running, Subject};
use crate::bench_files::shelf::Shelf;
use crate::bench_files::sources::Sources;
use crate::bench_files::{SERVER_ADDRESS, turns};
use crate::rig::account::Account;
use crate::rig::ns::Pair;
use crate::rig::{Trouble, iso};

const FILE: &str = "large";
const FILE_BYTES: u64 = 512 << 20;
const DISC: &str = "disc";
const CONNECTIONS: [u32; 2] = [1, 50];
/// What came out of the disc is compared with what lies by itself: within 5 %.
const COLUMNS: [Column; 4] = [
    Column { name: "GiB/s 1", decimals: 2, goal: Goal::AtLeast(0.95) },
    Column { name: "GiB/s 50", decimals: 2, goal: Goal::AtLeast(0.95) },
    Column { name: "s/GiB 1", decimals: 3, goal: Goal::AtMost(1.05) },
    Column { name: "s/GiB 50", decimals: 3, goal: Goal::AtMost(1.05) },
];
const SUBJECTS: [&str; 2] = ["from a disc", "by itself"];

/// Measures `rounds` times, in turns.
///
/// # Errors
/// When the server does not start or does not take the disc, or bytes are wrong.
pub fn run(rounds: usize) -> Result<String, Trouble> {
    let shelf = Shelf::new(&[(FILE.to_owned(), FILE_BYTES)])?;
    let disc = shelf.scratch("disc.iso");
    iso::write(&shelf.root(), "SERVING", &disc)?;
    let path = disc.display().to_string();
    let words = ["image", "import", &path, "--name", DISC];
    servers::import(&pair()?, &shelf, &words)?;
    let urls = [format!("image/{DISC}/1/{FILE}"), Shelf::ours(FILE)]
        .map(|name| format!("http://{SERVER_ADDRESS}/{name}"));

    let mut grid = Grid::new(&COLUMNS, &SUBJECTS);
    for round in 0..rounds {
        shelf.warm()?;
        let pair = pair()?;
        let sources = Sources::new(&pair.client(), CONNECTIONS[1].div_ceil(CONNECTIONS_OF_ONE))?;
        // The same process for both, so that nothing differs but where the bytes lie.
        let server = Running::start(Subject::Ours, &pair, &shelf, None)?;
        let mut rows = vec![Vec::new(); SUBJECTS.len()];
        for at in turns(SUBJECTS.len(), round) {
            eprintln!("round {}: a file {}", round + 1, SUBJECTS[at]);
            if round == 0 {
                pair.client().inside(|| http::same(&urls[at], &shelf.root().join(FILE)))??;
            }
            rows[at] = measure(&pair, &server, sources, &urls[at])?;
        }
        grid.round(rows);
    }
    let mib = FILE_BYTES >> 20;
    Ok(format!("serving a file of {mib} MiB out of a disc, and by itself\n{}", grid.told()))
}

fn measure(
    pair: &Pair,
    server: &Running,
    sources: Sources,
    url: &str,
) -> Result<Vec<f64>, Trouble> {
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for connections in CONNECTIONS {
        let client = Account::new()?;
        let before = server.account().cpu_s()?;
        let fetch = || http::fetch(url, connections, sources, &client);
        let said = pair.client().inside(fetch)??;
        let cpu = server.account().cpu_s()? - before;
        rates.push(said.bytes_per_s / GIB);
        costs.push(cpu / (said.bytes / GIB));
    }
    Ok([rates, costs].concat())
}
