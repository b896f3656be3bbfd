//! `image import`: asks the server to take files in, and shows how far it is.

use super::{Import, Trusted, discovery, from_the_root};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::client::Error;
use api::types::{ImageView, ImportLine, ImportWish, TrustWish};
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
        // The folder is there as long as the server reads it.
        let made = match (self.discovery, &self.from) {
            (true, from) => {
                let kernel = Path::new(from.as_deref().unwrap_or("/"));
                Some(discovery::make(kernel, self.program)?)
            }
            (false, _) => None,
        };
        let from = self.from.unwrap_or_default();
        let is_url = made.is_none() && from.contains("://");
        let path = match (&made, is_url) {
            (Some(folder), _) => Some(from_the_root(folder.path())?),
            (None, true) => None,
            (None, false) => Some(from_the_root(Path::new(&from))?),
        };
        let named = path.as_deref().unwrap_or_else(|| Path::new(of_url(&from)));
        let name = match self.name {
            Some(name) => name,
            None if made.is_some() => discovery::NAME.to_owned(),
            None => name_of(named).ok_or_else(|| {
                Failure::usage("this gives no name for the image").hint("say --name")
            })?,
        };
        let way = if self.dry.dry_run { "/images?dry_run=true" } else { "/images" };
        let (trust, by_hand) = (self.trust, self.by_hand);
        let wish = ImportWish {
            name,
            path,
            url: is_url.then_some(from),
            upload: None,
            trust: trust.wish()?,
            title: by_hand.title,
            kernel: by_hand.kernel,
            initrds: by_hand.initrd,
            args: by_hand.args,
            archs: by_hand.arch,
        };
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
    say::line(format!("trusted because {}", image.trust));
    if let Some(mib) = image.memory_mib {
        say::line(format!("a machine needs about {mib} MiB of memory to start it"));
    }
    image.secure_boot.verdict.iter().for_each(|said| say::line(format!("secure boot: {said}")));
    image.notes.iter().for_each(|note| say::note(format!("note: {note}")));
    if !image.bootable {
        say::note("hint: nothing to start was found in it; machines can only fetch its files");
    }
    Ok(())
}

impl Trusted {
    /// The same for the server, whose working directory is another.
    fn wish(self) -> Result<TrustWish, Failure> {
        let from_here = |text: String| -> Result<String, Failure> {
            match text.contains("://") {
                true => Ok(text),
                false => Ok(from_the_root(Path::new(&text))?.display().to_string()),
            }
        };
        let keyring = match self.keyring {
            Some(path) if path.contains('/') => Some(from_here(path)?),
            name => name,
        };
        Ok(TrustWish {
            checksums: self.checksums.map(from_here).transpose()?,
            signature: self.signature.map(from_here).transpose()?,
            keyring,
            accept_unsigned: self.accept_unsigned,
            allow_private: self.allow_private,
            allow_redirect: self.allow_redirect,
        })
    }
}

/// The path of a URL, without its query.
fn of_url(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// Endings that say how a file is packed, not what it is.
const ENDINGS: [&str; 9] = [".gz", ".xz", ".zst", ".tgz", ".txz", ".tar", ".iso", ".img", ".raw"];

/// The last part of the path, as far as it can name an image.
fn name_of(path: &Path) -> Option<String> {
    let mut last = path.file_name()?.to_str()?.to_lowercase();
    while let Some(end) = ENDINGS.iter().find(|end| last.ends_with(*end) && last.len() > end.len())
    {
        last.truncate(last.len() - end.len());
    }
    let kept: String = last
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' })
        .collect();
    let kept = kept.trim_matches(['.', '-']).to_owned();
    (!kept.is_empty()).then_some(kept)
}

/// A bar on a terminal, now and then a line elsewhere.
pub(in crate::commands) enum Shown {
    Bar(ProgressBar),
    Lines { since: Instant, last: Instant },
}

impl Shown {
    pub(in crate::commands) fn new() -> Self {
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

    pub(in crate::commands) fn at(&mut self, done: u64, total: u64, file: &str) {
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

    pub(in crate::commands) fn end(&self) {
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
        assert_eq!(name_of(Path::new("/x/Debian-12.iso.xz")).unwrap(), "debian-12");
        assert_eq!(name_of(Path::new("/x/.iso")).unwrap(), "iso");
        assert_eq!(name_of(Path::new(of_url("https://a.b/c/d.tar.gz?e=/f"))).unwrap(), "d");
    }
}
