//! What the source of an import was, as it was read while its bytes were kept.
//!
//! In: a stream while it is unpacked. Out: its hashes. Never: a second reading of the path, where other
//! bytes may stand by then.

use model::Hash;
use sha2::{Digest, Sha256, Sha512};
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read};

/// What the source was.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Origin {
    /// A folder: its files are what was kept.
    #[default]
    Folder,
    /// One file, and this blob is all of it.
    Whole(Hash),
    /// One file that was unpacked on its way and not kept itself.
    Packed {
        /// SHA-256 of all its bytes.
        sha256: [u8; 32],
        /// SHA-512 of all its bytes.
        sha512: [u8; 64],
    },
}

/// A file that is hashed as it is read.
pub(super) struct Hashing<'a> {
    file: &'a File,
    sums: RefCell<(Sha256, Sha512, u64)>,
}

impl<'a> Hashing<'a> {
    pub(super) fn new(file: &'a File) -> Self {
        Self { file, sums: RefCell::new((Sha256::new(), Sha512::new(), 0)) }
    }

    /// Bytes read so far.
    pub(super) fn done(&self) -> u64 {
        self.sums.borrow().2
    }

    /// Reads what is behind the end of the archive too, and says what the file was.
    pub(super) fn origin(&self) -> io::Result<Origin> {
        let mut rest = vec![0; 1 << 18];
        loop {
            match (&*self).read(&mut rest) {
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) => break,
                read => drop(read?),
            }
        }
        let (of_256, of_512, _) = self.sums.borrow().clone();
        let (sha256, sha512) = (of_256.finalize().into(), of_512.finalize().into());
        Ok(Origin::Packed { sha256, sha512 })
    }
}

impl Read for &Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = (&mut &*self.file).read(buffer)?;
        let bytes = buffer.get(..got).unwrap_or_default();
        let mut sums = self.sums.borrow_mut();
        sums.0.update(bytes);
        sums.1.update(bytes);
        sums.2 += got as u64;
        Ok(got)
    }
}
