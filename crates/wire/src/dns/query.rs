//! One question.

use super::name::NAME_BYTES_MAX;
use super::{HEADER, QUERY_BYTES_MAX, kind};
use std::fmt;

/// What a client asks, with what an answer has to repeat.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Query<'a> {
    /// Repeated in the answer.
    pub id: u16,
    /// 0 is a question (RFC 1035, 4.1.1).
    pub opcode: u8,
    /// RD: somebody else may be asked.
    pub recursion_desired: bool,
    /// CD (RFC 4035, 3.2.2), repeated in the answer.
    pub checking_disabled: bool,
    /// The name as it was written, labels with their lengths, without the root.
    pub name: &'a [u8],
    /// Which type: see [`kind`].
    pub kind: u16,
    /// Which class.
    pub class: u16,
    /// What the OPT record says, where there is one.
    pub edns: Option<Edns>,
}

/// EDNS (RFC 6891).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Edns {
    /// Bytes that a datagram to the client may have.
    pub payload: u16,
    /// 0 is all there is.
    pub version: u8,
    /// DO: it wants signatures.
    pub dnssec_ok: bool,
}

/// Why bytes are no question that we read.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Malformed {
    /// Shorter than a header, or it ends in the middle of something.
    Short,
    /// More than [`QUERY_BYTES_MAX`].
    Long,
    /// An answer, which nobody asked for.
    Response,
    /// Not one question.
    Questions,
    /// Records where a question has none.
    Records,
    /// A label that is too long, a compression pointer, or a name that is too long.
    Name,
    /// A record beside OPT (RFC 8945 signatures among them), or a second OPT.
    Additional,
    /// Bytes after the end.
    Trailing,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Short => "it ends too early",
            Self::Long => "it is too long for a question",
            Self::Response => "it is an answer, not a question",
            Self::Questions => "it has not one question",
            Self::Records => "it brings records of its own",
            Self::Name => "its name is none",
            Self::Additional => "it has additional records other than one OPT",
            Self::Trailing => "bytes follow its end",
        })
    }
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        self.take(1)?.first().copied().ok_or(Malformed::Short)
    }

    fn number(&mut self) -> Result<u16, Malformed> {
        let bytes = self.take(2)?.first_chunk::<2>().ok_or(Malformed::Short)?;
        Ok(u16::from_be_bytes(*bytes))
    }

    /// A name that nothing can come before: without pointers.
    fn name(&mut self) -> Result<&'a [u8], Malformed> {
        let (begin, mut length) = (self.0, 0_usize);
        loop {
            let label = usize::from(self.byte()?);
            if label == 0 {
                return begin.get(..length).ok_or(Malformed::Short);
            }
            length = length.saturating_add(label).saturating_add(1);
            if label > super::LABEL_BYTES_MAX || length > NAME_BYTES_MAX {
                return Err(Malformed::Name);
            }
            self.take(label)?;
        }
    }
}

impl<'a> Query<'a> {
    /// Reads one message. What follows an opcode that is none of ours is read all the same: only a
    /// whole question is worth a refusal.
    ///
    /// # Errors
    ///
    /// What is wrong with it. Such a message is worth no answer.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if bytes.len() > QUERY_BYTES_MAX {
            return Err(Malformed::Long);
        }
        if bytes.len() < HEADER {
            return Err(Malformed::Short);
        }
        let mut rest = Rest(bytes);
        let id = rest.number()?;
        let flags = rest.number()?;
        if flags & 0x8000 != 0 {
            return Err(Malformed::Response);
        }
        let counts = [rest.number()?, rest.number()?, rest.number()?, rest.number()?];
        let [questions, answers, authority, additional] = counts;
        if questions != 1 {
            return Err(Malformed::Questions);
        }
        if answers != 0 || authority != 0 {
            return Err(Malformed::Records);
        }
        let name = rest.name()?;
        let (kind, class) = (rest.number()?, rest.number()?);
        let edns = match additional {
            0 => None,
            1 => Some(opt(&mut rest)?),
            _ => return Err(Malformed::Additional),
        };
        if !rest.0.is_empty() {
            return Err(Malformed::Trailing);
        }
        Ok(Self {
            id,
            opcode: ((flags >> 11) & 0xf) as u8,
            recursion_desired: flags & 0x0100 != 0,
            checking_disabled: flags & 0x0010 != 0,
            name,
            kind,
            class,
            edns,
        })
    }
}

/// RFC 6891, 6.1.2. Options are passed over: none that we know changes an answer.
fn opt(rest: &mut Rest<'_>) -> Result<Edns, Malformed> {
    if rest.byte()? != 0 || rest.number()? != kind::OPT {
        return Err(Malformed::Additional);
    }
    let payload = rest.number()?;
    let (_extended, version) = (rest.byte()?, rest.byte()?);
    let flags = rest.number()?;
    let length = usize::from(rest.number()?);
    let mut options = Rest(rest.take(length)?);
    while !options.0.is_empty() {
        let (_code, length) = (options.number()?, usize::from(options.number()?));
        options.take(length)?;
    }
    Ok(Edns { payload, version, dnssec_ok: flags & 0x8000 != 0 })
}
