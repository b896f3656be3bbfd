//! Queues, without a socket and without waiting.

use super::*;
use proptest::prelude::*;

fn put(outbox: &mut Outbox, name: &str) -> Option<Trouble> {
    outbox.put(Delivery::new(name.to_owned(), "alarm", "{}".into()))
}

fn filled(names: &[&str]) -> Outbox {
    let mut outbox = Outbox::default();
    for name in names {
        assert_eq!(put(&mut outbox, name), None);
    }
    outbox
}

/// What is sent at a moment.
fn sent(outbox: &mut Outbox, now: u64) -> Delivery {
    match outbox.next(Now(now)) {
        Step::Send(delivery) => delivery,
        step => panic!("nothing is sent: {step:?}"),
    }
}

/// One try at a moment: who was tried, and when again.
fn tried(outbox: &mut Outbox, now: u64, outcome: Outcome) -> (String, Option<Now>) {
    let delivery = sent(outbox, now);
    let id = delivery.id.clone();
    (id, outbox.came_back(Now(now), delivery, outcome, 0).0)
}

#[test]
fn all_go_in_order_one_at_a_time() {
    let mut outbox = filled(&["a", "b"]);
    let a = sent(&mut outbox, 0);
    assert_eq!((outbox.next(Now(0)), outbox.len()), (Step::Rest, 2));
    assert_eq!(outbox.came_back(Now(0), a, Outcome::Took, 0), (None, None));
    assert_eq!(tried(&mut outbox, 0, Outcome::Took), ("b".to_owned(), None));
    assert_eq!((outbox.next(Now(0)), outbox.is_empty()), (Step::Rest, true));
}

#[test]
fn who_cannot_be_reached_gets_all_in_order_later() {
    let mut outbox = filled(&["a", "b"]);
    assert_eq!(tried(&mut outbox, 0, Outcome::Unreached), ("a".to_owned(), Some(Now(5000))));
    assert_eq!(outbox.next(Now(4999)), Step::WaitUntil(Now(5000)));
    assert_eq!(tried(&mut outbox, 5000, Outcome::Unreached).1, Some(Now(35_000)));
    assert_eq!(tried(&mut outbox, 35_000, Outcome::Unreached).1, Some(Now(155_000)));
    assert_eq!(outbox.next(Now(100_000)), Step::WaitUntil(Now(155_000)), "nothing goes past");
    outbox.wake();
    assert_eq!(tried(&mut outbox, 100_000, Outcome::Took).0, "a");
    assert_eq!(tried(&mut outbox, 100_000, Outcome::Took).0, "b");
}

#[test]
fn what_is_refused_again_and_again_holds_nothing_back() {
    let mut outbox = filled(&["a", "b", "c"]);
    assert_eq!(tried(&mut outbox, 0, Outcome::Refused), ("a".to_owned(), Some(Now(5000))));
    assert_eq!(tried(&mut outbox, 5000, Outcome::Refused).0, "a");
    assert_eq!(tried(&mut outbox, 35_000, Outcome::Refused).1, Some(Now(155_000)));
    assert_eq!(tried(&mut outbox, 35_000, Outcome::Took).0, "b");
    assert_eq!(tried(&mut outbox, 35_000, Outcome::Unreached), ("c".to_owned(), Some(Now(40_000))));
    assert_eq!(outbox.next(Now(36_000)), Step::WaitUntil(Now(40_000)), "the earliest of both");
    assert_eq!(tried(&mut outbox, 155_000, Outcome::Took).0, "a", "the older first");
}

#[test]
fn a_delivery_is_given_up_after_its_last_try_and_that_is_told_once() {
    let mut outbox = filled(&["a", "b"]);
    let mut now = 0;
    for name in ["a", "b"] {
        for n in 1..=TRIES_MAX {
            let delivery = sent(&mut outbox, now);
            assert_eq!((delivery.id.as_str(), delivery.tries), (name, n - 1));
            let (again, trouble) = outbox.came_back(Now(now), delivery, Outcome::Unreached, 0);
            let told = (name == "a" && n == TRIES_MAX).then_some(Trouble::GivenUp);
            assert_eq!(trouble, told, "{name} {n}");
            now = again.map_or(now, |again| again.0);
        }
    }
    assert_eq!((outbox.given_up(), outbox.len()), (2, 0));
    assert_eq!(now, 2 * 25_955_000, "seven hours each");
}

