//! Whose turn it is, when more machines load at once than the way out can carry.
//!
//! In: transfers that begin and end, what was sent, and the moment. Out: who may send now, and who
//! has to wait until when. Never: a byte, a wait.
//!
//! A thousand machines that share a full link evenly all finish last. So a few have a turn and go
//! at full speed, in the order in which they came; the others wait and get a trickle meanwhile, so
//! that no firmware gives up. How many have a turn at once is found by trying: more as long as more
//! at once carry more in all (they are slow, or far away), no more when they do not (the link, or
//! we, are full).

use model::Now;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// One that waits is sent this much
const TRICKLE_BYTES: u64 = 8 * 1024;
/// this often. EDK2 gives up after 5 s without a byte (HTTP), TFTP clients ask again after 1 to 4 s.
const TRICKLE_EVERY: Duration = Duration::from_millis(900);
/// How long it is measured what a number of turns carries.
const MEASURE: Duration = Duration::from_millis(500);
/// More turns must carry this much more, in percent, to have been worth it.
const WORTH_PERCENT: u64 = 108;
/// When they were not, the next try is so much later.
const TRY_AGAIN: Duration = Duration::from_secs(4);
/// Turns are added by half of what there are.
const GROW_BY: usize = 2;

/// When transfers wait for a turn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rules {
    /// So many have a turn from the beginning.
    pub at_once: usize,
    /// Never more than this.
    pub at_once_max: usize,
    /// A transfer of at most so many bytes never waits.
    pub small_bytes: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { at_once: 64, at_once_max: 4096, small_bytes: 128 * 1024 }
    }
}

/// A transfer. Later ones have larger numbers.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Turn(u64);

/// All transfers of one way out.
#[derive(Clone, Debug)]
pub struct Turns {
    rules: Rules,
    last: u64,
    running: BTreeSet<Turn>,
    /// Those that wait, oldest first, and when each gets its next trickle.
    waiting: BTreeMap<Turn, Now>,
    /// So many may run.
    most: usize,
    measure: Measure,
}

/// What the present number of turns carries.
#[derive(Clone, Copy, Debug, Default)]
struct Measure {
    since: Now,
    bytes: u64,
    /// What was carried in a second by how many turns, before there were more.
    before: Option<(u64, usize)>,
    /// No more before this moment.
    hold: Now,
}

/// Whether a transfer may send.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum May {
    /// So many bytes, now.
    Send(u64),
    /// It is not its turn. Ask again at this moment, or when told ([`Turns::leave`],
    /// [`Turns::tick`]).
    Wait(Now),
}

