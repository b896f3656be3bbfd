//! Secrets: who is given them, and where they are found. The clients lie as well as they can: they
//! have the machine's MAC, the token, and addresses of their own.
//!
//! `RACES` names another number of races; a tenth of them are cut by `kill -9`.

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use lab::rig::ns::Namespace;
use lab::rig::{Process, Trouble};
use serde_json::{Value, json};

use super::web::{api, exchange, get, post};
use super::world::{
    INSTALLER, Tried, World, bytes_of, giving, list, new_directory, trouble, write,
};

const MAC: &str = "52:54:00:77:06:01";
const POOL: &str = "10.77.0.100-10.77.0.199";
const CANARY: &str = "Canary-5d0b1f7e-Zebra";
/// A minute, with one kill in ten.
const RACES: u32 = 1000;
/// The machine, and three who want to be it. They share its MAC, so the link does not tell them apart.
const ASKERS: [Ipv4Addr; 4] = [
    Ipv4Addr::new(10, 77, 0, 21),
    Ipv4Addr::new(10, 77, 0, 22),
    Ipv4Addr::new(10, 77, 0, 23),
    Ipv4Addr::new(10, 77, 0, 24),
];
/// Connections of each asker at once.
const EACH: usize = 2;
const TEMPLATE: &str = "d-i passwd/user-password password {{ secrets.canary }}\n\
    d-i lab/report string {{ deployment.report }}\n";

/// A server with an installer, a secret in its answers, and an approved machine.
struct Lab {
    world: World,
    there: Namespace,
}

impl Lab {
    fn new() -> Result<Self, Trouble> {
        let mut world = World::alone(&giving(POOL))?;
        let there = world.link.client(MAC)?;
        for address in ASKERS {
            there.address(&format!("{address}/24"))?;
        }
        let files = new_directory()?;
        let template = files.path().join("lab.preseed");
        write(&template, TEMPLATE)?;
        let secret = files.path().join("secret");
        write(&secret, CANARY)?;
        let [template, secret] = [template, secret].map(|path| path.display().to_string());
        for command in [
            &["image", "import", INSTALLER, "--name", "debian"][..],
            &["template", "add", "lab.preseed", &template],
            &["profile", "add", "lab", "--image", "debian", "--template", "lab"],
            &["secret", "set", "canary", "--file", &secret],
            &["machine", "set", MAC, "--name", "lab-01"],
            &["machine", "approve", MAC],
        ] {
            world.server.cli(command)?;
        }
        Ok(Self { world, there })
    }

    fn api(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, String), Trouble> {
        api(&self.world.server.state(), method, path, body)
    }

    /// Arms the machine anew, whatever became of it before.
    fn arm(&self) -> Tried {
        self.arm_with(false)
    }

    fn arm_with(&self, confirm_code: bool) -> Tried {
        self.api("POST", "/machines/lab-01/cancel", None)?;
        let wish = json!({"profile": "lab", "disk": "serial:S1", "plain_http": true,
                          "within_s": 3600, "confirm_code": confirm_code});
        let (status, said) = self.api("POST", "/machines/lab-01/deploy", Some(&wish))?;
        assert_eq!(status, 200, "{said}");
        Ok(())
    }

    /// One request from an asker; an answer that did not come is empty.
    fn ask(&self, from: Ipv4Addr, request: &str) -> Result<Vec<u8>, Trouble> {
        self.there.inside(|| exchange(from, request).unwrap_or_default())
    }

    /// The same request from all askers at once; who got what.
    fn all_ask(&self, request: &str) -> Result<Vec<(Ipv4Addr, Vec<u8>)>, Trouble> {
        at_once(&self.there, request)
    }

    fn script(&self, from: Ipv4Addr) -> Result<String, Trouble> {
        let answer = self.ask(from, &script())?;
        token(&answer).ok_or_else(|| {
            let said = String::from_utf8_lossy(&answer).into_owned();
            trouble("asking for the script of an armed machine", std::io::Error::other(said))
        })
    }

    fn state(&self, id: &str) -> Result<String, Trouble> {
        let of = self.world.json(&["deployment", "show", id])?;
        Ok(of["state"].as_str().unwrap_or_default().to_owned())
    }
}

fn at_once(there: &Namespace, request: &str) -> Result<Vec<(Ipv4Addr, Vec<u8>)>, Trouble> {
    let start = Barrier::new(ASKERS.len() * EACH);
    there.inside(|| {
        thread::scope(|scope| {
            let all: Vec<_> = ASKERS
                .iter()
                .flat_map(|from| [*from; EACH])
                .map(|from| {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        (from, exchange(from, request).unwrap_or_default())
                    })
                })
                .collect();
            all.into_iter().map(|one| one.join().expect("an asker does not panic")).collect()
        })
    })
}

