//! Debian's nginx as the server: whole files, kills in the middle, certificates.

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fetch::{FetchError, Place, Policy, PostError, Progress, Roots, download};
use support::{Nginx, able, content, fetch, names, policy, run};

/// Tells this program, started again, to fetch a URL into a folder, and to be killed meanwhile.
const CHILD: &str = "FETCH_TEST_URL";
const CHILD_DIR: &str = "FETCH_TEST_DIR";
/// Begins a line in which the killed program says how far it is.
const HEARD: &str = "bytes here: ";
const MEBIBYTE: usize = 1 << 20;

fn shelf(bytes: &[u8]) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let top = tempfile::tempdir().unwrap();
    let (root, dir) = (top.path().join("root"), top.path().join("dir"));
    fs::create_dir(&root).unwrap();
    fs::create_dir(&dir).unwrap();
    fs::write(root.join("a.iso"), bytes).unwrap();
    (top, root, dir)
}

/// Not a test of its own: what the killed program does.
#[test]
#[ignore = "run by a_fetch_that_is_killed_goes_on_where_its_note_says, and killed"]
fn child() {
    let (Ok(url), Ok(dir)) = (std::env::var(CHILD), std::env::var(CHILD_DIR)) else { return };
    let place = Place::read(&url).unwrap();
    let mut progress = |progress: Progress| {
        println!("{HEARD}{}", progress.bytes);
        true
    };
    drop(run(download(&place, Path::new(&dir), &policy(), &mut progress)));
}

#[test]
fn a_fetch_that_is_killed_goes_on_where_its_note_says() {
    if !able(&[Nginx::PROGRAM]) {
        return;
    }
    let bytes = content(24 * MEBIBYTE);
    let (_top, root, dir) = shelf(&bytes);
    // Slow, so that there is a middle.
    let nginx = Nginx::start(&root, "limit_rate 24m;");
    let url = nginx.url("a.iso");
    let mut least = 0;
    for round in 1..=3_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--ignored"])
            .env(CHILD, &url)
            .env(CHILD_DIR, &dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Killed as soon as some megabytes more are there than the round before left.
        let enough = least + 5 * MEBIBYTE as u64;
        let told = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let reached = told
            .filter_map(|line| line.strip_prefix(HEARD)?.parse().ok())
            .find(|bytes: &u64| *bytes >= enough);
        assert!(reached.is_some(), "it ended by itself in round {round}");
        child.kill().unwrap();
        child.wait().unwrap();
        let left = fetch::leftovers(&dir).unwrap();
        assert!(left[0].bytes >= enough - 2 * MEBIBYTE as u64 && !left[0].busy, "{left:?}");
        // What the note claims is there, to the byte.
        let part =
            names(&dir).into_iter().find(|path| path.extension().unwrap() == "part").unwrap();
        let on_disk = fs::read(part).unwrap();
        let noted = usize::try_from(left[0].bytes).unwrap();
        assert!(on_disk[..noted] == bytes[..noted]);
        least = left[0].bytes;
    }
    let fetched = fetch(&url, &dir, &policy()).unwrap();
    assert_eq!(fetched.gone_on_from, least);
    assert!(fs::read(fetched.path()).unwrap() == bytes);
}

#[test]
fn a_killed_fetch_is_finished_by_the_next() {
    if !able(&[Nginx::PROGRAM]) {
        return;
    }
    let bytes = content(8 * MEBIBYTE);
    let (_top, root, dir) = shelf(&bytes);
    let nginx = Nginx::start(&root, "");
    let url = nginx.url("a.iso");
    let place = Place::read(&url).unwrap();
    let why = run(download(&place, &dir, &policy(), &mut |progress| {
        progress.bytes < 3 * MEBIBYTE as u64
    }));
    let FetchError::Stopped { kept } = why.unwrap_err() else { panic!() };
    let fetched = fetch(&url, &dir, &policy()).unwrap();
    assert_eq!(fetched.gone_on_from, kept);
    assert!(fs::read(fetched.path()).unwrap() == bytes);
    fetched.remove().unwrap();

    // Another version in between: nginx honours If-Range.
    run(download(&place, &dir, &policy(), &mut |progress| progress.bytes < 3 * MEBIBYTE as u64))
        .unwrap_err();
    let other = vec![9; 5 * MEBIBYTE];
    fs::write(root.join("a.iso"), &other).unwrap();
    let fetched = fetch(&url, &dir, &policy()).unwrap();
    assert_eq!(fetched.gone_on_from, 0);
    assert!(fs::read(fetched.path()).unwrap() == other);
    let why = fetch(&nginx.url("none.iso"), &dir, &policy()).unwrap_err();
    assert!(matches!(why, FetchError::Status { .. }) && why.to_string().contains("404"), "{why}");
}

#[test]
fn certificates_are_always_checked() {
    if !able(&[Nginx::PROGRAM]) {
        return;
    }
    let bytes = content(MEBIBYTE);
    let (top, root, dir) = shelf(&bytes);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = certificate.self_signed(&key).unwrap();
    fs::write(top.path().join("cert.pem"), certificate.pem()).unwrap();
    fs::write(top.path().join("key.pem"), key.serialize_pem()).unwrap();
    let tls_port = support::port();
    let at = top.path().display();
    let _nginx = Nginx::start(
        &root,
        &format!(
            "listen 127.0.0.1:{tls_port} ssl; ssl_certificate {at}/cert.pem; ssl_certificate_key {at}/key.pem;"
        ),
    );
    let known = Policy { roots: Roots::These(vec![certificate.der().clone()]), ..policy() };
    let url = format!("https://localhost:{tls_port}/a.iso");
    let fetched = fetch(&url, &dir, &known).unwrap();
    assert!(fs::read(fetched.path()).unwrap() == bytes);
    fetched.remove().unwrap();
    // Nobody that this host trusts made it.
    let why = fetch(&url, &dir, &policy()).unwrap_err();
    assert!(matches!(why, FetchError::Tls { .. } | FetchError::NoRoots { .. }), "{why}");
    // It is for another name.
    let why = fetch(&format!("https://127.0.0.1:{tls_port}/a.iso"), &dir, &known).unwrap_err();
    assert!(matches!(why, FetchError::Tls { .. }), "{why}");
    assert!(why.to_string().contains("clock"), "{why}");

    // A message goes the same way; this receiver takes none.
    let send = |policy: &Policy| {
        let within = std::time::Duration::from_secs(10);
        run(fetch::post(&Place::read(&url).unwrap(), policy, &[], b"{}".to_vec(), within))
    };
    assert_eq!(send(&known).unwrap().status, 405);
    let why = send(&policy()).unwrap_err();
    let unproved =
        |why: &FetchError| matches!(why, FetchError::Tls { .. } | FetchError::NoRoots { .. });
    assert!(matches!(&why, PostError::NotReached(why) if unproved(why)), "{why}");
}
