//! Other DHCPv6 servers and routers on our links: who is heard, and who belongs there.

use crate::house::{engine_with, mac, settings};
use engine::{Advertised6, Answer, Datagram6, Engine, Noted, Overheard6, Settings};
use model::event::Happening;
use model::network::Mode;
use model::other::{Deeds, Standing};
use model::{HardwareAddress, Network6, Now, OtherServer};
use std::net::{Ipv6Addr, SocketAddrV6};
use wire::dhcp6::{ALL_SERVERS, Association, Envelope, Given, Kind, Packet, duid, enveloped};
use wire::ndp::{Prefix, RouterAdvertisement};

const OURS: &str = "fd77::/64";

fn ip(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

fn their_mac(last: u8) -> HardwareAddress {
    HardwareAddress::mac([2, 0, 0, 0, 0, last])
}

/// A link where we give addresses and nothing else is known.
fn network() -> Network6 {
    Network6 {
        pools: vec!["fd77::100-fd77::1ff".parse().unwrap()],
        ..Network6::new("lan", ip("fd77::1"), OURS.parse().unwrap())
    }
}

fn on(network: Network6) -> Engine {
    engine_with(Settings { networks6: vec![network], ..settings(Mode::Off) })
}

/// Machines there have addresses by somebody else, and settings of us.
fn stateless() -> Network6 {
    Network6 { pools: Vec::new(), ..network() }
}

fn silent() -> Network6 {
    Network6 { mode: Mode::Listen, ..network() }
}

/// A server at `fe80::<last>` that gives an address, a boot file, or both.
fn server(last: u8, address: bool, url: &str) -> Overheard6 {
    let given = Given { address: ip("fd77::7"), preferred_s: 600, valid_s: 600 };
    let addresses = if address { vec![given] } else { Vec::new() };
    let said = Packet {
        client_id: Some(duid::of_mac(mac(1).as_mac().unwrap())),
        server_id: Some(vec![0, 3, 0, 1, 9, last]),
        associations: vec![Association { iaid: 7, addresses, ..Association::default() }],
        boot_url: Some(url.as_bytes().to_vec()).filter(|url| !url.is_empty()),
        ..Packet::new(Kind::Advertise, [1, 2, 3])
    };
    let from = SocketAddrV6::new(ip(&format!("fe80::{last:x}")), 547, 0, 0);
    let (to, bytes) = (ip("fe80::1"), said.encode().unwrap());
    Overheard6 { link: "lan".into(), from, to, mac: their_mac(last), bytes }
}

fn gives(last: u8) -> Overheard6 {
    server(last, true, "")
}

/// A router at `fe80::<last>` that has machines make themselves addresses of these.
fn router(last: u8, prefixes: &[&str]) -> Advertised6 {
    let prefix = |text: &&str| {
        let (address, length) = text.split_once('/').unwrap();
        let (address, length) = (ip(address), length.parse().unwrap());
        Prefix { address, length, on_link: true, autonomous: true, valid_s: 3600 }
    };
    let says = RouterAdvertisement {
        lifetime_s: 1800,
        prefixes: prefixes.iter().map(prefix).collect(),
        ..RouterAdvertisement::default()
    };
    let from = ip(&format!("fe80::{last:x}"));
    Advertised6 { link: "lan".into(), from, mac: their_mac(last), bytes: says.encode(600) }
}

fn alarms(noted: &Noted) -> Vec<&str> {
    assert!(noted.changes.is_empty(), "nothing of it is kept");
    let all = noted.events.iter().filter_map(|event| match &event.what {
        Happening::Alarm { text } => Some(text.as_str()),
        _ => None,
    });
    all.collect()
}

fn known(engine: &Engine, last: u8) -> OtherServer {
    let address = ip(&format!("fe80::{last:x}"));
    engine.others().into_iter().find(|other| other.server == address).expect("it was heard")
}

/// Its standing once it was heard, and how often that was alarmed.
fn hears(engine: &mut Engine, at_s: u64, said: &Overheard6) -> (Standing, usize) {
    let noted = engine.overhear6(Now(at_s * 1000), said);
    let last = said.from.ip().octets()[15];
    (known(engine, last).standing, alarms(&noted).len())
}

fn routes(engine: &mut Engine, at_s: u64, said: &Advertised6) -> (Standing, usize) {
    let noted = engine.hear_router6(Now(at_s * 1000), said);
    (known(engine, said.from.octets()[15]).standing, alarms(&noted).len())
}

const ROGUE: (Standing, usize) = (Standing::Rogue, 1);
const EXPECTED: (Standing, usize) = (Standing::Expected, 0);

#[test]
fn a_dhcpv6_server_that_gives_addresses_beside_us_is_a_rogue_and_told_once() {
    let mut engine = on(network());
    let noted = engine.overhear6(Now(1000), &gives(0x66));
    let [alarm] = alarms(&noted)[..] else { panic!("{noted:?}") };
    for part in [
        "fe80::66 (02:00:00:00:00:66): TWO SERVERS GIVE ADDRESSES on fd77::/64: we do",
        "find 02:00:00:00:00:66 in the address table of the switch",
        "docs/rogue-servers.md",
        "others = [\"fe80::66\"]",
    ] {
        assert!(alarm.contains(part), "{part}: {alarm}");
    }
    let told = noted.events.iter().find_map(|event| match &event.what {
        Happening::OtherServer { server, does, standing, .. } => Some((*server, *does, *standing)),
        _ => None,
    });
    let does = Deeds { addresses: true, ..Deeds::default() };
    assert_eq!(told, Some((ip("fe80::66").into(), does, Some(Standing::Rogue))));
    assert_eq!(engine.overhear6(Now(2000), &gives(0x66)), Noted::default(), "told already");
    let rogue = known(&engine, 0x66);
    assert_eq!((rogue.replies, rogue.clients.as_slice()), (2, &[mac(1)][..]));
    assert_eq!(rogue.offered.unwrap().to_string(), "fd77::7, no boot file");
}

#[test]
fn who_names_a_boot_file_beside_us_is_a_rogue_unless_it_leads_to_us() {
    let elsewhere = server(0x66, false, "tftp://[fd77::9]/evil.efi");
    let mut engine = on(stateless());
    assert_eq!(hears(&mut engine, 1, &elsewhere), ROGUE);
    assert!(known(&engine, 0x66).means.contains("it names a boot file on fd77::/64 beside others"));

    let to_us = server(0x66, false, "http://[FD77::1]/boot/ipxe.efi");
    assert_eq!(hears(&mut on(stateless()), 1, &to_us), (Standing::Bystander, 0));
    // Settings alone harm nobody.
    assert_eq!(hears(&mut on(network()), 1, &server(0x66, false, "")), (Standing::Bystander, 0));
}

#[test]
fn where_we_give_no_addresses_the_first_who_does_is_expected_and_a_second_is_none() {
    for network in [stateless(), silent()] {
        let mut engine = on(network);
        assert_eq!(hears(&mut engine, 1, &gives(0x10)), EXPECTED);
        assert_eq!(hears(&mut engine, 2, &gives(0x66)), ROGUE);
        let means = known(&engine, 0x66).means;
        assert!(means.contains("fe80::10 does, and it does"), "{means}");
        assert_eq!(known(&engine, 0x10).standing, Standing::Expected);
    }
    // What comes with an address is booted, so it is said.
    let mut engine = on(stateless());
    assert_eq!(hears(&mut engine, 1, &server(0x10, true, "tftp://[fd77::9]/a.efi")), EXPECTED);
    assert!(known(&engine, 0x10).means.contains("take option 59 out there"));
}

#[test]
fn who_is_declared_belongs_there_and_then_nobody_else_is_expected() {
    let declared = |network| Network6 { others: vec![ip("fe80::10")], ..network };
    for network in [declared(network()), declared(stateless()), declared(silent())] {
        let mut engine = on(network);
        assert_eq!(hears(&mut engine, 1, &gives(0x10)), (Standing::Declared, 0));
        assert_eq!(routes(&mut engine, 2, &router(0x10, &["fd99::/64"])), (Standing::Declared, 0));
        assert_eq!(hears(&mut engine, 3, &gives(0x66)), ROGUE);
        // Another router of the same prefixes, as where two stand in for each other.
        assert_eq!(routes(&mut engine, 4, &router(0x11, &["fd99::/64"])), EXPECTED);
        assert_eq!(routes(&mut engine, 5, &router(0x67, &["fd98::/64"])), ROGUE);
        assert!(known(&engine, 0x67).means.contains("`others` names those that may"));
    }
}

#[test]
fn a_router_that_announces_others_addresses_than_the_first_is_a_rogue() {
    let mut engine = on(network());
    assert_eq!(routes(&mut engine, 1, &router(0x10, &["2001:db8::/64"])), EXPECTED);
    assert_eq!(routes(&mut engine, 2, &router(0x11, &["2001:db8::/64"])), EXPECTED);
    assert_eq!(routes(&mut engine, 3, &router(0x12, &[])), EXPECTED, "it stands in for the first");
    assert_eq!(routes(&mut engine, 4, &router(0x13, &[OURS])), EXPECTED);
    assert_eq!(routes(&mut engine, 5, &router(0x66, &["fd99::/64"])), ROGUE);
    let means = known(&engine, 0x66).means;
    for part in
        ["ANOTHER ROUTER ANNOUNCES", "some of fd99::/64", "fe80::10 announces 2001:db8::/64"]
    {
        assert!(means.contains(part), "{part}: {means}");
    }
    // The first is numbered anew: for a while it announces both, and so does its partner.
    assert_eq!(
        routes(&mut engine, 100, &router(0x10, &["2001:db8::/64", "2001:db8:1::/64"])),
        EXPECTED
    );
    assert_eq!(routes(&mut engine, 200, &router(0x11, &["2001:db8:1::/64"])), EXPECTED);
}

#[test]
fn where_we_advertise_a_router_of_other_addresses_is_a_rogue_at_once() {
    let isolated = || Network6 { advertise: true, ..network() };
    let mut engine = on(isolated());
    assert_eq!(routes(&mut engine, 1, &router(0x66, &["fd99::/64"])), ROGUE);
    assert!(known(&engine, 0x66).means.contains("and we announce fd77::/64"));
    assert_eq!(routes(&mut on(isolated()), 1, &router(0x10, &[OURS])), EXPECTED);
    assert_eq!(routes(&mut on(isolated()), 1, &router(0x10, &[])), EXPECTED);
}

#[test]
fn one_device_that_is_both_belongs_there_when_both_do() {
    let mut engine = on(network());
    assert_eq!(routes(&mut engine, 1, &router(0x66, &[OURS])), EXPECTED);
    let noted = engine.overhear6(Now(1100), &gives(0x66));
    assert_eq!(alarms(&noted).len(), 1, "a home router, as soon as it shows: {noted:?}");
    let both = known(&engine, 0x66);
    assert_eq!(both.standing, Standing::Rogue);
    assert_eq!(both.does.to_string(), "gives addresses and sends router advertisements");
}

#[test]
fn one_server_behind_two_relays_is_one() {
    let by_another = |relay: u8, server: u8| Overheard6 {
        from: SocketAddrV6::new(ip(&format!("fe80::{relay:x}")), 547, 0, 0),
        mac: their_mac(relay),
        ..gives(server)
    };
    for network in [stateless(), silent()] {
        let mut engine = on(network);
        assert_eq!(hears(&mut engine, 1, &gives(0x10)), EXPECTED);
        assert_eq!(hears(&mut engine, 2, &by_another(0x11, 0x10)), EXPECTED);
        assert_eq!(hears(&mut engine, 3, &by_another(0x12, 0x66)), ROGUE, "another server");
    }
    let declared = Network6 { others: vec![ip("fe80::10")], ..network() };
    let mut engine = on(declared);
    assert_eq!(hears(&mut engine, 1, &gives(0x10)), (Standing::Declared, 0));
    assert_eq!(hears(&mut engine, 2, &by_another(0x11, 0x10)), EXPECTED);
}

#[test]
fn our_own_word_that_a_relay_brings_back_is_nobodys() {
    let mut engine = on(network());
    let asked = Packet {
        client_id: Some(duid::of_mac(mac(1).as_mac().unwrap())),
        associations: vec![Association { iaid: 7, ..Association::default() }],
        ..Packet::new(Kind::Solicit, [1, 2, 3])
    };
    let from = SocketAddrV6::new(ip("fe80::1234"), 546, 0, 0);
    let bytes = asked.encode().unwrap();
    let asked = Datagram6 { link: "lan".into(), from, to: ALL_SERVERS, bytes };
    let Answer::Reply(said) = engine.dhcp6(Now(0), &asked).answer else { panic!("it is answered") };
    let back = Overheard6 { bytes: said.bytes, ..gives(0x66) };
    assert_eq!(engine.overhear6(Now(1), &back), Noted::default());
    assert!(engine.others().is_empty());
}

#[test]
fn nobody_beyond_the_link_can_raise_an_alarm() {
    let mut engine = on(network());
    let to_our_address = Overheard6 { to: ip("fd77::1"), ..gives(0x66) };
    let from = SocketAddrV6::new(ip("ff02::1"), 547, 0, 0);
    let of_a_group = Overheard6 { from, ..gives(0x66) };
    for said in [to_our_address, of_a_group] {
        assert_eq!(engine.overhear6(Now(1), &said), Noted::default());
    }
    // A server there speaks to a relay, on its way to elsewhere.
    let Overheard6 { bytes, .. } = gives(0x66);
    let unspecified = Ipv6Addr::UNSPECIFIED;
    let through = Envelope {
        hops: 0,
        link: unspecified,
        peer: ip("fe80::1234"),
        interface_id: None,
        link_layer: None,
    };
    let relayed = enveloped(&[through], bytes);
    let _ = engine.overhear6(Now(1), &Overheard6 { bytes: relayed, ..gives(0x66) });
    assert!(engine.others().is_empty());
}

#[test]
fn a_url_is_ours_by_its_host_alone() {
    for elsewhere in ["tftp://[fd99::9]/x//[fd77::1]", "http://boot.example/?//[fd77::1]"] {
        assert_eq!(hears(&mut on(stateless()), 1, &server(0x66, false, elsewhere)), ROGUE);
    }
    let ours = server(0x66, false, "tftp://[fd77:0:0:0:0:0:0:1]:69/a.efi");
    assert_eq!(hears(&mut on(stateless()), 1, &ours), (Standing::Bystander, 0));
}

#[test]
fn a_router_that_takes_everything_back_or_is_gone_is_waited_for_by_nobody() {
    let farewell = |last: u8| {
        let says = RouterAdvertisement::default();
        Advertised6 { bytes: says.encode(600), ..router(last, &[]) }
    };
    let mut engine = on(network());
    assert_eq!(routes(&mut engine, 1, &router(0x10, &["2001:db8::/64"])), EXPECTED);
    assert_eq!(routes(&mut engine, 2, &router(0x66, &["fd99::/64"])), ROGUE);
    // The rogue says farewell, and harms nobody from then on.
    assert_eq!(routes(&mut engine, 3, &farewell(0x66)), (Standing::Bystander, 0));
    // The first does, and the next has its place.
    assert_eq!(routes(&mut engine, 4, &farewell(0x10)), (Standing::Bystander, 0));
    assert_eq!(routes(&mut engine, 5, &router(0x11, &["2001:db8:1::/64"])), EXPECTED);
    // That one is switched off without a word.
    assert_eq!(routes(&mut engine, 2 * 3600, &router(0x12, &["2001:db8:2::/64"])), EXPECTED);
}

#[test]
fn who_declares_a_server_may_have_any_first_router_and_who_declares_a_router_no_other() {
    let declared = || on(Network6 { others: vec![ip("fe80::10")], ..stateless() });
    let mut engine = declared();
    assert_eq!(hears(&mut engine, 1, &gives(0x10)), (Standing::Declared, 0));
    assert_eq!(routes(&mut engine, 2, &router(0x11, &["2001:db8::/64"])), EXPECTED);

    let mut engine = declared();
    assert_eq!(routes(&mut engine, 1, &router(0x10, &["2001:db8::/64"])), (Standing::Declared, 0));
    assert_eq!(routes(&mut engine, 2, &router(0x66, &[])), ROGUE);
    assert!(known(&engine, 0x66).means.contains("ANOTHER ROUTER on fd77::/64"));
}

#[test]
fn routers_that_are_made_up_take_nobodys_place_and_do_not_fill_the_screen() {
    let mut engine = on(stateless());
    assert_eq!(routes(&mut engine, 1, &router(0x10, &["2001:db8::/64"])), EXPECTED);
    assert_eq!(hears(&mut engine, 1, &gives(0x10)), EXPECTED);
    assert_eq!(hears(&mut engine, 2, &gives(0x66)), ROGUE);
    let mut told = 0;
    for n in 0..5000_u16 {
        let prefixes: &[&str] = if n % 2 == 0 { &[] } else { &["2001:db8::/64"] };
        let made_up = Advertised6 { from: ip(&format!("fe80::1:{n:x}")), ..router(0x67, prefixes) };
        let noted = engine.hear_router6(Now(3000 + u64::from(n)), &made_up);
        told += noted.events.len();
    }
    assert!(told <= 64, "{told}");
    assert_eq!(engine.others().len(), engine::others::LINK_MAX);
    assert_eq!(known(&engine, 0x10).standing, Standing::Expected);
}

#[test]
fn who_was_heard_on_a_link_that_we_left_is_not_shown() {
    let mut engine = on(network());
    let _ = engine.overhear6(Now(1), &gives(0x66));
    assert_eq!(engine.others().len(), 1);
    let mut left = engine.settings().clone();
    left.networks6.clear();
    let _ = engine.configure(left);
    assert!(engine.others().is_empty());
}

#[test]
fn what_is_malformed_or_of_no_link_of_ours_is_not_filed() {
    let mut engine = on(network());
    let cut = |mut said: Overheard6| {
        said.bytes.truncate(5);
        said
    };
    assert_eq!(engine.overhear6(Now(1), &cut(gives(0x66))), Noted::default());
    let half = Advertised6 { bytes: vec![134, 0, 0, 0], ..router(0x66, &[]) };
    assert_eq!(engine.hear_router6(Now(1), &half), Noted::default());
    let elsewhere = Advertised6 { link: "wan".into(), ..router(0x66, &["fd99::/64"]) };
    assert_eq!(engine.hear_router6(Now(1), &elsewhere), Noted::default());
    assert!(engine.others().is_empty());
    // Machines behind a relay are on another link.
    let behind = Network6 { relays: vec![ip("fd88::1")], ..network() };
    assert_eq!(on(behind).overhear6(Now(1), &gives(0x66)), Noted::default());
}

#[test]
fn a_server_of_ipv4_is_none_of_ipv6() {
    let settings = Settings { networks6: vec![network()], ..settings(Mode::Auto) };
    let mut engine = engine_with(settings.clone());
    let _ = engine.overhear6(Now(1), &gives(0x66));
    let fits = engine::others::fit(&settings.networks[0], &engine.others());
    assert_eq!(fits.mode, Mode::Dhcp, "nobody gives addresses of IPv4: {fits:?}");
}
