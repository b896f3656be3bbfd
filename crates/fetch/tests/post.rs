//! Receivers of messages that lie, stop, send too much or send elsewhere.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use fetch::{Place, Policy, PostError, Posted, post, refused_at_once};
use support::{policy, run};

/// What is allowed for the whole, in these tests.
const WITHIN: Duration = Duration::from_millis(700);

/// A receiver that reads each message whole, then does what it is told.
struct Receiver {
    at: SocketAddr,
    got: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Receiver {
    fn start(act: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let got = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (seen, count) = (Arc::clone(&got), Arc::clone(&connections));
        // Ends with the test's process.
        thread::spawn(move || {
            for socket in listener.incoming() {
                let Ok(mut socket) = socket else { continue };
                count.fetch_add(1, Ordering::SeqCst);
                seen.lock().unwrap().push(message(&mut socket));
                act(socket);
            }
        });
        Self { at, got, connections }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }
}

fn message(socket: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") && socket.read_exact(&mut byte).is_ok() {
        read.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&read).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    drop(socket.read_exact(&mut body));
    head + &String::from_utf8_lossy(&body)
}

fn says(head: &'static str) -> impl Fn(TcpStream) + Send + Sync {
    move |mut socket| drop(socket.write_all(head.replace('\n', "\r\n").as_bytes()))
}

fn send_with(url: &str, policy: &Policy) -> Result<Posted, PostError> {
    let headers = [("bootwright-event", "alarm".to_owned())];
    let body = br#"{"event":"alarm"}"#.to_vec();
    run(async { post(&Place::read(url).unwrap(), policy, &headers, body, WITHIN).await })
}

fn send(url: &str) -> Result<Posted, PostError> {
    send_with(url, &policy())
}

#[test]
fn a_message_arrives_as_it_was_written_and_its_answer_comes_back() {
    let receiver = Receiver::start(says("HTTP/1.1 204 No Content\n\n"));
    let posted = send(&receiver.url("/hook?to=ops")).unwrap();
    assert_eq!((posted.status, posted.shown.as_str()), (204, "204 No Content"));
    assert_eq!(posted.sends_on, None);
    let got = receiver.got().remove(0);
    assert!(got.starts_with("POST /hook?to=ops HTTP/1.1\r\n"), "{got}");
    let host = format!("host: {}\r\n", receiver.at);
    for line in ["bootwright-event: alarm\r\n", "content-length: 17\r\n", &host] {
        assert!(got.contains(line), "{got}");
    }
    assert!(got.ends_with("\r\n\r\n{\"event\":\"alarm\"}"), "{got}");
}

#[test]
fn a_status_is_told_as_it_is() {
    for (answer, status) in [
        ("HTTP/1.1 500 Internal Server Error\nContent-Length: 0\n\n", 500),
        ("HTTP/1.1 410 Gone\nContent-Length: 0\n\n", 410),
        ("HTTP/1.0 200 OK\n\nno length, no end", 200),
    ] {
        let receiver = Receiver::start(says(answer));
        assert_eq!(send(&receiver.url("/")).unwrap().status, status);
    }
}

