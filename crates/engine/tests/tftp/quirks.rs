//! Loaders as we know them, by the number of the quirk.

use crate::client::{Habits, Unexpected};
use crate::world::World;
use engine::tftp::Why;
use wire::tftp::Packet;

const KERNEL: u64 = 300_000;

fn loads(mut world: World) -> World {
    world.run();
    assert!(world.client.done, "{:?} {:?}", world.client.failed, world.endings);
    assert_eq!(world.client.bytes, world.size);
    assert_eq!(world.endings.len(), 1, "{:?}", world.endings);
    assert!(world.endings[0].is_ok(), "{:?}", world.endings);
    world
}

fn block_of(bytes: &[u8]) -> Option<u16> {
    match Packet::parse(bytes) {
        Ok(Packet::Data { block, .. } | Packet::Ack { block }) => Some(block),
        _ => None,
    }
}

/// Loses the first `count` packets in one direction that carry this block number.
fn first(
    to_server: bool,
    number: u16,
    mut count: u32,
) -> impl FnMut(bool, &[u8]) -> bool + 'static {
    move |direction, bytes| {
        let hit = direction == to_server && block_of(bytes) == Some(number) && count > 0;
        count -= u32::from(hit);
        hit
    }
}

fn is_oack(bytes: &[u8]) -> bool {
    matches!(Packet::parse(bytes), Ok(Packet::OptionAck(_)))
}

#[test]
fn every_loader_gets_its_file_and_nothing_is_sent_twice() {
    for habits in [
        Habits::plain(),
        Habits::edk2("1468", "4"),
        Habits::edk2("1468", "64"),
        Habits::ipxe(),
        Habits::pxelinux(),
        Habits::grub("1024"),
        Habits::u_boot(),
    ] {
        let world = loads(World::new(habits.clone(), KERNEL));
        assert_eq!(world.data_sent, world.blocks(), "{habits:?}");
        assert!(world.endings[0].as_ref().unwrap().confirmed);
    }
}

#[test]
fn an_empty_file_is_one_empty_block() {
    for habits in [Habits::plain(), Habits::edk2("1468", "4"), Habits::grub("1024")] {
        let world = loads(World::new(habits, 0));
        assert_eq!(world.data_sent, 1);
    }
}

#[test]
fn a_file_of_whole_blocks_ends_with_an_empty_one() {
    for (habits, blksize) in
        [(Habits::plain(), 512), (Habits::edk2("1468", "4"), 1468), (Habits::u_boot(), 1468)]
    {
        for blocks in [1, 3, 4, 5, 8] {
            let world = loads(World::new(habits.clone(), blocks * blksize));
            assert_eq!(world.data_sent, blocks + 1);
        }
    }
}

#[test]
fn quirk_30_a_size_probe_is_no_error() {
    for (code, habits) in
        [(8, Habits::edk2("1468", "4")), (0, Habits::ipxe()), (0, Habits::plain())]
    {
        let mut world = World::new(Habits { stops_with: Some(code), ..habits }, KERNEL);
        world.run();
        assert_eq!(world.endings, [Err(Why::ProbeEnded)]);
        assert!(!Why::ProbeEnded.is_fault());
        assert_eq!(world.sent.len(), 1, "and nothing more is said: {:?}", world.sent);
    }
}

#[test]
fn quirk_33_edk2_acks_every_block_out_of_order_and_the_window_restarts_once() {
    for window in ["2", "4", "16", "64"] {
        let size: u64 = window.parse().unwrap();
        for lost in [1, 2, 3, 4, 5, 6, 40, 64, 65, 100, 101, 102, 103, 104] {
            let habits = Habits::edk2("1468", window);
            let world = loads(World::new(habits, KERNEL).losing(first(false, lost, 1)));
            let resent = world.data_sent - world.blocks();
            assert!(resent <= size, "window {window}, block {lost} lost: {resent} sent again");
        }
    }
}

#[test]
fn quirk_33_a_lost_ack_of_a_window_costs_one_window() {
    for window in [2u64, 4, 16, 64] {
        for which in 1..=3 {
            let number = u16::try_from(window * which).unwrap();
            let habits = Habits::edk2("1468", &window.to_string());
            let world = loads(World::new(habits, KERNEL).losing(first(true, number, 1)));
            let resent = world.data_sent - world.blocks();
            assert!(resent <= window, "window {window}, ACK {number} lost: {resent} sent again");
        }
    }
}

