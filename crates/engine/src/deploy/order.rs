//! An answer file that is to be rendered: everything it takes, with the secrets still sealed.
//!
//! The owner decides that a file is given; what makes its text (and opens secrets for it) is done
//! outside, because it may take a tenth of a second.

use super::Engine;
use crate::files::FileAsk;
use answers::{AnswerError, DiskMark, Facts, Format, Limits, Rendered, Reveal, Secret, Settings};
use answers::{TargetDisk, Template};
use model::deployment::{Deployment, Install};
use model::power::{BEHIND_CREDENTIALS, CREDENTIAL};
use model::setting::{Layer, Setting};
use model::{HardwareAddress, Now};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::sync::Arc;
use vault::{Key, Purpose, Sealed};

/// One answer file, not rendered yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The template.
    pub template: String,
    /// The name under which an installer fetches it.
    pub file: String,
    templates: Arc<[Template]>,
    machine: answers::Machine,
    network: answers::Network,
    server: answers::Server,
    settings: Settings,
    deployment: answers::Deployment,
    salt: [u8; 32],
    /// By name; sealed with the server's key for that name.
    sealed: BTreeMap<String, String>,
}

impl Order {
    /// Renders it for its machine, with secrets.
    pub fn render(&self, key: &Key) -> Result<Rendered, AnswerError> {
        let mut secrets = BTreeMap::new();
        for (name, sealed) in &self.sealed {
            let opened = Sealed::kept(sealed).open(key, name).ok();
            // One that does not open is left out: a template that asks for it says so.
            if let Some(text) = opened {
                secrets.insert(name.clone(), Secret::new(text.as_str().to_owned()));
            }
        }
        self.rendered(secrets, Reveal::Yes)
    }

    /// Renders it for an operator: every secret is a word that says which.
    pub fn preview(&self) -> Result<Rendered, AnswerError> {
        let names = self.sealed.keys();
        let secrets = names.map(|name| (name.clone(), Secret::new(String::new()))).collect();
        self.rendered(secrets, Reveal::No)
    }

    fn rendered(
        &self,
        secrets: BTreeMap<String, Secret>,
        reveal: Reveal,
    ) -> Result<Rendered, AnswerError> {
        let facts = Facts {
            machine: self.machine.clone(),
            network: self.network.clone(),
            server: self.server.clone(),
            settings: self.settings.clone(),
            deployment: Some(self.deployment.clone()),
            secrets,
            salt: self.salt,
        };
        answers::render(&self.template, &self.templates, &facts, reveal, &Limits::default())
    }

    /// The same with a template that is not kept, in the place of the one of its name.
    pub(crate) fn with(mut self, draft: Template) -> Self {
        let others = self.templates.iter().filter(|known| known.name() != draft.name());
        self.templates = others.cloned().chain([draft.clone()]).collect();
        self
    }

    /// By which it is seen whether anything it is made of has changed since.
    pub fn print(&self) -> [u8; 32] {
        let mut sum = Sha256::new();
        for template in self.templates.iter() {
            sum.update(template.name().as_bytes());
            sum.update([0]);
            sum.update(template.text().as_bytes());
            sum.update([0]);
        }
        sum.update(format!("{:?} {:?}", self.settings, self.sealed.keys()).as_bytes());
        sum.finalize().into()
    }
}

/// Which format the answers of an image have, by the word of the catalogue.
pub(super) fn format_of(way: &str) -> Option<Format> {
    Some(match way {
        "preseed" => Format::Preseed,
        "kickstart" | "esxi-kickstart" => Format::Kickstart,
        "autoinstall" => Format::UserData,
        "autoyast" => Format::AutoYast,
        "agama" => Format::Agama,
        "ignition" => Format::Ignition,
        "unattend" | "autounattend" => Format::Autounattend,
        _ => return None,
    })
}

/// Whether an installer is given the folder of its files, and looks for those that it knows.
pub(super) fn is_directory(way: &str) -> bool {
    way == "autoinstall"
}

/// What an operator need not say: the settings that the templates of ours ask for, as most want them.
pub(crate) fn defaults() -> Layer {
    let text = |name: &str, text: &str| (name.to_owned(), Setting::from(text));
    [
        text("locale", "en_US.UTF-8"),
        text("keyboard", "us"),
        text("timezone", "UTC"),
        text("user", "admin"),
        text("user_name", "Administrator"),
        ("ssh_keys".to_owned(), Setting::List(Vec::new())),
        ("packages".to_owned(), Setting::List(Vec::new())),
    ]
    .into()
}

