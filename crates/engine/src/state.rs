//! What the engine knows: settings from the configuration, facts from the store, and the soft
//! state that may be lost (offers).

mod census;
mod machines;

pub(crate) use census::Tally;
pub use census::{Census, PoolUse};

use crate::boot::{ShownRule, needs_mib};
use crate::lease::Leases;
use crate::lease6::Leases6;
use crate::operators::Operators;
use model::declared::Said;
use model::dns::{NameRecord, Published, PublishedAt};
use model::image::{Channel, Channels, Wanted};
use model::menu::Menu;
use model::rule::{Profile, Rule};
use model::setting::Layer;
use model::template::Template;
use model::{
    Change, Declarable, Hardware, HardwareAddress, Image, Life, Loader, Machine, Network, Network6,
    Now, PowerSettings, Webhook,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What the configuration file says.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The server's own name, shown on machines' screens.
    pub server_name: String,
    /// The links we serve.
    pub networks: Vec<Network>,
    /// The links we serve over IPv6.
    #[serde(default)]
    pub networks6: Vec<Network6>,
    /// Port of the machines' HTTP server.
    pub http_port: u16,
    /// Port of the same over TLS, where it is served.
    pub tls_port: Option<u16>,
    /// How long leases that ended are remembered.
    pub lease_history: Duration,
    /// `[boot]`.
    pub boot: BootDefaults,
    /// `[settings]`: what templates are told where neither profile nor machine says otherwise.
    pub defaults: Layer,
    /// The key of the state directory: tokens are derived from it. It is in no configuration, and
    /// written nowhere.
    #[serde(skip)]
    pub key: vault::Key,
}

/// How long leases that ended are remembered, unless the configuration says otherwise.
pub const LEASE_HISTORY: Duration = Duration::from_secs(30 * 86_400);

/// What machines get that no rule leads anywhere.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct BootDefaults {
    /// `boot.unknown`.
    pub unknown: Unknown,
    /// `boot.approved`.
    pub approved: Unknown,
    /// Seconds before a menu takes its default; 0 waits for ever.
    pub menu_wait_s: u64,
    /// `boot.ask`: the server that says what machines boot that no rule leads anywhere, by the API that
    /// pixiecore asks.
    pub ask: Option<String>,
}

impl Default for BootDefaults {
    fn default() -> Self {
        Self { unknown: Unknown::Menu, approved: Unknown::LocalDisk, menu_wait_s: 10, ask: None }
    }
}

/// A value of `boot.unknown` and `boot.approved`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unknown {
    /// The boot menu.
    Menu,
    /// A screen that waits for approval.
    Pending,
    /// Its local disk.
    LocalDisk,
    /// No answer at all.
    Silent,
}

impl Unknown {
    /// As the configuration file writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Menu => "menu",
            Self::Pending => "pending",
            Self::LocalDisk => "local-disk",
            Self::Silent => "silent",
        }
    }
}

/// All state that decisions are made on. One owner holds it; nobody else changes it.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) settings: Settings,
    pub(crate) leases: Leases,
    pub(crate) leases6: Leases6,
    pub(crate) machines: machines::Machines,
    /// What machines say of their parts; only of those in `machines`.
    pub(crate) hardware: BTreeMap<HardwareAddress, Hardware>,
    /// About so many bytes of memory that takes.
    pub(crate) hardware_weight: usize,
    /// How the power of machines is switched; only of those in `machines`.
    pub(crate) power: BTreeMap<HardwareAddress, PowerSettings>,
    pub(crate) profiles: BTreeMap<String, Profile>,
    pub(crate) rules: Vec<Rule>,
    /// The same in words, made once: many answers name some of them.
    pub(crate) shown_rules: Vec<ShownRule>,
    pub(crate) menus: BTreeMap<Option<String>, Menu>,
    /// By name, then version.
    pub(crate) images: BTreeMap<String, BTreeMap<u32, Image>>,
    /// None of them takes more memory, nor did one that is gone.
    pub(crate) most_needed_mib: u64,
    pub(crate) channels: BTreeMap<String, Channels>,
    pub(crate) loaders: BTreeMap<String, Loader>,
    pub(crate) templates: BTreeMap<String, Template>,
    /// Those, and ours.
    pub(crate) template_set: Arc<[answers::Template]>,
    /// By name, sealed.
    pub(crate) secrets: BTreeMap<String, String>,
    pub(crate) deployments: crate::deploy::Book,
    pub(crate) operators: Operators,
    pub(crate) webhooks: BTreeMap<String, Webhook>,
    /// Records of the DNS, by name.
    pub(crate) name_records: BTreeMap<String, Vec<NameRecord>>,
    /// What may stand at other DNS servers, put by us.
    pub(crate) published: BTreeMap<PublishedAt, Published>,
    /// What documents declared.
    /// Of a fleet nearly all say the same fields: neighbours share what they say.
    pub(crate) declared: BTreeMap<Declarable, Arc<Said>>,
    pub(crate) memory: crate::dhcp::Memory,
    /// What another server said of machines.
    pub(crate) elsewhere: crate::elsewhere::Heard,
    /// Firmware that nobody has filed.
    pub(crate) prints: crate::dhcp::Prints,
    pub(crate) others: crate::others::Others,
    pub(crate) listening: crate::listen::Book<crate::listen::Asked4>,
    pub(crate) listening6: crate::listen::Book<crate::listen::Asked6>,
    /// Those of the settings, shared with an exchange while it changes everything else.
    pub(crate) networks: Arc<[Network]>,
    pub(crate) networks6: Arc<[Network6]>,
    /// What we call ourselves over DHCPv6 (option 2): made of the key, so that it is the same after
    /// every start and on every link.
    pub(crate) server_duid: Vec<u8>,
    pub(crate) pace: crate::dhcp::Pace,
    /// See [`Engine::without_reasons`].
    pub(crate) gives_reasons: bool,
    /// See [`Engine::only_renew`].
    pub(crate) only_renews: bool,
    /// The last [`Engine::tidy`].
    pub(crate) tidied: Now,
}

