//! What we answer, as bytes.

use super::name::{Name, parent};
use super::query::Query;
use super::{Code, HEADER, UDP_BYTES_MAX, UDP_BYTES_PLAIN, class, kind};
use std::net::{Ipv4Addr, Ipv6Addr};

/// One record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// Whose.
    pub name: Name,
    /// For how many seconds it may be remembered.
    pub ttl_s: u32,
    /// What.
    pub data: Data,
}

/// The data of a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Data {
    /// RFC 1035, 3.4.1.
    A(Ipv4Addr),
    /// RFC 3596.
    Aaaa(Ipv6Addr),
    /// RFC 1035, 3.3.11.
    Ns(Name),
    /// RFC 1035, 3.3.1.
    Cname(Name),
    /// RFC 1035, 3.3.12.
    Ptr(Name),
    /// RFC 1035, 3.3.9.
    Mx(u16, Name),
    /// RFC 1035, 3.3.14: pieces of up to 255 bytes; what is longer is cut into such.
    Txt(Vec<u8>),
    /// RFC 2782.
    Srv {
        /// Lower ones are tried first.
        priority: u16,
        /// Share among those of one priority.
        weight: u16,
        /// Port.
        port: u16,
        /// Where.
        target: Name,
    },
    /// RFC 1035, 3.3.13.
    Soa(Box<Soa>),
    /// Two words (RFC 8482, 4.2).
    Hinfo(&'static str, &'static str),
    /// RFC 4701.
    Dhcid(Box<[u8]>),
}

/// The begin of a zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Soa {
    /// The primary server.
    pub server: Name,
    /// A mailbox, its `@` a dot.
    pub mailbox: Name,
    /// Grows with every change.
    pub serial: u32,
    /// Seconds until a copy is compared.
    pub refresh_s: u32,
    /// Seconds until that is tried again.
    pub retry_s: u32,
    /// Seconds after which a copy is worth nothing.
    pub expire_s: u32,
    /// For how many seconds it may be remembered that there is nothing (RFC 2308).
    pub minimum_s: u32,
}

impl Data {
    /// Its type.
    pub fn kind(&self) -> u16 {
        match self {
            Self::A(_) => kind::A,
            Self::Aaaa(_) => kind::AAAA,
            Self::Ns(_) => kind::NS,
            Self::Cname(_) => kind::CNAME,
            Self::Ptr(_) => kind::PTR,
            Self::Mx(..) => kind::MX,
            Self::Txt(_) => kind::TXT,
            Self::Srv { .. } => kind::SRV,
            Self::Soa(_) => kind::SOA,
            Self::Hinfo(..) => kind::HINFO,
            Self::Dhcid(_) => kind::DHCID,
        }
    }
}

/// An answer, before it is bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply<'a> {
    /// How it ends.
    pub code: Code,
    /// AA: it is ours to say.
    pub authoritative: bool,
    /// RA: others are asked for whoever wants it.
    pub recursion_available: bool,
    /// What was asked for.
    pub answers: Vec<&'a Record>,
    /// Who says so, or says that there is nothing.
    pub authority: Vec<&'a Record>,
    /// What will be asked next. Left out without a word where there is no room.
    pub additional: Vec<&'a Record>,
}

impl Reply<'_> {
    /// Nothing but how it ends.
    pub fn of(code: Code) -> Self {
        Self {
            code,
            authoritative: false,
            recursion_available: false,
            answers: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
        }
    }
}

/// Names that can be pointed at. More are written out: looking for them must not cost more than it
/// saves (O(n²) compression has brought other servers down).
const POINTED_MAX: usize = 24;
/// Bytes of an OPT record without options.
const OPT_BYTES: usize = 11;

