//! Files that are sent in pieces.

use super::moment;
use library::Upload;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Announces a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadWish {
    /// Its name, without folders.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// What its bytes hash to, if that is known: compared when the last byte has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A file that is being sent, or was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UploadView {
    /// Its name in addresses.
    pub id: String,
    /// The file's name.
    pub name: String,
    /// Bytes that were announced.
    pub size: u64,
    /// Bytes that are safe: where to go on.
    pub offset: u64,
    /// Whether all are there.
    pub whole: bool,
    /// The hash that was announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// When it was announced.
    pub begun: String,
    /// When bytes last came.
    pub changed: String,
}

impl From<&Upload> for UploadView {
    fn from(upload: &Upload) -> Self {
        Self {
            id: upload.id.clone(),
            name: upload.announced.name.clone(),
            size: upload.announced.size,
            offset: upload.offset,
            whole: upload.is_whole(),
            sha256: upload.announced.sha256.map(|hash| hash.to_string()),
            begun: moment(upload.begun),
            changed: moment(upload.changed),
        }
    }
}
