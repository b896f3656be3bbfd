//! The server's key.

use std::fmt;
use zeroize::Zeroizing;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// The key of a state directory. It prints as `***` and is overwritten when dropped.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Key(Zeroizing<[u8; KEY_BYTES]>);

impl Key {
    /// A key from bytes that were made by chance, once for a state directory.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
