//! Any packets and any reports: nothing in them may stop the program or make it grow.

mod support;

use capture::{LinkType, Packet};
use engine::record::{Exchange, File, Given, Part, Recorded, Says};
use engine::{Engine, Now};
use model::event::Carrier;
use model::{Change, HardwareAddress, Machine};
use proptest::prelude::any;
use proptest::{collection, prop_assert, proptest, sample};
use replay::{Replay, Report};
use serde_json::{Value, json};
use std::path::Path;
use support::walk::{settings, shown, walk};
use wire::dhcp4::{Message as Dhcp, MessageType, code};

const MAC: [u8; 6] = [0x52, 0x54, 0, 0, 0, 1];
const START_MS: u64 = 1_700_000_000_000;

fn discover() -> Vec<u8> {
    let mut message = Dhcp::request(MAC, 7);
    message.options.push(code::MESSAGE_TYPE, [MessageType::Discover.number()]);
    message.options.push(code::VENDOR_CLASS, b"PXEClient:Arch:00007:UNDI:003000".to_vec());
    message.options.push(code::CLIENT_ARCH, [0, 7]);
    message.encode(usize::MAX).unwrap()
}

/// A frame around a datagram: what is above IP is any bytes.
fn datagram(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let from = std::net::SocketAddrV4::new([10, 0, 0, 9].into(), ports.0);
    let to = std::net::SocketAddrV4::new([10, 0, 0, 1].into(), ports.1);
    let ip = wire::udp4::encode(from, to, 1, payload).unwrap();
    [&[0xff; 6], &MAC[..], &[8, 0], &ip].concat()
}

fn segment(number: u32, flags: u8, back: bool, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(40 + payload.len()).unwrap().to_be_bytes();
    let (client, server) = ([10, 0, 0, 9], [10, 0, 0, 1]);
    let (from, to) = if back { (server, client) } else { (client, server) };
    let ports: [u8; 4] = if back { [0, 80, 0x9c, 0x40] } else { [0x9c, 0x40, 0, 80] };
    [
        &[0xff; 6],
        &MAC[..],
        &[8, 0, 0x45, 0],
        &length,
        &[0, 1, 0, 0, 64, 6, 0, 0],
        &from,
        &to,
        &ports,
        &number.to_be_bytes(),
        &[0, 0, 0, 0, 0x50, flags, 255, 255, 0, 0, 0, 0],
        payload,
    ]
    .concat()
}

fn replayed(frames: impl IntoIterator<Item = Vec<u8>>) -> replay::Replayed {
    let mut replay = Replay::new(Engine::new(settings()));
    for (n, bytes) in frames.into_iter().enumerate() {
        let packet = Packet {
            at_ns: (START_MS + n as u64) * 1_000_000,
            interface: 0,
            link: LinkType::Ethernet,
            wire_len: u32::try_from(bytes.len()).unwrap(),
            bytes,
            comments: Vec::new(),
        };
        replay.packet(&packet, Some("lan"));
    }
    let replayed = replay.finish();
    shown(&replayed);
    replayed
}

#[test]
fn a_window_that_was_captured_joined_is_cut_apart() {
    let server = |payload: &[u8]| {
        let from = std::net::SocketAddrV4::new([10, 0, 0, 1].into(), 40_001);
        let to = std::net::SocketAddrV4::new([10, 0, 0, 9].into(), 2000);
        let ip = wire::udp4::encode(from, to, 1, payload).unwrap();
        [&MAC[..], &[0xff; 6], &[8, 0], &ip].concat()
    };
    let block = |n: u8, size: usize| [&[0, 3, 0, n][..], &vec![n; size]].concat();
    let replayed = replayed([
        datagram((2000, 69), b"\0\x01file\0octet\0blksize\x001468\0windowsize\x004\0"),
        server(b"\0\x06blksize\x001468\0windowsize\x004\0"),
        server(&[block(1, 1468), block(2, 1468), block(3, 1468), block(4, 1468)].concat()),
        server(&[block(5, 1468), block(6, 10)].concat()),
    ]);
    let [entry] = &replayed.entries[..] else { panic!("{replayed}") };
    assert_eq!(entry.theirs[0].says, format!("a file of {} bytes", 5 * 1468 + 10), "{replayed}");
}

