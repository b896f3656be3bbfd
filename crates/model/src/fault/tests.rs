use super::*;
use crate::client::ArchCode;
use std::collections::BTreeSet;

#[test]
fn faults_are_named_as_they_are_written() {
    for fault in Fault::ALL {
        let json = serde_json::to_string(fault).unwrap();
        assert_eq!(json, format!("\"{}\"", fault.name()));
    }
    let of_examples: BTreeSet<Fault> = Why::examples().iter().map(Why::fault).collect();
    assert_eq!(of_examples, Fault::ALL.iter().copied().collect(), "each fault is somebody's");
}

/// Where an operator or this program has to act, it is said what to do.
#[test]
fn what_can_be_mended_has_a_remedy() {
    for why in Why::examples() {
        let remedy = why.remedy();
        if matches!(why.fault(), Fault::Settings | Fault::Surroundings) {
            assert!(remedy.is_some(), "{} names nothing to do", why.code());
        }
        if let Some(remedy) = remedy {
            let said = remedy.to_string();
            assert!(!said.ends_with('.') && said.len() > 10, "{}: {said}", why.code());
        }
    }
}

#[test]
fn a_pool_that_strangers_fill_is_no_setting() {
    let full = |quarantined| Why::PoolExhausted { size: 10, quarantined };
    assert_eq!(full(0).fault(), Fault::Settings);
    assert_eq!(full(9).fault(), Fault::Settings);
    assert_eq!(full(10).fault(), Fault::Surroundings);
}

#[test]
fn who_says_nothing_of_its_architecture_is_told_apart_from_what_we_have_no_program_for() {
    assert_eq!(Why::ArchUnserved(Vec::new()).fault(), Fault::Peer);
    assert_eq!(Why::ArchUnserved(vec![ArchCode(13)]).fault(), Fault::Ours);
    assert_eq!(Why::MessageType(10).fault(), Fault::Ours, "LEASEQUERY is a message");
    assert_eq!(Why::MessageType(77).fault(), Fault::Peer, "77 is none");
}

#[test]
fn a_remedy_names_the_machine_it_is_for() {
    let remedy = Why::LocalDiskBySilence.remedy().unwrap().of("lab-01");
    assert_eq!(remedy.to_string(), "run `bootwright machine set lab-01 --profile PROFILE`");
    let json = serde_json::to_value(Why::OnlyListening.remedy().unwrap()).unwrap();
    assert_eq!(json, serde_json::json!({"by": "setting", "what": "mode = \"dhcp\" or \"proxy\""}));
}
