//! What the owner thinks with: the engine, and everybody who is to be told. It decides request by
//! request and sorts the answers into those that may leave and those that wait for the disk.
//!
//! In: requests and the moment. Out: a batch. Never: the store.

mod ipv6;

use super::{DROPPED_PAUSE, Decide, Dropped, TOGETHER, audit};
use crate::SiteError;
use crate::batch::{Batch, Held, Letter, promises};
use crate::clock::{self, Steady};
use crate::handle::{Act, Counters, Said};
use crate::inbox::{Conflict, DryRun, Order, Request};
use crate::journal::Telling;
use crate::post::{Heard, Ready, Replies};
use crate::recorder::Recorder;
use crate::store::{Damage, rows};
use crate::tally::{self, Timed};
use engine::command::Decided;
use engine::record::Recorded;
use engine::{Answer, Datagram, Engine, Noted, Now, Overheard, Settings, Told};
use model::{Change, Event, Happening, HardwareAddress};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Lines of a change that are told to whoever watches.
const LINES_TOLD: usize = 20;

/// Everything that decisions are made with.
pub(super) struct Mind {
    pub(super) engine: Engine,
    pub(super) settings: Settings,
    pub(super) decide: Decide,
    pub(super) clock: Steady,
    pub(super) telling: Arc<Telling>,
    pub(super) recorder: Arc<Mutex<Recorder>>,
    pub(super) counters: Arc<Counters>,
    pub(super) dropped: Dropped,
    /// Why only renewals are kept: the disk is full.
    pub(super) need: Option<String>,
}

impl Mind {
    /// Decides what came in, and lets leave what waits for nothing. Questions wait until nothing
    /// is under way: they are answered from what is on disk.
    pub(super) fn take(&mut self, requests: Vec<Request>, batch: &mut Batch) {
        self.tell_dropped();
        let now = self.clock.now();
        for request in requests {
            match request {
                Request::Question(question) => batch.questions.push(question),
                other if batch.spoiled => batch.later.push(other),
                other => self.serve(now, other, batch),
            }
        }
        self.release(&mut batch.free);
    }

    /// What time alone changes; and the moment, so that the time kept is never much older.
    pub(super) fn minute(&mut self, batch: &mut Batch) {
        let now = self.clock.now();
        batch.minute = true;
        let tidy = self.decide.tidy;
        let noted =
            self.guard(now, batch, Timed::Upkeep, || "the minute".to_owned(), |e| tidy(e, now));
        if let Some(Noted { changes, events }) = noted {
            self.settle(batch, Letter::Nobody, changes, events);
        }
        self.release(&mut batch.free);
    }

    /// Answers what was asked about the present state. Nothing may be under way.
    pub(super) fn answer(&mut self, batch: &mut Batch) {
        let now = self.clock.now();
        for question in std::mem::take(&mut batch.questions) {
            let ask = |engine: &mut Engine| question(engine, now);
            self.guard(now, batch, Timed::Question, || "question".to_owned(), ask);
        }
    }

    /// Decides one request.
    fn serve(&mut self, now: Now, request: Request, batch: &mut Batch) {
        match request {
            Request::Datagram(heard, to) => self.datagram(now, heard, to, batch),
            Request::Datagram6(datagram, to) => {
                if let Some(told) = self.dhcp6(now, &datagram, batch) {
                    self.settle(
                        batch,
                        Letter::Datagram6(to, told.answer),
                        told.changes,
                        told.events,
                    );
                }
            }
            Request::File(ask, to) => {
                let decide = self.decide.file;
                let describe =
                    || format!("{} request for {}", ask.by, model::text::show(&ask.name));
                let told = self.guard(now, batch, Timed::File, describe, |e| decide(e, now, &ask));
                let Some(told) = told else { return };
                let found = match &told.answer {
                    Answer::Reply(found) => found.machine,
                    Answer::Silence(_) => None,
                };
                let machine = found.or_else(|| machine_in(&told.events));
                let recorded = || Recorded::file(now, &ask, &told.answer);
                self.record(now, machine, None, recorded);
                self.settle(batch, Letter::File(to, told.answer), told.changes, told.events);
            }
            Request::Command(order, dry_run, to) => {
                self.command(now, *order, dry_run, to, batch);
            }
            Request::Note(act, to) => self.note(now, *act, to, batch),
            Request::Published(changes, to) => self.published(now, changes, to, batch),
            Request::Question(question) => batch.questions.push(question),
            Request::Configure(settings, to) => {
                let _ = to.send(self.configure(*settings));
            }
            Request::Conflict(conflict) => self.conflict(now, &conflict, batch),
            Request::Elsewhere(machine, answer) => {
                let describe = || format!("what another server says of {machine}");
                self.guard(now, batch, Timed::Upkeep, describe, |e| {
                    e.heard_elsewhere(now, machine, answer);
                });
            }
            Request::Overheard(overheard) => self.overhear(now, &overheard, batch),
            Request::Listened6(heard) => self.listened6(now, &heard, batch),
            Request::Stop => batch.stop = true,
        }
    }

