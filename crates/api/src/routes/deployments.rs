//! Deployments: arming machines, and how far they are.

use super::{Asked, Dry, State, ask, command};
use crate::body;
use crate::doing::deploy;
use crate::doing::power::{self, Starting};
use crate::types::{
    BatchView, BatchWish, BootOnceWish, CodeWish, DeployWish, DeploymentView, Done, batch_number,
    deployment_number,
};
use crate::{House, Problem};
use axum::Json;
use axum::extract::Path;
use engine::Command;
use engine::command::DeployMany;
use model::menu::Choice;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Deployments of one listing.
const LISTED_MAX: usize = 1_000;
/// So many machines of a batch are installed at once, unless an operator says otherwise.
const AT_ONCE: u32 = 10;
/// After so many failures a batch pauses, unless an operator says otherwise.
const PAUSE_AFTER: u32 = 3;

/// `?machine=M&batch=b3&open=true`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    machine: Option<String>,
    batch: Option<String>,
    #[serde(default)]
    open: bool,
}

/// Who asks, as a deployment names him.
fn by(house: &House) -> String {
    house.asker.by.name.clone()
}

/// The newest that he sees, newest first.
pub async fn list(
    State(house): State<House>,
    Asked(which): Asked<Which>,
) -> Result<Json<Vec<DeploymentView>>, Problem> {
    let batch = which.batch.as_deref().map(|text| batch_number(text).ok_or_else(|| none(text)));
    let batch = batch.transpose()?;
    let machine = match which.machine {
        Some(named) => Some(super::machines::hardware(&house, named).await?),
        None => None,
    };
    let asker = house.asker.clone();
    let all = ask(&house, move |engine, _| {
        let sees = |of: &model::Deployment| {
            engine.machine_of(&of.machine).is_some_and(|machine| asker.sees(machine))
        };
        let wanted = |of: &&model::Deployment| {
            machine.is_none_or(|machine| of.machine == machine)
                && batch.is_none_or(|batch| of.batch == Some(batch))
                && !(which.open && of.is_over())
                && sees(of)
        };
        let found = engine.deployments().rev().filter(wanted).take(LISTED_MAX);
        found.map(|of| DeploymentView::new(engine, of)).collect()
    });
    all.await.map(Json)
}

fn none(text: &str) -> Problem {
    let shown = model::text::show(text.as_bytes());
    Problem::missing(format!("there is no deployment `{shown}`"))
        .hint("bootwright deployment list shows all")
}

pub async fn show(
    State(house): State<House>,
    Path(id): Path<String>,
) -> Result<Json<DeploymentView>, Problem> {
    let number = deployment_number(&id).ok_or_else(|| none(&id))?;
    let asker = house.asker.clone();
    let found = ask(&house, move |engine, _| {
        let sees = |of: &&model::Deployment| {
            engine.machine_of(&of.machine).is_some_and(|machine| asker.sees(machine))
        };
        engine.deployment(number).filter(sees).map(|of| DeploymentView::new(engine, of))
    });
    found.await?.map(Json).ok_or_else(|| none(&id))
}

pub async fn batches(State(house): State<House>) -> Result<Json<Vec<BatchView>>, Problem> {
    let all = ask(&house, |engine, _| {
        engine.batches().rev().map(|batch| BatchView::new(engine, batch, false)).collect()
    });
    all.await.map(Json)
}

pub async fn batch(
    State(house): State<House>,
    Path(id): Path<String>,
) -> Result<Json<BatchView>, Problem> {
    let number = batch_number(&id).ok_or_else(|| none(&id))?;
    let found = ask(&house, move |engine, _| {
        let batch = engine.batches().find(|batch| batch.id == number);
        batch.map(|batch| BatchView::new(engine, batch, true))
    });
    found.await?.map(Json).ok_or_else(|| none(&id))
}

