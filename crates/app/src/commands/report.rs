//! `report`: what a machine and the server said, why, and what was known, in one file.

use super::replay::REPORT_ENDING;
use super::with;
use crate::failure::Failure;
use crate::say;
use api::Client;
use clap::Args;
use model::url::part;
use replay::Report as Written;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What `report` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "A machine is named by name, MAC, UUID or serial. The file is JSON: read it before you \
pass it on. Tokens, codes, passwords, answer files and what templates are told are never in it. \
`bootwright replay FILE` decides everything in it again."
)]
pub struct Report {
    /// Name, MAC, UUID or serial.
    machine: String,
    /// The file to write; MACHINE.report.json without it.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Make every IPv4 and hardware address another, each always the same. Names, serial numbers and UUIDs
    /// stay.
    #[arg(long)]
    mask: bool,
    /// Replace the file if it is there.
    #[arg(long)]
    force: bool,
}

impl Report {
    /// Writes it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let mut path = format!("/machines/{}/report", part(&self.machine));
        if self.mask {
            path = with(&path, "mask", "true");
        }
        let value: serde_json::Value = client.get(&path).await?;
        let report: Written = serde_json::from_value(value).map_err(|e| {
            Failure::failed(format!("the server wrote a report of another form: {e}"))
        })?;
        let bare = report.machine.to_string().replace([':', '/'], "");
        let file = self.file.unwrap_or_else(|| format!("{bare}{REPORT_ENDING}").into());
        write(&report, &file, self.force)?;
        let exchanges: usize = report.parts.iter().map(|part| part.exchanges.len()).sum();
        let events = report.events.len();
        for note in &report.notes {
            say::note(format!("note: {note}"));
        }
        say::line(format!(
            "{}: {exchanges} exchanges and {events} events of {}",
            file.display(),
            report.machine
        ));
        Ok(())
    }
}

/// Readable by its owner alone: a network stands in it.
fn write(report: &Written, file: &Path, force: bool) -> Result<(), Failure> {
    let cannot = |e: std::io::Error| {
        let failure = Failure::failed(format!("cannot write {}: {e}", file.display()));
        match e.kind() {
            std::io::ErrorKind::AlreadyExists => failure.hint("--force replaces it"),
            _ => failure,
        }
    };
    let text = serde_json::to_string_pretty(report)
        .map_err(|e| Failure::failed(format!("the report cannot be written: {e}")))?;
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    match force {
        true => options.create(true).truncate(true),
        false => options.create_new(true),
    };
    let mut out = options.open(file).map_err(cannot)?;
    out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).map_err(cannot)
}
