//! pcap (draft-ietf-opsawg-pcap): one header, then packets.

use super::{Fault, Interface, LinkType, Packet, Source, Wrong, fits};
use crate::cursor::Cursor;
use std::io::Read;

/// How its numbers are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    big: bool,
    /// The fraction of a second is in nanoseconds, not microseconds.
    nanoseconds: bool,
    link: LinkType,
}

impl State {
    /// Reads the header behind its magic.
    pub(super) fn read<R: Read>(
        magic: [u8; 4],
        source: &mut Source<R>,
        interfaces: &mut Vec<Interface>,
    ) -> Result<Self, Fault> {
        let wrong = |wrong| Fault { at: 0, wrong };
        let (big, nanoseconds) = match magic {
            [0xa1, 0xb2, 0xc3, 0xd4] => (true, false),
            [0xd4, 0xc3, 0xb2, 0xa1] => (false, false),
            [0xa1, 0xb2, 0x3c, 0x4d] => (true, true),
            [0x4d, 0x3c, 0xb2, 0xa1] => (false, true),
            [0xa1, 0xb2, 0xcd, 0x34] | [0x34, 0xcd, 0xb2, 0xa1] => {
                return Err(wrong(Wrong::Modified));
            }
            _ => return Err(wrong(Wrong::NoCapture)),
        };
        let header = source.exactly(20, 0)?;
        let mut cursor = Cursor::new(&header, big);
        let version = cursor.u16().unwrap_or_default();
        if version != 2 {
            return Err(wrong(Wrong::Version(version)));
        }
        let numbers = cursor.take(14).and_then(|_| cursor.u32()).unwrap_or_default();
        // Above 16 bits it says how long the checksum of frames is.
        let link = LinkType::from(u16::try_from(numbers & 0xffff).unwrap_or_default());
        interfaces.push(Interface { name: None, link });
        Ok(Self { big, nanoseconds, link })
    }

    pub(super) fn next<R: Read>(&self, source: &mut Source<R>) -> Result<Option<Packet>, Fault> {
        let at = source.at;
        let Some(header) = source.array::<16>(at)? else { return Ok(None) };
        let mut cursor = Cursor::new(&header, self.big);
        let [seconds, fraction, held, wire_len] =
            std::array::from_fn(|_| cursor.u32().unwrap_or_default());
        let bytes = source.exactly(fits(held, at)?, at)?;
        let fraction = u64::from(fraction).saturating_mul(if self.nanoseconds { 1 } else { 1000 });
        let at_ns = u64::from(seconds).saturating_mul(1_000_000_000).saturating_add(fraction);
        let comments = Vec::new();
        Ok(Some(Packet { at_ns, interface: 0, link: self.link, wire_len, bytes, comments }))
    }
}
