//! EFI programs as far as recognition needs it: for which firmware, and whether signed.
//!
//! In: the head of a file. Out: what its headers say. Never: whether a signature is right.

use model::Arch;
use secureboot::Pe;

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
    let pe = Pe::read(head).ok()?;
    let arch = Arch::of_machine(pe.machine).filter(|_| pe.is_application())?;
    Some(Program { arch, signed: pe.is_signed() })
}
