mod existence;
mod ipv6;

use super::*;
use crate::state::{BootDefaults, LEASE_HISTORY};
use crate::{Engine, Settings};
use model::lease::{LeaseState, Reservation, ReservedFor};
use model::network::Mode;
use model::network::Subnet;
use model::{Change, HardwareAddress, Lease, Machine, Network, Network6};
use std::net::Ipv4Addr;
use std::time::Duration;

const ASKER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 100));
const HOUR: u64 = 3_600_000;

fn network(subnet: &str, domain: Option<&str>) -> Network {
    let subnet: Subnet = subnet.parse().unwrap();
    let server = Ipv4Addr::from(u32::from(subnet.address) + 1);
    let mut network = Network::new("lan", Mode::Dhcp, server, subnet);
    network.domain = domain.map(str::to_owned);
    network
}

fn engine(networks: Vec<Network>) -> Engine {
    engine_with(networks, Vec::new())
}

fn engine_with(networks: Vec<Network>, networks6: Vec<Network6>) -> Engine {
    Engine::new(Settings {
        server_name: "Boot_1".to_owned(),
        networks,
        networks6,
        http_port: 80,
        tls_port: None,
        lease_history: LEASE_HISTORY,
        boot: BootDefaults::default(),
        defaults: model::setting::Layer::default(),
        key: vault::Key::default(),
    })
}

pub(super) fn lab() -> Engine {
    engine(vec![network("10.77.0.0/24", Some("Lab.Example"))])
}

fn mac(n: u8) -> HardwareAddress {
    HardwareAddress::mac([0x52, 0x54, 0, 0, 0, n])
}

fn lease(n: u8, address: u8, said: Option<&str>, since: u64) -> Change {
    Change::Lease(Lease {
        address: Ipv4Addr::new(10, 77, 0, address),
        network: "lan".to_owned(),
        hardware: mac(n),
        client_id: None,
        host_name: said.map(str::to_owned),
        since: Now(since),
        until: Some(Now(HOUR)),
        state: LeaseState::Bound,
    })
}

fn machine(n: u8, name: &str) -> Change {
    let mut machine = Machine::new(mac(n), Now(0));
    machine.name = Some(name.to_owned());
    Change::Machine(machine)
}

fn reserve(n: u8, address: u8, name: Option<&str>) -> Change {
    Change::Reservation(Reservation {
        address: Ipv4Addr::new(10, 77, 0, address),
        holder: ReservedFor::Mac(mac(n)),
        host_name: name.map(str::to_owned),
        since: Now(0),
    })
}

fn rules() -> Rules {
    Rules { interfaces: vec!["lan".to_owned()], ..Rules::default() }
}

fn names(engine: &mut Engine, changes: &[Change]) -> Names {
    changes.iter().for_each(|change| engine.apply(change));
    Names::of(&engine.name_facts(Now(1000)), &rules(), None)
}

/// A question, as bytes that live long enough.
fn ask(name: &str, kind: u16) -> Query<'static> {
    let name = Name::parse(name).unwrap();
    let name: &'static [u8] = Box::leak(name.as_wire().to_vec().into_boxed_slice());
    Query {
        id: 1,
        opcode: 0,
        recursion_desired: true,
        checking_disabled: false,
        name,
        kind,
        class: class::IN,
        edns: None,
    }
}

/// `NOERROR A 10.77.0.5`, or what else is done.
fn said(names: &Names, now: u64, name: &str, kind: u16) -> String {
    match names.answer(Now(now), ASKER, &ask(name, kind), &mut Vec::new()) {
        Said::Reply(reply, _) => {
            let mut text = reply.code.name().to_owned();
            for record in reply.answers {
                let (kind, data) = (record.data.kind(), listing::shown(&record.data));
                text += &format!(" {} {data}", kind::name(kind));
            }
            if !reply.authority.is_empty() {
                text += " SOA";
            }
            text
        }
        Said::Forward(inquiry, _) => {
            let aliases: String =
                inquiry.aliases.iter().map(|a| format!(" after {}", a.name)).collect();
            format!("forward {}{aliases}", inquiry.to)
        }
        Said::Silence(why) => format!("silence: {why}"),
    }
}

