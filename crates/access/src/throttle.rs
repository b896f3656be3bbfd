//! How often somebody may try to log in: by account, and by where he comes from.

use model::Now;
use std::collections::BTreeMap;
use std::time::Duration;

/// Tries within [`WINDOW`].
pub const TRIES: usize = 10;
/// The time they are counted in.
pub const WINDOW: Duration = Duration::from_secs(60);
/// Accounts and sources that are counted. Past it, the one that tried longest ago is forgotten.
pub const COUNTED_MAX: usize = 4096;

/// Counts tries.
#[derive(Debug, Default)]
pub struct Throttle {
    tries: BTreeMap<String, Vec<Now>>,
}

impl Throttle {
    /// Whether one more try under all of these names is within the limit; it counts for each of them
    /// then. `Err` says how long to wait.
    pub fn attempt(&mut self, now: Now, names: &[&str]) -> Result<(), Duration> {
        for name in names {
            let Some(tries) = self.tries.get_mut(*name) else { continue };
            tries.retain(|tried| now.since(*tried) < WINDOW);
            if tries.len() >= TRIES {
                let first = tries.first().copied().unwrap_or(now);
                return Err(WINDOW.saturating_sub(now.since(first)));
            }
        }
        for name in names {
            if !self.tries.contains_key(*name) && self.tries.len() >= COUNTED_MAX {
                self.forget_one(now);
            }
            self.tries.entry((*name).to_owned()).or_default().push(now);
        }
        Ok(())
    }

    fn forget_one(&mut self, now: Now) {
        self.tries.retain(|_, tries| tries.iter().any(|tried| now.since(*tried) < WINDOW));
        if self.tries.len() < COUNTED_MAX {
            return;
        }
        let quietest = self.tries.iter().min_by_key(|(_, tries)| tries.last().copied());
        if let Some(name) = quietest.map(|(name, _)| name.clone()) {
            self.tries.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tries_a_minute_for_an_account_and_for_a_source() {
        let mut throttle = Throttle::default();
        let at = |s: u64| Now(s * 1000);
        for n in 0..10 {
            // From ten sources, at one account.
            assert!(throttle.attempt(at(n), &["user eve", &format!("from 10.0.0.{n}")]).is_ok());
        }
        assert_eq!(throttle.attempt(at(20), &["user eve", "from x"]), Err(Duration::from_secs(40)));
        assert!(throttle.attempt(at(20), &["user ann", "from x"]).is_ok());
        assert!(throttle.attempt(at(60), &["user eve", "from x"]).is_ok(), "the first is over");
        assert!(throttle.attempt(at(60), &["user eve", "from x"]).is_err());

        // From one source, at many accounts.
        let mut throttle = Throttle::default();
        let tried = (0..30).filter(|n| throttle.attempt(at(1), &[&format!("u{n}"), "s"]).is_ok());
        assert_eq!(tried.count(), TRIES);
    }

    #[test]
    fn the_table_does_not_grow() {
        let mut throttle = Throttle::default();
        for n in 0..COUNTED_MAX as u64 + 50 {
            assert!(throttle.attempt(Now(n), &[&n.to_string()]).is_ok());
        }
        assert_eq!(throttle.tries.len(), COUNTED_MAX);
        assert!(!throttle.tries.contains_key("0"));
    }
}
