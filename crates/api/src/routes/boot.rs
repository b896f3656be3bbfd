//! Who boots what: profiles, rules, the menu, and why.

use super::{Asked, Dry, State, ask, command, machines};
use crate::body;
use crate::types::{
    Done, Explained, MenuView, MenuWish, MoveWish, ProfileView, ProfileWish, RuleTest, RuleView,
    RuleWish, RulesWish,
};
use crate::{House, Problem};
use axum::Json;
use axum::extract::Path;
use engine::command::WantedRule;
use engine::explain::Question;
use engine::{Command, Engine};
use model::menu::Menu;
use model::plan::Reason;
use model::rule::Profile;
use schemars::JsonSchema;
use serde::Deserialize;
use std::str::FromStr;

fn profile_view(engine: &Engine, profile: &Profile) -> ProfileView {
    let rules = engine.rules().iter().filter(|rule| rule.profile == profile.name);
    let own = engine.machines().filter(|m| m.profile.as_ref() == Some(&profile.name));
    ProfileView {
        name: profile.name.clone(),
        image: profile.image.clone(),
        version: profile.version,
        channel: profile.channel,
        args: profile.args.clone(),
        template: profile.template.clone(),
        settings: profile.settings.clone(),
        rules: rules.map(|rule| rule.id).collect(),
        machines: own.map(|machine| machine.shown()).collect(),
    }
}

pub async fn profiles(State(house): State<House>) -> Result<Json<Vec<ProfileView>>, Problem> {
    let all = ask(&house, |engine, _| {
        engine.profiles().map(|profile| profile_view(engine, profile)).collect()
    });
    all.await.map(Json)
}

pub async fn profile(
    State(house): State<House>,
    Path(name): Path<String>,
) -> Result<Json<ProfileView>, Problem> {
    let found = ask(&house, move |engine, _| {
        let mut all = engine.profiles();
        let profile = all.find(|p| p.name == name).map(|p| profile_view(engine, p));
        profile.ok_or_else(|| no_profile(&name))
    });
    found.await?.map(Json)
}

fn no_profile(name: &str) -> Problem {
    Problem::missing(format!("there is no profile `{}`", model::text::show(name.as_bytes())))
        .hint("bootwright profile list shows all")
}

pub async fn set_profile(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<ProfileWish>,
) -> Result<Json<Done>, Problem> {
    let old = {
        let name = name.clone();
        ask(&house, move |engine, _| engine.profiles().find(|p| p.name == name).cloned()).await?
    };
    match (wish.new, &old) {
        (Some(true), Some(_)) => {
            let what = format!("there is a profile {name} already");
            let hint = format!("change it: bootwright profile set {name} ...");
            return Err(Problem::refused(what).hint(hint));
        }
        (Some(false), None) => return Err(no_profile(&name)),
        _ => {}
    }
    let profile = wish.onto(&name, old).map_err(Problem::malformed)?;
    command(&house, Command::SetProfile(profile), dry.dry_run).await.map(Json)
}

pub async fn remove_profile(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    command(&house, Command::RemoveProfile(name), dry.dry_run).await.map(Json)
}

pub async fn rules(State(house): State<House>) -> Result<Json<Vec<RuleView>>, Problem> {
    ask(&house, |engine, _| RuleView::all(engine.rules())).await.map(Json)
}

pub async fn add_rule(
    State(house): State<House>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<RuleWish>,
) -> Result<Json<Done>, Problem> {
    let conditions = wish.conditions.into_iter().map(|condition| condition.0).collect();
    let wanted = Command::AddRule { conditions, profile: wish.profile };
    command(&house, wanted, dry.dry_run).await.map(Json)
}

pub async fn set_rules(
    State(house): State<House>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<RulesWish>,
) -> Result<Json<Done>, Problem> {
    let wanted = wish.rules.into_iter().map(|rule| WantedRule {
        id: rule.id,
        conditions: rule.conditions.into_iter().map(|condition| condition.0).collect(),
        profile: rule.profile,
    });
    command(&house, Command::SetRules(wanted.collect()), dry.dry_run).await.map(Json)
}

fn number(text: &str) -> Result<u32, Problem> {
    u32::from_str(text).map_err(|_| {
        let shown = model::text::show(text.as_bytes());
        Problem::malformed(format!("`{shown}` is no number of a rule"))
    })
}

