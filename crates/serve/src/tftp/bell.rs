//! How Tokio's side speaks to the thread of the transfers.
//!
//! In: answers of the owner, bytes from the disk, the wish to end. Out: the same, one by one, when
//! the thread looks. Never: more words than there are lookups and transfers: each word answers one
//! question of the thread, and it asks one at a time for each of them.

use super::ask::{Answered, Lookup};
use engine::tftp::SessionId;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Wakes the thread, and tells it to end.
#[derive(Debug)]
pub(super) struct Bell {
    event: EventFd,
    closing: AtomicBool,
    stopping: AtomicBool,
}

impl Bell {
    pub(super) fn new() -> io::Result<Self> {
        let event = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        let no = || AtomicBool::new(false);
        Ok(Self { event, closing: no(), stopping: no() })
    }

    pub(super) fn ring(&self) {
        // Full means that it rings already.
        let _ = self.event.write(1);
    }

    pub(super) fn hush(&self) {
        let _ = self.event.read();
    }

    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.ring();
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.ring();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

/// What the thread is told.
pub(super) enum Word<B> {
    /// What the owner and the shelf say to a request.
    Asked(Lookup, Answered<B>),
    /// A range of a file that was not in memory.
    Read { client: SocketAddrV4, id: SessionId, offset: u64, bytes: io::Result<Vec<u8>> },
}

/// The words that wait, and the bell.
pub(super) struct Post<B> {
    pub(super) bell: Arc<Bell>,
    words: Mutex<VecDeque<Word<B>>>,
}

impl<B> Post<B> {
    pub(super) fn new(bell: Arc<Bell>) -> Self {
        Self { bell, words: Mutex::default() }
    }

    pub(super) fn put(&self, word: Word<B>) {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).push_back(word);
        self.bell.ring();
    }

    pub(super) fn take(&self) -> Option<Word<B>> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}
