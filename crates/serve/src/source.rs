//! The bytes of a file, whether written just now or kept in the store.
//!
//! In: what the owner found. Out: ranges of it, read in large pieces off the runtime's threads.
//! Never: a path.

use crate::owner::{Blob, Bytes};
use engine::Served;
use std::io;
use std::sync::Arc;

/// So much is read at once.
pub(crate) const PIECE: u64 = 256 * 1024;

/// An opened file.
pub(crate) enum Source<B> {
    /// Written just now.
    Text(Arc<[u8]>),
    /// Kept in the store.
    Blob(Arc<B>),
}

impl<B> Clone for Source<B> {
    fn clone(&self) -> Self {
        match self {
            Self::Text(text) => Self::Text(Arc::clone(text)),
            Self::Blob(blob) => Self::Blob(Arc::clone(blob)),
        }
    }
}

impl<B: Blob> Source<B> {
    /// Opens what was found. The size that was promised must be the size that is there.
    pub(crate) async fn open<S: Bytes<Blob = B>>(bytes: &S, what: Served) -> io::Result<Self> {
        let (sha256, size) = match what {
            Served::Text(text) => return Ok(Self::Text(text.into_bytes().into())),
            Served::Blob { sha256, size } => (sha256, size),
        };
        let bytes = bytes.clone();
        let blob = off_the_runtime(move || bytes.open(&sha256)).await?;
        if blob.size() != size {
            let text = format!("{sha256} has {} bytes in the store, not {size}", blob.size());
            return Err(io::Error::other(text));
        }
        Ok(Self::Blob(Arc::new(blob)))
    }

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
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(ended) => Err(io::Error::other(ended)),
    }
}

/// Reads blocks out of large pieces, so that a block is not a system call. Two pieces are kept:
/// a window that is sent again may begin in the one before.
pub(crate) struct Pieces<B> {
    source: Source<B>,
    kept: [Piece; 2],
}

#[derive(Default)]
struct Piece {
    from: u64,
    bytes: Vec<u8>,
}

impl Piece {
    fn get(&self, offset: u64, length: usize) -> Option<&[u8]> {
        let from = usize::try_from(offset.checked_sub(self.from)?).ok()?;
        self.bytes.get(from..from.checked_add(length)?)
    }
}

impl<B: Blob> Pieces<B> {
    pub(crate) fn new(source: Source<B>) -> Self {
        Self { source, kept: [Piece::default(), Piece::default()] }
    }

    /// Appends a range of the file to `out`.
    pub(crate) async fn append(
        &mut self,
        out: &mut Vec<u8>,
        offset: u64,
        length: usize,
    ) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        if let Some(bytes) = self.kept.iter().find_map(|piece| piece.get(offset, length)) {
            out.extend_from_slice(bytes);
            return Ok(());
        }
        let left = self.source.size().saturating_sub(offset);
        let most = usize::try_from(left.min(PIECE)).unwrap_or(usize::MAX).max(length);
        let bytes = self.source.read_off(offset, most).await?;
        out.extend(bytes.iter().take(length));
        let [old, new] = &mut self.kept;
        std::mem::swap(old, new);
        *new = Piece { from: offset, bytes };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Counting(AtomicUsize);

    impl Blob for Counting {
        fn size(&self) -> u64 {
            1_000_003
        }
        fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
            self.0.fetch_add(1, Ordering::Relaxed);
            for (at, byte) in (offset..).zip(buffer) {
                *byte = (at % 251) as u8;
            }
            Ok(())
        }
        fn read_now(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }
        fn stretch(&self, _: u64) -> Option<crate::Stretch<'_>> {
            None
        }
        fn still_whole(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn blocks_are_read_in_large_pieces_and_a_window_again_from_what_is_kept() {
        let blob = Arc::new(Counting(AtomicUsize::new(0)));
        let mut pieces = Pieces::new(Source::Blob(Arc::clone(&blob)));
        let mut offset = 0;
        while offset < blob.size() {
            for back in [0, 64 * 1468] {
                let from = offset - back.min(offset) / 1468 * 1468;
                let length = usize::try_from((blob.size() - from).min(1468)).unwrap();
                let mut out = Vec::new();
                pieces.append(&mut out, from, length).await.unwrap();
                let expected: Vec<u8> =
                    (from..from + length as u64).map(|at| (at % 251) as u8).collect();
                assert_eq!(out, expected, "at {from}");
            }
            offset += 1468;
        }
        let reads = blob.0.load(Ordering::Relaxed);
        assert!(reads <= 6, "{reads} reads of 1 MB");
    }
}
