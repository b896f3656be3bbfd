//! Names of machines, told to DNS servers that somebody else runs.
//!
//! ```text
//! owner.name_facts ─ copy, when they changed ─▶ Wanted ─▶ one lane for each zone of a server
//! lane: engine::names::publish ─ Keep ─▶ owner, to disk ─ Send ─▶ exchange ─▶ what it said
//! ```
//!
//! In: what engine says comes next. Out: signed messages, and what came back. Never: a message before what
//! it puts there is on disk.

mod exchange;

use super::again::{again, aside};
use super::copy::{Copier, Newest, PAUSE_MAX, pause_after};
use crate::count::{Counters, PanicWatch};
use crate::owner::Owner;
use engine::names::publish::{Failure, Key, Next, Publication, Standing, Wanted};
use engine::names::{Facts, Name, Names};
use exchange::Peer;
use model::dns::{Published, PublishedAt};
use model::{Event, Happening};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A server that is told of names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Publish {
    /// Where it is.
    pub server: SocketAddr,
    /// The zones of which it is the primary server.
    pub zones: Vec<Name>,
    /// What messages are signed with.
    pub key: Key,
    /// For how many seconds records may be remembered.
    pub ttl_s: u32,
}

/// Asks one of its servers whether it has `zone` and takes the key, by a question that changes nothing. It
/// takes up to 4 s.
///
/// # Errors
///
/// What is wrong: nobody answers, the key, a clock, or another server has the zone.
pub async fn has_zone(of: &Publish, zone: &Name) -> Result<(), Failure> {
    Peer::new(of.server, of.key.clone()).has(zone).await
}

/// All lanes, as whoever asks how they stand sees them.
type Lanes = Arc<Mutex<Vec<Arc<Mutex<Publication>>>>>;

/// What runs. Dropping it ends it.
pub(crate) struct Publisher {
    lanes: Lanes,
    _tasks: JoinSet<()>,
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("dns::Publisher")
    }
}

impl Publisher {
    /// Starts to publish. To be called inside a Tokio runtime.
    pub(crate) fn start<O: Owner>(
        (owner, copier): (&O, Option<&Copier>),
        to: Vec<Publish>,
        counters: &Arc<Counters>,
    ) -> Self {
        let (lanes, mut tasks) = (Lanes::default(), JoinSet::new());
        if let Some(copier) = copier.filter(|_| !to.is_empty()) {
            let (owner, lanes, counters) =
                (owner.clone(), Arc::clone(&lanes), Arc::clone(counters));
            tasks.spawn(run((owner, copier.newest()), to, lanes, counters));
        }
        Self { lanes, _tasks: tasks }
    }

    /// How each zone of each server stands.
    pub(crate) fn standing(&self) -> Vec<Standing> {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        lanes.iter().map(|lane| locked(lane).standing()).collect()
    }
}

fn locked(lane: &Mutex<Publication>) -> std::sync::MutexGuard<'_, Publication> {
    lane.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks what may be there from before, and runs all lanes.
async fn run<O: Owner>(
    (owner, newest): (O, Newest),
    to: Vec<Publish>,
    lanes: Lanes,
    counters: Arc<Counters>,
) {
    let _watch = PanicWatch(Arc::clone(&counters));
    let kept = loop {
        match owner.published().await {
            Some(kept) => break kept,
            None => tokio::time::sleep(PAUSE_MAX).await,
        }
    };
    let (sender, wanted) = watch::channel(None);
    let zones: Vec<Name> = to.iter().flat_map(|one| one.zones.clone()).collect();
    let mut tasks = JoinSet::new();
    for Publish { server, zones: own, key, ttl_s } in to {
        let peer = Arc::new(Peer::new(server, key));
        for zone in own {
            let smaller = zones.iter().filter(|other| **other != zone && other.is_within(&zone));
            let smaller = smaller.cloned().collect();
            let before = of_zone(&kept, server, &zone);
            let ours = Publication::new(server, zone.clone(), smaller, ttl_s, before);
            let ours = Arc::new(Mutex::new(ours));
            lanes.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&ours));
            let (owner, peer) = (owner.clone(), Arc::clone(&peer));
            let counters = Arc::clone(&counters);
            let lane = Lane { owner, server, zone: zone.to_string(), peer, ours, counters };
            tasks.spawn(lane.run(wanted.clone()));
        }
    }
    again(&counters, || keep_wanting(&owner, &newest, &sender, &counters)).await;
}

