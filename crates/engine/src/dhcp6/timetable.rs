//! When our router advertisements leave (RFC 4861, 6.2.4 and 6.2.6).
//!
//! In: the moment, what was sent or asked, and chance. Out: when the next one leaves. Never: a socket, a
//! clock, what it says.

use model::Now;
use std::time::Duration;

/// Without a question the next leaves after a time by chance between these (MinRtrAdvInterval, a third of
/// MaxRtrAdvInterval), so that the routers of a link do not fall into step.
const INTERVAL_MIN: Duration = Duration::from_secs(66);
const INTERVAL_MAX: Duration = Duration::from_secs(200);
/// The first ones come sooner, so that hosts know of us soon (MAX_INITIAL_RTR_ADVERTISEMENTS and its
/// interval).
const FIRST: u32 = 3;
const FIRST_INTERVAL: Duration = Duration::from_secs(16);
/// Nobody makes us say it more often (MIN_DELAY_BETWEEN_RAS).
const BETWEEN: Duration = Duration::from_secs(3);
/// A question is answered after a time by chance up to this (MAX_RA_DELAY_TIME), so that the routers of a
/// link do not answer all at once.
const DELAY_MAX: Duration = Duration::from_millis(500);
/// DNS servers that are named hold for three of our intervals, in seconds (RFC 8106, 5.1).
pub const DNS_S: u32 = 600;

/// When the next one leaves, to all hosts of the link.
#[derive(Clone, Debug)]
pub struct Timetable {
    sent: u32,
    last: Option<Now>,
    next: Now,
}

impl Timetable {
    /// From now on we advertise: at once, for the first time.
    pub fn new(now: Now) -> Self {
        Self { sent: 0, last: None, next: now }
    }

    /// The moment of the next one.
    pub fn next(&self) -> Now {
        self.next
    }

    /// One was sent; `chance` is any number.
    pub fn sent(&mut self, now: Now, chance: u32) {
        self.sent = self.sent.saturating_add(1);
        self.last = Some(now);
        let interval = between(INTERVAL_MIN, INTERVAL_MAX, chance);
        self.next = now + if self.sent < FIRST { interval.min(FIRST_INTERVAL) } else { interval };
    }

    /// A host asks. One that is to leave sooner anyway is its answer.
    pub fn asked(&mut self, now: Now, chance: u32) {
        let free = self.last.map_or(now, |last| now.max(last + BETWEEN));
        self.next = self.next.min(free + between(Duration::ZERO, DELAY_MAX, chance));
    }
}

/// A time from one to the other; the smallest number gives the shortest.
fn between(from: Duration, to: Duration, chance: u32) -> Duration {
    let span = u64::try_from(to.saturating_sub(from).as_millis()).unwrap_or(u64::MAX);
    let part = span.saturating_mul(u64::from(chance)) / u64::from(u32::MAX);
    from + Duration::from_millis(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_three_come_soon_and_the_others_at_random() {
        let mut timetable = Timetable::new(Now(5));
        assert_eq!(timetable.next(), Now(5), "at once");
        timetable.sent(Now(5), 0);
        assert_eq!(timetable.next(), Now(16_005));
        timetable.sent(Now(16_005), u32::MAX);
        assert_eq!(timetable.next(), Now(32_005));
        timetable.sent(Now(32_005), 0);
        assert_eq!(timetable.next(), Now(98_005), "the third was the last of the first");
        timetable.sent(Now(98_005), u32::MAX);
        assert_eq!(timetable.next(), Now(298_005));
    }

    #[test]
    fn who_asks_is_answered_soon_but_not_sooner_than_three_seconds_after_the_last() {
        let mut timetable = Timetable::new(Now(0));
        timetable.sent(Now(0), 0);
        timetable.asked(Now(1000), 0);
        assert_eq!(timetable.next(), Now(3000));
        timetable.asked(Now(1001), u32::MAX);
        assert_eq!(timetable.next(), Now(3000), "a second question puts nothing off");
        timetable.sent(Now(3000), 0);
        timetable.asked(Now(9000), u32::MAX);
        assert_eq!(timetable.next(), Now(9500));
    }

    /// What happens on a link: time goes by, and somebody may ask.
    fn world() -> impl Strategy<Value = Vec<(u64, bool, u32)>> {
        prop::collection::vec((0_u64..30_000, any::<bool>(), any::<u32>()), 1..400)
    }

    proptest! {
        #[test]
        fn however_hosts_ask_the_pauses_are_those_of_the_rfc(world in world()) {
            let (mut now, mut timetable) = (Now(0), Timetable::new(Now(0)));
            let mut sent: Vec<Now> = Vec::new();
            let mut waits: Option<Now> = None;
            for (later, asks, chance) in world {
                let until = now + Duration::from_millis(later);
                while timetable.next() <= until {
                    now = timetable.next();
                    if let Some(last) = sent.last() {
                        prop_assert!(now.since(*last) >= BETWEEN);
                        let most = if sent.len() < 3 { FIRST_INTERVAL } else { INTERVAL_MAX };
                        prop_assert!(now.since(*last) <= most);
                    }
                    if let Some(asked) = waits.take() {
                        prop_assert!(now.since(asked) <= BETWEEN + DELAY_MAX);
                    }
                    sent.push(now);
                    timetable.sent(now, chance);
                    prop_assert!(timetable.next() > now, "it never runs in place");
                }
                now = until;
                if asks {
                    timetable.asked(now, chance);
                    waits.get_or_insert(now);
                    prop_assert!(timetable.next() >= now);
                }
            }
        }
    }
}
