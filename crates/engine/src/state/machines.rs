//! The inventory, found by any hardware address of a machine.

use super::census::Tally;
use crate::{Engine, Told};
use model::{HardwareAddress, Life, Machine, Uuid};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// All machines. Each is filed under one address and may have others beside it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machines {
    /// In a box each: a tree's nodes are half empty, and a machine is large.
    filed: BTreeMap<HardwareAddress, Box<Machine>>,
    /// A further address of a machine, and the one that it is filed under.
    others: BTreeMap<HardwareAddress, HardwareAddress>,
    /// Who says which UUID; no placeholders.
    uuids: BTreeSet<(Uuid, HardwareAddress)>,
    /// How many live how.
    lives: Tally,
}

impl Machines {
    /// The address that a machine is filed under, by any of its addresses; one that is no machine's
    /// stands for itself.
    pub(crate) fn filed(&self, hardware: &HardwareAddress) -> HardwareAddress {
        match self.filed.contains_key(hardware) {
            true => *hardware,
            false => self.others.get(hardware).copied().unwrap_or(*hardware),
        }
    }

    /// The machine that has this address.
    pub(crate) fn get(&self, hardware: &HardwareAddress) -> Option<&Machine> {
        self.filed
            .get(hardware)
            .or_else(|| self.filed.get(self.others.get(hardware)?))
            .map(AsRef::as_ref)
    }

    /// The one machine with this UUID; none where two boards share it, or where it is nobody's.
    pub(crate) fn with_uuid(&self, uuid: &Uuid) -> Option<&Machine> {
        let none = HardwareAddress::new(0, &[]);
        let mut with = self.uuids.range((*uuid, none)..).take_while(|(of, _)| of == uuid);
        let only = with.next().filter(|_| with.next().is_none())?;
        self.get(&only.1)
    }

    pub(crate) fn contains_key(&self, hardware: &HardwareAddress) -> bool {
        self.get(hardware).is_some()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Machine> {
        self.filed.values().map(AsRef::as_ref)
    }

    /// Those filed behind an address, in the order of addresses; without one, all.
    pub(crate) fn after(&self, after: Option<HardwareAddress>) -> impl Iterator<Item = &Machine> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.filed.range((from, Bound::Unbounded)).map(|(_, machine)| machine.as_ref())
    }

    pub(crate) fn len(&self) -> usize {
        self.filed.len()
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.lives
    }

    pub(crate) fn insert(&mut self, machine: Machine) {
        self.remove(&machine.hardware);
        self.lives.more(machine.life().name());
        let uuid = machine.uuid.filter(|uuid| !uuid.is_placeholder());
        self.uuids.extend(uuid.map(|uuid| (uuid, machine.hardware)));
        self.others.extend(machine.also.iter().map(|other| (*other, machine.hardware)));
        self.filed.insert(machine.hardware, Box::new(machine));
    }

    /// Forgets the machine that is filed under this address.
    pub(crate) fn remove(&mut self, hardware: &HardwareAddress) {
        let Some(old) = self.filed.remove(hardware) else { return };
        self.lives.less(old.life().name());
        old.uuid.map(|uuid| self.uuids.remove(&(uuid, *hardware)));
        for other in &old.also {
            if self.others.get(other) == Some(hardware) {
                self.others.remove(other);
            }
        }
    }
}

impl Engine {
    /// The address under which the machine with this one is filed: deployments, reports and events
    /// go by it.
    pub(crate) fn filed(&self, hardware: &HardwareAddress) -> HardwareAddress {
        self.machines.filed(hardware)
    }

    /// The same, told of machines as they are filed, by whichever card they spoke.
    pub(crate) fn as_filed<T>(&self, told: Told<T>) -> Told<T> {
        let mut told = told;
        for event in &mut told.events {
            event.machine = event.machine.map(|machine| self.filed(&machine));
        }
        told
    }

    /// Cards of this machine that were filed as machines of their own: its report names them, and
    /// they say the same UUID, which no two boards share. Nobody has said a word about them.
    pub fn twins(&self, machine: &Machine) -> Vec<HardwareAddress> {
        let Some(uuid) = machine.uuid.filter(|uuid| !uuid.is_placeholder()) else {
            return Vec::new();
        };
        let Some(report) = self.hardware(&machine.hardware) else { return Vec::new() };
        let same = |other: &Machine| {
            other.hardware != machine.hardware
                && other.uuid == Some(uuid)
                && other.life() == Life::Pending
        };
        let cards = report.macs().filter(|mac| self.machines.get(mac).is_some_and(same));
        cards.map(|mac| self.filed(&mac)).collect()
    }
}
