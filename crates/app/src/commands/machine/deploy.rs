//! `machine deploy`, `boot-once`, `cancel`, `confirm`: what a machine is armed with.

use crate::cli::Dry;
use crate::commands::change;
use crate::failure::Failure;
use crate::who;
use api::Client;
use api::types::{BatchWish, BootOnceWish, CodeWish, DeployWish};
use clap::Args;
use hyper::Method;
use model::time::parse_duration;
use std::time::Duration;

/// Arms machines with one installation each.
#[derive(Debug, Args)]
#[command(
    after_help = "The installer may write to one disk only, and only if that is empty or was \
installed by this server before: name it by --disk, or by a setting `disk` of the machine or its \
profile. Several machines become a batch: so many at once, pausing after failures; `bootwright \
deployment show bN` says how far it is."
)]
pub struct Deploy {
    /// Names, MACs, UUIDs, serials, ranges, labels.
    #[arg(required = true)]
    machines: Vec<String>,
    /// What is installed: a profile with a template.
    #[arg(long)]
    profile: String,
    /// How long a machine may take to come.
    #[arg(long, default_value = "60m", value_parser = window)]
    within: Duration,
    /// The disk that may be written to: serial:SERIAL, wwn:NAME or size:100G..2T.
    #[arg(long)]
    disk: Option<String>,
    /// Give nothing before a code from the machine's screen is typed (`machine confirm`).
    #[arg(long)]
    confirm_code: bool,
    /// Let secrets go over plain HTTP: whoever can listen on that network learns them.
    #[arg(long)]
    plain_http: bool,
    /// Start the machine from the network when it is armed: by its BMC, or by magic packets.
    #[arg(long)]
    power: bool,
    /// Of a batch, so many at once.
    #[arg(long, default_value_t = 10)]
    at_once: u32,
    /// Of a batch, pause after so many failures; 0 never.
    #[arg(long, default_value_t = 3)]
    pause_after: u32,
    #[command(flatten)]
    dry: Dry,
}

impl Deploy {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let deploy = DeployWish {
            profile: self.profile,
            within_s: Some(self.within.as_secs()),
            disk: self.disk,
            confirm_code: self.confirm_code,
            plain_http: self.plain_http,
            power: self.power,
        };
        let machines = who::resolve(client, &self.machines).await?;
        match machines.as_slice() {
            [machine] => {
                let path = format!("{}/deploy", super::path(machine));
                change(client, Method::POST, &path, self.dry, Some(&deploy)).await
            }
            _ => {
                let (at_once, pause_after) = (Some(self.at_once), Some(self.pause_after));
                let batch = BatchWish { machines, deploy, at_once, pause_after };
                change(client, Method::POST, "/deployments", self.dry, Some(&batch)).await
            }
        }
    }
}

/// Arms machines with something to boot once.
#[derive(Debug, Args)]
pub struct BootOnce {
    /// Names, MACs, UUIDs, serials, ranges, labels.
    #[arg(required = true)]
    machines: Vec<String>,
    /// A profile.
    #[arg(long, required_unless_present = "image", conflicts_with = "image")]
    profile: Option<String>,
    /// An image.
    #[arg(long)]
    image: Option<String>,
    /// How long a machine may take to come.
    #[arg(long, default_value = "60m", value_parser = window)]
    within: Duration,
    /// Start the machine from the network when it is armed: by its BMC, or by magic packets.
    #[arg(long)]
    power: bool,
    #[command(flatten)]
    dry: Dry,
}

impl BootOnce {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let within_s = Some(self.within.as_secs());
        let wish =
            BootOnceWish { profile: self.profile, image: self.image, within_s, power: self.power };
        for machine in who::resolve(client, &self.machines).await? {
            let path = format!("{}/boot-once", super::path(&machine));
            change(client, Method::POST, &path, self.dry, Some(&wish)).await?;
        }
        Ok(())
    }
}

/// Disarms machines.
pub async fn cancel(client: &Client, machines: &[String], dry: Dry) -> Result<(), Failure> {
    for machine in who::resolve(client, machines).await? {
        let path = format!("{}/cancel", super::path(&machine));
        change(client, Method::POST, &path, dry, None::<&()>).await?;
    }
    Ok(())
}

/// The code on a machine's screen.
pub async fn confirm(client: &Client, machine: &str, code: String) -> Result<(), Failure> {
    let path = format!("{}/confirm", super::path(machine));
    change(client, Method::POST, &path, Dry { dry_run: false }, Some(&CodeWish { code })).await
}

fn window(text: &str) -> Result<Duration, String> {
    parse_duration(text)?.ok_or_else(|| "nothing is armed for ever: say 60m, 12h or 7d".to_owned())
}
