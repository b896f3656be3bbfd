//! The names of other servers, and the names that loaders try in turn.

use crate::deployments::{CANARY, Lab, answer_path, lab, plus, template};
use crate::house::{command, datagram, engine, firmware, mac, rule_for_everybody};
use engine::command::Deploy;
use engine::{Answer, Asker, Command, Engine, FileAsk, Found, Served, Told};
use model::deployment::State;
use model::event::Carrier;
use model::network::Mode;
use model::plan::Why;
use model::{Happening, Life, Now};
use std::net::{Ipv4Addr, SocketAddr};
use wire::dhcp4::MessageType;

const THIEF: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 66);

/// Machine 1 asks from its address; the neighbour table knows it.
fn ask(by: Carrier, name: &str) -> FileAsk {
    FileAsk {
        by,
        name: name.into(),
        from: SocketAddr::from(([10, 77, 0, 9], 40_000)),
        at: SocketAddr::from(([10, 77, 0, 1], 80)),
        link: "lan".into(),
        says: Asker::default(),
        neighbour: Some(mac(1)),
        agent: None,
        body: None,
        head_only: false,
    }
}

fn text(told: Told<Found>) -> String {
    match told.answer {
        Answer::Reply(Found { what: Served::Text(text), .. }) => text,
        other => panic!("{other:?}"),
    }
}

/// What it is refused with, as the operator reads it.
fn refused(told: Told<Found>) -> String {
    assert_eq!(told.answer, Answer::Silence(Why::NothingHere));
    assert!(told.changes.is_empty());
    let [event] = told.events.as_slice() else { panic!("{:?}", told.events) };
    event.to_string()
}

/// Machine 1, which booted, is called lab-01 and has two labels.
fn house() -> Engine {
    let mut engine = engine(Mode::Dhcp);
    let _ = engine.dhcp(Now(0), &datagram(&firmware(MessageType::Discover, 1, "PXEClient", 7)));
    let label = |key: &str, value: &str| (key.to_owned(), Some(value.to_owned()));
    command(
        &mut engine,
        Command::SetMachine {
            machine: mac(1).to_string(),
            name: Some("lab-01".into()),
            profile: None,
            labels: vec![label("rack-row", "it's 3; $(x)"), label("name", "other")],
            settings: Vec::new(),
            notes: None,
        },
    );
    engine
}

fn says(last: u8) -> Asker {
    Asker { mac: Some(mac(last)), ..Asker::default() }
}

#[test]
fn scripts_are_the_same_by_whatever_name() {
    let mut engine = house();
    rule_for_everybody(&mut engine);
    let mut of = |name: &str| text(engine.file(Now(0), &ask(Carrier::Http, name)));
    let ipxe = of("boot.ipxe");
    assert!(ipxe.contains("kernel http://10.77.0.1/image/debian-12-amd64/1/linux"), "{ipxe}");
    for name in [
        "ipxe",
        "/ipxe",
        "boot.ipxe.0",
        "cblr/svc/op/ipxe/system/lab-01",
        "cblr/svc/op/gpxe/system/lab-01",
        "cblr/svc/op/ipxe/mac/52-54-00-77-00-01",
        "cblr/svc/op/ipxe/profile/anything",
    ] {
        assert_eq!(of(name), ipxe, "{name}");
    }
    let grub = of("grub.cfg");
    assert_eq!(of("grub"), grub);
    assert!(grub.contains("linux ") && grub != ipxe, "{grub}");
    // TFTP has none of these: they are names of HTTP servers.
    for name in ["ipxe", "metadata", "v1/boot/52:54:00:77:00:01"] {
        let told = engine.file(Now(0), &ask(Carrier::Tftp, name));
        assert!(matches!(told.answer, Answer::Silence(Why::NoSuchFile { .. })), "{name}");
    }
}

