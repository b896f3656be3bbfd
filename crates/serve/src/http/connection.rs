//! One connection: a state machine that is given its turn when something has happened to it.
//!
//! ```text
//! head ─▶ asking the owner ─▶ sending ─▶ idle ─▶ head …        (and at the end: closing)
//! ```
//!
//! In: bytes of requests, letters with answers. Out: responses, and how transfers went. Never: a
//! wait of any kind. A body of a request would be one state more between head and asking.

use super::gate::Gate;
use super::head;
use super::post::{Facts, Letter, Post};
use super::request::Question;
use super::sending::{Sending, Sent, Turn};
use super::shelf::Shelf;
use super::slab::Token;
use super::tls::handshake::Failed;
use super::tls::words::{Told, Unfinished};
use super::transport::{NoBytes, Piece, Transport};
use super::warm::Warm;
use crate::Limits;
use crate::count::Counters;
use crate::meter::Meter;
use crate::owner::{Bytes, Owner};
use model::{Event, Happening, HardwareAddress};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// What is read of a socket at once.
const READ_BYTES: usize = 16 * 1024;
/// Requests of one connection that are answered before the others have their turn.
const ANSWERS_A_TURN: usize = 16;
/// Files whose last bytes are on their way while the next ones are asked for.
const LEAVING_MAX: usize = 16;
/// How soon it is looked whether the last bytes of a file have arrived, at first and at last.
const LOOK_FIRST: Duration = Duration::from_millis(10);
const LOOK_LAST: Duration = Duration::from_millis(500);
/// How long a client may take to notice that we have closed.
const LINGER: Duration = Duration::from_secs(2);
/// What it may send meanwhile.
const LINGER_BYTES_MAX: usize = 1024 * 1024;
/// Room for a response's head is kept; for a text that was large it is not.
const KEPT_BYTES_MAX: usize = 1024;

/// What all connections of a port share.
pub(super) struct Desk<O, B: Bytes> {
    pub(super) owner: O,
    pub(super) shelf: Arc<Shelf<B>>,
    pub(super) counters: Arc<Counters>,
    pub(super) limits: Limits,
    pub(super) runtime: Handle,
    pub(super) post: Arc<Post<B::Blob>>,
    pub(super) gate: Gate,
    pub(super) warm: Warm<B::Blob>,
    /// No more requests.
    pub(super) closing: bool,
    /// As responses say it.
    pub(super) date: String,
    pub(super) now: Instant,
    /// For bytes that stay for one turn only.
    pub(super) bytes: Vec<u8>,
}

/// Bytes of [`Desk::bytes`].
pub(super) const DESK_BYTES: usize = 64 * 1024;

/// One connection.
pub(super) struct Connection<O, B> {
    token: Token,
    pub(super) peer: SocketAddr,
    pub(super) at: SocketAddr,
    pub(super) link: Arc<str>,
    pub(super) wire: Transport,
    pub(super) doing: Doing<O, B>,
    /// Bytes that came and are not understood yet.
    held: Vec<u8>,
    /// All of them were looked at.
    looked: bool,
    /// What goes out before any blob: a head, a text.
    pub(super) out: Vec<u8>,
    out_at: usize,
    /// Whether the connection goes on after this response.
    pub(super) keep: bool,
    readable: bool,
    writable: bool,
    /// The other end has said that nothing more will come, or is gone.
    hung_up: bool,
    /// The other end has closed its half.
    ended: bool,
    /// It is not the network's doing that nothing leaves, but the gate's.
    held_back: bool,
    /// It has a turn coming anyway.
    pub(super) queued: bool,
    /// The earliest turn that is fixed for it.
    pub(super) alarm: Option<Instant>,
    /// Bytes of responses that it has carried so far.
    pub(super) carried: u64,
    /// Files that are all in the kernel's hands and not yet across.
    leaving: VecDeque<Leaving<O>>,
    look: Duration,
    /// When it wants its turn although nothing happens.
    pub(super) wake: Option<Instant>,
    /// Looked up with the first request; a connection does not change its other end.
    pub(super) neighbour: Option<Option<HardwareAddress>>,
    /// Answers that stay true for a while, the last one first.
    pub(super) known: Vec<Known>,
    pace: Pace,
    lingered: usize,
}

