//! The boot port against the rules, row by row, over plain connections, and against real clients.

mod support;

use engine::Served;
use model::event::Carrier;
use model::plan::Why;
use model::{Content, Happening};
use serve::Limits;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use support::talk::{Response, ask, closes, get, head, response};
use support::{CLIENT, Stage, able};

fn stage() -> Stage {
    Stage::new(Limits::default())
}

/// The request gets this status, and the connection ends.
fn refused(stage: &Stage, request: &[u8], status: u16) {
    let mut stream = stage.world.tcp();
    stream.write_all(request).unwrap();
    let shown = String::from_utf8_lossy(&request[..request.len().min(120)]).into_owned();
    let got = head(&mut stream);
    assert_eq!(got.status, status, "{shown}");
    assert!(closes(&mut stream, Duration::from_secs(3)), "left open: {shown}");
}

#[test]
fn http_head_must_be_complete_in_time_from_connect() {
    if !able(&[]) {
        return;
    }
    let limits = Limits { http_head: Duration::from_secs(1), ..Limits::default() };
    let stage = Stage::new(limits);
    let (mut mute, mut slow) = (stage.world.tcp(), stage.world.tcp());
    let start = Instant::now();
    // A byte every 100 ms never makes a head.
    for byte in b"GET /healthz HTTP/1.1\r\nHost: slow.example\r\n".iter().cycle() {
        if slow.write_all(&[*byte]).is_err() || start.elapsed() > Duration::from_secs(4) {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert!(closes(&mut mute, Duration::from_secs(1)));
    assert_eq!(stage.server.counts().http_connections_cut, 2);

    // The second head on a connection has as long, from its first byte on.
    let mut second = stage.world.tcp();
    assert_eq!(get(&mut second, "/healthz", "").status, 200);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(get(&mut second, "/healthz", "").status, 200);
    second.write_all(b"GET /hea").unwrap();
    assert!(closes(&mut second, Duration::from_secs(3)));
}

#[test]
fn http_the_usual_time_for_a_head_is_ten_seconds() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    let mut mute = stage.world.tcp();
    let start = Instant::now();
    mute.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    assert!(closes(&mut mute, Duration::from_secs(15)));
    let took = start.elapsed();
    assert!((9..12).contains(&took.as_secs()), "{took:?}");
}

#[test]
fn http_head_of_more_than_16_kb_is_refused() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    let long = format!("GET /healthz HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(17 * 1024));
    refused(&stage, long.as_bytes(), 431);
    let target = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(17 * 1024));
    refused(&stage, target.as_bytes(), 431);
    let mut stream = stage.world.tcp();
    let fits = format!("X: {}\r\n", "a".repeat(15 * 1024));
    assert_eq!(get(&mut stream, "/healthz", &fits).status, 200);
}

#[test]
fn http_more_than_100_fields_are_refused() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    let fields = |count: usize| "X: y\r\n".repeat(count);
    let many = format!("GET /healthz HTTP/1.1\r\n{}\r\n", fields(101));
    refused(&stage, many.as_bytes(), 431);
    let mut stream = stage.world.tcp();
    assert_eq!(get(&mut stream, "/healthz", &fields(98)).status, 200);
}

#[test]
fn http_one_source_has_64_connections_and_its_idle_ones_make_room() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    let mut idle = stage.world.tcp();
    assert_eq!(get(&mut idle, "/healthz", "").status, 200);
    let busy: Vec<TcpStream> = (0..63).map(|_| stage.world.tcp()).collect();
    // The 65th takes the place of the idle one; the 66th finds nobody idle.
    let mut next = stage.world.tcp();
    next.write_all(b"GET /heal").unwrap();
    assert!(closes(&mut idle, Duration::from_secs(2)));
    let mut last = stage.world.tcp();
    assert!(closes(&mut last, Duration::from_secs(2)));
    assert_eq!(stage.server.counts().http_connections_refused, 1);
    next.write_all(b"thz HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(response(&mut next).status, 200);
    drop(busy);
}

