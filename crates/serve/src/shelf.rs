//! Opened blobs, kept open and shared by all who send them.
//!
//! In: where files stand. Out: opened files; those of one blob share it. Never: a blob that is known to
//! have changed; more open files than [`KEPT_MAX`] for nobody; a path.

use crate::owner::{Blob, Bytes};
use crate::part::{Layout, Part};
use model::{Hash, Now};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Blobs kept open. Whoever is still sending one that had to go keeps it for himself.
const KEPT_MAX: usize = 256;
/// A blob that nobody sends is closed after so long: the disk space of a removed image must come
/// back some time.
const IDLE: Duration = Duration::from_secs(60);

/// The shelf, shared by cloning.
pub(crate) struct Shelf<B: Bytes> {
    bytes: B,
    kept: Arc<Mutex<Kept<B::Blob>>>,
}

struct Kept<T> {
    blobs: HashMap<Hash, Opened<T>>,
    /// Counts uses, so that the least recently used one is known.
    uses: u64,
}

struct Opened<T> {
    blob: Arc<T>,
    used: u64,
    /// When it was first seen that nobody sends it.
    idle: Option<Now>,
}

impl<B: Bytes> Clone for Shelf<B> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), kept: Arc::clone(&self.kept) }
    }
}

impl<B: Bytes> Shelf<B> {
    pub(crate) fn new(bytes: B) -> Self {
        let kept = Kept { blobs: HashMap::new(), uses: 0 };
        Self { bytes, kept: Arc::new(Mutex::new(kept)) }
    }

    /// A file whose blob is open already. Never waits.
    pub(crate) fn get(&self, layout: &Arc<Layout>) -> Option<Part<B::Blob>> {
        Part::new(self.kept_blob(&layout.blob)?, layout).ok()
    }

    /// A file, its blob opened if need be; it must be as long as was promised. May wait for a disk.
    pub(crate) fn open(&self, layout: &Arc<Layout>) -> io::Result<Part<B::Blob>> {
        let kept = self.kept_blob(&layout.blob);
        let blob = match &kept {
            Some(blob) => Arc::clone(blob),
            None => Arc::new(self.bytes.open(&layout.blob)?),
        };
        let part = Part::new(Arc::clone(&blob), layout)?;
        match kept {
            Some(_) => Ok(part),
            None => Part::new(self.keep(layout.blob, blob), layout),
        }
    }

    fn kept_blob(&self, sha256: &Hash) -> Option<Arc<B::Blob>> {
        let mut kept = self.kept();
        kept.uses += 1;
        let used = kept.uses;
        let opened = kept.blobs.get_mut(sha256)?;
        if is_changed(&*opened.blob) {
            kept.blobs.remove(sha256);
            return None;
        }
        opened.used = used;
        opened.idle = None;
        Some(Arc::clone(&opened.blob))
    }

    /// A blob could not be read, or has changed: the next one who wants it opens it anew.
    pub(crate) fn forget(&self, sha256: &Hash) {
        self.kept().blobs.remove(sha256);
    }

    /// Closes what nobody has sent for a while. To be called every now and then.
    pub(crate) fn tidy(&self, now: Now) {
        self.kept().blobs.retain(|_, opened| {
            if Arc::strong_count(&opened.blob) > 1 {
                opened.idle = None;
                return true;
            }
            now.since(*opened.idle.get_or_insert(now)) < IDLE
        });
    }

    /// Keeps a blob, unless somebody else has opened it meanwhile: then all use that one.
    fn keep(&self, sha256: Hash, blob: Arc<B::Blob>) -> Arc<B::Blob> {
        if let Some(theirs) = self.kept_blob(&sha256) {
            return theirs;
        }
        let mut kept = self.kept();
        kept.uses += 1;
        let used = kept.uses;
        kept.blobs.insert(sha256, Opened { blob: Arc::clone(&blob), used, idle: None });
        if kept.blobs.len() > KEPT_MAX {
            let oldest = kept.blobs.iter().min_by_key(|(_, opened)| opened.used);
            if let Some(oldest) = oldest.map(|(hash, _)| *hash) {
                kept.blobs.remove(&oldest);
            }
        }
        blob
    }

