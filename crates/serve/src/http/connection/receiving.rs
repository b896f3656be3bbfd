//! How a connection takes the body of a request.
//!
//! In: the head's question, then bytes. Out: the question, with all of its body; or an end. Never: a
//! byte of the next request, a question with half a body.

use super::listening::Heard;
use super::{CLOSED, Connection, Desk, Doing};
use crate::http::body::{Announced, Incoming, NoRoom};
use crate::http::head::Refused;
use crate::http::request::Question;
use crate::http::transport::{NoBytes, Piece};
use crate::owner::{Blob, Bytes, Owner};
use engine::FileAsk;
use std::io;

/// RFC 9110 §15.2.1.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A request whose body is on its way.
pub(in crate::http) struct Receiving {
    incoming: Incoming,
    /// The client may be waiting for [`CONTINUE`].
    expects: bool,
    question: Box<Question>,
    ask: FileAsk,
}

/// How far the bytes came.
enum Came {
    All,
    NotYet,
    Ended,
    NoRoom,
}

impl From<NoRoom> for Came {
    fn from(_: NoRoom) -> Self {
        Self::NoRoom
    }
}

impl<O: Owner, B: Blob> Connection<O, B> {
    /// A head was read that announces a body.
    pub(in crate::http) fn expect<S: Bytes<Blob = B>>(
        &mut self,
        desk: &Desk<O, S>,
        Announced { length, expects }: Announced,
        question: Box<Question>,
        ask: FileAsk,
    ) -> Result<(), Refused> {
        let from = self.peer.ip();
        if !desk.intake.has_room(from, length) {
            return Err(Refused::Room);
        }
        let incoming = Incoming::new(&desk.intake, from, length);
        self.doing = Doing::Body(Box::new(Receiving { incoming, expects, question, ask }));
        self.pace.since = desk.now;
        Ok(())
    }

    /// Reads until the body is whole, and asks.
    pub(super) fn receive<S: Bytes<Blob = B>>(&mut self, desk: &mut Desk<O, S>) -> Heard {
        self.settle();
        match self.take_in(&mut desk.bytes) {
            Came::All => {}
            Came::NotYet => {
                return self.go_on().map_or(Heard::Gone(CLOSED), |()| Heard::Nothing);
            }
            // It may have closed its half only, and still be reading the file before.
            Came::Ended if !self.leaving.is_empty() => {
                self.ended = true;
                self.finish(desk.now);
                return Heard::Request;
            }
            Came::Ended => return Heard::Gone(CLOSED),
            Came::NoRoom => {
                self.refuse(desk, Refused::Room);
                return Heard::Request;
            }
        }
        let Doing::Body(receiving) = std::mem::replace(&mut self.doing, Doing::Idle) else {
            return Heard::Request;
        };
        let Receiving { incoming, question, mut ask, .. } = *receiving;
        let (body, share) = incoming.done();
        ask.body = Some(body);
        self.ask(desk, question, ask, Some(share));
        Heard::Request
    }

    /// What came with the head, then what the socket has.
    fn take_in(&mut self, bytes: &mut [u8]) -> Came {
        let Doing::Body(receiving) = &mut self.doing else { return Came::All };
        let incoming = &mut receiving.incoming;
        let here = incoming.missing().min(self.held.len());
        if let Err(full) = incoming.take(self.held.get(..here).unwrap_or_default()) {
            return full.into();
        }
        self.held.drain(..here);
        // What is left is the beginning of the next request.
        self.looked = self.held.is_empty();
        while incoming.missing() > 0 {
            if !self.readable {
                return Came::NotYet;
            }
            let most = incoming.missing().min(bytes.len());
            let Some(space) = bytes.get_mut(..most) else { return Came::NotYet };
            match self.wire.read(space) {
                Ok(got) => {
                    // As for a head: less than there was room for was all.
                    self.readable = got == most || self.hung_up || self.wire.bare().is_none();
                    if let Err(full) = incoming.take(space.get(..got).unwrap_or_default()) {
                        return full.into();
                    }
                }
                Err(NoBytes::Yet) => self.readable = false,
                Err(NoBytes::Ended | NoBytes::Broken | NoBytes::NoTls(_)) => {
                    self.readable = false;
                    return Came::Ended;
                }
            }
        }
        Came::All
    }

    /// Tells a client that waits for it to go on, once; who has begun to send does not wait.
    fn go_on(&mut self) -> io::Result<()> {
        let Doing::Body(receiving) = &mut self.doing else { return Ok(()) };
        if std::mem::take(&mut receiving.expects) && !receiving.incoming.has_begun() {
            self.out.extend_from_slice(CONTINUE);
        }
        if !self.writable {
            return Ok(());
        }
        match self.write_out() {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                self.writable = false;
                Ok(())
            }
            done => done,
        }
    }

    fn write_out(&mut self) -> io::Result<()> {
        while let Some(bytes) = self.out.get(self.out_at..).filter(|bytes| !bytes.is_empty()) {
            match self.wire.write(Piece { bytes, more: false }) {
                Ok(sent) => {
                    self.out_at = self.out_at.saturating_add(sent);
                    self.carried = self.carried.saturating_add(sent as u64);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.wire.flush()
    }
}
