//! Lines of a file that nobody vouches for: bounded in number of bytes, each bounded in length.

use std::io::{self, BufRead, Read};

/// More than this is not read: a lease file of millions of leases is smaller.
pub const FILE_MAX: u64 = 512 << 20;

/// A longer line is passed over, and named.
pub const LINE_MAX: usize = 64 << 10;

/// The lines of one file.
pub struct Lines<'a> {
    from: &'a mut dyn BufRead,
    held: Vec<u8>,
    line: u32,
    read: u64,
}

/// One line.
#[derive(Debug, Eq, PartialEq)]
pub enum Line {
    /// Its number and its text, without the end of the line; what is no UTF-8 is replaced.
    Text(u32, String),
    /// It is longer than [`LINE_MAX`].
    TooLong(u32),
}

impl<'a> Lines<'a> {
    pub fn new(from: &'a mut dyn BufRead) -> Self {
        Self { from, held: Vec::new(), line: 0, read: 0 }
    }

    /// The next line; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Line>> {
        if self.piece()? == 0 {
            return Ok(None);
        }
        self.line = self.line.saturating_add(1);
        if self.held.len() > LINE_MAX {
            while !self.held.ends_with(b"\n") {
                if self.piece()? == 0 {
                    break;
                }
            }
            return Ok(Some(Line::TooLong(self.line)));
        }
        let text = String::from_utf8_lossy(&self.held);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        Ok(Some(Line::Text(self.line, text.to_owned())))
    }

    /// Holds the next bytes up to the end of a line, at most one more than a line may have.
    fn piece(&mut self) -> io::Result<usize> {
        self.held.clear();
        let most = u64::try_from(LINE_MAX).unwrap_or(u64::MAX) + 1;
        let read = (&mut *self.from).take(most).read_until(b'\n', &mut self.held)?;
        self.read += u64::try_from(read).unwrap_or(u64::MAX);
        if self.read > FILE_MAX {
            let most = FILE_MAX >> 20;
            return Err(io::Error::other(format!("it is larger than {most} MiB")));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_is_passed_over_and_the_next_one_is_read() {
        let text = format!("one\r\n{}\nthree", "x".repeat(3 * LINE_MAX));
        let mut bytes = text.as_bytes();
        let mut lines = Lines::new(&mut bytes);
        assert_eq!(lines.next().unwrap(), Some(Line::Text(1, "one".to_owned())));
        assert_eq!(lines.next().unwrap(), Some(Line::TooLong(2)));
        assert_eq!(lines.next().unwrap(), Some(Line::Text(3, "three".to_owned())));
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn a_file_without_end_is_refused() {
        let mut endless = io::BufReader::new(io::repeat(b'\n').take(FILE_MAX + 2));
        let mut lines = Lines::new(&mut endless);
        lines.read = FILE_MAX - 2;
        assert!(lines.next().is_ok() && lines.next().is_ok());
        assert!(lines.next().unwrap_err().to_string().contains("512 MiB"));
    }
}
