//! What others tell the thread of a port: letters, and a bell that wakes it.
//!
//! In: answers of the owner, pieces that are in memory now, orders to end. Out: the same, on the
//! thread. Never: more letters than connections have questions (each asks one at a time).

use super::slab::Token;
use model::plan::Why;
use model::{HardwareAddress, Hash};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Something for one connection, or for those that wait for a piece.
pub(super) enum Letter<B> {
    /// The answer to what a connection asked.
    Answer {
        to: Token,
        /// Whom the neighbour table names.
        neighbour: Option<HardwareAddress>,
        says: Says<B>,
    },
    /// A piece was read into memory, or could not be.
    Piece { sha256: Hash, piece: u64, read: io::Result<()> },
}

/// What came of a question.
pub(super) enum Says<B> {
    File(Arc<Facts>, Body<B>),
    Silence(Why),
    /// The file is published and cannot be opened: its name as shown, and the cause.
    Unreadable(String, Option<HardwareAddress>, io::Error),
    /// Whoever was asked failed at it.
    Lost,
}

/// The bytes of a file.
pub(super) enum Body<B> {
    Text(String),
    Blob(Arc<B>),
}

/// What is told of a file again and again.
#[derive(Debug)]
pub(super) struct Facts {
    /// The name as asked, shown.
    pub(super) shown: String,
    pub(super) media: &'static str,
    pub(super) machine: Option<HardwareAddress>,
    pub(super) blob: Option<BlobFacts>,
    pub(super) steady: bool,
}

/// Which blob it is.
#[derive(Debug)]
pub(super) struct BlobFacts {
    pub(super) sha256: Hash,
    pub(super) size: u64,
    /// Its entity tag.
    pub(super) tag: String,
}

/// What a port was told to do.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Order {
    Serve,
    /// No more requests.
    Close,
    /// No more anything.
    Stop,
}

/// Wakes the thread, and says what it is to do.
#[derive(Debug)]
pub(super) struct Bell {
    order: AtomicU8,
    rung: AtomicBool,
    bell: EventFd,
}

impl Bell {
    pub(super) fn new() -> io::Result<Self> {
        let bell = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Self { order: AtomicU8::new(0), rung: AtomicBool::new(false), bell })
    }

    pub(super) fn bell(&self) -> &EventFd {
        &self.bell
    }

    /// An order, which no later one weakens.
    pub(super) fn order(&self, order: Order) {
        self.order.fetch_max(order as u8, Ordering::Release);
        self.ring();
    }

    pub(super) fn ordered(&self) -> Order {
        match self.order.load(Ordering::Acquire) {
            0 => Order::Serve,
            1 => Order::Close,
            _ => Order::Stop,
        }
    }

    fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            // It fails only when it has rung already.
            let _ = self.bell.write(1);
        }
    }

    /// The thread is awake; whatever is told from now on rings again.
    pub(super) fn heard(&self) {
        let _ = self.bell.read();
        self.rung.store(false, Ordering::Release);
    }
}

/// Letters on their way to the thread.
pub(super) struct Post<B> {
    letters: Mutex<Vec<Letter<B>>>,
    bell: Arc<Bell>,
}

impl<B> Post<B> {
    pub(super) fn new(bell: Arc<Bell>) -> Self {
        Self { letters: Mutex::new(Vec::new()), bell }
    }

    pub(super) fn send(&self, letter: Letter<B>) {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
        self.bell.ring();
    }

    /// All letters, in their order; `emptied` is kept for the next ones.
    pub(super) fn collect(&self, emptied: &mut Vec<Letter<B>>) {
        std::mem::swap(&mut *self.letters.lock().unwrap_or_else(PoisonError::into_inner), emptied);
    }
}
