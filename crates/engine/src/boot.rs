//! Which image, menu or screen a machine gets, and which bootloader carries it there.
//!
//! In: the facts about one client, and what operators said. Out: a [`BootPlan`] with its reasons,
//! and the [`FirstFile`] for firmware. Never: how an answer is written (that is [`crate::script`]
//! and [`crate::dhcp`]).

mod image;
mod loader;
mod memory;
mod rules;
mod shadow;
mod shift;

use crate::reasons::Reasons;
use crate::{Engine, state::Unknown};
pub(crate) use image::boot_of_image;
pub use memory::Forecast;
pub(crate) use memory::needs_mib;
use model::Life;
use model::client::{Firmware, Stage};
use model::image::Wanted;
use model::machine::code_of;
use model::menu::{Choice, Entry, Menu};
use model::plan::{Boot, BootPlan, Decision, Reason, ShownMenu, Why};
use model::rule::Profile;
use model::{Client, Now};
pub(crate) use rules::ShownRule;
pub use rules::{Outcome, Tried};
pub use shadow::unreached;
pub use shift::{Shift, Shifts};

/// What firmware is told to fetch first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FirstFile {
    /// Path on the machines' port; over TFTP the same, without a leading slash. For iPXE the path
    /// and query of its script.
    pub path: String,
    /// Why that one.
    pub because: Vec<Reason>,
}

/// How a client came to us.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Road {
    /// Another server gives the addresses.
    pub(crate) beside: bool,
    /// Over IPv6.
    pub(crate) ipv6: bool,
}

impl Engine {
    /// Decides what a client boots: blocked, then what it is armed with, then its own profile, then the
    /// first rule that matches, then what another server says, then the defaults.
    pub fn plan(&self, now: Now, client: &Client) -> BootPlan {
        self.plan_with(now, client, self.reasons())
    }

    /// The same plan, as a script says it.
    pub(crate) fn plan_in_script(&self, now: Now, client: &Client) -> BootPlan {
        self.plan_with(now, client, self.reasons_in_script())
    }

    fn plan_with(&self, now: Now, client: &Client, mut reasons: Reasons) -> BootPlan {
        let decision = self.decide(now, client, &mut reasons);
        BootPlan { decision, reasons: reasons.into() }
    }

    /// The decision of [`Self::plan`], which says its reasons as it goes.
    pub(crate) fn decide(&self, now: Now, client: &Client, reasons: &mut Reasons) -> Decision {
        let machine = self.machines.get(&client.hardware);
        let life = self.life(&client.hardware);
        if matches!(life, Life::Blocked | Life::Retired) {
            reasons.say(|| [Reason::Blocked]);
            return Decision::Refused;
        }
        if let Some(decision) = self.armed_with(now, client, reasons) {
            return decision;
        }
        if matches!(life, Life::Deploying | Life::Deployed | Life::Failed) {
            reasons.say(|| [Reason::Installed(life.name().to_owned())]);
            return Decision::LocalDisk;
        }
        if let Some(name) = machine.and_then(|m| m.profile.as_ref()) {
            reasons.say(|| [Reason::OwnProfile(name.clone())]);
            return self.boot_by_profile(client, name, reasons);
        }
        let tried = self.rule_for(client, reasons);
        if let Some(rule) = tried.first {
            tried.tell(reasons);
            return self.boot_by_profile(client, &rule.profile, reasons);
        }
        let decision = self.decide_elsewhere(now, client, reasons);
        let decision = decision.unwrap_or_else(|| self.decide_by_default(client, reasons));
        tried.tell(reasons);
        decision
    }

    fn decide_by_default(&self, client: &Client, reasons: &mut Reasons) -> Decision {
        let approved = self.life(&client.hardware) == Life::Approved;
        let boot = &self.settings.boot;
        let default = if approved { boot.approved } else { boot.unknown };
        reasons.say_first(|| match approved {
            true => Reason::DefaultForApproved(default.name().into()),
            false => Reason::DefaultForUnknown(default.name().into()),
        });
        match default {
            Unknown::Menu => Decision::Menu(self.shown_menu(client)),
            Unknown::Pending => Decision::Pending { code: code_of(&self.filed(&client.hardware)) },
            Unknown::LocalDisk => Decision::LocalDisk,
            Unknown::Silent => Decision::Silent,
        }
    }