    fn datagram(&mut self, now: Now, heard: Heard, to: Replies, batch: &mut Batch) {
        let decide = self.decide.dhcp;
        let datagram = &heard.datagram;
        let sender = self.engine.filed_sender(datagram);
        let before = sender.filter(|sender| self.begins(sender, now));
        let before = before.map(|sender| self.engine.facts_of(&sender));
        let describe = || describe(datagram);
        let told = self.guard(now, batch, Timed::Dhcp, describe, |e| decide(e, now, datagram));
        let Some(Told { answer, changes, events }) = told else { return };
        // What no event tells of came too often to be worth more.
        let silent = |event: &Event| matches!(event.what, Happening::Silent { .. });
        let quiet = matches!(answer, Answer::Silence(_)) && !events.iter().any(silent);
        if !quiet {
            let machine = machine_in(&events).or(sender);
            self.record(now, machine, before, || Recorded::dhcp(now, datagram, &answer));
        }
        let ready = match answer {
            Answer::Reply(outgoing) => {
                let asked = outgoing.check.is_some().then(|| Box::new(heard));
                Some(Ready { outgoing, asked })
            }
            Answer::Silence(why) => {
                if quiet {
                    self.telling.quiet(tally::word_of(&datagram.bytes), &why, &datagram.link);
                }
                None
            }
        };
        self.settle(batch, Letter::Datagram(to, ready), changes, events);
    }

