//! The boot port and what machines say to it: bodies of requests, honest and hostile ones, and how
//! much of them is held.

mod support;

use engine::Served;
use serve::Limits;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use support::talk::{ask, closes, get, head, response};
use support::{Stage, able, eventually, noise};

const MIB: usize = 1024 * 1024;

/// A server that takes reports under one token.
fn stage(limits: Limits) -> Stage {
    let stage = Stage::new(limits);
    for name in ["report/t/done", "report/t/failed", "inventory"] {
        stage.house.publish(name, Served::Text("noted\n".to_owned()), "text/plain");
    }
    stage
}

/// A request with a body.
fn post(path: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nContent-Length: {length}\r\n{fields}\r\n");
    [head.as_bytes(), body].concat()
}

/// The bodies that the owner was asked about, in their order.
fn bodies(stage: &Stage) -> Vec<Option<Vec<u8>>> {
    stage.house.asked().into_iter().map(|ask| ask.body).collect()
}

/// The request gets this status, the connection ends, and the owner hears nothing of it.
fn refused(stage: &Stage, request: &[u8], status: u16) {
    let mut stream = stage.world.tcp();
    stream.write_all(request).unwrap();
    let shown = String::from_utf8_lossy(&request[..request.len().min(120)]).into_owned();
    assert_eq!(head(&mut stream).status, status, "{shown}");
    assert!(closes(&mut stream, Duration::from_secs(3)), "left open: {shown}");
    assert!(stage.house.asked().is_empty(), "{shown}");
}

#[test]
fn a_report_reaches_the_owner_whole_however_it_is_cut() {
    if !able(&[]) {
        return;
    }
    let stage = stage(Limits::default());
    let body = noise(1500);
    let whole = post("/report/t/done?mac=52:54:00:00:00:09", "", &body);
    let mut stream = stage.world.tcp();
    stream.set_nodelay(true).unwrap();
    for step in [whole.len(), 1, 7, 700] {
        for piece in whole.chunks(step) {
            stream.write_all(piece).unwrap();
        }
        let got = response(&mut stream);
        assert_eq!((got.status, got.body.as_slice()), (200, b"noted\n".as_slice()), "{step}");
    }
    let asked = stage.house.asked();
    assert_eq!(asked.len(), 4);
    for ask in asked {
        assert_eq!((ask.name.as_slice(), ask.head_only), (b"/report/t/done".as_slice(), false));
        assert_eq!(ask.says.mac, "52:54:00:00:00:09".parse().ok());
        assert!(ask.body.as_ref() == Some(&body));
    }
}

#[test]
fn bodies_of_every_size_a_route_takes_and_no_byte_more() {
    if !able(&[]) {
        return;
    }
    let stage = stage(Limits::default());
    let mut stream = stage.world.tcp();
    let sizes = [("/report/t/failed", 0), ("/inventory", 64 * 1024), ("//report/t/failed", MIB)];
    for (path, size) in sizes {
        stream.write_all(&post(path, "", &noise(size))).unwrap();
        assert_eq!(response(&mut stream).status, 200, "{path} {size}");
    }
    let lengths: Vec<Option<usize>> =
        bodies(&stage).iter().map(|b| b.as_ref().map(Vec::len)).collect();
    assert_eq!(lengths, [Some(0), Some(64 * 1024), Some(MIB)]);
    // What is too long is refused before it comes, and the connection ends.
    for (path, size) in [("/inventory", 64 * 1024 + 1), ("/report/t/failed", MIB + 1)] {
        let mut stream = stage.world.tcp();
        let request = format!("POST {path} HTTP/1.1\r\nContent-Length: {size}\r\n\r\n");
        assert_eq!(ask(&mut stream, &request).status, 413, "{path}");
        assert!(closes(&mut stream, Duration::from_secs(3)));
    }
    assert_eq!(stage.house.asked().len(), 3);
}

