//! When facts cannot be kept: what was decided is unsaid, and memory goes back to what the store
//! has.
//!
//! In: a batch that failed, or what comes while there is no store. Out: silence, with a reason and
//! an alarm. Never: an answer that rests on a promise.

use super::{Owner, engine_of, filled};
use crate::SiteError;
use crate::batch::{Batch, Held, Letter};
use crate::inbox::Request;
use crate::store::{Damage, StoreError};
use engine::{Answer, Now};
use model::plan::Why;
use model::{Event, Happening};
use std::time::Duration;
use tokio::time::Instant;

/// How long a store that could not be opened again is left alone before the next try.
pub(super) const REOPEN_PAUSE: Duration = Duration::from_secs(1);

/// How often it is tried to set space aside again while the disk is full: each try writes until
/// there is none.
pub(super) const SPACE_PAUSE: Duration = Duration::from_secs(10);

/// A store that could not be opened again.
pub(super) struct Lost {
    why: String,
    tried: Instant,
}

impl Owner {
    /// Turns the answers of a batch that could not be kept, and of what was decided on top of it,
    /// into silence, and looks at the store anew.
    pub(super) async fn unsay(
        &mut self,
        now: Now,
        batch: &mut Batch,
        mut next: Batch,
        error: &StoreError,
    ) {
        let full = matches!(error, StoreError::Full { .. });
        let reserve = full && self.store.release_reserve().await.unwrap_or(false);
        if !std::mem::replace(&mut self.failing, true) {
            let rest = match reserve {
                true => "\nLeases that are there are still renewed, from space that was set aside",
                false => "",
            };
            self.mind
                .alarm(now, format!("no address is given and nothing is changed: {error}{rest}"));
        }
        let why = error.why();
        for Held { letter, events, promises } in batch.held.drain(..).chain(next.held.drain(..)) {
            if !promises {
                self.mind.release(&mut vec![(letter, events)]);
                continue;
            }
            if let Letter::Datagram(_, Some(ready)) = &letter {
                let silenced = silenced(now, &ready.outgoing.link, &events, &why);
                self.mind.tell([silenced]);
            }
            letter.fail(&why);
        }
        self.reopen(why.clone()).await;
        if reserve && self.lost.is_none() {
            self.need(Some(why));
        }
        let mut questions = std::mem::take(&mut batch.questions);
        questions.append(&mut next.questions);
        if self.lost.is_none() {
            self.mind.answer(&mut Batch { questions, ..Batch::default() });
        }
        let later = std::mem::take(&mut batch.later).into_iter().chain(next.later.drain(..));
        let go_on = self.refuse_for(later.collect(), &error.why());
        batch.stop |= next.stop || !go_on;
    }

    /// From now on only renewals are kept, or everything again.
    fn need(&mut self, why: Option<String>) {
        self.mind.engine.only_renew(why.is_some());
        self.mind.need = why;
        self.tried = Instant::now();
    }

    /// While the disk is full: whether space can be set aside again. Then it is not full any more.
    pub(super) async fn look_for_space(&mut self) {
        if self.mind.need.is_none() || self.tried.elapsed() < SPACE_PAUSE {
            return;
        }
        self.tried = Instant::now();
        if self.store.restore_reserve().await.is_ok() {
            self.need(None);
            let text = "the disk has space again: addresses are given, and changes kept".to_owned();
            self.mind.say(self.mind.clock.now(), text);
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
                if let Some(text) = Damage::all_in_words(&facts.damaged) {
                    self.mind.alarm(self.mind.clock.now(), text);
                }
                // Offers stay: who holds one must not be told no because the disk was full.
                self.mind.engine = filled(self.mind.engine.without_facts(), facts);
                self.mind.engine.only_renew(self.mind.need.is_some());
                None
            }
            Err(error) => {
                if self.lost.is_none() {
                    let text = format!("the store could not be opened again: {error}");
                    self.mind.alarm(self.mind.clock.now(), text);
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
            Ok(facts) => {
                self.mind.engine = engine_of(&self.mind.settings, facts);
                self.mind.engine.only_renew(self.mind.need.is_some());
            }
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
        self.refuse_for(requests, &why)
    }

    fn refuse_for(&mut self, requests: Vec<Request>, why: &str) -> bool {
        let mut go_on = true;
        for request in requests {
            match request {
                Request::File(_, to) => {
                    drop(to.send(Answer::Silence(Why::StoreFailed(why.to_owned()))));
                }
                Request::Command(_, _, to) | Request::Note(_, to) | Request::Published(_, to) => {
                    drop(to.send(Err(SiteError::NotKept(why.to_owned()))));
                }
                Request::Datagram(..)
                | Request::Datagram6(..)
                | Request::Question(_)
                | Request::Conflict(_)
                | Request::Elsewhere(..)
                | Request::Overheard(_)
                | Request::Listened6(_) => {}
                Request::Configure(settings, to) => {
                    let _ = to.send(self.mind.configure(*settings));
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
        Happening::Answered { asked, .. } => {
            Some((event.machine, event.speaker.clone(), asked.clone()))
        }
        _ => None,
    });
    let (machine, speaker, asked) = answered.unwrap_or((None, None, "a DHCP message".into()));
    let what = Happening::Silent { asked, why: Why::StoreFailed(why.to_owned()) };
    Event { speaker, ..Event::new(now, machine, Some(link.to_owned()), what) }
}
