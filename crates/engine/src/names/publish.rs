//! Publishing names to a DNS server that somebody else runs (RFC 2136, RFC 4703).
//!
//! In: which names there should be ([`Wanted`]), what we may have put there before (kept on disk), and
//! what the server said. Out: what is to be kept before the next message, the next message, or until when
//! to wait ([`Next`]). Never: a socket, a clock, a record of somebody else changed or removed.
//!
//! ```text
//! Facts ─ Names ─ Wanted ─┐
//! kept before ────────────┤─▶ Publication ─ next ─▶ Keep ─▶ Send ─▶ heard ─┐
//!                         └──────────────────────────────────────────────◀─┘
//! ```
//!
//! Whose a name is says a DHCID record beside its addresses: a digest of the machine's identity and the
//! name. Every message has a prerequisite: the name is unused, or its DHCID is the one of our machine.
//! So it does not matter how often a message is sent, nor whether we know how the last one ended, and
//! what may be there is put down before it is sent: a crash leaves nothing that nobody knows of.

mod answer;
mod dhcid;
mod health;
mod publication;
mod signature;
mod standing;
mod step;
#[cfg(test)]
mod tests;
mod wanted;

pub use answer::{Failure, Heard, ask_for, read, read_zone};
pub use dhcid::Dhcid;
pub use publication::{Next, Publication};
pub use signature::{Algorithm, Key, KeyFile, SECRET_BYTES_MAX, Secret, Signed};
pub use standing::Standing;
pub use wanted::Wanted;

use model::dns::{Published, PublishedAt};

/// Names that one zone of a server is told of; what is more is left out, and said.
pub const PUBLISHED_MAX: usize = 131_072;
/// Messages to one server that wait for their answers.
pub const WINDOW: usize = 16;
/// For how long published records may be remembered, unless somebody says otherwise, in seconds.
pub const PUBLISHED_TTL_S: u32 = 300;

impl crate::Engine {
    /// What may stand at other DNS servers, put by us.
    pub fn published(&self) -> impl Iterator<Item = (&PublishedAt, &Published)> {
        self.published.iter()
    }
}