#[test]
fn a_report_to_nobody_is_a_miss_and_the_connection_goes_on() {
    if !able(&[]) {
        return;
    }
    let stage = stage(Limits::default());
    let mut stream = stage.world.tcp();
    stream.write_all(&post("/report/other/done", "", b"x")).unwrap();
    assert_eq!(response(&mut stream).status, 404);
    assert_eq!(get(&mut stream, "/healthz", "Content-Length: 0\r\n").status, 200);
}

#[test]
fn requests_behind_a_body_are_answered_in_their_order() {
    if !able(&[]) {
        return;
    }
    let stage = stage(Limits::default());
    let large = noise(100_000);
    let mut requests = Vec::new();
    for _ in 0..10 {
        requests.extend(post("/report/t/done", "", b"GET /healthz HTTP/1.1\r\n\r\n"));
        requests.extend(b"GET /healthz HTTP/1.1\r\n\r\n");
        requests.extend(post("/report/t/failed", "", &large));
        requests.extend(post("/inventory", "", b""));
        requests.extend(b"HEAD /none HTTP/1.1\r\n\r\n");
    }
    let mut stream = stage.world.tcp();
    let mut writer = stream.try_clone().unwrap();
    let writing = std::thread::spawn(move || writer.write_all(&requests).unwrap());
    for _ in 0..10 {
        assert_eq!(response(&mut stream).body, b"noted\n");
        assert_eq!(response(&mut stream).body, b"ok\n");
        assert_eq!(response(&mut stream).body, b"noted\n");
        assert_eq!(response(&mut stream).body, b"noted\n");
        assert_eq!(head(&mut stream).status, 404);
    }
    writing.join().unwrap();
    let asked = stage.house.asked();
    assert_eq!(asked.len(), 40);
    assert!(asked.iter().step_by(4).all(|a| a.body.as_ref().is_some_and(|b| b.len() == 25)));
    assert!(asked.iter().skip(1).step_by(4).all(|a| a.body.as_ref() == Some(&large)));
    assert!(asked.iter().skip(2).step_by(4).all(|a| a.body == Some(Vec::new())));
    assert!(asked.iter().skip(3).step_by(4).all(|a| a.body.is_none() && a.head_only));
}

#[test]
fn bytes_behind_a_body_are_a_request_or_nothing() {
    if !able(&[]) {
        return;
    }
    let stage = stage(Limits::default());
    let mut stream = stage.world.tcp();
    let longer = [post("/report/t/done", "", b"hello"), b"and more\r\n\r\n".to_vec()].concat();
    stream.write_all(&longer).unwrap();
    assert_eq!(response(&mut stream).status, 200);
    assert_eq!(head(&mut stream).status, 400);
    assert!(closes(&mut stream, Duration::from_secs(3)));
    assert_eq!(bodies(&stage), [Some(b"hello".to_vec())]);
}

#[test]
fn a_body_that_breaks_off_is_no_body() {
    if !able(&[]) {
        return;
    }
    let stage = stage(Limits::default());
    for half in [false, true] {
        let mut stream = stage.world.tcp();
        let request = post("/report/t/done", "", &noise(50_000));
        stream.write_all(&request[..40_000]).unwrap();
        if half {
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            assert!(closes(&mut stream, Duration::from_secs(3)));
        }
    }
    assert!(stage.house.asked().is_empty());
    // A whole one is answered although its sender says nothing more.
    let mut stream = stage.world.tcp();
    stream.write_all(&post("/report/t/done", "Connection: close\r\n", &noise(50_000))).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let got = response(&mut stream);
    assert_eq!((got.status, got.field("connection")), (200, Some("close")));
}

