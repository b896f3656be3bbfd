//! The bytes of one transfer, read where they are in memory already.
//!
//! In: ranges of a file. Out: their bytes, or that they have to be fetched from a disk first.
//! Never: a wait.

use crate::owner::Blob;
use crate::part::Part;
use crate::source::Source;
use model::Hash;
use std::io;

/// Small windows are read from a piece of this size, so that a block is not a system call.
const AHEAD_BYTES: usize = 16 * 1024;

/// One file as one transfer reads it.
pub(super) struct Reading<B> {
    source: Source<B>,
    pub(super) sha256: Option<Hash>,
    /// A piece of the file, and where it begins.
    ahead: Vec<u8>,
    from: u64,
    /// Up to here it was fetched into memory lately.
    warmed: u64,
}

/// What has to be fetched.
pub(super) struct Cold<B> {
    pub(super) blob: Part<B>,
    pub(super) range: (u64, usize),
    /// What follows would help too.
    pub(super) warm: bool,
}

impl<B: Blob> Reading<B> {
    pub(super) fn new(source: Source<B>, sha256: Option<Hash>) -> Self {
        Self { source, sha256, ahead: Vec::new(), from: 0, warmed: 0 }
    }

    /// A range that lies in the file; `WouldBlock` if it has to be fetched. `once`: nothing is to
    /// be kept for the next range. `scratch` is as large as the range.
    pub(super) fn range<'a>(
        &'a mut self,
        (offset, length): (u64, usize),
        once: bool,
        scratch: &'a mut [u8],
    ) -> io::Result<&'a [u8]> {
        let eof = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let blob = match &self.source {
            Source::Text(text) => return part(text, offset, length).ok_or_else(eof),
            Source::Blob(blob) => blob,
        };
        let kept =
            offset.checked_sub(self.from).filter(|at| part(&self.ahead, *at, length).is_some());
        if let Some(at) = kept {
            return part(&self.ahead, at, length).ok_or_else(eof);
        }
        if once || length > AHEAD_BYTES / 2 {
            // Perhaps it is large, from a disk.
            self.ahead = Vec::new();
            let room = scratch.get_mut(..length).ok_or_else(eof)?;
            let got = read_some(blob, room, offset, length)?;
            return room.get(..got.min(length)).ok_or_else(eof);
        }
        let left = blob.size().saturating_sub(offset);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(AHEAD_BYTES);
        self.ahead.resize(most, 0);
        self.from = offset;
        match read_some(blob, &mut self.ahead, offset, length) {
            Ok(got) => self.ahead.truncate(got),
            Err(cause) => {
                self.ahead.clear();
                return Err(cause);
            }
        }
        self.ahead.get(..length).ok_or_else(eof)
    }

    /// What to fetch for a range that is not in memory.
    pub(super) fn cold(&mut self, (offset, length): (u64, usize)) -> Option<Cold<B>> {
        let Source::Blob(blob) = &self.source else { return None };
        let left = usize::try_from(blob.size().saturating_sub(offset)).unwrap_or(usize::MAX);
        let most = length.max(AHEAD_BYTES.min(left));
        // Where memory does not keep what is fetched, fetching more is in vain.
        let warm = offset >= self.warmed;
        if warm {
            self.warmed = offset + super::ask::WARM_BYTES;
        }
        Some(Cold { blob: blob.clone(), range: (offset, most), warm })
    }

    /// It was fetched.
    pub(super) fn fetched(&mut self, offset: u64, bytes: Vec<u8>) {
        self.from = offset;
        self.ahead = bytes;
    }

    /// An error if the file may not be any more what it was when it was opened.
    pub(super) fn still_whole(&self) -> io::Result<()> {
        match &self.source {
            Source::Text(_) => Ok(()),
            Source::Blob(blob) => blob.still_whole(),
        }
    }
}

fn part(bytes: &[u8], offset: u64, length: usize) -> Option<&[u8]> {
    let from = usize::try_from(offset).ok()?;
    bytes.get(from..from.checked_add(length)?)
}

/// Reads at least `least` bytes of what is in memory.
fn read_some<B: Blob>(blob: &B, room: &mut [u8], offset: u64, least: usize) -> io::Result<usize> {
    let mut got = 0;
    while got < least {
        let Some(rest) = room.get_mut(got..) else { break };
        match blob.read_now(rest, offset + got as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => got += more,
        }
    }
    Ok(got)
}
