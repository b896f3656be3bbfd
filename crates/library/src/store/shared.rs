//! What all who have the same file of a blob open know of it together: which chunks were checked, which
//! may have to be again, and whether it was found damaged.
//!
//! In: what each of them finds. Out: the same to all. Never: a byte; what was known of a file that has
//! been replaced.

use super::digests::{CHUNKS_MAX, chunks_of};
use super::error::Damage;
use super::marks::Marks;
use model::Hash;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

const NANOSECONDS: i64 = 1_000_000_000;

/// What the system says of a file without reading it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct State {
    pub(crate) size: u64,
    /// Seconds and nanoseconds of the last change of the content (mtime).
    pub(crate) written: (i64, i64),
    /// Nanoseconds of the last change of anything (ctime): also of the rights, and when a name of
    /// the file goes, as when its image is removed while it is served.
    pub(crate) touched: i64,
}

impl State {
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        let said = file.metadata()?;
        let touched = said.ctime().saturating_mul(NANOSECONDS).saturating_add(said.ctime_nsec());
        Ok(Self { size: said.len(), written: (said.mtime(), said.mtime_nsec()), touched })
    }
}

/// What is known of one file.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Chunks that were checked since they last came from the disk.
    pub(crate) marks: Marks,
    /// Chunks that were checked once, and so may have been given out: what is checked again when the
    /// file was touched. It never shrinks, so an error on the way forgets nothing.
    pub(crate) given: Marks,
    /// Chunks of which the kernel fetched pages while they were leaving.
    suspect: Marks,
    /// How often that happened, and up to which time all of it was checked again.
    doubted: AtomicU64,
    settled: AtomicU64,
    /// When the file had been touched last (ctime) while all that was given out was right.
    pub(crate) sure: AtomicI64,
    damage: OnceLock<Damage>,
    /// Held while chunks are checked again.
    pub(crate) again: Mutex<()>,
    /// Held by whoever reads the blob whole because its chunks are not known.
    pub(crate) learning: Mutex<()>,
}

impl Shared {
    fn new(state: State) -> Self {
        let count = chunks_of(state.size).min(CHUNKS_MAX);
        let marks = || Marks::new(count);
        Self {
            marks: marks(),
            given: marks(),
            suspect: marks(),
            doubted: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            sure: AtomicI64::new(state.touched),
            damage: OnceLock::new(),
            again: Mutex::new(()),
            learning: Mutex::new(()),
        }
    }

    /// An error if it was found damaged, by whomever.
    pub(crate) fn sound(&self) -> io::Result<()> {
        self.damage.get().map_or(Ok(()), |damage| Err(io::Error::other(damage.clone())))
    }

    /// It is damaged. What was found first stays.
    pub(crate) fn fail(&self, damage: &Damage) {
        let _ = self.damage.set(damage.clone());
    }

    /// A chunk was read and is what it was.
    pub(crate) fn checked(&self, chunk: u64) {
        self.given.set(chunk);
        self.marks.set(chunk);
    }

    /// Pages of these chunks came from the disk while they left: what was sent of them is to be checked
    /// again. Gives which doubt this is, for [`Self::is_settled`].
    pub(crate) fn doubt(&self, chunks: std::ops::RangeInclusive<u64>) -> u64 {
        for chunk in chunks {
            self.marks.clear(chunk);
            self.suspect.set(chunk);
        }
        self.doubted.fetch_add(1, Ordering::AcqRel).saturating_add(1)
    }

    /// Whether everything up to a doubt was checked again. 0 is none.
    pub(crate) fn is_settled(&self, doubt: u64) -> bool {
        self.settled.load(Ordering::Acquire) >= doubt
    }

    /// Whether all was.
    pub(crate) fn is_all_settled(&self) -> bool {
        self.is_settled(self.doubted.load(Ordering::Acquire))
    }

    /// Checks what is suspect. What could not be checked stays so. For whoever holds `again`.
    pub(crate) fn settle(&self, mut check: impl FnMut(u64) -> io::Result<()>) -> io::Result<()> {
        let doubted = self.doubted.load(Ordering::Acquire);
        for chunk in self.suspect.all() {
            // Before it is read, so that a doubt that comes meanwhile stays.
            self.suspect.clear(chunk);
            if let Err(cause) = check(chunk) {
                self.suspect.set(chunk);
                return Err(cause);
            }
        }
        self.settled.fetch_max(doubted, Ordering::AcqRel);
        Ok(())
    }
}

/// Which file: of which blob, on which device, with which number. The number is not used again while
/// somebody has the file open, and who has what is shared has the file.
type Key = (Hash, u64, u64);

/// What is known of all files that somebody has open.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<HashMap<Key, Weak<Shared>>>);

impl Known {
    /// What is known of a file that was just opened. If it was touched since the last one opened it,
    /// nothing counts as checked any more.
    pub(crate) fn of(&self, hash: Hash, file: &File) -> io::Result<(State, Arc<Shared>)> {
        let said = file.metadata()?;
        let state = State::of(file)?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (hash, said.dev(), said.ino());
        if let Some(shared) = all.get(&key).and_then(Weak::upgrade) {
            if shared.sure.load(Ordering::Acquire) != state.touched {
                shared.marks.clear_all();
            }
            return Ok((state, shared));
        }
        all.retain(|_, shared| shared.strong_count() > 0);
        let shared = Arc::new(Shared::new(state));
        all.insert(key, Arc::downgrade(&shared));
        Ok((state, shared))
    }

    /// The blob is sound again: whoever opens it next begins anew.
    pub(crate) fn forget(&self, hash: &Hash) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(of, ..), _| of != hash);
    }
}
