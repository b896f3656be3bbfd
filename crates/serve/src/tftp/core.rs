//! All transfers, whose turn it is, and when.
//!
//! In: that something has come for a transfer. Out: its turns, in order; its end. Never: a
//! transfer that sends for ever while others wait.

use super::ask::{Desk, Lookup};
use super::carry::{Carry, Did, Tools};
use super::ports::Port;
use crate::board::Board;
use crate::owner::{Bytes, Owner};
use crate::source::Source;
use crate::sys::udp::Probes;
use engine::tftp::{SessionId, Sessions, Step};
use model::event::Cut;
use model::{HardwareAddress, Hash, Now};
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;

/// EDK2 asks for 4. Without a window the client's own round takes most of the time.
const SMALL_WINDOW: std::ops::RangeInclusive<u16> = 2..=8;
/// Bursts of one transfer before it is another one's turn.
const BURSTS_PER_TURN: usize = 2;

/// A request that waits for others of its address.
pub(super) struct Waiting<T> {
    pub(super) lookup: Lookup,
    pub(super) source: Source<T>,
    pub(super) sha256: Option<Hash>,
    pub(super) machine: Option<HardwareAddress>,
    pub(super) blksize_max: Option<u16>,
}

/// The state of the thread.
pub(super) struct Core<O: Owner, B: Bytes> {
    pub(super) desk: Desk<O, B>,
    pub(super) board: Board,
    pub(super) epoll: Epoll,
    pub(super) ports: Vec<Port>,
    pub(super) sessions: Sessions,
    pub(super) carries: HashMap<SocketAddr, Carry<O, B::Blob>>,
    pub(super) clients: HashMap<SessionId, SocketAddr>,
    /// When transfers want to be asked again. A transfer has one moment here at most; it may be
    /// too early, then the transfer says so.
    pub(super) moments: BTreeSet<(Now, SocketAddr)>,
    pub(super) ready: VecDeque<SocketAddr>,
    /// Requests from addresses that have many beginnings already.
    pub(super) waiting: VecDeque<Waiting<B::Blob>>,
    /// One of those may come in now, or at this moment.
    pub(super) look_at_waiting: Option<Now>,
    pub(super) tools: Tools,
    /// Asks the kernel for the MTU of ways.
    pub(super) probes: Probes,
    pub(super) now: Now,
    /// Whose turn it is: after a panic, this one goes.
    pub(super) turn_of: Option<SocketAddr>,
    /// When a request without room was told of, and how many were not since.
    pub(super) refused_told: Option<Now>,
    pub(super) refused_untold: u64,
}

impl<O: Owner, B: Bytes> Core<O, B> {
    /// A transfer has something to do.
    pub(super) fn wake(&mut self, client: SocketAddr) {
        if let Some(carry) = self.carries.get_mut(&client)
            && !carry.queued
        {
            carry.queued = true;
            self.ready.push_back(client);
        }
    }

    /// Whether the one transfer of a port goes in windows of a few blocks.
    pub(super) fn has_small_window(&self, port: usize) -> bool {
        let mut here = self.carries.values().filter(|carry| carry.port == port);
        here.next().is_some_and(|carry| SMALL_WINDOW.contains(&carry.window))
    }

    /// Each transfer that is ready sends something.
    pub(super) fn serve_ready(&mut self) {
        for _ in 0..self.ready.len() {
            let Some(client) = self.ready.pop_front() else { return };
            if let Some(carry) = self.carries.get_mut(&client) {
                carry.queued = false;
                self.turn_of = Some(client);
                self.serve(client);
                self.turn_of = None;
            }
        }
    }

    fn serve(&mut self, client: SocketAddr) {
        for _ in 0..BURSTS_PER_TURN {
            let Some(carry) = self.carries.get_mut(&client) else { return };
            // What is over ends, even while it waits for bytes or for room.
            if carry.stalled && !carry.transfer.is_ended() {
                return;
            }
            let Some(port) = self.ports.get_mut(carry.port) else { return };
            match carry.go_on(self.now, port, &mut self.tools) {
                Did::Sent => {}
                Did::Wait(until) => return self.wait(client, until),
                Did::Cold(cold) => {
                    let who = (client, carry.id);
                    return self.desk.read(who, &cold.blob, cold.range, cold.warm);
                }
                Did::Full => return self.wait_for_room(client),
                Did::End(end) => return self.end(client, end),
            }
        }
        self.wake(client);
    }

