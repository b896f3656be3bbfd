//! Quirks of firmware: the database, what machines have of it, and firmware that nobody has filed.

use super::{Asked, Dry, State, ask, command};
use crate::types::{Done, QuirkView, QuirksWish};
use crate::{House, Problem, body};
use axum::Json;
use axum::extract::Path;
use engine::{Command, Unfiled, quirks};

pub async fn list() -> Json<Vec<QuirkView>> {
    Json(quirks::all().iter().map(QuirkView::of).collect())
}

pub async fn show(Path(name): Path<String>) -> Result<Json<QuirkView>, Problem> {
    let found = quirks::named(&name);
    found.map(|quirk| Json(QuirkView::of(quirk))).map_err(|unknown| {
        let shown = model::text::show(name.as_bytes());
        Problem::missing(format!("no quirk is called `{shown}`")).hint(match unknown.nearest {
            Some(nearest) => format!("did you mean {nearest}?"),
            None => "`bootwright quirk list` shows all".to_owned(),
        })
    })
}

/// Firmware that booted here since the server began and that looks like none we know.
pub async fn fingerprints(State(house): State<House>) -> Result<Json<Vec<Unfiled>>, Problem> {
    ask(&house, |engine, _| engine.unfiled().collect()).await.map(Json)
}

pub async fn set(
    State(house): State<House>,
    Path(machine): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<QuirksWish>,
) -> Result<Json<Done>, Problem> {
    let wanted = Command::SetQuirks(machine, wish.quirks);
    command(&house, wanted, dry.dry_run).await.map(Json)
}
