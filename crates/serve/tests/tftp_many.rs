//! TFTP with many transfers at once, with clients that mean no good, and on days when the disk or
//! the network does not do as usual.

mod support;

use model::Happening;
use serve::Limits;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use support::{SERVER, Stage, able, eventually, inside, run, to};
use wire::tftp::{ErrorCode, Packet, ack, error, read_request};

fn receive(socket: &UdpSocket) -> (Packet, SocketAddr) {
    let mut buffer = [0; 2048];
    let (length, from) = socket.recv_from(&mut buffer).expect("an answer");
    (Packet::parse(&buffer[..length]).unwrap(), from)
}

/// What a client of our own saw.
#[derive(Debug, Default)]
struct Fetched {
    bytes: Vec<u8>,
    /// DATA packets, repeated ones included.
    data: u64,
    ports: Vec<u16>,
}

/// Fetches a file. `acks`: how often each ACK is sent.
fn fetch(socket: &UdpSocket, name: &str, options: &[(&str, &str)], acks: usize) -> Fetched {
    let window: u64 = options
        .iter()
        .find(|(option, _)| *option == "windowsize")
        .map_or(1, |(_, value)| value.parse().unwrap());
    let blksize = options
        .iter()
        .find(|(option, _)| *option == "blksize")
        .map_or(512, |(_, value)| value.parse().unwrap());
    socket.send_to(&read_request(name.as_bytes(), "octet", options), to(69)).unwrap();
    let (mut fetched, mut last, mut had) = (Fetched::default(), 0_u64, 0);
    loop {
        let (packet, from) = receive(socket);
        if !fetched.ports.contains(&from.port()) {
            fetched.ports.push(from.port());
        }
        let say = |block: u64| {
            let number = u16::try_from(block % 65_536).unwrap();
            for _ in 0..acks {
                socket.send_to(&ack(number), from).unwrap();
            }
        };
        match packet {
            Packet::OptionAck(_) => say(0),
            Packet::Data { block, payload } => {
                fetched.data += 1;
                if u64::from(block) != (last + 1) % 65_536 {
                    continue;
                }
                last += 1;
                had += 1;
                fetched.bytes.extend(&payload);
                let over = payload.len() < blksize;
                if had == window || over {
                    had = 0;
                    say(last);
                }
                if over {
                    return fetched;
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Fetches with a real client and compares.
fn fetched_by(stage: &Stage, program: &str, args: &[&str], expected: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("got");
    let to = to.to_str().unwrap();
    let args: Vec<&str> = args.iter().map(|arg| if *arg == "@" { to } else { arg }).collect();
    let output = stage.world.there(program, &args);
    let got = std::fs::read(to).unwrap_or_default();
    assert!(got == expected, "{program} {args:?}: {} bytes, {output:?}", got.len());
}

#[test]
fn everything_from_port_69_where_nothing_else_gets_through() {
    if !able(&["atftp", "busybox", "curl"]) {
        return;
    }
    let stage = Stage::new(Limits { tftp_single_port: true, ..Limits::default() });
    let file = stage.file("kernel", 3_000_123);
    for options in [&["blksize 1468"][..], &["blksize 1024", "windowsize 16"], &[]] {
        let mut args: Vec<&str> = options.iter().flat_map(|o| ["--option", *o]).collect();
        args.extend(["--get", "-r", "kernel", "-l", "@", "10.77.0.1", "69"]);
        fetched_by(&stage, "atftp", &args, &file);
    }
    let busybox = ["tftp", "-g", "-b", "1468", "-r", "kernel", "-l", "@", "10.77.0.1"];
    fetched_by(&stage, "busybox", &busybox, &file);
    fetched_by(&stage, "curl", &["-s", "-o", "@", "tftp://10.77.0.1/kernel"], &file);

    let socket = stage.world.udp(0);
    let fetched = fetch(&socket, "kernel", &[("blksize", "1400"), ("windowsize", "8")], 1);
    assert_eq!((fetched.ports, fetched.bytes == file), (vec![69], true));
    // A late ACK is swallowed; one from somebody without a transfer is answered as RFC 1350 says.
    socket.send_to(&ack(9), to(69)).unwrap();
    let stranger = stage.world.udp(0);
    stranger.send_to(&ack(1), to(69)).unwrap();
    let (packet, _) = receive(&stranger);
    assert!(matches!(packet, Packet::Error { code: ErrorCode::UnknownTransfer, .. }));
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(socket.recv_from(&mut [0; 100]).is_err());
}

#[test]
fn transfers_go_out_from_the_range_the_firewall_lets_through() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(Limits { tftp_ports: Some((40_100, 40_103)), ..Limits::default() });
    let file = stage.file("x", 5000);
    let mut seen = Vec::new();
    for _ in 0..40 {
        let fetched = fetch(&stage.world.udp(0), "x", &[], 1);
        assert!(fetched.bytes == file);
        seen.extend(fetched.ports);
    }
    assert!(seen.iter().all(|port| (40_100..=40_103).contains(port)), "{seen:?}");
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() > 1, "a stranger must not know the port: {seen:?}");
}

#[test]
fn a_file_that_is_on_a_disk_and_not_in_memory_comes_whole_and_is_read_ahead() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    let file = stage.file("x", 4_000_000);
    stage.store.ways.cold.store(true, Ordering::Relaxed);
    let waited = || stage.store.ways.waited.load(Ordering::Relaxed);
    for (window, blksize) in [("1", "1468"), ("64", "1468")] {
        let before = waited();
        let options = [("blksize", blksize), ("windowsize", window)];
        assert!(fetch(&stage.world.udp(0), "x", &options, 1).bytes == file, "window {window}");
        // 4 times a MiB, in steps of 64 KiB; the second transfer finds it in memory.
        let most = if window == "1" { 4 * 18 } else { 0 };
        assert!(waited() - before <= most, "{} reads with a wait", waited() - before);
    }
    assert_eq!(stage.store.ways.opened.load(Ordering::Relaxed), 1, "it stays open");
    stage.store.ways.always_cold.store(true, Ordering::Relaxed);
    let options = [("blksize", "1468"), ("windowsize", "32")];
    assert!(fetch(&stage.world.udp(0), "x", &options, 1).bytes == file, "memory keeps nothing");
}

#[test]
fn a_file_that_changes_while_it_is_served_ends_with_an_error_and_is_told() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    stage.file("x", 1000);
    let socket = stage.world.udp(0);
    socket.send_to(&read_request(b"x", "octet", &[]), to(69)).unwrap();
    let (packet, port) = receive(&socket);
    assert!(matches!(packet, Packet::Data { block: 1, .. }));
    stage.store.ways.changed.store(true, Ordering::Relaxed);
    socket.send_to(&ack(1), port).unwrap();
    let (packet, _) = receive(&socket);
    assert!(matches!(packet, Packet::Error { code: ErrorCode::NotDefined, .. }), "{packet:?}");
    let failed = stage.house.wait_for(|h| matches!(h, Happening::TransferFailed { .. }));
    let Happening::TransferFailed { why, sent: 512, .. } = failed else { panic!("{failed:?}") };
    assert!(why.contains("changed behind the server's back before block 2 of 2"), "{why}");
    // The next one opens it anew.
    stage.store.ways.changed.store(false, Ordering::Relaxed);
    let opened = stage.store.ways.opened.load(Ordering::Relaxed);
    fetch(&stage.world.udp(0), "x", &[], 1);
    assert_eq!(stage.store.ways.opened.load(Ordering::Relaxed), opened + 1);
}

#[test]
fn a_bug_in_one_transfer_ends_that_one_alone_and_is_counted() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    let file = stage.file("x", 50_000);
    let socket = stage.world.udp(0);
    socket.send_to(&read_request(b"x", "octet", &[]), to(69)).unwrap();
    let (_, port) = receive(&socket);
    stage.store.ways.panics.store(true, Ordering::Relaxed);
    socket.send_to(&ack(1), port).unwrap();
    let failed = stage.house.wait_for(|h| matches!(h, Happening::TransferFailed { .. }));
    let Happening::TransferFailed { why, .. } = failed else { panic!() };
    assert!(why.contains("please report"), "{why}");
    assert_eq!(stage.server.counts().panics, 1);
    stage.store.ways.panics.store(false, Ordering::Relaxed);
    assert!(fetch(&stage.world.udp(0), "x", &[], 1).bytes == file);
}

