//! What waits for one webhook, in order.
//!
//! In: deliveries, moments, what became of a try. Out: what to send next, or until when to wait; what an
//! operator should know. Never: two tries at once, more than [`QUEUE_MAX`] deliveries or
//! [`QUEUE_BYTES_MAX`] bytes.
//!
//! A receiver that cannot be reached holds everything back, so that it gets all in order when it is there
//! again. One that is there and refuses a delivery may mean that delivery alone: after [`PATIENCE`] tries
//! the later ones go past it.

use crate::retry::{TRIES_MAX, next_try};
use model::Now;
use std::collections::VecDeque;
use std::sync::Arc;

/// Most deliveries that wait for one webhook; beyond that the oldest goes.
pub const QUEUE_MAX: usize = 1000;
/// Most bytes of them together.
pub const QUEUE_BYTES_MAX: usize = 4 << 20;
/// Tries of a refused delivery before later ones go past it.
const PATIENCE: u32 = 3;

/// An event on its way to one webhook.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Delivery {
    /// Names this delivery, the same at each try: by it a receiver knows what it has already.
    pub id: String,
    /// The kind of event.
    pub event: &'static str,
    /// The event as JSON, shared by all webhooks that get it.
    pub body: Arc<str>,
    /// Tries so far.
    pub tries: u32,
    due: Now,
    /// Whether the last try was refused, so that others may go past.
    refused: bool,
}

impl Delivery {
    /// One that was never tried.
    #[must_use]
    pub fn new(id: String, event: &'static str, body: Arc<str>) -> Self {
        Self { id, event, body, tries: 0, due: Now(0), refused: false }
    }

    fn lets_others_past(&self) -> bool {
        self.refused && self.tries >= PATIENCE
    }
}

/// What became of a try.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The receiver has it (2xx).
    Took,
    /// The receiver answered something else.
    Refused,
    /// No answer came.
    Unreached,
}

/// What to do next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// Send this, then say what became of it ([`Outbox::came_back`]).
    Send(Delivery),
    /// Nothing before this moment, unless something new comes.
    WaitUntil(Now),
    /// Nothing until something new comes.
    Rest,
}

/// What an operator should know. Each is told once, until the receiver takes something again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// Deliveries are being dropped: more waited than may.
    Full,
    /// A delivery was given up after its last try.
    GivenUp,
}

/// The queue of one webhook.
#[derive(Debug, Default)]
pub struct Outbox {
    /// By number, which is the order in which they came.
    waiting: VecDeque<(u64, Delivery)>,
    /// The number of the one that is being sent.
    sending: Option<u64>,
    numbered: u64,
    dropped: u64,
    given_up: u64,
    told: Vec<Trouble>,
}

impl Outbox {
    /// Takes one in, as the last.
    #[must_use = "an operator should know of trouble"]
    pub fn put(&mut self, delivery: Delivery) -> Option<Trouble> {
        self.numbered += 1;
        self.waiting.push_back((self.numbered, delivery));
        let mut bytes = self.bytes();
        let before = self.dropped;
        while self.len() > QUEUE_MAX || bytes > QUEUE_BYTES_MAX {
            let Some((_, oldest)) = self.waiting.pop_front() else { break };
            bytes -= oldest.body.len();
            self.dropped += 1;
        }
        if self.dropped == before { None } else { self.trouble(Trouble::Full) }
    }

    fn bytes(&self) -> usize {
        self.waiting.iter().map(|(_, delivery)| delivery.body.len()).sum()
    }

    /// What to do now. While something is being sent, it is that alone.
    pub fn next(&mut self, now: Now) -> Step {
        if self.sending.is_some() {
            return Step::Rest;
        }
        let mut earliest: Option<Now> = None;
        for at in 0..self.waiting.len() {
            let Some((number, delivery)) = self.waiting.get(at) else { break };
            if delivery.due <= now {
                self.sending = Some(*number);
                return self.waiting.remove(at).map_or(Step::Rest, |(_, next)| Step::Send(next));
            }
            earliest = Some(earliest.map_or(delivery.due, |due| due.min(delivery.due)));
            if !delivery.lets_others_past() {
                break;
            }
        }
        earliest.map_or(Step::Rest, Step::WaitUntil)
    }

    /// Says what became of the delivery that was sent. Gives the moment of its next try, if there is one.
    #[must_use = "an operator should know of trouble"]
    pub fn came_back(
        &mut self,
        now: Now,
        mut delivery: Delivery,
        outcome: Outcome,
        chance: u8,
    ) -> (Option<Now>, Option<Trouble>) {
        let Some(number) = self.sending.take() else { return (None, None) };
        delivery.tries += 1;
        if outcome == Outcome::Took {
            self.told.clear();
            return (None, None);
        }
        let Some(wait) = next_try(delivery.tries, chance) else {
            self.given_up += 1;
            return (None, self.trouble(Trouble::GivenUp));
        };
        let due = now + wait;
        delivery.due = due;
        delivery.refused = outcome == Outcome::Refused;
        let place = self.waiting.partition_point(|(other, _)| *other < number);
        self.waiting.insert(place, (number, delivery));
        (Some(due), None)
    }

    /// The receiver is there again: whatever waits may be tried now.
    pub fn wake(&mut self) {
        for (_, delivery) in &mut self.waiting {
            delivery.due = Now(0);
        }
    }

    /// Nothing waits any more; what is being sent is not sent again.
    pub fn clear(&mut self) {
        self.dropped += self.len() as u64;
        self.waiting.clear();
        self.sending = None;
    }

    /// So many wait or are being sent.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len() + usize::from(self.sending.is_some())
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// So many were dropped before they could be sent.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// So many were given up after [`TRIES_MAX`] tries.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    fn trouble(&mut self, trouble: Trouble) -> Option<Trouble> {
        if self.told.contains(&trouble) {
            return None;
        }
        self.told.push(trouble);
        Some(trouble)
    }
}

const _: () = assert!(PATIENCE < TRIES_MAX);

#[cfg(test)]
mod tests;
