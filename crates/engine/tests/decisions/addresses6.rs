//! IPv6 addresses as operators know them: promised, ended, explained, counted.

use crate::house::{command, engine_with, mac, settings};
use engine::explain::{Question, StageAnswer};
use engine::{Answer, Command, Datagram6, Engine, Refusal, Settings};
use model::lease::{LeaseState, Reservation6, ReservedFor6};
use model::network::Mode;
use model::{HardwareAddress, Network6, Now, Uuid};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::time::Duration;
use wire::dhcp6::{ALL_SERVERS, Association, Kind, Packet, code, duid};

fn ip(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

fn network(pools: &[&str]) -> Network6 {
    Network6 {
        pools: pools.iter().map(|pool| pool.parse().unwrap()).collect(),
        ..Network6::new("lan", ip("fd77::1"), "fd77::/64".parse().unwrap())
    }
}

fn lab(pools: &[&str]) -> Engine {
    engine_with(Settings { networks6: vec![network(pools)], ..settings(Mode::Dhcp) })
}

fn plain() -> Engine {
    lab(&["fd77::100-fd77::1ff"])
}

fn duid_of(last: u8) -> Vec<u8> {
    duid::of_mac(bytes(last))
}

fn bytes(last: u8) -> [u8; 6] {
    mac(last).as_mac().unwrap()
}

/// An operating system asks for an address and takes what it is given.
fn bind(engine: &mut Engine, now: Now, last: u8) -> Ipv6Addr {
    let mut packet = Packet {
        client_id: Some(duid_of(last)),
        associations: vec![Association { iaid: 7, ..Association::default() }],
        wanted: vec![code::DNS],
        ..Packet::new(Kind::Solicit, [0, 0, last])
    };
    let offer = said(engine, now, last, &packet);
    packet.kind = Kind::Request;
    packet.server_id = offer.server_id;
    packet.associations = offer.associations;
    said(engine, now, last, &packet).associations[0].addresses[0].address
}

fn said(engine: &mut Engine, now: Now, last: u8, packet: &Packet) -> Packet {
    let from = SocketAddrV6::new(duid::address_of(ip("fe80::"), bytes(last)), 546, 0, 2);
    let bytes = packet.encode().unwrap();
    let told = engine.dhcp6(now, &Datagram6 { link: "lan".into(), from, to: ALL_SERVERS, bytes });
    let Answer::Reply(sent) = told.answer else { panic!("{:?}", told.answer) };
    Packet::parse(&sent.bytes).unwrap()
}

fn reservation(address: &str, holder: ReservedFor6) -> Command {
    let (address, host_name) = (ip(address), Some("web".to_owned()));
    Command::AddReservation6(Reservation6 { address, holder, host_name, since: Now(0) })
}

fn refusal(engine: &Engine, command: Command) -> Refusal {
    engine.command(Now(5), command).unwrap_err()
}

#[test]
fn an_address_is_promised_and_the_promise_taken_back() {
    let mut engine = plain();
    let says = command(&mut engine, reservation("fd77::7", ReservedFor6::Mac(mac(7))));
    assert_eq!(says, format!("fd77::7 is reserved for {}", mac(7)));
    assert_eq!(bind(&mut engine, Now(1), 7), ip("fd77::7"));
    let again = command(&mut engine, reservation("fd77::7", ReservedFor6::Mac(mac(7))));
    assert!(!again.contains("holds it"), "{again}");
    let says = command(&mut engine, Command::RemoveReservation(ip("fd77::7").into()));
    assert!(says.contains("no longer reserved"), "{says}");
    let why = refusal(&engine, Command::RemoveReservation(ip("fd77::7").into()));
    assert_eq!(why.why, "fd77::7 is not reserved");
}

#[test]
fn whoever_has_an_address_that_is_promised_to_another_is_named() {
    for (holder, theirs) in [
        (ReservedFor6::Mac(mac(2)), false),
        (ReservedFor6::Duid(duid_of(2)), false),
        (ReservedFor6::Mac(mac(1)), true),
        (ReservedFor6::Duid(duid_of(1)), true),
    ] {
        let mut engine = plain();
        let given = bind(&mut engine, Now(1), 1);
        let says = command(&mut engine, reservation(&given.to_string(), holder.clone()));
        let named = says.contains(&format!("; {} holds it until", mac(1)));
        assert_eq!(named, !theirs, "{holder}: {says}");
        let renewed = bind(&mut engine, Now(2), 1);
        assert_eq!(renewed == given, theirs, "{holder}: as it was said");
    }
}

#[test]
fn a_reservation_that_cannot_be_is_refused_with_the_reason() {
    let mut engine = plain();
    command(&mut engine, reservation("fd77::20", ReservedFor6::Mac(mac(1))));
    let infiniband = HardwareAddress::new(32, &[1; 16]);
    for (address, holder, why) in [
        ("fd99::5", ReservedFor6::Mac(mac(2)), "in the prefix of no network"),
        ("fd77::", ReservedFor6::Mac(mac(2)), "any router's"),
        ("fd77::1", ReservedFor6::Mac(mac(2)), "is ours"),
        ("fd77::20", ReservedFor6::Mac(mac(2)), "is reserved for"),
        ("fd77::21", ReservedFor6::Mac(mac(1)), "has fd77::20 reserved already"),
        ("fd77::21", ReservedFor6::Mac(infiniband), "no Ethernet address"),
        ("fd77::21", ReservedFor6::Uuid(Uuid([0; 16])), "names no machine"),
        ("fd77::21", ReservedFor6::Duid(vec![0, 4]), "3 to 130 bytes"),
        ("fd77::21", ReservedFor6::Duid(vec![1; 131]), "3 to 130 bytes"),
    ] {
        let said = refusal(&engine, reservation(address, holder)).to_string();
        assert!(said.contains(why), "{address}: {said}");
    }
    let stateless = lab(&[]);
    let said = refusal(&stateless, reservation("fd77::5", ReservedFor6::Mac(mac(1)))).to_string();
    assert!(said.contains("make their addresses of fd77::/64 themselves"), "{said}");
    assert!(said.contains("a `pool`"), "{said}");
}

#[test]
fn a_lease_is_ended_and_an_address_comes_out_of_quarantine() {
    let mut engine = plain();
    let given = bind(&mut engine, Now(1), 1);
    let says = command(&mut engine, Command::ReleaseLease(given.into()));
    assert!(says.contains(&format!("the lease of {given} ended; {} goes on", mac(1))), "{says}");
    assert_eq!(engine.leases6().next().map(|l| l.state), Some(LeaseState::Released));
    let why = refusal(&engine, Command::ReleaseLease(given.into()));
    assert_eq!(why.why, format!("nobody holds {given}"));

    assert_eq!(bind(&mut engine, Now(2), 1), given);
    let mut decline = Packet {
        client_id: Some(duid_of(1)),
        associations: vec![Association { iaid: 7, ..Association::default() }],
        ..Packet::new(Kind::Decline, [9; 3])
    };
    decline.associations[0].addresses =
        vec![wire::dhcp6::Given { address: given, preferred_s: 0, valid_s: 0 }];
    let solicit = Packet { kind: Kind::Solicit, ..decline.clone() };
    decline.server_id = said(&mut engine, Now(3), 1, &solicit).server_id;
    said(&mut engine, Now(3), 1, &decline);
    assert_ne!(bind(&mut engine, Now(4), 1), given, "it is in quarantine");
    let says = command(&mut engine, Command::ReleaseLease(given.into()));
    assert_eq!(says, format!("{given} is out of quarantine"));
    assert!(engine.leases6().all(|lease| lease.address != given));
}

#[test]
fn the_end_of_a_lease_is_told_once() {
    let mut engine = plain();
    let _ = engine.tidy(Now(1));
    let given = bind(&mut engine, Now(2), 1);
    let hours = |hours: u64| Now(2) + Duration::from_secs(hours * 3600);
    assert!(engine.tidy(hours(11)).events.is_empty());
    let told: Vec<String> = engine.tidy(hours(13)).events.iter().map(ToString::to_string).collect();
    assert!(
        told.len() == 1 && told[0].contains(&format!("the lease of {given} ended")),
        "{told:?}"
    );
    assert!(engine.tidy(hours(14)).events.is_empty());
}

/// PXE firmware, which asks with another identifier than any system.
fn firmware(kind: Kind, last: u8) -> Packet {
    Packet {
        client_id: Some([&[0, 4][..], &[last; 16]].concat()),
        associations: vec![Association { iaid: 1, ..Association::default() }],
        wanted: vec![code::BOOT_FILE_URL],
        vendor_classes: vec![(343, vec![b"PXEClient:Arch:00007:UNDI:003000".to_vec()])],
        archs: vec![7],
        ..Packet::new(kind, [1, 2, last])
    }
}

fn explained(engine: &Engine, now: Now, last: u8) -> StageAnswer {
    let machine = mac(last).to_string();
    let stage = Some("address-ipv6".to_owned());
    let question = Question { machine, stage, network: Some("lan".into()), ..Question::default() };
    let said = engine.explain(now, &question).unwrap();
    let [stage] = &said.stages[..] else { panic!("{said:?}") };
    stage.clone()
}

fn because(stage: &StageAnswer) -> String {
    stage.because.iter().map(|reason| format!("{reason}\n")).collect()
}

/// What its firmware is advertised now, in the words of an explanation.
fn advertised(engine: &mut Engine, now: Now, last: u8) -> Option<String> {
    let offer = said(engine, now, last, &firmware(Kind::Solicit, last));
    let given = offer.associations[0].addresses.first()?;
    Some(format!("{} of fd77::/64", given.address))
}

#[test]
fn what_is_explained_is_what_the_firmware_is_given_next() {
    let mut engine = lab(&["fd77::100-fd77::103"]);
    let unheard = explained(&engine, Now(1), 1);
    assert_eq!(unheard.gets.as_deref(), Some("one of fd77::100-fd77::103"));
    assert!(because(&unheard).contains("neither was heard yet"), "{unheard:?}");

    let first = advertised(&mut engine, Now(1), 1);
    let heard = explained(&engine, Now(2), 1);
    assert_eq!(heard.gets, first);
    for word in ["follows from the identifier", "association 1 of DUID 000401"] {
        assert!(because(&heard).contains(word), "{word}: {heard:?}");
    }
    // Somebody else takes it first.
    let taken: Ipv6Addr = first.unwrap().split(' ').next().unwrap().parse().unwrap();
    command(&mut engine, reservation(&taken.to_string(), ReservedFor6::Mac(mac(2))));
    let moved = explained(&engine, Now(3), 1);
    assert_ne!(moved.gets, Some(format!("{taken} of fd77::/64")));
    assert_eq!(moved.gets, advertised(&mut engine, Now(3), 1));

    let mut request = firmware(Kind::Solicit, 1);
    let offer = said(&mut engine, Now(4), 1, &request);
    request.kind = Kind::Request;
    (request.server_id, request.associations) = (offer.server_id, offer.associations);
    said(&mut engine, Now(4), 1, &request);
    let leased = explained(&engine, Now(5), 1);
    assert_eq!(leased.gets, moved.gets);
    assert!(because(&leased).contains("has it now"), "{leased:?}");
    let later = Now(4) + Duration::from_secs(13 * 3600);
    assert!(because(&explained(&engine, later, 1)).contains("had it last"));

    command(&mut engine, reservation("fd77::7", ReservedFor6::Uuid(Uuid::from_option_97([1; 16]))));
    let promised = explained(&engine, Now(6), 1);
    assert_eq!(promised.gets.as_deref(), Some("fd77::7 of fd77::/64"));
    assert!(because(&promised).contains("reserved for this machine"), "{promised:?}");
    assert_eq!(promised.gets, advertised(&mut engine, Now(6), 1));

    engine.only_renew(true);
    assert!(explained(&engine, Now(7), 1).silence.is_some(), "the disk is full");
}

#[test]
fn after_a_restart_leases_say_what_a_machine_has() {
    let mut engine = plain();
    let given = bind(&mut engine, Now(1), 1);
    let told = explained(&engine, Now(2), 1);
    assert_eq!(told.gets, Some(format!("{given} of fd77::/64")));
    assert!(because(&told).contains("association 7 of DUID 00030001"), "{told:?}");
    command(&mut engine, reservation("fd77::7", ReservedFor6::Mac(mac(1))));
    let told = explained(&engine, Now(3), 1);
    assert_eq!(told.gets.as_deref(), Some("fd77::7 of fd77::/64"));
    assert_eq!(bind(&mut engine, Now(4), 1), ip("fd77::7"));
}

#[test]
fn a_full_pool_is_explained_with_its_size() {
    let mut engine = lab(&["fd77::100-fd77::101"]);
    bind(&mut engine, Now(1), 1);
    bind(&mut engine, Now(1), 2);
    let told = explained(&engine, Now(2), 3);
    let why = told.silence.expect("nobody gets one").to_string();
    assert!(why.contains("all 2 addresses"), "{why}");
    let stateless = lab(&[]);
    let question = Question { machine: mac(1).to_string(), ..Question::default() };
    let stages = stateless.explain(Now(1), &question).unwrap().stages;
    assert!(stages.iter().all(|stage| stage.stage != "address-ipv6"), "{stages:?}");
}

#[test]
fn pools_of_any_size_are_counted_without_a_walk() {
    let mut engine = lab(&["fd77::-fd77::ffff:ffff:ffff:ffff"]);
    bind(&mut engine, Now(1), 1);
    bind(&mut engine, Now(1), 2);
    command(&mut engine, reservation("fd77::7", ReservedFor6::Mac(mac(7))));
    let census = engine.census(Now(2));
    let [four, six] = &census.pools[..] else { panic!("{census:?}") };
    assert_eq!((four.leased, four.subnet.as_str()), (0, "10.77.0.0/24"));
    assert_eq!((six.leased, six.quarantined, six.size), (2, 0, u64::MAX));
    assert_eq!((six.link.as_str(), six.subnet.as_str()), ("lan", "fd77::/64"));
    assert_eq!(census.reservations, 1);
    let later = Now(1) + Duration::from_secs(13 * 3600);
    assert_eq!(engine.census(later).pools[1].leased, 0);
}
