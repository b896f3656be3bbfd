//! Where a backup flows to: pieces, on their way to whoever asked.

use hyper::body::Bytes;
use std::io::{self, Write};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Bytes sent at a time.
const PIECE: usize = 256 << 10;
/// Whoever takes nothing for so long is gone: a backup holds off sweeping.
const STALLED: Duration = Duration::from_secs(120);

/// Writes pieces to a channel; waits while that is full, on a thread that may.
pub(super) struct Outlet {
    to: mpsc::Sender<io::Result<Bytes>>,
    runtime: Handle,
    held: Vec<u8>,
}

impl Outlet {
    pub(super) fn new(to: mpsc::Sender<io::Result<Bytes>>, runtime: Handle) -> Self {
        Self { to, runtime, held: Vec::with_capacity(PIECE) }
    }

    /// Whether whoever asked is gone.
    pub(super) fn is_gone(&self) -> bool {
        self.to.is_closed()
    }

    /// Breaks it off.
    pub(super) fn fail(&self, error: io::Error) {
        // To whoever is gone nothing needs to be said.
        let _ = self.to.blocking_send(Err(error));
    }

    /// Sends what was gathered.
    pub(super) fn flush_all(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.held, Vec::with_capacity(PIECE));
        let sending = self.to.send(Ok(Bytes::from(piece)));
        match self.runtime.block_on(async { tokio::time::timeout(STALLED, sending).await }) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_gone)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_elapsed) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() >= PIECE {
            self.flush_all()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