/// An answer that may be given again as long as the owner's edition is the same.
pub(super) struct Known {
    pub(super) target: Box<str>,
    pub(super) edition: u64,
    pub(super) facts: Arc<Facts>,
}

/// What a connection is busy with.
pub(super) enum Doing<O, B> {
    /// A head has begun to arrive; the first one begins with the connection.
    Head,
    /// An answer is looked for.
    Asking(Box<Question>),
    /// What is in `out` goes out, then a part of a blob.
    Sending(Option<Box<Sending<O, B>>>),
    /// As before, but the disk is being asked.
    Cold(Box<Sending<O, B>>),
    /// Nothing, after an answer.
    Idle,
    /// We have closed; the client has not noticed.
    Closing,
}

/// A file on its last stretch.
struct Leaving<O> {
    meter: Meter<O>,
    begun: u64,
    end: u64,
}

/// Times, and how far the client had come at them.
struct Pace {
    /// Since when it does what it does.
    since: Instant,
    window: Instant,
    /// Bytes that had arrived then.
    arrived: u64,
    /// How often it has fallen idle.
    rest: u32,
}

/// What comes after a turn.
pub(super) enum Next {
    /// Something has to happen first.
    Wait,
    /// Another turn, after the others'.
    Again,
    /// The end.
    Gone(&'static str),
}

/// Why a sweep ends a connection.
pub(super) enum Overdue {
    /// It was idle or slow.
    Cut(&'static str),
    /// It was closed long enough ago.
    Closed,
}

pub(super) const CLOSED: &str = "the client closed the connection";
const LATE: &str = "its request did not arrive in time";
const SPOILT: &str = "it could not be read from the image store";

/// What came of listening.
enum Heard {
    Request,
    Nothing,
    Gone(&'static str),
}

impl<O: Owner, B: crate::owner::Blob> Connection<O, B> {
    pub(super) fn new(
        token: Token,
        (peer, at): (SocketAddr, SocketAddr),
        link: Arc<str>,
        wire: Transport,
        now: Instant,
    ) -> Self {
        Self {
            token,
            peer,
            at,
            link,
            wire,
            doing: Doing::Head,
            held: Vec::new(),
            looked: true,
            out: Vec::new(),
            out_at: 0,
            keep: true,
            // The first bytes may be there already.
            readable: true,
            writable: true,
            hung_up: false,
            ended: false,
            held_back: false,
            queued: false,
            alarm: None,
            carried: 0,
            leaving: VecDeque::new(),
            look: LOOK_FIRST,
            wake: None,
            neighbour: None,
            known: Vec::new(),
            pace: Pace { since: now, window: now, arrived: 0, rest: 0 },
            lingered: 0,
        }
    }

    pub(super) fn token(&self) -> Token {
        self.token
    }

    /// The number of its rest, if it is idle.
    pub(super) fn resting(&self) -> Option<u32> {
        matches!(self.doing, Doing::Idle).then_some(self.pace.rest)
    }

    /// Something happened to the socket.
    pub(super) fn stirred(&mut self, readable: bool, writable: bool, hung_up: bool) {
        self.readable |= readable | hung_up;
        self.writable |= writable | hung_up;
        self.hung_up |= hung_up;
    }

    /// Goes on until something has to be waited for, or others should have their turn.
    pub(super) fn turn<S: Bytes<Blob = B>>(&mut self, desk: &mut Desk<O, S>) -> Next {
        if desk.bytes.len() < DESK_BYTES {
            desk.bytes.resize(DESK_BYTES, 0);
        }
        self.look_after(desk.now);
        let mut turn = Turn { token: self.token, peer: self.peer.ip(), had: 0, now: desk.now };
        let mut answers = 0;
        loop {
            match &mut self.doing {
                Doing::Head | Doing::Idle => {
                    if answers == ANSWERS_A_TURN {
                        return Next::Again;
                    }
                    match self.listen(desk) {
                        Heard::Request => answers += 1,
                        Heard::Nothing => return Next::Wait,
                        Heard::Gone(why) => return Next::Gone(why),
                    }
                }
                Doing::Asking(_) | Doing::Cold(_) => return Next::Wait,
                Doing::Sending(_) => match self.send(desk, &mut turn) {
                    Sent::All => self.complete(desk),
                    Sent::Full => {
                        self.writable = false;
                        return Next::Wait;
                    }
                    Sent::NextTurn => return Next::Again,
                    Sent::Until(at) => {
                        self.held_back = true;
                        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
                        return Next::Wait;
                    }
                    Sent::Cold => {
                        self.doing = match std::mem::replace(&mut self.doing, Doing::Idle) {
                            Doing::Sending(Some(sending)) => Doing::Cold(sending),
                            other => other,
                        };
                        return Next::Wait;
                    }
                    Sent::Gone => return Next::Gone(CLOSED),
                    Sent::Spoilt(cause) => {
                        self.spoilt(desk, &cause);
                        return Next::Gone(SPOILT);
                    }
                },
                Doing::Closing => return self.linger(desk),
            }
        }
    }

