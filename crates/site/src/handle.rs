//! The door: what the rest of the server may ask of the owner of state.

mod listening;
mod published;

use crate::SiteError;
use crate::clock::Steady;
use crate::inbox::{Conflict, Door, Order, Request};
use crate::journal::{Followed, Telling};
use crate::kitchen::{Asks, Kitchen, NOT_MADE};
use crate::post::{Heard, Ready, Replies};
use crate::recorder::Recorder;
use crate::store::audit::{Entry as AuditEntry, Reader};
use crate::store::copy::Copier;
use crate::tally::{Clocked, Counts, Spread, Timed};
use engine::diagnose::Examined;
use engine::record::Part;
use engine::tag::Expectation;
use engine::{
    Answer, Check, Command, Datagram, Datagram6, Engine, FileAsk, Found, Now, Outgoing, Outgoing6,
    Overheard, Served, Settings,
};
use model::access::Outcome;
use model::plan::Why;
use model::story::Glance;
use model::{BootId, By, Change, Event, Happening, HardwareAddress, Hash, Story};
use std::net::IpAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, oneshot};
use zeroize::Zeroizing;

/// The way to the owner. Clone it freely.
#[derive(Clone)]
pub struct SiteHandle {
    pub(crate) door: Door,
    pub(crate) telling: Arc<Telling>,
    pub(crate) recorder: Arc<Mutex<Recorder>>,
    pub(crate) clock: Steady,
    pub(crate) counters: Arc<Counters>,
    pub(crate) kitchen: Kitchen,
    pub(crate) reader: Reader,
    pub(crate) copier: Option<Copier>,
}

/// An act of an operator that changes no fact, or was denied: for the audit log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Act {
    /// Who.
    pub by: By,
    /// `login`, `reload`, ...
    pub what: String,
    /// To what.
    pub target: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// In words. Never a secret.
    pub says: String,
}

/// What a command did, or would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// In words.
    pub says: String,
    /// The facts it changes.
    pub changes: Vec<Change>,
    /// Whether they are on disk now; a dry run keeps nothing.
    pub kept: bool,
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counted {
    /// DHCP messages dropped because the queue was full.
    pub dropped: u64,
    /// DHCP replies dropped because those before them had not been sent yet.
    pub unposted: u64,
    /// Requests that hit a bug of ours and got no answer.
    pub bugs: u64,
    /// Transactions that were synced.
    pub commits: u64,
    /// Changes that were kept in them.
    pub changes: u64,
    /// Transactions that failed.
    pub commits_failed: u64,
    /// Rows of the store that could not be read at the start: what they named is not known.
    pub damaged: u64,
}

/// What the owner counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) unposted: AtomicU64,
    pub(crate) bugs: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) changes: AtomicU64,
    pub(crate) commits_failed: AtomicU64,
    pub(crate) damaged: AtomicU64,
    /// See [`SiteHandle::edition`].
    pub(crate) edition: AtomicU64,
    /// See [`SiteHandle::names_edition`].
    pub(crate) names: AtomicU64,
    times: [Clocked; Timed::ALL.len()],
}

impl Counters {
    pub(crate) fn took(&self, what: Timed, time: Duration) {
        if let Some(clocked) = self.times.get(what as usize) {
            clocked.note(time);
        }
    }
}

/// How many wait for the owner at this moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Waiting {
    /// DHCP messages of those who have an address, or were offered one.
    pub known: usize,
    /// DHCP messages of those who ask for the first time.
    pub asking: usize,
    /// Files, commands and questions.
    pub requests: usize,
}

/// The answer to a datagram, once it may leave; none is silence. A future that may be awaited
/// anywhere, or dropped.
#[must_use = "the reply has to be sent"]
pub struct Reply(mpsc::Receiver<Ready>);

impl Future for Reply {
    type Output = Option<Outgoing>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // A datagram that was dropped from a full queue, or came too late, gets silence.
        self.0.poll_recv(context).map(|answer| answer.map(|ready| ready.outgoing))
    }
}

fn chance<const N: usize>() -> Result<[u8; N], SiteError> {
    crate::keys::chance().map_err(|e| SiteError::Bug(format!("the system gives no chance: {e}")))
}

impl SiteHandle {
    /// Hands DHCP messages over, all at once and without ever waiting. Replies come to `to`, in no
    /// certain order, each when it may leave; silence does not come at all. From a full queue the
    /// oldest messages are dropped.
    pub fn hear(&self, heard: impl IntoIterator<Item = Heard>, to: &Replies) {
        self.door.ring.push(heard, to);
    }