fn report() -> Report {
    let mut engine = Engine::new(settings());
    let machine = HardwareAddress::mac(MAC);
    let mut known = Machine::new(machine, Now(START_MS));
    known.settings.insert("root_password".to_owned(), "hunter2".into());
    known.notes = "the key is under the mat".to_owned();
    engine.apply(&Change::Machine(known));
    let before = engine.facts_of(&machine);
    let at = Now(START_MS + 5);
    let datagram = engine::Datagram {
        link: "lan".to_owned(),
        from: "0.0.0.0:68".parse().unwrap(),
        to: [255; 4].into(),
        port: 67,
        bytes: discover(),
    };
    let told = engine.dhcp(at, &datagram);
    let dhcp = Recorded::dhcp(at, &datagram, &told.answer);
    let file = File {
        by: Carrier::Http,
        name: "boot.ipxe".to_owned(),
        from: "10.0.0.100:40000".parse().unwrap(),
        at: "10.0.0.1:80".parse().unwrap(),
        says: Says::default(),
        neighbour: Some(machine),
        agent: None,
        head_only: false,
        withheld: false,
        given: Given::Text { text: "#!ipxe\n".to_owned(), size: 7 },
    };
    let file = Recorded { at, link: "lan".to_owned(), what: Exchange::File(Box::new(file)) };
    let part = Part { before, exchanges: vec![dhcp, file], left_out: 0 };
    Report::new(&engine, (at, "1"), machine, vec![part], told.events)
}

#[test]
fn what_templates_and_operators_are_told_is_in_no_report() {
    let text = serde_json::to_string(&report()).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("mat"), "{text}");
    let replayed = Report::read(&text).unwrap().replay();
    assert_eq!(replayed.entries.len(), 2);
    assert_eq!(replayed.entries[0].verdict, replay::Verdict::Same, "{replayed}");
    assert_eq!(replayed.entries[1].verdict, replay::Verdict::Differs, "{replayed}");
}

#[test]
fn every_corpus_file_is_walked() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut walked = 0;
    for folder in ["capture", "replay"] {
        for entry in std::fs::read_dir(corpus.join(folder)).unwrap() {
            walk(&std::fs::read(entry.unwrap().path()).unwrap());
            walked += 1;
        }
    }
    assert!(walked >= 4, "only {walked} files");
    let kept = std::fs::read_to_string(corpus.join("replay/one.report.json")).unwrap();
    // A form that is out is read for good, or has another number.
    assert_eq!(Report::read(&kept).unwrap().replay().entries.len(), 2);
}

#[test]
#[ignore = "writes the corpus file anew"]
fn write_the_seed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/replay");
    let text = serde_json::to_string_pretty(&report()).unwrap();
    std::fs::write(folder.join("one.report.json"), text).unwrap();
}

#[test]
fn another_form_and_what_no_configuration_has_are_refused() {
    let whole = serde_json::to_value(report()).unwrap();
    let refused = |path: &str, value: Value, says: &str| {
        let mut other = whole.clone();
        *other.pointer_mut(path).unwrap() = value;
        let why = Report::read(&other.to_string()).unwrap_err();
        assert!(why.contains(says), "{why}");
    };
    refused("/form", json!("bootwright report 2"), "it says it is `bootwright report 2`");
    refused("/form", json!(2), "no report");
    refused("/settings/networks/0/subnet/prefix", json!(200), "has no subnet");
    refused("/settings/networks/0/subnet/address", json!("10.0.0.9"), "has no subnet");
    refused("/settings/networks/0/pools/0/last", json!("10.0.0.1"), "pools that are none");
    refused("/settings/networks/0/pools/0/last", json!("255.255.255.255"), "of more than");
    refused("/settings/networks/0/lease/secs", json!(u64::MAX), "times that no configuration has");
    refused("/parts/0/exchanges/0/at", json!(u64::MAX), "the year 9999");
    assert!(Report::read("").is_err() && Report::read("[]").is_err());
}

