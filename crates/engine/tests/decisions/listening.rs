//! Mode `listen`: what we would have said beside what was said, and nothing of it leaves or is kept.

use crate::house::{
    compared, datagram, engine, firmware, mac, request, rule_for_everybody, selecting, silence,
};
use crate::others::{THEM, overheard, theirs};
use engine::Engine;
use model::listen::Outcome;
use model::network::{ListenAs, Mode};
use model::plan::Why;
use model::{Change, Listening, Now};
use std::net::Ipv4Addr;
use wire::dhcp4::{Message, MessageType, code};

const GIVEN: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 140);

fn listening(listen_as: ListenAs) -> Engine {
    let mut engine = engine(Mode::Listen);
    let mut settings = engine.settings().clone();
    settings.networks[0].listen_as = listen_as;
    let _ = engine.configure(settings);
    engine
}

/// A DHCP server that says what ours would.
fn like_ours(to: &Message, kind: MessageType) -> Message {
    let mut reply = theirs(to, kind, THEM, GIVEN);
    reply.options.push(code::LEASE_TIME, 43_200_u32.to_be_bytes());
    reply.options.push(code::RENEWAL_TIME, 21_600_u32.to_be_bytes());
    reply.options.push(code::REBINDING_TIME, 37_800_u32.to_be_bytes());
    reply.options.push(code::SUBNET_MASK, [255, 255, 255, 0]);
    reply.options.push(code::ROUTER, [10, 77, 0, 254]);
    reply.options.push(code::DNS, [10, 77, 0, 53]);
    reply.options.push(code::DOMAIN_NAME, *b"lab.example");
    reply.options.push(code::BROADCAST_ADDRESS, [10, 77, 0, 255]);
    reply
}

fn sum(engine: &Engine) -> Listening {
    engine.listening().into_iter().next().expect("something was compared")
}

fn asks(engine: &mut Engine, now: Now, message: &Message) {
    let told = engine.dhcp(now, &datagram(message));
    for change in &told.changes {
        assert!(matches!(change, Change::Machine(_)), "{change:?}");
    }
    assert_eq!(silence(told), Why::OnlyListening);
}

#[test]
fn as_dhcp_a_server_that_says_the_same_agrees_and_no_lease_is_kept() {
    let mut engine = listening(ListenAs::Dhcp);
    let discover = request(MessageType::Discover, 1);
    asks(&mut engine, Now(0), &discover);
    let noted =
        engine.overhear(Now(3), &overheard(&like_ours(&discover, MessageType::Offer), THEM));
    assert_eq!(compared(&noted), (Outcome::Agrees, vec![]));
    let takes = selecting(1, GIVEN, THEM);
    asks(&mut engine, Now(5), &takes);
    let noted = engine.overhear(Now(8), &overheard(&like_ours(&takes, MessageType::Ack), THEM));
    assert_eq!(compared(&noted), (Outcome::Agrees, vec![]));
    // It renews with whoever gave it.
    let mut renews = request(MessageType::Request, 1);
    renews.ciaddr = GIVEN;
    renews.xid += 1;
    asks(&mut engine, Now(10_000), &renews);
    let mut ack = like_ours(&renews, MessageType::Ack);
    ack.ciaddr = GIVEN;
    assert_eq!(compared(&engine.overhear(Now(10_001), &overheard(&ack, THEM))).0, Outcome::Agrees);
    let sum = sum(&engine);
    assert_eq!((sum.agreed, sum.differed, sum.unheard), (3, 0, 0));
    assert_eq!(engine.leases().count(), 0);
}

#[test]
fn as_dhcp_what_differs_is_named_and_counted_with_its_last_example() {
    let mut engine = listening(ListenAs::Dhcp);
    for last in 1..=3 {
        let discover = request(MessageType::Discover, last);
        asks(&mut engine, Now(u64::from(last) * 100), &discover);
        let mut other = like_ours(&discover, MessageType::Offer);
        other.options.remove(code::ROUTER);
        other.options.push(code::ROUTER, [10, 77, 0, 253]);
        if last == 3 {
            other.options.remove(code::DNS);
        }
        let noted = engine.overhear(Now(u64::from(last) * 100 + 1), &overheard(&other, THEM));
        let (outcome, differences) = compared(&noted);
        assert_eq!(outcome, Outcome::Differs);
        assert!(
            differences[0].contains("we say 10.77.0.254, they say 10.77.0.253"),
            "{differences:?}"
        );
    }
    let sum = sum(&engine);
    assert_eq!((sum.agreed, sum.differed), (0, 3));
    let [router, dns] = &sum.differences[..] else { panic!("{:?}", sum.differences) };
    assert_eq!((router.count, router.client.machine, dns.count), (3, Some(mac(3)), 1));
    let last = sum.last_difference.unwrap();
    assert_eq!((last.client.machine, last.differences.len()), (Some(mac(3)), 2));
}

