//! One zone of a server that is told of names: what is under way, and what comes next.

use super::answer::Failure;
use super::health::{Health, Tell, name_pause};
use super::step::{Meaning, Step, Task};
use super::{WINDOW, Wanted};
use model::Now;
use model::dns::Published;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;
use wire::dns::{Name, Update};

/// How often it is looked whether what we put there is still there.
const REVISIT: Duration = Duration::from_secs(12 * 3600);
/// When it is tried again whether a name is free that somebody else has.
const FOREIGN_REST: Duration = Duration::from_secs(600);
/// What changed of what we may have put there is written down at the latest when it is so much.
const KEEP_AT_ONCE: usize = 64;
/// When it is tried again to write it down.
const KEEP_REST: Duration = Duration::from_secs(5);
/// Names of others that are told of, until none is left; `dns status` has all.
const FOREIGN_TOLD_MAX: usize = 20;

/// What comes next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Next {
    /// This is put down, then [`Publication::kept`] is told how that went.
    Keep(Vec<(Name, Option<Published>)>),
    /// This is sent, then [`Publication::heard`] is told how that went.
    Send(Name, Update),
    /// Nothing before that moment, or before something is heard or wanted.
    Wait(Option<Now>),
}

/// Names in one zone of one server.
#[derive(Clone, Debug)]
pub struct Publication {
    pub(super) server: SocketAddr,
    pub(super) zone: Name,
    /// Zones of their own below it.
    smaller: Vec<Name>,
    ttl_s: u32,
    wanted: Option<BTreeMap<Name, Published>>,
    pub(super) left_out: usize,
    /// What may be there, put by us.
    there: BTreeMap<Name, Published>,
    pub(super) states: BTreeMap<Name, State>,
    due: BTreeSet<(Now, u64, Name)>,
    sequence: u64,
    queue: VecDeque<Name>,
    to_keep: BTreeMap<Name, Option<Published>>,
    keep_after: Now,
    in_flight: usize,
    pub(super) health: Health,
    pub(super) foreign: BTreeSet<Name>,
    foreign_told: usize,
    news: Vec<String>,
}

/// How far one name is.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    stage: Stage,
    due: Option<(Now, u64)>,
    under_way: Option<(Step, Published, Option<Published>)>,
    pub(super) outcome: Outcome,
    refused: u32,
}

/// What was found out on the way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Stage {
    #[default]
    Begin,
    /// The name is used.
    Used,
    /// The name is not our machine's.
    NotOurs,
    /// What we had put there is gone.
    Emptied,
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) enum Outcome {
    #[default]
    Waiting,
    Published,
    /// Somebody else has the name.
    Foreign,
    Refused(Failure),
}

impl Publication {
    /// Nothing is sent before it is said what is wanted. `kept` is what may be there, put by us;
    /// `smaller` are zones below this one, which have names of their own.
    pub fn new(
        server: SocketAddr,
        zone: Name,
        smaller: Vec<Name>,
        ttl_s: u32,
        kept: BTreeMap<Name, Published>,
    ) -> Self {
        Self {
            server,
            zone,
            smaller,
            ttl_s,
            wanted: None,
            left_out: 0,
            there: kept,
            states: BTreeMap::new(),
            due: BTreeSet::new(),
            sequence: 0,
            queue: VecDeque::new(),
            to_keep: BTreeMap::new(),
            keep_after: Now(0),
            in_flight: 0,
            health: Health::default(),
            foreign: BTreeSet::new(),
            foreign_told: 0,
            news: Vec::new(),
        }
    }

    /// The zone.
    pub fn zone(&self) -> &Name {
        &self.zone
    }

