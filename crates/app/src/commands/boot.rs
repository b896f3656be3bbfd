//! `boot`: what happened when machines booted, as text, as data and as a picture.

use super::with;
use crate::cli::Json;
use crate::clock;
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{BootShown, BootView};
use clap::Subcommand;
use engine::story::picture;
use model::BootId;
use model::event::show_bytes;
use model::story::show_time;
use model::url::part;

/// What can be done with boots.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "A boot is called like b7q3kx9md; it begins when firmware asks. The newest boots of \
each machine are remembered until the server ends: `bootwright machine show M --boots` shows those of one."
)]
pub enum Boot {
    /// List the newest boot of each machine, the last heard first.
    List {
        /// So many machines, 1000 at most.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: usize,
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

impl Boot {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::List { limit, json } => {
                let path = with("/boots", "limit", &limit.to_string());
                let all: Vec<BootView> = client.get(&path).await?;
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
