//! What waits for the owner: a ring of datagrams that never makes anybody wait, and a queue of
//! everything else.

use crate::handle::Said;
use crate::{Limits, SiteError};
use engine::{Answer, Command, Datagram, Engine, FileAsk, Found, Now, Outgoing, Settings};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc, oneshot};

/// A read-only question, wrapped so that it sends its own answer.
pub(crate) type Question = Box<dyn FnOnce(&Engine, Now) + Send>;

/// One thing the owner is asked.
pub(crate) enum Request {
    Datagram(Datagram, oneshot::Sender<Option<Outgoing>>),
    File(Box<FileAsk>, oneshot::Sender<Answer<Found>>),
    Command(Box<Command>, DryRun, oneshot::Sender<Result<Said, SiteError>>),
    Question(Question),
    Configure(Box<Settings>, oneshot::Sender<()>),
    Stop,
}

/// Whether a command is only tried.
pub(crate) type DryRun = bool;

/// The senders' side. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) ring: Arc<Ring>,
}

/// The owner's side.
pub(crate) struct Inbox {
    requests: mpsc::Receiver<Request>,
    ring: Arc<Ring>,
    batch_max: usize,
}

/// Both sides of an empty inbox.
pub(crate) fn new(limits: &Limits) -> (Door, Inbox) {
    let (sender, requests) = mpsc::channel(limits.requests_max.max(1));
    let ring = Arc::new(Ring {
        waiting: Mutex::new(Waiting { open: true, datagrams: VecDeque::new() }),
        max: limits.datagrams_max.max(1),
        filled: Notify::new(),
        dropped: AtomicU64::new(0),
    });
    let door = Door { requests: sender, ring: Arc::clone(&ring) };
    (door, Inbox { requests, ring, batch_max: limits.batch_max.max(1) })
}

impl Inbox {
    /// Waits until something is there, then takes all of it, up to the size of a batch. An empty
    /// batch means that every door is gone.
    pub(crate) async fn next(&mut self) -> Vec<Request> {
        let mut batch = Vec::new();
        loop {
            self.take_now(&mut batch);
            if !batch.is_empty() {
                return batch;
            }
            tokio::select! {
                taken = self.requests.recv_many(&mut batch, self.batch_max) => {
                    if taken == 0 {
                        return batch;
                    }
                }
                () = self.ring.filled.notified() => {}
            }
        }
    }

    /// Lets nothing more in.
    pub(crate) fn close(&mut self) {
        self.requests.close();
        self.ring.lock().open = false;
    }

    /// What is there, without waiting.
    pub(crate) fn take_now(&mut self, batch: &mut Vec<Request>) {
        while batch.len() < self.batch_max
            && let Ok(request) = self.requests.try_recv()
        {
            batch.push(request);
        }
        let mut waiting = self.ring.lock();
        let room = self.batch_max.saturating_sub(batch.len());
        let taken = waiting.datagrams.len().min(room);
        batch.extend(waiting.datagrams.drain(..taken).map(|(d, to)| Request::Datagram(d, to)));
    }
}

/// Datagrams that wait. A full ring drops its oldest: whoever sent that one has asked again.
pub(crate) struct Ring {
    waiting: Mutex<Waiting>,
    max: usize,
    filled: Notify,
    /// How many were dropped since the start.
    pub(crate) dropped: AtomicU64,
}

struct Waiting {
    open: bool,
    datagrams: VecDeque<(Datagram, oneshot::Sender<Option<Outgoing>>)>,
}

impl Ring {
    /// Never waits. What is dropped gets no answer.
    pub(crate) fn push(&self, datagram: Datagram, to: oneshot::Sender<Option<Outgoing>>) {
        let mut waiting = self.lock();
        if !waiting.open {
            return;
        }
        if waiting.datagrams.len() >= self.max {
            waiting.datagrams.pop_front();
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        waiting.datagrams.push_back((datagram, to));
        drop(waiting);
        self.filled.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