/// Puts another value in the place of the n-th of a tree; says whether there was one.
fn replace(value: &mut Value, n: &mut usize, new: &Value) -> bool {
    if *n == 0 {
        *value = new.clone();
        return true;
    }
    *n -= 1;
    match value {
        Value::Array(all) => all.iter_mut().any(|one| replace(one, n, new)),
        Value::Object(all) => all.values_mut().any(|one| replace(one, n, new)),
        _ => false,
    }
}

proptest! {
    #[test]
    fn any_datagrams_are_answered_or_left_out(
        datagrams in collection::vec(
            (sample::select(vec![67_u16, 68, 69, 4011, 40_000, 53]), collection::vec(any::<u8>(), 0..600)),
            0..20,
        ),
        cut in any::<(usize, u8)>(),
    ) {
        let mut bent = discover();
        let at = cut.0 % bent.len();
        bent[at] = cut.1;
        let known = [discover(), bent].map(|bytes| datagram((68, 67), &bytes));
        let frames = datagrams.iter().map(|(port, bytes)| datagram((*port, *port), bytes));
        let replayed = replayed(known.into_iter().chain(frames));
        prop_assert!(!replayed.entries.is_empty());
    }

    #[test]
    fn any_streams_are_followed_or_left_alone(
        pieces in collection::vec((any::<u16>(), any::<bool>(), collection::vec(any::<u8>(), 0..300)), 0..20),
        head in sample::select(vec![
            "GET /boot.ipxe HTTP/1.1\r\n\r\n", "POST /x HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
            "GET /%zz HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\n", "HEAD * HTTP/1.1\r\n\r\n",
        ]),
        answer in sample::select(vec![
            "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nx",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\n\r\n", "HTTP/1.1 999999 \r\n\r\n", "\x1b[2J",
        ]),
    ) {
        let whole = [
            segment(0, 2, false, &[]), segment(1, 16, false, head.as_bytes()),
            segment(0, 2, true, &[]), segment(1, 16, true, answer.as_bytes()),
        ];
        let more = pieces.iter().map(|(number, back, bytes)| segment(u32::from(*number), 16, *back, bytes));
        replayed(whole.into_iter().chain(more));
    }

    #[test]
    fn any_frames_are_read_or_left_alone(
        frames in collection::vec(collection::vec(any::<u8>(), 0..120), 0..20),
    ) {
        replayed(frames);
    }

    #[test]
    fn a_report_that_was_bent_is_refused_or_decided(
        place in any::<usize>(),
        new in sample::select(vec![
            json!(null), json!(0), json!(-1), json!(u64::MAX), json!(""), json!("\u{1b}[2J"), json!("10.0.0.1"),
            json!([]), json!({}), json!("ffffffff"), json!(true), json!("0.0.0.0:0"), json!("*"),
        ]),
        message in collection::vec(any::<u8>(), 0..400),
    ) {
        let mut bent = report();
        let Exchange::Dhcp(dhcp) = &mut bent.parts[0].exchanges[0].what else { unreachable!() };
        let at = message.len() % dhcp.asked.0.len();
        let end = (at + message.len()).min(dhcp.asked.0.len());
        dhcp.asked.0[at..end].copy_from_slice(&message[..end - at]);
        let mut value = serde_json::to_value(&bent).unwrap();
        let places = 1 + value.to_string().matches([',', ':']).count();
        let mut n = place % places;
        replace(&mut value, &mut n, &new);
        walk(value.to_string().as_bytes());
    }
}
