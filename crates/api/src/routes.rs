//! What may be asked, and where. Every route here is for operators only; [`crate::peer`] has
//! judged the asker before any of them is reached.

mod boot;
mod declared;
mod images;
mod leases;
mod machines;
mod metrics;
mod server;
pub mod uploads;

use crate::types::Done;
use crate::{House, Problem};
use axum::Router;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::routing::{get, post, put};
use engine::{Command, Engine, Now};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use site::SiteError;

/// All routes.
pub fn all(house: House) -> Router {
    let desk = uploads::Desk { blobs: std::sync::Arc::clone(&house.blobs), now: wall_clock };
    let v1 = Router::new()
        .route("/healthz", get(server::healthz))
        .route("/status", get(server::status))
        .route("/doctor", get(server::doctor))
        .route("/events", get(server::events))
        .route("/transfers", get(server::transfers))
        .route("/reload", post(server::reload))
        .route("/images", get(images::list).post(images::import))
        .route("/images/{name}", get(images::show).delete(images::remove))
        .route("/images/{name}/verify", post(images::verify))
        .route("/images/{name}/audit", post(images::audit))
        .route("/images/{name}/promote", post(images::promote))
        .route("/images/{name}/rollback", post(images::rollback))
        .route("/scrub", post(images::scrub))
        .route("/loaders", get(images::loaders).post(images::import_loaders))
        .route("/loaders/{name}", get(images::loader))
        .route("/profiles", get(boot::profiles))
        .route(
            "/profiles/{name}",
            get(boot::profile).put(boot::set_profile).delete(boot::remove_profile),
        )
        .route("/rules", get(boot::rules).post(boot::add_rule))
        .route("/rules/test", get(boot::test_rules))
        .route("/rules/{id}", axum::routing::delete(boot::remove_rule))
        .route("/rules/{id}/move", post(boot::move_rule))
        .route("/menu", get(boot::menu).put(boot::set_menu))
        .route("/explain", get(boot::explain))
        .route("/apply", post(declared::apply))
        .route("/machines", get(machines::list).post(declared::add_machines))
        .route(
            "/machines/{machine}",
            get(machines::show).patch(machines::set).delete(machines::remove),
        )
        .route("/machines/{machine}/state", put(machines::set_life))
        .route("/machines/{machine}/options", axum::routing::patch(machines::set_options))
        .route("/leases", get(leases::list))
        .route("/leases/import", post(leases::import))
        .route("/leases/{lease}", get(leases::show_one).delete(leases::release))
        .route("/leases/{lease}/history", get(leases::history))
        .route("/reservations", get(leases::reservations).post(leases::reserve))
        .route("/reservations/{address}", axum::routing::delete(leases::unreserve))
        .merge(uploads::routes(desk));
    Router::new()
        .nest("/api/v1", v1)
        .route("/metrics", get(metrics::metrics))
        .fallback(nowhere)
        .with_state(house)
}

/// The moment of files, which outlive a run.
fn wall_clock() -> Now {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Now(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

async fn nowhere() -> Problem {
    Problem::missing("there is nothing at this address")
        .hint("the API is below /api/v1; perhaps the `bootwright` command is newer than the server")
}

/// A query whose every key is known.
struct Asked<T>(T);

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
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dry {
    #[serde(default)]
    dry_run: bool,
}

impl From<SiteError> for Problem {
    fn from(error: SiteError) -> Self {
        let problem = match &error {
            SiteError::Refused(refusal) => return refusal.clone().into(),
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
    let said = house.site.command(command, dry_run).await?;
    Ok(Done { says: said.says, done: said.kept })
}
