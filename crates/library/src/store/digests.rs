//! The hashes of a blob: of all its bytes, and of each chunk of it.
//!
//! In: bytes, in order. Out: SHA-256 of them all and of each MiB; the file that keeps the latter
//! beside the blob. Never: a file, a blob's bytes kept.
//!
//! ```text
//! "BWchunks" version:u32 chunk_bytes:u32 size:u64 count:u64 blob:[u8;32] chunk:[u8;32]… sum:[u8;32]
//! ```
//!
//! Numbers are little-endian; `sum` is the SHA-256 of everything before it.

use model::Hash;
use sha2::{Digest, Sha256};

/// Bytes of a chunk; the last one of a blob may have fewer.
pub const CHUNK_BYTES: u64 = 1 << 20;
/// Chunks of a blob: 2 TiB. Their hashes are 64 MiB, which is what an open blob may cost at most.
pub(crate) const CHUNKS_MAX: u64 = 1 << 21;

const MAGIC: &[u8; 8] = b"BWchunks";
const VERSION: u32 = 1;
/// Magic, version, bytes of a chunk, size, count, blob.
const HEAD_BYTES: usize = 8 + 4 + 4 + 8 + 8 + 32;
const HASH_BYTES: usize = 32;

/// How many chunks so many bytes make.
pub(crate) fn chunks_of(size: u64) -> u64 {
    size.div_ceil(CHUNK_BYTES)
}

/// Hashes bytes as they come.
#[derive(Debug, Default)]
pub(crate) struct Digests {
    whole: Sha256,
    chunk: Sha256,
    size: u64,
    chunks: Vec<Hash>,
}

impl Digests {
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = CHUNK_BYTES - self.size % CHUNK_BYTES;
            let most = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
            let (now, later) = bytes.split_at(most);
            self.whole.update(now);
            // The first chunk is what there is of the whole: it need not be hashed twice.
            if self.size >= CHUNK_BYTES {
                self.chunk.update(now);
            }
            self.size += now.len() as u64;
            if self.size.is_multiple_of(CHUNK_BYTES) {
                self.end_chunk();
            }
            bytes = later;
        }
    }

    fn end_chunk(&mut self) {
        let hash = match self.chunks.is_empty() {
            true => self.whole.clone().finalize(),
            false => self.chunk.finalize_reset(),
        };
        self.chunks.push(Hash(hash.into()));
    }

    /// The name of the blob, and its chunks.
    pub(crate) fn finish(mut self) -> (Hash, Chunks) {
        if !self.size.is_multiple_of(CHUNK_BYTES) {
            self.end_chunk();
        }
        let blob = Hash(self.whole.finalize().into());
        (blob, Chunks { blob, size: self.size, hashes: self.chunks })
    }
}

/// What the chunks of a blob hash to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Chunks {
    pub(crate) blob: Hash,
    pub(crate) size: u64,
    hashes: Vec<Hash>,
}

impl Chunks {
    /// Those of a blob that is a chunk of its own, or less.
    pub(crate) fn single(blob: Hash, size: u64) -> Self {
        let hashes = if size == 0 { Vec::new() } else { vec![blob] };
        Self { blob, size, hashes }
    }

    /// Whether they are worth a file of their own.
    pub(crate) fn need_a_file(&self) -> bool {
        self.size > CHUNK_BYTES
    }

    pub(crate) fn get(&self, chunk: u64) -> Option<Hash> {
        self.hashes.get(usize::try_from(chunk).ok()?).copied()
    }

    pub(crate) fn count(&self) -> u64 {
        self.hashes.len() as u64
    }

    /// Where a chunk begins, and its bytes.
    pub(crate) fn span(&self, chunk: u64) -> (u64, u64) {
        let offset = chunk.saturating_mul(CHUNK_BYTES).min(self.size);
        (offset, CHUNK_BYTES.min(self.size - offset))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + (self.hashes.len() + 1) * HASH_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(u32::try_from(CHUNK_BYTES).unwrap_or(0).to_le_bytes());
        bytes.extend(self.size.to_le_bytes());
        bytes.extend(self.count().to_le_bytes());
        bytes.extend(self.blob.0);
        for hash in &self.hashes {
            bytes.extend(hash.0);
        }
        let sum = Sha256::digest(&bytes);
        bytes.extend(sum);
        bytes
    }

