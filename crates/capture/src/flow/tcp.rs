//! TCP put in order: enough to read requests, and answers of any length as they pass.
//!
//! In: segments as they come, twice, out of order or not at all. Out: the bytes of each direction in
//! order, once, with a word where some are missing. Never: a whole stream in memory.

use crate::cursor::Cursor;
use crate::frame::Ip;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Directions of streams that are followed; the one that was silent longest is forgotten.
pub const STREAMS_MAX: usize = 4096;
/// Bytes of one direction that wait for an earlier segment; past it that one counts as lost.
pub const AHEAD_BYTES_MAX: usize = 512 * 1024;
/// Segments of one direction that wait so.
pub const AHEAD_SEGMENTS_MAX: usize = 1024;
/// Bytes of all directions that wait so; past it the direction that grew gives up what it waits for.
pub const AHEAD_BYTES_OF_ALL_MAX: usize = 32 * 1024 * 1024;

/// One direction of a connection.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Way {
    /// Who sends.
    pub from: SocketAddr,
    /// Who reads.
    pub to: SocketAddr,
}

impl Way {
    /// The other direction.
    #[must_use]
    pub fn back(self) -> Self {
        Self { from: self.to, to: self.from }
    }
}

/// What a segment brought into order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stretch {
    /// Of which connection, in which direction.
    pub way: Way,
    /// The first that is seen of this direction: whatever was remembered of its ports is over.
    pub begins: bool,
    /// The capture does not have its beginning.
    pub midway: bool,
    /// Bytes and gaps, in order.
    pub pieces: Vec<Piece>,
    /// Nothing follows in this direction.
    pub ends: bool,
}

/// A part of a stretch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Piece {
    /// The next bytes of the stream.
    Bytes(Vec<u8>),
    /// So many bytes that the capture does not have.
    Lost(u64),
}

/// A TCP segment (RFC 9293, 3.1).
pub(super) struct Segment<'a> {
    way: Way,
    number: u32,
    syn: bool,
    fin: bool,
    reset: bool,
    payload: &'a [u8],
    /// Bytes behind the payload that the capture cut off.
    cut: usize,
}

impl<'a> Segment<'a> {
    pub(super) fn read(ip: &Ip<'_>, bytes: &'a [u8], cut: bool) -> Option<Self> {
        let mut cursor = Cursor::network(bytes);
        let (from, to) = (cursor.u16()?, cursor.u16()?);
        let number = cursor.u32()?;
        cursor.u32()?;
        let header = usize::from(cursor.u8()? >> 4) * 4;
        let flags = cursor.u8()?;
        let payload = bytes.get(header.max(20)..)?;
        let way = Way { from: SocketAddr::new(ip.from, from), to: SocketAddr::new(ip.to, to) };
        let [fin, syn, reset] = [1, 2, 4].map(|bit| flags & bit != 0);
        let cut = if cut { ip.cut } else { 0 };
        Some(Self { way, number, syn, fin, reset, payload, cut })
    }
}

/// All directions that are followed.
#[derive(Debug, Default)]
pub(super) struct Streams {
    ways: BTreeMap<Way, Stream>,
    /// By when they last said something, the silent ones first.
    spoke: BTreeMap<u64, Way>,
    counted: u64,
    ahead: usize,
}

#[derive(Debug)]
struct Stream {
    spoke: u64,
    /// The sequence number of the next byte in order.
    next: u32,
    /// Segments ahead of that, by their sequence number, as bytes from `next` when they came.
    ahead: BTreeMap<u64, Vec<u8>>,
    ahead_bytes: usize,
    /// Bytes in order so far: what `ahead` counts from.
    passed: u64,
    /// Where the stream ends, in bytes.
    end: Option<u64>,
}

impl Streams {
    /// Takes a segment in; gives what stands in order with it.
    pub(super) fn take(&mut self, segment: Segment<'_>) -> Option<Stretch> {
        let way = segment.way;
        if segment.reset {
            let known = self.forget(way);
            let back = self.forget(way.back());
            let ended =
                Stretch { way, begins: false, midway: false, pieces: Vec::new(), ends: true };
            return (known || back).then_some(ended);
        }
        if segment.syn {
            // A new connection on ports that were used before.
            let again = self
                .ways
                .get(&way)
                .is_some_and(|s| s.passed == 0 && s.next == segment.number.wrapping_add(1));
            if !again {
                self.forget(way);
            }
        }
        let known = self.ways.contains_key(&way);
        if !known && !segment.syn && segment.payload.is_empty() && !segment.fin {
            // A bare acknowledgement begins nothing.
            return None;
        }
        if !known {
            self.begin(&segment);
        }
        self.speaks(way);
        let stream = self.ways.get_mut(&way)?;
        let held = stream.ahead_bytes;
        let full = self.ahead.saturating_sub(held) >= AHEAD_BYTES_OF_ALL_MAX;
        let pieces = stream.put(&segment, full);
        let over = stream.end == Some(stream.passed);
        self.ahead = self.ahead.saturating_sub(held).saturating_add(stream.ahead_bytes);
        if over {
            self.forget(way);
        }
        let midway = !known && !segment.syn;
        let says = !known || over || !pieces.is_empty();
        says.then_some(Stretch { way, begins: !known, midway, pieces, ends: over })
    }

