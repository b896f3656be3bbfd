//! Answers that wait for the other server's, and the sums of what was compared.

use super::Verdict;
use crate::dhcp::event;
use model::listen::{Asker, DifferenceSeen, LastDifference, Outcome};
use model::network::{Family, ListenAs};
use model::plan::Why;
use model::{Event, Happening, HardwareAddress, Listening, Now};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Exchanges that wait for the other server; the oldest makes room.
pub const WAITING_MAX: usize = 4096;
/// Kinds of differences that are counted on one link; more are counted together.
pub const DIFFERENCES_MAX: usize = 64;
/// A server that says nothing for so long is taken for silent. Clients ask again before.
const PATIENCE: Duration = Duration::from_secs(10);
/// What differs in more ways than [`DIFFERENCES_MAX`].
const OTHER: &str = "other differences";

/// What a client asked, over one of the two families.
pub(crate) trait Asked: Clone {
    /// What another server says.
    type Reply;
    /// Of which networks it is asked.
    const FAMILY: Family;

    /// Whether it is what was asked before, asked once more.
    fn is_again(&self, before: &Self) -> bool;

    /// Whether a reply is one to it.
    fn is_answered_by(&self, reply: &Self::Reply) -> bool;

    /// Who asked.
    fn client(&self) -> Asker;

    /// The card that asked, where it is known.
    fn machine(&self) -> Option<HardwareAddress> {
        self.client().machine
    }

    /// `REQUEST on 4011`.
    fn in_words(&self) -> String;

    /// `OFFER 10.0.0.5, file pxelinux.0 from 10.0.0.66`.
    fn reply_in_words(reply: &Self::Reply) -> String;

    /// Lays a reply beside ours; `None` where the reply says nothing of what we would have spoken about: the
    /// addresses of the DHCP server that we would stand beside.
    fn compare(waiting: &Waiting<Self>, reply: &Self::Reply) -> Option<Verdict>;

    /// Nobody was heard, or only the DHCP server that we would stand beside.
    fn unheard(waiting: &Waiting<Self>) -> Verdict;
}

/// What we would have said, until the other server speaks.
#[derive(Clone, Debug)]
pub(crate) struct Waiting<A> {
    pub(super) at: Now,
    pub(super) link: String,
    pub(super) listen_as: ListenAs,
    pub(super) asked: A,
    /// Our reply.
    pub(super) ours: Result<Vec<u8>, Why>,
    /// The DHCP server gave an address and said nothing of booting: who, and what in words. A boot
    /// server may yet speak.
    pub(super) address_only: Option<(String, String)>,
    /// It was compared; a client that asks again is not counted again.
    pub(super) done: bool,
}

/// All links where we listen.
#[derive(Clone, Debug)]
pub(crate) struct Book<A> {
    /// Oldest first.
    waiting: VecDeque<Waiting<A>>,
    sums: BTreeMap<String, Listening>,
}

impl<A> Default for Book<A> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), sums: BTreeMap::new() }
    }
}

impl<A: Asked> Book<A> {
    /// What is asked again takes the place of what was asked before.
    pub(super) fn wait_for(&mut self, mut waiting: Waiting<A>) {
        let before = self.waiting.iter().position(|before| waiting.asked.is_again(&before.asked));
        if let Some(before) = before {
            if self.waiting.get(before).is_some_and(|before| before.done) {
                return;
            }
            let before = self.waiting.remove(before);
            waiting.address_only = before.and_then(|before| before.address_only);
        }
        while self.waiting.len() >= WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(waiting);
    }

    /// Lays a reply beside what we would have said to the same; `server` says who answers.
    pub(super) fn compare(&mut self, now: Now, reply: &A::Reply, server: String) -> Option<Event> {
        let fits = |waiting: &&mut Waiting<A>| !waiting.done && waiting.asked.is_answered_by(reply);
        let waiting = self.waiting.iter_mut().rev().find(fits)?;
        let Some(verdict) = A::compare(waiting, reply) else {
            waiting.address_only.get_or_insert((server, A::reply_in_words(reply)));
            return None;
        };
        waiting.done = true;
        let waiting = waiting.clone();
        Some(self.count(now, &waiting, verdict, Some(server)))
    }

