//! Why something could not become an image: what, where, and what to do.

use crate::store::StoreError;
use crate::tree::{DEPTH_MAX, ENTRIES_MAX};
use std::io;
use std::path::PathBuf;

/// Why something could not become an image.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The operator's wish: a name that cannot be.
    #[error(
        "`{name}` cannot name an image: use 1 to 64 of a-z, 0-9, `.`, `_` and `-`, and no dot first, as in debian-12-amd64"
    )]
    ImageName {
        /// The name, shown.
        name: String,
    },
    /// The operator's wish: nothing to import.
    #[error("{path} holds no files; name the folder that holds the kernel, or a file")]
    Empty {
        /// Where.
        path: PathBuf,
    },
    /// The surroundings: it is not there, or not for us.
    #[error(
        "cannot read {path}: {cause}; check that it exists and that the server's user may read it"
    )]
    Read {
        /// What.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The content: a device, a FIFO, a socket.
    #[error(
        "{path} is no plain file (a device, FIFO or socket); remove it from the folder, or import a folder without it"
    )]
    NoPlainFile {
        /// Where.
        path: PathBuf,
    },
    /// The content: a link that leaves the folder.
    #[error(
        "{path} is a link out of the folder being imported; put the file itself there, or import the folder above that holds both"
    )]
    Outside {
        /// The link.
        path: PathBuf,
    },
    /// The content: a link to nothing.
    #[error("{path} is a link to nothing; remove it or mend it")]
    Dangling {
        /// The link.
        path: PathBuf,
    },
    /// The content: a folder in itself.
    #[error("{path} is a link that leads back into a folder it lies in; remove it")]
    Loop {
        /// The link.
        path: PathBuf,
    },
    /// The content: a name machines could not ask for.
    #[error("{name} in {folder} cannot be served: {why}; rename it")]
    Name {
        /// Where.
        folder: PathBuf,
        /// The name, shown.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The content: two names that firmware cannot tell apart.
    #[error(
        "{one} and {other} differ only in letter case, and some firmware cannot tell them apart; rename or remove one"
    )]
    CaseTwins {
        /// One.
        one: PathBuf,
        /// And the other.
        other: PathBuf,
    },
    /// The content: too much.
    #[error("{path} holds more than {max} files and folders; import the part that machines load", max = ENTRIES_MAX)]
    TooMany {
        /// Where.
        path: PathBuf,
    },
    /// The content: too deep.
    #[error("{path} lies more than {max} folders deep; import the part that machines load", max = DEPTH_MAX)]
    TooDeep {
        /// Where.
        path: PathBuf,
    },
    /// The surroundings: the disk is too small, said before anything was written.
    #[error(
        "{path} holds {total} bytes, and the state directory has {free} left; free some space, or move it to a larger disk"
    )]
    NoRoom {
        /// What was to be imported.
        path: PathBuf,
        /// Its bytes.
        total: u64,
        /// Bytes there is room for.
        free: u64,
    },
    /// The content: a disc that cannot be read.
    #[error(
        "{path} is a disc image that cannot be read: {cause}; check that it was copied whole (compare its checksum)"
    )]
    Disc {
        /// Which.
        path: PathBuf,
        /// What is wrong with it, and where.
        cause: disc::DiscError,
    },
    /// The content: an archive or a compressed file that cannot be read, or must not be.
    #[error("{path}: {cause}")]
    Archive {
        /// Which.
        path: PathBuf,
        /// What is wrong with it, and where.
        cause: unpack::UnpackError,
    },
    /// The operator's wish: a file that is not there.
    #[error("{what} `{path}` is not in it; it has {has}; name one of these")]
    NotThere {
        /// `the kernel`, `the initrd`.
        what: &'static str,
        /// The path, shown.
        path: String,
        /// A few that it has.
        has: String,
    },
    /// The store could not keep a file.
    #[error("{path} could not be kept: {cause}")]
    Keep {
        /// Path inside the image.
        path: String,
        /// Why.
        #[source]
        cause: StoreError,
    },
    /// The caller wanted no more.
    #[error("the import was stopped; nothing was published")]
    Stopped,
}
