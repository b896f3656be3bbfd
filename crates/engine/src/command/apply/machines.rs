//! Machines of a document. One walk over all machines, whatever their number.

use super::super::deploy::check_notes;
use super::super::quirks::{pin_quirk, switched};
use super::super::templates::check_settings;
use super::super::{DeclaredMachine, Refusal, check_line, check_name, refuse};
use super::{Fields, Work};
use model::declared::{Declarable, Said};
use model::deployment::End;
use model::life::{Life, Move};
use model::machine::Machine;
use model::{Change, HardwareAddress};
use std::collections::BTreeMap;

/// More labels than this are no words about a machine.
const LABELS_MAX: usize = 256;

impl Work<'_> {
    pub(super) fn machines(&mut self, declared: &[DeclaredMachine], prune: bool) {
        let mut first: BTreeMap<HardwareAddress, &str> = BTreeMap::new();
        for one in declared {
            if let Some(before) = first.insert(one.mac, &one.at) {
                let why = match before {
                    "" => format!("machine {} is named twice", one.mac),
                    at => format!("machine {} is declared twice, first at {at}", one.mac),
                };
                self.refuse(&one.at, why, "");
                continue;
            }
            let said = said(one);
            match self.meant(one, &said) {
                Ok(machine) => self.machine(machine, said),
                Err(refusal) => self.note(&one.at, refusal),
            }
        }
        if prune {
            self.prune_machines(&first);
        }
        self.names(&first);
    }

    /// The machine as it is to be.
    fn meant(&self, one: &DeclaredMachine, said: &Said) -> Result<Machine, Refusal> {
        let known = self.engine.machines.get(&one.mac);
        let mut machine = known.cloned().unwrap_or_else(|| Machine::new(one.mac, self.now));
        if machine.hardware != one.mac {
            return refuse(
                format!("{} is a further address of {}", one.mac, shown(&machine)),
                "declare the machine by the address that it is filed under",
            );
        }
        self.take_back(&mut machine, said);
        if one.mac.to_string().parse() != Ok(one.mac) {
            return refuse(format!("{} is no address of a machine", one.mac), "");
        }
        if let Some(name) = &one.name {
            check_name("a machine", name)?;
            machine.name = Some(name.clone());
        }
        if let Some(profile) = &one.profile {
            if !profile.is_empty() && !self.profiles.contains(profile) {
                let shown = model::text::show(profile.as_bytes());
                return refuse(
                    format!("machine {}: there is no profile {shown}", machine.shown()),
                    "see `profile list`, or declare it as [[profile]]",
                );
            }
            machine.profile = Some(profile.clone()).filter(|profile| !profile.is_empty());
        }
        for (key, value) in &one.labels {
            check_name("a label", key)?;
            check_line("a label", value)?;
            machine.labels.insert(key.clone(), value.clone());
        }
        if machine.labels.len() > LABELS_MAX {
            return refuse(format!("a machine has {LABELS_MAX} labels at most"), "");
        }
        machine.settings.extend(one.settings.clone());
        check_settings(&machine.settings)?;
        for (name, pin) in &one.quirks {
            pin_quirk(&mut machine.quirks, switched(name)?, *pin);
        }
        if let Some(notes) = &one.notes {
            check_notes(notes)?;
            machine.notes = notes.clone();
        }
        if let Some(known) = known {
            self.as_tried(known, &machine)?;
        }
        if let Some(state) = one.state {
            machine = to_state(&machine, state)?;
        }
        Ok(machine)
    }

    /// What a machine is being installed with stays as it was tried.
    fn as_tried(&self, known: &Machine, then: &Machine) -> Result<(), Refusal> {
        let same = known.name == then.name && known.settings == then.settings;
        match self.engine.deployments.of(&known.hardware).filter(|of| of.install.is_some()) {
            Some(of) if !same => refuse(
                format!(
                    "{} is being deployed ({}) with what it has now",
                    known.shown(),
                    of.shown()
                ),
                "`bootwright machine cancel` first, or wait for the end",
            ),
            _ => Ok(()),
        }
    }

    /// What a document said before, and this one does not say any more.
    fn take_back(&self, machine: &mut Machine, said: &Said) {
        let before = self.engine.declared.get(&Declarable::Machine(machine.hardware));
        let Some(before) = before.filter(|_| self.marks) else { return };
        for word in before.difference(said) {
            match word.split_once(':') {
                None if word == "name" => machine.name = None,
                None if word == "profile" => machine.profile = None,
                None if word == "notes" => machine.notes.clear(),
                Some(("label", label)) => drop(machine.labels.remove(label)),
                Some(("setting", setting)) => drop(machine.settings.remove(setting)),
                Some(("quirk", id)) => drop(machine.quirks.remove(id)),
                _ => {}
            }
        }
    }

    fn machine(&mut self, machine: Machine, said: Said) {
        let hardware = machine.hardware;
        let mut fields = Fields::new();
        let name = machine.name.as_deref();
        let (sign, what) = match self.engine.machines.get(&hardware) {
            None => {
                fields.say("name", name);
                fields.say("state", Some(machine.life().name()));
                fields.say("profile", machine.profile.as_deref());
                for (key, value) in machine.labels.iter() {
                    fields.say("label", Some(&format!("{key}={value}")));
                }
                fields.settings(None, &machine.settings);
                for (id, pin) in &machine.quirks {
                    fields.say("quirk", Some(&format!("{id}={pin}")));
                }
                fields.say("notes", machine.notes.lines().next());
                (Some('+'), format!("machine {hardware}"))
            }
            Some(old) => {
                fields.compare("name", old.name.as_deref(), name);
                fields.compare("state", Some(old.life().name()), Some(machine.life().name()));
                fields.compare("profile", old.profile.as_deref(), machine.profile.as_deref());
                labels(&mut fields, old, &machine);
                fields.settings(Some(&old.settings), &machine.settings);
                pins(&mut fields, old, &machine);
                let notes =
                    |machine: &Machine| machine.notes.lines().collect::<Vec<_>>().join(" / ");
                fields.compare("notes", Some(&notes(old)), Some(&notes(&machine)));
                ((*old != machine).then_some('~'), shown(old))
            }
        };
        if let Some(sign) = sign {
            self.lines.push(fields.line(sign, &what));
            self.changes.push(Change::Machine(machine.clone()));
        }
        self.machines.insert(hardware, machine);
        self.mark(Declarable::Machine(hardware), said);
    }

    /// Those that a document declared before and none declares now.
    fn prune_machines(&mut self, declared: &BTreeMap<HardwareAddress, &str>) {
        for what in self.engine.declared.keys() {
            let Declarable::Machine(hardware) = what else { continue };
            if declared.contains_key(hardware) {
                continue;
            }
            self.changes.push(Change::DeclaredGone(what.clone()));
            if let Some(machine) = self.engine.machines.get(hardware) {
                // Whoever removes it by hand is refused, or ends what it was to boot once.
                match self.engine.deployments.of(hardware) {
                    Some(of) if of.install.is_some() => {
                        let why = format!("{} is being deployed ({})", machine.shown(), of.shown());
                        self.refuse("", why, "`bootwright machine cancel` first");
                        continue;
                    }
                    Some(once) => {
                        let by = "its machine was removed".to_owned();
                        let ended = self.engine.ended(self.now, once, End::Cancelled { by });
                        self.changes.extend(ended.0);
                    }
                    None => {}
                }
                self.lines.push(format!("- {}", shown(machine)));
                self.changes.push(Change::MachineGone(*hardware));
                self.machines_gone.insert(*hardware);
            }
        }
    }

    /// A name is one machine's, when all is done.
    fn names(&mut self, places: &BTreeMap<HardwareAddress, &str>) {
        let mut of: BTreeMap<String, HardwareAddress> = BTreeMap::new();
        let others = self.engine.machines.values().filter(|machine| {
            !self.machines.contains_key(&machine.hardware)
                && !self.machines_gone.contains(&machine.hardware)
        });
        for machine in others {
            of.extend(machine.name.clone().map(|name| (name, machine.hardware)));
        }
        let mut twice = Vec::new();
        for machine in self.machines.values() {
            let Some(name) = &machine.name else { continue };
            if let Some(other) = of.insert(name.clone(), machine.hardware) {
                twice.push((machine.hardware, format!("{other} is called {name} already")));
            }
        }
        for (hardware, why) in twice {
            self.refuse(places.get(&hardware).copied().unwrap_or_default(), why, "");
        }
    }
}