/// A DUID of a UUID (RFC 6355), 18 bytes: no firmware is known whose buffers those do not fit.
fn server_duid(key: &vault::Key) -> Vec<u8> {
    let bytes = key.bytes_for(vault::Purpose::ServerId, &[]);
    [0, 4].into_iter().chain(bytes.into_iter().take(16)).collect()
}

impl Engine {
    /// An engine that knows only its configuration.
    pub fn new(settings: Settings) -> Self {
        Self {
            leases: Leases::new(&settings.networks),
            leases6: Leases6::new(&settings.networks6),
            networks: settings.networks.clone().into(),
            networks6: settings.networks6.clone().into(),
            server_duid: server_duid(&settings.key),
            settings,
            machines: machines::Machines::default(),
            hardware: BTreeMap::new(),
            hardware_weight: 0,
            power: BTreeMap::new(),
            profiles: BTreeMap::new(),
            rules: Vec::new(),
            shown_rules: Vec::new(),
            menus: BTreeMap::new(),
            images: BTreeMap::new(),
            most_needed_mib: 0,
            channels: BTreeMap::new(),
            loaders: BTreeMap::new(),
            templates: BTreeMap::new(),
            template_set: answers::starters().into(),
            secrets: BTreeMap::new(),
            deployments: crate::deploy::Book::default(),
            operators: Operators::default(),
            webhooks: BTreeMap::new(),
            name_records: BTreeMap::new(),
            published: BTreeMap::new(),
            declared: BTreeMap::new(),
            memory: crate::dhcp::Memory::default(),
            elsewhere: crate::elsewhere::Heard::default(),
            prints: crate::dhcp::Prints::default(),
            others: crate::others::Others::default(),
            listening: crate::listen::Book::default(),
            listening6: crate::listen::Book::default(),
            pace: crate::dhcp::Pace::default(),
            gives_reasons: true,
            only_renews: false,
            tidied: Now(0),
        }
    }

