//! Why bytes from outside may be believed: publishers' checksum files, and OpenPGP signatures.
//!
//! ```text
//! checksum file ──────────▶ checksums ─▶ which sum is for this file
//! keyring ──▶ armor ─▶ packets ─▶ keyring ─┐
//! signature ▶ armor ─▶ packets ────────────┼─▶ check ─▶ signed by whom, or why not
//! signed text ─▶ cleartext ────────────────┘    │
//!                                      standing of the key: its own signatures, end, revocation
//! ```
//!
//! In: the bytes of checksum files, keyrings and signatures, what was signed, and the moment. Out: the
//! sums and the file names they are for; who signed; or why it may not be believed, in words that say
//! whose fault it is and what to do. Never: a file opened, a clock asked, a key fetched, a key trusted
//! that the caller did not bring, a secret key read, a panic, a loop without a limit with a name.
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

mod armor;
mod check;
mod checksums;
mod cleartext;
mod error;
mod judge;
mod keyring;
mod line;
mod packets;
mod standing;
mod text;

pub use check::Signed;
pub use checksums::{Checksums, ChecksumsError, Entry, Kind};
pub use cleartext::is_signed_text;
pub use error::TrustError;
pub use judge::{Digests, Expected, Judgement, NoSum};
pub use keyring::{KeySummary, Keyring};
