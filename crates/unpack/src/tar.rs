//! A tar archive, read once from its start to its end, as it is or packed by gzip, xz or zstd.
//!
//! ```text
//! stream ─ decompress ─ block ─┬─ described (long names, pax) ─┐
//!                              └─ header ── names (refusals) ──┴─▶ member ─▶ whoever takes it
//! ```
//!
//! In: the archive as a stream, limits, and whoever takes what is in it. Out: directories, files and
//! links in the order of the archive, each under a path that is safe and that no other has. Never: a
//! file written, a link followed, an entry left out in silence. Whoever takes must keep nothing of
//! it unless the whole archive came to a good end: what is to be refused may stand last.

mod described;
mod names;
mod sparse;

use crate::decompress::Decompress;
use crate::error::UnpackError;
use crate::limits::Limits;
use crate::packing::Packing;
use crate::source::wide;
use crate::text::shown_bytes;
use ::tar::{EntryType, Header};
use described::Described;
use names::{Names, What};
use sparse::Segment;
use std::io::{self, Read};

/// Headers and contents stand in blocks of this size (POSIX.1, pax).
const BLOCK: usize = 512;

/// One entry of an archive. Paths are relative, in UTF-8, without `.` and `..`.
pub enum Member<'m> {
    /// A directory. Those that the archive only implies are not told.
    Directory {
        /// Its path.
        path: &'m str,
    },
    /// A regular file.
    File {
        /// Its path.
        path: &'m str,
        /// Bytes it has.
        size: u64,
        /// Its permission bits.
        mode: u32,
        /// Its bytes. What is not read is passed over.
        bytes: &'m mut dyn Read,
    },
    /// A symbolic link. It leads nowhere above the top of the archive; whether there is anything at
    /// its end is the taker's to find, by the names of the archive alone.
    SymbolicLink {
        /// Its path.
        path: &'m str,
        /// What it names, as it stands there.
        target: &'m str,
    },
    /// Another name of a file that was told before.
    HardLink {
        /// Its path.
        path: &'m str,
        /// The path of that file.
        target: &'m str,
    },
}

impl std::fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory { path } => write!(f, "Directory({path})"),
            Self::File { path, size, .. } => write!(f, "File({path}, {size} bytes)"),
            Self::SymbolicLink { path, target } => write!(f, "SymbolicLink({path} -> {target})"),
            Self::HardLink { path, target } => write!(f, "HardLink({path} = {target})"),
        }
    }
}

/// What an archive held.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Regular files.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Symbolic and hard links.
    pub links: u64,
    /// Bytes of the archive as it was given.
    pub packed_bytes: u64,
}

/// Whoever takes the members of an archive.
pub type Take<'t> = dyn FnMut(Member<'_>) -> io::Result<()> + 't;

/// A tar archive as a stream.
pub struct Tar<R: Read> {
    from: Decompress<R>,
    limits: Limits,
    /// Byte of the unpacked archive.
    at: u64,
    names: Names,
    totals: Totals,
}

impl<R: Read> std::fmt::Debug for Tar<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tar(at byte {}, {:?})", self.at, self.from)
    }
}

impl<R: Read> Tar<R> {
    /// Looks at how the archive is packed, no further.
    pub fn new(from: R, limits: Limits) -> Result<Self, UnpackError> {
        let from = Decompress::new(from, limits)?;
        let (names, totals) = (Names::new(limits), Totals::default());
        Ok(Self { from, limits, at: 0, names, totals })
    }

    /// How the archive is packed.
    pub fn packing(&self) -> Option<Packing> {
        self.from.packing()
    }

    /// Hands every member over, in order. What was handed over counts only if this ends well.
    pub fn each(mut self, take: &mut Take<'_>) -> Result<Totals, UnpackError> {
        let mut described = Described::default();
        loop {
            let at = self.at;
            let block = self.header_block()?;
            if block == [0; BLOCK] {
                if !described.is_empty() {
                    let found = "a long name or pax header stands before the end".to_owned();
                    return Err(UnpackError::Broken { what: "the end of the tar", at, found });
                }
                self.only_zeros_follow()?;
                self.totals.packed_bytes = self.from.packed_bytes();
                return Ok(self.totals);
            }
            let header = self.header(&block, at)?;
            if self.describes(header, &mut described)? {
                continue;
            }
            self.member(header, std::mem::take(&mut described), take)?;
        }
    }

    fn header_block(&mut self) -> Result<[u8; BLOCK], UnpackError> {
        let (mut block, mut filled) = ([0; BLOCK], 0);
        while let Some(free) = block.get_mut(filled..).filter(|free| !free.is_empty()) {
            let read = self.from.read(free)?;
            if read == 0 {
                let what = "the tar archive (its end mark is missing)".to_owned();
                return Err(UnpackError::CutShort { what, at: self.at });
            }
            filled = filled.saturating_add(read);
            self.at = self.at.saturating_add(wide(read));
        }
        Ok(block)
    }

