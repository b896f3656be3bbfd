//! Drafts that nobody saved, and what they would do.

use super::{ConditionText, MenuWish, ProfileWish, RenderedView};
use crate::Problem;
use engine::boot::{Outcome, Shift, Tried};
use engine::deploy::AnswerError;
use engine::preview::{MenuSeen, SettingSeen};
use engine::script::Line;
use model::setting::Setting;
use model::{Arch, Firmware};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whom to try a draft on: as it was last heard, unless said otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Name, MAC, UUID or serial. A MAC that was never heard is good, too.
    pub machine: String,
    /// Instead of what it last said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<Arch>,
    /// Instead of what it last said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<Firmware>,
    /// Interface, instead of where it was last heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

/// The whole list of rules, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesWish {
    /// First match wins.
    pub rules: Vec<RuleWanted>,
}

/// A rule of that list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleWanted {
    /// Its number; a new rule has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// All must hold; none is everybody.
    #[serde(default)]
    pub conditions: Vec<ConditionText>,
    /// What it leads to.
    pub profile: String,
}

/// A list of rules as somebody is writing it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesDraft {
    /// First match wins.
    pub rules: Vec<RuleDraft>,
    /// Whom to try each rule on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Trial>,
}

/// A rule of that list. Its conditions may be half written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleDraft {
    /// Its number; a new rule has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// `arch=x64-uefi`, `label:room=3`.
    #[serde(default)]
    pub conditions: Vec<String>,
    /// What it leads to.
    pub profile: String,
}

/// What a list of rules would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RulesSeen {
    /// Each of them.
    pub rules: Vec<RuleSeen>,
    /// What saving would do, a line each; none if it would be refused.
    pub says: Option<String>,
    /// What the machine they were tried on was taken to be.
    pub taken_as: Option<String>,
    /// Why they were tried on nobody.
    pub untried: Option<Problem>,
    /// Whose profile would change; none while a rule is wrong.
    pub changes: Option<RuleChanges>,
}

/// A rule of a draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleSeen {
    /// Its place, from 1.
    pub place: usize,
    /// Its number, or that which it would get.
    pub id: u32,
    /// What is wrong with it.
    pub faults: Vec<RuleWrong>,
    /// Why it never leads anybody, whatever machine comes.
    pub unreached: Option<String>,
    /// What it does with the machine they were tried on.
    pub tried: Option<RuleTried>,
}

/// Something wrong with a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleWrong {
    /// In which of its conditions, from 0; none is the rule itself.
    pub condition: Option<usize>,
    /// What.
    pub says: String,
    /// What to do.
    pub hint: Option<String>,
}

/// What a rule does with a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleTried {
    /// What.
    pub outcome: RuleOutcome,
    /// Conditions that are met.
    pub met: usize,
    /// Why, with the facts.
    pub says: String,
}

/// How a rule ends for a machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RuleOutcome {
    /// It is the first that matches.
    Leads,
    /// It matches, but another comes first.
    Late,
    /// It does not match.
    Misses,
}

impl From<Tried> for RuleTried {
    fn from(tried: Tried) -> Self {
        let outcome = match tried.outcome {
            Outcome::Leads => RuleOutcome::Leads,
            Outcome::Late => RuleOutcome::Late,
            Outcome::Misses => RuleOutcome::Misses,
        };
        Self { outcome, met: tried.met, says: tried.says }
    }
}

/// Whose profile would change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleChanges {
    /// Machines that were looked at.
    pub looked: usize,
    /// Whether these are all; of very many machines and rules, the first are looked at.
    pub whole: bool,
    /// How many change.
    pub count: usize,
    /// The first of these.
    pub machines: Vec<RuleShift>,
}

/// A machine that would be led elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleShift {
    /// Hardware address.
    pub mac: String,
    /// As it is shown.
    pub name: String,
    /// By which rule and to which profile now; none is what machines get that no rule leads.
    pub from: Option<RuleLed>,
    /// The same then.
    pub to: Option<RuleLed>,
}

/// Where a rule leads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleLed {
    /// Its number.
    pub rule: u32,
    /// Its profile.
    pub profile: String,
}

impl From<Shift> for RuleShift {
    fn from(shift: Shift) -> Self {
        let led = |led: Option<(u32, String)>| led.map(|(rule, profile)| RuleLed { rule, profile });
        Self {
            mac: shift.machine.to_string(),
            name: shift.name,
            from: led(shift.from),
            to: led(shift.to),
        }
    }
}

/// A profile as somebody is writing it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileDraft {
    /// The changes.
    #[serde(default)]
    pub profile: ProfileWish,
    /// Whom to try it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Trial>,
}

/// What a profile would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProfileDrafted {
    /// Why it would not be saved.
    pub refused: Option<Problem>,
    /// What saving would do.
    pub says: Option<String>,
    /// What the machine was taken to be.
    pub taken_as: Option<String>,
    /// Why it was tried on nobody.
    pub untried: Option<Problem>,
    /// What the machine would boot.
    pub boot: Option<BootDrafted>,
    /// Why it would not.
    pub cannot: Option<String>,
    /// What its templates are told, each with where it comes from.
    pub settings: Vec<SettingView>,
    /// Its answer files; secrets are words that say which.
    pub answers: Vec<AnswerDrafted>,
}

