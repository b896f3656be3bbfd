//! A blob while its bytes come in.
//!
//! In: a reader. Out: a synced file below its final name, and the hashes of its chunks beside it.
//! Never: a name for bytes that are not on disk; a file left behind by an error.

use super::digests::{CHUNK_BYTES, CHUNKS_MAX, Chunks, Digests};
use super::error::StoreError;
use model::Hash;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::{self, ScopedJoinHandle};

/// Bytes read, written and hashed at a time.
const PIECE: usize = 1 << 20;
/// A blob that has grown so large is hashed by a thread of its own: one core cannot both move and
/// hash bytes twice as fast as a good disk takes them.
const ALONE_BYTES: u64 = 8 << 20;
/// Pieces that wait to be hashed.
const WAITING_MAX: usize = 4;

/// A file being written. It goes when dropped, unless it was published.
pub(crate) struct Temporary {
    path: PathBuf,
    file: File,
    keep: bool,
}

/// Where bytes come from, and who hears how many.
struct Source<'a> {
    reader: &'a mut dyn Read,
    progress: &'a mut dyn FnMut(u64) -> bool,
    read: u64,
}

impl Source<'_> {
    /// Fills the buffer as far as there are bytes.
    fn fill(&mut self, buffer: &mut Vec<u8>) -> Result<(), StoreError> {
        buffer.resize(PIECE, 0);
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            if !(self.progress)(self.read) {
                return Err(StoreError::Stopped);
            }
            let got = read_some(self.reader, room).map_err(StoreError::Source)?;
            if got == 0 {
                break;
            }
            filled += got;
            self.read += got as u64;
        }
        buffer.truncate(filled);
        Ok(())
    }
}

impl Temporary {
    /// A new file at a path where there is none; an error of kind `AlreadyExists` if there is.
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        // Held until the file is published: tells another opener that it is no leftover.
        file.try_lock()?;
        Ok(Self { path, file, keep: false })
    }

    /// Writes all bytes of the reader, and gives their hashes.
    pub(crate) fn fill(
        &mut self,
        reader: &mut dyn Read,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(Hash, Chunks), StoreError> {
        let mut source = Source { reader, progress, read: 0 };
        let (mut digests, mut buffer) = (Digests::default(), Vec::new());
        while source.read < ALONE_BYTES {
            source.fill(&mut buffer)?;
            self.write(&source, &buffer)?;
            digests.update(&buffer);
            if buffer.len() < PIECE {
                return Ok(digests.finish());
            }
        }
        self.fill_large(&mut source, digests, buffer)
    }

    /// The rest of a large one: this thread reads and writes, another one hashes.
    fn fill_large(
        &mut self,
        source: &mut Source<'_>,
        digests: Digests,
        buffer: Vec<u8>,
    ) -> Result<(Hash, Chunks), StoreError> {
        let (full, pieces) = sync_channel::<Vec<u8>>(WAITING_MAX);
        let (back, empty) = channel();
        let hash = move || {
            let mut digests = digests;
            for piece in pieces {
                digests.update(&piece);
                // Nobody takes it back at the end.
                let _ = back.send(piece);
            }
            digests
        };
        thread::scope(|scope| {
            let hasher = thread::Builder::new().name("hash".to_owned()).spawn_scoped(scope, hash);
            let hasher = hasher.map_err(|cause| StoreError::write(&self.path, cause))?;
            self.pump(source, buffer, &full, &empty)?;
            drop(full);
            hashed(hasher)
        })
    }

    fn pump(
        &mut self,
        source: &mut Source<'_>,
        mut buffer: Vec<u8>,
        full: &SyncSender<Vec<u8>>,
        empty: &Receiver<Vec<u8>>,
    ) -> Result<(), StoreError> {
        loop {
            source.fill(&mut buffer)?;
            self.write(source, &buffer)?;
            let last = buffer.len() < PIECE;
            full.send(buffer).map_err(|_| hashing_failed())?;
            if last {
                return Ok(());
            }
            buffer = empty.try_recv().unwrap_or_default();
        }
    }

    fn write(&mut self, source: &Source<'_>, bytes: &[u8]) -> Result<(), StoreError> {
        const MOST: u64 = CHUNKS_MAX * CHUNK_BYTES;
        if source.read > MOST {
            return Err(StoreError::TooLarge { path: self.path.clone(), most: MOST });
        }
        self.write_all(bytes)
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(bytes).map_err(|cause| StoreError::write(&self.path, cause))
    }

    /// Makes the bytes last, which takes its time once.
    pub(crate) fn seal(&self, target: &Path) -> Result<(), StoreError> {
        self.file
            .set_permissions(Permissions::from_mode(0o400))
            .and_then(|()| self.file.sync_all())
            .map_err(|cause| StoreError::write(target, cause))
    }

    /// Makes the bytes last, then gives them their name.
    pub(crate) fn publish(mut self, target: &Path) -> Result<(), StoreError> {
        self.seal(target)?;
        fs::rename(&self.path, target).map_err(|cause| StoreError::write(target, cause))?;
        self.keep = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.keep {
            // Best effort: what stays is removed when the store is opened next.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn hashed(hasher: ScopedJoinHandle<'_, Digests>) -> Result<(Hash, Chunks), StoreError> {
    hasher.join().map(Digests::finish).map_err(|_| hashing_failed())
}

fn hashing_failed() -> StoreError {
    StoreError::Source(io::Error::other("an error in the server while hashing; please report it"))
}

pub(crate) fn read_some(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