#[test]
fn a_body_is_announced_in_one_way_only() {
    if !able(&[]) {
        return;
    }
    let stage = stage(Limits::default());
    for (fields, status) in [
        ("Content-Length: 5\r\nContent-Length: 5\r\n", 400),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", 400),
        ("Content-Length: 5, 5\r\n", 400),
        ("Content-Length: -5\r\n", 400),
        ("Content-Length: +5\r\n", 400),
        ("Content-Length: 0x5\r\n", 400),
        ("Content-Length: \r\n", 400),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400),
        ("Transfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", 400),
        ("", 411),
        ("Content-Length: 18446744073709551615\r\n", 413),
        ("Content-Length: 18446744073709551621\r\n", 413),
        ("Content-Length: 99999999999999999999999999999999999999999\r\n", 413),
        ("Content-Length: 5\r\nExpect: 200-fine\r\n", 417),
        ("Content-Length: 9999999\r\nExpect: 100-continue\r\n", 413),
    ] {
        let request = format!("POST /report/t/done HTTP/1.1\r\nHost: x\r\n{fields}\r\nhello");
        refused(&stage, request.as_bytes(), status);
    }
    for path in ["/", "/boot.ipxe", "/healthz", "/report", "/report/", "/inventory/x"] {
        refused(&stage, &post(path, "", b"hello"), 405);
    }
    refused(&stage, &post("/report/../boot.ipxe", "", b"hello"), 400);
    let get = "GET /report/t/done HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
    refused(&stage, get.as_bytes(), 400);
    let mut stream = stage.world.tcp();
    let allowed = ask(&mut stream, "POST /boot.ipxe HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    assert_eq!((allowed.status, allowed.field("allow")), (405, Some("GET, HEAD")));
    assert_eq!(stage.server.counts().http_refused, 26);
}

#[test]
fn a_body_that_does_not_come_in_time_is_not_waited_for() {
    if !able(&[]) {
        return;
    }
    let stage = stage(Limits { http_body: Duration::from_secs(1), ..Limits::default() });
    let mut mute = stage.world.tcp();
    mute.write_all(b"POST /report/t/done HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell").unwrap();
    // Bytes that come one by one give it no more time.
    let mut slow = stage.world.tcp();
    slow.write_all(b"POST /report/t/done HTTP/1.1\r\nContent-Length: 5000\r\n\r\n").unwrap();
    slow.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut sent = 0;
    let end = loop {
        match slow.write(b"x").and_then(|_| slow.read(&mut [0; 100])) {
            // A program that another test started may have ended meanwhile.
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                sent += 1;
            }
            end => break end,
        }
        assert!(sent < 400, "it still listens");
    };
    assert!(sent > 10 && !matches!(end, Ok(1..)), "{sent} {end:?}");
    assert!(closes(&mut mute, Duration::from_secs(3)));
    assert_eq!(stage.server.counts().http_connections_cut, 2);
    assert!(stage.house.asked().is_empty());
}

/// A connection that has announced a body, and whether it may go on.
fn announce(stage: &Stage, length: usize) -> (TcpStream, u16) {
    let mut stream = stage.world.tcp();
    let fields = format!("Content-Length: {length}\r\nExpect: 100-continue\r\n");
    stream.write_all(format!("POST /report/t/failed HTTP/1.1\r\n{fields}\r\n").as_bytes()).unwrap();
    let status = head(&mut stream).status;
    (stream, status)
}

#[test]
fn what_is_held_of_all_bodies_is_bounded() {
    if !able(&[]) {
        return;
    }
    let most = 2 * MIB + MIB / 2;
    let stage = stage(Limits { http_bodies: most, ..Limits::default() });
    // Announcing takes nothing: forty may.
    let mut many: Vec<TcpStream> = Vec::new();
    for _ in 0..40 {
        let (stream, status) = announce(&stage, MIB);
        assert_eq!(status, 100);
        many.push(stream);
    }
    // Of three that send, two have room.
    let mut three: Vec<TcpStream> = many.drain(..3).collect();
    for stream in &mut three {
        // The one that is refused may be gone before it has sent all.
        let _ = stream.write_all(&noise(MIB - 1));
    }
    let counted = || (stage.server.counts().http_bodies_refused == 1).then_some(());
    eventually(counted).expect("one is refused");
    let full = || (announce(&stage, MIB).1 == 503).then_some(());
    eventually(full).expect("who comes later is told so at once");
    let mut statuses: Vec<u16> = three
        .iter_mut()
        .map(|stream| {
            let _ = stream.write_all(b"x");
            head(stream).status
        })
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 503]);
    // Then there is room for others.
    for stream in &mut many[..5] {
        stream.write_all(&noise(MIB)).unwrap();
        assert_eq!(response(stream).status, 200);
    }
    assert_eq!(stage.house.asked().len(), 7);
}

