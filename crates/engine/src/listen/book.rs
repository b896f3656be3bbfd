//! Answers that wait for the other server's, and the sums of what was compared.

use super::answers;
use super::verdict::{self, Verdict};
use crate::dhcp::event;
use crate::others::Reply;
use model::listen::{DifferenceSeen, LastDifference, Outcome};
use model::network::ListenAs;
use model::plan::Why;
use model::{Event, Happening, HardwareAddress, Listening, Network, Now};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use wire::dhcp4::MessageType;

/// Exchanges that wait for the other server; the oldest makes room.
pub const WAITING_MAX: usize = 4096;
/// Kinds of differences that are counted on one link; more are counted together.
pub const DIFFERENCES_MAX: usize = 64;
/// A server that says nothing for so long is taken for silent. Clients ask again before.
const PATIENCE: Duration = Duration::from_secs(10);
/// What differs in more ways than [`DIFFERENCES_MAX`].
const OTHER: &str = "other differences";

/// What we would have said, until the other server speaks.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) at: Now,
    pub(super) link: String,
    pub(super) listen_as: ListenAs,
    pub(super) client: HardwareAddress,
    pub(super) xid: u32,
    pub(super) asked: Option<MessageType>,
    /// It was asked on port 4011.
    pub(super) pxe_port: bool,
    /// The network of which any address is as good for this client as another.
    pub(super) any_address: Option<Network>,
    /// Our reply.
    pub(super) ours: Result<Vec<u8>, Why>,
    /// The DHCP server gave an address and said nothing of booting: who, and what in words. A boot
    /// server may yet speak.
    pub(super) address_only: Option<(String, String)>,
    /// It was compared; a client that asks again is not counted again.
    pub(super) done: bool,
}

impl Waiting {
    fn is_of(&self, other: &Self) -> bool {
        (self.xid, self.client, self.asked, self.pxe_port)
            == (other.xid, other.client, other.asked, other.pxe_port)
    }

    fn asks(&self) -> String {
        let kind = match self.asked {
            Some(MessageType::Discover) => "DISCOVER",
            Some(MessageType::Request) => "REQUEST",
            Some(MessageType::Inform) => "INFORM",
            Some(_) => "message",
            None => "BOOTP request",
        };
        if self.pxe_port { format!("{kind} on 4011") } else { kind.to_owned() }
    }

    /// Whether there is anything to compare. A proxy never answers what is the DHCP server's alone.
    fn expects_answer(&self) -> bool {
        let ended = matches!(self.asked, Some(MessageType::Release | MessageType::Decline));
        let theirs = matches!(self.ours, Err(Why::ProxyStaysOut(_) | Why::OtherServer(_)));
        let beside = self.listen_as == ListenAs::Proxy;
        !(ended || (theirs && beside))
    }
}

/// All links where we listen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    /// Oldest first.
    waiting: VecDeque<Waiting>,
    sums: BTreeMap<String, Listening>,
}

impl Book {
    /// What is asked again takes the place of what was asked before.
    pub(super) fn wait_for(&mut self, mut waiting: Waiting) {
        if !waiting.expects_answer() {
            return;
        }
        let before = self.waiting.iter().position(|before| before.is_of(&waiting));
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

    /// Lays a reply beside what we would have said.
    pub(super) fn compare(&mut self, now: Now, reply: &Reply, mac: HardwareAddress) -> Vec<Event> {
        let mut events = self.give_up(now);
        let Some(client) = reply.client else { return events };
        let fits = |w: &&mut Waiting| {
            !w.done && (w.xid, w.client) == (reply.xid, client) && answers(w.asked, reply.kind)
        };
        let Some(waiting) = self.waiting.iter_mut().rev().find(fits) else { return events };
        let named = model::other::named(reply.server, Some(reply.from), Some(&mac));
        let Some(verdict) = verdict::compare(waiting, &reply.message) else {
            let said = verdict::in_a_line(&reply.message);
            waiting.address_only.get_or_insert((named, said));
            return events;
        };
        waiting.done = true;
        let waiting = waiting.clone();
        events.push(self.count(now, &waiting, verdict, Some(named)));
        events
    }

    /// Those that waited long enough.
    pub(super) fn give_up(&mut self, now: Now) -> Vec<Event> {
        let mut events = Vec::new();
        while self.waiting.front().is_some_and(|waiting| now.since(waiting.at) >= PATIENCE) {
            let Some(waiting) = self.waiting.pop_front() else { break };
            if !waiting.done {
                let verdict = verdict::unheard(&waiting);
                let who = waiting.address_only.as_ref().map(|(who, _)| who.clone());
                events.push(self.count(now, &waiting, verdict, who));
            }
        }
        events
    }

    fn count(
        &mut self,
        now: Now,
        waiting: &Waiting,
        verdict: Verdict,
        server: Option<String>,
    ) -> Event {
        let new = || sum_of(&waiting.link, waiting.listen_as, now);
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
            note_difference(&mut sum.differences, what, example, (waiting.client, now));
        }
        let Verdict { outcome, ours, theirs, differences } = verdict;
        let differences: Vec<String> = differences.into_iter().map(|(_, text)| text).collect();
        if outcome == Outcome::Differs {
            sum.last_difference = Some(LastDifference {
                at: now,
                machine: waiting.client,
                asked: waiting.asks(),
                ours: ours.clone(),
                theirs: theirs.clone(),
                differences: differences.clone(),
            });
        }
        let asked = waiting.asks();
        let what = Happening::Compared { asked, outcome, server, ours, theirs, differences };
        event(now, Some(waiting.client), &waiting.link, what)
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

fn sum_of(link: &str, listen_as: ListenAs, now: Now) -> Listening {
    Listening {
        link: link.to_owned(),
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
    what: &str,
    example: &str,
    (machine, now): (HardwareAddress, Now),
) {
    let full = all.len() >= DIFFERENCES_MAX;
    let known = all.iter().any(|seen| seen.what == what);
    let what = if full && !known { OTHER } else { what };
    if !all.iter().any(|seen| seen.what == what) {
        let (what, example) = (what.to_owned(), String::new());
        all.push(DifferenceSeen { what, count: 0, example, machine, last: now });
    }
    if let Some(seen) = all.iter_mut().find(|seen| seen.what == what) {
        seen.count = seen.count.saturating_add(1);
        example.clone_into(&mut seen.example);
        (seen.machine, seen.last) = (machine, now);
    }
}
