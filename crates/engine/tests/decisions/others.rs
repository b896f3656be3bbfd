//! Other servers on our links: who is heard, who belongs there, whose offer a machine takes.

use crate::house::{US, datagram, engine, firmware, mac, reply, request, selecting, settings};
use engine::{Engine, Noted, Overheard};
use model::event::Happening;
use model::network::Mode;
use model::other::{Deeds, Standing};
use model::{HardwareAddress, Now, OtherServer, TheirOffer};
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use wire::dhcp4::{Message, MessageType, code};

pub const THEM: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 66);
const GIVEN: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 7);

pub fn their_mac() -> HardwareAddress {
    HardwareAddress::mac([2, 0, 0, 0, 0, 0x66])
}

/// A reply of another server to what a client said.
pub fn theirs(to: &Message, kind: MessageType, server: Ipv4Addr, address: Ipv4Addr) -> Message {
    let mut reply = Message::reply_to(to);
    reply.yiaddr = address;
    reply.options.push(code::MESSAGE_TYPE, [kind.number()]);
    reply.options.push(code::SERVER_ID, server.octets());
    reply
}

pub fn overheard(message: &Message, from: Ipv4Addr) -> Overheard {
    Overheard {
        link: "lan".into(),
        from: SocketAddrV4::new(from, 67),
        to: Ipv4Addr::BROADCAST,
        mac: their_mac(),
        ours: Some(HardwareAddress::mac([2, 0, 0, 0, 0, 1])),
        bytes: message.encode(1472).unwrap(),
    }
}

fn offer(last: u8, server: Ipv4Addr) -> Message {
    theirs(&request(MessageType::Discover, last), MessageType::Offer, server, GIVEN)
}

fn alarms(noted: &Noted) -> Vec<&str> {
    let all = noted.events.iter().filter_map(|event| match &event.what {
        Happening::Alarm { text } => Some(text.as_str()),
        _ => None,
    });
    all.collect()
}

fn standing(engine: &Engine, server: Ipv4Addr) -> Standing {
    known(engine, server).standing
}

fn known(engine: &Engine, server: Ipv4Addr) -> OtherServer {
    let others = engine.others();
    others.into_iter().find(|other| other.server == server).expect("it was heard")
}

fn with(mode: Mode, change: impl Fn(&mut model::Network)) -> Engine {
    let mut settings = settings(mode);
    settings.networks.iter_mut().for_each(change);
    Engine::new(settings)
}

#[test]
fn a_second_server_that_gives_addresses_is_a_rogue_and_told_once() {
    let mut engine = engine(Mode::Dhcp);
    let noted = engine.overhear(Now(1000), &overheard(&offer(1, THEM), THEM));
    assert!(noted.changes.is_empty(), "nothing of it is kept");
    let [alarm] = alarms(&noted)[..] else { panic!("{noted:?}") };
    for part in ["10.77.0.66", "02:00:00:00:00:66", "TWO SERVERS GIVE ADDRESSES", "others = ["] {
        assert!(alarm.contains(part), "{part}: {alarm}");
    }
    assert!(noted.events.iter().any(|event| matches!(
        event.what,
        Happening::OtherServer {
            server: IpAddr::V4(THEM),
            mac: Some(_),
            standing: Some(Standing::Rogue),
            does: Deeds { addresses: true, boot: false, .. },
            ..
        }
    )));
    for second in 2..3000 {
        let again = engine.overhear(Now(second * 1000), &overheard(&offer(2, THEM), THEM));
        assert_eq!(again, Noted::default(), "told already, at {second} s");
    }
    let rogue = known(&engine, THEM);
    assert_eq!((rogue.replies, rogue.clients.len()), (2999, 2));
    assert_eq!((rogue.first, rogue.last), (Now(1000), Now(2_999_000)));
}

#[test]
fn it_is_told_again_when_it_does_more_and_when_it_comes_back() {
    let mut engine = engine(Mode::Dhcp);
    let hears = |engine: &mut Engine, at_s: u64, message: &Message| {
        let noted = engine.overhear(Now(at_s * 1000), &overheard(message, THEM));
        alarms(&noted).len()
    };
    let mut nak =
        theirs(&request(MessageType::Request, 1), MessageType::Nak, THEM, Ipv4Addr::UNSPECIFIED);
    nak.options.push(code::MESSAGE, *b"no");
    assert_eq!(hears(&mut engine, 10, &offer(1, THEM)), 1);
    assert_eq!(hears(&mut engine, 11, &nak), 0, "what it does shows bit by bit");
    assert_eq!(hears(&mut engine, 80, &offer(1, THEM)), 1, "it refuses, too");
    assert_eq!(hears(&mut engine, 3600, &offer(1, THEM)), 0);
    assert_eq!(hears(&mut engine, 7300, &offer(1, THEM)), 1, "it was away for an hour");
}

