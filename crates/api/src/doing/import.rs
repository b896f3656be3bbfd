//! An import: files become blobs, blobs become an image, it is believed for a reason, and published.

use super::provenance::{Evidence, Keyrings, Refusal};
use super::source::Source;
use super::{blocking, provenance};
use crate::types::{ImageView, ImportLine, ImportWish};
use crate::{House, Problem};
use engine::Command;
use library::import::{ImportError, Progress, Said, Wish, check_name};
use model::{Change, Channel, Image};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// At most so often a line of progress.
const PACE: Duration = Duration::from_millis(100);

/// How long what waits for others goes on when nobody listens any more.
const GONE_WAIT: Duration = Duration::from_secs(2);

/// What is to be imported.
#[derive(Debug)]
pub struct Wanted {
    /// From where, as which image.
    pub wish: ImportWish,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// Imports, tells how far it is, and gives the last line. Stops when nobody listens any more.
pub(super) async fn import(
    house: House,
    wanted: Wanted,
    tell: mpsc::Sender<ImportLine>,
) -> ImportLine {
    run(&house, wanted, &tell).await.unwrap_or_else(ImportLine::Failed)
}

async fn run(
    house: &House,
    wanted: Wanted,
    tell: &mpsc::Sender<ImportLine>,
) -> Result<ImportLine, Problem> {
    let Wanted { wish, dry_run } = wanted;
    let operator = house.asker.by.name.clone();
    check_name(&wish.name).map_err(|e| problem(&e))?;
    // First what costs little: a keyring that is not there is said before gigabytes are fetched.
    let (of, state) = (wish.trust.keyring.clone(), house.state.clone());
    let keyrings = blocking(move || Keyrings::read(of.as_deref(), &state)).await??;
    let named = unless_gone(tell, provenance::named(&wish.trust)).await?;
    let source = unless_gone(tell, Source::of(house, &wish, tell)).await?;
    let brought = source.brought();
    let promises = match named {
        Some(named) => named,
        None => unless_gone(tell, provenance::beside(&brought, &wish.trust)).await?,
    };
    let evidence = Evidence { brought, wish: wish.trust.clone(), promises, keyrings };

    // Until the image is published nothing names its blobs, so nobody may sweep.
    let adding = house.sweeping.read().await;
    let image = match take_in(house, (&wish, &operator), (&source, evidence), tell).await {
        Ok(image) => image,
        Err(Refusal { problem, of_content }) => {
            if of_content {
                source.give_up().await?;
            }
            return Err(problem);
        }
    };
    if tell.is_closed() {
        return Err(cancelled());
    }
    let command = Command::PublishImage(image.clone());
    let said = house.site.command(house.asker.by.clone(), command, dry_run).await?;
    drop(adding);
    if dry_run {
        // The bytes were needed to know what the files are; nothing names them now.
        super::sweep(house).await?;
    } else {
        source.done_with().await?;
    }
    let published = said.changes.into_iter().find_map(|change| match change {
        Change::Image(image) => Some(image),
        _ => None,
    });
    // Where nothing changed, what is there says what it is, not what might have been.
    let shown = house.site.ask(move |engine, _| {
        let there = || engine.image(&image.name, model::image::Wanted::Channel(Channel::Current));
        let shown = published.as_ref().or_else(there).unwrap_or(&image);
        ImageView::from(shown).in_channels(engine)
    });
    Ok(ImportLine::Done { image: Box::new(shown.await?), says: said.says })
}

/// Keeps the bytes, says what they are, and why they may be believed.
async fn take_in(
    house: &House,
    (wish, operator): (&ImportWish, &str),
    (source, evidence): (&Source, Evidence),
    tell: &mpsc::Sender<ImportLine>,
) -> Result<Image, Refusal> {
    let (now, blobs, teller) = (house.site.now(), house.blobs.clone(), tell.clone());
    let (path, shown, named) = (source.path.clone(), source.shown.clone(), wish.clone());
    let file_name = source.file_name().map(str::to_owned);
    let imported = blocking(move || {
        let mut paced = Paced::new(teller);
        let (said, file_name) = (said(&named), file_name.as_deref());
        let (name, source) = (named.name.as_str(), Some(shown.as_str()));
        let wish = Wish { path: &path, file_name, name, source, now, said: &said };
        library::import::import_from(&wish, &blobs, &mut |progress| paced.tell(&progress))
    });
    let (mut image, origin) = imported.await?.map_err(|e| Refusal {
        problem: problem(&e),
        of_content: matches!(e, ImportError::Disc { .. } | ImportError::Archive { .. }),
    })?;
    let (blobs, operator) = (house.blobs.clone(), operator.to_owned());
    let judged = blocking(move || {
        let trust = provenance::judge(&evidence, (&origin, &blobs), (&operator, now));
        trust.map(|trust| (trust, evidence.keyrings.notes))
    });
    let (trust, notes) = judged.await??;
    image.trust = trust;
    image.notes.extend(notes);
    image.secure_boot = super::audit(house, &image).await?;
    Ok(image)
}

/// Does it as long as somebody listens, and a moment longer, so that it may end by itself and note how
/// far it came.
async fn unless_gone<T>(
    tell: &mpsc::Sender<ImportLine>,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let gone = async {
        tell.closed().await;
        tokio::time::sleep(GONE_WAIT).await;
    };
    tokio::select! {
        biased;
        done = work => done,
        () = gone => Err(cancelled()),
    }
}

fn cancelled() -> Problem {
    Problem::refused("the import was cancelled; nothing was published")
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
