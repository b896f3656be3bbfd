//! Who signed an EFI binary, and whether a machine with Secure Boot starts it.
//!
//! ```text
//! file ──pe──▶ signed bytes, sections, table of signatures
//!                 │             │            └─ pkcs7 ─ certificate ─▶ signature ─ anchors
//!                 │             └─ sbat, shim, resource (Windows), kind
//!                 └─ crypto ─▶ digests             │
//! db, dbx, MokList ──lists──┐                      ▼
//! SbatLevel ───────sbat─────┴──────▶ judge: which link trusts the next, and why ─▶ words
//! ```
//!
//! In: the bytes of whole files, the lists and levels of a machine, the present moment. Out: facts on
//! each file; a [`Verdict`] on a chain of them (shim, GRUB, kernel), with reasons an operator can read.
//! Never: a file opened, a clock asked, trust given: firmware decides, and where this crate knows only
//! a name it says so. Never: a panic, recursion over what is in a file, text from a file shown raw.
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

pub mod anchors;
mod binary;
mod bytes;
mod certificate;
mod crypto;
mod date;
mod der;
mod judge;
mod lists;
pub mod pe;
mod pkcs7;
mod resource;
pub mod sbat;
mod shim;
mod signature;
mod text;
mod verdict;
mod words;

pub use anchors::{Anchor, Keeper, Lead};
pub use binary::{Binary, Kind};
pub use certificate::{Certificate, CertificateError, Check, Name};
pub use crypto::Hash;
pub use date::Moment;
pub use judge::{World, across, judge};
pub use lists::{ListError, Lists, Svn};
pub use pe::{Pe, PeError};
pub use sbat::{Component, LevelError, Sbat, SbatLevel};
pub use shim::ShimFacts;
pub use signature::{Flaw, Signature};
pub use verdict::{Across, Asker, Link, List, Reason, Remark, Starts, Verdict};
