//! Publishers' checksum files: which sum is promised for which file name.
//!
//! In: the bytes of a checksum file, of GNU coreutils' or BSD's form, bare or inside a signed text. Out:
//! its entries, and how many it held that are not trusted (MD5, SHA-1). Never: a signature checked here:
//! who needs that parses what [`Keyring::check_cleartext`](crate::Keyring::check_cleartext) gave back.

use thiserror::Error;

use crate::cleartext;
use crate::line::{self, Line};
use crate::text::shown;

/// Largest checksum file, in bytes. Debian's for all files of an installer has 110 kB.
pub(crate) const MAX_BYTES: usize = 4 << 20;
/// Most entries of one file.
const MAX_ENTRIES: usize = 20_000;
/// Longest line, in bytes.
const MAX_LINE_BYTES: usize = 8 << 10;
/// Longest file name, in bytes: the longest path of Linux.
pub(crate) const MAX_NAME_BYTES: usize = 4096;

/// The algorithm of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// Any other, by its name: told, and not trusted.
    Other(&'static str),
}

impl Kind {
    /// By the word that BSD's form or a section writes.
    pub(crate) fn named(word: &str) -> Self {
        let plain: String = word
            .chars()
            .filter(|c| c.is_ascii_alphanumeric())
            .collect::<String>()
            .to_ascii_lowercase();
        match plain.as_str() {
            "sha256" | "sha2256" => Self::Sha256,
            "sha512" | "sha2512" => Self::Sha512,
            "md5" => Self::Other("MD5"),
            "sha1" => Self::Other("SHA1"),
            "sha224" | "sha2224" => Self::Other("SHA224"),
            "sha384" | "sha2384" => Self::Other("SHA384"),
            blake if blake.starts_with("blake") => Self::Other("BLAKE2"),
            _ => Self::Other("an unknown kind"),
        }
    }

    /// By the number of hexadecimal digits, where nothing else says what a hash is.
    pub(crate) fn by_hash_length(digits: usize) -> Option<Self> {
        Some(match digits {
            32 => Self::Other("MD5"),
            40 => Self::Other("SHA1"),
            56 => Self::Other("SHA224"),
            64 => Self::Sha256,
            96 => Self::Other("SHA384"),
            128 => Self::Sha512,
            _ => return None,
        })
    }

    /// Bytes of a hash, of those that are trusted.
    pub(crate) fn hash_bytes(self) -> Option<usize> {
        match self {
            Self::Sha256 => Some(32),
            Self::Sha512 => Some(64),
            Self::Other(_) => None,
        }
    }
}

/// One sum of a checksum file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The file's name as the publisher wrote it, folders too; empty in a file that holds a hash alone.
    pub name: String,
    /// The algorithm.
    pub kind: Kind,
    /// The hash: as many bytes as the algorithm has.
    pub hash: Vec<u8>,
    /// The line of the file, from 1.
    pub line: u32,
}

impl Entry {
    /// The name without folders.
    #[must_use]
    pub fn base_name(&self) -> &str {
        base_name(&self.name)
    }
}

/// A name without its folders.
pub(crate) fn base_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Why a checksum file is none.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ChecksumsError {
    /// Not one line is a checksum.
    #[error(
        "none of its {lines} lines is a checksum (the first says `{first}`): it is no checksum file, \
         but perhaps a page that says there is none; look for SHA256SUMS or CHECKSUM beside the image"
    )]
    NoSums {
        /// How many lines it has.
        lines: u32,
        /// The start of the first one.
        first: String,
    },
    /// More than any checksum file needs.
    #[error(
        "it has more than {most} {what}, which no checksum file has: it is damaged or made to do harm"
    )]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        most: usize,
    },
    /// Lines stand outside of the signed part, or the signed part is not whole.
    #[error("{0}")]
    Unclear(String),
}

/// The sums of a checksum file.
#[derive(Clone, Debug, Default)]
pub struct Checksums {
    entries: Vec<Entry>,
    other_lines: u32,
}

impl Checksums {
    /// Reads a checksum file. Of a signed text only the signed part counts; text around it is refused,
    /// because nobody signed it.
    pub fn parse(bytes: &[u8]) -> Result<Self, ChecksumsError> {
        if bytes.len() > MAX_BYTES {
            return Err(ChecksumsError::TooMuch { what: "bytes", most: MAX_BYTES });
        }
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_start_matches(cleartext::BOM);
        if cleartext::is_signed(text) {
            let message = cleartext::split(text).map_err(ChecksumsError::Unclear)?;
            return Self::lines(&message.text);
        }
        Self::lines(text)
    }

