//! DHCPv6 as decisions (RFC 8415; `PxeBcDhcp6` and `HttpBootDhcp6` of EDK2; iPXE): who gets what, with
//! reasons, and what nobody is ever sent.

use engine::{Answer, Datagram6, Engine, FileAsk, Served, Settings, Told};
use model::event::Carrier;
use model::image::LoaderKind;
use model::lease::{LeaseState, Reservation6, ReservedFor6};
use model::network::HttpBoot;
use model::plan::Why;
use model::{Arch, Change, Happening, HardwareAddress, Hash, Lease6, Loader, Network6, Now, Stage};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::time::Duration;
use wire::dhcp6::{
    ALL_SERVERS, Association, Envelope, Given, Heard, Kind, Packet, code, duid, forwarded, status,
};

const MAC: [u8; 6] = [0x52, 0x54, 0, 0x77, 0, 1];

fn ip(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

fn network() -> Network6 {
    Network6 {
        pools: vec!["fd77::100-fd77::1ff".parse().unwrap()],
        dns: vec![ip("fd77::53")],
        domain: Some("lab.example".into()),
        ..Network6::new("lan", ip("fd77::1"), "fd77::/64".parse().unwrap())
    }
}

fn settings(network: Network6) -> Settings {
    Settings {
        server_name: "bench".into(),
        networks: Vec::new(),
        networks6: vec![network],
        http_port: 80,
        tls_port: Some(443),
        lease_history: engine::state::LEASE_HISTORY,
        boot: engine::BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    }
}

fn engine(network: Network6) -> Engine {
    let mut engine = Engine::new(settings(network));
    for (name, kind) in [
        ("snponly-x64.efi", LoaderKind::Snponly),
        ("shimx64.efi", LoaderKind::Shim),
        ("grubx64.efi", LoaderKind::Grub),
    ] {
        engine.apply(&Change::Loader(Loader {
            name: name.into(),
            kind,
            arch: Arch::X64Uefi,
            version: "1.0".into(),
            path: format!("/usr/lib/{name}"),
            sha256: Hash([1; 32]),
            size: 1000,
            signers: vec![],
        }));
    }
    engine
}

/// EDK2's SOLICIT for PXE.
fn firmware(kind: Kind, class: &str, arch: u16) -> Packet {
    Packet {
        client_id: Some([&[0, 4][..], &[0x11; 16]].concat()),
        associations: vec![Association { iaid: 1, ..Association::default() }],
        wanted: vec![
            code::BOOT_FILE_URL,
            code::BOOT_FILE_PARAMETERS,
            code::DNS,
            code::VENDOR_CLASS,
        ],
        vendor_classes: vec![(343, vec![class.as_bytes().to_vec()])],
        archs: vec![arch],
        ..Packet::new(kind, [1, 2, 3])
    }
}

fn pxe(kind: Kind) -> Packet {
    firmware(kind, "PXEClient:Arch:00007:UNDI:003000", 7)
}

/// An operating system.
fn system(kind: Kind, number: u8) -> Packet {
    Packet {
        client_id: Some([&[0, 1, 0, 1, 0, 0, 0, number][..], &[2, 0, 0, 0, 0, number]].concat()),
        associations: vec![Association { iaid: 9, ..Association::default() }],
        wanted: vec![code::DNS, code::DOMAINS],
        ..Packet::new(kind, [9, 9, number])
    }
}

fn heard(bytes: Vec<u8>) -> Datagram6 {
    let from = SocketAddrV6::new(duid::address_of(ip("fe80::"), MAC), 546, 0, 2);
    Datagram6 { link: "lan".into(), from, to: ALL_SERVERS, bytes }
}

/// What it answers: the same as an engine that gives no reasons, but for these.
fn say(engine: &mut Engine, now: Now, packet: &Packet) -> Told<engine::Outgoing6> {
    let datagram = heard(packet.encode().unwrap());
    let without = engine.clone().without_reasons().dhcp6(now, &datagram);
    let told = engine.dhcp6(now, &datagram);
    let mut apart = told.clone();
    for event in &mut apart.events {
        if let Happening::Answered { because, .. } = &mut event.what {
            because.clear();
        }
    }
    assert_eq!(apart, without);
    told
}

fn answer(engine: &mut Engine, now: Now, packet: &Packet) -> (Packet, Vec<Change>) {
    let told = say(engine, now, packet);
    let Answer::Reply(sent) = told.answer else { panic!("{:?}", told.answer) };
    assert_eq!((sent.to.port(), sent.link.as_str()), (546, "lan"));
    let reply = Packet::parse(&sent.bytes).expect("what we send is read");
    assert_eq!((reply.xid, &reply.client_id), (packet.xid, &packet.client_id), "echoed");
    assert!(reply.server_id.as_ref().is_some_and(|id| id.len() <= 20));
    (reply, told.changes)
}

fn silence(engine: &mut Engine, now: Now, packet: &Packet) -> Why {
    match say(engine, now, packet).answer {
        Answer::Silence(why) => why,
        Answer::Reply(reply) => panic!("{reply:?}"),
    }
}

fn leases(changes: &[Change]) -> Vec<Lease6> {
    let lease = |change: &Change| match change {
        Change::Lease6(lease) => Some(lease.clone()),
        _ => None,
    };
    changes.iter().filter_map(lease).collect()
}

fn address(reply: &Packet) -> Ipv6Addr {
    reply.associations[0].addresses[0].address
}

/// Solicits, then requests what was advertised.
fn bound(engine: &mut Engine, now: Now, packet: &Packet) -> (Packet, Ipv6Addr) {
    let (offer, changes) = answer(engine, now, packet);
    assert_eq!(offer.kind, Kind::Advertise);
    assert!(leases(&changes).is_empty(), "an ADVERTISE promises nothing");
    let request = Packet {
        kind: Kind::Request,
        server_id: offer.server_id.clone(),
        associations: offer.associations.clone(),
        ..packet.clone()
    };
    let (reply, changes) = answer(engine, now, &request);
    let given = address(&reply);
    assert_eq!((reply.kind, given), (Kind::Reply, address(&offer)));
    assert_eq!(leases(&changes).iter().map(|l| l.address).collect::<Vec<_>>(), [given]);
    (request, given)
}

#[test]
fn pxe_firmware_is_given_a_tftp_url_and_no_word_that_would_mislead_it() {
    let mut engine = engine(network());
    let (reply, changes) = answer(&mut engine, Now(5), &pxe(Kind::Solicit));
    assert_eq!(reply.boot_url.as_deref(), Some(&b"tftp://[fd77::1]/loader/snponly-x64.efi"[..]));
    assert!(reply.vendor_classes.is_empty(), "with option 16 it would ask again on 4011 (Q91)");
    assert!(reply.boot_parameters.is_empty(), "EDK2 reads option 60 as a number (Q89)");
    assert_eq!(reply.dns, [ip("fd77::53")]);
    assert!(reply.domains.is_empty(), "not asked for");
    let [ia] = reply.associations.as_slice() else { panic!("{reply:?}") };
    assert_eq!((ia.iaid, ia.renew_s, ia.rebind_s), (1, 21_600, 34_560));
    let filed = changes.iter().any(
        |change| matches!(change, Change::Machine(m) if m.hardware == HardwareAddress::mac(MAC)),
    );
    assert!(filed, "by the card in its link-local address: {changes:?}");
}

#[test]
fn http_boot_is_given_a_url_and_the_class_without_which_it_takes_none() {
    let http = firmware(Kind::Solicit, "HTTPClient:Arch:00016:UNDI:003001", 16);
    let mut engine = engine(network());
    let (reply, _) = answer(&mut engine, Now(5), &http);
    assert_eq!(reply.boot_url.as_deref(), Some(&b"http://[fd77::1]/loader/snponly-x64.efi"[..]));
    assert_eq!(reply.vendor_classes, [(343, vec![b"HTTPClient".to_vec()])]);
    engine.configure(settings(Network6 { http_boot: HttpBoot::Https, ..network() }));
    let (reply, _) = answer(&mut engine, Now(6), &http);
    assert_eq!(reply.boot_url.as_deref(), Some(&b"https://[fd77::1]/loader/snponly-x64.efi"[..]));
}

#[test]
fn firmware_without_an_architecture_is_read_by_its_class() {
    let mut engine = engine(network());
    let (reply, _) = answer(&mut engine, Now(5), &Packet { archs: vec![], ..pxe(Kind::Solicit) });
    assert!(reply.boot_url.is_some_and(|url| url.starts_with(b"tftp://[")));
}

#[test]
fn ipxe_is_given_its_script_over_ipv6_and_the_script_stays_there() {
    let mut engine = engine(network());
    let ipxe = Packet { user_classes: vec![b"iPXE".to_vec()], ..pxe(Kind::Solicit) };
    let (reply, _) = answer(&mut engine, Now(5), &ipxe);
    let url = String::from_utf8(reply.boot_url.unwrap()).unwrap();
    assert!(url.starts_with("http://[fd77::1]/boot.ipxe?mac=52:54:00:77:00:01&"), "{url}");
    let (_, given) = bound(&mut engine, Now(6), &ipxe);
    let ask = |from: Ipv6Addr| FileAsk {
        by: Carrier::Http,
        name: b"/boot.ipxe".to_vec(),
        from: (from, 40_000).into(),
        at: (ip("fd77::1"), 80).into(),
        link: "lan".into(),
        says: Default::default(),
        neighbour: None,
        agent: None,
        body: None,
        head_only: false,
    };
    for from in [given, duid::address_of(ip("fd77::"), MAC), duid::address_of(ip("fe80::"), MAC)] {
        let told = engine.file(Now(7), &ask(from));
        let Answer::Reply(found) = told.answer else { panic!("{from}: {:?}", told.answer) };
        assert_eq!(found.machine, Some(HardwareAddress::mac(MAC)), "{from}");
        let Served::Text(script) = found.what else { panic!("{from}") };
        assert!(script.contains("isset ${ip6} ||") && !script.contains("dhcp ||"), "{script}");
    }
    let outside = engine.file(Now(8), &ask(ip("fd99::5")));
    assert_eq!(outside.answer, Answer::Silence(Why::OutsideServedSubnets));
}

#[test]
fn stages_of_one_boot_have_an_association_and_an_address_each() {
    let mut engine = engine(network());
    let (_, first) = bound(&mut engine, Now(1), &pxe(Kind::Solicit));
    let second = Association { iaid: 2, ..Association::default() };
    let ipxe = Packet { associations: vec![second], ..pxe(Kind::Solicit) };
    let (_, other) = bound(&mut engine, Now(2), &ipxe);
    assert_ne!(first, other);
    assert_eq!(bound(&mut engine, Now(3), &pxe(Kind::Solicit)).1, first, "the same again");
}

#[test]
fn a_reservation_means_a_card_a_uuid_or_an_identifier() {
    for (number, holder) in [
        ReservedFor6::Mac(HardwareAddress::mac(MAC)),
        ReservedFor6::Duid([&[0, 4][..], &[0x11; 16]].concat()),
        ReservedFor6::Uuid(model::Uuid([0x11; 16])),
    ]
    .into_iter()
    .enumerate()
    {
        let mut engine = engine(network());
        let host_name = Some("web".into());
        let reserved = Reservation6 { address: ip("fd77::7"), holder, host_name, since: Now(0) };
        engine.apply(&Change::Reservation6(reserved));
        assert_eq!(bound(&mut engine, Now(1), &pxe(Kind::Solicit)).1, ip("fd77::7"), "{number}");
        let name = engine.leases6().next().unwrap().host_name.clone();
        assert_eq!(name.as_deref(), Some("web"));
    }
}

#[test]
fn a_relay_says_where_and_who_its_client_is() {
    let far = Network6 { relays: vec![ip("fd80::1")], ..network() };
    let mut engine = engine(far);
    let relay = |link: &str| Envelope {
        hops: 0,
        link: ip(link),
        peer: ip("fe80::1234"),
        interface_id: Some(b"port7".to_vec()),
        link_layer: Some((1, vec![2, 0, 0, 0, 0, 9])),
    };
    let relayed = |relay: Envelope| Datagram6 {
        link: "lan".into(),
        from: SocketAddrV6::new(ip("fd80::1"), 547, 0, 0),
        to: ip("fd77::1"),
        bytes: forwarded(&[relay], pxe(Kind::Solicit).encode().unwrap()),
    };
    let told = engine.dhcp6(Now(1), &relayed(relay("fd80::1")));
    let Answer::Reply(sent) = told.answer else { panic!("{:?}", told.answer) };
    assert_eq!(sent.to, SocketAddrV6::new(ip("fd80::1"), 547, 0, 0));
    assert_eq!(sent.bytes.first(), Some(&13));
    assert!(sent.bytes.windows(9).any(|w| w == b"\x00\x12\x00\x05port7"), "echoed");
    let card = HardwareAddress::new(1, &[2, 0, 0, 0, 0, 9]);
    assert!(told.events.iter().any(|event| event.machine == Some(card)), "RFC 6939");
    let unknown = engine.dhcp6(Now(1), &relayed(relay("fd99::1")));
    assert_eq!(unknown.answer, Answer::Silence(Why::UnknownRelay(ip("fd99::1").into())));
}

#[test]
fn renewing_keeps_the_address_and_what_is_unknown_is_kept_too_if_it_is_free() {
    let mut engine = engine(network());
    let (request, given) = bound(&mut engine, Now(1000), &system(Kind::Solicit, 1));
    let renew = Packet { kind: Kind::Renew, ..request.clone() };
    let later = Now(1000) + Duration::from_secs(3600);
    let (reply, changes) = answer(&mut engine, later, &renew);
    assert_eq!(address(&reply), given);
    let [lease] = &leases(&changes)[..] else { panic!("{changes:?}") };
    assert_eq!((lease.since, lease.state), (Now(1000), LeaseState::Bound));
    assert_eq!(lease.until, Some(later + Duration::from_secs(12 * 3600)));

    // A server that lost everything: whoever renews keeps what nobody else has.
    let mut fresh = self::engine(network());
    let rebind = Packet { kind: Kind::Rebind, server_id: None, ..request.clone() };
    assert_eq!(address(&answer(&mut fresh, Now(5), &rebind).0), given);
    // Somebody else has it: that is said to who asks us, and not to who asks everybody.
    let mut taken = self::engine(network());
    let mut other = system(Kind::Solicit, 2);
    other.associations[0].addresses = request.associations[0].addresses.clone();
    assert_eq!(bound(&mut taken, Now(1), &other).1, given);
    let (reply, _) = answer(&mut taken, Now(5), &renew);
    assert_eq!(reply.associations[0].status.as_ref().map(|s| s.code), Some(status::NO_BINDING));
    assert_eq!(silence(&mut taken, Now(5), &rebind), Why::NoRecord(given.into()));
}

#[test]
fn an_address_that_left_the_pool_is_replaced_and_ended() {
    let mut engine = engine(network());
    let (request, given) = bound(&mut engine, Now(1), &system(Kind::Solicit, 1));
    let pools = vec!["fd77::900-fd77::9ff".parse().unwrap()];
    engine.configure(settings(Network6 { pools, ..network() }));
    let (reply, _) = answer(&mut engine, Now(2), &Packet { kind: Kind::Renew, ..request });
    let [new, old] = reply.associations[0].addresses[..] else { panic!("{reply:?}") };
    assert!(new.address > ip("fd77::8ff") && new.valid_s > 0);
    assert_eq!(old, Given { address: given, preferred_s: 0, valid_s: 0 });
}

#[test]
fn confirming_says_whether_addresses_are_of_this_link() {
    let mut engine = engine(network());
    let mut ask = system(Kind::Confirm, 1);
    for (address, code) in [("fd77::5", status::SUCCESS), ("fd99::5", status::NOT_ON_LINK)] {
        let given = Given { address: ip(address), preferred_s: 0, valid_s: 0 };
        ask.associations[0].addresses = vec![given];
        let (reply, _) = answer(&mut engine, Now(1), &ask);
        assert_eq!(reply.status.map(|s| s.code), Some(code), "{address}");
    }
    ask.associations[0].addresses.clear();
    assert!(matches!(silence(&mut engine, Now(1), &ask), Why::BadOption(_)));
}

#[test]
fn giving_back_and_refusing_end_a_lease_and_nobody_else_can() {
    let mut engine = engine(network());
    let (request, given) = bound(&mut engine, Now(1), &system(Kind::Solicit, 1));
    let release = Packet { kind: Kind::Release, ..request };
    let theirs = Packet { client_id: system(Kind::Solicit, 2).client_id, ..release.clone() };
    let (reply, changes) = answer(&mut engine, Now(2), &theirs);
    assert!(leases(&changes).is_empty());
    assert_eq!(reply.associations[0].status.as_ref().map(|s| s.code), Some(status::NO_BINDING));
    let (reply, changes) = answer(&mut engine, Now(3), &release);
    assert_eq!(reply.status.map(|s| s.code), Some(status::SUCCESS));
    assert_eq!(leases(&changes)[0].state, LeaseState::Released);

    let (request, again) = bound(&mut engine, Now(4), &system(Kind::Solicit, 1));
    assert_eq!(again, given);
    let (_, changes) = answer(&mut engine, Now(5), &Packet { kind: Kind::Decline, ..request });
    assert_eq!(leases(&changes)[0].state, LeaseState::Declined);
    assert_ne!(bound(&mut engine, Now(6), &system(Kind::Solicit, 1)).1, given, "for an hour");
}

#[test]
fn an_address_of_another_link_is_not_requested_here() {
    let mut engine = engine(network());
    let (mut request, _) = bound(&mut engine, Now(1), &system(Kind::Solicit, 1));
    request.associations[0].addresses[0].address = ip("fd99::5");
    let (reply, changes) = answer(&mut engine, Now(2), &request);
    assert_eq!(reply.associations[0].status.as_ref().map(|s| s.code), Some(status::NOT_ON_LINK));
    assert!(leases(&changes).is_empty());
}

#[test]
fn a_full_pool_is_said_in_the_association_and_to_the_operator() {
    let pools = vec!["fd77::100-fd77::101".parse().unwrap()];
    let mut engine = engine(Network6 { pools, ..network() });
    for number in 1..=2 {
        bound(&mut engine, Now(1), &system(Kind::Solicit, number));
    }
    let told = say(&mut engine, Now(2), &system(Kind::Solicit, 3));
    let Answer::Reply(sent) = told.answer else { panic!("{:?}", told.answer) };
    let reply = Packet::parse(&sent.bytes).unwrap();
    assert_eq!(reply.associations[0].status.as_ref().map(|s| s.code), Some(status::NO_ADDRESSES));
    let said = told.events.iter().map(ToString::to_string).collect::<String>();
    assert!(said.contains("all 2 addresses of the pool are leased"), "{said}");
}

#[test]
fn two_messages_are_enough_where_the_network_allows_it() {
    let ask = Packet { rapid_commit: true, ..system(Kind::Solicit, 1) };
    let mut usual = engine(network());
    assert_eq!(answer(&mut usual, Now(1), &ask).0.kind, Kind::Advertise);
    let mut rapid = engine(Network6 { rapid_commit: true, ..network() });
    let (reply, changes) = answer(&mut rapid, Now(1), &ask);
    assert!(reply.kind == Kind::Reply && reply.rapid_commit);
    assert_eq!(leases(&changes).len(), 1, "it is promised");
}

#[test]
fn without_a_pool_machines_get_settings_and_what_to_boot() {
    let mut engine = engine(Network6 { pools: Vec::new(), ..network() });
    let ask = Packet { associations: Vec::new(), ..pxe(Kind::InformationRequest) };
    let (reply, _) = answer(&mut engine, Now(1), &ask);
    assert!(reply.associations.is_empty() && reply.boot_url.is_some());
    assert_eq!(reply.dns, [ip("fd77::53")]);
    assert!(matches!(silence(&mut engine, Now(1), &pxe(Kind::Solicit)), Why::SettingsOnly(_)));
}

#[test]
fn what_is_for_another_server_or_sent_to_us_alone_is_not_answered() {
    let mut engine = engine(network());
    let (request, _) = bound(&mut engine, Now(1), &system(Kind::Solicit, 1));
    let other = Packet { server_id: Some(duid::of_mac([2; 6])), ..request.clone() };
    assert!(matches!(silence(&mut engine, Now(2), &other), Why::OtherServerId(_)));
    let alone =
        |packet: &Packet| Datagram6 { to: ip("fd77::1"), ..heard(packet.encode().unwrap()) };
    let solicit = engine.dhcp6(Now(2), &alone(&system(Kind::Solicit, 1)));
    assert!(matches!(solicit.answer, Answer::Silence(Why::MustBeMulticast(_))));
    let told = engine.dhcp6(Now(2), &alone(&Packet { kind: Kind::Renew, ..request }));
    let Answer::Reply(sent) = told.answer else { panic!("{:?}", told.answer) };
    let reply = Packet::parse(&sent.bytes).unwrap();
    assert_eq!(reply.status.map(|s| s.code), Some(status::USE_MULTICAST));
    assert!(leases(&told.changes).is_empty());
    let elsewhere = Datagram6 { link: "wan".into(), ..heard(pxe(Kind::Solicit).encode().unwrap()) };
    let told = engine.dhcp6(Now(2), &elsewhere);
    assert_eq!(told.answer, Answer::Silence(Why::NotServed("wan".into())));
}

#[test]
fn a_flood_is_cut_short_and_told_once() {
    let mut engine = engine(network());
    let told = (0..700).filter(|_| {
        let told = say(&mut engine, Now(1), &pxe(Kind::Solicit));
        matches!(told.answer, Answer::Silence(Why::TooMany(_))) && !told.events.is_empty()
    });
    assert_eq!(told.count(), 1);
}

#[test]
fn whoever_makes_up_clients_behind_one_port_of_a_relay_keeps_nobody_else_from_an_answer() {
    let mut engine = engine(Network6 { relays: vec![ip("fd90::1")], ..network() });
    let mut said = |number: u16, port: &[u8]| {
        let [high, low] = number.to_be_bytes();
        let mut packet = system(Kind::Solicit, low);
        packet.client_id = Some(vec![0, 3, 0, 1, 2, 0, 0, 0, high, low]);
        let envelope = Envelope {
            hops: 0,
            link: ip("fd90::1"),
            peer: ip("fe80::5"),
            interface_id: Some(port.to_vec()),
            link_layer: None,
        };
        let bytes = forwarded(&[envelope], packet.encode().unwrap());
        let from = SocketAddrV6::new(ip("fd90::1"), 547, 0, 0);
        let datagram = Datagram6 { link: "lan".into(), from, to: ip("fd77::1"), bytes };
        matches!(engine.dhcp6(Now(1), &datagram).answer, Answer::Reply(_))
    };
    let answered = (0..1000).filter(|number| said(*number, b"port 1")).count();
    assert_eq!(answered, 640);
    assert!(said(2000, b"port 2"));
}

#[test]
fn a_uuid_leads_to_its_machine_until_two_have_it() {
    let mut engine = engine(network());
    let guid = model::Uuid::from_option_97([0x11; 16]);
    let whose = |engine: &mut Engine| {
        // Its link-local address says nothing of its card.
        let from = SocketAddrV6::new(ip("fe80::5"), 546, 0, 2);
        let datagram = Datagram6 { from, ..heard(pxe(Kind::Solicit).encode().unwrap()) };
        let told = engine.dhcp6(Now(1), &datagram);
        told.events.iter().find_map(|event| event.machine)
    };
    assert_eq!(whose(&mut engine), None);
    let other = HardwareAddress::mac([2, 0, 0, 0, 0, 9]);
    let machine = |hardware, uuid| {
        let mut machine = model::Machine::new(hardware, Now(0));
        machine.uuid = uuid;
        Change::Machine(machine)
    };
    engine.apply(&machine(HardwareAddress::mac(MAC), Some(guid)));
    assert_eq!(whose(&mut engine), Some(HardwareAddress::mac(MAC)));
    engine.apply(&machine(other, Some(guid)));
    assert_eq!(whose(&mut engine), None, "two boards share it");
    engine.apply(&machine(HardwareAddress::mac(MAC), None));
    assert_eq!(whose(&mut engine), Some(other));
    engine.apply(&Change::MachineGone(other));
    assert_eq!(whose(&mut engine), None);
}

#[test]
fn the_story_knows_who_spoke() {
    let mut engine = engine(network());
    let told = say(&mut engine, Now(1), &pxe(Kind::Solicit));
    let answered = told.events.iter().find(|e| matches!(e.what, Happening::Answered { .. }));
    let answered = answered.unwrap();
    let speaker = answered.speaker.as_ref().unwrap();
    assert_eq!((speaker.port, speaker.card), (547, HardwareAddress::mac(MAC)));
    assert_eq!((&speaker.stage, speaker.arch), (&Stage::Firmware, Some(Arch::X64Uefi)));
    assert!(answered.to_string().contains("SOLICIT → ADVERTISE fd77::1"), "{answered}");
}

#[test]
fn advertisements_say_what_the_network_gives() {
    let says = engine::dhcp6::advertisement(&network(), Some(MAC));
    assert!(says.managed && says.other && says.lifetime_s == 0);
    assert!(!says.prefixes[0].autonomous && says.prefixes[0].on_link);
    let stateless = Network6 { pools: Vec::new(), ..network() };
    let says = engine::dhcp6::advertisement(&stateless, None);
    assert!(!says.managed && says.other && says.prefixes[0].autonomous);
}

#[test]
fn whatever_we_send_firmware_survives() {
    // 255 bytes of URL are what an offer may have; a longer one is no offer, but a reason.
    let mut engine = engine(network());
    engine.apply(&Change::Loader(Loader {
        name: "x".repeat(250),
        kind: LoaderKind::Snponly,
        arch: Arch::X64Uefi,
        version: "1.0".into(),
        path: "/".into(),
        sha256: Hash([1; 32]),
        size: 1,
        signers: vec![],
    }));
    engine.apply(&Change::LoaderGone("snponly-x64.efi".into()));
    let told = say(&mut engine, Now(1), &pxe(Kind::Solicit));
    let said: String = told.events.iter().map(ToString::to_string).collect();
    let Answer::Reply(sent) = told.answer else { panic!("{said}") };
    let reply = Packet::parse(&sent.bytes).unwrap();
    assert!(reply.boot_url.is_none() && said.contains("boot file name"), "{said}");
    assert!(Heard::parse(&sent.bytes).is_err(), "a server's message is none of a client");
}
