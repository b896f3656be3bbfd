//! Secrets at rest, and what is derived from the server's key: tokens and codes that nobody can guess.
//!
//! ```text
//! keys/secrets.key ─▶ Key ─┬─ seal, open ─▶ Sealed (in the store: no use without the key)
//!                          └─ derive ─────▶ Token, code (never in the store: only a token's hash is)
//! ```
//!
//! In: a key, chance, names, texts. Out: sealed texts and opened ones, tokens. Never: a file, chance of
//! our own, a secret in a debug print, an error that says more than that a text does not open.
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

mod derive;
mod key;
mod sealed;

pub use derive::{Purpose, Token, token_hash};
pub use key::{KEY_BYTES, Key};
pub use sealed::{DoesNotOpen, NONCE_BYTES, Sealed};
