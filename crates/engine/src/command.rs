//! What operators may ask to be changed, and when that is refused.

mod addresses;
mod addresses6;
mod apply;
mod declared;
mod deploy;
mod images;
mod machines;
mod merge;
mod name;
mod names;
mod operators;
mod power;
mod quirks;
mod rules;
mod templates;
mod webhooks;

pub(crate) use deploy::written as disk_as_written;
pub use deploy::{Deploy, DeployMany};
pub use names::{NAMES_MAX, RECORDS_MAX};
pub use webhooks::{WEBHOOKS_MAX, WebhookNews};

pub use apply::Tally;
pub use declared::{
    Declared, DeclaredMachine, DeclaredProfile, DeclaredRule, DeclaredTemplate, MACHINES_MAX,
    PROFILES_MAX, RULES_MAX,
};

use crate::Engine;
use model::access::{ApiToken, User};
use model::dns::NameRecord;
use model::image::{Hash, SecureBoot};
use model::life::Life;
use model::menu::{Choice, Menu};
use model::rule::{Condition, Profile};
use model::setting::Setting;
use model::template::Template;
use model::{
    Change, Channel, Declarable, DhcpOption, HardwareAddress, Image, Lease, Loader, Now, Pin,
    PowerSettings, Reservation, Reservation6, Webhook,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

pub use name::Before;
pub use operators::UserWish;
pub use rules::{RuleFault, WantedRule};

/// A change that an operator asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "images are rare, and a command is moved once")]
pub enum Command {
    /// Adds a profile, or replaces the one of this name.
    SetProfile(Profile),
    /// Removes a profile that no rule, machine or menu uses.
    RemoveProfile(String),
    /// Adds a rule. It is placed before the rules that demand less.
    AddRule {
        /// What it demands.
        conditions: Vec<Condition>,
        /// What it leads to.
        profile: String,
    },
    /// Makes the rules these, in this order.
    SetRules(Vec<WantedRule>),
    /// Moves a rule to a place in the order, the first being 1.
    MoveRule {
        /// Its number.
        id: u32,
        /// Its new place.
        to: usize,
    },
    /// Removes a rule.
    RemoveRule(u32),
    /// Sets the menu of one network (its interface), or of all.
    SetMenu(Option<String>, Menu),
    /// Publishes an imported image; its version is given by the engine.
    PublishImage(Image),
    /// Removes one version of an image, or all.
    RemoveImage(String, Option<u32>),
    /// Notes what an audit of one version said.
    SetSecureBoot(String, u32, SecureBoot),
    /// Lets a channel of an image show a version.
    Promote {
        /// The image.
        image: String,
        /// The version; without one, what `test` shows.
        version: Option<u32>,
        /// `stable` or `test`.
        to: Channel,
    },
    /// Lets `stable` show what it showed before.
    Rollback(String),
    /// Makes a bootloader available.
    PublishLoader(Loader),
    /// Approves, blocks or retires a machine, named by name, MAC, UUID or serial.
    SetLife(String, Life),
    /// Changes what an operator says of a machine.
    SetMachine {
        /// Name, MAC, UUID or serial; a MAC that was never seen adds the machine.
        machine: String,
        /// New name.
        name: Option<String>,
        /// Own profile; `Some(None)` takes it away.
        profile: Option<Option<String>>,
        /// Labels to set; one without a value is taken away.
        labels: Vec<(String, Option<String>)>,
        /// Settings to set; one without a value is taken away.
        settings: Vec<(String, Option<Setting>)>,
        /// New remarks.
        notes: Option<String>,
    },
    /// Says by which further addresses a machine boots.
    SetAddresses {
        /// Name, MAC, UUID or serial.
        machine: String,
        /// Its from now on.
        add: Vec<HardwareAddress>,
        /// Its no more.
        remove: Vec<HardwareAddress>,
    },
    /// Makes one machine of two: the first takes over what it lacks, and the addresses of the second.
    MergeMachines(String, String),
    /// Forgets a machine.
    RemoveMachine(HardwareAddress),
    /// Makes machines, profiles and rules as documents declare them; with `true`, what an earlier
    /// document declared and these do not is removed.
    Apply(Declared, bool),
    /// Adds many machines, or sets what is said of those that are there; all or none.
    AddMachines(Vec<DeclaredMachine>),
    /// Promises an address to a client; replaces the promise of the same address.
    AddReservation(Reservation),
    /// The same for an IPv6 address.
    AddReservation6(Reservation6),
    /// Takes such a promise back.
    RemoveReservation(IpAddr),
    /// Ends a lease, as if its client had given it back; a declined or conflicting address is free
    /// again.
    ReleaseLease(IpAddr),
    /// Takes over leases of another server. What contradicts a lease of ours stays out.
    ImportLeases(Vec<Lease>),
    /// Sets the DHCP options of a machine alone.
    SetMachineOptions(String, Vec<DhcpOption>),
    /// Says of a machine which quirks it has and has not, by any of their names; a MAC that was never
    /// seen adds the machine.
    SetQuirks(String, BTreeMap<String, Pin>),
    /// Adds a template, or replaces the one of this name.
    SetTemplate(Template),
    /// Removes a template.
    RemoveTemplate(String),
    /// Sets a secret, sealed by whoever has the key.
    SetSecret(String, String),
    /// Removes a secret.
    RemoveSecret(String),
    /// Says how the power of a machine is switched.
    SetPower {
        /// Name, MAC, UUID or serial.
        machine: String,
        /// How.
        power: PowerSettings,
        /// Its own secret for that, sealed by whoever has the key.
        sealed: Option<String>,
    },
    /// Forgets that.
    RemovePower(String),
    /// Arms a machine with one installation.
    Deploy(String, Deploy),
    /// Arms several machines, one after the other.
    DeployMany(DeployMany),
    /// Arms a machine with something to boot once.
    BootOnce {
        /// Name, MAC, UUID or serial.
        machine: String,
        /// What.
        what: Choice,
        /// How long it may take to come.
        within: Duration,
        /// Who asks.
        by: String,
        /// 32 bytes of chance.
        seed: Hash,
    },
    /// Disarms a machine.
    Cancel {
        /// Name, MAC, UUID or serial.
        machine: String,
        /// Who asks.
        by: String,
    },
    /// The code on a machine's screen was typed.
    Confirm {
        /// Name, MAC, UUID or serial.
        machine: String,
        /// As it was typed.
        code: String,
    },
    /// Stops a batch before the next machine's turn, or lets it go on.
    PauseBatch(u32, bool),
    /// Disarms what of a batch has not begun.
    CancelBatch {
        /// Its number.
        batch: u32,
        /// Who asks.
        by: String,
    },
    /// Adds a user.
    AddUser(User),
    /// Adds a user, if there is none yet.
    AddFirstUser(User),
    /// Changes a user, and ends all that began with what he was before.
    SetUser(UserWish),
    /// Removes a user and his tokens.
    RemoveUser(String),
    /// Makes an API token.
    AddToken(ApiToken),
    /// Revokes a token, by its id.
    RevokeToken(String),
    /// Revokes all tokens of somebody, and ends his sessions.
    RevokeTokensOf(String),
    /// Adds a record to a name.
    AddRecord(String, NameRecord),
    /// Removes records of a name: all, those of a kind, or the one that says this.
    RemoveRecord {
        /// The name.
        name: String,
        /// `A`, ...
        kind: Option<String>,
        /// What it says.
        data: Option<String>,
    },
    /// Adds a webhook. Without any event it gets [`model::webhook::DEFAULT_EVENTS`].
    AddWebhook(Webhook),
    /// Changes a webhook.
    SetWebhook {
        /// Its name.
        name: String,
        /// What is new.
        news: WebhookNews,
    },
    /// Removes a webhook.
    RemoveWebhook(String),
}

/// Why a command was not carried out: what is wrong and what to do.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// What is wrong.
    pub why: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

/// A command that was decided but not yet kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// What to keep, then [`crate::Engine::apply`].
    pub changes: Vec<Change>,
    /// What was done (or would be, for a dry run), in words.
    pub says: String,
}

