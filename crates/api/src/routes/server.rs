//! The server itself: how it is, what happens, its configuration again.

use super::{Asked, Dry, State, ask, findings, images, links};
use crate::contract::shape::{Events, Said};
use crate::types::{Alive, Doctor, Done, Line, LoaderView, NetworkStatus, Status, Wrong};
use crate::{House, Problem, contract, streams};
use axum::Json;
use axum::http::HeaderMap;
use model::Transfers;
use model::access::Outcome;
use schemars::JsonSchema;
use serde::Deserialize;
use site::Act;
use std::sync::OnceLock;

pub async fn healthz() -> Json<Alive> {
    Json(Alive { status: "ok".to_owned() })
}

/// Whether the owner answers from its store.
pub async fn readyz(State(house): State<House>) -> Result<Json<Alive>, Problem> {
    ask(&house, |_, _| ()).await?;
    Ok(healthz().await)
}

/// What may be asked here, as OpenAPI.
pub async fn openapi() -> Json<serde_json::Value> {
    static DOCUMENT: OnceLock<serde_json::Value> = OnceLock::new();
    let document = DOCUMENT.get_or_init(|| contract::document(&super::table::table()));
    Json(document.clone())
}

pub async fn status(State(house): State<House>) -> Result<Json<Status>, Problem> {
    glance(&house).await.map(Json)
}

async fn glance(house: &House) -> Result<Status, Problem> {
    let counted = house.site.counted();
    let (state, config) = (house.state.clone(), house.config.clone());
    let (started, tls) = (house.started.to_string(), (house.tls)());
    ask(house, move |engine, now| {
        let settings = engine.settings();
        Status {
            server_name: settings.server_name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started,
            state,
            config,
            http_port: settings.http_port,
            tls,
            networks: settings.networks.iter().map(NetworkStatus::from).collect(),
            images: engine.images().count(),
            loaders: engine.loaders().count(),
            profiles: engine.profiles().count(),
            rules: engine.rules().len(),
            machines: engine.machines().count(),
            leases: engine.leases().filter(|lease| lease.holds(now)).count(),
            rogues: links::rogues(engine),
            dropped: counted.dropped,
            bugs: counted.bugs,
        }
    })
    .await
}

pub async fn doctor(State(house): State<House>) -> Result<Json<Doctor>, Problem> {
    let status = glance(&house).await?;
    let (loaders, images, unbootable, lost) = ask(&house, |engine, _| {
        let loaders: Vec<LoaderView> = engine.loaders().map(LoaderView::from).collect();
        let images: Vec<model::Image> = engine.images().cloned().collect();
        let without = engine.profiles().filter_map(|profile| {
            let why = match engine.image(&profile.image, profile.wanted()) {
                None => "its image is not there",
                Some(image) if !image.recipe.boots() => "its image has nothing to start",
                Some(_) => return None,
            };
            Some(format!("profile {}: {why} ({})", profile.name, profile.image))
        });
        (loaders, images, without.collect(), findings::lost_profiles(engine))
    })
    .await?;
    let blobs = house.blobs.clone();
    let (missing, free) = images::blocking(move || {
        let gone = |image: &model::Image| -> Vec<(String, Wrong)> {
            let (name, version) = (&image.name, image.version);
            let disc = image.disc.iter().filter(|disc| !blobs.contains(&disc.sha256));
            let disc = disc.map(|_| format!("{name} version {version}: its disc"));
            // The files of a disc are parts of one blob, which was looked for above.
            let whole = image.assets.iter().filter(|asset| asset.runs.is_none());
            let gone = whole.filter(|asset| !blobs.contains(&asset.sha256));
            let gone = gone.map(|asset| format!("{name} version {version}: {}", asset.path));
            let of = |what: String| {
                let wrong = findings::missing(image, &what);
                (what, wrong)
            };
            disc.chain(gone).map(of).collect()
        };
        let missing: (Vec<String>, Vec<Wrong>) = images.iter().flat_map(gone).unzip();
        (missing, blobs.free_space())
    })
    .await?;
    let (missing, bytes) = missing;
    let found = findings::Found { sockets: (house.findings)(), missing: bytes, lost };
    let mut doctor = Doctor {
        status,
        loaders,
        missing,
        unbootable,
        lost: found.lost.iter().map(|wrong| wrong.says.clone()).collect(),
        free,
        findings: found.sockets.iter().map(Wrong::to_string).collect(),
        wrong: Vec::new(),
    };
    doctor.wrong = findings::wrong(&doctor, found);
    Ok(Json(doctor))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// Those of this machine alone.
    machine: Option<String>,
    /// Those after the event with this id, as far as they are remembered, then all that follow. The header
    /// Last-Event-ID says the same.
    after: Option<String>,
    /// Also lines of machines' own logs; those of a machine that is named come anyway.
    #[serde(default)]
    syslog: bool,
    /// Each event also has `words`: the sentence that `bootwright watch` shows.
    #[serde(default)]
    words: bool,
}

pub async fn events(
    State(house): State<House>,
    Asked(watch): Asked<Watch>,
    headers: HeaderMap,
) -> Result<Said<Events<Line>>, Problem> {
    let machine = match watch.machine {
        None => None,
        // A machine that was never heard is watched for by its MAC.
        Some(named) => Some(super::machines::hardware(&house, named).await?),
    };
    let logs = watch.syslog || machine.is_some();
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let after = watch.after.or(last);
    Ok(streams::events(&house, streams::Wanted { machine, logs, after, words: watch.words }))
}

pub async fn transfers(State(house): State<House>) -> Json<Transfers> {
    Json((house.transfers)())
}

pub async fn reload(
    State(house): State<House>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    let done = (house.reload)(dry.dry_run).await?;
    if done.done {
        let (by, says) = (house.asker.by.clone(), done.says.clone());
        let (what, outcome) = ("reload".to_owned(), Outcome::Done);
        house.site.note(Act { by, what, target: None, outcome, says }).await?;
    }
    Ok(Json(done))
}
