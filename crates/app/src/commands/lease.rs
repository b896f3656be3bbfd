//! `lease`: who has which address.

use crate::cli::Json;
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::client::part;
use api::types::LeaseView;
use clap::Subcommand;

/// What can be done with leases.
#[derive(Debug, Subcommand)]
pub enum Lease {
    /// List all, by address.
    List(Json),
    /// Show one.
    Show {
        /// Its address, or its machine.
        lease: String,
        #[command(flatten)]
        json: Json,
    },
}

impl Lease {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::List(json) => {
                let all: Vec<LeaseView> = client.get("/leases").await?;
                let head = ["ADDRESS", "MAC", "NAME", "STATE", "UNTIL", "NETWORK"];
                say::listing(json.json, &all, head, |l| {
                    [
                        l.address.clone(),
                        l.mac.clone(),
                        say::or_dash(l.machine.as_ref().or(l.host_name.as_ref())),
                        l.state.clone(),
                        until(l),
                        l.network.clone(),
                    ]
                })
            }
            Self::Show { lease, json } => {
                let lease: LeaseView = client.get(&format!("/leases/{}", part(&lease))).await?;
                if json.json {
                    return say::json(&lease);
                }
                say::card(&[
                    ("address", lease.address.clone()),
                    ("mac", lease.mac.clone()),
                    ("machine", lease.machine.clone().unwrap_or_default()),
                    ("host name", lease.host_name.clone().unwrap_or_default()),
                    ("network", lease.network.clone()),
                    ("state", lease.state.clone()),
                    ("since", lease.since.clone()),
                    ("until", until(&lease)),
                    ("client id", lease.client_id.clone().unwrap_or_default()),
                ]);
                Ok(())
            }
        }
    }
}

fn until(lease: &LeaseView) -> String {
    lease.until.clone().unwrap_or_else(|| "for ever".to_owned())
}
