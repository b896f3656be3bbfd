//! PE/COFF as far as the recognition of a file needs it: for which firmware, and whether signed.
//!
//! In: the head of a file. Out: what its headers say (Microsoft PE format; UEFI 2.10, 2.1.1). Never:
//! whether a signature is right.

use crate::bytes::{place_at, slice, u16_at, u32_at};
use model::Arch;

/// The COFF machine number.
pub(crate) fn machine(head: &[u8]) -> Option<u16> {
    u16_at(head, coff(head)?)
}

/// Which firmware runs a machine number (UEFI 2.10, 2.1.1, table 2.1).
pub(crate) fn arch(machine: u16) -> Option<Arch> {
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

/// An EFI program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Program {
    /// Which firmware starts it.
    pub arch: Arch,
    /// It says that it carries a signature.
    pub signed: bool,
}

/// The EFI application whose head this is; none for drivers, other programs, unknown processors.
pub(crate) fn application(head: &[u8]) -> Option<Program> {
    let optional = coff(head)?.checked_add(20)?;
    let directories = match u16_at(head, optional)? {
        0x10b => optional.checked_add(92)?,
        0x20b => optional.checked_add(108)?,
        _ => return None,
    };
    // Subsystem 10 is an EFI application, 11 and 12 are drivers.
    let subsystem = u16_at(head, optional.checked_add(68)?)?;
    // Directory 4, "certificate table": 4 bytes of count, 8 for each before it, then its place.
    let size = directories.checked_add(4 + 4 * 8 + 4)?;
    let signed = u32_at(head, directories)? > 4 && u32_at(head, size)? != 0;
    let arch = arch(machine(head)?).filter(|_| subsystem == 10)?;
    Some(Program { arch, signed })
}
