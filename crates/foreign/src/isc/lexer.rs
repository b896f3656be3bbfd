//! The words of ISC dhcpd's files, as statements and blocks.

use crate::lines::{LINE_MAX, Line, Lines};
use std::collections::VecDeque;
use std::io::{self, BufRead};

/// Words of one statement; further ones are dropped, and that is said.
const WORDS_MAX: usize = 256;

/// One word.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Word {
    /// As it stands.
    Plain(String),
    /// In quotes, with its escapes undone: any bytes.
    Quoted(Vec<u8>),
}

/// What stands between two `;`, `{` or `}`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Statement {
    /// Of its first word.
    pub line: u32,
    /// Its words.
    pub words: Vec<Word>,
}

impl Statement {
    /// The word at a place, as it stands; empty where there is none or a quoted one.
    pub fn word(&self, at: usize) -> &str {
        match self.words.get(at) {
            Some(Word::Plain(word)) => word,
            _ => "",
        }
    }

    /// The words from a place on, parted by blanks.
    pub fn from(&self, at: usize) -> String {
        let words = self.words.iter().skip(at).map(|word| match word {
            Word::Plain(word) => word.clone(),
            Word::Quoted(bytes) => format!("\"{}\"", String::from_utf8_lossy(bytes)),
        });
        words.collect::<Vec<String>>().join(" ")
    }

    /// All of it, for people.
    pub fn shown(&self) -> String {
        self.from(0)
    }
}

/// The next piece of a file.
#[derive(Debug, Eq, PartialEq)]
pub enum Piece {
    /// Ended by `;`.
    Statement(Statement),
    /// What stands before a `{`.
    Open(Statement),
    /// A `}`, with its line.
    Close(u32),
    /// The end, with the last line.
    End(u32),
}

/// Reads pieces.
pub struct Lexer<'a> {
    lines: Lines<'a>,
    ready: VecDeque<Piece>,
    now: Statement,
    line: u32,
    odd: Vec<(u32, &'static str, String)>,
}

impl<'a> Lexer<'a> {
    pub fn new(from: &'a mut dyn BufRead) -> Self {
        Self {
            lines: Lines::new(from),
            ready: VecDeque::new(),
            now: Statement::default(),
            line: 0,
            odd: Vec::new(),
        }
    }

    /// What was passed over since this was last asked: line, what, why.
    pub fn odd(&mut self) -> Vec<(u32, &'static str, String)> {
        std::mem::take(&mut self.odd)
    }

    pub fn next(&mut self) -> io::Result<Piece> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(piece);
            }
            match self.lines.next()? {
                Some(Line::Text(line, text)) => self.cut(line, &text),
                Some(Line::TooLong(line)) => {
                    self.line = line;
                    let why = format!("it is longer than {LINE_MAX} bytes");
                    self.odd.push((line, "a line", why));
                }
                None => {
                    if !self.now.words.is_empty() {
                        let why = "no `;` ends it before the file ends".to_owned();
                        self.odd.push((self.now.line, "a statement", why));
                        self.now.words.clear();
                    }
                    return Ok(Piece::End(self.line));
                }
            }
        }
    }

    /// Cuts a line into words. A string never runs over the end of a line: dhcpd writes line breaks
    /// as `\012`.
    fn cut(&mut self, line: u32, text: &str) {
        self.line = line;
        let mut chars = text.chars().peekable();
        let mut plain = String::new();
        while let Some(c) = chars.next() {
            let parts = matches!(c, '#' | '"' | ';' | '{' | '}' | ',' | '=') || c.is_whitespace();
            if !parts {
                plain.push(c);
                continue;
            }
            if !plain.is_empty() {
                self.word(Word::Plain(std::mem::take(&mut plain)));
            }
            match c {
                '#' => return,
                '"' => {
                    let quoted = quoted(&mut chars);
                    self.word(Word::Quoted(quoted));
                }
                ';' => {
                    let statement = std::mem::take(&mut self.now);
                    self.ready.push_back(Piece::Statement(statement));
                }
                '{' => {
                    let head = std::mem::take(&mut self.now);
                    self.ready.push_back(Piece::Open(head));
                }
                '}' => {
                    if !self.now.words.is_empty() {
                        let why = "no `;` ends it".to_owned();
                        self.odd.push((self.now.line, "a statement", why));
                        self.now = Statement::default();
                    }
                    self.ready.push_back(Piece::Close(line));
                }
                ',' | '=' => self.word(Word::Plain(c.to_string())),
                _ => {}
            }
        }
        if !plain.is_empty() {
            self.word(Word::Plain(plain));
        }
    }

    fn word(&mut self, word: Word) {
        if self.now.words.is_empty() {
            self.now.line = self.line;
        }
        if self.now.words.len() < WORDS_MAX {
            self.now.words.push(word);
        } else if self.now.words.len() == WORDS_MAX {
            // One more marks that it was said.
            self.now.words.push(Word::Plain("…".to_owned()));
            let why = format!("only its first {WORDS_MAX} words are read");
            self.odd.push((self.now.line, "a statement", why));
        }
    }
}

/// A string up to its closing quote, with `\ooo`, `\xhh`, `\n` and the like undone.
fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(c) = chars.next() {
        let escaped = match c {
            '"' => break,
            '\\' => chars.next(),
            c => {
                out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
        };
        match escaped {
            None => break,
            Some('n') => out.push(b'\n'),
            Some('r') => out.push(b'\r'),
            Some('t') => out.push(b'\t'),
            Some('b') => out.push(8),
            Some('x') => out.push(number(chars, 16, 2, 0)),
            Some(c @ '0'..='7') => out.push(number(chars, 8, 2, c.to_digit(8).unwrap_or(0))),
            Some(c) => out.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out
}

/// Up to so many digits after those that are read already; what is past 255 is cut.
fn number(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    base: u32,
    most: u32,
    first: u32,
) -> u8 {
    let mut value = first;
    for _ in 0..most {
        let Some(digit) = chars.peek().and_then(|c| c.to_digit(base)) else { break };
        value = value * base + digit;
        chars.next();
    }
    u8::try_from(value & 0xff).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<Piece> {
        let mut bytes = text.as_bytes();
        let mut lexer = Lexer::new(&mut bytes);
        let mut all = Vec::new();
        loop {
            all.push(lexer.next().unwrap());
            if let Some(Piece::End(_)) = all.last() {
                return all;
            }
        }
    }

    #[test]
    fn statements_blocks_strings_and_comments_are_told_apart() {
        let all = pieces("lease 1.2.3.4 { # a }\n uid \"\\001R\\\"\\134\";\n}\n");
        let plain = |word: &str| Word::Plain(word.to_owned());
        let head = Statement { line: 1, words: vec![plain("lease"), plain("1.2.3.4")] };
        let uid = vec![plain("uid"), Word::Quoted(b"\x01R\"\\".to_vec())];
        let uid = Statement { line: 2, words: uid };
        let expected = [Piece::Open(head), Piece::Statement(uid), Piece::Close(3), Piece::End(3)];
        assert_eq!(all, expected);
    }
}