/// For whom, and for what, answer files are made.
pub(crate) struct Case<'a> {
    pub(crate) machine: HardwareAddress,
    pub(crate) settings: Settings,
    /// Name and version.
    pub(crate) image: (&'a str, u32),
    pub(crate) disk: &'a TargetDisk,
    /// The number of the deployment, as shown.
    pub(crate) id: String,
    /// Our address where the machine is.
    pub(crate) server: IpAddr,
    /// Where its answer files are.
    pub(crate) answers: String,
    /// Where it reports to.
    pub(crate) report: String,
    /// Its own address, where it shows.
    pub(crate) address: Option<IpAddr>,
    pub(crate) salt: [u8; 32],
}

impl Engine {
    /// The templates there are: those of operators, and those of ours that they did not replace.
    pub fn templates(&self) -> &[Template] {
        &self.template_set
    }

    /// The same, made anew: after one of an operator has changed.
    pub(crate) fn templates_now(&self) -> Arc<[Template]> {
        let mut all: BTreeMap<String, Template> =
            answers::starters().into_iter().map(|t| (t.name().to_owned(), t)).collect();
        for own in self.templates.values() {
            let Ok(format) = own.format.parse() else { continue };
            if let Ok(template) = Template::new(&own.name, format, &own.text) {
                all.insert(own.name.clone(), template);
            }
        }
        all.into_values().collect()
    }

    /// The settings that hold for a machine with a profile, each with its origin.
    pub fn settings_of(&self, machine: &HardwareAddress, profile: Option<&str>) -> Settings {
        let none = Layer::new();
        let profile = profile.and_then(|name| self.profiles.get(name)).map(|p| &p.settings);
        let [everybody, profile, own] = self.layers(machine, profile.unwrap_or(&none));
        Settings::layered(&everybody, &profile, &own)
    }

    /// The three layers of settings: of everybody, of a profile, and of the machine itself.
    pub(crate) fn layers(&self, machine: &HardwareAddress, profile: &Layer) -> [Layer; 3] {
        let mut everybody = defaults();
        everybody.extend(self.settings.defaults.clone());
        let own = self.machines.get(machine).map(|machine| machine.settings.clone());
        [everybody, profile.clone(), own.unwrap_or_default()]
    }

    /// The answer file of this name for a deployment, if its templates make one.
    pub(crate) fn order(
        &self,
        _now: Now,
        ask: &FileAsk,
        of: &Deployment,
        install: &Install,
        file: &str,
    ) -> Option<Order> {
        let disk = TargetDisk::parse(&install.disk).ok()?;
        let server = self.asked_at(ask);
        let token = self.answer_token(of)?;
        let base = self.answers_base(install, server);
        let answers = format!("{base}/answer/{}", token.reveal());
        // Reports hold no secrets, and the smallest installers cannot speak TLS.
        let report =
            format!("{}/report/{}", self.http_base(server), self.report_token(of).reveal());
        let case = Case {
            machine: of.machine,
            settings: self.settings_of(&of.machine, of.boots.profile.as_deref()),
            image: (&of.boots.image, of.boots.version),
            disk: &disk,
            id: of.shown(),
            server,
            answers,
            report,
            address: Some(ask.from.ip()),
            salt: self.settings.key.bytes_for(Purpose::Salt, &[&of.seed.0]),
        };
        let mut orders = self.orders(&case, &install.template);
        let at = orders.iter().position(|order| order.file == file)?;
        let mut order = orders.swap_remove(at);
        order.sealed.retain(|name, _| install.secrets.contains(name));
        Some(order)
    }

    /// Every answer file that the templates of a profile make.
    pub(crate) fn orders(&self, case: &Case<'_>, template: &str) -> Vec<Order> {
        let of_set = |made: &&Template| stem(made.name()) == template;
        let files = self.template_set.iter().filter(of_set);
        let named = files.filter_map(|made| Some((made.name(), made.format().file_name()?)));
        named.map(|(name, file)| self.order_of(case, name, file)).collect()
    }

