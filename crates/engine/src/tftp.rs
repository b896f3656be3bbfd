//! One file to one client over TFTP, and the table of all such transfers.
//!
//! ```text
//! RRQ ─ names ──── which name of the published table is meant
//!     ─ sessions ─ is it new, a repeat, or does it take the place of an older one
//!     ─ negotiate ─ which options we accept: Negotiated
//!     ─ transfer ── what to send next and when, until Done or GiveUp with a Why
//! ```
//!
//! In: packets as `wire::tftp` reads them, the size of the file, the time. Out: what to send (as
//! ranges of the file), how long to wait, and in the end why it ended. Never: the bytes of a file,
//! a socket, a clock, a path.

pub mod names;
pub mod negotiate;
pub mod netascii;
pub mod outcome;
mod pace;
pub mod sessions;
mod timers;
pub mod transfer;

use model::plan;
pub use negotiate::{Negotiated, Policy, Refusal, Wrap};
pub use outcome::{Progress, Summary, Why};
pub use sessions::{Busy, Caps, Door, Opening, Route, SessionId, Sessions};
pub use transfer::{Step, Transfer};

/// Whether a client that gets no file hears that there is no such file, so that it goes on to the next
/// name at once, or nothing at all.
#[must_use]
pub fn deserves_error(why: &plan::Why) -> bool {
    !matches!(
        why,
        plan::Why::OutsideServedSubnets
            | plan::Why::OnlyListening
            | plan::Why::NotServed(_)
            | plan::Why::PlanIsSilence
            | plan::Why::TooMany(_)
    )
}
