//! A file that is being brought, and beside it what is known to be on disk.
//!
//! In: a folder of the caller's, a URL, bytes in order. Out: how many bytes are there to go on from, and of
//! which version. Never: a note that claims more than is on disk; a file written by two.
//!
//! ```text
//! DIR/0123456789abcdef.part   the bytes, locked by who writes them
//! DIR/0123456789abcdef.json   the note: of which URL and version, and how many bytes are synced
//! ```
//!
//! The name is made of the URL. A kill at any moment leaves a note that is true, or none: then the bytes
//! are thrown away.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::FetchError;
use crate::place::Place;

/// Largest note that is read, in bytes.
const MAX_NOTE_BYTES: u64 = 64 << 10;
/// Most leftovers that are looked at.
const MAX_LEFTOVERS: usize = 10_000;

/// What is on disk.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct Note {
    /// As it was asked for.
    url: String,
    /// Who sent it in the end, after redirects.
    sent_by: String,
    /// ETag or date of the version, where there is one to ask for the rest by.
    version: Option<String>,
    /// How many bytes it is to have.
    total: Option<u64>,
    /// How many bytes are synced.
    bytes: u64,
    /// Whether that is all.
    whole: bool,
}

/// A file being brought.
#[derive(Debug)]
pub(crate) struct Partial {
    part: PathBuf,
    note_path: PathBuf,
    file: File,
    note: Note,
    /// Bytes written, synced or not.
    written: u64,
}

/// A file that was begun and not taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leftover {
    /// As it was asked for.
    pub url: String,
    /// How many bytes are on disk.
    pub bytes: u64,
    /// How many it is to have, where that is known.
    pub total: Option<u64>,
    /// When something was last written.
    pub changed: SystemTime,
    /// Whether somebody is at it.
    pub busy: bool,
    part: PathBuf,
}

impl Partial {
    /// Opens what there is of a URL, or begins.
    pub(crate) fn open(dir: &Path, place: &Place) -> Result<Self, FetchError> {
        let url = place.to_string();
        let digest = Sha256::digest(url.as_bytes());
        let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let part = dir.join(format!("{name}.part"));
        let note_path = dir.join(format!("{name}.json"));
        let file = locked(&part, &url)?;
        let disk = |cause| FetchError::disk(&part, cause);
        let length = file.metadata().map_err(disk)?.len();
        let note = read_note(&note_path).filter(|note| note.url == url && note.bytes <= length);
        let note = note.unwrap_or_else(|| Note { url, ..Note::default() });
        // What is behind the synced bytes may be anything after a power cut.
        file.set_len(note.bytes).map_err(disk)?;
        let written = note.bytes;
        let mut partial = Self { part, note_path, file, note, written };
        partial.file.seek(SeekFrom::Start(written)).map_err(|cause| partial.disk(cause))?;
        Ok(partial)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.part
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.note.whole
    }

    /// Bytes written.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Bytes synced.
    pub(crate) fn synced(&self) -> u64 {
        self.note.bytes
    }

    pub(crate) fn total(&self) -> Option<u64> {
        self.note.total
    }

    pub(crate) fn sent_by(&self) -> &str {
        &self.note.sent_by
    }

    /// The version to ask the rest of; none if there is nothing to go on from.
    pub(crate) fn version(&self) -> Option<&str> {
        self.note.version.as_deref().filter(|_| self.note.bytes > 0)
    }

    /// Takes over how many bytes it is to have; noted at the next sync.
    pub(crate) fn expect(&mut self, total: u64) {
        self.note.total = Some(total);
    }

    /// Throws away what there is.
    pub(crate) fn reset(&mut self) -> Result<(), FetchError> {
        let url = self.note.url.clone();
        self.begin(Note { url, ..Note::default() })
    }

    /// Begins anew with what the server says of the file.
    pub(crate) fn begin_with(
        &mut self,
        sent_by: String,
        version: Option<String>,
        total: Option<u64>,
    ) -> Result<(), FetchError> {
        let url = self.note.url.clone();
        self.begin(Note { url, sent_by, version, total, bytes: 0, whole: false })
    }

    fn begin(&mut self, note: Note) -> Result<(), FetchError> {
        // First the note, then the bytes: no note may speak of bytes of another version.
        self.note = note;
        self.write_note()?;
        self.written = 0;
        let emptied = self.file.set_len(0).and_then(|()| self.file.rewind());
        emptied.map_err(|cause| self.disk(cause))
    }

