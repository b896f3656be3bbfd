//! TFTP against the rules, row by row, and against real clients.

mod support;

use model::Happening;
use model::event::Carrier;
use model::plan::Why;
use serve::Limits;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};
use support::{Stage, able, eventually, inside, run, to};
use wire::tftp::{ErrorCode, Packet, ack, error, read_request, write_request};

fn stage() -> Stage {
    Stage::new(Limits::default())
}

fn receive(socket: &UdpSocket) -> (Packet, SocketAddr) {
    let mut buffer = [0; 2048];
    let (length, from) = socket.recv_from(&mut buffer).expect("an answer");
    (Packet::parse(&buffer[..length]).unwrap(), from)
}

/// Nothing arrives for half a second.
fn silence(socket: &UdpSocket) {
    silence_for(socket, Duration::from_millis(500));
}

fn silence_for(socket: &UdpSocket, time: Duration) {
    socket.set_read_timeout(Some(time)).unwrap();
    let mut buffer = [0; 2048];
    let got = socket.recv_from(&mut buffer);
    assert!(got.is_err(), "{:?}", Packet::parse(&buffer));
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
}

fn error_code(packet: &Packet) -> ErrorCode {
    let Packet::Error { code, .. } = packet else { panic!("{packet:?}") };
    *code
}

#[test]
fn tftp_source_outside_the_served_subnets_gets_nothing() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    stage.file("x", 10);
    run("ip", &["-n", &stage.world.there, "address", "add", "10.99.0.9/24", "dev", "nic"]);
    run("ip", &["-n", &stage.world.here, "route", "add", "10.99.0.0/24", "dev", "lan"]);
    let outside =
        inside(&stage.world.there, || UdpSocket::bind((Ipv4Addr::new(10, 99, 0, 9), 0)).unwrap());
    for packet in [read_request(b"x", "octet", &[]), write_request(b"x", "octet", &[]), vec![0]] {
        outside.send_to(&packet, to(69)).unwrap();
    }
    silence(&outside);
    assert_eq!(stage.server.counts().tftp_outside, 3);
    assert!(stage.house.asked().is_empty() && stage.house.events().is_empty());
}

#[test]
fn tftp_malformed_requests_are_dropped() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    let socket = stage.world.udp(0);
    let many = [("blksize", "512"); 9];
    let wrong: Vec<Vec<u8>> = vec![
        vec![],
        vec![0, 1, 0],
        vec![0, 9, b'x', 0, b'o', 0],
        b"\0\x01x".to_vec(),
        b"\0\x01x\0octet".to_vec(),
        b"\0\x01\0octet\0".to_vec(),
        read_request(&[b'a'; 256], "octet", &[]),
        read_request(b"x", "octet", &many),
        vec![1; 600],
        ack(0).to_vec(),
        error(ErrorCode::NotDefined, "go away"),
    ];
    for packet in &wrong {
        socket.send_to(packet, to(69)).unwrap();
    }
    silence(&socket);
    assert_eq!(stage.server.counts().tftp_malformed, wrong.len() as u64);
    assert!(stage.house.asked().is_empty());
}

#[test]
fn tftp_write_request_gets_error_2() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    let socket = stage.world.udp(0);
    socket.send_to(&write_request(b"x", "octet", &[("tsize", "9")]), to(69)).unwrap();
    assert_eq!(error_code(&receive(&socket).0), ErrorCode::AccessViolation);
    silence(&socket);
    stage.house.wait_for(|h| matches!(h, Happening::TransferFailed { .. }));
}

#[test]
fn tftp_mail_mode_gets_error_4_once() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    stage.file("x", 10);
    let socket = stage.world.udp(0);
    socket.send_to(&read_request(b"x", "mail", &[]), to(69)).unwrap();
    assert_eq!(error_code(&receive(&socket).0), ErrorCode::IllegalOperation);
    silence(&socket);
}

#[test]
fn tftp_unknown_names_get_error_1_fast_and_only_the_table_is_asked() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    let socket = stage.world.udp(0);
    for name in
        ["nothing", "../etc/passwd", "/etc/passwd", "..\\..\\etc\\passwd", "a/../../x", "a\x01b"]
    {
        let sent = Instant::now();
        socket.send_to(&read_request(name.as_bytes(), "octet", &[]), to(69)).unwrap();
        assert_eq!(error_code(&receive(&socket).0), ErrorCode::FileNotFound, "{name}");
        assert!(sent.elapsed() < Duration::from_millis(200), "{name}: {:?}", sent.elapsed());
        assert_eq!(stage.house.asked().last().unwrap().name, name.as_bytes());
    }
    let ask = stage.house.asked().pop().unwrap();
    assert_eq!(ask.by, Carrier::Tftp);
    assert_eq!(ask.at, SocketAddr::V4(to(69)));
    assert_eq!(ask.from, socket.local_addr().unwrap());
    assert_eq!(ask.link, "lan");
    assert_eq!(ask.neighbour, "52:54:00:00:00:09".parse().ok());
}

