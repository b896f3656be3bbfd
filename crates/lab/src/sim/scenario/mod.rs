//! Worlds as text: what is known, what happens, what must come back, with reasons.
//!
//! ```text
//! # what this is about
//! covers   quirk 1, D1
//!
//! given    network lan mode dhcp subnet 10.0.0.0/24 server 10.0.0.1 pool 10.0.0.100-10.0.0.199
//!          image debian for x64-uefi
//!          rule everybody → debian
//!
//! at 0s    52:54:00:00:00:01 boots as edk2-x64
//! must     boots image/debian/1/linux
//! never    port 4011
//! expect   0.002   DISCOVER → OFFER 10.0.0.107, file loader/snponly-x64.efi
//! because  rule 1 (everybody → debian) matches everybody
//! ```
//!
//! `expect` and `because` are written by the machine (`UPDATE_SCENARIOS=1`) and read like code when
//! they change. `must` and `never` are written by people and are never renewed: a line that the
//! timeline has to contain, or may not.

mod act;
mod deploy;
mod given;
mod given6;
mod packet;
mod packet6;
mod pins;
mod show;

use super::world::World;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A world from sentences as they stand behind `given`.
///
/// # Errors
/// With the sentence that means nothing here.
pub fn world_of(given: &[String]) -> Result<World, String> {
    given::world(given)
}

/// How long the last step lasts at most: a boot with all its waits.
const LAST_STEP_MS: u64 = 15 * 60 * 1000;

/// The text of one scenario, read.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// What it shows: `quirk 1`, `P7`, `security`, ….
    pub covers: Vec<String>,
    /// Codes of the silences that came up when it ran.
    pub silences: BTreeSet<&'static str>,
    about: Vec<String>,
    given: Vec<String>,
    steps: Vec<Step>,
}

/// One moment and what must follow from it.
#[derive(Clone, Debug, Default)]
pub struct Step {
    at: String,
    at_ms: u64,
    actions: Vec<String>,
    must: Vec<String>,
    never: Vec<String>,
    notes: Vec<String>,
    expected: Vec<String>,
}

/// What was heard and said in a scenario.
pub struct Captured {
    /// Our server before.
    pub before: engine::Engine,
    /// The packets, as pcapng.
    pub file: Vec<u8>,
    /// The decisions, as the owner records them.
    pub recorded: Vec<engine::record::Recorded>,
    /// Who did something.
    pub machines: std::collections::BTreeSet<model::HardwareAddress>,
}

