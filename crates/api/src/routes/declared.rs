//! Documents that declare what is to be, and many machines at once.

use super::{Asked, State, command};
use crate::body;
use crate::types::{Applied, ApplyWish, MachinesWish};
use crate::{House, Problem};
use axum::Json;
use engine::Command;
use schemars::JsonSchema;
use serde::Deserialize;

/// `?dry_run=true&prune=true`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct How {
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    prune: bool,
}

pub async fn apply(
    State(house): State<House>,
    Asked(how): Asked<How>,
    body::Large(wish): body::Large<ApplyWish>,
) -> Result<Json<Applied>, Problem> {
    let wanted = Command::Apply(wish.into(), how.prune);
    let done = command(&house, wanted, how.dry_run).await?;
    Ok(Json(done.into()))
}

pub async fn add_machines(
    State(house): State<House>,
    Asked(dry): Asked<super::Dry>,
    body::Large(wish): body::Large<MachinesWish>,
) -> Result<Json<Applied>, Problem> {
    let wanted = Command::AddMachines(wish.machines);
    let done = command(&house, wanted, dry.dry_run).await?;
    Ok(Json(done.into()))
}
