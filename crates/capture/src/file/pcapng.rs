//! pcapng (draft-ietf-opsawg-pcapng): sections of blocks.

use super::{BLOCK_BYTES_MAX, COMMENTS_MAX, INTERFACES_MAX, PACKET_BYTES_MAX};
use super::{Fault, Interface, LinkType, Packet, Source, Wrong, fits, options, text};
use crate::cursor::Cursor;
use std::io::Read;

/// The type of a section header block: the same in both byte orders.
pub(super) const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

const INTERFACE_DESCRIPTION: u32 = 1;
/// Obsolete, and still met.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const COMMENT: u16 = 1;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

/// Where we are in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    big: bool,
    /// Interfaces of this section: index among all, and how their times are written.
    described: Vec<Described>,
    /// The time of the last packet, for those that have none.
    last_ns: u64,
}

#[derive(Clone, Copy, Debug)]
struct Described {
    index: usize,
    link: LinkType,
    snap_len: u32,
    ticks: Ticks,
    offset_s: i64,
}

/// How long a tick of a time stamp is.
#[derive(Clone, Copy, Debug)]
enum Ticks {
    /// So many ticks are a second: a power of ten.
    Decimal(u128),
    /// 2 to the power of this are a second.
    Binary(u32),
}

impl State {
    pub(super) fn next<R: Read>(
        &mut self,
        source: &mut Source<R>,
        interfaces: &mut Vec<Interface>,
    ) -> Result<Option<Packet>, Fault> {
        loop {
            let at = source.at;
            let wrong = |wrong| Fault { at, wrong };
            let Some(kind) = source.array::<4>(at)? else { return Ok(None) };
            if kind == SECTION {
                self.section(source, at)?;
                continue;
            }
            let kind = Cursor::new(&kind, self.big).u32().unwrap_or_default();
            let length = self.number(source, at)?;
            if length < 12 || !length.is_multiple_of(4) {
                return Err(wrong(Wrong::Lengths));
            }
            let inside = u64::from(length) - 12;
            let read =
                matches!(kind, INTERFACE_DESCRIPTION | PACKET | SIMPLE_PACKET | ENHANCED_PACKET);
            let body = match usize::try_from(inside) {
                Ok(inside) if read && inside <= BLOCK_BYTES_MAX => source.exactly(inside, at)?,
                _ if read => return Err(wrong(Wrong::TooLong(inside))),
                _ => {
                    source.skip(inside, at)?;
                    Vec::new()
                }
            };
            if self.number(source, at)? != length {
                return Err(wrong(Wrong::Lengths));
            }
            let packet = match kind {
                INTERFACE_DESCRIPTION => {
                    self.describe(&body, at, interfaces)?;
                    continue;
                }
                ENHANCED_PACKET => self.enhanced(&body, at)?,
                PACKET => self.obsolete(&body, at)?,
                SIMPLE_PACKET => self.simple(&body, at)?,
                _ => continue,
            };
            self.last_ns = packet.at_ns;
            return Ok(Some(packet));
        }
    }

    fn number<R: Read>(&self, source: &mut Source<R>, at: u64) -> Result<u32, Fault> {
        let bytes = source.exactly(4, at)?;
        Ok(Cursor::new(&bytes, self.big).u32().unwrap_or_default())
    }

    /// A section begins: its byte order, and no interface is described yet.
    fn section<R: Read>(&mut self, source: &mut Source<R>, at: u64) -> Result<(), Fault> {
        let wrong = |wrong| Fault { at, wrong };
        let length = source.exactly(4, at)?;
        let magic = source.exactly(4, at)?;
        self.big = match magic.as_slice() {
            [0x1a, 0x2b, 0x3c, 0x4d] => true,
            [0x4d, 0x3c, 0x2b, 0x1a] => false,
            _ => return Err(wrong(Wrong::ByteOrder)),
        };
        let length = Cursor::new(&length, self.big).u32().unwrap_or_default();
        if length < 28 || !length.is_multiple_of(4) {
            return Err(wrong(Wrong::Lengths));
        }
        let fixed = source.exactly(12, at)?;
        let major = Cursor::new(&fixed, self.big).u16().unwrap_or_default();
        if major != 1 {
            return Err(wrong(Wrong::Version(major)));
        }
        // Its options name programs and systems; nobody here reads them.
        source.skip(u64::from(length) - 28, at)?;
        if self.number(source, at)? != length {
            return Err(wrong(Wrong::Lengths));
        }
        self.described.clear();
        Ok(())
    }