#[test]
fn http_total_is_capped_and_the_oldest_idle_connection_goes() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(Limits { http_connections: 3, ..Limits::default() });
    let mut streams: Vec<TcpStream> = (0..3).map(|_| stage.world.tcp()).collect();
    for stream in &mut streams {
        assert_eq!(get(stream, "/healthz", "").status, 200);
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut new = stage.world.tcp();
    assert_eq!(get(&mut new, "/healthz", "").status, 200);
    assert!(closes(&mut streams[0], Duration::from_secs(2)));
    assert_eq!(get(&mut streams[1], "/healthz", "").status, 200);
    assert_eq!(get(&mut streams[2], "/healthz", "").status, 200);
}

#[test]
fn http_slow_reader_is_cut_and_a_steady_one_is_not() {
    if !able(&[]) {
        return;
    }
    let limits = Limits {
        http_slow: Duration::from_secs(2),
        http_slow_bytes: 4096 * 2,
        ..Limits::default()
    };
    let stage = Stage::new(limits);
    stage.file("large", 64 * 1024 * 1024);
    let request = "GET /large HTTP/1.1\r\n\r\n";
    let (mut slow, mut steady) = (stage.world.tcp(), stage.world.tcp());
    slow.write_all(request.as_bytes()).unwrap();
    steady.write_all(request.as_bytes()).unwrap();
    let start = Instant::now();
    let mut buffer = vec![0; 1024 * 1024];
    while start.elapsed() < Duration::from_secs(7) {
        steady.read_exact(&mut buffer).unwrap();
        std::thread::sleep(Duration::from_millis(200));
    }
    let failed = stage.house.wait_for(|h| matches!(h, Happening::TransferFailed { .. }));
    let Happening::TransferFailed { why, size, .. } = failed else { panic!() };
    assert_eq!((why.as_str(), size), ("the client read too slowly", 64 * 1024 * 1024));
    assert_eq!(stage.server.counts().http_connections_cut, 1);
    assert!(closes(&mut slow, Duration::from_secs(20)));
}