#[test]
fn tftp_says_nothing_where_the_owner_wants_silence() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    stage.house.be_silent(Why::OnlyListening);
    let socket = stage.world.udp(0);
    socket.send_to(&read_request(b"x", "octet", &[]), to(69)).unwrap();
    silence(&socket);
    assert_eq!(stage.house.asked().len(), 1);
}

#[test]
fn tftp_options_out_of_range_are_clamped_or_left_out() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    stage.file("x", 100_000);
    let socket = stage.world.udp(0);
    let asked = [
        ("blksize", "65464"),
        ("tsize", "0"),
        ("windowsize", "65535"),
        ("timeout", "0"),
        ("multicast", ""),
    ];
    socket.send_to(&read_request(b"x", "octet", &asked), to(69)).unwrap();
    let (packet, port) = receive(&socket);
    let Packet::OptionAck(options) = packet else { panic!("{packet:?}") };
    let options: Vec<(String, String)> = options
        .into_iter()
        .map(|(name, value)| (String::from_utf8(name).unwrap(), String::from_utf8(value).unwrap()))
        .collect();
    let expected = [("blksize", "1468"), ("tsize", "100000"), ("windowsize", "64")];
    assert_eq!(options, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    socket.send_to(&error(ErrorCode::OptionsRefused, "enough"), port).unwrap();

    let socket = stage.world.udp(0);
    let nonsense = [("blksize", "7"), ("windowsize", "0"), ("timeout", "256")];
    socket.send_to(&read_request(b"x", "octet", &nonsense), to(69)).unwrap();
    let (packet, _) = receive(&socket);
    assert!(matches!(packet, Packet::Data { block: 1, ref payload } if payload.len() == 512));
}

#[test]
fn tftp_blocks_are_no_larger_than_the_mtu_of_the_link_and_may_be_fragmented() {
    if !able(&[]) {
        return;
    }
    let world = support::World::new();
    run("ip", &["-n", &world.here, "link", "set", "lan", "mtu", "1300"]);
    let (house, store) = (support::House::new(|_| None), support::Store::default());
    let _server = support::Server::start(&world, &house, &store, Limits::default());
    house.publish("x", store.put(support::noise(10_000)), "application/octet-stream");
    let raw = inside(&world.there, || {
        let udp = Some(socket2::Protocol::UDP);
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::from(3), udp).unwrap()
    });
    raw.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let socket = world.udp(0);
    socket.send_to(&read_request(b"x", "octet", &[("blksize", "1468")]), to(69)).unwrap();
    let (_, port) = receive(&socket);
    socket.send_to(&ack(0), port).unwrap();
    let (packet, _) = receive(&socket);
    assert!(matches!(packet, Packet::Data { block: 1, ref payload } if payload.len() == 1268));
    for _ in 0..2 {
        let mut buffer = [0; 2048];
        let length = std::io::Read::read(&mut &raw, &mut buffer).unwrap();
        assert!(length <= 1300);
        assert_eq!(buffer[6] & 0x40, 0, "don't fragment is set");
    }
}

#[test]
fn tftp_stranger_at_the_port_gets_error_5_and_the_transfer_goes_on() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    let file = stage.file("x", 1300);
    let (socket, stranger) = (stage.world.udp(0), stage.world.udp(0));
    socket.send_to(&read_request(b"x", "octet", &[]), to(69)).unwrap();
    let (mut packet, port) = receive(&socket);
    assert_ne!(port.port(), 69);

    stranger.send_to(&ack(1), port).unwrap();
    let (answer, from) = receive(&stranger);
    assert_eq!((error_code(&answer), from), (ErrorCode::UnknownTransfer, port));
    // And not for each of a flood.
    for _ in 0..50 {
        stranger.send_to(&ack(1), port).unwrap();
        stranger.send_to(&error(ErrorCode::NotDefined, "stop"), port).unwrap();
    }
    silence(&stranger);

    let mut got = Vec::new();
    for number in 1..=3 {
        let Packet::Data { block, payload } = packet else { panic!("{packet:?}") };
        if block == number {
            got.extend(payload);
        }
        socket.send_to(&ack(number), port).unwrap();
        if number == 3 {
            break;
        }
        // A block may have been sent again during the flood.
        packet = eventually(|| {
            let (packet, from) = receive(&socket);
            assert_eq!(from, port);
            matches!(packet, Packet::Data { block, .. } if block == number + 1).then_some(packet)
        })
        .unwrap();
    }
    assert_eq!(got, file);
    let done = stage.house.wait_for(|h| matches!(h, Happening::TransferDone { .. }));
    assert!(matches!(done, Happening::TransferDone { size: 1300, by: Carrier::Tftp, .. }));

    // The port lives on for a while, and a late ACK falls on nothing.
    socket.send_to(&ack(3), port).unwrap();
    silence(&socket);
}

