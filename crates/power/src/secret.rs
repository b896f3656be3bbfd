//! A password or token.
//!
//! In: text. Out: the text, to the few lines that send it. Never: the text in a message, a log or
//! a copy that outlives it.

use model::text::show;
use std::fmt;
use zeroize::Zeroizing;

/// Text that is never shown: it prints as `(secret)`, is not cloned or serialised, and is wiped
/// from memory when dropped.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, to be sent and to nothing else.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Somebody else's text without this secret in it, as it is or escaped: a service may repeat
    /// what it was sent.
    pub(crate) fn strike(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        let escaped = Zeroizing::new(show(self.0.as_bytes()));
        text.replace(self.0.as_str(), "(secret)").replace(escaped.as_str(), "(secret)")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = Secret::new("hunter2".to_owned());
        assert_eq!(format!("{secret} {secret:?} {secret:#?}"), "(secret) (secret) (secret)");
        assert_eq!(secret.strike("`hunter2` is too short"), "`(secret)` is too short");
        let odd = Secret::new("a\\b".to_owned());
        assert_eq!(odd.strike("a\\b or a\\\\b"), "(secret) or (secret)");
        assert_eq!(Secret::new(String::new()).strike("as it was"), "as it was");
    }
}
