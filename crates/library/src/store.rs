//! Content kept under its SHA-256: written once, never changed, read by many at once, checked when read.
//!
//! In: bytes from any reader, the state directory. Out: their [`model::Hash`] and size, and files opened
//! read-only. Never: a blob that is half there; a byte of a chunk that was not checked since it came
//! from the disk. A name appears below `blobs/` only after its bytes were synced, and [`Blobs::add`]
//! returns only after the name was.
//!
//! ```text
//! STATE/incoming/XXXX   being written, locked by who writes it; leftovers go when opened next
//! STATE/blobs/…         as `place` says: blobs, what their chunks hash to, which are in quarantine
//! ```

mod blob;
mod digests;
mod error;
mod marks;
mod pass;
mod place;
mod shared;
mod writing;

pub use blob::BlobFile;
pub use digests::CHUNK_BYTES;
pub use error::{Damage, StoreError, Wrong, damage_of, is_damage};
pub(crate) use pass::{From, Pass, Stepped};
pub(crate) use place::{open_plain, sync_folder};

use digests::Chunks;
use error::free_space;
use model::Hash;
use place::{Kind, Place, entries, private_folder, remove};
use shared::Shared;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

/// The content store of one state directory.
#[derive(Debug)]
pub struct Blobs {
    pub(crate) place: Arc<Place>,
}

impl Blobs {
    /// Opens the store below `state`, creates what is missing, and removes what an earlier run
    /// left in `incoming/` (files that nobody holds a lock on; keep yours locked while it grows).
    /// Folders are left alone: in them is what is to outlive a run.
    pub fn open_at(state: &Path) -> Result<Self, StoreError> {
        let store = Self { place: Arc::new(Place::new(state)) };
        for folder in [&store.place.blobs, &store.place.incoming] {
            private_folder(folder)?;
        }
        sync_folder(state)?;
        store.remove_leftovers()?;
        Ok(store)
    }

    /// Who is to hear when a blob is found damaged: once for each, on the thread that found it.
    /// Only the first call counts.
    pub fn on_damage(&self, tell: impl Fn(&Damage) + Send + Sync + 'static) {
        self.place.tell_of_damage(Box::new(tell));
    }

    /// Where uploads may be written before they are added: private, and on the same file system.
    pub fn incoming(&self) -> &Path {
        &self.place.incoming
    }

