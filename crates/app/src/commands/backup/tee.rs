//! A backup as it comes: each piece is written to disk, then handed on to whoever reads it back.

use std::fs::File;
use std::io::{self, Read, Write};
use tokio::sync::mpsc;

/// Reads pieces out of a channel, on a thread that may wait. An error is one of writing.
pub struct Tee<P = hyper::body::Bytes> {
    pieces: mpsc::Receiver<P>,
    to: File,
    held: Option<P>,
    at: usize,
}

impl<P: AsRef<[u8]>> Tee<P> {
    pub fn new(pieces: mpsc::Receiver<P>, to: File) -> Self {
        Self { pieces, to, held: None, at: 0 }
    }
}

impl<P: AsRef<[u8]>> Read for Tee<P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let rest = self.held.as_ref().and_then(|held| held.as_ref().get(self.at..));
            if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
                let most = rest.len().min(buffer.len());
                if let (Some(to), Some(from)) = (buffer.get_mut(..most), rest.get(..most)) {
                    to.copy_from_slice(from);
                }
                self.at += most;
                return Ok(most);
            }
            let Some(piece) = self.pieces.blocking_recv() else { return Ok(0) };
            self.to.write_all(piece.as_ref())?;
            (self.held, self.at) = (Some(piece), 0);
        }
    }
}
