//! What time does to deployments: windows close, what hangs is told, what ended long ago is forgotten.

use super::alarm;
use super::armed::ONCE_MORE;
use crate::{Engine, Noted};
use model::deployment::{Deployment, End, State, Step};
use model::{Change, HardwareAddress, Now};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// What is taken for usual where no installation of an image has ended well yet.
const USUAL: Duration = Duration::from_secs(45 * 60);
/// After so long without a word an installation has failed, whatever it is.
const LOST: Duration = Duration::from_secs(24 * 60 * 60);
/// Ended deployments of one machine that are remembered.
const ENDED_MAX: usize = 8;
/// Ended deployments of all machines that are remembered.
const ENDED_ALL_MAX: usize = 50_000;
/// Ended batches that are remembered.
const BATCHES_MAX: usize = 100;
/// So many are forgotten at one time.
const FORGOTTEN_AT_ONCE: usize = 1_000;

impl Engine {
    /// What the minute changed.
    pub(crate) fn tidy_deployments(&mut self, now: Now) -> Noted {
        let mut noted = Noted::default();
        for of in self.deployments.live().cloned().collect::<Vec<_>>() {
            let (changes, events) = self.minute_of(now, &of);
            if let Some(kept) = self.keep(changes) {
                noted.changes.extend(kept);
                noted.events.extend(events);
            }
        }
        let (changes, events) = self.next_turns(now);
        noted.changes.extend(changes);
        noted.events.extend(events);
        let old = self.old_ones();
        noted.changes.extend(self.keep(old).unwrap_or_default());
        noted
    }

    fn minute_of(&self, now: Now, of: &Deployment) -> (Vec<Change>, Vec<model::Event>) {
        if self.deployments.is_in_doubt(of) {
            let by = "a restore: what became of it is not known".to_owned();
            return self.ended(now, of, End::Cancelled { by });
        }
        match (of.state(), &of.install) {
            (State::Armed | State::Claimed { .. }, _) if now >= of.until => {
                self.ended(now, of, End::Expired)
            }
            (State::Begun { at }, None) if now.since(*at) >= ONCE_MORE => {
                self.ended(now, of, End::Done)
            }
            (State::Begun { at }, Some(_)) => {
                let heard = of.last_words().map_or(*at, |(heard, _)| heard);
                if now.since(heard) >= LOST {
                    let why = "nothing was heard of it for a day".to_owned();
                    return self.ended(now, of, End::Failed { why });
                }
                self.stuck(now, of, *at)
            }
            _ => (Vec::new(), Vec::new()),
        }
    }

    /// An installation that takes longer than usual for its image is told, once.
    fn stuck(&self, now: Now, of: &Deployment, begun: Now) -> (Vec<Change>, Vec<model::Event>) {
        let (usual, known) = self.usual(&of.boots.image);
        if of.stuck || now.since(begun) < usual.saturating_mul(2) {
            return (Vec::new(), Vec::new());
        }
        let minutes = |time: Duration| time.as_secs() / 60;
        let usually = match known {
            0 => "no installation of this image has ended well yet".to_owned(),
            _ => format!("{known} of this image took at most {} min", minutes(usual)),
        };
        let text = format!(
            "deployment {} of {} has been under way for {} min, and {usually}; the last it said: {}\n\
             hint: look at its screen; `bootwright machine cancel` gives it up",
            of.shown(),
            of.machine,
            minutes(now.since(begun)),
            of.last_words().map_or("nothing", |(_, says)| says)
        );
        let mut stuck = of.clone();
        stuck.stuck = true;
        (vec![Change::Deployment(stuck)], vec![alarm(now, of.machine, text)])
    }

    /// The longest that an installation of an image took, and of how many that is known.
    fn usual(&self, image: &str) -> (Duration, usize) {
        let took = self.deployments.all().filter(|of| of.boots.image == image);
        let took: Vec<Duration> = took.filter_map(Deployment::took).collect();
        (took.iter().max().copied().unwrap_or(USUAL).max(Duration::from_secs(300)), took.len())
    }

    /// What is forgotten, oldest first.
    fn old_ones(&self) -> Vec<Change> {
        let mut of_each: BTreeMap<HardwareAddress, usize> = BTreeMap::new();
        let (mut old, mut kept) = (Vec::new(), 0usize);
        for of in self.deployments.all().rev().filter(|of| of.is_over()) {
            let many = of_each.entry(of.machine).or_default();
            *many = many.saturating_add(1);
            kept = kept.saturating_add(1);
            let gone = !self.machines.contains_key(&of.machine);
            if (*many > ENDED_MAX || kept > ENDED_ALL_MAX || gone) && old.len() < FORGOTTEN_AT_ONCE
            {
                old.push(Change::DeploymentGone(of.id));
            }
        }
        let over = self.deployments.batches().rev().filter(|batch| batch.waiting.is_empty());
        old.extend(over.skip(BATCHES_MAX).map(|batch| Change::BatchGone(batch.id)));
        old
    }

    /// A machine fetches what was armed to be booted once: from now on it is not given again.
    pub(crate) fn begin_once(
        &mut self,
        now: Now,
        (machine, from): (&HardwareAddress, IpAddr),
        path: &str,
    ) -> Noted {
        let none = Noted::default();
        let Some(of) = self.deployment_of(machine).filter(|of| of.install.is_none()) else {
            return none;
        };
        // Its loaders come from the image, too; what is started is what counts.
        let starts = |boot: model::plan::Boot| boot.kernel == path;
        let client = self.remembered("", *machine);
        if of.begun().is_some() || !self.boot_of(&client, of).is_ok_and(starts) {
            return none;
        }
        let Some(next) = of.after(now, Step::Take("boot".to_owned(), from)) else { return none };
        let event = super::told(now, &next, "begun", "it fetches what it is armed with");
        match self.keep(vec![Change::Deployment(next)]) {
            Some(changes) => Noted { changes, events: vec![event] },
            None => none,
        }
    }

    /// Firmware starts anew: what was booted once is over.
    pub(crate) fn end_once(&mut self, now: Now, machine: &HardwareAddress) -> Noted {
        let begun = |of: &&Deployment| of.install.is_none() && of.begun().is_some();
        let Some(of) = self.deployment_of(machine).filter(begun).cloned() else {
            return Noted::default();
        };
        let (changes, events) = self.ended(now, &of, End::Done);
        match self.keep(changes) {
            Some(changes) => Noted { changes, events },
            None => Noted::default(),
        }
    }
}
