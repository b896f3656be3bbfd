//! `machine`: the inventory, and what its machines may do.

mod add;
mod csv;
mod deploy;
mod merge;
mod power;

use super::{change, destroy, with};
use crate::cli::{Dry, Json, Sure};
use crate::clock;
use crate::failure::Failure;
use crate::say;
use crate::who;
use api::Client;
use api::types::{AddressesWish, LifeWish, MachineView, MachineWish, OptionsWish, QuirksWish};
use clap::{Args, Subcommand};
use hyper::Method;
use model::HardwareAddress;
use model::Life;
use model::Pin;
use model::setting::Setting;
use model::url::part;
use model::{Event, Happening};
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
        /// Only those in this state: pending, approved, deploying, deployed, failed, blocked, retired.
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
        /// The last lines of its own log, as its installer sent them by syslog.
        #[arg(long)]
        log: bool,
        /// Its newest boots, step by step, with the silences and what they mean.
        #[arg(long, conflicts_with = "log")]
        boots: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Add machines before they are ever heard: one, or a hundred at once.
    Add(add::Add),
    /// Say something of a machine: its name, its own profile, labels, settings.
    Set(Set),
    /// Let machines boot what the rules give them.
    Approve(These),
    /// Forbid machines to boot from here: they are told so and go on to their local disk.
    Block(These),
    /// Take machines out of service.
    Retire(These),
    /// Arm machines with one installation each.
    Deploy(deploy::Deploy),
    /// Arm machines with something to boot once: rescue tools, a memory test, any image.
    BootOnce(deploy::BootOnce),
    /// Disarm machines.
    Cancel(These),
    /// Type the code that stands on a machine's screen: what was armed is given then.
    Confirm {
        /// Name, MAC, UUID or serial.
        machine: String,
        /// Six digits, as they stand there.
        code: String,
    },
    /// Make one machine of two that are two cards of one.
    Merge(merge::Merge),
    /// Switch machines on and off, and say from where they boot next.
    Power(power::Power),
    /// Wake machines by magic packets.
    Wake(These),
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
    /// Take a label away; may be said several times.
    #[arg(long, value_name = "KEY")]
    no_label: Vec<String>,
    /// A further MAC that it boots by: a second card; may be said several times.
    #[arg(long, value_name = "MAC")]
    mac: Vec<String>,
    /// Take a further MAC away; may be said several times.
    #[arg(long, value_name = "MAC")]
    no_mac: Vec<String>,
    /// Something that templates are told about it; may be said several times: user=ada,
    /// packages=[vim,git], disk=serial:S3R1AL.
    #[arg(long, value_name = "NAME=VALUE")]
    setting: Vec<String>,
    /// Take a setting of its own away; may be said several times.
    #[arg(long, value_name = "NAME")]
    no_setting: Vec<String>,
    /// Say that it has a quirk or has not, whatever it looks like; may be said several times:
    /// needs-broadcast=on, ignores-option-43=off, quirk-07=auto. See `bootwright quirk list`.
    #[arg(long, value_name = "NAME=on|off|auto")]
    quirk: Vec<String>,
    /// Remarks about it, instead of those there are.
    #[arg(long)]
    note: Option<String>,
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
    /// Says it, addresses and options last: a wrong word of them stops it before anything is changed.
    async fn run(mut self, client: &Client) -> Result<(), Failure> {
        let (path, dry) = (path(&self.machine), self.dry);
        let set = std::mem::take(&mut self.option);
        let options = OptionsWish { set, unset: std::mem::take(&mut self.no_option) };
        let some = !options.set.is_empty() || !options.unset.is_empty();
        for text in &options.set {
            model::option::parse_assignment(text).map_err(Failure::usage)?;
        }
        let (add, remove) = (std::mem::take(&mut self.mac), std::mem::take(&mut self.no_mac));
        for text in add.iter().chain(&remove) {
            text.parse::<HardwareAddress>().map_err(Failure::usage)?;
        }
        let cards = !add.is_empty() || !remove.is_empty();
        let quirks = QuirksWish { quirks: pins(&std::mem::take(&mut self.quirk))? };
        let pinned = !quirks.quirks.is_empty();
        if !(some || cards || pinned) || self.says_more() {
            change(client, Method::PATCH, &path, dry, Some(&self.wish()?)).await?;
        }
        if cards {
            let path = format!("{path}/addresses");
            let wish = AddressesWish { add, remove };
            change(client, Method::PATCH, &path, dry, Some(&wish)).await?;
        }
        if pinned {
            let path = format!("{path}/quirks");
            change(client, Method::PATCH, &path, dry, Some(&quirks)).await?;
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
        let settings = !self.setting.is_empty() || !self.no_setting.is_empty();
        let labels = !self.label.is_empty() || !self.no_label.is_empty();
        self.name.is_some() || profile || labels || settings || self.note.is_some()
    }

    fn wish(self) -> Result<MachineWish, Failure> {
        let gone = self.no_label.iter().map(|key| (key.clone(), None));
        let labels = labels(&self.label)?.into_iter().map(|(key, value)| (key, Some(value)));
        let labels = labels.chain(gone).collect();
        if !self.says_more() {
            return Err(Failure::usage("nothing to set").hint(
                "say --name, --profile, --no-profile, --label KEY=VALUE, --no-label KEY, --mac MAC, \
                 --no-mac MAC, --setting NAME=VALUE, --quirk NAME=on|off|auto, --note TEXT, \
                 --option NAME=VALUE or --no-option NAME",

            ));
        }
        let profile = if self.no_profile { Some(String::new()) } else { self.profile };
        let settings = settings(&self.setting, &self.no_setting)?;
        Ok(MachineWish { name: self.name, profile, labels, settings, notes: self.note })
    }
}

