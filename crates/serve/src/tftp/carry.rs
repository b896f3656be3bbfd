//! One transfer: what it sends next, and what it hears.
//!
//! In: packets of its client, moments, bytes that were fetched. Out: bursts of blocks, and what it
//! waits for. Never: a wait; another transfer.

use super::burst::Burst;
use super::bytes::{Cold, Reading};
use super::ports::{Port, Sent};
use crate::gate::{Gate, Ticket};
use crate::meter::{About, Meter};
use crate::owner::{Blob, Owner};
use engine::tftp::{Progress, SessionId, Step, Transfer, Why};
use model::Now;
use model::event::Cut;
use std::net::{IpAddr, SocketAddr};
use wire::tftp::Packet;

/// What all transfers use in turn.
pub(super) struct Tools {
    pub(super) gate: Gate<SocketAddr>,
    pub(super) burst: Burst,
    /// As large as one burst can be.
    pub(super) scratch: Vec<u8>,
}

/// One transfer.
pub(super) struct Carry<O, B> {
    pub(super) id: SessionId,
    pub(super) client: SocketAddr,
    /// Which of the ports.
    pub(super) port: usize,
    /// From our address to the client's.
    way: (IpAddr, IpAddr),
    /// For the gate, from the first ACK until all is out: who has not answered takes nobody's turn, and
    /// neither does who never sends the last ACK.
    ticket: Option<Ticket>,
    pub(super) transfer: Transfer,
    pub(super) reading: Reading<B>,
    /// Of a block.
    pub(super) size: usize,
    pub(super) burst_max: usize,
    /// Blocks of a window.
    pub(super) window: u16,
    pub(super) about: About,
    pub(super) asked: Now,
    /// Told of from the first ACK on: a question for the size is no transfer.
    pub(super) meter: Option<Meter<O>>,
    /// A burst that could not leave yet.
    unsent: Option<Burst>,
    /// A step that came after a burst it does not belong to.
    held: Option<Step>,
    /// It goes on when something else has happened.
    pub(super) stalled: bool,
    /// It stands in the queue of those with something to do.
    pub(super) queued: bool,
    /// Its place among the moments.
    pub(super) moment: Option<Now>,
}

/// What a transfer did when it was asked to go on.
pub(super) enum Did<B> {
    /// A burst is out.
    Sent,
    /// Nothing to do before this moment.
    Wait(Now),
    /// A range has to be fetched.
    Cold(Cold<B>),
    /// The port has no room.
    Full,
    /// It is over: [`Step::Done`] or [`Step::GiveUp`].
    End(Step),
}

impl<O: Owner, B: Blob> Carry<O, B> {
    pub(super) fn new(
        (id, client, port): (SessionId, SocketAddr, usize),
        way: (IpAddr, IpAddr),
        transfer: Transfer,
        reading: Reading<B>,
        (size, burst_max, window): (u16, u16, u16),
        about: About,
        asked: Now,
    ) -> Self {
        let size = usize::from(size);
        Self {
            id,
            client,
            port,
            way,
            ticket: None,
            transfer,
            reading,
            size,
            burst_max: usize::from(burst_max).clamp(1, Burst::most(size)),
            window,
            about,
            asked,
            meter: None,
            unsent: None,
            held: None,
            stalled: false,
            queued: false,
            moment: None,
        }
    }

    /// Does one thing, and says what comes after it.
    pub(super) fn go_on(&mut self, now: Now, port: &mut Port, tools: &mut Tools) -> Did<B> {
        if let Some(unsent) = self.unsent.take() {
            tools.burst = unsent;
        } else {
            let most = match self.most(now, &mut tools.gate) {
                Ok(most) => most,
                Err(until) => return Did::Wait(until),
            };
            match self.gather(now, most, &mut tools.burst) {
                Some(Step::SendOack(bytes)) => {
                    port.say(self.client, &bytes);
                    return Did::Sent;
                }
                Some(Step::WaitUntil(until)) if tools.burst.is_empty() => return Did::Wait(until),
                Some(end @ (Step::Done(_) | Step::GiveUp(_))) => return Did::End(end),
                _ => {}
            }
        }
        self.send(now, port, tools)
    }

    /// How many blocks may be sent now.
    fn most(&mut self, now: Now, gate: &mut Gate<SocketAddr>) -> Result<usize, Now> {
        let waiting = usize::try_from(self.transfer.waiting()).unwrap_or(usize::MAX);
        // One more question brings to light what the clock wants.
        let most = waiting.clamp(1, self.burst_max);
        if waiting == 0 {
            return Ok(most);
        }
        let left = self.about.size.saturating_sub(self.transfer.progress().bytes);
        let (client, way) = (self.client, self.way);
        let ticket = self.ticket.get_or_insert_with(|| gate.enter(now, client, way, left));
        let allowed = gate.allowed(now, ticket, (most * self.size) as u64);
        if let Some(meter) = &self.meter {
            meter.waits(gate.is_waiting(ticket));
        }
        let allowed = allowed?;
        let blocks = usize::try_from(allowed).unwrap_or(usize::MAX) / self.size;
        Ok(blocks.clamp(1, most))
    }

