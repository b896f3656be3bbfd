//! `image import`: asks the server to take files in, and shows how far it is.

use super::{Import, from_the_root};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::client::Error;
use api::types::{ImageView, ImportLine, ImportWish};
use hyper::Method;
use indicatif::{ProgressBar, ProgressStyle};
use model::event::{show_bytes, show_rate};
use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

/// Without a terminal, a line this often.
const LINE_EVERY: Duration = Duration::from_secs(5);

impl Import {
    /// Imports.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        if let Some(url) = self.path.to_str().filter(|p| p.contains("://")) {
            return Err(Failure::refused(format!("{url}: this version imports no URLs"))
                .hint("download it, and import the folder or file"));
        }
        let path = from_the_root(&self.path)?;
        let name = match self.name {
            Some(name) => name,
            None => name_of(&path).ok_or_else(|| {
                Failure::usage("the folder's name gives no name for the image").hint("say --name")
            })?,
        };
        let way = if self.dry.dry_run { "/images?dry_run=true" } else { "/images" };
        let wish = ImportWish { path, name };
        let mut lines = client.lines(Method::POST, way, Some(&wish)).await?;
        let mut shown = Shown::new();
        loop {
            let line = tokio::select! {
                line = lines.object::<ImportLine>() => line?,
                _ = tokio::signal::ctrl_c() => {
                    // The server hears that we are gone, and stops.
                    drop(lines);
                    shown.end();
                    return Err(Failure::failed("cancelled; nothing was published"));
                }
            };
            match line {
                Some(ImportLine::Progress { done, total, file }) => shown.at(done, total, &file),
                Some(ImportLine::Done { image, says }) => {
                    shown.end();
                    return done(&image, &says, self.json.json);
                }
                Some(ImportLine::Failed(problem)) => {
                    shown.end();
                    return Err(Error::Problem(problem).into());
                }
                None => {
                    shown.end();
                    return Err(Error::Broken("the import ended without a word".to_owned()).into());
                }
            }
        }
    }
}

fn done(image: &ImageView, says: &str, json: bool) -> Result<(), Failure> {
    if json {
        return say::json(image);
    }
    say::line(says);
    say::line(format!("{}: {}", image.title, image.recognised_by));
    if !image.bootable {
        say::note("hint: nothing to start was found in it; machines can only fetch its files");
    }
    Ok(())
}

/// The last part of the path, as far as it can name an image.
fn name_of(path: &Path) -> Option<String> {
    let last = path.file_name()?.to_str()?.to_lowercase();
    let kept: String = last
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' })
        .collect();
    let kept = kept.trim_matches(['.', '-']).to_owned();
    (!kept.is_empty()).then_some(kept)
}

/// A bar on a terminal, now and then a line elsewhere.
pub(super) enum Shown {
    Bar(ProgressBar),
    Lines { since: Instant, last: Instant },
}

impl Shown {
    pub(super) fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            let now = Instant::now();
            return Self::Lines { since: now, last: now };
        }
        let bar = ProgressBar::new(0);
        let form = "{bar:30} {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  \
                    {eta} left  {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self::Bar(bar)
    }

    pub(super) fn at(&mut self, done: u64, total: u64, file: &str) {
        match self {
            Self::Bar(bar) => {
                bar.set_length(total);
                bar.set_position(done);
                bar.set_message(file.to_owned());
            }
            Self::Lines { since, last } => {
                if last.elapsed() < LINE_EVERY {
                    return;
                }
                *last = Instant::now();
                let took = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
                let left = total.saturating_sub(done).saturating_mul(took) / done.max(1) / 1000;
                say::note(format!(
                    "{} of {}, {}, {left} s left",
                    show_bytes(done),
                    show_bytes(total),
                    show_rate(done, took)
                ));
            }
        }
    }

    pub(super) fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_names_its_image() {
        assert_eq!(name_of(Path::new("/x/Debian 12 (amd64)")).unwrap(), "debian-12--amd64");
        assert_eq!(name_of(Path::new("/x/.hidden")).unwrap(), "hidden");
        assert_eq!(name_of(Path::new("/")), None);
    }
}
