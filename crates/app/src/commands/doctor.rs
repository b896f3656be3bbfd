//! `doctor`: looks for whatever would keep machines from booting, before start or while running.
//!
//! Each room here looks at one thing and gives facts; what they mean the crate [`doctor`] says, which
//! looks at nothing.

mod firewall;
mod host;
mod keys;
mod links;
mod others;
mod ports;
mod publish;
mod stock;

use crate::config::{self, Config};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::client::Error;
use api::types::{DnsStatus, Doctor as Told, PublishView};
use clap::Args;
use doctor::others_6::Ours;
use doctor::stock::Configuration;
use doctor::switch::{self, Kind};
use doctor::{Facts, Finding};
use model::Network;
use model::network::Mode;
use model::network6::Subnet6;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// What `doctor` takes.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 1 if booting would fail.")]
pub struct Doctor {
    /// Look at this interface; may be said several times. Without it, at those that are configured.
    #[arg(long, value_name = "IF")]
    interface: Vec<String>,
    /// A DHCP or boot server, or over IPv6 a router, that belongs on the links; may be said several times.
    #[arg(long, value_name = "ADDRESS")]
    expect: Vec<IpAddr>,
    /// Print the configuration by which a switch keeps other servers out, instead of findings:
    /// cisco-ios, arista-eos, aruba-cx or junos.
    #[arg(long, value_name = "KIND", value_parser = kind, conflicts_with = "json")]
    switch: Option<Kind>,
    /// The configuration file, where no server runs.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn kind(word: &str) -> Result<Kind, String> {
    Kind::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
        let all: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
        format!("one of {}", all.join(", "))
    })
}

/// What is known before anything is looked at.
struct Known {
    /// The running server's own view, if one runs.
    told: Option<Told>,
    /// The configuration, where there is a good one.
    config: Option<Config>,
    /// What was read of it.
    read: Configuration,
    /// The interfaces to look at.
    interfaces: Vec<String>,
    /// The state directory.
    state: PathBuf,
    /// Servers and routers that belong on the links.
    expect: Vec<IpAddr>,
    /// How the running server fares with DNS servers that it tells of names.
    published: Vec<PublishView>,
}

impl Known {
    /// The configured networks, where they are known.
    fn networks(&self) -> &[Network] {
        self.config.as_ref().map_or(&[], |config| &config.settings.networks)
    }

    /// What the configuration says of IPv6 on an interface.
    fn served_6(&self, interface: &str) -> Option<Ours> {
        let networks = self.config.iter().flat_map(|config| &config.settings.networks6);
        let mut here = networks.filter(|n| n.interface == interface && !n.only_listens());
        // Of several, that of the link itself is what its machines meet.
        let first = here.clone().find(|network| network.relays.is_empty()).or_else(|| here.next());
        first.map(|network| Ours {
            subnet: network.subnet,
            gives_addresses: network.gives_addresses(),
            advertises: network.advertise,
            relayed: !network.relays.is_empty(),
        })
    }

    /// Subnets of IPv6 that an interface needs an address in: of the configuration, else, where that
    /// cannot be read any more, of the server that runs.
    fn subnets_6(&self, interface: &str) -> Vec<Subnet6> {
        if self.config.is_some() {
            let ours = self.served_6(interface).filter(|ours| !ours.relayed);
            return ours.map(|ours| ours.subnet).into_iter().collect();
        }
        let told = self.told.iter().flat_map(|told| &told.status.networks);
        let here = told.filter(|network| network.interface == interface);
        here.filter_map(|network| network.subnet.parse().ok()).collect()
    }

    /// Whether IPv6 is served on an interface, and IPv4 is not.
    fn is_ipv6_only(&self, interface: &str) -> bool {
        self.mode(interface).is_none()
            && (self.is_configured_6(interface) || !self.subnets_6(interface).is_empty())
    }

    /// Whether a network of IPv6 is on an interface, answered or only listened to.
    fn is_configured_6(&self, interface: &str) -> bool {
        let mut networks = self.config.iter().flat_map(|config| &config.settings.networks6);
        networks.any(|network| network.interface == interface)
    }

    /// What we do on an interface, as far as it is known.
    fn mode(&self, interface: &str) -> Option<Mode> {
        let configured = self.networks().iter().find(|n| n.interface == interface).map(|n| n.mode);
        let told = || {
            let told = self.told.as_ref()?;
            let four = told.status.networks.iter().filter(|n| !n.subnet.contains(':'));
            let network = four.into_iter().find(|n| n.interface == interface)?;
            network.mode.parse().ok()
        };
        configured.or_else(told)
    }

    /// Servers and routers that belong on this link: `others` of its networks, and `--expect`.
    fn expected(&self, interface: &str) -> impl Iterator<Item = IpAddr> {
        let settings = self.config.as_ref().map(|config| &config.settings);
        let v4 = settings.into_iter().flat_map(|settings| &settings.networks);
        let v4 = v4.filter(move |network| network.interface == interface).flat_map(|n| &n.others);
        let v6 = settings.into_iter().flat_map(|settings| &settings.networks6);
        let v6 = v6.filter(move |network| network.interface == interface).flat_map(|n| &n.others);
        let of_link = v4.copied().map(IpAddr::V4).chain(v6.copied().map(IpAddr::V6));
        of_link.chain(self.expect.iter().copied())
    }

