//! Content kept under its SHA-256: written once, never changed, read by many at once.
//!
//! In: bytes from any reader, the state directory. Out: their [`model::Hash`] and size, and files opened
//! read-only. Never: a blob that is half there. A name appears below `blobs/` only after its bytes
//! were synced, and [`Blobs::add`] returns only after the name was.
//!
//! ```text
//! STATE/incoming/XXXX   being written, locked by who writes it; leftovers go when opened next
//! STATE/blobs/ab/ab…    64 digits, mode 0400, in a folder named by the first two
//! ```

use model::Hash;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes read and hashed at a time.
const CHUNK: usize = 1 << 20;

/// The content store of one state directory.
#[derive(Debug)]
pub struct Blobs {
    blobs: PathBuf,
    incoming: PathBuf,
    next: AtomicU64,
}

impl Blobs {
    /// Opens the store below `state`, creates what is missing, and removes what an earlier run
    /// left in `incoming/` (files that nobody holds a lock on; keep yours locked while it grows). What
    /// is to outlive a run stands in a folder of its own there: folders are left alone.
    pub fn open_at(state: &Path) -> Result<Self, StoreError> {
        let store = Self {
            blobs: state.join("blobs"),
            incoming: state.join("incoming"),
            next: AtomicU64::new(0),
        };
        for folder in [&store.blobs, &store.incoming] {
            private_folder(folder)?;
        }
        sync_folder(state)?;
        store.remove_leftovers()?;
        Ok(store)
    }

    /// Where uploads may be written before they are added: private, and on the same file system.
    pub fn incoming(&self) -> &Path {
        &self.incoming
    }

    /// Keeps the bytes of `reader`, and returns their name and number once both are on disk.
    /// `progress` hears how many bytes were read so far and returns false to stop.
    pub fn add(
        &self,
        reader: &mut dyn Read,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(Hash, u64), StoreError> {
        let mut touched = Touched::default();
        let added = self.add_into(&mut touched, reader, progress)?;
        self.sync(touched)?;
        Ok(added)
    }

    /// Like [`Blobs::add`], but the folder is synced by [`Blobs::sync`], once for many blobs.
    pub(crate) fn add_into(
        &self,
        touched: &mut Touched,
        reader: &mut dyn Read,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(Hash, u64), StoreError> {
        let mut temporary = self.temporary()?;
        let (hash, size) = temporary.fill(reader, progress)?;
        let folder = self.folder(&hash);
        let target = self.path(&hash);
        touched.0.insert(folder.clone());
        if fs::symlink_metadata(&target).is_ok_and(|there| there.is_file() && there.len() == size) {
            return Ok((hash, size));
        }
        private_folder(&folder)?;
        temporary.publish(&target)?;
        Ok((hash, size))
    }

    /// Makes the names of added blobs last.
    pub(crate) fn sync(&self, touched: Touched) -> Result<(), StoreError> {
        for folder in touched.0.iter().chain([&self.blobs]) {
            sync_folder(folder)?;
        }
        Ok(())
    }

    /// Opens a blob for reading.
    pub fn open(&self, hash: &Hash) -> Result<BlobFile, StoreError> {
        let path = self.path(hash);
        let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let opened = OpenOptions::new().read(true).custom_flags(nofollow).open(&path);
        let file = opened.map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => StoreError::Missing { hash: *hash, path: path.clone() },
            _ => StoreError::read(&path, cause),
        })?;
        let opened = State::of(&file).map_err(|cause| StoreError::read(&path, cause))?;
        Ok(BlobFile { file, opened, hash: *hash })
    }

    /// Whether a blob is there. Its bytes are not read.
    pub fn contains(&self, hash: &Hash) -> bool {
        fs::symlink_metadata(self.path(hash)).is_ok_and(|there| there.is_file())
    }

