//! Mode `listen` over IPv6: what we would have said beside what was said, and nothing of it leaves or is kept.

use crate::house::{command, compared, engine_with, mac, rule_for_everybody, settings};
use engine::{
    Answer, Asker, Command, Datagram6, Engine, FileAsk, Noted, Overheard6, Settings, Told,
};
use model::event::{Carrier, Happening};
use model::lease::{Reservation6, ReservedFor6};
use model::listen::Outcome;
use model::network::{Family, Mode};
use model::plan::Why;
use model::{Change, HardwareAddress, Listening, Network6, Now};
use proptest::prelude::*;
use std::net::{Ipv6Addr, SocketAddrV6};
use wire::dhcp6::{
    ALL_SERVERS, Association, Envelope, Given, Kind, Packet, code, duid, enveloped, forwarded,
};

const THEIR_DUID: [u8; 6] = [0, 3, 0, 1, 9, 9];

fn ip(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

fn network(mode: Mode) -> Network6 {
    Network6 {
        mode,
        pools: vec!["fd77::100-fd77::1ff".parse().unwrap()],
        dns: vec![ip("fd77::53")],
        domain: Some("lab.example".to_owned()),
        ..Network6::new("lan", ip("fd77::1"), "fd77::/64".parse().unwrap())
    }
}

fn lab(mode: Mode) -> Engine {
    engine_with(Settings { networks6: vec![network(mode)], ..settings(Mode::Off) })
}

fn listening() -> Engine {
    lab(Mode::Listen)
}

/// What an operating system asks.
fn asks(kind: Kind, last: u8) -> Packet {
    let names_server = matches!(kind, Kind::Request | Kind::Renew | Kind::Release | Kind::Decline);
    Packet {
        client_id: Some(duid::of_mac(mac(last).as_mac().unwrap())),
        server_id: names_server.then(|| THEIR_DUID.to_vec()),
        associations: vec![Association { iaid: 7, ..Association::default() }],
        wanted: vec![code::DNS, code::DOMAINS],
        ..Packet::new(kind, [0, 1, last])
    }
}

/// What UEFI PXE asks.
fn boots(kind: Kind, last: u8) -> Packet {
    Packet {
        vendor_classes: vec![(343, vec![b"PXEClient:Arch:00007:UNDI:003016".to_vec()])],
        archs: vec![7],
        wanted: vec![code::DNS, code::BOOT_FILE_URL, code::BOOT_FILE_PARAMETERS],
        ..asks(kind, last)
    }
}

fn datagram(packet: &Packet) -> Datagram6 {
    let from = SocketAddrV6::new(ip("fe80::1234"), 546, 0, 0);
    let bytes = packet.encode().unwrap();
    Datagram6 { link: "lan".into(), from, to: ALL_SERVERS, bytes }
}

fn silent<T: std::fmt::Debug>(told: Told<T>) -> Why {
    match told.answer {
        Answer::Silence(why) => why,
        Answer::Reply(said) => panic!("{said:?}"),
    }
}

/// It is heard; nobody is answered, and nothing but the machine is kept.
fn hears(engine: &mut Engine, now: Now, packet: &Packet) {
    let told = engine.dhcp6(now, &datagram(packet));
    for change in &told.changes {
        assert!(matches!(change, Change::Machine(_)), "{change:?}");
    }
    assert_eq!(silent(told), Why::OnlyListening);
}

fn overheard(bytes: Vec<u8>) -> Overheard6 {
    let from = SocketAddrV6::new(ip("fe80::66"), 547, 0, 0);
    let mac = HardwareAddress::mac([2, 0, 0, 0, 0, 0x66]);
    Overheard6 { link: "lan".into(), from, to: ip("fe80::1234"), mac, bytes }
}

fn says(engine: &mut Engine, now: Now, reply: &Packet) -> Noted {
    let noted = engine.overhear6(now, &overheard(reply.encode().unwrap()));
    assert_eq!(noted.changes, []);
    noted
}

/// Whoever it is of is told all the same.
fn compares_nothing(noted: &Noted) -> bool {
    !noted.events.iter().any(|event| matches!(event.what, Happening::Compared { .. }))
}

/// A server that says what ours would, with an address of its own choice.
fn like_ours(asked: &Packet, kind: Kind, address: &str) -> Packet {
    let given = Given { address: ip(address), preferred_s: 43_200, valid_s: 43_200 };
    let bound = Association {
        iaid: 7,
        renew_s: 21_600,
        rebind_s: 34_560,
        addresses: vec![given],
        status: None,
    };
    let wants = |code: u16| asked.wanted.contains(&code);
    Packet {
        client_id: asked.client_id.clone(),
        server_id: Some(THEIR_DUID.to_vec()),
        associations: vec![bound],
        dns: if wants(code::DNS) { vec![ip("fd77::53")] } else { Vec::new() },
        domains: if wants(code::DOMAINS) { vec!["lab.example".into()] } else { Vec::new() },
        ..Packet::new(kind, asked.xid)
    }
}

fn sum(engine: &Engine) -> Listening {
    let [only] = engine.listening().try_into().expect("one sum");
    only
}

#[test]
fn a_server_that_says_the_same_agrees_and_no_lease_is_kept() {
    let mut engine = listening();
    let conversation = [
        (Kind::Solicit, Kind::Advertise),
        (Kind::Request, Kind::Reply),
        (Kind::Renew, Kind::Reply),
        (Kind::Rebind, Kind::Reply),
    ];
    for (at, (kind, reply)) in (0..).zip(conversation) {
        let mut asked = asks(kind, 1);
        asked.xid[0] = kind.number();
        let answer = like_ours(&asked, reply, "fd77::140");
        if kind != Kind::Solicit {
            asked.associations.clone_from(&answer.associations);
        }
        hears(&mut engine, Now(at * 100), &asked);
        let noted = says(&mut engine, Now(at * 100 + 1), &answer);
        assert_eq!(compared(&noted), (Outcome::Agrees, vec![]), "{kind:?}");
    }
    let sum = sum(&engine);
    assert_eq!((sum.agreed, sum.differed, sum.unheard), (4, 0, 0));
    assert_eq!((sum.family, sum.link.as_str()), (Family::Ipv6, "lan"));
    assert_eq!(engine.leases6().count(), 0);
}

#[test]
fn what_differs_is_named_with_by_how_much_and_counted() {
    let mut engine = listening();
    let mut asked = boots(Kind::Request, 3);
    let mut theirs = like_ours(&asked, Kind::Reply, "fd77::140");
    asked.associations.clone_from(&theirs.associations);
    theirs.associations[0].addresses[0].valid_s = 3600;
    theirs.boot_url = Some(b"tftp://[fd77::66]/grubx64.efi".to_vec());
    theirs.boot_parameters = vec![b"quiet".to_vec()];
    theirs.vendor_classes = vec![(343, vec![b"PXEClient".to_vec()])];
    theirs.dns = vec![ip("fd77::66")];
    theirs.domains = vec!["old.example".into()];
    hears(&mut engine, Now(0), &asked);
    let (outcome, differences) = compared(&says(&mut engine, Now(1), &theirs));
    assert_eq!(outcome, Outcome::Differs);
    for part in [
        "they say tftp://[fd77::66]/grubx64.efi",
        "option 60 (boot parameters): we say nothing, they say quiet",
        "option 16 (vendor class): we say nothing, they say PXEClient",
        "option 23 (dns): we say fd77::53, they say fd77::66",
        "option 24 (domains): we say nothing, they say old.example",
        "they say 43200 s, 3600 s: 11h shorter",
    ] {
        assert!(differences.iter().any(|one| one.contains(part)), "{part}: {differences:#?}");
    }
    let sum = sum(&engine);
    assert_eq!((sum.agreed, sum.differed, sum.differences.len()), (0, 1, 6));
    let last = sum.last_difference.unwrap();
    assert_eq!((last.asked.as_str(), last.client.machine), ("REQUEST", Some(mac(3))));
    assert!(last.theirs.starts_with("REPLY fd77::140, file tftp://[fd77::66]"), "{}", last.theirs);
}

#[test]
fn the_boot_file_is_decided_as_in_mode_dhcp() {
    let served = {
        let mut engine = lab(Mode::Dhcp);
        rule_for_everybody(&mut engine);
        let told = engine.dhcp6(Now(0), &datagram(&boots(Kind::Solicit, 3)));
        let Answer::Reply(sent) = told.answer else { panic!("{:?}", told.answer) };
        Packet::parse(&sent.bytes).unwrap()
    };
    assert!(served.boot_url.is_some(), "a file is served");
    let mut engine = listening();
    rule_for_everybody(&mut engine);
    hears(&mut engine, Now(0), &boots(Kind::Solicit, 3));
    let theirs = Packet { server_id: Some(THEIR_DUID.to_vec()), ..served };
    assert_eq!(compared(&says(&mut engine, Now(1), &theirs)), (Outcome::Agrees, vec![]));
}

#[test]
fn an_address_that_is_offered_may_be_any_that_nobody_was_promised() {
    let reserve = |engine: &mut Engine, last: u8| {
        let holder = ReservedFor6::Mac(mac(last));
        let (address, host_name) = (ip("fd77::110"), None);
        let reservation = Reservation6 { address, holder, host_name, since: Now(0) };
        command(engine, Command::AddReservation6(reservation));
    };
    // Whose it is, which address is offered, and whether that is as good as ours.
    for (whose, address, agrees) in [
        (None, "fd77::140", true),
        (None, "fd77::999", false),
        (Some(1), "fd77::110", true),
        (Some(1), "fd77::140", false),
        (Some(2), "fd77::110", false),
    ] {
        let mut engine = listening();
        whose.into_iter().for_each(|last| reserve(&mut engine, last));
        let asked = asks(Kind::Solicit, 1);
        hears(&mut engine, Now(0), &asked);
        let theirs = like_ours(&asked, Kind::Advertise, address);
        let (outcome, differences) = compared(&says(&mut engine, Now(1), &theirs));
        assert_eq!(outcome == Outcome::Agrees, agrees, "{whose:?} {address}: {differences:?}");
    }
}

#[test]
fn an_address_outside_our_pool_is_another_when_it_is_taken() {
    let mut engine = listening();
    let mut asked = asks(Kind::Request, 1);
    let theirs = like_ours(&asked, Kind::Reply, "fd77::999");
    asked.associations.clone_from(&theirs.associations);
    hears(&mut engine, Now(0), &asked);
    let (_, differences) = compared(&says(&mut engine, Now(1), &theirs));
    let [only] = differences.as_slice() else { panic!("{differences:?}") };
    assert!(only.starts_with("association 7: addresses: we say fd77::1"), "{only}");
    assert!(only.ends_with("they say fd77::999"), "{only}");
}

#[test]
fn who_asks_again_is_counted_once_and_who_is_not_answered_apart() {
    let mut engine = listening();
    let asked = asks(Kind::Solicit, 1);
    for at in [0, 1000, 3000] {
        hears(&mut engine, Now(at), &asked);
    }
    let theirs = like_ours(&asked, Kind::Advertise, "fd77::140");
    assert_eq!(compared(&says(&mut engine, Now(3001), &theirs)).0, Outcome::Agrees);
    assert_eq!(says(&mut engine, Now(3002), &theirs), Noted::default());
    hears(&mut engine, Now(3003), &asks(Kind::InformationRequest, 2).without_addresses());
    let noted = engine.tidy(Now(60_000));
    assert_eq!(compared(&noted), (Outcome::Unheard, vec![]));
    let sum = sum(&engine);
    assert_eq!((sum.agreed, sum.differed, sum.unheard), (1, 0, 1));
}

trait WithoutAddresses {
    fn without_addresses(self) -> Self;
}

impl WithoutAddresses for Packet {
    fn without_addresses(mut self) -> Self {
        self.associations.clear();
        self
    }
}

#[test]
fn what_is_said_to_who_ends_or_to_another_transaction_is_compared_with_nothing() {
    let mut engine = listening();
    for kind in [Kind::Release, Kind::Decline] {
        let mut asked = asks(kind, 1);
        let reply = like_ours(&asked, Kind::Reply, "fd77::140");
        asked.associations.clone_from(&reply.associations);
        hears(&mut engine, Now(0), &asked);
        assert!(compares_nothing(&says(&mut engine, Now(1), &reply)));
    }
    hears(&mut engine, Now(2), &asks(Kind::Solicit, 1));
    let mut other = like_ours(&asks(Kind::Solicit, 1), Kind::Advertise, "fd77::140");
    other.xid = [9, 9, 9];
    assert!(compares_nothing(&says(&mut engine, Now(3), &other)));
    assert_eq!(engine.listening(), []);
}

#[test]
fn through_a_relay_it_is_the_same() {
    let mut engine = listening();
    let relay = Envelope {
        hops: 0,
        link: ip("fd77::9"),
        peer: ip("fe80::1234"),
        interface_id: Some(vec![1]),
        link_layer: None,
    };
    let asked = asks(Kind::Solicit, 1);
    let way = std::slice::from_ref(&relay);
    let mut heard = datagram(&asked);
    heard.bytes = forwarded(way, heard.bytes);
    // It is on its way to the other server, by unicast.
    heard.to = ip("fd77::66");
    assert_eq!(silent(engine.dhcp6(Now(0), &heard)), Why::OnlyListening);
    let theirs = like_ours(&asked, Kind::Advertise, "fd77::140").encode().unwrap();
    let noted = engine.overhear6(Now(1), &overheard(enveloped(way, theirs)));
    assert_eq!(compared(&noted), (Outcome::Agrees, vec![]));
}

#[test]
fn an_answer_where_we_would_be_silent_is_a_difference_in_words() {
    let mut settings_only = network(Mode::Listen);
    settings_only.pools.clear();
    let settings = Settings { networks6: vec![settings_only], ..settings(Mode::Off) };
    let mut engine = engine_with(settings);
    let asked = asks(Kind::Solicit, 1);
    hears(&mut engine, Now(0), &asked);
    let theirs = like_ours(&asked, Kind::Advertise, "fd77::140");
    let (_, differences) = compared(&says(&mut engine, Now(1), &theirs));
    let [only] = differences.as_slice() else { panic!("{differences:?}") };
    assert!(only.starts_with("answer: we say nothing ("), "{only}");
    assert!(only.ends_with("they say ADVERTISE fd77::140"), "{only}");
}

#[test]
fn nobody_gets_a_file_over_ipv6_there() {
    let mut engine = listening();
    let ask = FileAsk {
        by: Carrier::Http,
        name: "boot.ipxe".into(),
        from: "[fd77::140]:999".parse().unwrap(),
        at: "[fd77::1]:80".parse().unwrap(),
        link: "lan".into(),
        says: Asker::default(),
        neighbour: None,
        agent: None,
        body: None,
        head_only: false,
    };
    assert_eq!(silent(engine.file(Now(0), &ask)), Why::OnlyListening);
}

#[test]
fn where_we_answer_nothing_is_compared_and_other_settings_begin_anew() {
    let mut engine = lab(Mode::Dhcp);
    let asked = asks(Kind::Solicit, 1);
    let theirs = like_ours(&asked, Kind::Advertise, "fd77::140");
    let _ = engine.dhcp6(Now(0), &datagram(&asked));
    assert!(compares_nothing(&says(&mut engine, Now(1), &theirs)));

    let mut engine = listening();
    hears(&mut engine, Now(0), &asked);
    assert_eq!(compared(&says(&mut engine, Now(1), &theirs)).0, Outcome::Agrees);
    let mut other = engine.settings().clone();
    let _ = engine.configure(other.clone());
    assert_eq!(engine.listening().len(), 1, "the same settings");
    other.networks6[0].dns.clear();
    let _ = engine.configure(other);
    assert_eq!(engine.listening(), []);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is heard, in whichever order: nobody is answered, and no lease is kept.
    #[test]
    fn whatever_is_heard_nothing_is_said_and_no_address_is_kept(
        heard in prop::collection::vec(
            (0_usize..11, any::<bool>(), 1_u8..4, prop::collection::vec(any::<u8>(), 0..40)),
            1..24,
        ),
    ) {
        let mut engine = listening();
        for (at, (kind, pxe, last, noise)) in (0..).zip(heard) {
            let kind = Kind::ALL[kind];
            let mut packet = if pxe { boots(kind, last) } else { asks(kind, last) };
            if !matches!(kind, Kind::Solicit) {
                let given = like_ours(&packet, Kind::Reply, "fd77::140").associations;
                packet.associations = given;
            }
            let mut bytes = packet.encode().unwrap();
            bytes.extend(&noise);
            let told = engine.dhcp6(Now(at), &Datagram6 { bytes: bytes.clone(), ..datagram(&packet) });
            prop_assert!(matches!(told.answer, Answer::Silence(_)), "{:?}", told.answer);
            prop_assert!(told.changes.iter().all(|change| matches!(change, Change::Machine(_))));
            prop_assert_eq!(engine.overhear6(Now(at), &overheard(bytes)).changes, vec![]);
            let _ = engine.overhear6(Now(at), &overheard(noise));
        }
        prop_assert_eq!(engine.leases6().count(), 0);
    }
}
