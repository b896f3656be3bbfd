//! Machines with several network cards: one record, whichever card speaks.

use crate::house::{command, datagram, engine, firmware, lease, mac, rule_for_everybody};
use engine::command::DeclaredMachine;
use engine::explain::Question;
use engine::{Answer, Asker, Command, Engine, FileAsk, Refusal, Served};
use model::event::Carrier;
use model::network::Mode;
use model::plan::{Decision, Why};
use model::rule::Condition;
use model::{Change, Client, Life, Machine, Now, Uuid};
use std::net::SocketAddr;
use wire::dhcp4::MessageType;

fn boots(engine: &mut Engine, last: u8) -> Vec<Change> {
    let discover = firmware(MessageType::Discover, last, "PXEClient", 7);
    engine.dhcp(Now(0), &datagram(&discover)).changes
}

fn ask(name: &str, says: Option<u8>, neighbour: u8) -> FileAsk {
    FileAsk {
        by: Carrier::Http,
        name: name.into(),
        from: SocketAddr::from(([10, 77, 0, 9], 40_000)),
        at: SocketAddr::from(([10, 77, 0, 1], 80)),
        link: "lan".into(),
        says: Asker { mac: says.map(mac), ..Asker::default() },
        neighbour: Some(mac(neighbour)),
        agent: None,
        body: None,
        head_only: false,
    }
}

fn set(last: u8) -> Command {
    Command::SetMachine {
        machine: mac(last).to_string(),
        name: None,
        profile: None,
        labels: Vec::new(),
        settings: Vec::new(),
        notes: None,
    }
}

fn named(last: u8, new: &str) -> Command {
    let Command::SetMachine { machine, profile, labels, settings, notes, .. } = set(last) else {
        panic!()
    };
    Command::SetMachine { machine, name: Some(new.into()), profile, labels, settings, notes }
}

fn add(machine: u8, card: u8) -> Command {
    Command::SetAddresses {
        machine: mac(machine).to_string(),
        add: vec![mac(card)],
        remove: vec![],
    }
}

fn merge(machine: u8, other: u8) -> Command {
    Command::MergeMachines(mac(machine).to_string(), mac(other).to_string())
}

fn refusal(engine: &Engine, command: Command) -> Refusal {
    engine.command(Now(0), command).unwrap_err()
}

/// Machine 1, called lab-01, with the further card 2.
fn house() -> Engine {
    let mut engine = engine(Mode::Dhcp);
    command(&mut engine, named(1, "lab-01"));
    command(&mut engine, add(1, 2));
    engine
}

#[test]
fn whichever_card_speaks_it_is_one_machine() {
    let mut engine = house();
    command(&mut engine, Command::SetLife("lab-01".into(), Life::Approved));
    let [Change::Machine(heard)] = &boots(&mut engine, 2)[..] else { panic!("one record") };
    assert_eq!((heard.hardware, heard.name.as_deref()), (mac(1), Some("lab-01")));
    assert_eq!(engine.machines().count(), 1);
    assert_eq!(engine.machine(&mac(2).to_string()).unwrap().hardware, mac(1));

    let told = engine.file(Now(0), &ask("boot.ipxe", Some(2), 2));
    assert!(told.events.iter().all(|event| event.machine == Some(mac(1))), "{:?}", told.events);
    let Answer::Reply(found) = told.answer else { panic!("no script") };
    assert_eq!(found.machine, Some(mac(1)));

    command(&mut engine, Command::SetLife(mac(2).to_string(), Life::Blocked));
    let plan = engine.plan(Now(0), &Client::unknown("lan", mac(2)));
    assert_eq!(plan.decision, Decision::Refused);
}

#[test]
fn the_script_is_for_the_card_that_asks() {
    let mut engine = house();
    rule_for_everybody(&mut engine);
    boots(&mut engine, 2);
    let Answer::Reply(found) = engine.file(Now(0), &ask("boot.ipxe", None, 2)).answer else {
        panic!("no script")
    };
    let Served::Text(text) = found.what else { panic!("no text") };
    assert!(text.contains("BOOTIF=01-52-54-00-77-00-02"), "{text}");
    let question = Question { machine: mac(2).to_string(), ..Question::default() };
    let explained = engine.explain(Now(0), &question).unwrap();
    assert_eq!((explained.machine, explained.name.as_deref()), (mac(2), Some("lab-01")));
}