#[test]
fn tftp_error_from_the_true_peer_ends_the_transfer() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    stage.file("x", 13_000);
    let socket = stage.world.udp(0);
    socket.send_to(&read_request(b"x", "octet", &[]), to(69)).unwrap();
    let (_, port) = receive(&socket);
    socket.send_to(&ack(1), port).unwrap();
    receive(&socket);
    socket.send_to(&error(ErrorCode::DiskFull, "full\x1b[31m"), port).unwrap();
    silence_for(&socket, Duration::from_millis(1500));
    let failed = stage.house.wait_for(|h| matches!(h, Happening::TransferFailed { .. }));
    let Happening::TransferFailed { sent: 512, size: 13_000, why, .. } = failed else {
        panic!("{failed:?}")
    };
    assert!(why.contains("full\\u{1b}[31m"), "{why}");
}

#[test]
fn tftp_question_for_the_size_is_not_told_as_a_transfer() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    stage.file("x", 13_000);
    let socket = stage.world.udp(0);
    let edk2 = [("tsize", "0"), ("blksize", "1468")];
    socket.send_to(&read_request(b"x", "octet", &edk2), to(69)).unwrap();
    let (packet, port) = receive(&socket);
    assert!(matches!(packet, Packet::OptionAck(_)));
    socket.send_to(&error(ErrorCode::OptionsRefused, "User aborted the transfer"), port).unwrap();
    silence(&socket);
    assert_eq!(stage.house.events(), []);
}

#[test]
fn tftp_duplicate_ack_brings_no_second_block() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    stage.file("x", 13_000);
    let socket = stage.world.udp(0);
    let slow = [("timeout", "3")];
    socket.send_to(&read_request(b"x", "octet", &slow), to(69)).unwrap();
    let (_, port) = receive(&socket);
    socket.send_to(&ack(0), port).unwrap();
    receive(&socket);
    socket.send_to(&ack(1), port).unwrap();
    assert!(matches!(receive(&socket).0, Packet::Data { block: 2, .. }));
    for _ in 0..5 {
        socket.send_to(&ack(1), port).unwrap();
    }
    silence_for(&socket, Duration::from_secs(2));
}

#[test]
fn tftp_without_an_ack_there_are_two_datagrams_at_most() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    stage.file("x", 13_000);
    let socket = stage.world.udp(0);
    let request = read_request(b"x", "octet", &[]);
    socket.send_to(&request, to(69)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(13))).unwrap();
    let (mut datagrams, mut bytes) = (0, 0);
    let mut buffer = [0; 2048];
    let end = loop {
        match socket.recv_from(&mut buffer) {
            Ok((length, _)) => {
                datagrams += 1;
                bytes += length;
            }
            // A host that was halted for a moment ends calls that wait with a limit.
            Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
            Err(cause) => break cause,
        }
    };
    assert_eq!(datagrams, 2, "{end}");
    assert!(bytes <= 1040, "{bytes} bytes reflected");
    let failed = stage.house.wait_for(|h| matches!(h, Happening::TransferFailed { .. }));
    let Happening::TransferFailed { why, .. } = failed else { panic!() };
    assert!(why.contains("firewall"), "{why}");
}

#[test]
fn tftp_request_sent_again_does_not_open_a_second_transfer() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    stage.file("x", 13_000);
    let socket = stage.world.udp(0);
    let request = read_request(b"x", "octet", &[("blksize", "1024")]);
    socket.send_to(&request, to(69)).unwrap();
    let (_, first) = receive(&socket);
    socket.send_to(&request, to(69)).unwrap();
    let (_, second) = receive(&socket);
    assert_eq!(first, second);
    socket.send_to(&error(ErrorCode::NotDefined, ""), first).unwrap();
}

