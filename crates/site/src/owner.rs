//! The loop: take what waits, decide all of it in memory, keep it, answer, tell.
//!
//! In: batches from the inbox, and a turn of its own every minute. Out: answers and events. What
//! the loop promises:
//!
//! - While one batch is synced the next is decided. An answer that was decided while any fact
//!   before it was not on disk yet waits until it is. All others, and every OFFER that changes
//!   nothing, leave before.
//! - If that fails, no answer leaves that may rest on a promise, and memory goes back to what the
//!   store has. What cannot be kept was never said.
//! - A bug in one request costs that request.

use crate::batch::Batch;
use crate::clock::Steady;
use crate::directory::StateDirectory;
use crate::handle::{Counters, SiteHandle};
use crate::inbox::{self, Inbox, Ring};
use crate::journal::Telling;
use crate::kitchen::Kitchen;
use crate::recorder::Recorder;
use crate::store::{Facts, Store};
use crate::tally::Timed;
use crate::{Options, SiteError};
use engine::command::Decided;
use engine::{
    Check, Command, Datagram, Datagram6, Engine, FileAsk, Found, Noted, Now, Outgoing, Outgoing6,
    Overheard, Refusal, Settings, Told,
};
use model::HardwareAddress;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

mod audit;
mod failing;
mod mind;
#[cfg(test)]
mod tests;

use failing::Lost;
use mind::{Mind, count};

/// How often the engine is asked what time alone changed, and the moment is kept.
const MINUTE: Duration = Duration::from_secs(60);

/// So many answers may wait for a sync that has not begun yet; then what comes waits outside.
const TOO_FAR: usize = 8192;

/// So many answers that wait for nothing leave together.
const TOGETHER: usize = 64;

/// How often dropped datagrams are worth an alarm.
const DROPPED_PAUSE: Duration = Duration::from_secs(10);

/// The decisions, as functions: those of the engine. Tests of the loop put others in.
pub(crate) struct Decide {
    pub(crate) dhcp: fn(&mut Engine, Now, &Datagram) -> Told<Outgoing>,
    pub(crate) dhcp6: fn(&mut Engine, Now, &Datagram6) -> Told<Outgoing6>,
    pub(crate) file: fn(&mut Engine, Now, &FileAsk) -> Told<Found>,
    pub(crate) command: fn(&Engine, Now, Command) -> Result<Decided, Refusal>,
    pub(crate) conflict: fn(&mut Engine, Now, &str, &Check, Option<HardwareAddress>) -> Noted,
    pub(crate) overhear: fn(&mut Engine, Now, &Overheard) -> Noted,
    pub(crate) tidy: fn(&mut Engine, Now) -> Noted,
}