fn script() -> String {
    get(&format!("/boot.ipxe?mac={MAC}"))
}

/// The path of the answers that a script names.
fn token(script: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(script);
    let url = text.split_whitespace().find_map(|word| word.strip_prefix("url=http://"))?;
    let (_, path) = url.split_once("/answer/")?;
    Some(format!("/answer/{path}"))
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// How the races ended.
#[derive(Debug, Default)]
struct Tally {
    won: u32,
    nobody: u32,
    killed: u32,
}

/// Somebody asked, all together: whoever got a token, and whoever got the secret.
#[derive(Default)]
struct Got {
    tokens: BTreeSet<Ipv4Addr>,
    secrets: BTreeSet<Ipv4Addr>,
}

impl Got {
    fn note(&mut self, answers: &[(Ipv4Addr, Vec<u8>)]) {
        for (from, answer) in answers {
            if token(answer).is_some() {
                self.tokens.insert(*from);
            }
            if holds(answer, CANARY) {
                self.secrets.insert(*from);
            }
        }
    }
}

#[test]
#[ignore = "many askers on a link, as root: `./x test` runs it"]
fn of_all_who_race_for_a_token_one_wins_also_over_kills() -> Tried {
    let races = match std::env::var("RACES") {
        Ok(number) => number.parse().unwrap_or_else(|e| panic!("RACES: {e}")),
        Err(_) => RACES,
    };
    let mut lab = Lab::new()?;
    let mut tally = Tally::default();
    for number in 0..races {
        lab.arm()?;
        let got = match (number % 10, number % 2) {
            (7, _) => {
                tally.killed += 1;
                lab.race_over_a_kill(number)?
            }
            (3, _) => lab.race_that_is_won_already()?,
            (_, 0) => lab.race_for_the_script()?,
            _ => lab.race_for_the_answers()?,
        };
        assert!(got.tokens.len() <= 1, "race {number}: {:?} have a token", got.tokens);
        assert!(got.secrets.len() <= 1, "race {number}: {:?} have the secret", got.secrets);
        match got.secrets.len() {
            1 => tally.won += 1,
            _ => tally.nobody += 1,
        }
    }
    println!("{tally:?}");
    // Where a second asker is seen first, nobody gets anything, and on a busy host that is so nearly always.
    assert!(tally.won >= races / 10, "not even those who came alone won: {tally:?}");
    lab.world.leaves_nothing()
}

impl Lab {
    /// All ask for the script at once, then all for the answers with whatever token came of it.
    fn race_for_the_script(&self) -> Result<Got, Trouble> {
        let mut got = Got::default();
        let scripts = self.all_ask(&script())?;
        got.note(&scripts);
        if let Some(path) = scripts.iter().find_map(|(_, script)| token(script)) {
            got.note(&self.all_ask(&get(&path))?);
        }
        Ok(got)
    }

    /// The machine has its script; everybody has its token.
    fn race_for_the_answers(&self) -> Result<Got, Trouble> {
        let mut got = Got::default();
        let path = self.script(ASKERS[0])?;
        got.note(&self.all_ask(&get(&path))?);
        Ok(got)
    }

    /// The machine has its answers before anybody else asks.
    fn race_that_is_won_already(&self) -> Result<Got, Trouble> {
        let mut got = Got::default();
        let path = self.script(ASKERS[0])?;
        got.note(&[(ASKERS[0], self.ask(ASKERS[0], &get(&path))?)]);
        got.note(&self.all_ask(&get(&path))?);
        Ok(got)
    }

    /// Either with a power failure in the middle, and everybody asking for both once more after it.
    fn race_over_a_kill(&mut self, number: u32) -> Result<Got, Trouble> {
        let mut got = Got::default();
        let mut path = None;
        if number % 20 < 10 {
            path = Some(self.script(ASKERS[0])?);
            got.tokens.insert(ASKERS[0]);
        }
        let request = path.as_deref().map_or_else(script, get);
        // From before the first asker is heard to after the last was answered.
        let after = Duration::from_micros(u64::from(number).wrapping_mul(997) % 12_000);
        let Self { world, there } = self;
        let answers = thread::scope(|scope| {
            let race = scope.spawn(|| at_once(there, &request));
            thread::sleep(after);
            world.server.kill();
            race.join().expect("the race does not panic")
        })?;
        got.note(&answers);
        self.world.server.start_again()?;
        let scripts = self.all_ask(&script())?;
        got.note(&scripts);
        let tokens = answers.iter().chain(&scripts).find_map(|(_, answer)| token(answer));
        if let Some(path) = path.or(tokens) {
            got.note(&self.all_ask(&get(&path))?);
        }
        Ok(got)
    }
}

#[test]
#[ignore = "askers on a link, as root: `./x test` runs it"]
fn who_has_no_right_gets_one_answer_whatever_the_reason() -> Tried {
    let lab = Lab::new()?;
    let [machine, stranger, ..] = ASKERS;
    let wrong = format!("/answer/{}/preseed.cfg", "0".repeat(64));
    let mut answers = Vec::new();
    let mut note = |why: &str, from, request: &str| -> Tried {
        let answer = lab.ask(from, request)?;
        assert!(!answer.is_empty(), "{why}: no answer");
        answers.push((why.to_owned(), without_date(&answer)));
        Ok(())
    };
    note("a stranger, nothing armed", stranger, &get(&wrong))?;
    lab.arm()?;
    note("a wrong token, armed", machine, &get(&wrong))?;
    let path = lab.script(machine)?;
    note("a wrong token, claimed", machine, &get(&wrong))?;
    note("no file", machine, &get(path.trim_end_matches("preseed.cfg")))?;
    note("no such file", machine, &get(&path.replace("preseed.cfg", "user-data")))?;
    note("no token", machine, &get("/answer/x/preseed.cfg"))?;
    note("a report by GET", machine, &get(&path.replace("/answer/", "/report/")))?;
    note("a report with the other token", machine, &{
        let report = path.replace("/answer/", "/report/").replace("preseed.cfg", "done");
        post(&report, "x")
    })?;
    note(
        "a report with a wrong token",
        stranger,
        &post(&format!("/report/{}/done", "0".repeat(64)), "x"),
    )?;
    note("the token of another", stranger, &get(&path))?;
    note("its own token, frozen", machine, &get(&path))?;
    note("no file by a stranger", stranger, &get("/answer/x"))?;
    let (_, first) = answers.first().cloned().expect("there are answers");
    assert!(first.starts_with("HTTP/1.1 404"), "{first}");
    for (why, answer) in &answers {
        assert_eq!(*answer, first, "{why}");
    }
    assert_eq!(lab.state("d1")?, "frozen");
    lab.world.leaves_nothing()
}

/// An answer without the one line that may differ.
fn without_date(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let lines = text.split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("date:"));
    lines.collect::<Vec<_>>().join("\r\n")
}

