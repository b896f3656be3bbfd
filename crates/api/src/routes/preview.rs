//! Drafts: what rules, profiles, templates and menus would do if they were saved as somebody has them before
//! him. Nothing is changed here.

use super::{State, ask};
use crate::body;
use crate::doing::{blocking, deploy};
use crate::types::{
    AnswerDrafted, BootDrafted, MenuDraft, MenuDrawn, ProfileDraft, ProfileDrafted, RuleChanges,
    RuleDraft, RuleSeen, RuleWrong, RulesDraft, RulesSeen, TemplateDraft, TemplateDrafted, Trial,
};
use crate::{House, Problem};
use axum::Json;
use axum::extract::Path;
use engine::command::{RULES_MAX, WantedRule};
use engine::explain::Question;
use engine::{Command, Engine, Now, Order};
use model::menu::Menu;
use model::rule::{Condition, Profile, Rule};
use model::template::Template;

/// Machines that are listed of those whose profile would change.
const LISTED_MAX: usize = 500;
/// Rules that the owner looks at for machines before he turns to others: some ten milliseconds.
const LOOKS: usize = 40_000;
/// Rules that are looked at for machines in one answer: a hundred rules for all of 100,000 machines.
const LOOKS_MAX: usize = 20_000_000;

impl From<Trial> for Question {
    fn from(trial: Trial) -> Self {
        let Trial { machine, arch, firmware, network } = trial;
        Self { machine, arch, firmware, network, stage: None, at: None }
    }
}

/// A machine that nobody has: its address is of those that are given locally (IEEE 802, bit 1).
fn somebody() -> Question {
    Question { machine: "02:00:00:00:00:01".to_owned(), ..Question::default() }
}

/// What a command would say.
fn dry(engine: &Engine, now: Now, command: Command) -> (Option<String>, Option<Problem>) {
    match engine.command(now, command) {
        Ok(decided) => (Some(decided.says), None),
        Err(refusal) => (None, Some(refusal.into())),
    }
}

pub async fn rules(
    State(house): State<House>,
    body::Json(draft): body::Json<RulesDraft>,
) -> Result<Json<RulesSeen>, Problem> {
    if draft.rules.len() > RULES_MAX {
        return Err(Problem::refused(format!("there are {RULES_MAX} rules at most")));
    }
    let (wanted, wrong) = read(draft.rules);
    let on = draft.on.map(Question::from);
    let (mut seen, rules) = ask(&house, move |engine, now| {
        let (rules, faults) = engine.meant_rules(wanted.clone());
        let mut seen = tried(engine, &rules, on);
        for fault in faults {
            let wrong =
                RuleWrong { condition: None, says: fault.refusal.why, hint: fault.refusal.hint };
            let at = seen.rules.get_mut(fault.place.saturating_sub(1));
            at.into_iter().for_each(|rule| rule.faults.push(wrong.clone()));
        }
        seen.says = dry(engine, now, Command::SetRules(wanted)).0;
        (seen, rules)
    })
    .await?;
    let listed = rules.clone();
    let hidden = blocking(move || engine::boot::unreached(&listed)).await?;
    for (rule, why) in seen.rules.iter_mut().zip(hidden) {
        rule.unreached = why;
    }
    for (at, wrong) in wrong {
        let Some(rule) = seen.rules.get_mut(at) else { continue };
        rule.faults.push(wrong);
        (rule.tried, rule.unreached) = (None, None);
    }
    match seen.rules.iter().all(|rule| rule.faults.is_empty()) {
        true => seen.changes = Some(changes(&house, rules).await?),
        false => seen.says = None,
    }
    Ok(Json(seen))
}

/// The conditions that can be read, and what is wrong with the others: the place of the rule from 0.
fn read(drafts: Vec<RuleDraft>) -> (Vec<WantedRule>, Vec<(usize, RuleWrong)>) {
    let mut wrong = Vec::new();
    let mut wanted = Vec::new();
    for (place, draft) in drafts.into_iter().enumerate() {
        let mut conditions: Vec<Condition> = Vec::new();
        for (at, text) in draft.conditions.iter().enumerate() {
            match text.parse::<crate::types::ConditionText>() {
                Ok(condition) => conditions.push(condition.0),
                // A label without a name is nobody's: what cannot be read matches nobody, and is like no other.
                Err(says) => {
                    conditions.push(Condition::Label(String::new(), place.to_string()));
                    wrong.push((place, RuleWrong { condition: Some(at), says, hint: None }));
                }
            }
        }
        wanted.push(WantedRule { id: draft.id, conditions, profile: draft.profile });
    }
    (wanted, wrong)
}

/// Each rule by itself, and what it does with a machine.
fn tried(engine: &Engine, rules: &[Rule], on: Option<Question>) -> RulesSeen {
    let mut seen = RulesSeen::default();
    let mut tried = Vec::new();
    match on.map(|question| engine.imagine(&question)) {
        Some(Ok(imagined)) => {
            seen.taken_as = Some(imagined.taken_as());
            tried = engine.try_rules(rules, &imagined.client);
        }
        Some(Err(refusal)) => seen.untried = Some(refusal.into()),
        None => {}
    }
    let mut tried = tried.into_iter();
    seen.rules = (1..)
        .zip(rules)
        .map(|(place, rule)| RuleSeen {
            place,
            id: rule.id,
            faults: Vec::new(),
            unreached: None,
            tried: tried.next().map(Into::into),
        })
        .collect();
    seen
}

