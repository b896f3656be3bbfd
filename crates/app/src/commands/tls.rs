//! `tls`: our own small CA and the server's certificates, and how machines are made to trust them.
//!
//! Works on the state directory itself, whether the server runs or not; a running one takes new
//! certificates over at `reload`.

mod show;

use crate::cli::Sure;
use crate::config;
use crate::failure::Failure;
use crate::{clock, say};
use api::Client;
use api::types::Status;
use clap::{Args, Subcommand};
use model::network::Mode;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use tls::{Ask, Failed, Keys, Made, Store};

/// What can be done with certificates.
#[derive(Debug, Subcommand)]
pub enum Tls {
    /// Make a CA and the server's certificates; done again, renew the certificates.
    ///
    /// The certificates name this server, its address on each configured network, what they named
    /// before, and what is given here.
    Init(Init),
    /// Show the CA, the certificates, and how machines are made to trust them.
    Show(show::Show),
}

/// What `tls init` takes.
#[derive(Debug, Args)]
pub struct Init {
    /// Another DNS name that machines use for this server; may be said several times.
    #[arg(long, value_name = "DNS", value_parser = dns_name)]
    name: Vec<String>,
    /// Another address that machines use for this server; may be said several times.
    #[arg(long, value_name = "IP")]
    address: Vec<IpAddr>,
    /// Name nothing but what is given here.
    #[arg(long)]
    only: bool,
    /// Make a new CA though there is one: every machine has to be told the new one.
    #[arg(long)]
    new_ca: bool,
    /// The configuration file, for names and addresses.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    sure: Sure,
}

impl Tls {
    /// Does it.
    pub async fn run(self, state: Option<PathBuf>, client: &Client) -> Result<(), Failure> {
        match self {
            Self::Init(init) => init.run(state, client).await,
            Self::Show(show) => show.run(state),
        }
    }
}

/// The configuration that is named, or the usual one if it is there.
fn configured(named: Option<&Path>) -> Result<Option<config::Config>, Failure> {
    let usual = Path::new(config::DEFAULT_FILE);
    match named {
        Some(file) => config::read_file(file).map(Some),
        None if usual.exists() => config::read_file(usual).map(Some),
        None => Ok(None),
    }
}

/// The state directory, as `serve` finds it.
fn state_of(named: Option<PathBuf>, config: Option<&config::Config>) -> PathBuf {
    let configured = || config.and_then(|config| config.state.clone());
    named.or_else(configured).unwrap_or_else(|| PathBuf::from(config::DEFAULT_STATE))
}

impl Init {
    async fn run(self, state: Option<PathBuf>, client: &Client) -> Result<(), Failure> {
        // The running server knows which file it was started with.
        let running = client.get::<Status>("/status").await.ok();
        let file = self.config.clone().or_else(|| running.as_ref()?.config.clone());
        let config = configured(file.as_deref())?;
        let state = state_of(state, config.as_ref());
        let store = Store::new(&state);
        let ask = self.ask(config.as_ref(), running.as_ref(), &state);
        if ask.names.is_empty() && ask.addresses.is_empty() {
            return Err(Failure::usage("a certificate for which name or address?").hint(
                "name a configuration with networks (--config FILE), or --address IP and --name DNS",
            ));
        }
        let instead = self.new_ca && store.authority().is_ok();
        if instead && !self.sure.dry_run {
            warn_of_a_new_ca(&store);
            say::confirm(self.sure.yes)?;
        }
        let made = store.init(&ask, clock::now(), self.sure.dry_run).map_err(failed)?;
        self.tell(&made, &ask, &store, running.is_some());
        Ok(())
    }

    /// What the certificates are to name.
    fn ask(&self, config: Option<&config::Config>, running: Option<&Status>, state: &Path) -> Ask {
        let (mut names, mut addresses) = (self.name.clone(), self.address.clone());
        let mut host = config::host_name();
        if let Some(config) = config {
            host.clone_from(&config.settings.server_name);
        }
        if !self.only {
            // A first name that people know it by, the same in each domain.
            names.insert(0, host.clone());
            for network in config.iter().flat_map(|c| &c.settings.networks) {
                names.extend(network.domain.iter().map(|domain| format!("{host}.{domain}")));
                if network.mode != Mode::Off {
                    addresses.push(network.server.into());
                }
            }
            let served = running.iter().flat_map(|status| &status.networks);
            addresses.extend(served.filter_map(|n| n.server.parse::<IpAddr>().ok()));
            if let Some(before) = Keys::own(state).ok().as_ref().and_then(Keys::server) {
                names.extend(before.names.clone());
                addresses.extend(before.addresses.clone());
            }
        }
        names.retain(|name| dns_name(name).is_ok());
        addresses.retain(|address| !address.is_unspecified());
        Ask { host, names: once(names), addresses: once(addresses), new_ca: self.new_ca }
    }

    fn tell(&self, made: &Made, ask: &Ask, store: &Store, runs: bool) {
        let (written, what) = match (self.sure.dry_run, made.new_ca) {
            (true, true) => ("would be written", "a CA and the server's certificates"),
            (true, false) => ("would be written", "the server's certificates, under the same CA"),
            (false, true) => ("were written", "a CA and the server's certificates"),
            (false, false) => ("were written", "the server's certificates, under the same CA"),
        };
        say::line(format!("{what} {written} to {}", store.directory().display()));
        let addresses: Vec<String> = ask.addresses.iter().map(ToString::to_string).collect();
        let named: Vec<String> = ask.names.iter().cloned().chain(addresses).collect();
        say::line(format!("they name {}", named.join(", ")));
        if self.sure.dry_run {
            made.files.iter().for_each(|file| say::line(format!("  {}", file.display())));
            return;
        }
        if made.new_ca {
            say::line("how machines are made to trust it: bootwright tls show");
        }
        match runs {
            true => say::line("the running server takes them over at: bootwright reload"),
            false => say::line("they are served where [http] says tls_port = 443"),
        }
    }
}

fn warn_of_a_new_ca(store: &Store) {
    say::note(format!(
        "A new CA takes the place of the one in {}. Every machine that trusts the old one refuses us \
         until the new one is enrolled in its firmware, by hand.\nTo renew the server's certificate \
         alone, leave --new-ca out.",
        store.directory().display()
    ));
}

fn failed(failed: Failed) -> Failure {
    match failed {
        Failed::Bad(bad) => Failure::failed(bad.what).hint(bad.hint),
        file @ Failed::File { .. } => Failure::failed(file.to_string()).hint(
            "run it as the user the server runs as, and name its state directory: --state DIR",
        ),
    }
}

/// Each once, in the order in which they came.
fn once<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut kept = Vec::new();
    for one in all {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

/// RFC 1123, 2.1: letters, digits and hyphens.
fn dns_name(text: &str) -> Result<String, String> {
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    match text.len() <= 253 && text.split('.').all(label) {
        true => Ok(text.to_ascii_lowercase()),
        false => {
            Err("a DNS name has letters, digits, `-` and `.`; addresses go with --address".into())
        }
    }
}