impl Query<'_> {
    /// How many bytes a datagram to this client may have.
    pub fn room(&self) -> usize {
        let said = self.edns.map_or(UDP_BYTES_PLAIN, |edns| usize::from(edns.payload));
        said.clamp(UDP_BYTES_PLAIN, UDP_BYTES_MAX)
    }

    /// The answer as bytes, `room` at most. What does not fit is left out, record by record, and TC says
    /// so.
    pub fn reply(&self, reply: &Reply<'_>, room: usize) -> Vec<u8> {
        let mut writer = Writer::new(self, reply, room);
        let answers = writer.records(&reply.answers);
        let authority = if writer.cut { 0 } else { writer.records(&reply.authority) };
        let additional = match writer.cut {
            true => 0,
            false => {
                let written = writer.records(&reply.additional);
                // What is only a help is not missed.
                writer.cut = false;
                written
            }
        };
        writer.finish(self, reply, [answers, authority, additional])
    }

    /// "Ask again over TCP": no larger than the question.
    pub fn truncated(&self) -> Vec<u8> {
        let reply = Reply::of(Code::NoError);
        let mut writer = Writer::new(self, &reply, UDP_BYTES_PLAIN);
        writer.cut = true;
        writer.finish(self, &reply, [0; 3])
    }
}

pub(super) struct Writer<'a> {
    pub(super) bytes: Vec<u8>,
    /// Where records have to end, for OPT to fit behind them.
    end: usize,
    cut: bool,
    /// Names that stand in the message already, and where; none where no name may be a pointer.
    pointed: Option<Vec<(&'a [u8], u16)>>,
}

impl<'a> Writer<'a> {
    fn new(query: &Query<'_>, _reply: &Reply<'a>, room: usize) -> Self {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend(query.id.to_be_bytes());
        bytes.extend([0; HEADER - 2]);
        bytes.extend(query.name);
        bytes.push(0);
        bytes.extend(query.kind.to_be_bytes());
        bytes.extend(query.class.to_be_bytes());
        let opt = if query.edns.is_some() { OPT_BYTES } else { 0 };
        Self { bytes, end: room.saturating_sub(opt), cut: false, pointed: Some(Vec::new()) }
    }

    /// Of a message that is no answer: all names are written out, and there is room.
    pub(super) fn plain() -> Self {
        Self { bytes: Vec::with_capacity(256), end: usize::MAX, cut: false, pointed: None }
    }