    /// Reads a blob whole and compares: an error if it is missing or no longer what it was.
    pub fn verify(&self, hash: &Hash) -> Result<u64, StoreError> {
        let mut blob = self.open(hash)?;
        let path = self.path(hash);
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; CHUNK];
        let mut size = 0;
        loop {
            let got = read_some(&mut blob.file, &mut buffer)
                .map_err(|cause| StoreError::read(&path, cause))?;
            let Some(chunk) = buffer.get(..got).filter(|c| !c.is_empty()) else { break };
            hasher.update(chunk);
            size += chunk.len() as u64;
        }
        let found = Hash(hasher.finalize().into());
        if found == *hash { Ok(size) } else { Err(StoreError::Damaged { path, found }) }
    }

    /// Removes a blob that nothing names any more. Whoever has it open reads on undisturbed; not
    /// so whoever is adding the same bytes, so no import may run meanwhile.
    pub fn remove(&self, hash: &Hash) -> Result<(), StoreError> {
        let path = self.path(hash);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::write(&path, cause))
            }
            _ => Ok(()),
        }
    }

    /// Every blob that is there, in order. Files that are no blobs are passed over.
    pub fn list(&self) -> Result<Vec<Hash>, StoreError> {
        let mut all = Vec::new();
        for shard in entries(&self.blobs)? {
            if shard.file_type().is_ok_and(|kind| kind.is_dir()) {
                let names = entries(&shard.path())?.into_iter().map(|e| e.file_name());
                all.extend(names.filter_map(|n| n.to_str().and_then(|n| n.parse::<Hash>().ok())));
            }
        }
        all.sort_unstable();
        Ok(all)
    }

    /// Bytes that can still be written to the store's file system; none if it does not say.
    pub fn free_space(&self) -> Option<u64> {
        let said = rustix::fs::statvfs(&self.blobs).ok()?;
        said.f_bavail.checked_mul(said.f_frsize)
    }

    fn folder(&self, hash: &Hash) -> PathBuf {
        self.blobs.join(hash.to_string().chars().take(2).collect::<String>())
    }

    fn path(&self, hash: &Hash) -> PathBuf {
        self.folder(hash).join(hash.to_string())
    }

    fn temporary(&self) -> Result<Temporary, StoreError> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let path = self.incoming.join(format!("adding-{}-{number}", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => {
                    // Held until the file is published: tells another opener that it is no leftover.
                    file.try_lock().map_err(|e| StoreError::write(&path, e.into()))?;
                    return Ok(Temporary { path, file, keep: false });
                }
                // Of an earlier process with our number, kept by somebody's lock.
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(StoreError::write(&path, cause)),
            }
        }
    }

    fn remove_leftovers(&self) -> Result<(), StoreError> {
        for entry in entries(&self.incoming)? {
            let path = entry.path();
            let plain = entry.file_type().is_ok_and(|kind| kind.is_file());
            let held = plain && File::open(&path).is_ok_and(|file| file.try_lock().is_err());
            if plain && !held {
                fs::remove_file(&path).map_err(|cause| StoreError::write(&path, cause))?;
            }
        }
        Ok(())
    }
}

/// Folders in which names appeared that are not synced yet.
#[derive(Debug, Default)]
pub(crate) struct Touched(BTreeSet<PathBuf>);

/// A file being written. It goes when dropped, unless it was published.
struct Temporary {
    path: PathBuf,
    file: File,
    keep: bool,
}

impl Temporary {
    fn fill(
        &mut self,
        reader: &mut dyn Read,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(Hash, u64), StoreError> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; CHUNK];
        let mut size = 0;
        loop {
            if !progress(size) {
                return Err(StoreError::Stopped);
            }
            let got = read_some(reader, &mut buffer).map_err(StoreError::Source)?;
            let Some(chunk) = buffer.get(..got).filter(|c| !c.is_empty()) else { break };
            hasher.update(chunk);
            self.file.write_all(chunk).map_err(|cause| StoreError::write(&self.path, cause))?;
            size += chunk.len() as u64;
        }
        Ok((Hash(hasher.finalize().into()), size))
    }

    fn publish(mut self, target: &Path) -> Result<(), StoreError> {
        self.file
            .set_permissions(Permissions::from_mode(0o400))
            .and_then(|()| self.file.sync_all())
            .and_then(|()| fs::rename(&self.path, target))
            .map_err(|cause| StoreError::write(target, cause))?;
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

/// A blob, opened. Reading takes a place, so that many may share it.
#[derive(Debug)]
pub struct BlobFile {
    file: File,
    opened: State,
    hash: Hash,
}

/// What the system says of a file's content without reading it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct State {
    size: u64,
    /// Seconds and nanoseconds of the last change of the content (mtime). Not ctime: that also
    /// changes when a name of the file goes, as when its image is removed while it is served.
    written: (i64, i64),
}