    /// Takes a kept fact in. Used to read the store at start, and for every change after it was
    /// decided.
    pub fn apply(&mut self, change: &Change) {
        match change.clone() {
            Change::Lease(lease) => self.leases.put(lease),
            Change::LeaseGone(address) => self.leases.forget(address),
            Change::LeasePast(lease) => self.leases.put_past(lease),
            Change::PastGone(before) => self.leases.forget_past(before),
            Change::Reservation(reservation) => self.leases.reserve(reservation),
            Change::ReservationGone(address) => self.leases.unreserve(address),
            Change::Lease6(lease) => self.leases6.put(lease),
            Change::Lease6Gone(address) => self.leases6.forget(address),
            Change::Reservation6(reservation) => self.leases6.reserve(reservation),
            Change::Reservation6Gone(address) => self.leases6.unreserve(address),
            Change::Machine(machine) => self.machines.insert(machine),
            Change::MachineGone(hardware) => {
                self.machines.remove(&hardware);
                self.put_hardware(hardware, None);
                self.power.remove(&hardware);
                self.secrets.remove(&model::power::own_credential(&hardware));
            }
            Change::Hardware(hardware, report) => self.put_hardware(hardware, Some(*report)),
            Change::Power(of, settings) => {
                // Settings without their machine are nobody's.
                if self.machines.contains_key(&of) {
                    self.power.insert(of, *settings);
                }
            }
            Change::PowerGone(of) => {
                self.power.remove(&of);
            }
            Change::Profile(profile) => {
                self.profiles.insert(profile.name.clone(), profile);
            }
            Change::ProfileGone(name) => {
                self.profiles.remove(&name);
            }
            Change::Rules(rules) => {
                self.shown_rules = rules.iter().map(ShownRule::of).collect();
                self.rules = rules;
            }
            Change::Menu(network, menu) => {
                self.menus.insert(network, menu);
            }
            Change::Image(image) => {
                self.most_needed_mib = self.most_needed_mib.max(needs_mib(&image).unwrap_or(0));
                self.images.entry(image.name.clone()).or_default().insert(image.version, image);
            }
            Change::ImageGone(name, version) => {
                if let Some(versions) = self.images.get_mut(&name) {
                    versions.remove(&version);
                    if versions.is_empty() {
                        self.images.remove(&name);
                    }
                }
            }
            Change::Channels(name, channels) => {
                self.channels.insert(name, channels);
            }
            Change::Loader(loader) => {
                self.loaders.insert(loader.name.clone(), loader);
            }
            Change::LoaderGone(name) => {
                self.loaders.remove(&name);
            }
            Change::Template(template) => {
                self.templates.insert(template.name.clone(), template);
                self.template_set = self.templates_now();
            }
            Change::TemplateGone(name) => {
                self.templates.remove(&name);
                self.template_set = self.templates_now();
            }
            Change::Secret(name, sealed) => {
                self.secrets.insert(name, sealed);
            }
            Change::SecretGone(name) => {
                self.secrets.remove(&name);
            }
            Change::Deployment(deployment) => self.deployments.put(deployment),
            Change::DeploymentGone(id) => self.deployments.forget(id),
            Change::Batch(batch) => self.deployments.put_batch(batch),
            Change::BatchGone(id) => self.deployments.forget_batch(id),
            Change::User(_)
            | Change::UserGone(_)
            | Change::ApiToken(_)
            | Change::ApiTokenGone(_)
            | Change::Audit(_) => self.operators.take(change),
            Change::Webhook(webhook) => {
                self.webhooks.insert(webhook.name.clone(), webhook);
            }
            Change::WebhookGone(name) => {
                self.webhooks.remove(&name);
            }
            Change::Names(name, records) if records.is_empty() => {
                self.name_records.remove(&name);
            }
            Change::Names(name, records) => {
                self.name_records.insert(name, records);
            }
            Change::Published(at, Some(what)) => {
                self.published.insert(at, what);
            }
            Change::Published(at, None) => {
                self.published.remove(&at);
            }
            Change::Restored(at) => {
                self.leases.doubt_since(at);
                self.leases6.doubt_since(at);
                self.deployments.doubt_since(at);
            }
            Change::Declared(what, said) => {
                let near = self.declared.range(..&what).next_back().map(|(_, said)| said);
                let said = match near.filter(|near| ***near == said) {
                    Some(same) => Arc::clone(same),
                    None => Arc::new(said),
                };
                self.declared.insert(what, said);
            }
            Change::DeclaredGone(what) => {
                self.declared.remove(&what);
            }
        }
    }

    /// Keeps what a machine says of its parts. A report without its machine is nobody's.
    fn put_hardware(&mut self, of: HardwareAddress, report: Option<Hardware>) {
        if let Some(old) = self.hardware.remove(&of) {
            self.hardware_weight = self.hardware_weight.saturating_sub(old.weight());
        }
        if let Some(report) = report.filter(|_| self.machines.contains_key(&of)) {
            self.hardware_weight = self.hardware_weight.saturating_add(report.weight());
            self.hardware.insert(of, report);
        }
    }

    /// The same engine without any kept fact: settings, offers and what is remembered of boots
    /// stay. The owner reads the store into it when what was decided could not be kept.
    #[must_use]
    pub fn without_facts(&self) -> Self {
        Self {
            leases: self.leases.offers_only(&self.settings.networks),
            memory: self.memory.clone(),
            prints: self.prints.clone(),
            others: self.others.clone(),
            listening: self.listening.clone(),
            listening6: self.listening6.clone(),
            gives_reasons: self.gives_reasons,
            ..Self::new(self.settings.clone())
        }
    }

    /// Takes new settings in; leases and everything else stay.
    ///
    /// Returns what an operator should know of it, in words: leases that no pool holds any more.
    pub fn configure(&mut self, settings: Settings) -> Vec<String> {
        self.networks = settings.networks.clone().into();
        self.networks6 = settings.networks6.clone().into();
        self.server_duid = server_duid(&settings.key);
        self.leases.arrange(&settings.networks);
        self.leases6.arrange(&settings.networks6);
        self.elsewhere = crate::elsewhere::Heard::default();
        self.keep_listening(&settings);
        self.settings = settings;
        self.leases_left_behind()
    }

