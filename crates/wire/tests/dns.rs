//! DNS messages, read and written beside `hickory-proto`; and what is dropped, by name.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod dns_support;

use dns_support::walk;
use hickory_proto::op::{Edns, Message, Query as Theirs};
use hickory_proto::rr::{Name as TheirName, RData, RecordType};
use proptest::prelude::*;
use std::net::{Ipv4Addr, Ipv6Addr};
use wire::dns::{
    Act, Begin, Code, Data, Malformed, Name, Need, Query, Record, Reply, Soa, Update, Updated,
    begin_of, kind,
};

/// A question as another library writes it.
fn asked(name: &str, kind: u16, payload: Option<u16>) -> Vec<u8> {
    let mut message = Message::query();
    message.metadata.id = 0x1234;
    message.metadata.recursion_desired = true;
    message.add_query(Theirs::query(TheirName::from_ascii(name).unwrap(), RecordType::from(kind)));
    if let Some(payload) = payload {
        let mut edns = Edns::new();
        edns.set_max_payload(payload).set_dnssec_ok(true);
        message.set_edns(edns);
    }
    message.to_vec().unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

#[test]
fn a_question_of_another_library_is_read() {
    let bytes = asked("NoDe.lab.Example.", kind::AAAA, Some(4096));
    let query = Query::parse(&bytes).unwrap();
    assert_eq!((query.id, query.opcode, query.kind, query.class), (0x1234, 0, kind::AAAA, 1));
    assert_eq!(query.name, b"\x04NoDe\x03lab\x07Example", "as it was written (0x20)");
    assert!(query.recursion_desired && query.edns.unwrap().dnssec_ok);
    assert_eq!((query.edns.unwrap().payload, query.room()), (4096, 1232));
    let plain = asked("x.", kind::A, None);
    assert_eq!(Query::parse(&plain).unwrap().room(), 512);
}

/// A question with something changed.
fn dropped(change: impl Fn(&mut Vec<u8>)) -> Malformed {
    let mut bytes = asked("node.lab.example.", kind::A, Some(1232));
    change(&mut bytes);
    Query::parse(&bytes).unwrap_err()
}

#[test]
fn dropped_more_or_fewer_than_one_question() {
    for count in [0, 2, 255] {
        assert_eq!(dropped(|b| b[5] = count), Malformed::Questions);
    }
}

#[test]
fn dropped_an_answer_sent_as_a_question() {
    assert_eq!(dropped(|b| b[2] |= 0x80), Malformed::Response);
}

#[test]
fn dropped_a_compression_pointer_in_a_question_forward_backward_or_to_itself() {
    for pointer in [[0xc0, 12], [0xc0, 0], [0xff, 0xff], [0xc0, 17]] {
        assert_eq!(dropped(|b| b[12..14].copy_from_slice(&pointer)), Malformed::Name);
    }
    // The reserved label types (RFC 1035, 4.1.4).
    for reserved in [0x40, 0x80] {
        assert_eq!(dropped(|b| b[12] = reserved), Malformed::Name);
    }
}

#[test]
fn dropped_a_name_beyond_255_bytes() {
    let mut bytes = asked("x.", kind::A, None);
    let long = [&[1, b'a'].repeat(128)[..], &[0]].concat();
    bytes.splice(12..15, long);
    assert_eq!(Query::parse(&bytes), Err(Malformed::Name));
}

#[test]
fn dropped_whatever_is_cut_off_or_has_more_behind_it() {
    let bytes = asked("node.lab.example.", kind::A, Some(1232));
    for length in 0..bytes.len() {
        assert!(Query::parse(&bytes[..length]).is_err(), "{length}");
    }
    assert_eq!(dropped(|b| b.push(0)), Malformed::Trailing);
    assert_eq!(dropped(|b| b.resize(1025, 0)), Malformed::Long);
}

#[test]
fn dropped_records_in_a_question() {
    assert_eq!(dropped(|b| b[7] = 1), Malformed::Records);
    assert_eq!(dropped(|b| b[9] = 1), Malformed::Records);
    assert_eq!(dropped(|b| b[11] = 2), Malformed::Additional);
    // Not OPT but a signature (TSIG, 250).
    let opt = asked("node.lab.example.", kind::A, None).len();
    assert_eq!(dropped(|b| b[opt + 2] = 250), Malformed::Additional);
}

#[test]
fn dropped_an_opt_record_whose_options_do_not_tile_it() {
    let opt = asked("node.lab.example.", kind::A, None).len();
    let with = |options: &[u8]| {
        dropped(|b| {
            b[opt + 10] = options.len() as u8;
            b.extend(options);
        })
    };
    assert_eq!(with(&[0, 10, 0, 9, 1]), Malformed::Short);
    assert_eq!(with(&[0, 10, 0]), Malformed::Short);
}

#[test]
fn an_answer_is_what_another_library_reads() {
    let bytes = asked("WWW.lab.example.", kind::A, Some(4096));
    let query = Query::parse(&bytes).unwrap();
    let record = |of: &str, data| Record { name: name(of), ttl_s: 60, data };
    let soa = Soa {
        server: name("ns.lab.example"),
        mailbox: name("hostmaster.lab.example"),
        serial: 7,
        refresh_s: 1,
        retry_s: 2,
        expire_s: 3,
        minimum_s: 4,
    };
    let target = name("node.lab.example");
    let records = [
        record("www.lab.example", Data::Cname(target.clone())),
        record("node.lab.example", Data::A(Ipv4Addr::new(10, 77, 0, 9))),
        record("node.lab.example", Data::Aaaa(Ipv6Addr::LOCALHOST)),
        record("node.lab.example", Data::Txt(vec![b'y'; 256])),
        record("node.lab.example", Data::Txt(Vec::new())),
        record(
            "_x._tcp.lab.example",
            Data::Srv { priority: 1, weight: 2, port: 3, target: target.clone() },
        ),
        record("lab.example", Data::Mx(10, target.clone())),
        record("9.0.77.10.in-addr.arpa", Data::Ptr(target)),
        record("lab.example", Data::Ns(name("ns.lab.example"))),
        record("lab.example", Data::Soa(Box::new(soa))),
    ];
    let reply = Reply {
        authoritative: true,
        recursion_available: true,
        answers: records.iter().collect(),
        ..Reply::of(Code::NoError)
    };
    let written = query.reply(&reply, query.room());
    let read = Message::from_vec(&written).unwrap();
    assert!(read.metadata.authoritative && read.metadata.recursion_available);
    assert!(!read.metadata.truncation && read.metadata.id == 0x1234);
    assert_eq!(read.queries[0].name().to_string(), "WWW.lab.example.");
    assert_eq!(read.max_payload(), 1232);
    assert_eq!(read.answers.len(), records.len());
    for (theirs, ours) in read.answers.iter().zip(&records) {
        assert_eq!(u16::from(theirs.record_type()), ours.data.kind());
        assert_eq!(theirs.name.to_string().to_lowercase(), format!("{}.", ours.name));
        assert_eq!(theirs.ttl, 60);
    }
    let shown: Vec<String> = read.answers.iter().map(|record| record.data.to_string()).collect();
    assert_eq!(shown[0], "node.lab.example.");
    assert_eq!(shown[1], "10.77.0.9");
    assert_eq!(shown[5], "1 2 3 node.lab.example.");
    assert_eq!(shown[9], "ns.lab.example. hostmaster.lab.example. 7 1 2 3 4");
    let RData::TXT(text) = &read.answers[3].data else { panic!("{shown:?}") };
    assert_eq!(text.txt_data.iter().map(|piece| piece.len()).collect::<Vec<_>>(), [255, 1]);
    // www, lab and example stand in the question.
    assert!(written.len() < 700, "names are compressed: {}", written.len());
}

#[test]
fn what_does_not_fit_is_left_out_whole_and_tc_says_so() {
    let bytes = asked("many.lab.example.", kind::A, None);
    let query = Query::parse(&bytes).unwrap();
    let records: Vec<Record> = (0..200)
        .map(|n| Record {
            name: name("many.lab.example"),
            ttl_s: 60,
            data: Data::A(Ipv4Addr::new(10, 0, 0, n)),
        })
        .collect();
    let reply = Reply { answers: records.iter().collect(), ..Reply::of(Code::NoError) };
    let written = query.reply(&reply, query.room());
    let read = Message::from_vec(&written).unwrap();
    assert!(read.metadata.truncation && written.len() <= 512);
    assert_eq!(read.answers.len(), (512 - bytes.len()) / 16);
    let whole = query.reply(&reply, 65_535);
    let read = Message::from_vec(&whole).unwrap();
    assert!(!read.metadata.truncation && read.answers.len() == 200);
    let again = Message::from_vec(&query.truncated()).unwrap();
    assert!(again.metadata.truncation && again.answers.is_empty());
}

#[test]
fn a_code_of_more_than_four_bits_stands_in_opt() {
    let bytes = asked("x.", kind::A, Some(512));
    let query = Query::parse(&bytes).unwrap();
    let read = Message::from_vec(&query.reply(&Reply::of(Code::BadVers), 512)).unwrap();
    assert_eq!(u16::from(read.metadata.response_code), 16, "BADVERS");
}

#[test]
fn every_seed_of_the_fuzz_target_is_walked_and_cut_everywhere() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/dns");
    let (mut count, mut read) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        (0..=bytes.len()).for_each(|length| walk(&bytes[..length]));
        count += 1;
        read += usize::from(Query::parse(&bytes).is_ok());
    }
    // Those that are questions, and those that are none.
    assert!(count >= 20 && read >= 10 && read <= count - 8, "{count} files, {read} questions");
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        walk(&bytes);
    }

    #[test]
    fn any_change_of_a_question(
        labels in proptest::collection::vec("[a-zA-Z0-9_]{1,20}", 1..8),
        kind in any::<u16>(),
        payload in any::<Option<u16>>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        // OPT (41) of a question type is written by no library.
        prop_assume!(kind != 41);
        let text = format!("{}.", labels.join("."));
        let mut bytes = asked(&text, kind, payload);
        let query = Query::parse(&bytes).expect("what another library writes is read");
        prop_assert_eq!(query.kind, kind);
        prop_assert_eq!(
            Name::of_wire(query.name).unwrap().to_string(), labels.join(".").to_lowercase()
        );
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        walk(&bytes);
    }
}

