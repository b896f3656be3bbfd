//! `template` and `render`: what answer files are made of, and what they would be.

use super::{change, destroy, with};
use crate::cli::{Dry, Json, Sure};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{RenderedView, TemplateView, TemplateWish};
use clap::{Args, Subcommand};
use hyper::Method;
use model::url::part;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What can be done with templates.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "A profile names the part before the last dot: `profile set debian --template \
debian` uses debian.preseed. The part after it says what a template makes: preseed, ks, user-data, \
meta-data, vendor-data, network-config, autoyast, agama, ignition, answers, autounattend, sh, ipxe, \
ini. Ours are starting points: `template show debian.preseed > my.preseed`."
)]
pub enum Template {
    /// Add a template, or put another text in its place.
    Add {
        /// Its name, like lab.preseed.
        name: String,
        /// The file with its text; `-` reads the standard input.
        file: PathBuf,
        /// What it makes, if its name does not say it.
        #[arg(long)]
        format: Option<String>,
        #[command(flatten)]
        dry: Dry,
    },
    /// Print the text of one.
    Show {
        /// Its name.
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// List all: yours and ours.
    List(Json),
    /// Remove one; where it took the place of one of ours, ours is back.
    Remove {
        /// Its name.
        name: String,
        #[command(flatten)]
        sure: Sure,
    },
}

/// `render TEMPLATE MACHINE`
#[derive(Debug, Args)]
pub struct Render {
    /// Name of the template.
    template: String,
    /// Name, MAC, UUID or serial of the machine.
    machine: String,
    #[command(flatten)]
    json: Json,
}

fn path(name: &str) -> String {
    format!("/templates/{}", part(name))
}

impl Template {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::Add { name, file, format, dry } => {
                let wish = TemplateWish { format, text: text_of(&file)? };
                change(client, Method::PUT, &path(&name), dry, Some(&wish)).await
            }
            Self::Show { name, json } => {
                let template: TemplateView = client.get(&path(&name)).await?;
                if json.json {
                    return say::json(&template);
                }
                let text = template.text.unwrap_or_default();
                say::line(text.strip_suffix('\n').unwrap_or(&text));
                Ok(())
            }
            Self::List(json) => {
                let all: Vec<TemplateView> = client.get("/templates").await?;
                say::listing(json.json, &all, ["NAME", "MAKES", "WHOSE", "PROFILES"], |t| {
                    let whose = if t.ours { "ours" } else { "yours" };
                    [t.name.clone(), t.format.clone(), whose.to_owned(), t.profiles.join(", ")]
                })
            }
            Self::Remove { name, sure } => destroy(client, &[path(&name)], sure).await,
        }
    }
}

impl Render {
    /// Prints what the template would make; secrets are words.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let path = format!("{}/render", path(&self.template));
        let made: RenderedView = client.get(&with(&path, "machine", &self.machine)).await?;
        if self.json.json {
            return say::json(&made);
        }
        say::line(made.text.strip_suffix('\n').unwrap_or(&made.text));
        if !made.secrets.is_empty() {
            say::note(format!("secrets in it: {}", made.secrets.join(", ")));
        }
        for raw in made.raw {
            say::note(format!("put in raw: {raw}"));
        }
        Ok(())
    }
}

fn text_of(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match file == Path::new("-") {
        true => std::io::stdin().lock().read_to_string(&mut text).map(|_| ()),
        false => std::fs::read_to_string(file).map(|read| text = read),
    };
    read.map_err(|e| Failure::failed(format!("cannot read {}: {e}", file.display())))?;
    Ok(text)
}
