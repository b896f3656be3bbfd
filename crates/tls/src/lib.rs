//! Certificates for HTTPS to machines.
//!
//! ```text
//! authority ── makes: a CA of our own, and certificates under it      ┐
//! store ────── keeps: their files in STATE/keys, written whole or not ├─▶ Keys ─▶ a TLS setting
//! chain ────── reads: certificates and keys in PEM, ours or given     ┘
//! judge ────── what machines will not like about them
//! dhe ──────── a key exchange for firmware that knows no other
//! ```
//!
//! In: names and addresses, PEM files, the time. Out: `rustls::ServerConfig`, files to enrol in
//! firmware, and findings. Never: a socket, a clock, or a private key in a message.
#![forbid(unsafe_code)]

mod authority;
mod chain;
mod dhe;
mod expiry;
mod judge;
mod keys;
mod setting;
mod signature_list;
mod store;

pub use chain::{Bad, Chain, Facts, KeyKind};
pub use expiry::{Expiry, WARN_BEFORE};
pub use judge::{Finding, Wanted};
pub use keys::Keys;
pub use store::{Ask, Failed, Made, Store};