#[test]
fn quirk_33_86_every_ack_twice_costs_nothing() {
    for habits in [
        Habits::plain(),
        Habits::pxelinux(),
        Habits::edk2("1468", "2"),
        Habits::edk2("1468", "4"),
        Habits::edk2("1468", "64"),
    ] {
        let world = loads(World::new(Habits { acks: 2, ..habits.clone() }, 3_000_000));
        let most = world.blocks() + world.blocks() / 100;
        assert!(world.data_sent <= most, "{} of {} {habits:?}", world.data_sent, world.blocks());
    }
}

#[test]
fn quirk_86_a_delayed_copy_of_a_block_does_not_double_the_rest() {
    // PXELINUX answers a block it has seen with its last ACK.
    let world = loads(World::new(Habits::pxelinux(), KERNEL).losing(first(true, 10, 1)));
    assert_eq!(world.data_sent, world.blocks() + 1);
    let habits = Habits { unexpected: Unexpected::AckLast, ..Habits::plain() };
    let world = loads(World::new(habits, KERNEL).losing(first(true, 10, 1)));
    assert_eq!(world.data_sent, world.blocks() + 1);
}

#[test]
fn quirk_34_grub_waits_for_an_oack() {
    let world = loads(World::new(Habits::grub("1024"), KERNEL));
    assert!(matches!(world.sent[0].1, Packet::OptionAck(_)));
    let mut count = 1;
    let lost = move |to_server: bool, bytes: &[u8]| {
        let hit = !to_server && is_oack(bytes) && count > 0;
        count -= i32::from(hit);
        hit
    };
    let world = loads(World::new(Habits::grub("1024"), KERNEL).losing(lost));
    assert!(matches!(world.sent[1].1, Packet::OptionAck(_)), "and gets it again");
}

#[test]
fn a_lost_oack_makes_no_second_stream() {
    for habits in [Habits::ipxe(), Habits::u_boot(), Habits::edk2("1468", "4")] {
        let mut count = 1;
        let lost = move |to_server: bool, bytes: &[u8]| {
            let hit = !to_server && is_oack(bytes) && count > 0;
            count -= i32::from(hit);
            hit
        };
        let world = loads(World::new(habits, KERNEL).losing(lost));
        assert_eq!(world.data_sent, world.blocks());
    }
}

#[test]
fn a_client_that_repeats_its_request_fast_gets_the_same_oack_from_the_same_port() {
    let mut count = 1;
    let lost = move |to_server: bool, bytes: &[u8]| {
        let hit = !to_server && is_oack(bytes) && count > 0;
        count -= i32::from(hit);
        hit
    };
    let habits = Habits { timer_ms: 200, ..Habits::ipxe() };
    let world = loads(World::new(habits, KERNEL).losing(lost));
    let times: Vec<_> = world.sent.iter().take(3).map(|(at, _)| *at).collect();
    assert_eq!(times, [1, 201, 203], "OACK, OACK for the repeated request, DATA 1");
}

#[test]
fn quirk_35_u_boot_gets_its_timeout_and_survives_a_lost_ack() {
    let world = loads(World::new(Habits::u_boot(), KERNEL).losing(first(true, 7, 1)));
    let Packet::OptionAck(options) = &world.sent[0].1 else { panic!() };
    assert!(options.contains(&(b"timeout".to_vec(), b"5".to_vec())));
    assert!(world.now < 30_000, "the timer of the client, not minutes: {}", world.now);
}

#[test]
fn quirk_42_more_blocks_than_numbers() {
    for habits in [
        Habits::edk2("8", "1"),
        Habits::edk2("8", "4"),
        Habits::edk2("8", "64"),
        Habits::edk2("8", "5"),
        Habits::grub("8"),
        Habits::ipxe().asking("blksize", "8"),
    ] {
        let mut world = World::new(habits, 8 * 140_000 + 3);
        world.recording = false;
        let world = loads(world);
        assert_eq!(world.data_sent, 140_001);
    }
}

#[test]
fn quirk_42_a_client_that_asks_for_it_goes_from_65535_to_1() {
    let mut habits = Habits::ipxe().asking("blksize", "8");
    habits.options.push(("rollover", "1".to_owned()));
    let mut world = World::new(habits, 8 * 140_000);
    world.recording = false;
    assert_eq!(loads(world).data_sent, 140_001);
}

