//! Each row of what bad DHCP input gets, and each meaning of a REQUEST, as a named test.

use crate::house::{
    US, bytes, command, datagram, engine, firmware, lease, mac, network, reply, request, selecting,
    silence,
};
use engine::{Destination, Engine};
use model::Life;
use model::lease::LeaseState;
use model::network::{HttpBoot, Mode};
use model::plan::Why;
use model::{Change, Now};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use wire::dhcp4::{Message, MessageType, code};

fn quiet(engine: &mut Engine, message: &Message) -> Why {
    silence(engine.dhcp(Now(0), &datagram(message)))
}

#[test]
fn short_foreign_and_malformed_bytes_are_dropped_and_told() {
    let mut engine = engine(Mode::Dhcp);
    let mut reply_op = request(MessageType::Discover, 1).encode(1472).unwrap();
    reply_op[0] = 2;
    let mut long_hardware = request(MessageType::Discover, 1).encode(1472).unwrap();
    long_hardware[2] = 17;
    let mut short_ethernet = request(MessageType::Discover, 1).encode(1472).unwrap();
    short_ethernet[2] = 4;
    let mut no_magic = request(MessageType::Discover, 1).encode(1472).unwrap();
    no_magic[236] = 0;
    no_magic.truncate(299);
    for broken in [
        vec![],
        b"default send string".to_vec(),
        vec![1; 239],
        reply_op,
        long_hardware,
        short_ethernet,
        no_magic,
    ] {
        let told = engine.dhcp(Now(0), &bytes(broken));
        assert!(told.changes.is_empty());
        assert_eq!(told.events.len(), 1, "every silence is told");
        assert!(matches!(silence(told), Why::Malformed(_)));
    }
}

#[test]
fn an_unknown_message_type_is_dropped() {
    let mut message = request(MessageType::Discover, 1);
    message.options.remove(code::MESSAGE_TYPE);
    message.options.push(code::MESSAGE_TYPE, [99]);
    assert_eq!(quiet(&mut engine(Mode::Dhcp), &message), Why::MessageType(99));
}

#[test]
fn a_broken_option_that_decides_drops_the_packet_and_others_do_not() {
    let mut engine = engine(Mode::Dhcp);
    for decides in [code::MESSAGE_TYPE, code::REQUESTED_ADDRESS, code::SERVER_ID] {
        let mut message = request(MessageType::Discover, 1);
        message.options.remove(decides);
        message.options.push(decides, [1, 2, 3]);
        assert!(matches!(quiet(&mut engine, &message), Why::Malformed(_)), "{decides}");
    }
    let mut message = request(MessageType::Discover, 1);
    message.options.push(code::CLIENT_ID, [1]);
    message.options.push(code::CLIENT_NDI, [1]);
    reply(engine.dhcp(Now(0), &datagram(&message)));
}

#[test]
fn overload_in_a_circle_is_dropped() {
    let mut raw = request(MessageType::Discover, 1).encode(1472).unwrap();
    // The `file` field holds options and says once more that fields hold options.
    raw.truncate(243);
    raw.extend([52, 1, 3, 255]);
    raw[108..112].copy_from_slice(&[52, 1, 1, 255]);
    raw.resize(300, 0);
    assert!(matches!(silence(engine(Mode::Dhcp).dhcp(Now(0), &bytes(raw))), Why::Malformed(_)));
}

#[test]
fn a_request_for_another_server_frees_our_offer_silently() {
    let mut engine = engine(Mode::Dhcp);
    let other = Ipv4Addr::new(10, 77, 0, 2);
    let message = selecting(1, Ipv4Addr::new(10, 77, 0, 150), other);
    assert_eq!(quiet(&mut engine, &message), Why::OtherServer(other));
}

#[test]
fn an_unknown_lease_is_refused_only_where_we_are_the_authority() {
    let mut asks = request(MessageType::Request, 1);
    asks.options.push(code::REQUESTED_ADDRESS, [10, 77, 0, 150]);
    let mut foreign = request(MessageType::Request, 1);
    foreign.options.push(code::REQUESTED_ADDRESS, [192, 168, 1, 5]);

    let mut authority = engine(Mode::Dhcp);
    for message in [&asks, &foreign] {
        let (out, nak) = reply(authority.dhcp(Now(0), &datagram(message)));
        assert_eq!(nak.options.message_type(), Some(Ok(MessageType::Nak)));
        assert_eq!(nak.yiaddr, Ipv4Addr::UNSPECIFIED);
        assert!(nak.options.contains(code::MESSAGE) && !nak.options.contains(code::LEASE_TIME));
        assert_eq!(out.to, Destination::Broadcast { port: 68 });
    }

    let mut settings = crate::house::settings(Mode::Dhcp);
    settings.networks[0].authoritative = false;
    let mut guest = Engine::new(settings);
    assert!(matches!(quiet(&mut guest, &asks), Why::NoRecord(_)));
    assert!(matches!(quiet(&mut guest, &foreign), Why::NoRecord(_)));
}

