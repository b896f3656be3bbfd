//! `machine`: the inventory, and what its machines may do.

use super::{change, destroy, with};
use crate::cli::{Dry, Json, Sure};
use crate::failure::Failure;
use crate::say;
use crate::who;
use api::Client;
use api::types::{LifeWish, MachineView, MachineWish, OptionsWish};
use clap::{Args, Subcommand};
use hyper::Method;
use model::machine::Life;
use model::url::part;
use std::collections::BTreeMap;

mod parts;

const NAMED: &str = "A machine is named by name, MAC (any usual spelling), UUID or serial; sets by \
range or label: lab-01..20, 'lab-[01-20]', label:room=3.";

/// What can be done with machines.
#[derive(Debug, Subcommand)]
#[command(after_help = NAMED)]
pub enum Machine {
    /// List all that were ever heard.
    List {
        /// Only those in this state: pending, approved, blocked, retired.
        // `state` is the name of the global flag's value already.
        #[arg(id = "life", long = "in-state", value_name = "STATE")]
        life: Option<Life>,
        /// Only those of which these words are known: parts of name, MAC, UUID, serial, product,
        /// disk, label.
        #[arg(long, value_name = "WORDS")]
        search: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Show one.
    Show {
        /// Name, MAC, UUID or serial.
        machine: String,
        #[command(flatten)]
        json: Json,
    },
    /// Say something of a machine: its name, its own profile, labels.
    Set(Set),
    /// Let machines boot what the rules give them.
    Approve(These),
    /// Forbid machines to boot from here: they are told so and go on to their local disk.
    Block(These),
    /// Forget machines; they are new when they come again.
    Remove {
        /// Names, MACs, UUIDs, serials, ranges, labels.
        #[arg(required = true)]
        machines: Vec<String>,
        #[command(flatten)]
        sure: Sure,
    },
}

/// Several machines.
#[derive(Debug, Args)]
#[command(after_help = NAMED)]
pub struct These {
    /// Names, MACs, UUIDs, serials, ranges, labels.
    #[arg(required = true)]
    machines: Vec<String>,
    #[command(flatten)]
    dry: Dry,
}

/// What is said of a machine.
#[derive(Debug, Args)]
#[command(after_help = "A MAC that was never heard adds the machine.")]
pub struct Set {
    /// Name, MAC, UUID or serial.
    machine: String,
    /// Its new name.
    #[arg(long)]
    name: Option<String>,
    /// Its own profile, which outranks every rule.
    #[arg(long, conflicts_with = "no_profile")]
    profile: Option<String>,
    /// Take its own profile away.
    #[arg(long)]
    no_profile: bool,
    /// A label; may be said several times.
    #[arg(long, value_name = "KEY=VALUE")]
    label: Vec<String>,
    /// A DHCP option for it alone, as in the configuration file; may be said several times.
    #[arg(long, value_name = "NAME=VALUE")]
    option: Vec<String>,
    /// Take an option of its own away; may be said several times.
    #[arg(long, value_name = "NAME")]
    no_option: Vec<String>,
    #[command(flatten)]
    dry: Dry,
}

impl Set {
    /// Says it, the options last: a wrong word of them stops it before anything is changed.
    async fn run(mut self, client: &Client) -> Result<(), Failure> {
        let (path, dry) = (path(&self.machine), self.dry);
        let set = std::mem::take(&mut self.option);
        let options = OptionsWish { set, unset: std::mem::take(&mut self.no_option) };
        let some = !options.set.is_empty() || !options.unset.is_empty();
        for text in &options.set {
            model::option::parse_assignment(text).map_err(Failure::usage)?;
        }
        if !some || self.says_more() {
            change(client, Method::PATCH, &path, dry, Some(&self.wish()?)).await?;
        }
        if some {
            let path = format!("{path}/options");
            change(client, Method::PATCH, &path, dry, Some(&options)).await?;
        }
        Ok(())
    }

