//! Images and bootloaders.

use super::{Asked, Dry, State, ask, command};
use crate::contract::shape::{Lines, Said};
use crate::doing::{self, imports};
use crate::types::{
    Done, ImageComparison, ImageView, ImportLine, ImportView, ImportWish, LoaderView, PathWish,
    PromoteWish, ScrubLine, Verified,
};
use crate::{House, Problem, body, streams};
use axum::Json;
use axum::extract::Path;
use engine::Command;
use model::Image;
use model::access::Role;
use model::image::{Channel, Wanted};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::mpsc;

/// Lines of an import that wait for a slow reader.
const LINES_MAX: usize = 16;

pub use doing::blocking;

/// `?version=N&dry_run=true`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    version: Option<u32>,
    #[serde(default)]
    dry_run: bool,
}

pub async fn list(State(house): State<House>) -> Result<Json<Vec<ImageView>>, Problem> {
    ask(&house, |engine, _| {
        engine.images().map(|image| ImageView::from(image).in_channels(engine)).collect()
    })
    .await
    .map(Json)
}

/// A version of an image and how it is shown; the newest if nothing is said.
async fn find(
    house: &House,
    name: String,
    version: Option<u32>,
) -> Result<(Image, ImageView), Problem> {
    let wanted = version.map_or(Wanted::Channel(Channel::Current), Wanted::Version);
    let found = ask(house, move |engine, _| {
        let view = |image: &Image| ImageView::with_assets(image).in_channels(engine);
        let image = engine.image(&name, wanted).map(|image| (image.clone(), view(image)));
        image.ok_or_else(|| {
            let shown = model::text::show(name.as_bytes());
            let what = match version {
                Some(version) => format!("there is no version {version} of an image `{shown}`"),
                None => format!("there is no image `{shown}`"),
            };
            Problem::missing(what).hint("bootwright image list shows all")
        })
    });
    found.await?
}

pub async fn show(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(which): Asked<Which>,
) -> Result<Json<ImageView>, Problem> {
    find(&house, name, which.version).await.map(|(_, view)| Json(view))
}

/// Looks at its EFI programs again: what firmware revokes, and the loaders of this server, may be
/// others now.
pub async fn audit(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(which): Asked<Which>,
) -> Result<Json<ImageView>, Problem> {
    let (image, mut view) = find(&house, name, which.version).await?;
    let said = doing::audit(&house, &image).await?;
    if said != image.secure_boot {
        let again = Command::SetSecureBoot(image.name, image.version, said.clone());
        command(&house, again, which.dry_run).await?;
    }
    view.secure_boot = said;
    Ok(Json(view))
}

/// Lets a channel show a version.
pub async fn promote(
    State(house): State<House>,
    Path(image): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<PromoteWish>,
) -> Result<Json<Done>, Problem> {
    let PromoteWish { version, to } = wish;
    command(&house, Command::Promote { image, version, to }, dry.dry_run).await.map(Json)
}

/// Lets `stable` show what it showed before.
pub async fn rollback(
    State(house): State<House>,
    Path(image): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    command(&house, Command::Rollback(image), dry.dry_run).await.map(Json)
}

pub async fn verify(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(which): Asked<Which>,
) -> Result<Json<Verified>, Problem> {
    let (image, _) = find(&house, name, which.version).await?;
    doing::verify(&house, image).await.map(Json)
}

pub async fn remove(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(which): Asked<Which>,
) -> Result<Json<Done>, Problem> {
    let done = command(&house, Command::RemoveImage(name, which.version), which.dry_run).await?;
    if done.done {
        doing::sweep(&house).await?;
    }
    Ok(Json(done))
}

/// `?from=N&to=N`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Two {
    /// The version to compare with.
    from: u32,
    /// The version that is compared; the newest if nothing is said.
    to: Option<u32>,
}

pub async fn compare(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(two): Asked<Two>,
) -> Result<Json<ImageComparison>, Problem> {
    let (from, _) = find(&house, name.clone(), Some(two.from)).await?;
    let (to, _) = find(&house, name, two.to).await?;
    // A hundred thousand files take a while.
    let compared = blocking(move || ImageComparison::of(&from, &to)).await?;
    Ok(Json(compared))
}

