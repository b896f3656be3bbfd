//! Pieces of files that are not in memory: fetched by those who may wait for a disk.
//!
//! In: which piece somebody needs. Out: a letter when it is there. Never: the same piece twice at
//! once, or more readers than [`READERS_MAX`].

use super::post::Letter;
use super::slab::Token;
use crate::bell::Post;
use crate::owner::Blob;
use crate::part::Part;
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

/// Which piece of which file, by its key.
type Which = (Hash, u64);

/// All that is being fetched.
pub(super) struct Warm<B> {
    runtime: Handle,
    post: Arc<Post<Letter<B>>>,
    wanted: HashMap<Which, Vec<Token>>,
    waiting: VecDeque<(Which, Part<B>)>,
    reading: usize,
}

impl<B: Blob> Warm<B> {
    pub(super) fn new(runtime: Handle, post: Arc<Post<Letter<B>>>) -> Self {
        let (wanted, waiting) = (HashMap::new(), VecDeque::new());
        Self { runtime, post, wanted, waiting, reading: 0 }
    }

    /// A connection needs a piece, and sleeps until it is there.
    pub(super) fn need(&mut self, piece: u64, file: &Part<B>, who: Token) {
        let which = (file.layout.key, piece);
        if let Some(waiting) = self.wanted.get_mut(&which) {
            waiting.push(who);
            return;
        }
        self.wanted.insert(which, vec![who]);
        self.waiting.push_back((which, file.clone()));
        self.start();
    }

    /// Somebody will need a piece soon. If all readers are busy, it is read when it is needed.
    pub(super) fn expect(&mut self, piece: u64, file: &Part<B>) {
        let which = (file.layout.key, piece);
        if self.reading < READERS_MAX && !self.wanted.contains_key(&which) {
            self.wanted.insert(which, Vec::new());
            self.waiting.push_back((which, file.clone()));
            self.start();
        }
    }

    /// A piece was read, or not; gives those who wait for it.
    pub(super) fn done(&mut self, key: Hash, piece: u64) -> Vec<Token> {
        self.reading = self.reading.saturating_sub(1);
        self.start();
        self.wanted.remove(&(key, piece)).unwrap_or_default()
    }

    fn start(&mut self) {
        while self.reading < READERS_MAX {
            let Some((which, file)) = self.waiting.pop_front() else { return };
            self.reading += 1;
            let errand = Errand { post: Arc::clone(&self.post), which, read: None };
            self.runtime.spawn_blocking(move || errand.run(&file));
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
    fn run(mut self, file: &Part<B>) {
        self.read = Some(fetch(file, self.which.1));
    }
}

impl<B> Drop for Errand<B> {
    fn drop(&mut self) {
        let read = self.read.take();
        let read = read.unwrap_or_else(|| Err(io::Error::other("reading it was broken off")));
        let (key, piece) = self.which;
        self.post.send(Letter::Piece { key, piece, read });
    }
}

/// Reads a piece for nothing but that it is in memory afterwards, and makes sure of what went before.
fn fetch<B: Blob>(blob: &B, piece: u64) -> io::Result<()> {
    blob.check_again()?;
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
