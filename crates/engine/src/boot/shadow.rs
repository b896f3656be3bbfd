//! Rules that lead nobody, whatever machine comes: because of the rules before them, or of themselves.
//!
//! In: rules in their order. Out: for each, why it is never reached. Never: facts about a machine.

use model::rule::{Condition, Rule};

/// Pairs of rules that are compared. In a longer list, rules at the end count as reached.
const PAIRS_MAX: usize = 2_000_000;

/// Why a rule is never reached, for each in its order; none for those that may be.
pub fn unreached(rules: &[Rule]) -> Vec<Option<String>> {
    let mut pairs = 0_usize;
    let mut why = |at: usize, rule: &Rule| -> Option<String> {
        if let Some((one, other)) = contradiction(&rule.conditions) {
            return Some(format!("{rule} can never match: no machine has both {one} and {other}"));
        }
        pairs = pairs.saturating_add(at);
        let before = rules.get(..at).filter(|_| pairs <= PAIRS_MAX)?;
        let first = before.iter().find(|first| covers(&first.conditions, &rule.conditions))?;
        Some(format!("{rule} is never reached: {first} comes first and matches all that it would"))
    };
    rules.iter().enumerate().map(|(at, rule)| why(at, rule)).collect()
}

/// Whether every machine that meets `narrow` meets `wide`.
fn covers(wide: &[Condition], narrow: &[Condition]) -> bool {
    wide.iter().all(|wanted| narrow.iter().any(|has| implies(has, wanted)))
}

/// Whether whoever meets the first condition meets the second.
fn implies(has: &Condition, wanted: &Condition) -> bool {
    use Condition::{Cpu, Disk, Mac, Memory, VendorClass};
    match (has, wanted) {
        (Mac(has), Mac(wanted)) => has.0.starts_with(&wanted.0),
        (VendorClass(has), VendorClass(wanted)) => has.starts_with(wanted.as_str()),
        (Memory(has), Memory(wanted)) | (Disk(has), Disk(wanted)) => has >= wanted,
        (Cpu(has), Cpu(wanted)) => has.to_lowercase().contains(&wanted.to_lowercase()),
        _ => has == wanted,
    }
}

/// Two conditions that no machine meets together. MACs are none: a machine may have several.
fn contradiction(conditions: &[Condition]) -> Option<(&Condition, &Condition)> {
    let pairs = conditions.iter().enumerate().flat_map(|(at, one)| {
        conditions.iter().skip(at.saturating_add(1)).map(move |other| (one, other))
    });
    pairs.into_iter().find(|(one, other)| excludes(one, other))
}

fn excludes(one: &Condition, other: &Condition) -> bool {
    use Condition::{Arch, Circuit, Firmware, Label, Network, Serial, Uuid, VendorClass};
    match (one, other) {
        (Uuid(one), Uuid(other)) => one != other,
        (Arch(one), Arch(other)) => one != other,
        (Firmware(one), Firmware(other)) => one != other,
        (Serial(one), Serial(other))
        | (Network(one), Network(other))
        | (Circuit(one), Circuit(other)) => one != other,
        (Label(key, one), Label(same, other)) => key == same && one != other,
        (VendorClass(one), VendorClass(other)) => {
            !one.starts_with(other.as_str()) && !other.starts_with(one.as_str())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Arch;
    use model::rule::MacPrefix;

    fn rules(all: Vec<Vec<Condition>>) -> Vec<Option<String>> {
        let rule = |(at, conditions)| Rule { id: at, conditions, profile: "p".to_owned() };
        unreached(&(1..).zip(all).map(rule).collect::<Vec<_>>())
    }

    fn label(value: &str) -> Condition {
        Condition::Label("room".to_owned(), value.to_owned())
    }

    #[test]
    fn what_comes_after_a_rule_that_demands_less_is_never_reached() {
        let x64 = Condition::Arch(Arch::X64Uefi);
        let mac = |bytes: &[u8]| Condition::Mac(MacPrefix(bytes.to_vec()));
        let hidden = rules(vec![
            vec![mac(&[0x52, 0x54]), Condition::Memory(2048)],
            vec![mac(&[0x52, 0x54, 0]), Condition::Memory(4096), x64.clone()],
            vec![mac(&[0x52, 0x54, 0]), Condition::Memory(1024)],
            vec![Condition::Cpu("epyc".to_owned())],
            vec![x64, Condition::Cpu("AMD EPYC 7313".to_owned())],
            vec![],
            vec![label("3")],
        ]);
        let is: Vec<bool> = hidden.iter().map(Option::is_some).collect();
        assert_eq!(is, [false, true, false, false, true, false, true]);
        let says = hidden[6].as_deref().unwrap();
        assert_eq!(
            says,
            "rule 7 (label room=3 → p) is never reached: rule 6 (everybody → p) comes first and \
             matches all that it would"
        );
    }

    #[test]
    fn what_contradicts_itself_matches_nobody() {
        let hidden = rules(vec![
            vec![label("3"), label("4")],
            vec![label("3"), Condition::Label("row".to_owned(), "4".to_owned())],
            vec![Condition::Arch(Arch::X64Uefi), Condition::Arch(Arch::X86Bios)],
        ]);
        assert_eq!(
            hidden[0].as_deref(),
            Some(
                "rule 1 (label room=3, label room=4 → p) can never match: no machine has both \
                 label room=3 and label room=4"
            )
        );
        assert!(hidden[1].is_none() && hidden[2].is_some());
    }
}