/// An import, as whoever asks may wish it.
fn wanted(house: &House, wish: ImportWish, dry: &Dry) -> Result<doing::Wanted, Problem> {
    let local = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.contains("://"));
    let of_host = [&wish.trust.checksums, &wish.trust.signature].into_iter().any(local)
        || wish.trust.keyring.as_ref().is_some_and(|keyring| keyring.contains('/'))
        || wish.path.is_some();
    // Whoever names a file of this host could publish any of them.
    if of_host && house.asker.rights.role < Role::Admin {
        return Err(Problem::forbidden("only an admin may import files of the server's own host")
            .hint("upload the file, or name a URL"));
    }
    Ok(doing::Wanted { wish, dry_run: dry.dry_run })
}

/// Imports for whoever listens: it stops when he goes.
pub async fn import(
    State(house): State<House>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<ImportWish>,
) -> Result<Said<Lines<ImportLine>>, Problem> {
    let wanted = wanted(&house, wish, &dry)?;
    let (tell, lines) = mpsc::channel(LINES_MAX);
    imports::begin(&house, wanted, Some(tell)).await?;
    Ok(streams::lines(lines))
}

/// Begins an import that goes on by itself.
pub async fn begin_import(
    State(house): State<House>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<ImportWish>,
) -> Result<Json<ImportView>, Problem> {
    let wanted = wanted(&house, wish, &dry)?;
    imports::begin(&house, wanted, None).await.map(Json)
}

pub async fn imports(State(house): State<House>) -> Json<Vec<ImportView>> {
    Json(house.imports.list())
}

pub async fn show_import(
    State(house): State<House>,
    Path(id): Path<String>,
) -> Result<Json<ImportView>, Problem> {
    house.imports.show(&id).map(Json)
}

/// Stops an import that runs; forgets one that has ended.
pub async fn end_import(
    State(house): State<House>,
    Path(id): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    let import = house.imports.show(&id)?;
    let says = match import.is_running() {
        true => format!("the import of {} stops; nothing of it is published", import.name),
        false => format!("the import of {} is not listed any more", import.name),
    };
    if !dry.dry_run {
        house.imports.remove(&id)?;
    }
    Ok(Json(Done { says, done: !dry.dry_run }))
}

/// `?bytes_per_s=N`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    #[serde(default = "usual_pace")]
    bytes_per_s: u64,
}

fn usual_pace() -> u64 {
    library::scrub::RATE
}

pub async fn scrub(State(house): State<House>, Asked(pace): Asked<Pace>) -> Said<Lines<ScrubLine>> {
    let (tell, lines) = mpsc::channel(LINES_MAX);
    tokio::spawn(doing::scrub_telling(house, pace.bytes_per_s, tell));
    streams::lines(lines)
}

pub async fn loaders(State(house): State<House>) -> Result<Json<Vec<LoaderView>>, Problem> {
    ask(&house, |engine, _| engine.loaders().map(LoaderView::from).collect()).await.map(Json)
}

pub async fn loader(
    State(house): State<House>,
    Path(name): Path<String>,
) -> Result<Json<LoaderView>, Problem> {
    let found = ask(&house, move |engine, _| {
        engine.loaders().find(|l| l.name == name).map(LoaderView::from).ok_or_else(|| {
            let shown = model::text::show(name.as_bytes());
            Problem::missing(format!("there is no bootloader `{shown}`"))
                .hint("bootwright bootloader list shows all")
        })
    });
    found.await?.map(Json)
}

pub async fn import_loaders(
    State(house): State<House>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<PathWish>,
) -> Result<Json<Done>, Problem> {
    // A task of its own: it is done to its end, and holds off sweeping, even when who asked is gone.
    let task = tokio::spawn(async move {
        let _adding = house.sweeping.read().await;
        let found = doing::blocking(move || library::loaders::import(&wish.path)).await?;
        let found = found.map_err(|e| Problem::refused(e.to_string()))?;
        doing::publish(&house.site, &house.blobs, found, &house.asker.by, dry.dry_run).await
    });
    let says = task
        .await
        .map_err(|e| Problem::failed(format!("a bug in the server stopped this request: {e}")))??;
    let done = !dry.dry_run;
    Ok(Json(Done {
        says: if says.is_empty() {
            "every bootloader in it is there already".to_owned()
        } else {
            says.join("\n")
        },
        done,
    }))
}
