//! `check`: every fault of the configuration, before it matters.

use crate::config;
use crate::failure::Failure;
use crate::serving::{https, publishing};
use crate::{clock, say};
use clap::Args;
use std::path::PathBuf;

/// What `check` takes.
#[derive(Debug, Args)]
pub struct Check {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = config::DEFAULT_FILE)]
    pub config: PathBuf,
}

impl Check {
    /// Reads it; every fault goes to stderr.
    pub fn run(&self, state: Option<PathBuf>) -> Result<(), Failure> {
        let config = config::read_file(&self.config)?;
        let state = state.or_else(|| config.state.clone());
        let state = state.unwrap_or_else(|| PathBuf::from(config::DEFAULT_STATE));
        let keys = https::load(&state, &config)?;
        let publish = publishing::read(&config.publish)?;
        for note in &config.notes {
            say::note(format!("note: {note}"));
        }
        for network in &config.settings.networks {
            say::line(crate::serving::in_a_line(network));
        }
        for network in &config.settings.networks6 {
            say::line(crate::serving::in_a_line6(network));
        }
        if let Some(port) = config.syslog_port {
            say::line(format!("syslog on port {port}"));
        }
        if let Some(dns) = &config.dns {
            say::line(format!("names on {}", dns.rules.interfaces.join(", ")));
        }
        for one in &publish {
            say::line(format!("publishes {}", publishing::in_a_line(one)));
        }
        if let Some(keys) = keys {
            say::line(https::in_a_line(&keys));
            let wanted = https::wanted(&config.settings, config.given.is_none());
            for finding in keys.findings(&wanted, clock::now()) {
                say::note(format!("note: {}\nhint: {}", finding.text, finding.hint));
            }
        }
        say::line(format!("{} is good", self.config.display()));
        Ok(())
    }
}
