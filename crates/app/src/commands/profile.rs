//! `profile`: an image with what an operator adds to it.

use super::{change, destroy};
use crate::cli::{Dry, Json, Sure};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{ProfileView, ProfileWish};
use clap::{Args, Subcommand};
use hyper::Method;
use model::Channel;
use model::url::part;

/// What can be done with profiles.
#[derive(Debug, Subcommand)]
pub enum Profile {
    /// Add a profile.
    Add {
        /// Its name: a-z, 0-9, `.`, `_`, `-`.
        name: String,
        /// The image.
        #[arg(long)]
        image: String,
        #[command(flatten)]
        says: Says,
        #[command(flatten)]
        dry: Dry,
    },
    /// Change a profile; what is not said stays.
    Set {
        /// Its name.
        name: String,
        /// Another image.
        #[arg(long)]
        image: Option<String>,
        #[command(flatten)]
        says: Says,
        #[command(flatten)]
        dry: Dry,
    },
    /// List all.
    List(Json),
    /// Show one.
    Show {
        /// Its name.
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// Remove one that no rule, machine or menu uses.
    Remove {
        /// Its name.
        name: String,
        #[command(flatten)]
        sure: Sure,
    },
}

/// What a profile says beside its image.
#[derive(Debug, Args)]
pub struct Says {
    /// Kernel arguments, after those of the image: "console=ttyS0".
    #[arg(long, allow_hyphen_values = true)]
    args: Option<String>,
    /// Stay with this version of the image; 0 follows the channel again.
    #[arg(long)]
    version: Option<u32>,
    /// Follow this channel of the image: stable (what was promoted; the default), test or current
    /// (the newest).
    #[arg(long, conflicts_with = "version")]
    channel: Option<Channel>,
    /// Its answer files for installations: templates whose names begin so, as `debian` for
    /// debian.preseed. The empty text takes them away.
    #[arg(long)]
    template: Option<String>,
    /// Something that its templates are told; may be said several times: timezone=Europe/Paris.
    #[arg(long, value_name = "NAME=VALUE")]
    setting: Vec<String>,
    /// Take a setting away; may be said several times.
    #[arg(long, value_name = "NAME")]
    no_setting: Vec<String>,
}

impl Says {
    fn wish(self, image: Option<String>, new: bool) -> Result<ProfileWish, Failure> {
        let settings = super::machine::settings(&self.setting, &self.no_setting)?;
        let Self { args, version, channel, template, .. } = self;
        Ok(ProfileWish { image, version, channel, args, template, settings, new: Some(new) })
    }
}

impl Profile {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let path = |name: &str| format!("/profiles/{}", part(name));
        match self {
            Self::Add { name, image, says, dry } => {
                let wish = says.wish(Some(image), true)?;
                change(client, Method::PUT, &path(&name), dry, Some(&wish)).await
            }
            Self::Set { name, image, says, dry } => {
                let wish = says.wish(image, false)?;
                change(client, Method::PUT, &path(&name), dry, Some(&wish)).await
            }
            Self::List(json) => {
                let all: Vec<ProfileView> = client.get("/profiles").await?;
                let head = ["NAME", "IMAGE", "VERSION", "TEMPLATE", "ARGS"];
                say::listing(json.json, &all, head, |p| {
                    let template = say::or_dash(p.template.as_ref());
                    [p.name.clone(), p.image.clone(), version(p), template, p.args.clone()]
                })
            }
            Self::Show { name, json } => {
                let profile: ProfileView = client.get(&path(&name)).await?;
                if json.json {
                    return say::json(&profile);
                }
                let settings: Vec<String> =
                    profile.settings.iter().map(|(k, v)| format!("{k}={v}")).collect();
                let rules: Vec<String> = profile.rules.iter().map(ToString::to_string).collect();
                say::card(&[
                    ("name", profile.name.clone()),
                    ("image", profile.image.clone()),
                    ("version", version(&profile)),
                    ("args", profile.args.clone()),
                    ("template", profile.template.clone().unwrap_or_default()),
                    ("settings", settings.join(", ")),
                    ("rules", rules.join(", ")),
                    ("machines", profile.machines.join(", ")),
                ]);
                Ok(())
            }
            Self::Remove { name, sure } => destroy(client, &[path(&name)], sure).await,
        }
    }
}

fn version(profile: &ProfileView) -> String {
    profile.version.map_or(profile.channel.to_string(), |version| version.to_string())
}