type Outcome = Result<Decided, Refusal>;

fn decided(changes: Vec<Change>, says: impl Into<String>) -> Outcome {
    Ok(Decided { changes, says: says.into() })
}

fn refuse<T>(why: impl Into<String>, hint: &str) -> Result<T, Refusal> {
    let hint = (!hint.is_empty()).then(|| hint.to_owned());
    Err(Refusal { why: why.into(), hint })
}

/// Names that stand in URLs, scripts and file names.
fn check_name(what: &str, name: &str) -> Result<(), Refusal> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let whole = !name.is_empty() && name.len() <= 63 && name.chars().all(allowed);
    if whole && !name.starts_with(['.', '-']) {
        return Ok(());
    }
    refuse(
        format!("`{}` is no name for {what}", model::text::show(name.as_bytes())),
        "use 1 to 63 of a-z, 0-9, dot, dash and underscore, a letter or digit first",
    )
}

/// Text that goes into scripts: one line of it.
fn check_line(what: &str, text: &str) -> Result<(), Refusal> {
    if text.len() <= 2048 && !text.chars().any(char::is_control) {
        return Ok(());
    }
    refuse(format!("{what} must be one line of at most 2048 bytes"), "")
}

impl Engine {
    /// Decides a command without changing anything: keep the changes first, then apply them.
    pub fn command(&self, now: Now, command: Command) -> Outcome {
        match command {
            Command::SetProfile(profile) => self.set_profile(profile),
            Command::RemoveProfile(name) => self.remove_profile(name),
            Command::AddRule { conditions, profile } => self.add_rule(conditions, profile),
            Command::SetRules(wanted) => self.set_rules(wanted),
            Command::MoveRule { id, to } => self.move_rule(id, to),
            Command::RemoveRule(id) => self.remove_rule(id),
            Command::SetMenu(network, menu) => self.set_menu(network, menu),
            Command::PublishImage(image) => self.publish_image(now, image),
            Command::RemoveImage(name, version) => self.remove_image(&name, version),
            Command::SetSecureBoot(image, version, said) => {
                self.set_secure_boot(&image, version, said)
            }
            Command::Promote { image, version, to } => self.promote(image, version, to),
            Command::Rollback(image) => self.roll_back(image),
            Command::PublishLoader(loader) => {
                let says = format!("{} ({}, {})", loader.name, loader.arch, loader.version);
                decided(vec![Change::Loader(loader)], format!("bootloader {says} is available"))
            }
            Command::SetLife(named, life) => self.set_life(now, &named, life),
            Command::AddReservation(reservation) => self.add_reservation(now, reservation),
            Command::AddReservation6(reservation) => self.add_reservation6(now, reservation),
            Command::RemoveReservation(IpAddr::V4(address)) => self.remove_reservation(address),
            Command::RemoveReservation(IpAddr::V6(address)) => self.remove_reservation6(address),
            Command::ReleaseLease(IpAddr::V4(address)) => self.release_lease(now, address),
            Command::ReleaseLease(IpAddr::V6(address)) => self.release_lease6(now, address),
            Command::ImportLeases(leases) => self.import_leases(now, leases),
            Command::SetMachineOptions(named, options) => self.set_machine_options(&named, options),
            Command::SetQuirks(named, pins) => self.set_quirks(now, &named, &pins),
            Command::SetMachine { machine, name, profile, labels, settings, notes } => {
                let wish = machines::Wish { name, profile, labels, settings, notes };
                self.set_machine(now, &machine, wish)
            }
            Command::Apply(declared, prune) => self.apply_declared(now, &declared, prune),
            Command::AddMachines(machines) => self.add_machines(now, &machines),
            Command::SetAddresses { machine, add, remove } => {
                self.set_addresses(&machine, &add, &remove)
            }
            Command::MergeMachines(machine, other) => self.merge_machines(now, &machine, &other),
            Command::RemoveMachine(hardware) => self.remove_machine(now, hardware),
            Command::SetTemplate(template) => self.set_template(template),
            Command::RemoveTemplate(name) => self.remove_template(name),
            Command::SetSecret(name, sealed) => self.set_secret(name, sealed),
            Command::RemoveSecret(name) => self.remove_secret(name),
            Command::SetPower { machine, power, sealed } => self.set_power(&machine, power, sealed),
            Command::RemovePower(named) => self.remove_power(&named),
            Command::Deploy(named, wish) => self.deploy(now, &named, &wish),
            Command::DeployMany(wish) => self.deploy_many(now, wish),
            Command::BootOnce { machine, what, within, by, seed } => {
                self.boot_once(now, &machine, (&what, within), (&by, seed))
            }
            Command::Cancel { machine, by } => self.cancel(now, &machine, &by),
            Command::Confirm { machine, code } => self.confirm(now, &machine, &code),
            Command::PauseBatch(batch, pause) => self.pause_batch(now, batch, pause),
            Command::CancelBatch { batch, by } => self.cancel_batch(now, batch, &by),
            Command::AddUser(user) => self.add_user(now, user),
            Command::AddFirstUser(user) => self.add_first_user(now, user),
            Command::SetUser(wish) => self.set_user(now, wish),
            Command::RemoveUser(name) => self.remove_user(&name),
            Command::AddToken(token) => self.add_token(now, token),
            Command::RevokeToken(id) => self.revoke_token(&id),
            Command::RevokeTokensOf(name) => self.revoke_tokens_of(now, &name),
            Command::AddRecord(name, record) => self.add_record(&name, record),
            Command::RemoveRecord { name, kind, data } => {
                self.remove_record(&name, kind.as_deref(), data.as_deref())
            }
            Command::AddWebhook(webhook) => self.add_webhook(webhook),
            Command::SetWebhook { name, news } => self.set_webhook(&name, news),
            Command::RemoveWebhook(name) => self.remove_webhook(name),
        }
    }

