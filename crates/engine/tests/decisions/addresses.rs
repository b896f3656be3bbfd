//! The address service: promises, shared links, relays, options, quarantine, told by example.

use crate::house::{
    US, command, datagram, lease, mac, network, reply, request, selecting, silence,
};
use engine::{Command, Datagram, Destination, Engine, Settings};
use model::lease::{LeaseState, ReservedFor};
use model::network::{Mode, Option82};
use model::plan::Why;
use model::{Change, DhcpOption, Happening, Lease, Network, Now, Reservation, Uuid};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use wire::dhcp4::{Message, MessageType, code};

const DAY: u64 = 86_400_000;

fn engine_of(networks: Vec<Network>) -> Engine {
    Engine::new(Settings { networks, ..crate::house::settings(Mode::Dhcp) })
}

fn plain() -> Engine {
    engine_of(vec![network(Mode::Dhcp)])
}

fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn reserve(engine: &mut Engine, address: &str, holder: ReservedFor) -> String {
    let host_name = Some("box-7".to_owned());
    let reservation = Reservation { address: ip(address), holder, host_name, since: Now(0) };
    command(engine, Command::AddReservation(reservation))
}

fn discover(engine: &mut Engine, now: u64, message: &Message) -> Message {
    reply(engine.dhcp(Now(now), &datagram(message))).1
}

fn is(message: &Message, kind: MessageType) -> bool {
    message.options.message_type() == Some(Ok(kind))
}

/// A message of client `last` through a relay with this option 82.
fn relayed(kind: MessageType, last: u8, relay: &str, agent: &[u8]) -> Datagram {
    let mut message = request(kind, last);
    message.giaddr = ip(relay);
    message.options.push(code::RELAY_AGENT, agent);
    Datagram { from: SocketAddrV4::new(ip(relay), 67), to: US, ..datagram(&message) }
}

fn renewing(last: u8, address: Ipv4Addr) -> Datagram {
    let mut message = request(MessageType::Request, last);
    message.ciaddr = address;
    Datagram { from: SocketAddrV4::new(address, 68), to: US, ..datagram(&message) }
}

fn lease_s(message: &Message) -> Option<u32> {
    message.options.u32(code::LEASE_TIME)
}

#[test]
fn a_reservation_is_kept_for_its_client_by_whatever_it_is_known() {
    let mut engine = plain();
    reserve(&mut engine, "10.77.0.20", ReservedFor::Mac(mac(1)));
    reserve(&mut engine, "10.77.0.150", ReservedFor::ClientId(b"\0box".to_vec()));
    reserve(&mut engine, "10.77.0.21", ReservedFor::Uuid(Uuid([7; 16])));
    let port = ReservedFor::Circuit { relay: None, id: b"eth7".to_vec() };
    reserve(&mut engine, "10.77.0.22", port);

    assert_eq!(lease(&mut engine, Now(0), 1), ip("10.77.0.20"));
    let mut named = request(MessageType::Discover, 2);
    named.options.push(code::CLIENT_ID, *b"\0box");
    assert_eq!(discover(&mut engine, 0, &named).yiaddr, ip("10.77.0.150"));
    let mut board = request(MessageType::Discover, 3);
    board.options.push(code::CLIENT_MACHINE_ID, [vec![0], vec![7; 16]].concat());
    assert_eq!(discover(&mut engine, 0, &board).yiaddr, ip("10.77.0.21"));
    let plugged = relayed(MessageType::Discover, 4, "10.77.0.9", b"\x01\x04eth7");
    // The relay of the lab stands elsewhere: it serves a subnet of its own here.
    let mut relays = network(Mode::Dhcp);
    relays.relays.push(ip("10.77.0.9"));
    engine.configure(Settings { networks: vec![relays], ..crate::house::settings(Mode::Dhcp) });
    let (_, offer) = reply(engine.dhcp(Now(0), &plugged));
    assert_eq!(offer.yiaddr, ip("10.77.0.22"));
    let echoed = offer.options.get(code::RELAY_AGENT);
    assert_eq!(echoed.as_deref(), Some(&b"\x01\x04eth7"[..]));
}

