//! A part of a blob on its way out.
//!
//! In: the blob, from where to where. Out: its bytes, by the kernel where it can, and how far they
//! came. Never: a wait for a disk, a byte too many, an end that is not one whole version.

use super::connection::Desk;
use super::post::Facts;
use super::slab::Token;
use super::transport::{Piece, Transport, send_file};
use super::warm::PIECE;
use crate::gate::{Gate, Ticket};
use crate::meter::Meter;
use crate::owner::{Blob, Bytes, Owner};
use crate::part::Part;
use crate::sys::block_reads;
use model::Now;
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// So much of one connection leaves before the others have their turn.
const TURN_BYTES: u64 = 2 * 1024 * 1024;
/// So much goes out in one piece with the head, copied: cheaper than to ask the kernel twice.
const SMALL_BYTES: u64 = 16 * 1024;
/// So much goes out at the end, copied, once nothing is doubtful any more: what the kernel sends by
/// itself it may have fetched from the disk that very moment.
const TAIL_BYTES: u64 = 16 * 1024;

/// What a record of TLS can hold (RFC 8446, 5.1).
const RECORD_BYTES: usize = 16 * 1024;
/// From this size on only whole segments leave until the end (tcp(7), TCP_CORK): sendfile would else
/// push a short one after each of its calls, and wake the reader for it.
const CORKED_FROM_BYTES: u64 = 512 * 1024;

/// A part of a blob that is being sent.
pub(super) struct Sending<O, B> {
    pub(super) facts: Arc<Facts>,
    pub(super) blob: Part<B>,
    at: u64,
    end: u64,
    /// How many bytes the connection had carried before the first of these.
    pub(super) begun: u64,
    pub(super) length: u64,
    pub(super) meter: Option<Meter<O>>,
    ticket: Ticket,
    corked: bool,
    /// The piece that was seen in memory, or fetched for us.
    in_memory: Option<u64>,
    /// The last time that bytes came from the disk while they left; 0 is never. They have to be checked
    /// before the end.
    doubt: u64,
}

/// What became of some bytes.
enum Left {
    Bytes(u64),
    /// The file ends before.
    Nothing,
    /// They are not in memory, or were not checked since they came there.
    Cold,
}

/// How far a turn came.
pub(super) enum Sent {
    All,
    /// The network takes no more.
    Full,
    /// Others have their turn first.
    NextTurn,
    /// It may go on then.
    Until(Instant),
    /// The disk is asked; a letter will come.
    Cold,
    /// The client is gone.
    Gone,
    /// The blob is not what it was.
    Spoilt(io::Error),
}

/// Whose turn it is.
pub(super) struct Turn {
    pub(super) token: Token,
    /// Bytes of files it has sent in this turn.
    pub(super) had: u64,
    pub(super) now: Instant,
}

impl<O: Owner, B: Blob> Sending<O, B> {
    pub(super) fn new(
        facts: Arc<Facts>,
        blob: Part<B>,
        (from, end): (u64, u64),
        ticket: Ticket,
    ) -> Self {
        let length = end.saturating_sub(from);
        Self {
            facts,
            blob,
            at: from,
            end,
            begun: 0,
            length,
            meter: None,
            ticket,
            corked: false,
            in_memory: None,
            doubt: 0,
        }
    }

    pub(super) fn ended(&self) -> bool {
        self.at >= self.end
    }

    /// A piece was fetched for us.
    pub(super) fn fetched(&mut self, piece: u64) {
        self.in_memory = Some(piece);
    }

    /// Puts a small part right behind its head, if it may leave now, is in memory and whole.
    pub(super) fn join(&mut self, out: &mut Vec<u8>, gate: &mut Gate<Token>, now: Now) {
        let all = self.length;
        if all > SMALL_BYTES || gate.allowed(now, &mut self.ticket, all) != Ok(all) {
            return;
        }
        let head = out.len();
        out.resize(head.saturating_add(usize::try_from(self.length).unwrap_or(0)), 0);
        let read = out.get_mut(head..).map_or(Ok(0), |part| self.blob.read_now(part, self.at));
        let whole = matches!(read, Ok(read) if read as u64 == self.length);
        if whole && self.blob.still_whole().is_ok() {
            self.at = self.end;
            gate.sent(&mut self.ticket, all);
        } else {
            out.truncate(head);
        }
    }

