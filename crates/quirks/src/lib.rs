//! The quirks of real firmware and loaders, as data.
//!
//! ```text
//! quirks.toml ── what happens, why, what we do, who has it, what proves it
//! kinds.toml ─── fingerprints of programs that are known
//!       │
//!     data ───── both files, read once
//!     when ───── whether a client looks like one that has a quirk
//!     standing ─ with what an operator says of it: on, off, not at all, and why
//! ```
//!
//! In: a fingerprint, what a client was seen to do, an operator's pins. Out: which quirks it has, and
//! how we know. Never: what is done about one. That is the engine's, which asks by [`Action`].
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod data;
mod kind;
mod page;
mod standing;
mod when;

pub use data::{Action, Bearing, Quirk, Unknown, all, named, of, telling};
pub use kind::{Kind, kind};
pub use page::page;
pub use standing::{Facts, Standing, standing};
pub use when::When;
