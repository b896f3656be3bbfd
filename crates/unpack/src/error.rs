//! Why a file, or what is in it, cannot be read: what was being done, where, what was found, and
//! what that means for whoever brought the file.

use std::fmt;
use std::io;

/// Why a file cannot be opened, or not be trusted.
#[derive(Debug)]
pub enum UnpackError {
    /// The file's own storage failed: neither the file's fault nor ours.
    Reading {
        /// What the storage said.
        cause: io::Error,
    },
    /// Whoever was handed the files could not take them.
    Taking {
        /// Which file was handed over.
        path: String,
        /// What was said.
        cause: io::Error,
    },
    /// It is not what it was opened as.
    NotThis {
        /// What was looked for, with its article.
        what: &'static str,
        /// What was found.
        why: String,
    },
    /// A structure contradicts its standard.
    Broken {
        /// The structure.
        what: &'static str,
        /// The byte where it stands, in the file that was opened.
        at: u64,
        /// What stands there, and what should.
        found: String,
    },
    /// The file ends before what is in it does.
    CutShort {
        /// What goes on where the file ends.
        what: String,
        /// The byte that is missing.
        at: u64,
    },
    /// A form that its standard allows and this reader does not read.
    NotRead {
        /// The form.
        what: String,
        /// What can be done.
        hint: &'static str,
    },
    /// An entry that no honest image has, and that is dangerous to unpack.
    Refused {
        /// The entry's path, fit to be shown.
        path: String,
        /// Why.
        why: String,
    },
    /// More than any image needs: one of the [`Limits`](crate::Limits) was reached.
    TooMuch {
        /// What asked for more.
        what: String,
        /// The name of the limit.
        limit: &'static str,
        /// How much it allows.
        most: u64,
    },
    /// It holds no file of this name.
    NotFound {
        /// What was looked for, and what is there instead.
        what: String,
    },
}

impl fmt::Display for UnpackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reading { cause } => write!(f, "the file could not be read: {cause}"),
            Self::Taking { path, cause } => write!(f, "`{path}` could not be kept: {cause}"),
            Self::NotThis { what, why } => write!(f, "this is no {what}: {why}"),
            Self::Broken { what, at, found } => write!(
                f,
                "{what} at byte {at} is damaged: {found}; the file cannot be trusted: compare its \
                 checksum with its publisher's, and fetch it again"
            ),
            Self::CutShort { what, at } => {
                write!(f, "the file is cut short: {what} goes on at byte {at}; fetch it again")
            }
            Self::NotRead { what, hint } => write!(f, "{what} is not read by this program; {hint}"),
            Self::Refused { path, why } => write!(
                f,
                "`{path}` is refused: {why}; nothing of this archive is taken: pack it again \
                 without that entry"
            ),
            Self::TooMuch { what, limit, most } => write!(
                f,
                "{what} asks for more than {most} of `{limit}`, which no image in use needs: the \
                 file is damaged or was made to do harm"
            ),
            Self::NotFound { what } => f.write_str(what),
        }
    }
}

impl std::error::Error for UnpackError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Reading { cause } | Self::Taking { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

/// An error that went through a `Read` comes out as it went in.
impl From<io::Error> for UnpackError {
    fn from(cause: io::Error) -> Self {
        cause.downcast::<Self>().unwrap_or_else(|cause| Self::Reading { cause })
    }
}

/// To go through a `Read`.
impl From<UnpackError> for io::Error {
    fn from(error: UnpackError) -> Self {
        let kind = match error {
            UnpackError::Reading { ref cause } => cause.kind(),
            UnpackError::CutShort { .. } => io::ErrorKind::UnexpectedEof,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
