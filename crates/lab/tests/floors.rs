//! Guards the house: which room may use which, and what the pure floors may not touch.

#![expect(clippy::expect_used, reason = "a test that cannot read the workspace has failed")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The floors, lowest first. A room uses floors below it, never its own, never one above.
const FLOORS: &[&[&str]] = &[
    &["wire", "disc", "unpack", "secureboot", "trust", "vault", "backup"],
    &["model"],
    &["catalogue", "quirks", "answers", "access", "doctor"],
    &["engine", "library", "fetch", "foreign", "tls", "power", "webhook"],
    &["site"],
    &["serve", "api"],
    &["app", "discover"],
];

/// Rooms in which only values go in and out.
const PURE: &[&str] = &[
    "wire",
    "disc",
    "unpack",
    "secureboot",
    "trust",
    "vault",
    "model",
    "catalogue",
    "quirks",
    "access",
    "engine",
    "foreign",
    "answers",
    "webhook",
    "backup",
    "doctor",
];

/// What a pure room brings all the same, and why it may.
const BROUGHT: &[(&str, &str, &str)] =
    &[("unpack", "libc", "the C types of liblzma, and the file times of tar, which are not used")];

/// Libraries below pure rooms that could act, of which only what does not act is called. They are not
/// looked into.
const ASKED_ONLY: &[&str] = &[
    // Makes keys by chance and tells a log; reading and checking signatures takes neither, and
    // `clippy.toml` of `trust` forbids its clock.
    "pgp",
    // Traits of hashes and ciphers. That it can also ask the system for chance is switched on for the
    // whole program by what `pgp` needs.
    "rand_core",
];

/// Crates that bring a socket, a file, a clock, chance, tasks or a log.
const IMPURE: &[&str] = &[
    "tokio",
    "socket2",
    "nix",
    "libc",
    "rand",
    "getrandom",
    "hyper",
    "axum",
    "sqlx",
    "tracing",
    "log",
    "tempfile",
    "reqwest",
    "time",
    "chrono",
    "jiff",
    "mio",
    "futures",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/lab").to_owned()
}

fn metadata() -> serde_json::Value {
    // Of this platform alone: what only other systems need was never downloaded, and need not be.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(["--filter-platform", &platform])
        .current_dir(root())
        .output()
        .expect("cargo metadata starts");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("cargo metadata prints JSON")
}

/// Name and ordinary dependencies of every package of the workspace.
fn rooms(metadata: &serde_json::Value) -> Vec<(String, Vec<String>)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let members: Vec<String> =
        metadata["workspace_members"].as_array().expect("members").iter().map(text).collect();
    let packages = metadata["packages"].as_array().expect("packages");
    let of_us = packages.iter().filter(|package| members.contains(&text(&package["id"])));
    of_us
        .map(|package| {
            let needs = package["dependencies"].as_array().expect("dependencies");
            let ordinary = needs.iter().filter(|need| need["kind"].is_null());
            (text(&package["name"]), ordinary.map(|need| text(&need["name"])).collect())
        })
        .collect()
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&room))
}

#[test]
fn a_room_uses_only_the_floors_below_it() {
    let metadata = metadata();
    for (room, needs) in rooms(&metadata) {
        if room == "lab" {
            // The test bench stands beside the house and may look into every room.
            continue;
        }
        let own = floor_of(&room).unwrap_or_else(|| {
            panic!("the crate `{room}` stands on no floor: give it a place in FLOORS and ARCHITECTURE.md")
        });
        for need in needs {
            let Some(below) = floor_of(&need) else { continue };
            assert!(
                below < own,
                "`{room}` uses `{need}`, which is not below it: decisions go down, never up or \
                 sideways; move what you need to a lower floor or pass it in as a value"
            );
        }
    }
}

#[test]
fn the_pure_floors_bring_nothing_that_acts() {
    let metadata = metadata();
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let name_of = |id: &str| {
        let packages = metadata["packages"].as_array().expect("packages");
        let package = packages.iter().find(|package| package["id"] == id).expect("package");
        package["name"].as_str().unwrap_or_default().to_owned()
    };
    for node in nodes {
        let id = node["id"].as_str().unwrap_or_default();
        let name = name_of(id);
        if !PURE.contains(&name.as_str()) {
            continue;
        }
        // Everything below it, however deep; development dependencies are the tests' affair.
        let mut below = vec![id.to_owned()];
        let mut at = 0;
        while let Some(next) = below.get(at).cloned() {
            at += 1;
            let node = nodes.iter().find(|node| node["id"] == next.as_str()).expect("node");
            for need in node["deps"].as_array().expect("deps") {
                let kinds = need["dep_kinds"].as_array().expect("kinds");
                let used = kinds.iter().any(|k| k["kind"].is_null() && k["target"].is_null());
                let id = need["pkg"].as_str().unwrap_or_default().to_owned();
                let asked_only = ASKED_ONLY.contains(&name_of(&id).as_str());
                if used && !asked_only && !below.contains(&id) {
                    below.push(id);
                }
            }
        }
        for id in below {
            let brought = name_of(&id);
            let excused = BROUGHT.iter().any(|(room, what, _)| *room == name && *what == brought);
            assert!(
                excused || !IMPURE.contains(&brought.as_str()),
                "`{name}` brings `{brought}`: a decision gets time, chance and bytes as arguments \
                 and gives values back; do the effect in `serve`, `site` or `app`"
            );
        }
    }
}

#[test]
fn the_pure_floors_say_no_word_of_the_outside() {
    let forbidden = [
        ("std::fs", "files are read and written in `library` and `site`"),
        ("std::thread", "decisions are made on the caller's thread"),
        ("std::process", "no program is run from a decision"),
        ("SystemTime", "time is an argument: take a `Now`"),
        ("Instant::now", "time is an argument: take a `Now`"),
        ("async fn", "nothing waits in a decision; say when to be called again"),
        ("println!", "what is to be told goes out as a value"),
        ("UdpSocket", "sockets are opened in `serve`"),
        ("TcpListener", "sockets are opened in `serve`"),
        ("HashMap", "its order is chance; use BTreeMap"),
    ];
    for room in PURE {
        for file in sources(&root().join("crates").join(room).join("src")) {
            let text = std::fs::read_to_string(&file).expect("a source file is text");
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for (word, instead) in forbidden {
                    assert!(
                        !code.contains(word),
                        "{}:{}: `{word}` on a pure floor: {instead}",
                        file.display(),
                        number + 1
                    );
                }
            }
        }
    }
}

#[test]
fn every_room_says_what_it_never_does() {
    for room in FLOORS.iter().copied().flatten() {
        let dir = root().join("crates").join(room).join("src");
        let main = if dir.join("lib.rs").exists() { "lib.rs" } else { "main.rs" };
        let text = std::fs::read_to_string(dir.join(main)).expect("a crate has a root");
        let doc: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        assert!(
            doc.contains("In:") && doc.contains("Out:") && doc.contains("Never:"),
            "the first lines of `{room}` ({main}) must say what comes In:, what goes Out:, and \
             what it Never: does"
        );
    }
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a source folder is there") {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}
