//! Every scenario, and what they cover together.

use lab::sim::scenario::{Scenario, check};
use model::Why;
use model::diagnosis::Code;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

static SCENARIOS: LazyLock<Vec<(String, Scenario)>> =
    LazyLock::new(|| check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")));

fn covered(word: &str) -> BTreeSet<u32> {
    let all = SCENARIOS.iter().flat_map(|(_, scenario)| &scenario.covers);
    all.filter_map(|what| what.strip_prefix(word)?.parse().ok()).collect()
}

#[test]
fn scenarios_come_out_as_written() {
    assert!(SCENARIOS.len() > 90, "{} scenarios", SCENARIOS.len());
}

/// What is only written by the machine cannot fail when it is written anew.
#[test]
fn every_scenario_demands_something() {
    for (name, scenario) in SCENARIOS.iter() {
        assert!(scenario.demands() > 0, "{name} has no `must` and no `never`");
        assert!(!scenario.covers.is_empty(), "{name} covers nothing");
        for what in &scenario.covers {
            let quirk = what.strip_prefix("quirk ").and_then(|n| n.parse::<u32>().ok());
            assert!(quirk.is_none_or(|n| (1..=99).contains(&n)), "{name}: {what}");
        }
    }
}

#[test]
fn every_row_of_the_tables_has_a_scenario() {
    assert_eq!(covered("P"), (1..=16).collect(), "rows of the proxy table");
    assert_eq!(covered("D"), (1..=5).collect(), "rows of the table with addresses");
    assert_eq!(covered("matrix "), (1..=7).collect(), "rows of the table of destinations");
}

/// Whole boots in which nothing is wrong that must not be told otherwise.
const HEALTHY_MIN: usize = 60;

#[test]
fn every_diagnosis_is_reached() {
    let reached = |code: Code| {
        let (covers, must) = (format!("diagnosis {code}"), format!("DIAGNOSIS {code} ("));
        let mut scenarios = SCENARIOS.iter().map(|(_, scenario)| scenario);
        scenarios.any(|s| s.covers.contains(&covers) && s.must().any(|m| m.starts_with(&must)))
    };
    let missing: Vec<&str> =
        Code::ALL.iter().filter(|code| !reached(**code)).map(|code| code.name()).collect();
    assert!(missing.is_empty(), "no scenario demands: {}", missing.join(", "));
}

/// Whoever is told of a fault that is not there believes the next diagnosis less.
#[test]
fn nothing_is_diagnosed_that_is_not_wrong() {
    let whole = SCENARIOS.iter().filter(|(_, scenario)| scenario.is_of_machines());
    let (mut healthy, mut false_alarms) = (0, Vec::new());
    for (name, scenario) in whole {
        let covered = |code: &&str| scenario.covers.contains(&format!("diagnosis {code}"));
        healthy += usize::from(scenario.diagnoses().next().is_none());
        false_alarms
            .extend(scenario.diagnoses().filter(|c| !covered(c)).map(|c| format!("{name}: {c}")));
    }
    assert!(false_alarms.is_empty(), "not among what they cover:\n{}", false_alarms.join("\n"));
    assert!(healthy >= HEALTHY_MIN, "only {healthy} scenarios in which nothing is wrong");
}

/// Nobody can say why a machine got nothing for a reason that no scenario ever shows.
#[test]
fn every_silence_has_a_scenario() {
    let mut shown: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, scenario) in SCENARIOS.iter() {
        for code in &scenario.silences {
            shown.entry(code).or_default().push(name);
        }
    }
    for (code, names) in &shown {
        println!("{code}: {}", names.join(", "));
    }
    let all: BTreeSet<&str> = Why::examples().iter().map(Why::code).collect();
    let missing: Vec<&str> = all.into_iter().filter(|code| !shown.contains_key(code)).collect();
    assert!(missing.is_empty(), "no scenario comes to: {}", missing.join(", "));
}
