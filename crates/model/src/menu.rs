//! The boot menu that a machine shows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What choosing an entry does.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// Go on to the local disk.
    LocalDisk,
    /// Boot this profile.
    Profile(String),
    /// Boot the newest version of this image, without a profile.
    Image(String),
}

/// A password as GRUB keeps one, so that the clear text is nowhere:
/// `grub.pbkdf2.sha512.ROUNDS.SALT.HASH`.
#[derive(Clone, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PasswordHash(pub String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// One line of the menu.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Short name, `[a-z0-9._-]+`, unique in the menu.
    pub key: String,
    /// What the machine shows.
    pub title: String,
    /// Heading it stands under; entries of one group stand together.
    #[serde(default)]
    pub group: Option<String>,
    /// Left out of the screen, but reachable by its key.
    #[serde(default)]
    pub hidden: bool,
    /// What choosing it does.
    pub choice: Choice,
    /// Asks for the menu's password first.
    #[serde(default)]
    pub locked: bool,
}

/// The menu of one network, or of all.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Menu {
    /// Entries in order. Empty: local disk, then every profile, then every image without one.
    #[serde(default)]
    pub entries: Vec<Entry>,
    /// Key of the entry chosen when nobody touches a key; none is the local disk.
    #[serde(default)]
    pub default: Option<String>,
    /// Password of the locked entries.
    #[serde(default)]
    pub password: Option<PasswordHash>,
}