#[test]
fn a_rule_for_one_card_holds_for_the_machine() {
    let mut engine = house();
    let conditions = vec![Condition::Mac("52:54:00:77:00:01".parse().unwrap())];
    command(&mut engine, Command::AddRule { conditions, profile: "debian".into() });
    let plan = engine.plan(Now(0), &Client::unknown("lan", mac(2)));
    assert!(plan.reasons[0].to_string().ends_with("matches: mac 52:54:00:77:00:01"), "{plan:?}");
    let stranger = engine.plan(Now(0), &Client::unknown("lan", mac(3)));
    assert!(matches!(stranger.decision, Decision::Menu(_)));
}

#[test]
fn a_card_is_one_machines_until_it_is_taken_away() {
    let mut engine = house();
    command(&mut engine, named(3, "lab-03"));
    let of_another = refusal(&engine, add(3, 2));
    assert_eq!(of_another.why, "52:54:00:77:00:02 is an address of lab-01");
    assert!(of_another.hint.unwrap().contains("machine set lab-01 --no-mac 52:54:00:77:00:02"));
    let own_record = refusal(&engine, add(1, 3));
    assert!(own_record.why.contains("filed as a machine of its own, pending"), "{own_record}");
    assert!(own_record.hint.unwrap().contains("machine merge lab-01 52:54:00:77:00:03"));

    let (add, remove) = (vec![], vec![mac(2)]);
    let away = Command::SetAddresses { machine: "lab-01".into(), add, remove };
    command(&mut engine, away.clone());
    assert_eq!(engine.machine(&mac(2).to_string()), None);
    boots(&mut engine, 2);
    assert_eq!(engine.machines().count(), 3, "it is somebody else now");
    assert!(refusal(&engine, away).why.contains("is no address of lab-01"));
}

#[test]
fn a_machine_with_all_its_cards_is_forgotten_and_read_back() {
    let mut engine = house();
    let kept = engine.machines().next().unwrap().clone();
    command(&mut engine, Command::RemoveMachine(mac(2)));
    assert_eq!(engine.machines().count(), 0);
    boots(&mut engine, 2);
    assert_eq!(engine.machines().next().unwrap().hardware, mac(2), "nothing is left of it");

    let text = serde_json::to_string(&kept).unwrap();
    assert_eq!(serde_json::from_str::<Machine>(&text).unwrap(), kept);
    let old = serde_json::to_string(&Machine::new(mac(9), Now(0))).unwrap();
    assert!(!old.contains("also"), "a machine of one card is kept as before: {old}");
}

#[test]
fn two_that_are_one_are_merged() {
    let mut engine = engine(Mode::Dhcp);
    command(&mut engine, named(1, "lab-01"));
    boots(&mut engine, 2);
    let labels = vec![("room".to_owned(), Some("3".to_owned()))];
    let (name, profile, settings, notes) = (None, None, Vec::new(), Some("left rack".to_owned()));
    let machine = mac(2).to_string();
    command(&mut engine, Command::SetMachine { machine, name, profile, labels, settings, notes });
    let says = command(&mut engine, merge(1, 2));
    assert!(says.contains("machine lab-01 has 52:54:00:77:00:02 from now on"), "{says}");
    let merged = engine.machine(&mac(2).to_string()).unwrap();
    assert_eq!(merged.addresses().collect::<Vec<_>>(), [mac(1), mac(2)]);
    assert_eq!(merged.labels.get("room"), Some("3"));
    assert_eq!((merged.notes.as_str(), merged.uuid.is_some()), ("left rack", true));
    assert_eq!(engine.machines().count(), 1);
}