#[test]
fn the_oldest_goes_when_it_is_full_and_that_is_told_once() {
    let mut outbox = Outbox::default();
    let told = (0..QUEUE_MAX + 10).filter_map(|n| put(&mut outbox, &n.to_string()));
    assert_eq!(told.collect::<Vec<Trouble>>(), [Trouble::Full]);
    assert_eq!((outbox.len(), outbox.dropped()), (QUEUE_MAX, 10));
    assert_eq!(tried(&mut outbox, 0, Outcome::Took).0, "10");
    assert_eq!(put(&mut outbox, "x"), None);
    assert_eq!(put(&mut outbox, "y"), Some(Trouble::Full), "it took one in between");
    outbox.clear();
    assert_eq!((outbox.next(Now(0)), outbox.len()), (Step::Rest, 0));
}

#[test]
fn few_large_ones_fill_it_as_well() {
    let mut outbox = Outbox::default();
    let large: Arc<str> = "x".repeat(QUEUE_BYTES_MAX / 2).into();
    let mut put =
        |name: &str| outbox.put(Delivery::new(name.to_owned(), "answered", Arc::clone(&large)));
    assert_eq!((put("a"), put("b"), put("c")), (None, None, Some(Trouble::Full)));
    assert_eq!((outbox.len(), outbox.dropped()), (2, 1));
    assert_eq!(tried(&mut outbox, 0, Outcome::Took).0, "b");
}

#[test]
fn what_was_cleared_while_it_was_sent_does_not_come_again() {
    let mut outbox = filled(&["a", "b"]);
    let a = sent(&mut outbox, 0);
    outbox.clear();
    assert_eq!(outbox.came_back(Now(0), a, Outcome::Unreached, 0), (None, None));
    assert_eq!((outbox.next(Now(9)), outbox.len(), outbox.dropped()), (Step::Rest, 0, 2));
}

/// What may happen to a queue.
#[derive(Clone, Debug)]
enum Happens {
    Put,
    Tried(Outcome, u8),
    Passes(u64),
    Wakes,
    Cleared,
}

fn happens() -> impl Strategy<Value = Happens> {
    let outcome =
        prop_oneof![Just(Outcome::Took), Just(Outcome::Refused), Just(Outcome::Unreached)];
    prop_oneof![
        4 => Just(Happens::Put),
        6 => (outcome, any::<u8>()).prop_map(|(outcome, chance)| Happens::Tried(outcome, chance)),
        2 => (0u64..8 * 3_600_000).prop_map(Happens::Passes),
        1 => Just(Happens::Wakes),
        1 => Just(Happens::Cleared),
    ]
}

proptest! {
    #[test]
    fn every_delivery_is_taken_given_up_dropped_or_waits(
        story in prop::collection::vec(happens(), 0..400)
    ) {
        let (mut outbox, mut now) = (Outbox::default(), 0);
        let (mut put, mut took) = (0u64, 0u64);
        for happens in story {
            match happens {
                Happens::Put => {
                    put += 1;
                    let _ = outbox.put(Delivery::new(put.to_string(), "alarm", "{}".into()));
                }
                Happens::Tried(outcome, chance) => match outbox.next(Now(now)) {
                    Step::Send(delivery) => {
                        prop_assert!(delivery.tries < TRIES_MAX);
                        let _ = outbox.came_back(Now(now), delivery, outcome, chance);
                        took += u64::from(outcome == Outcome::Took);
                    }
                    Step::WaitUntil(then) => {
                        prop_assert!(then > Now(now) && !outbox.is_empty());
                    }
                    Step::Rest => prop_assert!(outbox.is_empty()),
                },
                Happens::Passes(ms) => now += ms,
                Happens::Wakes => outbox.wake(),
                Happens::Cleared => outbox.clear(),
            }
            let waits = outbox.len() as u64;
            prop_assert_eq!(put, took + outbox.given_up() + outbox.dropped() + waits);
        }
    }
}