    /// One template, with everything it may ask for.
    pub(crate) fn order_of(&self, case: &Case<'_>, template: &str, file: &str) -> Order {
        let machine = self.machines.get(&case.machine);
        let settings = case.settings.clone();
        let http = self.http_base(case.server);
        let mirror = match settings.setting("mirror") {
            Some((Setting::Text(text), _)) => Some(text.clone()),
            _ => None,
        };
        let marks = machine.map(|m| m.marks.as_slice()).unwrap_or_default();
        Order {
            template: template.to_owned(),
            file: file.to_owned(),
            templates: Arc::clone(&self.template_set),
            machine: answers::Machine {
                name: machine.and_then(|m| m.name.clone()),
                mac: Some(case.machine),
                uuid: machine.and_then(|m| m.uuid),
                serial: machine.and_then(|m| m.serial.clone()),
                labels: machine.map(|m| m.labels.clone().into()).unwrap_or_default(),
            },
            network: self.network_facts(&case.machine, case.address),
            server: answers::Server {
                image: Some(format!("{http}/image/{}/{}", case.image.0, case.image.1)),
                url: Some(http),
                mirror,
            },
            settings,
            deployment: answers::Deployment {
                id: case.id.clone(),
                report: case.report.clone(),
                answers: case.answers.clone(),
                disk: case.disk.clone(),
                ours: marks.iter().filter_map(|mark| DiskMark::reported(mark)).collect(),
            },
            salt: case.salt,
            sealed: self.secrets_of_templates(),
        }
    }

    /// Those that are for power alone are none of a template's.
    fn secrets_of_templates(&self) -> BTreeMap<String, String> {
        let below = (Unbounded, Excluded(CREDENTIAL));
        let above = (Included(BEHIND_CREDENTIALS), Unbounded);
        let (below, above) =
            (self.secrets.range::<str, _>(below), self.secrets.range::<str, _>(above));
        below.chain(above).map(|(name, sealed)| (name.clone(), sealed.clone())).collect()
    }

    fn network_facts(
        &self,
        machine: &HardwareAddress,
        address: Option<IpAddr>,
    ) -> answers::Network {
        let its = |hardware: &HardwareAddress| self.filed(hardware) == *machine;
        let held = || {
            let held = self.leases.iter().find(|lease| its(&lease.hardware));
            held.map(|lease| IpAddr::V4(lease.address))
        };
        let held6 = || {
            let mut all = self.leases6.iter();
            let held = all.find(|lease| lease.hardware.as_ref().is_some_and(its));
            held.map(|lease| IpAddr::V6(lease.address))
        };
        let link = self.machines.get(machine).map(|m| m.link.as_str()).unwrap_or_default();
        self.place(address.or_else(held).or_else(held6), link)
    }

    /// The domain of a link's machines, by whichever family it has one.
    pub(super) fn domain_on(&self, link: &str) -> Option<&str> {
        let of_ipv4 = self.settings.networks.iter().filter(|n| n.interface == link);
        let of_ipv6 = self.networks6.iter().filter(|n| n.interface == link);
        let domains = of_ipv4.map(|n| &n.domain).chain(of_ipv6.map(|n| &n.domain));
        domains.flatten().next().map(String::as_str)
    }

    /// What an answer file may say of the network of an address; without one, of the link, IPv4 first.
    fn place(&self, address: Option<IpAddr>, link: &str) -> answers::Network {
        let network = self.settings.networks.iter().find(|n| match address {
            Some(IpAddr::V4(address)) => n.subnet.contains(address),
            Some(IpAddr::V6(_)) => false,
            None => n.interface == link,
        });
        if let Some(n) = network {
            return answers::Network {
                address,
                prefix: Some(n.subnet.prefix),
                router: n.router.map(IpAddr::V4),
                dns: n.dns.iter().copied().map(IpAddr::V4).collect(),
                domain: n.domain.clone(),
            };
        }
        let network = self.networks6.iter().find(|n| match address {
            Some(IpAddr::V6(address)) => n.subnet.contains(address),
            Some(IpAddr::V4(_)) => false,
            None => n.interface == link,
        });
        answers::Network {
            address,
            prefix: network.map(|n| n.subnet.prefix),
            // Routers of IPv6 say so themselves (RFC 4861).
            router: None,
            dns: network
                .map(|n| n.dns.iter().copied().map(IpAddr::V6).collect())
                .unwrap_or_default(),
            domain: network.and_then(|n| n.domain.clone()),
        }
    }

    /// The image of a profile at the version that it would be armed with.
    pub(crate) fn image_of_profile(&self, name: &str) -> Option<&model::Image> {
        let profile = self.profiles.get(name)?;
        self.image(&profile.image, profile.wanted())
    }
}

/// What a profile names of a template: the part before the last dot.
pub(crate) fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