#[test]
fn nobody_else_is_given_a_reserved_address() {
    let mut lab = network(Mode::Dhcp);
    lab.pools = vec!["10.77.0.100-10.77.0.101".parse().unwrap()];
    let mut engine = engine_of(vec![lab]);
    reserve(&mut engine, "10.77.0.100", ReservedFor::Mac(mac(9)));
    let mut wish = request(MessageType::Discover, 1);
    wish.options.push(code::REQUESTED_ADDRESS, [10, 77, 0, 100]);
    assert_eq!(discover(&mut engine, 0, &wish).yiaddr, ip("10.77.0.101"));
    let none = silence(engine.dhcp(Now(0), &datagram(&request(MessageType::Discover, 2))));
    assert!(matches!(none, Why::PoolExhausted { size: 2, .. }));
    let stolen = datagram(&selecting(2, ip("10.77.0.100"), US));
    assert!(is(&reply(engine.dhcp(Now(0), &stolen)).1, MessageType::Nak));
    assert_eq!(lease(&mut engine, Now(0), 9), ip("10.77.0.100"));
}

#[test]
fn a_reservation_of_a_leased_address_waits_until_that_lease_ends() {
    let mut engine = plain();
    let address = lease(&mut engine, Now(0), 1);
    let says = reserve(&mut engine, &address.to_string(), ReservedFor::Mac(mac(2)));
    assert!(says.contains("not renewed past that"), "{says}");
    assert_ne!(lease(&mut engine, Now(1000), 2), address, "still theirs");
    // Half its time is over: it keeps what is left, and no more.
    let (_, ack) = reply(engine.dhcp(Now(21_600_000), &renewing(1, address)));
    assert_eq!(lease_s(&ack), Some(21_600));
    assert_eq!(lease(&mut engine, Now(43_200_001), 2), address);
    let nak = reply(engine.dhcp(Now(43_200_002), &renewing(1, address))).1;
    assert!(is(&nak, MessageType::Nak));
}

#[test]
fn not_even_a_reservation_takes_a_lease_from_who_holds_it() {
    let mut engine = plain();
    reserve(&mut engine, "10.77.0.21", ReservedFor::Uuid(Uuid([7; 16])));
    let board = |last| {
        let mut message = request(MessageType::Discover, last);
        message.options.push(code::CLIENT_MACHINE_ID, [vec![0], vec![7; 16]].concat());
        message
    };
    let offer = discover(&mut engine, 1, &board(3));
    assert_eq!(offer.yiaddr, ip("10.77.0.21"));
    let mut take = board(3);
    take.options.remove(code::MESSAGE_TYPE);
    take.options.push(code::MESSAGE_TYPE, [MessageType::Request.number()]);
    take.options.push(code::SERVER_ID, US.octets());
    take.options.push(code::REQUESTED_ADDRESS, offer.yiaddr.octets());
    assert!(is(&discover(&mut engine, 1, &take), MessageType::Ack));
    // Whoever says the same of itself, another card of that board or not, waits for its end.
    assert_ne!(discover(&mut engine, 2, &board(4)).yiaddr, ip("10.77.0.21"));
    assert_eq!(discover(&mut engine, 43_200_002, &board(4)).yiaddr, ip("10.77.0.21"));
}

#[test]
fn what_is_left_of_a_lease_that_is_not_renewed_ends_and_is_not_stretched() {
    let mut engine = plain();
    let address = lease(&mut engine, Now(0), 1);
    reserve(&mut engine, &address.to_string(), ReservedFor::Mac(mac(2)));
    let (_, ack) = reply(engine.dhcp(Now(43_100_000), &renewing(1, address)));
    assert_eq!(lease_s(&ack), Some(100));
    let why = silence(engine.dhcp(Now(43_150_000), &renewing(1, address)));
    assert_eq!(why, Why::NotRenewed(address), "less than a minute is left, and no NAK ends it");
    assert_eq!(lease(&mut engine, Now(43_200_001), 2), address);
}