#[test]
fn a_discover_by_unicast_is_dropped() {
    let mut engine = engine(Mode::Dhcp);
    let mut direct = datagram(&request(MessageType::Discover, 1));
    direct.to = US;
    assert!(matches!(silence(engine.dhcp(Now(0), &direct)), Why::Malformed(_)));
}

#[test]
fn an_interface_without_a_network_is_not_served() {
    let mut elsewhere = datagram(&request(MessageType::Discover, 1));
    elsewhere.link = "wan".into();
    let why = silence(engine(Mode::Dhcp).dhcp(Now(0), &elsewhere));
    assert_eq!(why, Why::NotServed("wan".into()));
}

#[test]
fn a_relay_we_do_not_know_is_dropped() {
    let mut message = request(MessageType::Discover, 1);
    message.giaddr = Ipv4Addr::new(172, 16, 0, 1);
    let why = quiet(&mut engine(Mode::Dhcp), &message);
    assert_eq!(why, Why::UnknownRelay(message.giaddr.into()));
}

#[test]
fn relay_information_from_a_client_is_not_echoed() {
    let mut message = request(MessageType::Discover, 1);
    message.options.push(code::RELAY_AGENT, [1, 2, 7, 7]);
    let (_, offer) = reply(engine(Mode::Dhcp).dhcp(Now(0), &datagram(&message)));
    assert!(!offer.options.contains(code::RELAY_AGENT));
}

#[test]
fn relay_information_from_a_relay_comes_back_byte_for_byte_and_last() {
    let mut settings = crate::house::settings(Mode::Dhcp);
    settings.networks[0].relays = vec![Ipv4Addr::new(10, 77, 0, 2)];
    let mut engine = Engine::new(settings);
    let mut message = request(MessageType::Discover, 1);
    message.giaddr = Ipv4Addr::new(10, 77, 0, 2);
    message.flags = 0x8000;
    // Sub-option 1 twice and a tail that is no sub-option: still echoed as it stands.
    message.options.push(code::RELAY_AGENT, [1, 2, 7, 7, 1, 1, 9, 200]);
    let (out, offer) = reply(engine.dhcp(Now(0), &datagram(&message)));
    assert_eq!(offer.options.iter().last(), Some((82, &[1, 2, 7, 7, 1, 1, 9, 200][..])));
    assert_eq!(out.to, Destination::Routed(SocketAddrV4::new(message.giaddr, 67)));
    assert!(offer.broadcast(), "the flag comes back also through a relay (Q47)");
}

#[test]
fn releasing_or_declining_what_is_not_theirs_changes_nothing() {
    let mut engine = engine(Mode::Dhcp);
    let address = lease(&mut engine, Now(0), 1);
    for kind in [MessageType::Release, MessageType::Decline] {
        let mut thief = request(kind, 2);
        thief.ciaddr = address;
        if kind == MessageType::Decline {
            thief.ciaddr = Ipv4Addr::UNSPECIFIED;
            thief.options.push(code::REQUESTED_ADDRESS, address.octets());
        }
        thief.options.push(code::SERVER_ID, US.octets());
        let told = engine.dhcp(Now(1), &datagram(&thief));
        assert!(told.changes.is_empty());
        assert_eq!(silence(told), Why::NotTheirs(address));
    }
    assert_eq!(engine.leases().filter(|l| l.state == LeaseState::Bound).count(), 1);
}

#[test]
fn a_release_keeps_the_address_for_its_client() {
    let mut engine = engine(Mode::Dhcp);
    let address = lease(&mut engine, Now(0), 1);
    let mut release = request(MessageType::Release, 1);
    release.ciaddr = address;
    release.options.push(code::SERVER_ID, US.octets());
    let told = engine.dhcp(Now(1), &datagram(&release));
    assert!(
        matches!(told.changes.as_slice(), [Change::Lease(l)] if l.state == LeaseState::Released)
    );
    let _ = silence(told);
    assert_eq!(lease(&mut engine, Now(2), 1), address);
}