    /// Writes the next bytes, and syncs when `sync_bytes` have come since the last time.
    pub(crate) fn append(&mut self, bytes: &[u8], sync_bytes: u64) -> Result<(), FetchError> {
        self.file.write_all(bytes).map_err(|cause| self.disk(cause))?;
        self.written += bytes.len() as u64;
        if self.written - self.note.bytes >= sync_bytes {
            self.sync()?;
        }
        Ok(())
    }

    /// Makes what was written last, then notes it.
    pub(crate) fn sync(&mut self) -> Result<(), FetchError> {
        self.file.sync_data().map_err(|cause| self.disk(cause))?;
        self.note.bytes = self.written;
        self.write_note()
    }

    /// Notes that this is all.
    pub(crate) fn finish(&mut self) -> Result<(), FetchError> {
        self.note.whole = true;
        self.note.total = Some(self.written);
        self.sync()
    }

    /// Removes both files.
    pub(crate) fn remove(self) -> Result<(), FetchError> {
        // First the note: bytes without one are swept.
        for path in [&self.note_path, &self.part] {
            match fs::remove_file(path) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                    return Err(FetchError::disk(path, cause));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn write_note(&self) -> Result<(), FetchError> {
        let text = serde_json::to_vec_pretty(&self.note).unwrap_or_default();
        let new = self.note_path.with_extension("new");
        let disk = |cause| FetchError::disk(&new, cause);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)
            .map_err(disk)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(disk)?;
        fs::rename(&new, &self.note_path).map_err(disk)?;
        let folder = self.note_path.parent().unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(disk)
    }

    fn disk(&self, cause: io::Error) -> FetchError {
        FetchError::disk(&self.part, cause)
    }
}

/// What was begun in a folder and not taken, in the order of its names.
pub fn leftovers(dir: &Path) -> Result<Vec<Leftover>, FetchError> {
    let mut all = Vec::new();
    for path in names(dir)? {
        let part = path.with_extension("part");
        if path.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let (Some(note), Ok(said)) = (read_note(&path), fs::metadata(&part)) else { continue };
        let busy = File::open(&part).is_ok_and(|file| file.try_lock().is_err());
        let changed = said.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        all.push(Leftover {
            url: note.url,
            bytes: note.bytes,
            total: note.total,
            changed,
            busy,
            part,
        });
    }
    Ok(all)
}

/// Removes what was last written before a moment, and files that nothing can be gone on from. What
/// somebody is at stays. How many files went.
pub fn remove_older(dir: &Path, before: SystemTime) -> Result<usize, FetchError> {
    let known = leftovers(dir)?;
    let stays = |path: &Path| {
        let part = path.with_extension("part");
        known.iter().any(|left| left.part == part && (left.busy || left.changed >= before))
    };
    let mut gone = 0;
    for path in names(dir)? {
        let ours =
            path.extension().is_some_and(|end| end == "part" || end == "json" || end == "new");
        if !ours || stays(&path) {
            continue;
        }
        // One that somebody just began has no note yet.
        let part = path.with_extension("part");
        if File::open(&part).is_ok_and(|file| file.try_lock().is_err()) {
            continue;
        }
        fs::remove_file(&path).map_err(|cause| FetchError::disk(&path, cause))?;
        gone += 1;
    }
    Ok(gone)
}

fn names(dir: &Path) -> Result<Vec<PathBuf>, FetchError> {
    let entries = match fs::read_dir(dir) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|cause| FetchError::disk(dir, cause))?,
    };
    let mut names: Vec<PathBuf> = entries
        .take(MAX_LEFTOVERS)
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    names.sort();
    Ok(names)
}

fn read_note(path: &Path) -> Option<Note> {
    let mut text = Vec::new();
    File::open(path).ok()?.take(MAX_NOTE_BYTES).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Opens a file that nobody else has, by its name at this moment.
fn locked(part: &Path, url: &str) -> Result<File, FetchError> {
    let disk = |cause| FetchError::disk(part, cause);
    // Whoever had it before us may have removed the name between our opening and our lock.
    for _ in 0..8 {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(part)
            .map_err(disk)?;
        match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) => break,
            Err(fs::TryLockError::Error(cause)) => return Err(disk(cause)),
            Ok(()) => {}
        }
        let opened = file.metadata().map_err(disk)?;
        if fs::metadata(part).is_ok_and(|named| named.ino() == opened.ino()) {
            return Ok(file);
        }
    }
    Err(FetchError::Busy { url: url.to_owned() })
}
