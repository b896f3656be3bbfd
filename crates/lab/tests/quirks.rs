//! The database of quirks beside what proves it: every entry is reached, and by what it names.

use lab::sim::scenario::Scenario;
use quirks::{Bearing, Quirk};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What happens below the simulator: connections of TCP, TLS and a flag of IP packets. Real sockets
/// show these.
const BELOW_SCENARIOS: &[u8] = &[24, 26, 39, 60];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every scenario by its name: which quirks it says it covers, and its text.
fn scenarios() -> BTreeMap<String, (BTreeSet<u8>, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let covers = Scenario::read(&text).unwrap().covers;
        let numbers = covers.iter().filter_map(|what| what.strip_prefix("quirk ")?.parse().ok());
        all.insert(name, (numbers.collect(), text));
    }
    all
}

/// Whether an answer in this scenario gives the quirk as a reason.
fn is_said_in(quirk: &Quirk, text: &str) -> bool {
    text.contains(&format!("{} {}: {}, because ", quirk.id(), quirk.name, quirk.says()))
}

#[test]
fn every_quirk_is_reached_by_a_scenario_that_it_names() {
    let scenarios = scenarios();
    let mut unreached = Vec::new();
    for quirk in quirks::all().iter().filter(|quirk| quirk.bearing != Bearing::Advice) {
        let id = format!("{} {}", quirk.id(), quirk.name);
        match (quirk.scenarios.is_empty(), BELOW_SCENARIOS.contains(&quirk.number)) {
            (true, false) => unreached.push(format!("{id} names no scenario")),
            (true, true) if quirk.tests.is_empty() => unreached.push(format!("{id} names no test")),
            _ => {}
        }
        let mut said = false;
        for name in &quirk.scenarios {
            match scenarios.get(name) {
                None => unreached.push(format!("{id}: there is no scenario {name}")),
                Some((covers, text)) => {
                    said |= is_said_in(quirk, text);
                    if !covers.contains(&quirk.number) {
                        unreached.push(format!("{id}: {name} does not say that it covers it"));
                    }
                }
            }
        }
        let makes_a_difference = quirk.action.is_some() || !quirk.when.is_empty();
        if makes_a_difference && !said {
            unreached.push(format!("{id}: no answer of its scenarios gives it as a reason"));
        }
    }
    assert!(unreached.is_empty(), "{}", unreached.join("\n"));
}

#[test]
fn every_scenario_about_a_quirk_is_named_by_it() {
    let mut missing = Vec::new();
    for (name, (covers, _)) in scenarios() {
        for number in covers {
            let quirk = quirks::all().iter().find(|quirk| quirk.number == number);
            if !quirk.is_some_and(|quirk| quirk.scenarios.contains(&name)) {
                missing.push(format!("quirk {number} does not name {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// `quirk-07 ignores-option-43: the offer …, because …` without what is behind the name.
fn reason(line: &str) -> Option<&str> {
    let (head, rest) = line.get(9..)?.trim().split_once(": ")?;
    (head.starts_with("quirk-") && rest.contains(", because ")).then_some(head)
}

#[test]
fn reasons_of_answers_name_quirks_of_the_database() {
    let name = |quirk: &Quirk| format!("{} {}", quirk.id(), quirk.name);
    let known: BTreeSet<String> = quirks::telling().map(name).collect();
    let mut found = BTreeSet::new();
    for (scenario, (_, text)) in scenarios() {
        for said in text.lines().filter_map(reason) {
            assert!(known.contains(said), "{scenario}: {said}");
            found.insert(said.to_owned());
        }
    }
    let silent: Vec<&String> = known.difference(&found).collect();
    assert!(silent.is_empty(), "no answer of any scenario speaks of {silent:?}");
}

#[test]
fn tests_that_quirks_name_exist() {
    for quirk in quirks::all() {
        for test in &quirk.tests {
            let (path, function) = test.split_once('#').unwrap_or((test, ""));
            let text = fs::read_to_string(repository().join(path));
            let text = text.unwrap_or_else(|e| panic!("{}: {path}: {e}", quirk.id()));
            let there = text.contains(&format!("#[test]\nfn {function}()"));
            assert!(there, "{}: there is no test {function} in {path}", quirk.id());
        }
    }
}

#[test]
fn the_page_is_made_of_the_data() {
    let path = repository().join("docs/quirks.md");
    let page = quirks::page();
    if std::env::var_os("UPDATE_QUIRKS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/quirks.md is not what crates/quirks/data says: renew it with \
         UPDATE_QUIRKS=1 cargo test -p lab --test quirks, then read the difference"
    );
}
