//! Where blobs and what belongs to them stand, and which of them are in quarantine.
//!
//! ```text
//! STATE/blobs/ab/ab…          64 digits, mode 0400, in a folder named by the first two
//! STATE/blobs/ab/ab….chunks   what its chunks hash to, if it has more than one
//! STATE/blobs/ab/ab….damaged  it was found damaged, and is not opened any more
//! ```
//!
//! In: hashes, damage. Out: paths; word of damage, once for each blob. Never: a blob's bytes.

use super::digests::Chunks;
use super::error::{Damage, StoreError};
use super::shared::{Known, Shared};
use super::writing::Temporary;
use model::Hash;
use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Ends of the names of what stands beside blobs.
const CHUNKS: &str = "chunks";
const DAMAGED: &str = "damaged";

type Tell = dyn Fn(&Damage) + Send + Sync;

/// The folders of blobs.
pub(crate) struct Place {
    pub(crate) blobs: PathBuf,
    pub(crate) incoming: PathBuf,
    next: AtomicU64,
    /// Whoever wants to hear of damage.
    tell: OnceLock<Box<Tell>>,
    /// In quarantine though no mark could be written.
    unmarked: Mutex<BTreeSet<Hash>>,
    /// Held by whoever puts a blob into quarantine, ends one, or gives a blob's name to another file:
    /// what is said of one file must not be kept of another.
    turning: Mutex<()>,
    /// What is known of the files that are open.
    pub(crate) known: Known,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.blobs).finish()
    }
}

/// What a file below `blobs/` is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Blob,
    /// What its chunks hash to, or that it is damaged.
    Beside,
}

/// Which mark it is that says that a blob is in quarantine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Marked {
    /// Its number, and when it was written.
    File(u64, (i64, i64)),
    /// None could be written.
    InMemory,
}

impl Place {
    pub(crate) fn new(state: &Path) -> Self {
        let (blobs, incoming) = (state.join("blobs"), state.join("incoming"));
        let (tell, unmarked, turning) = (OnceLock::new(), Mutex::default(), Mutex::default());
        let (next, known) = (AtomicU64::new(0), Known::default());
        Self { blobs, incoming, next, tell, unmarked, turning, known }
    }