#[test]
fn a_flood_of_declines_takes_three_addresses_an_hour() {
    let mut engine = engine(Mode::Dhcp);
    for round in 0..10 {
        let now = Now(round * 1000);
        let address = lease(&mut engine, now, 1);
        let mut decline = request(MessageType::Decline, 1);
        decline.options.push(code::REQUESTED_ADDRESS, address.octets());
        decline.options.push(code::SERVER_ID, US.octets());
        let _ = silence(engine.dhcp(now, &datagram(&decline)));
    }
    assert_eq!(engine.leases().filter(|l| l.state == LeaseState::Declined).count(), 3);
}

#[test]
fn a_flood_of_discovers_leaves_no_record() {
    let mut engine = engine(Mode::Dhcp);
    for n in 0..20_000_u32 {
        let mut message = request(MessageType::Discover, 1);
        message.chaddr[2..6].copy_from_slice(&n.to_be_bytes());
        let told = engine.dhcp(Now(u64::from(n)), &datagram(&message));
        assert!(told.changes.is_empty(), "an offer costs no write");
    }
    // Long after, a client still gets an address.
    lease(&mut engine, Now(10_000_000), 1);
}

#[test]
fn a_proxy_gives_no_address_and_never_says_no() {
    for mode in [Mode::Proxy, Mode::Auto] {
        let mut engine = engine(mode);
        let why = quiet(&mut engine, &request(MessageType::Discover, 1));
        assert_eq!(why, Why::NotBooting);
        let mut reboot = request(MessageType::Request, 1);
        reboot.options.push(code::REQUESTED_ADDRESS, [192, 168, 1, 5]);
        assert!(matches!(quiet(&mut engine, &reboot), Why::ProxyStaysOut(_)));
        let theirs = selecting(1, Ipv4Addr::new(10, 77, 0, 5), Ipv4Addr::new(10, 77, 0, 254));
        assert!(matches!(quiet(&mut engine, &theirs), Why::OtherServer(_)));

        let discover = firmware(MessageType::Discover, 2, "PXEClient", 7);
        let (out, offer) = reply(engine.dhcp(Now(0), &datagram(&discover)));
        assert_eq!(offer.yiaddr, Ipv4Addr::UNSPECIFIED);
        for never in [code::SUBNET_MASK, code::ROUTER, code::LEASE_TIME, code::DNS] {
            assert!(!offer.options.contains(never), "{never}");
        }
        assert_eq!(out.to, Destination::Broadcast { port: 68 });
    }
}

#[test]
fn listening_decides_and_says_nothing() {
    let mut engine = engine(Mode::Listen);
    let discover = firmware(MessageType::Discover, 1, "PXEClient", 7);
    assert_eq!(quiet(&mut engine, &discover), Why::OnlyListening);
}

#[test]
fn a_blocked_machine_is_told_so_and_a_silent_plan_gives_an_address_only() {
    let mut engine = engine(Mode::Dhcp);
    crate::house::rule_for_everybody(&mut engine);
    let discover = firmware(MessageType::Discover, 1, "PXEClient", 7);
    let (_, offer) = reply(engine.dhcp(Now(0), &datagram(&discover)));
    assert_eq!(offer.file_name(), b"image/debian-12-amd64/1/bootnetx64.efi");
    command(&mut engine, engine::Command::SetLife(mac(1).to_string(), Life::Blocked));
    let (_, offer) = reply(engine.dhcp(Now(1), &datagram(&discover)));
    assert_eq!(offer.file_name(), b"loader/shimx64.efi", "so that its screen can say why");

    let mut settings = crate::house::settings(Mode::Dhcp);
    settings.boot.unknown = engine::state::Unknown::Silent;
    let mut quiet = Engine::new(settings);
    let (_, offer) = reply(quiet.dhcp(Now(0), &datagram(&discover)));
    assert!(offer.file_name().is_empty() && !offer.options.contains(code::VENDOR_CLASS));
}

#[test]
fn every_reply_is_at_least_300_bytes_and_has_no_padding_between_options() {
    let mut engine = engine(Mode::Dhcp);
    let (out, offer) = reply(engine.dhcp(Now(0), &datagram(&request(MessageType::Discover, 1))));
    assert!(out.bytes.len() >= 300);
    assert_eq!(offer.encode(1472).unwrap(), out.bytes);
}

