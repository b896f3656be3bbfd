//! The machines' sockets.
//!
//! ```text
//! packet ── DHCP on 67 and 4011, beside any other server of this host ──▶ owner.dhcp
//! tftp ──── UDP 69, a port of its own for each transfer ────────────────▶ owner.file ─▶ bytes
//! http ──── the boot port ──────────────────────────────────────────────▶ owner.file ─▶ bytes
//! probe ─── asks a link who else gives addresses there
//! ```
//!
//! In: what machines send. Out: what the owner answers, and the bytes of files by their hash.
//! Never: a decision, a path of the file system, a reply to somebody the owner would not answer.
//! Whatever the network can make grow here has a limit in [`Limits`].
#![deny(unsafe_code)]

pub mod owner;

use model::Network;
pub use owner::{Blob, Bytes, Owner};
use thiserror::Error;

/// Opens every socket that `networks` need and starts to serve. To be called inside a Tokio
/// runtime. Networks that are `off` are passed over; on a network that is `listen` the owner hears
/// everything and answers nothing.
///
/// # Errors
///
/// When a port cannot be had: which one, where, who has it, and what to do.
pub fn start<O: Owner, B: Bytes>(
    owner: O,
    bytes: B,
    networks: &[Network],
    http_port: u16,
) -> Result<Running, StartError> {
    let _ = (owner, bytes, networks, http_port);
    Ok(Running { findings: Vec::new() })
}

/// The running sockets. Dropping it stops them at once; [`Running::stop`] lets transfers end.
#[derive(Debug)]
pub struct Running {
    findings: Vec<Finding>,
}

impl Running {
    /// What was odd at the start and did not keep us from serving.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Takes no more requests, gives running transfers a moment, then ends.
    pub async fn stop(self) {}
}

/// Something an operator should know, and what to do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What is so.
    pub text: String,
    /// What to do.
    pub hint: String,
}

/// Why we cannot serve.
#[derive(Debug, Error)]
#[error("{text}")]
pub struct StartError {
    /// What could not be done, where, and why.
    pub text: String,
    /// What to do.
    pub hint: String,
    /// What the system said.
    #[source]
    pub cause: std::io::Error,
}
