//! Kea: the CSV of its memfile and the reservations of its JSON configuration. Which of the two a
//! file is, its first character says.

mod config;
mod csv;
mod settings;

use crate::book::Book;
use std::io::{self, BufRead};

pub fn read(book: &mut Book, from: &mut dyn BufRead) -> io::Result<()> {
    let begin = from.fill_buf()?;
    let first = begin.iter().find(|byte| !byte.is_ascii_whitespace());
    // A configuration begins with its brace or a comment; `address`, with a letter.
    match first {
        Some(b'{' | b'#' | b'/' | b'<') => config::read(book, from),
        _ => csv::read(book, from),
    }
}