#[test]
fn http_get_and_head_only() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    stage.file("x", 10);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW", "get"] {
        refused(&stage, format!("{method} /x HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(), 405);
    }
    refused(&stage, b"POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 405);
    refused(&stage, b"CONNECT example.org:443 HTTP/1.1\r\n\r\n", 405);
    let mut stream = stage.world.tcp();
    let answer = ask(&mut stream, "PUT /x HTTP/1.1\r\n\r\n");
    assert_eq!(answer.field("allow"), Some("GET, HEAD"));
    assert!(stage.house.asked().is_empty());
}

#[test]
fn http_ambiguous_requests_get_400_and_close() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    stage.file("x", 10);
    let get = "GET /x HTTP/1.1\r\nHost: x\r\n";
    for (what, request) in [
        ("conflicting lengths", "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        ("repeated length", "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
        ("a list of lengths", "Content-Length: 5, 5\r\n\r\nhello"),
        ("a signed length", "Content-Length: +0\r\n\r\n"),
        ("length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("chunks and length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
        ("bad chunks", "Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        ("chunks at all", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("an encoding nobody knows", "Transfer-Encoding: cow\r\n\r\n"),
        ("a bare CR", "X: a\rb\r\n\r\n"),
        ("space before the colon", "Host : y\r\n\r\n"),
        ("a folded field", "X: a\r\n b\r\n\r\n"),
        ("a field without a colon", "nonsense\r\n\r\n"),
    ] {
        let request = format!("{get}{request}");
        let mut stream = stage.world.tcp();
        stream.write_all(request.as_bytes()).unwrap();
        let got = head(&mut stream);
        assert_eq!(got.status, 400, "{what}");
        assert!(closes(&mut stream, Duration::from_secs(3)), "{what}");
    }
    refused(&stage, b"GET /x HTTP/1.1\r\nX: \0\r\n\r\n", 400);
    refused(&stage, b"GET  /x HTTP/1.1\r\n\r\n", 400);
    refused(&stage, b"GET /\0 HTTP/1.1\r\n\r\n", 400);
    refused(&stage, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400);
    assert!(stage.house.asked().is_empty());
}

#[test]
fn http_2_is_not_spoken() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    let mut stream = stage.world.tcp();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    assert!(closes(&mut stream, Duration::from_secs(3)));
    // An offer to go over to it is passed over.
    let mut stream = stage.world.tcp();
    let upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n";
    assert_eq!(get(&mut stream, "/healthz", upgrade).status, 200);
}

#[test]
fn http_boot_file_has_its_exact_length_a_strong_tag_and_nothing_that_firmware_chokes_on() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    let bytes = support::noise(700_001);
    let what = stage.store.put(bytes.clone());
    let Served::Blob(Content { blob: sha256, .. }) = what else { panic!() };
    stage.house.publish("loader/ipxe.efi", what, "application/efi");
    let mut stream = stage.world.tcp();
    let fields = "Accept-Encoding: gzip, br\r\nUser-Agent: UefiHttpBoot/1.0\r\n";
    stream
        .write_all(format!("HEAD /loader//ipxe.efi HTTP/1.1\r\nHost: x\r\n{fields}\r\n").as_bytes())
        .unwrap();
    let on_head = head(&mut stream);
    let on_get = get(&mut stream, "/loader//ipxe.efi", fields);
    assert_eq!((on_head.status, on_get.status), (200, 200));
    assert_eq!(on_get.body, bytes);
    let same = |response: &Response| {
        let mut fields = response.fields.clone();
        fields.retain(|(name, _)| name != "date");
        fields
    };
    assert_eq!(same(&on_head), same(&on_get));
    assert_eq!(on_get.field("content-length"), Some("700001"));
    assert_eq!(on_get.field("content-type"), Some("application/efi"));
    assert_eq!(on_get.field("etag"), Some(format!("\"{sha256}\"").as_str()));
    assert_eq!(on_get.field("accept-ranges"), Some("bytes"));
    for never in ["transfer-encoding", "content-encoding", "location", "connection"] {
        assert_eq!(on_get.field(never), None);
    }
    let asked = stage.house.asked();
    assert_eq!(asked[0].name, b"/loader/ipxe.efi");
    assert_eq!(asked[0].agent.as_deref(), Some("UefiHttpBoot/1.0"));
}

#[test]
fn http_single_ranges_are_exact_and_bound_to_the_file() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    let bytes = stage.file("x", 600_000);
    let mut stream = stage.world.tcp();
    let tag = get(&mut stream, "/x", "").field("etag").unwrap().to_owned();

    let part = get(&mut stream, "/x", "Range: bytes=262143-500000\r\n");
    assert_eq!(part.status, 206);
    assert_eq!(part.field("content-range"), Some("bytes 262143-500000/600000"));
    assert_eq!(part.field("content-length"), Some("237858"));
    assert_eq!(part.field("etag"), Some(tag.as_str()));
    assert!(part.body == bytes[262_143..=500_000]);

    let rest = get(&mut stream, "/x", &format!("Range: bytes=599999-\r\nIf-Match: {tag}\r\n"));
    assert_eq!((rest.status, rest.body.as_slice()), (206, &bytes[599_999..]));
    let rest = get(&mut stream, "/x", &format!("Range: bytes=-7\r\nIf-Range: {tag}\r\n"));
    assert_eq!((rest.status, rest.body.as_slice()), (206, &bytes[599_993..]));

    let other = get(&mut stream, "/x", "Range: bytes=5-\r\nIf-Range: \"other\"\r\n");
    assert_eq!((other.status, other.body.len()), (200, 600_000));
    let other = get(&mut stream, "/x", "Range: bytes=5-\r\nIf-Match: \"other\"\r\n");
    assert_eq!(other.status, 412);
    let many = get(&mut stream, "/x", "Range: bytes=0-1,5-6\r\n");
    assert_eq!((many.status, many.body.len()), (200, 600_000));
    let beyond = get(&mut stream, "/x", "Range: bytes=600000-\r\n");
    assert_eq!(beyond.status, 416);
    assert_eq!(beyond.field("content-range"), Some("bytes */600000"));
    let same = get(&mut stream, "/x", &format!("If-None-Match: {tag}\r\n"));
    assert_eq!((same.status, same.field("etag")), (304, Some(tag.as_str())));
    // The connection has lived through all of it.
    assert_eq!(get(&mut stream, "/healthz", "").body, b"ok\n");
}

