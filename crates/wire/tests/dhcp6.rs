//! DHCPv6 as a server hears and says it (RFC 8415): what is dropped, what is never sent, and that
//! what is written is what is read.

#[path = "dhcp6_support/mod.rs"]
mod support;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use std::path::{Path, PathBuf};
use support::{edk2_solicit, ipxe_request, relays, seeds, walk};
use wire::dhcp6::duid::{DUID_MAX, OWN_DUID_MAX, of_mac};
use wire::dhcp6::{
    ASSOCIATIONS_MAX, Association, Given, Heard, Kind, Malformed, Message, Packet, Status, URL_MAX,
    Unsayable, enveloped, forwarded, status,
};

fn heard(packet: &Packet) -> Result<Heard, Malformed> {
    Heard::parse(&packet.encode().expect("a message that can be written"))
}

fn with_option(packet: &Packet, code: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = packet.encode().expect("a message that can be written");
    bytes.extend(code.to_be_bytes());
    bytes.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    bytes.extend(value);
    bytes
}

#[test]
fn firmware_and_ipxe_are_read_whole() {
    for packet in [edk2_solicit(), ipxe_request()] {
        let read = heard(&packet).unwrap();
        assert_eq!(read.packet, packet);
        assert!(read.relays.is_empty());
    }
}

#[test]
fn a_message_comes_out_of_its_relays_and_the_answer_goes_back_through_them() {
    for count in [1, 2, 8] {
        let bytes = forwarded(&relays(count), edk2_solicit().encode().unwrap());
        let read = Heard::parse(&bytes).unwrap();
        assert_eq!(read.relays, relays(count));
        assert_eq!(read.packet, edk2_solicit());
        let nearest = read.nearest_client().unwrap();
        assert_eq!((nearest.hops, nearest.link_layer.is_some()), (0, true));
        let answer = enveloped(&read.relays, vec![7, 1, 2, 3]);
        assert_eq!(answer.first(), Some(&13));
        assert!(answer.ends_with(&[0, 9, 0, 4, 7, 1, 2, 3]), "innermost: {answer:?}");
        // The relay knows the link-layer address; it goes only up.
        assert!(!answer.windows(4).any(|w| w == [0, 79, 0, 8]));
    }
}

#[test]
fn dropped_wrong_message_for_the_role() {
    for kind in [Kind::Advertise, Kind::Reply, Kind::Reconfigure] {
        let packet = Packet { server_id: Some(of_mac([2; 6])), ..edk2_solicit() };
        assert_eq!(heard(&Packet { kind, ..packet }), Err(Malformed::Role(kind.number())));
    }
    assert_eq!(Heard::parse(&[13; 60]), Err(Malformed::Kind(13)), "a relay's answer");
    assert_eq!(Heard::parse(&[36, 0, 0, 0]), Err(Malformed::Kind(36)));
}

#[test]
fn dropped_missing_or_duplicate_client_id() {
    for kind in [Kind::Solicit, Kind::Confirm, Kind::Rebind] {
        let packet = Packet { kind, client_id: None, ..edk2_solicit() };
        assert_eq!(heard(&packet), Err(Malformed::NoClientId), "{}", kind.name());
    }
    let twice = with_option(&edk2_solicit(), 1, &[0, 4, 1]);
    assert_eq!(Heard::parse(&twice), Err(Malformed::Twice(1)));
    // Who only asks for settings need not say who it is.
    let packet = Packet { associations: Vec::new(), client_id: None, ..edk2_solicit() };
    assert!(heard(&Packet { kind: Kind::InformationRequest, ..packet }).is_ok());
}

#[test]
fn dropped_duid_longer_than_130_bytes_or_of_no_kind() {
    let of = |length| Packet { client_id: Some(vec![1; length]), ..edk2_solicit() };
    assert!(heard(&of(DUID_MAX)).is_ok());
    for length in [0, 2, 131] {
        let anonymous = Packet { client_id: None, ..edk2_solicit() };
        let bytes = with_option(&anonymous, 1, &vec![1; length]);
        assert_eq!(Heard::parse(&bytes), Err(Malformed::Length(1)), "{length} bytes");
    }
}

#[test]
fn dropped_server_id_where_forbidden() {
    for kind in [Kind::Solicit, Kind::Confirm, Kind::Rebind] {
        let packet = Packet { kind, ..ipxe_request() };
        assert_eq!(heard(&packet), Err(Malformed::ServerId), "{}", kind.name());
    }
}

#[test]
fn dropped_server_id_absent_where_required() {
    for kind in [Kind::Request, Kind::Renew, Kind::Release, Kind::Decline] {
        let packet = Packet { kind, ..edk2_solicit() };
        assert_eq!(heard(&packet), Err(Malformed::NoServerId), "{}", kind.name());
    }
}