/// What may stand in a zone of a server.
fn of_zone(
    kept: &[(PublishedAt, Published)],
    server: SocketAddr,
    zone: &Name,
) -> BTreeMap<Name, Published> {
    let zone = zone.to_string();
    let own = kept.iter().filter(|(at, _)| at.server == server && at.zone == zone);
    own.filter_map(|(at, what)| Some((Name::parse(&at.name)?, what.clone()))).collect()
}

/// Says what is wanted whenever there are other facts, and when leases end by themselves.
async fn keep_wanting(
    owner: &impl Owner,
    newest: &Newest,
    sender: &watch::Sender<Option<Arc<Wanted>>>,
    counters: &Arc<Counters>,
) {
    let mut newest = newest.clone();
    // Of these facts, so that the end of a lease alone costs less.
    let mut known: Option<Arc<(Names, Arc<Facts>)>> = None;
    loop {
        let begun = Instant::now();
        let mut until = None;
        let facts = newest.borrow_and_update().clone();
        if let Some(facts) = facts {
            let (now, same) = (owner.now(), known.filter(|known| Arc::ptr_eq(&known.1, &facts)));
            let make = move || {
                let named = same.unwrap_or_else(|| Arc::new((Names::everywhere(&facts), facts)));
                (Wanted::of(&named.0, &named.1, now), named)
            };
            let Some((wanted, named)) = aside(counters, make).await else {
                // A bug, which was counted: what is wanted stays as it is until it works.
                known = None;
                tokio::time::sleep(PAUSE_MAX).await;
                continue;
            };
            (known, until) = (Some(named), wanted.until);
            // Lanes that ended take nothing.
            let _ = sender.send(Some(Arc::new(wanted)));
        }
        tokio::time::sleep(pause_after(begun)).await;
        let wait = until.map(|until| until.since(owner.now()));
        tokio::select! {
            changed = newest.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
        }
    }
}

/// One zone of a server.
struct Lane<O> {
    owner: O,
    server: SocketAddr,
    zone: String,
    peer: Arc<Peer>,
    ours: Arc<Mutex<Publication>>,
    counters: Arc<Counters>,
}

impl<O: Owner> Lane<O> {
    async fn run(self, mut wanted: watch::Receiver<Option<Arc<Wanted>>>) {
        let _watch = PanicWatch(Arc::clone(&self.counters));
        let (mut asked, mut names) = (JoinSet::new(), HashMap::new());
        loop {
            self.tell();
            let next = locked(&self.ours).next(self.owner.now());
            match next {
                Next::Keep(changes) => self.keep(changes).await,
                Next::Send(name, update) => {
                    let peer = Arc::clone(&self.peer);
                    let task = asked.spawn(async move { peer.ask(&update).await });
                    names.insert(task.id(), name);
                }
                Next::Wait(until) => {
                    let pause = until.map(|until| until.since(self.owner.now()));
                    tokio::select! {
                        Some(ended) = asked.join_next_with_id(), if !asked.is_empty() => {
                            let (id, went) = match ended {
                                Ok((id, went)) => (id, went),
                                Err(e) => (e.id(), Err(Failure::Silent(e.to_string()))),
                            };
                            if let Some(name) = names.remove(&id) {
                                self.heard(&name, went);
                            }
                        }
                        changed = wanted.changed() => {
                            if changed.is_err() {
                                return;
                            }
                            let now = wanted.borrow_and_update().clone();
                            if let Some(wanted) = now {
                                locked(&self.ours).want(self.owner.now(), &wanted);
                            }
                        }
                        () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
                    }
                }
            }
        }
    }

    async fn keep(&self, changes: Vec<(Name, Option<Published>)>) {
        let at = |name: Name| PublishedAt {
            server: self.server,
            zone: self.zone.clone(),
            name: name.to_string(),
        };
        let all = changes.into_iter().map(|(name, what)| (at(name), what)).collect();
        let went = self.owner.keep_published(all).await;
        locked(&self.ours).kept(self.owner.now(), went);
    }

    fn heard(&self, name: &Name, went: Result<u16, Failure>) {
        match &went {
            Ok(_) => self.counters.dns_publish_answers.one(),
            Err(Failure::Silent(_)) => self.counters.dns_publish_silent.one(),
            Err(_) => self.counters.dns_publish_failed.one(),
        }
        locked(&self.ours).heard(self.owner.now(), name, went);
    }

    fn tell(&self) {
        let news = locked(&self.ours).news();
        for text in news {
            let what = Happening::Alarm { text };
            self.owner.tell(Event::new(self.owner.now(), None, None, what));
        }
    }
}
