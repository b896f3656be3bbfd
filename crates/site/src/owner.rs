//! The loop: take what waits, decide all of it in memory, keep it, answer, tell.
//!
//! In: batches from the inbox, and a turn of its own every minute. Out: answers and events. What
//! the loop promises:
//!
//! - An answer that was decided while a fact of its batch was not on disk yet waits until the
//!   batch was synced. All others, and every OFFER that changes nothing, leave before.
//! - If that fails, no answer leaves that may rest on a promise, and memory goes back to what the
//!   store has. What cannot be kept was never said.
//! - A bug in one request costs that request.

use crate::batch::{Batch, Held, Letter, promises};
use crate::clock::{Act, Steady};
use crate::directory::StateDirectory;
use crate::handle::{Counters, Said, SiteHandle};
use crate::inbox::{self, Conflict, DryRun, Inbox, Request, Ring};
use crate::journal::Telling;
use crate::post::{Heard, Ready, Replies};
use crate::store::{Damage, Facts, Store, rows};
use crate::{Options, SiteError};
use engine::command::Decided;
use engine::{
    Answer, Check, Command, Datagram, Engine, FileAsk, Found, Noted, Now, Outgoing, Refusal,
    Settings, Told,
};
use model::{Change, Event, Happening, HardwareAddress};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

mod failing;
#[cfg(test)]
mod tests;

use failing::Lost;

/// How often the engine is asked what time alone changed, and the moment is kept.
const MINUTE: Duration = Duration::from_secs(60);

/// So many answers that wait for nothing leave together.
const TOGETHER: usize = 64;

/// How often dropped datagrams are worth an alarm.
const DROPPED_PAUSE: Duration = Duration::from_secs(10);

/// The decisions, as functions: those of the engine. Tests of the loop put others in.
pub(crate) struct Decide {
    pub(crate) dhcp: fn(&mut Engine, Now, &Datagram) -> Told<Outgoing>,
    pub(crate) file: fn(&mut Engine, Now, &FileAsk) -> Told<Found>,
    pub(crate) command: fn(&Engine, Now, Command) -> Result<Decided, Refusal>,
    pub(crate) conflict: fn(&mut Engine, Now, &str, &Check, Option<HardwareAddress>) -> Noted,
    pub(crate) tidy: fn(&mut Engine, Now) -> Noted,
}

impl Default for Decide {
    fn default() -> Self {
        Self {
            dhcp: Engine::dhcp,
            file: Engine::file,
            command: Engine::command,
            conflict: Engine::conflict,
            tidy: Engine::tidy,
        }
    }
}

/// Reads the store into an engine and starts the loop. The directory stays locked until the end.
pub(crate) async fn start(
    mut store: Store,
    directory: Option<StateDirectory>,
    options: Options,
    decide: Decide,
) -> Result<(SiteHandle, JoinHandle<()>), SiteError> {
    let clock = Steady::new(options.clock, store.kept());
    store.begin(clock.now()).await?;
    let mut engine = Engine::new(options.settings.clone());
    let damaged = store.load_into(&mut |fact| engine.apply(&fact)).await?;
    let telling = Arc::new(Telling::new(&options.limits));
    let counters = Arc::new(Counters::default());
    let (door, inbox) = inbox::new(&options.limits);
    let ring = Arc::clone(&door.ring);
    let settings = options.settings;

    let owner = Owner {
        engine,
        settings,
        decide,
        store,
        lost: None,
        failing: false,
        clock: clock.clone(),
        telling: Arc::clone(&telling),
        counters: Arc::clone(&counters),
        dropped: Dropped { ring, told: 0, at: None },
    };
    owner.tell_start(&damaged);
    let ended = tokio::spawn(async move {
        owner.run(inbox).await;
        drop(directory);
    });
    Ok((SiteHandle { door, telling, clock, counters }, ended))
}

fn engine_of(settings: &Settings, facts: Facts) -> Engine {
    filled(Engine::new(settings.clone()), facts)
}

fn filled(mut engine: Engine, facts: Facts) -> Engine {
    for fact in &facts.changes {
        engine.apply(fact);
    }
    engine
}

/// The one who may change state.
struct Owner {
    engine: Engine,
    settings: Settings,
    decide: Decide,
    store: Store,
    /// Why nothing is decided at the moment, if the store could not be opened after a failure:
    /// memory may be ahead of it.
    lost: Option<Lost>,
    /// The last commit failed, and that was told.
    failing: bool,
    clock: Steady,
    telling: Arc<Telling>,
    counters: Arc<Counters>,
    dropped: Dropped,
}

