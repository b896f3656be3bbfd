//! What is known of deployments, found by machine, by token and by number.

use crate::state::Tally;
use model::deployment::{Deployment, State};
use model::{Batch, HardwareAddress, Now};
use std::collections::BTreeMap;

/// All deployments and batches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    all: BTreeMap<u32, Deployment>,
    batches: BTreeMap<u32, Batch>,
    /// Those that are not over.
    live: BTreeMap<HardwareAddress, u32>,
    /// Those whose answer files may be asked for, by the hash of the token.
    answers: BTreeMap<[u8; 32], u32>,
    /// Those that may report, by the hash of the token.
    reports: BTreeMap<[u8; 32], u32>,
    /// Everything was read back from a backup then. What was armed before may have been used since.
    restored: Option<Now>,
    /// How many stand where.
    states: Tally,
}

impl Book {
    pub(crate) fn put(&mut self, deployment: Deployment) {
        self.forget(deployment.id);
        let id = deployment.id;
        self.states.more(deployment.state().name());
        if !deployment.is_over() {
            self.live.insert(deployment.machine, id);
            if let Some(install) = &deployment.install {
                self.answers.extend(install.answer.map(|hash| (hash.0, id)));
                self.reports.extend(install.report.map(|hash| (hash.0, id)));
            }
        }
        self.all.insert(id, deployment);
    }

    pub(crate) fn forget(&mut self, id: u32) {
        let Some(old) = self.all.remove(&id) else { return };
        self.states.less(old.state().name());
        if self.live.get(&old.machine) == Some(&id) {
            self.live.remove(&old.machine);
        }
        if let Some(install) = old.install {
            if let Some(hash) = install.answer {
                self.answers.remove(&hash.0);
            }
            if let Some(hash) = install.report {
                self.reports.remove(&hash.0);
            }
        }
    }

    pub(crate) fn doubt_since(&mut self, restored: Now) {
        self.restored = Some(restored);
    }

    /// Whether a deployment comes out of a backup: nobody knows what became of it, so nothing of it is
    /// given again.
    pub(crate) fn is_in_doubt(&self, of: &Deployment) -> bool {
        self.restored.is_some_and(|restored| of.armed <= restored)
    }

    /// Whether its machine is still given what it is armed with.
    pub(crate) fn is_open(&self, now: Now, of: &Deployment) -> bool {
        of.is_open(now) && !self.is_in_doubt(of)
    }

    pub(crate) fn put_batch(&mut self, batch: Batch) {
        self.batches.insert(batch.id, batch);
    }

    pub(crate) fn forget_batch(&mut self, id: u32) {
        self.batches.remove(&id);
    }

    /// How many deployments are in each state, all states in order.
    pub(crate) fn states(&self) -> impl Iterator<Item = (&'static str, usize)> {
        State::NAMES.iter().map(|name| (*name, self.states.of(name)))
    }

    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = &Deployment> {
        self.all.values()
    }

    pub(crate) fn batches(&self) -> impl DoubleEndedIterator<Item = &Batch> {
        self.batches.values()
    }

    pub(crate) fn batch(&self, id: u32) -> Option<&Batch> {
        self.batches.get(&id)
    }

    pub(crate) fn get(&self, id: u32) -> Option<&Deployment> {
        self.all.get(&id)
    }

    /// What is armed or under way on a machine.
    pub(crate) fn of(&self, machine: &HardwareAddress) -> Option<&Deployment> {
        self.all.get(self.live.get(machine)?)
    }

    /// All that is armed or under way.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Deployment> {
        self.live.values().filter_map(|id| self.all.get(id))
    }

    pub(crate) fn by_answer(&self, hash: &[u8; 32]) -> Option<&Deployment> {
        self.all.get(self.answers.get(hash)?)
    }

    pub(crate) fn by_report(&self, hash: &[u8; 32]) -> Option<&Deployment> {
        self.all.get(self.reports.get(hash)?)
    }

    /// The next number. A number that was forgotten is not given again while a later one is known.
    pub(crate) fn next_id(&self) -> u32 {
        self.all.keys().next_back().copied().unwrap_or(0).saturating_add(1)
    }

    pub(crate) fn next_batch(&self) -> u32 {
        self.batches.keys().next_back().copied().unwrap_or(0).saturating_add(1)
    }
}