/// What a machine would boot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BootDrafted {
    /// What it is.
    pub title: String,
    /// The version of the image.
    pub version: u32,
    /// Path of the kernel.
    pub kernel: String,
    /// Paths of the initrds.
    pub initrds: Vec<String>,
    /// The kernel's arguments.
    pub args: String,
    /// What is worth saying of it: memory, Secure Boot.
    pub notes: Vec<String>,
    /// What reads the script: `ipxe`, `grub` or `pxelinux`.
    pub form: String,
    /// The script.
    pub script: String,
}

/// A setting, and every layer that says something of it. The last one holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SettingView {
    /// Its name.
    pub name: String,
    /// From `defaults` over `profile` to `machine`.
    pub layers: Vec<SettingLayer>,
}

/// What one layer says of a setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SettingLayer {
    /// `defaults`, `profile` or `machine`.
    pub from: String,
    /// What it says.
    pub value: Setting,
    /// The same as it is typed.
    pub shown: String,
}

impl From<SettingSeen> for SettingView {
    fn from(seen: SettingSeen) -> Self {
        let layers = seen.layers.into_iter().map(|(from, value)| SettingLayer {
            from: from.to_string(),
            shown: value.to_string(),
            value,
        });
        Self { name: seen.name, layers: layers.collect() }
    }
}

/// An answer file of a draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerDrafted {
    /// The template.
    pub template: String,
    /// The name under which an installer fetches it.
    pub file: String,
    /// What it makes; none if it makes nothing.
    pub rendered: Option<RenderedView>,
    /// Why not.
    pub wrong: Option<TemplateWrong>,
}

/// What is wrong with a template, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateWrong {
    /// In which template: one that it includes, perhaps.
    pub template: String,
    /// Its line, from 1, where there is one.
    pub line: Option<u32>,
    /// Its column in characters, from 1, where it is known.
    pub column: Option<u32>,
    /// What.
    pub says: String,
}

impl From<AnswerError> for TemplateWrong {
    fn from(error: AnswerError) -> Self {
        let says = error.why.to_string();
        Self { template: error.template, line: error.line, column: error.column, says }
    }
}

/// A template as somebody is writing it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateDraft {
    /// What it makes; without it, what its name ends with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The text.
    pub text: String,
    /// The machine to render it for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// With the settings of this profile; without it the machine's own, or one that uses the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// What a template would make.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateDrafted {
    /// What is wrong with it.
    pub wrong: Option<TemplateWrong>,
    /// Why it would not be saved, although nothing is wrong with it.
    pub refused: Option<Problem>,
    /// What saving would do.
    pub says: Option<String>,
    /// Why it was rendered for nobody.
    pub untried: Option<Problem>,
    /// The profile whose settings were taken.
    pub profile: Option<String>,
    /// What it makes.
    pub rendered: Option<RenderedView>,
}

/// A menu as somebody is writing it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MenuDraft {
    /// The menu.
    #[serde(default)]
    pub menu: MenuWish,
    /// Whom to show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Trial>,
}

/// A menu on a machine's screen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MenuDrawn {
    /// Why it would not be saved.
    pub refused: Option<Problem>,
    /// What saving would do.
    pub says: Option<String>,
    /// What the machine was taken to be.
    pub taken_as: String,
    /// What draws it: `ipxe`, `grub` or `pxelinux`.
    pub form: String,
    /// What stands above it.
    pub title: String,
    /// Line by line.
    pub lines: Vec<MenuLine>,
    /// Key of the entry taken by itself.
    pub default: String,
    /// Seconds until then; 0 waits for ever.
    pub wait_s: u64,
    /// Entries that this machine would not be shown.
    pub left_out: Vec<MenuLeftOut>,
    /// The script that draws it.
    pub script: String,
    /// What the machine gets as things stand: `show the boot menu`, perhaps.
    pub decision: String,
    /// Whether that is this menu.
    pub shown: bool,
    /// Why.
    pub reasons: Vec<String>,
}

/// A line of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MenuLine {
    /// Key of the entry; none is a heading, or an empty line.
    pub key: Option<String>,
    /// What stands there.
    pub text: String,
}

/// An entry that is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MenuLeftOut {
    /// Its key.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Why.
    pub why: String,
}

impl From<MenuSeen> for MenuDrawn {
    fn from(seen: MenuSeen) -> Self {
        let line = |line| match line {
            Line::Heading(text) => MenuLine { key: None, text },
            Line::Gap => MenuLine { key: None, text: String::new() },
            Line::Entry { key, text } => MenuLine { key: Some(key), text },
        };
        let left_out = seen.left_out.into_iter();
        Self {
            refused: None,
            says: None,
            taken_as: seen.taken_as,
            form: seen.form.to_owned(),
            title: seen.title,
            lines: seen.lines.into_iter().map(line).collect(),
            default: seen.default,
            wait_s: seen.wait_s,
            left_out: left_out
                .map(|(entry, why)| MenuLeftOut { key: entry.key, title: entry.title, why })
                .collect(),
            script: seen.script,
            decision: seen.plan.decision.summary(),
            shown: seen.plan.decision.does() == model::plan::Does::Menu,
            reasons: seen.plan.reasons.iter().map(ToString::to_string).collect(),
        }
    }
}
