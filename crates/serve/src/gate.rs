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
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The limits that all ways out share.
#[derive(Clone)]
pub(crate) struct Shared(Option<Arc<Mutex<Rates>>>);

impl Shared {
    pub(crate) fn new(rates: Rates) -> Self {
        Self((!rates.is_unlimited()).then(|| Arc::new(Mutex::new(rates))))
    }
}

/// One way out.
pub(crate) struct Gate {
    rates: Shared,
    turns: Turns,
    /// Where it is added up what went out.
    board: Board,
    by: Carrier,
}

/// What a transfer has in hand. To be given back with [`Gate::leave`].
#[derive(Debug)]
pub(crate) struct Ticket {
    /// None: too small to wait for a turn.
    turn: Option<Turn>,
    /// The client, and our address that it asked.
    to: IpAddr,
    from: IpAddr,
    /// Booked and not sent yet.
    booked: Option<Booked>,
}

impl Ticket {
    /// By this the transfer is told when its turn comes.
    pub(crate) const fn turn(&self) -> Option<Turn> {
        self.turn
    }
}

impl Gate {
    pub(crate) fn new(rates: Shared, rules: Rules, board: Board, by: Carrier) -> Self {
        Self { rates, turns: Turns::new(rules), board, by }
    }

    /// A transfer of `bytes` begins.
    pub(crate) fn enter(&mut self, now: Now, to: IpAddr, from: IpAddr, bytes: u64) -> Ticket {
        Ticket { turn: self.turns.enter(now, bytes), to, from, booked: None }
    }

    /// How many of the `wanted` bytes may go now, at least one if any are wanted; or when to ask
    /// again.
    pub(crate) fn allowed(&mut self, now: Now, of: &mut Ticket, wanted: u64) -> Result<u64, Now> {
        let booked = match of.booked {
            Some(booked) => booked,
            None => {
                let may =
                    of.turn.map_or(May::Send(wanted), |turn| self.turns.may(now, turn, wanted));
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

    /// So many bytes went out.
    pub(crate) fn sent(&mut self, of: &mut Ticket, bytes: u64) {
        self.turns.sent(bytes);
        self.board.sent(self.by, bytes);
        of.booked = of.booked.take().and_then(|booked| {
            let left = booked.bytes.saturating_sub(bytes);
            (left > 0).then_some(Booked { bytes: left, ..booked })
        });
    }

    /// A transfer ended. Gives those whose turn it is now.
    pub(crate) fn leave(&mut self, ticket: &Ticket) -> Vec<Turn> {
        ticket.turn.map(|turn| self.turns.leave(turn)).unwrap_or_default()
    }

    /// To be called about twice a second. Gives those whose turn it is now.
    pub(crate) fn tick(&mut self, now: Now) -> Vec<Turn> {
        self.turns.tick(now)
    }

    /// Whether this one waits for its turn.
    pub(crate) fn is_waiting(&self, ticket: &Ticket) -> bool {
        ticket.turn.is_some_and(|turn| self.turns.is_waiting(turn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::rates::Limits;
    use std::time::Duration;

    const TO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9));
    const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    fn gate(rates: Rates) -> Gate {
        Gate::new(Shared::new(rates), Rules::default(), Board::default(), Carrier::Http)
    }

    #[test]
    fn what_was_booked_is_sent_without_asking_again_however_it_is_cut() {
        let limits = Limits { total: Some(1_000_000), machine: None };
        let mut gate = gate(Rates::new(limits, []));
        let mut now = Now(1_000);
        let mut ticket = gate.enter(now, TO, FROM, 10_000_000);
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
        let _ = gate.leave(&ticket);
    }

    #[test]
    fn without_limits_and_few_there_is_no_gate() {
        let mut gate = gate(Rates::default());
        let mut ticket = gate.enter(Now(1), TO, FROM, u64::MAX);
        assert_eq!(gate.allowed(Now(1), &mut ticket, 5), Ok(5));
        assert!(!gate.is_waiting(&ticket) && ticket.turn().is_some());
        assert!(gate.tick(Now(1) + Duration::from_secs(1)).is_empty());
    }
}
