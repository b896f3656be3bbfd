//! Which chunks of an opened blob were checked: a bit each.
//!
//! In: numbers of chunks. Out: whether they are marked. Never: a lock; a chunk that is not there.

use std::sync::atomic::{AtomicU64, Ordering};

const BITS: u64 = u64::BITS as u64;

/// A bit for each chunk.
#[derive(Debug)]
pub(crate) struct Marks(Box<[AtomicU64]>);

impl Marks {
    /// None of so many is marked.
    pub(crate) fn new(count: u64) -> Self {
        let words = usize::try_from(count.div_ceil(BITS)).unwrap_or(0);
        Self((0..words).map(|_| AtomicU64::new(0)).collect())
    }

    pub(crate) fn is_set(&self, chunk: u64) -> bool {
        self.word(chunk).is_some_and(|word| word.load(Ordering::Acquire) & bit(chunk) != 0)
    }

    pub(crate) fn set(&self, chunk: u64) {
        if let Some(word) = self.word(chunk) {
            word.fetch_or(bit(chunk), Ordering::Release);
        }
    }

    pub(crate) fn clear(&self, chunk: u64) {
        if let Some(word) = self.word(chunk) {
            word.fetch_and(!bit(chunk), Ordering::Release);
        }
    }

    pub(crate) fn clear_all(&self) {
        self.0.iter().for_each(|word| word.store(0, Ordering::Release));
    }

    /// Those that are set, in order.
    pub(crate) fn all(&self) -> Vec<u64> {
        let mut set = Vec::new();
        for (first, word) in (0_u64..).step_by(64).zip(&self.0) {
            let bits = word.load(Ordering::Acquire);
            set.extend((0..BITS).filter(|at| bits & (1 << at) != 0).map(|at| first + at));
        }
        set
    }

    fn word(&self, chunk: u64) -> Option<&AtomicU64> {
        self.0.get(usize::try_from(chunk / BITS).ok()?)
    }
}

fn bit(chunk: u64) -> u64 {
    1 << (chunk % BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_chunk_has_a_mark_of_its_own() {
        let marks = Marks::new(130);
        for chunk in [0, 63, 64, 129] {
            assert!(!marks.is_set(chunk));
            marks.set(chunk);
            assert!(marks.is_set(chunk) && !marks.is_set(chunk + 1));
        }
        marks.clear(63);
        assert!(!marks.is_set(63));
        assert_eq!(marks.all(), [0, 64, 129]);
        marks.clear_all();
        assert!(marks.all().is_empty());
        marks.set(u64::MAX);
        assert!(!marks.is_set(u64::MAX), "what is not there is never marked");
    }
}