#[test]
fn nothing_that_was_promised_is_taken_back_by_a_shorter_lease() {
    let mut engine = plain();
    let address = lease(&mut engine, Now(0), 1);
    let mut shorter = network(Mode::Dhcp);
    shorter.lease = Some(Duration::from_secs(600));
    engine.configure(Settings { networks: vec![shorter], ..crate::house::settings(Mode::Dhcp) });
    let (_, ack) = reply(engine.dhcp(Now(1000), &renewing(1, address)));
    assert_eq!(lease_s(&ack), Some(43_199), "it may never hear this ACK");
    let (_, ack) = reply(engine.dhcp(Now(43_000_000), &renewing(1, address)));
    assert_eq!(lease_s(&ack), Some(600));
}

#[test]
fn a_relay_that_nobody_named_gets_nothing_by_selecting_a_subnet_of_ours() {
    let mut lab = network(Mode::Dhcp);
    lab.relays.clear();
    let mut engine = engine_of(vec![lab]);
    let mut message = request(MessageType::Discover, 1);
    message.giaddr = ip("203.0.113.9");
    message.options.push(code::SUBNET_SELECTION, [10, 77, 0, 0]);
    let ask = Datagram { to: US, ..datagram(&message) };
    assert_eq!(silence(engine.dhcp(Now(0), &ask)), Why::UnknownRelay(ip("203.0.113.9").into()));
}

#[test]
fn a_machine_moves_to_its_reservation_at_its_next_boot_not_in_the_middle() {
    let mut engine = plain();
    let first = lease(&mut engine, Now(0), 1);
    reserve(&mut engine, "10.77.0.20", ReservedFor::Mac(mac(1)));
    assert!(is(&reply(engine.dhcp(Now(1), &renewing(1, first))).1, MessageType::Ack));
    let mut reboot = request(MessageType::Request, 1);
    reboot.options.push(code::REQUESTED_ADDRESS, first.octets());
    assert!(is(&reply(engine.dhcp(Now(2), &datagram(&reboot))).1, MessageType::Nak));
    assert_eq!(lease(&mut engine, Now(3), 1), ip("10.77.0.20"));
    assert_eq!(engine.leases().filter(|lease| lease.holds(Now(3))).count(), 1);
}

#[test]
fn a_pool_that_shrinks_keeps_its_leases_until_they_end() {
    let mut engine = plain();
    let address = lease(&mut engine, Now(0), 1);
    let mut smaller = network(Mode::Dhcp);
    smaller.pools = vec!["10.77.0.10-10.77.0.20".parse().unwrap()];
    let networks = vec![smaller];
    let notes = engine.configure(Settings { networks, ..crate::house::settings(Mode::Dhcp) });
    assert!(notes[0].starts_with("1 leases"), "{notes:?}");
    let (_, ack) = reply(engine.dhcp(Now(36_000_000), &renewing(1, address)));
    assert_eq!(lease_s(&ack), Some(7200), "what is left of twelve hours");
    assert!(is(&reply(engine.dhcp(Now(43_200_001), &renewing(1, address))).1, MessageType::Nak));
    let moved = lease(&mut engine, Now(43_200_002), 1);
    assert!((ip("10.77.0.10")..=ip("10.77.0.20")).contains(&moved));
}

#[test]
fn subnets_that_share_a_link_are_filled_in_order_and_each_speaks_for_itself() {
    let mut first = network(Mode::Dhcp);
    first.pools = vec!["10.77.0.100-10.77.0.100".parse().unwrap()];
    first.shared = Some("floor".into());
    let subnet = "10.78.0.0/24".parse().unwrap();
    let second = Network {
        pools: vec!["10.78.0.100-10.78.0.199".parse().unwrap()],
        shared: Some("floor".into()),
        ..Network::new("lan", Mode::Dhcp, ip("10.78.0.1"), subnet)
    };
    let mut engine = engine_of(vec![first, second]);
    assert_eq!(lease(&mut engine, Now(0), 1), ip("10.77.0.100"));
    let offer = discover(&mut engine, 0, &request(MessageType::Discover, 2));
    assert_eq!(offer.yiaddr.octets()[1], 78, "the first is full");
    assert_eq!(offer.options.ip(code::SERVER_ID), Some(ip("10.78.0.1")));
    let take = datagram(&selecting(2, offer.yiaddr, ip("10.78.0.1")));
    let ack = reply(engine.dhcp(Now(0), &take)).1;
    assert!(is(&ack, MessageType::Ack));
    let mut renew = renewing(2, offer.yiaddr);
    renew.to = ip("10.78.0.1");
    assert!(is(&reply(engine.dhcp(Now(9), &renew)).1, MessageType::Ack));
    assert_eq!(discover(&mut engine, 9, &request(MessageType::Discover, 2)).yiaddr, offer.yiaddr);
}

