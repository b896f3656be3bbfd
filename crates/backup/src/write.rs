//! Writes a backup, entry by entry.

use crate::key::{Passphrase, Salt, Work};
use crate::pieces::{PIECE, Pieces, put_text};
use crate::seal::Sealer;
use crate::{About, Fault, Sha256, is_safe};
use std::io::{self, Read, Write};

pub(crate) const END: u8 = 0;
pub(crate) const ABOUT: u8 = 1;
pub(crate) const FILE: u8 = 2;
pub(crate) const BLOB: u8 = 3;
pub(crate) const LOST: u8 = 4;

pub(crate) const PLAIN: u8 = 0;
pub(crate) const ZSTD: u8 = 1;

/// Above this, a slow disk is no longer what a backup waits for.
const LEVEL: i32 = 3;

/// What became of a blob.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Sent {
    /// It is in the backup.
    Whole,
    /// It could not be read to its end, and the backup says so in its place.
    BrokenOff(String),
}

/// A backup that is being written. It is one only after [`Writer::finish`].
pub struct Writer<W: Write> {
    to: Sealer<W>,
    entries: u64,
}

impl<W: Write> Writer<W> {
    /// Begins one. Making the key takes its time and memory on purpose.
    pub fn new(
        to: W,
        passphrase: &Passphrase,
        work: Work,
        salt: &Salt,
        about: &About,
    ) -> Result<Self, Fault> {
        let mut to = Sealer::new(to, passphrase, work, salt)?;
        let json = serde_json::to_vec(about).map_err(|e| Fault::odd(e.to_string()))?;
        let length = u32::try_from(json.len()).map_err(|e| Fault::odd(e.to_string()))?;
        to.write_all(&[ABOUT])?;
        to.write_all(&length.to_be_bytes())?;
        to.write_all(&json)?;
        Ok(Self { to, entries: 0 })
    }

    /// Adds a file of `size` bytes, compressed. Its name is one that [`is_safe`].
    pub fn file(&mut self, name: &str, size: u64, from: &mut dyn Read) -> io::Result<()> {
        if !is_safe(name) {
            return Err(io::Error::other(format!("`{name}` is no name for a file of a backup")));
        }
        self.begin(FILE)?;
        put_text(&mut self.to, name)?;
        self.to.write_all(&size.to_be_bytes())?;
        self.to.write_all(&[ZSTD])?;
        let mut packed = zstd::Encoder::new(Pieces::new(&mut self.to), LEVEL)?;
        let copied = io::copy(&mut from.take(size), &mut packed)?;
        packed.finish()?.end()?;
        match copied == size {
            true => Ok(()),
            false => Err(io::Error::other(format!("{name} has {copied} bytes, not {size}"))),
        }
    }

    /// Adds a blob of `size` bytes, as it is: what images are made of is compressed already. An error is
    /// one of writing; if the blob cannot be read, that is said in its place, and others may follow.
    pub fn blob(&mut self, sha256: &Sha256, size: u64, from: &mut dyn Read) -> io::Result<Sent> {
        self.begin(BLOB)?;
        self.to.write_all(sha256)?;
        self.to.write_all(&size.to_be_bytes())?;
        let mut body = Pieces::new(&mut self.to);
        let mut buffer = vec![0; PIECE];
        let mut left = size;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let why = match from.read(buffer.get_mut(..most).unwrap_or_default()) {
                Ok(0) => "it is shorter than it should be".to_owned(),
                Ok(read) => {
                    body.write_all(buffer.get(..read).unwrap_or_default())?;
                    left = left.saturating_sub(read as u64);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error.to_string(),
            };
            body.break_off(&why)?;
            return Ok(Sent::BrokenOff(why));
        }
        body.end()?;
        Ok(Sent::Whole)
    }

    /// Says that a blob that is named cannot be read, and why.
    pub fn lost(&mut self, sha256: &Sha256, why: &str) -> io::Result<()> {
        self.begin(LOST)?;
        self.to.write_all(sha256)?;
        put_text(&mut self.to, why)
    }

    /// Ends it. What it was written to is given back; making it last is the caller's.
    pub fn finish(mut self) -> io::Result<W> {
        self.to.write_all(&[END])?;
        self.to.write_all(&self.entries.to_be_bytes())?;
        self.to.finish()
    }

    fn begin(&mut self, kind: u8) -> io::Result<()> {
        self.entries = self.entries.saturating_add(1);
        self.to.write_all(&[kind])
    }
}
