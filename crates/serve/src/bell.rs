//! A thread that serves a port, and how the others speak to it: letters, orders, and a bell that
//! wakes it.
//!
//! In: letters with answers and bytes, the wish to end. Out: the same, on the thread, when it looks.
//! Never: more letters than there are questions of the thread: each answers one.

use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use tokio::sync::oneshot;

/// What a thread was told to do.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Order {
    Serve,
    /// No more requests.
    Close,
    /// No more anything.
    Stop,
}

/// Wakes the thread, and says what it is to do.
#[derive(Debug)]
pub(crate) struct Bell {
    order: AtomicU8,
    rung: AtomicBool,
    event: EventFd,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Self { order: AtomicU8::new(0), rung: AtomicBool::new(false), event })
    }

    /// An order, which no later one weakens.
    fn order(&self, order: Order) {
        self.order.fetch_max(order as u8, Ordering::Release);
        self.ring();
    }

    pub(crate) fn ordered(&self) -> Order {
        match self.order.load(Ordering::Acquire) {
            0 => Order::Serve,
            1 => Order::Close,
            _ => Order::Stop,
        }
    }

    pub(crate) fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            // It fails only when it has rung already.
            let _ = self.event.write(1);
        }
    }

    /// The thread is awake; whatever is told from now on rings again.
    pub(crate) fn heard(&self) {
        let _ = self.event.read();
        self.rung.store(false, Ordering::Release);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

/// Letters on their way to the thread.
pub(crate) struct Post<T> {
    letters: Mutex<Vec<T>>,
    pub(crate) bell: Arc<Bell>,
}

impl<T> Post<T> {
    pub(crate) fn new(bell: Arc<Bell>) -> Self {
        Self { letters: Mutex::new(Vec::new()), bell }
    }

    pub(crate) fn send(&self, letter: T) {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
        self.bell.ring();
    }

    /// All letters, in their order; `emptied` is kept for the next ones.
    pub(crate) fn collect(&self, emptied: &mut Vec<T>) {
        std::mem::swap(&mut *self.letters.lock().unwrap_or_else(PoisonError::into_inner), emptied);
    }
}

/// The running thread. Dropping it ends all that it carries at once.
#[derive(Debug)]
pub(crate) struct Service {
    bell: Arc<Bell>,
    /// None: it has.
    ended: Option<oneshot::Receiver<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    /// Starts the thread. It has to look at the bell, and to return when ordered.
    ///
    /// # Errors
    ///
    /// When the system has no more threads.
    pub(crate) fn start(
        name: &str,
        bell: Arc<Bell>,
        work: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let (ends, ended) = oneshot::channel::<()>();
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            work();
            drop(ends);
        })?;
        Ok(Self { bell, ended: Some(ended), thread: Some(thread) })
    }

    /// No more requests; what is on its way may end.
    pub(crate) fn close(&self) {
        self.bell.order(Order::Close);
    }

    /// No more anything.
    pub(crate) fn stop(&self) {
        self.bell.order(Order::Stop);
    }

    /// Until the thread has ended; may be asked again.
    pub(crate) async fn ended(&mut self) {
        if let Some(ended) = &mut self.ended {
            // The other half says nothing and is dropped at the end, also by a panic.
            let _ = ended.await;
            self.ended = None;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // It waits for nothing but its sockets and the bell. What went wrong was counted there.
            let _ = thread.join();
        }
    }
}
