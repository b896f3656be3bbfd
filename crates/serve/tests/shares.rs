//! Who is sent how much, and whose turn it is: limits and turns, over real sockets.

mod support;

use engine::turns::Rules;
use model::Happening;
use model::event::Carrier;
use serve::{Limits, Rates};
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};
use support::talk::{get, head};
use support::{Stage, able, eventually, to};
use wire::tftp::{Packet, ack, read_request};

const MIB: usize = 1 << 20;

/// One transfer at full speed, the others wait.
fn one_at_a_time() -> Limits {
    let turns = Rules { at_once: 1, at_once_max: 1, small_bytes: 1000 };
    Limits { turns, ..Limits::default() }
}

/// Fetches a file in windows of 8 blocks; gives its bytes.
fn fetch(socket: &UdpSocket, name: &str) -> Vec<u8> {
    let options = [("blksize", "1024"), ("windowsize", "8")];
    socket.send_to(&read_request(name.as_bytes(), "octet", &options), to(69)).unwrap();
    let (mut bytes, mut buffer) = (Vec::new(), [0; 2048]);
    loop {
        let (length, from) = socket.recv_from(&mut buffer).expect("an answer");
        match Packet::parse(&buffer[..length]).unwrap() {
            Packet::OptionAck(_) => drop(socket.send_to(&ack(0), from).unwrap()),
            Packet::Data { block, payload } => {
                let wanted = bytes.len() / 1024 + 1;
                assert_eq!(usize::from(block), wanted % 65_536, "in order");
                bytes.extend_from_slice(&payload);
                if wanted % 8 == 0 || payload.len() < 1024 {
                    socket.send_to(&ack(block), from).unwrap();
                }
                if payload.len() < 1024 {
                    return bytes;
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_machine_gets_no_more_than_its_rate_by_http_and_tftp_together() {
    if !able(&[]) {
        return;
    }
    let rates = Rates { machine: Some(2 << 20), total: None };
    let stage = Stage::new(Limits { rates, ..Limits::default() });
    let (kernel, initrd) = (stage.file("kernel", 5 * MIB), stage.file("initrd", 3 * MIB));
    let began = Instant::now();
    let mut stream = stage.world.tcp();
    let socket = stage.world.udp(0);
    let by_tftp = std::thread::spawn(move || fetch(&socket, "kernel"));
    assert!(get(&mut stream, "/initrd", "").body == initrd);
    assert!(by_tftp.join().unwrap() == kernel);
    // 8 MiB at 2 MiB a second; what was saved up at the start is little.
    assert!(began.elapsed() > Duration::from_millis(3800), "{:?}", began.elapsed());
    let told = stage.house.events();
    let progress =
        |h: &Happening| matches!(h, Happening::TransferProgress { by: Carrier::Tftp, .. });
    assert!(told.iter().any(progress), "{told:?}");
    let sums = stage.server.running.as_ref().unwrap().transfers();
    assert_eq!(sums.tftp.bytes, 5 * MIB as u64);
    assert_eq!(sums.http.bytes, 3 * MIB as u64);
}

#[test]
fn by_http_the_second_waits_with_a_trickle_until_the_first_is_done() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(one_at_a_time());
    let bytes = stage.file("initrd", 64 * MIB);
    let begin = || {
        let mut stream = stage.world.tcp();
        stream.write_all(b"GET /initrd HTTP/1.1\r\n\r\n").unwrap();
        assert_eq!(head(&mut stream).status, 200);
        stream
    };
    let waiting = || {
        let now = stage.server.running.as_ref().unwrap().transfers().now;
        now.iter().map(|transfer| transfer.waiting).collect::<Vec<bool>>()
    };
    // The first one does not read, so it is not done.
    let first = begin();
    let mut second = begin();
    eventually(|| (waiting() == [false, true]).then_some(())).expect("the second waits");

    let began = Instant::now();
    let trickle = read_for(&mut second, Duration::from_millis(3200));
    assert!(trickle > 0, "not a byte in {:?}", began.elapsed());
    assert!(trickle < 200_000, "{trickle} bytes, though it was not its turn");
    drop(first);
    let mut rest = vec![0; bytes.len() - trickle];
    second.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    second.read_exact(&mut rest).expect("its turn comes");
    assert!(rest == bytes[trickle..]);
}

/// How many bytes come in a time.
fn read_for(stream: &mut TcpStream, time: Duration) -> usize {
    let (end, mut got, mut buffer) = (Instant::now() + time, 0, vec![0; 65_536]);
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    while Instant::now() < end {
        got += stream.read(&mut buffer).unwrap_or(0);
    }
    got
}

#[test]
fn by_tftp_the_second_waits_with_a_trickle_until_the_first_is_done() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(one_at_a_time());
    let bytes = stage.file("kernel", MIB / 4);
    let options = [("blksize", "1024")];
    let first = stage.world.udp(0);
    first.send_to(&read_request(b"kernel", "octet", &options), to(69)).unwrap();
    let mut buffer = [0; 2048];
    let (_, port) = first.recv_from(&mut buffer).unwrap();
    first.send_to(&ack(0), port).unwrap();
    first.recv_from(&mut buffer).expect("the first block");

    let socket = stage.world.udp(0);
    let second = std::thread::spawn(move || fetch(&socket, "kernel"));
    let waits = || {
        let now = stage.server.running.as_ref().unwrap().transfers().now;
        now.iter().any(|transfer| transfer.waiting && transfer.sent > 0).then_some(())
    };
    eventually(waits).expect("the second waits, and is sent something meanwhile");
    first.send_to(&wire::tftp::error(wire::tftp::ErrorCode::NotDefined, "enough"), port).unwrap();
    assert!(second.join().unwrap() == bytes);
}

#[test]
fn small_ranges_are_limited_like_whole_files() {
    if !able(&[]) {
        return;
    }
    let rates = Rates { machine: Some(1 << 20), total: None };
    let stage = Stage::new(Limits { rates, ..Limits::default() });
    let bytes = stage.file("disc", 4 * MIB);
    let mut stream = stage.world.tcp();
    let began = Instant::now();
    for n in 0..128 {
        let (from, to) = (n * 16_000, n * 16_000 + 15_999);
        let part = get(&mut stream, "/disc", &format!("Range: bytes={from}-{to}\r\n"));
        assert!(part.body == bytes[from..=to]);
    }
    // 1.95 MiB at 1 MiB a second.
    assert!(began.elapsed() > Duration::from_millis(1800), "{:?}", began.elapsed());
}

#[test]
fn who_does_not_answer_takes_nobody_s_turn() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(one_at_a_time());
    let bytes = stage.file("kernel", MIB);
    // Requests of machines that were switched off, or never were there.
    let gone: Vec<UdpSocket> = (0..4).map(|_| stage.world.udp(0)).collect();
    for socket in &gone {
        let request = read_request(b"kernel", "octet", &[("blksize", "1024")]);
        socket.send_to(&request, to(69)).unwrap();
        socket.recv_from(&mut [0; 2048]).expect("an OACK");
    }
    let socket = stage.world.udp(0);
    let began = Instant::now();
    assert!(fetch(&socket, "kernel") == bytes);
    // In its turn that takes no time; with a trickle it would be two minutes.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn a_server_that_stops_ends_what_does_not_end_by_itself() {
    if !able(&[]) {
        return;
    }
    let limits = Limits { grace: Duration::from_millis(200), ..Limits::default() };
    let mut stage = Stage::new(limits);
    stage.file("initrd", 64 * MIB);
    let mut stream = stage.world.tcp();
    stream.write_all(b"GET /initrd HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(head(&mut stream).status, 200);
    // TFTP has ended long before; HTTP has to be stopped.
    stage.server.stop();
    let ended = |h: &Happening| matches!(h, Happening::TransferFailed { why, .. } if why == "the server stops");
    stage.house.wait_for(ended);
}