/// What another library reads of an update: zone, prerequisites and changes, each of its class.
#[test]
fn another_library_reads_our_updates() {
    let node = || name("node.lab.example");
    let update = Update {
        zone: name("lab.example"),
        needs: vec![
            Need::Unused(node()),
            Need::Only(node(), Data::Dhcid([0, 0, 1, 7].into())),
            Need::Without(node(), kind::AAAA),
        ],
        acts: vec![
            Act::Add(node(), 300, Data::A(Ipv4Addr::new(10, 77, 0, 5))),
            Act::Remove(node(), Data::Aaaa("fd77::5".parse().unwrap())),
            Act::RemoveAll(node(), kind::PTR),
            Act::Add(name("5.0.77.10.in-addr.arpa"), 60, Data::Ptr(node())),
        ],
    };
    let message = Message::from_vec(&update.write(0x1234)).unwrap();
    assert_eq!(message.metadata.op_code, hickory_proto::op::OpCode::Update);
    assert_eq!(message.queries[0].name().to_ascii(), "lab.example.");
    let shown = |records: &[hickory_proto::rr::Record]| -> Vec<String> {
        let one = |r: &hickory_proto::rr::Record| {
            format!("{} {} {} {}", r.name, r.ttl, r.dns_class, kind::name(r.record_type().into()))
        };
        records.iter().map(one).collect()
    };
    assert_eq!(
        shown(&message.answers),
        [
            "node.lab.example. 0 NONE ANY",
            "node.lab.example. 0 IN DHCID",
            "node.lab.example. 0 NONE AAAA"
        ]
    );
    assert_eq!(
        shown(&message.authorities),
        [
            "node.lab.example. 300 IN A",
            "node.lab.example. 0 NONE AAAA",
            "node.lab.example. 0 ANY PTR",
            "5.0.77.10.in-addr.arpa. 60 IN PTR"
        ]
    );
}

