//! `apply`: what documents declare, compared with what is there, and all of the difference as one
//! decision.
//!
//! In: what was declared. Out: the changes, and the difference line by line (`+` added, `~`
//! changed, `-` removed); or everything that cannot be done, each with its place. Never: a thing
//! removed that no document ever declared, except rules, which are declared as one whole list.

mod machines;
mod profiles;
mod rules;
mod templates;

use super::declared::{Declared, MACHINES_MAX, PROFILES_MAX, RULES_MAX, TEMPLATES_MAX};
use super::{DeclaredMachine, Outcome, Refusal, decided, refuse};
use crate::Engine;
use model::declared::{Declarable, Said};
use model::menu::Choice;
use model::rule::Rule;
use model::setting::Layer;
use model::{Change, HardwareAddress, Machine, Now};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// So many things that cannot be done are said; further ones are counted.
const REFUSALS_MAX: usize = 20;

/// A difference in numbers: the first line of it says them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Lines that begin with `+`.
    pub added: usize,
    /// Lines that begin with `~`.
    pub changed: usize,
    /// Lines that begin with `-`.
    pub removed: usize,
}

impl Tally {
    /// Counts the lines of a difference.
    pub fn of(says: &str) -> Self {
        let begin = |sign: &str| says.lines().filter(|line| line.starts_with(sign)).count();
        Self { added: begin("+ "), changed: begin("~ "), removed: begin("- ") }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { added, changed, removed } = self;
        write!(f, "{added} added, {changed} changed, {removed} removed")
    }
}

impl Engine {
    /// Makes everything as it is declared. With `prune`, what an earlier document declared and none
    /// of these does is removed.
    pub(super) fn apply_declared(&self, now: Now, declared: &Declared, prune: bool) -> Outcome {
        within("machines", declared.machines.len(), MACHINES_MAX)?;
        within("profiles", declared.profiles.len(), PROFILES_MAX)?;
        within("templates", declared.templates.len(), TEMPLATES_MAX)?;
        within("rules", declared.rules.as_ref().map_or(0, Vec::len), RULES_MAX)?;
        let mut work = Work::new(self, now, true);
        work.templates(&declared.templates, prune);
        work.profiles(&declared.profiles, prune);
        work.machines(&declared.machines, prune);
        work.rules(declared.rules.as_deref(), prune);
        work.uses();
        work.templates_used(&declared.profiles);
        work.done()
    }

    /// Adds machines, or sets what is said of those that are there already; all or none.
    pub(super) fn add_machines(&self, now: Now, machines: &[DeclaredMachine]) -> Outcome {
        within("machines", machines.len(), MACHINES_MAX)?;
        let mut work = Work::new(self, now, false);
        work.machines(machines, false);
        work.done()
    }

    /// Forgets that a document declared it, where one did.
    pub(super) fn undeclared(&self, what: Declarable) -> Option<Change> {
        self.declared.contains_key(&what).then_some(Change::DeclaredGone(what))
    }
}

fn within(what: &str, count: usize, most: usize) -> Result<(), Refusal> {
    match count > most {
        true => refuse(format!("{count} {what} at once are too many"), &format!("{most} may be")),
        false => Ok(()),
    }
}

/// A comparison under way.
struct Work<'a> {
    engine: &'a Engine,
    now: Now,
    /// Whether it is kept that a document said so.
    marks: bool,
    /// Profiles there are when all is done.
    profiles: BTreeSet<String>,
    profiles_gone: BTreeSet<String>,
    /// Names of templates there are then, ours among them.
    templates: BTreeSet<String>,
    templates_gone: BTreeSet<String>,
    /// Machines that are declared, as they are then.
    machines: BTreeMap<HardwareAddress, Machine>,
    machines_gone: BTreeSet<HardwareAddress>,
    /// The rules there are then.
    rules: Vec<Rule>,
    changes: Vec<Change>,
    lines: Vec<String>,
    refusals: Vec<Refusal>,
}

impl<'a> Work<'a> {
    fn new(engine: &'a Engine, now: Now, marks: bool) -> Self {
        Self {
            engine,
            now,
            marks,
            profiles: engine.profiles.keys().cloned().collect(),
            profiles_gone: BTreeSet::new(),
            templates: engine.templates().iter().map(|t| t.name().to_owned()).collect(),
            templates_gone: BTreeSet::new(),
            machines: BTreeMap::new(),
            machines_gone: BTreeSet::new(),
            rules: engine.rules.clone(),
            changes: Vec::new(),
            lines: Vec::new(),
            refusals: Vec::new(),
        }
    }

