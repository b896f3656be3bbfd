//! Blocks that leave together: they stand side by side in the file.
//!
//! In: blocks, one by one. Out: a range of the file and the head of each block. Never: the bytes.

use crate::sys::udp::{DATAGRAM_BYTES_MAX, HEAD_BYTES, PIECES_MAX};

/// Some blocks, all of the same size but for the last one of the file.
#[derive(Debug, Default)]
pub(super) struct Burst {
    pub(super) heads: Vec<[u8; HEAD_BYTES]>,
    pub(super) offset: u64,
    pub(super) length: usize,
}

impl Burst {
    /// How many blocks of this size one call of the system can take.
    pub(super) fn most(size: usize) -> usize {
        (DATAGRAM_BYTES_MAX / (size + HEAD_BYTES)).clamp(1, PIECES_MAX)
    }

    pub(super) fn clear(&mut self) {
        self.heads.clear();
        self.length = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Where it ends in the file.
    pub(super) fn end(&self) -> u64 {
        self.offset + self.length as u64
    }

    /// Adds a block. False: it does not follow the others.
    pub(super) fn push(&mut self, head: [u8; HEAD_BYTES], offset: u64, length: usize) -> bool {
        if self.is_empty() {
            self.offset = offset;
        } else if offset != self.end() {
            return false;
        }
        self.heads.push(head);
        self.length += length;
        true
    }

    /// The first `count` blocks of `size` bytes are out.
    pub(super) fn drop_front(&mut self, count: usize, size: usize) {
        let count = count.min(self.heads.len());
        self.heads.drain(..count);
        let bytes = (count * size).min(self.length);
        self.offset += bytes as u64;
        self.length -= bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_follow_each_other_stay_together() {
        let mut burst = Burst::default();
        assert!(burst.push([1; 4], 100, 10) && burst.push([2; 4], 110, 10));
        assert!(!burst.push([3; 4], 130, 10) && !burst.push([3; 4], 100, 10));
        assert!(burst.push([3; 4], 120, 4));
        burst.drop_front(1, 10);
        assert_eq!((burst.heads.len(), burst.offset, burst.length), (2, 110, 14));
        burst.drop_front(2, 10);
        assert_eq!((burst.is_empty(), burst.offset, burst.length), (true, 124, 0));
    }

    #[test]
    fn a_call_takes_no_more_than_a_datagram_may_hold() {
        assert_eq!(Burst::most(1468), 44);
        assert_eq!(Burst::most(512), 64);
        assert_eq!(Burst::most(65_464), 1);
    }
}
