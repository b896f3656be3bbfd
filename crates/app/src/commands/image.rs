//! `image`: the library.

use super::{destroy, with};
use crate::cli::{Dry, Json, Sure};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::client::part;
use api::types::{ImageView, Verified};
use clap::{Args, Subcommand};
use hyper::Method;
use model::event::show_bytes;
use std::path::{Path, PathBuf};

mod import;
mod scrub;

/// What can be done with images.
#[derive(Debug, Subcommand)]
pub enum Image {
    /// Take in the files of a folder (or one file) as a new version of an image.
    Import(Import),
    /// List all.
    List(Json),
    /// Show one version, with its files.
    Show {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        json: Json,
    },
    /// Read the bytes of an image again and compare; without a name, of all.
    Verify {
        /// The image.
        name: Option<String>,
        /// Only this version, instead of the newest.
        #[arg(long, requires = "name")]
        version: Option<u32>,
        #[command(flatten)]
        json: Json,
    },
    /// Read all that is kept from the disk, and say what is no longer what it was. The server does so
    /// once a week.
    Scrub(scrub::Scrub),
    /// List the versions of an image.
    Versions {
        /// The image.
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// Remove one version of an image, or all.
    Remove {
        /// The image.
        name: String,
        /// Only this version.
        #[arg(long)]
        version: Option<u32>,
        #[command(flatten)]
        sure: Sure,
    },
}

/// One version of an image.
#[derive(Debug, Args)]
pub struct Which {
    /// The image.
    name: String,
    /// This version, instead of the newest.
    #[arg(long)]
    version: Option<u32>,
}

/// What an import takes.
#[derive(Debug, Args)]
#[command(after_help = "What the files are together is recognised and said. Ctrl-C cancels; then \
nothing is published.")]
pub struct Import {
    /// A folder or a file on this host.
    path: PathBuf,
    /// The image's name: a-z, 0-9, `.`, `_`, `-`. Without it, that of the folder.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    dry: Dry,
    #[command(flatten)]
    json: Json,
}

impl Image {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::Import(import) => import.run(client).await,
            Self::List(json) => {
                let all: Vec<ImageView> = client.get("/images").await?;
                list(json, &all)
            }
            Self::Versions { name, json } => {
                let mut all: Vec<ImageView> = client.get("/images").await?;
                all.retain(|image| image.name == name);
                if all.is_empty() {
                    return Err(Failure::refused(format!("there is no image `{name}`"))
                        .hint("bootwright image list shows all"));
                }
                list(json, &all)
            }
            Self::Show { which, json } => {
                let path = path(&which.name, which.version, "");
                let image: ImageView = client.get(&path).await?;
                if json.json {
                    return say::json(&image);
                }
                show(&image);
                Ok(())
            }
            Self::Verify { name, version, json } => verify(client, name, version, json).await,
            Self::Scrub(scrub) => scrub.run(client).await,
            Self::Remove { name, version, sure } => {
                destroy(client, &[path(&name, version, "")], sure).await
            }
        }
    }
}

fn path(name: &str, version: Option<u32>, what: &str) -> String {
    let path = format!("/images/{}{what}", part(name));
    match version {
        Some(version) => with(&path, "version", &version.to_string()),
        None => path,
    }
}

/// A path as the server needs it, whose working directory is another.
pub fn from_the_root(path: &Path) -> Result<PathBuf, Failure> {
    std::fs::canonicalize(path)
        .map_err(|e| Failure::failed(format!("cannot read {}: {e}", path.display())))
}

fn list(json: Json, all: &[ImageView]) -> Result<(), Failure> {
    let head = ["NAME", "VERSION", "WHAT", "ARCH", "SIZE", "BOOTS", "IMPORTED"];
    say::listing(json.json, all, head, |image| {
        [
            image.name.clone(),
            image.version.to_string(),
            image.title.clone(),
            archs(image),
            show_bytes(image.size),
            boots(image).to_owned(),
            image.imported.clone(),
        ]
    })
}

fn archs(image: &ImageView) -> String {
    if image.archs.is_empty() { "-".to_owned() } else { image.archs.join(",") }
}

fn boots(image: &ImageView) -> &'static str {
    match (image.bootable, image.signed_chain) {
        (true, true) => "yes, also with Secure Boot",
        (true, false) => "yes",
        (false, _) => "no",
    }
}

fn show(image: &ImageView) {
    say::card(&[
        ("name", image.name.clone()),
        ("version", image.version.to_string()),
        ("what", image.title.clone()),
        ("recognised by", image.recognised_by.clone()),
        ("arch", archs(image)),
        ("boots", boots(image).to_owned()),
        ("kernel", image.kernel.clone().unwrap_or_default()),
        ("initrds", image.initrds.join(", ")),
        ("args", image.args.clone()),
        ("size", format!("{} in {} files", show_bytes(image.size), image.files)),
        ("imported", image.imported.clone()),
        ("from", image.source.clone()),
    ]);
    for asset in &image.assets {
        let hash: String = asset.sha256.chars().take(8).collect();
        say::line(format!("{hash}  {:>10}  {}", show_bytes(asset.size), asset.path));
    }
}

async fn verify(
    client: &Client,
    name: Option<String>,
    version: Option<u32>,
    json: Json,
) -> Result<(), Failure> {
    let wanted: Vec<(String, Option<u32>)> = match name {
        Some(name) => vec![(name, version)],
        None => {
            let all: Vec<ImageView> = client.get("/images").await?;
            all.into_iter().map(|image| (image.name, Some(image.version))).collect()
        }
    };
    let mut checked: Vec<Verified> = Vec::new();
    for (name, version) in wanted {
        let path = path(&name, version, "/verify");
        checked.push(client.send(Method::POST, &path, None::<&()>).await?);
    }
    say::listing(json.json, &checked, ["NAME", "VERSION", "FILES", "SIZE", "RESULT"], |v| {
        let result = match v.wrong.len() {
            0 => "good".to_owned(),
            wrong => format!("{wrong} files are wrong"),
        };
        let (version, files) = (v.version.to_string(), v.files.to_string());
        [v.name.clone(), version, files, show_bytes(v.bytes), result]
    })?;
    let wrong: Vec<&String> = checked.iter().flat_map(|v| &v.wrong).collect();
    for line in &wrong {
        say::note(line);
    }
    match wrong.len() {
        0 => Ok(()),
        count => Err(Failure::failed(format!("{count} files are not what they were"))
            .hint("import the image again, and look at the disk")),
    }
}
