//! Space that is set aside for the day on which the disk is full: enough for every renewal, because
//! a client whose renewal is met with silence loses its address though nobody else needs it.
//!
//! In: the place of the store. Out: a file full of zeros, or the log of the store made from it.
//! Never: a decision about who may use it (that is the engine's).
//!
//! The file becomes the log: SQLite takes zeros for an empty log and writes over them, and no other
//! program can take the space between. What renewals change lies in rows that are there, so the
//! store itself hardly grows. (A file system that copies on write needs space all the same.)

use super::schema::{sync_directory, with_ending};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// So much is set aside: twice what the log holds when it is moved into the store, so that this can
/// be moved and as much is left for a new log.
pub(crate) const RESERVE: u64 = 32 << 20;

/// `bootwright.db-wal`, as SQLite names it.
pub(crate) fn log_path(store: &Path) -> PathBuf {
    with_ending(store, "-wal")
}

/// `bootwright.db.reserve`.
pub(crate) fn path(store: &Path) -> PathBuf {
    with_ending(store, ".reserve")
}

/// Whether it is there in full.
pub(crate) fn is_there(store: &Path, size: u64) -> bool {
    path(store).metadata().is_ok_and(|file| file.len() >= size)
}

/// Sets it aside, unless it is there. An error is that of a disk that is still full.
pub(crate) fn set_aside(store: &Path, size: u64) -> io::Result<()> {
    if is_there(store, size) {
        return Ok(());
    }
    let partial = with_ending(store, ".reserve.partial");
    let made = fill(&partial, size).and_then(|()| {
        std::fs::rename(&partial, path(store))?;
        sync_directory(store)
    });
    if made.is_err() {
        // Half a reserve only takes space from those who need it.
        let _ = std::fs::remove_file(&partial);
    }
    made
}

/// Zeros, written and synced: a promise of a file system to have space is not always kept.
fn fill(at: &Path, size: u64) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(at)?;
    let zeros = [0; 1 << 16];
    let mut left = size;
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all(zeros.get(..part).unwrap_or(&zeros))?;
        left -= part as u64;
    }
    file.sync_all()
}

/// Makes it the log of the store, which must be closed. Before that `prepare` moves what is in the
/// log and lets the store grow, into half of the space. Says whether there was a reserve.
pub(crate) fn release(store: &Path, prepare: impl FnOnce()) -> io::Result<bool> {
    let (reserve, log) = (path(store), log_path(store));
    let size = match reserve.metadata() {
        Ok(file) => file.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    OpenOptions::new().write(true).open(&reserve)?.set_len(size / 2)?;
    prepare();
    match log.metadata().map_or(true, |log| log.len() == 0) {
        true => std::fs::rename(&reserve, &log)?,
        // It holds what was promised; there is space behind it at least.
        false => std::fs::remove_file(&reserve)?,
    }
    sync_directory(store)?;
    Ok(true)
}
