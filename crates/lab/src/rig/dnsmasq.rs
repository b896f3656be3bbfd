//! The other DHCP server on the link: addresses only, as an office router gives them.

use std::path::{Path, PathBuf};

use super::ns::{Link, Namespace};
use super::process::Process;
use super::{Log, Trouble, io};

/// What an office router gives.
const ADDRESSES: &str = "--dhcp-range=10.77.0.100,10.77.0.199,1h";

/// A dnsmasq that gives addresses and no boot file, beside which we are a proxy.
#[derive(Debug)]
pub struct Dnsmasq {
    process: Process,
    _directory: tempfile::TempDir,
}

impl Dnsmasq {
    /// Starts it in the peer's namespace, and waits until it listens.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(link: &Link) -> Result<Self, Trouble> {
        Self::with(&link.peer(), &[ADDRESSES])
    }

    /// Starts it on the very host of the server, where it owns port 67.
    ///
    /// # Errors
    /// When it does not start.
    pub fn on_the_same_host(link: &Link) -> Result<Self, Trouble> {
        Self::with(&link.server(), &[ADDRESSES])
    }

    /// As [`Dnsmasq::start`], in any namespace of the link; the flags say what it gives.
    ///
    /// # Errors
    /// When it does not start.
    pub fn with(namespace: &Namespace, flags: &[&str]) -> Result<Self, Trouble> {
        let directory = tempfile::tempdir().map_err(io("making a directory for dnsmasq"))?;
        let in_it = |name: &str| -> PathBuf { directory.path().join(name) };
        let mut command = namespace.command("dnsmasq");
        command
            .args(["--no-daemon", "--conf-file=/dev/null", "--user=root", "--port=0", "--log-dhcp"])
            .args(["--bind-interfaces", &format!("--interface={}", Link::INTERFACE)])
            .arg(format!("--dhcp-leasefile={}", in_it("leases").display()))
            .args(flags);
        let mut process = Process::start(command, in_it("dnsmasq.log"))?;
        process.wait_for("sockets bound exclusively", std::time::Duration::from_secs(5))?;
        Ok(Self { process, _directory: directory })
    }

    /// Starts it in the server's place, with addresses, TFTP from `root`, one boot file for
    /// everybody and `boot.ipxe` for iPXE: the peer that a boot from us is measured against.
    ///
    /// # Errors
    /// When it does not start.
    pub fn boots(link: &Link, root: &Path, file: &str) -> Result<Self, Trouble> {
        let root = format!("--tftp-root={}", root.display());
        let file = format!("--dhcp-boot=tag:!ipxe,{file}");
        let for_ipxe = ["--dhcp-userclass=set:ipxe,iPXE", "--dhcp-boot=tag:ipxe,boot.ipxe"];
        let flags = [&[ADDRESSES, "--enable-tftp", &root][..], &for_ipxe, &[&file]].concat();
        Self::with(&link.server(), &flags)
    }

    /// Ends it.
    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// What it answered to whom.
    #[must_use]
    pub fn log(&self) -> &Log {
        self.process.log()
    }
}