    fn begins(&self, machine: &HardwareAddress, now: Now) -> bool {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner).begins(machine, now)
    }

    /// Remembers what was said, for a report. What was known before is what is known now where it was
    /// not looked up.
    fn record(
        &self,
        now: Now,
        machine: Option<HardwareAddress>,
        before: Option<Vec<Change>>,
        recorded: impl FnOnce() -> Recorded,
    ) {
        let Some(machine) = machine else { return };
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match before {
            None if recorder.begins(&machine, now) => Some(self.engine.facts_of(&machine)),
            before => before,
        };
        recorder.note(machine, before, recorded());
    }

    fn conflict(&mut self, now: Now, conflict: &Conflict, batch: &mut Batch) {
        let decide = self.decide.conflict;
        let Conflict { link, check, theirs } = conflict;
        let describe = || format!("an answer for {} on {link}", check.address);
        let conflict = |e: &mut Engine| decide(e, now, link, check, *theirs);
        let noted = self.guard(now, batch, Timed::Upkeep, describe, conflict);
        if let Some(Noted { changes, events }) = noted {
            self.settle(batch, Letter::Nobody, changes, events);
        }
    }

    /// What another server said changes nothing that is kept.
    fn overhear(&mut self, now: Now, overheard: &Overheard, batch: &mut Batch) {
        let decide = self.decide.overhear;
        let describe = || format!("a reply of {} on {}", overheard.from, overheard.link);
        let noted = self.guard(now, batch, Timed::Upkeep, describe, |e| decide(e, now, overheard));
        if let Some(Noted { changes, events }) = noted {
            self.settle(batch, Letter::Nobody, changes, events);
        }
    }

    /// What an operator should know of it, in words.
    pub(super) fn configure(&mut self, settings: Settings) -> Vec<String> {
        // The key is the state directory's.
        let settings = Settings { key: self.settings.key.clone(), ..settings };
        self.settings = settings.clone();
        self.counters.edition.fetch_add(1, Ordering::Release);
        self.counters.names.fetch_add(1, Ordering::Release);
        self.engine.configure(settings)
    }

    fn command(
        &mut self,
        now: Now,
        Order { by, command, expects }: Order,
        dry_run: DryRun,
        to: oneshot::Sender<Result<Said, SiteError>>,
        batch: &mut Batch,
    ) {
        if let Some(why) = self.need.clone().filter(|_| !dry_run) {
            return drop(to.send(Err(SiteError::NotKept(why))));
        }
        let decide = self.decide.command;
        let describe = || "an operator's command".to_owned();
        let decided = self.guard(now, batch, Timed::Command, describe, |engine| {
            if expects.is_some_and(|expects| !expects.holds(engine)) {
                return Err(SiteError::Stale);
            }
            let name = command.name();
            let decided = decide(engine, now, command).map_err(SiteError::Refused)?;
            let record = audit::of(engine, now, by, name, &decided);
            let kept: Vec<Change> = decided.changes.iter().cloned().chain(record).collect();
            if !dry_run {
                kept.iter().for_each(|change| engine.apply(change));
            }
            Ok((decided, kept))
        });
        let (decided, kept) = match decided {
            Some(Ok(decided)) => decided,
            Some(Err(why)) => return drop(to.send(Err(why))),
            None => {
                return drop(to.send(Err(SiteError::Bug("the command was given up".to_owned()))));
            }
        };

        let Decided { changes, says } = decided;
        let said = Said { says: says.clone(), changes: changes.clone(), kept: !dry_run };
        let letter = Letter::Command(to, Ok(said));
        if dry_run {
            letter.leave();
            return;
        }
        let what = Happening::Changed { text: shortened(says) };
        let machine = match changes.as_slice() {
            [Change::Machine(machine)] => Some(machine.hardware),
            _ => None,
        };
        let mut events = vec![Event::new(now, machine, None, what)];
        events.extend(engine::deploy::armed_by(now, &changes));
        self.settle(batch, letter, kept, events);
    }

    /// Records an act that changes no fact.
    fn note(
        &mut self,
        now: Now,
        act: Act,
        to: oneshot::Sender<Result<Said, SiteError>>,
        batch: &mut Batch,
    ) {
        if let Some(why) = self.need.clone() {
            return drop(to.send(Err(SiteError::NotKept(why))));
        }
        let says = act.says.clone();
        let describe = || "an act of an operator".to_owned();
        let kept = self.guard(now, batch, Timed::Command, describe, |engine| {
            let record = audit::of_act(engine, now, act);
            engine.apply(&record);
            vec![record]
        });
        let Some(kept) = kept else {
            return drop(to.send(Err(SiteError::Bug("the act was not recorded".to_owned()))));
        };
        let said = Said { says, changes: Vec::new(), kept: true };
        self.settle(batch, Letter::Command(to, Ok(said)), kept, Vec::new());
    }

    /// Puts down what may stand at other DNS servers. Nobody is told of it: it is no decision.
    fn published(
        &mut self,
        now: Now,
        changes: Vec<Change>,
        to: oneshot::Sender<Result<Said, SiteError>>,
        batch: &mut Batch,
    ) {
        if let Some(why) = self.need.clone() {
            return drop(to.send(Err(SiteError::NotKept(why))));
        }
        let describe = || "names that are published".to_owned();
        let apply = |engine: &mut Engine| changes.iter().for_each(|change| engine.apply(change));
        if self.guard(now, batch, Timed::Upkeep, describe, apply).is_none() {
            return drop(to.send(Err(SiteError::Bug("they were not put down".to_owned()))));
        }
        let said = Said { says: String::new(), changes: Vec::new(), kept: true };
        self.settle(batch, Letter::Command(to, Ok(said)), changes, Vec::new());
    }

    /// Holds an answer back if anything of its batch is not on disk, else lets it leave with the
    /// few around it.
    fn settle(&self, batch: &mut Batch, letter: Letter, changes: Vec<Change>, events: Vec<Event>) {
        if let Some(change) = changes.iter().find(|change| !rows::survives(change)) {
            batch.spoiled = true;
            count(&self.counters.bugs, 1);
            self.alarm(self.clock.now(), format!(
                "a bug in the server: it decided on a fact that cannot be kept: {change:?}\nhint: please report this"
            ));
            return letter.fail("the fact cannot be written");
        }
        if changes.iter().any(is_of_content) {
            self.counters.edition.fetch_add(1, Ordering::Release);
        }
        if changes.iter().any(is_of_names) {
            self.counters.names.fetch_add(1, Ordering::Release);
        }
        batch.promises |= matches!(letter, Letter::Command(..)) || changes.iter().any(promises);
        let rests = batch.rests || !batch.changes.is_empty();
        if changes.is_empty() && (!rests || letter.is_offer()) {
            batch.free.push((letter, events));
            if batch.free.len() >= TOGETHER {
                self.release(&mut batch.free);
            }
            return;
        }
        batch.changes.extend(changes);
        batch.held.push(Held { letter, events, promises: batch.promises });
    }

    /// Lets answers leave, then tells of them.
    pub(super) fn release(&self, letters: &mut Vec<(Letter, Vec<Event>)>) {
        let mut told = Vec::new();
        for (letter, events) in letters.drain(..) {
            if !letter.leave() {
                count(&self.counters.unposted, 1);
            }
            told.push(events);
        }
        self.tell(told.into_iter().flatten());
    }

    /// Runs a decision. If it panics, that request gets no answer, the operator an alarm, and the
    /// engine is made anew from the store before the next batch.
    pub(super) fn guard<R>(
        &mut self,
        now: Now,
        batch: &mut Batch,
        what: Timed,
        describe: impl FnOnce() -> String,
        decide: impl FnOnce(&mut Engine) -> R,
    ) -> Option<R> {
        let begun = std::time::Instant::now();
        let decided = catch_unwind(AssertUnwindSafe(|| decide(&mut self.engine)));
        self.counters.took(what, begun.elapsed());
        match decided {
            Ok(decided) => Some(decided),
            Err(panic) => {
                batch.spoiled = true;
                count(&self.counters.bugs, 1);
                self.alarm(now, format!(
                    "a bug in the server left a request without an answer: {}, while serving: {}\nhint: please report this",
                    words(panic.as_ref()),
                    describe(),
                ));
                None
            }
        }
    }

    pub(super) fn tell(&self, events: impl IntoIterator<Item = Event>) {
        self.telling.tell_all(events);
    }

    pub(super) fn alarm(&self, now: Now, text: String) {
        self.tell([Event::new(now, None, None, Happening::Alarm { text })]);
    }

    /// Tells something that nobody has to act on.
    pub(super) fn say(&self, now: Now, text: String) {
        self.tell([Event::new(now, None, None, Happening::Changed { text })]);
    }

    fn tell_dropped(&mut self) {
        let total = self.dropped.ring.dropped.load(Ordering::Relaxed);
        let quiet = self.dropped.at.is_some_and(|at| at.elapsed() < DROPPED_PAUSE);
        if total == self.dropped.told || quiet {
            return;
        }
        let new = total - self.dropped.told;
        self.dropped.told = total;
        self.dropped.at = Some(Instant::now());
        self.alarm(self.clock.now(), format!(
            "{new} DHCP messages were dropped unread: more came than could be answered\nhint: look for a machine or a loop that floods the link"
        ));
    }

    /// What the operator should know of the clock and the store before anything is served.
    pub(super) fn tell_start(&self, damaged: &[Damage]) {
        match self.clock.start.says() {
            Some((text, clock::Act::Should)) => self.alarm(self.clock.now(), text),
            Some((text, clock::Act::May)) => {
                let (at, what) = (self.clock.now(), Happening::Changed { text });
                self.tell([Event::new(at, None, None, what)]);
            }
            None => {}
        }
        if let Some((since, until)) = self.engine.doubt(self.clock.now()) {
            let text = format!(
                "this state was restored from a backup at {since}. What was given after the backup is \
                 not known: until {until} every address is probed before it is offered"
            );
            self.say(self.clock.now(), text);
        }
        if let Some(text) = Damage::all_in_words(damaged) {
            self.alarm(self.clock.now(), text);
        }
    }
}

