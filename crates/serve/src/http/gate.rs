//! The one place where bytes of a file ask whether they may leave now.
//!
//! In: which connection, and how much it would send. Out: how much it may, or when to ask again.
//! Never: a byte of the file, or a wait of its own.

use std::net::IpAddr;
use std::time::Instant;

/// So much of one connection leaves before the others have their turn.
pub(super) const TURN_BYTES: u64 = 1024 * 1024;

/// Whoever decides how much may leave.
#[derive(Debug, Default)]
pub(super) struct Gate;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking {
    /// The machine's address.
    #[expect(dead_code, reason = "every machine has the same share so far")]
    pub(super) peer: IpAddr,
    /// What it has had of this turn.
    pub(super) had: u64,
    /// What it would send.
    pub(super) wanted: u64,
}

/// What it may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Leave {
    /// Send so many bytes, at least one.
    Bytes(u64),
    /// Let the others have their turn first.
    NextTurn,
    /// Ask again then.
    #[expect(dead_code, reason = "nobody has a rate so far, so nobody is told to come later")]
    Until(Instant),
}

impl Gate {
    /// How much may leave now. Everybody has the same share of a turn.
    pub(super) fn allowed(&mut self, asking: Asking, _now: Instant) -> Leave {
        match TURN_BYTES.saturating_sub(asking.had).min(asking.wanted) {
            0 => Leave::NextTurn,
            bytes => Leave::Bytes(bytes),
        }
    }
}