    /// Our addresses on an interface at which names are answered.
    fn names(&self, interface: &str) -> impl Iterator<Item = IpAddr> {
        let config = self.config.as_ref().filter(|config| {
            let dns = config.dns.as_ref();
            dns.is_some_and(|dns| dns.rules.interfaces.iter().any(|name| name == interface))
        });
        let settings = config.map(|config| &config.settings);
        let v4 = settings.into_iter().flat_map(|s| &s.networks);
        let v4 = v4.filter(|n| !matches!(n.mode, Mode::Off | Mode::Listen));
        let v4 = v4.map(|n| (n.interface.clone(), IpAddr::V4(n.server)));
        let v6 = settings.into_iter().flat_map(|s| &s.networks6).filter(|n| !n.only_listens());
        let all = v4.chain(v6.map(|n| (n.interface.clone(), IpAddr::V6(n.server))));
        all.filter(move |(name, _)| name == interface).map(|(_, address)| address)
    }

    /// The process of the running server.
    fn pid(&self) -> Option<u32> {
        self.told.as_ref().map(|told| told.status.pid)
    }
}

impl Doctor {
    /// Looks and tells.
    pub async fn run(self, state: Option<&Path>, client: &Client) -> Result<(), Failure> {
        let told = match client.get::<Told>("/doctor").await {
            Ok(told) => Some(told),
            Err(Error::NotReached { .. }) => None,
            Err(e) => return Err(e.into()),
        };
        let mut known = self.know(told, state)?;
        if known.told.is_some() && known.config.as_ref().is_some_and(|c| !c.publish.is_empty()) {
            // Without it there is still what the servers say themselves.
            let status = client.get::<DnsStatus>("/dns").await;
            known.published = status.map(|status| status.publish).unwrap_or_default();
        }
        let facts = gather(&known).await?;
        if let Some(kind) = self.switch {
            say::line(switch::suggest(kind, &facts).trim_end());
            return Ok(());
        }
        self.tell(&doctor::examine(&facts))
    }

    fn know(&self, told: Option<Told>, state: Option<&Path>) -> Result<Known, Failure> {
        let default = Path::new(config::DEFAULT_FILE);
        let file = match (&self.config, &told) {
            (Some(file), _) => Some(file.clone()),
            (None, Some(told)) => told.status.config.clone(),
            (None, None) => default.exists().then(|| default.to_owned()),
        };
        let (mut read, mut config) = (Configuration::None, None);
        if let Some(file) = file {
            let name = file.display().to_string();
            match config::read_file(&file) {
                Ok(good) => (read, config) = (Configuration::Good(name), Some(good)),
                Err(e) => read = Configuration::Faults(name, e.to_string()),
            }
        }
        let its_own = told.as_ref().map(|told| told.status.state.clone());
        let state = its_own
            .or_else(|| state.map(Path::to_owned))
            .or_else(|| config.as_ref()?.state.clone())
            .unwrap_or_else(|| PathBuf::from(config::DEFAULT_STATE));
        let interfaces = self.interfaces(told.as_ref(), config.as_ref())?;
        Ok(Known {
            told,
            config,
            read,
            interfaces,
            state,
            expect: self.expect.clone(),
            published: Vec::new(),
        })
    }

    /// Those that were named, else those that are served or configured, else all that are up.
    fn interfaces(
        &self,
        told: Option<&Told>,
        config: Option<&Config>,
    ) -> Result<Vec<String>, Failure> {
        let mut names: Vec<String> = match (told, config) {
            _ if !self.interface.is_empty() => self.interface.clone(),
            (Some(told), _) => {
                let served = told.status.networks.iter().filter(|n| n.mode != "off");
                served.map(|n| n.interface.clone()).collect()
            }
            (None, Some(config)) => {
                let networks = config.settings.networks.iter().filter(|n| n.mode != Mode::Off);
                let four = networks.map(|n| n.interface.clone());
                let six = config.settings.networks6.iter().map(|n| n.interface.clone());
                four.chain(six).collect()
            }
            (None, None) => Vec::new(),
        };
        // Several networks may share an interface.
        let mut seen = BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        if names.is_empty() {
            let all = crate::links::all().map_err(Failure::failed)?;
            let usable = all.into_iter().filter(|link| link.up && !link.loopback);
            names = usable.map(|link| link.name).collect();
        }
        Ok(names)
    }

    fn tell(&self, findings: &[Finding]) -> Result<(), Failure> {
        if self.json {
            say::json(&findings)?;
        } else {
            findings.iter().for_each(|finding| say::line(finding.show()));
        }
        doctor::bad_in_words(findings).map_or(Ok(()), |words| Err(Failure::failed(words)))
    }
}

/// Looks at everything; the links are asked while the rest is looked at.
async fn gather(known: &Known) -> Result<Facts, Failure> {
    let all = crate::links::all().map_err(Failure::failed)?;
    let told = known.told.as_ref();
    let ((others, others_6), publish, loaders, firewall) = tokio::join!(
        others::ask(known, &all),
        publish::look(known),
        stock::loaders(told),
        firewall::look()
    );
    Ok(Facts {
        server: told.map(|told| (told.status.pid, told.status.started.to_string())),
        configuration: known.read.clone(),
        host: host::look(known),
        links: known.interfaces.iter().map(|name| links::look(known, &all, name)).collect(),
        neighbours: links::neighbours(&all),
        ports: ports::look(known),
        publish,
        firewall,
        others,
        others_6,
        certificates: keys::look(known),
        loaders,
        library: told.map(stock::library),
    })
}