    /// How long the file is at most that may be read for a blob.
    pub(crate) fn encoded_bytes_max() -> u64 {
        (HEAD_BYTES + HASH_BYTES) as u64 + CHUNKS_MAX * HASH_BYTES as u64
    }

    /// Reads what [`Self::encode`] wrote for this blob; none if it is anything else.
    pub(crate) fn decode(bytes: &[u8], blob: Hash) -> Option<Self> {
        let (content, sum) = bytes.split_last_chunk::<HASH_BYTES>()?;
        if Sha256::digest(content).as_slice() != sum {
            return None;
        }
        let (magic, rest) = content.split_first_chunk::<8>()?;
        let (version, rest) = rest.split_first_chunk::<4>()?;
        let (chunk_bytes, rest) = rest.split_first_chunk::<4>()?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first_chunk::<8>()?;
        let (named, rest) = rest.split_first_chunk::<HASH_BYTES>()?;
        let (size, count) = (u64::from_le_bytes(*size), u64::from_le_bytes(*count));
        let (hashes, over) = rest.as_chunks::<HASH_BYTES>();
        let known = magic == MAGIC
            && u32::from_le_bytes(*version) == VERSION
            && u64::from(u32::from_le_bytes(*chunk_bytes)) == CHUNK_BYTES
            && *named == blob.0
            && over.is_empty()
            && count == hashes.len() as u64
            && count == chunks_of(size);
        known.then(|| Self { blob, size, hashes: hashes.iter().copied().map(Hash).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(bytes: &[u8], step: usize) -> (Hash, Chunks) {
        let mut digests = Digests::default();
        bytes.chunks(step).for_each(|part| digests.update(part));
        digests.finish()
    }

    #[test]
    fn chunks_are_hashed_alike_however_the_bytes_come() {
        let mib = 1 << 20;
        let bytes: Vec<u8> = (0..3 * mib + 5).map(|n: usize| (n / 7) as u8).collect();
        for length in [0, 1, mib - 1, mib, mib + 1, 2 * mib, bytes.len()] {
            let bytes = &bytes[..length];
            let plain: Vec<Hash> =
                bytes.chunks(mib).map(|chunk| Hash(Sha256::digest(chunk).into())).collect();
            for step in [mib, 1000, 3 * mib, mib - 1] {
                let (whole, chunks) = digests(bytes, step);
                assert_eq!(whole, Hash(Sha256::digest(bytes).into()), "{length} by {step}");
                assert_eq!(chunks.hashes, plain, "{length} by {step}");
                assert_eq!(chunks.size, length as u64);
            }
        }
    }

    #[test]
    fn the_file_is_read_back_and_any_change_of_it_is_seen() {
        let (blob, chunks) = digests(&vec![7; (5 << 20) + 1], 1 << 20);
        let bytes = chunks.encode();
        assert_eq!(bytes.len(), HEAD_BYTES + 7 * HASH_BYTES);
        assert_eq!(Chunks::decode(&bytes, blob), Some(chunks));
        assert_eq!(Chunks::decode(&bytes, Hash([0; 32])), None, "of another blob");
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 0x10;
            assert_eq!(Chunks::decode(&wrong, blob), None, "byte {at}");
            assert_eq!(Chunks::decode(&bytes[..at], blob), None, "{at} bytes");
        }
    }

    #[test]
    fn a_file_that_is_sound_in_itself_and_says_something_impossible_is_none() {
        let (blob, chunks) = digests(&vec![7; 5 << 20], 1 << 20);
        let signed = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = chunks.encode();
            bytes.truncate(bytes.len() - HASH_BYTES);
            change(&mut bytes);
            let sum = Sha256::digest(&bytes);
            bytes.extend(sum);
            Chunks::decode(&bytes, blob)
        };
        assert_eq!(signed(&|_| {}), Some(chunks.clone()));
        assert_eq!(signed(&|bytes| bytes[8] = 2), None, "another version");
        assert_eq!(signed(&|bytes| bytes[13] = 1), None, "other chunks");
        assert_eq!(signed(&|bytes| bytes[18] = 0xff), None, "another size");
        assert_eq!(signed(&|bytes| bytes[24..32].fill(0xff)), None, "another count");
        assert_eq!(signed(&|bytes| bytes.truncate(bytes.len() - HASH_BYTES)), None, "one less");
        assert_eq!(signed(&|bytes| bytes.extend([0; HASH_BYTES])), None, "one more");
    }
}
