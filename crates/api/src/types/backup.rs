//! What a backup is asked for with.

use backup::Passphrase;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Asks for a backup.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupWish {
    /// What it is encrypted with.
    pub passphrase: Phrase,
    /// Whether the private keys come along.
    #[serde(default)]
    pub with_keys: bool,
    /// Whether the files of images stay out.
    #[serde(default)]
    pub without_images: bool,
}

/// A passphrase on its way to the server of this host. It prints as `***`.
#[derive(Clone, Debug)]
pub struct Phrase(pub Passphrase);

model::schema_text!(Phrase, "Phrase", "What a backup is encrypted with.", "^[^\\n]{1,}$");

impl Serialize for Phrase {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.reveal())
    }
}

impl<'de> Deserialize<'de> for Phrase {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Passphrase::new(text)))
    }
}
