//! One blob, read from a place in it to its end, a chunk at a time.
//!
//! In: its hash, perhaps what its chunks hash to. Out: how far it came, or that it is damaged, which
//! then is in quarantine. Never: more than a chunk in a step; the memory of the system filled with
//! bytes that nobody asked for.

use super::digests::{CHUNK_BYTES, Chunks, Digests};
use super::error::{Damage, StoreError, Wrong};
use super::place::{Place, open_plain};
use super::shared::Shared;
use super::writing::read_some;
use model::Hash;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io;
use std::num::NonZeroU64;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

/// What reads past the system's memory begin, end and land at multiples of: no disk has larger blocks.
const BLOCK: usize = 4096;

/// Where the bytes are to come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum From {
    /// From memory, if they are there: they will be needed there.
    Anywhere,
    /// From the disk; what was not in memory before is not there afterwards.
    Disk,
}

/// A blob being read through.
#[derive(Debug)]
pub(crate) struct Pass {
    place: Arc<Place>,
    hash: Hash,
    path: PathBuf,
    file: File,
    /// The same file, read past the system's memory; none where that is refused.
    past: Option<File>,
    shared: Arc<Shared>,
    from: From,
    size: u64,
    at: u64,
    known: Option<Chunks>,
    sum: Sum,
    buffer: Vec<u8>,
}

/// What is made of all bytes.
#[derive(Debug)]
enum Sum {
    /// Nothing: it did not begin with the first.
    Nothing,
    Whole(Sha256),
    /// What is to be known of its chunks, too.
    Learning(Digests),
}

/// What came of a step.
#[derive(Debug)]
pub(crate) enum Stepped {
    /// It goes on.
    Read,
    /// It is sound; what its chunks hash to if that was not known.
    Sound(Option<Chunks>),
}

impl Pass {
    /// From a place in the blob on; from its beginning if nothing is known of its chunks.
    pub(crate) fn open(
        place: &Arc<Place>,
        hash: Hash,
        from: From,
        at: u64,
    ) -> Result<Self, StoreError> {
        let path = place.blob(&hash);
        let file = open_plain(&path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => StoreError::Missing { hash, path: path.clone() },
            _ => StoreError::read(&path, cause),
        })?;
        let said = place.known.of(hash, &file).map_err(|cause| StoreError::read(&path, cause))?;
        let (size, shared) = (said.0.size, said.1);
        let past = if from == From::Disk { open_past(&file) } else { None };
        let known = if size > CHUNK_BYTES { place.read_chunks(&hash) } else { None };
        let at = if known.is_some() { at - at % CHUNK_BYTES } else { 0 };
        let sum = match (&known, at) {
            (None, _) => Sum::Learning(Digests::default()),
            (Some(_), 0) => Sum::Whole(Sha256::new()),
            (Some(_), _) => Sum::Nothing,
        };
        let buffer = Vec::new();
        let place = Arc::clone(place);
        let pass =
            Self { place, hash, path, file, past, shared, from, size, at, known, sum, buffer };
        match pass.known.as_ref().map(|known| known.size).filter(|kept| *kept != size) {
            Some(kept) => Err(pass.damaged(Wrong::Length { kept, found: size })),
            None => Ok(pass),
        }
    }

    /// Its name.
    pub(crate) fn hash(&self) -> Hash {
        self.hash
    }

    /// What it reads.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// How far it is.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// Reads the next chunk, or says how it was if there is none.
    pub(crate) fn step(&mut self) -> Result<Stepped, StoreError> {
        let wanted = CHUNK_BYTES.min(self.size.saturating_sub(self.at));
        if wanted == 0 {
            return self.end();
        }
        let from = self.at;
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = self.read(&mut buffer, wanted).map_err(|e| StoreError::read(&self.path, e))?;
        match &mut self.sum {
            Sum::Nothing => {}
            Sum::Whole(sum) => sum.update(&buffer),
            Sum::Learning(digests) => digests.update(&buffer),
        }
        let chunk = from / CHUNK_BYTES;
        let expected = self.known.as_ref().and_then(|known| known.get(chunk));
        let found = expected.map(|_| Hash(Sha256::digest(&buffer).into()));
        self.buffer = buffer;
        self.at = from.saturating_add(read);
        if read < wanted {
            return Err(self.damaged(Wrong::Length { kept: self.size, found: self.at }));
        }
        match found.filter(|found| Some(*found) != expected) {
            None => Ok(Stepped::Read),
            Some(found) => {
                Err(self.damaged(Wrong::Chunk { chunk, offset: from, length: read, found }))
            }
        }
    }

    /// Fills the buffer with so many bytes, or as many as there are. Past the system's memory, if that
    /// can be: what others rely on there is left alone.
    fn read(&mut self, buffer: &mut Vec<u8>, wanted: u64) -> io::Result<u64> {
        if let Some(past) = &self.past {
            match read_past(past, buffer, self.at, wanted) {
                Ok(got) => return Ok(got),
                // Not here, then, or a disk that is asked again below.
                Err(_) => self.past = None,
            }
        }
        let was_in_memory = self.from == From::Anywhere || self.is_in_memory(wanted);
        // What comes back is another matter than what was checked: whoever needs it checks it again.
        // Whoever does so while this reads has hashed what he gives, or hears of the damage from here.
        if self.from == From::Disk {
            self.shared.marks.clear(self.at / CHUNK_BYTES);
            self.drop_from_memory(true, wanted);
            self.shared.marks.clear(self.at / CHUNK_BYTES);
        }
        buffer.resize(usize::try_from(wanted).unwrap_or(0), 0);
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            let at = self.at.saturating_add(filled as u64);
            match read_some(&mut At(&self.file, at), room)? {
                0 => break,
                got => filled += got,
            }
        }
        buffer.truncate(filled);
        self.drop_from_memory(!was_in_memory, wanted);
        Ok(filled as u64)
    }

    fn is_in_memory(&self, wanted: u64) -> bool {
        let last = self.at.saturating_add(wanted).saturating_sub(1);
        [self.at, last].into_iter().all(|at| super::blob::is_in_memory(&self.file, at))
    }

    /// Only a hint: what somebody writes or maps stays.
    fn drop_from_memory(&self, wanted: bool, bytes: u64) {
        if wanted {
            let advice = rustix::fs::Advice::DontNeed;
            let _ = rustix::fs::fadvise(&self.file, self.at, NonZeroU64::new(bytes), advice);
        }
    }

    fn end(&mut self) -> Result<Stepped, StoreError> {
        let (found, learnt) = match std::mem::replace(&mut self.sum, Sum::Nothing) {
            Sum::Nothing => return Ok(Stepped::Sound(None)),
            Sum::Whole(sum) => (Hash(sum.finalize().into()), None),
            Sum::Learning(digests) => {
                let (found, chunks) = digests.finish();
                (found, Some(chunks))
            }
        };
        if found != self.hash {
            return Err(self.damaged(Wrong::Whole { found }));
        }
        if let Some(chunks) = learnt.as_ref().filter(|chunks| chunks.need_a_file()) {
            // Without it the blob is read whole when it is opened next.
            let _ = keep_chunks(&self.place, chunks);
        }
        Ok(Stepped::Sound(learnt))
    }

    fn damaged(&self, what: Wrong) -> StoreError {
        let damage = Damage { hash: self.hash, path: self.path.clone(), what };
        self.place.quarantine((&self.file, &self.shared), &damage);
        damage.into()
    }
}