pub async fn deploy(
    State(house): State<House>,
    Path(machine): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<DeployWish>,
) -> Result<Json<Done>, Problem> {
    let starting = starting(&house, wish.power, &machine).await?;
    let deploy = deploy::tried(&house.site, &machine, wish, by(&house)).await?;
    let armed = command(&house, Command::Deploy(machine, deploy), dry.dry_run).await?;
    with_power(&house, starting, armed).await
}

/// Looks whether the machine can be started, before it is armed.
async fn starting(house: &House, power: bool, machine: &str) -> Result<Option<Starting>, Problem> {
    match power {
        true => Starting::of(&house.site, machine).await.map(Some),
        false => Ok(None),
    }
}

async fn with_power(
    house: &House,
    starting: Option<Starting>,
    armed: Done,
) -> Result<Json<Done>, Problem> {
    match starting {
        Some(starting) => power::started(house, starting, armed).await.map(Json),
        None => Ok(Json(armed)),
    }
}

pub async fn deploy_many(
    State(house): State<House>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<BatchWish>,
) -> Result<Json<Done>, Problem> {
    let BatchWish { machines, deploy: wished, at_once, pause_after } = wish;
    // Each is tried: what one lacks is said before any of them is armed.
    let mut deploy = None;
    let mut secrets = std::collections::BTreeSet::new();
    for machine in &machines {
        // The machines of a batch are started as their turn comes.
        starting(&house, wished.power, machine).await?;
        let tried = deploy::tried(&house.site, machine, wished.clone(), by(&house)).await?;
        secrets.extend(tried.secrets.iter().cloned());
        deploy.get_or_insert(tried);
    }
    let Some(mut deploy) = deploy else {
        return Err(Problem::malformed("no machine was named"));
    };
    deploy.secrets = secrets.into_iter().collect();
    let many = DeployMany {
        machines,
        deploy,
        at_once: at_once.unwrap_or(AT_ONCE),
        pause_after: pause_after.unwrap_or(PAUSE_AFTER),
    };
    command(&house, Command::DeployMany(many), dry.dry_run).await.map(Json)
}

pub async fn boot_once(
    State(house): State<House>,
    Path(machine): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<BootOnceWish>,
) -> Result<Json<Done>, Problem> {
    let what = match (wish.profile, wish.image) {
        (Some(profile), None) => Choice::Profile(profile),
        (None, Some(image)) => Choice::Image(image),
        _ => return Err(Problem::malformed("say `profile` or `image`, and not both")),
    };
    let within = wish.within_s.map_or(deploy::WITHIN, Duration::from_secs);
    let seed = house.site.chance()?;
    let by = by(&house);
    let starting = starting(&house, wish.power, &machine).await?;
    let wanted = Command::BootOnce { machine, what, within, by, seed };
    let armed = command(&house, wanted, dry.dry_run).await?;
    with_power(&house, starting, armed).await
}

pub async fn cancel(
    State(house): State<House>,
    Path(machine): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    let by = by(&house);
    command(&house, Command::Cancel { machine, by }, dry.dry_run).await.map(Json)
}

pub async fn confirm(
    State(house): State<House>,
    Path(machine): Path<String>,
    body::Json(wish): body::Json<CodeWish>,
) -> Result<Json<Done>, Problem> {
    // No dry run: it would tell whether a code is right.
    command(&house, Command::Confirm { machine, code: wish.code }, false).await.map(Json)
}

pub async fn pause_batch(
    State(house): State<House>,
    Path(id): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    let number = batch_number(&id).ok_or_else(|| none(&id))?;
    command(&house, Command::PauseBatch(number, true), dry.dry_run).await.map(Json)
}

pub async fn resume_batch(
    State(house): State<House>,
    Path(id): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    let number = batch_number(&id).ok_or_else(|| none(&id))?;
    command(&house, Command::PauseBatch(number, false), dry.dry_run).await.map(Json)
}

pub async fn cancel_batch(
    State(house): State<House>,
    Path(id): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    let batch = batch_number(&id).ok_or_else(|| none(&id))?;
    let by = by(&house);
    command(&house, Command::CancelBatch { batch, by }, dry.dry_run).await.map(Json)
}
