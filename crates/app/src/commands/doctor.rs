//! `doctor`: looks for whatever would keep machines from booting, before start or while running.
//!
//! Each room looks at one thing and returns findings: [`links`] at interfaces and other servers,
//! [`ports`] at who has our ports, [`keys`] at certificates, [`stock`] at bootloaders and images,
//! [`host`] at rights, disk and clock.

mod finding;
mod host;
mod keys;
mod links;
mod ports;
mod stock;

use crate::config::{self, Config};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::client::Error;
use api::types::Doctor as Told;
use clap::Args;
use finding::{Finding, Grade};
use model::Network;
use model::network::Mode;
use std::path::{Path, PathBuf};

/// What `doctor` takes.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 1 if booting would fail.")]
pub struct Doctor {
    /// Look at this interface; may be said several times. Without it, at those that are configured.
    #[arg(long, value_name = "IF")]
    interface: Vec<String>,
    /// The configuration file, where no server runs.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What is known before anything is looked at.
struct Known {
    /// The running server's own view, if one runs.
    told: Option<Told>,
    /// The configuration, where there is a good one.
    config: Option<Config>,
    /// The configured networks, where they are known.
    networks: Vec<Network>,
    /// The interfaces to look at.
    interfaces: Vec<String>,
    /// The machines' HTTP port.
    http_port: u16,
}

impl Known {
    /// What we do on an interface, as far as it is known.
    fn mode(&self, interface: &str) -> Option<Mode> {
        let configured = self.networks.iter().find(|n| n.interface == interface).map(|n| n.mode);
        let told = || {
            let told = self.told.as_ref()?;
            let network = told.status.networks.iter().find(|n| n.interface == interface)?;
            network.mode.parse().ok()
        };
        configured.or_else(told)
    }
}

impl Doctor {
    /// Looks and tells.
    pub async fn run(self, state: Option<&Path>, client: &Client) -> Result<(), Failure> {
        let mut findings = Vec::new();
        let told = match client.get::<Told>("/doctor").await {
            Ok(told) => {
                let status = &told.status;
                let who = format!("process {}, since {}", status.pid, status.started);
                findings.push(Finding::good(format!("a server runs ({who})")));
                Some(told)
            }
            Err(Error::NotReached { .. }) => {
                findings.push(Finding::note(
                    "no server runs",
                    "this is how things are before the start",
                    "bootwright serve --config FILE",
                ));
                None
            }
            Err(e) => return Err(e.into()),
        };
        let known = self.know(told, &mut findings)?;
        findings.extend(host::look(&known, state));
        findings.extend(links::look(&known).await?);
        findings.extend(ports::look(&known));
        findings.extend(keys::look(&known, state));
        findings.extend(stock::look(&known).await);
        self.tell(&findings)
    }

    fn know(&self, told: Option<Told>, findings: &mut Vec<Finding>) -> Result<Known, Failure> {
        let default = Path::new(config::DEFAULT_FILE);
        let file = match (&self.config, &told) {
            (Some(file), _) => Some(file.clone()),
            (None, Some(told)) => told.status.config.clone(),
            (None, None) => default.exists().then(|| default.to_owned()),
        };
        let (mut networks, mut http_port, mut good) = (Vec::new(), 80, None);
        if let Some(file) = file {
            match config::read_file(&file) {
                Ok(config) => {
                    findings.push(Finding::good(format!("{} is good", file.display())));
                    networks.clone_from(&config.settings.networks);
                    http_port = config.settings.http_port;
                    good = Some(config);
                }
                Err(e) => findings.push(faults(&file, &e, told.is_some())),
            }
        }
        if let Some(told) = &told {
            http_port = told.status.http_port;
        }
        let configured = networks.iter().filter(|n| n.mode != Mode::Off);
        let mut interfaces: Vec<String> = configured.map(|n| n.interface.clone()).collect();
        if let Some(told) = &told {
            let served = told.status.networks.iter().filter(|n| n.mode != "off");
            interfaces = served.map(|n| n.interface.clone()).collect();
        }
        if !self.interface.is_empty() {
            interfaces.clone_from(&self.interface);
        }
        if interfaces.is_empty() {
            let all = crate::links::all().map_err(Failure::failed)?;
            let usable = all.into_iter().filter(|link| link.up && !link.loopback);
            interfaces = usable.map(|link| link.name).collect();
        }
        Ok(Known { told, config: good, networks, interfaces, http_port })
    }

    fn tell(&self, findings: &[Finding]) -> Result<(), Failure> {
        let bad = findings.iter().filter(|f| f.grade == Grade::Bad).count();
        if self.json {
            say::json(&findings)?;
        } else {
            findings.iter().for_each(|finding| say::line(finding.show()));
        }
        match bad {
            0 => Ok(()),
            1 => Err(Failure::failed("1 finding keeps machines from booting")),
            many => Err(Failure::failed(format!("{many} findings keep machines from booting"))),
        }
    }
}

fn faults(file: &Path, e: &Failure, runs: bool) -> Finding {
    let what = format!("the configuration has faults:\n{e}");
    let mend = format!("bootwright check --config {}", file.display());
    match runs {
        true => Finding::note(what, "the server runs on with the older one, but not again", mend),
        false => Finding::bad(what, "the server cannot start with it", mend),
    }
}
