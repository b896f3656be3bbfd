//! A report of one machine: one file that says what it asked, what it got, why, and what was known, so
//! that whoever gets it can decide all of it again.
//!
//! In: an engine, what was recorded of a machine, what was told of it. Out: [`Report`], and from one that
//! comes from anywhere: what we would answer now ([`Report::replay`]). Never: a secret; the bytes of files;
//! what is known of other machines, but for what rules say of them.

mod again;
mod mask;
mod mask6;
mod sane;

use engine::record::{Exchange, Given, Hex, Part, without_secrets};
use engine::{Engine, Settings};
use model::image::Assets;
use model::lease::ReservedFor6;
use model::menu::PasswordHash;
use model::{Change, Event, HardwareAddress, Now};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// What the file says it is. The number grows when its form changes.
pub const FORM: &str = "bootwright report 1";
/// The longest report that is read.
pub const BYTES_MAX: usize = 64 << 20;
/// Exchanges of a report that are decided again.
pub const EXCHANGES_MAX: usize = 10_000;
/// An image with more files than this is told with those alone that the machine came across.
const ASSETS_WHOLE: usize = 64;

/// A report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORM`].
    pub form: String,
    /// Of the server that wrote it.
    pub version: String,
    /// When.
    pub made: Now,
    /// Of which machine: the address it is filed under.
    pub machine: HardwareAddress,
    /// Addresses are others than they were.
    pub masked: bool,
    /// What is to be known of it, a sentence each.
    pub notes: Vec<String>,
    /// How the server calls itself over DHCPv6: clients name it so.
    #[serde(default)]
    pub server_duid: Hex,
    /// The configuration in force, without what templates are told.
    pub settings: Settings,
    /// What was known that decides what a machine boots, without secrets.
    pub facts: Vec<Change>,
    /// What the machine and we said, in parts.
    pub parts: Vec<Part>,
    /// What was told of it: the timeline.
    pub events: Vec<Event>,
}

impl Report {
    /// A report of `machine`, by the engine as it is now.
    #[must_use]
    pub fn new(
        engine: &Engine,
        by: (Now, &str),
        machine: HardwareAddress,
        parts: Vec<Part>,
        events: Vec<Event>,
    ) -> Self {
        Self::gather(engine, by, machine, parts, events).finished()
    }

    /// What goes into a report, while the engine is at hand: nothing is read through, so that whoever
    /// waits for the engine waits no longer than that. Not to be shown before it is
    /// [`finished`](Self::finished).
    #[must_use]
    pub fn gather(
        engine: &Engine,
        (made, version): (Now, &str),
        machine: HardwareAddress,
        parts: Vec<Part>,
        events: Vec<Event>,
    ) -> Self {
        let mut settings = engine.settings().clone();
        // What templates are told is for answer files, which are not in a report.
        settings.defaults.clear();
        settings.key = Default::default();
        let mut notes = Vec::new();
        if parts.iter().all(|part| part.exchanges.is_empty()) {
            notes.push("nothing of this machine was heard since the server started".to_owned());
        }
        if engine.deployment_of(&machine).is_some() {
            notes.push(
                "a deployment of it is known, and is in no report: what it was sent for that cannot \
                 be decided again"
                    .to_owned(),
            );
        }
        let facts = facts(engine, machine);
        let form = FORM.to_owned();
        let version = version.to_owned();
        let server_duid = Hex(engine.server_duid().to_vec());
        let masked = false;
        Self {
            form,
            version,
            made,
            machine,
            masked,
            notes,
            server_duid,
            settings,
            facts,
            parts,
            events,
        }
    }

    /// The same without secrets, and of large images with those files alone that the machine came across.
    #[must_use]
    pub fn finished(mut self) -> Self {
        let mentioned = mentioned(&self.parts);
        for fact in &mut self.facts {
            let Change::Image(image) = fact else { continue };
            // A URL may have a password in it.
            image.source = String::new();
            if image.assets.len() > ASSETS_WHOLE {
                let recipe = serde_json::to_string(&image.recipe).unwrap_or_default();
                let kept = |path: &str| recipe.contains(path) || mentioned.contains(path);
                let assets: Assets =
                    image.assets.iter().filter(|asset| kept(&asset.path)).cloned().collect();
                image.assets = assets;
            }
        }
        self.parts = self.parts.into_iter().map(told).collect();
        self.cleaned()
    }

