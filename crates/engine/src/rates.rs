//! How many bytes may go out: for one machine, through one network, from this server.
//!
//! In: who wants to be sent how many bytes, through which network, and the moment. Out: how many of
//! them may go, and when: [`Booked`]. Never: a byte, a wait.
//!
//! A booking holds: whoever got one sends at its moment without asking again, so a thousand
//! transfers behind one limit wake up once for each piece they send, and no earlier.

use model::Now;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// What was not used goes at once afterwards, up to what the rate gives in so long.
const SAVED: Duration = Duration::from_millis(20);
/// A piece is what the slowest limit in its way gives in so long, so that nobody hears nothing for
/// as long as a firmware waits (EDK2: 5 s), within
const PIECE: Duration = Duration::from_millis(125);
/// these sizes.
const PIECE_BYTES_MIN: u64 = 2 * 1024;
const PIECE_BYTES_MAX: u64 = 128 * 1024;
/// Machines whose past is known. More at once: those who may send now are forgotten.
const MACHINES_MAX: usize = 65_536;

/// Limits in bytes per second; none is no limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Limits {
    /// Of all that goes out.
    pub total: Option<u64>,
    /// Of what one machine gets, told by its address.
    pub machine: Option<u64>,
}

/// Bytes that may go out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct Booked {
    /// So many; at least one if any were wanted.
    pub bytes: u64,
    /// From this moment on.
    pub at: Now,
}

/// The limits and what was booked against them.
#[derive(Clone, Debug, Default)]
pub struct Rates {
    total: Option<Lane>,
    machine: Option<u64>,
    machines: BTreeMap<IpAddr, Lane>,
    /// By our own address in the network.
    networks: BTreeMap<IpAddr, Lane>,
}

/// One limit.
#[derive(Clone, Copy, Debug)]
struct Lane {
    /// Bytes per second, not 0.
    rate: u64,
    /// Until when it is booked up, in nanoseconds of the clock of [`Now`].
    until_ns: u128,
}

impl Rates {
    /// No booking yet. Networks are told by our own address in them.
    #[must_use]
    pub fn new(limits: Limits, networks: impl IntoIterator<Item = (IpAddr, Option<u64>)>) -> Self {
        let networks = networks.into_iter();
        Self {
            total: limits.total.map(Lane::new),
            machine: limits.machine,
            machines: BTreeMap::new(),
            networks: networks.filter_map(|(at, rate)| Some((at, Lane::new(rate?)))).collect(),
        }
    }

    /// Whether there is any limit at all. If not, nobody need ask.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        self.total.is_none() && self.machine.is_none() && self.networks.is_empty()
    }

    /// Books `wanted` bytes, or as many of them as go out in one piece, for the machine at `to`
    /// through the network in which we have the address `from`.
    pub fn book(&mut self, now: Now, to: IpAddr, from: IpAddr, wanted: u64) -> Booked {
        let mut machine = self.machine.map(|rate| {
            if self.machines.len() >= MACHINES_MAX && !self.machines.contains_key(&to) {
                self.machines.retain(|_, lane| lane.free_at(now) > now);
            }
            self.machines.get(&to).copied().unwrap_or_else(|| Lane::new(rate))
        });
        let network = self.networks.get_mut(&from);
        let lanes = [self.total.as_mut(), network, machine.as_mut()];
        let slowest = lanes.iter().flatten().map(|lane| lane.rate).min();
        let bytes = wanted.min(slowest.map_or(wanted, piece));
        let mut at = now;
        for lane in lanes.into_iter().flatten() {
            at = at.max(lane.free_at(now));
            lane.book(now, bytes);
        }
        // Beyond that only machines that are booked up: they are as many as can be served at all.
        if let Some(lane) = machine
            && (self.machines.len() < MACHINES_MAX || self.machines.contains_key(&to))
        {
            self.machines.insert(to, lane);
        }
        Booked { bytes, at }
    }
}

impl Rates {
    /// Takes back what was booked and will not be sent.
    pub fn give_back(&mut self, to: IpAddr, from: IpAddr, bytes: u64) {
        let lanes = [self.total.as_mut(), self.networks.get_mut(&from), self.machines.get_mut(&to)];
        for lane in lanes.into_iter().flatten() {
            lane.until_ns = lane.until_ns.saturating_sub(lane.takes(bytes));
        }
    }
}

fn piece(rate: u64) -> u64 {
    let ms = u64::try_from(PIECE.as_millis()).unwrap_or(u64::MAX);
    (rate.saturating_mul(ms) / 1000).clamp(PIECE_BYTES_MIN, PIECE_BYTES_MAX)
}

fn ns(now: Now) -> u128 {
    u128::from(now.0) * 1_000_000
}

impl Lane {
    fn new(rate: u64) -> Self {
        Self { rate: rate.max(1), until_ns: 0 }
    }

