//! Machines with several cards: further addresses, and two that turn out to be one.
//!
//! Only an operator says that two cards are one machine. What a report or a UUID says is a hint: both
//! can be made up, and boards share them.

use super::{Outcome, Refusal, decided, refuse};
use crate::Engine;
use model::deployment::End;
use model::life::Life;
use model::machine::{ALSO_MAX, MARKS_MAX};
use model::{Change, Declarable, HardwareAddress, Machine, Now};

impl Engine {
    /// Adds addresses to a machine, and takes others away.
    pub(super) fn set_addresses(
        &self,
        named: &str,
        add: &[HardwareAddress],
        remove: &[HardwareAddress],
    ) -> Outcome {
        let machine = self.named(named)?;
        let shown = machine.shown();
        let mut changed = machine.clone();
        for mac in remove {
            if *mac == machine.hardware {
                return refuse(
                    format!("{shown} is filed under {mac}"),
                    "only a further address can be taken away",
                );
            }
            let Some(at) = changed.also.iter().position(|own| own == mac) else {
                return refuse(format!("{mac} is no address of {shown}"), "see `machine show`");
            };
            changed.also.remove(at);
        }
        for mac in add {
            if mac.to_string().parse() != Ok(*mac) || mac.bytes().is_empty() {
                return refuse(format!("{mac} is no address of a machine"), "");
            }
            if changed.addresses().any(|own| own == *mac) {
                return refuse(format!("{mac} is an address of {shown} already"), "");
            }
            if let Some(other) = self.machines.get(mac).filter(|m| m.hardware != machine.hardware) {
                return Err(is_anothers(mac, &shown, other));
            }
            changed.also.push(*mac);
        }
        check_many(&changed)?;
        let own: Vec<String> = changed.addresses().map(|mac| mac.to_string()).collect();
        decided(vec![Change::Machine(changed)], format!("machine {shown} has {}", own.join(", ")))
    }

    /// Makes one machine of two.
    pub(super) fn merge_machines(&self, now: Now, named: &str, other: &str) -> Outcome {
        let (machine, other) = (self.named(named)?, self.named(other)?);
        if machine.hardware == other.hardware {
            return refuse(format!("{} is one machine already", machine.shown()), "");
        }
        self.may_merge(machine, other)?;
        let merged = merged(machine, other);
        check_many(&merged)?;
        let says = format!(
            "machine {} has {} from now on; {} is no machine of its own any more",
            machine.shown(),
            other.addresses().map(|mac| mac.to_string()).collect::<Vec<_>>().join(", "),
            match &other.name {
                Some(name) => format!("{name} ({})", other.hardware),
                None => other.hardware.to_string(),
            }
        );
        let by = format!("it is {} now", machine.shown());
        let once = self.deployments.of(&other.hardware);
        let mut changes =
            once.map(|of| self.ended(now, of, End::Cancelled { by }).0).unwrap_or_default();
        let report = self.hardware(&other.hardware).filter(|_| self.lacks_report(machine));
        changes.push(Change::MachineGone(other.hardware));
        changes.push(Change::Machine(merged));
        let report = report.cloned().map(Box::new);
        changes.extend(report.map(|report| Change::Hardware(machine.hardware, report)));
        changes.extend(self.undeclared(Declarable::Machine(other.hardware)));
        decided(changes, says)
    }

    fn lacks_report(&self, machine: &Machine) -> bool {
        self.hardware(&machine.hardware).is_none()
    }

