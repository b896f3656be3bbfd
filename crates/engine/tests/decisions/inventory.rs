//! What a machine says of its parts: when it is filed, with whom, and what follows.

use crate::house::{command, datagram, engine, firmware, mac, rule_for_everybody};
use engine::files::read_report;
use engine::{Answer, Asker, Command, Engine, FileAsk, Told};
use model::Life;
use model::event::Carrier;
use model::network::Mode;
use model::plan::{Decision, Why};
use model::rule::Condition;
use model::{Change, Happening, Now};
use proptest::prelude::*;
use std::net::SocketAddr;
use wire::dhcp4::MessageType;

const REPORT: &str = r#"{
    "cpu": {"model": "AMD EPYC 7313", "sockets": 1, "cores": 16, "threads": 32},
    "memory_mib": 65536,
    "disks": [{"name": "sda", "size_bytes": 480103981056, "serial": "S4D-0001", "colour": "red"},
              {"name": "sdb", "size_bytes": 4000787030016}],
    "nics": [{"name": "eno1", "mac": "52:54:00:77:00:01", "link": true},
             {"name": "eno2", "mac": "0c:42:a1:00:00:02", "link": false}],
    "firmware": {"kind": "uefi"},
    "system": {"vendor": "Supermicro", "product": "AS-1014", "serial": "A-77",
               "uuid": "4c4c4544-0042-3510-8052-b4c04f4d3732"},
    "tpm": "2.0", "secure_boot": "off", "virtualization": null, "later": [1, 2]
}"#;

/// One machine that booted, heard from 10.77.0.9.
fn house() -> Engine {
    let mut engine = engine(Mode::Dhcp);
    let discover = firmware(MessageType::Discover, 1, "PXEClient", 7);
    let _ = engine.dhcp(Now(0), &datagram(&discover));
    engine
}

fn ask(says: u8, neighbour: u8) -> FileAsk {
    FileAsk {
        by: Carrier::Http,
        name: "inventory".into(),
        from: SocketAddr::from(([10, 77, 0, 9], 40_000)),
        at: SocketAddr::from(([10, 77, 0, 1], 80)),
        link: "lan".into(),
        says: Asker { mac: Some(mac(says)), ..Asker::default() },
        neighbour: Some(mac(neighbour)),
        agent: None,
        body: None,
        head_only: false,
    }
}

fn refused(told: Told<engine::Found>) -> String {
    assert!(told.changes.is_empty(), "{:?}", told.changes);
    match told.answer {
        Answer::Silence(why) => why.to_string(),
        Answer::Reply(found) => panic!("{found:?}"),
    }
}

#[test]
fn a_report_is_filed_with_the_machine_that_sends_it() {
    let mut engine = house();
    let told = engine.take_inventory(Now(5_000), &ask(1, 1), REPORT.as_bytes());
    assert!(matches!(told.answer, Answer::Reply(_)), "{:?}", told.answer);
    let [Change::Machine(machine), Change::Hardware(of, report)] = told.changes.as_slice() else {
        panic!("{:?}", told.changes);
    };
    assert_eq!((*of, report.reported), (mac(1), Some(Now(5_000))));
    assert_eq!((machine.memory_mib, machine.serial.as_deref()), (Some(65_536), Some("A-77")));
    let [event] = told.events.as_slice() else { panic!("{:?}", told.events) };
    let Happening::Inventory { says } = &event.what else { panic!("{event:?}") };
    assert!(says.starts_with("Supermicro AS-1014, AMD EPYC 7313, 16 cores, 64.00 GiB"), "{says}");

    // Applying what is kept gives the same engine, and it goes with its machine.
    let mut other = house();
    told.changes.iter().for_each(|change| other.apply(change));
    assert_eq!(other.hardware(&mac(1)), engine.hardware(&mac(1)));
    other.apply(&Change::MachineGone(mac(1)));
    assert_eq!(other.hardware(&mac(1)), None);
}

