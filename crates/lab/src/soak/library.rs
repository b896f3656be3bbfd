//! `./x soak library N`: the server is killed at any moment of an import, a promotion, a rollback, a
//! removal; what it acknowledged is there, what it did not is there whole or not at all.
//!
//! ```text
//! harness ── bootwright image import | promote | rollback | remove ──▶ bootwright
//!    │    ── SIGKILL in the midst of it, start again ───────────────▶     │
//! promises ◀── image list, image verify, HTTP, the state directory ───────┘
//! ```
//!
//! In: how many kills, a seed. Out: what was done, and the first broken promise with its story.
//! Never: a look into the server's store; what counts is what commands say and machines fetch, and
//! which files lie in the state directory.

use std::collections::BTreeMap;
use std::io::Error;
use std::process::{Command, Output};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::PLAN;
use crate::bench_dhcp::subject;
use crate::rig::need::{self, need};
use crate::rig::ns::Pair;
use crate::rig::{Process, Trouble, io, iso};
use crate::sim::chance::Chance;

mod looks;
pub mod promises;
mod sources;

use looks::Looks;
use promises::{Act, Shelf};
use sources::Sources;

/// The images that come and go.
const NAMES: [&str; 3] = ["alpha", "beta", "gamma"];
/// No image has more versions: what is verified after each kill is limited by it.
const VERSIONS_MAX: usize = 3;
/// So many acts of a hundred are cut short by a kill.
const KILLED_PERCENT: u64 = 60;
/// How long an act takes, until one was seen.
const FIRST_GUESS: Duration = Duration::from_millis(200);
/// A command that has not ended by then never will; in seconds.
const HANGS_S: &str = "90";
/// What `timeout` gives for one.
const HUNG: i32 = 124;
/// What a command gives when the server refused.
const REFUSED: i32 = 4;
/// Of what happened, so much is told with a broken promise.
const STORY_LINES: usize = 40;

/// What a soak came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Acts that the server acknowledged.
    pub acknowledged: usize,
    /// Acts that a kill cut short and that had happened all the same.
    pub cut_and_done: usize,
    /// Acts that a kill cut short and that had not happened.
    pub cut_and_undone: usize,
    /// Bytes that were fetched and compared.
    pub compared: u64,
    /// How long it took.
    pub lasted: Duration,
    /// The broken promise, with its story; none is what is wanted.
    pub broken: Option<String>,
}

/// Kills the server `kills` times and prints what came of it.
///
/// # Errors
/// When the server does not start again, or a promise was broken.
pub fn run(kills: u32, seed: u64) -> Result<(), Trouble> {
    println!("{kills} kills while the library changes, seed {seed}");
    let outcome = kill(kills, seed)?;
    println!(
        "{} acts acknowledged, {} cut short and done, {} cut short and not done; {} MiB compared; \
         no blob without an owner after a start; {:.0} s",
        outcome.acknowledged,
        outcome.cut_and_done,
        outcome.cut_and_undone,
        outcome.compared >> 20,
        outcome.lasted.as_secs_f64()
    );
    match outcome.broken {
        None => Ok(()),
        Some(said) => {
            Err(Trouble::Command { command: format!("soak library {kills}, seed {seed}"), said })
        }
    }
}

/// Kills the server `kills` times while the library changes.
///
/// # Errors
/// When it does not start again, or the rig fails. A broken promise is no error here.
pub fn kill(kills: u32, seed: u64) -> Result<Outcome, Trouble> {
    need(need::LINK)?;
    need(iso::PACKAGES)?;
    let begun = Instant::now();
    let mut soak = Soak::new(seed)?;
    let broken = soak.all(kills)?.err();
    let mut outcome = soak.outcome;
    outcome.lasted = begun.elapsed();
    outcome.broken = broken.map(|what| format!("{what}\nbefore:\n{}", soak.story.told()));
    Ok(outcome)
}

/// `Err` is a broken promise, in words.
type Kept = Result<(), String>;

/// Fields end in this order: the server, its files, the link.
struct Soak {
    server: Process,
    directory: tempfile::TempDir,
    sources: Sources,
    looks: Looks,
    pair: Pair,
    shelf: Shelf,
    chance: Chance,
    took: BTreeMap<&'static str, Duration>,
    story: Story,
    outcome: Outcome,
}

