//! Netascii (RFC 1350 §2, RFC 764): LF goes out as CR LF, CR as CR NUL.
//!
//! In: bytes of a file, in pieces of any size. Out: the bytes for the wire, in pieces of any size.
//! No boot firmware asks for this; switches and routers fetching a text do.

/// A larger file is not converted; nobody boots a kernel in netascii.
pub const SOURCE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A converter that remembers the second half of a pair when the first just fitted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Netascii {
    owed: Option<u8>,
}

impl Netascii {
    /// A converter at the beginning of a file.
    #[must_use]
    pub const fn new() -> Self {
        Self { owed: None }
    }

    /// Converts as much of `source` as `out` has room for; gives how much of each was used. Done
    /// when the whole source is used and [`Self::owes`] is false.
    pub fn fill(&mut self, source: &[u8], out: &mut [u8]) -> (usize, usize) {
        let (mut used, mut written) = (0, 0);
        for slot in out {
            *slot = if let Some(owed) = self.owed.take() {
                owed
            } else if let Some(&byte) = source.get(used) {
                used += 1;
                match byte {
                    b'\n' => {
                        self.owed = Some(b'\n');
                        b'\r'
                    }
                    b'\r' => {
                        self.owed = Some(0);
                        b'\r'
                    }
                    other => other,
                }
            } else {
                break;
            };
            written += 1;
        }
        (used, written)
    }

    /// Whether the second half of a pair is still to be written.
    #[must_use]
    pub const fn owes(&self) -> bool {
        self.owed.is_some()
    }

    /// A whole file at once. `None` if it is larger than [`SOURCE_BYTES_MAX`].
    #[must_use]
    pub fn convert(source: &[u8]) -> Option<Vec<u8>> {
        if source.len() > SOURCE_BYTES_MAX {
            return None;
        }
        let pairs = source.iter().filter(|b| matches!(b, b'\n' | b'\r')).count();
        let mut out = vec![0; source.len() + pairs];
        Self::new().fill(source, &mut out);
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_become_pairs() {
        assert_eq!(Netascii::convert(b"a\nb\r\n"), Some(b"a\r\nb\r\0\r\n".to_vec()));
        assert_eq!(Netascii::convert(b""), Some(Vec::new()));
    }

    #[test]
    fn a_pair_may_lie_across_two_blocks() {
        for size in 1..7 {
            let (mut converter, mut source, mut all) =
                (Netascii::new(), &b"\n\r\nxy\r"[..], vec![]);
            while !source.is_empty() || converter.owes() {
                let mut block = vec![0; size];
                let (used, written) = converter.fill(source, &mut block);
                source = &source[used..];
                all.extend_from_slice(&block[..written]);
            }
            assert_eq!(all, b"\r\n\r\0\r\nxy\r\0", "blocks of {size}");
        }
    }
}