#[test]
fn what_firmware_said_of_itself_outranks_a_report() {
    let mut engine = house();
    let before = engine.machine(&mac(1).to_string()).cloned().unwrap();
    let _ = engine.take_inventory(Now(0), &ask(1, 1), REPORT.as_bytes());
    let after = engine.machine(&mac(1).to_string()).unwrap();
    assert_eq!(after.uuid, before.uuid, "option 97 had one already");
    assert!(before.uuid.is_some());
}

#[test]
fn nobody_reports_for_another() {
    let mut engine = house();
    let mut of = |says, neighbour| {
        refused(engine.take_inventory(Now(0), &ask(says, neighbour), REPORT.as_bytes()))
    };
    assert!(of(1, 2).contains("10.77.0.9 is not the address of 52:54:00:77:00:01"));
    assert!(of(3, 3).contains("no machine 52:54:00:77:00:03 has booted from here"));
    command(&mut engine, Command::SetLife(mac(1).to_string(), Life::Blocked));
    let why = refused(engine.take_inventory(Now(0), &ask(1, 1), REPORT.as_bytes()));
    assert!(why.contains("blocked"), "{why}");
    let outside = FileAsk { from: SocketAddr::from(([192, 0, 2, 1], 9)), ..ask(1, 1) };
    let told = engine.take_inventory(Now(0), &outside, REPORT.as_bytes());
    assert_eq!(told.answer, Answer::Silence(Why::OutsideServedSubnets));
}

#[test]
fn a_machine_repeats_itself_only_after_ten_seconds() {
    let mut engine = house();
    let mut at = |ms| engine.take_inventory(Now(ms), &ask(1, 1), REPORT.as_bytes()).answer;
    assert!(matches!(at(0), Answer::Reply(_)));
    assert!(matches!(at(9_999), Answer::Silence(Why::TooMany(_))));
    assert!(matches!(at(10_000), Answer::Reply(_)));
}