    /// Those that waited long enough.
    pub(super) fn give_up(&mut self, now: Now) -> Vec<Event> {
        let mut events = Vec::new();
        while self.waiting.front().is_some_and(|waiting| now.since(waiting.at) >= PATIENCE) {
            let Some(waiting) = self.waiting.pop_front() else { break };
            if !waiting.done {
                let verdict = A::unheard(&waiting);
                let who = waiting.address_only.as_ref().map(|(who, _)| who.clone());
                events.push(self.count(now, &waiting, verdict, who));
            }
        }
        events
    }

    fn count(
        &mut self,
        now: Now,
        waiting: &Waiting<A>,
        verdict: Verdict,
        server: Option<String>,
    ) -> Event {
        let new = || sum_of((A::FAMILY, &waiting.link), waiting.listen_as, now);
        let sum = self.sums.entry(waiting.link.clone()).or_insert_with(new);
        if sum.listen_as != waiting.listen_as {
            // The configuration says otherwise now.
            *sum = new();
        }
        sum.last = now;
        let counter = match verdict.outcome {
            Outcome::Agrees => &mut sum.agreed,
            Outcome::Differs => &mut sum.differed,
            Outcome::Unheard => &mut sum.unheard,
        };
        *counter = counter.saturating_add(1);
        for (what, example) in &verdict.differences {
            note_difference(&mut sum.differences, (what, example), &waiting.asked.client(), now);
        }
        let Verdict { outcome, ours, theirs, differences } = verdict;
        let differences: Vec<String> = differences.into_iter().map(|(_, text)| text).collect();
        if outcome == Outcome::Differs {
            sum.last_difference = Some(LastDifference {
                at: now,
                client: waiting.asked.client(),
                asked: waiting.asked.in_words(),
                ours: ours.clone(),
                theirs: theirs.clone(),
                differences: differences.clone(),
            });
        }
        let asked = waiting.asked.in_words();
        let what = Happening::Compared { asked, outcome, server, ours, theirs, differences };
        event(now, waiting.asked.machine(), &waiting.link, what)
    }

    /// By link; the most frequent difference first.
    pub(super) fn sums(&self) -> Vec<Listening> {
        let mut sums: Vec<Listening> = self.sums.values().cloned().collect();
        for sum in &mut sums {
            sum.differences.sort_by(|a, b| b.count.cmp(&a.count).then(a.what.cmp(&b.what)));
        }
        sums
    }

    /// Forgets links where we no longer listen, or listen for something else.
    pub(crate) fn keep_links(&mut self, listens: impl Fn(&str) -> bool) {
        self.sums.retain(|link, _| listens(link));
        self.waiting.retain(|waiting| listens(&waiting.link));
    }
}

fn sum_of((family, link): (Family, &str), listen_as: ListenAs, now: Now) -> Listening {
    Listening {
        link: link.to_owned(),
        family,
        listen_as,
        agreed: 0,
        differed: 0,
        unheard: 0,
        differences: Vec::new(),
        last_difference: None,
        since: now,
        last: now,
    }
}

fn note_difference(
    all: &mut Vec<DifferenceSeen>,
    (what, example): (&str, &str),
    client: &Asker,
    now: Now,
) {
    let full = all.len() >= DIFFERENCES_MAX;
    let known = all.iter().any(|seen| seen.what == what);
    let what = if full && !known { OTHER } else { what };
    if !all.iter().any(|seen| seen.what == what) {
        let (what, example) = (what.to_owned(), String::new());
        all.push(DifferenceSeen { what, count: 0, example, client: client.clone(), last: now });
    }
    if let Some(seen) = all.iter_mut().find(|seen| seen.what == what) {
        seen.count = seen.count.saturating_add(1);
        example.clone_into(&mut seen.example);
        client.clone_into(&mut seen.client);
        seen.last = now;
    }
}
