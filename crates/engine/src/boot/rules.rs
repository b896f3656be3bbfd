//! Which rule leads a client, and which came near.
//!
//! In: rules in their order, and the facts about a client. Out: the first that matches, with the facts that
//! its conditions met, and those that did not, with the condition that failed. Never: words for a rule that
//! nobody would read: a thousand rules are looked at for every answer.

use crate::Engine;
use model::client::Firmware;
use model::event::show_bytes;
use model::plan::Reason;
use model::rule::{Condition, Rule};
use model::{Arch, Client, Hardware, HardwareAddress, Machine, Uuid};
use std::fmt;

/// Rules that did not match and are named: those of which most conditions were met, the first of them. Of
/// all others it is said how many they are.
const NEAR_MAX: usize = 16;

/// The fact that a condition looks at, as the client has it.
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

/// The client, and what is filed of its machine: looked up once for all rules.
struct Subject<'a> {
    client: &'a Client,
    machine: Option<&'a Machine>,
    hardware: Option<&'a Hardware>,
}

/// A rule that did not match: its place, and how many of its conditions were met before one was not.
struct Miss {
    at: usize,
    met: usize,
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
                    let because = subject.met(rule);
                    let reason = Reason::RuleMatched { rule: rule.to_string(), because };
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

    /// The first rule that matches, with the facts that its conditions met; and those tried before it.
    pub(super) fn rule_for(&self, client: &Client) -> (Option<(&Rule, Vec<String>)>, Vec<Reason>) {
        let subject = self.subject(client);
        let mut missed = Vec::new();
        for (at, rule) in self.rules.iter().enumerate() {
            match rule.conditions.iter().position(|condition| !subject.look_at(condition).0) {
                None => return (Some((rule, subject.met(rule))), self.in_words(&subject, missed)),
                Some(met) => missed.push(Miss { at, met }),
            }
        }
        (None, self.in_words(&subject, missed))
    }

    fn in_words(&self, subject: &Subject<'_>, mut missed: Vec<Miss>) -> Vec<Reason> {
        let others = missed.len().saturating_sub(NEAR_MAX);
        if others > 0 {
            missed.sort_by_key(|miss| (std::cmp::Reverse(miss.met), miss.at));
            missed.truncate(NEAR_MAX);
            missed.sort_by_key(|miss| miss.at);
        }
        let named = missed.iter().filter_map(|miss| {
            let rule = self.rules.get(miss.at)?;
            let condition = rule.conditions.get(miss.met)?;
            Some(subject.missed(rule, condition))
        });
        let mut reasons: Vec<Reason> = named.collect();
        if others > 0 {
            let note = format!("{others} more rules do not match, and came no nearer");
            reasons.push(Reason::Note(note.into()));
        }
        reasons
    }
}

impl Subject<'_> {
    /// Why a rule does not match.
    fn missed(&self, rule: &Rule, condition: &Condition) -> Reason {
        let actual = self.look_at(condition).1.map(|fact| fact.to_string());
        let (rule, condition) = (rule.to_string(), condition.to_string());
        Reason::RuleMissed { rule, condition, actual }
    }

    /// The facts that met the conditions of a rule, in words.
    fn met(&self, rule: &Rule) -> Vec<String> {
        let fact = |condition: &Condition| match self.look_at(condition).1 {
            Some(fact) => fact.to_string(),
            None => condition.to_string(),
        };
        rule.conditions.iter().map(fact).collect()
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
