//! Questions over UDP: one thread for each socket, many in one call.

use super::book::Book;
use super::forward::{Forwarder, Led};
use super::refused::Refusals;
use crate::count::{Counters, PanicWatch};
use crate::owner::Owner;
use crate::sys::udp::{Letters, say};
use crate::sys::{MANY, Parcel, send_parcels};
use engine::Now;
use engine::names::{Admitted, Names, Pace, Said};
use socket2::Socket;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wire::dns::{QUERY_BYTES_MAX, Query};

/// Rounds of [`MANY`] datagrams before it is looked whether names changed.
const ROUNDS_MAX: usize = 16;

/// A socket and what it takes to answer.
pub(super) struct Desk<O> {
    pub(super) owner: O,
    pub(super) socket: Arc<Socket>,
    pub(super) forwarder: Forwarder,
    pub(super) runtime: tokio::runtime::Handle,
    pub(super) book: Book,
    pub(super) refusals: Refusals,
    pub(super) counters: Arc<Counters>,
    pub(super) closing: Arc<AtomicBool>,
}

/// What is used again from one datagram to the next.
struct Tools {
    pace: Pace,
    /// With a byte more than a question has, so that what is too long is seen as such.
    letters: Letters,
    scratch: Vec<u8>,
    out: Vec<Parcel>,
}

impl<O: Owner> Desk<O> {
    /// Answers until it is closed.
    pub(super) fn run(self, per_second: u32) {
        let mut tools = Tools {
            pace: Pace::new(per_second),
            letters: Letters::new(QUERY_BYTES_MAX + 1),
            scratch: Vec::new(),
            out: Vec::with_capacity(MANY),
        };
        while !self.closing.load(Ordering::Acquire) {
            // A panic costs the datagrams that were taken with the one that was its cause.
            if catch_unwind(AssertUnwindSafe(|| self.pass(&mut tools))).is_err() {
                self.counters.panics.one();
                tools.out.clear();
            }
        }
    }

    /// Waits once, and answers all that is there.
    fn pass(&self, Tools { pace, letters, scratch, out }: &mut Tools) {
        if letters.wait_for_one(&self.socket) == 0 {
            return;
        }
        let names = self.book.now();
        for round in 0..ROUNDS_MAX {
            // Errors of answers that went to nobody come here; the next call has what is next.
            if round > 0 && letters.take(&self.socket, MANY).unwrap_or(0) == 0 {
                break;
            }
            let now = self.owner.now();
            for (from, bytes) in letters.each() {
                let answer = self.answer(&names, now, from, bytes, (pace, scratch));
                out.extend(answer.map(|answer| Parcel::to(from, answer)));
            }
            self.send(out);
        }
    }

    fn answer(
        &self,
        names: &Arc<Names>,
        now: Now,
        from: SocketAddr,
        bytes: &[u8],
        (pace, scratch): (&mut Pace, &mut Vec<u8>),
    ) -> Option<Vec<u8>> {
        let (source, counters) = (from.ip(), &self.counters);
        if !Book::admits(names, source, counters) {
            return None;
        }
        let Ok(query) = Query::parse(bytes) else {
            counters.dns_malformed.one();
            return None;
        };
        counters.dns_questions.one();
        match pace.admits(now, source) {
            Admitted::Yes => {}
            Admitted::Short => {
                counters.dns_limited.one();
                return Some(query.truncated());
            }
            Admitted::No => {
                counters.dns_limited.one();
                return None;
            }
        }
        match names.answer(now, source, &query, scratch) {
            Said::Reply(reply, because) => {
                if Refusals::is_one(reply.code) {
                    self.refusals.note((now, source), &query, reply.code, &because);
                }
                Some(query.reply(&reply, query.room()))
            }
            Said::Forward(inquiry, _) => {
                let led = inquiry.into();
                let known = self.forwarder.recall(now, &query, &led, query.room());
                if known.is_none() {
                    self.ask_others(now, led, from, bytes);
                }
                known
            }
            Said::Silence(_) => None,
        }
    }

    /// Asks others, beside everything else; the answer leaves when it is there.
    fn ask_others(&self, now: Now, led: Led, from: SocketAddr, bytes: &[u8]) {
        let Some(place) = self.forwarder.enter(from.ip()) else { return };
        let question = bytes.to_vec();
        // The port is free when we stop, whoever still waits for an answer.
        let (forwarder, socket) = (self.forwarder.clone(), Arc::downgrade(&self.socket));
        let counters = Arc::clone(&self.counters);
        let (refusals, owner) = (self.refusals.clone(), self.owner.clone());
        self.runtime.spawn(async move {
            let (_place, _panics) = (place, PanicWatch(Arc::clone(&counters)));
            let Some(answer) = forwarder.ask(now, &question, led, None).await else { return };
            refusals.note_others((owner.now(), from.ip()), &question, &answer);
            let Some(socket) = socket.upgrade() else { return };
            if say(&socket, from, &answer).is_err() {
                counters.dns_unsent.one();
            }
        });
    }

    /// Sends all; what the kernel will not take is lost, and asked again by whoever asked.
    fn send(&self, out: &mut Vec<Parcel>) {
        let mut rest = out.as_slice();
        while !rest.is_empty() {
            let sent = send_parcels(&self.socket, rest).unwrap_or_else(|_| {
                self.counters.dns_unsent.one();
                1
            });
            rest = rest.get(sent.max(1)..).unwrap_or_default();
        }
        out.clear();
    }
}
