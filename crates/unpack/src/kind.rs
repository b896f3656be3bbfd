//! What a file is, by its first bytes alone: never by its name.
//!
//! In: the head of a file, and its size. Out: a kind, with words for it and for what to do with what
//! is not read. Never: more than one layer of compression looked through, more than the head
//! unpacked.

use crate::decompress::Decompress;
use crate::disk;
use crate::fat;
use crate::limits::Limits;
use crate::packing::Packing;
use crate::source::{u16_at, u32_at, u64_at, wide};
use std::fmt;
use std::io::Read;

/// How many bytes of a file [`kind`] wants to see: enough for the signature of a disc (byte 32769)
/// behind the first block of any compressor.
pub const HEAD_BYTES: usize = 256 << 10;

/// What a file is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Kind {
    /// An optical disc, ISO 9660 or UDF; also one that boots from a stick.
    Disc,
    /// A tar archive, in one of its dialects.
    Tar(Dialect),
    /// A compressed file, and what is in it as far as its first bytes tell. `None`: not read.
    Packed(Packing, Option<Box<Kind>>),
    /// A squashfs file system.
    Squashfs,
    /// A raw image of a disk with partitions.
    Disk(Scheme),
    /// A FAT file system without a partition table (`efi.img`, a floppy).
    Fat,
    /// Another file system without a partition table. Told by name.
    FileSystem(&'static str),
    /// A disk of a virtual machine in a form that no firmware reads. Told by name.
    VirtualDisk(VirtualDisk),
    /// Windows Imaging: `boot.wim`, `install.wim`, `install.esd`.
    Wim,
    /// A cpio archive as the Linux kernel takes it: an initramfs.
    Cpio,
    /// An archive of a form that is not read. Told by name.
    Archive(&'static str),
    /// None of these: a kernel, a program, a text.
    Other,
}

/// Dialects of tar, as its first header shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialect {
    /// Before POSIX: no magic.
    V7,
    /// POSIX.1-1988.
    Ustar,
    /// GNU tar's own.
    Gnu,
    /// POSIX.1-2001: the first header is an extended one.
    Pax,
}

/// How a disk is divided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scheme {
    /// The partition table of the PC's master boot record.
    Mbr,
    /// GUID partition table (UEFI, chapter 5).
    Gpt,
}

/// Forms of virtual disks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VirtualDisk {
    /// QEMU.
    Qcow2,
    /// VMware.
    Vmdk,
    /// Hyper-V.
    Vhdx,
    /// Virtual PC, Azure. Only the dynamic form shows it at its start.
    Vhd,
    /// VirtualBox.
    Vdi,
}

impl VirtualDisk {
    /// Its name, as `qemu-img -f` takes it too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Qcow2 => "qcow2",
            Self::Vmdk => "vmdk",
            Self::Vhdx => "vhdx",
            Self::Vhd => "vpc",
            Self::Vdi => "vdi",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Packed(packing, None) => return write!(f, "{} file", packing.name()),
            // One layer alone is looked through.
            Self::Packed(packing, Some(inside)) => {
                let inside = match &**inside {
                    Self::Packed(again, _) => format!("{} file", again.name()),
                    other => other.to_string(),
                };
                return write!(f, "{} of {inside}", packing.name());
            }
            Self::VirtualDisk(form) => return write!(f, "virtual disk ({})", form.name()),
            Self::FileSystem(name) => return write!(f, "{name} file system"),
            Self::Archive(name) => return write!(f, "{name} archive"),
            Self::Disc => "optical disc",
            Self::Tar(Dialect::V7) => "tar archive (V7)",
            Self::Tar(Dialect::Ustar) => "tar archive (ustar)",
            Self::Tar(Dialect::Gnu) => "tar archive (GNU)",
            Self::Tar(Dialect::Pax) => "tar archive (pax)",
            Self::Squashfs => "squashfs file system",
            Self::Disk(Scheme::Mbr) => "disk image (MBR)",
            Self::Disk(Scheme::Gpt) => "disk image (GPT)",
            Self::Fat => "FAT file system",
            Self::Wim => "Windows image (WIM)",
            Self::Cpio => "cpio archive (initramfs)",
            Self::Other => "other file",
        };
        f.write_str(words)
    }
}

impl Kind {
    /// What to do with a file that this program does not open.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::VirtualDisk(form) => Some(format!(
                "convert it first: qemu-img convert -f {} -O raw FILE disk.raw",
                form.name()
            )),
            Self::Packed(packing, None) => Some(packing.hint().to_owned()),
            Self::Packed(_, Some(inside)) => match **inside {
                Self::Packed(..) => Some("unpack its outer layer first".to_owned()),
                Self::Archive(_) | Self::VirtualDisk(_) => inside.hint(),
                _ => None,
            },
            Self::Archive(name) => Some(format!("unpack the {name} first, and give what is in it")),
            _ => None,
        }
    }
}