    /// Reads the text of one.
    ///
    /// # Errors
    /// In words, when it is none that can be read.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("it is longer than {BYTES_MAX} bytes"));
        }
        #[derive(Deserialize)]
        struct Head {
            form: String,
        }
        let wrong = |e: serde_json::Error| format!("it is no report: {e}");
        let head: Head = serde_json::from_str(text).map_err(wrong)?;
        if head.form != FORM {
            let form = model::text::show_within(head.form.as_bytes(), 64);
            return Err(format!("it says it is `{form}`, and this program reads `{FORM}`"));
        }
        let report: Self = serde_json::from_str(text).map_err(wrong)?;
        let count: usize = report.parts.iter().map(|part| part.exchanges.len()).sum();
        if count > EXCHANGES_MAX {
            return Err(format!("it has {count} exchanges, and {EXCHANGES_MAX} are read at most"));
        }
        sane::check(&report)?;
        Ok(report)
    }

    /// Without secrets in any of its texts.
    fn cleaned(self) -> Self {
        let cleaned = |event: &Event| {
            let mut value = serde_json::to_value(event).ok()?;
            texts(&mut value, &mut |text| *text = without_secrets(text));
            serde_json::from_value(value).ok()
        };
        // What could not be read back is left out rather than told as it was.
        let events = self.events.iter().filter_map(cleaned).collect();
        Self { events, ..self }
    }
}

/// A part without what an operator wrote for templates and for himself.
fn told(mut part: Part) -> Part {
    for fact in &mut part.before {
        if let Change::Machine(machine) = fact {
            machine.settings.clear();
            machine.notes.clear();
        }
    }
    part
}

/// Every text in a value, keys apart.
fn texts(value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(all) => all.iter_mut().for_each(|one| texts(one, change)),
        Value::Object(all) => all.values_mut().for_each(|one| texts(one, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What decides what a machine boots, without secrets and without other machines, but for those that rules
/// name.
fn facts(engine: &Engine, machine: HardwareAddress) -> Vec<Change> {
    let mut facts = Vec::new();
    for loader in engine.loaders() {
        facts.push(Change::Loader(loader.clone()));
    }
    for image in engine.images() {
        let channels = Change::Channels(image.name.clone(), engine.channels(&image.name));
        facts.push(Change::Image(image.clone()));
        facts.push(channels);
    }
    for profile in engine.profiles() {
        let mut profile = profile.clone();
        profile.settings.clear();
        facts.push(Change::Profile(profile));
    }
    facts.push(Change::Rules(engine.rules().to_vec()));
    let networks = engine.settings().networks.iter();
    let named = networks.map(|network| Some(network.interface.clone()));
    for network in named.chain([None]) {
        let mut menu = engine.menu(network.as_deref());
        let hidden = |kept: &mut PasswordHash| kept.0 = without_secrets(&kept.0);
        menu.password.as_mut().map(hidden);
        facts.push(Change::Menu(network, menu));
    }
    // Leases are what they were before each part; reservations are an operator's.
    let known = engine.machine_of(&machine);
    let promised = engine.reservations().filter(|reservation| {
        known.is_some_and(|machine| {
            let uuid = machine.uuid.map(|uuid| uuid.to_string());
            let said = serde_json::to_string(&reservation.holder).unwrap_or_default();
            said.contains(&machine.hardware.to_string())
                || machine.also.iter().any(|also| said.contains(&also.to_string()))
                || uuid.is_some_and(|uuid| said.contains(&uuid))
        })
    });
    facts.extend(promised.cloned().map(Change::Reservation));
    facts.extend(facts6(engine, machine));
    facts
}

/// IPv6 addresses that are promised to a machine.
fn facts6(engine: &Engine, machine: HardwareAddress) -> Vec<Change> {
    let filed = |hardware: &HardwareAddress| {
        engine.machine_of(hardware).map_or(*hardware, |machine| machine.hardware)
    };
    let own = |hardware: &HardwareAddress| filed(hardware) == filed(&machine);
    let uuid = engine.machine_of(&machine).and_then(|machine| machine.uuid);
    let leases = engine.leases6().filter(|lease| lease.hardware.as_ref().is_some_and(own));
    let duids: BTreeSet<&[u8]> = leases.map(|lease| lease.duid.as_slice()).collect();
    let promised = engine.reservations6().filter(|reservation| match &reservation.holder {
        ReservedFor6::Mac(mac) => own(mac),
        ReservedFor6::Uuid(holder) => uuid == Some(*holder),
        ReservedFor6::Duid(duid) => duids.contains(duid.as_slice()),
    });
    promised.cloned().map(Change::Reservation6).collect()
}

/// The files of images that were asked for, or that stand in what was said: paths within their images.
fn mentioned(parts: &[Part]) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let mut note = |text: &str| {
        for word in text.split(|c: char| c.is_whitespace() || "\"'`;,()".contains(c)) {
            let Some((_, within)) = word.split_once("image/") else { continue };
            if let Some(path) = within.splitn(3, '/').nth(2) {
                paths.insert(path.split('?').next().unwrap_or(path).to_owned());
            }
        }
    };
    for recorded in parts.iter().flat_map(|part| &part.exchanges) {
        if let Exchange::File(file) = &recorded.what {
            note(&file.name);
            if let Given::Text { text, .. } = &file.given {
                note(text);
            }
        }
    }
    paths
}
