//! Blobs that are open, shared by all who send them.
//!
//! In: hashes. Out: opened blobs. Never: more of them than [`OPENED_MAX`].

use crate::owner::{Blob, Bytes};
use model::Hash;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Blobs kept open. Those in use beyond that are open all the same, until they have been sent.
const OPENED_MAX: usize = 64;

/// The opened blobs, the one used last in front.
pub(super) struct Shelf<B: Bytes> {
    bytes: B,
    opened: Mutex<Opened<B::Blob>>,
}

type Opened<B> = VecDeque<(Hash, Arc<B>)>;

impl<B: Bytes> Shelf<B> {
    pub(super) fn new(bytes: B) -> Self {
        Self { bytes, opened: Mutex::default() }
    }

    fn opened(&self) -> MutexGuard<'_, Opened<B::Blob>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A blob, if it is open. Never waits.
    pub(super) fn get(&self, sha256: &Hash) -> Option<Arc<B::Blob>> {
        let mut opened = self.opened();
        let at = opened.iter().position(|(hash, _)| hash == sha256)?;
        if at > 0 {
            let found = opened.remove(at)?;
            opened.push_front(found);
        }
        opened.front().map(|(_, blob)| Arc::clone(blob))
    }

    /// A blob of this size. May wait for a disk.
    pub(super) fn open(&self, sha256: &Hash, size: u64) -> io::Result<Arc<B::Blob>> {
        let blob = match self.get(sha256) {
            Some(blob) => blob,
            None => Arc::new(self.bytes.open(sha256)?),
        };
        if blob.size() != size {
            let text = format!("{sha256} has {} bytes in the store, not {size}", blob.size());
            return Err(io::Error::other(text));
        }
        let mut opened = self.opened();
        if !opened.iter().any(|(hash, _)| hash == sha256) {
            opened.push_front((*sha256, Arc::clone(&blob)));
            opened.truncate(OPENED_MAX);
        }
        Ok(blob)
    }

    /// Whoever comes next opens it anew.
    pub(super) fn forget(&self, sha256: &Hash) {
        self.opened().retain(|(hash, _)| hash != sha256);
    }
}
