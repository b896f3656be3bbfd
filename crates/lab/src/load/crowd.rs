//! Who says what next: every client of a play, as a value that is told the time.
//!
//! In: the moment, and answers that came. Out: frames to be sent, and in the end the tally. Never:
//! a socket or a clock.

use std::collections::VecDeque;
use std::time::Duration;

use super::frame::{self, Answer, Frame, Kind, Mac, Say};
use super::{Pace, Play, Tally};

/// Exchanges at once, whatever the pace: the slot's number is the lower half of the xid.
const SLOTS_MAX: u16 = u16::MAX;
/// How long nothing may happen before the driver looks at the time again.
const LOOK: Duration = Duration::from_millis(20);

/// The clients of one play.
pub struct Crowd {
    play: Play,
    slots: Vec<Slot>,
    free: Vec<u16>,
    /// When each exchange is given up, oldest first.
    deadlines: VecDeque<(Duration, u32)>,
    begun: u64,
    in_flight: u64,
    tally: Tally,
}

#[derive(Clone, Copy)]
struct Slot {
    xid: u32,
    client: Mac,
    since: Duration,
    stage: Stage,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Stage {
    Idle,
    WaitsForOffer,
    WaitsForAck,
}

impl Crowd {
    /// Nobody has said anything yet.
    #[must_use]
    pub fn new(play: Play) -> Self {
        let count = match play.pace {
            Pace::Closed { in_flight } => in_flight,
            Pace::Open { .. } => SLOTS_MAX,
        };
        let empty = Slot { xid: 0, client: [0; 6], since: Duration::ZERO, stage: Stage::Idle };
        Self {
            play,
            slots: vec![empty; usize::from(count)],
            free: (0..count).rev().collect(),
            deadlines: VecDeque::new(),
            begun: 0,
            in_flight: 0,
            tally: Tally::default(),
        }
    }

    /// The next DISCOVER, if one is due and there is room for its exchange.
    pub fn begin(&mut self, now: Duration) -> Option<Frame> {
        let due = self.due_at(now).filter(|due| *due <= now)?;
        let number = self.free.pop()?;
        let slot = self.slots.get_mut(usize::from(number))?;
        let client = mac(self.play.seed, (self.begun % u64::from(self.play.clients)) as u32);
        let xid = (slot.xid & 0xffff_0000).wrapping_add(0x1_0000) | u32::from(number);
        // At an open pace the clock runs from when it should have begun: what the server delays,
        // and what we delay, both count.
        let since = match self.play.pace {
            Pace::Closed { .. } => now,
            Pace::Open { .. } => due,
        };
        *slot = Slot { xid, client, since, stage: Stage::WaitsForOffer };
        self.deadlines.push_back((now + self.play.patience, xid));
        self.begun += 1;
        self.in_flight += 1;
        Some(frame::write(client, xid, Say::Discover))
    }

    /// When the next exchange is to begin; `None` when no more do.
    fn due_at(&self, now: Duration) -> Option<Duration> {
        let at = match self.play.pace {
            Pace::Closed { .. } => now,
            Pace::Open { per_s } => Duration::from_nanos(
                self.begun.saturating_mul(1_000_000_000) / u64::from(per_s.max(1)),
            ),
        };
        (self.begun < self.play.most && at < self.play.lasts).then_some(at)
    }

    /// An answer came: what its client says to it.
    pub fn hear(&mut self, now: Duration, answer: &Answer) -> Option<Frame> {
        let slot = self.slots.get_mut((answer.xid & 0xffff) as usize)?;
        if slot.xid != answer.xid || slot.client != answer.client {
            return None;
        }
        match (slot.stage, answer.kind) {
            (Stage::WaitsForOffer, Kind::Offer) => {
                slot.stage = Stage::WaitsForAck;
                let say = Say::Select { address: answer.address, server: answer.server };
                return Some(frame::write(slot.client, slot.xid, say));
            }
            (Stage::WaitsForAck, Kind::Ack) => {
                self.tally.completed(now, now.saturating_sub(slot.since), self.play.lasts);
            }
            (Stage::WaitsForAck, Kind::Nak) => self.tally.refused += 1,
            // A second answer, or one for nobody.
            _ => return None,
        }
        self.free_slot(answer.xid);
        None
    }

    /// Gives up what waited too long.
    pub fn give_up(&mut self, now: Duration) {
        while let Some((_, xid)) = self.deadlines.front().copied().filter(|(at, _)| *at <= now) {
            self.deadlines.pop_front();
            let slot = self.slots.get((xid & 0xffff) as usize);
            let Some(slot) = slot.filter(|slot| slot.xid == xid) else { continue };
            match slot.stage {
                Stage::Idle => continue,
                Stage::WaitsForOffer => self.tally.lost_discovers += 1,
                Stage::WaitsForAck => self.tally.lost_requests += 1,
            }
            self.free_slot(xid);
        }
    }

