//! The bytes of a file as a capture shows them: counted and hashed as they pass, never all held.

use model::Hash;
use model::text::show_within;
use sha2::{Digest, Sha256};

/// So much of the beginning is kept, to show where a text differs.
const KEPT_MAX: usize = 16 * 1024;
/// So much of a line is shown.
const LINE_MAX: usize = 160;

/// What has passed so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    hasher: Sha256,
    /// Bytes that passed, those the capture does not have among them.
    pub(crate) passed: u64,
    /// Of these, bytes that the capture does not have.
    pub(crate) lost: u64,
    start: Vec<u8>,
    /// Whether the last byte was seen to be the last.
    pub(crate) ended: bool,
}

impl Body {
    /// Nothing has passed; `ended` if nothing will.
    pub(crate) fn new(ended: bool) -> Self {
        Self { ended, ..Self::default() }
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.passed = self.passed.saturating_add(bytes.len() as u64);
        if self.lost == 0 {
            self.hasher.update(bytes);
            let room = KEPT_MAX.saturating_sub(self.start.len());
            self.start.extend(bytes.iter().take(room));
        }
    }

    pub(crate) fn lose(&mut self, bytes: u64) {
        self.passed = self.passed.saturating_add(bytes);
        self.lost = self.lost.saturating_add(bytes);
    }

    /// Whether all of it was seen.
    pub(crate) fn is_whole(&self) -> bool {
        self.ended && self.lost == 0
    }

    pub(crate) fn sha256(&self) -> Hash {
        Hash(self.hasher.clone().finalize().into())
    }

    /// How a text of ours differs from what passed, if it does as far as was seen: in words.
    pub(crate) fn differs_from(&self, ours: &[u8]) -> Option<String> {
        if self.is_whole() && self.passed == ours.len() as u64 && self.sha256() == hash(ours) {
            return None;
        }
        let shown = |line: Option<&[u8]>| match line {
            Some(line) => format!("`{}`", show_within(line, LINE_MAX)),
            None => "nothing more".to_owned(),
        };
        let (mut mine, mut other) =
            (ours.split(|b| *b == b'\n'), self.start.split(|b| *b == b'\n'));
        // What was not seen, or not kept, is no difference.
        let cut = !self.is_whole() || self.start.len() == KEPT_MAX;
        for number in 1_usize.. {
            let (a, b) = (mine.next(), other.next());
            match (a, b) {
                (None, None) => break,
                (a, b) if a == b => {}
                (Some(a), Some(b)) if cut && other.clone().next().is_none() && a.starts_with(b) => {
                    break;
                }
                (a, b) => {
                    return Some(format!(
                        "line {number}: we say {}, they say {}",
                        shown(a),
                        shown(b)
                    ));
                }
            }
        }
        let lengths = (ours.len() as u64, self.passed);
        (self.is_whole() && lengths.0 != lengths.1)
            .then(|| format!("we send {} bytes, they {}", lengths.0, lengths.1))
    }
}

/// SHA-256.
pub(crate) fn hash(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(parts: &[&[u8]], ended: bool) -> Body {
        let mut body = Body { ended, ..Body::default() };
        parts.iter().for_each(|part| body.take(part));
        body
    }

    #[test]
    fn a_text_is_the_same_or_differs_in_a_line() {
        let seen = body(&[b"#!ipxe\nboot a", b"\n"], true);
        assert_eq!(seen.differs_from(b"#!ipxe\nboot a\n"), None);
        let told = seen.differs_from(b"#!ipxe\nboot b\n").unwrap();
        assert_eq!(told, "line 2: we say `boot b`, they say `boot a`");
        let told = seen.differs_from(b"#!ipxe\nboot a\nmore\n").unwrap();
        assert_eq!(told, "line 3: we say `more`, they say ``");
    }

    #[test]
    fn what_was_not_seen_is_no_difference() {
        let cut = body(&[b"#!ipxe\nbo"], false);
        assert_eq!(cut.differs_from(b"#!ipxe\nboot a\n"), None);
        assert!(cut.differs_from(b"#!ipxe\nchain\n").is_some());
        assert!(!cut.is_whole());
        let mut gap = body(&[b"abc"], true);
        gap.lose(100);
        assert!(!gap.is_whole());
    }

    #[test]
    fn memory_does_not_grow_with_a_file() {
        let mut long = Body::default();
        for _ in 0..1000 {
            long.take(&[b'x'; 1460]);
        }
        assert_eq!((long.passed, long.start.len()), (1_460_000, KEPT_MAX));
        long.ended = true;
        assert_eq!(long.sha256(), hash(&[b'x'; 1_460_000]));
    }
}
