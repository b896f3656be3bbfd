//! API tokens: their text, and the hash they are filed under.

use crate::word;
use model::Hash;

/// Every token begins so, that one that leaked is recognised as what it is.
pub const PREFIX: &str = "bwt_";
/// The longest life.
pub const DAYS_MAX: u64 = 366;
/// The life if nothing is said.
pub const DAYS: u64 = 90;

/// A new token. Whoever is given it is the only one who has it.
#[derive(Clone, Eq, PartialEq)]
pub struct Made {
    /// What the owner keeps: `bwt_` and 52 letters and digits.
    pub text: String,
    /// What it is called by.
    pub id: String,
    /// What we keep.
    pub sha256: Hash,
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "token {}", self.id)
    }
}

/// Makes one of chance.
pub fn make(chance: &[u8; 32]) -> Made {
    let text = format!("{PREFIX}{}", word(chance));
    let sha256 = crate::filed_under(&text);
    // Of the hash, so that the name says nothing of the secret.
    let id = sha256.to_string().chars().take(12).collect();
    Made { text, id, sha256 }
}

/// The hash of what a request shows, if it looks like a token.
pub fn shown(text: &str) -> Option<Hash> {
    let secret = text.strip_prefix(PREFIX)?;
    let good = |b: u8| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b);
    (secret.len() == 52 && secret.bytes().all(good)).then(|| crate::filed_under(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_again_by_its_text_alone() {
        let made = make(&[9; 32]);
        assert_eq!(shown(&made.text), Some(made.sha256));
        assert_ne!(make(&[8; 32]).sha256, made.sha256);
        assert!(!format!("{made:?}").contains(&made.text));
        for odd in ["", "bwt_", "bwt_short", &made.text[4..], &format!("{} ", made.text)] {
            assert_eq!(shown(odd), None, "{odd}");
        }
    }
}