    fn boot_by_profile(&self, client: &Client, name: &str, reasons: &mut Reasons) -> Decision {
        let boot = match self.profiles.get(name) {
            Some(profile) => self.boot_of_profile(client, profile),
            None => Err(format!("there is no profile {name}: `bootwright profile add {name}`")),
        };
        self.boot_or_disk(client, boot, || format!("profile {name}"), reasons)
    }

    /// What can be booted; otherwise the local disk, with the reason before all others.
    pub(crate) fn boot_or_disk(
        &self,
        client: &Client,
        boot: Result<Boot, String>,
        what: impl FnOnce() -> String,
        reasons: &mut Reasons,
    ) -> Decision {
        match boot {
            Ok(boot) => {
                reasons.say(|| self.little_memory(client, &boot));
                Decision::Boot(boot)
            }
            Err(why) => {
                reasons.say_first(|| Reason::CannotBoot { what: what(), why });
                Decision::LocalDisk
            }
        }
    }

    pub(crate) fn boot_of_profile(
        &self,
        client: &Client,
        profile: &Profile,
    ) -> Result<Boot, String> {
        let image = self.image(&profile.image, profile.wanted()).ok_or_else(|| {
            let version = profile.version.map(|v| format!(" version {v}")).unwrap_or_default();
            let name = &profile.image;
            format!(
                "there is no image {name}{version}: `bootwright image import PATH --name {name}`"
            )
        })?;
        let mut boot = boot_of_image(client, image)?;
        boot.profile = Some(profile.name.clone());
        boot.args = join_args(&boot.args, &profile.args);
        Ok(boot)
    }

    /// The menu as this client will see it: only entries that exist and can run there.
    pub(crate) fn shown_menu(&self, client: &Client) -> ShownMenu {
        self.menu_for(client, self.menu(Some(&client.link))).0
    }

    /// A menu as this client would see it, and the entries that are left out there, with the reason.
    pub(crate) fn menu_for(
        &self,
        client: &Client,
        menu: Menu,
    ) -> (ShownMenu, Vec<(Entry, String)>) {
        let mut left_out = Vec::new();
        let chosen = if menu.entries.is_empty() { self.every_entry() } else { menu.entries };
        let mut entries: Vec<(Entry, Option<Boot>)> = Vec::new();
        for mut entry in chosen {
            if entry.choice == Choice::LocalDisk {
                // The way out is always open, and it is what happens when nobody does anything.
                (entry.hidden, entry.locked) = (false, false);
            }
            let boot = match &entry.choice {
                Choice::LocalDisk => None,
                choice => match self.boot_of_choice(client, choice) {
                    Ok(boot) => Some(boot),
                    Err(why) => {
                        left_out.push((entry, why));
                        continue;
                    }
                },
            };
            let little = boot.as_ref().and_then(|boot| self.little_memory(client, boot));
            if let Some(Reason::LittleMemory { has_mib, needs_mib, .. }) = little {
                entry.title.push_str(&format!(" (needs {needs_mib} MiB, here are {has_mib})"));
            }
            entries.push((entry, boot));
        }
        if !entries.iter().any(|(entry, _)| entry.choice == Choice::LocalDisk) {
            entries.insert(0, (local_disk_entry(), None));
        }
        group_together(&mut entries);
        // Nothing that writes may start by itself; an entry that asks for a password cannot.
        let default = menu
            .default
            .filter(|key| entries.iter().any(|(e, _)| e.key == *key && !e.locked && !e.hidden));
        let default = default.or_else(|| {
            entries.iter().find(|(e, _)| e.choice == Choice::LocalDisk).map(|(e, _)| e.key.clone())
        });
        let shown = ShownMenu {
            entries,
            default: default.unwrap_or_default(),
            wait_s: self.settings.boot.menu_wait_s,
            password: menu.password,
        };
        (shown, left_out)
    }

    pub(crate) fn boot_of_choice(&self, client: &Client, choice: &Choice) -> Result<Boot, String> {
        match choice {
            Choice::LocalDisk => Err("the local disk is no image".to_owned()),
            Choice::Profile(name) => {
                let profile = self.profiles.get(name).ok_or("there is no such profile")?;
                self.boot_of_profile(client, profile)
            }
            Choice::Image(name) => {
                let image = self.image(name, Wanted::default()).ok_or("there is no such image")?;
                boot_of_image(client, image)
            }
        }
    }