    /// A file in `incoming/` that nobody else has.
    pub(crate) fn temporary(&self) -> Result<Temporary, StoreError> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let path = self.incoming.join(format!("adding-{}-{number}", std::process::id()));
            match Temporary::create(path.clone()) {
                // Of an earlier process with our number, kept by somebody's lock.
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map_err(|cause| StoreError::write(&path, cause)),
            }
        }
    }

    pub(crate) fn folder(&self, hash: &Hash) -> PathBuf {
        self.blobs.join(hash.to_string().chars().take(2).collect::<String>())
    }

    pub(crate) fn blob(&self, hash: &Hash) -> PathBuf {
        self.folder(hash).join(hash.to_string())
    }

    pub(crate) fn chunks(&self, hash: &Hash) -> PathBuf {
        self.blob(hash).with_extension(CHUNKS)
    }

    pub(crate) fn mark(&self, hash: &Hash) -> PathBuf {
        self.blob(hash).with_extension(DAMAGED)
    }

    /// Everything that is there, in order, and what it is. Other files are passed over.
    pub(crate) fn all(&self) -> Result<Vec<(Hash, Kind, PathBuf)>, StoreError> {
        let mut all = Vec::new();
        for shard in entries(&self.blobs)? {
            if shard.file_type().is_ok_and(|kind| kind.is_dir()) {
                let files = entries(&shard.path())?;
                all.extend(files.into_iter().filter_map(|file| known(file.path())));
            }
        }
        all.sort_unstable_by_key(|(hash, kind, _)| (*hash, *kind != Kind::Blob));
        Ok(all)
    }

    /// What the chunks of a blob hash to, if that is known and not damaged itself.
    pub(crate) fn read_chunks(&self, hash: &Hash) -> Option<Chunks> {
        let file = open_plain(&self.chunks(hash)).ok()?;
        let most = Chunks::encoded_bytes_max();
        let length = file.metadata().ok().filter(|said| said.is_file() && said.len() <= most)?;
        let mut bytes = Vec::with_capacity(usize::try_from(length.len()).unwrap_or(0));
        (&file).take(most).read_to_end(&mut bytes).ok()?;
        Chunks::decode(&bytes, *hash)
    }

    /// Who is to hear of damage. The first one stays.
    pub(crate) fn tell_of_damage(&self, tell: Box<Tell>) {
        let _ = self.tell.set(tell);
    }

    pub(crate) fn is_quarantined(&self, hash: &Hash) -> bool {
        fs::symlink_metadata(self.mark(hash)).is_ok() || self.unmarked().contains(hash)
    }

    /// To be held while a blob's name goes to another file, or its quarantine ends.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on a blob is not opened any more, and nobody who has the file open reads on. Told once,
    /// however many find it damaged. Whoever still reads a file that was replaced or removed meanwhile
    /// says nothing of what is there now.
    pub(crate) fn quarantine(&self, (file, shared): (&File, &Shared), damage: &Damage) {
        shared.fail(damage);
        if self.is_first_mark(file, damage)
            && let Some(tell) = self.tell.get()
        {
            tell(damage);
        }
    }

    fn is_first_mark(&self, file: &File, damage: &Damage) -> bool {
        let (mark, hash) = (self.mark(&damage.hash), damage.hash);
        let _turn = self.turn();
        if !is_at(file, &damage.path) {
            return false;
        }
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&mark);
        match written {
            Ok(mut file) => {
                // What counts is that it is there; what it says is for people.
                let _ = writeln!(file, "{damage}").and_then(|()| file.sync_all());
                let _ = sync_folder(&self.folder(&hash));
                true
            }
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => false,
            Err(_) => self.unmarked().insert(hash),
        }
    }

    /// Which mark a blob has, if it is in quarantine.
    pub(crate) fn marked(&self, hash: &Hash) -> Option<Marked> {
        match fs::symlink_metadata(self.mark(hash)) {
            Ok(said) => Some(Marked::File(said.ino(), (said.mtime(), said.mtime_nsec()))),
            Err(_) => self.unmarked().contains(hash).then_some(Marked::InMemory),
        }
    }

    /// This file was read and is sound: its mark goes, but not one that was made meanwhile, nor that
    /// of a file that has its name now.
    pub(crate) fn lift_unless_new(
        &self,
        hash: &Hash,
        before: Marked,
        file: &File,
    ) -> Result<(), StoreError> {
        let _turn = self.turn();
        match self.marked(hash) == Some(before) && is_at(file, &self.blob(hash)) {
            true => self.lift(hash),
            false => Ok(()),
        }
    }

    /// The blob is sound again. For whoever holds the turn.
    pub(crate) fn lift(&self, hash: &Hash) -> Result<(), StoreError> {
        self.known.forget(hash);
        self.unmarked().remove(hash);
        remove(&self.mark(hash))
    }

    fn unmarked(&self) -> MutexGuard<'_, BTreeSet<Hash>> {
        self.unmarked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn known(path: PathBuf) -> Option<(Hash, Kind, PathBuf)> {
    let hash = path.file_stem()?.to_str()?.parse().ok()?;
    let kind = match path.extension().map(|end| end.to_str()) {
        None => Kind::Blob,
        Some(Some(CHUNKS | DAMAGED)) => Kind::Beside,
        Some(_) => return None,
    };
    Some((hash, kind, path))
}

/// Whether it is this file that has the name.
fn is_at(file: &File, path: &Path) -> bool {
    let there = fs::symlink_metadata(path).map(|said| (said.dev(), said.ino()));
    file.metadata()
        .map(|said| (said.dev(), said.ino()))
        .is_ok_and(|own| there.is_ok_and(|t| t == own))
}

/// Opens a file for reading, and no link to one.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(nofollow).open(path)
}

/// Removes a file; it is no error if it is not there.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::write(path, cause))
        }
        _ => Ok(()),
    }
}

pub(crate) fn private_folder(path: &Path) -> Result<(), StoreError> {
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
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(|cause| StoreError::write(folder, cause))
}

pub(crate) fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, StoreError> {
    fs::read_dir(folder)
        .and_then(|all| all.collect())
        .map_err(|cause| StoreError::read(folder, cause))
}
