//! What is derived from the key: keys for one purpose, tokens, codes (HMAC-SHA-256, RFC 2104).
//!
//! A token need not be kept to be given a second time: it is made again. The store has its hash only.

use crate::key::{KEY_BYTES, Key};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// What something is derived for. What was derived for one purpose is of no use for another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// The key that seals texts.
    Seal,
    /// Tokens in the URLs of answer files.
    Answer,
    /// Tokens in the URLs that an installer reports to.
    Report,
    /// Codes on the screen of a machine.
    Code,
    /// Salts of password hashes.
    Salt,
    /// The seeds of the installations of a batch.
    Batch,
    /// What a DHCPv6 server calls itself.
    ServerId,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Seal => b"bootwright seal v1",
            Self::Answer => b"bootwright answer v1",
            Self::Report => b"bootwright report v1",
            Self::Code => b"bootwright code v1",
            Self::Salt => b"bootwright salt v1",
            Self::Batch => b"bootwright batch v1",
            Self::ServerId => b"bootwright dhcpv6 server v1",
        }
    }
}

/// A token of 256 bits: whoever has it may do the one thing it was made for. It prints as `***`.
#[derive(Clone, Eq, PartialEq)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// For the URL it belongs into: 64 hexadecimal digits.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it: SHA-256.
    pub fn hash(&self) -> [u8; 32] {
        token_hash(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The hash of a token that somebody shows. Tokens are found by it: comparing hashes tells a guesser
/// nothing, however long it takes.
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

impl Key {
    /// The token for a purpose. `of` names what it is for, each part of it apart.
    pub fn token(&self, purpose: Purpose, of: &[&[u8]]) -> Token {
        let bytes = derived(self, purpose, of);
        Token(Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Six digits to be read from a screen and typed, `123-456`.
    pub fn code(&self, of: &[&[u8]]) -> String {
        let bytes = derived(self, Purpose::Code, of);
        let number = bytes.iter().take(8).fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
        let (high, low) = (number.checked_rem(1_000_000), number.checked_rem(1000));
        let high = high.and_then(|six| six.checked_div(1000)).unwrap_or_default();
        format!("{high:03}-{:03}", low.unwrap_or_default())
    }

    /// 32 bytes for a purpose, as hard to guess as the key.
    pub fn bytes_for(&self, purpose: Purpose, of: &[&[u8]]) -> [u8; 32] {
        *derived(self, purpose, of)
    }
}

pub(crate) fn subkey(key: &Key, purpose: Purpose) -> Zeroizing<[u8; KEY_BYTES]> {
    derived(key, purpose, &[])
}

fn derived(key: &Key, purpose: Purpose, of: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    // HMAC takes keys of every length, so there is no error to be had.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.bytes()) else {
        return Zeroizing::new([0; 32]);
    };
    // Each part has its length in front, so that none can lend bytes to the next.
    for part in std::iter::once(purpose.label()).chain(of.iter().copied()) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_by_key_by_purpose_and_by_every_part() {
        let (key, other) = (Key::new([1; 32]), Key::new([2; 32]));
        let all = [
            key.token(Purpose::Answer, &[b"ab", b"c"]),
            key.token(Purpose::Answer, &[b"a", b"bc"]),
            key.token(Purpose::Answer, &[b"abc"]),
            key.token(Purpose::Report, &[b"ab", b"c"]),
            other.token(Purpose::Answer, &[b"ab", b"c"]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert_eq!(one.reveal().len(), 64);
            assert!(all.iter().skip(at + 1).all(|other| one != other));
        }
        assert_eq!(key.token(Purpose::Answer, &[b"ab", b"c"]), all[0]);
        assert_eq!(format!("{:?}", all[0]), "***");
    }

    #[test]
    fn a_code_is_six_digits() {
        let key = Key::new([3; 32]);
        let codes: Vec<String> = (0..50u8).map(|n| key.code(&[&[n]])).collect();
        let is_code = |code: &String| {
            code.len() == 7
                && code
                    .chars()
                    .enumerate()
                    .all(|(at, c)| if at == 3 { c == '-' } else { c.is_ascii_digit() })
        };
        assert!(codes.iter().all(is_code), "{codes:?}");
        assert!(codes.iter().any(|code| code != &codes[0]));
    }

    #[test]
    fn the_derivation_is_hmac_sha256_of_parts_with_their_lengths() {
        let key = Key::new([0x0b; 32]);
        let mut mac = Hmac::<Sha256>::new_from_slice(&[0x0b; 32]).unwrap();
        let label = b"bootwright report v1";
        mac.update(&(label.len() as u64).to_be_bytes());
        mac.update(label);
        mac.update(&2u64.to_be_bytes());
        mac.update(b"d1");
        let by_hand: [u8; 32] = mac.finalize().into_bytes().into();
        assert_eq!(key.bytes_for(Purpose::Report, &[b"d1"]), by_hand);
    }
}