#[test]
fn each_ack_twice_does_not_make_the_traffic_double() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    let file = stage.file("x", 3_000_000);
    for window in ["1", "4", "16"] {
        let options = [("blksize", "1024"), ("windowsize", window)];
        let fetched = fetch(&stage.world.udp(0), "x", &options, 2);
        assert!(fetched.bytes == file, "window {window}");
        let blocks = 3_000_000 / 1024 + 1;
        assert!(fetched.data * 100 <= blocks * 101, "{} DATA for {blocks} blocks", fetched.data);
    }
}

#[test]
fn forged_packets_from_wrong_ports_and_addresses_harm_nothing() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    let file = stage.file("x", 512 * 200 + 7);
    let nic = &stage.world.there;
    run("ip", &["-n", nic, "address", "add", "10.77.0.66/24", "dev", "nic"]);
    let socket = stage.world.udp(0);
    let forger = inside(nic, || UdpSocket::bind((Ipv4Addr::new(10, 77, 0, 66), 0)).unwrap());
    // The same port at another address, another port at the same one, another of our ports.
    let own_port = socket.local_addr().unwrap().port();
    let twin = inside(nic, || UdpSocket::bind((Ipv4Addr::new(10, 77, 0, 66), own_port)).unwrap());
    let beside = stage.world.udp(0);
    let options = [("timeout", "5")];
    socket.send_to(&read_request(b"x", "octet", &options), to(69)).unwrap();
    let (_, port) = receive(&socket);
    socket.send_to(&ack(0), port).unwrap();
    let mut got = Vec::new();
    for number in 1..=201_u16 {
        for forger in [&forger, &twin, &beside] {
            forger.send_to(&ack(number), port).unwrap();
            forger.send_to(&ack(number + 1), port).unwrap();
            forger.send_to(&error(ErrorCode::NotDefined, "stop"), port).unwrap();
        }
        let (Packet::Data { block, payload }, from) = receive(&socket) else { panic!() };
        assert_eq!((block, from), (number, port), "one DATA for each ACK, none for a forged one");
        got.extend(payload);
        // At the wrong one of our ports the true client is a stranger too.
        socket.send_to(&ack(number), to(69)).unwrap();
        socket.send_to(&ack(number), port).unwrap();
    }
    assert!(got == file);
    let errors = |socket: &UdpSocket| {
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut count = 0;
        while socket.recv_from(&mut [0; 100]).is_ok() {
            count += 1;
        }
        count
    };
    let told = [&forger, &twin, &beside].map(errors);
    assert!(told.iter().sum::<u32>() <= 10, "{told:?} ERRORs for hundreds of packets");
}

