//! A body of bytes whose number is not known before: pieces with their lengths, and an end; or a word
//! on why it breaks off.

use crate::Fault;
use std::io::{self, Read, Write};

/// Bytes of a piece that is written.
pub(crate) const PIECE: usize = 64 << 10;
/// The most that is read as one.
const PIECE_MAX: u32 = 1 << 20;
const END: u32 = 0;
const BROKEN_OFF: u32 = u32::MAX;

/// The longest text of a few words.
const TEXT_MAX: usize = 1024;

/// Gathers what is written to it into pieces.
pub(crate) struct Pieces<'a, W: Write> {
    to: &'a mut W,
    held: Vec<u8>,
}

impl<'a, W: Write> Pieces<'a, W> {
    pub(crate) fn new(to: &'a mut W) -> Self {
        Self { to, held: Vec::with_capacity(PIECE) }
    }

    /// The body is whole.
    pub(crate) fn end(mut self) -> io::Result<()> {
        self.put()?;
        self.to.write_all(&END.to_be_bytes())
    }

    /// What came of it is not to be used.
    pub(crate) fn break_off(self, why: &str) -> io::Result<()> {
        self.to.write_all(&BROKEN_OFF.to_be_bytes())?;
        put_text(self.to, why)
    }

    fn put(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let length = u32::try_from(self.held.len()).map_err(io::Error::other)?;
        self.to.write_all(&length.to_be_bytes())?;
        self.to.write_all(&self.held)?;
        self.held.clear();
        Ok(())
    }
}

impl<W: Write> Write for Pieces<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE.saturating_sub(self.held.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.held.extend_from_slice(taken);
        if self.held.len() >= PIECE {
            self.put()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where a body that is read stands. It is over when it ended, whole or not.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Place {
    /// Bytes of the piece that were not read yet.
    left: u32,
    pub(crate) over: bool,
}

/// Reads a body out of its pieces.
pub(crate) struct Whole<'a, R> {
    pub(crate) from: &'a mut R,
    pub(crate) place: &'a mut Place,
}

impl<R: Read> Read for Whole<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.place.left == 0 {
            if self.place.over || buffer.is_empty() {
                return Ok(0);
            }
            self.place.left = match u32::from_be_bytes(array(self.from)?) {
                END => {
                    self.place.over = true;
                    return Ok(0);
                }
                BROKEN_OFF => {
                    self.place.over = true;
                    return Err(Fault::BrokenOff(text(self.from)?).into());
                }
                length @ 1..=PIECE_MAX => length,
                length => return Err(Fault::odd(format!("a piece of {length} bytes")).into()),
            };
        }
        let left = usize::try_from(self.place.left).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        let read = self.from.read(buffer.get_mut(..most).unwrap_or_default())?;
        if read == 0 && most > 0 {
            return Err(ends_too_early().into());
        }
        self.place.left = self.place.left.saturating_sub(u32::try_from(read).unwrap_or(u32::MAX));
        Ok(read)
    }
}

/// A few words, as many as may be.
pub(crate) fn put_text(to: &mut impl Write, text: &str) -> io::Result<()> {
    let end = text.floor_char_boundary(TEXT_MAX);
    let text = text.get(..end).unwrap_or_default();
    let length = u16::try_from(text.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(text.as_bytes())
}

pub(crate) fn text(from: &mut impl Read) -> Result<String, Fault> {
    let length = usize::from(u16::from_be_bytes(array(from)?));
    if length > TEXT_MAX {
        return Err(Fault::odd(format!("a text of {length} bytes")));
    }
    let bytes = bytes(from, length)?;
    String::from_utf8(bytes).map_err(|_| Fault::odd("a text that is no UTF-8"))
}

/// So many bytes; whoever asks has seen to it that it is not too many.
pub(crate) fn bytes(from: &mut impl Read, length: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = vec![0; length];
    fill(from, &mut bytes)?;
    Ok(bytes)
}

pub(crate) fn array<const N: usize>(from: &mut impl Read) -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    fill(from, &mut bytes)?;
    Ok(bytes)
}

fn fill(from: &mut impl Read, buffer: &mut [u8]) -> Result<(), Fault> {
    from.read_exact(buffer).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => ends_too_early(),
        _ => error.into(),
    })
}

fn ends_too_early() -> Fault {
    Fault::odd("it ends in the middle of an entry")
}
