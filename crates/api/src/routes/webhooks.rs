//! Webhooks.

use super::{Asked, Dry, State, ask, command};
use crate::types::{DeliveryView, Done, WebhookChange, WebhookDone, WebhookView, WebhookWish};
use crate::{House, Problem, body, webhooks};
use axum::Json;
use axum::extract::Path;
use engine::Command;
use engine::command::WebhookNews;
use fetch::{Place, PostError};
use model::Webhook;
use model::text::show;
use model::webhook::{Filter, SigningKey};

pub async fn list(State(house): State<House>) -> Result<Json<Vec<WebhookView>>, Problem> {
    let all: Vec<Webhook> = ask(&house, |engine, _| engine.webhooks().cloned().collect()).await?;
    Ok(Json(all.iter().map(|hook| house.webhooks.view(hook)).collect()))
}

pub async fn show_one(
    State(house): State<House>,
    Path(name): Path<String>,
) -> Result<Json<WebhookView>, Problem> {
    let hook = find(&house, name).await?;
    Ok(Json(house.webhooks.view(&hook)))
}

async fn find(house: &House, name: String) -> Result<Webhook, Problem> {
    let found = ask(house, move |engine, _| {
        let hook = engine.webhooks().find(|hook| hook.name == name).cloned();
        hook.ok_or_else(|| {
            Problem::missing(format!("there is no webhook `{}`", show(name.as_bytes())))
                .hint("`bootwright webhook list` shows what there is")
        })
    });
    found.await?
}

pub async fn add(
    State(house): State<House>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<WebhookWish>,
) -> Result<Json<WebhookDone>, Problem> {
    let WebhookWish { name, url, events, allow_private } = wish;
    check(&url, allow_private)?;
    let key = new_key()?;
    let events = events.into_iter().map(Filter::from).collect();
    let secret = key.reveal().to_owned();
    let hook = Webhook { name, url, events, enabled: true, allow_private, key };
    let done = command(&house, Command::AddWebhook(hook), dry.dry_run).await?;
    Ok(Json(with_secret(done, Some(secret))))
}

pub async fn set(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<WebhookChange>,
) -> Result<Json<WebhookDone>, Problem> {
    let WebhookChange { url, events, enabled, allow_private, new_secret } = wish;
    if let Some(url) = &url {
        let now = find(&house, name.clone()).await?;
        check(url, allow_private.unwrap_or(now.allow_private))?;
    }
    let key = if new_secret { Some(new_key()?) } else { None };
    let secret = key.as_ref().map(|key| key.reveal().to_owned());
    let events = events.map(|all| all.into_iter().map(Filter::from).collect());
    let news = WebhookNews { url, events, enabled, allow_private, key };
    let done = command(&house, Command::SetWebhook { name, news }, dry.dry_run).await?;
    Ok(Json(with_secret(done, secret)))
}

pub async fn remove(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    command(&house, Command::RemoveWebhook(name), dry.dry_run).await.map(Json)
}

/// Sends a `ping` now, and says what came back.
pub async fn test(
    State(house): State<House>,
    Path(name): Path<String>,
) -> Result<Json<DeliveryView>, Problem> {
    let hook = find(&house, name).await?;
    Ok(Json(house.webhooks.test(&hook).await))
}

pub async fn deliveries(
    State(house): State<House>,
    Path(name): Path<String>,
) -> Result<Json<Vec<DeliveryView>>, Problem> {
    let hook = find(&house, name).await?;
    Ok(Json(house.webhooks.deliveries(&hook.name)))
}

/// A dry run has made nothing that could be signed with.
fn with_secret(done: Done, secret: Option<String>) -> WebhookDone {
    WebhookDone { says: done.says, done: done.done, secret: secret.filter(|_| done.done) }
}

fn new_key() -> Result<SigningKey, Problem> {
    let mut chance = zeroize::Zeroizing::new([0; SigningKey::BYTES]);
    getrandom::fill(chance.as_mut_slice())
        .map_err(|e| Problem::failed(format!("no secret can be made: {e}")))?;
    Ok(SigningKey::new(&chance))
}

/// Refuses what can never be sent to, while the operator is still there to hear of it.
fn check(url: &str, allow_private: bool) -> Result<(), Problem> {
    let place = Place::read(url).map_err(|why| Problem::refused(why.to_string()))?;
    match fetch::refused_at_once(&place, allow_private) {
        None => Ok(()),
        Some(why @ PostError::NotPublic { may_be_allowed: true, .. }) => {
            Err(Problem::refused(why.to_string()).hint(webhooks::ALLOW_PRIVATE))
        }
        Some(why) => Err(Problem::refused(why.to_string())),
    }
}
