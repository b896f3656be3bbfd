//! The layouts: what is known of real discs, written down. Paths were held against listings of real
//! discs where such were at hand (Debian 12, Ubuntu 20.04 to 25.10, Fedora 38 to 42, Alma 10, SLES 15
//! and 16, Leap 16, FreeBSD 13, ESXi 7, XenServer 7).

mod debian;
mod others;
mod published;
mod rpm;

use super::heads::{arm64_image, bios_kernel, bzimage, pe, wim};
use super::{Files, Layout};

pub fn edition(index: u8, name: &str, id: &str, kind: &str, build: u32) -> String {
    format!(
        "<IMAGE INDEX=\"{index}\"><WINDOWS><ARCH>9</ARCH><EDITIONID>{id}</EDITIONID>\
         <INSTALLATIONTYPE>{kind}</INSTALLATIONTYPE><LANGUAGES><LANGUAGE>en-US</LANGUAGE>\
         <DEFAULT>en-US</DEFAULT></LANGUAGES><VERSION><MAJOR>10</MAJOR><MINOR>0</MINOR>\
         <BUILD>{build}</BUILD><SPBUILD>1</SPBUILD></VERSION></WINDOWS><NAME>{name}</NAME></IMAGE>"
    )
}

fn gz() -> Vec<u8> {
    vec![0x1f, 0x8b, 8, 0]
}

/// The beginning of an ELF file, in gzip.
fn packed_elf() -> Vec<u8> {
    // One stored block of eight bytes (RFC 1951, 3.2.4).
    let around = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1, 8, 0, 0xf7, 0xff];
    [&around[..], b"\x7fELF\x01\x01\x01\0"].concat()
}

fn cpio() -> Vec<u8> {
    b"070701".repeat(20)
}

fn xz() -> Vec<u8> {
    vec![0xfd, b'7', b'z', b'X', b'Z', 0]
}

fn squashfs() -> Vec<u8> {
    let mut file = b"hsqs".to_vec();
    file.resize(4096, 0);
    file
}

fn text(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn layout(name: &'static str, kind: &'static str, files: Vec<(&str, Vec<u8>)>) -> Layout {
    let files = files.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)).collect();
    Layout {
        name,
        kind,
        files,
        volume: None,
        publisher: "",
        application: "",
        boots: None,
        udf: false,
    }
}

impl Layout {
    fn on(mut self, volume: &'static str) -> Self {
        self.volume = Some(volume);
        self
    }

    fn with(mut self, more: Vec<(&str, Vec<u8>)>) -> Self {
        self.files.extend(more.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)));
        self
    }
}

/// Shim and GRUB of a disc.
fn loaders(folder: &str) -> Vec<(&'static str, Vec<u8>)> {
    let paths = match folder {
        "EFI/boot" => ["EFI/boot/bootx64.efi", "EFI/boot/grubx64.efi"],
        _ => ["EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/grubx64.efi"],
    };
    paths.into_iter().map(|path| (path, pe(0x8664, true))).collect()
}

pub fn all() -> Vec<Layout> {
    [
        debian::installer(),
        debian::live(),
        debian::casper(),
        rpm::redhat(),
        rpm::redhat_live(),
        rpm::suse(),
        published::archiso(),
        published::published(),
        published::pxe_sets(),
        others::others(),
        others::windows(),
        others::bare(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A little of everything, for trees that were never made by anybody.
pub fn everything() -> Files {
    all().into_iter().flat_map(|layout| layout.files).collect()
}