/// What an operator can read here, where a path alone would not do.
const READ: [&str; 14] = [
    "/images/debian",
    "/profiles/lab",
    "/rules/test?machine=lab-01",
    "/explain?machine=lab-01",
    "/machines/lab-01",
    "/deployments",
    "/deployments/d1",
    "/deployments/d2",
    "/templates/lab.preseed",
    "/templates/lab.preseed/render?machine=lab-01",
    "/secrets",
    "/leases",
    "/status",
    "/doctor",
];
/// Where it says what else there is; a test of the API holds it to the routes.
const DESCRIPTION: &str = include_str!("../../../../docs/openapi.json");
/// What never ends; `watch` reads it.
const ENDLESS: &str = "/events";

/// Every path that can be read, by the API's own description; what it names need not be there.
fn readable() -> Vec<String> {
    let described: serde_json::Value = serde_json::from_str(DESCRIPTION).expect("JSON");
    let paths = described["paths"].as_object().expect("paths").iter();
    let read = paths.filter(|(_, methods)| methods.get("get").is_some());
    let below = read.filter_map(|(path, _)| path.strip_prefix("/api/v1"));
    let filled = |path: &str| path.replace("{machine}", "lab-01").replace("{id}", "d1");
    let all: Vec<String> = below.map(filled).filter(|path| path != ENDLESS).collect();
    assert!(all.len() > 30, "the routes are no longer where they were: {all:?}");
    all
}