#[test]
fn http_path_is_decoded_once_and_what_could_climb_is_refused() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    for path in [
        "/%2541",
        "/%25",
        "/a%",
        "/%zz",
        "/../x",
        "/a/../../x",
        "/%2e%2e/x",
        "/.%2e/x",
        "/x%00",
        "/a\\b",
        "/a%5Cb",
        "/%2e%2e%2fetc/passwd",
        "/%0a",
    ] {
        refused(&stage, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(), 400);
    }
    assert!(stage.house.asked().is_empty());
    stage.file("a b/c.efi", 3);
    let mut stream = stage.world.tcp();
    assert_eq!(get(&mut stream, "//a%20b///c.efi", "").status, 200);
    assert_eq!(get(&mut stream, "http://10.77.0.1/a%20b/c.efi", "").status, 200);
    let missing = get(&mut stream, "/etc/passwd", "");
    assert_eq!(missing.status, 404);
    assert_eq!(missing.field("content-type"), Some("text/plain"));
    assert_eq!(missing.body, b"there is no file `/etc/passwd`\n");
    let folder = get(&mut stream, "/", "");
    assert_eq!(folder.status, 404, "no listing");
}

#[test]
fn http_forwarded_fields_are_not_believed() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    let mut stream = stage.world.tcp();
    let lies = "X-Forwarded-For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\n";
    get(&mut stream, "/boot.ipxe?mac=52:54:00:00:00:01&serial=&memsize=512", lies);
    let ask = stage.house.asked().pop().unwrap();
    assert_eq!(ask.by, Carrier::Http);
    assert_eq!(ask.from, stream.local_addr().unwrap());
    assert_eq!(ask.from.ip(), CLIENT);
    assert_eq!(ask.at, stream.peer_addr().unwrap());
    assert_eq!(ask.link, "lan");
    assert_eq!(ask.name, b"/boot.ipxe");
    assert_eq!(ask.neighbour, "52:54:00:00:00:09".parse().ok());
    assert_eq!(ask.says.mac, "52:54:00:00:00:01".parse().ok());
    assert_eq!((ask.says.serial, ask.says.memory_mib), (None, Some(512)));
}

#[test]
fn http_scripts_are_sent_without_events_and_are_not_kept() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    stage.house.publish("boot.ipxe", Served::Text("#!ipxe\n".to_owned()), "text/plain");
    let mut stream = stage.world.tcp();
    let script = get(&mut stream, "/boot.ipxe", "");
    assert_eq!((script.status, script.body.as_slice()), (200, b"#!ipxe\n".as_slice()));
    assert_eq!(script.field("cache-control"), Some("no-store"));
    assert_eq!(script.field("etag"), None);
    assert_eq!(stage.house.events(), []);
}

#[test]
fn http_connection_stays_open_while_firmware_thinks() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    let mut stream = stage.world.tcp();
    assert_eq!(get(&mut stream, "/healthz", "").status, 200);
    std::thread::sleep(Duration::from_secs(31));
    assert_eq!(get(&mut stream, "/healthz", "").status, 200);
    // U-Boot speaks HTTP/1.0, and no Host.
    let mut old = stage.world.tcp();
    assert_eq!(ask(&mut old, "GET /healthz HTTP/1.0\r\n\r\n").body, b"ok\n");
    assert!(closes(&mut old, Duration::from_secs(2)));
}

#[test]
fn http_store_that_cannot_answer_makes_clients_wait() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    stage.house.be_silent(Why::StoreFailed("disk full".to_owned()));
    let answer = get(&mut stage.world.tcp(), "/boot.ipxe", "");
    assert_eq!((answer.status, answer.field("retry-after")), (503, Some("5")));
}

