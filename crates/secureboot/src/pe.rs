//! PE/COFF, the form of EFI binaries: headers, sections, table of signatures.
//!
//! In: a file's bytes. Out: what its headers say (Microsoft PE format; UEFI 2.10, 2.1.1), and the
//! bytes that a signature is made over. Never: an address that the file does not have.

use crate::bytes::{place_at, slice, u16_at, u32_at};
use crate::text;

/// Bytes of one file. Kernels have 10 MB, unified kernel images up to 200 MB.
pub const FILE_MAX: usize = 256 << 20;
/// Sections of one file, the limit of Windows; loaders have about ten.
pub const SECTIONS_MAX: usize = 96;
/// Bytes of a section's name, where it stands outside its header.
const LONG_NAME_MAX: usize = 64;
/// Bytes of all signatures of a file. A dual-signed shim has 20 kB.
pub const SIGNATURES_BYTES_MAX: usize = 1 << 20;

/// The subsystem of programs that firmware starts (IMAGE_SUBSYSTEM_EFI_APPLICATION).
const APPLICATION: u16 = 10;

/// A section.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Its place in memory, from the image's start.
    pub address: usize,
    /// How many bytes of it are meant; 0 where the file does not say.
    pub size: usize,
    /// Its place in the file.
    pub at: usize,
    /// How many bytes the file holds of it.
    pub held: usize,
}

/// A file's headers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pe {
    /// COFF machine number.
    pub machine: u16,
    /// 10 is an EFI application, 11 and 12 are drivers.
    pub subsystem: u16,
    /// Its sections, in the order of their headers.
    pub sections: Vec<Section>,
    /// Place and length of the table of signatures; both 0 when unsigned.
    pub certificates: (usize, usize),
    /// Address and length of its resources (Windows); both 0 without.
    pub resources: (usize, usize),
    headers: usize,
    checksum: usize,
    /// Where the table of signatures is told, if the header is long enough to tell it.
    told: Option<usize>,
}

impl Pe {
    /// Reads the headers.
    pub fn read(bytes: &[u8]) -> Result<Self, PeError> {
        if bytes.len() > FILE_MAX {
            return Err(PeError::TooLarge { size: bytes.len() });
        }
        let coff = coff(bytes)?;
        let cut = |what, at: usize| PeError::Cut { what, at, size: bytes.len() };
        let at = |base: usize, more: usize| base.saturating_add(more);
        let optional = at(coff, 20);
        let magic = u16_at(bytes, optional).ok_or(cut("optional header", optional))?;
        let directories = match magic {
            0x10b => at(optional, 92),
            0x20b => at(optional, 108),
            _ => return Err(PeError::Kind { magic, at: optional }),
        };
        let count = u32_at(bytes, directories).ok_or(cut("optional header", directories))?;
        // Directory 2 are resources, directory 4 the table of signatures, whose address is a place
        // in the file.
        let entry = |number: u32, more: usize| {
            let start = at(directories, more);
            let told = place_at(bytes, start).zip(place_at(bytes, at(start, 4)));
            told.filter(|_| number < count).map(|told| (start, told))
        };
        let (resources, certificates) = (entry(2, 4 + 2 * 8), entry(4, 4 + 4 * 8));
        let sections = sections(bytes, coff, optional)?;
        Ok(Self {
            machine: u16_at(bytes, coff).ok_or(cut("header", coff))?,
            subsystem: u16_at(bytes, at(optional, 68)).ok_or(cut("optional header", optional))?,
            sections,
            certificates: certificates.map_or((0, 0), |(_, told)| told),
            resources: resources.map_or((0, 0), |(_, told)| told),
            headers: place_at(bytes, at(optional, 60)).ok_or(cut("optional header", optional))?,
            checksum: at(optional, 64),
            told: certificates.map(|(start, _)| start),
        })
    }

    /// Whether firmware starts it as a program: no driver, no program of another system.
    #[must_use]
    pub fn is_application(&self) -> bool {
        self.subsystem == APPLICATION
    }

