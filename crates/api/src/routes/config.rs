//! The configuration file: shown, checked, written and put in force.

use super::{Asked, Dry, State};
use crate::doing::config as file;
use crate::types::{ConfigAnswer, ConfigView, ConfigWish, Network6Wish, NetworkWish};
use crate::{House, Problem, body};
use axum::Json;
use model::access::Outcome;
use site::Act;
use std::path::PathBuf;

fn path_of(house: &House) -> Result<PathBuf, Problem> {
    house.config.clone().ok_or_else(|| {
        Problem::refused("this server was started without a configuration file")
            .hint("start it with --config FILE")
    })
}

pub async fn show(State(house): State<House>) -> Result<Json<ConfigView>, Problem> {
    let path = match path_of(&house) {
        Ok(path) => path,
        Err(Problem { detail, hint, .. }) => {
            let (text, seen) = (String::new(), file::print(b""));
            let why = Some(detail);
            return Ok(Json(ConfigView { path: None, text, seen, writable: false, why, hint }));
        }
    };
    crate::doing::blocking(move || file::view(&path)).await?.map(Json)
}

/// Checks a text; unless that is all that is asked for, writes it and puts it in force. What cannot be put in force
/// is taken back.
pub async fn set(
    State(house): State<House>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<ConfigWish>,
) -> Result<Json<ConfigAnswer>, Problem> {
    let path = path_of(&house)?;
    let checked = house.settings.check(wish.text.clone()).await?;
    if dry.dry_run {
        return Ok(Json(checked));
    }
    if let Some(first) = checked.faults.first() {
        let (line, says) = (first.line, &first.says);
        let hint = first.hint.clone().unwrap_or_else(|| first.label.clone());
        return Err(Problem::unfit(format!("line {line}: {says}")).hint(hint));
    }
    let one = file::writing().await;
    let written = file::write(path.clone(), wish).await?;
    let done = match (house.reload)(false).await {
        Ok(done) => done,
        Err(problem) => {
            let taken_back = written.take_back().await;
            let hint = match taken_back {
                Ok(()) => "the file is as it was before".to_owned(),
                Err(e) => format!("and the file could not be written back: {}", e.sentence()),
            };
            return Err(problem.hint(hint));
        }
    };
    drop(one);
    let says = if done.says.is_empty() { checked.says } else { done.says };
    let act = Act {
        by: house.asker.by.clone(),
        what: "set-config".to_owned(),
        target: Some(path.display().to_string()),
        outcome: Outcome::Done,
        says: says.clone(),
    };
    house.site.note(act).await?;
    let seen = Some(written.seen);
    Ok(Json(ConfigAnswer { says, done: true, seen, ..checked }))
}

/// The file as it would be with this network in it; nothing is written.
pub async fn network(
    State(house): State<House>,
    body::Json(wish): body::Json<NetworkWish>,
) -> Result<Json<ConfigAnswer>, Problem> {
    with(&house, |text| house.settings.with_network(text, &wish)).await
}

/// The same with a network of IPv6.
pub async fn network6(
    State(house): State<House>,
    body::Json(wish): body::Json<Network6Wish>,
) -> Result<Json<ConfigAnswer>, Problem> {
    with(&house, |text| house.settings.with_network6(text, &wish)).await
}

/// What the file would be with something in it, judged.
async fn with(
    house: &House,
    written: impl FnOnce(&str) -> Result<String, Problem>,
) -> Result<Json<ConfigAnswer>, Problem> {
    let path = path_of(house)?;
    let ConfigView { text, seen, .. } = crate::doing::blocking(move || file::view(&path)).await??;
    let text = written(&text)?;
    let checked = house.settings.check(text.clone()).await?;
    Ok(Json(ConfigAnswer { text: Some(text), seen: Some(seen), ..checked }))
}