#[test]
fn a_relay_says_which_subnet_and_where_it_listens() {
    let subnet = "10.80.0.0/24".parse().unwrap();
    let behind = Network {
        pools: vec!["10.80.0.100-10.80.0.199".parse().unwrap()],
        relays: vec![ip("10.99.0.1")],
        ..Network::new("lan", Mode::Dhcp, US, subnet)
    };
    let mut engine = engine_of(vec![network(Mode::Dhcp), behind]);
    // Link selection (82.5), and a relay that listens on another port (82.19, RFC 8357).
    let agent = [&[5, 4, 10, 80, 0, 0][..], &[19, 2, 0x12, 0x34]].concat();
    let mut ask = relayed(MessageType::Discover, 1, "10.99.0.1", &agent);
    ask.from = SocketAddrV4::new(ip("10.99.0.1"), 0x1234);
    let (out, offer) = reply(engine.dhcp(Now(0), &ask));
    assert_eq!(offer.yiaddr.octets()[..3], [10, 80, 0]);
    assert_eq!(out.to, Destination::Routed(SocketAddrV4::new(ip("10.99.0.1"), 0x1234)));
    // Subnet selection (118), said back (RFC 3011).
    let mut message = request(MessageType::Discover, 2);
    message.giaddr = ip("10.99.0.1");
    message.options.push(code::SUBNET_SELECTION, [10, 80, 0, 0]);
    let ask = Datagram { to: US, ..datagram(&message) };
    let (_, offer) = reply(engine.dhcp(Now(0), &ask));
    assert_eq!(offer.yiaddr.octets()[..3], [10, 80, 0]);
    assert_eq!(offer.options.ip(code::SUBNET_SELECTION), Some(ip("10.80.0.0")));
    // A relay that nobody named gets nothing.
    let foreign = relayed(MessageType::Discover, 3, "10.98.0.1", &agent);
    assert_eq!(silence(engine.dhcp(Now(0), &foreign)), Why::UnknownRelay(ip("10.98.0.1").into()));
}

#[test]
fn option_82_of_a_client_counts_only_where_it_is_trusted() {
    let mut message = request(MessageType::Discover, 1);
    message.options.push(code::RELAY_AGENT, *b"\x01\x02p1");
    for (policy, answered, echoed) in [
        (Option82::Ignore, true, false),
        (Option82::Trust, true, true),
        (Option82::Drop, false, false),
        (Option82::Require, false, false),
    ] {
        let mut lab = network(Mode::Dhcp);
        lab.option_82 = policy;
        let mut engine = engine_of(vec![lab]);
        let told = engine.dhcp(Now(0), &datagram(&message));
        if answered {
            let offer = reply(told).1;
            assert_eq!(offer.options.contains(code::RELAY_AGENT), echoed, "{policy}");
        } else {
            assert!(matches!(silence(told), Why::BadOption(_)), "{policy}");
        }
    }
}

