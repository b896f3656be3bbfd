//! TFTP under a crowd and under a flood: nobody waits for long, and memory stays small. One test at
//! a time, because they look at the memory of the whole process.

mod support;

use serve::Limits;
use std::cell::Cell;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use support::{CLIENT, Stage, able, eventually, run, to};
use wire::tftp::{ErrorCode, Packet, ack, error, read_request};

static ALONE: Mutex<()> = Mutex::new(());

fn receive(socket: &UdpSocket) -> (Packet, SocketAddr) {
    let mut buffer = [0; 2048];
    let (length, from) = socket.recv_from(&mut buffer).expect("an answer");
    (Packet::parse(&buffer[..length]).unwrap(), from)
}

fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Limits for one source that stands for many.
fn generous() -> Limits {
    let mut limits = Limits::default();
    limits.tftp.half_open_per_source = 2000;
    limits.tftp.transfers_per_source = 2000;
    limits.tftp.half_open = 2000;
    limits
}

/// Enters a namespace for good, the first time.
fn enter(ns: &str) {
    use nix::sched::{CloneFlags, setns};
    thread_local!(static ENTERED: Cell<bool> = const { Cell::new(false) });
    if !ENTERED.replace(true) {
        let file = std::fs::File::open(format!("/run/netns/{ns}")).unwrap();
        setns(file, CloneFlags::CLONE_NEWNET).unwrap();
    }
}

const HOSTS: u8 = 40;
const ROUNDS: u16 = 250;

/// 10,000 requests, each from a port of its own, from 40 addresses; and on until there were enough, to 200,000.
fn flood(ns: &str, enough: &AtomicBool) {
    enter(ns);
    for round in 0..20 * ROUNDS {
        if round >= ROUNDS && enough.load(Ordering::Relaxed) {
            return;
        }
        for host in 0..HOSTS {
            let from = (Ipv4Addr::new(10, 77, 0, 100 + host), 10_000 + round);
            let socket = UdpSocket::bind(from).unwrap();
            socket.send_to(&read_request(b"x", "octet", &[]), to(69)).unwrap();
        }
    }
}

#[test]
fn a_flood_of_requests_leaves_a_running_transfer_and_the_memory_alone() {
    if !able(&[]) {
        return;
    }
    let _alone = ALONE.lock();
    let stage = Stage::new(Limits::default());
    let file = stage.file("x", 80_000_000);
    let there = &stage.world.there;
    for host in 0..HOSTS {
        let address = format!("10.77.0.{}/24", 100 + host);
        run("ip", &["-n", there, "address", "add", &address, "dev", "nic"]);
    }
    let socket = stage.world.udp(0);
    socket.send_to(&read_request(b"x", "octet", &[("blksize", "1400")]), to(69)).unwrap();
    let (_, port) = receive(&socket);
    socket.send_to(&ack(0), port).unwrap();
    let before = memory_kib();
    let enough = AtomicBool::new(false);
    let blocks = std::thread::scope(|scope| {
        let flood = scope.spawn(|| flood(there, &enough));
        let mut blocks = 0_usize;
        while !flood.is_finished() {
            let (Packet::Data { block, payload }, _) = receive(&socket) else { panic!() };
            if usize::from(block) != blocks + 1 {
                // Sent again, because this client was not let run for too long.
                continue;
            }
            assert!(payload == file[blocks * 1400..][..payload.len()]);
            blocks += 1;
            enough.store(blocks > 100, Ordering::Relaxed);
            socket.send_to(&ack(block), port).unwrap();
        }
        flood.join().unwrap();
        blocks
    });
    let more = memory_kib().saturating_sub(before);
    socket.send_to(&error(ErrorCode::NotDefined, "enough"), port).unwrap();
    assert!(blocks > 100, "{blocks}");
    assert!(more < 40 * 1024, "{more} KiB more");
    let counts = stage.server.counts();
    assert!(counts.tftp_requests > 1000 && counts.tftp_busy > 1000, "{counts:?}");
}

#[test]
fn a_thousand_transfers_at_once_need_little_memory() {
    const CLIENTS: usize = 1000;
    const BLOCK: usize = 1000;
    if !able(&[]) {
        return;
    }
    let _alone = ALONE.lock();
    let stage = Stage::new(generous());
    let file = stage.file("x", 60_000);
    let before = memory_kib();
    let sockets: Vec<UdpSocket> = (0..CLIENTS).map(|_| stage.world.udp(0)).collect();
    let mut ports = HashMap::new();
    for socket in &sockets {
        socket.send_to(&read_request(b"x", "octet", &[("blksize", "1000")]), to(69)).unwrap();
        let (packet, from) = receive(socket);
        assert!(matches!(packet, Packet::OptionAck(_)), "{packet:?}");
        socket.send_to(&ack(0), from).unwrap();
        *ports.entry(from.port()).or_insert(0) += 1;
    }
    assert!(ports.len() <= 16 && ports.len() > 1, "few ports: {ports:?}");
    for number in 1..=61_u16 {
        for socket in &sockets {
            let (payload, from) = loop {
                let (packet, from) = receive(socket);
                let Packet::Data { block, payload } = packet else { panic!("{packet:?}") };
                // An earlier one may have been sent again, while it was the others' turn.
                if block == number {
                    break (payload, from);
                }
                assert!(block < number);
            };
            let at = usize::from(number - 1) * BLOCK;
            assert!(payload == file[at..file.len().min(at + BLOCK)]);
            socket.send_to(&ack(number), from).unwrap();
        }
        if number == 30 {
            let more = memory_kib().saturating_sub(before);
            assert!(more < 50 * 1024, "{more} KiB for {CLIENTS} transfers");
            let running = stage.server.running.as_ref().unwrap().transfers();
            assert_eq!(running.now.len(), CLIENTS);
            let one = &running.now[0];
            assert_eq!((one.file.as_str(), one.size, one.to), ("x", 60_000, CLIENT.into()));
            assert!(one.sent >= 28_000 && one.sent <= 30_000, "{one:?}");
        }
    }
    let over = || stage.server.running.as_ref().unwrap().transfers().now.is_empty().then_some(());
    eventually(over).expect("they end");
}