#[test]
#[ignore = "askers on a link, as root: `./x test` runs it"]
fn a_secret_and_a_token_are_found_nowhere_but_in_the_answers() -> Tried {
    let lab = Lab::new()?;
    let files = new_directory()?;
    let log = files.path().join("watch.log");
    let watch = lab.world.server.operator(&["watch", "--json", "--all"]);
    let mut watch = Process::start(watch, log.clone())?;

    // One that goes well, and one that is stolen.
    let [machine, stranger, ..] = ASKERS;
    lab.arm()?;
    let first = lab.script(machine)?;
    let answers = lab.ask(machine, &get(&first))?;
    assert!(holds(&answers, CANARY), "the machine gets the secret");
    let text = String::from_utf8_lossy(&answers).into_owned();
    let (_, report) = text.split_once("/report/").expect("it is told where to report");
    let report = format!("/report/{}", report.split_whitespace().next().unwrap_or_default());
    for (stage, words) in [("started", "d1"), ("progress", CANARY), ("done", "disk /dev/vda")] {
        // What an installer says is shown. Ours never say a secret.
        let words = words.replace(CANARY, "half");
        let answer = lab.ask(machine, &post(&format!("{report}/{stage}"), &words))?;
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(lab.state("d1")?, "done");
    lab.arm()?;
    let second = lab.script(machine)?;
    assert!(!holds(&lab.ask(stranger, &get(&second))?, CANARY));
    assert_eq!(lab.state("d2")?, "frozen");
    watch.wait_for("frozen", super::world::PATIENCE)?;

    let hidden: Vec<String> = [first, second, report]
        .iter()
        .filter_map(|path| path.split('/').nth(2).map(str::to_owned))
        .chain([CANARY.to_owned(), hex(CANARY)])
        .collect();
    assert!(hidden.iter().all(|word| word.len() > 20), "{hidden:?}");
    let found_in = |bytes: &[u8]| hidden.iter().find(|word| holds(bytes, word)).cloned();
    for path in READ {
        let (status, said) = lab.api("GET", path, None)?;
        assert_eq!(status, 200, "{path}: {said}");
        assert_eq!(found_in(said.as_bytes()), None, "{path}: {said}");
    }
    for path in readable() {
        let (_, said) = lab.api("GET", &path, None)?;
        assert_eq!(found_in(said.as_bytes()), None, "{path}: {said}");
    }
    watch.stop();
    let told = bytes_of(&log)?;
    assert!(holds(&told, "frozen"), "it tells of the theft");
    assert_eq!(found_in(&told), None, "the events: {}", String::from_utf8_lossy(&told));
    let said = lab.world.server.log().text();
    assert_eq!(found_in(said.as_bytes()), None, "the server's log: {said}");

    // The store with its write-ahead log, while it is open.
    let state = lab.world.server.state();
    let mut kept = Vec::new();
    files_in(&state, &mut kept)?;
    let names: Vec<String> = kept.iter().map(|path| path.display().to_string()).collect();
    for wanted in ["bootwright.db", "bootwright.db-wal"] {
        assert!(names.iter().any(|name| name.ends_with(wanted)), "no {wanted} in {names:?}");
    }
    for path in kept {
        assert_eq!(found_in(&bytes_of(&path)?), None, "{}", path.display());
    }
    // What it is kept as is there.
    let secrets = lab.world.json(&["secret", "list"])?;
    assert_eq!(list(&secrets)[0]["name"], "canary");
    lab.world.leaves_nothing()
}

#[test]
#[ignore = "askers on a link, as root: `./x test` runs it"]
fn a_code_stands_on_the_screen_alone_and_nothing_is_given_before_it_was_typed() -> Tried {
    let mut lab = Lab::new()?;
    let machine = ASKERS[0];
    lab.arm_with(true)?;
    let screen = String::from_utf8_lossy(&lab.ask(machine, &script())?).into_owned();
    assert!(token(screen.as_bytes()).is_none(), "{screen}");
    let (_, code) = screen.split_once("types its code: ").expect(&screen);
    let code = code.get(..7).expect("six digits").to_owned();
    for path in readable() {
        let (_, said) = lab.api("GET", &path, None)?;
        assert!(!said.contains(&code), "{path}: {said}");
    }
    assert!(!lab.world.server.log().text().contains(&code), "the server's log");

    let confirm = |lab: &Lab, code: &str| {
        lab.api("POST", "/machines/lab-01/confirm", Some(&json!({"code": code})))
    };
    let wrong = if code == "000-001" { "000-002" } else { "000-001" };
    confirm(&lab, wrong)?;
    assert!(token(&lab.ask(machine, &script())?).is_none(), "a wrong code opens nothing");
    let (status, said) = confirm(&lab, &code)?;
    assert_eq!(status, 200, "{said}");
    // Typed is typed, also over a power failure.
    lab.world.server.kill();
    lab.world.server.start_again()?;
    let path = lab.script(machine)?;
    assert!(holds(&lab.ask(machine, &get(&path))?, CANARY));
    lab.world.leaves_nothing()
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// Every file below a folder but those of `keys/`, which are for the server alone.
fn files_in(folder: &Path, all: &mut Vec<std::path::PathBuf>) -> Tried {
    let reading = |e| trouble(format!("reading {}", folder.display()), e);
    for entry in fs::read_dir(folder).map_err(reading)? {
        let entry = entry.map_err(reading)?;
        let kind = entry.file_type().map_err(reading)?;
        if kind.is_dir() && entry.file_name() != "keys" {
            files_in(&entry.path(), all)?;
        } else if kind.is_file() {
            all.push(entry.path());
        }
    }
    Ok(())
}