    fn lines(text: &str) -> Result<Self, ChecksumsError> {
        let mut sums = Self::default();
        let mut section = None;
        let mut number: u32 = 0;
        for line in text.lines() {
            number = number.saturating_add(1);
            if line.len() > MAX_LINE_BYTES {
                return Err(ChecksumsError::TooMuch {
                    what: "bytes in a line",
                    most: MAX_LINE_BYTES,
                });
            }
            match line::read(line, number, section) {
                Line::Sum(_) if sums.entries.len() >= MAX_ENTRIES => {
                    return Err(ChecksumsError::TooMuch { what: "sums", most: MAX_ENTRIES });
                }
                Line::Sum(entry) => sums.entries.push(entry),
                Line::Section(kind) => section = Some(kind),
                Line::Nothing => {}
                Line::Other => sums.other_lines = sums.other_lines.saturating_add(1),
            }
        }
        // A hash without a name says which file it is for only where it is the only one.
        if sums.entries.len() > 1 {
            let all = sums.entries.len();
            sums.entries.retain(|entry| !entry.name.is_empty());
            let nameless =
                u32::try_from(all.saturating_sub(sums.entries.len())).unwrap_or(u32::MAX);
            sums.other_lines = sums.other_lines.saturating_add(nameless);
        }
        if sums.entries.is_empty() {
            let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            return Err(ChecksumsError::NoSums { lines: number, first: shown(first) });
        }
        Ok(sums)
    }

    /// All sums in the order of the file, those that are not trusted too.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many lines were neither a sum nor a comment.
    #[must_use]
    pub fn other_lines(&self) -> u32 {
        self.other_lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_page_that_is_no_checksum_file_is_said_to_be_none() {
        let error = Checksums::parse(b"<html>\n<h1>Not found</h1>\n").unwrap_err();
        assert!(error.to_string().contains("none of its 2 lines"), "{error}");
        assert!(error.to_string().contains("<html>"), "{error}");
        assert!(Checksums::parse(b"").is_err());
    }

    #[test]
    fn sections_say_what_hashes_of_equal_length_are() {
        let long = format!("{SUM}{SUM}");
        let text = format!("# BLAKE2B HASH\n{long}  a\n# SHA512 HASH\n{long}  a\n");
        let sums = Checksums::parse(text.as_bytes()).unwrap();
        let kinds: Vec<Kind> = sums.entries().iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, [Kind::Other("BLAKE2"), Kind::Sha512]);
    }

    #[test]
    fn only_the_signed_part_of_a_signed_text_counts() {
        let signed = format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# a\nSHA256 (a) = {SUM}\n- - odd line\n\
             -----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n"
        );
        let sums = Checksums::parse(signed.as_bytes()).unwrap();
        assert_eq!(sums.entries().len(), 1);
        assert_eq!(sums.other_lines(), 1);
        for around in [format!("{SUM}  b\n{signed}"), format!("{signed}{SUM}  b\n")] {
            let error = Checksums::parse(around.as_bytes()).unwrap_err();
            assert!(error.to_string().contains("outside"), "{error}");
        }
    }

    #[test]
    fn a_hash_alone_counts_only_alone() {
        assert_eq!(Checksums::parse(format!("{SUM}\n").as_bytes()).unwrap().entries()[0].name, "");
        let two = Checksums::parse(format!("{SUM}\n{SUM}  a\n").as_bytes()).unwrap();
        assert_eq!((two.entries().len(), two.other_lines()), (1, 1));
    }

    #[test]
    fn caps_hold() {
        let many = format!("{SUM}  a\n").repeat(MAX_ENTRIES + 1);
        let error = Checksums::parse(many.as_bytes()).unwrap_err();
        assert_eq!(error, ChecksumsError::TooMuch { what: "sums", most: MAX_ENTRIES });
        let long = format!("{SUM}  {}", "a".repeat(MAX_LINE_BYTES));
        assert!(matches!(Checksums::parse(long.as_bytes()), Err(ChecksumsError::TooMuch { .. })));
        assert!(Checksums::parse(&vec![b'\n'; MAX_BYTES + 1]).is_err());
    }
}