    /// Puts blocks into the burst until there are enough or none that belongs to it; then gives
    /// the step that came instead.
    fn gather(&mut self, now: Now, most: usize, burst: &mut Burst) -> Option<Step> {
        burst.clear();
        while burst.heads.len() < most {
            let step = match self.held.take() {
                Some(held) => held,
                None => self.transfer.next(now),
            };
            let Step::SendData { block, offset, len } = step else { return Some(step) };
            if !burst.push(wire::tftp::data_header(block), offset, len) {
                self.held = Some(step);
                return None;
            }
        }
        None
    }

    /// Sends the burst, or keeps it.
    fn send(&mut self, now: Now, port: &mut Port, tools: &mut Tools) -> Did<B> {
        let Tools { burst, scratch, gate } = tools;
        let range = (burst.offset, burst.length);
        let last = burst.end() >= self.about.size;
        match if last { self.reading.still_whole() } else { Ok(()) } {
            Ok(()) => {}
            Err(cause) if cause.kind() == std::io::ErrorKind::WouldBlock => {
                return self.fetch(now, burst);
            }
            Err(_) => {
                self.transfer.source_changed();
                return Did::End(self.transfer.next(now));
            }
        }
        let once = self.transfer.is_half_open();
        let sent = match self.reading.range(range, once, scratch) {
            Ok(bytes) => port.send(self.client, burst, bytes, self.size),
            Err(cause) if cause.kind() == std::io::ErrorKind::WouldBlock => {
                return self.fetch(now, burst);
            }
            Err(_) => {
                self.transfer.source_failed();
                return Did::End(self.transfer.next(now));
            }
        };
        match sent {
            Sent::All => {
                self.note_sent(gate, burst.length);
                if burst.end() >= self.about.size {
                    self.ticket = None;
                }
                Did::Sent
            }
            Sent::Some(out) => {
                self.note_sent(gate, out * self.size);
                burst.drop_front(out, self.size);
                self.keep(burst);
                Did::Full
            }
        }
    }

    /// Keeps the burst until its bytes were fetched.
    fn fetch(&mut self, now: Now, burst: &mut Burst) -> Did<B> {
        let Some(cold) = self.reading.cold((burst.offset, burst.length)) else {
            self.transfer.source_failed();
            return Did::End(self.transfer.next(now));
        };
        self.keep(burst);
        Did::Cold(cold)
    }

    fn note_sent(&mut self, gate: &mut Gate<SocketAddr>, bytes: usize) {
        match &mut self.ticket {
            Some(ticket) => gate.sent(ticket, bytes as u64),
            None => gate.sent_unasked(bytes as u64),
        }
    }

    fn keep(&mut self, burst: &mut Burst) {
        self.unsent = Some(std::mem::take(burst));
        self.stalled = true;
    }

    /// A range was fetched, or could not be.
    pub(super) fn fetched(&mut self, offset: u64, bytes: std::io::Result<Vec<u8>>) {
        self.stalled = false;
        match bytes {
            Ok(bytes) => self.reading.fetched(offset, bytes),
            Err(_) => {
                self.unsent = None;
                self.transfer.source_failed();
            }
        }
    }

    /// A packet of the client came. True: it was the first ACK.
    pub(super) fn hear(&mut self, now: Now, owner: &O, bytes: &[u8]) -> bool {
        match Packet::parse(bytes) {
            Ok(Packet::Ack { block }) => self.transfer.acknowledge(now, block),
            Ok(Packet::Error { code, text }) => {
                self.transfer.client_error(now, code, &text);
                self.unsent = None;
                return false;
            }
            _ => return false,
        }
        if self.transfer.is_half_open() {
            return false;
        }
        if let Some(meter) = &mut self.meter {
            let progress = self.transfer.progress();
            meter.progress_at(now, progress.bytes, progress.resent);
            return false;
        }
        self.meter = Some(Meter::start(owner.clone(), self.about.clone(), self.asked));
        true
    }

    /// It is over, and this is why.
    pub(super) fn end(mut self, owner: &O, port: &Port, end: Step) {
        match end {
            Step::Done(summary) => {
                if let Some(meter) = self.meter.take() {
                    meter.done(summary.progress.resent);
                }
            }
            Step::GiveUp(why) => self.give_up(owner, port, &why),
            Step::SendData { .. } | Step::SendOack(_) | Step::WaitUntil(_) => {}
        }
    }

    fn give_up(self, owner: &O, port: &Port, why: &Why) {
        if let Some(farewell) = why.farewell() {
            port.say(self.client, &farewell);
        }
        // Whoever watches has seen it start, so it must see it end.
        if why.is_fault() || self.meter.is_some() {
            self.fail(owner, why.to_string(), why.cut());
        }
    }

    /// It ended early; that is told.
    pub(super) fn fail(self, owner: &O, why: String, cut: Cut) {
        let Progress { bytes: sent, resent, .. } = self.transfer.progress();
        match self.meter {
            Some(meter) => meter.failed(sent, resent, why, cut),
            None => {
                let meter = Meter::start_silently(owner.clone(), self.about, self.asked);
                meter.failed(sent, resent, why, cut);
            }
        }
    }
}
