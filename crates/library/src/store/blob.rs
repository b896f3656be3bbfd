//! A blob, opened: read at any place by many at once, and never an unchecked byte of it.
//!
//! ```text
//! on disk ──read, hash, compare──▶ checked, in memory ──▶ read_now, stretches of the file
//!    ▲                                    │
//!    └── gone from memory, or touched ────┘
//! ```
//!
//! In: places in it. Out: its bytes, or that its chunk has to be checked first, or that it is damaged.
//! Never: a lock on the way of bytes that were checked. A file system that cannot say what is in
//! memory is believed: there a chunk stays checked until its file is touched. What is known of a file
//! is shared by all who have it open (`shared`).
//!
//! A limit is left. The system does not say when a page goes and comes back. If another program lets
//! pages of a checked chunk go and reads them again itself, and the disk gives other bytes then, they
//! count as checked until somebody meets an absent page of the chunk, or the next scrub reads it.

use super::digests::{CHUNK_BYTES, Chunks};
use super::error::{Damage, Wrong};
use super::place::Place;
use super::shared::{Shared, State};
use model::Hash;
use rustix::io::{Errno, ReadWriteFlags};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// Bytes of a chunk that are read at once while it is checked.
const PIECE: usize = 128 * 1024;
/// How often a file may be touched while it is checked again.
const TOUCHED_MAX: usize = 4;

/// A blob, opened. Reading takes a place, so that many may share it.
#[derive(Debug)]
pub struct BlobFile {
    file: File,
    opened: State,
    hash: Hash,
    path: PathBuf,
    chunks: Chunks,
    /// What all who have this file open know of it.
    shared: Arc<Shared>,
    place: Arc<Place>,
}

impl BlobFile {
    pub(crate) fn new(
        place: Arc<Place>,
        (file, path): (File, PathBuf),
        (opened, shared): (State, Arc<Shared>),
        chunks: Chunks,
    ) -> Self {
        // What comes into memory is what was asked for, and nothing that follows it unchecked.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Random);
        let hash = chunks.blob;
        Self { file, opened, hash, path, chunks, shared, place }
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.opened.size
    }

