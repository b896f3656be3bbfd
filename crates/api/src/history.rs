//! What the server did lately, in numbers that are drawn: one sample a minute, of a day, in memory.
//!
//! In: totals that only grow, once a minute. Out: what was added to them in each. Never: a file, or a
//! number of a single machine.

use crate::House;
use crate::types::{HistoryView, Sample};
use model::{Does, Now};
use site::tally::Series;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a sample is taken.
const EVERY: Duration = Duration::from_secs(60);
/// Samples that are remembered: a day of them.
pub const SAMPLES_MAX: usize = 1_440;

/// Numbers since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Bytes of files.
    pub bytes: u64,
    /// Scripts that boot a system.
    pub boots: u64,
    /// DHCP messages.
    pub dhcp: u64,
    /// Installations that ended well.
    pub installed: u64,
    /// Installations that failed.
    pub failed: u64,
}

/// The last day.
#[derive(Debug, Default)]
pub struct History(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    samples: VecDeque<Sample>,
    last: Option<(Now, Totals)>,
}

impl History {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes totals, and how many addresses are leased. The first only says from where to count.
    pub fn note(&self, now: Now, totals: Totals, leases: u64) {
        let mut kept = self.lock();
        if let Some((since, before)) = kept.last {
            // Sockets that are opened anew count from zero: what is less than before is new.
            let more = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now);
            let sample = Sample {
                at: now.to_string(),
                seconds: now.since(since).as_secs(),
                bytes: more(totals.bytes, before.bytes),
                boots: more(totals.boots, before.boots),
                dhcp: more(totals.dhcp, before.dhcp),
                installed: more(totals.installed, before.installed),
                failed: more(totals.failed, before.failed),
                leases,
            };
            if kept.samples.len() >= SAMPLES_MAX {
                kept.samples.pop_front();
            }
            kept.samples.push_back(sample);
        }
        kept.last = Some((now, totals));
    }

    /// As it is shown.
    pub fn view(&self) -> HistoryView {
        let samples = self.lock().samples.iter().cloned().collect();
        HistoryView { every_s: EVERY.as_secs(), samples }
    }
}

/// Takes a sample once a minute, for as long as the server runs.
pub async fn keep_sampling(house: House) {
    loop {
        // While the owner does not answer there is nothing to draw.
        let leases = house.site.ask(|engine, now| {
            engine.census(now).pools.iter().map(|pool| pool.leased as u64).sum::<u64>()
        });
        if let Ok(leases) = leases.await {
            house.history.note(house.site.now(), totals(&house), leases);
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn totals(house: &House) -> Totals {
    let transfers = (house.transfers)();
    let mut totals =
        Totals { bytes: transfers.tftp.bytes + transfers.http.bytes, ..Totals::default() };
    for (series, count) in &house.site.counts().series {
        match series {
            Series::Dhcp { .. } => totals.dhcp += count,
            Series::Script { decision, .. } if *decision == Does::Boot.name() => {
                totals.boots += count;
            }
            Series::Step("done") => totals.installed += count,
            Series::Step("failed") => totals.failed += count,
            _ => {}
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_says_what_was_added_and_the_oldest_goes() {
        let history = History::default();
        let at = |minute: u64| Now(minute * 60_000);
        let totals = |bytes: u64| Totals { bytes, boots: bytes / 10, ..Totals::default() };
        history.note(at(0), totals(1_000), 5);
        assert_eq!(history.view().samples, [], "there is nothing before the first");
        history.note(at(1), totals(1_500), 6);
        // The sockets were opened anew.
        history.note(at(2), totals(200), 7);
        let told: Vec<_> = history
            .view()
            .samples
            .iter()
            .map(|s| (s.seconds, s.bytes, s.boots, s.leases))
            .collect();
        assert_eq!(told, [(60, 500, 50, 6), (60, 200, 20, 7)]);
        for minute in 3..SAMPLES_MAX as u64 + 10 {
            history.note(at(minute), totals(minute), 0);
        }
        let all = history.view().samples;
        assert_eq!(all.len(), SAMPLES_MAX);
        assert_eq!(
            all.last().map(|sample| sample.at.clone()),
            Some(at(SAMPLES_MAX as u64 + 9).to_string())
        );
    }
}