#[test]
fn a_report_that_is_none_is_refused_in_words() {
    let mut engine = house();
    let mut of = |body: &str| refused(engine.take_inventory(Now(0), &ask(1, 1), body.as_bytes()));
    assert!(of("").contains("EOF"), "{}", of(""));
    assert!(of(r#"{"memory_mib": "much"}"#).contains("invalid type: string"));
    assert!(of(r#"{"tpm": "3.0"}"#).contains("3.0"));
    assert!(of(r#"{"nics": [{"name": "a", "mac": "nonsense"}]}"#).contains("nonsense"));
    assert!(of(&" ".repeat(70_000)).contains("70000 bytes"));
    let disks: Vec<String> = (0..65).map(|n| format!(r#"{{"name": "sd{n}"}}"#)).collect();
    assert!(of(&format!(r#"{{"disks": [{}]}}"#, disks.join(","))).contains("65 disks"));
    assert!(of(&"[".repeat(60_000)).contains("no report"));
}

#[test]
fn a_flood_of_strangers_leaves_room_for_those_who_are_known() {
    let mut engine = engine(Mode::Dhcp);
    let mut large = read_report(REPORT.as_bytes()).unwrap();
    large.disks = vec![large.disks[0].clone(); 64];
    for disk in &mut large.disks {
        disk.serial = Some("\u{7}".repeat(128));
        disk.model = Some("\u{7}".repeat(128));
    }
    let large = large.checked().unwrap();
    // As many machines as fill what strangers may.
    let mut filled = 0;
    for n in 0_u32.. {
        let [_, a, b, c] = n.to_be_bytes();
        let hardware = model::HardwareAddress::mac([2, 0, 0, a, b, c]);
        engine.apply(&Change::Machine(model::Machine::new(hardware, Now(0))));
        engine.apply(&Change::Hardware(hardware, Box::new(large.clone())));
        filled += large.weight();
        if filled > 96 << 20 {
            break;
        }
    }
    let discover = firmware(MessageType::Discover, 1, "PXEClient", 7);
    let _ = engine.dhcp(Now(0), &datagram(&discover));
    let why = refused(engine.take_inventory(Now(0), &ask(1, 1), REPORT.as_bytes()));
    assert!(why.contains("fill the memory"), "{why}");
    command(&mut engine, Command::SetLife(mac(1).to_string(), Life::Approved));
    let told = engine.take_inventory(Now(0), &ask(1, 1), REPORT.as_bytes());
    assert!(matches!(told.answer, Answer::Reply(_)), "{:?}", told.answer);
}

#[test]
fn rules_may_demand_what_was_reported() {
    let mut engine = house();
    for condition in [
        Condition::Memory(65_536),
        Condition::Disk(4_000_000_000_000),
        Condition::Cpu("epyc".into()),
    ] {
        let add = Command::AddRule { conditions: vec![condition], profile: "debian".into() };
        command(&mut engine, add);
        let client = model::Client::unknown("lan", mac(1));
        assert!(
            !matches!(engine.plan(Now(1), &client).decision, Decision::Boot(_)),
            "not known yet"
        );
        let mut told = engine.clone();
        let _ = told.take_inventory(Now(0), &ask(1, 1), REPORT.as_bytes());
        let plan = told.plan(Now(1), &client);
        assert!(matches!(plan.decision, Decision::Boot(_)), "{plan:?}");
        command(&mut engine, Command::RemoveRule(1));
    }
}

#[test]
fn a_machine_is_found_by_whatever_is_known_of_it() {
    let mut engine = house();
    rule_for_everybody(&mut engine);
    let _ = engine.take_inventory(Now(0), &ask(1, 1), REPORT.as_bytes());
    let other = firmware(MessageType::Discover, 2, "PXEClient", 7);
    let _ = engine.dhcp(Now(0), &datagram(&other));
    command(
        &mut engine,
        Command::SetMachine {
            machine: mac(2).to_string(),
            name: Some("lab-02".into()),
            profile: None,
            labels: vec![("room".into(), Some("3a".into()))],
            settings: Vec::new(),
            notes: None,
        },
    );
    let found = |words: &str| -> Vec<u8> {
        engine.search(words).filter_map(|m| m.hardware.bytes().last().copied()).collect()
    };
    for (words, wanted) in [
        ("", vec![1, 2]),
        ("s4d-0001", vec![1]),
        ("supermicro as-1014", vec![1]),
        ("supermicro lab-02", vec![]),
        ("0C-42-A1-00-00-02", vec![1]),
        ("0c42a1", vec![1]),
        ("5254.0077.0002", vec![2]),
        ("LAB", vec![2]),
        ("room=3A", vec![2]),
        ("3a", vec![2]),
        ("pending", vec![1, 2]),
        ("nothing-of-the-kind", vec![]),
    ] {
        assert_eq!(found(words), wanted, "{words}");
    }
}

/// What the fuzzer begins with: reports of real and made machines.
#[test]
fn the_reports_of_the_corpus_are_taken() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/hardware");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let report = read_report(&std::fs::read(&path).unwrap());
        assert!(report.is_ok(), "{}: {report:?}", path.display());
        read += 1;
    }
    assert!(read > 0);
}

proptest! {
    #[test]
    fn no_report_makes_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = read_report(&bytes);
    }

    #[test]
    fn a_bent_report_is_read_or_refused_and_stays_bounded(
        at in 0..REPORT.len(), cut in 0..200_usize, with in "\\PC{0,300}",
    ) {
        let mut text = REPORT.to_owned();
        let end = (at + cut).min(text.len());
        text.replace_range(at..end, &with);
        if let Ok(report) = read_report(text.as_bytes()) {
            prop_assert!(report.weight() < 1 << 20);
            prop_assert!(!report.says().chars().any(char::is_control));
        }
    }
}
