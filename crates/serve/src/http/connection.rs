//! One connection: a state machine that is given its turn when something has happened to it.
//!
//! ```text
//! head ─▶ (body) ─▶ asking the owner ─▶ sending ─▶ idle ─▶ head …        (and at the end: closing)
//! ```
//!
//! In: bytes of requests, letters with answers. Out: responses, and how transfers went. Never: a
//! wait of any kind.

mod listening;
mod patience;
mod receiving;

pub(super) use patience::Overdue;

use super::body::Intake;
use super::post::{Facts, Letter};
use super::request::Question;
use super::sending::{Sending, Sent, Turn};
use super::slab::Token;
use super::transport::{NoBytes, Piece, Transport};
use super::warm::Warm;
use crate::Limits;
use crate::bell::Post;
use crate::board::Board;
use crate::count::Counters;
use crate::gate::Gate;
use crate::meter::Meter;
use crate::owner::{Bytes, Owner};
use crate::shelf::Shelf;
use listening::Heard;
use model::HardwareAddress;
use receiving::Receiving;
use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// Requests of one connection that are answered before the others have their turn.
const ANSWERS_A_TURN: usize = 16;
/// Files whose last bytes are on their way while the next ones are asked for.
const LEAVING_MAX: usize = 16;
/// How soon it is looked whether the last bytes of a file have arrived.
const LOOK_FIRST: Duration = Duration::from_millis(10);
/// What a client may send until it notices that we have closed.
const LINGER_BYTES_MAX: usize = 1024 * 1024;
/// Room for a response's head is kept; for a text that was large it is not.
const KEPT_BYTES_MAX: usize = 1024;

/// What all connections of a port share.
pub(super) struct Desk<O, B: Bytes> {
    pub(super) owner: O,
    pub(super) shelf: Shelf<B>,
    pub(super) counters: Arc<Counters>,
    pub(super) limits: Limits,
    pub(super) runtime: Handle,
    pub(super) post: Arc<Post<Letter<B::Blob>>>,
    pub(super) gate: Gate<Token>,
    pub(super) board: Board,
    pub(super) warm: Warm<B::Blob>,
    pub(super) intake: Intake,
    /// No more requests.
    pub(super) closing: bool,
    /// As responses say it.
    pub(super) date: String,
    pub(super) now: Instant,
    /// The second in which a failed handshake was told last, and how many were in it.
    pub(super) handshakes_told: Cell<(u64, u32)>,
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
    pub(super) out_at: usize,
    /// Whether the connection goes on after this response.
    pub(super) keep: bool,
    readable: bool,
    writable: bool,
    /// The other end has said that nothing more will come, or is gone.
    hung_up: bool,
    /// The other end has closed its half.
    ended: bool,
    /// Nothing can be sent any more.
    dead: bool,
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
    /// A head is read whose body has not all arrived.
    Body(Box<Receiving>),
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

pub(super) const CLOSED: &str = "the client closed the connection";
const LATE: &str = "its request did not arrive in time";
const SPOILT: &str = "it could not be read from the image store";

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
            dead: false,
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
        let rests = matches!(self.doing, Doing::Idle) && self.leaving.is_empty();
        rests.then_some(self.pace.rest)
    }

    /// Something happened to the socket.
    pub(super) fn stirred(
        &mut self,
        (readable, writable): (bool, bool),
        hung_up: bool,
        dead: bool,
    ) {
        self.dead |= dead;
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
        let mut turn = Turn { token: self.token, had: 0, now: desk.now };
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
                Doing::Body(_) => match self.receive(desk) {
                    Heard::Request => {}
                    Heard::Nothing => return Next::Wait,
                    Heard::Gone(why) => return Next::Gone(why),
                },
                Doing::Asking(_) | Doing::Cold(_) if self.dead => return Next::Gone(CLOSED),
                Doing::Asking(_) | Doing::Cold(_) => return Next::Wait,
                Doing::Sending(_) => match self.send(desk, &mut turn) {
                    Sent::All => self.complete(desk),
                    Sent::Full => {
                        self.writable = false;
                        return Next::Wait;
                    }
                    Sent::NextTurn => return Next::Again,
                    Sent::Until(_) if self.dead => return Next::Gone(CLOSED),
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
        // A client that hung up and then refused what was still on its way leaves nothing to wait for.
        let over = self.leaving.is_empty() || (self.dead && self.wire.is_over());
        if self.ended && over { Next::Gone(CLOSED) } else { Next::Wait }
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
}
