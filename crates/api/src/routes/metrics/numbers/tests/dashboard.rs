//! `docs/grafana/bootwright.json` asks for what there is, and `docs/monitoring.md` says what there is.

use super::{Exposition, numbers, written};
use serde_json::Value;

const DASHBOARD: &str = include_str!("../../../../../../../docs/grafana/bootwright.json");
const PAGE: &str = include_str!("../../../../../../../docs/monitoring.md");

/// Every `expr` anywhere in the dashboard.
fn queries(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if name == "expr" => found.push(text.clone()),
                    other => queries(other, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|each| queries(each, found)),
        _ => {}
    }
}

/// The names of our metrics in a text.
fn named(text: &str) -> Vec<&str> {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !inside(c)).filter(|word| word.starts_with("bootwright_")).collect()
}

/// Counters of sockets come from elsewhere (`counted`); a test of the whole program knows them.
#[test]
fn queries_of_the_dashboard_sort_by_labels_that_there_are() {
    let read = Exposition::read(&written(numbers("x"))).unwrap();
    let known = read.names();
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut all = Vec::new();
    queries(&dashboard, &mut all);
    assert!(all.len() >= 20, "{} queries", all.len());
    let mut judged = 0;
    for query in &all {
        let names = named(query);
        assert!(!names.is_empty(), "{query} asks for nothing of ours");
        let Some(name) = names.iter().find(|name| known.contains(**name)) else { continue };
        let mut labels = read.labels(name);
        // The one that Prometheus adds itself.
        labels.insert("instance".to_owned());
        for by in query.split("by (").skip(1).filter_map(|rest| rest.split(')').next()) {
            for label in by.split(',').map(str::trim) {
                assert!(labels.contains(label), "{query}: {name} has no {label}");
                judged += 1;
            }
        }
    }
    assert!(judged >= 8, "only {judged} labels");
}

#[test]
fn panels_have_a_place_and_a_title_of_their_own() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids: Vec<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), panels.len());
    for panel in panels {
        assert!(!panel["title"].as_str().unwrap().is_empty());
        let at = &panel["gridPos"];
        assert!(at["x"].as_u64().unwrap() + at["w"].as_u64().unwrap() <= 24, "{panel}");
    }
}

#[test]
fn the_page_names_every_metric() {
    let read = Exposition::read(&written(numbers("x"))).unwrap();
    for name in read.families.keys().filter(|name| *name != "bootwright_tftp_busy") {
        assert!(
            named(PAGE).iter().any(|said| said.starts_with(name.as_str())),
            "{name} is missing"
        );
    }
}
