//! A way with a short queue: what a window at once does to it, and what the pace makes of that.

use engine::tftp::{Negotiated, Policy, Step, Transfer};
use model::Now;
use std::collections::VecDeque;
use wire::tftp::{Packet, read_request};

const WINDOW: u64 = 64;

/// A network card of 100 Mbit/s with a queue, and a client behind it that does as RFC 7440 says.
struct Way {
    queue: VecDeque<u16>,
    room: usize,
    per_ms: usize,
    lost: u64,
    /// The next block the client wants, and how many it has had since its last ACK.
    wanted: u64,
    had: u64,
    complained: bool,
    quiet_ms: u64,
}

impl Way {
    fn new(room: usize, per_ms: usize) -> Self {
        let queue = VecDeque::new();
        Self { queue, room, per_ms, lost: 0, wanted: 1, had: 0, complained: false, quiet_ms: 0 }
    }

    fn send(&mut self, block: u16) {
        if self.queue.len() < self.room { self.queue.push_back(block) } else { self.lost += 1 }
    }

    /// A millisecond passes; gives the ACKs that come back.
    fn pass(&mut self, blocks: u64) -> Vec<u16> {
        let mut acks = Vec::new();
        let last = |wanted: u64| u16::try_from((wanted - 1) % 65_536).unwrap();
        self.quiet_ms += 1;
        for _ in 0..self.per_ms {
            let Some(block) = self.queue.pop_front() else { break };
            self.quiet_ms = 0;
            if block == last(self.wanted + 1) {
                self.wanted += 1;
                self.had += 1;
                self.complained = false;
                if self.had == WINDOW || self.wanted > blocks {
                    self.had = 0;
                    acks.push(last(self.wanted));
                }
            } else if !self.complained {
                self.complained = true;
                self.had = 0;
                acks.push(last(self.wanted));
            }
        }
        // As atftp does when nothing comes for a while.
        if self.quiet_ms >= 100 && self.wanted <= blocks {
            self.quiet_ms = 0;
            self.had = 0;
            acks.push(last(self.wanted));
        }
        acks
    }
}

struct Told {
    ms: u64,
    lost: u64,
    /// Lost after the twentieth window.
    lost_later: u64,
    burst: Option<u16>,
}

fn carry(windows: u64, policy: &Policy, mut way: Way) -> Told {
    let size = windows * WINDOW * 512 - 1;
    let asked = read_request(b"a", "octet", &[("windowsize", "64")]);
    let Ok(Packet::ReadRequest(request)) = Packet::parse(&asked) else { panic!() };
    let mut transfer = Transfer::new(Negotiated::new(&request, size, policy).unwrap(), Now(0));
    assert!(matches!(transfer.next(Now(0)), Step::SendOack(_)));
    transfer.acknowledge(Now(0), 0);
    let (mut early, blocks) = (0, windows * WINDOW);
    for ms in 0..10_000_000 {
        loop {
            match transfer.next(Now(ms)) {
                Step::SendData { block, .. } => way.send(block),
                Step::WaitUntil(at) => {
                    assert!(at > Now(ms));
                    break;
                }
                Step::Done(_) => {
                    let (lost, lost_later) = (way.lost, way.lost - early);
                    return Told { ms, lost, lost_later, burst: transfer.burst() };
                }
                other => panic!("{other:?}"),
            }
        }
        for ack in way.pass(blocks) {
            transfer.acknowledge(Now(ms), ack);
        }
        if way.wanted <= 20 * WINDOW {
            early = way.lost;
        }
    }
    panic!("it never ends");
}

/// The same without a pace: bursts as long as the window.
fn at_once() -> Policy {
    Policy { burst_min: 64, ..Policy::default() }
}

#[test]
fn a_way_with_a_short_queue_loses_nothing_more_once_the_pace_fits_it() {
    for room in [8, 12, 16, 24, 40] {
        // Too few windows for it to try and go faster again.
        let paced = carry(60, &Policy::default(), Way::new(room, 8));
        assert!(paced.lost > 0, "queue of {room}: a window at once is too much for it");
        assert_eq!(paced.lost_later, 0, "queue of {room}");
        assert!(paced.burst.is_some_and(|burst| usize::from(burst) <= room), "{:?}", paced.burst);
        let restarting = carry(60, &at_once(), Way::new(room, 8));
        assert!(
            paced.ms < restarting.ms,
            "queue of {room}: {} ms, and {} ms by restarting windows",
            paced.ms,
            restarting.ms
        );
    }
}

#[test]
fn a_way_that_loses_nothing_has_no_pauses() {
    let told = carry(80, &Policy::default(), Way::new(64, 64));
    assert_eq!((told.lost, told.burst), (0, None));
    assert!(told.ms <= 81, "{} ms for 80 windows of a millisecond", told.ms);
}

#[test]
fn the_pace_tries_to_go_up_again_and_ever_more_rarely_where_that_loses() {
    let rarely = carry(3000, &Policy::default(), Way::new(16, 8));
    let at_once = carry(3000, &at_once(), Way::new(16, 8));
    assert!(rarely.lost_later > 0, "it has tried");
    assert!(rarely.lost * 50 < at_once.lost, "{} of {}", rarely.lost, at_once.lost);
}

#[test]
fn a_loss_by_chance_is_forgotten_after_many_clean_windows() {
    let mut way = Way::new(64, 64);
    // The first window meets a queue that is nearly full.
    way.queue.extend([9999; 40]);
    let told = carry(400, &Policy::default(), way);
    assert!(told.lost > 0);
    assert_eq!(told.burst, None);
}