#[test]
fn http_transfer_is_told_from_start_to_end() {
    if !able(&[]) {
        return;
    }
    let stage = stage();
    let bytes = stage.file("kernel", 40_000_000);
    let mut stream = stage.world.tcp();
    stream.write_all(b"GET /kernel HTTP/1.1\r\n\r\n").unwrap();
    let length: usize = head(&mut stream).field("content-length").unwrap().parse().unwrap();
    let mut got = vec![0; length];
    for part in got.chunks_mut(8_000_000) {
        stream.read_exact(part).unwrap();
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(got == bytes);
    stage.house.wait_for(|h| matches!(h, Happening::TransferDone { size: 40_000_000, .. }));
    let told = stage.house.events();
    assert!(matches!(&told[0], Happening::TransferStarted { file, size: 40_000_000, .. }
        if file == "/kernel"));
    assert!(matches!(told[1], Happening::TransferProgress { .. }), "{told:?}");

    let mut stream = stage.world.tcp();
    stream.write_all(b"GET /kernel HTTP/1.1\r\n\r\n").unwrap();
    stream.read_exact(&mut [0; 1000]).unwrap();
    drop(stream);
    let failed = stage.house.wait_for(|h| matches!(h, Happening::TransferFailed { .. }));
    let Happening::TransferFailed { why, .. } = failed else { panic!() };
    assert_eq!(why, "the client closed the connection");
}

#[test]
fn http_transfers_may_end_when_the_server_stops() {
    if !able(&[]) {
        return;
    }
    let mut stage = stage();
    let bytes = stage.file("x", 20_000_000);
    let (mut idle, mut busy) = (stage.world.tcp(), stage.world.tcp());
    assert_eq!(get(&mut idle, "/healthz", "").status, 200);
    busy.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
    let length: usize = head(&mut busy).field("content-length").unwrap().parse().unwrap();
    let reader = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        let mut got = vec![0; length];
        busy.read_exact(&mut got).unwrap();
        got
    });
    stage.server.stop();
    assert!(reader.join().unwrap() == bytes);
    assert!(closes(&mut idle, Duration::from_secs(1)));
}

#[test]
fn real_clients_get_identical_bytes() {
    if !able(&["curl", "busybox"]) {
        return;
    }
    let stage = stage();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("got");
    let to = to.to_str().unwrap();
    let curl = |args: &[&str]| {
        let all = [&["-sS", "--fail", "-o", to], args].concat();
        let output = stage.world.there("curl", &all);
        assert!(output.status.success(), "{args:?} {output:?}");
        std::fs::read(to).unwrap_or_default()
    };
    for (name, length) in [("empty", 0), ("small", 1), ("kernel", 9_000_123)] {
        let bytes = stage.file(name, length);
        let url = format!("http://10.77.0.1/{name}");
        let _ = std::fs::remove_file(to);
        assert!(curl(&[&url]) == bytes, "{name}");
        if length == 0 {
            continue;
        }
        std::fs::write(to, &bytes[..length / 2]).unwrap();
        if length / 2 > 0 {
            assert!(curl(&["-C", "-", &url]) == bytes, "{name} resumed");
        }
        assert!(curl(&["-r", "0-0", &url]) == bytes[..1], "{name} in part");
        let wget = stage.world.there("busybox", &["wget", "-q", "-O", to, &url]);
        assert!(wget.status.success() && std::fs::read(to).unwrap() == bytes, "{wget:?}");
    }
    // Many small pieces over one connection, as iPXE reads a disc.
    let bytes = stage.file("disc.iso", 4 * 1024 * 1024);
    let mut stream = stage.world.tcp();
    let start = Instant::now();
    for sector in 0..2048 {
        let from = sector * 2048;
        let range = format!("Range: bytes={from}-{}\r\n", from + 2047);
        assert!(get(&mut stream, "/disc.iso", &range).body == bytes[from..from + 2048]);
    }
    eprintln!("2048 ranges took {:?}", start.elapsed());
    // Block reads are not told one by one.
    let told = stage.house.events();
    assert!(!told.iter().any(|h| h.to_string().contains("disc.iso")), "{told:?}");
}
