//! PE/COFF as far as a boot server needs it: which machine, which sections, which signatures.
//!
//! In: a file's bytes. Out: what its headers say (Microsoft PE format; UEFI 2.10, 2.1.1). Never:
//! whether a signature is right: only firmware decides that, we show who is named in it.

use crate::bytes::{place_at, slice, text_at, u16_at, u32_at};
use model::Arch;

/// Sections that are looked at; loaders have about ten.
const SECTIONS_MAX: usize = 96;
/// Bytes of a section's name.
const LONG_NAME_MAX: usize = 64;
/// Signatures that are looked at; there are one or two.
const SIGNATURES_MAX: usize = 16;

/// The COFF machine number, which is all that a file's head is needed for.
pub fn machine(head: &[u8]) -> Option<u16> {
    u16_at(head, coff(head)?)
}

/// Which firmware runs a machine number (UEFI 2.10, 2.1.1, table 2.1).
pub fn arch(machine: u16) -> Option<Arch> {
    Some(match machine {
        0x014c => Arch::Ia32Uefi,
        0x8664 => Arch::X64Uefi,
        0x01c0 | 0x01c2 | 0x01c4 => Arch::Arm32Uefi,
        0xaa64 => Arch::Arm64Uefi,
        0x5032 => Arch::Riscv32Uefi,
        0x5064 => Arch::Riscv64Uefi,
        0x5128 => Arch::Riscv128Uefi,
        0x6232 => Arch::Loong32Uefi,
        0x6264 => Arch::Loong64Uefi,
        0x0200 => Arch::Itanium,
        _ => return None,
    })
}

/// Where the COFF header begins, right after `PE\0\0`.
fn coff(bytes: &[u8]) -> Option<usize> {
    let at = place_at(bytes, 0x3c).filter(|_| bytes.starts_with(b"MZ"))?;
    (slice(bytes, at, 4)? == b"PE\0\0").then(|| at.checked_add(4)).flatten()
}

/// A PE file's headers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pe {
    /// COFF machine number.
    pub machine: u16,
    /// 10 is an EFI application, 11 and 12 are drivers.
    pub subsystem: u16,
    /// Where the table of certificates is said to be, and how long; both 0 when unsigned.
    pub certificates: (usize, usize),
    sections: Vec<(String, usize, usize)>,
}

impl Pe {
    /// Reads the headers. A file cut after them is read too.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let coff = coff(bytes)?;
        let optional = coff.checked_add(20)?;
        let directories = match u16_at(bytes, optional)? {
            0x10b => optional.checked_add(92)?,
            0x20b => optional.checked_add(108)?,
            _ => return None,
        };
        // Directory 4, "certificate table": its address is a place in the file.
        let entry = directories.checked_add(4 + 4 * 8)?;
        let certificates = match u32_at(bytes, directories)? {
            5.. => (place_at(bytes, entry)?, place_at(bytes, entry.checked_add(4)?)?),
            _ => (0, 0),
        };
        let count = usize::from(u16_at(bytes, coff.checked_add(2)?)?).min(SECTIONS_MAX);
        let table = optional.checked_add(usize::from(u16_at(bytes, coff.checked_add(16)?)?))?;
        let strings = strings(bytes, coff);
        Some(Self {
            machine: u16_at(bytes, coff)?,
            subsystem: u16_at(bytes, optional.checked_add(68)?)?,
            certificates,
            sections: (0..count)
                .map_while(|n| section(bytes, strings, table.checked_add(n * 40)?))
                .collect(),
        })
    }

    /// Which firmware starts it; none if it is no EFI application, or for an unknown machine.
    pub fn application(&self) -> Option<Arch> {
        arch(self.machine).filter(|_| self.subsystem == 10)
    }

    /// Whether it says that it is signed.
    pub fn is_signed(&self) -> bool {
        self.certificates.1 != 0
    }

    /// Whether it has a section of this name.
    pub fn has_section(&self, name: &str) -> bool {
        self.sections.iter().any(|(own, ..)| own == name)
    }

    /// The bytes of a section, as far as the file has them.
    pub fn section<'a>(&self, bytes: &'a [u8], name: &str) -> Option<&'a [u8]> {
        let (_, at, len) = self.sections.iter().find(|(own, ..)| own == name)?;
        bytes.get(*at..at.checked_add(*len)?.min(bytes.len()))
    }

    /// The lines of its SBAT section: component, generation, vendor, package, version, URL.
    pub fn sbat(&self, bytes: &[u8]) -> Vec<String> {
        let section = self.section(bytes, ".sbat").unwrap_or_default();
        let text = section.split(|b| *b == 0).next().unwrap_or_default();
        let lines = text.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
        lines.take(64).map(model::text::show).collect()
    }

    /// The PKCS #7 signatures attached to it (`WIN_CERTIFICATE`, type 2).
    pub fn signatures<'a>(&self, bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let (start, len) = self.certificates;
        let mut table = slice(bytes, start, len).unwrap_or_default();
        let mut found = Vec::new();
        while let Some(size) = place_at(table, 0).filter(|s| (8..=table.len()).contains(s)) {
            if let (Some(2), Some(body)) = (u16_at(table, 6), table.get(8..size)) {
                found.push(body);
            }
            table = table.get(size.next_multiple_of(8)..).unwrap_or_default();
            if found.len() == SIGNATURES_MAX {
                break;
            }
        }
        found
    }
}

/// Where names longer than eight bytes stand: after the symbols, as GNU tools write them into EFI
/// programs too (shim's `.vendor_cert`).
fn strings(bytes: &[u8], coff: usize) -> Option<usize> {
    let (symbols, count) =
        (place_at(bytes, coff.checked_add(8)?)?, place_at(bytes, coff.checked_add(12)?)?);
    symbols.checked_add(count.checked_mul(18)?).filter(|_| symbols != 0)
}

/// A section's name, place in the file and length there.
fn section(bytes: &[u8], strings: Option<usize>, at: usize) -> Option<(String, usize, usize)> {
    let short = slice(bytes, at, 8)?.split(|b| *b == 0).next().unwrap_or_default();
    let mut name = String::from_utf8_lossy(short).into_owned();
    let long = name.strip_prefix('/').and_then(|digits| digits.parse::<usize>().ok());
    if let Some(place) = long.zip(strings).and_then(|(offset, start)| start.checked_add(offset)) {
        name = text_at(bytes, place, LONG_NAME_MAX).unwrap_or(name);
    }
    // The file holds whole blocks; the virtual size says how much of them is meant.
    let (meant, held) =
        (place_at(bytes, at.checked_add(8)?)?, place_at(bytes, at.checked_add(16)?)?);
    let len = if meant == 0 { held } else { held.min(meant) };
    Some((name, place_at(bytes, at.checked_add(20)?)?, len))
}
