//! What is on its way, and what happens to it there.
//!
//! In: something to carry, and when. Out: the same at a later moment, twice, or never.

use super::chance::Chance;
use std::collections::BTreeMap;

/// Percentages, and the time a packet takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Weather {
    /// Of a hundred packets so many are lost.
    pub loss: u64,
    /// So many arrive twice.
    pub copies: u64,
    /// So many are overtaken: they take up to 40 ms longer.
    pub disorder: u64,
    /// What every packet takes, in ms.
    pub delay_ms: u64,
    /// And up to so much more, in ms. A way whose length varies is still a queue: only packets of
    /// `disorder` are overtaken.
    pub jitter_ms: u64,
}

impl Default for Weather {
    fn default() -> Self {
        Self { loss: 0, copies: 0, disorder: 0, delay_ms: 1, jitter_ms: 0 }
    }
}

/// How far an overtaken packet falls back, in ms.
const LATE_MS: u64 = 40;

/// Everything that is between two ends now.
#[derive(Clone, Debug)]
pub struct Air<T> {
    flying: BTreeMap<(u64, u64), T>,
    serial: u64,
    weather: Weather,
    chance: Chance,
    /// When the last packet that was not overtaken arrives.
    queue_ms: u64,
}

impl<T: Clone> Air<T> {
    /// Nothing on its way yet.
    #[must_use]
    pub fn new(seed: u64, weather: Weather) -> Self {
        let chance = Chance::new(seed);
        Self { flying: BTreeMap::new(), serial: 0, weather, chance, queue_ms: 0 }
    }

    /// Sends a datagram into the weather.
    pub fn send(&mut self, now_ms: u64, item: &T) {
        let copies = 1 + u64::from(self.chance.percent(self.weather.copies));
        for _ in 0..copies {
            if self.chance.percent(self.weather.loss) {
                continue;
            }
            let overtaken = self.chance.percent(self.weather.disorder);
            let late_ms = if overtaken { self.chance.below(LATE_MS) } else { 0 };
            if self.weather.jitter_ms == 0 {
                self.carry(now_ms + late_ms, item.clone());
                continue;
            }
            let at_ms = now_ms + self.chance.below(self.weather.jitter_ms + 1);
            if overtaken {
                self.carry(at_ms + late_ms, item.clone());
            } else {
                self.queue_ms = self.queue_ms.max(at_ms);
                self.carry(self.queue_ms, item.clone());
            }
        }
    }

    /// Carries what a stream protocol sees to: it arrives once, after `extra_ms` and the delay.
    pub fn carry(&mut self, now_ms: u64, item: T) {
        self.serial += 1;
        self.flying.insert((now_ms + self.weather.delay_ms, self.serial), item);
    }

    /// When the next thing arrives; `u64::MAX` is never.
    #[must_use]
    pub fn next_at_ms(&self) -> u64 {
        self.flying.first_key_value().map_or(u64::MAX, |((at, _), _)| *at)
    }

    /// What has arrived by now, one at a time.
    pub fn arrived(&mut self, now_ms: u64) -> Option<T> {
        if self.next_at_ms() > now_ms {
            return None;
        }
        self.flying.pop_first().map(|(_, item)| item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(seed: u64, weather: Weather) -> Vec<(u64, u32)> {
        let mut air = Air::new(seed, weather);
        for n in 0..1000 {
            air.send(u64::from(n), &n);
        }
        let mut seen = Vec::new();
        while air.next_at_ms() < u64::MAX {
            let at = air.next_at_ms();
            seen.extend(air.arrived(at).map(|n| (at, n)));
        }
        seen
    }

    #[test]
    fn fair_weather_delivers_all_in_order() {
        let seen = arrivals(7, Weather::default());
        assert!(seen.iter().enumerate().all(|(n, (at, m))| n as u32 == *m && *at == n as u64 + 1));
    }

    #[test]
    fn a_way_whose_length_varies_is_a_queue() {
        let seen = arrivals(7, Weather { delay_ms: 10, jitter_ms: 20, ..Weather::default() });
        assert!(seen.iter().enumerate().all(|(n, (_, m))| n as u32 == *m), "in order");
        let takes: Vec<u64> = seen.iter().map(|(at, n)| at - u64::from(*n)).collect();
        assert!(takes.iter().all(|ms| (10..=30).contains(ms)), "{takes:?}");
        assert!(takes.contains(&30) && takes.iter().any(|ms| *ms < 30), "{takes:?}");
    }

    #[test]
    fn the_same_seed_is_the_same_weather() {
        let storm = Weather { loss: 20, copies: 10, disorder: 30, delay_ms: 2, jitter_ms: 0 };
        let seen = arrivals(7, storm);
        assert_eq!(seen, arrivals(7, storm));
        assert_ne!(seen, arrivals(8, storm));
        assert!((750..1000).contains(&seen.len()), "{}", seen.len());
        assert!(seen.windows(2).any(|pair| pair[0].1 > pair[1].1), "nothing was overtaken");
    }
}
