//! Downloads of many machines from one thread: enough of TFTP and HTTP to load a server, and to see
//! that every byte is right.
//!
//! In: a source address, a server, what the file must be. Out: how a download stands after each
//! thing that happened to it. Never: a file on a disk, or a wait; the driver waits for all of them.

use std::sync::Arc;

pub mod crowd;
pub mod get;
pub mod http;
pub mod poll;
pub mod tftp;

/// How a download stands.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Stand {
    /// There is more to come.
    Going,
    /// The whole file, and the right one.
    Done,
    /// It ended otherwise: why.
    Failed(String),
}

/// What a file must be.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// These bytes.
    Bytes(Arc<[u8]>),
    /// A script that begins like this; its length is what its head says.
    Begins(&'static [u8]),
}

impl Wanted {
    /// Whether these bytes stand at this place of it.
    fn has(&self, at: u64, bytes: &[u8]) -> bool {
        let Ok(at) = usize::try_from(at) else { return false };
        match self {
            Self::Bytes(all) => all.get(at..at + bytes.len()) == Some(bytes),
            Self::Begins(begin) => {
                let begin = begin.get(at.min(begin.len())..).unwrap_or_default();
                let length = begin.len().min(bytes.len());
                begin.get(..length) == bytes.get(..length)
            }
        }
    }

    /// Whether it may be so long.
    fn is_long(&self, bytes: u64) -> bool {
        match self {
            Self::Bytes(all) => all.len() as u64 == bytes,
            Self::Begins(begin) => bytes >= begin.len() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    #[test]
    fn bytes_are_compared_at_their_place() {
        let all = Wanted::Bytes(b"kernel".to_vec().into());
        assert!(all.has(0, b"ker") && all.has(3, b"nel") && all.has(6, b""));
        assert!(!all.has(0, b"nel") && !all.has(4, b"elf"));
        assert!(all.is_long(6) && !all.is_long(7));
        let script = Wanted::Begins(b"#!ipxe\n");
        assert!(script.has(0, b"#!ip") && script.has(4, b"xe\nboot") && script.has(40, b"boot"));
        assert!(!script.has(0, b"<html>"));
    }
}
