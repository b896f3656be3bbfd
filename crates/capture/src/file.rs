//! Files of packets: which format, and the next packet of it.
//!
//! In: a reader. Out: [`Packet`]s in the order of the file. Never: more of the file in memory than one
//! block of [`BLOCK_BYTES_MAX`].

mod pcap;
mod pcapng;

use crate::cursor::Cursor;
use std::fmt;
use std::io::{ErrorKind, Read};

/// The largest block of pcapng that is read; larger ones of kinds we do not read are passed over.
/// Wireshark takes packets of 256 KiB at most.
pub const BLOCK_BYTES_MAX: usize = 1 << 20;
/// The longest packet.
pub const PACKET_BYTES_MAX: usize = 256 * 1024;
/// Interfaces in one file, those of all its sections together.
pub const INTERFACES_MAX: usize = 4096;
/// Comments of one packet that are kept.
pub const COMMENTS_MAX: usize = 16;

/// One packet as it was captured.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Packet {
    /// Nanoseconds since 1970-01-01 UTC. A simple packet block has no time: that of the packet before.
    pub at_ns: u64,
    /// Which interface: an index into [`Reader::interfaces`].
    pub interface: usize,
    /// What its bytes begin with.
    pub link: LinkType,
    /// How long it was on the wire; longer than `bytes` if it was cut.
    pub wire_len: u32,
    /// The frame.
    pub bytes: Vec<u8>,
    /// Comments on it, as they stand: hostile text.
    pub comments: Vec<String>,
}

/// One interface of a capture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interface {
    /// Its name, as it stands: hostile text. pcap has none.
    pub name: Option<String>,
    /// What its frames begin with.
    pub link: LinkType,
}

/// What the frames of an interface begin with (the registry of link types of tcpdump.org).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LinkType {
    /// 1.
    Ethernet,
    /// 101, and 12 and 14 as some systems write it: an IP packet, which says its own version.
    RawIp,
    /// 228.
    Ipv4,
    /// 229.
    Ipv6,
    /// 113: "any" interface of Linux.
    LinuxCooked,
    /// 276: the same with the interface's number.
    LinuxCooked2,
    /// Another, kept so that it can be shown.
    Other(u16),
}

impl From<u16> for LinkType {
    fn from(number: u16) -> Self {
        match number {
            1 => Self::Ethernet,
            12 | 14 | 101 => Self::RawIp,
            228 => Self::Ipv4,
            229 => Self::Ipv6,
            113 => Self::LinuxCooked,
            276 => Self::LinuxCooked2,
            other => Self::Other(other),
        }
    }
}

impl LinkType {
    /// The number in a file.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Ethernet => 1,
            Self::RawIp => 101,
            Self::Ipv4 => 228,
            Self::Ipv6 => 229,
            Self::LinuxCooked => 113,
            Self::LinuxCooked2 => 276,
            Self::Other(number) => number,
        }
    }
}

/// What is wrong with a file, and where.
#[derive(Debug)]
pub struct Fault {
    /// Bytes from the start of the file to the block or packet that is wrong.
    pub at: u64,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What can be wrong with a file.
#[derive(Debug)]
pub enum Wrong {
    /// It does not begin like a capture.
    NoCapture,
    /// It begins like one that is compressed.
    Compressed(&'static str),
    /// pcap with the headers of a patched libpcap of the nineties.
    Modified,
    /// It ends in the middle of a packet: whoever wrote it was stopped, or its disk was full.
    Cut,
    /// Longer than we read: so many bytes.
    TooLong(u64),
    /// Lengths that cannot be, or disagree.
    Lengths,
    /// A section of another byte order than either.
    ByteOrder,
    /// A version of the format that we do not know.
    Version(u16),
    /// A packet of an interface that was not described.
    Interface(u32),
    /// More than [`INTERFACES_MAX`] interfaces.
    Interfaces,
    /// The file could not be read.
    Io(std::io::Error),
}

impl std::error::Error for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        match &self.wrong {
            Wrong::NoCapture => f.write_str("it is neither pcap nor pcapng"),
            Wrong::Compressed(how) => write!(f, "it is compressed with {how}: uncompress it first"),
            Wrong::Modified => f.write_str(
                "it is pcap with modified headers: let editcap of Wireshark write it as pcapng",
            ),
            Wrong::Cut => write!(f, "it ends in the middle of the packet at byte {at}"),
            Wrong::TooLong(bytes) => {
                write!(f, "the block at byte {at} claims {bytes} bytes, more than we read")
            }
            Wrong::Lengths => write!(f, "the lengths of the block at byte {at} cannot be"),
            Wrong::ByteOrder => write!(f, "the section at byte {at} has no known byte order"),
            Wrong::Version(version) => {
                write!(f, "version {version} of the format at byte {at} is not known")
            }
            Wrong::Interface(number) => write!(
                f,
                "the packet at byte {at} is of interface {number}, which was not described"
            ),
            Wrong::Interfaces => {
                write!(f, "at byte {at} there are more than {INTERFACES_MAX} interfaces")
            }
            Wrong::Io(cause) => write!(f, "it cannot be read at byte {at}: {cause}"),
        }
    }
}