#[test]
fn a_system_of_cobbler_is_the_machine_whose_address_asks() {
    let mut engine = house();
    let mut stranger = ask(Carrier::Http, "cblr/svc/op/ipxe/system/lab-01");
    stranger.neighbour = Some(mac(2));
    // Saying so is not enough.
    stranger.says = says(1);
    let why = refused(engine.file(Now(0), &stranger));
    assert!(why.contains("10.77.0.9 is not the address of the machine that it names"), "{why}");
    for name in ["system/lab-02", "mac/52:54:00:77:00:02"] {
        let name = format!("cblr/svc/op/ipxe/{name}");
        refused(engine.file(Now(0), &ask(Carrier::Http, &name)));
    }
    for name in ["cblr/svc/op/nopxe/system/lab-01", "cblr/svc/op/trig/mode/post/system/lab-01"] {
        let why = refused(engine.file(Now(0), &ask(Carrier::Http, name)));
        assert!(why.contains("with its own token"), "{why}");
    }
    for name in ["cblr/svc/op/list/what/systems", "cblr", "cblr/svc/op/ks", "v1/boot/x", "v1/boot"]
    {
        let told = engine.file(Now(0), &ask(Carrier::Http, name));
        assert!(matches!(told.answer, Answer::Silence(Why::NoSuchFile { .. })), "{name}");
    }
}

#[test]
fn metadata_is_public_and_for_the_machine_itself() {
    let mut engine = house();
    let asked = FileAsk { says: says(1), ..ask(Carrier::Http, "metadata") };
    let told = text(engine.file(Now(0), &asked));
    assert_eq!(
        told,
        "NAME=lab-01\nMAC=52:54:00:77:00:01\nIP=10.77.0.9\n\
         REQUEST_QUERY_MAC=52:54:00:77:00:01\nRACK_ROW='it'\\''s 3; $(x)'\n"
    );
    let stranger = FileAsk { neighbour: Some(mac(2)), ..asked.clone() };
    refused(engine.file(Now(0), &stranger));
    command(&mut engine, Command::SetLife("lab-01".into(), Life::Blocked));
    refused(engine.file(Now(0), &asked));
}

/// A shell reads the values as they are.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "an outside judge is another program; every system has a shell"
)]
fn a_shell_reads_metadata_as_it_is() {
    let mut engine = house();
    let told = text(engine.file(Now(0), &ask(Carrier::Http, "metadata")));
    let script = format!("{told}printf '%s' \"$NAME|$RACK_ROW\"");
    let out = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8(out.stdout).unwrap(), "lab-01|it's 3; $(x)");
}

#[test]
fn pixiecore_is_told_what_a_machine_boots() {
    let mut engine = house();
    let name = "v1/boot/52:54:00:77:00:01";
    // It asks for others, from an address of its own.
    let asked = FileAsk { neighbour: None, ..ask(Carrier::Http, name) };
    let why = refused(engine.file(Now(0), &asked));
    assert!(why.contains("the plan is: show the boot menu"), "{why}");

    rule_for_everybody(&mut engine);
    let told = engine.file(Now(0), &asked);
    let Answer::Reply(Found { media, machine, .. }) = &told.answer else { panic!("{told:?}") };
    assert_eq!((*media, *machine), ("application/json", Some(mac(1))));
    let spec: serde_json::Value = serde_json::from_str(&text(told)).unwrap();
    let image = "http://10.77.0.1/image/debian-12-amd64/1";
    assert_eq!(spec["kernel"], format!("{image}/linux"));
    assert_eq!(spec["initrd"], serde_json::json!([format!("{image}/initrd.gz")]));
    assert_eq!(spec["cmdline"], "console=ttyS0 BOOTIF=01-52-54-00-77-00-01");
    assert!(spec["message"].as_str().unwrap().contains("booting Debian 12"));

    command(&mut engine, Command::SetLife("lab-01".into(), Life::Blocked));
    let why = refused(engine.file(Now(0), &asked));
    assert!(why.contains("blocked: start the local disk"), "{why}");
}

/// Machine 1 armed with an installation whose answers hold no secret, or one.
fn armed(with_secret: bool) -> Lab {
    let mut lab = lab();
    if !with_secret {
        let text = "d-i lab/name string {{ machine.name }}\n";
        lab.command(plus(1), template("lab.preseed", text)).unwrap();
    }
    lab.approve(plus(1), 1);
    lab.deploy(plus(1), 1).unwrap();
    lab
}