    /// This is wanted from now on. The first time, everything that was kept is looked at.
    pub fn want(&mut self, now: Now, wanted: &Wanted) {
        let (wanted, left_out) = wanted.within(&self.zone, &self.smaller);
        self.left_out = left_out;
        let before = self.wanted.take();
        let mut changed: BTreeSet<&Name> = wanted
            .iter()
            .filter(|(name, what)| !is_in(before.as_ref(), name, what))
            .map(|(n, _)| n)
            .collect();
        let gone = |name: &&Name| !wanted.contains_key(*name);
        match &before {
            Some(before) => changed.extend(before.keys().filter(gone)),
            None => changed.extend(self.there.keys()),
        }
        let changed: Vec<Name> = changed.into_iter().cloned().collect();
        self.wanted = Some(wanted);
        for name in changed {
            self.schedule(name, now);
        }
    }

    /// What comes next.
    pub fn next(&mut self, now: Now) -> Next {
        if now >= self.keep_after {
            self.begin(now);
            let enough = self.in_flight == 0 || self.to_keep.len() >= KEEP_AT_ONCE;
            if !self.to_keep.is_empty() && (enough || !self.queue.is_empty()) {
                return Next::Keep(self.to_keep.clone().into_iter().collect());
            }
            while let Some(name) = self.queue.pop_front() {
                let Some(update) = self.update(&name) else {
                    // Nothing was ever sent for what cannot be read.
                    self.put(&name, None);
                    self.forget(&name);
                    continue;
                };
                self.in_flight = self.in_flight.saturating_add(1);
                return Next::Send(name, update);
            }
        }
        let room = self.in_flight < self.window();
        let due = self.due.first().map(|(at, ..)| *at).filter(|_| room);
        let due = due.map(|at| at.max(self.health.rest).max(self.keep_after));
        let keeping = (!self.to_keep.is_empty()).then_some(self.keep_after).filter(|at| *at > now);
        Next::Wait([due, keeping].into_iter().flatten().min())
    }

    /// How putting down went.
    pub fn kept(&mut self, now: Now, went: Result<(), String>) {
        let Err(why) = went else {
            self.to_keep.clear();
            if matches!(self.health.failing, Some((_, Failure::NotKept(_)))) {
                let tell = self.health.recovered();
                self.say_if_again(tell);
            }
            return;
        };
        self.keep_after = now + KEEP_REST;
        for name in std::mem::take(&mut self.queue) {
            if let Some(state) = self.states.get_mut(&name) {
                state.under_way = None;
            }
            self.schedule(name, now);
        }
        self.fail(now, Failure::NotKept(why));
    }

    /// How sending went: a code of RFC 2136, or why there is none.
    pub fn heard(&mut self, now: Now, name: &Name, went: Result<u16, Failure>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let Some(state) = self.states.get_mut(name) else { return };
        let Some((step, node, _)) = state.under_way.take() else { return };
        match went {
            Err(why) => {
                // It may have become ours without our hearing of it.
                if state.stage == Stage::NotOurs {
                    state.stage = Stage::Begin;
                }
                self.fail(now, why);
                self.schedule(name.clone(), now);
            }
            Ok(code) => match step.meaning(code) {
                Meaning::Refused => self.refuse(now, name, Failure::Code(code)),
                Meaning::Done => {
                    self.succeed(now);
                    self.done(now, name, step, node);
                }
                Meaning::Otherwise => {
                    self.succeed(now);
                    self.otherwise(now, name, step);
                }
            },
        }
    }

