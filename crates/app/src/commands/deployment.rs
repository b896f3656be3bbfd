//! `deployment`: what machines are armed with, and how far they are.

use super::{change, with};
use crate::cli::{Dry, Json};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{BatchView, DeploymentView};
use clap::Subcommand;
use hyper::Method;
use model::url::part;

/// What can be done with deployments.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "A deployment is called d17, a batch of them b3. `bootwright machine deploy` \
makes them, `machine cancel` ends one."
)]
pub enum Deployment {
    /// List the newest.
    List {
        /// Only of this machine.
        #[arg(long)]
        machine: Option<String>,
        /// Only those that are armed or under way.
        #[arg(long)]
        open: bool,
        #[command(flatten)]
        json: Json,
    },
    /// List the batches.
    Batches(Json),
    /// Show one, or a batch.
    Show {
        /// d17, or b3.
        id: String,
        #[command(flatten)]
        json: Json,
    },
    /// Stop a batch before the next machine's turn.
    Pause {
        /// b3.
        batch: String,
        #[command(flatten)]
        dry: Dry,
    },
    /// Let a batch go on.
    Resume {
        /// b3.
        batch: String,
        #[command(flatten)]
        dry: Dry,
    },
    /// Disarm what of a batch has not begun.
    Cancel {
        /// b3.
        batch: String,
        #[command(flatten)]
        dry: Dry,
    },
}

impl Deployment {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let batch = |id: &str, what: &str| format!("/batches/{}/{what}", part(id));
        match self {
            Self::List { machine, open, json } => {
                let mut path = "/deployments".to_owned();
                if let Some(machine) = machine {
                    path = with(&path, "machine", &machine);
                }
                if open {
                    path = with(&path, "open", "true");
                }
                let all: Vec<DeploymentView> = client.get(&path).await?;
                say::listing(json.json, &all, HEAD, row)
            }
            Self::Batches(json) => {
                let all: Vec<BatchView> = client.get("/batches").await?;
                let head = ["BATCH", "PROFILE", "DONE", "FAILED", "RUNNING", "WAITING", "BEGUN"];
                say::listing(json.json, &all, head, |b| {
                    let counts = [b.done, b.failed, b.running, b.waiting].map(|n| n.to_string());
                    let [done, failed, running, waiting] = counts;
                    let id = if b.paused { format!("{} (paused)", b.id) } else { b.id.clone() };
                    [id, b.profile.clone(), done, failed, running, waiting, b.begun.clone()]
                })
            }
            Self::Show { id, json } if id.starts_with('b') => {
                let batch: BatchView = client.get(&format!("/batches/{}", part(&id))).await?;
                if json.json {
                    return say::json(&batch);
                }
                show_batch(&batch)
            }
            Self::Show { id, json } => {
                let one: DeploymentView =
                    client.get(&format!("/deployments/{}", part(&id))).await?;
                if json.json {
                    return say::json(&one);
                }
                show(one);
                Ok(())
            }
            Self::Pause { batch: id, dry } => {
                change(client, Method::POST, &batch(&id, "pause"), dry, None::<&()>).await
            }
            Self::Resume { batch: id, dry } => {
                change(client, Method::POST, &batch(&id, "resume"), dry, None::<&()>).await
            }
            Self::Cancel { batch: id, dry } => {
                change(client, Method::POST, &batch(&id, "cancel"), dry, None::<&()>).await
            }
        }
    }
}

const HEAD: [&str; 6] = ["ID", "MACHINE", "WHAT", "STATE", "ARMED", "SAYS"];

fn row(of: &DeploymentView) -> [String; 6] {
    let what = match of.kind.as_str() {
        "once" => format!("{} once", of.image),
        _ => of.profile.clone().unwrap_or_else(|| of.image.clone()),
    };
    let first = of.says.lines().next().unwrap_or_default();
    let machine = of.name.clone().unwrap_or_else(|| of.mac.clone());
    [of.id.clone(), machine, what, of.state.clone(), of.armed.clone(), first.to_owned()]
}

fn show_batch(batch: &BatchView) -> Result<(), Failure> {
    let state = match (batch.paused, batch.waiting + batch.running) {
        (_, 0) => "over".to_owned(),
        (true, _) => "paused".to_owned(),
        (false, left) => format!("{left} of {} to go", batch.machines),
    };
    say::card(&[
        ("batch", batch.id.clone()),
        ("profile", batch.profile.clone()),
        ("state", state),
        ("done", batch.done.to_string()),
        ("failed", batch.failed.to_string()),
        ("cancelled", batch.cancelled.to_string()),
        ("running", format!("{} (at most {})", batch.running, batch.at_once)),
        ("waiting", batch.waiting.to_string()),
        ("by", format!("{}, {}", batch.by, batch.begun)),
    ]);
    say::listing(false, &batch.deployments, HEAD, row)
}

fn show(of: DeploymentView) {
    let of_machine = of.name.map_or(of.mac.clone(), |name| format!("{name} ({})", of.mac));
    let image = format!("{} version {}", of.image, of.version);
    let over_http = if of.plain_http { " (over plain HTTP)" } else { "" };
    say::card(&[
        ("deployment", of.id),
        ("machine", of_machine),
        ("what", of.kind),
        ("profile", of.profile.unwrap_or_default()),
        ("image", image),
        ("state", of.standing),
        ("disk", of.disk.unwrap_or_default()),
        ("secrets", format!("{}{over_http}", of.secrets.join(", "))),
        ("armed", format!("{} by {}, until {}", of.armed, of.by, of.until)),
        ("script given to", of.holder.unwrap_or_default()),
        ("files fetched", of.files.join(", ")),
        ("begun", of.begun.unwrap_or_default()),
        ("ended", of.ended.unwrap_or_default()),
        ("took", of.took_s.map(|s| format!("{s} s")).unwrap_or_default()),
        ("last heard", of.heard.unwrap_or_default()),
        ("batch", of.batch.unwrap_or_default()),
    ]);
    if !of.says.is_empty() {
        say::line(format!("\n{}", of.says));
    }
}