/// Settings to set, and to take away.
pub fn settings(
    set: &[String],
    unset: &[String],
) -> Result<BTreeMap<String, Option<Setting>>, Failure> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            Ok((name.to_owned(), Some(Setting::typed(value))))
        }
        _ => Err(Failure::usage(format!("`{text}` is no setting")).hint("write it like user=ada")),
    };
    let gone = unset.iter().map(|name| Ok((name.clone(), None)));
    set.iter().map(pair).chain(gone).collect()
}

/// `needs-broadcast=on`, several times.
fn pins(texts: &[String]) -> Result<BTreeMap<String, Pin>, Failure> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, pin)) if !name.is_empty() => {
            Ok((name.to_owned(), pin.parse().map_err(Failure::usage)?))
        }
        _ => Err(Failure::usage(format!("`{text}` says nothing of a quirk"))
            .hint("write it like needs-broadcast=on, =off or =auto")),
    };
    texts.iter().map(pair).collect()
}

/// `room=3`, several times.
fn labels(texts: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |text: &String| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(Failure::usage(format!("`{text}` is no label")).hint("write it like room=3")),
    };
    texts.iter().map(pair).collect()
}

fn path(machine: &str) -> String {
    format!("/machines/{}", part(machine))
}

impl Machine {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::List { life, search, json } => {
                let mut path = with("/machines", "limit", "1000");
                if let Some(words) = &search {
                    path = with(&path, "search", words);
                }
                if let Some(life) = life {
                    path = with(&path, "state", life.name());
                }
                let all: Vec<MachineView> = client.pages(&path).await?;
                let head =
                    ["MAC", "NAME", "STATE", "CODE", "ARCH", "ADDRESS", "PROFILE", "LAST SEEN"];
                say::listing(json.json, &all, head, |m| {
                    [
                        m.mac.clone(),
                        say::or_dash(m.name.as_ref()),
                        m.state.to_string(),
                        m.code.clone(),
                        say::or_dash(m.arch.as_ref()),
                        say::or_dash(m.address.as_ref().or(m.ipv6.first())),
                        say::or_dash(m.profile.as_ref()),
                        m.last_seen.clone(),
                    ]
                })
            }
            Self::Show { machine, log: true, json, .. } => log(client, &machine, json).await,
            Self::Show { machine, boots: true, json, .. } => {
                super::boot::of_machine(client, &machine, json).await
            }
            Self::Show { machine, json, .. } => {
                let shown: MachineView = client.get(&path(&machine)).await?;
                if json.json {
                    return say::json(&shown);
                }
                let last_boot = super::diagnose::in_a_line(client, &machine).await;
                show(shown, last_boot);
                Ok(())
            }
            Self::Add(add) => add.run(client).await,
            Self::Set(set) => set.run(client).await,
            Self::Approve(these) => life(client, these, Life::Approved).await,
            Self::Block(these) => life(client, these, Life::Blocked).await,
            Self::Retire(these) => life(client, these, Life::Retired).await,
            Self::Deploy(deploy) => deploy.run(client).await,
            Self::BootOnce(boot) => boot.run(client).await,
            Self::Cancel(these) => deploy::cancel(client, &these.machines, these.dry).await,
            Self::Power(power) => power.run(client).await,
            Self::Wake(these) => power::wake(client, &these.machines, these.dry).await,
            Self::Confirm { machine, code } => deploy::confirm(client, &machine, code).await,
            Self::Merge(merge) => merge.run(client).await,
            Self::Remove { machines, sure } => {
                let all = who::resolve(client, &machines).await?;
                let paths: Vec<String> = all.iter().map(|m| path(m)).collect();
                destroy(client, &paths, sure).await
            }
        }
    }
}

