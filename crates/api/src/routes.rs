//! What may be asked, and where: [`table`] lists it, with who may. [`crate::gate`] stands before each of
//! them, and the handlers find the asker in their [`House`].

mod audit;
pub mod backup;
mod boot;
mod boots;
mod config;
mod declared;
mod deployments;
mod dns;
mod findings;
mod first;
mod history;
mod images;
mod leases;
mod links;
pub(crate) mod machines;
pub(crate) mod metrics;
mod networks;
mod pages;
mod power;
mod preview;
mod quirks;
mod reports;
mod server;
pub(crate) mod session;
pub mod table;
mod templates;
mod tokens;
pub(crate) mod uploads;
mod users;
mod webhooks;

use crate::asker::Asker;
use crate::tags::Expects;
use crate::types::Done;
use crate::{House, Problem};
use axum::Router;
use axum::extract::{FromRef, FromRequestParts, Query};
use axum::http::request::Parts;
use engine::{Command, Engine, Now};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use site::SiteError;

/// All routes.
pub fn all(house: House) -> Router {
    table::router(table::table(), Rooms(house))
}

/// What the router holds. A handler gets a [`House`] from it by [`State`] alone, and so with the asker.
#[derive(Clone)]
pub struct Rooms(pub House);

/// The house, as whoever asks may use it.
pub struct State<T>(pub T);

impl FromRequestParts<Rooms> for State<House> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, rooms: &Rooms) -> Result<Self, Problem> {
        let asker = parts.extensions.get::<Asker>().cloned();
        // Only routes that are for everybody have none.
        let asker = asker.unwrap_or_else(Asker::nobody);
        let expects = parts.extensions.get::<Expects>().cloned().unwrap_or_default();
        Ok(Self(House { asker, expects, ..rooms.0.clone() }))
    }
}

impl FromRef<Rooms> for uploads::Desk {
    fn from_ref(rooms: &Rooms) -> Self {
        Self { blobs: std::sync::Arc::clone(&rooms.0.blobs), now: wall_clock }
    }
}

/// The moment of files, which outlive a run.
pub(crate) fn wall_clock() -> Now {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Now(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

async fn nowhere() -> Problem {
    Problem::missing("there is nothing at this address")
        .hint("the API is below /api/v1; perhaps the `bootwright` command is newer than the server")
}

/// A query whose every key is known.
pub(crate) struct Asked<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(e) => Err(Problem::malformed(e.body_text())),
        }
    }
}

/// `?dry_run=true`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dry {
    /// Only says what would change.
    #[serde(default)]
    dry_run: bool,
}

impl From<SiteError> for Problem {
    fn from(error: SiteError) -> Self {
        let problem = match &error {
            SiteError::Refused(refusal) => return refusal.clone().into(),
            SiteError::Stale => Self::stale(error.why()),
            _ => Self::failed(error.why()),
        };
        Self { hint: error.hint(), ..problem }
    }
}

/// Asks the owner, or says why there is no answer.
async fn ask<R: Send + 'static>(
    house: &House,
    question: impl FnOnce(&Engine, Now) -> R + Send + 'static,
) -> Result<R, Problem> {
    Ok(house.site.ask(question).await?)
}

/// Has a command carried out, or only said.
async fn command(house: &House, command: Command, dry_run: bool) -> Result<Done, Problem> {
    let (by, expects) = (house.asker.by.clone(), house.expects.take());
    let said = house.site.command_on(by, command, expects, dry_run).await?;
    Ok(Done { says: said.says, done: said.kept })
}
