//! Templates and secrets.

use super::{Asked, Dry, State, ask, command};
use crate::body;
use crate::doing::{blocking, deploy};
use crate::types::{Done, RenderedView, SecretView, SecretWish, TemplateView, TemplateWish};
use crate::{House, Problem};
use axum::Json;
use axum::extract::Path;
use engine::{Command, Engine};
use model::template::Template;
use schemars::JsonSchema;
use serde::Deserialize;

fn view(engine: &Engine, template: &engine::deploy::Template, text: bool) -> TemplateView {
    let name = template.name();
    let uses = |p: &&model::rule::Profile| {
        let stem = name.rsplit_once('.').map(|(stem, _)| stem);
        p.template.is_some() && p.template.as_deref() == stem
    };
    TemplateView {
        name: name.to_owned(),
        format: template.format().to_string(),
        ours: engine.is_ours(name),
        size: template.text().len(),
        profiles: engine.profiles().filter(uses).map(|profile| profile.name.clone()).collect(),
        text: text.then(|| template.text().to_owned()),
    }
}

fn no_template(name: &str) -> Problem {
    Problem::missing(format!("there is no template `{}`", model::text::show(name.as_bytes())))
        .hint("bootwright template list shows all")
}

pub async fn list(State(house): State<House>) -> Result<Json<Vec<TemplateView>>, Problem> {
    let all = ask(&house, |engine, _| {
        engine.templates().iter().map(|template| view(engine, template, false)).collect()
    });
    all.await.map(Json)
}

pub async fn show(
    State(house): State<House>,
    Path(name): Path<String>,
) -> Result<Json<TemplateView>, Problem> {
    let found = ask(&house, move |engine, _| {
        let found = engine.templates().iter().find(|template| template.name() == name);
        found.map(|template| view(engine, template, true)).ok_or_else(|| no_template(&name))
    });
    found.await?.map(Json)
}

pub async fn set(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<TemplateWish>,
) -> Result<Json<Done>, Problem> {
    let format = format(&name, wish.format)?;
    let wanted = Command::SetTemplate(Template { name, format, text: wish.text });
    command(&house, wanted, dry.dry_run).await.map(Json)
}

/// What a template makes: as it is said, or as its name ends.
pub(super) fn format(name: &str, said: Option<String>) -> Result<String, Problem> {
    let ending = || name.rsplit_once('.').map(|(_, ending)| ending.to_owned());
    said.or_else(ending).ok_or_else(|| {
        let shown = model::text::show(name.as_bytes());
        Problem::malformed(format!("what does template `{shown}` make?"))
            .hint("let its name end with the format, like debian.preseed, or say --format")
    })
}

pub async fn remove(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    command(&house, Command::RemoveTemplate(name), dry.dry_run).await.map(Json)
}

/// `?machine=M`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct For {
    machine: String,
}

pub async fn render(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(whom): Asked<For>,
) -> Result<Json<RenderedView>, Problem> {
    let order = ask(&house, move |engine, _| engine.preview_one(&whom.machine, &name)).await??;
    blocking(move || deploy::rendered(&order)).await?.map(Json)
}

pub async fn secrets(State(house): State<House>) -> Result<Json<Vec<SecretView>>, Problem> {
    let all = ask(&house, |engine, _| {
        engine.secrets().map(|name| SecretView { name: name.to_owned(), set: true }).collect()
    });
    all.await.map(Json)
}

/// A secret may have so many bytes.
const SECRET_BYTES_MAX: usize = 16 * 1024;

pub async fn set_secret(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<SecretWish>,
) -> Result<Json<Done>, Problem> {
    if wish.value.is_empty() || wish.value.len() > SECRET_BYTES_MAX {
        return Err(Problem::malformed(format!("a secret has 1 to {SECRET_BYTES_MAX} bytes")));
    }
    let sealed = house.site.seal(&name, &wish.value)?;
    command(&house, Command::SetSecret(name, sealed), dry.dry_run).await.map(Json)
}

pub async fn remove_secret(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    command(&house, Command::RemoveSecret(name), dry.dry_run).await.map(Json)
}