#[test]
fn replies_go_where_the_client_can_hear_them() {
    let mut engine = engine(Mode::Dhcp);
    // Without the flag: straight to its hardware address.
    let (out, offer) = reply(engine.dhcp(Now(0), &datagram(&request(MessageType::Discover, 1))));
    let link = Destination::Link { address: offer.yiaddr, port: 68, hardware: mac(1) };
    assert_eq!((out.to, out.from), (link, SocketAddrV4::new(US, 67)));
    // With it: broadcast, and the flag comes back.
    let mut loud = request(MessageType::Discover, 2);
    loud.flags = 0x8000;
    let (out, offer) = reply(engine.dhcp(Now(0), &datagram(&loud)));
    assert_eq!(out.to, Destination::Broadcast { port: 68 });
    assert!(offer.broadcast());
    // Renewing: to the address it has.
    let address = lease(&mut engine, Now(0), 1);
    let mut renew = request(MessageType::Request, 1);
    renew.ciaddr = address;
    let mut unicast = datagram(&renew);
    unicast.from = SocketAddrV4::new(address, 68);
    unicast.to = US;
    let (out, ack) = reply(engine.dhcp(Now(60_000), &unicast));
    assert_eq!(out.to, Destination::Routed(SocketAddrV4::new(address, 68)));
    assert_eq!(ack.options.u32(code::LEASE_TIME), Some(43_200), "always the full time (Q46)");
    // On 4011: to the port it came from (Q4, Q15).
    for port in [4011, 68] {
        let mut ask = firmware(MessageType::Request, 1, "PXEClient", 7);
        ask.ciaddr = address;
        let mut ask = datagram(&ask);
        ask.port = 4011;
        ask.to = US;
        ask.from = SocketAddrV4::new(address, port);
        let (out, ack) = reply(engine.dhcp(Now(60_000), &ask));
        assert_eq!(out.to, Destination::Routed(SocketAddrV4::new(address, port)));
        assert_eq!(out.from, SocketAddrV4::new(US, 4011));
        assert!(!ack.file_name().is_empty() && ack.siaddr == US);
    }
}

#[test]
fn an_expired_lease_is_somebody_elses_only_when_needed() {
    let mut settings = crate::house::settings(Mode::Dhcp);
    settings.networks[0].pools = vec!["10.77.0.100-10.77.0.101".parse().unwrap()];
    let mut engine = Engine::new(settings);
    let first = lease(&mut engine, Now(0), 1);
    let second = lease(&mut engine, Now(0), 2);
    assert_ne!(first, second);
    assert_eq!(
        silence(engine.dhcp(Now(1), &datagram(&request(MessageType::Discover, 3)))),
        Why::PoolExhausted { size: 2, quarantined: 0 }
    );
    let after = Now(0) + Duration::from_secs(43_201);
    let third = lease(&mut engine, after, 3);
    assert!(third == first || third == second);
    assert_eq!(engine.leases().filter(|l| l.holds(after)).count(), 1);
}

#[test]
fn inform_gets_options_and_no_lease() {
    let mut engine = engine(Mode::Dhcp);
    let mut inform = request(MessageType::Inform, 1);
    inform.ciaddr = Ipv4Addr::new(10, 77, 0, 9);
    let told = engine.dhcp(Now(0), &datagram(&inform));
    assert!(told.changes.is_empty());
    let (out, ack) = reply(told);
    assert!(ack.yiaddr.is_unspecified() && !ack.options.contains(code::LEASE_TIME));
    assert!(ack.options.contains(code::SUBNET_MASK));
    assert_eq!(out.to, Destination::Routed(SocketAddrV4::new(inform.ciaddr, 68)));
}

#[test]
fn bootp_gets_an_address_for_a_week() {
    let mut engine = engine(Mode::Dhcp);
    let mut message = request(MessageType::Discover, 1);
    message.options.remove(code::MESSAGE_TYPE);
    let told = engine.dhcp(Now(0), &datagram(&message));
    assert!(matches!(
        told.changes.as_slice(),
        [Change::Lease(l)] if l.until == Some(Now(0) + Duration::from_secs(7 * 86_400))
    ));
    let (_, answer) = reply(told);
    assert!(network(Mode::Dhcp).leasable(answer.yiaddr));
    assert_eq!(answer.options.message_type(), None);
    assert!(!answer.options.contains(code::LEASE_TIME));
}