#[test]
fn two_that_contradict_each_other_stay_two() {
    let mut engine = engine(Mode::Dhcp);
    command(&mut engine, named(1, "lab-01"));
    command(&mut engine, named(2, "lab-02"));
    let names = refusal(&engine, merge(1, 2));
    assert_eq!(names.why, "lab-01 and lab-02 are not one machine: name lab-01 and lab-02");
    assert!(names.hint.unwrap().contains("`bootwright machine remove lab-02`, then"));

    command(&mut engine, set(3));
    command(&mut engine, Command::SetLife(mac(3).to_string(), Life::Blocked));
    let life = refusal(&engine, merge(1, 3));
    assert_eq!(life.why, "lab-01 is pending, and 52:54:00:77:00:03 is blocked");
    assert!(life.hint.unwrap().contains("machine merge 52:54:00:77:00:03 lab-01"), "turn it round");

    boots(&mut engine, 4);
    boots(&mut engine, 5);
    assert!(refusal(&engine, merge(4, 5)).why.contains("are not one machine: UUID"));
    assert!(refusal(&engine, merge(1, 1)).why.contains("is one machine already"));
}

#[test]
fn cards_of_a_report_that_are_machines_of_their_own_are_offered() {
    let mut engine = engine(Mode::Dhcp);
    boots(&mut engine, 1);
    let mut second = firmware(MessageType::Discover, 1, "PXEClient", 7);
    second.chaddr[5] = 2;
    let _ = engine.dhcp(Now(0), &datagram(&second));
    let report = br#"{"nics": [{"name": "a", "mac": "52:54:00:77:00:01"},
                               {"name": "b", "mac": "52:54:00:77:00:02"},
                               {"name": "c", "mac": "52:54:00:77:00:07"}]}"#;
    let of = |engine: &Engine| engine.twins(engine.machine(&mac(1).to_string()).unwrap());
    assert!(of(&engine).is_empty(), "the same UUID alone says nothing");
    let told = engine.take_inventory(Now(0), &ask("inventory", Some(1), 1), report);
    assert!(matches!(told.answer, Answer::Reply(_)), "{:?}", told.answer);
    assert_eq!(of(&engine), [mac(2)]);
    command(&mut engine, merge(1, 2));
    assert!(of(&engine).is_empty());
    assert!(engine.hardware(&mac(2)).is_some(), "by any card");
}

#[test]
fn a_uuid_that_many_boards_share_names_nobody() {
    let mut engine = engine(Mode::Dhcp);
    rule_for_everybody(&mut engine);
    let shared: Uuid = "03000200-0400-0500-0006-000700080009".parse().unwrap();
    let mut machine = Machine::new(mac(1), Now(0));
    machine.uuid = Some(shared);
    engine.apply(&Change::Machine(machine));
    assert_eq!(engine.machine(&shared.to_string()), None);
    let conditions = vec![Condition::Uuid(shared)];
    command(&mut engine, Command::AddRule { conditions, profile: "debian".into() });
    let plan = engine.plan(Now(0), &Client::unknown("lan", mac(1)));
    let missed = plan.reasons.iter().any(|r| r.to_string().contains("which many boards share"));
    assert!(missed, "{:?}", plan.reasons);
    let named = format!("pxelinux.cfg/{shared}");
    let told = engine.file(Now(0), &FileAsk { by: Carrier::Tftp, ..ask(&named, None, 7) });
    assert!(matches!(told.answer, Answer::Silence(Why::NoSuchFile { .. })), "{:?}", told.answer);
}

#[test]
fn a_lease_of_any_card_names_the_machine() {
    let mut engine = house();
    let at = lease(&mut engine, Now(0), 2);
    assert_eq!(engine.machine_at(at.into(), "lan", None), Some(mac(1)));
}

#[test]
fn a_document_declares_a_machine_by_its_first_address() {
    let engine = house();
    let machine = DeclaredMachine::new(mac(2));
    let refused = refusal(&engine, Command::AddMachines(vec![machine]));
    assert!(refused.why.contains("is a further address of machine lab-01"), "{refused}");
}