const ANSWERS: [&str; 3] = [
    "generic?mac=52:54:00:77:00:01",
    "cblr/svc/op/autoinstall/system/lab-01",
    "cblr/svc/op/ks/system/lab-01",
];

#[test]
fn an_answer_without_secrets_goes_to_who_has_the_script_once() {
    for name in ANSWERS {
        let mut lab = armed(false);
        let at = lab.at;
        assert_eq!(lab.get(plus(2), at, name), Err(Why::NothingHere), "it has no script yet");
        assert!(!lab.of(1).is_over());
        let script = lab.script(plus(2), at, 1);
        let answers = lab.get(plus(3), at, name).unwrap();
        assert_eq!(answers, "d-i lab/name string lab-01\n", "{name}");
        assert!(matches!(lab.of(1).state(), State::Begun { .. }));
        // The same file under its token is the same file: repeated within two minutes, and not after.
        assert_eq!(lab.get(Now(plus(3).0 + 119_000), at, &answer_path(&script)).unwrap(), answers);
        assert_eq!(lab.get(plus(6), at, name), Err(Why::NothingHere));
        assert!(lab.of(1).is_over(), "frozen, as with the token");
    }
}

#[test]
fn a_file_that_its_templates_do_not_make_is_not_there() {
    let mut lab = armed(false);
    let at = lab.at;
    lab.script(plus(2), at, 1);
    for name in ["ignition?mac=52:54:00:77:00:01", "cloud?mac=52:54:00:77:00:01"] {
        assert_eq!(lab.get(plus(3), at, name), Err(Why::NothingHere), "{name}");
    }
    assert!(matches!(lab.of(1).state(), State::Claimed { .. }), "it costs nothing");
}

#[test]
fn an_answer_with_secrets_goes_by_its_token_only() {
    for name in ANSWERS {
        let mut lab = armed(true);
        let at = lab.at;
        let path = answer_path(&lab.script(plus(2), at, 1));
        let told = lab.ask(plus(3), at, name, None);
        let why = refused_in(&told);
        assert!(why.contains("given under the URL in its script only"), "{why}");
        assert!(lab.get(plus(3), at, &path).unwrap().contains(CANARY));
    }
}

fn refused_in(told: &Told<Found>) -> String {
    assert_eq!(told.answer, Answer::Silence(Why::NothingHere));
    let said = told.events.iter().find_map(|event| match &event.what {
        Happening::Deployment { step, says, .. } if step == "refused" => Some(says.clone()),
        _ => None,
    });
    said.unwrap_or_else(|| panic!("{:?}", told.events))
}

#[test]
fn who_only_names_a_machine_gets_nothing_and_ends_nothing() {
    let mut lab = armed(false);
    let at = lab.at;
    lab.script(plus(2), at, 1);
    for name in ANSWERS {
        assert_eq!(lab.get(plus(3), THIEF, name), Err(Why::NothingHere), "{name}");
    }
    // By the name of a profile there is an answer for nobody, the machine included.
    for from in [THIEF, at] {
        let name = "cblr/svc/op/autoinstall/profile/lab";
        assert_eq!(lab.get(plus(3), from, name), Err(Why::NothingHere));
    }
    // And nobody ends it by a name.
    let over = "cblr/svc/op/nopxe/system/lab-01";
    assert_eq!(lab.get(plus(3), at, over), Err(Why::NothingHere));
    assert!(matches!(lab.of(1).state(), State::Claimed { .. }));
    assert!(lab.get(plus(3), at, ANSWERS[0]).is_ok());
}

#[test]
fn without_an_armed_machine_there_is_no_answer() {
    let mut lab = lab();
    let at = lab.at;
    for name in ANSWERS.iter().chain(&["ignition?mac=52:54:00:77:00:01", "cloud", "generic"]) {
        assert_eq!(lab.get(plus(1), at, name), Err(Why::NothingHere), "{name}");
    }
}

