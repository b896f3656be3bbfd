//! Why the content of an image may be believed.

use crate::time::Now;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why the content of an image may be believed.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// An operator imported files of this host; that is his approval.
    #[default]
    Local,
    /// The publisher signed its checksum.
    Signed(Signature),
    /// Nobody signed it, and an operator said that it may be published.
    Approved {
        /// Who: the user of the operators' socket.
        by: String,
        /// When.
        at: Now,
        /// What was checked all the same, in words.
        checked: String,
    },
}

/// A publisher's signature over the checksum of what was imported.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Signature {
    /// Fingerprint of the key, in upper-case hexadecimal digits.
    pub fingerprint: String,
    /// Who the key says it belongs to, shown.
    pub signer: String,
    /// The keyring it was found in.
    pub keyring: String,
    /// The file that was signed: `SHA256SUMS`.
    pub file: String,
    /// When it was signed.
    pub made: Now,
}

impl Trust {
    /// Whether it is a better reason than another: a signature is better than an operator's own
    /// files, and those better than what nobody signed.
    #[must_use]
    pub fn is_stronger_than(&self, other: &Self) -> bool {
        self.grade() > other.grade()
    }

    fn grade(&self) -> u8 {
        match self {
            Self::Signed(_) => 2,
            Self::Local => 1,
            Self::Approved { .. } => 0,
        }
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("an operator imported it from this host"),
            Self::Signed(s) => write!(
                f,
                "{} signed by {} (key {}, from keyring {})",
                s.file, s.signer, s.fingerprint, s.keyring
            ),
            Self::Approved { by, checked, .. } => {
                write!(f, "not signed; {by} approved it ({checked})")
            }
        }
    }
}