    /// Whether it says that it is signed.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.certificates.1 != 0
    }

    /// The first section of a name.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The bytes of a section that are meant, as far as the file has them.
    #[must_use]
    pub fn content<'a>(&self, bytes: &'a [u8], name: &str) -> Option<&'a [u8]> {
        let section = self.section(name)?;
        let meant = if section.size == 0 { section.held } else { section.held.min(section.size) };
        bytes.get(section.at..section.at.checked_add(meant)?.min(bytes.len()))
    }

    /// The file's bytes at an address of the loaded image.
    pub(crate) fn at_address<'a>(
        &self,
        bytes: &'a [u8],
        address: usize,
        length: usize,
    ) -> Option<&'a [u8]> {
        self.sections.iter().find_map(|section| {
            let inside = address.checked_sub(section.address)?;
            let end = inside.checked_add(length)?;
            let at = section.at.checked_add(inside)?;
            (end <= section.held).then(|| slice(bytes, at, length)).flatten()
        })
    }

    /// The table of signatures.
    pub(crate) fn table<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], PeError> {
        let (at, length) = self.certificates;
        if length > SIGNATURES_BYTES_MAX {
            return Err(PeError::TooManySignatures { length });
        }
        let what = "table of signatures";
        slice(bytes, at, length).ok_or(PeError::Cut { what, at, size: bytes.len() })
    }

    /// The bytes that a signature is made over, piece by piece, as EDK2 takes them
    /// (`HashPeImage`, `DxeImageVerificationLib`; Windows Authenticode PE format): headers without
    /// checksum and the place that tells of signatures, sections by their place in the file, and what
    /// follows them without the signatures.
    pub(crate) fn signed<'a>(&self, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, PeError> {
        let cut = |what, at| PeError::Cut { what, at, size: bytes.len() };
        let part = |from: usize, to: usize| bytes.get(from..to).ok_or(cut("header", to));
        let after_checksum = self.checksum.saturating_add(4);
        let mut pieces = vec![part(0, self.checksum)?];
        match self.told {
            Some(told) => {
                pieces.push(part(after_checksum, told)?);
                pieces.push(part(told.saturating_add(8), self.headers)?);
            }
            None => pieces.push(part(after_checksum, self.headers)?),
        }
        let mut held: Vec<&Section> = self.sections.iter().filter(|s| s.held > 0).collect();
        held.sort_by_key(|section| section.at);
        let mut sum = self.headers;
        for section in held {
            let end = section.at.saturating_add(section.held);
            pieces.push(bytes.get(section.at..end).ok_or(cut("section", end))?);
            sum = sum.saturating_add(section.held);
            // So a file is hashed once and not once for each section.
            if sum > bytes.len() {
                return Err(PeError::Overlap { sum, size: bytes.len() });
            }
        }
        let (_, signatures) = self.certificates;
        let end = bytes.len().saturating_sub(signatures);
        let overlap = PeError::Overlap { sum: sum.saturating_add(signatures), size: bytes.len() };
        pieces.push(bytes.get(sum..end).ok_or(overlap)?);
        Ok(pieces)
    }
}

/// The COFF machine number, for which a file's first bytes suffice.
#[must_use]
pub fn machine(head: &[u8]) -> Option<u16> {
    u16_at(head, coff(head).ok()?)
}

/// Where the COFF header begins, right after `PE\0\0`.
fn coff(bytes: &[u8]) -> Result<usize, PeError> {
    if !bytes.starts_with(b"MZ") {
        return Err(PeError::NoPe { found: text::hex(bytes.get(..4).unwrap_or(bytes)) });
    }
    let cut = |at| PeError::Cut { what: "PE header", at, size: bytes.len() };
    let at = place_at(bytes, 0x3c).ok_or(cut(0x3c))?;
    let mark = slice(bytes, at, 4).ok_or(cut(at))?;
    if mark != b"PE\0\0" {
        return Err(PeError::NoPe { found: text::hex(mark) });
    }
    at.checked_add(4).ok_or(cut(at))
}