#[test]
fn tftp_too_many_half_open_of_one_source_the_oldest_goes() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    stage.file("x", 13_000);
    // Nothing is sent again within 5 s, so that a busy host does not look like a live transfer.
    let request = read_request(b"x", "octet", &[("blksize", "1024"), ("timeout", "5")]);
    let sockets: Vec<UdpSocket> = (0..9).map(|_| stage.world.udp(0)).collect();
    let mut ports = Vec::new();
    for socket in &sockets {
        socket.send_to(&request, to(69)).unwrap();
        ports.push(receive(socket).1);
    }
    assert_eq!(stage.server.counts().tftp_evicted, 1);
    // The first one is gone: its port is closed. The second is there.
    sockets[1].send_to(&ack(0), ports[1]).unwrap();
    assert!(matches!(receive(&sockets[1]).0, Packet::Data { block: 1, .. }));
    sockets[0].send_to(&ack(0), ports[0]).unwrap();
    silence(&sockets[0]);
}

#[test]
fn tftp_stops_with_the_server() {
    if !able(&[]) {
        return;
    }
    let limits = Limits { grace: Duration::from_millis(300), ..Limits::default() };
    let mut stage = Stage::new(limits);
    stage.file("x", 13_000);
    let socket = stage.world.udp(0);
    socket.send_to(&read_request(b"x", "octet", &[]), to(69)).unwrap();
    let (_, port) = receive(&socket);
    socket.send_to(&ack(1), port).unwrap();
    receive(&socket);
    stage.server.stop();
    let told = stage.house.events();
    let Some(Happening::TransferFailed { why, .. }) = told.last() else { panic!("{told:?}") };
    assert_eq!(why, "the server stops");
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
fn real_clients_get_identical_bytes() {
    if !able(&["atftp", "busybox", "tftp", "curl"]) {
        return;
    }
    let stage = stage();
    for (name, length) in [("empty", 0), ("exact", 512 * 100), ("kernel", 9_000_123)] {
        let file = stage.file(name, length);
        let atftp = |options: &[&str]| {
            let mut args: Vec<&str> =
                options.iter().flat_map(|option| ["--option", *option]).collect();
            args.extend(["--get", "-r", name, "-l", "@", "10.77.0.1", "69"]);
            fetched_by(&stage, "atftp", &args, &file);
        };
        atftp(&[]);
        atftp(&["blksize 1468", "tsize 0"]);
        atftp(&["blksize 1024", "windowsize 16"]);
        let busybox = ["tftp", "-g", "-b", "1468", "-r", name, "-l", "@", "10.77.0.1"];
        fetched_by(&stage, "busybox", &busybox, &file);
        let hpa = ["-m", "binary", "10.77.0.1", "-c", "get", name, "@"];
        fetched_by(&stage, "tftp", &hpa, &file);
        if length > 0 {
            let url = format!("tftp://10.77.0.1/{name}");
            fetched_by(&stage, "curl", &["-s", "-o", "@", &url], &file);
        }
    }
    stage.house.publish("text", engine::Served::Text("a\nb\r\n".to_owned()), "text/plain");
    fetched_by(&stage, "atftp", &["--get", "-r", "text", "-l", "@", "10.77.0.1"], b"a\nb\r\n");

    // A client ends once it has sent its last acknowledgement, which may not have been heard yet.
    let ended = |h: &Happening| {
        matches!(h, Happening::TransferDone { .. } | Happening::TransferFailed { .. })
    };
    let all = || {
        let told = stage.house.events();
        let ended = told.iter().filter(|h| ended(h)).count();
        (ended == 3 * 5 + 2 + 1).then_some(told)
    };
    let told = eventually(all).unwrap_or_else(|| panic!("{:#?}", stage.house.events()));
    assert!(!told.iter().any(|h| matches!(h, Happening::TransferFailed { .. })), "{told:#?}");
}

#[test]
fn tftp_block_numbers_wrap_past_65535() {
    if !able(&["busybox"]) {
        return;
    }
    let stage = stage();
    // 66 000 blocks of 512 bytes.
    let file = stage.file("large", 66_000 * 512);
    fetched_by(&stage, "busybox", &["tftp", "-g", "-r", "large", "-l", "@", "10.77.0.1"], &file);
    stage.house.wait_for(|h| matches!(h, Happening::TransferDone { size: 33_792_000, .. }));
}
