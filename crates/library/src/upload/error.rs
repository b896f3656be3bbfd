//! Why an upload is refused or failed.

use model::Hash;
use std::io;
use std::path::PathBuf;

/// Why an upload is refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// Nobody announced it, or it has expired.
    #[error("there is no upload `{id}`: it was never announced, was removed, or expired")]
    Unknown {
        /// What was asked for, fit to be shown.
        id: String,
    },
    /// The name is no file name.
    #[error("`{name}` cannot be the name of an upload: {why}")]
    BadName {
        /// The name, fit to be shown.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Larger than anything that is taken.
    #[error("{size} bytes are more than the {most} that an upload may have")]
    TooLarge {
        /// What was announced.
        size: u64,
        /// What may be.
        most: u64,
    },
    /// No room.
    #[error("this needs {needed} bytes with all that is announced, and {} has {free} free: make room there", dir.display())]
    NoRoom {
        /// Bytes that are needed.
        needed: u64,
        /// Bytes that are free.
        free: u64,
        /// Where.
        dir: PathBuf,
    },
    /// There are too many.
    #[error("there are {most} uploads already: finish or remove some")]
    TooMany {
        /// How many there may be.
        most: usize,
    },
    /// The sender does not know where it stopped.
    #[error("the next byte of it is {is}, not {asked}: go on from there")]
    WrongOffset {
        /// Where its safe bytes end.
        is: u64,
        /// What the sender said.
        asked: u64,
    },
    /// More came than was announced.
    #[error("more bytes came than the {size} that were announced: none beyond them is kept")]
    TooMuch {
        /// What was announced.
        size: u64,
    },
    /// Somebody writes or reads it.
    #[error("upload {id} is being written or read by somebody else: wait for that to end")]
    Busy {
        /// Which.
        id: String,
    },
    /// It is not there to its end.
    #[error("only {is} of its {size} bytes are there: send the rest first")]
    NotWhole {
        /// Bytes that are there.
        is: u64,
        /// Bytes that were announced.
        size: u64,
    },
    /// It is not what was announced.
    #[error(
        "what came hashes to {found}, not to the {announced} that was announced: it was thrown away; send it again from 0"
    )]
    Differs {
        /// The announced hash.
        announced: Hash,
        /// What came.
        found: Hash,
    },
    /// The disk.
    #[error("cannot write {}: {cause}; free some space or mend the disk, what is noted there is safe", path.display())]
    Disk {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Chance(#[source] io::Error),
}

impl UploadError {
    pub(super) fn unknown(id: &str) -> Self {
        Self::Unknown { id: model::text::show(id.as_bytes()) }
    }
}
