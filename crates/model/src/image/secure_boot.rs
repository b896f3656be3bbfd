//! What Secure Boot says of the EFI programs of an image.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What Secure Boot says of an image.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SecureBoot {
    /// What follows for machines with Secure Boot, a sentence each. Empty: nothing was looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdict: Vec<String>,
    /// Every EFI program that was looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Judged>,
}

/// One EFI program.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judged {
    /// Path in the image.
    pub path: String,
    /// Processor, as UEFI names it.
    pub machine: String,
    /// Who signed it and which authority that leads to, one line each; empty when unsigned.
    pub signers: Vec<String>,
    /// Its SBAT lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sbat: Vec<String>,
    /// What follows, a sentence each.
    pub verdict: Vec<String>,
}
