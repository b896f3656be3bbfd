//! DHCPv6 of a capture: another server's answers beside ours, through relays, and in whose place we answer.

mod support;

use capture::{LinkType, Packet as Captured};
use engine::record::{Exchange, Hex, Message6, Part, Recorded, Sent6};
use engine::state::Settings;
use engine::{Answer, Datagram6, Engine, Now};
use model::{HardwareAddress, Network6};
use proptest::prelude::any;
use proptest::{collection, prop_assert, proptest, sample};
use replay::deduce::Seen;
use replay::{Replay, Replayed, Report, Verdict};
use std::net::{Ipv6Addr, SocketAddrV6};
use wire::dhcp6::{
    ALL_SERVERS, Association, CLIENT_PORT, Envelope, Kind, Packet, SERVER_PORT, code, duid,
    forwarded, unwrapped,
};

const CARD: [u8; 6] = [0x52, 0x54, 0, 0, 0, 1];
const RELAY: Ipv6Addr = Ipv6Addr::new(0xfd80, 0, 0, 0, 0, 0, 0, 1);
/// Behind the epoch of captures.
const START_MS: u64 = 1_700_000_000_000;

fn settings() -> Settings {
    let of = |server: &str, subnet: &str, pool: &str| Network6 {
        pools: vec![pool.parse().unwrap()],
        ..Network6::new("lan", server.parse().unwrap(), subnet.parse().unwrap())
    };
    let near = of("fd77::1", "fd77::/64", "fd77::100-fd77::1ff");
    let far = of("fd77::1", "fd80::/64", "fd80::100-fd80::1ff");
    Settings {
        networks6: vec![near, Network6 { relays: vec![RELAY], ..far }],
        ..support::walk::settings()
    }
}

/// A server that calls itself so.
fn server(settings: Settings, duid: &[u8]) -> Engine {
    let mut engine = Engine::new(settings);
    engine.in_place_of(duid.to_vec());
    engine
}

/// What a server and a client of it say, as a capture on the server's link has it.
struct Talk {
    engine: Engine,
    frames: Vec<Vec<u8>>,
}

impl Talk {
    fn put(&mut self, from: SocketAddrV6, to: SocketAddrV6, payload: &[u8]) {
        let packet = wire::ip6::udp((*from.ip(), from.port()), (*to.ip(), to.port()), payload);
        self.frames.push([&[0x33; 6], &CARD[..], &[0x86, 0xdd], &packet.unwrap()].concat());
    }

    fn said(&mut self, packet: &Packet, relayed: bool) -> Packet {
        let local = duid::address_of("fe80::".parse().unwrap(), CARD);
        let message = packet.encode().unwrap();
        let envelope = Envelope {
            hops: 0,
            link: RELAY,
            peer: local,
            interface_id: Some(b"ge-0/0/1".to_vec()),
            link_layer: None,
        };
        let (from, to, bytes) = match relayed {
            false => (SocketAddrV6::new(local, CLIENT_PORT, 0, 2), ALL_SERVERS, message),
            true => {
                let bytes = forwarded(&[envelope], message);
                (SocketAddrV6::new(RELAY, SERVER_PORT, 0, 0), "fd77::1".parse().unwrap(), bytes)
            }
        };
        self.put(from, SocketAddrV6::new(to, SERVER_PORT, 0, 0), &bytes);
        let datagram = Datagram6 { link: "lan".to_owned(), from, to, bytes };
        let at = Now(START_MS + self.frames.len() as u64 * 1000);
        let Answer::Reply(sent) = self.engine.dhcp6(at, &datagram).answer else {
            panic!("silence")
        };
        self.put("[fe80::fe]:547".parse().unwrap(), sent.to, &sent.bytes);
        Packet::parse(&unwrapped(&sent.bytes).unwrap().1).unwrap()
    }
}

/// Firmware asks for an address and takes it, through a relay or not.
fn taken(engine: Engine, relayed: bool) -> Vec<Vec<u8>> {
    let mut talk = Talk { engine, frames: Vec::new() };
    let mut solicit = Packet::new(Kind::Solicit, [1, 2, 3]);
    solicit.client_id = Some(duid::of_mac(CARD));
    solicit.associations = vec![Association { iaid: 1, ..Association::default() }];
    solicit.vendor_classes = vec![(343, vec![b"PXEClient:Arch:00007:UNDI:003000".to_vec()])];
    solicit.archs = vec![7];
    solicit.wanted = vec![code::BOOT_FILE_URL, code::DNS];
    let offer = talk.said(&solicit, relayed);
    let request = Packet {
        kind: Kind::Request,
        xid: [1, 2, 4],
        server_id: offer.server_id,
        associations: offer.associations,
        ..solicit
    };
    assert_eq!(talk.said(&request, relayed).kind, Kind::Reply);
    talk.frames
}

fn packets(frames: &[Vec<u8>]) -> impl Iterator<Item = Captured> {
    frames.iter().zip(1_u64..).map(|(bytes, number)| Captured {
        at_ns: (START_MS + number * 1000) * 1_000_000,
        interface: 0,
        link: LinkType::Ethernet,
        wire_len: u32::try_from(bytes.len()).unwrap(),
        bytes: bytes.clone(),
        comments: Vec::new(),
    })
}