/// What `named` 9.18 said to an update that it did.
const SIGNED: &str = "1de2a8000001000000000001036c6162076578616d706c6500000600010a626f6f747772696768740000fa00\
    ff00000000003d0b686d61632d7368613235360000006b08c798012c0020a77e921c77c46d2540d053fedeecd803756bfcaa7d63\
    c9d515a81d8718a17a0f1de200000000";

fn signed() -> Vec<u8> {
    let digits: Vec<u8> = SIGNED.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

#[test]
fn an_answer_to_an_update_is_read_with_its_signature_or_dropped() {
    let whole = signed();
    walk(&whole);
    let read = Updated::parse(&whole).unwrap();
    assert_eq!((read.id, read.code, read.cut), (0x1de2, 0, false));
    let received = read.tsig.unwrap();
    assert_eq!(received.fields.key, name("bootwright"));
    assert_eq!(received.fields.algorithm, name("hmac-sha256"));
    assert_eq!((received.fields.fudge_s, received.mac.len()), (300, 32));
    let broken = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole.clone();
        change(&mut bytes);
        Updated::parse(&bytes).unwrap_err()
    };
    assert_eq!(broken(&|b| b[2] &= 0x7f), Malformed::Response, "no answer");
    assert_eq!(broken(&|b| b[2] = 0x80), Malformed::Response, "to no update");
    assert_eq!(broken(&|b| b.push(0)), Malformed::Trailing);
    assert_eq!(broken(&|b| b.truncate(100)), Malformed::Short);
    assert_eq!(broken(&|b| b[48] = 1), Malformed::Additional, "a TTL");
    assert_eq!(broken(&|b| b.resize(5000, 0)), Malformed::Long);
    // A signature before the end, and a name that points at itself.
    assert_eq!(broken(&|b| b[9] = 1), Malformed::Additional);
    assert_eq!(broken(&|b| (b[29], b[30]) = (0xc0, 29)), Malformed::Name);
}

