//! What a connection is doing, so that those that do nothing, or too slowly, can be told.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What to do when the last byte of a response is in the kernel's hands.
pub(super) type AtEnd = Box<dyn FnOnce() + Send>;

/// One connection as it is seen from outside.
pub(crate) struct Watch(Mutex<State>);

struct State {
    doing: Doing,
    since: Instant,
    /// Bytes written since `window`, to tell how slow the reader is.
    written: u64,
    window: Instant,
    /// Set while a response is complete but not yet written out.
    at_end: Option<AtEnd>,
    closed: bool,
    why: Option<&'static str>,
}

/// What a connection is busy with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Doing {
    /// A head has begun to arrive; the first one begins with the connection.
    Head,
    /// An answer is looked for or going out.
    Answering,
    /// Nothing, after an answer.
    Idle,
}

/// Limits on time, from `Limits`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) head: Duration,
    pub(super) idle: Duration,
    pub(super) slow: Duration,
    /// Bytes that must be read within `slow`; 0 switches it off.
    pub(super) bytes: u64,
}

impl Watch {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self(Mutex::new(State {
            doing: Doing::Head,
            since: now,
            written: 0,
            window: now,
            at_end: None,
            closed: false,
            why: None,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A whole head arrived.
    pub(super) fn answering(&self) {
        let (mut state, now) = (self.state(), Instant::now());
        state.doing = Doing::Answering;
        (state.since, state.window, state.written) = (now, now, 0);
    }

    /// The response is complete; `then` is called when it has been written out.
    pub(super) fn complete(&self, then: AtEnd) {
        let mut state = self.state();
        if !state.closed {
            state.at_end = Some(then);
            return;
        }
        drop(state);
        drop(then);
    }

    /// The connection is no more; a response that was not written out is told of as cut.
    fn close(&self) {
        let cut = {
            let mut state = self.state();
            state.closed = true;
            state.at_end.take()
        };
        drop(cut);
    }

    /// Why the connection is cut, for whoever tells how its transfer ended.
    pub(super) fn say_why(&self, why: &'static str) {
        self.state().why.get_or_insert(why);
    }

    pub(super) fn why(&self) -> &'static str {
        self.state().why.unwrap_or("the client closed the connection")
    }

    /// Since when it is idle, if it is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.doing == Doing::Idle).then_some(state.since)
    }

    /// Why the connection has to go, if it has to.
    pub(super) fn overdue(&self, patience: Patience, now: Instant) -> Option<&'static str> {
        let mut state = self.state();
        let waited = now.saturating_duration_since(state.since);
        let why = match state.doing {
            Doing::Head if waited >= patience.head => "its request did not arrive in time",
            Doing::Idle if waited >= patience.idle => "it was idle",
            Doing::Answering if now.saturating_duration_since(state.window) >= patience.slow => {
                let enough = state.written >= patience.bytes;
                (state.window, state.written) = (now, 0);
                if enough {
                    return None;
                }
                "the client read too slowly"
            }
            _ => return None,
        };
        state.why.get_or_insert(why);
        Some(why)
    }

    fn read(&self) {
        let mut state = self.state();
        if state.doing == Doing::Idle {
            state.doing = Doing::Head;
            state.since = Instant::now();
        }
    }

    fn wrote(&self, bytes: usize) {
        let mut state = self.state();
        state.written = state.written.saturating_add(bytes as u64);
    }

    fn flushed(&self) {
        let then = {
            let mut state = self.state();
            let Some(then) = state.at_end.take() else { return };
            state.doing = Doing::Idle;
            state.since = Instant::now();
            then
        };
        then();
    }
}

/// A connection that tells its [`Watch`] what happens on it.
pub(super) struct Watched {
    stream: TcpStream,
    watch: Arc<Watch>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, watch: Arc<Watch>) -> Self {
        Self { stream, watch }
    }

    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = written {
            self.watch.wrote(bytes);
        }
        written
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watch.close();
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.watch.read();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes when all it had is written.
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.watch.flushed();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.watch.flushed();
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