    /// Writes what fits; gives how many.
    fn records(&mut self, records: &[&'a Record]) -> u16 {
        let mut written = 0_u16;
        for record in records {
            let before = self.bytes.len();
            let names = self.pointed.as_ref().map_or(0, Vec::len);
            self.record(record);
            if self.bytes.len() > self.end {
                self.bytes.truncate(before);
                self.pointed.iter_mut().for_each(|pointed| pointed.truncate(names));
                self.cut = true;
                break;
            }
            written = written.saturating_add(1);
        }
        written
    }

    fn record(&mut self, record: &'a Record) {
        self.of_class(&record.name, class::IN, record.ttl_s, &record.data);
    }

    /// One record, of a class.
    pub(super) fn of_class(&mut self, name: &'a Name, class: u16, ttl_s: u32, data: &'a Data) {
        self.name(name);
        self.number(data.kind());
        self.number(class);
        self.bytes.extend(ttl_s.to_be_bytes());
        let at = self.bytes.len();
        self.number(0);
        self.data(data);
        let length = self.bytes.len().saturating_sub(at.saturating_add(2));
        self.put(at, u16::try_from(length).unwrap_or(u16::MAX));
    }

    fn data(&mut self, data: &'a Data) {
        match data {
            Data::A(address) => self.bytes.extend(address.octets()),
            Data::Aaaa(address) => self.bytes.extend(address.octets()),
            Data::Ns(name) | Data::Cname(name) | Data::Ptr(name) => self.name(name),
            Data::Mx(preference, name) => {
                self.number(*preference);
                self.name(name);
            }
            Data::Txt(text) => {
                if text.is_empty() {
                    self.bytes.push(0);
                }
                text.chunks(255).for_each(|piece| self.text(piece));
            }
            Data::Srv { priority, weight, port, target } => {
                [priority, weight, port].into_iter().for_each(|number| self.number(*number));
                // RFC 2782 forbids a pointer here.
                self.bytes.extend(target.as_wire());
                self.bytes.push(0);
            }
            Data::Soa(soa) => {
                self.name(&soa.server);
                self.name(&soa.mailbox);
                let Soa { serial, refresh_s, retry_s, expire_s, minimum_s, .. } = **soa;
                for number in [serial, refresh_s, retry_s, expire_s, minimum_s] {
                    self.bytes.extend(number.to_be_bytes());
                }
            }
            Data::Hinfo(cpu, os) => {
                self.text(cpu.as_bytes());
                self.text(os.as_bytes());
            }
            Data::Dhcid(bytes) => self.bytes.extend(bytes.as_ref()),
        }
    }

    pub(super) fn number(&mut self, number: u16) {
        self.bytes.extend(number.to_be_bytes());
    }

    fn text(&mut self, piece: &[u8]) {
        let length = u8::try_from(piece.len()).unwrap_or(u8::MAX);
        self.bytes.push(length);
        self.bytes.extend(piece.iter().take(usize::from(length)));
    }

    /// Writes a name, its end by a pointer where it stands in the message already (RFC 1035, 4.1.4).
    pub(super) fn name(&mut self, name: &'a Name) {
        let mut rest = name.as_wire();
        if self.pointed.is_none() {
            self.bytes.extend(rest);
            return self.bytes.push(0);
        }
        while !rest.is_empty() {
            if let Some(at) = self.standing(rest) {
                self.number(0xc000 | at);
                return;
            }
            let at = u16::try_from(self.bytes.len()).unwrap_or(u16::MAX);
            if let Some(pointed) = &mut self.pointed
                && at < 0x4000
                && pointed.len() < POINTED_MAX
            {
                pointed.push((rest, at));
            }
            let behind = parent(rest).unwrap_or_default();
            let label = rest.len().saturating_sub(behind.len());
            self.bytes.extend(rest.iter().take(label));
            rest = behind;
        }
        self.bytes.push(0);
    }

    /// Where a name stands: in the question, or in what was written since.
    fn standing(&self, name: &[u8]) -> Option<u16> {
        let question = self.bytes.get(HEADER..).unwrap_or_default();
        let (mut rest, mut at) = (question, HEADER);
        while let Some(length) = rest.first().copied().filter(|length| *length > 0) {
            let same = rest.get(..name.len()).is_some_and(|part| part.eq_ignore_ascii_case(name))
                && rest.get(name.len()) == Some(&0);
            if same {
                return u16::try_from(at).ok();
            }
            at = at.saturating_add(usize::from(length)).saturating_add(1);
            rest = parent(rest).unwrap_or_default();
        }
        let found = self.pointed.iter().flatten().find(|(pointed, _)| *pointed == name);
        found.map(|(_, at)| *at)
    }

    pub(super) fn put(&mut self, at: usize, number: u16) {
        if let Some(place) = self.bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<2>) {
            *place = number.to_be_bytes();
        }
    }

    fn finish(mut self, query: &Query<'_>, reply: &Reply<'_>, counts: [u16; 3]) -> Vec<u8> {
        let [answers, authority, mut additional] = counts;
        let code = reply.code.number();
        if query.edns.is_some() {
            self.bytes.push(0);
            self.number(kind::OPT);
            self.number(UDP_BYTES_MAX as u16);
            // The upper bits of the code, version 0, no flags, no options.
            self.bytes.extend([(code >> 4) as u8, 0, 0, 0, 0, 0]);
            additional = additional.saturating_add(1);
        }
        let flags = 0x8000
            | (u16::from(query.opcode) << 11)
            | (u16::from(reply.authoritative) << 10)
            | (u16::from(self.cut) << 9)
            | (u16::from(query.recursion_desired) << 8)
            | (u16::from(reply.recursion_available) << 7)
            | (u16::from(query.checking_disabled) << 4)
            | (code & 0xf);
        for (n, number) in [flags, 1, answers, authority, additional].into_iter().enumerate() {
            self.put(n.saturating_mul(2).saturating_add(2), number);
        }
        self.bytes
    }
}
