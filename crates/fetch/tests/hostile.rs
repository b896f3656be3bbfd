//! Servers that lie, stop, send too much or send elsewhere.

mod support;

use std::fs;
use std::time::Duration;

use fetch::{FetchError, Place, Policy, Progress, Redirects, Small, download, small};
use support::{Do, Told, content, fetch, names, policy, run, says};

const ETAG: &str = "ETag: \"one\"";

/// A response that promises all of `bytes` and gives the first `given`.
fn cut(bytes: &[u8], given: usize) -> Vec<Do> {
    says(&format!("200 OK\n{ETAG}\nContent-Length: {}", bytes.len()), &bytes[..given])
}

fn rest(bytes: &[u8], from: usize, etag: &str) -> Vec<Do> {
    let (last, total) = (bytes.len() - 1, bytes.len());
    let head = format!(
        "206 Partial Content\n{etag}\nContent-Range: bytes {from}-{last}/{total}\nContent-Length: {}",
        total - from
    );
    says(&head, &bytes[from..])
}

#[test]
fn a_cut_body_is_an_error_and_is_gone_on_with() {
    let bytes = content(3_000_000);
    let server = Told::start(vec![cut(&bytes, 1_700_000), rest(&bytes, 1_700_000, ETAG)]);
    let dir = tempfile::tempdir().unwrap();
    let why = fetch(&server.url("a.iso"), dir.path(), &policy()).unwrap_err();
    assert!(matches!(why, FetchError::CutShort { kept: 1_700_000, .. }), "{why}");
    assert!(why.can_go_on() && why.to_string().contains("1700000 bytes are kept"), "{why}");
    let left = fetch::leftovers(dir.path()).unwrap();
    assert_eq!(
        (left.len(), left[0].bytes, left[0].total, left[0].busy),
        (1, 1_700_000, Some(3_000_000), false)
    );

    let fetched = fetch(&server.url("a.iso"), dir.path(), &policy()).unwrap();
    assert_eq!(fetched.gone_on_from, 1_700_000);
    assert!(fs::read(fetched.path()).unwrap() == bytes);
    let heads = server.heads();
    assert!(
        heads[1].contains("range: bytes=1700000-") && heads[1].contains("if-range: \"one\""),
        "{heads:?}"
    );
    assert!(
        !heads[0].contains("range:") && heads[0].contains("accept-encoding: identity"),
        "{heads:?}"
    );
    fetched.remove().unwrap();
    assert_eq!(names(dir.path()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn another_version_begins_anew() {
    let (old, new) = (content(2_000_000), vec![7; 2_500_000]);
    let two = "ETag: \"two\"";
    let whole = |etag: &str| says(&format!("200 OK\n{etag}\nContent-Length: {}", new.len()), &new);
    for answers in [
        // It honours If-Range and sends all.
        vec![cut(&old, 1_500_000), whole(two)],
        // It sends a range of the new version, whatever was asked.
        vec![cut(&old, 1_500_000), rest(&new, 1_500_000, two), whole(two)],
        // The new version is shorter than what is there.
        vec![
            cut(&old, 1_500_000),
            says("416 No\nContent-Range: bytes */9\nContent-Length: 0", b""),
            whole(two),
        ],
    ] {
        let server = Told::start(answers);
        let dir = tempfile::tempdir().unwrap();
        fetch(&server.url("a.iso"), dir.path(), &policy()).unwrap_err();
        let fetched = fetch(&server.url("a.iso"), dir.path(), &policy()).unwrap();
        assert_eq!(fetched.gone_on_from, 0);
        assert!(fs::read(fetched.path()).unwrap() == new);
    }
}

#[test]
fn a_range_that_is_not_the_rest_is_refused_and_nothing_of_it_kept() {
    let bytes = content(2_000_000);
    for range in [
        "0-1999999/2000000",
        "1500000-1999998/2000000",
        "1500000-2999999/3000000",
        "nonsense",
        "1500000-1999999/*",
    ] {
        let head = format!(
            "206 Partial Content\n{ETAG}\nContent-Range: bytes {range}\nContent-Length: 500000"
        );
        let server = Told::start(vec![
            cut(&bytes, 1_500_000),
            says(&head, &bytes[..500_000]),
            cut(&bytes, 2_000_000),
        ]);
        let dir = tempfile::tempdir().unwrap();
        fetch(&server.url("a"), dir.path(), &policy()).unwrap_err();
        let why = fetch(&server.url("a"), dir.path(), &policy()).unwrap_err();
        assert!(matches!(why, FetchError::Broken { .. }), "{range}: {why}");
        let fetched = fetch(&server.url("a"), dir.path(), &policy()).unwrap();
        assert_eq!(fetched.gone_on_from, 0, "{range}");
        assert!(fs::read(fetched.path()).unwrap() == bytes);
    }
}

#[test]
fn a_moment_of_trouble_costs_nothing_of_what_is_there() {
    let bytes = content(2_000_000);
    let busy = says("503 Busy\nContent-Length: 0", b"");
    let server = Told::start(vec![cut(&bytes, 1_500_000), busy, rest(&bytes, 1_500_000, ETAG)]);
    let dir = tempfile::tempdir().unwrap();
    fetch(&server.url("a"), dir.path(), &policy()).unwrap_err();
    let why = fetch(&server.url("a"), dir.path(), &policy()).unwrap_err();
    assert!(matches!(why, FetchError::Status { .. }) && why.to_string().contains("503"), "{why}");
    assert_eq!(fetch(&server.url("a"), dir.path(), &policy()).unwrap().gone_on_from, 1_500_000);
}

#[test]
fn without_a_version_there_is_nothing_to_go_on_from() {
    let bytes = content(1_000_000);
    let short = says(
        &format!("200 OK\nETag: W/\"weak\"\nContent-Length: {}", bytes.len()),
        &bytes[..500_000],
    );
    let server = Told::start(vec![short, cut(&bytes, 1_000_000)]);
    let dir = tempfile::tempdir().unwrap();
    fetch(&server.url("a"), dir.path(), &policy()).unwrap_err();
    assert_eq!(fetch(&server.url("a"), dir.path(), &policy()).unwrap().gone_on_from, 0);
    assert!(!server.heads()[1].contains("range:"));
}

#[test]
fn endless_and_oversized_bodies_end_at_the_cap() {
    let cap = Policy { size_max: 3 << 20, ..policy() };
    let dir = tempfile::tempdir().unwrap();
    let mut endless = says("200 OK\nTransfer-Encoding: chunked", b"ffffffffff\r\n");
    endless.push(Do::Endless);
    let server = Told::start(vec![endless]);
    let why = fetch(&server.url("a"), dir.path(), &cap).unwrap_err();
    assert!(matches!(why, FetchError::TooLarge { .. }), "{why}");
    let size = names(dir.path()).iter().map(|path| path.metadata().unwrap().len()).max();
    assert!(size < Some(1000), "nothing of it is kept: {size:?}");
    let told = Told::start(vec![says("200 OK\nContent-Length: 99999999", b"")]);
    assert!(matches!(fetch(&told.url("b"), dir.path(), &cap), Err(FetchError::TooLarge { .. })));
    // A body that ends where the connection does could have been cut.
    let server = Told::start(vec![says("200 OK\nConnection: close", b"some")]);
    let why = fetch(&server.url("d"), dir.path(), &cap).unwrap_err();
    assert!(
        matches!(why, FetchError::Broken { .. }) && why.to_string().contains("how long"),
        "{why}"
    );
    // A head without an end.
    let mut head = vec![Do::Send(b"HTTP/1.1 200 OK\r\n".to_vec())];
    head.push(Do::Endless);
    let server = Told::start(vec![head]);
    let why = fetch(&server.url("c"), dir.path(), &cap).unwrap_err();
    assert!(matches!(why, FetchError::Broken { .. }), "{why}");
}

#[test]
fn silence_ends_after_the_time_that_is_allowed() {
    let bytes = content(1_500_000);
    let mut slow = cut(&bytes, 700_000);
    slow.push(Do::Hang);
    let server = Told::start(vec![slow, rest(&bytes, 700_000, ETAG), vec![Do::Hang]]);
    let short = Policy { idle_max: Duration::from_millis(300), ..policy() };
    let dir = tempfile::tempdir().unwrap();
    let why = fetch(&server.url("a"), dir.path(), &short).unwrap_err();
    assert!(matches!(why, FetchError::Idle { kept: 700_000, .. }), "{why}");
    let fetched = fetch(&server.url("a"), dir.path(), &short).unwrap();
    assert_eq!((fetched.gone_on_from, fetched.size()), (700_000, 1_500_000));
    // No answer at all.
    let why = fetch(&server.url("b"), dir.path(), &short).unwrap_err();
    assert!(matches!(why, FetchError::Idle { kept: 0, .. }), "{why}");
}

#[test]
fn redirects_go_where_the_policy_lets_them() {
    let dir = tempfile::tempdir().unwrap();
    let whole = says("200 OK\nContent-Length: 2", b"ok");
    let to = |place: &str| says(&format!("302 Found\nLocation: {place}\nContent-Length: 0"), b"");

    let server = Told::start(vec![to("/c"), whole.clone()]);
    let fetched = fetch(&server.url("a"), dir.path(), &policy()).unwrap();
    assert_eq!(fetched.sent_by(), server.url("c"));
    assert!(server.heads()[1].starts_with("get /c "), "{:?}", server.heads());

    // Another port is another service.
    let other = Told::start(vec![whole]);
    let server = Told::start(vec![to(&other.url("x"))]);
    let why = fetch(&server.url("d"), dir.path(), &policy()).unwrap_err();
    assert!(matches!(why, FetchError::NewHost { .. }), "{why}");
    assert!(
        why.to_string().contains(&other.url("x")) && why.to_string().contains("allow redirects"),
        "{why}"
    );
    assert!(other.heads().is_empty());
    let any = Policy { redirects: Redirects::AnyHost, ..policy() };
    assert_eq!(fetch(&server.url("d"), dir.path(), &any).unwrap().sent_by(), other.url("x"));

    let circle = Told::start(vec![to("/e")]);
    let why = fetch(&circle.url("e"), dir.path(), &any).unwrap_err();
    assert!(
        matches!(why, FetchError::BadRedirect { .. }) && why.to_string().contains("circle"),
        "{why}"
    );
    assert_eq!(circle.heads().len(), 6);
    for place in ["ftp://x/", "file:///etc/shadow", "http://"] {
        let server = Told::start(vec![to(place)]);
        assert!(
            matches!(fetch(&server.url("f"), dir.path(), &any), Err(FetchError::Url { .. })),
            "{place}"
        );
    }
}

#[test]
fn what_leads_inside_is_not_dialled() {
    let dir = tempfile::tempdir().unwrap();
    let server = Told::start(vec![says("200 OK\nContent-Length: 2", b"ok")]);
    let public = Policy { allow_private: false, redirects: Redirects::AnyHost, ..policy() };
    let port = server.port;
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "169.254.169.254",
        "[fe80::1]",
        "10.0.0.1",
        "2130706433",
        "127.1",
    ] {
        let why = match Place::read(&format!("http://{host}:{port}/")) {
            Ok(place) => run(download(&place, dir.path(), &public, &mut |_| true)).unwrap_err(),
            Err(why) => why,
        };
        let refused = matches!(
            why,
            FetchError::NotPublic { .. } | FetchError::Url { .. } | FetchError::NoAddress { .. }
        );
        assert!(refused, "{host}: {why}");
    }
    // Whoever may dial this host still dials no address that is nobody's.
    let why = fetch(&format!("http://0.0.0.0:{port}/"), dir.path(), &policy()).unwrap_err();
    assert!(matches!(why, FetchError::NotPublic { .. }), "{why}");
    assert!(server.heads().is_empty(), "{:?}", server.heads());
}

#[test]
fn two_do_not_fetch_the_same() {
    let bytes = content(100_000);
    let server = Told::start(vec![cut(&bytes, 100_000)]);
    let dir = tempfile::tempdir().unwrap();
    let fetched = fetch(&server.url("a"), dir.path(), &policy()).unwrap();
    assert!(matches!(fetch(&server.url("a"), dir.path(), &policy()), Err(FetchError::Busy { .. })));
    let left = fetch::leftovers(dir.path()).unwrap();
    assert!(left[0].busy);
    let now = std::time::SystemTime::now() + Duration::from_secs(3600);
    assert_eq!(fetch::remove_older(dir.path(), now).unwrap(), 0);
    drop(fetched);
    // It was not taken: it is found whole, and no byte comes again.
    assert_eq!(fetch(&server.url("a"), dir.path(), &policy()).unwrap().gone_on_from, 100_000);
    assert_eq!(server.heads().len(), 2);
    assert_eq!(fetch::remove_older(dir.path(), now).unwrap(), 2);
    assert!(names(dir.path()).is_empty());
}

#[test]
fn a_whole_file_that_was_not_taken_is_asked_for_again() {
    let (old, new) = (content(100_000), content(100_001));
    let two = "ETag: \"two\"";
    let date = "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT";
    let whole = |field: &str, bytes: &[u8]| {
        says(&format!("200 OK\n{field}\nContent-Length: {}", bytes.len()), bytes)
    };
    let same = || says("304 Not Modified\nContent-Length: 0", b"");
    for (first, then, condition, bytes) in [
        (whole("ETag: \"one\"", &old), same(), "if-none-match: \"one\"", &old),
        (whole("ETag: \"one\"", &old), whole(two, &new), "if-none-match: \"one\"", &new),
        (whole(date, &old), same(), "if-modified-since: thu, 01 jan 2026", &old),
        (whole(date, &old), whole(two, &new), "if-modified-since: thu, 01 jan 2026", &new),
        // Nothing to ask by: it comes anew.
        (whole("Server: x", &old), whole("Server: x", &new), "accept", &new),
    ] {
        let server = Told::start(vec![first, then]);
        let dir = tempfile::tempdir().unwrap();
        drop(fetch(&server.url("a"), dir.path(), &policy()).unwrap());
        let fetched = fetch(&server.url("a"), dir.path(), &policy()).unwrap();
        assert!(fs::read(fetched.path()).unwrap() == **bytes, "{condition}");
        let heads = server.heads();
        assert!(heads[1].contains(condition) && !heads[1].contains("range:"), "{}", heads[1]);
    }
}

#[test]
fn whoever_listens_may_stop() {
    let bytes = content(3_000_000);
    let server = Told::start(vec![cut(&bytes, 3_000_000), says("304 No\nContent-Length: 0", b"")]);
    let dir = tempfile::tempdir().unwrap();
    let mut heard = Vec::new();
    let place = Place::read(&server.url("a")).unwrap();
    let mut progress = |progress: Progress| {
        heard.push(progress);
        progress.bytes < 1_000_000
    };
    let why = run(download(&place, dir.path(), &policy(), &mut progress)).unwrap_err();
    let FetchError::Stopped { kept } = why else { panic!("{why}") };
    assert!(kept >= 1_000_000, "{kept}");
    assert_eq!(heard[0], Progress { bytes: 0, total: Some(3_000_000) });
    assert!(heard.is_sorted_by_key(|progress| progress.bytes));
}

#[test]
fn notes_that_lie_are_not_believed() {
    let bytes = content(1_000_000);
    let server = Told::start(vec![cut(&bytes, 500_000), cut(&bytes, 1_000_000)]);
    for damage in [
        "",
        "{}",
        "[[[[",
        r#"{"url":"http://other/","sent_by":"","version":"\"one\"","total":null,"bytes":400000,"whole":true}"#,
    ] {
        let dir = tempfile::tempdir().unwrap();
        let first = Told::start(vec![cut(&bytes, 500_000), cut(&bytes, 1_000_000)]);
        fetch(&first.url("a"), dir.path(), &policy()).unwrap_err();
        let note =
            names(dir.path()).into_iter().find(|path| path.extension().unwrap() == "json").unwrap();
        fs::write(&note, damage).unwrap();
        let fetched = fetch(&first.url("a"), dir.path(), &policy()).unwrap();
        assert_eq!(fetched.gone_on_from, 0, "{damage}");
        assert!(fs::read(fetched.path()).unwrap() == bytes);
    }
    // A note of more than is there, as after a disk that lied.
    let dir = tempfile::tempdir().unwrap();
    fetch(&server.url("a"), dir.path(), &policy()).unwrap_err();
    let part =
        names(dir.path()).into_iter().find(|path| path.extension().unwrap() == "part").unwrap();
    fs::File::options().write(true).open(&part).unwrap().set_len(1000).unwrap();
    assert_eq!(fetch(&server.url("a"), dir.path(), &policy()).unwrap().gone_on_from, 0);
}

#[test]
fn small_files_have_a_cap_and_may_be_missing() {
    let answers = vec![
        says("200 OK\nContent-Length: 5", b"12345"),
        says("404 No\nContent-Length: 0", b""),
        says("200 OK\nTransfer-Encoding: chunked", b"6\r\n123456\r\n0\r\n\r\n"),
        says("200 OK\nContent-Length: 6", b"123456"),
        says("200 OK\nContent-Encoding: gzip\nContent-Length: 2", b"ok"),
        says("403 No\nContent-Length: 0", b""),
        says("200 OK\nContent-Length: 5", b"123"),
    ];
    let server = Told::start(answers);
    let place = Place::read(&server.url("SHA256SUMS")).unwrap();
    let get = || run(small(&place, &policy(), 5));
    assert_eq!(get().unwrap(), Small::Bytes(b"12345".to_vec()));
    assert_eq!(get().unwrap(), Small::Missing);
    assert!(matches!(get(), Err(FetchError::TooLarge { .. })));
    assert!(matches!(get(), Err(FetchError::TooLarge { .. })));
    assert!(matches!(get(), Err(FetchError::Broken { .. })));
    assert!(matches!(get(), Err(FetchError::Status { .. })));
    assert!(matches!(get(), Err(FetchError::CutShort { .. })));
}