#[test]
fn a_code_on_the_screen_holds_for_every_name() {
    let mut lab = lab();
    let text = "d-i lab/name string {{ machine.name }}\n";
    lab.command(plus(1), template("lab.preseed", text)).unwrap();
    lab.approve(plus(1), 1);
    let wish = Deploy { confirm_code: true, ..lab.wish(1) };
    lab.command(plus(1), Command::Deploy("lab-01".into(), wish)).unwrap();
    let at = lab.at;
    lab.script(plus(2), at, 1);
    for name in ANSWERS {
        assert_eq!(lab.get(plus(2), at, name), Err(Why::NothingHere), "{name}");
    }
}

#[test]
fn pixiecore_does_not_carry_what_is_armed() {
    let mut lab = armed(false);
    let told = lab.ask(plus(2), THIEF, "v1/boot/52:54:00:77:00:01", None);
    assert!(refused(told).contains("is given to itself only"));
    let at = lab.at;
    assert!(lab.script(plus(2), at, 1).contains("/answer/"), "and it is still the machine's");
}

#[test]
fn whichever_card_asks_the_installation_is_the_machines() {
    let mut lab = armed(false);
    let (add, remove) = (vec![mac(2)], vec![]);
    lab.command(plus(1), Command::SetAddresses { machine: "lab-01".into(), add, remove }).unwrap();
    let second = lab.lease(plus(1), 2);
    let script = lab.script(plus(2), second, 2);
    assert!(script.contains("BOOTIF=01-52-54-00-77-00-02"), "{script}");
    let answers = lab.get(plus(3), second, &answer_path(&script)).unwrap();
    assert_eq!(answers, "d-i lab/name string lab-01\n");
    assert_eq!((lab.of(1).holder(), lab.life(1)), (Some(second.into()), Life::Deploying));
}

/// What loaders try in turn (PXELINUX, GRUB, U-Boot, Petitboot): names that say who asks are
/// answered, names that are no more than a part of that are missed quickly and without a warning.
#[test]
fn names_that_loaders_try_are_answered_or_missed_quietly() {
    let mut engine = house();
    rule_for_everybody(&mut engine);
    let told = engine.dhcp(Now(0), &datagram(&crate::house::request(MessageType::Discover, 1)));
    let (_, offer) = crate::house::reply(told);
    let take = crate::house::selecting(1, offer.yiaddr, crate::house::US);
    let _ = engine.dhcp(Now(0), &datagram(&take));
    let hex: String = offer.yiaddr.octets().iter().map(|byte| format!("{byte:02X}")).collect();
    let uuid = "01010101-0101-0101-0101-010101010101";
    let mac = "01-52-54-00-77-00-01";
    let mut answered = vec!["boot/grub/grub.cfg".to_owned()];
    for name in [uuid, &uuid.to_uppercase(), mac, &mac.to_uppercase(), &hex, &hex.to_lowercase()] {
        answered.push(format!("pxelinux.cfg/{name}"));
        answered.push(format!("/some/where/pxelinux.cfg/{name}"));
        answered.push(format!("grub.cfg-{name}"));
        answered.push(format!("EFI/debian/grub.cfg-{name}"));
    }
    for name in answered {
        let got = text(engine.file(Now(0), &ask(Carrier::Tftp, &name)));
        assert!(got.contains("debian-12-amd64"), "{name}: {got}");
    }
    let short = (1..8).map(|digits| hex[..digits].to_owned());
    let boards = ["default-arm-sunxi-board", "default-arm-sunxi", "default-arm", "default"];
    let others = ["02-52-54-00-77", "00000000-0000-0000-0000-000000000000", "0A4D00FE"];
    let names = short.chain(boards.into_iter().chain(others).map(str::to_owned));
    for name in names.flat_map(|name| [format!("pxelinux.cfg/{name}"), format!("grub.cfg-{name}")])
    {
        let told = engine.file(Now(0), &ask(Carrier::Tftp, &name));
        assert!(matches!(told.answer, Answer::Silence(Why::NoSuchFile { .. })), "{name}");
        let quiet = |event: &model::Event| {
            matches!(event.what, Happening::FileMissed { expected: true, .. })
        };
        assert!(told.events.iter().all(quiet), "{name}: {:?}", told.events);
    }
}