impl Soak {
    fn new(seed: u64) -> Result<Self, Trouble> {
        let pair = Pair::new(subject::SERVER, subject::CLIENT)?;
        let directory = subject::new_directory()?;
        let sources = Sources::new(&directory.path().join("sources"))?;
        let server = subject::ours(&pair.server(), directory.path(), PLAN)?;
        Ok(Self {
            server,
            looks: Looks::new(&pair, directory.path().join("state"))?,
            sources,
            directory,
            pair,
            shelf: Shelf::default(),
            chance: Chance::new(seed),
            took: BTreeMap::new(),
            story: Story::new(),
            outcome: Outcome::default(),
        })
    }

    /// All kills, and then an empty library.
    fn all(&mut self, kills: u32) -> Result<Kept, Trouble> {
        let mut killed = 0;
        while killed < kills {
            let act = self.choose();
            let kills_it = self.chance.percent(KILLED_PERCENT);
            let kept = match kills_it {
                true => self.cut_short(&act)?,
                false => self.in_peace(&act)?,
            };
            killed += u32::from(kills_it);
            if kept.is_err() {
                return Ok(kept);
            }
        }
        for name in NAMES.into_iter().filter(|name| self.shelf.has(name)).collect::<Vec<_>>() {
            let kept = self.in_peace(&Act::Remove { name: name.to_owned(), version: None })?;
            if kept.is_err() {
                return Ok(kept);
            }
        }
        self.looks.nothing_is_left_over()
    }

    /// An act that can be done on what is there, by chance.
    fn choose(&mut self) -> Act {
        let name = *self.chance.one_of(&NAMES).unwrap_or(&NAMES[0]);
        let unused = self.shelf.unused(name, self.sources.count());
        let roll = self.chance.below(100);
        let act = match roll {
            0..45 if self.shelf.versions(name).len() < VERSIONS_MAX => None,
            0..65 => self
                .chance
                .one_of(&self.shelf.promotable(name))
                .map(|&version| Act::Promote { name: name.to_owned(), version }),
            65..80 => self.shelf.can_roll_back(name).then(|| Act::Rollback(name.to_owned())),
            80..95 => self
                .chance
                .one_of(&self.shelf.removable(name))
                .map(|&version| Act::Remove { name: name.to_owned(), version: Some(version) }),
            _ => Some(Act::Remove { name: name.to_owned(), version: None }),
        };
        match act {
            Some(act) if self.shelf.has(name) => act,
            _ if self.shelf.versions(name).len() >= VERSIONS_MAX => {
                Act::Remove { name: name.to_owned(), version: None }
            }
            _ => {
                let source = self.chance.one_of(&unused).copied().unwrap_or(0);
                Act::Import { name: name.to_owned(), source }
            }
        }
    }

    /// An act to its end: it must be acknowledged.
    fn in_peace(&mut self, act: &Act) -> Result<Kept, Trouble> {
        let begun = Instant::now();
        let output = self.command(act).output().map_err(io("running a command"))?;
        self.took(act, begun.elapsed());
        if !output.status.success() {
            return Ok(Err(format!("{act} was not done: {}", said(&output))));
        }
        let kept = self.acknowledged(act, &output);
        match (kept, act) {
            // A removal sweeps what nothing names any more.
            (Ok(()), Act::Remove { .. }) => self.looks.no_orphans(&self.shelf),
            (kept, _) => Ok(kept),
        }
    }

    /// An act, and a kill at some moment from its beginning to soon after its end; then what is
    /// there is compared with what was promised.
    fn cut_short(&mut self, act: &Act) -> Result<Kept, Trouble> {
        let usual = self.took.get(self.kind(act)).copied().unwrap_or(FIRST_GUESS);
        let most_us = u64::try_from(usual.as_micros()).unwrap_or(u64::MAX).saturating_mul(5) / 4;
        let moment = Duration::from_micros(self.chance.below(most_us.max(1)));
        let (tell, ended) = mpsc::channel();
        let mut command = self.command(act);
        let output = thread::scope(|scope| {
            scope.spawn(move || tell.send(command.output()));
            // It may have ended before; then it was acknowledged a moment before the kill.
            let before = ended.recv_timeout(moment);
            self.server.kill();
            match before {
                Ok(output) => Ok((true, output)),
                Err(_) => ended.recv().map(|output| (false, output)),
            }
        });
        let (early, output) = output.map_err(|e| io("running a command")(Error::other(e)))?;
        let output = output.map_err(io("running a command"))?;
        self.story.add(format!("killed {} ms after {act} began", moment.as_millis()));
        let pending = match output.status.code() {
            Some(0) => {
                if let broken @ Err(_) = self.acknowledged(act, &output) {
                    return Ok(broken);
                }
                None
            }
            // Nobody had killed the server yet, or it had answered, or the command waits for ever.
            code if early || matches!(code, Some(REFUSED | HUNG)) => {
                return Ok(Err(format!("{act}: {}, {}", output.status, said(&output))));
            }
            _ => {
                self.story.add(format!("{act}: no answer"));
                Some(act)
            }
        };
        self.server = subject::ours(&self.pair.server(), self.directory.path(), PLAN)?;
        self.compare(pending)
    }

