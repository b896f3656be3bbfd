//! What the rig needs from Debian, checked aloud.
//!
//! On a developer's computer a missing package is installed, and said so. Under CI
//! (`CI=true`) it is an error: a run that silently lacks a machine proves nothing.

use std::env;
use std::process::Command;

use super::Trouble;
use super::process::run;

/// Packages every boot needs.
pub const LINK: &[&str] = &["iproute2", "util-linux", "dnsmasq-base"];
/// Packages for x86 machines, BIOS and UEFI.
pub const X86: &[&str] =
    &["qemu-system-x86", "ovmf", "ipxe-qemu", "ipxe", "debian-installer-12-netboot-amd64"];
/// Packages for arm64 machines.
pub const ARM64: &[&str] =
    &["qemu-system-arm", "qemu-efi-aarch64", "debian-installer-12-netboot-arm64"];
/// Packages from which the local disks are made.
pub const DISK: &[&str] =
    &["mtools", "shim-signed", "grub-efi-amd64-signed", "debian-installer-12-netboot-arm64"];
/// Packages for captures.
pub const CAPTURE: &[&str] = &["tshark"];

/// Makes sure that all these Debian packages are installed.
///
/// # Errors
/// [`Trouble::Missing`] under CI, and wherever apt cannot install them.
pub fn need(packages: &[&str]) -> Result<(), Trouble> {
    let missing: Vec<_> = packages.iter().copied().filter(|package| !installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if env::var("CI").is_ok_and(|ci| ci == "true") {
        return Err(Trouble::Missing(names));
    }
    eprintln!("the rig installs from Debian: {names}");
    let installing = run(Command::new("apt-get")
        .args(["install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=600"])
        .args(&missing)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // invoke-rc.d starts no service in this run level.
        .env("RUNLEVEL", "1"));
    installing.map(drop).map_err(|trouble| Trouble::Missing(format!("{names} ({trouble})")))
}

fn installed(package: &str) -> bool {
    run(Command::new("dpkg-query").args(["-W", "-f", "${db:Status-Status}", package]))
        .is_ok_and(|status| status == "installed")
}
