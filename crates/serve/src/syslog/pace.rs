//! How many lines are taken: so many a second of one address, and of all together.

use model::Now;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Lines are counted over so long.
const WINDOW: Duration = Duration::from_secs(1);

/// Counts by source. There are never more sources than lines of a window.
#[derive(Debug)]
pub(super) struct Pace {
    most_of_one: u32,
    most: u32,
    began: Now,
    all: u32,
    of: HashMap<Ipv4Addr, u32>,
}

impl Pace {
    pub(super) fn new(most_of_one: u32, most: u32) -> Self {
        Self { most_of_one, most, began: Now(0), all: 0, of: HashMap::new() }
    }

    /// Whether one more line of this source is taken.
    pub(super) fn admits(&mut self, now: Now, source: Ipv4Addr) -> bool {
        if now.since(self.began) >= WINDOW {
            self.began = now;
            self.all = 0;
            self.of.clear();
        }
        if self.all >= self.most {
            return false;
        }
        let of_one = self.of.entry(source).or_default();
        if *of_one >= self.most_of_one {
            return false;
        }
        *of_one = of_one.saturating_add(1);
        self.all = self.all.saturating_add(1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_one_source_nor_all_say_more_than_they_may() {
        let mut pace = Pace::new(10, 25);
        let lines = |pace: &mut Pace, now, n: u8| {
            (0..100).filter(|_| pace.admits(Now(now), Ipv4Addr::new(10, 0, 0, n))).count()
        };
        assert_eq!(lines(&mut pace, 5000, 1), 10);
        assert_eq!(lines(&mut pace, 5500, 2), 10);
        assert_eq!(lines(&mut pace, 5999, 3), 5, "of all");
        assert_eq!(lines(&mut pace, 6000, 1), 10, "another second");
    }

    #[test]
    fn made_up_sources_do_not_grow_the_table() {
        let mut pace = Pace::new(10, 2000);
        for n in 0..100_000_u32 {
            pace.admits(Now(5000), Ipv4Addr::from(n));
        }
        assert_eq!(pace.of.len(), 2000);
    }
}
