//! The catalogue of systems: what some files are together, and how that is started over the network.
//!
//! In: paths, and a way to read the beginning of a file. Out: [`Recognised`], with the reasons.
//! Never: a file opened, a guess by name alone: a name says only where to look, the bytes decide.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod bytes;
pub mod kernel;
mod pe;
pub mod recognise;

pub use recognise::{Recognised, recognise};