/// What is told of a change; one of ten thousand machines is told by its first lines.
fn shortened(says: String) -> String {
    let lines = says.lines().count();
    if lines <= LINES_TOLD {
        return says;
    }
    let first: Vec<&str> = says.lines().take(LINES_TOLD).collect();
    format!("{}\nand {} more", first.join("\n"), lines - LINES_TOLD)
}

pub(super) fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

fn machine_in(events: &[Event]) -> Option<HardwareAddress> {
    events.iter().find_map(|event| event.machine)
}

/// A datagram for a bug report: its beginning, as digits.
fn describe(datagram: &Datagram) -> String {
    let shown: String = datagram.bytes.iter().take(300).map(|b| format!("{b:02x}")).collect();
    let (from, link, size) = (datagram.from, &datagram.link, datagram.bytes.len());
    format!("{size} bytes from {from} on {link} to port {}: {shown}", datagram.port)
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panic".to_owned())
}

/// Whether a change is of what is published. (When it is not kept after all, nobody has relied on
/// the number that grew for it.)
const fn is_of_content(change: &Change) -> bool {
    matches!(
        change,
        Change::Image(_)
            | Change::ImageGone(..)
            | Change::Channels(..)
            | Change::Loader(_)
            | Change::LoaderGone(_)
    )
}

/// Whether a change may be of who has which name. (As above: who looks too often finds the same.)
const fn is_of_names(change: &Change) -> bool {
    matches!(
        change,
        Change::Lease(_)
            | Change::LeaseGone(_)
            | Change::Reservation(_)
            | Change::ReservationGone(_)
            | Change::Lease6(_)
            | Change::Lease6Gone(_)
            | Change::Reservation6(_)
            | Change::Reservation6Gone(_)
            | Change::Machine(_)
            | Change::MachineGone(_)
            | Change::Names(..)
    )
}