#[test]
fn a_client_may_ask_for_less_time_but_not_for_too_little_nor_for_more() {
    let mut engine = plain();
    for (asked, given) in [(7200, 7200), (5, 600), (999_999, 43_200), (u32::MAX, 43_200)] {
        let mut message = request(MessageType::Discover, 1);
        message.options.push(code::LEASE_TIME, asked.to_be_bytes());
        assert_eq!(lease_s(&discover(&mut engine, 0, &message)), Some(given), "{asked}");
    }
    // Who boots gets all of it: the lease must outlast the boot.
    let mut boots = crate::house::firmware(MessageType::Discover, 2, "PXEClient", 7);
    boots.options.push(code::LEASE_TIME, 700_u32.to_be_bytes());
    assert_eq!(lease_s(&discover(&mut engine, 0, &boots)), Some(43_200));
    let mut for_ever = network(Mode::Dhcp);
    for_ever.lease = None;
    let mut engine = engine_of(vec![for_ever]);
    let offer = discover(&mut engine, 0, &request(MessageType::Discover, 1));
    assert_eq!(lease_s(&offer), Some(u32::MAX));
}

#[test]
fn rapid_commit_acknowledges_at_once_and_only_where_it_is_switched_on() {
    let mut message = request(MessageType::Discover, 1);
    message.options.push(code::RAPID_COMMIT, []);
    let offer = discover(&mut plain(), 0, &message);
    assert!(is(&offer, MessageType::Offer) && !offer.options.contains(code::RAPID_COMMIT));

    let mut lab = network(Mode::Dhcp);
    lab.rapid_commit = true;
    let probed = discover(&mut engine_of(vec![lab.clone()]), 0, &message);
    assert!(is(&probed, MessageType::Offer), "what is yet to be probed is only offered");
    lab.probe = None;
    let mut engine = engine_of(vec![lab]);
    let told = engine.dhcp(Now(0), &datagram(&message));
    assert!(matches!(told.changes.as_slice(), [Change::Lease(_)]), "kept before it is said");
    let ack = reply(told).1;
    assert!(is(&ack, MessageType::Ack) && ack.options.contains(code::RAPID_COMMIT));
    let offer = discover(&mut engine, 0, &request(MessageType::Discover, 2));
    assert!(is(&offer, MessageType::Offer), "who did not ask for it");
}

#[test]
fn options_of_a_machine_outrank_those_of_its_network_and_go_to_who_asks() {
    let mut lab = network(Mode::Dhcp);
    let option = |code, value: &[u8], always| DhcpOption { code, value: value.to_vec(), always };
    lab.options = vec![
        option(42, &[10, 77, 0, 2], false),
        option(224, b"all", true),
        option(code::VENDOR_SPECIFIC, b"phones", true),
    ];
    let mut engine = engine_of(vec![lab]);
    engine.apply(&Change::Machine(model::Machine::new(mac(1), Now(0))));
    let own = vec![option(42, &[10, 77, 0, 3], false)];
    command(&mut engine, Command::SetMachineOptions(mac(1).to_string(), own));

    let mut asks = request(MessageType::Discover, 1);
    asks.options.push(code::PARAMETER_LIST, [1, 3, 42]);
    let offer = discover(&mut engine, 0, &asks);
    assert_eq!(offer.options.get(42).as_deref(), Some(&[10, 77, 0, 3][..]));
    assert_eq!(offer.options.get(224).as_deref(), Some(&b"all"[..]));
    assert_eq!(offer.options.get(code::VENDOR_SPECIFIC).as_deref(), Some(&b"phones"[..]));
    let offer = discover(&mut engine, 0, &request(MessageType::Discover, 2));
    assert!(!offer.options.contains(42), "it did not ask");
    let boots = crate::house::firmware(MessageType::Discover, 3, "PXEClient", 7);
    let offer = discover(&mut engine, 0, &boots);
    assert_ne!(offer.options.get(code::VENDOR_SPECIFIC).as_deref(), Some(&b"phones"[..]));
}