    /// Notes what cannot be done, with the place where it was asked for.
    fn note(&mut self, at: &str, refused: Refusal) {
        let Refusal { why, hint } = refused;
        let why = if at.is_empty() { why } else { format!("{at}: {why}") };
        self.refusals.push(Refusal { why, hint });
    }

    fn refuse(&mut self, at: &str, why: String, hint: &str) {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        self.note(at, Refusal { why, hint });
    }

    /// Keeps what a document said of a thing, if that is new.
    fn mark(&mut self, what: Declarable, said: Said) {
        if self.marks && self.engine.declared.get(&what).map(AsRef::as_ref) != Some(&said) {
            self.changes.push(Change::Declared(what, said));
        }
    }

    /// What goes is not used by anything that stays and would miss it.
    fn uses(&mut self) {
        if self.profiles_gone.is_empty() {
            return;
        }
        let mut missed = Vec::new();
        for machine in self.engine.machines.values() {
            let then = self.machines.get(&machine.hardware).unwrap_or(machine);
            let misses = then.profile.as_ref().filter(|p| self.profiles_gone.contains(*p));
            if let Some(profile) = misses
                && !self.machines_gone.contains(&machine.hardware)
            {
                missed.push(format!("profile {profile} is used by machine {}", then.shown()));
            }
        }
        for why in missed {
            self.refuse("", why, "give the machine another profile first, or declare it");
        }
        for rule in self.rules.clone() {
            if self.profiles_gone.contains(&rule.profile) {
                let why = format!("profile {} is used by {rule}", rule.profile);
                self.refuse("", why, &format!("`bootwright rule remove {}` first", rule.id));
            }
        }
        for entry in self.engine.menus.values().flat_map(|menu| &menu.entries) {
            if let Choice::Profile(name) = &entry.choice
                && self.profiles_gone.contains(name)
            {
                self.refuse("", format!("profile {name} is in the boot menu"), "see `menu show`");
            }
        }
    }

    fn done(self) -> Outcome {
        if let Some(refusal) = all_in_one(self.refusals) {
            return Err(refusal);
        }
        if self.lines.is_empty() {
            return decided(self.changes, "nothing differs from what is there");
        }
        let body = self.lines.join("\n");
        decided(self.changes, format!("{}\n{body}", Tally::of(&body)))
    }
}

/// Everything that cannot be done, as one refusal.
fn all_in_one(mut refusals: Vec<Refusal>) -> Option<Refusal> {
    let count = refusals.len();
    if count <= 1 {
        return refusals.pop();
    }
    let said: Vec<&str> = refusals.iter().take(REFUSALS_MAX).map(|r| r.why.as_str()).collect();
    let mut why = format!("{count} things cannot be done\n{}", said.join("\n"));
    if count > REFUSALS_MAX {
        why.push_str(&format!("\nand {} more", count - REFUSALS_MAX));
    }
    let hints: BTreeSet<String> =
        refusals.into_iter().take(REFUSALS_MAX).filter_map(|r| r.hint).collect();
    let hint = hints.into_iter().collect::<Vec<String>>().join("; ");
    Some(Refusal { why, hint: (!hint.is_empty()).then_some(hint) })
}

/// `profile old → new`, for what differs.
struct Fields(Vec<String>);

impl Fields {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn compare(&mut self, name: &str, old: Option<&str>, new: Option<&str>) {
        if old != new {
            let word =
                |side: Option<&str>| side.filter(|s| !s.is_empty()).unwrap_or("(none)").to_owned();
            self.0.push(format!("{name} {} → {}", word(old), word(new)));
        }
    }

    /// Settings that differ, each by its name; none before are none.
    fn settings(&mut self, old: Option<&Layer>, new: &Layer) {
        let none = Layer::new();
        let had = old.unwrap_or(&none);
        let added = new.keys().filter(|key| !had.contains_key(*key));
        for key in had.keys().chain(added) {
            let of = |layer: &Layer| layer.get(key).map(ToString::to_string);
            match old {
                None => {
                    self.say("setting", Some(&format!("{key}={}", of(new).unwrap_or_default())));
                }
                Some(had) => {
                    self.compare(&format!("setting {key}"), of(had).as_deref(), of(new).as_deref());
                }
            }
        }
    }

    /// `name value`, of what is new.
    fn say(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.0.push(format!("{name} {value}"));
        }
    }

    /// A line of the difference.
    fn line(&self, sign: char, what: &str) -> String {
        match self.0.is_empty() {
            true => format!("{sign} {what}"),
            false => format!("{sign} {what}: {}", self.0.join(", ")),
        }
    }
}
