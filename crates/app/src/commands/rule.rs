//! `rule`: which machines get which profile.

use super::{change, destroy, with};
use crate::cli::{Dry, Json, Sure};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{ConditionText, MoveWish, RuleTest, RuleView, RuleWish};
use clap::{Args, Subcommand};
use hyper::Method;

/// What can be done with rules.
#[derive(Debug, Subcommand)]
pub enum Rule {
    /// Add a rule; it is placed before the rules that demand less.
    Add(Box<Add>),
    /// List all, in the order in which they are tried.
    List(Json),
    /// Move a rule to a place in the order.
    Move {
        /// Its number.
        id: u32,
        /// Its new place, the first being 1.
        #[arg(long)]
        to: usize,
        #[command(flatten)]
        dry: Dry,
    },
    /// Remove rules.
    Remove {
        /// Their numbers.
        #[arg(required = true)]
        ids: Vec<u32>,
        #[command(flatten)]
        sure: Sure,
    },
    /// Say which rule a machine meets, and why not the others.
    Test {
        #[command(flatten)]
        who: super::explain::Who,
        #[command(flatten)]
        json: Json,
    },
}

/// A new rule. Without a condition it is for everybody.
#[derive(Debug, Args)]
pub struct Add {
    /// What it leads to.
    #[arg(long)]
    profile: String,
    /// A MAC, or the beginning of one: 52:54:00.
    #[arg(long, value_name = "MAC")]
    mac: Option<String>,
    /// A UUID.
    #[arg(long)]
    uuid: Option<String>,
    /// A serial number.
    #[arg(long)]
    serial: Option<String>,
    /// An architecture: x86-bios, x64-uefi, arm64-uefi, ...
    #[arg(long)]
    arch: Option<String>,
    /// A firmware: pxe, http, uboot, rpi.
    #[arg(long)]
    firmware: Option<String>,
    /// The beginning of the vendor class (option 60).
    #[arg(long, value_name = "TEXT")]
    vendor_class: Option<String>,
    /// An interface of this server.
    #[arg(long, value_name = "IF")]
    network: Option<String>,
    /// A port of a relay (option 82.1).
    #[arg(long, value_name = "ID")]
    circuit: Option<String>,
    /// At least so much memory: 4096 (MiB) or 4GiB.
    #[arg(long)]
    memory: Option<String>,
    /// A disk of at least so much, by the machine's report: 480GB, 1TB, 100GiB.
    #[arg(long, value_name = "SIZE")]
    disk: Option<String>,
    /// A part of the processor's name, by the machine's report: EPYC.
    #[arg(long, value_name = "TEXT")]
    cpu: Option<String>,
    /// A label; may be said several times.
    #[arg(long, value_name = "KEY=VALUE")]
    label: Vec<String>,
    #[command(flatten)]
    dry: Dry,
}

impl Add {
    fn conditions(&self) -> Result<Vec<ConditionText>, Failure> {
        let flags = [
            ("mac", &self.mac),
            ("uuid", &self.uuid),
            ("serial", &self.serial),
            ("arch", &self.arch),
            ("firmware", &self.firmware),
            ("vendor-class", &self.vendor_class),
            ("network", &self.network),
            ("circuit", &self.circuit),
            ("memory", &self.memory),
            ("disk", &self.disk),
            ("cpu", &self.cpu),
        ];
        let said = flags.into_iter().filter_map(|(key, v)| Some(format!("{key}={}", v.as_ref()?)));
        let labels = self.label.iter().map(|label| format!("label:{label}"));
        said.chain(labels).map(|text| text.parse().map_err(Failure::usage)).collect()
    }
}

impl Rule {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::Add(add) => {
                let wish = RuleWish { conditions: add.conditions()?, profile: add.profile };
                change(client, Method::POST, "/rules", add.dry, Some(&wish)).await
            }
            Self::List(json) => {
                let all: Vec<RuleView> = client.get("/rules").await?;
                say::listing(json.json, &all, ["PLACE", "RULE", "DEMANDS", "PROFILE"], |r| {
                    let demands: Vec<String> =
                        r.conditions.iter().map(ToString::to_string).collect();
                    let demands = if demands.is_empty() {
                        "(everybody)".to_owned()
                    } else {
                        demands.join(", ")
                    };
                    [r.place.to_string(), r.id.to_string(), demands, r.profile.clone()]
                })
            }
            Self::Move { id, to, dry } => {
                let path = format!("/rules/{id}/move");
                change(client, Method::POST, &path, dry, Some(&MoveWish { to })).await
            }
            Self::Remove { ids, sure } => {
                let paths: Vec<String> = ids.iter().map(|id| format!("/rules/{id}")).collect();
                destroy(client, &paths, sure).await
            }
            Self::Test { who, json } => {
                let path = who.query("/rules/test");
                let test: RuleTest = client.get(&path).await?;
                if json.json {
                    return say::json(&test);
                }
                say::line(format!("{} ({}): {}", test.machine, test.taken_as, test.decision));
                for reason in &test.reasons {
                    say::line(format!("  {reason}"));
                }
                Ok(())
            }
        }
    }
}

impl super::explain::Who {
    /// The question as a path with a query.
    pub fn query(&self, path: &str) -> String {
        let mut path = with(path, "machine", &self.machine);
        let arch = self.arch.map(|arch| arch.to_string());
        let firmware = self.firmware.map(|firmware| firmware.to_string());
        let network = self.network.clone();
        for (key, value) in [("arch", arch), ("firmware", firmware), ("network", network)] {
            if let Some(value) = value {
                path = with(&path, key, &value);
            }
        }
        path
    }
}