    /// What the menu holds when nobody wrote one: local disk, profiles, images without a profile.
    fn every_entry(&self) -> Vec<Entry> {
        let entry = |key: &str, title: String, group: &str, choice| Entry {
            key: key.to_owned(),
            title,
            group: Some(group.to_owned()),
            hidden: false,
            choice,
            locked: false,
        };
        let mut entries = vec![local_disk_entry()];
        for profile in self.profiles.values() {
            let title = self.image(&profile.image, profile.wanted()).map(|i| i.title.as_str());
            let title = format!("{} - {}", profile.name, title.unwrap_or("no image"));
            let choice = Choice::Profile(profile.name.clone());
            entries.push(entry(&profile.name, title, "Profiles", choice));
        }
        for name in self.images.keys() {
            if self.profiles.values().any(|p| p.image == *name) || self.profiles.contains_key(name)
            {
                continue;
            }
            let Some(image) = self.image(name, Wanted::default()) else { continue };
            let title = image.title.clone();
            entries.push(entry(name, title, "Images", Choice::Image(name.clone())));
        }
        entries
    }

    /// What to hand to firmware (or iPXE) so that it comes to the plan. `beside` says that another
    /// server gives the addresses.
    pub fn first_file(
        &self,
        client: &Client,
        plan: &BootPlan,
        beside: bool,
    ) -> Result<FirstFile, Why> {
        self.first_file_by(client, plan, Road { beside, ipv6: false })
    }

    /// [`Self::first_file`] for a client that came by IPv6.
    pub fn first_file_over_ipv6(&self, client: &Client, plan: &BootPlan) -> Result<FirstFile, Why> {
        self.first_file_by(client, plan, Road { beside: false, ipv6: true })
    }

    fn first_file_by(
        &self,
        client: &Client,
        plan: &BootPlan,
        road: Road,
    ) -> Result<FirstFile, Why> {
        let mut reasons = self.reasons();
        let path = self.first_path(client, &plan.decision, road, &mut reasons)?;
        Ok(FirstFile { path, because: reasons.into() })
    }

    /// The path of [`Self::first_file`], which says its reasons as it goes; none where there is no path.
    pub(crate) fn first_path(
        &self,
        client: &Client,
        decision: &Decision,
        road: Road,
        reasons: &mut Reasons,
    ) -> Result<String, Why> {
        if *decision == Decision::Silent {
            return Err(Why::PlanIsSilence);
        }
        if matches!(client.stage, Stage::Ipxe(_)) {
            reasons.note(|| "it is iPXE already, so it gets its script");
            return Ok(format!(
                "boot.ipxe?mac={}&serial=${{serial:uristring}}&arch=${{buildarch}}&memsize=${{memsize}}",
                client.hardware
            ));
        }
        match client.firmware {
            Firmware::None => Err(Why::NotBooting),
            Firmware::Config => Ok(config_file(client, reasons)),
            Firmware::Rpi => {
                reasons.note(|| "a Raspberry Pi fetches its own files from the TFTP root");
                Ok("bootcode.bin".to_owned())
            }
            Firmware::Uboot => {
                let loader = self.loader_for(client, decision, road, reasons);
                Ok(loader.unwrap_or_else(|_| config_file(client, reasons)))
            }
            Firmware::Pxe | Firmware::Http => self.loader_for(client, decision, road, reasons),
        }
    }
}

fn config_file(client: &Client, reasons: &mut Reasons) -> String {
    reasons.note(|| "this firmware reads a pxelinux configuration itself and needs no bootloader");
    format!("pxelinux.cfg/{}", client.hardware.dashed_with_kind())
}

fn local_disk_entry() -> Entry {
    Entry {
        key: "local-disk".into(),
        title: "Start the local disk".into(),
        group: None,
        hidden: false,
        choice: Choice::LocalDisk,
        locked: false,
    }
}

/// Entries of one group stand together, groups in the order in which they first appear.
fn group_together(entries: &mut [(Entry, Option<Boot>)]) {
    let mut groups: Vec<Option<String>> = Vec::new();
    for (entry, _) in entries.iter() {
        if !groups.contains(&entry.group) {
            groups.push(entry.group.clone());
        }
    }
    entries.sort_by_key(|(entry, _)| groups.iter().position(|g| *g == entry.group));
}

pub(crate) fn join_args(first: &str, second: &str) -> String {
    let both = [first.trim(), second.trim()];
    both.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
