//! Which rule leads a client, and which came near.
//!
//! In: rules in their order, and the facts about a client. Out: the first that matches, with the facts that
//! its conditions met, and those that did not, with the condition that failed. Never: words for a rule that
//! nobody would read: a thousand rules are looked at for every answer.

use crate::Engine;
use crate::reasons::Reasons;
use model::client::Firmware;
use model::event::show_bytes;
use model::plan::Reason;
use model::rule::{Condition, Rule};
use model::{Arch, Client, Hardware, HardwareAddress, Machine, Uuid};
use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::Arc;

/// A rule in words, and each of its conditions.
#[derive(Clone, Debug)]
pub(crate) struct ShownRule {
    rule: Arc<str>,
    conditions: Vec<Arc<str>>,
}

impl ShownRule {
    pub(crate) fn of(rule: &Rule) -> Self {
        let conditions = rule.conditions.iter().map(|one| one.to_string().into()).collect();
        Self { rule: rule.to_string().into(), conditions }
    }
}

/// The fact that a condition looks at, as the client has it.
#[derive(PartialEq)]
enum Fact<'a> {
    Mac(HardwareAddress),
    Uuid(Uuid),
    /// It would be everybody's whose maker left it so.
    SharedUuid(Uuid),
    Text(&'a str),
    Arch(Arch),
    Firmware(Firmware),
    VendorClass(&'a str),
    Circuit(String),
    Memory(u64),
    Disk(u64),
    Cpu(&'a str),
    Label(&'a str, &'a str),
    NoLabel,
}

impl fmt::Display for Fact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => write!(f, "mac {mac}"),
            Self::Uuid(uuid) => write!(f, "uuid {uuid}"),
            Self::SharedUuid(uuid) => write!(f, "uuid {uuid}, which many boards share"),
            Self::Text(text) => f.write_str(text),
            Self::Arch(arch) => write!(f, "arch {arch}"),
            Self::Firmware(firmware) => write!(f, "firmware {firmware}"),
            Self::VendorClass(class) => write!(f, "vendor class {class}"),
            Self::Circuit(circuit) => f.write_str(circuit),
            Self::Memory(mib) => write!(f, "memory {mib} MiB"),
            Self::Disk(bytes) => write!(f, "disk {}", show_bytes(*bytes)),
            Self::Cpu(model) => write!(f, "cpu {model}"),
            Self::Label(key, value) => write!(f, "label {key}={value}"),
            Self::NoLabel => f.write_str("no such label"),
        }
    }
}

/// A fact, and its words.
type Worded<'a> = (Fact<'a>, Arc<str>);

fn in_words(fact: &Fact<'_>) -> Arc<str> {
    // Most facts are shorter.
    let mut words = String::with_capacity(48);
    let written = write!(words, "{fact}");
    debug_assert!(written.is_ok(), "a string takes all");
    words.into()
}

/// The client, and what is filed of its machine: looked up once for all rules.
struct Subject<'a> {
    client: &'a Client,
    machine: Option<&'a Machine>,
    hardware: Option<&'a Hardware>,
}

/// A rule that did not match: its place, and how many of its conditions were met before one was not.
#[derive(Clone, Copy)]
struct Miss {
    at: usize,
    met: usize,
}

/// The nearest misses of a walk over all rules, by their places.
struct Near {
    /// How many are kept.
    most: usize,
    all: Vec<Miss>,
    /// Who met so much is among them: more than the furthest, once there is no room for more, as an earlier
    /// one comes before it. One number, as a thousand rules are compared with it.
    from: usize,
}

impl Near {
    fn new(most: usize) -> Self {
        Self { most, all: Vec::new(), from: if most == 0 { usize::MAX } else { 0 } }
    }

    /// Keeps a miss that met as much as [`Self::from`] says.
    fn put(&mut self, miss: Miss) {
        if self.all.is_empty() {
            self.all.reserve(self.most);
        }
        if self.all.len() >= self.most {
            // The furthest makes room; of those that met as little, the last.
            let last = self.all.iter().rposition(|near| near.met < self.from);
            last.map(|last| self.all.remove(last));
        }
        self.all.push(miss);
        if self.all.len() >= self.most {
            self.from = self.all.iter().map(|near| near.met + 1).min().unwrap_or(usize::MAX);
        }
    }
}

/// What came of trying rules on a client.
pub(super) struct Walk<'a> {
    /// The first that matches.
    pub(super) first: Option<&'a Rule>,
    rules: &'a [Rule],
    shown: &'a [ShownRule],
    subject: Subject<'a>,
    /// How many did not match before.
    missed: usize,
    /// Of those, the nearest, if they are to be named.
    near: Near,
}

/// What a rule does with a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It is the first that matches.
    Leads,
    /// It would match, but another comes first.
    Late,
    /// It does not match.
    Misses,
}