    /// Its name.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Fills `buffer` with what stands at `offset`; an error if the blob ends before, or if a chunk
    /// is not what it was (see [`super::damage_of`]). May wait for a disk: what is not in memory, or was
    /// not checked since it came there, is read whole and checked.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let (mut rest, mut at) = (buffer, offset);
        while !rest.is_empty() {
            let (begins, length) = self.chunks.span(at / CHUNK_BYTES);
            let left = begins.saturating_add(length).saturating_sub(at);
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
            if most == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let (now, later) = rest.split_at_mut(most);
            self.read_in_chunk(now, at)?;
            rest = later;
            at = at.saturating_add(most as u64);
        }
        Ok(())
    }

    /// Reads what there is at `offset`, perhaps less than `buffer` holds; 0 at the end.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self.size().saturating_sub(offset);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let room = buffer.get_mut(..most).unwrap_or_default();
        self.read_exact_at(room, offset)?;
        Ok(most)
    }

    /// Reads as [`Self::read_at`] does what is in memory and was checked since it came there, and
    /// never waits for a disk: `WouldBlock` if it would have to.
    pub fn read_now(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.shared.sound()?;
        let most = self.checked(offset);
        if most == 0 && offset < self.size() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(buffer.len());
        let room = buffer.get_mut(..most).unwrap_or_default();
        match read_in_memory(&self.file, room, offset) {
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {
                self.shared.marks.clear(offset / CHUNK_BYTES);
                Err(cause)
            }
            read => read,
        }
    }

    /// How many bytes from `offset` on, to the end of its chunk, were checked since they came into
    /// memory, as far as is known.
    pub fn checked(&self, offset: u64) -> u64 {
        let chunk = offset / CHUNK_BYTES;
        if !self.shared.marks.is_set(chunk) || self.shared.sound().is_err() {
            return 0;
        }
        let (begins, length) = self.chunks.span(chunk);
        begins.saturating_add(length).saturating_sub(offset)
    }

    /// How many bytes of the file may leave it as they are from `offset` on, at most `most`: they were
    /// checked since they came into memory, as far as is known. Whether they are there still is not
    /// looked at: whoever sends them says so if they were not ([`Self::came_from_disk`]).
    pub fn leaving(&self, offset: u64, most: u64) -> u64 {
        let end = offset.saturating_add(most);
        let mut at = offset;
        while at < end {
            match self.checked(at) {
                0 => break,
                left => at = at.saturating_add(left),
            }
        }
        at.min(end).saturating_sub(offset)
    }

    /// The kernel had to fetch some of these bytes from the disk while it sent them, so nobody has
    /// checked what left. Gives which doubt this is: before the last byte of a transfer leaves,
    /// [`Self::is_settled`] must say so of it, and [`Self::check_again`] sees to that.
    pub fn came_from_disk(&self, offset: u64, length: u64) -> u64 {
        let last = offset.saturating_add(length.saturating_sub(1));
        let last = last.min(self.size().saturating_sub(1));
        self.shared.doubt(offset / CHUNK_BYTES..=last / CHUNK_BYTES)
    }

    /// Whether everything up to a doubt was checked again. 0 is no doubt.
    pub fn is_settled(&self, doubt: u64) -> bool {
        self.shared.is_settled(doubt)
    }

    /// Whether all from `from` to `to` was checked, seems to be in memory, and its file was not
    /// touched. An error if that is not in the blob at all, or if it has changed.
    pub fn is_ready(&self, from: u64, to: u64) -> io::Result<bool> {
        if to > self.size() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match self.still_whole() {
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            whole => whole?,
        }
        let last = to.saturating_sub(1);
        let mut at = from;
        while at < to {
            let left = self.checked(at);
            if left == 0 {
                return Ok(false);
            }
            at = at.saturating_add(left);
        }
        let mut places = [from, from.midpoint(last), last].into_iter();
        let gone = places.find(|at| from < to && !is_in_memory(&self.file, *at));
        if let Some(gone) = gone {
            self.shared.marks.clear(gone / CHUNK_BYTES);
        }
        Ok(gone.is_none())
    }

    /// An error if somebody wrote to the file or cut it since it was opened, or if it was found
    /// damaged. `WouldBlock`: it was touched in a way that may be harmless, as when its image is
    /// removed; [`Self::check_again`] says more.
    pub fn still_whole(&self) -> io::Result<()> {
        let hash = self.hash.short();
        self.shared.sound()?;
        let now = State::of(&self.file)?;
        if now.size < self.opened.size {
            return Err(cut_short());
        }
        if (now.size, now.written) != (self.opened.size, self.opened.written) {
            return Err(io::Error::other(format!(
                "blob {hash} was changed behind the server's back while it was being read; check the \
                 disk, and import its image again"
            )));
        }
        if now.touched != self.shared.sure.load(Ordering::Acquire) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(())
    }

    /// Makes sure of what was read so far: if the file was touched meanwhile, each chunk that was ever
    /// given out is checked again, and in any case those that came from the disk while they left.
    /// What could not be checked is still owed afterwards. May wait for a disk.
    pub fn check_again(&self) -> io::Result<()> {
        let would_block = |cause: &io::Error| cause.kind() == io::ErrorKind::WouldBlock;
        let whole = self.still_whole();
        if !whole.as_ref().is_err_and(would_block) && self.shared.is_all_settled() {
            return whole;
        }
        let _alone = self.shared.again.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.settle(|chunk| self.check(chunk, &mut [], 0))?;
        for _ in 0..TOUCHED_MAX {
            match self.still_whole() {
                Err(cause) if would_block(&cause) => {}
                sure => return sure,
            }
            let before = State::of(&self.file)?.touched;
            self.shared.marks.clear_all();
            for chunk in self.shared.given.all() {
                self.check(chunk, &mut [], 0)?;
            }
            if State::of(&self.file)?.touched == before {
                self.shared.sure.store(before, Ordering::Release);
            }
        }
        let hash = self.hash.short();
        Err(io::Error::other(format!("somebody keeps touching the file of blob {hash}")))
    }

    /// The open file, for who sends it by other means, as far as [`Self::leaving`] allows.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Reads a part of one chunk.
    fn read_in_chunk(&self, part: &mut [u8], offset: u64) -> io::Result<()> {
        self.shared.sound()?;
        let chunk = offset / CHUNK_BYTES;
        if self.shared.marks.is_set(chunk) {
            let mut got = 0;
            while let Some(rest) = part.get_mut(got..).filter(|rest| !rest.is_empty()) {
                match read_in_memory(&self.file, rest, offset.saturating_add(got as u64)) {
                    Ok(0) => return Err(cut_short()),
                    Ok(more) => got += more,
                    Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => break,
                    Err(cause) => return Err(cause),
                }
            }
            if got == part.len() {
                return Ok(());
            }
            self.shared.marks.clear(chunk);
        }
        self.check(chunk, part, offset)
    }

    /// Reads a chunk, and marks it if it is what it was. `part` gets what stands at `offset`; the
    /// very bytes that were hashed.
    fn check(&self, chunk: u64, part: &mut [u8], offset: u64) -> io::Result<()> {
        let (begins, length) = self.chunks.span(chunk);
        // All of it at once from the disk, while its beginning is hashed.
        let advice = rustix::fs::Advice::WillNeed;
        let _ = rustix::fs::fadvise(&self.file, begins, NonZeroU64::new(length), advice);
        let (mut hasher, mut piece) = (Sha256::new(), vec![0; PIECE]);
        let (mut at, end) = (begins, begins.saturating_add(length));
        while at < end {
            let most = usize::try_from(end - at).unwrap_or(usize::MAX).min(PIECE);
            let room = piece.get_mut(..most).unwrap_or_default();
            self.file.read_exact_at(room, at).map_err(|cause| match cause.kind() {
                io::ErrorKind::UnexpectedEof => cut_short(),
                _ => cause,
            })?;
            hasher.update(&*room);
            copy_overlap((room, at), (part, offset));
            at = at.saturating_add(most as u64);
        }
        let found = Hash(hasher.finalize().into());
        if self.chunks.get(chunk) == Some(found) {
            self.shared.checked(chunk);
            return Ok(());
        }
        let what = Wrong::Chunk { chunk, offset: begins, length, found };
        let damage = Damage { hash: self.hash, path: self.path.clone(), what };
        self.place.quarantine((&self.file, &self.shared), &damage);
        Err(io::Error::other(damage))
    }
}

