//! Starting points: templates of our own for common installers, to be copied and changed.
//!
//! Each reports that it started, asks for the disk before anything is written, installs a small
//! system with one user, and reports how it ended.

use crate::template::{Format, Template};

/// A starting point.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Starter {
    /// The name of its template.
    pub name: &'static str,
    /// What it makes.
    pub format: Format,
    /// The template.
    pub text: &'static str,
}

macro_rules! starters {
    ($($format:ident $name:literal,)*) => {
        &[$(Starter {
            name: $name,
            format: Format::$format,
            text: include_str!(concat!("../starters/", $name)),
        }),*]
    };
}

const STARTERS: &[Starter] = starters![
    Preseed "debian.preseed",
    UserData "ubuntu.user-data",
    MetaData "ubuntu.meta-data",
    VendorData "ubuntu.vendor-data",
    NetworkConfig "ubuntu.network-config",
    Kickstart "fedora.ks",
    AutoYast "suse.autoyast",
    Agama "suse.agama",
    Ignition "coreos-live.ignition",
    Ignition "coreos-installed.ignition",
    Alpine "alpine.answers",
    Autounattend "windows.autounattend",
    Shell "report.sh",
    Shell "mark.sh",
    Shell "disk.sh",
    Shell "report-done.sh",
    Shell "report-failed.sh",
    Shell "debian-early.sh",
    Shell "debian-network.sh",
    Shell "debian-late.sh",
    Shell "ubuntu-early.sh",
    Shell "fedora-pre.sh",
    Shell "keys.sh",
    Shell "suse-pre.sh",
    Shell "agama-pre.sh",
    Shell "coreos-install.sh",
];

/// All of them: whole answer files, and the scripts they share.
pub fn starters() -> Vec<Template> {
    STARTERS
        .iter()
        .filter_map(|starter| Template::new(starter.name, starter.format, starter.text).ok())
        .collect()
}

/// The starting point with this name.
pub fn starter(name: &str) -> Option<Starter> {
    STARTERS.iter().find(|starter| starter.name == name).copied()
}