/// What a file is. `head`: its first bytes, best [`HEAD_BYTES`] of them; `size`: of the whole file.
pub fn kind(head: &[u8], size: u64) -> Kind {
    let Some(packing) = Packing::of(head) else { return plain(head, size) };
    if !packing.is_read() {
        return Kind::Packed(packing, None);
    }
    let inside = unpacked_head(head);
    let kind = match Packing::of(&inside) {
        Some(again) => Kind::Packed(again, None),
        // The size of what is packed is not known.
        None => plain(&inside, u64::MAX),
    };
    Kind::Packed(packing, Some(Box::new(kind)))
}

/// As much as the packed head gives. It ends in the middle of something: that is no error here.
fn unpacked_head(head: &[u8]) -> Vec<u8> {
    let mut inside = Vec::new();
    if let Ok(unpack) = Decompress::new(head, Limits::default()) {
        let most = wide(HEAD_BYTES);
        // What came out before an error is in `inside`; whether the rest is whole shows later.
        let _end = unpack.take(most).read_to_end(&mut inside);
    }
    inside
}

fn plain(head: &[u8], size: u64) -> Kind {
    let starts = |signature: &[u8]| head.starts_with(signature);
    // A disc first: those for sticks have a partition table before it.
    if [0x8000, 0x8800].into_iter().any(|at| disc_signature(head, at)) {
        return Kind::Disc;
    }
    if let Some(kind) = by_signature(head) {
        return kind;
    }
    if let Some(dialect) = tar_dialect(head) {
        return Kind::Tar(dialect);
    }
    // Linux kernels and EFI programs carry the boot sector's mark too.
    if starts(b"MZ") || head.get(0x202..0x206) == Some(b"HdrS") {
        return Kind::Other;
    }
    // Boot sectors of their own.
    match head.get(3..11) {
        Some(b"NTFS    ") => return Kind::FileSystem("NTFS"),
        Some(b"EXFAT   ") => return Kind::FileSystem("exFAT"),
        _ => {}
    }
    if let Some(scheme) = disk::scheme(head, size) {
        return Kind::Disk(scheme);
    }
    if fat::is_boot_sector(head) {
        return Kind::Fat;
    }
    file_system(head).map_or(Kind::Other, Kind::FileSystem)
}

/// ECMA-167 3/9.1 and ECMA-119 8: a type, a name, a version.
fn disc_signature(head: &[u8], at: usize) -> bool {
    let name = head.get(at.saturating_add(1)..).and_then(|rest| rest.get(..5));
    matches!(name, Some(b"CD001" | b"BEA01" | b"NSR02" | b"NSR03"))
}

fn by_signature(head: &[u8]) -> Option<Kind> {
    let signatures: [(&[u8], Kind); 17] = [
        (b"hsqs", Kind::Squashfs),
        (b"070701", Kind::Cpio),
        (b"070702", Kind::Cpio),
        (b"MSWIM\0\0\0", Kind::Wim),
        (b"WLPWM\0\0\0", Kind::Wim),
        (b"QFI\xfb", Kind::VirtualDisk(VirtualDisk::Qcow2)),
        (b"KDMV", Kind::VirtualDisk(VirtualDisk::Vmdk)),
        (b"COWD", Kind::VirtualDisk(VirtualDisk::Vmdk)),
        (b"# Disk DescriptorFile", Kind::VirtualDisk(VirtualDisk::Vmdk)),
        (b"vhdxfile", Kind::VirtualDisk(VirtualDisk::Vhdx)),
        (b"conectix", Kind::VirtualDisk(VirtualDisk::Vhd)),
        (b"PK\x03\x04", Kind::Archive("zip")),
        (b"7z\xbc\xaf\x27\x1c", Kind::Archive("7z")),
        (b"Rar!\x1a\x07", Kind::Archive("rar")),
        (b"070707", Kind::Archive("cpio (odc)")),
        (b"\xc7\x71", Kind::Archive("cpio (binary)")),
        (b"!<arch>\n", Kind::Archive("ar (deb)")),
    ];
    let found = signatures.into_iter().find(|(signature, _)| head.starts_with(signature));
    if let Some((_, kind)) = found {
        return Some(kind);
    }
    // VirtualBox puts a line of text before its signature.
    (u32_at(head, 0x40) == 0xbeda_107f).then_some(Kind::VirtualDisk(VirtualDisk::Vdi))
}

fn tar_dialect(head: &[u8]) -> Option<Dialect> {
    let block = head.get(..512)?;
    if !crate::tar::checksum_fits(block) {
        return None;
    }
    let magic = block.get(257..265).unwrap_or_default();
    let kind = block.get(156).copied().unwrap_or(0);
    Some(match (magic, kind) {
        (b"ustar  \0", _) => Dialect::Gnu,
        (b"ustar\x0000", b'x' | b'g') => Dialect::Pax,
        (b"ustar\x0000", _) => Dialect::Ustar,
        _ => Dialect::V7,
    })
}

fn file_system(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"XFSB") {
        return Some("XFS");
    }
    if u16_at(head, 0x438) == 0xef53 {
        return Some("ext2/3/4");
    }
    if u32_at(head, 1024) == 0xe0f5_e1e2 {
        return Some("EROFS");
    }
    (u64_at(head, 0x10040) == u64::from_le_bytes(*b"_BHRfS_M")).then_some("btrfs")
}