#[test]
fn quirk_42_losses_at_the_edge_of_the_numbers() {
    for window in ["1", "4", "5", "64"] {
        for number in [65_533, 65_534, 65_535, 0, 1] {
            for to_server in [false, true] {
                // Number 0 also confirms the OACK: there the second one is lost.
                let mut skip = u32::from(number == 0 && to_server);
                let mut lose = first(to_server, number, 1);
                let lost = move |direction: bool, bytes: &[u8]| {
                    if direction == to_server && block_of(bytes) == Some(number) && skip > 0 {
                        skip -= 1;
                        return false;
                    }
                    // 1 also comes at the very beginning; one loss is enough either way.
                    lose(direction, bytes)
                };
                let mut world = World::new(Habits::edk2("8", window), 8 * 65_600).losing(lost);
                world.recording = false;
                let world = loads(world);
                let resent = world.data_sent - world.blocks();
                let most: u64 = window.parse().unwrap();
                assert!(resent <= most + 2, "window {window}, {number} {to_server}: {resent}");
            }
        }
    }
}

#[test]
fn quirk_42_grub_ignores_65535_while_it_waits_for_0() {
    let habits = Habits::grub("8");
    let mut world = World::new(habits, 8 * 65_600).losing(first(true, 65_535, 1));
    world.recording = false;
    let world = loads(world);
    assert!(world.data_sent <= world.blocks() + 3, "{}", world.data_sent - world.blocks());
}

#[test]
fn quirk_70_no_pause_between_an_ack_and_the_next_block() {
    // shim loads its second stage in blocks of 512: every ms counts a thousand times.
    let world = loads(World::new(Habits::plain(), KERNEL));
    assert_eq!(world.now, 2 * world.blocks() + 1, "two trips of 1 ms for each block");
}

#[test]
fn quirk_98_a_gateway_that_writes_flash_for_50_seconds_is_waited_for() {
    for habits in [Habits::plain(), Habits::u_boot(), Habits::edk2("1468", "4")] {
        let world = loads(World::new(Habits { pause: Some((100, 50_000)), ..habits }, KERNEL));
        assert!(world.endings[0].as_ref().unwrap().confirmed);
        let resent = world.data_sent - world.blocks();
        assert!(resent <= 15 * 4, "{resent} blocks sent again");
    }
}

#[test]
fn quirk_98_gateway_pausing_in_the_last_block_gets_it_too() {
    let world = loads(World::new(Habits { pause: Some((586, 50_000)), ..Habits::plain() }, KERNEL));
    assert_eq!(world.blocks(), 586);
}

#[test]
fn the_last_ack_may_be_missing() {
    for habits in [Habits::plain(), Habits::edk2("1468", "4"), Habits::u_boot()] {
        let world = loads(World::new(Habits { sends_last_ack: false, ..habits }, KERNEL));
        let summary = world.endings[0].as_ref().unwrap();
        assert!(!summary.confirmed);
        assert!(world.now < 60_000, "the event comes soon enough: {} ms", world.now);
        assert!(summary.to_string().ends_with("the last not confirmed (many loaders never do)"));
    }
}

#[test]
fn who_never_answers_gets_two_datagrams_and_is_forgotten_after_ten_seconds() {
    for (habits, bytes) in
        [(Habits::plain(), 2 * 516), (Habits::ipxe(), 2 * 50), (Habits::edk2("1468", "4"), 2 * 50)]
    {
        // It asks ten times in those seconds.
        let habits = Habits { silent: true, tries: 9, timer_ms: 1000, ..habits };
        let mut world = World::new(habits, KERNEL);
        world.run();
        let sent: Vec<_> = world.sent.iter().filter(|(at, _)| *at < 10_000).collect();
        assert_eq!(sent.len(), 2, "{sent:?}");
        let size = |packet: &Packet| match packet {
            Packet::Data { payload, .. } => 4 + payload.len(),
            Packet::OptionAck(all) => {
                2 + all.iter().map(|(n, v)| n.len() + v.len() + 2).sum::<usize>()
            }
            other => panic!("{other:?}"),
        };
        let reflected: usize = sent.iter().map(|(_, packet)| size(packet)).sum();
        assert!(reflected <= bytes, "{reflected} bytes");
        assert_eq!(world.endings, [Err(Why::NeverAnswered { datagrams: 2 })]);
        assert_eq!(world.now, 10_001);
    }
}

#[test]
fn a_client_switched_off_in_the_middle_is_told_so() {
    let dead = |_: bool, bytes: &[u8]| block_of(bytes).is_some_and(|block| block > 100);
    let mut world = World::new(Habits::plain(), KERNEL).losing(dead);
    world.run();
    let Err(why) = &world.endings[0] else { panic!("{:?}", world.endings) };
    assert!(matches!(why, Why::NoProgress { block: 100, blocks: 586, .. }), "{why:?}");
    assert!(why.to_string().starts_with("nothing after block 100 of 586 for "), "{why}");
    assert!(why.to_string().ends_with("hangs, or lost its link"), "{why}");
}
