//! Stories of boots: what is one boot, what is the next; steps, gaps, ends, limits.

#![expect(clippy::unwrap_used, reason = "tests may")]

mod boots;
mod events;
mod picture;
mod random;
