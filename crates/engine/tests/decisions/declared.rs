//! Documents that declare machines, profiles and rules: what differs is said, and made so at once.

use crate::house::{command, engine, mac};
use engine::command::{
    Declared, DeclaredMachine, DeclaredProfile, DeclaredRule, DeclaredTemplate, Tally,
};
use engine::{Command, Engine, Now, Refusal};
use model::Life;
use model::network::Mode;
use model::rule::Condition;
use model::{Arch, Change, Channel, Firmware, HardwareAddress};

fn machine(n: u8, name: &str) -> DeclaredMachine {
    let at = format!("lab.toml:{n}:1");
    DeclaredMachine { name: Some(name.into()), at, ..DeclaredMachine::new(mac(n)) }
}

fn profile(name: &str) -> DeclaredProfile {
    DeclaredProfile {
        name: name.into(),
        image: "debian-12-amd64".into(),
        version: None,
        channel: Channel::Stable,
        args: String::new(),
        template: None,
        settings: Default::default(),
        at: "lab.toml:50:1".into(),
    }
}

fn rule(conditions: &[Condition], profile: &str, line: u32) -> DeclaredRule {
    let at = format!("lab.toml:{line}:1");
    DeclaredRule { conditions: conditions.to_vec(), profile: profile.into(), at }
}

const UEFI: Condition = Condition::Arch(Arch::X64Uefi);
const HTTP: Condition = Condition::Firmware(Firmware::Http);

/// Two machines, a profile, two rules.
fn lab() -> Declared {
    let labels = [("room".to_owned(), "3".to_owned())].into();
    let first = DeclaredMachine { profile: Some("a".into()), labels, ..machine(1, "lab-01") };
    Declared {
        machines: vec![first, machine(2, "lab-02")],
        profiles: vec![profile("a"), profile("b")],
        templates: Vec::new(),
        rules: Some(vec![rule(&[UEFI], "a", 60), rule(&[], "b", 61)]),
    }
}

fn decide(
    engine: &Engine,
    declared: &Declared,
    prune: bool,
) -> Result<(Vec<Change>, String), Refusal> {
    let decided = engine.command(Now(5), Command::Apply(declared.clone(), prune))?;
    Ok((decided.changes, decided.says))
}

fn apply(engine: &mut Engine, declared: &Declared, prune: bool) -> String {
    let (changes, says) = decide(engine, declared, prune).unwrap();
    changes.iter().for_each(|change| engine.apply(change));
    says
}

#[test]
fn the_difference_is_said_and_the_second_time_there_is_none() {
    let mut engine = engine(Mode::Dhcp);
    let says = apply(&mut engine, &lab(), false);
    assert_eq!(
        says,
        "6 added, 0 changed, 0 removed\n\
         + profile a: image debian-12-amd64, follows stable\n\
         + profile b: image debian-12-amd64, follows stable\n\
         + machine 02:00:00:00:00:01: name lab-01, state pending, profile a, label room=3\n\
         + machine 02:00:00:00:00:02: name lab-02, state pending\n\
         + rule 1 (arch=x64-uefi → a), number 1\n\
         + rule 2 (everybody → b), number 2"
            .replace("02:00:00:00:00:01", &mac(1).to_string())
            .replace("02:00:00:00:00:02", &mac(2).to_string())
    );
    let (changes, says) = decide(&engine, &lab(), false).unwrap();
    assert_eq!((changes.len(), says.as_str()), (0, "nothing differs from what is there"));
    let (changes, _) = decide(&engine, &lab(), true).unwrap();
    assert_eq!(changes, [], "to prune changes nothing either");
}

#[test]
fn what_changed_is_named_field_by_field() {
    let mut engine = engine(Mode::Dhcp);
    apply(&mut engine, &lab(), false);
    let mut next = lab();
    next.machines[0].profile = Some("b".into());
    next.machines[0].labels = [("room".to_owned(), "4".to_owned())].into();
    next.machines[1].state = Some(Life::Approved);
    next.profiles[0].args = "quiet".into();
    next.rules =
        Some(vec![rule(&[], "a", 61), rule(&[UEFI, HTTP], "a", 62), rule(&[UEFI], "a", 60)]);
    let says = apply(&mut engine, &next, false);
    let expected = [
        "1 added, 5 changed, 0 removed",
        "~ profile a: args (none) → quiet",
        &format!("~ machine lab-01 ({}): profile a → b, label room 3 → 4", mac(1)),
        &format!("~ machine lab-02 ({}): state pending → approved", mac(2)),
        "~ rule 2 (everybody → a): profile b → a, number 2 → 1",
        "+ rule 3 (arch=x64-uefi, firmware=http → a), number 2",
        "~ rule 1 (arch=x64-uefi → a): number 1 → 3",
    ];
    assert_eq!(says, expected.join("\n"));
    assert_eq!(Tally::of(&says), Tally { added: 1, changed: 5, removed: 0 });
}

