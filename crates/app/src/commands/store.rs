//! `store`: what can be done with a store that is damaged, while no server works on it.

use crate::config;
use crate::failure::Failure;
use crate::say;
use clap::Subcommand;
use site::Report;
use std::path::{Path, PathBuf};

/// What can be done with the store.
#[derive(Debug, Subcommand)]
pub enum Store {
    /// Look at every row, and say what is damaged; with --yes, write a store of the whole rows.
    ///
    /// The server must be stopped. The damaged file is kept beside the new one.
    Repair {
        /// Do it; without this nothing is changed.
        #[arg(long, short = 'y')]
        yes: bool,
    },
}

impl Store {
    /// Does it.
    pub fn run(self, state: Option<PathBuf>) -> Result<(), Failure> {
        let Self::Repair { yes } = self;
        let state = state.unwrap_or_else(|| PathBuf::from(config::DEFAULT_STATE));
        // Looking at a store would make one.
        if !Path::new(&state).is_dir() {
            return Err(Failure::failed(format!("{} is no directory", state.display()))
                .hint("say where the state is: --state DIR"));
        }
        let report = site::repair(&state, yes).map_err(|e| {
            let failure = Failure::failed(e.why());
            match e.hint() {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        })?;
        tell(&report);
        Ok(())
    }
}

fn tell(report: &Report) {
    for (table, rows) in report.whole.iter().filter(|(_, rows)| *rows > 0) {
        say::line(format!("{table}: {rows} rows can be read"));
    }
    for line in &report.structure {
        say::line(format!("structure: {line}"));
    }
    for damage in &report.damaged {
        say::line(format!("lost: {damage}"));
    }
    let path = report.path.display();
    match &report.aside {
        _ if report.is_sound() => say::line(format!("{path} is sound; there is nothing to repair")),
        Some(aside) => {
            say::line(format!("{path} is whole again; the damaged file is {}", aside.display()));
        }
        None => {
            say::line("nothing was changed");
            say::note("hint: to write a store of what can be read: bootwright store repair --yes");
        }
    }
}
