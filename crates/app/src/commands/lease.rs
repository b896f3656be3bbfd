//! `lease`: who has which address, who had it, and the end of it.

use super::destroy;
use crate::cli::{Json, Sure};
use crate::failure::Failure;
use crate::say;
use crate::who;
use api::Client;
use api::types::{LeaseHistory, LeaseView};
use clap::{Args, Subcommand};
use model::url::part;

/// What can be done with leases.
#[derive(Debug, Subcommand)]
pub enum Lease {
    /// List all, by address.
    List(List),
    /// Show one.
    Show {
        /// Its address, or its machine.
        lease: String,
        /// Show who had the address before (or what addresses the machine had).
        #[arg(long)]
        history: bool,
        #[command(flatten)]
        json: Json,
    },
    /// End leases before their time; the addresses are free at once.
    ///
    /// A client that does not know of it goes on using its address until it asks again. A declined or
    /// conflicting address is out of quarantine.
    Release {
        /// Addresses, or machines; ranges too: 10.77.0.120..129
        #[arg(required = true)]
        leases: Vec<String>,
        #[command(flatten)]
        sure: Sure,
    },
}

/// Which leases are listed.
#[derive(Debug, Args)]
pub struct List {
    /// Only those in this state.
    #[arg(id = "condition", long = "in-state", value_name = "STATE")]
    #[arg(value_parser = ["bound", "expired", "released", "declined", "conflict"])]
    condition: Option<String>,
    /// Only those of this interface.
    #[arg(long, value_name = "IF")]
    network: Option<String>,
    #[command(flatten)]
    json: Json,
}

impl Lease {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(client).await,
            Self::Show { lease, history: true, json } => history(client, &lease, json).await,
            Self::Show { lease, history: false, json } => {
                let lease: LeaseView = client.get(&path(&lease)).await?;
                if json.json {
                    return say::json(&lease);
                }
                show(&lease);
                Ok(())
            }
            Self::Release { leases, sure } => {
                let all = who::resolve(client, &leases).await?;
                let paths: Vec<String> = all.iter().map(|lease| path(lease)).collect();
                destroy(client, &paths, sure).await
            }
        }
    }
}

fn path(lease: &str) -> String {
    format!("/leases/{}", part(lease))
}

impl List {
    async fn run(self, client: &Client) -> Result<(), Failure> {
        let mut all: Vec<LeaseView> = client.get("/leases").await?;
        all.retain(|lease| {
            self.condition.as_ref().is_none_or(|state| lease.state == *state)
                && self.network.as_ref().is_none_or(|network| lease.network == *network)
        });
        let head = ["ADDRESS", "MAC", "NAME", "STATE", "UNTIL", "NETWORK"];
        say::listing(self.json.json, &all, head, |l| {
            [
                l.address.clone(),
                whose(l),
                say::or_dash(l.machine.as_ref().or(l.host_name.as_ref())),
                l.state.clone(),
                until(l),
                l.network.clone(),
            ]
        })
    }
}

fn show(lease: &LeaseView) {
    say::card(&[
        ("address", lease.address.clone()),
        ("mac", lease.mac.clone().unwrap_or_default()),
        ("machine", lease.machine.clone().unwrap_or_default()),
        ("host name", lease.host_name.clone().unwrap_or_default()),
        ("network", lease.network.clone()),
        ("state", lease.state.clone()),
        ("since", lease.since.clone()),
        ("until", until(lease)),
        ("client id", lease.client_id.clone().unwrap_or_default()),
        ("duid", lease.duid.clone().unwrap_or_default()),
        ("iaid", lease.iaid.map(|iaid| iaid.to_string()).unwrap_or_default()),
    ]);
}

async fn history(client: &Client, lease: &str, json: Json) -> Result<(), Failure> {
    let history: LeaseHistory = client.get(&format!("{}/history", path(lease))).await?;
    if json.json {
        return say::json(&history);
    }
    for lease in &history.now {
        show(lease);
        say::line("");
    }
    if history.before.is_empty() {
        say::note("nothing is remembered of before");
        return Ok(());
    }
    let head = ["ADDRESS", "MAC", "NAME", "FROM", "TO"];
    say::listing(false, &history.before, head, |l| {
        [
            l.address.clone(),
            whose(l),
            say::or_dash(l.machine.as_ref().or(l.host_name.as_ref())),
            l.since.clone(),
            until(l),
        ]
    })
}

/// Its MAC, else its identifier.
fn whose(lease: &LeaseView) -> String {
    let duid = || lease.duid.as_ref().map(|duid| format!("duid {duid}"));
    say::or_dash(lease.mac.clone().or_else(duid).as_ref())
}

fn until(lease: &LeaseView) -> String {
    lease.until.clone().unwrap_or_else(|| "for ever".to_owned())
}
