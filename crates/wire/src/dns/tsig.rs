//! Signatures of messages (RFC 8945): their bytes, and which bytes they are made over.

use super::name::{LABEL_BYTES_MAX, NAME_BYTES_MAX, Name};
use super::{HEADER, Malformed, class, kind};

/// Where a header says how many additional records there are.
const ADDITIONAL: usize = 10;
/// Pointers that are followed in one name: each leads back, so that it ends anyhow.
const POINTERS_MAX: usize = 16;
/// The longest code of any algorithm, in bytes.
pub const MAC_BYTES_MAX: usize = 64;

/// The fields of a signature, without the code itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fields {
    /// Which key.
    pub key: Name,
    /// How: `hmac-sha256`.
    pub algorithm: Name,
    /// When, in seconds since 1970; 48 bits.
    pub at_s: u64,
    /// By how much clocks may differ.
    pub fudge_s: u16,
    /// What is wrong with the signature that is answered; 0 is nothing.
    pub error: u16,
    /// More of that: the server's time, for BADTIME.
    pub other: Vec<u8>,
}

/// A signature that came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Received {
    /// What it says.
    pub fields: Fields,
    /// Its code.
    pub mac: Vec<u8>,
    /// The message as it was signed.
    pub message: Vec<u8>,
}

impl Fields {
    /// What is signed behind a message (RFC 8945, 4.3.3).
    pub fn variables(&self) -> Vec<u8> {
        let mut bytes = whole(&self.key);
        bytes.extend(class::ANY.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(whole(&self.algorithm));
        bytes.extend(self.times());
        bytes.extend(self.error.to_be_bytes());
        bytes.extend(length(&self.other));
        bytes.extend(&self.other);
        bytes
    }

    fn times(&self) -> Vec<u8> {
        let at = self.at_s.to_be_bytes();
        [at.get(2..).unwrap_or_default(), &self.fudge_s.to_be_bytes()].concat()
    }

    /// Puts the signature with this code behind a message that has none.
    pub fn append(&self, message: &mut Vec<u8>, mac: &[u8]) {
        let id = [message.first().copied(), message.get(1).copied()].map(Option::unwrap_or_default);
        message.extend(whole(&self.key));
        message.extend(kind::TSIG.to_be_bytes());
        message.extend(class::ANY.to_be_bytes());
        message.extend([0; 4]);
        let mut data = whole(&self.algorithm);
        data.extend(self.times());
        data.extend(length(mac));
        data.extend(mac);
        data.extend(id);
        data.extend(self.error.to_be_bytes());
        data.extend(length(&self.other));
        data.extend(&self.other);
        message.extend(length(&data));
        message.extend(data);
        one_more(message, 1);
    }
}

/// Changes how many additional records a message says to have.
fn one_more(message: &mut [u8], by: i16) {
    let at = message.get_mut(ADDITIONAL..).and_then(<[u8]>::first_chunk_mut::<2>);
    if let Some(count) = at {
        *count = u16::from_be_bytes(*count).saturating_add_signed(by).to_be_bytes();
    }
}

fn whole(name: &Name) -> Vec<u8> {
    [name.as_wire(), &[0]].concat()
}

/// The length that stands before bytes.
pub fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes()
}

/// What is left to read of a message whose names may point back.
pub(super) struct Rest<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    pub(super) fn of(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at >= self.all.len()
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.saturating_add(count);
        let taken = self.all.get(self.at..end).ok_or(Malformed::Short)?;
        self.at = end;
        Ok(taken)
    }

    pub(super) fn number(&mut self) -> Result<u16, Malformed> {
        let bytes = self.take(2)?.first_chunk::<2>().ok_or(Malformed::Short)?;
        Ok(u16::from_be_bytes(*bytes))
    }

    /// A name, in lower case.
    pub(super) fn name(&mut self) -> Result<Name, Malformed> {
        let (mut name, mut read, mut jumps) = (Vec::new(), self.at, 0_usize);
        let mut end = None;
        loop {
            let length = usize::from(*self.all.get(read).ok_or(Malformed::Short)?);
            let behind = read.saturating_add(1);
            if length >= 0xc0 {
                let low = usize::from(*self.all.get(behind).ok_or(Malformed::Short)?);
                let to = (length & 0x3f) << 8 | low;
                end.get_or_insert(behind.saturating_add(1));
                jumps = jumps.saturating_add(1);
                if to >= read || jumps > POINTERS_MAX {
                    return Err(Malformed::Name);
                }
                read = to;
                continue;
            }
            if length > LABEL_BYTES_MAX || name.len().saturating_add(length) > NAME_BYTES_MAX {
                return Err(Malformed::Name);
            }
            read = behind.saturating_add(length);
            if length == 0 {
                break;
            }
            name.extend(self.all.get(behind.saturating_sub(1)..read).ok_or(Malformed::Short)?);
        }
        self.at = end.unwrap_or(read);
        Name::of_wire(&name).ok_or(Malformed::Name)
    }

    /// One record; its signature where it is one. `last` says how many additional records there are
    /// when this is the last of them, where alone a signature may stand.
    pub(super) fn record(&mut self, last: Option<u16>) -> Result<Option<Received>, Malformed> {
        let begin = self.at;
        let name = self.name()?;
        let (kind, class) = (self.number()?, self.number()?);
        let ttl = self.take(4)?;
        let length = self.number()?;
        if kind != kind::TSIG || class != class::ANY {
            self.take(length.into())?;
            return Ok(None);
        }
        // RFC 8945, 4.2: the one field that is not signed is always the same.
        if last.is_none() || ttl != [0; 4] {
            return Err(Malformed::Additional);
        }
        let end = self.at.saturating_add(length.into());
        let received = self.signature(begin, name)?;
        if self.at != end {
            return Err(Malformed::Additional);
        }
        Ok(Some(received))
    }

    fn signature(&mut self, begin: usize, key: Name) -> Result<Received, Malformed> {
        let algorithm = self.name()?;
        let at = self.take(6)?.iter().fold(0_u64, |at, byte| at << 8 | u64::from(*byte));
        let fudge_s = self.number()?;
        let mac = self.number()?;
        if usize::from(mac) > MAC_BYTES_MAX {
            return Err(Malformed::Additional);
        }
        let mac = self.take(mac.into())?.to_vec();
        let id = self.number()?;
        let error = self.number()?;
        let other = self.number()?;
        let other = self.take(other.into())?.to_vec();
        let mut message = self.all.get(..begin).unwrap_or_default().to_vec();
        if message.len() < HEADER {
            return Err(Malformed::Short);
        }
        // As it was before it was signed: with the id it had then, and without the signature.
        if let Some(place) = message.first_chunk_mut::<2>() {
            *place = id.to_be_bytes();
        }
        one_more(&mut message, -1);
        let fields = Fields { key, algorithm, at_s: at, fudge_s, error, other };
        Ok(Received { fields, mac, message })
    }
}