fn because(names: &Names, name: &str, kind: u16) -> String {
    match names.answer(Now(1000), ASKER, &ask(name, kind), &mut Vec::new()) {
        Said::Reply(_, because) | Said::Forward(_, because) => because.to_string(),
        Said::Silence(why) => why.to_string(),
    }
}

#[test]
fn a_lease_has_a_name_an_address_and_a_name_of_its_address() {
    let mut engine = lab();
    let names = names(&mut engine, &[lease(1, 100, Some("Node_7.other.example"), 5)]);
    assert_eq!(said(&names, 1000, "NODE-7.lab.example", kind::A), "NOERROR A 10.77.0.100");
    assert_eq!(
        said(&names, 1000, "100.0.77.10.in-addr.arpa", kind::PTR),
        "NOERROR PTR node-7.lab.example"
    );
    assert_eq!(
        said(&names, 1000, "52-54-00-00-00-01.lab.example", kind::A),
        "NOERROR A 10.77.0.100"
    );
    assert_eq!(said(&names, 1000, "node-7.lab.example", kind::AAAA), "NOERROR SOA", "NODATA");
    assert_eq!(said(&names, 1000, "node-8.lab.example", kind::A), "NXDOMAIN SOA");
    assert_eq!(
        because(&names, "node-7.lab.example", kind::A),
        "52:54:00:00:00:01 calls itself so; it has had 10.77.0.100 since 1970-01-01T00:00:00Z"
    );
    assert_eq!(
        because(&names, "node-8.lab.example", kind::A),
        "lab.example is served here and has no such name"
    );
}

#[test]
fn a_lease_that_ended_answers_no_more_and_one_that_is_reserved_lasts() {
    let mut engine = lab();
    let changes =
        [lease(1, 100, Some("gone"), 5), lease(2, 20, Some("x"), 5), reserve(2, 20, Some("stays"))];
    let names = names(&mut engine, &changes);
    assert_eq!(said(&names, HOUR - 1, "gone.lab.example", kind::A), "NOERROR A 10.77.0.100");
    assert_eq!(said(&names, HOUR, "gone.lab.example", kind::A), "NXDOMAIN SOA");
    assert_eq!(said(&names, HOUR, "100.0.77.10.in-addr.arpa", kind::PTR), "NXDOMAIN SOA");
    assert_eq!(said(&names, HOUR, "stays.lab.example", kind::A), "NOERROR A 10.77.0.20");
    assert_eq!(said(&names, HOUR, "x.lab.example", kind::A), "NXDOMAIN SOA");
}

#[test]
fn names_from_clients_never_overwrite_static_ones_and_duplicates_go_by_rule() {
    let mut engine = lab();
    let changes = [
        lease(1, 101, Some("www"), 1),
        lease(2, 102, Some("boot-1"), 1),
        lease(3, 103, Some("db"), 1),
        lease(4, 104, None, 9),
        machine(4, "db"),
        lease(5, 105, Some("twin"), 8),
        lease(6, 106, Some("TWIN"), 7),
        reserve(7, 17, Some("nas")),
        lease(8, 108, Some("nas"), 1),
    ];
    changes.iter().for_each(|change| engine.apply(change));
    let mut facts = engine.name_facts(Now(1000));
    let name = Name::parse("www.lab.example").unwrap();
    facts.records.push(OwnRecord { name, ttl_s: 60, data: Data::A(Ipv4Addr::new(10, 77, 0, 2)) });
    let names = Names::of(&facts, &rules(), None);
    assert_eq!(said(&names, 1000, "www.lab.example", kind::A), "NOERROR A 10.77.0.2");
    assert_eq!(said(&names, 1000, "boot-1.lab.example", kind::A), "NOERROR A 10.77.0.1");
    assert_eq!(said(&names, 1000, "db.lab.example", kind::A), "NOERROR A 10.77.0.104");
    assert_eq!(said(&names, 1000, "twin.lab.example", kind::A), "NOERROR A 10.77.0.106");
    assert_eq!(said(&names, 1000, "nas.lab.example", kind::A), "NOERROR A 10.77.0.17");
    // Who lost has the name of its hardware address, both ways.
    assert_eq!(
        said(&names, 1000, "101.0.77.10.in-addr.arpa", kind::PTR),
        "NOERROR PTR 52-54-00-00-00-01.lab.example"
    );
    let lost: Vec<String> =
        names.lost().iter().map(|l| format!("{} {}", l.name, l.address)).collect();
    assert_eq!(
        lost,
        [
            "boot-1.lab.example 10.77.0.102",
            "db.lab.example 10.77.0.103",
            "nas.lab.example 10.77.0.108",
            "twin.lab.example 10.77.0.105",
            "www.lab.example 10.77.0.101",
        ]
    );
    assert_eq!(names.lost()[0].to, Source::Own);
}

