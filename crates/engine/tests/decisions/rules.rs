//! Many rules: whose reasons are told.

use crate::house::{command, engine, mac};
use engine::Command;
use model::network::Mode;
use model::plan::Reason;
use model::rule::Condition;
use model::{Arch, Client, Now};

#[test]
fn of_many_rules_those_that_came_near_are_named() {
    let mut engine = engine(Mode::Dhcp);
    let mut add = |conditions| {
        command(&mut engine, Command::AddRule { conditions, profile: "debian".into() });
    };
    let room = |number: u32| Condition::Label("room".into(), number.to_string());
    (0..40).for_each(|number| add(vec![room(number)]));
    // Its first condition is met: nobody came nearer.
    add(vec![Condition::Arch(Arch::X64Uefi), Condition::Network("elsewhere".into())]);

    let client = Client { arch: Some(Arch::X64Uefi), ..Client::unknown("lan", mac(1)) };
    let reasons = engine.plan(Now(0), &client).reasons;
    let missed: Vec<String> = reasons
        .iter()
        .filter(|reason| matches!(reason, Reason::RuleMissed { .. }))
        .map(Reason::to_string)
        .collect();
    assert_eq!(missed.len(), 16, "{missed:#?}");
    assert!(missed.iter().any(|text| text.contains("demands network=elsewhere")), "{missed:#?}");
    assert_eq!(
        reasons.last().unwrap().to_string(),
        "25 more rules do not match, and came no nearer"
    );
}