fn cut_short() -> io::Error {
    let text = "it is shorter in the image store than it should be";
    io::Error::new(io::ErrorKind::UnexpectedEof, text)
}

/// Copies what two ranges have in common.
fn copy_overlap((from, from_at): (&[u8], u64), (to, to_at): (&mut [u8], u64)) {
    let begins = from_at.max(to_at);
    let ends = from_at.saturating_add(from.len() as u64).min(to_at.saturating_add(to.len() as u64));
    let place = |base: u64, at: u64| usize::try_from(at.saturating_sub(base)).unwrap_or(usize::MAX);
    if begins >= ends {
        return;
    }
    let source = from.get(place(from_at, begins)..place(from_at, ends));
    let target = to.get_mut(place(to_at, begins)..place(to_at, ends));
    if let (Some(source), Some(target)) = (source, target) {
        target.copy_from_slice(source);
    }
}

/// Reads what the system has in memory; `WouldBlock` if that is nothing. Where a file system cannot
/// tell, it is read all the same.
fn read_in_memory(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut parts = [io::IoSliceMut::new(buffer)];
    match rustix::io::preadv2(file, &mut parts, offset, ReadWriteFlags::NOWAIT) {
        Ok(length) => Ok(length),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => file.read_at(buffer, offset),
        Err(other) => Err(other.into()),
    }
}

/// Whether the page with this byte is in memory.
pub(crate) fn is_in_memory(file: &File, offset: u64) -> bool {
    matches!(read_in_memory(file, &mut [0], offset), Ok(1..))
}
