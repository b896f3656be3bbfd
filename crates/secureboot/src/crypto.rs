//! Digests and RSA signatures (PKCS #1 v1.5), as firmware checks them.
//!
//! In: bytes, a public key, a signature. Out: a digest; whether a signature is right, or that this
//! kind is not known here. Never: a secret, a clock.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use std::fmt;

/// A digest algorithm.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Hash {
    /// SHA-1, only in old signatures and lists.
    Sha1,
    /// SHA-256, what everybody signs with.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

impl Hash {
    /// By the bytes of an object identifier (RFC 8017, B.1; 1.3.14.3.2.26 for SHA-1).
    pub(crate) fn of_oid(oid: &[u8]) -> Option<Self> {
        Some(match oid {
            [0x2b, 0x0e, 0x03, 0x02, 0x1a] => Self::Sha1,
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 1] => Self::Sha256,
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 2] => Self::Sha384,
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 3] => Self::Sha512,
            _ => return None,
        })
    }

    /// By the object identifier of "RSA with this digest" (RFC 8017, A.2.4).
    pub(crate) fn of_rsa_oid(oid: &[u8]) -> Option<Self> {
        Some(match oid.strip_prefix(RSA_PREFIX)? {
            [5] => Self::Sha1,
            [11] => Self::Sha256,
            [12] => Self::Sha384,
            [13] => Self::Sha512,
            _ => return None,
        })
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }

    /// The digest of several pieces, one after another.
    pub(crate) fn of<'a>(self, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut context = digest::Context::new(self.algorithm());
        pieces.into_iter().for_each(|piece| context.update(piece));
        context.finish().as_ref().to_vec()
    }
}

/// 1.2.840.113549.1.1
const RSA_PREFIX: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
/// 1.2.840.113549.1.1.1, rsaEncryption: a key, or a signature whose digest is named beside it.
pub const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// The SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    // A SHA-256 has 32 bytes, so nothing is cut.
    out.iter_mut().zip(digest::digest(&digest::SHA256, bytes).as_ref()).for_each(|(o, b)| *o = *b);
    out
}

/// Whether a signature over a message was made with the key. Keys have 1024 to 8192 bits, as in
/// firmware.
pub fn is_signed_by(hash: Hash, rsa_key: &[u8], message: &[u8], made: &[u8]) -> bool {
    let algorithm: &'static dyn VerificationAlgorithm = match hash {
        Hash::Sha1 => &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        Hash::Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Hash::Sha512 => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    };
    UnparsedPublicKey::new(algorithm, rsa_key).verify(message, made).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hex;

    #[test]
    fn digests_are_those_of_the_standard() {
        // FIPS 180, "abc".
        assert_eq!(hex(&Hash::Sha1.of([&b"abc"[..]])), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(hex(&sha256(b"abc")).starts_with("ba7816bf8f01cfea414140de5dae2223"));
        assert_eq!(Hash::Sha256.of([&b"a"[..], b"bc"]), sha256(b"abc"));
        assert!(
            hex(&Hash::Sha384.of([&b"abc"[..]])).starts_with("cb00753f45a35e8bb5a03d699ac65007")
        );
        assert!(
            hex(&Hash::Sha512.of([&b"abc"[..]])).starts_with("ddaf35a193617abacc417349ae204131")
        );
    }
}
