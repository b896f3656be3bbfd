//! Hashes of passwords, for installers that take them, so that the clear text need not leave.
//!
//! In: a password and a salt. Out: a hash in the form of crypt(5). Never: a salt of our own choice.

use sha_crypt::{PasswordHasher, ShaCrypt};
use yescrypt::Yescrypt;

/// How a password is hashed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// `$6$`: SHA-512 crypt with 5,000 rounds. Every Linux since 2007 takes it.
    Sha512,
    /// `$y$j9T$`: yescrypt as Debian 11, Fedora 35 and later make it. Costs 16 MiB for a moment.
    Yescrypt,
}

impl Method {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "sha512" => Some(Self::Sha512),
            "yescrypt" => Some(Self::Yescrypt),
            _ => None,
        }
    }

    /// The hash of a password with this salt. `None` if the library refuses, which it does for no
    /// password.
    pub fn hash(self, password: &str, salt: [u8; 12]) -> Option<String> {
        let password = password.as_bytes();
        match self {
            Self::Sha512 => ShaCrypt::SHA512
                .hash_password_with_salt(password, &salt)
                .ok()
                .map(|hash| hash.as_str().to_owned()),
            Self::Yescrypt => Yescrypt::default()
                .hash_password_with_salt(password, &salt)
                .ok()
                .map(|hash| hash.as_str().to_owned()),
        }
    }
}

/// A password as Windows Setup takes it with `PlainText` false: UTF-16LE with the name of its
/// element behind it, in base64. It hides the password from a glance and from nobody else.
pub fn unattend_password(password: &str, element: &str) -> String {
    let units = password.encode_utf16().chain(element.encode_utf16());
    base64(&units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>())
}

/// RFC 4648, 4.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let at = |n: usize| u32::from(three.get(n).copied().unwrap_or_default());
        let word = (at(0) << 16) | (at(1) << 8) | at(2);
        for n in 0..4usize {
            let shift = 18usize.saturating_sub(n.saturating_mul(6));
            let letter = LETTERS.get(usize::try_from((word >> shift) & 63).unwrap_or_default());
            out.push(if n > three.len() { '=' } else { letter.map_or('=', |l| char::from(*l)) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(unattend_password("", "P"), "UAA=");
    }
}