#[test]
fn a_stale_wish_for_anothers_address_does_not_take_its_script() {
    let mut engine = engine(Mode::Dhcp);
    let victim = lease(&mut engine, Now(0), 1);
    let discover = firmware(MessageType::Discover, 2, "PXEClient", 7);
    let _ = reply(engine.dhcp(Now(0), &datagram(&discover)));
    let mut wish = firmware(MessageType::Request, 2, "PXEClient", 7);
    wish.options.push(code::REQUESTED_ADDRESS, victim.octets());
    let (_, nak) = reply(engine.dhcp(Now(0), &datagram(&wish)));
    assert_eq!(nak.options.message_type(), Some(Ok(MessageType::Nak)));
    let script = crate::scripts::script_at(&mut engine, victim);
    assert!(script.contains("for 52:54:00:77:00:01"), "{script}");
}

#[test]
fn what_is_not_addressed_to_us_is_somebody_elses() {
    let mut engine = engine(Mode::Dhcp);
    let address = lease(&mut engine, Now(0), 1);
    let mut renew = request(MessageType::Request, 1);
    renew.ciaddr = address;
    let mut passing = datagram(&renew);
    passing.to = Ipv4Addr::new(10, 99, 0, 1);
    assert!(matches!(silence(engine.dhcp(Now(1), &passing)), Why::OtherServer(_)));
}

#[test]
fn nobody_makes_us_send_off_the_subnets_we_serve() {
    let mut settings = crate::house::settings(Mode::Dhcp);
    settings.networks[0].relays.clear();
    let mut engine = Engine::new(settings);
    let mut inform = firmware(MessageType::Inform, 1, "PXEClient", 7);
    inform.ciaddr = Ipv4Addr::new(192, 0, 2, 9);
    let why = silence(engine.dhcp(Now(0), &datagram(&inform)));
    assert_eq!(why, Why::OutsideServedSubnets);
    let mut ask = datagram(&firmware(MessageType::Request, 1, "PXEClient", 7));
    (ask.port, ask.to) = (4011, US);
    ask.from = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 9), 4011);
    assert_eq!(silence(engine.dhcp(Now(0), &ask)), Why::OutsideServedSubnets);
}

#[test]
fn a_flood_of_offers_does_not_keep_a_pool_from_who_asks_a_minute_later() {
    let mut engine = engine(Mode::Dhcp);
    for n in 0..200_u32 {
        let mut message = request(MessageType::Discover, 1);
        message.chaddr[2..6].copy_from_slice(&n.to_be_bytes());
        let _ = engine.dhcp(Now(0), &datagram(&message));
    }
    let newcomer = datagram(&request(MessageType::Discover, 9));
    assert!(matches!(silence(engine.dhcp(Now(1000), &newcomer)), Why::PoolExhausted { .. }));
    lease(&mut engine, Now(65_000), 9);
}

#[test]
fn a_client_without_any_identity_is_not_served() {
    let mut nobody = request(MessageType::Discover, 1);
    (nobody.htype, nobody.hlen) = (32, 0);
    assert!(matches!(quiet(&mut engine(Mode::Dhcp), &nobody), Why::BadOption(_)));
}

#[test]
fn firmware_of_http_boot_is_sent_where_its_network_says_and_ipxe_always_to_http() {
    let offered = |scheme: HttpBoot, tls_port: Option<u16>, class: &str, ipxe: bool| {
        let mut engine = engine(Mode::Dhcp);
        let net = model::Network { http_boot: scheme, ..network(Mode::Dhcp) };
        let settings = crate::house::settings(Mode::Dhcp);
        engine.configure(engine::Settings { networks: vec![net], tls_port, ..settings });
        let mut discover = firmware(MessageType::Discover, 1, class, 16);
        if ipxe {
            discover.options.push(code::USER_CLASS, b"iPXE");
        }
        let told = engine.dhcp(Now(0), &datagram(&discover));
        let (_, offer) = reply(told);
        let file = offer.options.get(code::BOOT_FILE_NAME).unwrap().into_owned();
        String::from_utf8(file).unwrap().trim_end_matches('\0').to_owned()
    };
    let file = "loader/snponly-x64.efi";
    for (scheme, port, url) in [
        (HttpBoot::Http, Some(443), format!("http://{US}/{file}")),
        (HttpBoot::Https, Some(443), format!("https://{US}/{file}")),
        (HttpBoot::Https, Some(8443), format!("https://{US}:8443/{file}")),
        // A setting that cannot be is not made worse by a URL that nobody serves.
        (HttpBoot::Https, None, format!("http://{US}/{file}")),
    ] {
        assert_eq!(offered(scheme, port, "HTTPClient", false), url);
    }
    let script = offered(HttpBoot::Https, Some(443), "PXEClient", true);
    assert!(script.starts_with(&format!("http://{US}/boot.ipxe")), "{script}");
}