#[test]
fn a_redirect_is_told_without_its_path_and_not_followed() {
    let inside = Receiver::start(says("HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
    let other = format!("http://{}", inside.at);
    for (location, told) in [
        (inside.url("/secret?token=1"), other.as_str()),
        ("https://h.example/secret".to_owned(), "https://h.example"),
        ("/secret/".to_owned(), "another path there"),
        ("javascript:secret".to_owned(), "a place that is no URL"),
    ] {
        let to = format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\n\r\n");
        let receiver = Receiver::start(move |mut socket| drop(socket.write_all(to.as_bytes())));
        let posted = send(&receiver.url("/secret")).unwrap();
        assert_eq!((posted.status, posted.sends_on.as_deref()), (307, Some(told)));
    }
    assert_eq!(inside.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn whoever_never_answers_or_drips_costs_no_more_than_was_allowed() {
    let silent = Receiver::start(|socket| drop(thread::spawn(move || hold(socket))));
    let dripping = Receiver::start(|mut socket| {
        thread::spawn(move || {
            for byte in b"HTTP/1.1 200 OK\r\nX-Never: ".iter().chain(std::iter::repeat(&b'a')) {
                if socket.write_all(&[*byte]).is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
        });
    });
    for receiver in [&silent, &dripping] {
        let began = Instant::now();
        let why = send(&receiver.url("/secret-path")).unwrap_err();
        assert!(matches!(why, PostError::Slow { .. }), "{why}");
        assert!(!why.to_string().contains("secret-path"), "{why}");
        let took = began.elapsed();
        assert!(took >= WITHIN && took < WITHIN + Duration::from_secs(2), "{took:?}");
    }
}

fn hold(mut socket: TcpStream) {
    drop(socket.read(&mut [0]));
}

#[test]
fn an_answer_that_does_not_end_counts_all_the_same() {
    let endless = Receiver::start(|mut socket| {
        thread::spawn(move || {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n";
            let mut going = socket.write_all(head).is_ok();
            while going {
                going = socket.write_all(&[0; 1 << 16]).is_ok();
            }
        });
    });
    let unfinished = Receiver::start(|mut socket| {
        thread::spawn(move || {
            drop(socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx"));
            hold(socket);
        });
    });
    for receiver in [&endless, &unfinished] {
        let began = Instant::now();
        let posted = send(&receiver.url("/")).unwrap();
        assert_eq!(posted.status, 200);
        assert!(posted.took < WITHIN && began.elapsed() < Duration::from_secs(4));
    }
}

#[test]
fn what_is_no_answer_is_said_so() {
    let closes = Receiver::start(drop);
    let babbles = Receiver::start(says("SSH-2.0-OpenSSH_9.2\n"));
    let swells = Receiver::start(|mut socket| {
        thread::spawn(move || {
            drop(socket.write_all(b"HTTP/1.1 200 OK\r\nX-Large: "));
            while socket.write_all(&[b'a'; 1 << 16]).is_ok() {}
        });
    });
    for receiver in [&closes, &babbles, &swells] {
        let why = send(&receiver.url("/")).unwrap_err();
        assert!(matches!(why, PostError::Broken { .. }), "{why}");
    }
    let nobody = support::port();
    let why = send(&format!("http://127.0.0.1:{nobody}/")).unwrap_err();
    assert!(
        matches!(why, PostError::NotReached(_)) && why.to_string().contains("refused"),
        "{why}"
    );
}

#[test]
fn no_spelling_of_an_inner_address_is_dialled() {
    let receiver = Receiver::start(says("HTTP/1.1 200 OK\n\n"));
    let public = Policy { allow_private: false, ..policy() };
    let port = receiver.at.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00::1]",
        "10.0.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "0.0.0.0",
    ] {
        let why = send_with(&format!("http://{host}:{port}/"), &public).unwrap_err();
        let not_dialled = match &why {
            PostError::NotPublic { may_be_allowed, .. } => *may_be_allowed != (host == "0.0.0.0"),
            // This host may know no such spelling or name.
            PostError::NotReached(why) => matches!(why, fetch::FetchError::NoAddress { .. }),
            _ => false,
        };
        assert!(not_dialled, "{host}: {why:?}");
    }
    assert_eq!(receiver.connections.load(Ordering::SeqCst), 0);
    assert_eq!(send_with(&receiver.url("/"), &policy()).unwrap().status, 200);
}

#[test]
fn an_inner_address_is_known_before_anything_is_sent() {
    let refused = |url: &str, allowed| {
        let why = refused_at_once(&Place::read(url).unwrap(), allowed)?;
        let PostError::NotPublic { may_be_allowed, .. } = why else { panic!("{why}") };
        Some(may_be_allowed)
    };
    assert_eq!(refused("http://10.0.0.1/", false), Some(true));
    assert_eq!(refused("http://[::ffff:10.0.0.1]/", false), Some(true));
    assert_eq!(refused("http://10.0.0.1/", true), None);
    assert_eq!(refused("http://224.0.0.1/", true), Some(false));
    assert_eq!(refused("https://1.1.1.1/", false), None);
    assert_eq!(refused("https://chat.example/", false), None, "its addresses are not known yet");
}
