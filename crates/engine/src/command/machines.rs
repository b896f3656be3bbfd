//! What operators say of machines.

use super::deploy::check_notes;
use super::{Outcome, Refusal, check_line, check_name, decided, refuse, templates};
use crate::Engine;
use model::deployment::{End, State};
use model::life::{Life, Move};
use model::setting::Setting;
use model::{Change, Declarable, HardwareAddress, Machine, Now};

/// What is to be said of a machine; what is not there stays.
pub(super) struct Wish {
    pub(super) name: Option<String>,
    /// `Some(None)` takes its own profile away.
    pub(super) profile: Option<Option<String>>,
    /// One without a value is taken away.
    pub(super) labels: Vec<(String, Option<String>)>,
    /// One without a value is taken away.
    pub(super) settings: Vec<(String, Option<Setting>)>,
    pub(super) notes: Option<String>,
}

impl Engine {
    pub(super) fn set_life(&self, now: Now, named: &str, life: Life) -> Outcome {
        let machine = self.named(named)?;
        let Some(step) = Move::to(life) else {
            return refuse(
                format!("nobody can make {} {life}", machine.shown()),
                "`machine approve`, `block`, `retire` and `deploy` are what can be asked for",
            );
        };
        let changed = machine.moved(step).map_err(|illegal| Refusal {
            why: format!("{}: {illegal}", machine.shown()),
            hint: Some(illegal.first.to_owned()),
        })?;
        let mut says = format!("machine {} is {life}", machine.shown());
        let mut changes = Vec::new();
        let of = self.deployments.of(&machine.hardware).filter(|_| step != Move::Approve);
        if let Some(of) = of {
            // What is armed is taken back first: the machine that it would make comes after.
            let (ended, _) = self.ended(now, of, End::Cancelled { by: format!("`{life}`") });
            let only = |change: &Change| matches!(change, Change::Deployment(_));
            changes.extend(ended.into_iter().filter(only));
            says.push_str(&format!("; deployment {} is cancelled", of.shown()));
            if matches!(of.state(), State::Begun { .. }) && of.install.is_some() {
                says.push_str(", but its installer runs already");
            }
        }
        changes.push(Change::Machine(changed));
        decided(changes, says)
    }

    pub(super) fn set_machine(&self, now: Now, named: &str, wish: Wish) -> Outcome {
        let mut machine = match (self.machine(named), named.parse::<HardwareAddress>()) {
            (Some(machine), _) => machine.clone(),
            (None, Ok(hardware)) => Machine::new(hardware, now),
            (None, Err(_)) => {
                return refuse(
                    format!("no machine is called {}", model::text::show(named.as_bytes())),
                    "name it by its MAC to add it",
                );
            }
        };
        let Wish { name, profile, labels, settings, notes } = wish;
        let tried = name.is_some() || !settings.is_empty();
        let install = self.deployments.of(&machine.hardware).filter(|of| of.install.is_some());
        if let (true, Some(of)) = (tried, install) {
            return refuse(
                format!(
                    "{} is being deployed ({}) with what it has now",
                    machine.shown(),
                    of.shown()
                ),
                "`bootwright machine cancel` first, or wait for the end",
            );
        }
        if let Some(name) = name {
            check_name("a machine", &name)?;
            let other = self.machine(&name).filter(|m| m.hardware != machine.hardware);
            if let Some(other) = other {
                return refuse(format!("{} is called {name} already", other.hardware), "");
            }
            machine.name = Some(name);
        }
        if let Some(profile) = profile {
            if let Some(missing) = profile.as_ref().filter(|p| !self.profiles.contains_key(*p)) {
                return refuse(format!("there is no profile {missing}"), "see `profile list`");
            }
            machine.profile = profile;
        }
        for (key, value) in labels {
            let Some(value) = value else {
                if machine.labels.remove(&key).is_none() {
                    let shown = model::text::show(key.as_bytes());
                    return refuse(format!("{} has no label {shown}", machine.shown()), "");
                }
                continue;
            };
            check_name("a label", &key)?;
            check_line("a label", &value)?;
            machine.labels.insert(key, value);
        }
        for (name, setting) in settings {
            match setting {
                Some(setting) => machine.settings.insert(name, setting),
                None => machine.settings.remove(&name),
            };
        }
        templates::check_settings(&machine.settings)?;
        if let Some(notes) = notes {
            check_notes(&notes)?;
            machine.notes = notes;
        }
        let says = format!("machine {} is set", machine.shown());
        decided(vec![Change::Machine(machine)], says)
    }

    pub(super) fn remove_machine(&self, now: Now, hardware: HardwareAddress) -> Outcome {
        let Some(machine) = self.machines.get(&hardware) else {
            return refuse(format!("{hardware} is not known"), "see `machine list`");
        };
        let hardware = machine.hardware;
        if let Some(of) = self.deployments.of(&hardware).filter(|of| of.install.is_some()) {
            return refuse(
                format!("{} is being deployed ({})", machine.shown(), of.shown()),
                "`bootwright machine cancel` first",
            );
        }
        let by = "its machine was removed".to_owned();
        let once = self.deployments.of(&hardware);
        let mut changes =
            once.map(|of| self.ended(now, of, End::Cancelled { by }).0).unwrap_or_default();
        changes.push(Change::MachineGone(hardware));
        changes.extend(self.undeclared(Declarable::Machine(hardware)));
        decided(changes, format!("machine {} is forgotten", machine.shown()))
    }

    /// What machines are being installed with stays as it was tried.
    pub(super) fn profile_is_free(&self, name: &str) -> Result<(), Refusal> {
        let waits = |batch: &&model::Batch| batch.profile == name && !batch.waiting.is_empty();
        if let Some(batch) = self.deployments.batches().find(waits) {
            return refuse(
                format!("batch b{} is installing machines with profile {name}", batch.id),
                "wait for its end, or `bootwright deployment cancel` it",
            );
        }
        let uses = |of: &&model::Deployment| of.boots.profile.as_deref() == Some(name);
        match self.deployments.live().find(uses) {
            Some(of) => refuse(
                format!(
                    "{} of {} is armed or under way with profile {name}",
                    of.shown(),
                    of.machine
                ),
                "wait for its end, or `bootwright machine cancel` it",
            ),
            None => Ok(()),
        }
    }
}
