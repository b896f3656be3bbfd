//! Why a backup cannot be read, by fault.

use std::io;

/// Why a backup cannot be read. As text: what is wrong; the callers add what to do.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The operator's: it is another file.
    #[error("it is no backup of bootwright")]
    NoBackup,
    /// The operator's: a later version wrote it.
    #[error("it has form {0}, and this version knows form {known} only", known = crate::head::FORM)]
    Later(u16),
    /// It asks for more work than any backup of ours.
    #[error(
        "its head asks for {memory_kib} KiB of memory and {passes} passes to make the key, more than any backup does"
    )]
    Work {
        /// KiB of memory.
        memory_kib: u32,
        /// Passes over it.
        passes: u32,
    },
    /// The operator's, most likely.
    #[error("the passphrase is wrong, or the first bytes of the file are damaged")]
    Passphrase,
    /// The surroundings: bytes are not as they were written.
    #[error("it is damaged within the {bytes} bytes from byte {at} on", bytes = crate::seal::SEALED)]
    Damaged {
        /// Where the damaged chunk begins.
        at: u64,
    },
    /// The surroundings: which of the two cannot be told.
    #[error("its end, from byte {at} on, is damaged, or the rest is cut off")]
    End {
        /// Where the last chunk begins.
        at: u64,
    },
    /// The surroundings: the end is missing.
    #[error("it is cut off at byte {at}: the rest is missing")]
    CutOff {
        /// Its length.
        at: u64,
    },
    /// Whoever wrote it knew the passphrase, but not how a backup is made.
    #[error("it is not as a backup should be: {0}")]
    Odd(String),
    /// The blob could not be read to its end when the backup was made.
    #[error("{0}")]
    BrokenOff(String),
    /// The surroundings.
    #[error("{0}")]
    Io(io::Error),
}

impl Fault {
    pub(crate) fn odd(what: impl Into<String>) -> Self {
        Self::Odd(what.into())
    }
}

impl From<io::Error> for Fault {
    /// A fault that went through a reader's error comes out as what it was.
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(fault) => fault,
            Err(error) => Self::Io(error),
        }
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Io(error) => error,
            fault => Self::new(io::ErrorKind::InvalidData, fault),
        }
    }
}
