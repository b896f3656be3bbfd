//! `image`: the library.

use super::{change, destroy, way, with};
use crate::cli::{Dry, Json, Sure};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{ImageView, PromoteWish, Verified};
use clap::{Args, Subcommand};
use hyper::Method;
use model::event::show_bytes;
use model::url::part;
use model::{Arch, Channel};
use std::path::{Path, PathBuf};

mod discovery;
pub(super) mod import;
mod scrub;

/// What can be done with images.
#[derive(Debug, Subcommand)]
pub enum Image {
    /// Take in the files of a folder (or one file) as a new version of an image.
    Import(Box<Import>),
    /// List all.
    List(Json),
    /// Show one version, with its files.
    Show {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        json: Json,
    },
    /// Look again at who signed the EFI programs of an image, and which machines start them.
    Audit {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        dry: Dry,
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
    /// Let a channel show a version: `stable` is what machines get.
    Promote {
        /// The image.
        name: String,
        /// This version, instead of the one that is on trial.
        #[arg(long)]
        version: Option<u32>,
        /// The channel.
        #[arg(long, default_value = "stable")]
        to: Channel,
        #[command(flatten)]
        dry: Dry,
    },
    /// Let `stable` show what it showed before.
    Rollback {
        /// The image.
        name: String,
        #[command(flatten)]
        dry: Dry,
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
    /// A folder or a file on this host (a disc, an archive, a disk image, a kernel, an EFI program), or
    /// a URL.
    #[arg(value_name = "PATH|URL", required_unless_present = "discovery")]
    from: Option<String>,
    /// Make the image that reads what is in a machine, of a linux-image package of Debian or of the
    /// newest kernel below a root; without PATH, that of this host.
    #[arg(long, conflicts_with_all = ["checksums", "signature", "keyring", "kernel", "initrd"])]
    discovery: bool,
    /// The static program for it, if it is not beside this one.
    #[arg(long, value_name = "FILE", requires = "discovery")]
    program: Option<PathBuf>,
    /// The image's name: a-z, 0-9, `.`, `_`, `-`. Without it, that of the folder or file.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    trust: Trusted,
    #[command(flatten)]
    by_hand: ByHand,
    #[command(flatten)]
    dry: Dry,
    #[command(flatten)]
    json: Json,
}

/// Why its content may be believed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Trust")]
struct Trusted {
    /// The publisher's checksum file. Without it, those beside the file are tried (SHA256SUMS, ...).
    #[arg(long, value_name = "FILE|URL")]
    checksums: Option<String>,
    /// The signature of the checksum file, or without one, of the file itself.
    #[arg(long, value_name = "FILE|URL")]
    signature: Option<String>,
    /// The publisher's keyring: a name below STATE/keyrings or /usr/share/keyrings, or a file.
    #[arg(long, value_name = "NAME|FILE")]
    keyring: Option<String>,
    /// Publish what nobody known signed; your name is recorded with the image.
    #[arg(long)]
    accept_unsigned: bool,
    /// The URL may lead to addresses of your own networks.
    #[arg(long)]
    allow_private: bool,
    /// The URL may send on to another host (a mirror).
    #[arg(long)]
    allow_redirect: bool,
}

/// What you know better than the catalogue.
#[derive(Debug, Args)]
#[command(next_help_heading = "Described by hand")]
struct ByHand {
    /// What it is, in words.
    #[arg(long)]
    title: Option<String>,
    /// Path of the kernel (or EFI program) inside.
    #[arg(long, value_name = "PATH")]
    kernel: Option<String>,
    /// Path of an initrd inside; may be said again.
    #[arg(long, value_name = "PATH", requires = "kernel")]
    initrd: Vec<String>,
    /// Kernel arguments instead of the catalogue's; {B} is the URL of the image's files, {I} that of
    /// the disc, {S} that of the server.
    #[arg(long, allow_hyphen_values = true)]
    args: Option<String>,
    /// An architecture it runs on; may be said again.
    #[arg(long)]
    arch: Vec<Arch>,
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
            Self::Promote { name, version, to, dry } => {
                let wish = PromoteWish { version, to };
                let path = path(&name, None, "/promote");
                change(client, Method::POST, &path, dry, Some(&wish)).await
            }
            Self::Rollback { name, dry } => {
                let path = path(&name, None, "/rollback");
                change(client, Method::POST, &path, dry, None::<&()>).await
            }
            Self::Audit { which, dry, json } => {
                let path = way(&path(&which.name, which.version, "/audit"), dry.dry_run);
                let image: ImageView = client.send(Method::POST, &path, None::<&()>).await?;
                if json.json {
                    return say::json(&image.secure_boot);
                }
                secure_boot(&image);
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
    let head = ["NAME", "VERSION", "CHANNEL", "WHAT", "ARCH", "SIZE", "BOOTS", "IMPORTED"];
    say::listing(json.json, all, head, |image| {
        [
            image.name.clone(),
            image.version.to_string(),
            channels(image),
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

fn channels(image: &ImageView) -> String {
    if image.channels.is_empty() {
        return "-".to_owned();
    }
    image.channels.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn boots(image: &ImageView) -> &'static str {
    match (image.bootable, image.signed_chain) {
        (true, true) => "yes, also with Secure Boot",
        (true, false) => "yes",
        (false, _) => "no",
    }
}

fn show(image: &ImageView) {
    let disc = image.disc.as_ref().map(|disc| match disc.volume.as_str() {
        "" => disc.format.clone(),
        volume => format!("{}, volume {volume}", disc.format),
    });
    let memory =
        image.memory_mib.map(|mib| format!("about {mib} MiB: {}", image.memory_because.join(", ")));
    let answer =
        image.answer.as_ref().map(|answer| format!("{} by {}", answer.format, answer.argument));
    let sure = image.confidence.map(|confidence| confidence.words().to_owned());
    say::card(&[
        ("name", image.name.clone()),
        ("version", image.version.to_string()),
        ("channels", channels(image)),
        ("what", image.title.clone()),
        ("recognised by", image.recognised_by.clone()),
        ("confidence", sure.unwrap_or_default()),
        ("arch", archs(image)),
        ("boots", boots(image).to_owned()),
        ("kernel", image.kernel.clone().unwrap_or_default()),
        ("initrds", image.initrds.join(", ")),
        ("args", image.args.clone()),
        ("answers", answer.unwrap_or_default()),
        ("memory", memory.unwrap_or_default()),
        ("disc", disc.unwrap_or_default()),
        ("size", format!("{} in {} files", show_bytes(image.size), image.files)),
        ("imported", image.imported.clone()),
        ("from", image.source.clone()),
        ("trusted because", image.trust.clone()),
    ]);
    secure_boot(image);
    for note in &image.notes {
        say::line(format!("note: {note}"));
    }
    files(image);
}

fn secure_boot(image: &ImageView) {
    for verdict in &image.secure_boot.verdict {
        say::line(format!("secure boot: {verdict}"));
    }
    for file in &image.secure_boot.files {
        let signers = match file.signers.as_slice() {
            [] => "not signed".to_owned(),
            signers => format!("signed by {}", signers.join("; ")),
        };
        say::line(format!("  {} ({}): {signers}", file.path, file.machine));
        for verdict in &file.verdict {
            say::line(format!("    {verdict}"));
        }
    }
}

/// A disc may hold a hundred thousand files; `--json` has them all.
const FILES_SHOWN: usize = 40;

fn files(image: &ImageView) {
    for asset in image.assets.iter().take(FILES_SHOWN) {
        let hash: String = match &asset.sha256 {
            Some(sha256) => sha256.chars().take(8).collect(),
            None => "in disc ".to_owned(),
        };
        say::line(format!("{hash}  {:>10}  {}", show_bytes(asset.size), asset.path));
    }
    if let Some(more) = image.assets.len().checked_sub(FILES_SHOWN).filter(|more| *more > 0) {
        say::line(format!("and {more} more; --json shows all"));
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
