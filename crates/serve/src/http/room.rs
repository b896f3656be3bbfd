//! How many connections there is room for, and who goes when there is none.

use super::watch::{Patience, Watch};
use crate::Limits;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

/// All connections.
pub(super) struct Room {
    seats: Mutex<Seats>,
    most: usize,
    most_of_one: usize,
}

#[derive(Default)]
struct Seats {
    last: u64,
    taken: HashMap<u64, Taken>,
    /// How many each source has; never 0.
    of: HashMap<IpAddr, usize>,
}

struct Taken {
    peer: IpAddr,
    watch: Arc<Watch>,
    cut: CancellationToken,
}

/// The place of one connection, free again when dropped.
pub(super) struct Seat {
    room: Arc<Room>,
    id: u64,
    pub(super) watch: Arc<Watch>,
    cut: CancellationToken,
}

impl Seat {
    /// Ends when the connection has to go.
    pub(super) fn cut(&self) -> WaitForCancellationFuture<'_> {
        self.cut.cancelled()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.seats().leave(self.id);
    }
}

impl Room {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            seats: Mutex::default(),
            most: limits.http_connections,
            most_of_one: limits.http_connections_per_source,
        }
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more connection. If there is none, the connection that has been idle for
    /// longest goes, of the same source if that has too many; nobody goes who is busy.
    pub(super) fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<Seat> {
        let mut seats = self.seats();
        if seats.of.get(&peer).is_some_and(|count| *count >= self.most_of_one) {
            seats.make_room(|taken| taken.peer == peer)?;
        }
        if seats.taken.len() >= self.most {
            seats.make_room(|_| true)?;
        }
        seats.last += 1;
        let (id, watch, cut) = (seats.last, Arc::new(Watch::new()), CancellationToken::new());
        let taken = Taken { peer, watch: Arc::clone(&watch), cut: cut.clone() };
        seats.taken.insert(id, taken);
        *seats.of.entry(peer).or_default() += 1;
        Some(Seat { room: Arc::clone(self), id, watch, cut })
    }

    /// Cuts every connection that is overdue; gives how many.
    pub(super) fn sweep(&self, limits: &Limits) -> usize {
        let patience = Patience {
            head: limits.http_head,
            idle: limits.http_idle,
            slow: limits.http_slow,
            bytes: limits.http_slow_bytes,
        };
        let (seats, now) = (self.seats(), Instant::now());
        let mut cut = 0;
        for taken in seats.taken.values().filter(|t| !t.cut.is_cancelled()) {
            if taken.watch.overdue(patience, now).is_some() {
                taken.cut.cancel();
                cut += 1;
            }
        }
        cut
    }
}

impl Seats {
    /// Sends the one away that has been idle for longest. Nothing if nobody is idle.
    fn make_room(&mut self, of: impl Fn(&Taken) -> bool) -> Option<()> {
        let idle = self.taken.iter().filter(|(_, taken)| of(taken));
        let idle = idle.filter_map(|(id, taken)| Some((taken.watch.idle_since()?, *id)));
        let (_, id) = idle.min()?;
        self.leave(id);
        Some(())
    }

    fn leave(&mut self, id: u64) {
        let Some(taken) = self.taken.remove(&id) else { return };
        taken.cut.cancel();
        if let Some(count) = self.of.get_mut(&taken.peer) {
            *count -= 1;
            if *count == 0 {
                self.of.remove(&taken.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(most: usize, most_of_one: usize) -> Arc<Room> {
        let limits = Limits {
            http_connections: most,
            http_connections_per_source: most_of_one,
            ..Limits::default()
        };
        Arc::new(Room::new(&limits))
    }

    #[test]
    fn one_source_does_not_take_all() {
        let room = room(10, 2);
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let first = room.enter(a).unwrap();
        let _second = room.enter(a).unwrap();
        assert!(room.enter(a).is_none());
        assert!(room.enter(b).is_some());
        drop(first);
        assert!(room.enter(a).is_some());
        assert_eq!(room.seats().of.len(), 1);
    }

    #[test]
    fn the_total_is_bounded_and_busy_connections_stay() {
        let room = room(2, 2);
        let peer = |n| IpAddr::from([10, 0, 0, n]);
        let _busy = (room.enter(peer(1)).unwrap(), room.enter(peer(2)).unwrap());
        assert!(room.enter(peer(3)).is_none());
    }
}
