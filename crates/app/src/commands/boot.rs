//! `boot`: what happened when machines booted, as text, as data and as a picture.

use super::with;
use crate::cli::Json;
use crate::clock;
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{BootShown, BootView};
use clap::{Args, Subcommand};
use engine::story::picture;
use model::event::show_bytes;
use model::story::{BootStage, How, show_time};
use model::url::part;
use model::{BootId, Now};
use std::str::FromStr;

/// What can be done with boots.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "A boot is called like b7q3kx9md; it begins when firmware asks. The newest boots of \
each machine are remembered until the server ends: `bootwright machine show M --boots` shows those of one."
)]
pub enum Boot {
    /// List the newest boot of each machine, the last heard first.
    List {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        json: Json,
    },
    /// Show one: every step, and every silence with what it means.
    Show {
        /// Its name; or a machine's name, MAC, UUID or serial, for its newest.
        boot: String,
        /// Print a picture of it (SVG).
        #[arg(long, conflicts_with = "json")]
        svg: bool,
        #[command(flatten)]
        json: Json,
    },
}

/// Which boots are listed.
#[derive(Debug, Args)]
pub struct Which {
    /// So many boots, 1000 at most.
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
    /// Those of this machine alone: name, MAC, UUID or serial.
    #[arg(long)]
    machine: Option<String>,
    /// Those that ended so: goes-on, installed, installation-failed, system-up, local-disk, kernel-sent,
    /// left, stopped.
    #[arg(long, value_parser = How::from_str)]
    ending: Option<How>,
    /// Those that came so far, and no further: firmware, loader, script, kernel, installer, system.
    #[arg(long, value_name = "STAGE", value_parser = BootStage::from_str)]
    furthest: Option<BootStage>,
    /// Those that were heard at this moment or later: 2026-11-26T13:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = Now::from_str)]
    since: Option<Now>,
    /// Those that began at this moment or before.
    #[arg(long, value_name = "TIME", value_parser = Now::from_str)]
    before: Option<Now>,
    /// Those of which is said what they died of.
    #[arg(long)]
    diagnosed: bool,
    /// All that are remembered, instead of the newest of each machine.
    #[arg(long)]
    all: bool,
}

impl Which {
    fn path(&self) -> String {
        let said = [
            ("machine", self.machine.clone()),
            ("ending", self.ending.map(|how| how.to_string())),
            ("furthest", self.furthest.map(|stage| stage.to_string())),
            ("since", self.since.map(|at| at.to_string())),
            ("before", self.before.map(|at| at.to_string())),
            ("diagnosed", self.diagnosed.then(|| "true".to_owned())),
            ("all", self.all.then(|| "true".to_owned())),
        ];
        let limited = with("/boots", "limit", &self.limit.to_string());
        let said = said.into_iter().filter_map(|(key, value)| Some((key, value?)));
        said.fold(limited, |path, (key, value)| with(&path, key, &value))
    }
}

impl Boot {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::List { which, json } => {
                let all: Vec<BootView> = client.get(&which.path()).await?;
                say::listing(json.json, &all, HEAD, row)
            }
            Self::Show { boot, svg, json } => {
                let shown = find(client, &boot).await?;
                if json.json {
                    return say::json(&shown);
                }
                if svg {
                    say::line(picture::svg(&shown.story, shown.name.as_deref()).trim_end());
                    return Ok(());
                }
                tell(&shown);
                Ok(())
            }
        }
    }
}

/// All boots of a machine that are remembered, oldest first.
pub async fn of_machine(client: &Client, machine: &str, json: Json) -> Result<(), Failure> {
    let all = boots(client, machine).await?;
    if json.json {
        return say::json(&all);
    }
    if all.is_empty() {
        say::note(nothing(machine));
    }
    for (n, boot) in all.iter().enumerate() {
        if n > 0 {
            say::line("");
        }
        tell(boot);
    }
    Ok(())
}

async fn boots(client: &Client, machine: &str) -> Result<Vec<BootShown>, Failure> {
    Ok(client.get(&format!("/machines/{}/boots", part(machine))).await?)
}

/// The boot of this name, or the newest of the machine of this name.
async fn find(client: &Client, named: &str) -> Result<BootShown, Failure> {
    if named.parse::<BootId>().is_ok() {
        return Ok(client.get(&format!("/boots/{}", part(named))).await?);
    }
    let newest = boots(client, named).await?.pop();
    newest.ok_or_else(|| Failure::refused(nothing(named)))
}

fn nothing(machine: &str) -> String {
    format!(
        "no boot of {machine} was heard since the server was started\nhint: switch it on and run \
         `bootwright watch --machine {machine}`; `bootwright explain {machine}` says what it would get"
    )
}

fn tell(boot: &BootShown) {
    picture::text(&boot.story, boot.name.as_deref()).iter().for_each(say::line);
}

const HEAD: [&str; 7] = ["BOOT", "MACHINE", "NAME", "BEGAN", "TOOK", "SENT", "HOW"];

fn row(boot: &BootView) -> [String; 7] {
    [
        boot.id.to_string(),
        boot.machine.to_string(),
        say::or_dash(boot.name.as_ref()),
        clock::local(boot.from),
        show_time(boot.until.since(boot.from)),
        show_bytes(boot.totals.bytes),
        boot.outcome.clone(),
    ]
}
