//! What the driver of many downloads waits for: sockets, and moments.
//!
//! In: sockets with a number each, moments with a number each. Out: the numbers whose time has
//! come. Never: more than one system call for all that happened.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::rig::{Trouble, io};

/// So many sockets are told of at one go.
const BATCH: usize = 512;

/// Sockets and alarms of one driver, and its clock.
pub struct Poll {
    epoll: Epoll,
    events: Vec<EpollEvent>,
    alarms: BinaryHeap<Reverse<(Duration, u64)>>,
    begun: Instant,
}

impl Poll {
    /// Nothing to wait for yet; the clock begins.
    ///
    /// # Errors
    /// When the system has no room.
    pub fn new() -> Result<Self, Trouble> {
        let epoll =
            Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(cannot("making an epoll"))?;
        let events = vec![EpollEvent::empty(); BATCH];
        Ok(Self { epoll, events, alarms: BinaryHeap::new(), begun: Instant::now() })
    }

    /// The time since the beginning.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Tells of `number` when the socket has something to be read. It is forgotten when it closes.
    ///
    /// # Errors
    /// When the system has no room.
    pub fn reads(&self, socket: impl AsFd, number: u64) -> Result<(), Trouble> {
        let event = EpollEvent::new(EpollFlags::EPOLLIN, number);
        self.epoll.add(socket, event).map_err(cannot("waiting for a socket"))
    }

    /// Tells of `number` once the socket is connected, or cannot be.
    ///
    /// # Errors
    /// When the system has no room.
    pub fn connects(&self, socket: impl AsFd, number: u64) -> Result<(), Trouble> {
        let event = EpollEvent::new(EpollFlags::EPOLLOUT, number);
        self.epoll.add(socket, event).map_err(cannot("waiting for a connection"))
    }

    /// As [`Poll::reads`], for one that was waited for by [`Poll::connects`].
    ///
    /// # Errors
    /// When it was not.
    pub fn now_reads(&self, socket: impl AsFd, number: u64) -> Result<(), Trouble> {
        let mut event = EpollEvent::new(EpollFlags::EPOLLIN, number);
        self.epoll.modify(socket, &mut event).map_err(cannot("waiting for a socket"))
    }

    /// Tells of a socket no more.
    ///
    /// # Errors
    /// When it was not waited for.
    pub fn forget(&self, socket: impl AsFd) -> Result<(), Trouble> {
        self.epoll.delete(socket).map_err(cannot("forgetting a socket"))
    }

    /// Tells of `number` at this moment.
    pub fn alarm(&mut self, at: Duration, number: u64) {
        self.alarms.push(Reverse((at, number)));
    }

    /// The next alarm whose time has come.
    pub fn rings(&mut self) -> Option<u64> {
        let Reverse((at, number)) = *self.alarms.peek()?;
        (at <= self.begun.elapsed()).then(|| {
            self.alarms.pop();
            number
        })
    }

    /// Waits for sockets or the next alarm, `at_most` so long; the numbers of the sockets.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn wait(&mut self, at_most: Duration) -> Result<Vec<u64>, Trouble> {
        let now = self.begun.elapsed();
        let alarm = self.alarms.peek().map(|Reverse((at, _))| at.saturating_sub(now));
        let wait = alarm.map_or(at_most, |alarm| alarm.min(at_most));
        // Rounded up, or the last part of a millisecond would be spent asking again and again.
        let ms = u16::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
        match self.epoll.wait(&mut self.events, EpollTimeout::from(ms)) {
            Ok(count) => Ok(self.events.iter().take(count).map(EpollEvent::data).collect()),
            Err(Errno::EINTR) => Ok(Vec::new()),
            Err(e) => Err(cannot("waiting for sockets")(e)),
        }
    }
}

/// Lets this process have so many sockets, as far as the system does.
///
/// # Errors
/// When the limits cannot be read or set.
pub fn room_for(sockets: u64) -> Result<(), Trouble> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(cannot("reading limits"))?;
    if soft >= sockets {
        return Ok(());
    }
    setrlimit(Resource::RLIMIT_NOFILE, sockets, hard.max(sockets))
        .map_err(cannot("raising the limit of open files"))
}

pub(super) fn cannot(doing: &'static str) -> impl FnOnce(Errno) -> Trouble {
    move |cause| io(doing)(cause.into())
}
