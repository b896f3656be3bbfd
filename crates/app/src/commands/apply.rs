//! `apply`: makes machines, profiles, templates and rules as documents declare them.

use super::with;
use crate::cli::Sure;
use crate::declared::{self, Document};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{Applied, ApplyWish};
use clap::Args;
use hyper::Method;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A larger file is no document of machines.
const FILE_MAX: u64 = 64 << 20;

/// What is declared.
#[derive(Debug, Args)]
#[command(after_help = "A document is TOML:

  [[profile]]
  name = \"debian\"
  image = \"debian-12-amd64\"
  args = \"console=ttyS0\"

  template = \"debian\"                        # the part before the last dot
  settings = { disk = \"size:100G..2T\" }

  [[template]]
  name = \"debian.preseed\"
  file = \"debian.preseed\"                    # beside this document; or text = ...

  [[rule]]                                   # all rules, in order
  conditions = { arch = \"x64-uefi\", label = { room = \"3\" } }
  profile = \"debian\"

  [[machine]]
  mac = \"52:54:00:77:00:01\"
  name = \"lab-01\"
  state = \"approved\"
  labels = { room = \"3\" }

All of it is done, or nothing. What is not named stays as it is; with --prune, what an earlier \
document declared and none of these does is removed. If there is a [[rule]], these are all rules.")]
pub struct Apply {
    /// A document; may be said several times. `-` is what comes on stdin.
    #[arg(short, long = "file", required = true, num_args = 1.., value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Remove what an earlier document declared and none of these does.
    #[arg(long)]
    prune: bool,
    /// Print JSON, the same as the API gives.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    sure: Sure,
}

impl Apply {
    /// Says the difference and makes it so. What removes anything is asked for.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let documents: Vec<Document> =
            self.file.iter().map(|path| document(path)).collect::<Result<_, _>>()?;
        let wish = declared::read(&documents).map_err(Failure::usage)?;
        let would = send(client, &wish, self.prune, true).await?;
        if self.sure.dry_run {
            return self.tell(&would);
        }
        if would.removed > 0 && !self.sure.yes && self.file.iter().any(|f| f == Path::new("-")) {
            let why = "the document came on stdin, where the answer would have to come from";
            return Err(Failure::refused(format!("something would be removed, and {why}"))
                .hint("say --yes, or --dry-run to see what"));
        }
        if would.removed > 0 && !self.sure.yes {
            say::note(format!("this will be done: {}", would.says));
            say::confirm(false)?;
        }
        let done = send(client, &wish, self.prune, false).await?;
        self.tell(&done)
    }

    fn tell(&self, applied: &Applied) -> Result<(), Failure> {
        if self.json {
            return say::json(applied);
        }
        tell(applied);
        Ok(())
    }
}

/// What was done, or would be.
pub fn tell(applied: &Applied) {
    match applied.done {
        true => say::line(&applied.says),
        false => say::line(format!("would be done: {}", applied.says)),
    }
}

async fn send(
    client: &Client,
    wish: &ApplyWish,
    prune: bool,
    dry: bool,
) -> Result<Applied, Failure> {
    let path = if prune { with("/apply", "prune", "true") } else { "/apply".to_owned() };
    Ok(client.send(Method::POST, &super::way(&path, dry), Some(wish)).await?)
}

fn document(path: &Path) -> Result<Document, Failure> {
    if path == Path::new("-") {
        return piped();
    }
    let file = path.display().to_string();
    let cannot = |e: std::io::Error| Failure::failed(format!("cannot read {file}: {e}"));
    let size = std::fs::metadata(path).map_err(cannot)?.len();
    if size > FILE_MAX {
        return Err(Failure::failed(format!("{file} has {size} bytes: that is no document")));
    }
    let text = std::fs::read_to_string(path).map_err(cannot)?;
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    Ok(Document { file, text, folder })
}

/// A document that comes on stdin. Files that it names are looked for from where the command runs.
fn piped() -> Result<Document, Failure> {
    let cannot = |e: std::io::Error| Failure::failed(format!("cannot read stdin: {e}"));
    let mut text = String::new();
    std::io::stdin().lock().take(FILE_MAX + 1).read_to_string(&mut text).map_err(cannot)?;
    if text.len() as u64 > FILE_MAX {
        return Err(Failure::failed(format!(
            "more than {FILE_MAX} bytes came: that is no document"
        )));
    }
    Ok(Document { file: "stdin".to_owned(), text, folder: PathBuf::new() })
}
