//! Reads a backup, entry by entry.

use crate::key::Passphrase;
use crate::pieces::{Place, Whole, array, bytes, text};
use crate::seal::Opener;
use crate::write::{ABOUT, BLOB, END, FILE, LOST, PLAIN, ZSTD};
use crate::{About, Fault, Sha256, is_safe};
use std::io::{self, BufReader, Read};

/// The longest [`About`].
const ABOUT_MAX: u32 = 1 << 20;

/// One thing in a backup.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Entry {
    /// A file; its bytes follow.
    File {
        /// Where, below the folder it is restored to; it [`is_safe`].
        name: String,
        /// Bytes.
        size: u64,
    },
    /// A blob; its bytes follow.
    Blob {
        /// What they should hash to; nobody has compared that yet.
        sha256: Sha256,
        /// Bytes.
        size: u64,
    },
    /// A blob that could not be read when the backup was made.
    Lost {
        /// Its name.
        sha256: Sha256,
        /// Why.
        why: String,
    },
}

/// A backup that is read. Only when [`Reader::next`] has given `None` is it known to be whole.
pub struct Reader<R> {
    from: Opener<R>,
    about: About,
    entries: u64,
    /// The body that comes next, if any.
    body: Option<Coming>,
    ended: bool,
}

#[derive(Clone, Copy)]
struct Coming {
    size: u64,
    packed: bool,
    place: Place,
}

impl<R: Read> Reader<R> {
    /// Reads what it says of itself.
    pub fn open(from: R, passphrase: &Passphrase) -> Result<Self, Fault> {
        let mut from = Opener::new(from, passphrase)?;
        let [kind] = array(&mut from)?;
        let length = u32::from_be_bytes(array(&mut from)?);
        if kind != ABOUT || length > ABOUT_MAX {
            return Err(Fault::odd("it does not say what is in it"));
        }
        let json = bytes(&mut from, usize::try_from(length).unwrap_or(usize::MAX))?;
        let about = serde_json::from_slice(&json);
        let about =
            about.map_err(|e| Fault::odd(format!("what it says of itself is no JSON: {e}")))?;
        Ok(Self { from, about, entries: 0, body: None, ended: false })
    }

    /// What it says of itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The next entry; `None` at the end, behind which there is nothing. What was not read of the last
    /// one's body is passed over.
    #[expect(
        clippy::should_implement_trait,
        reason = "entries lend their bodies; this is no iterator"
    )]
    pub fn next(&mut self) -> Result<Option<Entry>, Fault> {
        self.pass_over()?;
        if self.ended {
            return Ok(None);
        }
        let from = &mut self.from;
        let [kind] = array(from)?;
        let entry = match kind {
            FILE => {
                let name = text(from)?;
                if !is_safe(&name) {
                    return Err(Fault::odd("a file that has no plain name"));
                }
                let size = u64::from_be_bytes(array(from)?);
                let packed = match array(from)? {
                    [PLAIN] => false,
                    [ZSTD] => true,
                    [other] => return Err(Fault::odd(format!("packing {other} of {name}"))),
                };
                self.body = Some(Coming { size, packed, place: Place::default() });
                Entry::File { name, size }
            }
            BLOB => {
                let (sha256, size) = (array(from)?, u64::from_be_bytes(array(from)?));
                self.body = Some(Coming { size, packed: false, place: Place::default() });
                Entry::Blob { sha256, size }
            }
            LOST => Entry::Lost { sha256: array(from)?, why: text(from)? },
            END => return self.end(),
            other => return Err(Fault::odd(format!("an entry of kind {other}"))),
        };
        self.entries = self.entries.saturating_add(1);
        Ok(Some(entry))
    }

    /// The bytes of the entry that [`Reader::next`] gave; none if it has none. Its end is an error if it
    /// is not as long as was said; [`Fault::BrokenOff`] if it could not be read when the backup was made.
    pub fn body(&mut self) -> io::Result<Body<'_, R>> {
        let Some(Coming { size, packed, place }) = &mut self.body else {
            return Ok(Body { from: Form::None, left: 0 });
        };
        let whole = Whole { from: &mut self.from, place };
        let from = match packed {
            true => Form::Packed(zstd::Decoder::new(whole)?),
            false => Form::Plain(whole),
        };
        Ok(Body { from, left: *size })
    }

    fn pass_over(&mut self) -> Result<(), Fault> {
        let Some(mut coming) = self.body.take() else { return Ok(()) };
        if coming.place.over {
            return Ok(());
        }
        let mut rest = Whole { from: &mut self.from, place: &mut coming.place };
        match io::copy(&mut rest, &mut io::sink()).map_err(Fault::from) {
            Ok(_) | Err(Fault::BrokenOff(_)) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    fn end(&mut self) -> Result<Option<Entry>, Fault> {
        let said = u64::from_be_bytes(array(&mut self.from)?);
        if said != self.entries {
            let what = format!("it has {} entries, and should have {said}", self.entries);
            return Err(Fault::odd(what));
        }
        if self.from.read(&mut [0])? != 0 {
            return Err(Fault::odd("something follows its end"));
        }
        self.ended = true;
        Ok(None)
    }
}

/// The bytes of an entry.
pub struct Body<'a, R: Read> {
    from: Form<'a, R>,
    /// Bytes that should still come.
    left: u64,
}

enum Form<'a, R: Read> {
    None,
    Plain(Whole<'a, Opener<R>>),
    Packed(zstd::Decoder<'a, BufReader<Whole<'a, Opener<R>>>>),
}

impl<R: Read> Read for Body<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.from {
            Form::None => 0,
            Form::Plain(from) => from.read(buffer)?,
            Form::Packed(from) => from.read(buffer)?,
        };
        let Some(left) = self.left.checked_sub(read as u64) else {
            return Err(Fault::odd("more bytes than were announced").into());
        };
        self.left = left;
        if read == 0 && !buffer.is_empty() && left > 0 {
            return Err(Fault::odd(format!("{left} bytes less than were announced")).into());
        }
        Ok(read)
    }
}