    /// Hands over what other servers were heard to say, all at once and without ever waiting. What
    /// finds no room is lost; how many found room.
    pub fn overhear(&self, overheard: impl IntoIterator<Item = Overheard>) -> usize {
        self.door.ring.overhear(overheard)
    }

    /// Answers one DHCP message. What the reply promises is on disk when this returns.
    pub async fn dhcp(&self, datagram: Datagram) -> Option<Outgoing> {
        self.try_dhcp(datagram).await
    }

    /// As [`Self::dhcp`], but the message is handed over at once; the reply is awaited elsewhere.
    pub fn try_dhcp(&self, datagram: Datagram) -> Reply {
        let (to, reply) = mpsc::channel(1);
        self.hear([Heard::from(datagram)], &to);
        Reply(reply)
    }

    /// Answers one DHCPv6 message. What the reply promises is on disk when this returns. As many as
    /// wait here wait in the owner's queue: whoever calls bounds them.
    pub async fn dhcp6(&self, datagram: Datagram6) -> Option<Outgoing6> {
        let (to, answer) = oneshot::channel();
        let request = Request::Datagram6(Box::new(datagram), to);
        self.door.requests.send(request).await.ok()?;
        match answer.await.ok()? {
            Answer::Reply(outgoing) => Some(outgoing),
            Answer::Silence(_) => None,
        }
    }

    /// Says that somebody, perhaps known by hardware address, uses the address of a check. Never
    /// waits; what is decided later is decided with this known. False if it could not be taken in.
    pub fn conflict(&self, link: &str, check: Check, theirs: Option<HardwareAddress>) -> bool {
        let conflict = Conflict { link: link.to_owned(), check, theirs };
        self.door.requests.try_send(Request::Conflict(Box::new(conflict))).is_ok()
    }

    /// Who asks another server what machines boot, where `boot.ask` names one. Said once, before machines
    /// are served; without it every such server is one that does not answer.
    pub fn ask_with(&self, asks: Asks) {
        self.kitchen.ask_with(asks);
    }

    /// Which bytes a name means for whoever asks.
    pub async fn file(&self, ask: FileAsk) -> Answer<Found> {
        let inquiry = match self.found(ask).await {
            Answer::Reply(Found { what: Served::Ask(inquiry), .. }) => *inquiry,
            answer => return answer,
        };
        let said = self.kitchen.ask(&inquiry).await;
        if self.send(Request::Elsewhere(inquiry.machine, said)).await.is_err() {
            return Answer::Silence(NOT_MADE);
        }
        match self.found(inquiry.ask).await {
            // Another server was named meanwhile. Whoever asks will ask again.
            Answer::Reply(Found { what: Served::Ask(_), .. }) => Answer::Silence(NOT_MADE),
            answer => answer,
        }
    }

    async fn found(&self, ask: FileAsk) -> Answer<Found> {
        let (to, answer) = oneshot::channel();
        let sent = self.door.requests.send(Request::File(Box::new(ask), to)).await;
        match (sent, answer.await) {
            (Ok(()), Ok(answer)) => match self.kitchen.serve(answer).await {
                Ok(answer) => answer,
                Err(why) => {
                    self.alarm(format!(
                        "an answer file could not be made, though it could when its machine was \
                         armed: {why}\nhint: cancel the deployment, mend that, and arm it anew"
                    ));
                    Answer::Silence(NOT_MADE)
                }
            },
            _ => Answer::Silence(Why::StoreFailed("the server is stopping".to_owned())),
        }
    }

    /// Carries out a command of somebody and keeps it, with its record in the audit log; or only says
    /// what it would do. Whether he may is asked before.
    pub async fn command(
        &self,
        by: By,
        command: Command,
        dry_run: bool,
    ) -> Result<Said, SiteError> {
        self.command_on(by, command, None, dry_run).await
    }

    /// The same, if things are as whoever asks saw them; [`SiteError::Stale`] if not. Nothing comes
    /// between that look and the decision.
    pub async fn command_on(
        &self,
        by: By,
        command: Command,
        expects: Option<Expectation>,
        dry_run: bool,
    ) -> Result<Said, SiteError> {
        let (to, answer) = oneshot::channel();
        let order = Box::new(Order { by, command, expects });
        self.send(Request::Command(order, dry_run, to)).await?;
        answer.await.map_err(|_| SiteError::Stopped)?
    }

