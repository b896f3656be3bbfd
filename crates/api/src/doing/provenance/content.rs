//! The bytes that were kept, to be checked by sums and signatures.
//!
//! In: what the source was, the store. Out: its hashes, who signed it. Never: something believed of the
//! file at the path that is not true of what was kept: the file may have been changed meanwhile.

use super::open_plain;
use library::import::Origin;
use library::{BlobFile, Blobs};
use sha2::{Digest, Sha256, Sha512};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use trust::{Digests, Keyring, Signed, TrustError};

/// What was kept, and where it was kept from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content<'a> {
    pub origin: &'a Origin,
    pub path: &'a Path,
    pub blobs: &'a Blobs,
}

impl Content<'_> {
    /// Its hashes; that of 512 bits only if it is known already or wanted.
    pub(super) fn digests(&self, wants_512: bool) -> io::Result<Digests> {
        match self.origin {
            Origin::Folder => Ok(Digests::default()),
            Origin::Packed { sha256, sha512 } => {
                Ok(Digests { sha256: Some(*sha256), sha512: Some(*sha512) })
            }
            Origin::Whole(hash) => {
                let sha512 = match wants_512 {
                    true => Some(self.sha512(hash)?),
                    false => None,
                };
                Ok(Digests { sha256: Some(hash.0), sha512 })
            }
        }
    }

    fn sha512(&self, hash: &model::Hash) -> io::Result<[u8; 64]> {
        let mut blob = Blob::open(self.blobs, hash)?;
        let mut hasher = Sha512::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let got = blob.read(&mut buffer)?;
            let Some(part) = buffer.get(..got).filter(|part| !part.is_empty()) else { break };
            hasher.update(part);
        }
        Ok(hasher.finalize().into())
    }

    /// Who of a keyring signed it.
    pub(super) fn signed_by(
        &self,
        ring: &Keyring,
        signature: &[u8],
        now_s: u64,
    ) -> Result<Signed, TrustError> {
        match self.origin {
            Origin::Folder => Err(io::Error::other("a folder has no signature").into()),
            Origin::Whole(hash) => {
                let mut blob = Blob::open(self.blobs, hash)?;
                ring.check_detached(signature, &mut blob, now_s)
            }
            Origin::Packed { sha256, .. } => {
                // Its own bytes were not kept: those that are read now must be the same.
                let mut file = Hashed { file: open_plain(self.path)?, hasher: Sha256::new() };
                let signed = ring.check_detached(signature, &mut file, now_s)?;
                let read: [u8; 32] = file.hasher.finalize().into();
                if read != *sha256 {
                    return Err(io::Error::other("it was changed during the import").into());
                }
                Ok(signed)
            }
        }
    }
}

/// A blob, read from its start to its end.
struct Blob {
    blob: BlobFile,
    at: u64,
}

impl Blob {
    fn open(blobs: &Blobs, hash: &model::Hash) -> io::Result<Self> {
        Ok(Self { blob: blobs.open(hash).map_err(io::Error::other)?, at: 0 })
    }
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.blob.read_at(buffer, self.at)?;
        self.at = self.at.saturating_add(got as u64);
        Ok(got)
    }
}

impl Seek for Blob {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.blob.size().checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// A file that is hashed each time it is read from its start.
struct Hashed {
    file: File,
    hasher: Sha256,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read(buffer)?;
        self.hasher.update(buffer.get(..got).unwrap_or_default());
        Ok(got)
    }
}

impl Seek for Hashed {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        // Only a reading from the start to the end hashes to what the file is.
        self.hasher = Sha256::new();
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Hash;

    #[test]
    fn hashes_are_of_what_was_kept_and_not_of_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open_at(folder.path()).unwrap();
        let (hash, _) = blobs.add(&mut &b"kept"[..], &mut |_| true).unwrap();
        let path = folder.path().join("image");
        std::fs::write(&path, "put there later").unwrap();
        let content = |origin| Content { origin, path: &path, blobs: &blobs };
        let digests = content(&Origin::Whole(hash)).digests(true).unwrap();
        assert_eq!(digests.sha256, Some(Sha256::digest(b"kept").into()));
        assert_eq!(digests.sha512, Some(Sha512::digest(b"kept").into()));
        let mut blob = Blob::open(&blobs, &Hash(digests.sha256.unwrap())).unwrap();
        let mut read = String::new();
        for _ in 0..2 {
            blob.rewind().unwrap();
            blob.read_to_string(&mut read).unwrap();
        }
        assert_eq!(read, "keptkept");
    }
}
