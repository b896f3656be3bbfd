//! Messages and answers as BIND 9.18 and its `nsupdate` wrote them.

use super::super::signature::Signed;
use super::*;
use crate::Engine;
use crate::names::{Facts, Holding, Names, Place, Prefix, Rules};
use model::HardwareAddress;
use model::address::hex;

/// `AAECAwQF…`: the bytes 0 to 31.
fn key(secret: &str) -> Key {
    Key {
        name: name("bootwright"),
        algorithm: Algorithm::Sha256,
        secret: Secret::of_base64(secret).unwrap(),
    }
}

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHgA=";
/// When they were signed.
const AT_S: u64 = 0x6b08_c798;

/// An update that `nsupdate` signed: a name that is unused becomes one with an address and a DHCID.
const ASKED: &str = "1de228000001000100020000036c6162076578616d706c650000060001046e6f6465c00c00ff00fe0000\
    00000000c01d000100010000012c00040a4d0005c01d003100010000012c0023000001c4b9a5b249651343158dde7bcc771698\
    41f7a4243a572b5c283fffedeb3f75e6";
const CODE: &str = "b55b5cae65152f7dab7030dde1f4e9623dfac7ca93c0df65da2567199e3e6c4a";
/// What `named` said to it.
const ANSWERED: &str = "1de2a8000001000000000001036c6162076578616d706c6500000600010a626f6f747772696768740000\
    fa00ff00000000003d0b686d61632d7368613235360000006b08c798012c0020a77e921c77c46d2540d053fedeecd803756bfc\
    aa7d63c9d515a81d8718a17a0f1de200000000";
/// What it said to a key that it does not know, and to another secret.
const BAD_KEY: &str = "cd1ca8090001000000000001036c6162076578616d706c650000060001056f746865720000fa00ff0000\
    0000001d0b686d61632d7368613235360000006b08c798012c0000cd1c00110000";
const BAD_SIG: &str = "dd70a8090001000000000001036c6162076578616d706c6500000600010a626f6f747772696768740000\
    fa00ff00000000001d0b686d61632d7368613235360000006b08c798012c0000dd7000100000";

/// A signed question of `dig` for the begin of a zone, and what `named` said to it, to one of a name in that
/// zone, and to one of a zone that it does not have.
const BEGIN: [&str; 2] = [
    "5a9600000001000000000001036c6162076578616d706c6500000600010a626f6f747772696768740000fa00ff0000000000\
    3d0b686d61632d7368613235360000006b090378012c0020539b1f5c0651ff3a0770a49ef7af4cdb017cbd79b8fc6e028ba0\
    1a04ebbc0e105a9600000000",
    "5a9684000001000100010002036c6162076578616d706c650000060001c00c000600010000012c0026026e73c00c0a686f73\
    746d6173746572c00c0000000100000e10000002580001518000000001c00c000200010000012c0002c029c0290001000100\
    00012c00040a4d00020a626f6f747772696768740000fa00ff00000000003d0b686d61632d7368613235360000006b090378\
    012c0020dde6ad6f32442392e23dad95506a510352804c38ee6cb7d19e2019e13bc1cf115a9600000000",
];
const BEGIN_BELOW: [&str; 2] = [
    "7642000000010000000000010178036c6162076578616d706c6500000600010a626f6f747772696768740000fa00ff000000\
    00003d0b686d61632d7368613235360000006b090378012c002024b57e6f6404920dcf944ae6ab82a3d7914079595619b2b0\
    f15280a0327add92764200000000",
    "7642840300010000000100010178036c6162076578616d706c650000060001c00e00060001000000000026026e73c00e0a68\
    6f73746d6173746572c00e0000000100000e100000025800015180000000010a626f6f747772696768740000fa00ff000000\
    00003d0b686d61632d7368613235360000006b090378012c00208a43e2bc195f22e227ee171b0108528c8b13b168cc8ddcb0\
    5ebea87cbb44b208764200000000",
];
const BEGIN_ELSEWHERE: [&str; 2] = [
    "680b00000001000000000001056f74686572076578616d706c6500000600010a626f6f747772696768740000fa00ff000000\
    00003d0b686d61632d7368613235360000006b090378012c0020ce8b191ee893dcc7753f7d32d260b89097bf773fc649342d\
    f9e876af212d8bae680b00000000",
    "680b80050001000000000001056f74686572076578616d706c6500000600010a626f6f747772696768740000fa00ff000000\
    00003d0b686d61632d7368613235360000006b090378012c0020983d3f0edcdd68a641b00eae886c4966ef644ea5f975b88b\
    01051427d9ea1071680b00000000",
];
/// When `dig` signed them.
const BEGIN_AT_S: u64 = 0x6b09_0378;

fn bytes(text: &str) -> Vec<u8> {
    hex(&text.replace(char::is_whitespace, "")).unwrap()
}

fn asked() -> Signed {
    key(SECRET).sign(0x1de2, bytes(ASKED), AT_S)
}