    /// Reads until a request is whole.
    fn listen<S: Bytes<Blob = B>>(&mut self, desk: &mut Desk<O, S>) -> Heard {
        self.settle();
        if self.leaving.len() >= LEAVING_MAX {
            return Heard::Nothing;
        }
        let mut bytes = std::mem::take(&mut desk.bytes);
        let heard = self.listen_into(desk, &mut bytes);
        desk.bytes = bytes;
        heard
    }

    fn listen_into<S: Bytes<Blob = B>>(
        &mut self,
        desk: &mut Desk<O, S>,
        bytes: &mut [u8],
    ) -> Heard {
        loop {
            let had = self.held.len();
            let Some((old, new)) = bytes.split_at_mut_checked(had) else {
                return Heard::Gone("it sent more than a request");
            };
            old.copy_from_slice(&self.held);
            let mut got = 0;
            // What came with the request before may be a whole one.
            if self.looked {
                let Some(space) = new.get_mut(..READ_BYTES) else {
                    return Heard::Gone("it sent more than a request");
                };
                got = match self.hear(desk, space) {
                    Ok(got) => got,
                    Err(nothing) => return nothing,
                };
            }
            let Some(all) = bytes.get(..had.saturating_add(got)) else { return Heard::Nothing };
            let fresh = all.get(had..).unwrap_or_default();
            // A head ends with a line's end; the first bytes are looked at whatever they are.
            let whole = had == 0 || !self.looked || fresh.contains(&b'\n');
            self.looked = true;
            let whole = whole || all.len() >= head::HEAD_BYTES_MAX;
            let taken = if whole { self.understand(desk, all) } else { None };
            if let Some(taken) = taken {
                self.held.clear();
                self.held.extend_from_slice(all.get(taken..).unwrap_or_default());
                self.looked = self.held.is_empty();
                return Heard::Request;
            }
            if got > 0 {
                self.held.extend_from_slice(all.get(had..).unwrap_or_default());
            }
        }
    }

    /// Bytes from the socket.
    fn hear<S: Bytes<Blob = B>>(
        &mut self,
        desk: &mut Desk<O, S>,
        space: &mut [u8],
    ) -> Result<usize, Heard> {
        if !self.readable {
            return Err(Heard::Nothing);
        }
        match self.wire.read(space) {
            Ok(got) => {
                // Less than there was room for: that was all. What comes from now on is told anew;
                // that the other end hung up may have been told before.
                self.readable = got == space.len() || self.hung_up || self.wire.bare().is_none();
                if matches!(self.doing, Doing::Idle) {
                    self.doing = Doing::Head;
                    self.pace.since = desk.now;
                }
                Ok(got)
            }
            Err(NoBytes::Yet) => {
                self.readable = false;
                Err(Heard::Nothing)
            }
            // It may have closed its half only, and still be reading.
            Err(NoBytes::Ended) if !self.leaving.is_empty() => {
                (self.ended, self.readable) = (true, false);
                self.finish(desk.now);
                Err(Heard::Request)
            }
            Err(NoBytes::Ended | NoBytes::Broken) => Err(Heard::Gone(CLOSED)),
            Err(NoBytes::NoTls(Failed { told, plain })) => Err(self.no_tls(desk, told, plain)),
        }
    }

    fn no_tls<S: Bytes<Blob = B>>(
        &mut self,
        desk: &mut Desk<O, S>,
        told: Told,
        plain: bool,
    ) -> Heard {
        self.tell_no_tls(desk, told);
        if plain {
            let text = "this port speaks HTTPS: use https:// in the URL";
            self.refuse(desk, head::Refused::Form(text));
        } else {
            self.finish(desk.now);
        }
        Heard::Request
    }