fn replayed(engine: Engine, frames: &[Vec<u8>]) -> Replayed {
    let mut replay = Replay::new(engine);
    packets(frames).for_each(|packet| replay.packet(&packet, None));
    replay.finish()
}

fn verdicts(replayed: &Replayed) -> Vec<Verdict> {
    replayed.entries.iter().map(|entry| entry.verdict).collect()
}

const THEIRS: &[u8] = &[0, 4, 7, 7, 7, 7];

#[test]
fn in_the_place_of_a_server_with_the_same_settings_each_answer_is_the_same() {
    for relayed in [false, true] {
        let frames = taken(server(settings(), THEIRS), relayed);
        let mut seen = Seen::default();
        packets(&frames).for_each(|packet| seen.packet(&packet, None));
        assert_eq!(seen.duids, [THEIRS.to_vec()]);
        let again = replayed(server(settings(), &seen.duids[0]), &frames);
        assert_eq!(verdicts(&again), [Verdict::Same; 2], "{again}");
        let network = if relayed { "fd80::" } else { "fd77::" };
        assert!(again.entries[1].ours.starts_with(&format!("REPLY {network}1")), "{again}");
        assert_eq!(
            again.entries[0].ours.contains("through fd80::1 for fe80::"),
            relayed,
            "{again}"
        );
    }
}

#[test]
fn what_clients_ask_of_another_server_is_left_to_it() {
    let frames = taken(server(settings(), THEIRS), false);
    let again = replayed(Engine::new(settings()), &frames);
    // Each calls itself as it does; nobody would do anything else for that.
    assert_eq!(verdicts(&again), [Verdict::Agrees, Verdict::LeftToThem], "{again}");
    let differences: Vec<&str> =
        again.entries[0].differences.iter().map(|one| one.what.as_str()).collect();
    assert_eq!(differences, ["option 2 (server identifier)"], "{again}");
}

#[test]
fn what_another_server_says_otherwise_is_named_and_without_a_network_it_is_said() {
    let mut other = settings();
    other.networks6[0].dns = vec!["fd77::53".parse().unwrap()];
    let frames = taken(server(other, THEIRS), false);
    let again = replayed(server(settings(), THEIRS), &frames);
    assert_eq!(verdicts(&again), [Verdict::Differs; 2], "{again}");
    assert!(
        again.to_string().contains("option 23 (dns): we say nothing, they say fd77::53"),
        "{again}"
    );

    let none = replayed(Engine::new(support::walk::settings()), &frames);
    assert!(none.entries.is_empty(), "{none}");
    assert_eq!(
        none.notes,
        ["4 messages of DHCPv6 were left out: no network of IPv6 is in the configuration"]
    );
}

#[test]
fn an_answer_that_the_capture_lacks_is_ours_alone() {
    let mut frames = taken(server(settings(), THEIRS), true);
    frames.remove(3);
    let again = replayed(server(settings(), THEIRS), &frames);
    assert_eq!(verdicts(&again), [Verdict::Same, Verdict::OnlyWe], "{again}");
}

/// A report with these bytes as what was asked and what was said.
fn report(asked: &[u8], said: &[u8]) -> Report {
    let engine = server(settings(), THEIRS);
    let machine = HardwareAddress::mac(CARD);
    let local = duid::address_of("fe80::".parse().unwrap(), CARD);
    let to = SocketAddrV6::new(local, CLIENT_PORT, 0, 2);
    let (asked, said) = (Hex(asked.to_vec()), Hex(said.to_vec()));
    let answer = Some(Sent6 { to, bytes: said });
    let what = Message6 { from: to, to: ALL_SERVERS, asked, answer, silence: None };
    let (at, link) = (Now(START_MS), "lan".to_owned());
    let recorded = Recorded { at, link, what: Exchange::Dhcp6(what) };
    let part = Part { exchanges: vec![recorded], ..Part::default() };
    Report::new(&engine, (at, "1"), machine, vec![part], Vec::new())
}

proptest! {
    /// Bytes that are nearly messages, where a capture or a report has them.
    #[test]
    fn whatever_is_said_over_ipv6_stops_nothing(
        relayed in any::<bool>(),
        bent in collection::vec((any::<sample::Index>(), any::<sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut frames = taken(server(settings(), THEIRS), relayed);
        for (frame, at, byte) in bent {
            let frame = frame.get_mut(&mut frames);
            // Behind the headers of Ethernet, IPv6 and UDP.
            at.get_mut(&mut frame[62..]).clone_from(&byte);
        }
        support::walk::shown(&replayed(server(settings(), THEIRS), &frames));
        let report = report(&frames[0][62..], &frames[1][62..]);
        let text = serde_json::to_string(&report).unwrap();
        prop_assert!(Report::read(&text).is_ok());
        support::walk::walk(text.as_bytes());
    }
}
