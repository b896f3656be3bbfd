//! When facts cannot be kept: what was decided is unsaid, and memory goes back to what the store
//! has.
//!
//! In: a batch that failed, or what comes while there is no store. Out: silence, with a reason and
//! an alarm. Never: an answer that rests on a promise.

use super::{Owner, engine_of, filled};
use crate::SiteError;
use crate::batch::{Held, Letter};
use crate::inbox::Request;
use crate::store::StoreError;
use engine::{Answer, Now};
use model::plan::Why;
use model::{Event, Happening};
use std::time::Duration;
use tokio::time::Instant;

/// How long a store that could not be opened again is left alone before the next try.
pub(super) const REOPEN_PAUSE: Duration = Duration::from_secs(1);

/// A store that could not be opened again.
pub(super) struct Lost {
    why: String,
    tried: Instant,
}

impl Owner {
    /// Turns the answers of a batch that could not be kept into silence.
    pub(super) fn unsay(&mut self, now: Now, held: Vec<Held>, error: &StoreError) {
        if !std::mem::replace(&mut self.failing, true) {
            self.alarm(now, format!("no address is given and nothing is changed: {error}"));
        }
        let why = error.why();
        for Held { letter, events, promises } in held {
            if !promises {
                self.release(&mut vec![(letter, events)]);
                continue;
            }
            if let Letter::Datagram(_, Some(ready)) = &letter {
                self.tell([silenced(now, &ready.outgoing.link, &events, &why)]);
            }
            letter.fail(&why);
        }
    }

    /// After a failed commit nothing is known of the file but what a fresh look at it says.
    pub(super) async fn reopen(&mut self, why: String) {
        let facts = match self.store.reopen().await {
            Ok(()) => self.store.load().await,
            Err(error) => Err(error),
        };
        self.lost = match facts {
            Ok(facts) => {
                // Offers stay: who holds one must not be told no because the disk was full.
                self.engine = filled(self.engine.without_facts(), facts);
                None
            }
            Err(error) => {
                if self.lost.is_none() {
                    let text = format!("the store could not be opened again: {error}");
                    self.alarm(self.clock.now(), text);
                }
                Some(Lost { why, tried: Instant::now() })
            }
        };
    }

    /// Makes the engine anew from what is on disk.
    pub(super) async fn forget_unkept(&mut self) {
        if self.lost.is_some() {
            return;
        }
        match self.store.load().await {
            Ok(facts) => self.engine = engine_of(&self.settings, facts),
            Err(error) => self.reopen(error.why()).await,
        }
    }

    /// Whether there is a store to decide on; tries to open a lost one now and then.
    pub(super) async fn store_is_open(&mut self) -> bool {
        if let Some(lost) = &self.lost
            && lost.tried.elapsed() >= REOPEN_PAUSE
        {
            let why = lost.why.clone();
            self.reopen(why).await;
        }
        self.lost.is_none()
    }

    /// Answers a batch while there is no store. False when it held the request to stop.
    pub(super) fn refuse(&mut self, requests: Vec<Request>) -> bool {
        let why = self.lost.as_ref().map(|lost| lost.why.clone()).unwrap_or_default();
        let mut go_on = true;
        for request in requests {
            match request {
                Request::File(_, to) => {
                    drop(to.send(Answer::Silence(Why::StoreFailed(why.clone()))));
                }
                Request::Command(_, _, to) => drop(to.send(Err(SiteError::NotKept(why.clone())))),
                Request::Datagram(..) | Request::Question(_) | Request::Conflict(_) => {}
                Request::Configure(settings, to) => {
                    let _ = to.send(self.configure(*settings));
                }
                Request::Stop => go_on = false,
            }
        }
        go_on
    }
}

/// The event of an answer that could not leave, in place of those that say it did.
fn silenced(now: Now, link: &str, events: &[Event], why: &str) -> Event {
    let answered = events.iter().find_map(|event| match &event.what {
        Happening::Answered { asked, .. } => Some((event.machine, asked.clone())),
        _ => None,
    });
    let (machine, asked) = answered.unwrap_or((None, "a DHCP message".to_owned()));
    let what = Happening::Silent { asked, why: Why::StoreFailed(why.to_owned()) };
    Event { at: now, machine, link: Some(link.to_owned()), what }
}
