use super::*;
use std::collections::BTreeSet;

/// The variants that serde knows, from its own complaint about one that it does not.
fn variants<T: serde::de::DeserializeOwned + std::fmt::Debug>() -> BTreeSet<String> {
    let why = serde_json::from_str::<T>(r#""no such""#).unwrap_err().to_string();
    let (_, known) = why.split_once("expected one of ").unwrap();
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn examples_of_silences_are_all_there_are() {
    let codes: BTreeSet<String> = Why::examples().iter().map(|why| why.code().to_owned()).collect();
    let variants = variants::<Why>().into_iter().map(|name| format!("silence-{name}")).collect();
    assert_eq!(codes, variants, "a code is `silence-` and the name that JSON has");
}

#[test]
fn codes_of_reasons_are_the_names_that_json_has() {
    let codes: BTreeSet<String> = Reason::CODES.iter().map(|code| (*code).to_owned()).collect();
    let names = variants::<Reason>().into_iter().map(|name| format!("reason-{name}")).collect();
    assert_eq!(codes, names);
    assert_eq!(Reason::Blocked.code(), "reason-blocked");
    assert_eq!(Reason::Note("a".into()).code(), "reason-note");
}

#[test]
fn every_kind_of_event_has_its_codes() {
    let codes: BTreeSet<&str> = Happening::codes().into_iter().collect();
    for kind in Happening::KINDS {
        let own = match *kind {
            "answered" => "dhcp-offer",
            "silent" | "file-missed" => "silence-no-such-file",
            "script" => "script-ipxe",
            "deployment" => "deployment-armed",
            "syslog" => "machine-log",
            same => same,
        };
        assert!(codes.contains(own), "{kind} has no code");
    }
}

/// Whatever a machine makes us say, the code is one of a fixed list.
#[test]
fn no_text_from_outside_becomes_a_code() {
    let hostile = || "\u{7f}\"evil\n".to_owned();
    let codes = Happening::codes();
    let made = [
        Happening::Answered {
            asked: hostile().into(),
            answer: hostile().into(),
            address: None,
            file: Some(hostile()),
            because: Vec::new(),
        },
        Happening::Script { form: hostile(), decision: hostile(), does: None, because: Vec::new() },
        Happening::Deployment { deployment: hostile(), step: hostile(), says: hostile() },
        Happening::Silent { asked: hostile().into(), why: Why::Malformed(hostile()) },
    ];
    for what in made {
        assert!(codes.contains(&what.code()), "{}", what.code());
    }
}

#[test]
fn what_somebody_should_act_on_is_graver_than_what_nobody_need_read() {
    let silent = |why| Happening::Silent { asked: "DISCOVER".into(), why }.severity();
    assert_eq!(silent(Why::PoolExhausted { size: 9, quarantined: 0 }), Severity::Warning);
    assert_eq!(silent(Why::NotBooting), Severity::Info);
    assert_eq!(silent(Why::Malformed("…".to_owned())), Severity::Notice);
    assert_eq!(Happening::Alarm { text: String::new() }.severity(), Severity::Err);
}
