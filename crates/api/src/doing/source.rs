//! Where an import comes from: a path of this host, a URL that is fetched first, or an upload.
//!
//! In: what the operator wishes. Out: a path with the bytes, and what is known of where they came from.
//! Never: a download that is lost because what followed it was refused, unless its bytes are bad.

use super::import::Paced;
use super::provenance::{Brought, policy};
use crate::types::{ImportLine, ImportWish};
use crate::{House, Problem};
use fetch::{FetchError, Fetched, Place};
use library::upload::Taken;
use library::{Progress, Uploads};
use std::path::PathBuf;
use tokio::sync::mpsc;

/// Below STATE/incoming.
pub(super) const DOWNLOADS: &str = "downloads";

/// The bytes of an import, on this host.
#[derive(Debug)]
pub(super) struct Source {
    /// Where they are.
    pub path: PathBuf,
    /// Where they came from, for operators.
    pub shown: String,
    /// What the file is called where it came from.
    name: String,
    from: From,
}

#[derive(Debug)]
enum From {
    Here,
    Url(Place, Fetched),
    Upload(Taken),
}

impl Source {
    /// The one place that is named; fetched, if it is a URL.
    pub(super) async fn of(
        house: &House,
        wish: &ImportWish,
        tell: &mpsc::Sender<ImportLine>,
    ) -> Result<Self, Problem> {
        match (&wish.path, &wish.url, &wish.upload) {
            (Some(path), None, None) => Self::here(path.clone()),
            (None, Some(url), None) => Self::fetched(house, wish, url, tell).await,
            (None, None, Some(id)) => Self::uploaded(house, id.clone()).await,
            _ => Err(Problem::malformed(
                "an import comes from one place: a path, a URL or an upload",
            )),
        }
    }

    async fn uploaded(house: &House, id: String) -> Result<Self, Problem> {
        let blobs = house.blobs.clone();
        let taken = super::blocking(move || Uploads::of(&blobs)?.take(&id)).await?;
        let taken = taken.map_err(|e| Problem::refused(e.to_string()))?;
        let name = taken.upload().announced.name.clone();
        let shown = format!("upload of {}", model::text::show(name.as_bytes()));
        Ok(Self { path: taken.path().to_owned(), shown, name, from: From::Upload(taken) })
    }

    fn here(path: PathBuf) -> Result<Self, Problem> {
        if !path.is_absolute() {
            let what = format!("{} is no path from the root", path.display());
            return Err(Problem::malformed(what));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { shown: path.display().to_string(), name, path, from: From::Here })
    }

    async fn fetched(
        house: &House,
        wish: &ImportWish,
        url: &str,
        tell: &mpsc::Sender<ImportLine>,
    ) -> Result<Self, Problem> {
        let place = Place::read(url).map_err(|e| Problem::refused(e.to_string()))?;
        let folder = house.blobs.incoming().join(DOWNLOADS);
        let made = folder.clone();
        super::blocking(move || std::fs::create_dir_all(made))
            .await?
            .map_err(|e| Problem::failed(format!("cannot make {}: {e}", folder.display())))?;
        let mut paced = Paced::new(tell.clone());
        let shown = format!("fetching {}", place.file_name());
        let mut told = |progress: fetch::Progress| {
            let (done, total) = (progress.bytes, progress.total.unwrap_or(0));
            paced.tell(&Progress { done, total, file: &shown })
        };
        let fetched = fetch::download(&place, &folder, &policy(&wish.trust), &mut told).await;
        let fetched = fetched.map_err(|e| {
            let hint = match &e {
                FetchError::NotPublic { .. } => "--allow-private allows it",
                FetchError::NewHost { .. } => "--allow-redirect allows it",
                e if e.can_go_on() => "what came is kept: the same command goes on from there",
                _ => "nothing was published",
            };
            Problem::refused(e.to_string()).hint(hint)
        })?;
        let (path, name) = (fetched.path(), place.file_name());
        let shown = model::text::show(place.to_string().as_bytes());
        Ok(Self { path, shown, name, from: From::Url(place, fetched) })
    }

    /// What the file is called, where its path says only what we call it.
    pub(super) fn file_name(&self) -> Option<&str> {
        match &self.from {
            From::Here => None,
            // A URL may end with a slash.
            From::Url(..) if self.name.is_empty() => Some("file"),
            From::Url(..) | From::Upload(_) => Some(&self.name),
        }
    }

    /// Where it is from, for who judges whether it may be believed.
    pub(super) fn brought(&self) -> Brought {
        Brought {
            name: self.name.clone(),
            path: self.path.clone(),
            url: match &self.from {
                From::Url(place, _) => Some(place.clone()),
                From::Here | From::Upload(_) => None,
            },
            // Who uploads a file has it in hand, as who names one of this host has.
            is_local: matches!(self.from, From::Here | From::Upload(_)),
        }
    }

    /// Its bytes are not what they ought to be: what was fetched goes, to be fetched anew. What an
    /// operator sent or laid there is the operator's.
    pub(super) async fn give_up(self) -> Result<(), Problem> {
        match self.from {
            From::Url(..) => self.done_with().await,
            From::Here | From::Upload(_) => Ok(()),
        }
    }

    /// Its bytes are kept elsewhere now.
    pub(super) async fn done_with(self) -> Result<(), Problem> {
        match self.from {
            From::Here => Ok(()),
            From::Url(_, fetched) => super::blocking(move || fetched.remove())
                .await?
                .map_err(|e| Problem::failed(e.to_string())),
            From::Upload(taken) => super::blocking(move || taken.remove())
                .await?
                .map_err(|e| Problem::failed(e.to_string())),
        }
    }
}
