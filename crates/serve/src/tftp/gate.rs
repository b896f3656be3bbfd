//! The one place where it is decided whether bytes of a transfer may leave now.
//!
//! In: who wants to send how much, and the time. Out: how much may go, or from when on. Never: what
//! the bytes are.

use crate::meter::About;
use model::Now;

/// Lets everything pass. Blocks are not lost here: a transfer that is held asks again at the moment
/// it was given, and its timers do not run before its window is out.
#[derive(Debug, Default)]
pub(super) struct Gate;

impl Gate {
    /// How many of the bytes that could leave may: all of them, some (a whole block goes in any
    /// case), or none before a moment.
    pub(super) fn allowed(&mut self, _now: Now, _who: &About, wanted: u64) -> Result<u64, Now> {
        Ok(wanted)
    }
}
