//! Syslog as RFC 5424 and RFC 3164 write it, as real senders do, and as nobody should.
#![expect(clippy::disallowed_methods, reason = "other programs are the senders")]
#![expect(clippy::disallowed_types, reason = "what they send has to be taken")]
#![expect(clippy::disallowed_macros, reason = "a skipped sender must be seen")]

mod corpus;
#[path = "syslog_support/mod.rs"]
mod support;

use proptest::{prelude::any, proptest};
use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;
use support::walk;
use wire::syslog::{DATAGRAM_BYTES_MAX, Malformed, Message};

const NOTHING: Message<'_> = Message {
    facility: 1,
    severity: 5,
    stamp: None,
    host: None,
    app: None,
    process: None,
    id: None,
    data: None,
    text: b"",
};

fn read(text: &str) -> Message<'_> {
    Message::parse(text.as_bytes()).unwrap()
}

#[test]
fn the_examples_of_rfc_5424_are_read() {
    let text = "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' \
                failed for lonvick on /dev/pts/8";
    let expected = Message {
        facility: 4,
        severity: 2,
        stamp: Some(b"2003-10-11T22:14:15.003Z"),
        host: Some(b"mymachine.example.com"),
        app: Some(b"su"),
        id: Some(b"ID47"),
        text: b"'su root' failed for lonvick on /dev/pts/8",
        ..NOTHING
    };
    assert_eq!(read(text), expected);

    let text = "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to \
                make the do-nuts.";
    let said = read(text);
    assert_eq!((said.facility, said.severity, said.process), (20, 5, Some(&b"8710"[..])));
    assert_eq!(said.text, b"%% It's time to make the do-nuts.");

    let data = r#"[exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"][examplePriority@32473 class="high"]"#;
    let text =
        format!("<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 {data}");
    let said = read(&text);
    assert_eq!((said.data, said.text), (Some(data.as_bytes()), &b""[..]));

    let quoted = r#"[a b="] \" \] \\"]"#;
    let text = format!("<13>1 - - - - - {quoted} said");
    assert_eq!((read(&text).data, read(&text).text), (Some(quoted.as_bytes()), &b"said"[..]));
}

#[test]
fn the_examples_of_rfc_3164_are_read() {
    let said = read("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8");
    let expected = Message {
        facility: 4,
        severity: 2,
        stamp: Some(b"Oct 11 22:14:15"),
        host: Some(b"mymachine"),
        app: Some(b"su"),
        text: b"'su root' failed for lonvick on /dev/pts/8",
        ..NOTHING
    };
    assert_eq!(said, expected);
    let said = read("<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!");
    assert_eq!((said.host, said.text), (None, &b"10.0.0.99 Use the BFG!"[..]), "host or word");
}

#[test]
fn what_installers_send_is_read() {
    // busybox syslogd -R, in Debian's installer: no host.
    let said = read("<30>Nov 26 10:00:00 anna[1234]: DEBUG: retrieving partman");
    assert_eq!((said.app, said.process), (Some(&b"anna"[..]), Some(&b"1234"[..])));
    assert_eq!((said.host, said.text), (None, &b"DEBUG: retrieving partman"[..]));
    // rsyslog, in Anaconda.
    let said = read("<14>2026-11-26T10:00:00.123456+01:00 localhost anaconda[99]: ok");
    assert_eq!((said.host, said.app), (Some(&b"localhost"[..]), Some(&b"anaconda"[..])));
    assert_eq!(said.stamp, Some(&b"2026-11-26T10:00:00.123456+01:00"[..]));
    // iPXE, and Python without an ident.
    let said = read("<14>n1: net0 configuring\n");
    assert_eq!((said.app, said.text), (Some(&b"n1"[..]), &b"net0 configuring"[..]));
    assert_eq!(
        read("<14>disk is full\0"),
        Message { severity: 6, text: b"disk is full", ..NOTHING }
    );
    assert_eq!(read("<13>http://10.0.0.1/ is slow").text, b"http://10.0.0.1/ is slow");
    assert_eq!(read("<13>").text, b"");
}

#[test]
fn what_has_no_priority_is_nothing() {
    for text in [
        "", "<", "<>", "<1", "<1", "<192>x", "<999>x", "<0013>x", "<-1>x", "< 1>x", "13>x", "x<13>",
    ] {
        assert_eq!(Message::parse(text.as_bytes()), Err(Malformed::NoPriority), "{text:?}");
    }
    let long = [b"<13>".as_slice(), &[b'a'; DATAGRAM_BYTES_MAX - 4]].concat();
    assert_eq!(Message::parse(&long).map(|said| said.text.len()), Ok(DATAGRAM_BYTES_MAX - 4));
    assert_eq!(Message::parse(&[&long[..], b"a"].concat()), Err(Malformed::TooLong));
}

#[test]
fn what_fits_no_form_is_a_message_as_a_whole() {
    for text in [
        "1 yesterday host app - - - said",
        "1 - host app - - [open said",
        "1 - host app - - x said",
        "1 - host",
        "1  - - - - - said",
        "Nov 26 10:00 host said",
        "Növ 26 10:00:00 x",
        "[12] said",
        "\u{1b}[2Jsaid: x",
    ] {
        let datagram = format!("<13>{text}");
        assert_eq!(read(&datagram), Message { text: text.as_bytes(), ..NOTHING }, "{text}");
    }
    let long = format!("<13>1 - {} app - - - said", "h".repeat(256));
    assert_eq!(read(&long).host, None);
}

