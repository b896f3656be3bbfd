//! Pieces of blobs that are not in memory: fetched by those who may wait for a disk.
//!
//! In: which piece somebody needs. Out: a letter when it is there. Never: the same piece twice at
//! once, or more readers than [`READERS_MAX`].

use super::post::Letter;
use super::slab::Token;
use crate::bell::Post;
use crate::owner::Blob;
use model::Hash;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Bytes of a piece.
pub(super) const PIECE: u64 = 2 * 1024 * 1024;
/// Pieces that are read at once. One disk is not faster with more.
const READERS_MAX: usize = 16;
/// Bytes of one read.
const READ: usize = 128 * 1024;

/// Which piece of which blob.
type Which = (Hash, u64);

/// All that is being fetched.
pub(super) struct Warm<B> {
    runtime: Handle,
    post: Arc<Post<Letter<B>>>,
    wanted: HashMap<Which, Vec<Token>>,
    waiting: VecDeque<(Which, Arc<B>)>,
    reading: usize,
}

impl<B: Blob> Warm<B> {
    pub(super) fn new(runtime: Handle, post: Arc<Post<Letter<B>>>) -> Self {
        let (wanted, waiting) = (HashMap::new(), VecDeque::new());
        Self { runtime, post, wanted, waiting, reading: 0 }
    }

    /// A connection needs a piece, and sleeps until it is there.
    pub(super) fn need(&mut self, sha256: Hash, piece: u64, blob: &Arc<B>, who: Token) {
        let which = (sha256, piece);
        if let Some(waiting) = self.wanted.get_mut(&which) {
            waiting.push(who);
            return;
        }
        self.wanted.insert(which, vec![who]);
        self.waiting.push_back((which, Arc::clone(blob)));
        self.start();
    }

    /// Somebody will need a piece soon. If all readers are busy, it is read when it is needed.
    pub(super) fn expect(&mut self, sha256: Hash, piece: u64, blob: &Arc<B>) {
        let which = (sha256, piece);
        if self.reading < READERS_MAX && !self.wanted.contains_key(&which) {
            self.wanted.insert(which, Vec::new());
            self.waiting.push_back((which, Arc::clone(blob)));
            self.start();
        }
    }

    /// A piece was read, or not; gives those who wait for it.
    pub(super) fn done(&mut self, sha256: Hash, piece: u64) -> Vec<Token> {
        self.reading = self.reading.saturating_sub(1);
        self.start();
        self.wanted.remove(&(sha256, piece)).unwrap_or_default()
    }

    fn start(&mut self) {
        while self.reading < READERS_MAX {
            let Some((which, blob)) = self.waiting.pop_front() else { return };
            self.reading += 1;
            let errand = Errand { post: Arc::clone(&self.post), which, read: None };
            self.runtime.spawn_blocking(move || errand.run(&*blob));
        }
    }
}

/// One piece on its way. Whatever happens to it, a letter comes.
struct Errand<B> {
    post: Arc<Post<Letter<B>>>,
    which: Which,
    read: Option<io::Result<()>>,
}

impl<B: Blob> Errand<B> {
    fn run(mut self, blob: &B) {
        self.read = Some(fetch(blob, self.which.1));
    }
}

impl<B> Drop for Errand<B> {
    fn drop(&mut self) {
        let read = self.read.take();
        let read = read.unwrap_or_else(|| Err(io::Error::other("reading it was broken off")));
        let (sha256, piece) = self.which;
        self.post.send(Letter::Piece { sha256, piece, read });
    }
}

/// Reads a piece for nothing but that it is in memory afterwards.
fn fetch<B: Blob>(blob: &B, piece: u64) -> io::Result<()> {
    let from = piece.saturating_mul(PIECE);
    let end = from.saturating_add(PIECE).min(blob.size());
    let (mut buffer, mut at) = (vec![0; READ], from);
    while at < end {
        let length = usize::try_from(end - at).unwrap_or(usize::MAX).min(READ);
        let Some(part) = buffer.get_mut(..length) else { break };
        blob.read_exact_at(part, at)?;
        at += length as u64;
    }
    Ok(())
}

/// Whether the bytes from `from` to `to` seem to be in memory: the first, the middle and the last.
/// An error if they are not in the blob at all.
pub(super) fn is_warm<B: Blob>(blob: &B, from: u64, to: u64) -> io::Result<bool> {
    let last = to.saturating_sub(1);
    for at in [from, from.midpoint(last), last] {
        match blob.read_now(&mut [0], at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Ok(false),
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}
