//! Rules: one more, one less, one elsewhere, or the whole list as an operator wants it.

use super::{Outcome, RULES_MAX, Refusal, check_line, decided, refuse};
use crate::Engine;
use model::Change;
use model::rule::{Condition, Rule};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// More conditions than this are no rule that anybody wrote.
pub(super) const CONDITIONS_MAX: usize = 64;

/// A rule that an operator wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WantedRule {
    /// Its number; a new one has none.
    pub id: Option<u32>,
    /// All must hold; none means everybody.
    pub conditions: Vec<Condition>,
    /// What it leads to.
    pub profile: String,
}

/// What is wrong with a rule of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RuleFault {
    /// Its place, the first being 1.
    pub place: usize,
    /// Why it is not taken.
    pub refusal: Refusal,
}

impl Engine {
    /// A new rule goes before the first rule that demands less: a subset of its conditions. So a
    /// rule for everybody never hides one for somebody.
    pub(super) fn add_rule(&self, conditions: Vec<Condition>, profile: String) -> Outcome {
        if !self.profiles.contains_key(&profile) {
            return refuse(
                format!("there is no profile {profile}"),
                &format!("`bootwright profile add {profile} --image IMAGE` first"),
            );
        }
        if let Some(same) = self.rules.iter().find(|rule| same(&rule.conditions, &conditions)) {
            return refuse(
                format!("{same} demands exactly the same and would hide this one or be hidden"),
                &format!("`bootwright rule remove {}` first, or demand more", same.id),
            );
        }
        let id = self.rules.iter().map(|rule| rule.id).max().unwrap_or(0).saturating_add(1);
        let rule = Rule { id, conditions, profile };
        let less = |other: &Rule| other.conditions.iter().all(|c| rule.conditions.contains(c));
        let place = self.rules.iter().position(less).unwrap_or(self.rules.len());
        let mut says = format!("{rule} is number {} of {}", place + 1, self.rules.len() + 1);
        match self.rules.get(place) {
            Some(next) => says.push_str(&format!(", before {next}, which demands less")),
            None => says.push_str(", the last"),
        }
        let mut rules = self.rules.clone();
        rules.insert(place, rule);
        decided(vec![Change::Rules(rules)], says)
    }

    pub(super) fn move_rule(&self, id: u32, to: usize) -> Outcome {
        let mut rules = self.rules.clone();
        let Some(from) = rules.iter().position(|rule| rule.id == id) else {
            return refuse(format!("there is no rule {id}"), "see `rule list`");
        };
        if to == 0 || to > rules.len() {
            return refuse(format!("there are places 1 to {}", rules.len()), "");
        }
        let rule = rules.remove(from);
        let says = format!("{rule} is number {to} of {} now", rules.len() + 1);
        rules.insert(to - 1, rule);
        decided(vec![Change::Rules(rules)], says)
    }

    pub(super) fn remove_rule(&self, id: u32) -> Outcome {
        let mut rules = self.rules.clone();
        let Some(at) = rules.iter().position(|rule| rule.id == id) else {
            return refuse(format!("there is no rule {id}"), "see `rule list`");
        };
        let says = format!("{} is removed", rules.remove(at));
        decided(vec![Change::Rules(rules)], says)
    }

