//! The files that are on their way at this moment, for whoever looks from outside.
//!
//! In: what a [`crate::meter::Meter`] notes, and the bytes that go out. Out: one line for each
//! transfer, and sums. Never: a transfer that has ended; work for each block beyond writing down a
//! few numbers.

use crate::meter::About;
use model::event::Carrier;
use model::transfer::Totals;
use model::{Now, TransferNow, Transfers};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The rate is that of the last one to two of these.
const SPAN: Duration = Duration::from_secs(2);

/// All files on their way, shared by cloning. It has as many lines as there are transfers and
/// connections, and those have limits.
#[derive(Clone, Default)]
pub(crate) struct Board(Arc<Inner>);

#[derive(Default)]
struct Inner {
    lines: Mutex<Lines>,
    tftp: Sums,
    http: Sums,
}

/// What went out since the start.
#[derive(Default)]
struct Sums {
    bytes: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    again: AtomicU64,
}

#[derive(Default)]
struct Lines {
    next: u64,
    lines: BTreeMap<u64, Arc<Line>>,
}

struct Line {
    about: Arc<About>,
    started: Now,
    sent: AtomicU64,
    again: AtomicU64,
    waits: AtomicBool,
    /// Where it was a while ago, and a while before that.
    marks: Mutex<[(Now, u64); 2]>,
}

/// The place of one transfer on the board; it is wiped out when this is dropped.
pub(crate) struct Place {
    board: Board,
    id: u64,
    line: Arc<Line>,
    marked: Now,
}

impl fmt::Debug for Board {
    /// Without its lines: each of them knows the board it stands on.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Board of {}", self.lines().lines.len())
    }
}

impl Board {
    /// Everything on its way, the oldest first, and the sums.
    pub(crate) fn read(&self, now: Now) -> Transfers {
        let lines: Vec<Arc<Line>> = self.lines().lines.values().cloned().collect();
        Transfers {
            now: lines.iter().map(|line| line.read(now)).collect(),
            tftp: self.0.tftp.read(),
            http: self.0.http.read(),
        }
    }

    /// So many bytes of files went out.
    pub(crate) fn sent(&self, by: Carrier, bytes: u64) {
        self.sums(by).bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn sums(&self, by: Carrier) -> &Sums {
        match by {
            Carrier::Tftp => &self.0.tftp,
            Carrier::Http => &self.0.http,
        }
    }

    /// Writes a transfer down.
    pub(crate) fn enter(&self, about: Arc<About>, started: Now, now: Now) -> Place {
        let (sent, again) = (AtomicU64::new(0), AtomicU64::new(0));
        let marks = Mutex::new([(now, 0); 2]);
        let waits = AtomicBool::new(false);
        let line = Arc::new(Line { about, started, sent, again, waits, marks });
        let mut lines = self.lines();
        lines.next += 1;
        let id = lines.next;
        lines.lines.insert(id, Arc::clone(&line));
        Place { board: self.clone(), id, line, marked: now }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub(crate) fn note(&mut self, now: Now, sent: u64, again: u64) {
        self.line.sent.store(sent, Ordering::Relaxed);
        self.line.again.store(again, Ordering::Relaxed);
        if now.since(self.marked) >= SPAN {
            self.marked = now;
            let mut marks = self.line.marks.lock().unwrap_or_else(PoisonError::into_inner);
            let [_, last] = *marks;
            *marks = [last, (now, sent)];
        }
    }

    /// Whether it waits for its turn.
    pub(crate) fn note_wait(&self, waits: bool) {
        self.line.waits.store(waits, Ordering::Relaxed);
    }

    /// It has ended, arrived or not, after so many blocks were sent again.
    pub(crate) fn ended(self, arrived: bool, again: u64) {
        let sums = self.board.sums(self.line.about.by);
        let count = if arrived { &sums.done } else { &sums.failed };
        count.fetch_add(1, Ordering::Relaxed);
        let again = again.max(self.line.again.load(Ordering::Relaxed));
        sums.again.fetch_add(again, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.board.lines().lines.remove(&self.id);
    }
}

impl Sums {
    fn read(&self) -> Totals {
        let read = |sum: &AtomicU64| sum.load(Ordering::Relaxed);
        Totals {
            bytes: read(&self.bytes),
            done: read(&self.done),
            failed: read(&self.failed),
            again: read(&self.again),
        }
    }
}

impl Line {
    fn read(&self, now: Now) -> TransferNow {
        let [(since, then), _] = *self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = self.sent.load(Ordering::Relaxed);
        let ms = now.since(since).as_millis().max(1);
        let rate = u128::from(sent.saturating_sub(then)) * 1000 / ms;
        let about = &self.about;
        TransferNow {
            file: about.file.clone(),
            by: about.by,
            to: about.to,
            machine: about.machine,
            link: about.link.clone(),
            sent,
            size: about.size,
            again: self.again.load(Ordering::Relaxed),
            started: self.started,
            bytes_per_s: u64::try_from(rate).unwrap_or(u64::MAX),
            waiting: self.waits.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    #[test]
    fn a_transfer_stands_there_while_it_runs_with_the_rate_of_the_last_seconds() {
        let board = Board::default();
        let about = Arc::new(About {
            file: "kernel".to_owned(),
            by: Carrier::Tftp,
            to: IpAddr::from([10, 0, 0, 9]),
            size: 100_000,
            machine: None,
            link: "lan".to_owned(),
            board: board.clone(),
        });
        let mut place = board.enter(Arc::clone(&about), Now(500), Now(1000));
        place.note(Now(2000), 10_000, 1);
        let [line] = &board.read(Now(2000)).now[..] else { panic!() };
        assert_eq!(
            (line.sent, line.again, line.size, line.bytes_per_s),
            (10_000, 1, 100_000, 10_000)
        );
        assert_eq!((line.file.as_str(), line.started), ("kernel", Now(500)));
        // It stands still.
        for second in 3..9 {
            place.note(Now(second * 1000), 10_000, 1);
        }
        assert_eq!(board.read(Now(9000)).now[0].bytes_per_s, 0);
        let other = board.enter(about, Now(0), Now(9000));
        assert_eq!(board.read(Now(9000)).now.len(), 2);
        board.sent(Carrier::Tftp, 700);
        place.ended(true, 3);
        other.ended(false, 0);
        let read = board.read(Now(9000));
        assert!(read.now.is_empty());
        assert_eq!(read.tftp, Totals { bytes: 700, done: 1, failed: 1, again: 3 });
        assert_eq!(read.http, Totals::default());
    }
}