/// What is known of datagrams that the ring dropped.
struct Dropped {
    ring: Arc<Ring>,
    told: u64,
    at: Option<Instant>,
}

impl Owner {
    async fn run(mut self, mut inbox: Inbox) {
        let mut minute = minutes();
        loop {
            let requests = tokio::select! {
                biased;
                _ = minute.tick() => {
                    self.minute().await;
                    continue;
                }
                requests = inbox.next() => requests,
            };
            if requests.is_empty() || !self.turn(requests).await {
                break;
            }
        }
        // What came in before the door was closed is still served.
        inbox.close();
        loop {
            let mut rest = Vec::new();
            inbox.take_now(&mut rest);
            if rest.is_empty() {
                break;
            }
            self.turn(rest).await;
        }
        self.store.close().await;
    }

    /// Serves one batch. False when it held the request to stop.
    async fn turn(&mut self, requests: Vec<Request>) -> bool {
        self.tell_dropped();
        if !self.store_is_open().await {
            return self.refuse(requests);
        }
        let now = self.clock.now();
        // Questions first: at this point memory and disk say the same.
        let (questions, rest): (Vec<_>, Vec<_>) =
            requests.into_iter().partition(|r| matches!(r, Request::Question(_)));
        let mut requests = questions.into_iter().chain(rest);

        let mut go_on = true;
        let mut batch = Batch::default();
        while let Some(request) = requests.next() {
            go_on &= self.serve(now, request, &mut batch);
            if batch.spoiled {
                self.finish(now, std::mem::take(&mut batch)).await;
            }
            if self.lost.is_some() {
                return self.refuse(requests.collect()) && go_on;
            }
        }
        self.finish(now, batch).await;
        go_on
    }

    /// Keeps a batch; after a bug, makes the engine anew from what is on disk.
    async fn finish(&mut self, now: Now, batch: Batch) {
        let spoiled = batch.spoiled;
        self.keep(now, batch).await;
        if spoiled {
            self.forget_unkept().await;
        }
    }

    /// What time alone changes; and the moment, so that the time kept is never much older.
    async fn minute(&mut self) {
        if !self.store_is_open().await {
            return;
        }
        let now = self.clock.now();
        let mut batch = Batch { minute: true, ..Batch::default() };
        let tidy = self.decide.tidy;
        let noted = self.guard(now, &mut batch, || "the minute".to_owned(), |e| tidy(e, now));
        if let Some(Noted { changes, events }) = noted {
            self.settle(&mut batch, Letter::Nobody, changes, events);
        }
        self.finish(now, batch).await;
    }

    /// Decides one request. False if it is the request to stop.
    fn serve(&mut self, now: Now, request: Request, batch: &mut Batch) -> bool {
        match request {
            Request::Datagram(heard, to) => self.datagram(now, heard, to, batch),
            Request::File(ask, to) => {
                let decide = self.decide.file;
                let describe =
                    || format!("{} request for {}", ask.by, model::text::show(&ask.name));
                let told = self.guard(now, batch, describe, |e| decide(e, now, &ask));
                let Some(told) = told else { return true };
                self.settle(batch, Letter::File(to, told.answer), told.changes, told.events);
            }
            Request::Command(command, dry_run, to) => {
                self.command(now, *command, dry_run, to, batch);
            }
            Request::Question(question) => {
                let ask = |engine: &mut Engine| question(engine, now);
                self.guard(now, batch, || "question".to_owned(), ask);
            }
            Request::Configure(settings, to) => {
                let _ = to.send(self.configure(*settings));
            }
            Request::Conflict(conflict) => self.conflict(now, &conflict, batch),
            Request::Stop => return false,
        }
        true
    }

    fn datagram(&mut self, now: Now, heard: Heard, to: Replies, batch: &mut Batch) {
        let decide = self.decide.dhcp;
        let datagram = &heard.datagram;
        let told = self.guard(now, batch, || describe(datagram), |e| decide(e, now, datagram));
        let Some(Told { answer, changes, events }) = told else { return };
        let ready = match answer {
            Answer::Reply(outgoing) => {
                let asked = outgoing.check.is_some().then(|| Box::new(heard));
                Some(Ready { outgoing, asked })
            }
            Answer::Silence(_) => None,
        };
        self.settle(batch, Letter::Datagram(to, ready), changes, events);
    }

