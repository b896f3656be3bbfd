//! What went over the wire, as a pcap file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Trouble;
use super::ns::Link;
use super::process::Process;

/// MiB that the kernel keeps for dumpcap: a whole initrd may come while nothing else gets the processor.
const BUFFER: &str = "64";

/// A capture of the whole link, until dropped.
#[derive(Debug)]
pub struct Capture {
    dumpcap: Process,
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
        command.args(["-i", "br0", "-B", BUFFER, "-P", "-w"]).arg(&file);
        let mut dumpcap = Process::start(command, directory.join("dumpcap.log"))?;
        dumpcap.wait_for("File: ", Duration::from_secs(10))?;
        Ok(Self { dumpcap, file })
    }

    /// Ends it; the file then has every packet.
    ///
    /// # Errors
    /// When packets were dropped, or dumpcap does not say that none were.
    pub fn end(mut self) -> Result<PathBuf, Trouble> {
        self.dumpcap.stop();
        let said = self.dumpcap.log().text();
        match dropped(&said) {
            Some(0) => Ok(self.file),
            _ => Err(Trouble::Command { command: "dumpcap".to_owned(), said }),
        }
    }
}

/// `Packets received/dropped on interface 'br0': 17402/0 (pcap:0/…)`, its last words.
fn dropped(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.starts_with("Packets received/dropped on "))?;
    let (_, counts) = line.rsplit_once("': ")?;
    counts.split_once('/')?.1.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::dropped;

    #[test]
    fn dumpcap_says_what_it_dropped() {
        let line =
            "Packets received/dropped on interface 'br0': 17402/31 (pcap:31/dumpcap:0/flushed:0)";
        assert_eq!(dropped(&format!("Packets captured: 17402\n{line}\n")), Some(31));
        assert_eq!(dropped("Capturing on 'br0'\n"), None);
    }
}