#[test]
fn what_is_not_said_any_more_is_taken_back_and_what_others_said_stays() {
    let mut engine = engine(Mode::Dhcp);
    apply(&mut engine, &lab(), false);
    let labels = vec![("rack".to_owned(), Some("7".to_owned()))];
    let by_hand = Command::SetMachine {
        machine: "lab-01".into(),
        name: None,
        profile: None,
        labels,
        settings: Vec::new(),
        notes: None,
    };
    command(&mut engine, by_hand);
    let mut next = lab();
    next.machines[0].profile = None;
    next.machines[0].labels.clear();
    let says = apply(&mut engine, &next, false);
    let line = format!("~ machine lab-01 ({}): profile a → (none), label room 3 → (none)", mac(1));
    assert!(says.contains(&line), "{says}");
    let kept = engine.machine("lab-01").unwrap();
    assert_eq!((kept.profile.as_ref(), kept.labels.len()), (None, 1), "rack was never declared");
}

#[test]
fn prune_removes_what_a_document_declared_and_nothing_else() {
    let mut engine = engine(Mode::Dhcp);
    apply(&mut engine, &lab(), false);
    let by_hand = Command::SetMachine {
        machine: mac(9).to_string(),
        name: Some("by-hand".into()),
        profile: None,
        labels: vec![],
        settings: Vec::new(),
        notes: None,
    };
    command(&mut engine, by_hand);
    let less = Declared { machines: vec![machine(2, "lab-02")], ..Declared::default() };
    assert_eq!(apply(&mut engine, &less, false), "nothing differs from what is there");
    let says = apply(&mut engine, &less, true);
    let expected = [
        "0 added, 0 changed, 5 removed",
        "- profile a",
        "- profile b",
        &format!("- machine lab-01 ({})", mac(1)),
        "- rule 1 (arch=x64-uefi → a)",
        "- rule 2 (everybody → b)",
    ];
    assert_eq!(says, expected.join("\n"));
    assert!(engine.machine("by-hand").is_some() && engine.machine("lab-02").is_some());
    assert_eq!((engine.rules().len(), engine.profiles().count()), (0, 1));
    assert_eq!(apply(&mut engine, &less, true), "nothing differs from what is there");
}

#[test]
fn what_is_forgotten_by_hand_is_not_pruned_when_it_comes_again() {
    let mut engine = engine(Mode::Dhcp);
    apply(&mut engine, &lab(), false);
    command(&mut engine, Command::RemoveMachine(mac(2)));
    let again = Command::SetMachine {
        machine: mac(2).to_string(),
        name: Some("again".into()),
        profile: None,
        labels: vec![],
        settings: Vec::new(),
        notes: None,
    };
    command(&mut engine, again);
    apply(&mut engine, &Declared { machines: vec![machine(1, "lab-01")], ..lab() }, true);
    assert!(engine.machine("again").is_some());
}