    /// The configuration in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All machines, by hardware address.
    pub fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.machines.values()
    }

    /// Since when and until when it is doubted who has which address, because of a restore.
    pub fn doubt(&self, now: Now) -> Option<(Now, Now)> {
        self.leases.doubt(now)
    }

    /// What a machine said of its parts, if it ever did.
    pub fn hardware(&self, of: &HardwareAddress) -> Option<&Hardware> {
        self.hardware.get(&self.filed(of))
    }

    /// All leases, by address.
    pub fn leases(&self) -> impl Iterator<Item = &model::Lease> {
        self.leases.iter()
    }

    /// Leases of the past, in the order they were superseded.
    pub fn past_leases(&self) -> impl Iterator<Item = &model::Lease> {
        self.leases.past()
    }

    /// All reservations, by address.
    pub fn reservations(&self) -> impl Iterator<Item = &model::Reservation> {
        self.leases.reservations()
    }

    /// All leases of IPv6, by address.
    pub fn leases6(&self) -> impl Iterator<Item = &model::Lease6> {
        self.leases6.iter()
    }

    /// All reservations of IPv6, by address.
    pub fn reservations6(&self) -> impl Iterator<Item = &model::Reservation6> {
        self.leases6.reservations()
    }

    /// All image versions, by name, oldest first.
    pub fn images(&self) -> impl Iterator<Item = &Image> {
        self.images.values().flat_map(BTreeMap::values)
    }

    /// All bootloaders, by name.
    pub fn loaders(&self) -> impl Iterator<Item = &Loader> {
        self.loaders.values()
    }

    /// Records of the DNS that operators added, by name.
    pub fn name_records(&self) -> impl Iterator<Item = (&str, &NameRecord)> {
        self.name_records
            .iter()
            .flat_map(|(name, all)| all.iter().map(move |record| (name.as_str(), record)))
    }

    /// All webhooks, by name.
    pub fn webhooks(&self) -> impl Iterator<Item = &Webhook> {
        self.webhooks.values()
    }

    /// All profiles, by name.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.values()
    }

    /// All rules, in the order they are tried.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The menu kept for a network (its interface), or for all; empty if none was set.
    pub fn menu(&self, network: Option<&str>) -> Menu {
        let own = network.and_then(|name| self.menus.get(&Some(name.to_owned())));
        own.or_else(|| self.menus.get(&None)).cloned().unwrap_or_default()
    }

    /// A version of an image. A channel that was never set, or shows what is gone, shows the newest.
    pub fn image(&self, name: &str, wanted: Wanted) -> Option<&Image> {
        let versions = self.images.get(name)?;
        let channels = self.channels.get(name);
        let set = match wanted {
            Wanted::Version(version) => return versions.get(&version),
            Wanted::Channel(Channel::Stable) => channels.and_then(|c| c.stable),
            Wanted::Channel(Channel::Test) => channels.and_then(|c| c.test),
            Wanted::Channel(Channel::Current) => None,
        };
        let shown = set.and_then(|version| versions.get(&version));
        shown.or_else(|| versions.values().next_back())
    }

    /// Where the channels of an image stand.
    pub fn channels(&self, name: &str) -> Channels {
        self.channels.get(name).cloned().unwrap_or_default()
    }

    /// Finds a machine by name, MAC in any spelling, UUID or serial.
    pub fn machine(&self, named: &str) -> Option<&Machine> {
        let by_address = named.parse().ok().and_then(|h: HardwareAddress| self.machines.get(&h));
        // A name was given by an operator; UUID and serial are what somebody said of himself, and
        // two that say the same are neither.
        let only = |fits: &dyn Fn(&Machine) -> bool| {
            let mut all = self.machines.values().filter(|machine| fits(machine));
            all.next().filter(|_| all.next().is_none())
        };
        by_address
            .or_else(|| only(&|m| m.name.as_deref() == Some(named)))
            .or_else(|| {
                let same = |uuid: model::Uuid| {
                    !uuid.is_placeholder() && uuid.to_string().eq_ignore_ascii_case(named)
                };
                only(&|m| m.uuid.is_some_and(same))
            })
            .or_else(|| only(&|m| m.serial.as_deref() == Some(named)))
    }

    /// The machine that has this hardware address, among others or alone.
    pub fn machine_of(&self, hardware: &HardwareAddress) -> Option<&Machine> {
        self.machines.get(hardware)
    }

    /// What a machine may do; one that was never heard is pending.
    pub(crate) fn life(&self, hardware: &HardwareAddress) -> Life {
        self.machines.get(hardware).map_or(Life::Pending, Machine::life)
    }

    /// The network of an interface.
    pub(crate) fn network(&self, interface: &str) -> Option<&Network> {
        self.settings.networks.iter().find(|n| n.interface == interface)
    }
}
