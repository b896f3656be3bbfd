//! The bytes of a file, whether written just now or kept in the store.
//!
//! In: what was opened. Out: ranges of it, read off the runtime's threads.
//! Never: a path.

use crate::owner::Blob;
use crate::part::Part;
use std::io;
use std::sync::Arc;

/// An opened file.
pub(crate) enum Source<B> {
    /// Written just now.
    Text(Arc<[u8]>),
    /// Kept in the store.
    Blob(Part<B>),
}

impl<B> Clone for Source<B> {
    fn clone(&self) -> Self {
        match self {
            Self::Text(text) => Self::Text(Arc::clone(text)),
            Self::Blob(blob) => Self::Blob(blob.clone()),
        }
    }
}

impl<B: Blob> Source<B> {
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Blob(blob) => blob.size(),
        }
    }

    /// Reads a range that lies in the file. May wait for a disk.
    pub(crate) fn read(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        match self {
            Self::Text(text) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                let range = from..from.saturating_add(length);
                text.get(range).map(<[u8]>::to_vec).ok_or(io::ErrorKind::UnexpectedEof.into())
            }
            Self::Blob(blob) => {
                let mut piece = vec![0; length];
                blob.read_exact_at(&mut piece, offset)?;
                Ok(piece)
            }
        }
    }

    /// Reads a range without holding up the runtime.
    pub(crate) async fn read_off(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        if let Self::Text(_) = self {
            return self.read(offset, length);
        }
        let own = self.clone();
        off_the_runtime(move || own.read(offset, length)).await
    }
}

/// Runs what may wait for a disk where that is allowed.
pub(crate) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(ended) => Err(io::Error::other(ended)),
    }
}
