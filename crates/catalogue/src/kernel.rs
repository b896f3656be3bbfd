//! What the first bytes of a kernel say: its format, its processor, its version.
//!
//! In: the head of a file (64 KiB suffice). Out: a [`Kernel`], or nothing when it is none. Names of
//! files are never asked.

use crate::bytes::{slice, text_at, u16_at, u32_at};
use model::Arch;
use std::borrow::Cow;
use std::io::Read;

/// Bytes of a file's head that are enough for [`Kernel::read`].
pub const HEAD: usize = 64 * 1024;

/// Bytes of a file's head that are enough for [`initrd`].
pub(crate) const INITRD_HEAD: usize = 16;

/// A kernel that a network bootloader can start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Kernel {
    /// The image format, in words.
    pub format: &'static str,
    /// Debian's name of its processor; `unknown` if the header does not say.
    pub processor: &'static str,
    /// Where it can be started.
    pub archs: Vec<Arch>,
    /// The version text in its header: `6.1.0-50-amd64 (debian-kernel@...`, `Memtest86+ v6.10`.
    pub version: Option<String>,
}

impl Kernel {
    /// Reads the head of a file.
    pub fn read(head: &[u8]) -> Option<Self> {
        // arm64 distributions compress the whole image; GRUB and iPXE unpack it.
        Self::plain(&unpacked(head))
    }

    fn plain(head: &[u8]) -> Option<Self> {
        let stub = secureboot::pe::machine(head).and_then(Arch::of_machine);
        // Linux Documentation/arch/x86/boot.rst: boot_flag, header, kernel_version, xloadflags.
        if u16_at(head, 0x1fe) == Some(0xaa55) && slice(head, 0x202, 4) == Some(b"HdrS") {
            return Some(Self::bzimage(head, stub));
        }
        // Linux Documentation/arch/arm64/booting.rst: magic at 56.
        if slice(head, 56, 4) == Some(b"ARM\x64") {
            return Some(Self::of("Linux Image", "arm64", vec![Arch::Arm64Uefi]));
        }
        // Linux Documentation/arch/riscv/boot-image-header.rst: magic2 at 56.
        if slice(head, 56, 4) == Some(b"RSC\x05") {
            return Some(Self::of(
                "Linux Image",
                "riscv64",
                vec![stub.unwrap_or(Arch::Riscv64Uefi)],
            ));
        }
        // EFI zboot (drivers/firmware/efi/libstub/zboot-header.S), and LINUX_PE_MAGIC of others.
        let stubbed = slice(head, 4, 4) == Some(b"zimg") || u32_at(head, 56) == Some(0x8182_23cd);
        let arch = stub.filter(|_| stubbed)?;
        Some(Self::of("Linux EFI stub", debian_name(arch), vec![arch]))
    }

    fn bzimage(head: &[u8], stub: Option<Arch>) -> Self {
        let is_64 = u16_at(head, 0x236).is_some_and(|flags| flags & 1 != 0);
        let at = u16_at(head, 0x20e).filter(|at| *at != 0);
        Self {
            format: "x86 bzImage",
            processor: if is_64 { "amd64" } else { "i386" },
            archs: [Some(Arch::X86Bios), stub].into_iter().flatten().collect(),
            version: at.and_then(|at| text_at(head, usize::from(at).saturating_add(0x200), 128)),
        }
    }

    fn of(format: &'static str, processor: &'static str, archs: Vec<Arch>) -> Self {
        Self { format, processor, archs, version: None }
    }

    /// Format and version, to be shown.
    pub fn words(&self) -> String {
        match self.release() {
            Some(release) => {
                format!("{}, {}", self.format, model::text::show(release.as_bytes()))
            }
            None => self.format.to_owned(),
        }
    }

    /// The first word of its version.
    pub fn release(&self) -> Option<&str> {
        self.version.as_deref().and_then(|version| version.split(' ').next())
    }
}

/// A head as it is without gzip around it: at most [`HEAD`] bytes.
pub(crate) fn unpacked(head: &[u8]) -> Cow<'_, [u8]> {
    if !head.starts_with(&[0x1f, 0x8b]) {
        return Cow::Borrowed(head);
    }
    let mut inner = Vec::new();
    let mut unpacked = flate2::read::GzDecoder::new(head).take(HEAD as u64);
    // The head is cut, so the end is an error; what came before it is what we want.
    let _ = unpacked.read_to_end(&mut inner);
    Cow::Owned(inner)
}

fn debian_name(arch: Arch) -> &'static str {
    match arch {
        Arch::X64Uefi => "amd64",
        Arch::Ia32Uefi => "i386",
        Arch::Arm64Uefi => "arm64",
        Arch::Arm32Uefi => "armhf",
        Arch::Riscv64Uefi => "riscv64",
        Arch::Loong64Uefi => "loong64",
        _ => "unknown",
    }
}

/// What packs an initrd, by its first bytes; none when they begin no initrd that Linux knows.
pub fn initrd(head: &[u8]) -> Option<&'static str> {
    let kinds: [(&[u8], &str); 9] = [
        (b"070701", "cpio"),
        (b"070702", "cpio"),
        (&[0x1f, 0x8b], "gzip"),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
        (&[0x02, 0x21, 0x4c, 0x18], "lz4"),
        (&[0x89, b'L', b'Z', b'O'], "lzo"),
        (b"BZh", "bzip2"),
        (&[0x5d, 0, 0], "lzma"),
    ];
    kinds.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bzimage() -> Vec<u8> {
        let mut head = vec![0; 0x400];
        head[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
        head[0x202..0x206].copy_from_slice(b"HdrS");
        head[0x20e..0x210].copy_from_slice(&0x100_u16.to_le_bytes());
        head[0x236] = 1;
        head[0x300..0x30b].copy_from_slice(b"6.1.0-test ");
        head
    }

    #[test]
    fn a_bzimage_without_efi_stub_is_for_bios_alone() {
        let kernel = Kernel::read(&bzimage()).expect("a kernel");
        assert_eq!(kernel.archs, [Arch::X86Bios]);
        assert_eq!(kernel.processor, "amd64");
        assert_eq!(kernel.release(), Some("6.1.0-test"));
    }

    #[test]
    fn text_is_no_kernel() {
        assert_eq!(Kernel::read(b"#!ipxe\n"), None);
        assert_eq!(Kernel::read(b""), None);
    }

    proptest! {
        #[test]
        fn damaged_heads_are_read_without_panic(
            at in 0_usize..0x400, value: u8, cut in 0_usize..0x400,
        ) {
            let mut head = bzimage();
            head[at] = value;
            head.truncate(cut);
            let _ = Kernel::read(&head);
        }

        #[test]
        fn noise_after_a_gzip_magic_is_no_panic(noise: Vec<u8>) {
            let _ = Kernel::read(&[&[0x1f, 0x8b, 8, 0][..], &noise].concat());
        }
    }
}
