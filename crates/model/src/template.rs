//! Templates of answer files, as they are kept.

use serde::{Deserialize, Serialize};

/// A template of an operator. One of the same name as one of ours takes its place.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// Its name, `[a-z0-9._-]+`. What a profile names is the part before the last dot: `debian` means
    /// `debian.preseed`.
    pub name: String,
    /// What it makes: `preseed`, `kickstart`, `user-data`, …
    pub format: String,
    /// As it was written.
    pub text: String,
}