#[test]
fn classless_routes_go_to_who_asks_by_either_number_with_the_default_among_them() {
    let mut lab = network(Mode::Dhcp);
    lab.routes = vec!["10.9.0.0/16 via 10.77.0.9".parse().unwrap()];
    let mut engine = engine_of(vec![lab]);
    let mut asks = request(MessageType::Discover, 1);
    asks.options.push(code::PARAMETER_LIST, [1, 3, 121, 249]);
    let offer = discover(&mut engine, 0, &asks);
    let wire = [&[0, 10, 77, 0, 254][..], &[16, 10, 9, 10, 77, 0, 9]].concat();
    assert_eq!(offer.options.get(121).as_deref(), Some(&wire[..]));
    assert_eq!(offer.options.get(249).as_deref(), Some(&wire[..]));
    let offer = discover(&mut engine, 0, &request(MessageType::Discover, 2));
    assert!(!offer.options.contains(121) && offer.options.contains(code::ROUTER));
}

#[test]
fn an_address_that_is_offered_for_the_first_time_is_to_be_probed_and_a_lease_is_not() {
    let mut engine = plain();
    let (out, offer) = reply(engine.dhcp(Now(0), &datagram(&request(MessageType::Discover, 1))));
    let check = out.check.unwrap();
    assert_eq!((check.address, check.hardware), (offer.yiaddr, mac(1)));
    assert!(check.on_link && check.wait <= Duration::from_millis(500));

    let theirs = Some(mac(66));
    let noted = engine.conflict(Now(1), "lan", &check, theirs);
    assert!(matches!(&noted.changes[..], [Change::Lease(l)] if l.state == LeaseState::Conflict));
    assert!(matches!(&noted.events[0].what, Happening::Alarm { text } if text.contains("used by")));
    let (out, other) = reply(engine.dhcp(Now(2), &datagram(&request(MessageType::Discover, 1))));
    assert_ne!(other.yiaddr, offer.yiaddr);
    assert!(out.check.is_some());
    let refused = datagram(&selecting(1, offer.yiaddr, US));
    assert!(is(&reply(engine.dhcp(Now(3), &refused)).1, MessageType::Nak));
    // The squatter itself may ask for it like everybody else: it gets another.
    assert_ne!(lease(&mut engine, Now(4), 66), offer.yiaddr);

    let address = lease(&mut engine, Now(5), 1);
    let (out, again) = reply(engine.dhcp(Now(6), &datagram(&request(MessageType::Discover, 1))));
    assert_eq!((again.yiaddr, out.check), (address, None));
    // Too late: it is leased. That stays; the operator hears of it.
    let noted = engine.conflict(Now(7), "lan", &engine::Check { address, ..check }, theirs);
    assert!(noted.changes.is_empty() && noted.events.len() == 1);
}

#[test]
fn a_flood_of_strangers_does_not_keep_out_who_is_known() {
    let mut lab = network(Mode::Dhcp);
    lab.pools = vec!["10.77.0.100-10.77.0.110".parse().unwrap()];
    let mut engine = engine_of(vec![lab]);
    let before = lease(&mut engine, Now(0), 200);
    let ended = 43_200_001;
    command(
        &mut engine,
        Command::SetMachine {
            machine: mac(201).to_string(),
            name: Some("known".into()),
            profile: None,
            labels: vec![],
            settings: Vec::new(),
            notes: None,
        },
    );
    for last in 0..100 {
        let _ = engine.dhcp(Now(ended), &datagram(&request(MessageType::Discover, last)));
    }
    let stranger = datagram(&request(MessageType::Discover, 150));
    assert!(matches!(silence(engine.dhcp(Now(ended), &stranger)), Why::PoolExhausted { .. }));
    lease(&mut engine, Now(ended), 201);
    let _ = before;
}

#[test]
fn one_client_that_floods_is_cut_short_and_told_of_once() {
    let mut engine = plain();
    let message = datagram(&request(MessageType::Discover, 1));
    let told: Vec<_> = (0..1000).map(|n| engine.dhcp(Now(n), &message)).collect();
    let silent = told.iter().filter(|t| matches!(t.answer, engine::Answer::Silence(_)));
    assert_eq!(silent.clone().count(), 360);
    assert_eq!(silent.filter(|t| !t.events.is_empty()).count(), 1);
    lease(&mut engine, Now(999), 2);
}