    fn wait(&mut self, client: SocketAddr, until: Now) {
        let Some(carry) = self.carries.get_mut(&client) else { return };
        match carry.moment {
            Some(moment) if moment <= until => return,
            Some(moment) => {
                self.moments.remove(&(moment, client));
            }
            None => {}
        }
        carry.moment = Some(until);
        self.moments.insert((until, client));
    }

    /// Wakes those whose moment has come.
    pub(super) fn ring_moments(&mut self) {
        while let Some(&(moment, client)) = self.moments.first()
            && moment <= self.now
        {
            self.moments.pop_first();
            if let Some(carry) = self.carries.get_mut(&client) {
                carry.moment = None;
            }
            self.wake(client);
        }
    }

    fn wait_for_room(&mut self, client: SocketAddr) {
        let Some(port) = self.carries.get(&client).map(|carry| carry.port) else { return };
        if let Some(to) = self.ports.get_mut(port) {
            to.full.push_back(client);
            if to.full.len() == 1 {
                let _ = self.watch(port, true);
            }
        }
    }

    /// A port has room again.
    pub(super) fn has_room(&mut self, port: usize) {
        let Some(to) = self.ports.get_mut(port) else { return };
        let waiting = std::mem::take(&mut to.full);
        let _ = self.watch(port, false);
        for client in waiting {
            if let Some(carry) = self.carries.get_mut(&client) {
                carry.stalled = false;
                self.wake(client);
            }
        }
    }

    /// Says what to wake the thread for at a port.
    fn watch(&self, index: usize, room: bool) -> io::Result<()> {
        let Some(port) = self.ports.get(index) else { return Ok(()) };
        let also = if room { EpollFlags::EPOLLOUT } else { EpollFlags::empty() };
        let mut event = EpollEvent::new(EpollFlags::EPOLLIN | also, index as u64);
        Ok(self.epoll.modify(&port.socket, &mut event)?)
    }

    /// A transfer has ended by itself.
    fn end(&mut self, client: SocketAddr, end: Step) {
        let Some(carry) = self.take_out(client) else { return };
        self.sessions.finished(self.now, carry.id);
        if let Step::GiveUp(why) = &end
            && why.is_of_the_source()
            && let Some(sha256) = &carry.reading.sha256
        {
            self.desk.shelf.forget(sha256);
        }
        if let Some(port) = self.ports.get(carry.port) {
            carry.end(&self.desk.owner, port, end);
        }
    }

    /// A transfer has to go; it is told why.
    pub(super) fn drop_for(&mut self, id: SessionId, why: &str) {
        let client = self.clients.get(&id).copied();
        if let Some(carry) = client.and_then(|client| self.take_out(client)) {
            self.sessions.finished(self.now, id);
            carry.fail(&self.desk.owner, why.to_owned(), Cut::Other);
        }
    }

    /// The client uses its port for something else.
    pub(super) fn replace(&mut self, id: SessionId) {
        let Some(client) = self.clients.get(&id).copied() else { return };
        if let Some(carry) = self.carries.get_mut(&client) {
            carry.transfer.replaced();
            let end = carry.transfer.next(self.now);
            self.end(client, end);
        }
    }

    /// Takes a transfer out of everything here but the table of sessions.
    pub(super) fn take_out(&mut self, client: SocketAddr) -> Option<Carry<O, B::Blob>> {
        let carry = self.carries.remove(&client)?;
        self.clients.remove(&carry.id);
        self.look_at_waiting = Some(self.now);
        if let Some(moment) = carry.moment {
            self.moments.remove(&(moment, client));
        }
        if let Some(port) = self.ports.get_mut(carry.port) {
            port.transfers = port.transfers.saturating_sub(1);
            port.left = Some(self.now);
        }
        Some(carry)
    }
}
