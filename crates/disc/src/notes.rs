//! Remarks on a disc that can be read all the same.

use crate::limits::Limits;

/// Bounded: what exceeds the limit is counted.
#[derive(Debug)]
pub(crate) struct Notes {
    kept: Vec<String>,
    most: usize,
    more: u32,
}

impl Notes {
    pub fn new(limits: Limits) -> Self {
        let most = usize::try_from(limits.notes_max).unwrap_or(usize::MAX);
        Self { kept: Vec::new(), most, more: 0 }
    }

    /// A remark on the structure at a byte of the image.
    pub fn say(&mut self, at: u64, note: impl FnOnce() -> String) {
        if self.kept.len() < self.most {
            self.kept.push(format!("byte {at}: {}", note()));
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// A remark on the disc as a whole.
    pub fn tell(&mut self, note: String) {
        if self.kept.len() < self.most {
            self.kept.push(note);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    pub fn done(mut self) -> Vec<String> {
        if self.more > 0 {
            self.kept.push(format!("and {} more remarks", self.more));
        }
        self.kept
    }
}