#[test]
fn one_source_does_not_take_all_the_room_for_bodies() {
    if !able(&[]) {
        return;
    }
    let stage = stage(Limits { http_bodies_per_source: MIB, ..Limits::default() });
    let (mut first, status) = announce(&stage, MIB);
    assert_eq!(status, 100);
    first.write_all(&noise(MIB - 1)).unwrap();
    let full = || (announce(&stage, 1).1 == 503).then_some(());
    eventually(full).expect("the room of this source is full");
    first.write_all(b"x").unwrap();
    assert_eq!(response(&mut first).status, 200);
    assert_eq!(announce(&stage, MIB).1, 100);
}

#[test]
fn what_a_connection_knows_is_no_answer_to_a_report() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    let what = stage.store.put(noise(1000));
    stage.house.publish_as("report/t/log", what, "text/plain", true);
    let mut stream = stage.world.tcp();
    for _ in 0..3 {
        assert_eq!(get(&mut stream, "/report/t/log", "").status, 200);
    }
    assert_eq!(bodies(&stage), [None]);
    for _ in 0..2 {
        stream.write_all(&post("/report/t/log", "", b"said")).unwrap();
        assert_eq!(response(&mut stream).status, 200);
    }
    assert_eq!(bodies(&stage), [None, Some(b"said".to_vec()), Some(b"said".to_vec())]);
}

#[test]
fn real_clients_report() {
    if !able(&["curl", "busybox", "sh"]) {
        return;
    }
    let stage = stage(Limits::default());
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let body = noise(200_000);
    std::fs::write(&log, &body).unwrap();
    let data = format!("@{}", log.display());
    let url = "http://10.77.0.1/report/t/failed";
    let curl = |args: &[&str]| {
        let all = [&["-sS", "-v", "-w", "%{http_code} %{size_upload}", "--data-binary"], args];
        let output = stage.world.there("curl", &all.concat());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    };
    // A minute is longer than this test may take: it goes on because it is told to.
    let wait = ["--expect100-timeout", "60", "-H", "Expect: 100-continue"];
    let (said, talk) = curl(&[&[data.as_str()], &wait[..], &[url]].concat());
    assert!(said.ends_with("200 200000"), "{said} {talk}");
    assert_eq!(talk.matches("< HTTP/1.1 100 Continue").count(), 1, "{talk}");
    let (said, _) = curl(&[&data, "-H", "Expect:", url]);
    assert!(said.ends_with("200 200000"), "{said}");
    let (said, _) = curl(&[&data, "--http1.0", url]);
    assert!(said.ends_with("200 200000"), "{said}");
    assert!(bodies(&stage).iter().all(|sent| sent.as_ref() == Some(&body)));
    let large = folder.path().join("large");
    std::fs::write(&large, noise(2 * MIB)).unwrap();
    let data = format!("@{}", large.display());
    let (said, talk) = curl(&[&[data.as_str()], &wait[..], &[url]].concat());
    assert!(said.ends_with("413 0") && !talk.contains("100 Continue"), "{said} {talk}");
    assert_eq!(stage.house.asked().len(), 3);

    let script = "printf 'POST /report/t/done HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\
                  Content-Length: 5\\r\\n\\r\\nhello' | busybox nc 10.77.0.1 80";
    let said = stage.world.there("sh", &["-c", script]).stdout;
    let said = String::from_utf8_lossy(&said);
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n") && said.ends_with("\r\n\r\nnoted\n"), "{said}");
    let script = format!("busybox wget -q -O - --post-data 'a log' {url}");
    let said = stage.world.there("sh", &["-c", &script]).stdout;
    assert_eq!(said, b"noted\n");
    let last: Vec<_> = bodies(&stage).into_iter().skip(3).collect();
    assert_eq!(last, [Some(b"hello".to_vec()), Some(b"a log".to_vec())]);
}