#[test]
fn a_question_for_the_begin_of_a_zone_is_one_and_who_has_it_says_so_of_himself() {
    let zone = name("lab.example");
    let bytes = begin_of(&zone, 0x1234);
    let query = Query::parse(&bytes).unwrap();
    assert_eq!((query.id, query.kind, query.recursion_desired), (0x1234, kind::SOA, false));
    assert_eq!(Name::of_wire(query.name), Some(zone.clone()));
    let record = Record { name: zone, ttl_s: 60, data: Data::A([10, 77, 0, 1].into()) };
    let said = |authoritative, answers: Vec<&Record>| {
        let reply = Reply { authoritative, answers, ..Reply::of(Code::NoError) };
        let bytes = query.reply(&reply, query.room());
        assert!(Updated::parse(&bytes).is_err(), "it is no answer to an update");
        let begin = Begin::parse(&bytes).unwrap();
        assert_eq!((begin.said.id, begin.said.code, &begin.said.tsig), (0x1234, 0, &None));
        begin.has_it
    };
    assert!(said(true, vec![&record]));
    assert!(!said(true, vec![]) && !said(false, vec![&record]));
    assert_eq!(Begin::parse(&bytes).unwrap_err(), Malformed::Response);
    assert_eq!(Begin::parse(&signed()).unwrap_err(), Malformed::Response, "to an update");
}
