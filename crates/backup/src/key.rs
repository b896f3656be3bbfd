//! From a passphrase to a key, slowly on purpose.

use crate::Fault;
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use std::fmt;
use zeroize::Zeroizing;

/// Bytes of a salt.
pub const SALT_BYTES: usize = 32;

/// What makes the key of a backup its own. By chance, never used twice.
pub type Salt = [u8; SALT_BYTES];

/// What a backup is encrypted with. It prints as `***` and is wiped when dropped.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes it over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How much work it is to try one passphrase.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Work {
    /// KiB of memory.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes that could be worked on at once.
    pub lanes: u32,
}

impl Default for Work {
    /// The second recommendation of RFC 9106, section 4: it must also work on a small server.
    fn default() -> Self {
        Self { memory_kib: 64 << 10, passes: 3, lanes: 4 }
    }
}

impl Work {
    /// The most that a head may ask for: a file that somebody else wrote must not stop this computer.
    pub const MAX: Self = Self { memory_kib: 512 << 10, passes: 16, lanes: 16 };

    fn is_bearable(self) -> bool {
        (8..=Self::MAX.memory_kib).contains(&self.memory_kib)
            && (1..=Self::MAX.passes).contains(&self.passes)
            && (1..=Self::MAX.lanes).contains(&self.lanes)
    }

    /// The key.
    pub(crate) fn key(self, passphrase: &Passphrase, salt: &Salt) -> Result<LessSafeKey, Fault> {
        let too_much = || Fault::Work { memory_kib: self.memory_kib, passes: self.passes };
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32));
        let params = params.ok().filter(|_| self.is_bearable()).ok_or_else(too_much)?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.reveal().as_bytes(), salt, key.as_mut())
            .map_err(|_| too_much())?;
        // 32 bytes are a key of AES-256.
        let key = UnboundKey::new(&AES_256_GCM, key.as_ref()).map_err(|_| too_much())?;
        Ok(LessSafeKey::new(key))
    }
}