/// A datagram may be cut anywhere on its way, and any byte of it may be anything.
#[test]
fn every_corpus_file_is_walked_cut_and_bent() {
    corpus::walk_all("syslog", &[0, b' ', b'"', b'-', b':', b'[', b'\\', b']', 0x7f, 0xff], walk);
}

proptest! {
    #[test]
    fn any_bytes_are_walked(rest in proptest::collection::vec(any::<u8>(), 0..600)) {
        walk(&rest);
        walk(&[b"<13>", &rest[..]].concat());
        walk(&[b"<13>1 - - - - - ", &rest[..]].concat());
    }

    #[test]
    fn anything_like_a_line_is_walked(
        priority in 0..300u16,
        words in proptest::collection::vec(r#"1|-|Nov 26 10:00:00|2026-11-26T10:00:00Z|[a-z]{1,9}|[a-z]{1,4}\[[0-9]{0,3}\]:|\[[a-z]="[a-z\\\]" ]{0,4}"?\]|[ -~]{0,5}"#, 0..12),
    ) {
        walk(format!("<{priority}>{}", words.join(" ")).as_bytes());
    }

    #[test]
    fn what_was_written_is_read(
        priority in 0..=191u8, app in "[a-z][a-z0-9._/-]{0,30}", process in "[0-9]{1,5}",
        host in "[a-z][a-z0-9.-]{0,30}", text in "[!-~]([ -~]{0,60}[!-~])?",
    ) {
        let stamp = "2026-11-26T10:00:00Z";
        let fields = |said: Message<'_>| {
            [said.host, said.app, said.process, Some(said.text)].map(|f| f.map(<[u8]>::to_vec))
        };
        let wanted = [&host, &app, &process, &text].map(|f| Some(f.clone().into_bytes()));
        for line in [
            format!("<{priority}>1 {stamp} {host} {app} {process} - - {text}"),
            format!("<{priority}>Nov  6 10:00:00 {host} {app}[{process}]: {text}\n"),
            format!("<{priority}>{stamp} {host} {app}[{process}]: {text}\0"),
        ] {
            let said = read(&line);
            assert_eq!(said.facility * 8 + said.severity, priority);
            assert_eq!(fields(said), wanted, "{line}");
        }
    }
}

/// Whether a peer is there. If not, the test is skipped aloud, and in CI it fails.
fn able(program: &str, args: &[&str]) -> bool {
    if Command::new(program).args(args).output().is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{program} is missing");
    eprintln!("SKIPPED: {program} is missing");
    false
}

/// What a program sends to us.
fn sent(program: &str, args: impl Fn(u16) -> Vec<String>) -> Vec<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let args = args(socket.local_addr().unwrap().port());
    let output = Command::new(program).args(&args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut bytes = vec![0; 9000];
    let length = socket.recv(&mut bytes).unwrap();
    bytes.truncate(length);
    bytes
}

#[test]
fn logger_of_util_linux_is_read_in_both_forms() {
    if !able("logger", &["--version"]) {
        return;
    }
    for form in ["--rfc3164", "--rfc5424"] {
        let bytes = sent("logger", |port| {
            let port = port.to_string();
            let args = ["-d", "-n", "127.0.0.1", "-P", &port, form, "-t", "d-i", "--id=77", "-p"];
            args.into_iter()
                .chain(["daemon.warning", "it went [wrong]: 5 €"])
                .map(str::to_owned)
                .collect()
        });
        let said = Message::parse(&bytes).unwrap();
        assert_eq!((said.facility, said.severity), (3, 4), "{form}");
        assert_eq!((said.app, said.process), (Some(&b"d-i"[..]), Some(&b"77"[..])), "{said:?}");
        assert!(said.stamp.is_some() && said.host.is_some(), "{said:?}");
        assert_eq!(said.text, "it went [wrong]: 5 €".as_bytes());
        assert_eq!(said.data.is_some(), form == "--rfc5424");
    }
}

#[test]
fn the_handler_of_python_is_read() {
    if !able("python3", &["--version"]) {
        return;
    }
    let script = "import logging, logging.handlers, sys\n\
                  h = logging.handlers.SysLogHandler(('127.0.0.1', int(sys.argv[1])), facility='local3')\n\
                  h.ident = sys.argv[2]\n\
                  l = logging.getLogger('x'); l.addHandler(h); l.error('disk sda: %d errors', 3)";
    for (ident, app) in [("", Some(&b"disk"[..])), ("curtin[9]: ", Some(&b"curtin"[..]))] {
        let bytes = sent("python3", |port| {
            ["-c", script, &port.to_string(), ident].map(str::to_owned).to_vec()
        });
        let said = Message::parse(&bytes).unwrap();
        assert_eq!((said.facility, said.severity), (19, 3));
        let all = String::from_utf8_lossy(said.text).into_owned();
        assert!(all.ends_with("sda: 3 errors"), "{all}");
        // `disk sda:` has a space in it, so it is no tag.
        assert_eq!(said.app, app.filter(|_| !ident.is_empty()));
    }
}
