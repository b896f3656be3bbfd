//! How a connection listens: bytes until a request is whole.
//!
//! In: what the socket has. Out: whether there was a request, or an end. Never: more in memory than a
//! head may be long and what was read with it.

use super::{CLOSED, Connection, Desk, Doing, LEAVING_MAX};
use crate::http::head;
use crate::http::tls::handshake::Failed;
use crate::http::tls::words::Told;
use crate::http::transport::NoBytes;
use crate::neighbour;
use crate::owner::{Blob, Bytes, Owner};
use model::{Event, Happening};

/// What is read of a socket at once.
const READ_BYTES: usize = 16 * 1024;

/// Handshakes that came to nothing, told in a second. A port scan makes any number of them.
const TOLD_PER_SECOND: u32 = 20;

/// What came of listening.
pub(super) enum Heard {
    Request,
    Nothing,
    Gone(&'static str),
}

impl<O: Owner, B: Blob> Connection<O, B> {
    /// Reads until a request is whole.
    pub(super) fn listen<S: Bytes<Blob = B>>(&mut self, desk: &mut Desk<O, S>) -> Heard {
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

    pub(super) fn tell_no_tls<S: Bytes<Blob = B>>(&self, desk: &Desk<O, S>, told: Told) {
        let (second, count) = desk.handshakes_told.get();
        let now = desk.owner.now();
        let count = if second == now.seconds() { count + 1 } else { 0 };
        desk.handshakes_told.set((now.seconds(), count));
        if count >= TOLD_PER_SECOND {
            return;
        }
        let (from, Told { why, hint, fault }) = (self.peer.ip(), told);
        let what = Happening::HandshakeFailed { from, why, hint, fault: Some(fault) };
        // It has asked for nothing yet, so nobody has looked who it is.
        let machine = neighbour::of(self.peer.ip(), &self.link);
        desk.owner.tell(Event::new(now, machine, Some(self.link.to_string()), what));
    }
}
