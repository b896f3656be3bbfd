//! Whom other rules would lead elsewhere.
//!
//! In: rules that might come. Out: the machines whose profile would be another one, a slice of the inventory
//! at a time. Never: a walk over everybody in one go, nor a change.

use crate::Engine;
use crate::explain::Question;
use model::rule::Rule;
use model::{Client, HardwareAddress, Life, Machine};

/// A machine that other rules would lead elsewhere.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shift {
    /// Its address.
    pub machine: HardwareAddress,
    /// As it is shown.
    pub name: String,
    /// Where it is led now: the number of the rule, and its profile. None is the default.
    pub from: Option<(u32, String)>,
    /// Where it would be led.
    pub to: Option<(u32, String)>,
}

/// A part of an answer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Shifts {
    /// Whose profile would change.
    pub all: Vec<Shift>,
    /// Machines that were looked at.
    pub looked: usize,
    /// Where to go on; none at the end.
    pub next: Option<HardwareAddress>,
}

impl Engine {
    /// Whose profile would change with these rules, among the `most` machines behind `after`. Machines with a
    /// profile of their own, blocked and retired ones, and those that were installed are led by no rule.
    pub fn shifts(&self, rules: &[Rule], after: Option<HardwareAddress>, most: usize) -> Shifts {
        let mut found = Shifts::default();
        for machine in self.machines.after(after).take(most) {
            found.looked = found.looked.saturating_add(1);
            found.next = Some(machine.hardware);
            found.all.extend(self.shift(rules, machine));
        }
        if found.looked < most {
            found.next = None;
        }
        found
    }

    fn shift(&self, rules: &[Rule], machine: &Machine) -> Option<Shift> {
        let led = matches!(machine.life(), Life::Pending | Life::Approved);
        if machine.profile.is_some() || !led {
            return None;
        }
        let client = self.as_heard(machine.hardware);
        let (from, to) = (self.first_of(&self.rules, &client), self.first_of(rules, &client));
        if from.map(|rule| &rule.profile) == to.map(|rule| &rule.profile) {
            return None;
        }
        let led = |rule: Option<&Rule>| rule.map(|rule| (rule.id, rule.profile.clone()));
        Some(Shift {
            machine: machine.hardware,
            name: machine.shown(),
            from: led(from),
            to: led(to),
        })
    }

    /// The client that a machine's firmware would be, where it was last heard.
    fn as_heard(&self, machine: HardwareAddress) -> Client {
        match self.imagine(&Question { machine: machine.to_string(), ..Question::default() }) {
            Ok(imagined) => imagined.client,
            Err(_) => self.remembered("", machine),
        }
    }
}