/// What ran: the text as it is now, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The whole file with expectations as they came out.
    pub text: String,
    /// `must` and `never` lines that do not hold.
    pub broken: Vec<String>,
    /// Codes of the silences ([`model::Why::code`]) that came up.
    pub silences: BTreeSet<&'static str>,
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// With the line that cannot be read.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut scenario = Self::default();
        let (mut word, mut notes) = (String::new(), Vec::new());
        for line in text.lines() {
            let (first, rest) = match line.split_at_checked(9) {
                Some((first, rest)) => (first.trim_end(), rest),
                None => (line.trim_end(), ""),
            };
            if line.starts_with('#') {
                match scenario.covers.is_empty() {
                    true => scenario.about.push(line.to_owned()),
                    // It is about the step that follows.
                    false => notes.push(line.to_owned()),
                }
                continue;
            }
            if line.trim().is_empty() {
                continue;
            }
            if !first.is_empty() {
                word = first.to_owned();
            }
            scenario.line(&word, !first.is_empty(), rest.to_owned(), line)?;
            if let Some(step) = scenario.steps.last_mut() {
                step.notes.append(&mut notes);
            }
        }
        Ok(scenario)
    }

    fn line(&mut self, word: &str, begins: bool, rest: String, line: &str) -> Result<(), String> {
        if let Some(time) = word.strip_prefix("at ") {
            if begins {
                let at_ms = read_ms(time).ok_or_else(|| format!("no time: {line}"))?;
                self.steps.push(Step { at: time.into(), at_ms, ..Step::default() });
            }
            let step = self.steps.last_mut().ok_or("unreachable")?;
            step.actions.push(rest);
            return Ok(());
        }
        let step = self.steps.last_mut();
        match (word, step) {
            ("covers", _) => {
                self.covers.extend(rest.split(',').map(|part| part.trim().to_owned()));
            }
            ("given", _) => self.given.push(rest),
            ("must", Some(step)) => step.must.push(rest),
            ("never", Some(step)) => step.never.push(rest),
            ("expect" | "because", Some(step)) => step.expected.push(line.to_owned()),
            _ => return Err(format!("no word to begin with: {line}")),
        }
        Ok(())
    }

    /// Whether people wrote into it what has to hold.
    #[must_use]
    pub fn demands(&self) -> usize {
        self.steps.iter().map(|step| step.must.len() + step.never.len()).sum()
    }

    /// Runs it with a capture of all that our server hears and says. None if something is done past its
    /// ports, which no capture shows.
    ///
    /// # Errors
    /// When a line of it means nothing here.
    pub fn captured(&self) -> Result<Option<Captured>, String> {
        let mut actions = self.steps.iter().flat_map(|step| &step.actions);
        let unseen = |action: &String| {
            let mut words = action.split(' ');
            matches!(words.next(), Some("operator" | "disk" | "restored"))
                || words.next() == Some("asks")
        };
        if actions.any(unseen) {
            return Ok(None);
        }
        let mut world = given::world(&self.given)?;
        let before = world.server.engine.clone();
        world.server.tap = Some(super::tap::Tap::default());
        let begin_ms = world.now_ms;
        for (n, step) in self.steps.iter().enumerate() {
            let last = begin_ms + step.at_ms + LAST_STEP_MS;
            let end_ms = self.steps.get(n + 1).map_or(last, |next| begin_ms + next.at_ms);
            run_step(&mut world, begin_ms, step, end_ms)?;
        }
        let tap = world.server.tap.take().unwrap_or_default();
        let file = tap.file().map_err(|e| e.to_string())?;
        let actions = self.steps.iter().flat_map(|step| &step.actions);
        // A relay may say that it is another's card.
        let named = |action: &String| {
            let words = action.split(' ').enumerate();
            let cards = words.filter_map(|(at, word)| match word.strip_prefix("mac=") {
                None if at > 0 => None,
                card => card.unwrap_or(word).parse().ok(),
            });
            cards.collect::<Vec<model::HardwareAddress>>()
        };
        let machines = actions.flat_map(named).collect();
        Ok(Some(Captured { before, file, recorded: world.server.recorded, machines }))
    }

    /// Whether everything in it is done by whole machines: single messages, made by hand, are half a
    /// conversation.
    #[must_use]
    pub fn is_of_machines(&self) -> bool {
        let mut actions = self.steps.iter().flat_map(|step| &step.actions);
        let verb = |action: &String| action.split(' ').nth(1).map(str::to_owned);
        actions.all(|action| !matches!(verb(action).as_deref(), Some("sends" | "floods" | "asks")))
            && self.steps.iter().flat_map(|step| &step.actions).any(|a| a.contains(" boots as "))
    }

    /// The names of the diagnoses that come out of it, as they are written.
    pub fn diagnoses(&self) -> impl Iterator<Item = &str> {
        let lines = self.steps.iter().flat_map(|step| &step.expected);
        lines.filter_map(|line| line.split_once(" DIAGNOSIS ")?.1.split(' ').next())
    }

    /// What people wrote that has to come.
    pub fn must(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().flat_map(|step| &step.must).map(String::as_str)
    }

    /// Runs it from the beginning.
    ///
    /// # Errors
    /// When a line of it means nothing here.
    pub fn run(&self) -> Result<Ran, String> {
        let mut world = given::world(&self.given)?;
        let begin_ms = world.now_ms;
        let mut text = String::new();
        for line in &self.about {
            let _ = writeln!(text, "{line}");
        }
        block(&mut text, "covers", &[self.covers.join(", ")]);
        text.push('\n');
        block(&mut text, "given", &self.given);
        let mut broken = Vec::new();
        for (n, step) in self.steps.iter().enumerate() {
            let end_ms = match self.steps.get(n + 1) {
                Some(next) => begin_ms + next.at_ms,
                None => begin_ms + step.at_ms + LAST_STEP_MS,
            };
            let lines = run_step(&mut world, begin_ms, step, end_ms)?;
            text.push('\n');
            for note in &step.notes {
                let _ = writeln!(text, "{note}");
            }
            block(&mut text, &format!("at {}", step.at), &step.actions);
            block(&mut text, "must", &step.must);
            block(&mut text, "never", &step.never);
            text.push_str(&lines);
            let flat = flat(&lines);
            let wanted = step.must.iter().filter(|m| !flat.contains(m.as_str()));
            broken.extend(wanted.map(|m| format!("at {}: must {m}", step.at)));
            let unwanted = step.never.iter().filter(|m| flat.contains(m.as_str()));
            broken.extend(unwanted.map(|m| format!("at {}: never {m}", step.at)));
        }
        Ok(Ran { text, broken, silences: world.server.silences })
    }
}

