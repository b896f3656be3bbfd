//! Secrets: known by name, shown to nobody, read only by a rendering that is meant for its machine.

use std::fmt;
use zeroize::Zeroizing;

/// A secret. It prints as `***`, is not copied or serialised, and is overwritten when dropped.
///
/// What a rendering with [`Reveal::Yes`] makes of it is ordinary text in memory, and the caller's to
/// send and forget.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Whether a rendering may hold secrets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reveal {
    /// A preview, for whomever: each secret is `(secret NAME)`, also where its hash would stand.
    No,
    /// The answer of an armed deployment to its machine.
    Yes,
}

/// What stands in the place of a secret.
pub(crate) fn placeholder(name: &str) -> String {
    format!("(secret {name})")
}

/// How every placeholder begins.
pub(crate) const PLACEHOLDER: &str = "(secret ";
