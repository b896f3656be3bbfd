//! The catalogue of systems: what some files are together, and how that is started over the network.
//!
//! ```text
//! files ─▶ Tree ─▶ rows, in order ─▶ fit ─▶ Recognised
//!            └──── facts: .treeinfo, .disk/info, boot.cfg, the XML of a WIM ───┘
//! ```
//!
//! In: paths with sizes, what the volume says, a way to read pieces of a file. Out: [`Recognised`]:
//! a recipe, a title, and why. Never: a file opened, a guess by name alone where something is to be
//! started: a name says only where to look, the bytes decide.
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
mod facts;
pub mod kernel;
mod pe;
mod recognise;
mod row;
mod rows;
mod tree;

pub use recognise::{ABOVE, Near, Recognised, fitting, recognise};
pub use tree::{FILES_MAX, Read, Tree, Volume};