/// A rule, tried on a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tried {
    /// What it does.
    pub outcome: Outcome,
    /// Conditions that are met.
    pub met: usize,
    /// In words, with the facts.
    pub says: String,
}

impl Engine {
    /// What each of these rules does with a client, also those behind the first that matches.
    pub fn try_rules(&self, rules: &[Rule], client: &Client) -> Vec<Tried> {
        let subject = self.subject(client);
        let mut leads = None;
        let mut tried = |rule: &Rule| {
            let met = rule.conditions.iter().filter(|c| subject.look_at(c).0).count();
            let failed = rule.conditions.iter().find(|condition| !subject.look_at(condition).0);
            let (outcome, says) = match (failed, leads) {
                (Some(condition), _) => {
                    (Outcome::Misses, subject.missed(rule, condition).to_string())
                }
                (None, Some(first)) => (
                    Outcome::Late,
                    format!("{rule} would match as well, but rule {first} comes first"),
                ),
                (None, None) => {
                    leads = Some(rule.id);
                    let shown = ShownRule::of(rule);
                    let because = subject.met(rule, &shown, &mut None);
                    let reason = Reason::RuleMatched { rule: shown.rule, because };
                    (Outcome::Leads, reason.to_string())
                }
            };
            Tried { outcome, met, says }
        };
        rules.iter().map(&mut tried).collect()
    }

    /// The first of these rules that matches, without a word.
    pub(super) fn first_of<'r>(&self, rules: &'r [Rule], client: &Client) -> Option<&'r Rule> {
        let subject = self.subject(client);
        rules.iter().find(|rule| rule.conditions.iter().all(|c| subject.look_at(c).0))
    }

    fn subject<'a>(&'a self, client: &'a Client) -> Subject<'a> {
        let machine = self.machines.get(&client.hardware);
        Subject { client, machine, hardware: self.hardware(&client.hardware) }
    }

    /// The first rule that matches, and those tried before it.
    pub(super) fn rule_for<'a>(&'a self, client: &'a Client, reasons: &Reasons) -> Walk<'a> {
        let rules = self.rules.as_slice();
        let (subject, mut near) = (self.subject(client), Near::new(reasons.near_max()));
        let matches = |(at, rule): &(usize, &Rule)| {
            let failed = rule.conditions.iter().position(|condition| !subject.look_at(condition).0);
            match failed {
                None => return true,
                Some(met) if met >= near.from => near.put(Miss { at: *at, met }),
                Some(_) => {}
            }
            false
        };
        let first = rules.iter().enumerate().find(matches);
        Walk {
            first: first.map(|(_, rule)| rule),
            rules,
            shown: &self.shown_rules,
            missed: first.map_or(rules.len(), |(at, _)| at),
            subject,
            near,
        }
    }
}

impl Walk<'_> {
    /// Says which rule matched, by which facts; then those that came near.
    pub(super) fn tell(&self, reasons: &mut Reasons) {
        // Beside those: what matched, how many others there are, and what is said of the image.
        reasons.reserve(self.near.all.len() + 3);
        // Rules that stand together often ask for the same fact.
        let mut last = None;
        reasons.say(|| {
            self.first.zip(self.shown.get(self.missed)).map(|(rule, shown)| {
                let because = self.subject.met(rule, shown, &mut last);
                Reason::RuleMatched { rule: Arc::clone(&shown.rule), because }
            })
        });
        reasons.say(|| self.near.all.iter().filter_map(|miss| self.in_words(*miss, &mut last)));
        let others = self.missed.saturating_sub(self.near.all.len());
        if self.near.most > 0 && others > 0 {
            reasons.note(|| match others {
                1 => Cow::Borrowed("one more rule does not match, and came no nearer"),
                _ => format!("{others} more rules do not match, and came no nearer").into(),
            });
        }
    }

    fn in_words<'w>(&'w self, miss: Miss, last: &mut Option<Worded<'w>>) -> Option<Reason> {
        let (rule, shown) = (self.rules.get(miss.at)?, self.shown.get(miss.at)?);
        let actual = self.subject.look_at(rule.conditions.get(miss.met)?).1.map(|fact| {
            let said = match last {
                Some((before, said)) if *before == fact => Arc::clone(said),
                _ => in_words(&fact),
            };
            *last = Some((fact, Arc::clone(&said)));
            said
        });
        let (rule, condition) = (Arc::clone(&shown.rule), shown.conditions.get(miss.met)?.clone());
        Some(Reason::RuleMissed { rule, condition, actual })
    }
}

