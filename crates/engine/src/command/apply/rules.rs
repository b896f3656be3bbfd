//! The rules of a document: one list, in order. A rule that stays keeps its number.

use super::super::rules::CONDITIONS_MAX;
use super::super::{DeclaredRule, check_line, refuse};
use super::Work;
use model::Change;
use model::declared::{Declarable, Said};
use model::rule::{Condition, Rule};
use std::collections::{BTreeMap, BTreeSet};

impl Work<'_> {
    pub(super) fn rules(&mut self, declared: Option<&[DeclaredRule]>, prune: bool) {
        let before = self.engine.declared.get(&Declarable::Rules);
        let said: Said = match declared {
            Some(declared) => {
                self.rules = self.meant_rules(declared);
                self.rules.iter().map(|rule| rule.id.to_string()).collect()
            }
            None => {
                let Some(before) = before.filter(|_| prune) else { return };
                self.rules.retain(|rule| !before.contains(&rule.id.to_string()));
                Said::new()
            }
        };
        if self.rules != self.engine.rules {
            self.differences();
            self.changes.push(Change::Rules(self.rules.clone()));
        }
        match declared {
            Some(_) => self.mark(Declarable::Rules, said),
            None => self.changes.push(Change::DeclaredGone(Declarable::Rules)),
        }
    }

    fn meant_rules(&mut self, declared: &[DeclaredRule]) -> Vec<Rule> {
        let there: BTreeMap<Demands, u32> =
            self.engine.rules.iter().map(|rule| (demands(&rule.conditions), rule.id)).collect();
        let mut next = self.engine.rules.iter().map(|rule| rule.id).max().unwrap_or(0);
        let mut first: BTreeMap<Demands, &str> = BTreeMap::new();
        let mut rules = Vec::new();
        for one in declared {
            if let Err(refusal) = self.check_rule(one) {
                self.note(&one.at, refusal);
                continue;
            }
            let demands = demands(&one.conditions);
            let id = there.get(&demands).copied().unwrap_or_else(|| {
                next = next.saturating_add(1);
                next
            });
            if let Some(before) = first.insert(demands, &one.at) {
                let why = format!("it demands exactly what the rule at {before} demands");
                self.refuse(&one.at, why, "the second of them could never match");
                continue;
            }
            rules.push(Rule {
                id,
                conditions: one.conditions.clone(),
                profile: one.profile.clone(),
            });
        }
        rules
    }

    fn check_rule(&self, one: &DeclaredRule) -> Result<(), super::Refusal> {
        if one.conditions.len() > CONDITIONS_MAX {
            return refuse(format!("a rule has {CONDITIONS_MAX} conditions at most"), "");
        }
        for condition in &one.conditions {
            check_line("a condition", &condition.to_string())?;
        }
        if self.profiles.contains(&one.profile) {
            return Ok(());
        }
        let shown = model::text::show(one.profile.as_bytes());
        refuse(
            format!("the rule leads to profile {shown}, and there is none"),
            "see `profile list`, or declare it as [[profile]]",
        )
    }

    fn differences(&mut self) {
        let (old, new) = (&self.engine.rules, &self.rules);
        let ids = |rules: &[Rule]| rules.iter().map(|rule| rule.id).collect::<BTreeSet<u32>>();
        let (had, has) = (ids(old), ids(new));
        // The order among those that stay: who only moved because others came or went did not move.
        let kept = |rules: &[Rule], other: &BTreeSet<u32>| {
            let stay = rules.iter().filter(|rule| other.contains(&rule.id));
            stay.enumerate().map(|(rank, rule)| (rule.id, rank)).collect::<BTreeMap<u32, usize>>()
        };
        let (was, is) = (kept(old, &has), kept(new, &had));
        let by_id: BTreeMap<u32, (usize, &Rule)> =
            old.iter().enumerate().map(|(place, rule)| (rule.id, (place, rule))).collect();
        let mut lines = Vec::new();
        for (place, rule) in new.iter().enumerate() {
            let Some((old_place, old_rule)) = by_id.get(&rule.id) else {
                lines.push(format!("+ {rule}, number {}", place + 1));
                continue;
            };
            let mut what = Vec::new();
            if old_rule.profile != rule.profile {
                what.push(format!("profile {} → {}", old_rule.profile, rule.profile));
            }
            if was.get(&rule.id) != is.get(&rule.id) {
                what.push(format!("number {} → {}", old_place + 1, place + 1));
            }
            if !what.is_empty() {
                lines.push(format!("~ {rule}: {}", what.join(", ")));
            }
        }
        let gone = old.iter().filter(|rule| !has.contains(&rule.id));
        lines.extend(gone.map(|rule| format!("- {rule}")));
        self.lines.extend(lines);
    }
}

/// The same for the same conditions in whatever order.
type Demands = Vec<String>;

fn demands(conditions: &[Condition]) -> Demands {
    let mut all: Vec<String> = conditions.iter().map(|c| format!("{c:?}")).collect();
    all.sort();
    all
}