impl Turns {
    /// Nobody yet.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            last: 0,
            running: BTreeSet::new(),
            waiting: BTreeMap::new(),
            most: rules.at_once.max(1),
            measure: Measure::default(),
        }
    }

    /// A transfer of `bytes` begins. Nothing if it is too small to wait for a turn.
    pub fn enter(&mut self, now: Now, bytes: u64) -> Option<Turn> {
        if bytes <= self.rules.small_bytes {
            return None;
        }
        self.last += 1;
        let turn = Turn(self.last);
        if self.running.len() < self.most && self.waiting.is_empty() {
            self.running.insert(turn);
        } else {
            if self.waiting.is_empty() {
                self.measure.since = now;
                self.measure.bytes = 0;
            }
            self.waiting.insert(turn, now);
        }
        Some(turn)
    }

    /// A transfer ended. Gives those whose turn it is now; tell them.
    #[must_use]
    pub fn leave(&mut self, turn: Turn) -> Vec<Turn> {
        self.running.remove(&turn);
        self.waiting.remove(&turn);
        self.promote()
    }

    /// How many of the `wanted` bytes a transfer may send.
    pub fn may(&mut self, now: Now, turn: Turn, wanted: u64) -> May {
        match self.waiting.get_mut(&turn) {
            None => May::Send(wanted),
            Some(trickle) if now >= *trickle => {
                *trickle = now + TRICKLE_EVERY;
                May::Send(wanted.min(TRICKLE_BYTES))
            }
            Some(trickle) => May::Wait(*trickle),
        }
    }

    /// Whether a transfer waits for its turn.
    #[must_use]
    pub fn is_waiting(&self, turn: Turn) -> bool {
        self.waiting.contains_key(&turn)
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// So many bytes went out, to whomever.
    pub const fn sent(&mut self, bytes: u64) {
        self.measure.bytes = self.measure.bytes.saturating_add(bytes);
    }

    /// To be called about twice a second: may more have a turn? Gives whose turn it is now.
    #[must_use]
    pub fn tick(&mut self, now: Now) -> Vec<Turn> {
        let measured = now.since(self.measure.since);
        if measured < MEASURE {
            return Vec::new();
        }
        let ms = u64::try_from(measured.as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = self.measure.bytes.saturating_mul(1000) / ms;
        self.measure.since = now;
        self.measure.bytes = 0;
        if self.waiting.is_empty() {
            self.measure.before = None;
            if self.running.len() < self.rules.at_once {
                self.most = self.rules.at_once.max(1);
            }
            return Vec::new();
        }
        self.adjust(now, rate);
        self.promote()
    }

    /// More turns, or as many as before.
    fn adjust(&mut self, now: Now, rate: u64) {
        if let Some((before, most)) = self.measure.before.take()
            && rate < before.saturating_mul(WORTH_PERCENT) / 100
        {
            self.most = most;
            self.measure.hold = now + TRY_AGAIN;
        }
        if now < self.measure.hold || self.most >= self.rules.at_once_max {
            return;
        }
        self.measure.before = Some((rate, self.most));
        let more = (self.most / GROW_BY).max(1);
        self.most = self.most.saturating_add(more).min(self.rules.at_once_max);
    }

    fn promote(&mut self) -> Vec<Turn> {
        let mut now_running = Vec::new();
        while self.running.len() < self.most
            && let Some((turn, _)) = self.waiting.pop_first()
        {
            self.running.insert(turn);
            now_running.push(turn);
        }
        now_running
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    /// A machine that loads: how much, and what its own link takes in a millisecond.
    #[derive(Clone, Copy)]
    struct Machine {
        left: u64,
        per_ms: u64,
        turn: Option<Turn>,
        /// When it was sent something last, and the longest it heard nothing.
        heard: Now,
        silence: Duration,
        done: Option<Duration>,
    }

    fn machine(bytes: u64, per_ms: u64) -> Machine {
        let (heard, silence) = (Now(0), Duration::ZERO);
        Machine { left: bytes, per_ms, turn: None, heard, silence, done: None }
    }

    /// All machines begin at once; the way out carries `per_ms` bytes in a millisecond, shared
    /// evenly by whoever may send. Gives when each was done.
    fn boot(rules: Rules, per_ms: u64, machines: &mut [Machine]) {
        let start = Now(5_000);
        let mut turns = Turns::new(rules);
        for machine in &mut *machines {
            machine.turn = turns.enter(start, machine.left);
            machine.heard = start;
        }
        let mut now = start;
        while machines.iter().any(|machine| machine.left > 0) {
            now = now + Duration::from_millis(1);
            assert!(now.since(start) < Duration::from_secs(600), "somebody never ends");
            if now.0.is_multiple_of(500) {
                let _ = turns.tick(now);
            }
            let mut room = per_ms;
            let alive: Vec<usize> =
                (0..machines.len()).filter(|at| machines[*at].left > 0).collect();
            let running = alive
                .iter()
                .filter(|at| machines[**at].turn.is_none_or(|turn| !turns.is_waiting(turn)));
            let share = per_ms / running.count().max(1) as u64;
            // A trickle that is due is in the kernel's queue before what is sent next.
            for at in alive.into_iter().rev() {
                let machine = &mut machines[at];
                let wanted = machine.left.min(machine.per_ms).min(share.max(1)).min(room);
                if wanted == 0 {
                    continue;
                }
                let may =
                    machine.turn.map_or(May::Send(wanted), |turn| turns.may(now, turn, wanted));
                let May::Send(bytes) = may else { continue };
                room -= bytes;
                turns.sent(bytes);
                machine.left -= bytes;
                machine.silence = machine.silence.max(now.since(machine.heard));
                machine.heard = now;
                if machine.left == 0 {
                    machine.done = Some(now.since(start));
                    if let Some(turn) = machine.turn {
                        let _ = turns.leave(turn);
                    }
                }
            }
        }
    }

    fn done(machines: &[Machine]) -> Vec<Duration> {
        let mut done: Vec<Duration> = machines.iter().map(|m| m.done.unwrap()).collect();
        done.sort_unstable();
        done
    }

    #[test]
    fn the_first_finish_early_the_last_no_later_and_nobody_is_left_in_silence() {
        let evenly = Rules { at_once: 10_000, at_once_max: 10_000, ..Rules::default() };
        let mut in_turns = vec![machine(16 * MB, MB); 1000];
        let mut together = in_turns.clone();
        boot(Rules::default(), MB, &mut in_turns);
        boot(evenly, MB, &mut together);
        let (ours, even) = (done(&in_turns), done(&together));
        assert!(ours[9] < even[9] / 10, "the first: {:?} against {:?}", ours[9], even[9]);
        assert!(ours[500] < even[500] * 6 / 10, "half: {:?} against {:?}", ours[500], even[500]);
        assert!(ours[999] < even[999] * 102 / 100, "all: {:?} against {:?}", ours[999], even[999]);
        let silence = in_turns.iter().map(|m| m.silence).max().unwrap();
        assert!(silence <= Duration::from_secs(2), "{silence:?} without a byte");
    }

    #[test]
    fn slow_machines_do_not_hold_the_others_up() {
        // Sixty machines behind a slow line came first; a thousandth of the way out is theirs.
        let mut machines = vec![machine(16 * MB, 1000); 60];
        machines.extend(vec![machine(16 * MB, 50_000); 200]);
        boot(Rules::default(), MB, &mut machines);
        let fast = done(&machines[60..]);
        let ideal = Duration::from_millis(200 * 16);
        assert!(fast[199] < ideal * 2, "{:?}; alone it would be {ideal:?}", fast[199]);
    }

    #[test]
    fn few_machines_and_small_files_never_wait() {
        let mut turns = Turns::new(Rules::default());
        assert_eq!(turns.enter(Now(1), 1000), None);
        let few: Vec<Turn> = (0..64).map(|_| turns.enter(Now(1), MB).unwrap()).collect();
        assert!(few.iter().all(|turn| turns.may(Now(2), *turn, MB) == May::Send(MB)));
        assert_eq!(turns.waiting(), 0);
        let late = turns.enter(Now(3), MB).unwrap();
        assert!(turns.is_waiting(late));
        assert_eq!(turns.may(Now(3), late, MB), May::Send(TRICKLE_BYTES));
        assert!(matches!(turns.may(Now(4), late, MB), May::Wait(_)));
        assert_eq!(turns.leave(few[7]), [late], "its turn, and it is told");
        assert_eq!(turns.may(Now(4), late, MB), May::Send(MB));
    }
}