    fn tell_no_tls<S: Bytes<Blob = B>>(&self, desk: &Desk<O, S>, told: Told) {
        let Told { why, hint } = told;
        desk.owner.tell(Event {
            at: desk.owner.now(),
            machine: None,
            link: Some(self.link.to_string()),
            what: Happening::HandshakeFailed { from: self.peer.ip(), why, hint },
        });
    }

    /// Sends what is in `out`, then what there is of a blob.
    fn send<S: Bytes<Blob = B>>(&mut self, desk: &mut Desk<O, S>, turn: &mut Turn) -> Sent {
        let Doing::Sending(blob) = &mut self.doing else { return Sent::All };
        if !self.writable {
            return Sent::Full;
        }
        self.held_back = false;
        let more = blob.as_ref().is_some_and(|blob| !blob.ended());
        while let Some(bytes) = self.out.get(self.out_at..).filter(|bytes| !bytes.is_empty()) {
            match self.wire.write(Piece { bytes, more }) {
                Ok(sent) => {
                    self.out_at = self.out_at.saturating_add(sent);
                    self.carried = self.carried.saturating_add(sent as u64);
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Sent::Full,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Sent::Gone,
            }
        }
        if let Some(blob) = blob {
            match blob.send(desk, &mut self.wire, turn, &mut self.carried) {
                Sent::All => {}
                not_yet => return not_yet,
            }
        }
        match self.wire.flush() {
            Ok(()) => Sent::All,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Sent::Full,
            Err(_) => Sent::Gone,
        }
    }

    /// A response is in the kernel's hands.
    fn complete<S: Bytes<Blob = B>>(&mut self, desk: &mut Desk<O, S>) {
        let done = std::mem::replace(&mut self.doing, Doing::Idle);
        if let Doing::Sending(Some(sending)) = done {
            let Sending { meter, begun, length, .. } = *sending;
            if let Some(meter) = meter {
                let end = begun.saturating_add(length);
                self.leaving.push_back(Leaving { meter, begun, end });
                self.look = LOOK_FIRST;
                self.wake.get_or_insert(desk.now + self.look);
            }
        }
        self.out.clear();
        self.out_at = 0;
        if self.out.capacity() > KEPT_BYTES_MAX {
            self.out = Vec::new();
        }
        if self.held.is_empty() && self.held.capacity() > KEPT_BYTES_MAX {
            self.held = Vec::new();
        }
        self.pace.since = desk.now;
        self.pace.rest = self.pace.rest.wrapping_add(1);
        if !self.keep || desk.closing {
            self.finish(desk.now);
        }
    }

    /// From here on nothing more is said.
    fn finish(&mut self, now: Instant) {
        self.wire.finish();
        self.doing = Doing::Closing;
        self.held = Vec::new();
        self.pace.since = now;
    }

    /// Waits for the client to close too: what it still sends must not make the kernel throw away
    /// what it has not read (RFC 9112 §9.6).
    fn linger<S: Bytes<Blob = B>>(&mut self, desk: &mut Desk<O, S>) -> Next {
        self.settle();
        while self.readable {
            match self.wire.drain(&mut desk.bytes) {
                Ok(got) => {
                    self.lingered = self.lingered.saturating_add(got);
                    if self.lingered > LINGER_BYTES_MAX {
                        return Next::Gone(CLOSED);
                    }
                }
                Err(NoBytes::Yet) => self.readable = false,
                Err(NoBytes::Ended) => (self.ended, self.readable) = (true, false),
                Err(NoBytes::Broken | NoBytes::NoTls(_)) => return Next::Gone(CLOSED),
            }
        }
        if self.ended && self.leaving.is_empty() { Next::Gone(CLOSED) } else { Next::Wait }
    }

    /// Tells of files that are across.
    fn settle(&mut self) {
        if self.leaving.is_empty() {
            return;
        }
        let arrived = self.arrived();
        while self.leaving.front().is_some_and(|file| file.end <= arrived) {
            if let Some(file) = self.leaving.pop_front() {
                file.meter.done(0);
            }
        }
    }

    /// Bytes of responses that the other end has.
    pub(super) fn arrived(&self) -> u64 {
        // Our own end of the connection counts as a byte.
        let end = u64::from(matches!(self.doing, Doing::Closing));
        self.carried.saturating_sub(self.wire.underway().saturating_sub(end))
    }

    /// Looks whether files are across, ever more seldom.
    fn look_after(&mut self, now: Instant) {
        if self.wake.is_none_or(|wake| wake > now) {
            return;
        }
        self.wake = None;
        self.settle();
        if !self.leaving.is_empty() {
            self.look = self.look.saturating_mul(2).min(LOOK_LAST);
            self.wake = Some(now + self.look);
        }
    }

    /// A letter came.
    pub(super) fn letter<S: Bytes<Blob = B>>(
        &mut self,
        desk: &mut Desk<O, S>,
        letter: Letter<B>,
    ) -> Next {
        match letter {
            Letter::Answer { neighbour, says, .. } => {
                self.neighbour = Some(neighbour);
                self.answered(desk, says);
            }
            Letter::Piece { piece, read, .. } => {
                match std::mem::replace(&mut self.doing, Doing::Idle) {
                    Doing::Cold(mut sending) => {
                        sending.fetched(piece);
                        self.doing = Doing::Sending(Some(sending));
                    }
                    other => self.doing = other,
                }
                if let Err(cause) = read {
                    self.spoilt(desk, &cause);
                    return Next::Gone(SPOILT);
                }
            }
        }
        self.turn(desk)
    }

    /// The server stops: who has nothing to do goes at once.
    pub(super) fn may_go(&self) -> bool {
        match self.doing {
            Doing::Idle => self.leaving.is_empty(),
            Doing::Head => self.held.is_empty() && !self.readable,
            _ => false,
        }
    }

    /// Whether its time is over, and how its transfers go.
    pub(super) fn sweep(&mut self, limits: &Limits, now: Instant) -> Option<Overdue> {
        let since = now.saturating_duration_since(self.pace.since);
        let sends = match &self.doing {
            Doing::Head if since >= limits.http_head => {
                return Some(Overdue::Cut(LATE));
            }
            Doing::Idle if self.leaving.is_empty() && since >= limits.http_idle => {
                return Some(Overdue::Cut("it was idle"));
            }
            Doing::Closing if self.leaving.is_empty() && since >= LINGER => {
                return Some(Overdue::Closed);
            }
            Doing::Sending(_) => !self.held_back,
            _ => !self.leaving.is_empty(),
        };
        let arrived = self.arrived();
        self.tell_progress(arrived);
        // While we let it wait, it is not the client that is slow.
        if !sends {
            (self.pace.window, self.pace.arrived) = (now, arrived);
            return None;
        }
        if now.saturating_duration_since(self.pace.window) < limits.http_slow {
            return None;
        }
        let enough = arrived.saturating_sub(self.pace.arrived) >= limits.http_slow_bytes;
        (self.pace.window, self.pace.arrived) = (now, arrived);
        (!enough).then_some(Overdue::Cut("the client read too slowly"))
    }

    fn tell_progress(&mut self, arrived: u64) {
        if let Doing::Sending(Some(sending)) | Doing::Cold(sending) = &mut self.doing {
            let sent = arrived.saturating_sub(sending.begun).min(sending.length);
            if let Some(meter) = &mut sending.meter {
                meter.progress(sent);
            }
        }
        for file in &mut self.leaving {
            file.meter.progress(arrived.saturating_sub(file.begun).min(file.end - file.begun));
        }
    }

    /// A new response begins: a client that takes its time between two is not slow.
    pub(super) fn pace_anew(&mut self, now: Instant) {
        self.pace.window = now;
        self.pace.arrived = self.arrived();
    }

    /// The connection is no more. What was not across is told of as cut.
    pub(super) fn gone<S: Bytes<Blob = B>>(mut self, desk: &Desk<O, S>, why: &'static str) {
        self.settle();
        let arrived = self.arrived();
        for file in self.leaving.drain(..) {
            file.meter.failed(arrived.saturating_sub(file.begun), why.to_owned());
        }
        if let Doing::Sending(Some(sending)) | Doing::Cold(sending) = &mut self.doing
            && let Some(meter) = sending.meter.take()
        {
            let sent = arrived.saturating_sub(sending.begun).min(sending.length);
            meter.failed(sent, why.to_owned());
        }
        if why == LATE
            && let Transport::Tls(secured) = &self.wire
            && let Some(told) = secured.unfinished(Unfinished::Late)
        {
            self.tell_no_tls(desk, told);
        }
    }
}