#[test]
fn two_addresses_of_one_machine_are_both_under_its_name() {
    let mut engine = lab();
    let names = names(
        &mut engine,
        &[lease(1, 100, Some("node"), 5), lease(1, 101, Some("node"), 6), machine(1, "node")],
    );
    assert_eq!(
        said(&names, 1000, "node.lab.example", kind::A),
        "NOERROR A 10.77.0.100 A 10.77.0.101"
    );
    assert!(names.lost().is_empty());
}

#[test]
fn zones_begin_with_soa_and_ns_and_what_is_between_exists() {
    let mut engine = lab();
    let mut facts = names_facts(&mut engine);
    let record = |name: &str, data| OwnRecord { name: Name::parse(name).unwrap(), ttl_s: 60, data };
    let target = Name::parse("boot-1.lab.example").unwrap();
    facts.records = vec![
        record(
            "_x._tcp.lab.example",
            Data::Srv { priority: 0, weight: 0, port: 80, target: target.clone() },
        ),
        record("alias.lab.example", Data::Cname(target)),
        record("away.lab.example", Data::Cname(Name::parse("www.example.org").unwrap())),
        record("loop.lab.example", Data::Cname(Name::parse("loop.lab.example").unwrap())),
        record("not.ours.example", Data::A(Ipv4Addr::LOCALHOST)),
    ];
    let names = Names::of(&facts, &rules(), None);
    assert!(
        said(&names, 1000, "lab.example", kind::SOA)
            .starts_with("NOERROR SOA boot-1.lab.example hostmaster")
    );
    assert_eq!(said(&names, 1000, "lab.example", kind::NS), "NOERROR NS boot-1.lab.example");
    assert_eq!(
        said(&names, 1000, "0.77.10.in-addr.arpa", kind::NS),
        "NOERROR NS boot-1.lab.example"
    );
    assert_eq!(
        said(&names, 1000, "1.0.77.10.in-addr.arpa", kind::PTR),
        "NOERROR PTR boot-1.lab.example"
    );
    assert_eq!(said(&names, 1000, "_tcp.lab.example", kind::A), "NOERROR SOA");
    assert_eq!(
        said(&names, 1000, "alias.lab.example", kind::A),
        "NOERROR CNAME boot-1.lab.example A 10.77.0.1"
    );
    assert_eq!(
        said(&names, 1000, "alias.lab.example", kind::AAAA),
        "NOERROR CNAME boot-1.lab.example SOA"
    );
    assert_eq!(
        said(&names, 1000, "alias.lab.example", kind::CNAME),
        "NOERROR CNAME boot-1.lab.example"
    );
    assert_eq!(said(&names, 1000, "away.lab.example", kind::A), "NOERROR CNAME www.example.org");
    assert_eq!(said(&names, 1000, "loop.lab.example", kind::A), "NOERROR CNAME loop.lab.example");
    assert_eq!(said(&names, 1000, "not.ours.example", kind::A), "REFUSED");
    assert_eq!(
        said(&names, 1000, "boot-1.lab.example", kind::ANY),
        "NOERROR HINFO \"RFC8482\" \"\""
    );
    let srv = ask("_x._tcp.lab.example", kind::SRV);
    let Said::Reply(reply, _) = names.answer(Now(1000), ASKER, &srv, &mut Vec::new()) else {
        panic!("silence")
    };
    assert_eq!(reply.additional.len(), 1, "the address of the target");
}

