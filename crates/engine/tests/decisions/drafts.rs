//! Drafts: what rules, profiles, templates and menus would do before anybody saves them.

use crate::house::{command, engine, mac, rule_for_everybody};
use engine::boot::Outcome;
use engine::command::WantedRule;
use engine::explain::Question;
use engine::preview::read_template;
use engine::script::Line;
use engine::tag::Thing;
use engine::{Command, Engine};
use model::menu::{Choice, Entry, Menu};
use model::network::Mode;
use model::rule::{Condition, Profile};
use model::template::Template;
use model::{Arch, Firmware, Life, Now};

fn about(last: u8) -> Question {
    Question {
        machine: mac(last).to_string(),
        arch: Some(Arch::X64Uefi),
        firmware: Some(Firmware::Pxe),
        ..Question::default()
    }
}

fn room(number: &str) -> Condition {
    Condition::Label("room".into(), number.into())
}

fn machine(engine: &mut Engine, last: u8, room: &str, profile: Option<&str>) {
    command(
        engine,
        Command::SetMachine {
            machine: mac(last).to_string(),
            name: Some(format!("m{last}")),
            profile: profile.map(|name| Some(name.to_owned())),
            labels: vec![("room".into(), Some(room.into()))],
            settings: vec![("user".into(), Some("ada".into()))],
            notes: None,
        },
    );
}

fn profile(name: &str) -> Profile {
    Profile {
        name: name.into(),
        image: "debian-12-amd64".into(),
        version: None,
        channel: Default::default(),
        args: "quiet".into(),
        template: None,
        settings: Default::default(),
    }
}

fn wanted(id: Option<u32>, conditions: Vec<Condition>, profile: &str) -> WantedRule {
    WantedRule { id, conditions, profile: profile.into() }
}

/// Two profiles, a rule for everybody, and four machines.
fn lab() -> Engine {
    let mut engine = engine(Mode::Dhcp);
    command(&mut engine, Command::SetProfile(profile("kiosk")));
    rule_for_everybody(&mut engine);
    for (last, number, own) in [(1, "3", None), (2, "3", Some("debian")), (3, "4", None)] {
        machine(&mut engine, last, number, own);
    }
    machine(&mut engine, 4, "3", None);
    command(&mut engine, Command::SetLife("m4".into(), Life::Blocked));
    engine
}