    fn conflict(&mut self, now: Now, conflict: &Conflict, batch: &mut Batch) {
        let decide = self.decide.conflict;
        let Conflict { link, check, theirs } = conflict;
        let describe = || format!("an answer for {} on {link}", check.address);
        let noted = self.guard(now, batch, describe, |e| decide(e, now, link, check, *theirs));
        if let Some(Noted { changes, events }) = noted {
            self.settle(batch, Letter::Nobody, changes, events);
        }
    }

    /// What an operator should know of it, in words.
    fn configure(&mut self, settings: Settings) -> Vec<String> {
        self.settings = settings.clone();
        self.engine.configure(settings)
    }

    fn command(
        &mut self,
        now: Now,
        command: Command,
        dry_run: DryRun,
        to: oneshot::Sender<Result<Said, SiteError>>,
        batch: &mut Batch,
    ) {
        let decide = self.decide.command;
        let describe = || "an operator's command".to_owned();
        let decided = self.guard(now, batch, describe, |engine| {
            let decided = decide(engine, now, command)?;
            if !dry_run {
                decided.changes.iter().for_each(|change| engine.apply(change));
            }
            Ok(decided)
        });
        let decided = match decided {
            Some(Ok(decided)) => decided,
            Some(Err(refusal)) => return drop(to.send(Err(SiteError::Refused(refusal)))),
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
        let what = Happening::Changed { text: says };
        let machine = match changes.as_slice() {
            [Change::Machine(machine)] => Some(machine.hardware),
            _ => None,
        };
        self.settle(batch, letter, changes, vec![Event { at: now, machine, link: None, what }]);
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
        batch.promises |= matches!(letter, Letter::Command(..)) || changes.iter().any(promises);
        if changes.is_empty() && (batch.changes.is_empty() || letter.is_offer()) {
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
    fn release(&self, letters: &mut Vec<(Letter, Vec<Event>)>) {
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
    fn guard<R>(
        &mut self,
        now: Now,
        batch: &mut Batch,
        describe: impl FnOnce() -> String,
        decide: impl FnOnce(&mut Engine) -> R,
    ) -> Option<R> {
        match catch_unwind(AssertUnwindSafe(|| decide(&mut self.engine))) {
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

    /// Puts the changes of a batch on disk, then lets its answers leave.
    async fn keep(&mut self, now: Now, batch: Batch) {
        let Batch { changes, held, mut free, minute, .. } = batch;
        self.release(&mut free);
        if changes.is_empty() && !minute {
            return;
        }
        match self.store.keep(now, &changes).await {
            Ok(()) => {
                count(&self.counters.commits, 1);
                count(&self.counters.changes, changes.len() as u64);
                let mut held = held.into_iter().map(|held| (held.letter, held.events)).collect();
                self.release(&mut held);
                if std::mem::take(&mut self.failing) {
                    let text = "the store takes changes again".to_owned();
                    self.tell([Event {
                        at: now,
                        machine: None,
                        link: None,
                        what: Happening::Changed { text },
                    }]);
                }
            }
            Err(error) => {
                count(&self.counters.commits_failed, 1);
                self.unsay(now, held, &error);
                self.reopen(error.why()).await;
            }
        }
    }

    fn tell(&self, events: impl IntoIterator<Item = Event>) {
        self.telling.tell_all(events);
    }

    fn alarm(&self, now: Now, text: String) {
        self.tell([Event { at: now, machine: None, link: None, what: Happening::Alarm { text } }]);
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
    fn tell_start(&self, damaged: &[Damage]) {
        match self.clock.start.says() {
            Some((text, Act::Should)) => self.alarm(self.clock.now(), text),
            Some((text, Act::May)) => {
                let (at, what) = (self.clock.now(), Happening::Changed { text });
                self.tell([Event { at, machine: None, link: None, what }]);
            }
            None => {}
        }
        if let Some(text) = Damage::all_in_words(damaged) {
            self.alarm(self.clock.now(), text);
        }
    }
}

/// A minute after the start, and every minute from then on.
fn minutes() -> Interval {
    let mut minutes = interval_at(Instant::now() + MINUTE, MINUTE);
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    minutes
}

fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
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