    fn describe(
        &mut self,
        body: &[u8],
        at: u64,
        interfaces: &mut Vec<Interface>,
    ) -> Result<(), Fault> {
        let wrong = |wrong| Fault { at, wrong };
        if interfaces.len() >= INTERFACES_MAX {
            return Err(wrong(Wrong::Interfaces));
        }
        let mut cursor = Cursor::new(body, self.big);
        let link = cursor.u16().map(LinkType::from).ok_or_else(|| wrong(Wrong::Lengths))?;
        let snap_len = cursor.take(2).and_then(|_| cursor.u32());
        let snap_len = snap_len.ok_or_else(|| wrong(Wrong::Lengths))?;
        let (mut name, mut ticks, mut offset_s) = (None, Ticks::Decimal(1_000_000), 0);
        for (code, value) in options(cursor.rest(), self.big) {
            match (code, value) {
                (IF_NAME, name_of) => name = Some(text(name_of)),
                (IF_TSRESOL, [resolution]) => ticks = Ticks::of(*resolution),
                (IF_TSOFFSET, seconds) => {
                    if let Ok(bytes) = <[u8; 8]>::try_from(seconds) {
                        let big = self.big;
                        offset_s =
                            if big { i64::from_be_bytes(bytes) } else { i64::from_le_bytes(bytes) };
                    }
                }
                _ => {}
            }
        }
        let index = interfaces.len();
        interfaces.push(Interface { name, link });
        self.described.push(Described { index, link, snap_len, ticks, offset_s });
        Ok(())
    }

    fn of(&self, number: u32, at: u64) -> Result<Described, Fault> {
        let found = usize::try_from(number).ok().and_then(|n| self.described.get(n));
        found.copied().ok_or(Fault { at, wrong: Wrong::Interface(number) })
    }

    fn enhanced(&self, body: &[u8], at: u64) -> Result<Packet, Fault> {
        let lengths = || Fault { at, wrong: Wrong::Lengths };
        let mut cursor = Cursor::new(body, self.big);
        let number = cursor.u32().ok_or_else(lengths)?;
        self.timed(number, cursor, at)
    }

    fn obsolete(&self, body: &[u8], at: u64) -> Result<Packet, Fault> {
        let lengths = || Fault { at, wrong: Wrong::Lengths };
        let mut cursor = Cursor::new(body, self.big);
        let number = cursor.u16().ok_or_else(lengths)?;
        // How many packets were dropped before it.
        cursor.u16().ok_or_else(lengths)?;
        self.timed(u32::from(number), cursor, at)
    }

    /// Time, lengths, frame and options, as both kinds of packets have them.
    fn timed(&self, number: u32, mut cursor: Cursor<'_>, at: u64) -> Result<Packet, Fault> {
        let lengths = || Fault { at, wrong: Wrong::Lengths };
        let of = self.of(number, at)?;
        let mut next = || cursor.u32().ok_or_else(lengths);
        let (high, low, held, wire_len) = (next()?, next()?, next()?, next()?);
        let held = fits(held, at)?;
        let bytes = cursor.take(held).ok_or_else(lengths)?.to_vec();
        let _ = cursor.take(held.next_multiple_of(4) - held);
        let comments = options(cursor.rest(), self.big)
            .filter(|(code, _)| *code == COMMENT)
            .take(COMMENTS_MAX)
            .map(|(_, value)| text(value))
            .collect();
        let at_ns = of.ticks.ns(u64::from(high) << 32 | u64::from(low), of.offset_s);
        Ok(Packet { at_ns, interface: of.index, link: of.link, wire_len, bytes, comments })
    }

    /// A packet without time and interface: it is of the first.
    fn simple(&self, body: &[u8], at: u64) -> Result<Packet, Fault> {
        let lengths = || Fault { at, wrong: Wrong::Lengths };
        let of = self.of(0, at)?;
        let mut cursor = Cursor::new(body, self.big);
        let wire_len = cursor.u32().ok_or_else(lengths)?;
        let snap_len = if of.snap_len == 0 { u32::MAX } else { of.snap_len };
        let held = usize::try_from(wire_len.min(snap_len)).unwrap_or(usize::MAX);
        if held > PACKET_BYTES_MAX {
            return Err(Fault { at, wrong: Wrong::TooLong(held as u64) });
        }
        let bytes = cursor.take(held).ok_or_else(lengths)?.to_vec();
        let (at_ns, comments) = (self.last_ns, Vec::new());
        Ok(Packet { at_ns, interface: of.index, link: of.link, wire_len, bytes, comments })
    }
}

impl Ticks {
    /// The option if_tsresol: a negative power of 10, or of 2 where the highest bit is set.
    fn of(resolution: u8) -> Self {
        let power = u32::from(resolution & 0x7f);
        match resolution & 0x80 {
            0 => Self::Decimal(10_u128.saturating_pow(power)),
            _ => Self::Binary(power),
        }
    }

    /// Nanoseconds since 1970.
    fn ns(self, ticks: u64, offset_s: i64) -> u64 {
        const SECOND: u128 = 1_000_000_000;
        let ticks = u128::from(ticks);
        let ns = match self {
            // 64 bits and 30 bits fit into 128.
            Self::Decimal(a_second) => ticks * SECOND / a_second.max(1),
            Self::Binary(power) => (ticks * SECOND).checked_shr(power).unwrap_or(0),
        };
        let ns = i128::try_from(ns).unwrap_or(i128::MAX);
        let offset = i128::from(offset_s).saturating_mul(SECOND.cast_signed());
        u64::try_from(ns.saturating_add(offset).max(0)).unwrap_or(u64::MAX)
    }
}
