//! Real firmware against the real server: a link of our own, machines under QEMU, their disks.
//!
//! In: which firmware, which disk, which server configuration. Out: what the machine wrote on
//! its serial port, what the server logged, what the wire carried. Never: a decision about what
//! a machine should boot; the rig only looks.
//!
//! ```text
//!  server namespace ── eth0 ──┐
//!  peer namespace   ── eth0 ──┤ br0 (link namespace) ── tap0, tap1 ── QEMU
//! ```
//!
//! Everything needs root and Debian's packages; [`need`](need::need) says which are missing.

use std::fmt;

pub mod account;
pub mod apt;
pub mod bridge;
pub mod capture;
pub mod disk;
pub mod dnsmasq;
pub mod firewall;
pub mod guest;
pub mod installer;
pub mod iso;
pub mod kea;
pub mod live;
pub mod mirror;
pub mod need;
pub mod ns;
pub mod process;
pub mod server;

pub use process::{Log, Process};

/// Why the rig could not do what was asked: always the surroundings, never a verdict on a boot.
#[derive(thiserror::Error)]
pub enum Trouble {
    /// A file or a program could not be used.
    #[error("{doing}: {cause}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A program ran and failed.
    #[error("`{command}` failed: {said}")]
    Command {
        /// The whole command line.
        command: String,
        /// What it wrote before it failed.
        said: String,
    },
    /// Something expected did not come in time, or the program ended first.
    #[error("{waited_for:?} did not appear {limit}; the last of {log}:\n{tail}")]
    Silence {
        /// The text that was waited for.
        waited_for: String,
        /// After how long, or because of what, waiting ended.
        limit: String,
        /// The log that was followed.
        log: String,
        /// Its last lines.
        tail: String,
    },
    /// Packages are missing and could not be installed.
    #[error("missing on this computer: {0}")]
    Missing(String),
}

/// As [`Display`](fmt::Display): a test that returns its error shows it by `Debug`, and the log's last lines
/// are to be read as lines.
impl fmt::Debug for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Attaches what was being done to an error of the system.
pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Trouble {
    let doing = doing.into();
    move |cause| Trouble::Io { doing, cause }
}
