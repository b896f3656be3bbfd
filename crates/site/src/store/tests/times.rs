//! Restarts with clocks that jumped: no lease ends early, and what had ended stays so.

use super::*;
use crate::clock::Steady;
use proptest::prelude::*;
use std::sync::Arc;

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;
/// 2026-11-22.
const TODAY: u64 = 1_795_305_600_000;

/// A run of the server: as `owner::start` begins it.
struct Run {
    store: Store,
    now: Now,
    leases: BTreeMap<Ipv4Addr, Lease>,
}

impl Run {
    async fn start(state: &Path, wall: u64) -> Self {
        let mut store = Store::open(state).await.unwrap();
        let clock = Steady::new(Arc::new(move || Now(wall)), store.kept());
        let now = clock.now();
        store.begin(now).await.unwrap();
        let mut leases = BTreeMap::new();
        let facts = store.load().await.unwrap();
        for fact in facts.changes {
            let Change::Lease(lease) = fact else { continue };
            leases.insert(lease.address, lease);
        }
        Self { store, now, leases }
    }

    /// Time passes while it runs, and the owner keeps the moment.
    async fn pass(&mut self, ms: u64) {
        self.now = Now(self.now.0 + ms);
        self.store.keep(self.now, &[]).await.unwrap();
    }

    async fn bind(&mut self, number: u32, length: u64) {
        let until = Some(Now(self.now.0 + length));
        let lease = Lease { until, since: self.now, ..lease(number) };
        self.store.keep(self.now, &[Change::Lease(lease.clone())]).await.unwrap();
        self.leases.insert(lease.address, lease);
    }

    /// What is left of a lease; 0 if it has ended.
    fn left(&self, number: u32) -> u64 {
        let lease = &self.leases[&lease(number).address];
        match lease.holds(self.now) {
            true => lease.until.unwrap().0 - self.now.0,
            false => 0,
        }
    }
}

#[tokio::test]
async fn no_jump_of_the_clock_ends_a_lease_early_or_revives_one() {
    let jumps: [(&str, u64); 9] = [
        ("an hour ahead", TODAY + HOUR),
        ("an hour back", TODAY - HOUR),
        ("a day ahead", TODAY + DAY),
        ("two days back", TODAY - 2 * DAY),
        ("ten years ahead", TODAY + 10 * YEAR),
        ("to 1970", 0),
        ("to 1970, a while after start", 90_000),
        ("to 2020", 1_577_836_800_000),
        ("to 2106", 4_294_967_295_000),
    ];
    for (name, jumped) in jumps {
        let state = tempfile::tempdir().unwrap();
        let mut run = Run::start(state.path(), TODAY).await;
        run.bind(1, HOUR).await;
        run.bind(2, 8 * HOUR).await;
        run.pass(2 * HOUR).await;
        run.store.close().await;

        // Jumped, then right again; twice, because the moment that is kept is a jumped one then.
        for wall in [jumped, TODAY + 3 * HOUR, jumped, TODAY + 5 * HOUR] {
            let mut run = Run::start(state.path(), wall).await;
            assert_eq!((run.left(1), run.left(2)), (0, 6 * HOUR), "{name}");
            run.pass(0).await;
            run.store.close().await;
        }
        let mut run = Run::start(state.path(), jumped).await;
        run.pass(5 * HOUR).await;
        assert_eq!(run.left(2), HOUR, "{name}");
        run.bind(2, 8 * HOUR).await;
        run.pass(HOUR + 1).await;
        run.store.close().await;
        let run = Run::start(state.path(), TODAY + 12 * HOUR).await;
        assert_eq!(
            (run.left(1), run.left(2)),
            (0, 7 * HOUR - 1),
            "{name}: renewed while it was wrong"
        );
        run.store.close().await;
    }
}

/// A crash loses at most the time since the moment was kept last: leases are a little longer.
#[tokio::test]
async fn a_crash_lengthens_leases_by_what_was_not_kept() {
    let state = tempfile::tempdir().unwrap();
    let mut run = Run::start(state.path(), TODAY).await;
    run.bind(1, HOUR).await;
    run.now = Now(run.now.0 + 60_000);
    drop(run);
    let run = Run::start(state.path(), TODAY + 60_000).await;
    assert_eq!(run.left(1), HOUR);
}

#[tokio::test]
async fn what_is_past_keeps_its_times_and_a_failure_within_a_run_moves_nothing() {
    let state = tempfile::tempdir().unwrap();
    let mut run = Run::start(state.path(), TODAY).await;
    let past = Lease { since: Now(5), until: Some(Now(TODAY)), ..lease(9) };
    run.store.keep(run.now, &[Change::LeasePast(past.clone())]).await.unwrap();
    run.bind(1, HOUR).await;
    run.store.close().await;

    let mut run = Run::start(state.path(), TODAY + 5 * YEAR).await;
    run.now = Now(run.now.0 + 1000);
    run.store.reopen().await.unwrap();
    let facts = run.store.load().await.unwrap();
    let until = Some(Now(TODAY + 5 * YEAR + HOUR));
    let bound = Lease { until, since: Now(TODAY), ..lease(1) };
    assert_eq!(facts.changes, [Change::Lease(bound), Change::LeasePast(past)]);
}

#[derive(Clone, Debug)]
enum Act {
    Pass(u64),
    Bind(u32, u64),
    Restart(u64),
    Crash(u64),
}

fn any_act() -> impl Strategy<Value = Act> {
    let wall = || {
        prop_oneof![
            0u64..200_000,
            (0..3 * YEAR).prop_map(|ms| TODAY - YEAR + ms),
            (0..30 * YEAR).prop_map(|ms| TODAY + 70 * YEAR + ms),
        ]
    };
    prop_oneof![
        3 => (0..5 * HOUR).prop_map(Act::Pass),
        3 => (0u32..4, 1..9 * HOUR).prop_map(|(number, length)| Act::Bind(number, length)),
        2 => wall().prop_map(Act::Restart),
        1 => wall().prop_map(Act::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// The model: what is left of a lease shrinks by the time the server runs, and by nothing else.
    #[test]
    fn leases_run_only_while_the_server_runs(acts in prop::collection::vec(any_act(), 1..25)) {
        let state = tempfile::tempdir().unwrap();
        runtime().block_on(async {
            let mut left: BTreeMap<u32, u64> = BTreeMap::new();
            let mut run = Run::start(state.path(), TODAY).await;
            for act in acts {
                match act {
                    Act::Pass(ms) => {
                        run.pass(ms).await;
                        left.values_mut().for_each(|left| *left = left.saturating_sub(ms));
                    }
                    Act::Bind(number, length) => {
                        run.bind(number, length).await;
                        left.insert(number, length);
                    }
                    Act::Restart(wall) => {
                        run.store.close().await;
                        run = Run::start(state.path(), wall).await;
                    }
                    Act::Crash(wall) => {
                        drop(run);
                        run = Run::start(state.path(), wall).await;
                    }
                }
                for (number, left) in &left {
                    assert_eq!(run.left(*number), *left, "lease {number} at {}", run.now);
                }
            }
        });
    }
}