#[test]
fn everything_that_cannot_be_done_is_said_with_its_place_and_nothing_is_done() {
    let engine = engine(Mode::Dhcp);
    let mut wrong = lab();
    wrong.profiles[1].image = "nowhere".into();
    wrong.machines.push(machine(1, "lab-07"));
    wrong.machines.push(machine(3, "lab-02"));
    wrong.machines.push(machine(4, "Lab 4"));
    wrong.machines.push(DeclaredMachine { profile: Some("zz".into()), ..machine(5, "lab-05") });
    wrong.rules = Some(vec![rule(&[UEFI, HTTP], "a", 60), rule(&[HTTP, UEFI], "a", 61)]);
    let refusal = decide(&engine, &wrong, false).unwrap_err();
    for line in [
        "6 things cannot be done",
        "lab.toml:50:1: profile b: there is no image nowhere",
        &format!("lab.toml:1:1: machine {} is declared twice, first at lab.toml:1:1", mac(1)),
        &format!("lab.toml:3:1: {} is called lab-02 already", mac(2)),
        "lab.toml:4:1: `Lab 4` is no name for a machine",
        "lab.toml:5:1: machine lab-05: there is no profile zz",
        "lab.toml:61:1: it demands exactly what the rule at lab.toml:60:1 demands",
    ] {
        assert!(refusal.why.lines().any(|l| l == line), "{line} in {}", refusal.why);
    }
    let one = Declared { rules: Some(vec![rule(&[], "zz", 7)]), ..Declared::default() };
    let refusal = decide(&engine, &one, false).unwrap_err();
    assert_eq!(refusal.why, "lab.toml:7:1: the rule leads to profile zz, and there is none");
}

#[test]
fn a_profile_that_somebody_uses_is_not_pruned() {
    let mut engine = engine(Mode::Dhcp);
    apply(&mut engine, &lab(), false);
    let by_hand = Command::SetMachine {
        machine: mac(9).to_string(),
        name: None,
        profile: Some(Some("b".into())),
        labels: vec![],
        settings: Vec::new(),
        notes: None,
    };
    command(&mut engine, by_hand);
    let mut next = lab();
    next.profiles.pop();
    next.rules = Some(vec![rule(&[UEFI], "a", 60)]);
    let refusal = decide(&engine, &next, true).unwrap_err();
    assert_eq!(refusal.why, format!("profile b is used by machine {}", mac(9)));
}

#[test]
fn two_machines_may_swap_their_names_in_one_document() {
    let mut engine = engine(Mode::Dhcp);
    apply(&mut engine, &lab(), false);
    let swapped = Declared {
        machines: vec![machine(1, "lab-02"), machine(2, "lab-01")],
        ..Declared::default()
    };
    apply(&mut engine, &swapped, false);
    assert_eq!(engine.machine("lab-01").unwrap().hardware, mac(2));
}

#[test]
fn a_hundred_machines_are_added_in_one_command_or_none() {
    let mut engine = engine(Mode::Dhcp);
    let mut many: Vec<DeclaredMachine> = (1..=100).map(|n| machine(n, &format!("r-{n}"))).collect();
    many[99].name = Some("r-1".into());
    assert!(engine.command(Now(5), Command::AddMachines(many.clone())).is_err());
    many[99].name = Some("r-100".into());
    command(&mut engine, Command::AddMachines(many.clone()));
    assert_eq!(engine.machines().count(), 100);
    let again = engine.command(Now(5), Command::AddMachines(many)).unwrap();
    assert_eq!(again.changes, [], "the same again changes nothing");
    let less = Declared { machines: vec![machine(200, "x")], ..Declared::default() };
    apply(&mut engine, &less, true);
    assert_eq!(engine.machines().count(), 101, "what was added by hand is never pruned");
}

/// Work that grows with the square of the number would take minutes here.
#[test]
fn ten_thousand_machines_are_one_decision() {
    let mut engine = engine(Mode::Dhcp);
    let address = |n: u32| {
        let [_, a, b, c] = n.to_be_bytes();
        HardwareAddress::mac([2, 0x77, 0, a, b, c])
    };
    let one = |n: u32| DeclaredMachine {
        name: Some(format!("m-{n}")),
        labels: [("rack".to_owned(), (n / 40).to_string())].into(),
        ..DeclaredMachine::new(address(n))
    };
    let all = Declared { machines: (0..10_000).map(one).collect(), ..Declared::default() };
    let says = apply(&mut engine, &all, false);
    assert_eq!(says.lines().next(), Some("10000 added, 0 changed, 0 removed"));
    assert_eq!(decide(&engine, &all, true).unwrap().0, []);
}

fn template(text: &str) -> DeclaredTemplate {
    let at = "lab.toml:70:1".to_owned();
    DeclaredTemplate { name: "own.preseed".into(), format: None, text: text.into(), at }
}

