//! The gate before every byte of a file: is it this transfer's turn, and do the limits let it go?
//!
//! In: a transfer that wants to send, and the moment. Out: how many bytes, or when to ask again.
//! Never: a byte, a wait. The decisions are those of `engine::turns` (one for each way out) and
//! `engine::rates` (one for all of them).

use crate::board::Board;
use engine::Now;
use engine::rates::{Booked, Rates};
use engine::turns::{May, Rules, Turn, Turns};
use model::event::Carrier;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The limits that all ways out share.
#[derive(Clone)]
pub(crate) struct Shared(Option<Arc<Mutex<Rates>>>);

impl Shared {
    pub(crate) fn new(rates: Rates) -> Self {
        Self((!rates.is_unlimited()).then(|| Arc::new(Mutex::new(rates))))
    }
}

/// So often it is measured what the turns carry.
const MEASURE: Duration = Duration::from_millis(500);

/// One way out. `K` is by what its thread knows a transfer.
pub(crate) struct Gate<K> {
    rates: Shared,
    turns: Turns,
    keys: BTreeMap<Turn, K>,
    left: Left,
    measured: Now,
    /// Where it is added up what went out.
    board: Board,
    by: Carrier,
}

/// Turns of transfers that have ended and were not taken back yet.
#[derive(Clone, Debug, Default)]
struct Left(Arc<Mutex<Vec<Turn>>>);

/// What a transfer has in hand. Dropping it gives its turn to the next.
#[derive(Debug)]
pub(crate) struct Ticket {
    /// None: too small to wait for a turn.
    turn: Option<(Turn, Left)>,
    /// The client, and our address that it asked.
    to: IpAddr,
    from: IpAddr,
    /// Booked and not sent yet.
    booked: Option<Booked>,
    rates: Shared,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "limits" } else { "no limits" })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let (Some(booked), Some(rates)) = (self.booked.take(), &self.rates.0) {
            let mut rates = rates.lock().unwrap_or_else(PoisonError::into_inner);
            rates.give_back(self.to, self.from, booked.bytes);
        }
        if let Some((turn, left)) = self.turn.take() {
            left.0.lock().unwrap_or_else(PoisonError::into_inner).push(turn);
        }
    }
}

impl<K: Copy> Gate<K> {
    pub(crate) fn new(rates: Shared, rules: Rules, board: Board, by: Carrier) -> Self {
        Self {
            rates,
            turns: Turns::new(rules),
            keys: BTreeMap::new(),
            left: Left::default(),
            measured: Now(0),
            board,
            by,
        }
    }

    /// A transfer of `bytes` begins, from our address `from` to the client at `to`.
    pub(crate) fn enter(
        &mut self,
        now: Now,
        key: K,
        (from, to): (IpAddr, IpAddr),
        bytes: u64,
    ) -> Ticket {
        let turn = self.turns.enter(now, bytes);
        if let Some(turn) = turn {
            self.keys.insert(turn, key);
        }
        let turn = turn.map(|turn| (turn, self.left.clone()));
        Ticket { turn, to, from, booked: None, rates: self.rates.clone() }
    }

    /// How many of the `wanted` bytes may go now, at least one if any are wanted; or when to ask
    /// again.
    pub(crate) fn allowed(&mut self, now: Now, of: &mut Ticket, wanted: u64) -> Result<u64, Now> {
        let booked = match of.booked {
            Some(booked) => booked,
            None => {
                let turn = of.turn.as_ref().map(|(turn, _)| *turn);
                let may = turn.map_or(May::Send(wanted), |turn| self.turns.may(now, turn, wanted));
                match (may, &self.rates.0) {
                    (May::Wait(until), _) => return Err(until),
                    (May::Send(bytes), None) => return Ok(bytes),
                    (May::Send(bytes), Some(rates)) => {
                        let mut rates = rates.lock().unwrap_or_else(PoisonError::into_inner);
                        rates.book(now, of.to, of.from, bytes)
                    }
                }
            }
        };
        of.booked = Some(booked);
        if booked.at > now { Err(booked.at) } else { Ok(booked.bytes.min(wanted)) }
    }

