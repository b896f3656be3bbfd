//! Which names exist (RFC 8020): one is there as long as it has something, or anything below it is there.

use super::*;
use proptest::prelude::*;

const ENDED: u64 = HOUR;

/// A zone of addresses with names between it and them: of 10.0.0.0/8 in whole.
fn wide(changes: &[Change]) -> Names {
    let mut engine = engine(vec![network("10.0.0.0/8", Some("lab.example"))]);
    names(&mut engine, changes)
}

#[test]
fn what_is_between_a_zone_and_a_lease_ends_with_the_lease() {
    let names = wide(&[lease(1, 100, Some("node"), 5)]);
    // Its server is 10.0.0.1, which stays.
    for name in ["0.77.10.in-addr.arpa", "77.10.in-addr.arpa"] {
        assert_eq!(said(&names, ENDED - 1, name, kind::PTR), "NOERROR SOA", "{name}");
        assert_eq!(said(&names, ENDED, name, kind::PTR), "NXDOMAIN SOA", "{name}");
    }
    assert_eq!(said(&names, ENDED, "0.10.in-addr.arpa", kind::PTR), "NOERROR SOA");
    assert_eq!(said(&names, ENDED, "10.in-addr.arpa", kind::PTR), "NOERROR SOA");
}

#[test]
fn a_name_whose_lease_ended_is_there_while_something_below_it_is() {
    let mut engine = lab();
    engine.apply(&lease(1, 100, Some("node"), 5));
    let mut facts = engine.name_facts(Now(1000));
    let name = Name::parse("_boot.node.lab.example").unwrap();
    facts.records = vec![OwnRecord { name, ttl_s: 60, data: Data::Txt(b"hello".to_vec()) }];
    let names = Names::of(&facts, &rules(), None);
    assert_eq!(said(&names, 1000, "node.lab.example", kind::A), "NOERROR A 10.77.0.100");
    assert_eq!(said(&names, ENDED, "node.lab.example", kind::A), "NOERROR SOA");
    assert_eq!(because(&names, "node.lab.example", kind::AAAA), because_at(&names, 1000));
    let after = because_at(&names, ENDED);
    assert_eq!(after, "only names below it are known");
}

fn because_at(names: &Names, now: u64) -> String {
    let query = ask("node.lab.example", kind::AAAA);
    match names.answer(Now(now), ASKER, &query, &mut Vec::new()) {
        Said::Reply(_, because) => because.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Somebody at an address, until a moment or for ever, who calls himself so.
fn holding() -> impl Strategy<Value = Holding> {
    let label = prop::sample::select(vec!["a", "b", "c", "d"]);
    let until = prop::option::of(1_u64..6);
    (0_u8..3, 0_u8..3, 2_u8..5, label, until).prop_map(|(b, c, d, said, until)| Holding {
        address: Ipv4Addr::new(10, b, c, d).into(),
        hardware: None,
        duid: None,
        since: Now(0),
        until: until.map(Now),
        reserved: false,
        reserved_name: None,
        machine_name: None,
        said: Some(said.to_owned()),
    })
}

fn record() -> impl Strategy<Value = OwnRecord> {
    let label = || prop::sample::select(vec!["a", "b", "c", "e"]);
    prop::collection::vec(label(), 1..4).prop_map(|labels| OwnRecord {
        name: Name::parse(&format!("{}.lab.example", labels.join("."))).unwrap(),
        ttl_s: 60,
        data: Data::Txt(b"x".to_vec()),
    })
}

/// Every name that could be asked for: whatever a record of any moment has, and all that is above and beside.
fn asked(names: &Names) -> Vec<String> {
    let mut asked = Vec::new();
    for node in names.nodes.values() {
        for held in &node.records {
            let name = held.record.name.to_string();
            asked.extend(name.match_indices('.').map(|(at, _)| name[at + 1..].to_owned()));
            asked.push(format!("x.{name}"));
            asked.push(name);
        }
    }
    asked.sort();
    asked.dedup();
    asked
}

proptest! {
    /// Against a list of names that a child could write down: is any of them this one, or does it end in it?
    #[test]
    fn a_name_is_there_if_it_or_anything_below_it_has_a_record(
        holdings in prop::collection::vec(holding(), 0..8),
        records in prop::collection::vec(record(), 0..4),
    ) {
        let facts = Facts { holdings, records, ..wide_facts() };
        let names = Names::of(&facts, &rules(), None);
        let zones: Vec<String> = names.zones().map(ToString::to_string).collect();
        for now in 0..7 {
            let mut there: Vec<String> =
                names.list(Now(now)).map(|listed| listed.name.to_string()).collect();
            there.extend(zones.iter().cloned());
            for name in asked(&names) {
                let below = format!(".{name}");
                let within = zones.iter().any(|z| *z == name || name.ends_with(&format!(".{z}")));
                let exists = there.iter().any(|one| *one == name || one.ends_with(&below));
                let wanted = match (within, exists) {
                    (false, _) => "REFUSED",
                    (true, true) => "NOERROR",
                    (true, false) => "NXDOMAIN",
                };
                let said = said_from_wide(&names, now, &name);
                prop_assert_eq!(said, wanted, "{} at {}", name, now);
            }
        }
    }
}

fn wide_facts() -> Facts {
    engine(vec![network("10.0.0.0/8", Some("lab.example"))]).name_facts(Now(0))
}

/// The code alone.
fn said_from_wide(names: &Names, now: u64, name: &str) -> &'static str {
    let wire = Name::parse(name).unwrap();
    let query = Query { name: wire.as_wire(), ..ask("x", kind::MX) };
    match names.answer(Now(now), Ipv4Addr::new(10, 0, 0, 9).into(), &query, &mut Vec::new()) {
        Said::Reply(reply, _) => reply.code.name(),
        other => panic!("{other:?}"),
    }
}
