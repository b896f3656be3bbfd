//! Webhooks: who outside is told what happens here.
//!
//! In: what an operator says. Out: the same as values. Never: a request, chance; the key of a signature
//! in any other text than the row of the store.

use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// One receiver of events.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its name.
    pub name: String,
    /// Where its events are sent, by POST: `https://…` or `http://…`.
    pub url: String,
    /// Which events it gets.
    pub events: Vec<Filter>,
    /// Whether it gets any.
    pub enabled: bool,
    /// Whether the receiver may be on this host, its link or in its organisation.
    pub allow_private: bool,
    /// What its deliveries are signed with. Kept with the other facts, in a file that only the server
    /// reads; by this name the audit log leaves it out.
    #[serde(rename = "secret", with = "kept")]
    pub key: SigningKey,
}

/// Which events a webhook gets.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Filter {
    /// `*`: all.
    All,
    /// Those of one kind, by its name ([`crate::Happening::KINDS`]).
    Kind(String),
}

/// What a webhook gets for which no event was named: what somebody should know soon, and not what
/// every booting machine makes dozens of.
pub const DEFAULT_EVENTS: &[&str] = &["alarm", "machine-appeared", "changed", "deployment"];

impl Webhook {
    /// Whether it gets events of this kind.
    #[must_use]
    pub fn wants(&self, kind: &str) -> bool {
        self.enabled
            && self.events.iter().any(|filter| match filter {
                Filter::All => true,
                Filter::Kind(wanted) => wanted == kind,
            })
    }
}

impl From<String> for Filter {
    fn from(text: String) -> Self {
        if text == "*" { Self::All } else { Self::Kind(text) }
    }
}

impl From<Filter> for String {
    fn from(filter: Filter) -> Self {
        match filter {
            Filter::All => "*".to_owned(),
            Filter::Kind(kind) => kind,
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Kind(kind) => f.write_str(kind),
        }
    }
}

/// What deliveries are signed with. It prints as `***`, is serialised nowhere but in the row of its
/// webhook, and is overwritten when dropped.
#[derive(Clone)]
pub struct SigningKey(Zeroizing<String>);

impl SigningKey {
    /// Bytes of chance in a key.
    pub const BYTES: usize = 32;

    /// The key of these bytes, which nobody may be able to guess.
    #[must_use]
    pub fn new(chance: &[u8; Self::BYTES]) -> Self {
        // Filled in place: a string that grows leaves copies of itself behind.
        let mut text = Zeroizing::new(String::with_capacity(2 * Self::BYTES));
        for digit in chance.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
        Self(text)
    }

    /// The key as its receiver is given it, and as it is signed with: 64 hexadecimal digits.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Eq for SigningKey {}

impl PartialEq for SigningKey {
    /// Takes as long for keys that differ early as for those that differ late.
    fn eq(&self, other: &Self) -> bool {
        let differs = |(a, b): (u8, u8)| a ^ b;
        self.0.len() == other.0.len()
            && self.0.bytes().zip(other.0.bytes()).map(differs).fold(0, |all, one| all | one) == 0
    }
}

/// How a key stands in the row of its webhook.
mod kept {
    use super::{SigningKey, Zeroizing};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(key: &SigningKey, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(key.reveal())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SigningKey, D::Error> {
        String::deserialize(from).map(|text| SigningKey(Zeroizing::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(events: &[&str]) -> Webhook {
        Webhook {
            name: "chat".to_owned(),
            url: "https://chat.example/hook".to_owned(),
            events: events.iter().map(|event| Filter::from((*event).to_owned())).collect(),
            enabled: true,
            allow_private: false,
            key: SigningKey::new(&[0xa5; 32]),
        }
    }

    #[test]
    fn it_gets_what_it_wants() {
        assert!(hook(&["*"]).wants("answered"));
        assert!(hook(&["alarm", "changed"]).wants("changed"));
        assert!(!hook(&["alarm"]).wants("changed"));
        assert!(!Webhook { enabled: false, ..hook(&["*"]) }.wants("alarm"));
        let known = |kind: &&str| crate::Happening::KINDS.contains(kind);
        assert!(DEFAULT_EVENTS.iter().all(known));
    }

    #[test]
    fn a_key_prints_as_stars_and_is_kept_whole() {
        let hook = hook(&["*"]);
        assert_eq!(hook.key.reveal(), "a5".repeat(32));
        assert!(!format!("{hook:?} {hook:#?}").contains("a5a5"));
        let kept = serde_json::to_string(&hook).unwrap();
        assert_eq!(serde_json::from_str::<Webhook>(&kept).unwrap(), hook);
        let mut other = [0xa5; 32];
        other[31] = 0;
        assert_ne!(SigningKey::new(&other), hook.key);
    }
}
