//! An import: files become blobs, blobs become an image, it is believed for a reason, and published.

use super::provenance::Keyrings;
use super::source::Source;
use super::{blocking, provenance};
use crate::types::{ImageView, ImportLine, ImportWish};
use crate::{House, Problem};
use engine::Command;
use library::import::{ImportError, Progress, Said, Wish, check_name};
use model::Change;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// At most so often a line of progress.
const PACE: Duration = Duration::from_millis(100);

/// What is to be imported.
#[derive(Debug)]
pub struct Wanted {
    /// From where, as which image.
    pub wish: ImportWish,
    /// Who asks.
    pub operator: String,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// Imports and tells how far it is. Stops when nobody listens any more.
pub async fn import(house: House, wanted: Wanted, tell: mpsc::Sender<ImportLine>) {
    let line = match run(&house, wanted, &tell).await {
        Ok(done) => done,
        Err(problem) => ImportLine::Failed(problem),
    };
    // Whoever asked may be gone; what was published stays.
    let _ = tell.send(line).await;
}

async fn run(
    house: &House,
    wanted: Wanted,
    tell: &mpsc::Sender<ImportLine>,
) -> Result<ImportLine, Problem> {
    let Wanted { wish, operator, dry_run } = wanted;
    check_name(&wish.name).map_err(|e| problem(&e))?;
    // First what costs nothing: a keyring that is not there is said before gigabytes are fetched.
    let (named, state) = (wish.trust.keyring.clone(), house.state.clone());
    let keyrings = blocking(move || Keyrings::read(named.as_deref(), &state)).await??;
    let source = Source::of(house, &wish, tell).await?;

    // Until the image is published nothing names its blobs, so nobody may sweep.
    let adding = house.sweeping.read().await;
    let (now, blobs, teller) = (house.site.now(), house.blobs.clone(), tell.clone());
    let (path, shown, named) = (source.path.clone(), source.shown.clone(), wish.clone());
    let image = blocking(move || {
        let mut paced = Paced::new(teller);
        let said = said(&named);
        let wish = Wish { path: &path, name: &named.name, source: Some(&shown), now, said: &said };
        library::import::import(&wish, &blobs, &mut |progress| paced.tell(&progress))
    });
    let mut image = image.await?.map_err(|e| problem(&e))?;
    let brought = source.brought(&image);
    let asked = (operator.as_str(), now);
    image.trust = provenance::judge(&brought, &wish.trust, &keyrings, asked).await?;
    image.notes.extend(keyrings.notes);
    image.secure_boot = super::audit(house, &image).await?;
    if tell.is_closed() {
        return Err(Problem::refused("the import was cancelled; nothing was published"));
    }

    let command = Command::PublishImage(image.clone());
    let said = house.site.command(command, dry_run).await?;
    drop(adding);
    if dry_run {
        // The bytes were needed to know what the files are; nothing names them now.
        super::sweep(house).await?;
    } else {
        source.done_with().await?;
    }
    let published = said.changes.iter().find_map(|change| match change {
        Change::Image(image) => Some(image),
        _ => None,
    });
    let image = published.unwrap_or(&image).clone();
    let shown = house.site.ask(move |engine, _| ImageView::from(&image).in_channels(engine));
    Ok(ImportLine::Done { image: Box::new(shown.await?), says: said.says })
}

fn said(wish: &ImportWish) -> Said {
    Said {
        title: wish.title.clone(),
        kernel: wish.kernel.clone(),
        initrds: wish.initrds.clone(),
        args: wish.args.clone(),
        archs: wish.archs.clone(),
    }
}

/// Lines of progress, not more often than somebody can read them.
pub(super) struct Paced {
    tell: mpsc::Sender<ImportLine>,
    last: Option<Instant>,
}

impl Paced {
    pub(super) fn new(tell: mpsc::Sender<ImportLine>) -> Self {
        Self { tell, last: None }
    }

    /// `false` when nobody listens any more.
    pub(super) fn tell(&mut self, progress: &Progress<'_>) -> bool {
        let due = self.last.is_none_or(|last| last.elapsed() >= PACE);
        if due {
            self.last = Some(Instant::now());
            let Progress { done, total, file } = *progress;
            // A full queue means a slow reader: this line is not worth waiting for.
            let _ = self.tell.try_send(ImportLine::Progress { done, total, file: file.to_owned() });
        }
        !self.tell.is_closed()
    }
}

fn problem(error: &ImportError) -> Problem {
    let text = error.to_string();
    // The library says what to do after the last semicolon.
    match text.rsplit_once("; ") {
        Some((what, hint)) => Problem::refused(what).hint(hint),
        None => Problem::refused(text),
    }
}
