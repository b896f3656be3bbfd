//! `[[machine]]`.

use super::place::Source;
use crate::config::fault::Fault;
use crate::config::raw::settings;
use crate::config::reader::{At, Section, with_article};
use engine::command::DeclaredMachine;
use model::Life;
use model::Pin;
use model::life::Move;
use std::collections::BTreeMap;

/// One machine; none where a fault was noted.
pub fn read(mut section: Section<'_>, source: &Source<'_>) -> Option<DeclaredMachine> {
    let at = source.place(&section.at);
    let written = section.place("mac").is_some();
    let mac = section.meant("mac", str::parse);
    let may = Life::ALL.iter().filter(|life| Move::to(**life).is_some());
    let names: Vec<&str> = may.map(|life| life.name()).collect();
    let declared = mac.map(|mac| DeclaredMachine {
        name: section.text("name").map(|at| at.value),
        profile: section.text("profile").map(|at| at.value),
        labels: labels(&mut section),
        settings: section.section("settings").map(|of| settings::read(&of)).unwrap_or_default(),
        quirks: quirks(&mut section),
        notes: section.text("notes").map(|at| at.value),
        state: section.named("state", &names).map(|at| at.value),
        at,
        ..DeclaredMachine::new(mac.value)
    });
    if declared.is_none() {
        let keys = ["name", "profile", "labels", "settings", "quirks", "notes", "state"];
        keys.into_iter().for_each(|key| section.take(key));
    }
    if !written {
        let fault = Fault::new(section.at.clone(), "a [[machine]] without `mac`");
        section.fault(fault.hint("a machine is filed under its MAC: mac = \"52:54:00:12:34:56\""));
    }
    section.finish();
    declared
}

/// `quirks = { needs-broadcast = "on" }`
fn quirks(section: &mut Section<'_>) -> BTreeMap<String, Pin> {
    let Some(inner) = section.section("quirks") else { return BTreeMap::new() };
    let mut pins = BTreeMap::new();
    for (name, At { value, at }) in inner.entries() {
        match value.as_str().map(str::parse) {
            Some(Ok(pin)) => drop(pins.insert(name.value, pin)),
            Some(Err(what)) => inner.fault(Fault::new(at, what)),
            None => {
                let kind = with_article(value.type_str());
                let shown = model::text::show(name.value.as_bytes());
                let what = format!("quirk `{shown}` is \"on\", \"off\" or \"auto\", not {kind}");
                inner.fault(Fault::new(at, what));
            }
        }
    }
    pins
}

/// `labels = { room = "3" }`
fn labels(section: &mut Section<'_>) -> BTreeMap<String, String> {
    let Some(inner) = section.section("labels") else { return BTreeMap::new() };
    let mut labels = BTreeMap::new();
    for (key, At { value, at }) in inner.entries() {
        match value.as_str() {
            Some(text) => drop(labels.insert(key.value, text.to_owned())),
            None => {
                let kind = with_article(value.type_str());
                let shown = model::text::show(key.value.as_bytes());
                let what = format!("label `{shown}` takes text in quotes, not {kind}");
                inner.fault(Fault::new(at, what));
            }
        }
    }
    labels
}