fn names_facts(engine: &mut Engine) -> Facts {
    engine.name_facts(Now(1000))
}

#[test]
fn strangers_hear_nothing_and_what_is_not_ours_is_refused_or_forwarded() {
    let mut engine = lab();
    let facts = names_facts(&mut engine);
    let mut rules = rules();
    let closed = Names::of(&facts, &rules, None);
    for from in ["10.78.0.5", "127.0.0.1", "2001:db8::1", "8.8.8.8"] {
        let query = ask("boot-1.lab.example", kind::A);
        let answer = closed.answer(Now(1), from.parse().unwrap(), &query, &mut Vec::new());
        assert_eq!(answer, Said::Silence(Why::Outside), "{from}");
    }
    assert_eq!(said(&closed, 1, "www.example.org", kind::A), "REFUSED");
    rules.upstream = vec!["9.9.9.9:53".parse().unwrap()];
    let split = |domain: &str| Split { domain: Name::parse(domain).unwrap(), upstream: Vec::new() };
    rules.split = vec![split("example"), split("corp.example"), split("8.10.in-addr.arpa")];
    let open = Names::of(&facts, &rules, None);
    assert_eq!(said(&open, 1, "www.example.org", kind::A), "forward upstream");
    assert_eq!(said(&open, 1, "www.example.org", kind::ANY), "NOTIMP");
    assert_eq!(said(&open, 1, "x.corp.example", kind::A), "forward split 1");
    assert_eq!(said(&open, 1, "lab.example", kind::TXT), "NOERROR SOA", "ours comes first");
    assert_eq!(said(&open, 1, "1.0.8.10.in-addr.arpa", kind::PTR), "forward split 2");
    assert_eq!(said(&open, 1, "1.0.9.10.in-addr.arpa", kind::PTR), "NXDOMAIN", "private");
    assert!(open.may_be_private(Name::parse("a.corp.example").unwrap().as_wire()));
    assert!(!open.may_be_private(Name::parse("www.example.org").unwrap().as_wire()));
    let mut facts = facts;
    let alias = Data::Cname(Name::parse("www.example.org").unwrap());
    facts.records.push(OwnRecord {
        name: Name::parse("away.lab.example").unwrap(),
        ttl_s: 60,
        data: alias,
    });
    let led = Names::of(&facts, &rules, None);
    assert_eq!(
        said(&led, 1, "away.lab.example", kind::A),
        "forward upstream after away.lab.example"
    );
    assert_eq!(said(&led, 1, "away.lab.example", kind::CNAME), "NOERROR CNAME www.example.org");
    let mut query = ask("www.example.org", kind::A);
    query.recursion_desired = false;
    let answer = open.answer(Now(1), ASKER, &query, &mut Vec::new());
    assert_eq!(answer, Said::Reply(Reply::of(Code::Refused), Because::NotOurs));
}