#[test]
fn what_ended_is_told_kept_for_its_time_and_then_forgotten() {
    let mut engine = plain();
    let _ = engine.tidy(Now(1));
    let address = lease(&mut engine, Now(1), 1);
    let noted = engine.tidy(Now(43_300_000));
    assert!(noted.changes.is_empty());
    let text = noted.events[0].what.to_string();
    assert!(text.contains(&format!("lease of {address} ended")), "{text}");
    assert!(engine.tidy(Now(43_400_000)).events.is_empty(), "once");

    // Somebody else has it by now: who had it before is remembered.
    let mut wish = request(MessageType::Discover, 2);
    wish.options.push(code::REQUESTED_ADDRESS, address.octets());
    let offer = discover(&mut engine, 44_000_000, &wish);
    assert_eq!(offer.yiaddr, address);
    let told = engine.dhcp(Now(44_000_000), &datagram(&selecting(2, address, US)));
    assert!(matches!(&told.changes[0], Change::LeasePast(l) if l.hardware == mac(1)));
    let past: Vec<&Lease> = engine.past_leases().collect();
    assert_eq!((past.len(), past[0].until), (1, Some(Now(43_200_001))));

    let late = 44_000_000 + 43_200_000 + 31 * DAY;
    let noted = engine.tidy(Now(late));
    assert!(noted.changes.contains(&Change::LeaseGone(address)));
    assert!(noted.changes.iter().any(|c| matches!(c, Change::PastGone(_))));
    assert_eq!((engine.leases().count(), engine.past_leases().count()), (0, 0));
}

#[test]
fn leases_of_another_server_are_taken_over_and_never_against_ours() {
    let mut engine = plain();
    let ours = lease(&mut engine, Now(0), 1);
    let theirs = |address: Ipv4Addr, last: u8, until| Lease {
        address,
        network: String::new(),
        hardware: mac(last),
        client_id: None,
        host_name: None,
        since: Now(0),
        until,
        state: LeaseState::Bound,
    };
    let says = command(
        &mut engine,
        Command::ImportLeases(vec![
            theirs(ip("10.77.0.120"), 5, Some(Now(DAY))),
            theirs(ours, 6, Some(Now(DAY))),
            theirs(ip("192.168.0.5"), 7, None),
        ]),
    );
    assert!(says.starts_with("1 leases taken over, 1 left out"), "{says}");
    assert_eq!(lease(&mut engine, Now(9), 5), ip("10.77.0.120"));
    assert!(is(&reply(engine.dhcp(Now(9), &renewing(1, ours))).1, MessageType::Ack));
}

#[test]
fn an_operator_ends_a_lease_or_a_quarantine() {
    let mut engine = plain();
    let address = lease(&mut engine, Now(0), 1);
    command(&mut engine, Command::ReleaseLease(address));
    assert!(engine.leases().all(|lease| !lease.holds(Now(1))));
    assert!(engine.command(Now(1), Command::ReleaseLease(address)).is_err());
    assert_eq!(lease(&mut engine, Now(2), 1), address, "its client comes back to it");
}

#[test]
fn a_reservation_that_cannot_be_is_refused_with_the_reason() {
    let mut engine = plain();
    reserve(&mut engine, "10.77.0.20", ReservedFor::Mac(mac(1)));
    let add = |address: &str, holder| {
        let reservation =
            Reservation { address: ip(address), holder, host_name: None, since: Now(0) };
        engine.command(Now(0), Command::AddReservation(reservation)).unwrap_err().to_string()
    };
    for (address, holder, why) in [
        ("192.168.0.5", ReservedFor::Mac(mac(2)), "in no subnet"),
        ("10.77.0.1", ReservedFor::Mac(mac(2)), "ours"),
        ("10.77.0.20", ReservedFor::Mac(mac(2)), "already"),
        ("10.77.0.21", ReservedFor::Mac(mac(1)), "has 10.77.0.20 reserved already"),
        ("10.77.0.21", ReservedFor::Uuid(Uuid([0; 16])), "names no machine"),
        ("10.77.0.21", ReservedFor::ClientId(vec![]), "names nobody"),
    ] {
        let said = add(address, holder);
        assert!(said.contains(why), "{address}: {said}");
    }
}
