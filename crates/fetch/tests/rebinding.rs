//! A name server that gives a public address to who checks and an inner one to who asks again.
//!
//! The child runs in namespaces of its own, where that name server is the system's.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fetch::{FetchError, Place, Policy, PostError, post};

/// On the lo of the child's namespace: to be dialled, were it dialled.
const PUBLIC: Ipv4Addr = Ipv4Addr::new(9, 9, 9, 9);
const INNER: Ipv4Addr = Ipv4Addr::LOCALHOST;
const PORT: u16 = 8097;
/// Tells the child that it is one.
const CHILD: &str = "FETCH_TEST_REBINDING_CHILD";

#[test]
fn the_address_that_was_checked_is_the_one_that_is_dialled() {
    let folder = tempfile::tempdir().unwrap();
    let resolv = folder.path().join("resolv.conf");
    std::fs::write(&resolv, "nameserver 127.0.0.1\noptions timeout:2 attempts:1\n").unwrap();
    let script = format!(
        "set -e; ip link set lo up; ip addr add {PUBLIC}/32 dev lo; \
         mount --bind \"$1\" /etc/resolv.conf; echo prepared; \
         exec \"$0\" --exact child --ignored --nocapture"
    );
    let output = Command::new("unshare")
        .args(["--net", "--mount", "--user", "--map-root-user", "sh", "-c", &script])
        .arg(std::env::current_exe().unwrap())
        .arg(&resolv)
        .env(CHILD, "1")
        .output()
        .unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !out.contains("prepared") {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no namespaces: {err}");
        eprintln!("SKIPPED: no namespaces to be had here: {err}");
        return;
    }
    assert!(output.status.success() && out.contains("1 passed"), "{out}\n{err}");
}

#[test]
#[ignore = "run by the test above, in namespaces of its own"]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let (asked, inner) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicUsize::new(0)));
    let answers = Arc::new(Mutex::new(Vec::new()));
    name_server(Arc::clone(&asked), Arc::clone(&answers));
    let reached = Arc::new(AtomicUsize::new(0));
    count(TcpListener::bind((INNER, PORT)).unwrap(), Arc::clone(&inner));
    count(TcpListener::bind((PUBLIC, PORT)).unwrap(), Arc::clone(&reached));

    // Checked: public; asked again: inner. It must be the public one that is dialled, and nobody asked again.
    *answers.lock().unwrap() = vec![vec![PUBLIC], vec![INNER]];
    let why = send("public-then-inner.example");
    assert!(matches!(why, PostError::Broken { .. }), "{why:?}");
    let seen = |of: &AtomicUsize| of.load(Ordering::SeqCst);
    assert_eq!((seen(&reached), seen(&inner), asked.swap(0, Ordering::SeqCst)), (1, 0, 1));

    // One of several leads inside: none is dialled.
    *answers.lock().unwrap() = vec![vec![PUBLIC, INNER]];
    let why = send("both.example");
    assert!(matches!(why, PostError::NotPublic { .. }), "{why:?}");
    assert_eq!((seen(&reached), seen(&inner), asked.swap(0, Ordering::SeqCst)), (1, 0, 1));

    // The other way round: refused for what was seen.
    *answers.lock().unwrap() = vec![vec![INNER], vec![PUBLIC]];
    let why = send("inner-then-public.example");
    assert!(matches!(why, PostError::NotPublic { .. }), "{why:?}");
    assert_eq!((seen(&reached), seen(&inner), asked.load(Ordering::SeqCst)), (1, 0, 1));
}

fn send(host: &str) -> PostError {
    let place = Place::read(&format!("http://{host}:{PORT}/hook")).unwrap();
    let policy = Policy::default();
    let within = Duration::from_secs(10);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sent = post(&place, &policy, &[], b"{}".to_vec(), within);
    let why = runtime.block_on(sent).unwrap_err();
    assert!(!matches!(why, PostError::NotReached(FetchError::NoAddress { .. })), "{why}");
    why
}

/// Counts connections, and closes them.
fn count(listener: TcpListener, connections: Arc<AtomicUsize>) {
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            connections.fetch_add(1, Ordering::SeqCst);
            drop(socket);
        }
    });
}

/// Answers the n-th question for IPv4 addresses with the n-th of the answers (the last again and again), and
/// that there are no IPv6 addresses.
fn name_server(asked: Arc<AtomicU32>, answers: Arc<Mutex<Vec<Vec<Ipv4Addr>>>>) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).unwrap();
    std::thread::spawn(move || {
        let mut bytes = [0; 512];
        while let Ok((n, from)) = socket.recv_from(&mut bytes) {
            let Some(end) = bytes[12..n].iter().position(|byte| *byte == 0) else { continue };
            let question = &bytes[12..(12 + end + 5).min(n)];
            let is_v4 = question.ends_with(&[0, 1, 0, 1]);
            let mut found = Vec::new();
            if is_v4 {
                let nth = asked.fetch_add(1, Ordering::SeqCst) as usize;
                let answers = answers.lock().unwrap();
                found = answers[nth.min(answers.len() - 1)].clone();
            }
            let count = u8::try_from(found.len()).unwrap();
            // Response, recursion available, no error (RFC 1035, 4.1.1).
            let mut reply = vec![bytes[0], bytes[1], 0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0];
            reply.extend_from_slice(question);
            for address in found {
                // The name of the question, A, IN, no time to live.
                reply.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
                reply.extend_from_slice(&address.octets());
            }
            drop(socket.send_to(&reply, from));
        }
    });
}