    fn begin(&mut self, segment: &Segment<'_>) {
        if self.ways.len() >= STREAMS_MAX
            && let Some((_, silent)) = self.spoke.pop_first()
        {
            self.forget(silent);
        }
        let next = segment.number.wrapping_add(u32::from(segment.syn));
        let ahead = BTreeMap::new();
        let new = Stream { spoke: 0, next, ahead, ahead_bytes: 0, passed: 0, end: None };
        self.ways.insert(segment.way, new);
    }

    fn speaks(&mut self, way: Way) {
        self.counted = self.counted.wrapping_add(1);
        if let Some(stream) = self.ways.get_mut(&way) {
            self.spoke.remove(&stream.spoke);
            stream.spoke = self.counted;
            self.spoke.insert(self.counted, way);
        }
    }

    fn forget(&mut self, way: Way) -> bool {
        let Some(gone) = self.ways.remove(&way) else { return false };
        self.spoke.remove(&gone.spoke);
        self.ahead = self.ahead.saturating_sub(gone.ahead_bytes);
        true
    }
}

impl Stream {
    /// `full`: nothing more may wait, here or elsewhere.
    fn put(&mut self, segment: &Segment<'_>, full: bool) -> Vec<Piece> {
        let number = segment.number.wrapping_add(u32::from(segment.syn));
        // Half of all numbers lie before the next byte: seen already.
        let away = number.wrapping_sub(self.next).cast_signed();
        let (skip, at) = match u32::try_from(away) {
            Ok(ahead) => (0, self.passed.saturating_add(u64::from(ahead))),
            Err(_) => (away.unsigned_abs() as usize, self.passed),
        };
        let length = segment.payload.len().saturating_add(segment.cut);
        if segment.fin {
            let end = at.saturating_add((length as u64).saturating_sub(skip as u64));
            self.end = Some(self.end.unwrap_or(end).max(self.passed));
        }
        if let Some(bytes) = segment.payload.get(skip..).filter(|bytes| !bytes.is_empty()) {
            self.wait(at, bytes);
        }
        let mut pieces = Vec::new();
        self.in_order(&mut pieces);
        if segment.cut > 0 {
            // Its end is in no file: whoever reads on must know.
            let end = at.saturating_add((length as u64).saturating_sub(skip as u64));
            self.lose(end, &mut pieces);
        }
        let much = self.ahead_bytes > AHEAD_BYTES_MAX || self.ahead.len() > AHEAD_SEGMENTS_MAX;
        if (much || full)
            && let Some(first) = self.ahead.keys().next().copied()
        {
            self.lose(first, &mut pieces);
        }
        pieces
    }

    fn wait(&mut self, at: u64, bytes: &[u8]) {
        let longer = self.ahead.get(&at).is_none_or(|there| there.len() < bytes.len());
        if longer {
            let before = self.ahead.insert(at, bytes.to_vec()).map_or(0, |before| before.len());
            self.ahead_bytes = self.ahead_bytes.saturating_sub(before).saturating_add(bytes.len());
        }
    }

    /// Gives what begins at the next byte, or before it.
    fn in_order(&mut self, pieces: &mut Vec<Piece>) {
        while let Some((&at, _)) =
            self.ahead.first_key_value().filter(|(at, _)| **at <= self.passed)
        {
            let Some(mut bytes) = self.ahead.remove(&at) else { return };
            self.ahead_bytes = self.ahead_bytes.saturating_sub(bytes.len());
            let seen = usize::try_from(self.passed - at).unwrap_or(usize::MAX).min(bytes.len());
            bytes.drain(..seen);
            if bytes.is_empty() {
                continue;
            }
            self.pass(bytes.len() as u64);
            match pieces.last_mut() {
                Some(Piece::Bytes(before)) => before.extend(bytes),
                _ => pieces.push(Piece::Bytes(bytes)),
            }
        }
    }

    /// Goes on at a later byte.
    fn lose(&mut self, until: u64, pieces: &mut Vec<Piece>) {
        let lost = until.saturating_sub(self.passed);
        if lost > 0 {
            self.pass(lost);
            pieces.push(Piece::Lost(lost));
        }
        self.in_order(pieces);
    }

    fn pass(&mut self, bytes: u64) {
        self.passed = self.passed.saturating_add(bytes);
        // The numbers wrap, as they do on the wire.
        let low = u32::try_from(bytes & u64::from(u32::MAX)).unwrap_or(0);
        self.next = self.next.wrapping_add(low);
        self.end = self.end.map(|end| end.max(self.passed));
    }
}

#[cfg(test)]
mod tests;
