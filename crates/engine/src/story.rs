//! Each boot is one story: events in, in the order told; the stories of a machine out.
//!
//! ```text
//! event ─ begin ── does it continue the boot that goes on, or begin another
//!       ─ write ── which step it is, or is a part of
//!       ─ (kept, within limits)
//! now   ─ gap ──── when nothing was heard, and what that usually means
//!       ─ end ──── how it ended, or that it goes on
//! ```
//!
//! In: events, and the moment of whoever reads. Out: the name of the boot that an event belongs to,
//! and stories. Never: a decision of what a machine gets; a clock; what is not in an event.

mod begin;
mod end;
mod gap;
mod open;
pub mod picture;
mod write;

use model::story::{BootId, BootStage, Glance, Story};
use model::{Event, HardwareAddress, Now};
use open::Open;
use std::collections::{BTreeMap, VecDeque};

/// How much is remembered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Machines; the one that was quiet longest is forgotten first.
    pub machines_max: usize,
    /// Newest boots of one machine.
    pub boots_per_machine_max: usize,
    /// Steps of one boot: its first and its newest. What is between is counted.
    pub steps_per_boot_max: usize,
    /// Steps of all boots; the machine that was quiet longest goes first, with all its boots.
    pub steps_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            machines_max: 4096,
            boots_per_machine_max: 8,
            steps_per_boot_max: 96,
            // Half a kilobyte each, or so: 50 MB at most.
            steps_max: 100_000,
        }
    }
}

/// The newest boots of all machines.
#[derive(Debug, Default)]
pub struct Stories {
    limits: Limits,
    machines: BTreeMap<HardwareAddress, Shelf>,
    /// Whose boot has which name.
    names: BTreeMap<BootId, HardwareAddress>,
    /// Who spoke when, by the number of their last event.
    spoke: BTreeMap<u64, HardwareAddress>,
    told: u64,
    steps: usize,
}

/// The boots of one machine, oldest first. There is at least one.
#[derive(Debug, Default)]
struct Shelf {
    last: u64,
    boots: VecDeque<Open>,
}

impl Stories {
    /// None yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Takes the next event. Which boot it belongs to; none if it belongs to none: no machine is
    /// named, an operator did something, a system that runs renews its lease.
    pub fn note(&mut self, event: &Event) -> Option<BootId> {
        let machine = event.machine?;
        let shelf = self.machines.get(&machine);
        let boots = shelf.map(|shelf| &shelf.boots);
        let verdict = begin::judge(event, boots.and_then(|boots| boots.back()));
        let place = match verdict {
            begin::Verdict::NoBoot => return None,
            begin::Verdict::Begins => None,
            // The end of a transfer that began in the boot before belongs there.
            begin::Verdict::Continues => {
                let boots = boots?;
                let earlier = || boots.len().checked_sub(2);
                let of_earlier = earlier().filter(|n| {
                    let runs = |open: Option<&Open>| open.is_some_and(|open| open.runs(event));
                    !runs(boots.back()) && runs(boots.get(*n))
                });
                Some(of_earlier.unwrap_or(boots.len() - 1))
            }
        };
        Some(self.write(machine, place, event))
    }

    /// The boots of a machine that are remembered, oldest first, as they stand now.
    #[must_use]
    pub fn of(&self, now: Now, machine: &HardwareAddress) -> Vec<Story> {
        let Some(shelf) = self.machines.get(machine) else { return Vec::new() };
        let next = shelf.boots.iter().skip(1).map(Some).chain([None]);
        shelf.boots.iter().zip(next).map(|(open, next)| open.told(now, next)).collect()
    }

    /// The boot of this name, as it stands now.
    #[must_use]
    pub fn get(&self, now: Now, boot: BootId) -> Option<Story> {
        let shelf = self.machines.get(self.names.get(&boot)?)?;
        let at = shelf.boots.iter().position(|open| open.id == boot)?;
        Some(shelf.boots.get(at)?.told(now, shelf.boots.get(at + 1)))
    }

    /// The newest boot of each machine that is wanted, or all of them, the newest first; of machines the
    /// one that was heard last first.
    pub fn glances(
        &self,
        now: Now,
        all: bool,
        wanted: impl Fn(&HardwareAddress) -> bool,
    ) -> impl Iterator<Item = Glance> {
        let machines = self.spoke.values().rev().filter(move |machine| wanted(machine));
        let shelves = machines.filter_map(|machine| self.machines.get(machine));
        shelves.flat_map(move |shelf| {
            let newest = shelf.boots.iter().rev();
            // Of each the one that was begun after it.
            let next = std::iter::once(None).chain(shelf.boots.iter().rev().map(Some));
            let boots = newest.zip(next).take(if all { usize::MAX } else { 1 });
            boots.map(move |(open, next)| open.glance(now, next))
        })
    }

    /// How far the boot of this name has come.
    #[must_use]
    pub fn furthest(&self, boot: BootId) -> Option<BootStage> {
        let shelf = self.machines.get(self.names.get(&boot)?)?;
        shelf.boots.iter().rev().find(|open| open.id == boot).map(|open| open.furthest)
    }

    /// Puts the event into the boot at this place of the shelf, or into a new one.
    fn write(&mut self, machine: HardwareAddress, place: Option<usize>, event: &Event) -> BootId {
        self.told += 1;
        let shelf = self.machines.entry(machine).or_default();
        self.spoke.remove(&shelf.last);
        shelf.last = self.told;
        self.spoke.insert(self.told, machine);

        let at = place.unwrap_or_else(|| {
            let free =
                |salt: &u64| !self.names.contains_key(&BootId::new(&machine, event.at, *salt));
            let salt = (0..).find(free).unwrap_or_default();
            let id = BootId::new(&machine, event.at, salt);
            self.names.insert(id, machine);
            shelf.boots.push_back(Open::new(id, machine, event.at));
            shelf.boots.len() - 1
        });
        let Some(open) = shelf.boots.get_mut(at) else { return BootId::new(&machine, event.at, 0) };
        let id = open.id;
        let before = open.weight();
        open.write(event, self.limits.steps_per_boot_max);
        let more = open.weight();
        self.steps = if place.is_some() { self.steps - before + more } else { self.steps + more };

        if shelf.boots.len() > self.limits.boots_per_machine_max.max(1)
            && let Some(oldest) = shelf.boots.pop_front()
        {
            self.steps -= oldest.weight();
            self.names.remove(&oldest.id);
        }
        self.make_room();
        id
    }

    /// Forgets who was quiet longest until everything is within its limits.
    fn make_room(&mut self) {
        while self.machines.len() > 1
            && (self.machines.len() > self.limits.machines_max
                || self.steps > self.limits.steps_max)
        {
            let Some((_, quietest)) = self.spoke.pop_first() else { return };
            let Some(shelf) = self.machines.remove(&quietest) else { continue };
            for open in shelf.boots {
                self.steps -= open.weight();
                self.names.remove(&open.id);
            }
        }
    }
}