    fn set_profile(&self, profile: Profile) -> Outcome {
        check_name("a profile", &profile.name)?;
        check_line("kernel arguments", &profile.args)?;
        templates::check_settings(&profile.settings)?;
        if let Some(template) = &profile.template {
            let of = |known: &answers::Template| crate::deploy::stem(known.name()) == template;
            if !self.templates().iter().any(of) {
                return refuse(
                    format!("there is no template {}", model::text::show(template.as_bytes())),
                    "`bootwright template list` shows what there is; say the part before the last dot",
                );
            }
        }
        self.profile_is_free(&profile.name)?;
        if self.image(&profile.image, profile.wanted()).is_none() {
            let version = profile.version.map(|v| format!(" version {v}")).unwrap_or_default();
            return refuse(
                format!("there is no image {}{version}", profile.image),
                "`bootwright image list` shows what there is",
            );
        }
        let says = format!("profile {} boots image {}", profile.name, profile.image);
        decided(vec![Change::Profile(profile)], says)
    }

    fn remove_profile(&self, name: String) -> Outcome {
        if !self.profiles.contains_key(&name) {
            return refuse(format!("there is no profile {name}"), "see `profile list`");
        }
        self.profile_is_free(&name)?;
        if let Some(rule) = self.rules.iter().find(|rule| rule.profile == name) {
            return refuse(
                format!("profile {name} is used by {rule}"),
                &format!("`bootwright rule remove {}` first", rule.id),
            );
        }
        if let Some(m) = self.machines.values().find(|m| m.profile.as_ref() == Some(&name)) {
            return refuse(
                format!("profile {name} is used by machine {}", m.shown()),
                "give the machine another profile first",
            );
        }
        let choice = Choice::Profile(name.clone());
        if self.menus.values().any(|menu| menu.entries.iter().any(|e| e.choice == choice)) {
            return refuse(format!("profile {name} is in the boot menu"), "see `menu show`");
        }
        let says = format!("profile {name} is removed");
        let mut changes = vec![Change::ProfileGone(name.clone())];
        changes.extend(self.undeclared(Declarable::Profile(name)));
        decided(changes, says)
    }