impl Default for Decide {
    fn default() -> Self {
        Self {
            dhcp: Engine::dhcp,
            dhcp6: Engine::dhcp6,
            file: Engine::file,
            command: Engine::command,
            conflict: Engine::conflict,
            overhear: Engine::overhear,
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
    let recorder = Arc::new(Mutex::new(Recorder::new(options.limits.recorder)));
    let counters = Arc::new(Counters::default());
    let (door, inbox) = inbox::new(&options.limits);
    let ring = Arc::clone(&door.ring);
    let settings = options.settings;
    let kitchen = Kitchen::new(settings.key.clone());

    let mind = Mind {
        engine,
        settings,
        decide,
        clock: clock.clone(),
        telling: Arc::clone(&telling),
        recorder: Arc::clone(&recorder),
        counters: Arc::clone(&counters),
        dropped: Dropped { ring, told: 0, at: None },
        need: None,
    };
    let reader = store.reader();
    mind.tell_start(&damaged);
    count(&mind.counters.damaged, damaged.len() as u64);
    let copier = store.copier();
    let owner = Owner { mind, store, lost: None, failing: false, tried: Instant::now() };
    let ended = tokio::spawn(async move {
        owner.run(inbox).await;
        drop(directory);
    });
    let handle = SiteHandle { door, telling, recorder, clock, counters, kitchen, reader, copier };
    Ok((handle, ended))
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
    mind: Mind,
    store: Store,
    /// Why nothing is decided at the moment, if the store could not be opened after a failure:
    /// memory may be ahead of it.
    lost: Option<Lost>,
    /// The last commit failed, and that was told.
    failing: bool,
    /// When space was last tried to be set aside again.
    tried: Instant,
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
        let mut go_on = true;
        while go_on {
            let mut batch = Batch::default();
            tokio::select! {
                biased;
                _ = minute.tick() => {
                    if self.store_is_open().await {
                        self.mind.minute(&mut batch);
                    }
                }
                requests = inbox.next() => {
                    go_on = !requests.is_empty();
                    if self.store_is_open().await {
                        self.mind.take(requests, &mut batch);
                    } else {
                        go_on &= self.refuse(requests);
                    }
                }
            }
            go_on &= self.finish(batch, &mut inbox, &mut minute).await;
        }
        // What came in before the door was closed is still served.
        inbox.close();
        loop {
            let mut rest = Vec::new();
            inbox.take_now(&mut rest);
            if rest.is_empty() {
                break;
            }
            if !self.store_is_open().await {
                self.refuse(rest);
                continue;
            }
            let mut batch = Batch::default();
            self.mind.take(rest, &mut batch);
            self.finish(batch, &mut inbox, &mut minute).await;
        }
        // So that the time until the next start counts as time off, all of it.
        if self.lost.is_none() {
            let _ = self.store.keep(self.mind.clock.now(), &[]).await;
        }
        self.store.close().await;
    }

    /// Keeps a batch, and what was decided while it was kept, and so on, until everything is on
    /// disk and every answer has left. False when somebody asked to stop.
    async fn finish(&mut self, mut batch: Batch, inbox: &mut Inbox, minute: &mut Interval) -> bool {
        let mut go_on = true;
        loop {
            go_on &= !batch.stop;
            let next = match batch.changes.is_empty() && !batch.minute {
                true => Batch::default(),
                false => match self.keep(&mut batch, inbox, minute).await {
                    Some(next) => next,
                    None => return go_on && !batch.stop,
                },
            };
            let mut held = batch.held.drain(..).map(|held| (held.letter, held.events)).collect();
            self.mind.release(&mut held);
            self.look_for_space().await;
            if batch.spoiled {
                self.forget_unkept().await;
            }
            self.mind.answer(&mut batch);
            // What stood behind a bug is decided by the engine made anew. Nothing was decided
            // meanwhile.
            let later = std::mem::take(&mut batch.later);
            batch = next;
            batch.rests = false;
            if self.lost.is_some() {
                go_on &= self.refuse(later);
            } else if !later.is_empty() {
                self.mind.take(later, &mut batch);
            }
            if batch.is_empty() {
                return go_on;
            }
        }
    }

    /// Puts the changes of a batch on disk. Meanwhile the next batch is decided; its answers wait
    /// for both. Nothing if that failed: then none of it was said.
    async fn keep(
        &mut self,
        batch: &mut Batch,
        inbox: &mut Inbox,
        minute: &mut Interval,
    ) -> Option<Batch> {
        let now = self.mind.clock.now();
        let begun = std::time::Instant::now();
        let mut next = Batch { rests: true, promises: batch.promises, ..Batch::default() };
        let kept = {
            let Self { mind, store, .. } = self;
            let mut keeping = pin!(store.keep(now, &batch.changes));
            loop {
                let more = batch.open() && next.open() && next.held.len() < TOO_FAR;
                tokio::select! {
                    biased;
                    kept = &mut keeping => break kept,
                    _ = minute.tick(), if more => mind.minute(&mut next),
                    requests = inbox.next(), if more => match requests.is_empty() {
                        true => next.stop = true,
                        false => mind.take(requests, &mut next),
                    },
                }
            }
        };
        self.mind.counters.took(Timed::Commit, begun.elapsed());
        match kept {
            Ok(()) => {
                count(&self.mind.counters.commits, 1);
                count(&self.mind.counters.changes, batch.changes.len() as u64);
                if std::mem::take(&mut self.failing) {
                    self.mind.say(now, "the store takes changes again".to_owned());
                }
                Some(next)
            }
            Err(error) => {
                count(&self.mind.counters.commits_failed, 1);
                self.unsay(now, batch, next, &error).await;
                None
            }
        }
    }
}

/// A minute after the start, and every minute from then on.
fn minutes() -> Interval {
    let mut minutes = interval_at(Instant::now() + MINUTE, MINUTE);
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    minutes
}