/// A template, a profile that uses it, and a machine with settings and remarks.
fn furnished(text: &str) -> Declared {
    let settings = [("disk".to_owned(), "size:1G..2T".into())];
    let a = DeclaredProfile { template: Some("own".into()), ..profile("a") };
    let first = DeclaredMachine {
        settings: [("disk".to_owned(), "serial:S1".into())].into(),
        notes: Some("under the desk".into()),
        ..machine(1, "lab-01")
    };
    Declared {
        machines: vec![first],
        profiles: vec![DeclaredProfile { settings: settings.into(), ..a }],
        templates: vec![template(text)],
        rules: None,
    }
}

#[test]
fn templates_settings_and_notes_are_compared_field_by_field() {
    let mut engine = engine(Mode::Dhcp);
    let first = furnished("d-i a/b string x\nd-i c/d string y\n");
    let says = apply(&mut engine, &first, false);
    assert_eq!(
        says,
        format!(
            "3 added, 0 changed, 0 removed\n\
             + template own.preseed: format preseed, text 34 bytes\n\
             + profile a: image debian-12-amd64, follows stable, template own, setting \
             disk=size:1G..2T\n\
             + machine {}: name lab-01, state pending, setting disk=serial:S1, notes under the desk",
            mac(1)
        )
    );
    assert_eq!(decide(&engine, &first, true).unwrap().0, [], "the second time nothing differs");

    let mut next = furnished("d-i a/b string x\nd-i c/d string z\n");
    next.machines[0].settings.clear();
    next.machines[0].notes = Some("in the rack".into());
    next.profiles[0].settings.insert("locale".into(), "de_DE".into());
    let says = apply(&mut engine, &next, false);
    assert_eq!(
        says,
        format!(
            "0 added, 3 changed, 0 removed\n\
             ~ template own.preseed: text +1 -1 lines\n\
             ~ profile a: setting locale (none) → de_DE\n\
             ~ machine lab-01 ({}): setting disk serial:S1 → (none), notes under the desk → in the \
             rack",
            mac(1)
        )
    );
    next.machines[0].notes = None;
    apply(&mut engine, &next, false);
    assert_eq!(
        engine.machine("lab-01").unwrap().notes,
        "",
        "what is not said any more is taken back"
    );
}

#[test]
fn a_template_that_went_out_of_the_documents_goes_unless_it_is_used() {
    let mut engine = engine(Mode::Dhcp);
    let text = "d-i a/b string x\n";
    apply(&mut engine, &furnished(text), false);
    let without = Declared { templates: Vec::new(), ..furnished(text) };
    let refusal = decide(&engine, &without, true).unwrap_err();
    assert_eq!(refusal.why, "lab.toml:50:1: profile a: there is no template own");
    assert_eq!(decide(&engine, &without, false).unwrap().0, [], "without --prune it stays");
    // A profile that nobody declares keeps it, too.
    let by_hand = model::rule::Profile {
        name: "z".into(),
        image: "debian-12-amd64".into(),
        version: None,
        channel: Channel::Stable,
        args: String::new(),
        template: Some("own".into()),
        settings: Default::default(),
    };
    command(&mut engine, Command::SetProfile(by_hand));
    let refusal = decide(&engine, &Declared::default(), true).unwrap_err();
    assert_eq!(refusal.why, "template own is used by profile z");
    command(&mut engine, Command::RemoveProfile("z".into()));
    let says = apply(&mut engine, &Declared::default(), true);
    assert!(
        says.contains("- template own.preseed") && says.starts_with("0 added, 0 changed, 3"),
        "{says}"
    );
    assert!(!engine.templates().iter().any(|t| t.name() == "own.preseed"));
}

#[test]
fn what_a_template_or_a_setting_cannot_be_is_refused_at_its_place() {
    let engine = engine(Mode::Dhcp);
    let mut wrong = furnished("{% if %}");
    wrong.machines[0].settings.insert("no name".into(), "x".into());
    let DeclaredTemplate { text, .. } = template("x");
    wrong.templates.push(DeclaredTemplate { name: "noformat".into(), text, ..template("x") });
    let refusal = decide(&engine, &wrong, false).unwrap_err();
    for said in ["lab.toml:70:1: ", "`no name` is no name for a setting"] {
        assert!(refusal.why.contains(said), "{said}: {}", refusal.why);
    }
    assert!(refusal.why.starts_with("4 things cannot be done"), "{}", refusal.why);
}
