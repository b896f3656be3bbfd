//! Single steps of a transfer, with the clock in hand.

use engine::tftp::{Negotiated, Policy, Step, Transfer, Why};
use model::Now;
use wire::tftp::{ErrorCode, Packet, read_request};

fn transfer(size: u64, options: &[(&str, &str)]) -> Transfer {
    let Ok(Packet::ReadRequest(request)) = Packet::parse(&read_request(b"f", "octet", options))
    else {
        panic!("no request");
    };
    Transfer::new(Negotiated::new(&request, size, &Policy::default()).unwrap(), Now(0))
}

fn data(block: u16, offset: u64, len: usize) -> Step {
    Step::SendData { block, offset, len }
}

/// The numbers of the blocks it sends now.
fn burst(transfer: &mut Transfer, now: u64) -> Vec<u16> {
    let mut blocks = Vec::new();
    while let Step::SendData { block, .. } = transfer.next(Now(now)) {
        blocks.push(block);
        assert!(blocks.len() < 1000, "it sends without end");
    }
    blocks
}

fn open(size: u64, options: &[(&str, &str)]) -> Transfer {
    let mut transfer = transfer(size, options);
    assert!(matches!(transfer.next(Now(0)), Step::SendOack(_)));
    transfer.acknowledge(Now(0), 0);
    transfer
}

#[test]
fn a_lost_block_is_sent_again_after_one_second() {
    let mut transfer = transfer(700, &[]);
    assert_eq!(transfer.next(Now(0)), data(1, 0, 512));
    assert_eq!(transfer.next(Now(0)), Step::WaitUntil(Now(1000)));
    assert_eq!(transfer.next(Now(1000)), data(1, 0, 512));

    transfer.acknowledge(Now(1001), 1);
    assert_eq!(transfer.next(Now(1001)), data(2, 512, 188));
    transfer.acknowledge(Now(1002), 2);
    let Step::Done(summary) = transfer.next(Now(1002)) else { panic!() };
    assert!(summary.confirmed);
    assert_eq!(summary.progress.bytes, 700);
    assert_eq!(summary.to_string(), "700 bytes in 2 blocks, 698 bytes/s, 1 blocks sent again");
}