    /// So many bytes of a transfer went out.
    pub(crate) fn sent(&mut self, of: &mut Ticket, bytes: u64) {
        self.turns.sent(bytes);
        self.board.sent(self.by, bytes);
        of.booked = of.booked.take().and_then(|booked| {
            let left = booked.bytes.saturating_sub(bytes);
            (left > 0).then_some(Booked { bytes: left, ..booked })
        });
    }

    /// So many bytes went out that needed no ticket: the first block to somebody who may not be there.
    pub(crate) fn sent_unasked(&self, bytes: u64) {
        self.board.sent(self.by, bytes);
    }

    /// To be called in each pass of the thread, before it waits. Gives those whose turn it is now,
    /// after they had to wait.
    pub(crate) fn pass(&mut self, now: Now) -> Vec<K> {
        let mut woken = Vec::new();
        let left = std::mem::take(&mut *self.left.0.lock().unwrap_or_else(PoisonError::into_inner));
        for turn in left {
            self.keys.remove(&turn);
            woken.extend(self.turns.leave(turn));
        }
        if now.since(self.measured) >= MEASURE {
            self.measured = now;
            woken.extend(self.turns.tick(now));
        }
        woken.into_iter().filter_map(|turn| self.keys.get(&turn).copied()).collect()
    }

    /// Whether this one waits for its turn.
    pub(crate) fn is_waiting(&self, ticket: &Ticket) -> bool {
        ticket.turn.as_ref().is_some_and(|(turn, _)| self.turns.is_waiting(*turn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::rates::Limits;

    const TO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9));
    const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn gate(rates: Rates, rules: Rules) -> Gate<u8> {
        Gate::new(Shared::new(rates), rules, Board::default(), Carrier::Http)
    }

    #[test]
    fn what_was_booked_is_sent_without_asking_again_however_it_is_cut() {
        let limits = Limits { total: Some(1_000_000), machine: None };
        let mut gate = gate(Rates::new(limits, []), Rules::default());
        let mut now = Now(1_000);
        let mut ticket = gate.enter(now, 1, (FROM, TO), 10_000_000);
        let mut sent = 0;
        while now < Now(11_000) {
            match gate.allowed(now, &mut ticket, 1 << 20) {
                // The kernel takes less than it is offered.
                Ok(bytes) => {
                    let taken = bytes.div_ceil(3);
                    gate.sent(&mut ticket, taken);
                    sent += taken;
                }
                Err(at) => {
                    assert!(at > now);
                    now = at;
                }
            }
        }
        assert!((9_800_000..=10_300_000).contains(&sent), "{sent} bytes in 10 s");
    }

    #[test]
    fn a_ticket_that_is_dropped_gives_its_turn_to_the_next() {
        let rules = Rules { at_once: 1, at_once_max: 1, small_bytes: 10 };
        let mut gate = gate(Rates::default(), rules);
        let first = gate.enter(Now(1), 1, (FROM, TO), 1000);
        let mut second = gate.enter(Now(1), 2, (FROM, TO), 1000);
        let third = gate.enter(Now(1), 3, (FROM, TO), 1000);
        assert!(!gate.is_waiting(&first) && gate.is_waiting(&second));
        assert!(gate.allowed(Now(1), &mut second, 5).is_ok(), "the first of a trickle");
        assert!(gate.allowed(Now(2), &mut second, 5).is_err());
        // Who goes while it waits leaves nothing behind.
        drop(third);
        assert!(gate.pass(Now(2)).is_empty());
        drop(first);
        assert_eq!(gate.pass(Now(3)), [2]);
        assert_eq!(gate.allowed(Now(3), &mut second, 5), Ok(5));
        drop(second);
        assert!(gate.pass(Now(4)).is_empty() && gate.keys.is_empty());
    }
}
