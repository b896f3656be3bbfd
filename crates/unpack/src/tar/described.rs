//! What stands before an entry and says more of it: long names of GNU tar, extended headers of pax.
//!
//! The crate `tar` reads pax records line by line, which a value with a newline in it breaks, and
//! takes the first of two values where POSIX takes the last: so the records are read here.

use crate::error::UnpackError;
use crate::limits::Limits;
use crate::text::shown_bytes;

/// What is known of the next entry.
#[derive(Default)]
pub struct Described {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    seen: Vec<u8>,
    bytes: u64,
}

impl Described {
    /// Whether it speaks of an entry. A global header may stand last.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Bytes it took.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Asked before so many bytes are read.
    pub fn count(&mut self, size: u64, limits: Limits) -> Result<(), UnpackError> {
        self.bytes = self.bytes.saturating_add(size).saturating_add(512);
        let most = limits.header_bytes_max;
        if self.bytes > most {
            let what = "a long name or pax header".to_owned();
            return Err(UnpackError::TooMuch { what, limit: "header_bytes_max", most });
        }
        Ok(())
    }

    /// Takes the content of an entry of type `L`, `K`, `x` or `g`.
    pub fn add(&mut self, kind: u8, bytes: Vec<u8>, at: u64) -> Result<(), UnpackError> {
        if self.seen.contains(&kind) {
            let found = format!("two of type `{}` describe one entry", shown_bytes(&[kind]));
            return Err(UnpackError::Broken { what: "a tar header", at, found });
        }
        match kind {
            b'L' => self.path = Some(without_zeros(bytes)),
            b'K' => self.link = Some(without_zeros(bytes)),
            b'x' => self.pax(&bytes, at)?,
            _ => return global(&bytes, at),
        }
        self.seen.push(kind);
        Ok(())
    }

    fn pax(&mut self, bytes: &[u8], at: u64) -> Result<(), UnpackError> {
        for record in records(bytes) {
            let (key, value) = record.ok_or_else(|| malformed(at))?;
            match key {
                b"path" => self.path = Some(value.to_owned()),
                b"linkpath" => self.link = Some(value.to_owned()),
                b"size" => self.size = Some(number(value).ok_or_else(|| malformed(at))?),
                _ if key.starts_with(b"GNU.sparse.") => {
                    return Err(UnpackError::NotRead {
                        what: "a sparse file in pax form".to_owned(),
                        hint: "pack the archive again without --sparse, or with --format=gnu",
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// What holds for all entries that follow: comments (git writes one), owners, times. A name or size
/// for all of them makes no sense, and readers differ in what they make of it.
fn global(bytes: &[u8], at: u64) -> Result<(), UnpackError> {
    for record in records(bytes) {
        let (key, _) = record.ok_or_else(|| malformed(at))?;
        if matches!(key, b"path" | b"linkpath" | b"size") || key.starts_with(b"GNU.sparse.") {
            let found = format!("it gives all entries one `{}`", shown_bytes(key));
            return Err(UnpackError::Broken { what: "a global pax header", at, found });
        }
    }
    Ok(())
}

fn malformed(at: u64) -> UnpackError {
    let found = "a record does not read `length key=value`".to_owned();
    UnpackError::Broken { what: "a pax header", at, found }
}

fn without_zeros(mut bytes: Vec<u8>) -> Vec<u8> {
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}

fn number(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok()?;
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// A key and its value; `None` stands for what is no record.
type Record<'b> = Option<(&'b [u8], &'b [u8])>;

/// The records of an extended header: `length key=value newline`, the length counting itself.
fn records(bytes: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut rest = Some(bytes).filter(|bytes| !bytes.is_empty());
    std::iter::from_fn(move || {
        let read = record(rest?);
        rest = read.map(|(_, rest)| rest).filter(|rest| !rest.is_empty());
        Some(read.map(|(record, _)| record))
    })
}

type Pair<'b> = (&'b [u8], &'b [u8]);

fn record(bytes: &[u8]) -> Option<(Pair<'_>, &[u8])> {
    let digits = bytes.iter().take(8).position(|byte| *byte == b' ')?;
    let length = usize::try_from(number(bytes.get(..digits)?)?).ok()?;
    let (record, rest) = bytes.split_at_checked(length)?;
    let pair = record.get(digits.checked_add(1)?..)?.strip_suffix(b"\n")?;
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    let (key, value) = pair.split_at_checked(equals)?;
    Some(((key, value.strip_prefix(b"=")?), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_by_their_length() {
        let all: Vec<_> = records(b"12 path=a/b\n14 x=1\n5 y=2\n\n9 size=7\n").collect();
        assert_eq!(all[0], Some((&b"path"[..], &b"a/b"[..])));
        // A newline in a value is the value's, and smuggles nothing in.
        assert_eq!(all[1], Some((&b"x"[..], &b"1\n5 y=2\n"[..])));
        assert_eq!(all[2], Some((&b"size"[..], &b"7"[..])));
        assert_eq!(all.len(), 3);
    }

    #[test]
    fn what_is_no_record_ends_them() {
        for bad in [
            &b"\n"[..],
            b"7 a=b",
            b"99 a=b\n",
            b"6 ab\n",
            b"-6 a=b\n",
            b"6a=bcd\n",
            b"0 a=b\n",
            b"3 =",
            b"18446744073709551617 a=b\n",
            b"6 a=b\n\n",
        ] {
            assert_eq!(records(bad).last(), Some(None), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn the_last_value_counts() {
        let mut described = Described::default();
        described.add(b'x', b"9 path=a\n9 path=b\n".to_vec(), 0).unwrap();
        assert_eq!(described.path.as_deref(), Some(&b"b"[..]));
        assert!(described.add(b'x', Vec::new(), 0).is_err());
        assert!(described.add(b'g', b"9 path=a\n".to_vec(), 0).is_err());
        assert!(Described::default().add(b'x', b"10 size=-1\n".to_vec(), 0).is_err());
    }
}
