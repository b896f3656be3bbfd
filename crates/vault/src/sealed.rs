//! Texts that only the key opens, and only under the name they were sealed for.

use crate::derive::{Purpose, subkey};
use crate::key::Key;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// Bytes of a nonce (draft-irtf-cfrg-xchacha-03, 2.3.1): so many that chance does not repeat one.
pub const NONCE_BYTES: usize = 24;

/// A sealed text: the nonce, then the text encrypted, then its tag, in hexadecimal.
#[derive(Clone, Eq, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

/// A sealed text that does not open: it was changed, belongs to another name, or to another key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DoesNotOpen;

impl fmt::Display for DoesNotOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "it does not open: it was changed, or sealed with another key than keys/secrets.key",
        )
    }
}

impl std::error::Error for DoesNotOpen {}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(sealed)")
    }
}

impl Sealed {
    /// Seals a text for a name. The nonce is chance, used once.
    pub fn seal(key: &Key, nonce: [u8; NONCE_BYTES], name: &str, text: &str) -> Self {
        let payload = Payload { msg: text.as_bytes(), aad: name.as_bytes() };
        // The library refuses only texts of more than 2^38 bytes.
        let sealed = cipher(key).encrypt(XNonce::from_slice(&nonce), payload).unwrap_or_default();
        Self(nonce.iter().chain(&sealed).map(|byte| format!("{byte:02x}")).collect())
    }

    /// A sealed text as it was kept; whether it is one shows when it is opened.
    pub fn kept(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// For the store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, if it was sealed with this key for this name.
    pub fn open(&self, key: &Key, name: &str) -> Result<Zeroizing<String>, DoesNotOpen> {
        let bytes = unhex(&self.0).ok_or(DoesNotOpen)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES).ok_or(DoesNotOpen)?;
        let payload = Payload { msg: sealed, aad: name.as_bytes() };
        let text =
            cipher(key).decrypt(XNonce::from_slice(nonce), payload).map_err(|_| DoesNotOpen)?;
        match String::from_utf8(text) {
            Ok(text) => Ok(Zeroizing::new(text)),
            Err(wrong) => {
                drop(Zeroizing::new(wrong.into_bytes()));
                Err(DoesNotOpen)
            }
        }
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&*subkey(key, Purpose::Seal)).into())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.last()?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn only_its_key_and_its_name_open_it() {
        let sealed = Sealed::seal(&Key::new(KEY), [1; 24], "root", "geheim");
        assert_eq!(sealed.open(&Key::new(KEY), "root").unwrap().as_str(), "geheim");
        assert_eq!(sealed.open(&Key::new(KEY), "admin"), Err(DoesNotOpen));
        assert_eq!(sealed.open(&Key::new([8; 32]), "root"), Err(DoesNotOpen));
        for text in ["", "0", "zz", &"00".repeat(24), &"00".repeat(60)] {
            assert_eq!(Sealed(text.to_owned()).open(&Key::new(KEY), "root"), Err(DoesNotOpen));
        }
        assert_eq!(format!("{sealed:?} {:?}", Key::new(KEY)), "(sealed) ***");
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_and_what_was_changed_does_not(
            key: [u8; 32], nonce: [u8; 24], name: String, text: String, at: usize, other in 1u8..16,
        ) {
            let key = Key::new(key);
            let sealed = Sealed::seal(&key, nonce, &name, &text);
            let opened = sealed.open(&key, &name).unwrap();
            prop_assert_eq!(opened.as_str(), text.as_str());
            let mut digits: Vec<char> = sealed.0.chars().collect();
            let at = at % digits.len();
            let digit = digits[at].to_digit(16).unwrap() as u8 ^ other;
            digits[at] = char::from_digit(u32::from(digit), 16).unwrap();
            prop_assert_eq!(Sealed(digits.into_iter().collect()).open(&key, &name), Err(DoesNotOpen));
        }
    }
}