#[test]
fn who_was_declared_is_no_rogue_by_its_own_address_or_its_relays() {
    let far = Ipv4Addr::new(192, 168, 9, 9);
    for (server, from) in [(THEM, THEM), (far, THEM)] {
        let mut engine = with(Mode::Dhcp, |network| network.others = vec![THEM]);
        let noted = engine.overhear(Now(0), &overheard(&offer(1, server), from));
        assert!(alarms(&noted).is_empty(), "{noted:?}");
        assert_eq!(standing(&engine, server), Standing::Declared);
    }
}

#[test]
fn our_own_replies_that_come_back_are_nobodys() {
    let mut engine = engine(Mode::Dhcp);
    let ours = offer(1, US);
    let looped = Overheard { mac: overheard(&ours, US).ours.unwrap(), ..overheard(&ours, US) };
    let relay = Ipv4Addr::new(10, 80, 0, 1);
    for again in [looped, overheard(&ours, US), overheard(&ours, relay)] {
        assert_eq!(engine.overhear(Now(0), &again), Noted::default());
    }
    // A request that was sent as if it were a reply says nothing, and neither does rubbish.
    let asked = request(MessageType::Discover, 1);
    let rubbish = Overheard { bytes: vec![2; 300], ..overheard(&asked, THEM) };
    for nothing in [overheard(&asked, THEM), rubbish] {
        let _ = engine.overhear(Now(0), &nothing);
    }
    let by_option_54 = |server| engine.others().iter().any(|other| other.server == server);
    assert!(!by_option_54(US) && !by_option_54(relay));
}

#[test]
fn where_we_only_listen_the_other_server_may_be_on_this_host() {
    let from_here = |engine: &mut Engine| {
        let theirs = overheard(&offer(1, US), US);
        let _ = engine.overhear(Now(0), &Overheard { mac: theirs.ours.unwrap(), ..theirs });
        engine.others().len()
    };
    assert_eq!(from_here(&mut engine(Mode::Dhcp)), 0);
    let mut listens = engine(Mode::Listen);
    assert_eq!(from_here(&mut listens), 1);
    assert_eq!(standing(&listens, US), Standing::Expected);
}

#[test]
fn a_relay_that_speaks_for_itself_is_no_rogue() {
    let relay = Ipv4Addr::new(10, 80, 0, 1);
    let mut engine = engine(Mode::Dhcp);
    let mut handed_on = offer(1, relay);
    handed_on.giaddr = relay;
    let noted = engine.overhear(Now(0), &overheard(&handed_on, relay));
    assert!(alarms(&noted).is_empty(), "{noted:?}");
    assert_eq!(standing(&engine, relay), Standing::Relay);
    // One in the subnet need not be listed.
    let near = Ipv4Addr::new(10, 77, 0, 254);
    let mut handed_on = offer(1, near);
    handed_on.giaddr = near;
    assert!(alarms(&engine.overhear(Now(0), &overheard(&handed_on, near))).is_empty());
    // What it hands on of somebody else is somebody else's.
    let mut foreign = offer(1, Ipv4Addr::new(192, 168, 9, 9));
    foreign.giaddr = near;
    let noted = engine.overhear(Now(0), &overheard(&foreign, near));
    let [alarm] = alarms(&noted)[..] else { panic!("{noted:?}") };
    assert!(alarm.contains("192.168.9.9 (by way of 10.77.0.254, "), "{alarm}");
}

#[test]
fn beside_the_first_dhcp_server_is_expected_and_a_second_is_not() {
    let mut engine = engine(Mode::Proxy);
    let noted = engine.overhear(Now(0), &overheard(&offer(1, THEM), THEM));
    assert!(alarms(&noted).is_empty(), "{noted:?}");
    assert_eq!(standing(&engine, THEM), Standing::Expected);
    let second = Ipv4Addr::new(10, 77, 0, 67);
    let noted = engine.overhear(Now(1), &overheard(&offer(1, second), second));
    let [alarm] = alarms(&noted)[..] else { panic!("{noted:?}") };
    assert!(alarm.contains("10.77.0.66 does, and it does"), "{alarm}");
    assert_eq!(standing(&engine, THEM), Standing::Expected);

    // A pair that was declared is quiet; then nobody else is expected.
    let mut engine = with(Mode::Proxy, |network| network.others = vec![THEM, second]);
    for server in [THEM, second] {
        assert!(alarms(&engine.overhear(Now(0), &overheard(&offer(1, server), server))).is_empty());
    }
    let third = Ipv4Addr::new(10, 77, 0, 68);
    assert_eq!(alarms(&engine.overhear(Now(0), &overheard(&offer(1, third), third))).len(), 1);
}