impl Subject<'_> {
    /// Why a rule does not match.
    fn missed(&self, rule: &Rule, condition: &Condition) -> Reason {
        let actual = self.look_at(condition).1.map(|fact| in_words(&fact));
        let (rule, condition) = (rule.to_string().into(), condition.to_string().into());
        Reason::RuleMissed { rule, condition, actual }
    }

    /// The facts that met the conditions of a rule, in words.
    fn met<'w>(
        &'w self,
        rule: &'w Rule,
        shown: &ShownRule,
        last: &mut Option<Worded<'w>>,
    ) -> Vec<Arc<str>> {
        let fact = |(condition, shown): (&'w Condition, &Arc<str>)| {
            let Some(fact) = self.look_at(condition).1 else { return Arc::clone(shown) };
            let words = match fact {
                // A label that is met is the one that is demanded, and has its words.
                Fact::Label(..) => Arc::clone(shown),
                _ => in_words(&fact),
            };
            *last = Some((fact, Arc::clone(&words)));
            words
        };
        rule.conditions.iter().zip(&shown.conditions).map(fact).collect()
    }

    /// Whether a condition is met, and the fact it looks at. A fact not known yet does not match.
    fn look_at<'a>(&'a self, condition: &'a Condition) -> (bool, Option<Fact<'a>>) {
        let Self { client, machine, hardware } = *self;
        let text =
            |wanted: &str, fact: Option<&'a str>| (fact == Some(wanted), fact.map(Fact::Text));
        match condition {
            Condition::Mac(prefix) => {
                let own = machine.into_iter().flat_map(Machine::addresses);
                let mut all = std::iter::once(client.hardware).chain(own);
                let found = all.find(|mac| prefix.matches(mac));
                (found.is_some(), Some(Fact::Mac(found.unwrap_or(client.hardware))))
            }
            Condition::Uuid(wanted) => match client.uuid.or_else(|| machine.and_then(|m| m.uuid)) {
                Some(uuid) if uuid.is_placeholder() => (false, Some(Fact::SharedUuid(uuid))),
                uuid => (uuid == Some(*wanted), uuid.map(Fact::Uuid)),
            },
            Condition::Serial(wanted) => {
                let known = machine.and_then(|m| m.serial.as_deref());
                text(wanted, client.serial.as_deref().or(known))
            }
            Condition::Arch(wanted) => {
                let arch = client.arch.or_else(|| machine.and_then(|m| m.arch));
                (arch == Some(*wanted), arch.map(Fact::Arch))
            }
            Condition::Firmware(wanted) => {
                (client.firmware == *wanted, Some(Fact::Firmware(client.firmware)))
            }
            Condition::VendorClass(wanted) => {
                let known = machine.and_then(|m| m.vendor_class.as_deref());
                let class = client.vendor_class.as_deref().or(known);
                let met = class.is_some_and(|class| class.starts_with(wanted.as_str()));
                (met, class.map(Fact::VendorClass))
            }
            Condition::Network(wanted) => text(wanted, Some(client.link.as_str())),
            Condition::Circuit(wanted) => {
                let circuit = client.relay.as_ref().and_then(|r| r.circuit_id.as_deref());
                let circuit = circuit.map(model::text::show);
                (circuit.as_deref() == Some(wanted), circuit.map(Fact::Circuit))
            }
            Condition::Memory(least) => {
                let mib = client.memory_mib.or_else(|| machine.and_then(|m| m.memory_mib));
                (mib.is_some_and(|mib| mib >= *least), mib.map(Fact::Memory))
            }
            Condition::Disk(least) => {
                let largest = hardware.and_then(Hardware::largest_disk);
                (largest.is_some_and(|bytes| bytes >= *least), largest.map(Fact::Disk))
            }
            Condition::Cpu(wanted) => {
                let model = hardware.and_then(|parts| parts.cpu.model.as_deref());
                let holds = model
                    .is_some_and(|model| model.to_lowercase().contains(&wanted.to_lowercase()));
                (holds, model.map(Fact::Cpu))
            }
            Condition::Label(key, wanted) => {
                let value = machine.and_then(|m| m.labels.get(key));
                let fact = value.map_or(Fact::NoLabel, |value| Fact::Label(key, value));
                (value == Some(wanted.as_str()), Some(fact))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cmp::Reverse;

    proptest! {
        /// As if all were sorted by how much they met, then by their places.
        #[test]
        fn the_nearest_are_kept_in_their_order(all in prop::collection::vec(0..4_usize, 0..80), most in 0..20_usize) {
            let mut near = Near::new(most);
            for (at, met) in all.iter().copied().enumerate() {
                if met >= near.from {
                    near.put(Miss { at, met });
                }
            }
            let mut sorted: Vec<(usize, usize)> = all.into_iter().enumerate().collect();
            sorted.sort_by_key(|(at, met)| (Reverse(*met), *at));
            sorted.truncate(most);
            sorted.sort_unstable();
            let kept: Vec<_> = near.all.iter().map(|miss| (miss.at, miss.met)).collect();
            prop_assert_eq!(kept, sorted);
        }
    }
}