    /// When the next booking may go out.
    fn free_at(&self, now: Now) -> Now {
        let free = self.until_ns.saturating_sub(SAVED.as_nanos()).div_ceil(1_000_000);
        Now(u64::try_from(free).unwrap_or(u64::MAX)).max(now)
    }

    fn book(&mut self, now: Now, bytes: u64) {
        self.until_ns = self.until_ns.max(ns(now)).saturating_add(self.takes(bytes));
    }

    /// How long so many bytes take, in nanoseconds.
    fn takes(&self, bytes: u64) -> u128 {
        u128::from(bytes) * 1_000_000_000 / u128::from(self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn ip(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    /// Everybody asks as soon as he may, for `seconds`; gives what each was sent.
    fn play(rates: &mut Rates, who: &[(IpAddr, IpAddr)], seconds: u64) -> Vec<u64> {
        let start = Now(1_000_000);
        let end = start + Duration::from_secs(seconds);
        let mut next: Vec<Now> = vec![start; who.len()];
        let mut sent = vec![0; who.len()];
        loop {
            let soonest = (0..who.len()).min_by_key(|at| next[*at]).unwrap();
            let now = next[soonest];
            if now >= end {
                return sent;
            }
            let (to, from) = who[soonest];
            let booked = rates.book(now, to, from, MIB);
            assert!(booked.at >= now && booked.bytes > 0);
            if booked.at < end {
                sent[soonest] += booked.bytes;
            }
            // Without a limit it would ask for ever in the same moment.
            next[soonest] = booked.at.max(now + Duration::from_millis(1));
        }
    }

    fn near(found: u64, wanted: u64) {
        let off = found.abs_diff(wanted) as f64 / wanted as f64;
        assert!(off < 0.03, "{found} bytes, not {wanted}");
    }

    #[test]
    fn each_limit_holds_in_the_long_run() {
        let limits = Limits { total: Some(100 * MIB), machine: Some(10 * MIB) };
        let mut rates = Rates::new(limits, [(ip(1), Some(15 * MIB)), (ip(2), None)]);
        let one_machine = play(&mut rates, &[(ip(9), ip(2))], 10);
        near(one_machine[0], 100 * MIB);

        let mut rates = Rates::new(limits, [(ip(1), Some(15 * MIB)), (ip(2), None)]);
        let in_one_network = play(&mut rates, &[(ip(8), ip(1)), (ip(9), ip(1))], 10);
        near(in_one_network.iter().sum(), 150 * MIB);
        near(in_one_network[0], 75 * MIB);

        let mut rates = Rates::new(limits, [(ip(1), Some(15 * MIB)), (ip(2), None)]);
        let many: Vec<_> = (10..110).map(|n| (ip(n), ip(2))).collect();
        near(play(&mut rates, &many, 10).iter().sum(), 1000 * MIB);
    }

    #[test]
    fn a_slow_limit_gives_often_and_little() {
        let mut rates = Rates::new(Limits { total: None, machine: Some(16_000) }, []);
        let (mut now, mut gap) = (Now(5), Duration::ZERO);
        for _ in 0..50 {
            let booked = rates.book(now, ip(1), ip(2), MIB);
            gap = gap.max(booked.at.since(now));
            now = booked.at;
        }
        assert!(gap <= Duration::from_millis(250), "{gap:?} without a byte");
    }

    #[test]
    fn without_a_limit_all_goes_at_once_and_nothing_is_remembered() {
        let mut rates = Rates::new(Limits::default(), [(ip(1), None)]);
        assert!(rates.is_unlimited());
        assert_eq!(
            rates.book(Now(7), ip(9), ip(1), 5 * MIB),
            Booked { bytes: 5 * MIB, at: Now(7) }
        );
        assert!(rates.machines.is_empty());
    }

    #[test]
    fn whoever_books_and_goes_takes_nothing_from_the_others() {
        let mut rates = Rates::new(Limits { total: Some(MIB), machine: Some(MIB) }, []);
        for _ in 0..10_000 {
            let booked = rates.book(Now(5), ip(1), ip(2), MIB);
            rates.give_back(ip(1), ip(2), booked.bytes);
        }
        assert!(rates.book(Now(5), ip(3), ip(2), MIB).at <= Now(130));
    }

    #[test]
    fn made_up_addresses_do_not_grow_the_table() {
        let mut rates = Rates::new(Limits { total: None, machine: Some(1000) }, []);
        for n in 0..MACHINES_MAX as u32 + 5000 {
            let _ = rates.book(Now(1), IpAddr::from(n.to_be_bytes()), ip(1), 100_000);
        }
        assert!(rates.machines.len() <= MACHINES_MAX);
        let later = Now(1_000_000_000);
        let _ = rates.book(later, ip(1), ip(1), 1);
        assert_eq!(rates.machines.len(), 1, "whoever may send again is forgotten");
    }
}
