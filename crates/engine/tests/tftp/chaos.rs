//! Loss, copies and disorder up to 30 %: the file arrives, byte for byte, and soon.
//!
//! The client compares every byte with the file as it comes, so arriving means arriving whole.

use crate::client::{Habits, Unexpected};
use crate::world::{Weather, World};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::{prop_assert, proptest};

fn loaders() -> impl Strategy<Value = Habits> {
    prop_oneof![
        Just(Habits::plain()),
        Just(Habits::ipxe()),
        Just(Habits::pxelinux()),
        Just(Habits::grub("1024")),
        Just(Habits::u_boot()),
        (1..65u32).prop_map(|window| Habits::edk2("1468", &window.to_string())),
        (8..1469u32, 2..33u32)
            .prop_map(|(block, window)| Habits::edk2(&block.to_string(), &window.to_string())),
    ]
}

fn weathers(most: u64) -> impl Strategy<Value = Weather> {
    (0..=most, 0..=most, 0..=most).prop_map(|(loss, copies, disorder)| Weather {
        loss,
        copies,
        disorder,
    })
}

proptest! {
    // More seeds: PROPTEST_CASES=10000 cargo test -p engine --test tftp any_loader
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_loader_loads_in_any_weather(
        habits in loaders(),
        weather in weathers(30),
        size in 0..60_000u64,
        seed in any::<u64>(),
    ) {
        let mut world = World::new(habits, size).in_weather(seed, weather);
        world.run_attempts(8);
        prop_assert!(world.client.done, "{:?} {:?}", world.client.failed, world.endings);
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..Default::default() })]

    #[test]
    fn block_numbers_wrap_in_any_weather(
        window in 1..65u32,
        weather in weathers(3),
        seed in any::<u64>(),
    ) {
        // 8-byte blocks; the loss only sets in near the wrap, or this would take minutes.
        let mut world = World::new(Habits::edk2("8", &window.to_string()), 8 * 65_700)
            .in_weather(seed, Weather::default());
        world.recording = false;
        world.weather_from_block(65_400, weather);
        world.run_attempts(3);
        prop_assert!(world.client.done, "{:?} {:?}", world.client.failed, world.endings);
    }
}

/// EDK2 answers every block it did not expect, so a careless sender multiplies its traffic.
#[test]
fn quirk_33_traffic_does_not_multiply_in_bad_weather() {
    for window in ["2", "4", "16", "64"] {
        for seed in 0..40 {
            let weather = Weather { loss: 2, copies: 10, disorder: 2 };
            let mut world =
                World::new(Habits::edk2("1468", window), 1_000_000).in_weather(seed, weather);
            world.run_attempts(4);
            assert!(world.client.done);
            if world.attempts > 1 {
                continue;
            }
            let window: u64 = window.parse().unwrap();
            // Each loss or disorder may cost one window, and the echo of that once more.
            let troubles = world.blocks() * 4 / 100 + 20;
            let most = world.blocks() + troubles * window * 2;
            assert!(world.data_sent <= most, "seed {seed} window {window}: {}", world.data_sent);
        }
    }
}

/// Copies alone (no loss, no disorder) must not make us send anything twice.
#[test]
fn quirk_33_86_a_network_that_copies_everything_costs_nothing() {
    for habits in [Habits::plain(), Habits::pxelinux(), Habits::ipxe(), Habits::u_boot()] {
        let weather = Weather { copies: 100, ..Weather::default() };
        let mut world = World::new(habits, 1_000_000).in_weather(1, weather);
        world.run();
        assert!(world.client.done);
        assert!(world.data_sent <= world.blocks() + world.blocks() / 100, "{}", world.data_sent);
    }
}

/// 10 MB each, from 10 to 30 ms away, over a way that loses, copies and disorders a tenth each.
///
/// As many transfers as `BAD_NETWORK` says; `./x test --full` makes it 500.
#[test]
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a test is told how many, and tells how to repeat it"
)]
fn ten_megabytes_through_a_bad_network_are_the_same_bytes() {
    let number = |name, without| std::env::var(name).map_or(without, |n| n.parse().unwrap());
    let (count, first): (u64, u64) = (number("BAD_NETWORK", 50), number("BAD_NETWORK_SEED", 1));
    println!("BAD_NETWORK_SEED={first} BAD_NETWORK={count}");
    let rfc = |window| Habits { unexpected: Unexpected::AckGap, ..Habits::edk2("1468", window) };
    // A client, and how often a block of its may be sent in the mean. A window of 16 seldom arrives
    // whole here: of ten packets two are lost or out of turn, and it begins anew behind each.
    let clients = [
        (Habits::edk2("1468", "1"), 1.5),
        (Habits::edk2("1468", "4"), 2.2),
        (Habits::edk2("1468", "16"), 5.0),
        (rfc("16"), 5.0),
        (Habits::u_boot(), 1.5),
    ];
    for (seed, (habits, most)) in (first..first + count).zip(clients.into_iter().cycle()) {
        let weather = Weather { loss: 10, copies: 10, disorder: 10 };
        let mut world = World::new(habits, 10_000_000).in_weather(seed, weather).far_away(10, 30);
        world.recording = false;
        world.run_attempts(3);
        let told = format!("seed {seed}, {:?}", world.client.habits);
        assert!(world.client.done, "{told}: {:?} {:?}", world.client.failed, world.endings);
        let sent = world.data_sent as f64 / (world.blocks() * u64::from(world.attempts)) as f64;
        println!(
            "seed {seed}: each block {sent:.2} times, {} s, {} attempts",
            world.now / 1000,
            world.attempts
        );
        assert!(sent <= most, "{told}: each block was sent {sent:.2} times");
    }
}
