//! Why a disc, or a file on it, cannot be read: which structure, where, what was found, and what
//! that means for whoever brought the disc.

use std::fmt;
use std::io;

/// Longest piece of a disc's own text that a message shows.
const SHOWN_MAX: usize = 80;

/// Why a disc cannot be read.
#[derive(Debug)]
pub enum DiscError {
    /// The image's own storage failed: neither the disc's fault nor ours.
    Reading {
        /// What was to be read.
        what: &'static str,
        /// The byte of the image.
        at: u64,
        /// What the storage said.
        cause: io::Error,
    },
    /// It holds no file system of an optical disc.
    NotADisc {
        /// What was looked for, and what is there instead.
        why: String,
    },
    /// A structure contradicts its standard.
    Broken {
        /// The structure.
        what: &'static str,
        /// The byte of the image.
        at: u64,
        /// What stands there, and what should.
        found: String,
    },
    /// The image ends before the disc does.
    CutShort {
        /// Whose bytes are missing.
        what: String,
        /// Where they would end.
        end: u64,
        /// Where the image ends.
        size: u64,
    },
    /// A form of disc that its standard allows and this reader does not read.
    NotRead {
        /// The form.
        what: String,
        /// The byte of the image that says so.
        at: u64,
        /// What can be done.
        hint: &'static str,
    },
    /// More than any disc needs: one of the [`Limits`](crate::Limits) was reached.
    TooMuch {
        /// The name of the limit.
        limit: &'static str,
        /// How much it allows.
        most: u64,
        /// The byte of the image that asked for more.
        at: u64,
    },
}

impl fmt::Display for DiscError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reading { what, at, cause } => {
                write!(f, "{what} at byte {at} could not be read from the image: {cause}")
            }
            Self::NotADisc { why } => write!(f, "this is no image of an optical disc: {why}"),
            Self::Broken { what, at, found } => write!(
                f,
                "{what} at byte {at} is damaged: {found}; the image cannot be trusted: compare its \
                 checksum with its publisher's, and fetch it again"
            ),
            Self::CutShort { what, end, size } => write!(
                f,
                "the image is cut short: {what} ends at byte {end}, but the image has only {size} \
                 bytes; fetch it again"
            ),
            Self::NotRead { what, at, hint } => {
                write!(f, "{what} (byte {at}) is not read by this program; {hint}")
            }
            Self::TooMuch { limit, most, at } => write!(
                f,
                "the structure at byte {at} asks for more than {most} of `{limit}`, which no disc \
                 in use needs: the image is damaged or was made to do harm"
            ),
        }
    }
}

impl std::error::Error for DiscError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Reading { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

/// Text of a disc, fit to be shown: no control, no direction marks, not endless.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        if shown.len() >= SHOWN_MAX {
            shown.push('…');
            break;
        }
        let hostile = c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c);
        if hostile || ('\u{2066}'..='\u{2069}').contains(&c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Bytes where text was expected, fit to be shown.
pub(crate) fn shown_bytes(bytes: &[u8]) -> String {
    let text: String = bytes.escape_ascii().map(char::from).collect();
    shown(&text)
}