#[test]
fn netascii_with_a_pair_at_the_edge_of_a_block() {
    if !able(&["atftp"]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    // The CR LF of the first line end lies across blocks 1 and 2.
    let text = format!("{}\n{}\rz\n", "x".repeat(511), "y".repeat(600));
    stage.house.publish("text", engine::Served::Text(text.clone()), "text/plain");
    let socket = stage.world.udp(0);
    socket.send_to(&read_request(b"text", "netascii", &[]), to(69)).unwrap();
    let mut got = Vec::new();
    loop {
        let (Packet::Data { block, payload }, from) = receive(&socket) else { panic!() };
        got.extend(&payload);
        socket.send_to(&ack(block), from).unwrap();
        if payload.len() < 512 {
            break;
        }
    }
    assert_eq!((got[511], got[512]), (b'\r', b'\n'));
    let expected = text.replace('\r', "\r\0").replace('\n', "\r\n");
    assert_eq!(String::from_utf8(got).unwrap(), expected);
}

#[test]
fn what_a_spoofed_address_gets_is_bounded() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    stage.file("x", 100_000);
    let (plain, asked) = (stage.world.udp(0), stage.world.udp(0));
    let options = [("blksize", "1468"), ("tsize", "0"), ("windowsize", "64"), ("timeout", "1")];
    let mut bytes = [0, 0];
    let end = Instant::now() + Duration::from_millis(10_800);
    for socket in [&plain, &asked] {
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    }
    let requests = [
        (&plain, read_request(b"x", "octet", &[])),
        (&asked, read_request(b"x", "octet", &options)),
    ];
    for (socket, request) in &requests {
        socket.send_to(request, to(69)).unwrap();
    }
    let mut again = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        for ((socket, request), bytes) in requests.iter().zip(&mut bytes) {
            while let Ok((length, _)) = socket.recv_from(&mut [0; 2048]) {
                *bytes += length;
            }
            // The forger goes on, until shortly before the transfer is forgotten.
            if Instant::now() > again && end - Instant::now() > Duration::from_secs(2) {
                socket.send_to(request, to(69)).unwrap();
            }
        }
        if Instant::now() > again {
            again += Duration::from_secs(2);
        }
    }
    assert!(bytes[0] > 500 && bytes[0] <= 1040, "{} bytes for a plain request", bytes[0]);
    assert!(bytes[1] > 40 && bytes[1] <= 100, "{} bytes for one with options", bytes[1]);
}

