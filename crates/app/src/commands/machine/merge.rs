//! `machine merge`: two cards that were taken for two machines.

use super::path;
use crate::cli::Sure;
use crate::commands::{tell, way};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{Done, MergeWish};
use clap::Args;
use hyper::Method;

/// Which two.
#[derive(Debug, Args)]
#[command(after_help = "The first stays: it takes over what it lacks, and the other's addresses. \
Refused where the two contradict each other.")]
pub struct Merge {
    /// The machine that stays: name, MAC, UUID or serial.
    machine: String,
    /// The one that becomes a part of it.
    other: String,
    #[command(flatten)]
    sure: Sure,
}

impl Merge {
    /// Says what would be one, asks, and does it then.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let path = format!("{}/merge", path(&self.machine));
        let wish = MergeWish { other: self.other };
        let would: Done = client.send(Method::POST, &way(&path, true), Some(&wish)).await?;
        match self.sure.dry_run {
            true => {
                tell(&would);
                return Ok(());
            }
            false if !self.sure.yes => say::note(format!("this will be done: {}", would.says)),
            false => {}
        }
        say::confirm(self.sure.yes)?;
        let done: Done = client.send(Method::POST, &path, Some(&wish)).await?;
        tell(&done);
        Ok(())
    }
}
