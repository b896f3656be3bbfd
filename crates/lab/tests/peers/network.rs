//! A bad network between a real client and the server: the same bytes, and no more packets than
//! it takes.
//!
//! Everything that goes wrong comes from a seed; `BAD_NETWORK_SEED` names another one, and
//! `BAD_NETWORK`, which `./x test --full` sets, makes the files ten megabytes long.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use lab::bench_files::sources::Sources;
use lab::rig::Trouble;
use lab::rig::bridge::{Carried, Treatment, carry};
use lab::rig::need::{self, need};
use lab::rig::ns::Way;
use lab::rig::server::{Server, binary};
use lab::sim::net::Weather;

use super::world::{Tried, bytes_of, new_directory, proxy, trouble};

const FILE: &str = "file";
const BLKSIZE: u64 = 1468;
/// atftp gives up when an OACK comes twice, or a request is lost six times: a loader begins again.
const ATTEMPTS: u32 = 8;
const FINE: Weather = Weather { loss: 0, copies: 0, disorder: 0, delay_ms: 0, jitter_ms: 0 };

/// A server behind a bridge, and a file of so many bytes that it publishes.
struct Far {
    way: Way,
    server: Server,
    sources: Sources,
    directory: tempfile::TempDir,
    bytes: u64,
}

impl Far {
    fn new(bytes: u64, clients: u32) -> Result<Self, Trouble> {
        need(need::LINK)?;
        need(&["atftp"])?;
        let way = Way::new()?;
        let directory = new_directory()?;
        let folder = directory.path().join("files");
        fs::create_dir(&folder).map_err(|e| trouble("making a folder", e))?;
        let mut chance = lab::sim::chance::Chance::new(bytes);
        let file: Vec<u8> = (0..bytes).map(|_| chance.below(256) as u8).collect();
        fs::write(folder.join(FILE), file).map_err(|e| trouble("writing a file", e))?;
        let server = Server::start_in(&binary()?, way.server(), &proxy())?;
        server.cli(&["image", "import", &folder.display().to_string(), "--name", "far"])?;
        let sources = Sources::new(&way.client(), clients)?;
        Ok(Self { way, server, sources, directory, bytes })
    }

    fn blocks(&self) -> u64 {
        self.bytes / BLKSIZE + 1
    }

    /// So many atftp at once, each from an address of its own; what was carried meanwhile, and how
    /// often somebody had to begin again.
    fn fetch(
        &self,
        clients: u32,
        window: u32,
        treatment: &Treatment,
    ) -> Result<(Carried, u32), Trouble> {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let bridge = scope.spawn(|| carry(&self.way, treatment, &stop));
            let over = StopsAtEnd(&stop);
            let again = self.way.client().inside(|| {
                thread::scope(|scope| {
                    let one = |number| scope.spawn(move || self.one(number, window));
                    let all: Vec<_> = (0..clients).map(one).collect();
                    let ends = all.into_iter().map(|one| {
                        one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                    });
                    ends.sum::<Result<u32, Trouble>>()
                })
            });
            drop(over);
            let carried = bridge.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Ok((carried?, again??))
        })
    }

    /// One atftp, and whether it got the very bytes; how often it began again.
    fn one(&self, number: u32, window: u32) -> Result<u32, Trouble> {
        // atftp runs as somebody else.
        let folder = self.directory.path().join(format!("client{number}"));
        fs::create_dir_all(&folder).map_err(|e| trouble("making a folder", e))?;
        for (path, mode) in [(self.directory.path(), 0o755), (&folder, 0o777)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode))
                .map_err(|e| trouble("letting atftp write", e))?;
        }
        let mut said = Vec::new();
        for attempt in 0..ATTEMPTS {
            let to = folder.join(format!("window{window}-{attempt}"));
            let mut command = Command::new("atftp");
            command
                .args(["--option", &format!("blksize {BLKSIZE}")])
                .args(["--option", &format!("windowsize {window}"), "--tftp-timeout", "1"])
                .args(["-g", "-r", &format!("image/far/1/{FILE}"), "-l"])
                .arg(&to)
                .arg(Way::SERVER)
                .stdin(Stdio::null());
            self.sources.run_as(number, &mut command);
            let child = command.output().map_err(|e| trouble("starting atftp", e))?;
            if child.status.success() {
                let file = self.directory.path().join("files").join(FILE);
                // Not assert_eq!, which would print both.
                let same = bytes_of(&to)? == bytes_of(file)?;
                assert!(same, "client {number} got other bytes");
                return Ok(attempt);
            }
            said.push(String::from_utf8_lossy(&child.stderr).replace('\n', "; "));
        }
        panic!("client {number}: {said:#?}\n{}", self.server.log().tail());
    }
}

/// A bridge whose clients failed has to end as well.
struct StopsAtEnd<'a>(&'a AtomicBool);

impl Drop for StopsAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn seed() -> u64 {
    let seed = std::env::var("BAD_NETWORK_SEED").map_or(1, |seed| seed.parse().unwrap_or(1));
    println!("BAD_NETWORK_SEED={seed}");
    seed
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn twenty_transfers_through_a_bad_network_are_the_same_bytes() -> Tried {
    let full = std::env::var("BAD_NETWORK").is_ok();
    let far = Far::new(if full { 10_000_000 } else { 1_000_000 }, 20)?;
    let weather = Weather { loss: 10, copies: 10, disorder: 10, delay_ms: 10, jitter_ms: 20 };
    let treatment = Treatment { seed: seed(), weather, acks: 1, forges: false };
    let begun = Instant::now();
    let (carried, again) = far.fetch(20, 16, &treatment)?;
    let times = carried.data as f64 / (20 * far.blocks()) as f64;
    println!(
        "{:.0} s, each block was sent {times:.2} times, {again} began again",
        begun.elapsed().as_secs_f64()
    );
    assert!(times < 8.0, "each block was sent {times:.2} times");
    Ok(())
}

/// RFC 1123, 4.2.3.1: a second ACK is no reason to send anything.
#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn acks_that_come_twice_cost_nothing() -> Tried {
    let far = Far::new(10_000_000, 4)?;
    for window in [1, 4, 16] {
        let treatment = Treatment { seed: seed(), weather: FINE, acks: 2, forges: false };
        let (carried, again) = far.fetch(4, window, &treatment)?;
        let blocks = 4 * far.blocks();
        println!("window {window}: {carried:?}, {blocks} blocks");
        assert_eq!(again, 0, "window {window}: somebody had to begin again");
        assert!(carried.data >= blocks, "the bridge has seen them all");
        let most = blocks + blocks / 100;
        assert!(carried.data <= most, "window {window}: {} DATA for {blocks}", carried.data);
    }
    Ok(())
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn forged_packets_from_wrong_ports_harm_nothing() -> Tried {
    let far = Far::new(10_000_000, 4)?;
    for window in [1, 16] {
        let treatment = Treatment { seed: seed(), weather: FINE, acks: 1, forges: true };
        let (carried, again) = far.fetch(4, window, &treatment)?;
        let blocks = 4 * far.blocks();
        println!("window {window}: {carried:?}, {blocks} blocks");
        assert_eq!(again, 0, "window {window}: somebody had to begin again");
        assert!(carried.forged >= carried.acks, "they were forged: {carried:?}");
        let most = blocks + blocks / 100;
        assert!(carried.data <= most, "window {window}: {} DATA for {blocks}", carried.data);
    }
    Ok(())
}