    fn header<'b>(&self, block: &'b [u8; BLOCK], at: u64) -> Result<&'b Header, UnpackError> {
        if checksum_fits(block) {
            return Ok(Header::from_byte_slice(block));
        }
        if at == 0 {
            let why = "its first block has no checksum of a tar header".to_owned();
            return Err(UnpackError::NotThis { what: "tar archive", why });
        }
        let found = "its checksum does not fit".to_owned();
        Err(UnpackError::Broken { what: "a tar header", at, found })
    }

    /// Padding after the end mark is of zeros (GNU tar fills ten KiB); anything else is not ours.
    fn only_zeros_follow(&mut self) -> Result<(), UnpackError> {
        let mut buffer = [0; 8192];
        loop {
            let read = self.from.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            if buffer.get(..read).unwrap_or_default().iter().any(|byte| *byte != 0) {
                let (what, at) = ("the end of the tar", self.at);
                let found = "other bytes follow its end mark".to_owned();
                return Err(UnpackError::Broken { what, at, found });
            }
            self.at = self.at.saturating_add(wide(read));
        }
    }

    /// Takes an entry that describes the next one; says whether it was one.
    fn describes(
        &mut self,
        header: &Header,
        described: &mut Described,
    ) -> Result<bool, UnpackError> {
        let kind = header.entry_type();
        if !matches!(kind.as_byte(), b'L' | b'K' | b'x' | b'g') {
            return Ok(false);
        }
        let at = self.at;
        let size = self.size(header)?;
        described.count(size, self.limits)?;
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        self.content(size, &[], size, |content| Ok(content.read_exact(&mut bytes)?))?;
        described.add(kind.as_byte(), bytes, at)?;
        Ok(true)
    }

    fn size(&self, header: &Header) -> Result<u64, UnpackError> {
        // What the crate says of it holds bytes of the archive.
        header.entry_size().map_err(|_| UnpackError::Broken {
            what: "the size in a tar header",
            at: self.at,
            found: "it is no number".to_owned(),
        })
    }

    fn member(
        &mut self,
        header: &Header,
        described: Described,
        take: &mut Take<'_>,
    ) -> Result<(), UnpackError> {
        let raw = described.path.clone().unwrap_or_else(|| header.path_bytes().into_owned());
        let size = match described.size {
            Some(size) => size,
            None => self.size(header)?,
        };
        let link = described.link.clone().or_else(|| Some(header.link_name_bytes()?.into_owned()));
        match header.entry_type() {
            EntryType::Directory => self.directory(&raw, size, take),
            // Before POSIX, a directory was a file whose name ends so.
            EntryType::Regular if raw.ends_with(b"/") => self.directory(&raw, size, take),
            EntryType::Regular | EntryType::Continuous => {
                self.file(&raw, header, (size, &[], size), take)
            }
            EntryType::GNUSparse => {
                let map = self.sparse_map(header, &described, size)?;
                self.file(&raw, header, (map.real_size, &map.segments, size), take)
            }
            EntryType::Symlink => {
                self.symbolic(&raw, &link.unwrap_or_default(), take).and_then(|()| self.pass(size))
            }
            EntryType::Link => {
                self.hard(&raw, &link.unwrap_or_default(), take).and_then(|()| self.pass(size))
            }
            EntryType::Char | EntryType::Block => refuse(&raw, "it is a device"),
            EntryType::Fifo => refuse(&raw, "it is a FIFO"),
            // A label of GNU tar's: no file.
            other if other.as_byte() == b'V' => self.pass(size),
            other => {
                let kind = shown_bytes(&[other.as_byte()]);
                refuse(&raw, &format!("entries of type `{kind}` are not read"))
            }
        }
    }

    fn directory(&mut self, raw: &[u8], size: u64, take: &mut Take<'_>) -> Result<(), UnpackError> {
        // `./` is the top of the archive itself.
        if let Some(path) = self.names.enter(raw, What::Directory)? {
            taken(&path, take(Member::Directory { path: &path }))?;
        }
        self.pass(size)
    }

    fn symbolic(
        &mut self,
        raw: &[u8],
        link: &[u8],
        take: &mut Take<'_>,
    ) -> Result<(), UnpackError> {
        let path = self.names.enter_named(raw, What::Link)?;
        let target = self.names.target(&path, link)?;
        self.totals.links = self.totals.links.saturating_add(1);
        taken(&path, take(Member::SymbolicLink { path: &path, target }))
    }

    fn hard(&mut self, raw: &[u8], link: &[u8], take: &mut Take<'_>) -> Result<(), UnpackError> {
        let target = self.names.known_file(raw, link)?;
        let path = self.names.enter_named(raw, What::File)?;
        self.totals.links = self.totals.links.saturating_add(1);
        taken(&path, take(Member::HardLink { path: &path, target: &target }))
    }

    /// `size`, `segments`, `stored`: of the file; where its bytes stand in it, nothing if everywhere;
    /// of its bytes in the archive.
    fn file(
        &mut self,
        raw: &[u8],
        header: &Header,
        (size, segments, stored): (u64, &[Segment], u64),
        take: &mut Take<'_>,
    ) -> Result<(), UnpackError> {
        let path = self.names.enter_named(raw, What::File)?;
        let mode = header.mode().unwrap_or(0o644) & 0o7777;
        let bytes = self.totals.bytes.saturating_add(size);
        let most = self.limits.unpacked_bytes_max;
        if bytes > most {
            let what = format!("`{}`", shown_bytes(raw));
            return Err(UnpackError::TooMuch { what, limit: "unpacked_bytes_max", most });
        }
        self.content(size, segments, stored, |bytes| {
            taken(&path, take(Member::File { path: &path, size, mode, bytes }))
        })?;
        self.totals.bytes = bytes;
        self.totals.files = self.totals.files.saturating_add(1);
        Ok(())
    }

    /// Lets `look` see the content that stands here, and goes to the end of it.
    fn content(
        &mut self,
        size: u64,
        segments: &[Segment],
        stored: u64,
        look: impl FnOnce(&mut dyn Read) -> Result<(), UnpackError>,
    ) -> Result<(), UnpackError> {
        let whole = [Segment { offset: 0, length: size }];
        let segments = if segments.is_empty() && stored == size { &whole } else { segments };
        let before = self.totals.bytes;
        let mut content = sparse::Content::new(&mut self.from, segments, size, before, self.limits);
        look(&mut content)?;
        // What was not read is read here: it counts, and it must be there.
        io::copy(&mut content, &mut io::sink())?;
        let block = wide(BLOCK);
        let padded = stored.checked_next_multiple_of(block).unwrap_or(stored);
        self.at = self.at.saturating_add(stored);
        self.padding(padded.saturating_sub(stored))
    }

    /// The rest of a block after a content.
    fn padding(&mut self, length: u64) -> Result<(), UnpackError> {
        let read = io::copy(&mut (&mut self.from).take(length), &mut io::sink())?;
        self.at = self.at.saturating_add(read);
        if read < length {
            return Err(UnpackError::CutShort { what: "the tar archive".to_owned(), at: self.at });
        }
        Ok(())
    }

    /// Passes over a content that has no meaning here.
    fn pass(&mut self, size: u64) -> Result<(), UnpackError> {
        self.content(size, &[], size, |_| Ok(()))
    }

    fn sparse_map(
        &mut self,
        header: &Header,
        described: &Described,
        stored: u64,
    ) -> Result<sparse::Map, UnpackError> {
        let mut map = sparse::Map::new(header, stored, self.at)?;
        let mut described = described.bytes();
        while map.goes_on {
            described = described.saturating_add(wide(BLOCK));
            let most = self.limits.header_bytes_max;
            if described > most {
                let what = "the map of a sparse file".to_owned();
                return Err(UnpackError::TooMuch { what, limit: "header_bytes_max", most });
            }
            let at = self.at;
            let block = self.header_block()?;
            map.extend(&block, at)?;
        }
        map.finish(self.at)
    }
}

/// Whether a block is a header: the sum of its bytes, the checksum itself taken as spaces.
pub(crate) fn checksum_fits(block: &[u8]) -> bool {
    let Some(block) = block.first_chunk::<BLOCK>() else { return false };
    let sum = block.iter().enumerate().fold(0_u32, |sum, (at, byte)| {
        let byte = if (148..156).contains(&at) { b' ' } else { *byte };
        sum.saturating_add(u32::from(byte))
    });
    Header::from_byte_slice(block).cksum().is_ok_and(|cksum| cksum == sum)
}

fn refuse<T>(raw: &[u8], why: &str) -> Result<T, UnpackError> {
    Err(UnpackError::Refused { path: shown_bytes(raw), why: why.to_owned() })
}

/// What the taker said. An error that came from the archive by its hands is the archive's.
fn taken(path: &str, result: io::Result<()>) -> Result<(), UnpackError> {
    result.map_err(|cause| match cause.downcast::<UnpackError>() {
        Ok(ours) => ours,
        Err(cause) => UnpackError::Taking { path: path.to_owned(), cause },
    })
}