fn run_step(world: &mut World, begin_ms: u64, step: &Step, end_ms: u64) -> Result<String, String> {
    world.run_until(begin_ms + step.at_ms);
    world.now_ms = world.now_ms.max(begin_ms + step.at_ms);
    world.log.clear();
    let mut lines = show::Lines::new(begin_ms);
    for action in &step.actions {
        act::act(world, action, &mut lines)?;
    }
    world.run_until(end_ms);
    lines.timeline(&world.log);
    world.log.clear();
    Ok(lines.text())
}

/// Lines without their words in front, for `must` and `never`.
fn flat(lines: &str) -> String {
    let bare = |line: &str| line.get(9..).unwrap_or_default().to_owned();
    lines.lines().map(bare).collect::<Vec<_>>().join("\n")
}

fn block(text: &mut String, word: &str, lines: &[String]) {
    for (n, line) in lines.iter().enumerate() {
        let word = if n == 0 { word } else { "" };
        let _ = writeln!(text, "{}", format!("{word:<8} {line}").trim_end());
    }
}

/// `0s`, `1500ms`, `4m`, `2h`.
fn read_ms(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().ok()?;
    let unit = match text.get(digits.len()..)? {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    Some(number * unit)
}

/// Runs every scenario in a directory and compares. With `UPDATE_SCENARIOS=1` it writes the
/// expectations anew instead. Gives what every scenario covers, by its name.
///
/// # Panics
/// When a scenario does not come out as written; with the difference.
#[must_use]
pub fn check(dir: &Path) -> Vec<(String, Scenario)> {
    let renew = std::env::var_os("UPDATE_SCENARIOS").is_some();
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    files.sort();
    let (mut all, mut faults) = (Vec::new(), Vec::new());
    for path in files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap_or_default();
        let ran = Scenario::read(&text).and_then(|s| s.run().map(|ran| (s, ran)));
        match ran {
            Err(why) => faults.push(format!("{name}: {why}")),
            Ok((mut scenario, ran)) => {
                scenario.silences = ran.silences;
                for broken in &ran.broken {
                    faults.push(format!("{name}: {broken}\n{}", show::indented(&ran.text)));
                }
                if ran.text != text && renew {
                    let _ = fs::write(&path, &ran.text);
                } else if ran.text != text {
                    faults.push(format!("{name} came out otherwise:\n{}", diff(&text, &ran.text)));
                }
                all.push((name, scenario));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{}\n\n{} scenarios differ; UPDATE_SCENARIOS=1 writes them anew, then read the change",
        faults.join("\n\n"),
        faults.len()
    );
    all
}

/// What went (`-`) and what came (`+`), with the lines around.
fn diff(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    // The longest common run of lines, by the table everybody knows.
    let mut table = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            table[i][j] = match a == b {
                true => table[i + 1][j + 1] + 1,
                false => table[i + 1][j].max(table[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut text) = (0, 0, String::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            let _ = writeln!(text, "  {}", old[i]);
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && table[i + 1][j] >= table[i][j + 1]) {
            let _ = writeln!(text, "- {}", old[i]);
            i += 1;
        } else {
            let _ = writeln!(text, "+ {}", new[j]);
            j += 1;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::given;

    #[test]
    fn a_network_takes_the_words_of_its_addresses() -> Result<(), String> {
        let line = "network lan mode dhcp shared=x option-82=trust probe=off rapid-commit=yes \
                    lease-min=5m route=10.0.0.0/8+via+10.0.0.9 option=ntp-servers:10.0.0.1";
        let network = given::network(line)?;
        assert_eq!((network.shared.as_deref(), network.probe), (Some("x"), None));
        assert_eq!((network.option_82.name(), network.rapid_commit), ("trust", true));
        assert_eq!(network.lease_min.as_secs(), 300);
        assert_eq!(network.routes[0].to_string(), "10.0.0.0/8 via 10.0.0.9");
        assert_eq!(model::option::show(&network.options[0]), "ntp-servers=10.0.0.1");
        let listens = given::network("network lan mode listen listen-as=dhcp others=10.0.0.2")?;
        assert!(listens.has_addresses() && listens.others.len() == 1);
        assert!(given::network("network lan mode dhcp option=ntp:1").is_err());
        assert!(given::network("network lan mode dhcp leaze=1").is_err());
        Ok(())
    }
}
