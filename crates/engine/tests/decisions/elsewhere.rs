//! A server that is asked what machines boot which no rule leads anywhere (`boot.ask`).

use crate::house::{
    command, datagram, engine_with, firmware, mac, reply, rule_for_everybody, settings,
};
use engine::explain::{Explanation, Question};
use engine::{Answer, Asker, BootDefaults, Command, Engine, FileAsk, Found, Inquiry, Served, Told};
use model::event::Carrier;
use model::network::Mode;
use model::plan::Decision;
use model::{Client, Firmware, Happening, Life, Now};
use std::net::SocketAddr;
use wire::dhcp4::MessageType;

const BASE: &str = "http://10.0.0.5:8080";

fn house() -> Engine {
    let mut settings = settings(Mode::Dhcp);
    settings.boot = BootDefaults { ask: Some(BASE.to_owned()), ..BootDefaults::default() };
    engine_with(settings)
}

fn ask(name: &str) -> FileAsk {
    FileAsk {
        by: Carrier::Http,
        name: name.into(),
        from: SocketAddr::from(([10, 77, 0, 9], 40_000)),
        at: SocketAddr::from(([10, 77, 0, 1], 80)),
        link: "lan".into(),
        says: Asker { mac: Some(mac(1)), ..Asker::default() },
        neighbour: Some(mac(1)),
        agent: None,
        body: None,
        head_only: false,
    }
}

fn inquiry(told: Told<Found>) -> Inquiry {
    match told.answer {
        Answer::Reply(Found { what: Served::Ask(inquiry), .. }) => *inquiry,
        other => panic!("{other:?}"),
    }
}

fn text(told: &Told<Found>) -> String {
    match &told.answer {
        Answer::Reply(Found { what: Served::Text(text), .. }) => text.clone(),
        other => panic!("{other:?}"),
    }
}

fn plan_of(engine: &Engine, now: Now) -> Explanation {
    let question = Question {
        machine: mac(1).to_string(),
        arch: Some(model::Arch::X86Bios),
        firmware: Some(Firmware::Pxe),
        stage: None,
        network: None,
        at: None,
    };
    engine.explain(now, &question).unwrap()
}

#[test]
fn it_is_asked_when_the_script_is_and_its_word_is_booted() {
    let mut engine = house();
    // Firmware comes to iPXE whatever that server will say.
    let discover = firmware(MessageType::Discover, 1, "PXEClient", 7);
    let (_, offer) = reply(engine.dhcp(Now(0), &datagram(&discover)));
    assert!(String::from_utf8_lossy(&offer.file).contains("snponly"), "{:?}", offer.file);

    let first = inquiry(engine.file(Now(1_000), &ask("boot.ipxe")));
    assert_eq!(first.url, format!("{BASE}/v1/boot/{}", mac(1)));
    let body = br#"{"kernel": "/k", "initrd": ["/a", "http://x.example/b"], "cmdline": "quiet"}"#;
    engine.heard_elsewhere(Now(1_100), mac(1), Ok(Some(body.to_vec())));
    let told = engine.file(Now(1_200), &first.ask);
    let script = text(&told);
    for line in [
        "kernel http://10.0.0.5:8080/k quiet BOOTIF=01-52-54-00-77-00-01 initrd=initrd0 initrd=initrd1 || goto failed",
        "initrd --name initrd0 http://10.0.0.5:8080/a || goto failed",
        "initrd --name initrd1 http://x.example/b || goto failed",
        "# because no rule matches, http://10.0.0.5:8080 says so",
    ] {
        assert!(script.lines().any(|one| one == line), "{line}\n{script}");
    }
    assert!(matches!(&told.events[0].what, Happening::Script { .. }));
    // A boot later on is asked about anew.
    inquiry(engine.file(Now(40_000), &ask("boot.ipxe")));
}

#[test]
fn without_a_word_of_it_the_defaults_hold_and_say_why() {
    let mut engine = house();
    for (answer, says) in [
        (Ok(None), "was asked and has nothing for it"),
        (Err("no answer within 5 s".to_owned()), "without success: no answer within 5 s"),
        (Ok(Some(b"<html>".to_vec())), "without success: its answer is not of pixiecores API"),
    ] {
        let inquiry = inquiry(engine.file(Now(0), &ask("boot.ipxe")));
        engine.heard_elsewhere(Now(0), mac(1), answer);
        let script = text(&engine.file(Now(0), &inquiry.ask));
        assert!(script.contains("menu Bootwright"), "{script}");
        assert!(script.contains(says), "{script}");
        engine = house();
    }
}

#[test]
fn rules_life_and_arms_come_before_it_and_other_loaders_say_what_is_missing() {
    let mut engine = house();
    let discover = firmware(MessageType::Discover, 1, "PXEClient", 7);
    let _ = engine.dhcp(Now(0), &datagram(&discover));
    let grub = text(&engine.file(Now(0), &ask("grub.cfg")));
    assert!(grub.contains("only iPXE boots what another server says"), "{grub}");
    let explained = plan_of(&engine, Now(0));
    let script = explained.stages.iter().find(|s| s.stage == "ipxe").unwrap();
    assert!(script.gets.as_deref().unwrap().starts_with("do what http://10.0.0.5:8080/v1/boot/"));
    assert_eq!(script.text, None);

    rule_for_everybody(&mut engine);
    assert!(text(&engine.file(Now(0), &ask("boot.ipxe"))).contains("debian-12-amd64"));
    let blocked = Command::SetLife(mac(1).to_string(), Life::Blocked);
    command(&mut engine, blocked);
    let client = Client::unknown("lan", mac(1));
    assert_eq!(engine.plan(Now(0), &client).decision, Decision::Refused);
}
