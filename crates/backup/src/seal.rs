//! A stream in chunks, each encrypted and authenticated with its place and whether it is the last.
//!
//! In: bytes. Out: chunks; and from chunks the same bytes, none before its chunk was found whole.
//! Never: more than two chunks in memory.

use crate::Fault;
use crate::head::{self, Bare, HEAD};
use crate::key::{Passphrase, Salt, Work};
use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use std::io::{self, Read, Write};

/// Bytes of a chunk that is not the last.
const CHUNK: usize = 64 << 10;
const TAG: usize = 16;
/// The same, encrypted.
pub(crate) const SEALED: usize = CHUNK + TAG;

/// The nonce of a chunk. Its key is of this one backup, so a number makes it unique.
fn nonce(number: u64, last: bool) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    if let Some(place) = nonce.get_mut(3..11) {
        place.copy_from_slice(&number.to_be_bytes());
    }
    if let Some(place) = nonce.last_mut() {
        *place = u8::from(last);
    }
    Nonce::assume_unique_for_key(nonce)
}

/// Encrypts what is written to it. Without [`Sealer::finish`] what came out is no whole backup.
pub(crate) struct Sealer<W> {
    to: W,
    key: LessSafeKey,
    bare: Bare,
    number: u64,
    held: Vec<u8>,
}

impl<W: Write> Sealer<W> {
    /// Writes the head.
    pub(crate) fn new(
        mut to: W,
        passphrase: &Passphrase,
        work: Work,
        salt: &Salt,
    ) -> Result<Self, Fault> {
        let (head, bare, key) = head::make(passphrase, work, salt)?;
        to.write_all(&head)?;
        Ok(Self { to, key, bare, number: 0, held: Vec::with_capacity(SEALED) })
    }

    /// Writes the last chunk.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let nonce = nonce(self.number, last);
        self.key
            .seal_in_place_append_tag(nonce, Aad::from(&self.bare), &mut self.held)
            .map_err(|_| io::Error::other("a chunk could not be encrypted"))?;
        self.to.write_all(&self.held)?;
        self.held.clear();
        self.number = self.number.saturating_add(1);
        Ok(())
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits until it is known not to be the last.
        if self.held.len() >= CHUNK && !bytes.is_empty() {
            self.seal(false)?;
        }
        let room = CHUNK.saturating_sub(self.held.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.held.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Decrypts a stream.
pub(crate) struct Opener<R> {
    from: R,
    key: LessSafeKey,
    bare: Bare,
    number: u64,
    /// The chunk that is read out, in clear, and how far that is.
    clear: Vec<u8>,
    at: usize,
    /// The one behind it, as it came; empty at the end of the file.
    ahead: Vec<u8>,
    ended: bool,
}

impl<R: Read> Opener<R> {
    /// Reads the head.
    pub(crate) fn new(mut from: R, passphrase: &Passphrase) -> Result<Self, Fault> {
        let (bare, key) = head::read(&mut from, passphrase)?;
        let (clear, ahead) = (Vec::new(), Vec::with_capacity(SEALED));
        let mut opener = Self { from, key, bare, number: 0, clear, at: 0, ahead, ended: false };
        opener.look_ahead()?;
        Ok(opener)
    }

    fn look_ahead(&mut self) -> Result<(), Fault> {
        self.ahead.clear();
        (&mut self.from).take(SEALED as u64).read_to_end(&mut self.ahead)?;
        Ok(())
    }

    /// Where the chunk begins that is opened next.
    fn place(&self) -> u64 {
        self.number.saturating_mul(SEALED as u64).saturating_add(HEAD as u64)
    }

    /// Opens the chunk ahead. Chunks are all full but the last, so one that is not is the last or cut.
    fn open(&mut self) -> Result<(), Fault> {
        let at = self.place();
        let cut = Fault::CutOff { at: at.saturating_add(self.ahead.len() as u64) };
        if self.ahead.len() < TAG {
            return Err(cut);
        }
        std::mem::swap(&mut self.clear, &mut self.ahead);
        self.look_ahead()?;
        let last = self.ahead.is_empty();
        let full = self.clear.len() == SEALED;
        let mut as_it_came = if last { self.clear.clone() } else { Vec::new() };
        let aad = || Aad::from(&self.bare);
        let opened = self.key.open_in_place(nonce(self.number, last), aad(), &mut self.clear);
        let length = match opened {
            Ok(clear) => clear.len(),
            Err(_) if last => {
                // It may be whole, and not the last that was written.
                let goes_on = nonce(self.number, false);
                let whole = self.key.open_in_place(goes_on, aad(), &mut as_it_came).is_ok();
                return Err(match full {
                    _ if whole => cut,
                    true => Fault::Damaged { at },
                    false => Fault::End { at },
                });
            }
            Err(_) => return Err(Fault::Damaged { at }),
        };
        self.clear.truncate(length);
        (self.at, self.ended) = (0, last);
        self.number = self.number.saturating_add(1);
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.clear.len() {
            if self.ended {
                return Ok(0);
            }
            self.open()?;
        }
        let rest = self.clear.get(self.at..).unwrap_or_default();
        let most = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..most), rest.get(..most)) {
            to.copy_from_slice(from);
        }
        self.at = self.at.saturating_add(most);
        Ok(most)
    }
}
