//! One EFI binary: what it is, who signed it, what it carries.
//!
//! In: the bytes of the whole file. Out: a [`Binary`], which keeps none of them. Never: a verdict.

use crate::crypto::Hash;
use crate::lists::Svn;
use crate::pe::{Pe, PeError};
use crate::resource;
use crate::sbat::Sbat;
use crate::shim::ShimFacts;
use crate::signature::{self, Digests, Signature};
use std::fmt;

/// What an EFI binary is, as far as its own bytes tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A shim: it carries certificates of its own.
    Shim,
    /// GRUB 2.
    Grub,
    /// iPXE.
    Ipxe,
    /// systemd-boot.
    SystemdBoot,
    /// A kernel with its initrd and command line in one file.
    UnifiedKernel,
    /// A Linux kernel that firmware can start.
    Linux,
    /// A Windows boot program.
    Windows,
    /// Another program.
    Other,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shim => "shim",
            Self::Grub => "GRUB",
            Self::Ipxe => "iPXE",
            Self::SystemdBoot => "systemd-boot",
            Self::UnifiedKernel => "the unified kernel",
            Self::Linux => "the kernel",
            Self::Windows => "the Windows boot program",
            Self::Other => "the program",
        })
    }
}

/// The facts on a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Binary {
    /// What it is.
    pub kind: Kind,
    /// COFF machine number: 0x8664 is x64, 0xaa64 is ARM64.
    pub machine: u16,
    /// 10 is an EFI application; 11 and 12 are drivers.
    pub subsystem: u16,
    /// Its Authenticode SHA-256, which signatures and lists mean.
    pub sha256: [u8; 32],
    /// Its Authenticode SHA-1, for old lists.
    pub sha1: [u8; 20],
    /// Its signatures in the order of its table, then those inside of others.
    pub signatures: Vec<Signature>,
    /// Whether its table of signatures has more or less in it than it says: firmware then refuses the
    /// file, shim may not.
    pub has_damaged_table: bool,
    /// Its SBAT section; none if it has none, as kernels.
    pub sbat: Option<Sbat>,
    /// What it carries as a shim.
    pub shim: Option<ShimFacts>,
    /// Its security version number, as Windows boot programs have it.
    pub svn: Option<Svn>,
}

impl Binary {
    /// Reads a whole file. One that firmware would refuse for its form is an error.
    pub fn read(bytes: &[u8]) -> Result<Self, PeError> {
        let pe = Pe::read(bytes)?;
        let table = pe.table(bytes)?;
        let mut digests = Digests::new(pe.signed(bytes)?);
        let signatures = signature::all(table, &mut digests);
        let sbat = pe.content(bytes, ".sbat").map(Sbat::read);
        let vendor = pe.content(bytes, ".vendor_cert");
        let svn = resource::svn(&pe, bytes);
        Ok(Self {
            kind: kind(&pe, bytes, sbat.as_ref(), svn.is_some()),
            machine: pe.machine,
            subsystem: pe.subsystem,
            sha256: fixed(digests.of(Hash::Sha256)),
            sha1: fixed(digests.of(Hash::Sha1)),
            signatures,
            has_damaged_table: !signature::is_whole(table),
            shim: vendor.map(|vendor| ShimFacts::read(vendor, pe.content(bytes, ".sbatlevel"))),
            sbat,
            svn,
        })
    }

    /// The signatures that firmware and shim look at.
    pub fn outer_signatures(&self) -> impl Iterator<Item = &Signature> {
        self.signatures.iter().filter(|signature| signature.depth == 0)
    }
}

/// A digest of known length.
fn fixed<const N: usize>(digest: &[u8]) -> [u8; N] {
    digest.try_into().unwrap_or([0; N])
}

fn kind(pe: &Pe, bytes: &[u8], sbat: Option<&Sbat>, has_svn: bool) -> Kind {
    let has = |name: &str| pe.section(name).is_some();
    let says = |name: &str| sbat.is_some_and(|sbat| sbat.has(name));
    // An x86 kernel (Linux, Documentation/arch/x86/boot.rst), one for ARM64 or RISC-V, or a
    // compressed one (EFI zboot).
    let at =
        |place: usize, mark: &[u8]| bytes.get(place..).is_some_and(|rest| rest.starts_with(mark));
    let is_kernel =
        at(0x202, b"HdrS") || at(0x38, b"ARM\x64") || at(0x38, b"RSC\x05") || at(4, b"zimg");
    match () {
        () if has(".vendor_cert") => Kind::Shim,
        () if has(".linux") && (has(".osrel") || has(".cmdline")) => Kind::UnifiedKernel,
        () if says("grub") || has("mods") => Kind::Grub,
        () if says("systemd-boot") || has(".sdmagic") => Kind::SystemdBoot,
        () if says("ipxe") => Kind::Ipxe,
        () if has_svn => Kind::Windows,
        () if is_kernel => Kind::Linux,
        () => Kind::Other,
    }
}
