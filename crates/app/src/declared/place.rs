//! Where something stands in a file, for people: `lab.toml:12:1`.

use std::ops::Range;

/// A file and where its lines begin.
pub struct Source<'a> {
    file: &'a str,
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Source<'a> {
    pub fn new(file: &'a str, text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { file, text, starts }
    }

    /// The place of the first byte; columns are counted in characters.
    pub fn place(&self, at: &Range<usize>) -> String {
        let (line, column) = self.line_and_column(at.start);
        format!("{}:{line}:{column}", self.file)
    }

    /// Both of a byte, from 1; columns are counted in characters.
    pub fn line_and_column(&self, at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|line| self.starts.get(line)).copied();
        let before = self.text.get(start.unwrap_or(0)..at).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_counted_from_one_and_by_characters() {
        let source = Source::new("a.toml", "x\nüy = 1\n");
        assert_eq!(source.place(&(0..1)), "a.toml:1:1");
        assert_eq!(source.place(&(4..5)), "a.toml:2:2");
        assert_eq!(source.place(&(10..10)), "a.toml:3:1");
        assert_eq!(source.place(&(99..99)), "a.toml:3:1");
    }

    #[test]
    fn a_place_is_counted_in_lines_and_characters() {
        let text = "# grün\nx = 1\n";
        let source = Source::new("", text);
        assert_eq!(source.line_and_column(0), (1, 1));
        assert_eq!(source.line_and_column(text.find("n\n").unwrap()), (1, 6));
        assert_eq!(source.line_and_column(text.find("= 1").unwrap()), (2, 3));
        assert_eq!(source.line_and_column(1_000), (3, 1));
    }
}
