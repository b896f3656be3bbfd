//! `bootloader`: what is handed to firmware.

use super::change;
use crate::cli::{Dry, Json};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{LoaderView, PathWish};
use clap::Subcommand;
use hyper::Method;
use model::event::show_bytes;
use model::url::part;
use std::path::PathBuf;

/// What can be done with bootloaders.
#[derive(Debug, Subcommand)]
pub enum Bootloader {
    /// List all: architecture, version, signers.
    List(Json),
    /// Show one.
    Show {
        /// Its file name.
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// Take in a file, the files of a folder, or those of a Debian package.
    Import {
        /// A file, folder or .deb on this host.
        path: PathBuf,
        #[command(flatten)]
        dry: Dry,
    },
}

impl Bootloader {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::List(json) => {
                let all: Vec<LoaderView> = client.get("/loaders").await?;
                say::listing(
                    json.json,
                    &all,
                    ["NAME", "KIND", "ARCH", "VERSION", "SIGNED BY"],
                    |l| {
                        [
                            l.name.clone(),
                            l.kind.clone(),
                            l.arch.clone(),
                            l.version.clone(),
                            signers(l),
                        ]
                    },
                )
            }
            Self::Show { name, json } => {
                let loader: LoaderView = client.get(&format!("/loaders/{}", part(&name))).await?;
                if json.json {
                    return say::json(&loader);
                }
                say::card(&[
                    ("name", loader.name.clone()),
                    ("kind", loader.kind.clone()),
                    ("arch", loader.arch.clone()),
                    ("version", loader.version.clone()),
                    ("signed by", signers(&loader)),
                    ("size", show_bytes(loader.size)),
                    ("sha256", loader.sha256.clone()),
                    ("found at", loader.path.clone()),
                ]);
                Ok(())
            }
            Self::Import { path, dry } => {
                let wish = PathWish { path: super::image::from_the_root(&path)? };
                change(client, Method::POST, "/loaders", dry, Some(&wish)).await
            }
        }
    }
}

fn signers(loader: &LoaderView) -> String {
    match loader.signers.as_slice() {
        [] => "nobody".to_owned(),
        all => all.join("; "),
    }
}