    fn set_menu(&self, network: Option<String>, menu: Menu) -> Outcome {
        if let Some(name) = network.as_ref().filter(|name| self.network(name).is_none()) {
            return refuse(format!("no network is configured on {name}"), "");
        }
        let mut seen: Vec<&str> = Vec::new();
        for entry in &menu.entries {
            check_name("a menu entry", &entry.key)?;
            check_line("a menu entry's title", &entry.title)?;
            if entry.key == "other-entry" {
                return refuse("`other-entry` is a name that the menu needs for itself", "");
            }
            if seen.contains(&entry.key.as_str()) {
                return refuse(format!("two menu entries are called {}", entry.key), "");
            }
            seen.push(&entry.key);
            if entry.choice == Choice::LocalDisk && (entry.hidden || entry.locked) {
                return refuse(
                    format!("menu entry {} cannot be hidden or locked", entry.key),
                    "the local disk is what a machine takes when nobody does anything",
                );
            }
            let there = match &entry.choice {
                Choice::LocalDisk => true,
                Choice::Profile(name) => self.profiles.contains_key(name),
                Choice::Image(name) => self.images.contains_key(name),
            };
            if !there {
                return refuse(
                    format!("menu entry {} leads to something that does not exist", entry.key),
                    "`bootwright profile list` and `image list` show what there is",
                );
            }
            if entry.locked && menu.password.is_none() {
                return refuse(
                    format!("menu entry {} is locked, but the menu has no password", entry.key),
                    "add one with `menu set --password`",
                );
            }
        }
        if let Some(default) = &menu.default {
            match menu.entries.iter().find(|entry| entry.key == *default) {
                None => return refuse(format!("there is no entry {default} to be default"), ""),
                Some(entry) if entry.locked || entry.hidden => {
                    return refuse(
                        format!("{default} cannot be the default: it is locked or hidden"),
                        "nothing that asks for a password may start by itself",
                    );
                }
                Some(_) => {}
            }
        }
        if menu.password.as_ref().is_some_and(|hash| !crate::password::is_well_formed(hash)) {
            return refuse("the password is no grub.pbkdf2.sha512 hash", "");
        }
        let of = network.as_deref().unwrap_or("all networks").to_owned();
        let says = match menu.entries.len() {
            0 => format!("the menu of {of} shows every profile and image"),
            n => format!("the menu of {of} has {n} entries"),
        };
        decided(vec![Change::Menu(network, menu)], says)
    }
}