    /// Whether anything but options is said.
    fn says_more(&self) -> bool {
        let profile = self.profile.is_some() || self.no_profile;
        self.name.is_some() || profile || !self.label.is_empty()
    }

    fn wish(self) -> Result<MachineWish, Failure> {
        let pair = |text: &String| match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
            _ => Err(Failure::usage(format!("`{text}` is no label")).hint("write it like room=3")),
        };
        let labels: BTreeMap<String, String> =
            self.label.iter().map(pair).collect::<Result<_, _>>()?;
        if self.name.is_none() && self.profile.is_none() && !self.no_profile && labels.is_empty() {
            return Err(Failure::usage("nothing to set").hint(
                "say --name, --profile, --no-profile, --label KEY=VALUE, --option NAME=VALUE or \
                 --no-option NAME",
            ));
        }
        let profile = if self.no_profile { Some(String::new()) } else { self.profile };
        Ok(MachineWish { name: self.name, profile, labels })
    }
}

fn path(machine: &str) -> String {
    format!("/machines/{}", part(machine))
}

impl Machine {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::List { life, search, json } => {
                let path = match &search {
                    Some(words) => with("/machines", "search", words),
                    None => "/machines".to_owned(),
                };
                let mut all: Vec<MachineView> = client.get(&path).await?;
                all.retain(|m| life.is_none_or(|life| m.state == life));
                let head =
                    ["MAC", "NAME", "STATE", "CODE", "ARCH", "ADDRESS", "PROFILE", "LAST SEEN"];
                say::listing(json.json, &all, head, |m| {
                    [
                        m.mac.clone(),
                        say::or_dash(m.name.as_ref()),
                        m.state.to_string(),
                        m.code.clone(),
                        say::or_dash(m.arch.as_ref()),
                        say::or_dash(m.address.as_ref()),
                        say::or_dash(m.profile.as_ref()),
                        m.last_seen.clone(),
                    ]
                })
            }
            Self::Show { machine, json } => {
                let machine: MachineView = client.get(&path(&machine)).await?;
                if json.json {
                    return say::json(&machine);
                }
                show(machine);
                Ok(())
            }
            Self::Set(set) => set.run(client).await,
            Self::Approve(these) => life(client, these, Life::Approved).await,
            Self::Block(these) => life(client, these, Life::Blocked).await,
            Self::Remove { machines, sure } => {
                let all = who::resolve(client, &machines).await?;
                let paths: Vec<String> = all.iter().map(|m| path(m)).collect();
                destroy(client, &paths, sure).await
            }
        }
    }
}

async fn life(client: &Client, these: These, state: Life) -> Result<(), Failure> {
    for machine in who::resolve(client, &these.machines).await? {
        let path = format!("{}/state", path(&machine));
        change(client, Method::PUT, &path, these.dry, Some(&LifeWish { state })).await?;
    }
    Ok(())
}

fn show(machine: MachineView) {
    let hardware = machine.hardware;
    let reported = machine.hardware_reported.unwrap_or_default();
    let labels: Vec<String> = machine.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    say::card(&[
        ("mac", machine.mac),
        ("name", machine.name.unwrap_or_default()),
        ("state", machine.state.to_string()),
        ("code", machine.code),
        ("uuid", machine.uuid.unwrap_or_default()),
        ("serial", machine.serial.unwrap_or_default()),
        ("arch", machine.arch.unwrap_or_default()),
        ("firmware", machine.firmware.unwrap_or_default()),
        ("memory", machine.memory_mib.map(|m| format!("{m} MiB")).unwrap_or_default()),
        ("vendor class", machine.vendor_class.unwrap_or_default()),
        ("network", machine.network),
        ("address", machine.address.unwrap_or_default()),
        ("reserved", machine.reservations.join(", ")),
        ("profile", machine.profile.unwrap_or_default()),
        ("options", machine.options.join(", ")),
        ("labels", labels.join(", ")),
        ("first seen", machine.first_seen),
        ("last seen", machine.last_seen),
    ]);
    if let Some(hardware) = &hardware {
        parts::show(hardware, &reported);
    }
}