/// The newest lines that the machine logged itself, oldest first.
async fn log(client: &Client, machine: &str, json: Json) -> Result<(), Failure> {
    let lines: Vec<Event> = client.get(&format!("{}/log", path(machine))).await?;
    if json.json {
        return say::json(&lines);
    }
    if lines.is_empty() {
        say::note(format!(
            "nothing was heard of the log of {machine}\nhint: [syslog] port = 514 in the \
             configuration takes logs; its installer sends them when it is told to, as by \
             log_host=SERVER (Debian) or inst.syslog=SERVER (Anaconda)"
        ));
    }
    for event in &lines {
        let at = clock::local(event.at);
        match &event.what {
            Happening::Syslog { severity, app: Some(app), text } => {
                say::line(format!("{at} {severity:7} {app}: {text}"));
            }
            Happening::Syslog { severity, app: None, text } => {
                say::line(format!("{at} {severity:7} {text}"));
            }
            what => say::line(format!("{at} {what}")),
        }
    }
    Ok(())
}

async fn life(client: &Client, these: These, state: Life) -> Result<(), Failure> {
    for machine in who::resolve(client, &these.machines).await? {
        let path = format!("{}/state", path(&machine));
        change(client, Method::PUT, &path, these.dry, Some(&LifeWish { state })).await?;
    }
    Ok(())
}

fn show(machine: MachineView, last_boot: Option<String>) {
    let hardware = machine.hardware;
    let reported = machine.hardware_reported.unwrap_or_default();
    let shown = machine.name.clone().unwrap_or_else(|| machine.mac.clone());
    let labels: Vec<String> = machine.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let quirks: Vec<String> = machine.quirks.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let settings: Vec<String> = machine.settings.iter().map(|(k, v)| format!("{k}={v}")).collect();
    say::card(&[
        ("mac", machine.mac),
        ("further macs", machine.macs.join(", ")),
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
        ("ipv6", machine.ipv6.join(", ")),
        ("reserved", machine.reservations.join(", ")),
        ("profile", machine.profile.unwrap_or_default()),
        ("options", machine.options.join(", ")),
        ("labels", labels.join(", ")),
        ("settings", settings.join(", ")),
        ("quirks", quirks.join(", ")),
        ("deployment", machine.deployment.unwrap_or_default()),
        ("notes", machine.notes),
        ("first seen", machine.first_seen),
        ("last seen", machine.last_seen),
        ("last boot", last_boot.unwrap_or_default()),
    ]);
    if let Some(hardware) = &hardware {
        parts::show(hardware, &reported);
    }
    for twin in &machine.twins {
        say::note(format!(
            "hint: {twin} is a card of this machine, by its report, and is filed as a machine of its \
             own: `bootwright machine merge {} {twin}` makes one of the two",
            shown
        ));
    }
}