/// Whose profile would change: the owner is asked for a slice at a time, so that machines that boot
/// meanwhile do not wait.
async fn changes(house: &House, rules: Vec<Rule>) -> Result<RuleChanges, Problem> {
    let mut changes = RuleChanges::default();
    let mut after = None;
    let mut looks = 0_usize;
    while looks < LOOKS_MAX {
        let rules = rules.clone();
        let (found, each) = ask(house, move |engine, _| {
            let each = rules.len().saturating_add(engine.rules().len()).max(1);
            (engine.shifts(&rules, after, (LOOKS / each).clamp(8, 4_000)), each)
        })
        .await?;
        looks = looks.saturating_add(found.looked.saturating_mul(each));
        changes.looked += found.looked;
        changes.count += found.all.len();
        let room = LISTED_MAX.saturating_sub(changes.machines.len());
        changes.machines.extend(found.all.into_iter().take(room).map(Into::into));
        after = found.next;
        changes.whole = after.is_none();
        if changes.whole {
            break;
        }
    }
    Ok(changes)
}

pub async fn profile(
    State(house): State<House>,
    Path(name): Path<String>,
    body::Json(draft): body::Json<ProfileDraft>,
) -> Result<Json<ProfileDrafted>, Problem> {
    let wish = draft.profile;
    let question = draft.on.map_or_else(somebody, Question::from);
    let (mut drafted, orders) = ask(&house, move |engine, now| {
        let old = engine.profiles().find(|profile| profile.name == name).cloned();
        let profile = wish.onto(&name, old).map_err(Problem::malformed)?;
        Ok::<_, Problem>(profile_seen(engine, now, profile, &question))
    })
    .await??;
    drafted.answers = blocking(move || orders.iter().map(answer).collect()).await?;
    Ok(Json(drafted))
}

fn profile_seen(
    engine: &Engine,
    now: Now,
    profile: Profile,
    question: &Question,
) -> (ProfileDrafted, Vec<Order>) {
    let seen = engine.preview_profile(&profile, question);
    let (says, refused) = dry(engine, now, Command::SetProfile(profile));
    let mut drafted = ProfileDrafted {
        refused,
        says,
        taken_as: None,
        untried: None,
        boot: None,
        cannot: None,
        settings: Vec::new(),
        answers: Vec::new(),
    };
    let seen = match seen {
        Ok(seen) => seen,
        Err(refusal) => {
            drafted.untried = Some(refusal.into());
            return (drafted, Vec::new());
        }
    };
    drafted.taken_as = Some(seen.taken_as);
    drafted.settings = seen.settings.into_iter().map(Into::into).collect();
    match seen.boot {
        Ok(boot) => {
            drafted.boot = Some(BootDrafted {
                title: boot.title,
                version: boot.version,
                kernel: boot.kernel,
                initrds: boot.initrds,
                args: boot.args,
                notes: boot.notes.iter().map(ToString::to_string).collect(),
                form: boot.form.to_owned(),
                script: boot.script,
            });
        }
        Err(why) => drafted.cannot = Some(why),
    }
    (drafted, seen.orders)
}

fn answer(order: &Order) -> AnswerDrafted {
    let (template, file) = (order.template.clone(), order.file.clone());
    match order.preview() {
        Ok(made) => {
            let rendered = Some(deploy::view(order, made));
            AnswerDrafted { template, file, rendered, wrong: None }
        }
        Err(error) => AnswerDrafted { template, file, rendered: None, wrong: Some(error.into()) },
    }
}

pub async fn template(
    State(house): State<House>,
    Path(name): Path<String>,
    body::Json(draft): body::Json<TemplateDraft>,
) -> Result<Json<TemplateDrafted>, Problem> {
    let TemplateDraft { format, text, machine, profile } = draft;
    let wanted = Template { format: super::templates::format(&name, format)?, name, text };
    let mut drafted = TemplateDrafted::default();
    let read = match engine::preview::read_template(&wanted) {
        Ok(read) => read,
        Err(error) => {
            drafted.wrong = Some(error.into());
            return Ok(Json(drafted));
        }
    };
    let (order, mut drafted) = ask(&house, move |engine, now| {
        (drafted.says, drafted.refused) = dry(engine, now, Command::SetTemplate(wanted));
        let order =
            machine.map(|machine| engine.preview_template(read, &machine, profile.as_deref()));
        let order = match order {
            Some(Ok((order, profile))) => {
                drafted.profile = profile;
                Some(order)
            }
            Some(Err(refusal)) => {
                drafted.untried = Some(refusal.into());
                None
            }
            None => None,
        };
        (order, drafted)
    })
    .await?;
    if let Some(order) = order {
        let AnswerDrafted { rendered, wrong, .. } = blocking(move || answer(&order)).await?;
        (drafted.rendered, drafted.wrong) = (rendered, wrong);
    }
    Ok(Json(drafted))
}

pub async fn menu(
    State(house): State<House>,
    body::Json(draft): body::Json<MenuDraft>,
) -> Result<Json<MenuDrawn>, Problem> {
    let crate::types::MenuWish { network, entries, default, password, no_password } = draft.menu;
    let mut question = draft.on.map_or_else(somebody, Question::from);
    question.network = question.network.or_else(|| network.clone());
    let drawn = ask(&house, move |engine, now| {
        let old = engine.menu(network.as_deref()).password;
        let password = if no_password { None } else { password.or(old) };
        let menu = Menu { entries, default, password };
        let seen = engine.preview_menu(now, menu.clone(), &question)?;
        let mut drawn = MenuDrawn::from(seen);
        (drawn.says, drawn.refused) = dry(engine, now, Command::SetMenu(network, menu));
        Ok::<_, engine::Refusal>(drawn)
    });
    Ok(Json(drawn.await??))
}
