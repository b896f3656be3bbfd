//! Every scenario, and what they cover together.

use lab::sim::scenario::{Scenario, check};
use std::collections::BTreeSet;
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
