//! `secret`: what answer files may hold and nobody is shown.

use super::{change, destroy};
use crate::cli::{Dry, Json, Sure};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{SecretView, SecretWish};
use clap::Subcommand;
use hyper::Method;
use model::url::part;
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

/// What can be done with secrets.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Templates say `secrets.NAME`. A secret is kept encrypted, shown to nobody, and \
given only to a machine that is armed with an installation whose templates ask for it."
)]
pub enum Secret {
    /// Set one: from a file, or from the standard input (asked for on a terminal).
    Set {
        /// Its name: letters, digits, underscores.
        name: String,
        /// The file with its text; a line's end after it does not count.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        dry: Dry,
    },
    /// List the names of all.
    List(Json),
    /// Remove one.
    Remove {
        /// Its name.
        name: String,
        #[command(flatten)]
        sure: Sure,
    },
}

impl Secret {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let path = |name: &str| format!("/secrets/{}", part(name));
        match self {
            Self::Set { name, file, dry } => {
                let wish = SecretWish { value: value(file, &name)? };
                change(client, Method::PUT, &path(&name), dry, Some(&wish)).await
            }
            Self::List(json) => {
                let all: Vec<SecretView> = client.get("/secrets").await?;
                say::listing(json.json, &all, ["NAME"], |secret| [secret.name.clone()])
            }
            Self::Remove { name, sure } => destroy(client, &[path(&name)], sure).await,
        }
    }
}

fn value(file: Option<PathBuf>, name: &str) -> Result<String, Failure> {
    if let Some(file) = file {
        let text = std::fs::read_to_string(&file)
            .map_err(|e| Failure::failed(format!("cannot read {}: {e}", file.display())))?;
        return Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned());
    }
    if std::io::stdin().is_terminal() {
        return crate::password::ask(&format!("{name}: "));
    }
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut text)
        .map_err(|e| Failure::failed(format!("cannot read the secret: {e}")))?;
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}
