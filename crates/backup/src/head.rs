//! The first bytes of a backup, the only ones in clear: which form, and how the key is made.

use crate::key::{Passphrase, Salt, Work};
use crate::{Fault, SALT_BYTES};
use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use std::io::Read;

/// The form of this version.
pub(crate) const FORM: u16 = 1;

const MAGIC: &[u8; 8] = b"BWBACKUP";
/// All but the tag.
const BARE: usize = 8 + 2 + 4 + 4 + 4 + SALT_BYTES;
const TAG: usize = 16;

/// Bytes of a head.
pub(crate) const HEAD: usize = BARE + TAG;

/// The associated data of every chunk: the head without its tag.
pub(crate) type Bare = [u8; BARE];

/// Makes the head of a new backup, and its key.
pub(crate) fn make(
    passphrase: &Passphrase,
    work: Work,
    salt: &Salt,
) -> Result<(Vec<u8>, Bare, LessSafeKey), Fault> {
    let Work { memory_kib, passes, lanes } = work;
    let numbers = [memory_kib, passes, lanes].map(u32::to_be_bytes).concat();
    let head = [&MAGIC[..], &FORM.to_be_bytes(), &numbers, salt].concat();
    let odd = || Fault::odd("its head cannot be made");
    let bare: Bare = head.as_slice().try_into().map_err(|_| odd())?;
    let key = work.key(passphrase, salt)?;
    let tag = key.seal_in_place_separate_tag(nonce(), Aad::from(&bare), &mut []);
    let head = [&head[..], tag.map_err(|_| odd())?.as_ref()].concat();
    Ok((head, bare, key))
}

/// Reads a head, and makes the key that it asks for.
pub(crate) fn read(
    from: &mut dyn Read,
    passphrase: &Passphrase,
) -> Result<(Bare, LessSafeKey), Fault> {
    let mut head = Vec::with_capacity(HEAD);
    from.take(HEAD as u64).read_to_end(&mut head)?;
    let Some((magic, _)) = head.split_first_chunk::<8>() else { return Err(Fault::NoBackup) };
    if magic != MAGIC {
        return Err(Fault::NoBackup);
    }
    let cut = Fault::CutOff { at: head.len() as u64 };
    let (Some(bare), Some(tag)) = (head.first_chunk::<BARE>(), head.get(BARE..HEAD)) else {
        return Err(cut);
    };
    let mut fields = Fields(bare.get(8..).unwrap_or_default());
    let form = u16::from_be_bytes(fields.take());
    if form != FORM {
        return Err(Fault::Later(form));
    }
    let mut number = || u32::from_be_bytes(fields.take());
    let work = Work { memory_kib: number(), passes: number(), lanes: number() };
    let salt: Salt = fields.take();
    let key = work.key(passphrase, &salt)?;
    let mut tag = tag.to_vec();
    key.open_in_place(nonce(), Aad::from(bare), &mut tag).map_err(|_| Fault::Passphrase)?;
    Ok((*bare, key))
}

/// No chunk has it: its last byte says neither that more comes nor that it is the last.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0xff; NONCE_LEN])
}

/// Fixed fields one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    /// The next; zeros past the end, which a head of the right length never reaches.
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((field, rest)) => {
                self.0 = rest;
                *field
            }
            None => [0; N],
        }
    }
}
