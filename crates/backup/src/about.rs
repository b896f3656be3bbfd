//! What a backup says of itself, before anything else.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is in a backup. Keys that a reader does not know are of a later version, and are passed over.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// When it was made, in milliseconds since 1970.
    pub made_ms: u64,
    /// The server's own name.
    pub server: String,
    /// The version of the program that made it.
    pub version: String,
    /// Whether the private keys are in it.
    pub with_keys: bool,
    /// Whether the files of images are in it; those of bootloaders always are.
    pub with_images: bool,
    /// How many rows of each table the store had.
    pub rows: BTreeMap<String, u64>,
    /// How many files will come.
    pub files: u64,
    /// How many blobs will come.
    pub blobs: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}