    /// What is to be told since the last time.
    pub fn news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }

    fn window(&self) -> usize {
        if self.health.row > 0 { 1 } else { WINDOW }
    }

    /// Begins with those whose time has come, as many as may be under way.
    fn begin(&mut self, now: Now) {
        while now >= self.health.rest && self.in_flight + self.queue.len() < self.window() {
            let Some((at, sequence, name)) = self.due.pop_first() else { return };
            if at > now {
                self.due.insert((at, sequence, name));
                return;
            }
            if let Some(state) = self.states.get_mut(&name) {
                state.due = None;
            }
            match self.plan(&name) {
                Some(under_way) => {
                    self.states.entry(name.clone()).or_default().under_way = Some(under_way);
                    self.queue.push_back(name);
                }
                None => self.forget(&name),
            }
        }
    }

    /// What is to be done for a name; what may be there once it is done is put down first.
    fn plan(&mut self, name: &Name) -> Option<(Step, Published, Option<Published>)> {
        let stage = self.states.get(name).map_or(Stage::Begin, |state| state.stage);
        let wanted = self.wanted.as_ref()?.get(name);
        let old = self.there.get(name);
        match (old, wanted) {
            (None, None) => None,
            (Some(old), wanted) if wanted.is_none_or(|wanted| wanted.dhcid != old.dhcid) => {
                let step = if stage == Stage::Emptied { Step::Clear } else { Step::Withdraw };
                Some((step, old.clone(), None))
            }
            (old, Some(wanted)) => {
                if let Some(state) = self.states.get_mut(name)
                    && state.stage == Stage::Emptied
                {
                    // From now on something may be there again.
                    state.stage = Stage::Begin;
                }
                let step = match stage {
                    Stage::NotOurs => Step::Add,
                    Stage::Begin if old.is_none() => Step::Add,
                    Stage::Begin | Stage::Used | Stage::Emptied => Step::Replace,
                };
                // Somebody else may have put it there for our machine: then all of it is replaced.
                let old = old.cloned().filter(|_| stage != Stage::Used);
                let (both, wanted) = (union(old.as_ref(), wanted), wanted.clone());
                if self.there.get(name) != Some(&both) {
                    self.to_keep.insert(name.clone(), Some(both.clone()));
                    self.there.insert(name.clone(), both);
                }
                Some((step, wanted, old))
            }
            (Some(_), None) => None,
        }
    }

    fn update(&self, name: &Name) -> Option<Update> {
        let (step, node, old) = self.states.get(name)?.under_way.as_ref()?;
        let old = old.as_ref();
        let task = Task { zone: &self.zone, name, ttl_s: self.ttl_s, node, old };
        task.update(*step)
    }

    fn done(&mut self, now: Now, name: &Name, step: Step, node: Published) {
        match step {
            Step::Add | Step::Replace => {
                self.put(name, Some(node));
                self.settle(now, name, Outcome::Published);
            }
            Step::Withdraw => self.go_on(now, name, Stage::Emptied),
            Step::Clear => self.gone(now, name),
        }
    }

    fn otherwise(&mut self, now: Now, name: &Name, step: Step) {
        let stage = self.states.get(name).map_or(Stage::Begin, |state| state.stage);
        match (step, stage) {
            (Step::Add, Stage::NotOurs) | (Step::Replace, Stage::Used) => self.foreign(now, name),
            (Step::Add, _) => self.go_on(now, name, Stage::Used),
            (Step::Replace, _) => self.go_on(now, name, Stage::NotOurs),
            // It is not our machine's any more, or somebody else has an address there for it.
            (Step::Withdraw | Step::Clear, _) => self.gone(now, name),
        }
    }

    /// Nothing of ours is there.
    fn gone(&mut self, now: Now, name: &Name) {
        self.put(name, None);
        let wanted = self.wanted.as_ref().is_some_and(|wanted| wanted.contains_key(name));
        match wanted {
            true => self.go_on(now, name, Stage::Begin),
            false => self.forget(name),
        }
    }

    fn foreign(&mut self, now: Now, name: &Name) {
        self.put(name, None);
        if self.wanted.as_ref().is_none_or(|wanted| !wanted.contains_key(name)) {
            return self.forget(name);
        }
        let new = !self.foreign.contains(name);
        self.settle(now, name, Outcome::Foreign);
        if new && self.foreign_told < FOREIGN_TOLD_MAX {
            self.foreign_told = self.foreign_told.saturating_add(1);
            let server = self.server;
            self.news.push(format!(
                "{name} is not published at {server}: somebody else's records are under that name\n\
                 hint: remove them there, or give the machine another name; it is tried again every \
                 {} min",
                FOREIGN_REST.as_secs() / 60
            ));
        }
    }

    /// A name came to its end: it is looked at again later.
    fn settle(&mut self, now: Now, name: &Name, outcome: Outcome) {
        let wanted = self.wanted.as_ref().and_then(|wanted| wanted.get(name));
        let changed = match &outcome {
            Outcome::Published => wanted != self.there.get(name),
            _ => false,
        };
        let at = match outcome {
            _ if changed => now,
            Outcome::Foreign => now + FOREIGN_REST,
            _ => now + REVISIT,
        };
        match outcome {
            Outcome::Foreign => drop(self.foreign.insert(name.clone())),
            _ => self.no_longer_foreign(name),
        }
        let state = self.states.entry(name.clone()).or_default();
        *state = State { outcome, due: state.due, ..State::default() };
        self.schedule(name.clone(), at);
    }

    fn no_longer_foreign(&mut self, name: &Name) {
        if self.foreign.remove(name) && self.foreign.is_empty() {
            self.foreign_told = 0;
        }
    }

    fn go_on(&mut self, now: Now, name: &Name, stage: Stage) {
        let state = self.states.entry(name.clone()).or_default();
        state.stage = stage;
        self.schedule(name.clone(), now);
    }

    fn refuse(&mut self, now: Now, name: &Name, why: Failure) {
        let state = self.states.entry(name.clone()).or_default();
        state.refused = state.refused.saturating_add(1);
        state.outcome = Outcome::Refused(why.clone());
        let at = now + name_pause(state.refused);
        self.schedule(name.clone(), at);
        self.fail(now, why);
    }

    fn fail(&mut self, now: Now, why: Failure) {
        let (server, zone) = (self.server, &self.zone);
        if self.health.failed(now, why.clone()) == Tell::Fails {
            self.news.push(format!(
                "names are not published in {zone} at {server}: {why}\nhint: {}",
                why.hint()
            ));
        }
    }

    fn succeed(&mut self, now: Now) {
        let tell = self.health.succeeded(now);
        self.say_if_again(tell);
    }

    fn say_if_again(&mut self, tell: Tell) {
        if tell == Tell::Again {
            self.news
                .push(format!("names are published in {} at {} again", self.zone, self.server));
        }
    }

    /// What may be there is now this.
    fn put(&mut self, name: &Name, what: Option<Published>) {
        if self.there.get(name) == what.as_ref() {
            return;
        }
        match &what {
            Some(what) => self.there.insert(name.clone(), what.clone()),
            None => self.there.remove(name),
        };
        self.to_keep.insert(name.clone(), what);
    }

    fn forget(&mut self, name: &Name) {
        self.no_longer_foreign(name);
        if let Some((at, sequence)) = self.states.remove(name).and_then(|state| state.due) {
            self.due.remove(&(at, sequence, name.clone()));
        }
    }

    /// A name is looked at then, and not before. What is under way is looked at when it ends.
    fn schedule(&mut self, name: Name, at: Now) {
        let state = self.states.entry(name.clone()).or_default();
        if let Some((at, sequence)) = state.due.take() {
            self.due.remove(&(at, sequence, name.clone()));
        }
        if state.under_way.is_none() {
            self.sequence = self.sequence.wrapping_add(1);
            state.due = Some((at, self.sequence));
            self.due.insert((at, self.sequence, name));
        }
    }
}

fn is_in(all: Option<&BTreeMap<Name, Published>>, name: &Name, what: &Published) -> bool {
    all.and_then(|all| all.get(name)) == Some(what)
}

/// Everything that may be there while one takes the other's place.
fn union(old: Option<&Published>, new: &Published) -> Published {
    let mut both = new.clone();
    if let Some(old) = old {
        both.addresses.extend(old.addresses.iter().copied());
        both.pointers.extend(old.pointers.iter().cloned());
    }
    both
}
