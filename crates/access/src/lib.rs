//! Who may do what, and proof of what was done.
//!
//! ```text
//! policy ──── what a route asks of whoever calls it: may(who, policy, machine) -> () or Denied
//! password ── argon2id, made and compared
//! token ───── API tokens: their text, their hash, what they may
//! session ─── logins that last a while; in memory, with a limit
//! throttle ── how often somebody may try
//! chain ───── the audit records: each has the hash of the one before
//! redact ──── facts as JSON, without what is secret
//! ```
//!
//! In: facts, texts, moments, chance. Out: rights, refusals in words, hashes, verdicts. Never: a
//! socket, a clock, chance of its own, a secret in an error.
#![forbid(unsafe_code)]

pub mod chain;
pub mod password;
pub mod policy;
pub mod redact;
pub mod session;
pub mod throttle;
pub mod token;

pub use policy::{Denied, Policy, Rights, may};

use model::Hash;
use sha2::{Digest, Sha256};

/// SHA-256 of a secret, under which it is filed.
pub fn filed_under(secret: &str) -> Hash {
    Hash(Sha256::digest(secret.as_bytes()).into())
}

/// 32 bytes as a secret that stands in one word: small letters and digits (RFC 4648 base32).
fn word(bytes: &[u8; 32]) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(52);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            let at = (held >> bits) & 31;
            text.extend(LETTERS.get(at as usize).map(|letter| char::from(*letter)));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        let at = (held << (5 - bits)) & 31;
        text.extend(LETTERS.get(at as usize).map(|letter| char::from(*letter)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_base32_of_all_bytes() {
        // RFC 4648, 10: "foobar" is MZXW6YTBOI; here with zeros behind.
        let mut bytes = [0; 32];
        bytes.get_mut(..6).unwrap().copy_from_slice(b"foobar");
        let text = word(&bytes);
        assert_eq!(text.len(), 52);
        assert!(text.starts_with("mzxw6ytboi"), "{text}");
        bytes = [0xff; 32];
        assert_eq!(word(&bytes), format!("{}q", "7".repeat(51)));
    }
}