#[test]
fn too_many_transfers_of_one_address_are_refused_and_that_is_told_once_a_second() {
    if !able(&[]) {
        return;
    }
    let mut limits = Limits::default();
    limits.tftp.transfers_per_source = 3;
    let stage = Stage::new(limits);
    stage.file("x", 60_000);
    let sockets: Vec<UdpSocket> = (0..8).map(|_| stage.world.udp(0)).collect();
    for socket in &sockets[..3] {
        socket.send_to(&read_request(b"x", "octet", &[("timeout", "9")]), to(69)).unwrap();
        let (_, from) = receive(socket);
        socket.send_to(&ack(0), from).unwrap();
        receive(socket);
    }
    for socket in &sockets[3..] {
        socket.send_to(&read_request(b"x", "octet", &[]), to(69)).unwrap();
    }
    eventually(|| (stage.server.counts().tftp_busy == 5).then_some(())).expect("five refused");
    let events = stage.house.events();
    let told: Vec<_> =
        events.iter().filter(|h| matches!(h, Happening::TransferFailed { .. })).collect();
    let [Happening::TransferFailed { why, .. }] = told[..] else { panic!("{told:?}") };
    assert!(why.contains("10.77.0.9 is loading 3 files already"), "{why}");
}

#[test]
fn fifty_machines_behind_one_address_come_in_one_after_the_other_and_none_is_put_out() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    let file = stage.file("x", 100_000);
    let sockets: Vec<UdpSocket> = (0..50).map(|_| stage.world.udp(0)).collect();
    std::thread::scope(|scope| {
        for socket in &sockets {
            let file = &file;
            scope.spawn(move || {
                assert!(fetch(socket, "x", &[("blksize", "1400")], 1).bytes == *file);
            });
        }
    });
    let counts = stage.server.counts();
    assert_eq!((counts.tftp_evicted, counts.tftp_busy), (0, 0));
}

#[test]
fn starting_and_stopping_is_quick_and_leaves_nothing_behind() {
    if !able(&[]) {
        return;
    }
    let mut stage = Stage::new(Limits::default());
    stage.file("x", 60_000);
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let named_tftp = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|name| name.trim() == "tftp").count()
    };
    // A thread writes its own name when it gets to run.
    let until = Instant::now() + Duration::from_secs(10);
    while named_tftp() == 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(named_tftp() >= 1 && threads() > 1);
    for round in 0..10 {
        let begun = Instant::now();
        stage.server.stop();
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        let socket = stage.world.udp(0);
        socket.send_to(&read_request(b"x", "octet", &[]), (SERVER, 69)).unwrap();
        stage.server =
            support::Server::start(&stage.world, &stage.house, &stage.store, Limits::default());
        let socket = stage.world.udp(0);
        assert_eq!(fetch(&socket, "x", &[], 1).bytes.len(), 60_000, "round {round}");
    }
}
