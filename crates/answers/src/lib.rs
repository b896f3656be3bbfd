//! Answer files for unattended installations, rendered from templates.
//!
//! ```text
//! templates ─┐                       ┌─ escape: a value in the words of its format
//! facts ─────┼─▶ render ─▶ engine ───┤
//! secrets ───┘      │                └─ functions: the few that a template may call
//!                   ▼
//!                context: every value stands where it cannot become syntax ─▶ Rendered
//! ```
//!
//! In: templates, facts about a machine, its network and its deployment, secrets, a salt. Out: the
//! text of an answer file, which secrets stand in it, and where a template put something in raw; or
//! why not, in words, with line and column.
//! Never: a file, an environment, a clock, chance or a program; a value that is missing and left
//! empty; a value that becomes syntax of the file it is put into; a secret in a preview, an error or
//! a debug print.
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

mod context;
mod disk;
mod error;
mod escape;
mod facts;
mod functions;
mod limits;
mod marks;
mod password;
mod piece;
mod render;
mod secret;
mod settings;
mod starters;
mod template;
mod validate;

pub use disk::{DiskMark, NotATarget, TargetDisk};
pub use error::{AnswerError, Why};
pub use facts::{Deployment, Facts, Machine, Network, Server};
pub use limits::Limits;
pub use password::{Method, unattend_password};
pub use render::{RawUse, Rendered, check, render};
pub use secret::{Reveal, Secret};
pub use settings::{Origin, Setting, Settings};
pub use starters::{Starter, starter, starters};
pub use template::{Escape, Format, Template};
pub use validate::validate;