#[test]
fn only_whom_the_rules_lead_elsewhere_would_change() {
    let engine = lab();
    let (rules, faults) = engine.meant_rules(vec![
        wanted(None, vec![room("3")], "kiosk"),
        wanted(Some(1), vec![], "debian"),
    ]);
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(rules.iter().map(|rule| rule.id).collect::<Vec<_>>(), [2, 1]);

    let whole = engine.shifts(&rules, None, 100);
    assert_eq!((whole.looked, whole.next), (4, None));
    // m2 has its own profile, m3 is in another room, m4 is blocked.
    let names: Vec<&str> = whole.all.iter().map(|shift| shift.name.as_str()).collect();
    assert_eq!(names, ["m1"]);
    assert_eq!(whole.all[0].from, Some((1, "debian".into())));
    assert_eq!(whole.all[0].to, Some((2, "kiosk".into())));

    // In slices it is the same, and there is an end.
    let mut after = None;
    let mut looked = 0;
    let mut all = Vec::new();
    loop {
        let slice = engine.shifts(&rules, after, 3);
        looked += slice.looked;
        all.extend(slice.all);
        after = slice.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((looked, all), (4, whole.all));
    assert!(engine.shifts(engine.rules(), None, 100).all.is_empty(), "as they are, nobody changes");
}

#[test]
fn every_rule_says_what_it_does_with_a_machine_also_behind_the_first() {
    let engine = lab();
    let (rules, _) = engine.meant_rules(vec![
        wanted(None, vec![room("3"), Condition::Memory(4096)], "kiosk"),
        wanted(Some(1), vec![], "debian"),
        wanted(None, vec![room("3")], "kiosk"),
    ]);
    let client = engine.imagine(&about(1)).unwrap().client;
    let tried = engine.try_rules(&rules, &client);
    let is: Vec<_> = tried.iter().map(|one| (one.outcome, one.met)).collect();
    assert_eq!(is, [(Outcome::Misses, 1), (Outcome::Leads, 0), (Outcome::Late, 1)]);
    assert_eq!(
        tried[0].says,
        "rule 2 (label room=3, memory>=4096MiB → kiosk) does not match: it demands \
         memory>=4096MiB, not known at this stage"
    );
    assert_eq!(
        tried[2].says,
        "rule 3 (label room=3 → kiosk) would match as well, but rule 1 comes first"
    );
}

#[test]
fn all_rules_are_set_at_once_or_none() {
    let mut engine = lab();
    let seen = engine.tag(&Thing::Rules);
    let wrong =
        |rules: Vec<WantedRule>| engine.command(Now(0), Command::SetRules(rules)).unwrap_err().why;
    assert_eq!(
        wrong(vec![wanted(Some(1), vec![], "debian"), wanted(None, vec![], "nobody")]),
        "the rule at place 2 is not taken: there is no profile nobody"
    );
    assert_eq!(
        wrong(vec![
            wanted(None, vec![room("3")], "kiosk"),
            wanted(None, vec![room("3")], "debian")
        ]),
        "the rule at place 2 is not taken: it demands exactly what the rule at place 1 demands"
    );
    assert!(wrong(vec![wanted(Some(9), vec![], "debian")]).contains("there is no rule 9"));
    assert_eq!(engine.tag(&Thing::Rules), seen);

    let says = command(
        &mut engine,
        Command::SetRules(vec![
            wanted(None, vec![room("3")], "kiosk"),
            wanted(Some(1), vec![], "kiosk"),
        ]),
    );
    assert_eq!(
        says,
        "rule 2 (label room=3 → kiosk) is new, at place 1\n\
         rule 1 (everybody → debian) becomes rule 1 (everybody → kiosk)"
    );
    assert_ne!(engine.tag(&Thing::Rules), seen);
    let says = command(
        &mut engine,
        Command::SetRules(vec![
            wanted(Some(1), vec![], "kiosk"),
            wanted(Some(2), vec![room("3")], "kiosk"),
        ]),
    );
    assert_eq!(says, "they are tried in another order: 1, 2");
    assert_eq!(command(&mut engine, Command::SetRules(vec![])).lines().count(), 2);
    assert!(engine.rules().is_empty());
}

#[test]
fn a_profile_is_tried_by_the_code_that_serves_it() {
    let mut engine = lab();
    let mut draft = profile("kiosk");
    draft.args = "console=ttyS1".into();
    draft.settings.insert("user".into(), "kim".into());
    draft.settings.insert("timezone".into(), "Europe/Vienna".into());
    let seen = engine.preview_profile(&draft, &about(1)).unwrap();
    let boot = seen.boot.unwrap();
    assert!(boot.args.contains("console=ttyS1 BOOTIF=01-52-54-00-77-00-01"), "{}", boot.args);

    let layers = |name: &str| {
        let one = seen.settings.iter().find(|one| one.name == name).unwrap();
        let all = one.layers.iter();
        all.map(|(from, value)| format!("{from} {value}")).collect::<Vec<_>>()
    };
    assert_eq!(layers("user"), ["defaults admin", "profile kim", "machine ada"]);
    assert_eq!(layers("timezone"), ["defaults UTC", "profile Europe/Vienna"]);

    // Saved, it is what the machine gets.
    command(&mut engine, Command::SetProfile(draft));
    machine(&mut engine, 1, "3", Some("kiosk"));
    let explained = engine.explain(Now(0), &about(1)).unwrap();
    let script = explained.stages.iter().find_map(|stage| stage.text.as_deref()).unwrap();
    assert_eq!(script, boot.script);

    let mut nowhere = profile("kiosk");
    nowhere.image = "nothing".into();
    let seen = engine.preview_profile(&nowhere, &about(1)).unwrap();
    assert!(seen.boot.unwrap_err().contains("there is no image nothing"));
}

#[test]
fn a_template_is_rendered_before_it_is_kept_and_says_where_it_is_wrong() {
    let mut engine = lab();
    command(&mut engine, Command::SetSecret("word".into(), "sealed".into()));
    let template = |text: &str| Template {
        name: "own.preseed".into(),
        format: "preseed".into(),
        text: text.into(),
    };
    let wrong = read_template(&template("a\n{% if %}\n")).unwrap_err();
    assert_eq!((wrong.template.as_str(), wrong.line), ("own.preseed", Some(2)));
    let odd = Template { format: "poem".into(), ..template("") };
    assert!(read_template(&odd).unwrap_err().to_string().contains("`poem` is no format"));

    let text = "d-i a/b string {{ settings.user }} {{ settings.disk_name | default(\"none\") }}\n\
                d-i a/c password {{ secrets.word }}\n";
    let read = read_template(&template(text)).unwrap();
    let (order, profile) = engine.preview_template(read, "m1", Some("kiosk")).unwrap();
    assert_eq!(profile.as_deref(), Some("kiosk"));
    let made = order.preview().unwrap();
    assert!(made.text.contains("d-i a/b string ada none"), "{}", made.text);
    assert!(made.secrets.contains("word") && !made.text.contains("sealed"), "{}", made.text);
    assert!(!engine.templates().iter().any(|known| known.name() == "own.preseed"));

    let read = read_template(&template("x\nd-i a/b string {{ machine.nam }}\n")).unwrap();
    let (order, _) = engine.preview_template(read, "m1", None).unwrap();
    let wrong = order.preview().unwrap_err();
    assert_eq!((wrong.template.as_str(), wrong.line), ("own.preseed", Some(2)));
    let read = read_template(&template("x\n")).unwrap();
    assert!(engine.preview_template(read, "nobody", None).is_err());
}

#[test]
fn a_menu_is_drawn_as_each_loader_draws_it() {
    let engine = lab();
    let entry = |key: &str, group: Option<&str>, locked, choice| Entry {
        key: key.into(),
        title: format!("The {key}"),
        group: group.map(str::to_owned),
        hidden: false,
        choice,
        locked,
    };
    let menu = Menu {
        entries: vec![
            entry("disk", None, false, Choice::LocalDisk),
            entry("live", Some("Tools"), false, Choice::Profile("kiosk".into())),
            entry("deep", Some("Tools"), true, Choice::Profile("debian".into())),
            entry("gone", None, false, Choice::Image("nothing".into())),
        ],
        default: Some("live".into()),
        password: None,
    };
    let bios = Question { arch: Some(Arch::X86Bios), ..about(1) };
    let seen = engine.preview_menu(Now(0), menu.clone(), &bios).unwrap();
    let text = |line: &Line| match line {
        Line::Heading(text) => format!("[{text}]"),
        Line::Gap => String::new(),
        Line::Entry { key, text } => format!("{key}: {text}"),
    };
    let lines: Vec<String> = seen.lines.iter().map(text).collect();
    assert_eq!(seen.form, "ipxe");
    assert_eq!(lines, ["disk: The disk", "[Tools]", "live: The live", "deep: The deep (password)"]);
    for line in &seen.lines {
        if let Line::Entry { key, text } = line {
            assert!(seen.script.contains(&format!("item {key} {text}\n")), "{}", seen.script);
        }
    }
    assert_eq!((seen.default.as_str(), seen.wait_s), ("live", 10));
    assert_eq!(seen.left_out.len(), 1);
    assert_eq!(seen.left_out[0].1, "there is no such image");
    assert_eq!(seen.plan.decision.summary(), "boot Debian 12 installer (amd64) (version 1)");

    // GRUB has no headings, and without a password it could not open a locked entry.
    let seen = engine.preview_menu(Now(0), menu, &about(1)).unwrap();
    if seen.form == "grub" {
        let lines: Vec<String> = seen.lines.iter().map(text).collect();
        assert_eq!(lines, ["disk: The disk", "live: [Tools] The live"]);
    }
}