#[test]
fn what_is_no_question_of_ours_is_refused_shortly() {
    let mut engine = lab();
    let names = names(&mut engine, &[]);
    let with = |change: fn(&mut Query<'_>)| {
        let mut query = ask("boot-1.lab.example", kind::A);
        change(&mut query);
        match names.answer(Now(1), ASKER, &query, &mut Vec::new()) {
            Said::Reply(reply, because) => {
                assert!(reply.answers.is_empty());
                format!("{} {because}", reply.code.name())
            }
            other => panic!("{other:?}"),
        }
    };
    for (change, word) in [
        ((|q| q.opcode = 5) as fn(&mut Query<'_>), "NOTIMP only questions"),
        (|q| q.opcode = 4, "NOTIMP only questions"),
        (|q| q.class = 3, "REFUSED only names of the class IN"),
        (|q| q.kind = kind::AXFR, "REFUSED zones are not transferred"),
        (|q| q.kind = kind::IXFR, "REFUSED zones are not transferred"),
        (|q| q.kind = 250, "NOTIMP that is no type"),
        (
            |q| q.edns = Some(wire::dns::Edns { payload: 512, version: 1, dnssec_ok: false }),
            "BADVERS there is no such version",
        ),
    ] {
        let said = with(change);
        assert!(said.starts_with(word), "{said}");
    }
}

#[test]
fn a_part_of_an_octet_leaves_the_rest_to_others() {
    let mut engine = engine(vec![network("10.77.0.64/26", Some("lab.example"))]);
    let facts = names_facts(&mut engine);
    let mut rules = rules();
    rules.split =
        vec![Split { domain: Name::parse("10.in-addr.arpa").unwrap(), upstream: Vec::new() }];
    let names = Names::of(&facts, &rules, None);
    let asked = |n: u8| {
        let name = format!("{n}.0.77.10.in-addr.arpa");
        match names.answer(
            Now(1),
            "10.77.0.70".parse().unwrap(),
            &ask(&name, kind::PTR),
            &mut Vec::new(),
        ) {
            Said::Reply(reply, _) => reply.code.name(),
            Said::Forward(..) => "forward",
            Said::Silence(_) => "silence",
        }
    };
    assert_eq!(
        (asked(65), asked(66), asked(63), asked(128)),
        ("NOERROR", "NXDOMAIN", "forward", "forward")
    );
}

#[test]
fn serial_numbers_only_grow() {
    let mut engine = lab();
    let facts = names_facts(&mut engine);
    let first = Names::of(&facts, &rules(), None);
    let second = Names::of(&facts, &rules(), Some(&first));
    assert_eq!(second.serial(), first.serial() + 1);
}

#[test]
fn names_are_cleaned_to_letters_digits_and_hyphens() {
    for (said, label) in [
        ("Node_7", Some("node-7")),
        ("node.lab.example", Some("node")),
        ("-x-", Some("x")),
        ("a  b", Some("a-b")),
        ("bücher", Some("b-cher")),
        ("\u{1b}[31m", Some("31m")),
        ("", None),
        ("...", None),
        ("___", None),
        ("--", None),
    ] {
        assert_eq!(clean(said).as_deref(), label, "{said}");
    }
    let long = clean(&"a".repeat(200)).unwrap();
    assert_eq!(long.len(), 63);
}

#[test]
fn a_neighbourhood_gets_so_many_answers_in_a_second_and_others_are_not_hurt() {
    let mut pace = Pace::new(10);
    let near = |n: u8| IpAddr::V4(Ipv4Addr::new(10, 77, 0, n));
    let got: Vec<Admitted> = (0..16).map(|n| pace.admits(Now(5), near(n))).collect();
    assert!(got[..10].iter().all(|admitted| *admitted == Admitted::Yes));
    use Admitted::{No, Short};
    assert_eq!(got[10..], [Short, No, Short, No, Short, No]);
    assert_eq!(pace.admits(Now(5), "10.77.1.1".parse().unwrap()), Admitted::Yes);
    assert_eq!(pace.admits(Now(5) + Duration::from_secs(1), near(1)), Admitted::Yes);
    let in_56 = |text: &str| text.parse::<IpAddr>().unwrap();
    for _ in 0..10 {
        let _ = pace.admits(Now(2000), in_56("2001:db8:0:ff::1"));
    }
    assert_eq!(pace.admits(Now(2000), in_56("2001:db8:0:1::9")), Admitted::Short, "one /56");
    assert_eq!(pace.admits(Now(2000), in_56("2001:db8:0:100::9")), Admitted::Yes, "another");
}