    /// Sends as much as is this turn's.
    pub(super) fn send<S: Bytes<Blob = B>>(
        &mut self,
        desk: &mut Desk<O, S>,
        wire: &mut Transport,
        turn: &mut Turn,
        carried: &mut u64,
    ) -> Sent {
        while self.at < self.end {
            // Pieces end where they would if the blob had been sent from its beginning.
            let piece = self.at / PIECE;
            let to = piece.saturating_add(1).saturating_mul(PIECE).min(self.end);
            // The gate: whatever holds bytes of files back does so here.
            let wanted = TURN_BYTES.saturating_sub(turn.had).min(to - self.at);
            if wanted == 0 {
                return Sent::NextTurn;
            }
            let now = desk.owner.now();
            let allowed = desk.gate.allowed(now, &mut self.ticket, wanted);
            if let Some(meter) = &self.meter {
                meter.waits(desk.gate.is_waiting(&self.ticket));
            }
            let allowed = match allowed {
                Ok(bytes) => bytes,
                Err(until) => {
                    self.cork(wire, false);
                    return Sent::Until(turn.now + until.since(now));
                }
            };
            let to = self.at.saturating_add(allowed).min(to);
            let to = if self.at < self.tail() { to.min(self.tail()) } else { to };
            match self.ready(desk, turn.token, piece, to) {
                Ok(true) => {}
                Ok(false) => return Sent::Cold,
                Err(spoilt) => return Sent::Spoilt(spoilt),
            }
            if self.length >= CORKED_FROM_BYTES {
                self.cork(wire, true);
            }
            match self.piece(&mut desk.bytes, wire, to) {
                Ok(Left::Bytes(sent)) => {
                    self.at = self.at.saturating_add(sent);
                    *carried = carried.saturating_add(sent);
                    turn.had = turn.had.saturating_add(sent);
                    desk.gate.sent(&mut self.ticket, sent);
                }
                Ok(Left::Nothing) => return Sent::Spoilt(too_short()),
                Ok(Left::Cold) => {
                    self.in_memory = None;
                    desk.warm.need(piece, &self.blob, turn.token);
                    return Sent::Cold;
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Sent::Full,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if is_of_the_file(&e) => return Sent::Spoilt(inner(e)),
                Err(_) => return Sent::Gone,
            }
        }
        self.cork(wire, false);
        Sent::All
    }

    /// From here on bytes are copied.
    fn tail(&self) -> u64 {
        self.end.saturating_sub(TAIL_BYTES)
    }

    /// Lets short segments wait for more bytes, or go.
    fn cork(&mut self, wire: &Transport, corked: bool) {
        if self.corked != corked
            && let Some(socket) = wire.bare()
        {
            self.corked = corked;
            // Without it the same bytes go out, only in more segments.
            let _ = socket.set_tcp_cork(corked);
        }
    }

    /// Whether what goes out next is in memory; if not, it is fetched. Before the last byte it is
    /// made sure that the blob is still what it was.
    fn ready<S: Bytes<Blob = B>>(
        &mut self,
        desk: &mut Desk<O, S>,
        token: Token,
        piece: u64,
        to: u64,
    ) -> io::Result<bool> {
        if self.in_memory != Some(piece) {
            let rest = piece.saturating_add(1).saturating_mul(PIECE).min(self.end);
            let ready = self.blob.is_ready(self.at, rest);
            let short = |e: io::Error| match e.kind() {
                io::ErrorKind::UnexpectedEof => too_short(),
                _ => e,
            };
            if !ready.map_err(short)? {
                desk.warm.need(piece, &self.blob, token);
                return Ok(false);
            }
            self.in_memory = Some(piece);
            self.look_ahead(desk, piece);
        }
        if to < self.end {
            return Ok(true);
        }
        if !self.blob.is_settled(self.doubt) {
            desk.warm.need(piece, &self.blob, token);
            return Ok(false);
        }
        match self.blob.still_whole() {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                desk.warm.need(piece, &self.blob, token);
                Ok(false)
            }
            whole => whole.map(|()| true),
        }
    }

    /// While a piece goes out, the disk may look for the next one.
    fn look_ahead<S: Bytes<Blob = B>>(&self, desk: &mut Desk<O, S>, piece: u64) {
        let next = piece.saturating_add(1);
        let begins = next.saturating_mul(PIECE);
        let cold = |e: io::Error| e.kind() == io::ErrorKind::WouldBlock;
        if begins < self.end && self.blob.read_now(&mut [0], begins).is_err_and(cold) {
            desk.warm.expect(next, &self.blob);
        }
    }

    /// Sends some bytes, not beyond `to`.
    fn piece(&mut self, buffer: &mut [u8], wire: &mut Transport, to: u64) -> io::Result<Left> {
        let bytes = to.saturating_sub(self.at);
        if self.at < self.tail()
            && let Some(socket) = wire.bare()
            && let Some(stretch) = self.blob.stretch(self.at, bytes)
        {
            let before = block_reads();
            let sent = send_file(socket, &stretch, bytes);
            // Where the kernel does not count, or waits for what another program fetches, this is not
            // seen: that much is taken on trust until somebody finds a page of the chunk absent.
            if block_reads() != before {
                let doubt = self.blob.came_from_disk(self.at, bytes.min(stretch.length));
                self.doubt = doubt;
            }
            return sent.map(|sent| if sent > 0 { Left::Bytes(sent) } else { Left::Nothing });
        }
        let most = usize::try_from(bytes).unwrap_or(usize::MAX).min(wire.room());
        if most == 0 {
            wire.flush()?;
            return Err(io::ErrorKind::Interrupted.into());
        }
        // The first record alone, so that the client decrypts while we encrypt.
        let first = self.at.saturating_add(self.length) == self.end;
        let most = most.min(if first { RECORD_BYTES } else { buffer.len() });
        let buffer = buffer.get_mut(..most).ok_or_else(too_short)?;
        let read = match self.blob.read_now(buffer, self.at) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(Left::Cold),
            read => read.map_err(|cause| io::Error::other(Unreadable(cause)))?,
        };
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok(Left::Nothing);
        };
        let more = self.at.saturating_add(read as u64) < self.end;
        wire.write(Piece { bytes, more }).map(|sent| Left::Bytes(sent as u64))
    }
}

/// A file that could not be read, as opposed to a client that is gone.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unreadable(#[source] io::Error);

/// sendfile has one error for two ends. These are never of a socket.
fn is_of_the_file(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Unreadable>())
        || matches!(error.raw_os_error(), Some(libc::EIO | libc::EINVAL | libc::EOVERFLOW))
}

/// The error of the file itself.
fn inner(error: io::Error) -> io::Error {
    match error.downcast::<Unreadable>() {
        Ok(Unreadable(cause)) => cause,
        Err(error) => error,
    }
}

fn too_short() -> io::Error {
    io::Error::other("it is shorter in the image store than it should be")
}
