//! What went over the wire, as a pcap file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Trouble;
use super::ns::Link;
use super::process::Process;

/// A capture of the whole link, until dropped.
#[derive(Debug)]
pub struct Capture {
    _dumpcap: Process,
    file: PathBuf,
}

impl Capture {
    /// Starts capturing the bridge into `directory`.
    ///
    /// # Errors
    /// When dumpcap does not start.
    pub fn start(link: &Link, directory: &Path) -> Result<Self, Trouble> {
        let file = directory.join("link.pcap");
        let mut command = link.bridge().command("dumpcap");
        command.args(["-i", "br0", "-P", "-w"]).arg(&file);
        let mut dumpcap = Process::start(command, directory.join("dumpcap.log"))?;
        dumpcap.wait_for("File: ", Duration::from_secs(10))?;
        Ok(Self { _dumpcap: dumpcap, file })
    }

    /// Where the packets are; complete once this is dropped.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }
}