    /// Records an act in the audit log. It is on disk when this returns.
    pub async fn note(&self, act: Act) -> Result<(), SiteError> {
        let (to, answer) = oneshot::channel();
        self.send(Request::Note(Box::new(act), to)).await?;
        answer.await.map_err(|_| SiteError::Stopped)?.map(drop)
    }

    /// Records of the audit log from this number on, in order; [`crate::AUDIT_PAGE_MAX`] at most.
    pub async fn audit(&self, from: u64, at_most: usize) -> Result<Vec<AuditEntry>, SiteError> {
        let page = self.reader.page(from, at_most).await;
        page.map_err(|error| error.map_or(SiteError::Stopped, SiteError::Store))
    }

    /// Asks a question that changes nothing. It is answered from facts that are on disk.
    pub async fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(&Engine, Now) -> R + Send + 'static,
    ) -> Result<R, SiteError> {
        let (to, answer) = oneshot::channel();
        let question = move |engine: &Engine, now: Now| {
            // Whoever asked may be gone.
            let _ = to.send(question(engine, now));
        };
        self.send(Request::Question(Box::new(question))).await?;
        let lost = "the question was not answered".to_owned();
        answer
            .await
            .map_err(|_| if self.stopped() { SiteError::Stopped } else { SiteError::Bug(lost) })
    }

    /// Seals a text under a name, with the key of the state directory.
    pub fn seal(&self, name: &str, text: &str) -> Result<String, SiteError> {
        let nonce = chance()?;
        Ok(vault::Sealed::seal(&self.kitchen.key, nonce, name, text).as_str().to_owned())
    }

    /// Opens what [`Self::seal`] sealed.
    pub fn open(&self, name: &str, sealed: &str) -> Option<Zeroizing<String>> {
        vault::Sealed::kept(sealed).open(&self.kitchen.key, name).ok()
    }

    /// 32 bytes that nobody can guess.
    pub fn chance(&self) -> Result<Hash, SiteError> {
        chance().map(Hash)
    }

    /// Puts new settings in force; leases and everything else stay. Gives what an operator should
    /// know of it, in words.
    pub async fn configure(&self, settings: Settings) -> Result<Vec<String>, SiteError> {
        let (to, answer) = oneshot::channel();
        self.send(Request::Configure(Box::new(settings), to)).await?;
        answer.await.map_err(|_| SiteError::Stopped)
    }

    /// Copies the store into a new file, without making anybody wait: everything that was kept before
    /// is in it, perhaps some of what was kept meanwhile, and nothing in part. What is left of the file
    /// after an error is the caller's to remove.
    pub async fn copy_store(&self, to: &Path) -> Result<(), SiteError> {
        match &self.copier {
            Some(copier) => Ok(copier.copy(to).await?),
            None => Err(SiteError::Stopped),
        }
    }

    /// Tells something that happened outside: a transfer, another server. Never waits.
    pub fn tell(&self, event: Event) {
        self.telling.tell(event);
    }

    /// Tells that something is wrong which is no machine's doing. Never waits.
    pub fn alarm(&self, text: String) {
        let what = Happening::Alarm { text };
        self.tell(Event::new(self.now(), None, None, what));
    }

    /// Everything that is told from now on.
    pub fn events(&self) -> broadcast::Receiver<Arc<Event>> {
        self.telling.listen()
    }

    /// Everything that is told from now on, and before it what was told after the event of this number,
    /// as far as it is remembered.
    pub fn follow(&self, after: Option<u64>) -> Followed {
        self.telling.follow(after)
    }

    /// The newest events of a machine, oldest first.
    pub fn recent(&self, machine: &HardwareAddress) -> Vec<Arc<Event>> {
        self.telling.read(|journal| journal.of(machine))
    }

    /// The newest lines of a machine's own log, oldest first.
    pub fn log_of(&self, machine: &HardwareAddress) -> Vec<Arc<Event>> {
        self.telling.read(|journal| journal.log_of(machine))
    }

    /// What was said to a machine lately, oldest first, in parts that can be decided again.
    pub fn recorded(&self, machine: &HardwareAddress) -> Vec<Part> {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner).of(machine)
    }

    /// The boots of a machine that are remembered, oldest first, as they stand now.
    pub fn boots_of(&self, machine: &HardwareAddress) -> Vec<Story> {
        let now = self.now();
        let mut boots = self.telling.read_stories(|stories| stories.of(now, machine));
        self.telling.with_verdicts(&mut boots);
        boots
    }

    /// The boot of this name, as it stands now.
    pub fn boot(&self, boot: BootId) -> Option<Story> {
        let now = self.now();
        let mut boot = self.telling.read_stories(|stories| stories.get(now, boot));
        self.telling.with_verdicts(&mut boot);
        boot
    }

    /// The newest boot of each machine of these, or all that are remembered, without their steps: those of
    /// the machine that was heard last first, so many as are wanted and `max` at most.
    pub fn glances(
        &self,
        (all, max): (bool, usize),
        of: impl Fn(&HardwareAddress) -> bool,
        wanted: impl Fn(&Glance) -> bool,
    ) -> Vec<Glance> {
        self.telling.glances(self.now(), (all, max), of, wanted)
    }

    /// Judges boots whose time has come, and tells what those died of that did not arrive. To be called
    /// every few seconds; soon again where more wait, which it says.
    ///
    /// # Errors
    /// When the server stops.
    pub async fn judge_boots(&self) -> Result<bool, SiteError> {
        let waits = || self.telling.next_look().is_some_and(|look| look <= self.now());
        if waits() {
            let telling = Arc::clone(&self.telling);
            self.ask(move |engine, now| telling.judge(engine, now)).await?;
        }
        Ok(waits())
    }

    /// What a boot of this machine died of: of its newest, or of the one of this name. None if none is
    /// remembered.
    ///
    /// # Errors
    /// When the server stops.
    pub async fn examine(
        &self,
        machine: HardwareAddress,
        boot: Option<BootId>,
    ) -> Result<Option<Examined>, SiteError> {
        let telling = Arc::clone(&self.telling);
        self.ask(move |engine, now| telling.examine(engine, now, &machine, boot)).await
    }

    /// Which machine of the inventory goes by this address; see [`Engine::machine_at`].
    pub async fn machine_at(
        &self,
        from: IpAddr,
        link: &str,
        neighbour: Option<HardwareAddress>,
    ) -> Option<HardwareAddress> {
        let link = link.to_owned();
        let found = self.ask(move |engine, _| engine.machine_at(from, &link, neighbour)).await;
        found.ok().flatten()
    }

    /// The newest events of all, oldest first.
    pub fn latest(&self) -> Vec<Arc<Event>> {
        self.telling.read(|journal| journal.latest())
    }

    /// The present moment, as decisions are given it. Events that are told should carry it.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// A number that grows with each change of what is published or how it is served. While it
    /// stays, a file that is [`engine::Found::steady`] stays the same file.
    pub fn edition(&self) -> u64 {
        self.counters.edition.load(Ordering::Acquire)
    }

    /// A number that is larger after whatever may change what names are made of
    /// ([`Engine::name_facts`]): leases, reservations, machines, records, settings.
    pub fn names_edition(&self) -> u64 {
        self.counters.names.load(Ordering::Acquire)
    }

    /// What was counted since the start.
    pub fn counted(&self) -> Counted {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counted {
            dropped: read(&self.door.ring.dropped),
            unposted: read(&self.counters.unposted),
            bugs: read(&self.counters.bugs),
            commits: read(&self.counters.commits),
            changes: read(&self.counters.changes),
            commits_failed: read(&self.counters.commits_failed),
            damaged: read(&self.counters.damaged),
        }
    }

    /// What happened since the start, counted by kind.
    pub fn counts(&self) -> Counts {
        self.telling.read(|journal| journal.counts())
    }

    /// How long decisions and transactions took since the start.
    pub fn times(&self) -> Vec<(Timed, Spread)> {
        Timed::ALL.into_iter().zip(self.counters.times.iter().map(Clocked::read)).collect()
    }

    /// How many wait for the owner.
    pub fn waiting(&self) -> Waiting {
        let [known, asking] = self.door.ring.waiting();
        let requests = self.door.requests.max_capacity() - self.door.requests.capacity();
        Waiting { known, asking, requests }
    }

    /// Finishes what is under way, closes the store and ends the owner. What is asked later is
    /// refused. Returns when the owner lets nothing more in; its join handle tells the end.
    pub async fn stop(&self) {
        // If it cannot be sent, the owner has stopped already.
        if self.door.requests.send(Request::Stop).await.is_ok() {
            self.door.requests.closed().await;
        }
    }

    fn stopped(&self) -> bool {
        self.door.requests.is_closed()
    }

    async fn send(&self, request: Request) -> Result<(), SiteError> {
        self.door.requests.send(request).await.map_err(|_| SiteError::Stopped)
    }
}