#[test]
fn we_sign_as_nsupdate_does_and_believe_what_named_signed() {
    let signed = asked();
    let code = bytes(CODE);
    assert!(signed.bytes.windows(code.len()).any(|part| part == code), "the code of nsupdate");
    assert_eq!(signed.bytes[10..12], [0, 1], "one additional record");
    assert_eq!(read(&key(SECRET), &signed, &bytes(ANSWERED)), Heard::Said(code::NO_ERROR));
}

#[test]
fn an_answer_counts_only_as_it_was_signed_and_to_the_message_that_was_sent() {
    let (signed, whole) = (asked(), bytes(ANSWERED));
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut forged = whole.clone();
            forged[at] ^= 1 << bit;
            // The names of key and algorithm are the same in either case (RFC 8945, 4.3.3).
            let named = (29..41).contains(&at) || (51..64).contains(&at);
            let same = named && forged.eq_ignore_ascii_case(&whole);
            let heard = read(&key(SECRET), &signed, &forged);
            assert_eq!(heard == Heard::Said(code::NO_ERROR), same, "{at} {bit} {heard:?}");
            assert!(!matches!(heard, Heard::Said(_)) || same, "{at} {bit} {heard:?}");
        }
    }
    for length in 0..whole.len() {
        assert_eq!(read(&key(SECRET), &signed, &whole[..length]), Heard::Other);
    }
    let later = key(SECRET).sign(0x1de2, bytes(ASKED), AT_S + 1);
    assert_eq!(read(&key(SECRET), &later, &whole), Heard::Doubtful(Failure::Forged));
    assert_eq!(read(&key(OTHER), &signed, &whole), Heard::Doubtful(Failure::Forged));
    // Without its signature it says nothing that counts.
    let mut bare = whole[..29].to_vec();
    bare[11] = 0;
    assert_eq!(read(&key(SECRET), &signed, &bare), Heard::Doubtful(Failure::Unsigned(0)));
}

#[test]
fn what_is_wrong_with_a_key_is_said_with_what_to_do() {
    let of = |id, text: &str| {
        read(&key(SECRET), &key(SECRET).sign(id, bytes(ASKED), AT_S), &bytes(text))
    };
    assert_eq!(of(0xcd1c, BAD_KEY), Heard::Doubtful(Failure::BadKey));
    assert_eq!(of(0xdd70, BAD_SIG), Heard::Doubtful(Failure::BadSig));
    assert_eq!(of(0xdd71, BAD_SIG), Heard::Other, "to another message");
    let late = Failure::BadTime(Some(-4000)).to_string();
    assert_eq!(late, "its clock is 4000 s behind ours (BADTIME)");
    for failure in [Failure::BadKey, Failure::BadSig, Failure::Code(5), Failure::Unsigned(9)] {
        assert!(!failure.hint().is_empty() && !failure.to_string().is_empty());
    }
}

#[test]
fn whether_a_server_has_a_zone_is_asked_as_dig_does_and_read_as_named_says_it() {
    let of = |zone: &str, id: u16, [asked, said]: [&str; 2]| {
        let signed = ask_for(&key(SECRET), &name(zone), id, BEGIN_AT_S);
        assert_eq!(signed.bytes, bytes(asked), "{zone}");
        (signed.clone(), read_zone(&key(SECRET), &signed, &bytes(said)))
    };
    let (signed, has_it) = of("lab.example", 0x5a96, BEGIN);
    assert_eq!(has_it, Heard::Said(code::NO_ERROR));
    let no = Heard::Failed(Failure::NoZone);
    assert_eq!(of("x.lab.example", 0x7642, BEGIN_BELOW).1, no);
    assert_eq!(of("other.example", 0x680b, BEGIN_ELSEWHERE).1, no);
    assert!(Failure::NoZone.hint().contains("primary server of the zone"));
    // Neither kind of answer is taken for the other, and no change of this one for it.
    assert_eq!(read(&key(SECRET), &signed, &bytes(BEGIN[1])), Heard::Other);
    assert_eq!(read_zone(&key(SECRET), &asked(), &bytes(ANSWERED)), Heard::Other);
    assert_eq!(read_zone(&key(OTHER), &signed, &bytes(BEGIN[1])), Heard::Doubtful(Failure::Forged));
    // From what somebody else told it (no AA) it does not say that it has the zone.
    let mut told = bytes(BEGIN[1]);
    told[2] &= !4;
    assert_ne!(read_zone(&key(SECRET), &signed, &told), has_it);
}

#[test]
fn secrets_are_read_as_tools_write_them_and_never_shown() {
    assert_eq!(Secret::of_base64(SECRET).map(|secret| secret.bytes()), Some(32));
    assert_eq!(Secret::of_base64("QUI=").map(|secret| secret.bytes()), Some(2));
    for wrong in ["", "====", "QUI", "QU I=", "QUJ=", "Q===", "äöü="] {
        assert_eq!(Secret::of_base64(wrong), None, "{wrong}");
    }
    assert_eq!(format!("{:?}", Secret::of_base64(SECRET).unwrap()), "Secret(..)");
    assert!(!format!("{:?}", key(SECRET)).contains("AAEC"));
}