    /// These rules with their numbers, as they would be kept, and what is wrong with them. A rule that is
    /// there already keeps its number for its life; a new one gets the next.
    pub fn meant_rules(&self, wanted: Vec<WantedRule>) -> (Vec<Rule>, Vec<RuleFault>) {
        let known: BTreeSet<u32> = self.rules.iter().map(|rule| rule.id).collect();
        let mut taken = BTreeSet::new();
        let mut next = known.last().copied().unwrap_or(0);
        let mut faults = Vec::new();
        let mut first: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        let mut rules = Vec::new();
        for (place, one) in (1..).zip(wanted) {
            let mut wrong = |why: String, hint: &str| {
                let hint = (!hint.is_empty()).then(|| hint.to_owned());
                faults.push(RuleFault { place, refusal: Refusal { why, hint } });
            };
            if let Err(refusal) = self.check_rule(&one) {
                wrong(refusal.why, refusal.hint.as_deref().unwrap_or_default());
            }
            if let Some(before) = first.insert(demands(&one.conditions), place) {
                wrong(
                    format!("it demands exactly what the rule at place {before} demands"),
                    "the second of them could never match: remove it, or let it demand more",
                );
            }
            let id = match one.id.filter(|id| known.contains(id) && taken.insert(*id)) {
                Some(id) => id,
                None => {
                    if let Some(id) = one.id {
                        wrong(format!("there is no rule {id}, or it stands here twice"), "");
                    }
                    next = next.saturating_add(1);
                    next
                }
            };
            rules.push(Rule { id, conditions: one.conditions, profile: one.profile });
        }
        (rules, faults)
    }

    fn check_rule(&self, one: &WantedRule) -> Result<(), Refusal> {
        if one.conditions.len() > CONDITIONS_MAX {
            return refuse(format!("a rule has {CONDITIONS_MAX} conditions at most"), "");
        }
        for condition in &one.conditions {
            check_line("a condition", &condition.to_string())?;
        }
        if self.profiles.contains_key(&one.profile) {
            return Ok(());
        }
        let shown = model::text::show(one.profile.as_bytes());
        refuse(format!("there is no profile {shown}"), "see `profile list`")
    }

    /// Makes the rules these, in this order.
    pub(super) fn set_rules(&self, wanted: Vec<WantedRule>) -> Outcome {
        if wanted.len() > RULES_MAX {
            return refuse(format!("there are {RULES_MAX} rules at most"), "");
        }
        let (rules, faults) = self.meant_rules(wanted);
        if let Some(RuleFault { place, refusal }) = faults.into_iter().next() {
            let why = format!("the rule at place {place} is not taken: {}", refusal.why);
            return Err(Refusal { why, hint: refusal.hint });
        }
        if rules == self.rules {
            return decided(Vec::new(), "the rules are so already");
        }
        let says = self.differences(&rules).join("\n");
        decided(vec![Change::Rules(rules)], says)
    }

    /// What is new, changed, elsewhere and gone, a line each.
    fn differences(&self, rules: &[Rule]) -> Vec<String> {
        let old: BTreeMap<u32, &Rule> = self.rules.iter().map(|rule| (rule.id, rule)).collect();
        let new: BTreeSet<u32> = rules.iter().map(|rule| rule.id).collect();
        let mut lines = Vec::new();
        for (place, rule) in (1..).zip(rules) {
            match old.get(&rule.id) {
                None => lines.push(format!("{rule} is new, at place {place}")),
                Some(was) if *was != rule => lines.push(format!("{was} becomes {rule}")),
                Some(_) => {}
            }
        }
        let gone = self.rules.iter().filter(|rule| !new.contains(&rule.id));
        lines.extend(gone.map(|rule| format!("{rule} is removed")));
        let stay = |rules: &[Rule], other: &dyn Fn(u32) -> bool| -> Vec<u32> {
            rules.iter().map(|rule| rule.id).filter(|id| other(*id)).collect()
        };
        let before = stay(&self.rules, &|id| new.contains(&id));
        let after = stay(rules, &|id| old.contains_key(&id));
        if before != after {
            let order: Vec<String> = rules.iter().map(|rule| rule.id.to_string()).collect();
            lines.push(format!("they are tried in another order: {}", order.join(", ")));
        }
        lines
    }
}

/// The same for the same conditions in whatever order.
fn demands(conditions: &[Condition]) -> Vec<String> {
    let mut all: Vec<String> = conditions.iter().map(|c| format!("{c:?}")).collect();
    all.sort();
    all
}

/// The same conditions, in whatever order.
fn same(a: &[Condition], b: &[Condition]) -> bool {
    a.len() == b.len() && a.iter().all(|condition| b.contains(condition))
}