    fn free_slot(&mut self, xid: u32) {
        let number = (xid & 0xffff) as u16;
        if let Some(slot) = self.slots.get_mut(usize::from(number)) {
            slot.stage = Stage::Idle;
            self.in_flight -= 1;
            self.free.push(number);
        }
    }

    /// Whether nobody waits and nobody will begin.
    #[must_use]
    pub fn is_done(&self, now: Duration) -> bool {
        let over = now >= self.play.lasts || self.begun >= self.play.most;
        over && self.in_flight == 0
    }

    /// How long the driver may wait for frames.
    #[must_use]
    pub fn idle_for(&self, now: Duration) -> Duration {
        let due = self.due_at(now).filter(|_| !self.free.is_empty());
        due.map_or(LOOK, |at| at.saturating_sub(now).min(LOOK))
    }

    /// What it came to.
    #[must_use]
    pub fn tally(self, lasted: Duration, own_cpu: Duration) -> Tally {
        let mut tally = self.tally;
        tally.begun = self.begun;
        tally.lasted = lasted.min(self.play.lasts);
        tally.own_cpu = own_cpu;
        tally.sort();
        tally
    }
}

/// The MAC of a client: locally administered, different for each number below 2^32.
#[must_use]
pub fn mac(seed: u64, number: u32) -> Mac {
    // An odd factor makes a permutation of the 40 bits that are left.
    let mixed = u64::from(number).wrapping_add(seed).wrapping_mul(0x9e_3779_b97f);
    let [_, _, _, a, b, c, d, e] = mixed.to_be_bytes();
    [0x02, a, b, c, d, e]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const MS: Duration = Duration::from_millis(1);

    fn closed(in_flight: u16) -> Crowd {
        let pace = Pace::Closed { in_flight };
        Crowd::new(Play { clients: 4, ..Play::new(1, pace, 100 * MS) })
    }

    fn answer(kind: Kind, to: &Frame) -> Answer {
        Answer {
            kind,
            xid: u32::from_be_bytes([to[46], to[47], to[48], to[49]]),
            client: to[70..76].try_into().unwrap(),
            address: Ipv4Addr::new(10, 80, 1, 1),
            server: Ipv4Addr::new(10, 80, 0, 1),
            at: [4; 6],
            lease_s: Some(60),
        }
    }

    #[test]
    fn an_exchange_is_completed_by_its_ack_and_makes_room_for_the_next() {
        let mut crowd = closed(1);
        let discover = crowd.begin(MS).unwrap();
        assert!(crowd.begin(MS).is_none(), "one at a time");
        let request = crowd.hear(2 * MS, &answer(Kind::Offer, &discover)).unwrap();
        assert!(crowd.hear(2 * MS, &answer(Kind::Offer, &discover)).is_none(), "a duplicate");
        assert!(crowd.hear(5 * MS, &answer(Kind::Ack, &request)).is_none());
        let next = crowd.begin(6 * MS).unwrap();
        assert_ne!(next[70..76], discover[70..76], "another client");
        assert!(crowd.hear(7 * MS, &answer(Kind::Ack, &request)).is_none(), "too late for anybody");
        let tally = crowd.tally(100 * MS, Duration::ZERO);
        assert_eq!((tally.begun, tally.in_time, tally.percentile(0.5)), (2, 1, 4 * MS));
    }

    #[test]
    fn what_waits_too_long_is_lost_by_what_it_waited_for() {
        let mut crowd = closed(2);
        let one = crowd.begin(MS).unwrap();
        crowd.begin(MS).unwrap();
        crowd.hear(2 * MS, &answer(Kind::Offer, &one)).unwrap();
        crowd.give_up(500 * MS);
        assert!(!crowd.is_done(500 * MS));
        crowd.give_up(1001 * MS);
        assert!(crowd.is_done(1001 * MS));
        let tally = crowd.tally(Duration::from_secs(2), Duration::ZERO);
        assert_eq!((tally.lost_discovers, tally.lost_requests), (1, 1));
    }

    #[test]
    fn an_open_pace_begins_by_the_clock_and_counts_from_there() {
        let mut crowd = Crowd::new(Play::new(1, Pace::Open { per_s: 1000 }, 10 * MS));
        assert!(crowd.begin(Duration::ZERO).is_some());
        assert!(crowd.begin(Duration::ZERO).is_none());
        assert_eq!(crowd.idle_for(Duration::ZERO), MS);
        let late = crowd.begin(4 * MS).unwrap();
        let request = crowd.hear(4 * MS, &answer(Kind::Offer, &late)).unwrap();
        crowd.hear(5 * MS, &answer(Kind::Ack, &request));
        assert_eq!(crowd.tally(10 * MS, Duration::ZERO).percentile(1.0), 4 * MS);
    }

    #[test]
    fn nobody_begins_after_the_end() {
        assert!(closed(1).begin(100 * MS).is_none());
    }

    #[test]
    fn clients_differ() {
        let mut all: Vec<Mac> = (0..60_000).map(|number| mac(7, number)).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 60_000);
    }
}
