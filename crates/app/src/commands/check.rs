//! `check`: every fault of the configuration, before it matters.

use crate::config;
use crate::failure::Failure;
use crate::say;
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
    pub fn run(&self) -> Result<(), Failure> {
        let config = config::read_file(&self.config)?;
        for note in &config.notes {
            say::note(format!("note: {note}"));
        }
        for network in &config.settings.networks {
            say::line(crate::serving::in_a_line(network));
        }
        say::line(format!("{} is good", self.config.display()));
        Ok(())
    }
}