    /// Keeps the bytes of `reader`, and returns their name and number once both are on disk.
    /// `progress` hears how many bytes were read so far and returns false to stop. A damaged blob
    /// with the same name is replaced, and is no longer in quarantine.
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
        let place = &self.place;
        let mut temporary = place.temporary()?;
        let (hash, chunks) = temporary.fill(reader, progress)?;
        let (folder, target, size) = (place.folder(&hash), place.blob(&hash), chunks.size);
        touched.0.insert(folder.clone());
        private_folder(&folder)?;
        let beside = |wanted: bool| match wanted && chunks.need_a_file() {
            true => pass::keep_chunks(place, &chunks),
            false => Ok(()),
        };
        let same = |there: fs::Metadata| there.is_file() && there.len() == size;
        let damaged = place.is_quarantined(&hash);
        if !damaged && fs::symlink_metadata(&target).is_ok_and(same) {
            // Of an older store, perhaps.
            beside(place.read_chunks(&hash).as_ref() != Some(&chunks))?;
            return Ok((hash, size));
        }
        // A blob without is read whole when it is opened first.
        beside(true)?;
        // Its bytes last before others have to wait for its name.
        temporary.seal(&target)?;
        let _turn = place.turn();
        temporary.publish(&target)?;
        if place.is_quarantined(&hash) {
            // After this the quarantine may be over, whatever happens next.
            sync_folder(&folder)?;
            place.lift(&hash)?;
        }
        Ok((hash, size))
    }

    /// Makes the names of added blobs last.
    pub(crate) fn sync(&self, touched: Touched) -> Result<(), StoreError> {
        for folder in touched.0.iter().chain([&self.place.blobs]) {
            sync_folder(folder)?;
        }
        Ok(())
    }

    /// Opens a blob for reading. One whose chunks are not known is read whole first, which takes its
    /// time, once.
    pub fn open(&self, hash: &Hash) -> Result<BlobFile, StoreError> {
        let (place, path) = (&self.place, self.place.blob(hash));
        self.not_quarantined(hash)?;
        let file = open_plain(&path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => StoreError::Missing { hash: *hash, path: path.clone() },
            _ => StoreError::read(&path, cause),
        })?;
        let known = place.known.of(*hash, &file).map_err(|cause| StoreError::read(&path, cause))?;
        let (opened, shared) = &known;
        // One that was cut has chunks beside it that say so.
        let single = (1..=CHUNK_BYTES).contains(&opened.size) && !place.chunks(hash).exists();
        let chunks = match single {
            true => Chunks::single(*hash, opened.size),
            false => self.chunks(hash, shared)?,
        };
        if chunks.size != opened.size {
            let what = Wrong::Length { kept: chunks.size, found: opened.size };
            let damage = Damage { hash: *hash, path, what };
            place.quarantine((&file, shared), &damage);
            return Err(damage.into());
        }
        Ok(BlobFile::new(Arc::clone(place), (file, path), known, chunks))
    }

    /// What the chunks of a blob hash to.
    fn chunks(&self, hash: &Hash, shared: &Shared) -> Result<Chunks, StoreError> {
        if let Some(known) = self.place.read_chunks(hash) {
            return Ok(known);
        }
        // Many may ask for a blob at once, and it is to be read once. Other blobs do not wait for it.
        let _alone = shared.learning.lock().unwrap_or_else(PoisonError::into_inner);
        self.not_quarantined(hash)?;
        if let Some(known) = self.place.read_chunks(hash) {
            return Ok(known);
        }
        let mut pass = Pass::open(&self.place, *hash, From::Anywhere, 0)?;
        loop {
            if let Stepped::Sound(learnt) = pass.step()? {
                // Somebody else may have written them meanwhile.
                return learnt.or_else(|| self.place.read_chunks(hash)).ok_or_else(|| {
                    let text = "what its chunks hash to could not be read back";
                    StoreError::read(&self.place.chunks(hash), io::Error::other(text))
                });
            }
        }
    }

    fn not_quarantined(&self, hash: &Hash) -> Result<(), StoreError> {
        match self.place.is_quarantined(hash) {
            true => Err(StoreError::Quarantined { hash: *hash, mark: self.place.mark(hash) }),
            false => Ok(()),
        }
    }

    /// Whether a blob is there and was not found damaged. Its bytes are not read.
    pub fn contains(&self, hash: &Hash) -> bool {
        let there = fs::symlink_metadata(self.place.blob(hash)).is_ok_and(|there| there.is_file());
        there && !self.place.is_quarantined(hash)
    }

    /// Blobs that were found damaged and were not replaced yet, in order.
    pub fn quarantined(&self) -> Result<Vec<Hash>, StoreError> {
        Ok(self.list()?.into_iter().filter(|hash| self.place.is_quarantined(hash)).collect())
    }

    /// Reads a blob whole from the disk and compares: an error if it is missing or no longer what it
    /// was; then it is in quarantine. One that was, and is sound after all, no longer is.
    pub fn verify(&self, hash: &Hash) -> Result<u64, StoreError> {
        self.verify_telling(hash, &mut |_| true)
    }

    /// [`Self::verify`]; `progress` hears how many bytes were read so far and returns false to stop.
    pub fn verify_telling(
        &self,
        hash: &Hash,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<u64, StoreError> {
        let before = self.place.marked(hash);
        let mut pass = Pass::open(&self.place, *hash, From::Disk, 0)?;
        while progress(pass.at()) {
            if let Stepped::Sound(_) = pass.step()? {
                if let Some(before) = before {
                    self.place.lift_unless_new(hash, before, pass.file())?;
                }
                return Ok(pass.size());
            }
        }
        Err(StoreError::Stopped)
    }

    /// Removes a blob that nothing names any more, and what belongs to it. Whoever has it open reads
    /// on undisturbed; not so whoever is adding the same bytes, so no import may run meanwhile.
    pub fn remove(&self, hash: &Hash) -> Result<(), StoreError> {
        let _turn = self.place.turn();
        remove(&self.place.blob(hash))?;
        remove(&self.place.chunks(hash))?;
        self.place.lift(hash)
    }

    /// Removes all blobs that are not named, and what belongs to no blob; gives how many blobs that
    /// were. No import may run meanwhile.
    pub fn sweep(&self, named: &BTreeSet<Hash>) -> Result<usize, StoreError> {
        let all = self.place.all()?;
        let blobs = all.iter().filter(|(_, kind, _)| *kind == Kind::Blob);
        let there: BTreeSet<Hash> = blobs.map(|(hash, ..)| *hash).collect();
        let mut removed = 0;
        for hash in there.difference(named) {
            self.remove(hash)?;
            removed += 1;
        }
        for (hash, _, path) in &all {
            if !there.contains(hash) {
                remove(path)?;
            }
        }
        Ok(removed)
    }

    /// Every blob that is there, in order. Files that are no blobs are passed over.
    pub fn list(&self) -> Result<Vec<Hash>, StoreError> {
        let all = self.place.all()?.into_iter();
        Ok(all.filter(|(_, kind, _)| *kind == Kind::Blob).map(|(hash, ..)| hash).collect())
    }

    /// Every blob that is there and its bytes, in order.
    pub(crate) fn sizes(&self) -> Result<Vec<(Hash, u64)>, StoreError> {
        let all = self.place.all()?.into_iter().filter(|(_, kind, _)| *kind == Kind::Blob);
        let size = |path: &Path| fs::symlink_metadata(path).map_or(0, |said| said.len());
        Ok(all.map(|(hash, _, path)| (hash, size(&path))).collect())
    }

    /// Bytes that can still be written to the store's file system; none if it does not say.
    pub fn free_space(&self) -> Option<u64> {
        free_space(&self.place.blobs)
    }

    fn remove_leftovers(&self) -> Result<(), StoreError> {
        for entry in entries(&self.place.incoming)? {
            let path = entry.path();
            let ours = entry.file_type().is_ok_and(|kind| kind.is_file());
            let held = ours && File::open(&path).is_ok_and(|file| file.try_lock().is_err());
            if ours && !held {
                remove(&path)?;
            }
        }
        Ok(())
    }
}

/// Folders in which names appeared that are not synced yet.
#[derive(Debug, Default)]
pub(crate) struct Touched(BTreeSet<PathBuf>);