    fn kept(&self) -> MutexGuard<'_, Kept<B::Blob>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a blob is known to have changed. One that was only touched is looked at while it is sent.
fn is_changed<B: Blob>(blob: &B) -> bool {
    blob.still_whole().is_err_and(|cause| cause.kind() != io::ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Content;
    use model::image::Run;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    #[derive(Clone, Default)]
    struct Disk {
        opens: Arc<AtomicUsize>,
        changed: Arc<AtomicBool>,
    }

    struct Page(Arc<AtomicBool>);

    impl Bytes for Disk {
        type Blob = Page;
        fn open(&self, _: &Hash) -> io::Result<Page> {
            self.opens.fetch_add(1, Ordering::Relaxed);
            Ok(Page(Arc::clone(&self.changed)))
        }
    }

    impl Blob for Page {
        fn size(&self) -> u64 {
            5
        }
        fn read_exact_at(&self, buffer: &mut [u8], _: u64) -> io::Result<()> {
            buffer.fill(1);
            Ok(())
        }
        fn read_now(&self, buffer: &mut [u8], _: u64) -> io::Result<usize> {
            Ok(buffer.len())
        }
        fn stretch(&self, _: u64, _: u64) -> Option<crate::Stretch<'_>> {
            None
        }
        fn still_whole(&self) -> io::Result<()> {
            let changed = self.0.load(Ordering::Relaxed);
            if changed { Err(io::ErrorKind::InvalidData.into()) } else { Ok(()) }
        }
    }

    fn hash(n: usize) -> Hash {
        let [a, b] = u16::try_from(n).unwrap().to_be_bytes();
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&[a, b]);
        Hash(bytes)
    }

    fn whole(n: usize, size: u64) -> Arc<Layout> {
        Layout::of(&Content::whole(hash(n), size)).unwrap()
    }

    fn opens(shelf: &Shelf<Disk>) -> usize {
        shelf.bytes.opens.load(Ordering::Relaxed)
    }

    #[test]
    fn a_blob_is_opened_once_and_the_least_recently_used_goes() {
        let shelf = Shelf::new(Disk::default());
        assert!(shelf.get(&whole(0, 5)).is_none());
        for n in 0..KEPT_MAX {
            shelf.open(&whole(n, 5)).unwrap();
        }
        shelf.open(&whole(0, 5)).unwrap();
        assert_eq!(opens(&shelf), KEPT_MAX);
        shelf.open(&whole(KEPT_MAX, 5)).unwrap();
        assert_eq!(shelf.kept().blobs.len(), KEPT_MAX);
        assert!(shelf.get(&whole(0, 5)).is_some() && shelf.get(&whole(1, 5)).is_none());
    }

    #[test]
    fn what_has_changed_or_has_another_size_is_not_given_out() {
        let shelf = Shelf::new(Disk::default());
        assert!(shelf.open(&whole(1, 6)).is_err());
        assert!(shelf.get(&whole(1, 5)).is_none());
        shelf.open(&whole(1, 5)).unwrap();
        shelf.bytes.changed.store(true, Ordering::Relaxed);
        assert!(shelf.get(&whole(1, 5)).is_none());
        shelf.bytes.changed.store(false, Ordering::Relaxed);
        assert!(shelf.get(&whole(1, 5)).is_none(), "it stays forgotten");
        shelf.open(&whole(1, 5)).unwrap();
        shelf.forget(&hash(1));
        assert!(shelf.get(&whole(1, 5)).is_none());
    }

    #[test]
    fn parts_of_a_blob_share_it() {
        let shelf = Shelf::new(Disk::default());
        let part = |offset, length| {
            let runs = [Run { offset: Some(offset), length }].into();
            Layout::of(&Content { blob: hash(1), size: length, runs: Some(runs) }).unwrap()
        };
        assert!(shelf.open(&part(3, 3)).is_err(), "it reaches beyond the blob");
        assert_eq!(shelf.kept().blobs.len(), 0);
        let parts = [part(0, 2), part(2, 3), whole(1, 5)];
        let opened: Vec<_> = parts.iter().map(|part| shelf.open(part).unwrap()).collect();
        assert_eq!((opens(&shelf), shelf.kept().blobs.len()), (2, 1));
        assert!(parts.iter().all(|part| shelf.get(part).is_some()));
        assert!(shelf.get(&part(4, 2)).is_none());
        drop(opened);
        shelf.forget(&hash(1));
        assert!(shelf.get(&part(0, 2)).is_none());
    }

    #[test]
    fn what_nobody_sends_is_closed_after_a_minute() {
        let shelf = Shelf::new(Disk::default());
        let sending = shelf.open(&whole(1, 5)).unwrap();
        shelf.open(&whole(2, 5)).unwrap();
        shelf.tidy(Now(0));
        shelf.tidy(Now(59_999));
        assert_eq!(shelf.kept().blobs.len(), 2);
        shelf.tidy(Now(60_000));
        assert!(shelf.get(&whole(1, 5)).is_some() && shelf.get(&whole(2, 5)).is_none());
        drop(sending);
        shelf.tidy(Now(70_000));
        shelf.tidy(Now(130_000));
        assert!(shelf.kept().blobs.is_empty());
    }
}