/// The same file once more, for reads that go past the system's memory (open(2), O_DIRECT).
fn open_past(file: &File) -> Option<File> {
    let direct = rustix::fs::OFlags::DIRECT.bits().cast_signed();
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    OpenOptions::new().read(true).custom_flags(direct).open(path).ok()
}

/// Reads as much as there is of so many bytes, past the system's memory; an error if it comes in
/// pieces that no disk has.
fn read_past(file: &File, buffer: &mut Vec<u8>, at: u64, wanted: u64) -> io::Result<u64> {
    let wanted = usize::try_from(wanted).unwrap_or(0);
    let whole = wanted.next_multiple_of(BLOCK);
    buffer.clear();
    buffer.resize(whole.saturating_add(BLOCK), 0);
    let skip = buffer.as_ptr().align_offset(BLOCK);
    let mut filled = 0;
    while filled < wanted {
        if !filled.is_multiple_of(BLOCK) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let (from, to) = (skip.saturating_add(filled), skip.saturating_add(whole));
        let room = buffer.get_mut(from..to).unwrap_or_default();
        match read_some(&mut At(file, at.saturating_add(filled as u64)), room)? {
            0 => break,
            got => filled += got,
        }
    }
    let filled = filled.min(wanted);
    buffer.copy_within(skip..skip.saturating_add(filled), 0);
    buffer.truncate(filled);
    Ok(filled as u64)
}

/// Writes what the chunks of a blob hash to, beside it. Its folder is there, and is synced by others.
pub(crate) fn keep_chunks(place: &Place, chunks: &Chunks) -> Result<(), StoreError> {
    let mut file = place.temporary()?;
    file.write_all(&chunks.encode())?;
    file.publish(&place.chunks(&chunks.blob))
}

/// A file from a place on.
struct At<'a>(&'a File, u64);

impl io::Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self.0, buffer, self.1)
    }
}