#[test]
fn dropped_relay_nesting_beyond_eight() {
    let bytes = forwarded(&relays(9), edk2_solicit().encode().unwrap());
    assert_eq!(Heard::parse(&bytes), Err(Malformed::TooManyRelays));
    let empty = [&[12, 0][..], &[0; 32]].concat();
    assert_eq!(Heard::parse(&empty), Err(Malformed::NoMessage));
    assert_eq!(Heard::parse(&empty[..33]), Err(Malformed::TooShort));
}

#[test]
fn dropped_option_lengths_that_do_not_tile_the_message() {
    let whole = edk2_solicit().encode().unwrap();
    let ends: Vec<usize> =
        (4..=whole.len()).filter(|n| Heard::parse(&whole[..*n]).is_ok()).collect();
    // Only where an option ends, and never before the identifier is whole.
    assert!(ends.len() <= 8 && ends.contains(&whole.len()), "{ends:?}");
    for end in 0..4 {
        assert_eq!(Heard::parse(&whole[..end]), Err(Malformed::TooShort));
    }
    let over = [&whole[..], &[0, 61, 0, 200, 0, 7]].concat();
    assert_eq!(Heard::parse(&over), Err(Malformed::Options));
}

#[test]
fn dropped_wrong_nesting_of_associations() {
    let address_alone = with_option(&edk2_solicit(), 5, &[0; 24]);
    assert_eq!(Heard::parse(&address_alone), Err(Malformed::Nesting(5)));
    let inner = [&[0; 12][..], &[0, 3, 0, 12], &[0; 12]].concat();
    assert_eq!(Heard::parse(&with_option(&edk2_solicit(), 3, &inner)), Err(Malformed::Nesting(3)));
    let short = with_option(&edk2_solicit(), 3, &[0; 11]);
    assert_eq!(Heard::parse(&short), Err(Malformed::Length(3)));
    let short = [&[0; 12][..], &[0, 5, 0, 23], &[0; 23]].concat();
    assert_eq!(Heard::parse(&with_option(&edk2_solicit(), 3, &short)), Err(Malformed::Length(5)));
    let relayed = with_option(&edk2_solicit(), 9, &[1, 0, 0, 0]);
    assert_eq!(Heard::parse(&relayed), Err(Malformed::Nesting(9)), "no relay wrote this");
    let asks = Packet { kind: Kind::InformationRequest, ..edk2_solicit() };
    assert_eq!(heard(&asks), Err(Malformed::Nesting(3)), "settings only (RFC 8415, 16.12)");
}

#[test]
fn dropped_more_than_sixteen_associations() {
    let of = |count| Packet { associations: vec![Association::default(); count], ..edk2_solicit() };
    assert!(heard(&of(ASSOCIATIONS_MAX)).is_ok());
    let more = with_option(&of(ASSOCIATIONS_MAX), 3, &[0; 12]);
    assert_eq!(Heard::parse(&more), Err(Malformed::TooManyAssociations));
}

/// What EDK2 before February 2024 fell over (CVE-2023-45229 to 45235, "PixieFAIL"), as far as it
/// stands in a DHCPv6 message: whatever is put into a packet, this never leaves.
mod never_sent {
    use super::*;

    fn advertise() -> Packet {
        Packet {
            kind: Kind::Advertise,
            server_id: Some(of_mac([2, 0, 0, 0, 0, 1])),
            wanted: Vec::new(),
            ..ipxe_request()
        }
    }

    #[test]
    fn a_server_id_that_overflows_its_buffer() {
        for kind in [Kind::Advertise, Kind::Reply] {
            let of = |length| Packet { server_id: Some(vec![0; length]), kind, ..advertise() };
            assert!(of(OWN_DUID_MAX).encode().is_ok());
            assert_eq!(of(OWN_DUID_MAX + 1).encode(), Err(Unsayable::Identifier));
            assert_eq!(of(2).encode(), Err(Unsayable::Identifier));
        }
    }

    #[test]
    fn an_association_shorter_than_its_head() {
        let empty = Packet { associations: vec![Association::default()], ..advertise() };
        for packet in [advertise(), empty] {
            let message = Message::parse(&packet.encode().unwrap()).unwrap();
            assert!(message.get(3).is_some_and(|value| value.len() >= 12), "{packet:?}");
        }
    }

    #[test]
    fn dns_servers_that_are_no_whole_number_of_addresses_or_too_many() {
        let of = |count| Packet { dns: vec!["fd77::53".parse().unwrap(); count], ..advertise() };
        let with = of(2).encode().unwrap();
        assert!(with.windows(4).any(|w| w == [0, 23, 0, 32]));
        assert_eq!(of(9).encode(), Err(Unsayable::TooMany("DNS servers")));
        let without = of(0).encode().unwrap();
        assert!(!without.windows(2).any(|w| w == [0, 23]), "no empty list either");
    }

    #[test]
    fn a_url_that_is_too_long_or_no_ascii() {
        let of = |url: Vec<u8>| Packet { boot_url: Some(url), ..advertise() };
        assert!(of(vec![b'u'; URL_MAX]).encode().is_ok());
        for url in [vec![b'u'; URL_MAX + 1], vec![], b"tftp://x/\0".to_vec(), vec![0xc3, 0xa4]] {
            let length = url.len();
            assert_eq!(of(url).encode(), Err(Unsayable::Url(length)));
        }
    }