/// Reads a file packet by packet. After a fault there is no more: what came before is good.
#[derive(Debug)]
pub struct Reader<R> {
    source: Source<R>,
    format: Format,
    interfaces: Vec<Interface>,
    over: bool,
}

#[derive(Debug)]
enum Format {
    Pcap(pcap::State),
    Pcapng(pcapng::State),
}

impl<R: Read> Reader<R> {
    /// Looks at the first bytes.
    ///
    /// # Errors
    /// When it is no capture, or cannot be read.
    pub fn new(reader: R) -> Result<Self, Fault> {
        let mut source = Source { reader, at: 0, ahead: Vec::new() };
        let mut interfaces = Vec::new();
        let Some(magic) = source.array::<4>(0).map_err(|fault| match fault.wrong {
            Wrong::Cut => Fault { at: 0, wrong: Wrong::NoCapture },
            other => Fault { at: 0, wrong: other },
        })?
        else {
            return Err(Fault { at: 0, wrong: Wrong::NoCapture });
        };
        let format = match magic {
            pcapng::SECTION => {
                source.ahead = magic.to_vec();
                source.at = 0;
                Format::Pcapng(pcapng::State::default())
            }
            [0x1f, 0x8b, ..] => return Err(Fault { at: 0, wrong: Wrong::Compressed("gzip") }),
            [0x28, 0xb5, 0x2f, 0xfd] => {
                return Err(Fault { at: 0, wrong: Wrong::Compressed("zstd") });
            }
            [0x04, 0x22, 0x4d, 0x18] => {
                return Err(Fault { at: 0, wrong: Wrong::Compressed("lz4") });
            }
            magic => Format::Pcap(pcap::State::read(magic, &mut source, &mut interfaces)?),
        };
        Ok(Self { source, format, interfaces, over: false })
    }

    /// The interfaces described so far.
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    fn read(&mut self) -> Result<Option<Packet>, Fault> {
        match &mut self.format {
            Format::Pcap(state) => state.next(&mut self.source),
            Format::Pcapng(state) => state.next(&mut self.source, &mut self.interfaces),
        }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Packet, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let read = self.read().transpose();
        self.over = !matches!(read, Some(Ok(_)));
        read
    }
}

/// The file, and how far it was read.
#[derive(Debug)]
struct Source<R> {
    reader: R,
    at: u64,
    /// Read already, to be read once more.
    ahead: Vec<u8>,
}

impl<R: Read> Source<R> {
    /// So many bytes; nothing at the very end of the file. `block` is where a fault is told.
    fn array<const N: usize>(&mut self, block: u64) -> Result<Option<[u8; N]>, Fault> {
        let bytes = self.some(N, block)?;
        match <[u8; N]>::try_from(bytes.as_slice()) {
            Ok(all) => Ok(Some(all)),
            Err(_) if bytes.is_empty() => Ok(None),
            Err(_) => Err(Fault { at: block, wrong: Wrong::Cut }),
        }
    }

    /// So many bytes, or the file was cut. The caller has checked the length.
    fn exactly(&mut self, length: usize, block: u64) -> Result<Vec<u8>, Fault> {
        let bytes = self.some(length, block)?;
        if bytes.len() < length {
            return Err(Fault { at: block, wrong: Wrong::Cut });
        }
        Ok(bytes)
    }

    /// Passes over bytes that nobody reads.
    fn skip(&mut self, length: u64, block: u64) -> Result<(), Fault> {
        let mut left = length;
        while left > 0 {
            let step = usize::try_from(left).unwrap_or(SKIP_STEP).min(SKIP_STEP);
            self.exactly(step, block)?;
            left = left.saturating_sub(step as u64);
        }
        Ok(())
    }

    /// Grows with what is there, not with what is claimed.
    fn some(&mut self, length: usize, block: u64) -> Result<Vec<u8>, Fault> {
        let mut bytes = std::mem::take(&mut self.ahead);
        let mut left = (length as u64).saturating_sub(bytes.len() as u64);
        while left > 0 {
            match (&mut self.reader).take(left).read_to_end(&mut bytes) {
                Ok(0) => break,
                Ok(read) => left = left.saturating_sub(read as u64),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(Fault { at: block, wrong: Wrong::Io(e) }),
            }
        }
        self.at = self.at.saturating_add(bytes.len() as u64);
        Ok(bytes)
    }
}

const SKIP_STEP: usize = 64 * 1024;

/// A name or comment, as text.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

/// Whether a frame of this length is read.
fn fits(length: u32, at: u64) -> Result<usize, Fault> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > PACKET_BYTES_MAX {
        return Err(Fault { at, wrong: Wrong::TooLong(length as u64) });
    }
    Ok(length)
}

/// The options at the end of a block of pcapng: code and value, while they hold together.
fn options(bytes: &[u8], big: bool) -> impl Iterator<Item = (u16, &[u8])> {
    let mut cursor = Cursor::new(bytes, big);
    std::iter::from_fn(move || {
        let (code, length) = (cursor.u16()?, usize::from(cursor.u16()?));
        let value = cursor.take(length)?;
        // The last one may have lost its padding.
        let _ = cursor.take(length.next_multiple_of(4) - length);
        (code != 0).then_some((code, value))
    })
}