fn sections(bytes: &[u8], coff: usize, optional: usize) -> Result<Vec<Section>, PeError> {
    let cut = |at| PeError::Cut { what: "table of sections", at, size: bytes.len() };
    let at = |more: usize| coff.saturating_add(more);
    let count = usize::from(u16_at(bytes, at(2)).ok_or(cut(coff))?);
    if count > SECTIONS_MAX {
        return Err(PeError::TooManySections { count });
    }
    let optional_size = usize::from(u16_at(bytes, at(16)).ok_or(cut(coff))?);
    let table = optional.saturating_add(optional_size);
    let strings = strings(bytes, coff);
    let headers = (0..count).map(|number| table.saturating_add(number.saturating_mul(40)));
    headers.map(|at| section(bytes, strings, at).ok_or(cut(at))).collect()
}

/// Where names longer than eight bytes stand: after the symbols, as GNU tools write them into EFI
/// programs too (shim's `.vendor_cert`).
fn strings(bytes: &[u8], coff: usize) -> Option<usize> {
    let symbols = place_at(bytes, coff.checked_add(8)?)?;
    let count = place_at(bytes, coff.checked_add(12)?)?;
    symbols.checked_add(count.checked_mul(18)?).filter(|_| symbols != 0)
}

fn section(bytes: &[u8], strings: Option<usize>, at: usize) -> Option<Section> {
    let field = |more: usize| place_at(bytes, at.checked_add(more)?);
    let short = slice(bytes, at, 8)?.split(|b| *b == 0).next().unwrap_or_default();
    let number = short.strip_prefix(b"/").and_then(|digits| std::str::from_utf8(digits).ok());
    let offset = number.and_then(|digits| digits.parse::<usize>().ok());
    let place = offset.zip(strings).and_then(|(offset, start)| start.checked_add(offset));
    let long = place.and_then(|place| bytes.get(place..)).map(|tail| {
        let head = tail.get(..LONG_NAME_MAX).unwrap_or(tail);
        head.split(|b| *b == 0).next().unwrap_or_default()
    });
    Some(Section {
        name: text::show(long.unwrap_or(short)),
        size: field(8)?,
        address: field(12)?,
        held: field(16)?,
        at: field(20)?,
    })
}

/// Why a file is no EFI binary that can be read. All of these are the file's fault.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PeError {
    /// Something else.
    #[error("no EFI binary: it has the bytes {found} where `MZ` or `PE` should stand")]
    NoPe {
        /// In hexadecimal digits.
        found: String,
    },
    /// Neither PE32 nor PE32+.
    #[error("no EFI binary: the header at byte {at} is of kind {magic:#06x}, not PE32 or PE32+")]
    Kind {
        /// What its optional header begins with.
        magic: u16,
        /// Where that stands.
        at: usize,
    },
    /// It ends too early, or points outside of itself.
    #[error(
        "damaged: its {what} leads to byte {at}, but the file has {size} bytes; fetch it again"
    )]
    Cut {
        /// Which part.
        what: &'static str,
        /// Where it should stand, or end.
        at: usize,
        /// The file's length.
        size: usize,
    },
    /// The same bytes in several sections, or in a section and a signature.
    #[error(
        "damaged: its parts have {sum} bytes together, but the file has {size}; fetch it again"
    )]
    Overlap {
        /// Bytes of headers, sections and signatures.
        sum: usize,
        /// The file's length.
        size: usize,
    },
    /// Larger than anything firmware starts.
    #[error("{size} bytes are more than an EFI binary may have here ({FILE_MAX})")]
    TooLarge {
        /// The file's length.
        size: usize,
    },
    /// More than any loader has.
    #[error("{count} sections are more than an EFI binary may have here ({SECTIONS_MAX})")]
    TooManySections {
        /// As the header says.
        count: usize,
    },
    /// More than any loader has.
    #[error("{length} bytes of signatures are more than may be here ({SIGNATURES_BYTES_MAX})")]
    TooManySignatures {
        /// As the header says.
        length: usize,
    },
}