    #[test]
    fn a_message_that_needs_fragments() {
        let given = Given { address: "fd77::1".parse().unwrap(), preferred_s: 1, valid_s: 1 };
        let many = Association { addresses: vec![given; 16], ..Association::default() };
        let packet = Packet { associations: vec![many; 16], ..advertise() };
        assert!(matches!(packet.encode(), Err(Unsayable::TooLong(_))));
    }
}

fn text(most: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..most)
}

fn a_status() -> impl Strategy<Value = Option<Status>> {
    let any_status = (any::<u16>(), vec(any::<u8>(), 0..40));
    prop_oneof![Just(None), any_status.prop_map(|(code, text)| Some(Status { code, text }))]
}

fn an_association() -> impl Strategy<Value = Association> {
    let given = (any::<u128>(), any::<u32>(), any::<u32>());
    (any::<u32>(), any::<u32>(), any::<u32>(), vec(given, 0..4), a_status()).prop_map(
        |(iaid, renew_s, rebind_s, addresses, status)| {
            let given = |(address, preferred_s, valid_s): (u128, u32, u32)| Given {
                address: address.into(),
                preferred_s,
                valid_s,
            };
            let addresses = addresses.into_iter().map(given).collect();
            Association { iaid, renew_s, rebind_s, addresses, status }
        },
    )
}

fn a_packet() -> impl Strategy<Value = Packet> {
    let ids = (vec(any::<u8>(), 3..20), vec(any::<u8>(), 3..20));
    let head = (0..Kind::ALL.len(), any::<[u8; 3]>(), ids);
    let lists = (
        vec(an_association(), 0..3),
        vec(any::<u16>(), 0..8),
        vec(text(20), 0..3),
        vec((any::<u32>(), vec(text(30), 1..3)), 0..2),
        vec(any::<u128>(), 0..4),
        vec(any::<u16>(), 0..4),
        vec("[a-z]{1,9}(\\.[a-z]{1,9}){0,3}", 0..3),
    );
    let rest = (
        any::<Option<u8>>(),
        any::<Option<u16>>(),
        a_status(),
        any::<bool>(),
        "[!-~]{0,60}",
        any::<Option<[u8; 3]>>(),
    );
    (head, lists, rest).prop_map(|((kind, xid, (client, server)), lists, rest)| {
        let (associations, wanted, user_classes, vendor_classes, dns, archs, domains) = lists;
        let (preference, elapsed, status, rapid_commit, url, ndi) = rest;
        Packet {
            client_id: Some(client),
            server_id: Some(server),
            name: domains.first().map(|name| name.as_bytes().to_vec()),
            dns: dns.into_iter().map(Into::into).collect(),
            boot_url: (!url.is_empty()).then(|| url.into_bytes()),
            associations,
            wanted,
            preference,
            elapsed,
            status,
            rapid_commit,
            user_classes,
            vendor_classes,
            domains,
            archs,
            ndi,
            ..Packet::new(Kind::ALL[kind], xid)
        }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_read(packet in a_packet()) {
        if let Ok(bytes) = packet.encode() {
            assert_eq!(Packet::parse(&bytes), Ok(packet));
            walk(&bytes);
        }
    }

    #[test]
    fn any_bytes_and_any_envelope_are_survived(
        kind in 1_u8..14,
        bytes in vec(any::<u8>(), 0..600),
        packet in a_packet(),
        count in 0_u8..10,
        flips in vec((any::<u16>(), any::<u8>()), 0..4),
    ) {
        walk(&bytes);
        walk(&[&[kind, 0, 0, 0][..], &bytes].concat());
        let Ok(inner) = packet.encode() else { return Ok(()) };
        let mut bytes = forwarded(&relays(count), inner);
        for (at, bit) in flips {
            let at = usize::from(at) % bytes.len();
            bytes[at] ^= bit;
        }
        walk(&bytes);
    }
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/dhcp6")
}

#[test]
fn every_corpus_file_is_walked_and_the_seeds_are_among_them() {
    for (name, bytes) in seeds() {
        let kept = std::fs::read(corpus().join(name)).unwrap_or_default();
        assert!(kept == bytes, "{name} is stale: run the ignored test `write_the_seeds`");
    }
    for entry in std::fs::read_dir(corpus()).expect("the corpus is in the repository") {
        let path = entry.expect("a readable directory").path();
        walk(&std::fs::read(path).expect("a readable file"));
    }
}

#[test]
#[ignore = "writes into the repository"]
fn write_the_seeds() {
    for (name, bytes) in seeds() {
        std::fs::write(corpus().join(name), bytes).expect("a place to write to");
    }
}

#[test]
fn statuses_have_the_numbers_of_the_rfc() {
    let said = [status::SUCCESS, status::NO_ADDRESSES, status::NO_BINDING, status::NOT_ON_LINK];
    assert_eq!((said, status::USE_MULTICAST), ([0, 2, 3, 4], 5));
}