    /// Whether two machines can be one: nothing that somebody said of one speaks against the other.
    fn may_merge(&self, machine: &Machine, other: &Machine) -> Result<(), Refusal> {
        let (one, two) = (machine.shown(), other.shown());
        for of in [machine, other] {
            let install = self.deployments.of(&of.hardware).filter(|of| of.install.is_some());
            if let Some(install) = install {
                return refuse(
                    format!("{} is being deployed ({})", of.shown(), install.shown()),
                    "`bootwright machine cancel` first, or wait for the end",
                );
            }
        }
        let (life, others) = (machine.life(), other.life());
        if others != Life::Pending && others != life {
            let turned = format!("`bootwright machine merge {two} {one}` keeps that");
            let hint = match life {
                Life::Pending => turned.as_str(),
                _ => "decide which holds: `machine approve`, `block` or `retire` one of them",
            };
            return refuse(format!("{one} is {life}, and {two} is {others}"), hint);
        }
        let differ = |what: &str, a: Option<&str>, b: Option<&str>| match (a, b) {
            (Some(a), Some(b)) if a != b => refuse(
                format!("{one} and {two} are not one machine: {what} {a} and {b}"),
                &format!(
                    "if they are all the same: `bootwright machine remove {two}`, then `machine set \
                     {one} --mac {}`",
                    other.hardware
                ),
            ),
            _ => Ok(()),
        };
        let uuid = |of: &Machine| of.uuid.filter(|u| !u.is_placeholder()).map(|u| u.to_string());
        differ("UUID", uuid(machine).as_deref(), uuid(other).as_deref())?;
        differ("serial", machine.serial.as_deref(), other.serial.as_deref())?;
        differ("name", machine.name.as_deref(), other.name.as_deref())?;
        differ("profile", machine.profile.as_deref(), other.profile.as_deref())?;
        for (key, value) in other.labels.iter() {
            differ(&format!("label {key}"), machine.labels.get(key), Some(value))?;
        }
        Ok(())
    }
}

/// The first with all that only the second has.
fn merged(machine: &Machine, other: &Machine) -> Machine {
    let mut all = machine.clone();
    all.also.extend(other.addresses());
    all.name = all.name.or_else(|| other.name.clone());
    all.uuid = all.uuid.filter(|uuid| !uuid.is_placeholder()).or(other.uuid).or(machine.uuid);
    all.serial = all.serial.or_else(|| other.serial.clone());
    all.arch = all.arch.or(other.arch);
    all.firmware = all.firmware.or(other.firmware);
    all.memory_mib = all.memory_mib.or(other.memory_mib);
    all.vendor_class = all.vendor_class.or_else(|| other.vendor_class.clone());
    all.profile = all.profile.or_else(|| other.profile.clone());
    all.first_seen = all.first_seen.min(other.first_seen);
    if other.last_seen > all.last_seen {
        all.last_seen = other.last_seen;
        all.link.clone_from(&other.link);
    }
    for (key, value) in other.labels.iter() {
        if !all.labels.contains_key(key) {
            all.labels.insert(key.to_owned(), value.to_owned());
        }
    }
    for (key, value) in &other.settings {
        all.settings.entry(key.clone()).or_insert_with(|| value.clone());
    }
    for (id, pin) in &other.quirks {
        all.quirks.entry(id.clone()).or_insert(*pin);
    }
    if all.options.is_empty() {
        all.options.clone_from(&other.options);
    }
    if all.notes.is_empty() {
        all.notes.clone_from(&other.notes);
    }
    let mut marks: Vec<String> =
        other.marks.iter().filter(|mark| !all.marks.contains(mark)).cloned().collect();
    marks.append(&mut all.marks);
    let many = marks.len().saturating_sub(MARKS_MAX);
    marks.drain(..many);
    all.marks = marks;
    all
}

fn check_many(machine: &Machine) -> Result<(), Refusal> {
    match machine.also.len() > ALSO_MAX {
        true => refuse(format!("a machine has {ALSO_MAX} further addresses at most"), ""),
        false => Ok(()),
    }
}

fn is_anothers(mac: &HardwareAddress, machine: &str, other: &Machine) -> Refusal {
    let (why, hint) = match other.hardware == *mac {
        true => (
            format!("{mac} is filed as a machine of its own, {}", other.life()),
            format!("`bootwright machine merge {machine} {mac}` makes one of the two"),
        ),
        false => (
            format!("{mac} is an address of {}", other.shown()),
            format!("`bootwright machine set {} --no-mac {mac}` first", other.shown()),
        ),
    };
    Refusal { why, hint: Some(hint) }
}
