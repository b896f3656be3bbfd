//! Updates (RFC 2136): what we ask another server to change, and what it says to that; and the question
//! whether it has a zone at all.

use super::name::Name;
use super::reply::{Data, Writer};
use super::tsig::{Received, Rest};
use super::{HEADER, Malformed, class, kind};

/// The operation (RFC 2136, 1.3).
const OPCODE: u16 = 5;
/// The longest answer that is read: the sections of an update, and a signature.
pub const UPDATED_BYTES_MAX: usize = 4096;

/// One message: what has to hold, and what is done if all of it does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Update {
    /// The zone that is changed.
    pub zone: Name,
    /// What has to hold (RFC 2136, 2.4).
    pub needs: Vec<Need>,
    /// What is done (RFC 2136, 2.5).
    pub acts: Vec<Act>,
}

/// What has to hold, or nothing is changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Need {
    /// Nothing is under this name; else YXDOMAIN.
    Unused(Name),
    /// Of this type there is this record and no other; else NXRRSET.
    Only(Name, Data),
    /// There is nothing of this type; else YXRRSET.
    Without(Name, u16),
}

/// One change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Act {
    /// This record is there, for so many seconds.
    Add(Name, u32, Data),
    /// This record is not there.
    Remove(Name, Data),
    /// Nothing of this type is there.
    RemoveAll(Name, u16),
}

impl Update {
    /// As bytes, without a signature.
    pub fn write(&self, id: u16) -> Vec<u8> {
        let mut writer = Writer::plain();
        writer.bytes.extend(id.to_be_bytes());
        writer.bytes.extend([0; HEADER - 2]);
        writer.name(&self.zone);
        writer.number(kind::SOA);
        writer.number(class::IN);
        for need in &self.needs {
            match need {
                Need::Unused(name) => nothing(&mut writer, name, kind::ANY, class::NONE),
                Need::Without(name, kind) => nothing(&mut writer, name, *kind, class::NONE),
                Need::Only(name, data) => writer.of_class(name, class::IN, 0, data),
            }
        }
        for act in &self.acts {
            match act {
                Act::Add(name, ttl_s, data) => writer.of_class(name, class::IN, *ttl_s, data),
                Act::Remove(name, data) => writer.of_class(name, class::NONE, 0, data),
                Act::RemoveAll(name, kind) => nothing(&mut writer, name, *kind, class::ANY),
            }
        }
        let count = |all: usize| u16::try_from(all).unwrap_or(u16::MAX);
        let counts = [OPCODE << 11, 1, count(self.needs.len()), count(self.acts.len()), 0];
        for (n, number) in counts.into_iter().enumerate() {
            writer.put(n.saturating_mul(2).saturating_add(2), number);
        }
        writer.bytes
    }
}

/// A record that says something by its class alone.
fn nothing<'a>(writer: &mut Writer<'a>, name: &'a Name, kind: u16, class: u16) {
    writer.name(name);
    writer.number(kind);
    writer.number(class);
    writer.bytes.extend([0; 6]);
}

/// What a server says to an update.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Updated {
    /// That of the update.
    pub id: u16,
    /// RCODE.
    pub code: u16,
    /// TC: over TCP it would say more.
    pub cut: bool,
    /// Its signature, if it has one.
    pub tsig: Option<Received>,
}

impl Updated {
    /// Reads one message.
    ///
    /// # Errors
    ///
    /// What is wrong with it; it is no answer to an update then.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        read(bytes, OPCODE).map(|(said, _)| said)
    }
}

/// Asks for the begin of a zone (SOA; RFC 1035, 4.1), of its own servers and nobody behind them: nothing is
/// changed by it. Without a signature.
#[must_use]
pub fn begin_of(zone: &Name, id: u16) -> Vec<u8> {
    let mut writer = Writer::plain();
    writer.bytes.extend(id.to_be_bytes());
    writer.bytes.extend([0; HEADER - 2]);
    writer.name(zone);
    writer.number(kind::SOA);
    writer.number(class::IN);
    writer.put(4, 1);
    writer.bytes
}

/// What a server says to [`begin_of`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Begin {
    /// Its code and signature.
    pub said: Updated,
    /// It has the zone: an answer from its own data (AA) with a record in it.
    pub has_it: bool,
}

impl Begin {
    /// Reads one message.
    ///
    /// # Errors
    ///
    /// What is wrong with it; it is no answer to a question then.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        const AUTHORITATIVE: u16 = 0x400;
        let (said, (flags, answers)) = read(bytes, 0)?;
        Ok(Self { said, has_it: flags & AUTHORITATIVE != 0 && answers > 0 })
    }
}

/// An answer to a message with this operation; its flags, and how many records the section has that
/// answers.
fn read(bytes: &[u8], opcode: u16) -> Result<(Updated, (u16, u16)), Malformed> {
    if bytes.len() > UPDATED_BYTES_MAX {
        return Err(Malformed::Long);
    }
    let mut rest = Rest::of(bytes);
    let (id, flags) = (rest.number()?, rest.number()?);
    if flags & 0xf800 != 0x8000 | (opcode << 11) {
        return Err(Malformed::Response);
    }
    let [zones, needs, acts, more] =
        [rest.number()?, rest.number()?, rest.number()?, rest.number()?];
    for _ in 0..zones {
        rest.name()?;
        rest.take(4)?;
    }
    let mut tsig = None;
    let sections = [needs, acts, more.saturating_sub(1)];
    for _ in sections.into_iter().flat_map(|count| 0..count) {
        if rest.record(None)?.is_some() {
            // A signature is the last record or none (RFC 8945, 5.1).
            return Err(Malformed::Additional);
        }
    }
    if more > 0 {
        tsig = rest.record(Some(more))?;
    }
    if !rest.is_empty() {
        return Err(Malformed::Trailing);
    }
    let said = Updated { id, code: flags & 0xf, cut: flags & 0x200 != 0, tsig };
    Ok((said, (flags, needs)))
}