/// A machine in the state that a document wants.
fn to_state(machine: &Machine, state: Life) -> Result<Machine, Refusal> {
    if machine.life() == state {
        return Ok(machine.clone());
    }
    let Some(step) = Move::to(state) else {
        return refuse(format!("nobody can declare {} to be {state}", machine.shown()), "");
    };
    machine.moved(step).map_err(|illegal| Refusal {
        why: format!("machine {}: {illegal}", machine.shown()),
        hint: (!illegal.first.is_empty()).then(|| illegal.first.to_owned()),
    })
}

/// The words of a document about a machine. Its state is no word that can be taken back.
fn said(one: &DeclaredMachine) -> Said {
    let name = one.name.iter().map(|_| "name".to_owned());
    let profile = one.profile.iter().map(|_| "profile".to_owned());
    let labels = one.labels.keys().map(|key| format!("label:{key}"));
    let settings = one.settings.keys().map(|key| format!("setting:{key}"));
    // By its id, because each of its names is the same quirk.
    let known = one.quirks.keys().filter_map(|name| quirks::named(name).ok());
    let pinned = known.map(|quirk| format!("quirk:{}", quirk.id()));
    let notes = one.notes.iter().map(|_| "notes".to_owned());
    name.chain(profile).chain(labels).chain(settings).chain(pinned).chain(notes).collect()
}

/// `lab-01 (52:54:00:77:00:01)`, or its address alone.
fn shown(machine: &Machine) -> String {
    match &machine.name {
        Some(name) => format!("machine {name} ({})", machine.hardware),
        None => format!("machine {}", machine.hardware),
    }
}

fn labels(fields: &mut Fields, old: &Machine, new: &Machine) {
    let added = new.labels.keys().filter(|key| !old.labels.contains_key(key));
    for key in old.labels.keys().chain(added) {
        fields.compare(&format!("label {key}"), old.labels.get(key), new.labels.get(key));
    }
}

fn pins(fields: &mut Fields, old: &Machine, new: &Machine) {
    let added = new.quirks.keys().filter(|id| !old.quirks.contains_key(*id));
    for id in old.quirks.keys().chain(added) {
        let of = |machine: &Machine| machine.quirks.get(id).map(|pin| pin.name());
        fields.compare(id, of(old), of(new));
    }
}