#[test]
fn as_dhcp_a_promised_address_has_to_be_the_one_that_is_given() {
    let mut engine = listening(ListenAs::Dhcp);
    let reservation = model::Reservation {
        address: Ipv4Addr::new(10, 77, 0, 20),
        holder: model::lease::ReservedFor::Mac(mac(1)),
        host_name: None,
        since: Now(0),
    };
    engine.apply(&Change::Reservation(reservation));
    let discover = request(MessageType::Discover, 1);
    asks(&mut engine, Now(0), &discover);
    let noted =
        engine.overhear(Now(1), &overheard(&like_ours(&discover, MessageType::Offer), THEM));
    let (outcome, differences) = compared(&noted);
    assert_eq!(outcome, Outcome::Differs);
    assert_eq!(differences, ["yiaddr: we say 10.77.0.20, they say 10.77.0.140"]);
}

#[test]
fn as_proxy_addresses_are_theirs_and_boot_files_are_compared() {
    let mut engine = listening(ListenAs::Proxy);
    rule_for_everybody(&mut engine);
    // An operating system: it is left to the DHCP server.
    let system = request(MessageType::Discover, 1);
    asks(&mut engine, Now(0), &system);
    let noted = engine.overhear(Now(1), &overheard(&like_ours(&system, MessageType::Offer), THEM));
    assert_eq!(compared(&noted).0, Outcome::Agrees);
    // Firmware: the DHCP server's offer says nothing of booting, the boot server's does.
    let pxe = firmware(MessageType::Discover, 2, "PXEClient", 7);
    asks(&mut engine, Now(10), &pxe);
    let noted = engine.overhear(Now(11), &overheard(&like_ours(&pxe, MessageType::Offer), THEM));
    assert!(noted.events.is_empty(), "{noted:?}");
    let boots = Ipv4Addr::new(10, 77, 0, 67);
    let mut boot = theirs(&pxe, MessageType::Offer, boots, Ipv4Addr::UNSPECIFIED);
    boot.options.push(code::VENDOR_CLASS, *b"PXEClient");
    boot.options.push(code::BOOT_FILE_NAME, *b"pxelinux.0\0");
    let (outcome, differences) = compared(&engine.overhear(Now(12), &overheard(&boot, boots)));
    assert_eq!(outcome, Outcome::Differs);
    assert!(differences.iter().any(|d| d.contains("they say pxelinux.0")), "{differences:?}");
}

#[test]
fn as_proxy_our_very_answer_agrees() {
    let mut speaking = engine(Mode::Proxy);
    let mut engine = listening(ListenAs::Proxy);
    let pxe = firmware(MessageType::Discover, 2, "PXEClient", 7);
    let (_, mut same) = crate::house::reply(speaking.dhcp(Now(10), &datagram(&pxe)));
    same.siaddr = THEM;
    same.options.remove(code::SERVER_ID);
    same.options.push(code::SERVER_ID, THEM.octets());
    assert!(same.set_sname(THEM.to_string().as_bytes()));
    asks(&mut engine, Now(10), &pxe);
    assert_eq!(
        compared(&engine.overhear(Now(12), &overheard(&same, THEM))),
        (Outcome::Agrees, vec![])
    );
}

#[test]
fn as_proxy_a_machine_that_only_we_would_boot_differs_once_its_time_is_over() {
    let mut engine = listening(ListenAs::Proxy);
    let pxe = firmware(MessageType::Discover, 2, "PXEClient", 7);
    asks(&mut engine, Now(1000), &pxe);
    let _ = engine.overhear(Now(1001), &overheard(&like_ours(&pxe, MessageType::Offer), THEM));
    let (outcome, differences) = compared(&engine.tidy(Now(60_000)));
    assert_eq!(outcome, Outcome::Differs);
    assert!(differences[0].contains("they say nothing of booting"), "{differences:?}");
}

#[test]
fn what_nobody_is_heard_to_answer_is_counted_apart() {
    let mut engine = listening(ListenAs::Dhcp);
    let discover = request(MessageType::Discover, 1);
    for again in 0..3 {
        asks(&mut engine, Now(1000 + again), &discover);
    }
    assert_eq!(compared(&engine.tidy(Now(60_000))).0, Outcome::Unheard);
    let sum = sum(&engine);
    assert_eq!((sum.agreed, sum.differed, sum.unheard), (0, 0, 1), "asked again is asked once");
}

#[test]
fn what_waits_has_a_limit() {
    let mut engine = listening(ListenAs::Dhcp);
    for n in 0..6000_u32 {
        let mut discover = request(MessageType::Discover, (n % 100) as u8);
        discover.xid = n;
        let _ = engine.dhcp(Now(u64::from(n) * 100), &datagram(&discover));
    }
    let unheard = engine.tidy(Now(10_000_000)).events;
    assert!(unheard.len() <= engine::listen::WAITING_MAX, "{}", unheard.len());
}