#[test]
fn another_boot_server_is_a_rival_where_we_answer_and_expected_where_we_listen() {
    let asked = firmware(MessageType::Discover, 1, "PXEClient", 7);
    let mut boots = theirs(&asked, MessageType::Offer, THEM, Ipv4Addr::UNSPECIFIED);
    boots.options.push(code::VENDOR_CLASS, *b"PXEClient");
    boots.options.push(code::BOOT_FILE_NAME, *b"pxelinux.0\0");
    for mode in [Mode::Dhcp, Mode::Proxy, Mode::Auto] {
        let mut engine = engine(mode);
        let noted = engine.overhear(Now(0), &overheard(&boots, THEM));
        let [alarm] = alarms(&noted)[..] else { panic!("{mode}: {noted:?}") };
        assert!(alarm.contains("answers boot requests"), "{alarm}");
        let offered = known(&engine, THEM).offered.unwrap();
        assert_eq!(offered.file.as_deref(), Some("pxelinux.0"));
    }
    let mut engine = engine(Mode::Listen);
    assert!(alarms(&engine.overhear(Now(0), &overheard(&boots, THEM))).is_empty());
    assert_eq!(standing(&engine, THEM), Standing::Expected);
}

#[test]
fn who_does_no_harm_is_a_bystander() {
    let asked = request(MessageType::Inform, 1);
    let informs = theirs(&asked, MessageType::Ack, THEM, Ipv4Addr::UNSPECIFIED);
    let mut engine = engine(Mode::Dhcp);
    assert!(alarms(&engine.overhear(Now(0), &overheard(&informs, THEM))).is_empty());
    assert_eq!(standing(&engine, THEM), Standing::Bystander);
}

#[test]
fn servers_that_are_made_up_fill_neither_memory_nor_screen() {
    let mut engine = engine(Mode::Dhcp);
    let mut told = 0;
    for n in 0..20_000_u32 {
        let server = Ipv4Addr::from(0x0b00_0000 + n);
        let noted = engine.overhear(Now(u64::from(n)), &overheard(&offer(1, server), server));
        told += alarms(&noted).len();
    }
    assert_eq!(engine.others().len(), engine::others::LINK_MAX);
    assert!((1..=16).contains(&told), "{told}");
}

#[test]
fn a_machine_that_takes_anothers_offer_says_whose_and_what_it_was() {
    let mut engine = engine(Mode::Dhcp);
    let discover = firmware(MessageType::Discover, 1, "PXEClient", 7);
    let (_, ours) = reply(engine.dhcp(Now(0), &datagram(&discover)));
    let mut rogue = theirs(&discover, MessageType::Offer, THEM, GIVEN);
    rogue.siaddr = THEM;
    assert!(rogue.set_file(b"evil\x1b.efi"));
    let _ = engine.overhear(Now(5), &overheard(&rogue, THEM));
    let told = engine.dhcp(Now(10), &datagram(&selecting(1, GIVEN, THEM)));
    let taken = told.events.iter().find(|e| matches!(e.what, Happening::OfferTaken { .. }));
    let taken = taken.expect("it is told");
    assert_eq!(taken.machine, Some(mac(1)));
    assert_eq!(
        taken.what,
        Happening::OfferTaken {
            server: THEM,
            mac: Some(their_mac()),
            standing: Some(Standing::Rogue),
            address: Some(GIVEN),
            offered: Some(TheirOffer {
                address: Some(GIVEN.into()),
                file: Some("evil\\u{1b}.efi".into()),
                next_server: Some(THEM.to_string()),
                boot: false,
            }),
            ours: Some(ours.yiaddr),
        }
    );
    assert_eq!(known(&engine, THEM).taken, 1);
}

#[test]
fn a_server_that_only_machines_name_is_known_without_its_mac() {
    let mut engine = engine(Mode::Dhcp);
    let told = engine.dhcp(Now(0), &datagram(&selecting(1, GIVEN, THEM)));
    let alarm = told.events.iter().any(|event| matches!(event.what, Happening::Alarm { .. }));
    assert!(alarm, "{:?}", told.events);
    let other = known(&engine, THEM);
    assert_eq!((other.mac, other.from, other.replies, other.taken), (None, None, 0, 1));
    // Our own offers are nobody else's.
    let told = engine.dhcp(Now(1), &datagram(&selecting(2, GIVEN, US)));
    assert!(!told.events.iter().any(|e| matches!(e.what, Happening::OfferTaken { .. })));
}