pub async fn move_rule(
    State(house): State<House>,
    Path(id): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<MoveWish>,
) -> Result<Json<Done>, Problem> {
    let wanted = Command::MoveRule { id: number(&id)?, to: wish.to };
    command(&house, wanted, dry.dry_run).await.map(Json)
}

pub async fn remove_rule(
    State(house): State<House>,
    Path(id): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    command(&house, Command::RemoveRule(number(&id)?), dry.dry_run).await.map(Json)
}

/// `?machine=M&arch=A&firmware=F&stage=S&network=N&at=2026-11-22T20:17:05Z`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhoAsked {
    machine: String,
    arch: Option<String>,
    firmware: Option<String>,
    stage: Option<String>,
    network: Option<String>,
    /// RFC 3339 in UTC, whole seconds: the moment of the boot, instead of now.
    at: Option<String>,
}

impl WhoAsked {
    fn question(self) -> Result<Question, Problem> {
        fn read<T: FromStr<Err = String>>(text: Option<String>) -> Result<Option<T>, Problem> {
            text.map(|text| text.parse().map_err(Problem::malformed)).transpose()
        }
        Ok(Question {
            machine: self.machine,
            arch: read(self.arch)?,
            firmware: read(self.firmware)?,
            stage: self.stage,
            network: self.network,
            at: read(self.at)?,
        })
    }
}

pub async fn test_rules(
    State(house): State<House>,
    Asked(who): Asked<WhoAsked>,
) -> Result<Json<RuleTest>, Problem> {
    let question = who.question()?;
    let explained = ask(&house, move |engine, now| engine.explain(now, &question)).await??;
    let about_rules = |reason: &&Reason| !matches!(reason, Reason::Loader { .. });
    Ok(Json(RuleTest {
        machine: explained.machine.to_string(),
        taken_as: explained.taken_as,
        decision: explained.plan.decision.summary(),
        reasons: explained
            .plan
            .reasons
            .iter()
            .filter(about_rules)
            .map(ToString::to_string)
            .collect(),
    }))
}

pub async fn explain(
    State(house): State<House>,
    Asked(who): Asked<WhoAsked>,
) -> Result<Json<Explained>, Problem> {
    let question = who.question()?;
    let (explanation, known, now) = ask(&house, move |engine, now| {
        let explanation = engine.explain(now, &question)?;
        let known = engine.machines().find(|m| m.hardware == explanation.machine);
        let known = known.map(|m| machines::view(engine, m, now));
        Ok::<_, engine::Refusal>((explanation, known, now))
    })
    .await??;
    let recent = house.site.recent(&explanation.machine);
    let recent = recent.iter().map(|event| event.as_ref().clone()).collect();
    Ok(Json(Explained::new(explanation, known, recent, now)))
}

/// `?network=IF`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhoseMenu {
    network: Option<String>,
}

pub async fn menu(
    State(house): State<House>,
    Asked(whose): Asked<WhoseMenu>,
) -> Result<Json<MenuView>, Problem> {
    let network = whose.network;
    let found = ask(&house, move |engine, _| {
        let Menu { entries, default, password } = engine.menu(network.as_deref());
        MenuView { network, entries, default, password_set: password.is_some() }
    });
    found.await.map(Json)
}

/// `?dry_run=true&network=IF`: `If-Match` compares the menu of that network.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetMenu {
    /// Only says what would change.
    #[serde(default)]
    dry_run: bool,
    /// Whose menu; the same as in the body.
    network: Option<String>,
}

pub async fn set_menu(
    State(house): State<House>,
    Asked(whose): Asked<SetMenu>,
    body::Json(wish): body::Json<MenuWish>,
) -> Result<Json<Done>, Problem> {
    let MenuWish { network, entries, default, password, no_password } = wish;
    if whose.network.is_some() && whose.network != network {
        let says = "the address names another network's menu than the request does";
        return Err(Problem::malformed(says));
    }
    let of = network.clone();
    let old = ask(&house, move |engine, _| engine.menu(of.as_deref()).password).await?;
    let password = if no_password { None } else { password.or(old) };
    let menu = Menu { entries, default, password };
    command(&house, Command::SetMenu(network, menu), whose.dry_run).await.map(Json)
}