#[test]
fn files_of_other_tools_for_keys_are_read() {
    let bind =
        format!("key \"bootwright\" {{\n\talgorithm hmac-sha256;\n\tsecret \"{SECRET}\";\n}};\n");
    let knot = format!(
        "# hmac-sha256:bootwright:{SECRET}\nkey:\n- id: bootwright\n  algorithm: hmac-sha256\n  \
         secret: {SECRET}\n"
    );
    for text in [bind, knot] {
        let read = KeyFile::parse(&text).unwrap();
        assert_eq!(read.name, Some(name("bootwright")), "{text}");
        assert_eq!(read.algorithm.as_deref(), Some("hmac-sha256"), "{text}");
        assert_eq!(Some(read.secret), Secret::of_base64(SECRET), "{text}");
    }
    let alone = KeyFile::parse(&format!("{SECRET}\n")).unwrap();
    assert_eq!((alone.name, alone.algorithm), (None, None));
    for wrong in ["", "secret", "secret \"x\"", "key bootwright", "# secret AAAA"] {
        assert_eq!(KeyFile::parse(wrong), None, "{wrong}");
    }
}

fn holding(address: &str, hardware: Option<u8>, said: Option<&str>) -> Holding {
    Holding {
        address: address.parse().unwrap(),
        hardware: hardware.map(|n| HardwareAddress::mac([0x52, 0x54, 0, 0, 0, n])),
        duid: Some(vec![0, 4, hardware.unwrap_or(9)]),
        since: Now(1),
        until: Some(Now(9000)),
        reserved: false,
        reserved_name: None,
        machine_name: None,
        said: said.map(str::to_owned),
    }
}

#[test]
fn names_of_machines_are_wanted_with_their_addresses_and_back() {
    let place = |subnet: Prefix, server: &str| Place {
        interface: "lan".to_owned(),
        subnet,
        server: server.parse().unwrap(),
        domain: Some("lab.example".to_owned()),
    };
    let facts = Facts {
        at: Now(5),
        server: "boot".to_owned(),
        places: vec![
            place(Prefix::V4("10.77.0.0/24".parse().unwrap()), "10.77.0.1"),
            place(Prefix::V6("fd77::/64".parse().unwrap()), "fd77::1"),
        ],
        holdings: vec![
            holding("10.77.0.5", Some(1), Some("node")),
            holding("fd77::5", Some(1), Some("node")),
            // Another one of the same name, and one without.
            holding("10.77.0.6", Some(2), Some("node")),
            holding("10.77.0.7", Some(3), None),
        ],
        records: Vec::new(),
    };
    let rules = Rules { interfaces: vec!["lan".to_owned()], ..Rules::default() };
    let names = Names::of(&facts, &rules, None);
    let wanted = Wanted::of(&names, &facts, Now(5));
    let hosts: Vec<&Name> = wanted.names.keys().filter(|n| n.is_within(&name("example"))).collect();
    assert_eq!(hosts, [&name("node.lab.example")]);
    let node = &wanted.names[&name("node.lab.example")];
    assert_eq!(node.addresses.len(), 2);
    assert_eq!(node.dhcid.len(), 70, "35 bytes: {}", node.dhcid);
    let back = &wanted.names[&name("5.0.77.10.in-addr.arpa")];
    assert_eq!((back.pointers.len(), &back.dhcid), (1, &node.dhcid));
    assert_eq!(wanted.names.len(), 3, "{wanted:?}");
    assert_eq!(wanted.until, Some(Now(9000)));
    assert!(Wanted::of(&names, &facts, Now(9000)).names.is_empty(), "they end by themselves");
    let (below, left_out) = wanted.within(&name("77.10.in-addr.arpa"), &[]);
    assert_eq!((below.len(), left_out), (1, 0));
    assert!(wanted.within(&name("example"), &[name("lab.example")]).0.is_empty());
}

#[test]
fn what_was_put_down_is_known_after_a_restart() {
    let at = model::dns::PublishedAt {
        server: server(),
        zone: "lab.example".to_owned(),
        name: "node.lab.example".to_owned(),
    };
    assert_eq!(at.to_string().parse(), Ok(at.clone()));
    for wrong in ["", "192.0.2.1:53 lab.example", "x lab.example n", "192.0.2.1:53 a b c"] {
        assert!(wrong.parse::<model::dns::PublishedAt>().is_err(), "{wrong}");
    }
    let mut engine: Engine = crate::names::tests::lab();
    let what = node(1, &["10.77.0.5"]);
    engine.apply(&model::Change::Published(at.clone(), Some(what.clone())));
    assert_eq!(engine.published().collect::<Vec<_>>(), [(&at, &what)]);
    engine.apply(&model::Change::Published(at, None));
    assert_eq!(engine.published().count(), 0);
}