    /// After a start: everything that was acknowledged, and `pending` wholly or not at all.
    fn compare(&mut self, pending: Option<&Act>) -> Result<Kept, Trouble> {
        let seen = match self.looks.see(&self.sources)? {
            Ok(seen) => seen,
            Err(broken) => return Ok(Err(broken)),
        };
        let settled = match self.shelf.settle(pending, &seen) {
            Ok(settled) => settled,
            Err(broken) => return Ok(Err(broken)),
        };
        if let Some(act) = pending {
            let done = settled != self.shelf;
            let count = match done {
                true => &mut self.outcome.cut_and_done,
                false => &mut self.outcome.cut_and_undone,
            };
            *count += 1;
            self.story.add(format!("{act}: {}", if done { "done" } else { "not done" }));
        }
        // What came by a kill is fetched whole, and another by chance.
        let new = settled.all().find(|(name, version, _)| !self.shelf.is_there(name, *version));
        self.shelf = settled;
        let all: Vec<_> = self.shelf.all().collect();
        let fetched = new.into_iter().chain(self.chance.one_of(&all).cloned());
        for (name, version, source) in fetched {
            match self.looks.fetch(&self.sources, &name, version, source)? {
                Ok(bytes) => self.outcome.compared += bytes,
                Err(broken) => return Ok(Err(broken)),
            }
        }
        // A start sweeps what a kill left.
        if let Err(broken) = self.looks.no_orphans(&self.shelf)? {
            return Ok(Err(broken));
        }
        self.looks.nothing_comes_in()
    }

    fn acknowledged(&mut self, act: &Act, output: &Output) -> Kept {
        let told: Option<serde_json::Value> = serde_json::from_slice(&output.stdout).ok();
        let version = told.and_then(|told| u32::try_from(told["version"].as_u64()?).ok());
        self.story.add(format!("{act}: acknowledged{}", version.map_or_else(String::new, of)));
        self.outcome.acknowledged += 1;
        self.shelf = self.shelf.after(act, version)?;
        Ok(())
    }

    fn command(&self, act: &Act) -> Command {
        let source = |at: usize| self.sources.path(at).display().to_string();
        let mut words = vec!["image".to_owned()];
        match act {
            Act::Import { name, source: at } => {
                words.extend(["import", &source(*at), "--name", name, "--json"].map(str::to_owned));
            }
            Act::Promote { name, version } => {
                let version = version.to_string();
                words.extend(["promote", name, "--version", &version].map(str::to_owned));
            }
            Act::Rollback(name) => words.extend(["rollback", name].map(str::to_owned)),
            Act::Remove { name, version } => {
                words.extend(["remove", name, "--yes"].map(str::to_owned));
                if let Some(version) = version {
                    words.extend(["--version".to_owned(), version.to_string()]);
                }
            }
        }
        let inner = self.looks.operator(&words);
        let mut command = Command::new("timeout");
        command.arg(HANGS_S).arg(inner.get_program()).args(inner.get_args());
        command
    }

    /// What takes about as long.
    fn kind(&self, act: &Act) -> &'static str {
        match act {
            Act::Import { source, .. } if self.sources.is_disc(*source) => "import of a disc",
            Act::Import { .. } => "import of a folder",
            _ => "other",
        }
    }

    fn took(&mut self, act: &Act, now: Duration) {
        let kind = self.kind(act);
        let usual = self.took.entry(kind).or_insert(now);
        *usual = (*usual * 3 + now) / 4;
    }
}

fn of(version: u32) -> String {
    format!(" as version {version}")
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// What happened, for people.
struct Story {
    begun: Instant,
    lines: Vec<String>,
}

impl Story {
    fn new() -> Self {
        Self { begun: Instant::now(), lines: Vec::new() }
    }

    fn add(&mut self, line: String) {
        self.lines.push(format!("{:8.3} s  {line}", self.begun.elapsed().as_secs_f64()));
    }

    fn told(&self) -> String {
        let first = self.lines.len().saturating_sub(STORY_LINES);
        self.lines.get(first..).unwrap_or_default().join("\n")
    }
}