#[test]
fn the_timer_doubles_up_to_eight_seconds_and_gives_up_after_a_minute_and_ten_tries() {
    let mut transfer = open(10_000, &[("blksize", "512"), ("timeout", "1")]);
    assert_eq!(burst(&mut transfer, 0), [1]);
    let mut waits = Vec::new();
    let mut now = 0;
    let why = loop {
        match transfer.next(Now(now)) {
            Step::WaitUntil(at) => {
                waits.push((at.0 - now) / 1000);
                now = at.0;
            }
            Step::SendData { block, .. } => assert_eq!(block, 1),
            Step::GiveUp(why) => break why,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(waits, [1, 2, 4, 8, 8, 8, 8, 8, 8, 8, 8]);
    assert_eq!(why, Why::NoProgress { block: 0, blocks: 20, silent_s: 71, tries: 10 });
    assert!(why.farewell().is_some(), "a client that hangs may still read it");
    assert_eq!(transfer.next(Now(now + 1)), Step::GiveUp(why));
}

#[test]
fn the_timer_follows_the_round_trip_within_bounds() {
    let mut transfer = open(100_000, &[("blksize", "512")]);
    for block in 1..20u16 {
        assert_eq!(burst(&mut transfer, u64::from(block) * 50), [block]);
        transfer.acknowledge(Now(u64::from(block) * 50 + 50), block);
    }
    assert_eq!(burst(&mut transfer, 1000), [20]);
    let Step::WaitUntil(at) = transfer.next(Now(1000)) else { panic!() };
    assert!((1300..=1400).contains(&at.0), "eight times 50 ms after block 20: {at:?}");
}

#[test]
fn an_asked_for_timeout_of_minutes_does_not_keep_a_dead_client_for_hours() {
    let mut transfer = open(10_000, &[("timeout", "255")]);
    let mut now = 0;
    loop {
        match transfer.next(Now(now)) {
            Step::WaitUntil(at) => now = at.0,
            Step::GiveUp(_) => break,
            _ => {}
        }
    }
    assert!(now <= 900_000, "{now} ms");
}

#[test]
fn acks_nobody_can_mean_are_ignored() {
    let mut transfer = open(100_000, &[("blksize", "512"), ("windowsize", "4")]);
    assert_eq!(burst(&mut transfer, 0), [1, 2, 3, 4]);
    transfer.acknowledge(Now(1), 4);
    assert_eq!(burst(&mut transfer, 1), [5, 6, 7, 8]);
    for nonsense in [9, 3, 0, 65_535, 32_768, 32_772] {
        transfer.acknowledge(Now(2), nonsense);
        assert_eq!(burst(&mut transfer, 2), [0u16; 0], "ACK {nonsense}");
    }
    assert_eq!(transfer.progress().block, 4);
}

#[test]
fn before_the_oack_is_confirmed_only_ack_0_counts() {
    let mut transfer = transfer(10_000, &[("blksize", "512")]);
    assert!(matches!(transfer.next(Now(0)), Step::SendOack(_)));
    for early in [1, 2, 65_535] {
        transfer.acknowledge(Now(1), early);
        assert!(transfer.is_half_open());
    }
    transfer.acknowledge(Now(2), 0);
    assert!(!transfer.is_half_open());
    assert_eq!(burst(&mut transfer, 2), [1]);
}

#[test]
fn a_gap_in_the_window_restarts_it_behind_the_last_block_that_came() {
    let mut transfer = open(100_000, &[("blksize", "512"), ("windowsize", "4")]);
    assert_eq!(burst(&mut transfer, 0), [1, 2, 3, 4]);
    transfer.acknowledge(Now(1), 2);
    assert_eq!(burst(&mut transfer, 1), [3, 4, 5, 6]);
    transfer.acknowledge(Now(2), 2);
    transfer.acknowledge(Now(3), 2);
    assert_eq!(burst(&mut transfer, 3), [0u16; 0], "once for each value");
    transfer.acknowledge(Now(400), 2);
    assert_eq!(burst(&mut transfer, 400), [3, 4, 5, 6], "a quarter of the timer later, once more");
    assert_eq!(transfer.progress().resent, 2 + 4);
}

#[test]
fn a_missing_first_block_is_told_from_a_copied_ack() {
    let mut transfer = open(100_000, &[("blksize", "512"), ("windowsize", "4")]);
    assert_eq!(burst(&mut transfer, 0), [1, 2, 3, 4]);
    transfer.acknowledge(Now(10), 4);
    assert_eq!(burst(&mut transfer, 10), [5, 6, 7, 8]);
    // Block 5 is lost; 6 and 7 bring back two more ACKs of 4.
    transfer.acknowledge(Now(20), 4);
    assert_eq!(burst(&mut transfer, 20), [0u16; 0], "one may be a copy");
    transfer.acknowledge(Now(21), 4);
    assert_eq!(burst(&mut transfer, 21), [5, 6, 7, 8], "two are a report");
    transfer.acknowledge(Now(22), 4);
    assert_eq!(burst(&mut transfer, 22), [0u16; 0]);
}

#[test]
fn one_repeat_alone_restarts_the_window_after_a_quarter_of_the_timer() {
    let mut transfer = open(100_000, &[("blksize", "512"), ("windowsize", "2"), ("timeout", "1")]);
    assert_eq!(burst(&mut transfer, 0), [1, 2]);
    transfer.acknowledge(Now(10), 2);
    assert_eq!(burst(&mut transfer, 10), [3, 4]);
    transfer.acknowledge(Now(20), 2);
    assert_eq!(transfer.next(Now(20)), Step::WaitUntil(Now(260)));
    assert_eq!(burst(&mut transfer, 260), [3, 4]);
}

#[test]
fn an_error_ends_it_and_is_not_answered() {
    let mut transfer = open(100_000, &[("blksize", "512")]);
    assert_eq!(burst(&mut transfer, 0), [1]);
    transfer.acknowledge(Now(1), 1);
    transfer.client_error(Now(2), ErrorCode::DiskFull, b"no \x1b[2Jspace");
    let Step::GiveUp(why) = transfer.next(Now(2)) else { panic!() };
    assert_eq!(why.farewell(), None);
    assert!(why.is_fault());
    let words = r#"the client stopped after block 1 of 196 with error 3 "no \u{1b}[2Jspace""#;
    assert_eq!(why.to_string(), words);
    transfer.acknowledge(Now(3), 2);
    assert_eq!(transfer.next(Now(3)), Step::GiveUp(why), "it stays ended");
}

#[test]
fn a_file_that_cannot_be_read_on_ends_with_a_word_to_the_client() {
    let mut transfer = transfer(10_000, &[]);
    assert_eq!(transfer.next(Now(0)), data(1, 0, 512));
    transfer.source_failed();
    let Step::GiveUp(why) = transfer.next(Now(0)) else { panic!() };
    assert_eq!(why.to_string(), "block 1 of 20 could not be read from the image store");
    assert!(why.farewell().is_some());
}

#[test]
fn sizes_at_the_edges_of_blocks() {
    for (size, last) in [(0, data(1, 0, 0)), (511, data(1, 0, 511)), (512, data(1, 0, 512))] {
        assert_eq!(transfer(size, &[]).next(Now(0)), last, "{size} bytes");
    }
    let mut transfer = transfer(1024, &[]);
    for block in 1..=2u16 {
        assert_eq!(transfer.next(Now(0)), data(block, u64::from(block - 1) * 512, 512));
        transfer.acknowledge(Now(0), block);
    }
    assert_eq!(transfer.next(Now(0)), data(3, 1024, 0), "an empty block ends it");
    transfer.acknowledge(Now(0), 3);
    assert!(matches!(transfer.next(Now(0)), Step::Done(_)));
}

#[test]
fn no_size_overflows() {
    let mut transfer = open(u64::MAX, &[("blksize", "8"), ("windowsize", "64")]);
    assert_eq!(burst(&mut transfer, 0).len(), 64);
    transfer.acknowledge(Now(1 << 60), 64);
    assert_eq!(burst(&mut transfer, 1 << 60).len(), 64);
}

#[test]
fn a_victim_gets_no_more_than_a_hundred_bytes_of_oacks() {
    let options = |timeout: &'static str| {
        vec![
            ("blksize", "1468"),
            ("tsize", "0"),
            ("windowsize", "64"),
            ("rollover", "0"),
            ("timeout", timeout),
        ]
    };
    for (asked, datagrams) in [(options("255"), 1), (options("255")[..3].to_vec(), 2)] {
        let mut transfer = transfer(1 << 30, &asked);
        let (mut bytes, mut sent) = (0, 0);
        for ms in (0..11_000).step_by(10) {
            // It is spoofed once a second.
            if ms % 1000 == 0 {
                transfer.duplicate_request(Now(ms));
            }
            if let Step::SendOack(oack) = transfer.next(Now(ms)) {
                bytes += oack.len();
                sent += 1;
            }
        }
        assert_eq!(sent, datagrams, "{asked:?}");
        assert!(bytes <= 100, "{bytes} bytes");
    }
}

#[test]
fn a_file_that_was_changed_ends_with_a_word_to_the_client() {
    let mut transfer = transfer(1000, &[]);
    assert!(matches!(transfer.next(Now(0)), Step::SendData { block: 1, .. }));
    transfer.acknowledge(Now(1), 1);
    assert!(matches!(transfer.next(Now(1)), Step::SendData { block: 2, .. }));
    transfer.source_changed();
    let Step::GiveUp(why) = transfer.next(Now(1)) else { panic!() };
    assert!(why.is_fault() && why.is_of_the_source());
    assert!(why.to_string().contains("before block 2 of 2 was sent"), "{why}");
    let Ok(Packet::Error { text, .. }) = Packet::parse(&why.farewell().unwrap()) else { panic!() };
    assert_eq!(text, b"The file was changed while it was sent");
}
