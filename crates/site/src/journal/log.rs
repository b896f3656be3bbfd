//! What machines log themselves (syslog): the newest lines of each. They are many, so they have
//! room of their own.

use super::Limits;
use model::{Event, HardwareAddress};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// The newest lines of all machines.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Each with its number. There is at least one.
    machines: HashMap<HardwareAddress, VecDeque<(u64, Arc<Event>)>>,
    /// Whose line has which number.
    order: BTreeMap<u64, HardwareAddress>,
    told: u64,
}

impl Log {
    pub(super) fn note(&mut self, event: &Arc<Event>, limits: &Limits) {
        let Some(machine) = event.machine else { return };
        self.told += 1;
        let lines = self.machines.entry(machine).or_default();
        lines.push_back((self.told, Arc::clone(event)));
        self.order.insert(self.told, machine);
        if lines.len() > limits.log_per_machine_max {
            self.forget_oldest_of(machine);
        }
        if self.order.len() > limits.log_max
            && let Some((_, machine)) = self.order.first_key_value()
        {
            self.forget_oldest_of(*machine);
        }
    }

    fn forget_oldest_of(&mut self, machine: HardwareAddress) {
        let Some(lines) = self.machines.get_mut(&machine) else { return };
        if let Some((number, _)) = lines.pop_front() {
            self.order.remove(&number);
        }
        if lines.is_empty() {
            self.machines.remove(&machine);
        }
    }

    pub(super) fn of(&self, machine: &HardwareAddress) -> Vec<Arc<Event>> {
        let lines = self.machines.get(machine).into_iter().flatten();
        lines.map(|(_, event)| Arc::clone(event)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Happening, Now, Severity};

    #[test]
    fn the_oldest_lines_of_one_and_of_all_go_first() {
        let limits = Limits { log_per_machine_max: 3, log_max: 5, ..Limits::default() };
        let mut log = Log::default();
        for (at, machine) in [(1, 1), (2, 2), (3, 1), (4, 1), (5, 1), (6, 2), (7, 3), (8, 3)] {
            let machine = Some(HardwareAddress::mac([2, 0, 0, 0, 0, machine]));
            let (severity, app) = (Severity::Info, None);
            let what = Happening::Syslog { severity, app, text: String::new() };
            log.note(&Arc::new(Event::new(Now(at), machine, None, what)), &limits);
        }
        let of = |m| {
            let lines = log.of(&HardwareAddress::mac([2, 0, 0, 0, 0, m]));
            lines.iter().map(|event| event.at.0).collect::<Vec<u64>>()
        };
        assert_eq!(of(1), [4, 5]);
        assert_eq!(of(2), [6]);
        assert_eq!(of(3), [7, 8]);
        assert_eq!(of(4), [0; 0]);
        assert_eq!((log.order.len(), log.machines.len()), (5, 3));
    }
}
