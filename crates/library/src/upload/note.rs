//! The note beside an upload's bytes.
//!
//! In: what was announced, how many bytes are synced. Out: the same, read back after anything. Never: half
//! a note: a new one takes the old one's name when it is synced.

use super::{Announced, Upload, UploadError, disk, sync_folder};
use model::{Hash, Now};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Largest note that is read, in bytes.
const NOTE_MAX: u64 = 16 << 10;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Note {
    name: String,
    pub(super) size: u64,
    pub(super) sha256: Option<Hash>,
    /// Bytes that are synced.
    pub(super) bytes: u64,
    begun: Now,
    pub(super) changed: Now,
    /// Whether all bytes were compared with the announced hash, and are of it. Older notes do not say.
    #[serde(default)]
    pub(super) compared: bool,
}

impl Note {
    pub(super) fn new(announced: Announced, now: Now) -> Self {
        let Announced { name, size, sha256 } = announced;
        Self { name, size, sha256, bytes: 0, begun: now, changed: now, compared: false }
    }

    /// What is noted; none if there is no note, or none that makes sense.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let mut text = Vec::new();
        File::open(path).ok()?.take(NOTE_MAX).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok().filter(|note: &Self| note.bytes <= note.size)
    }

    /// Writes it so that it lasts.
    pub(super) fn write(&self, path: &Path) -> Result<(), UploadError> {
        let new = path.with_extension("new");
        let failed = |cause| disk(&new, cause);
        let text = serde_json::to_vec(self).map_err(|cause| failed(cause.into()))?;
        let opened =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new);
        let mut file = opened.map_err(failed)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&new, path).map_err(failed)?;
        sync_folder(path.parent().unwrap_or(Path::new("."))).map_err(failed)
    }

    /// Notes whether the bytes are of the announced hash; if not, that none of them counts.
    pub(super) fn compare(
        &mut self,
        path: &Path,
        announced: Hash,
        found: Hash,
    ) -> Result<(), UploadError> {
        self.compared = announced == found;
        if self.compared {
            return self.write(path);
        }
        self.bytes = 0;
        self.write(path)?;
        Err(UploadError::Differs { announced, found })
    }

    pub(super) fn upload(&self, id: &str) -> Upload {
        let announced = Announced { name: self.name.clone(), size: self.size, sha256: self.sha256 };
        let (offset, begun, changed) = (self.bytes, self.begun, self.changed);
        Upload { id: id.to_owned(), announced, offset, begun, changed }
    }
}