impl State {
    fn of(file: &File) -> io::Result<Self> {
        let said = file.metadata()?;
        Ok(Self { size: said.len(), written: (said.mtime(), said.mtime_nsec()) })
    }
}

impl BlobFile {
    /// Bytes.
    pub fn size(&self) -> u64 {
        self.opened.size
    }

    /// Its name.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Fills `buffer` with what stands at `offset`; an error if the blob ends before.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    /// Reads what there is at `offset`, perhaps less than `buffer` holds; 0 at the end.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    /// Reads as [`Self::read_at`] does what the system has in memory, and never waits for a disk:
    /// `WouldBlock` if it would have to. Where a file system cannot tell, it is read all the same.
    pub fn read_now(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut parts = [io::IoSliceMut::new(buffer)];
        let flags = rustix::io::ReadWriteFlags::NOWAIT;
        match rustix::io::preadv2(&self.file, &mut parts, offset, flags) {
            Ok(length) => Ok(length),
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {
                self.read_at(buffer, offset)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// An error if somebody wrote to the file or cut it since it was opened. Names that come and
    /// go, as when its image is removed, do not count.
    pub fn still_whole(&self) -> io::Result<()> {
        let now = State::of(&self.file)?;
        if (now.size, now.written) == (self.opened.size, self.opened.written) {
            return Ok(());
        }
        let hash = self.hash.short();
        Err(io::Error::other(format!(
            "blob {hash} was changed behind the server's back while it was being read; check the \
             disk, and import its image again"
        )))
    }

    /// The open file, for who sends it by other means.
    pub fn file(&self) -> &File {
        &self.file
    }
}

fn read_some(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn private_folder(path: &Path) -> Result<(), StoreError> {
    if fs::symlink_metadata(path).is_ok_and(|there| there.is_dir()) {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|cause| StoreError::write(path, cause))
}

/// Makes the names in a folder last.
fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(|cause| StoreError::write(folder, cause))
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, StoreError> {
    fs::read_dir(folder)
        .and_then(|all| all.collect())
        .map_err(|cause| StoreError::read(folder, cause))
}

/// Why bytes could not be kept or read back.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operator's surroundings: no room.
    #[error(
        "no room left to write {path}: {cause}; free some space there, or move the state directory to a larger disk"
    )]
    DiskFull {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The operator's surroundings: the disk or its rights.
    #[error(
        "cannot write {path}: {cause}; the server must own its state directory and the disk must be writable"
    )]
    Write {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The operator's surroundings: the disk or its rights.
    #[error("cannot read {path}: {cause}; the server must own its state directory")]
    Read {
        /// What was being read.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Where the bytes came from gave up.
    #[error("the bytes to be kept could not be read to their end: {0}")]
    Source(#[source] io::Error),
    /// A blob that something still names is gone.
    #[error("blob {} is missing: {path} was removed behind the server's back; import its image again", .hash.short())]
    Missing {
        /// Which.
        hash: Hash,
        /// Where it should be.
        path: PathBuf,
    },
    /// A blob has changed.
    #[error("{path} is damaged: its bytes now hash to {}; check the disk, remove the file, and import its image again", .found.short())]
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What its bytes hash to.
        found: Hash,
    },
    /// The caller wanted no more.
    #[error("stopped on request; nothing was kept")]
    Stopped,
}

impl StoreError {
    fn write(path: &Path, cause: io::Error) -> Self {
        let path = path.to_owned();
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path, cause }
            }
            _ => Self::Write { path, cause },
        }
    }

    fn read(path: &Path, cause: io::Error) -> Self {
        Self::Read { path: path.to_owned(), cause }
    }
}
