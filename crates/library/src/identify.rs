//! What some bytes are as a bootloader: kind, architecture, version, signers.
//!
//! In: a path, for its last part, and the bytes. Out: a [`FoundLoader`], or nothing. The
//! architecture is that of the machine code; the name only tells builds of iPXE apart.

use crate::bytes::{contains, find, slice, text_at, u16_at};
use crate::efi;
use crate::loaders::FoundLoader;
use model::Arch;
use model::image::LoaderKind;
use secureboot::Pe;
use std::path::Path;

/// Whether a name is one that bootloaders have; spares reading the rest.
pub(crate) fn likely(path: &str) -> bool {
    let name = file_name(path);
    name.ends_with(".efi")
        || name.contains(".efi.")
        || [".kpxe", ".kkpxe", ".pxe", "pxelinux.0"].iter().any(|end| name.ends_with(end))
        || ["ldlinux.c32", "ldlinux.e64", "ldlinux.e32"].contains(&name.as_str())
}

pub(crate) fn file_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase()
}

/// What these bytes are, if they are a bootloader that we know how to use.
pub(crate) fn identify(path: &Path, bytes: Vec<u8>) -> Option<FoundLoader> {
    let path = path.to_string_lossy().into_owned();
    let file = file_name(&path);
    if let Ok(pe) = Pe::read(&bytes) {
        return of_efi(path, &file, &pe, bytes);
    }
    let (name, kind, arch, version) = if let Some(version) = pxelinux(&bytes) {
        let name = if file.starts_with("lpxelinux") { "lpxelinux.0" } else { "pxelinux.0" };
        (name.to_owned(), LoaderKind::Pxelinux, Arch::X86Bios, version)
    } else if is_ipxe_for_bios(&bytes) {
        let (name, kind) = match file.starts_with("undionly") {
            true => ("undionly.kpxe", LoaderKind::Undionly),
            false => ("ipxe.pxe", LoaderKind::Ipxe),
        };
        (name.to_owned(), kind, Arch::X86Bios, ipxe_version(&bytes))
    } else {
        let arch = ldlinux(&file, &bytes)?;
        (file, LoaderKind::Module, arch, None)
    };
    let version = version.unwrap_or_else(unknown);
    let (signers, sbat, passed_over) = Default::default();
    Some(FoundLoader { name, kind, arch, version, path, signers, sbat, passed_over, bytes })
}

fn of_efi(path: String, file: &str, pe: &Pe, bytes: Vec<u8>) -> Option<FoundLoader> {
    let arch = efi::application(pe)?;
    let sbat = efi::sbat(pe, &bytes);
    let signers = efi::signers(pe, &bytes);
    let short = arch.name().trim_end_matches("-uefi");
    let suffix = arch.efi_suffix().unwrap_or(short);
    let (name, kind, version) = if pe.section(".vendor_cert").is_some() {
        // An unsigned shim is of no use: firmware that takes it would take GRUB as well.
        if signers.is_empty() {
            return None;
        }
        let version = sbat_version(&sbat, "shim");
        if file.contains("ipxe") || sbat.iter().any(|line| line.starts_with("shim.ipxe,")) {
            (format!("ipxe-shim{suffix}.efi"), LoaderKind::IpxeShim, version)
        } else {
            (format!("shim{suffix}.efi"), LoaderKind::Shim, version)
        }
    } else if sbat.iter().any(|line| line.starts_with("grub,")) {
        // Unsigned, shim refuses it; without its TFTP module it looks for a disk. Every GRUB
        // knows the module's name, only one that has it the name of its source.
        if signers.is_empty() || !contains(&bytes, "net/tftp.c") {
            return None;
        }
        (format!("grub{suffix}.efi"), LoaderKind::Grub, sbat_version(&sbat, "grub"))
    } else if contains(&bytes, "ipxe.org") {
        let version = sbat_version(&sbat, "ipxe").or_else(|| ipxe_version(&bytes));
        match file.contains("snp") {
            true => (format!("snponly-{short}.efi"), LoaderKind::Snponly, version),
            false => (format!("ipxe-{short}.efi"), LoaderKind::Ipxe, version),
        }
    } else {
        return None;
    };
    let (version, passed_over) = (version.unwrap_or_else(unknown), Vec::new());
    Some(FoundLoader { name, kind, arch, version, path, signers, sbat, passed_over, bytes })
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// The version in the most particular SBAT line of a component: `grub.debian,5,Debian,grub2,2.06-13,…`.
fn sbat_version(lines: &[String], component: &str) -> Option<String> {
    let own = |line: &&String| {
        line.strip_prefix(component)
            .is_some_and(|rest| rest.starts_with(',') || rest.starts_with('.'))
    };
    let line = lines
        .iter()
        .filter(own)
        .max_by_key(|line| line.split(',').next().map_or(0, |name| name.matches('.').count()))?;
    line.split(',').nth(4).filter(|version| !version.is_empty()).map(str::to_owned)
}

/// PXELINUX says so in its copyright line: `PXELINUX 6.04 PXE 20200816`.
fn pxelinux(bytes: &[u8]) -> Option<Option<String>> {
    // A far jump over the header, as in all network boot programs.
    if bytes.first() != Some(&0xea) {
        return None;
    }
    let at = find(bytes, b"PXELINUX ")?;
    let text = text_at(bytes, at + "PXELINUX ".len(), 64);
    Some(text.and_then(|text| text.split(' ').next().map(str::to_owned)))
}

/// iPXE for BIOS is packed; its unpacked beginning (src/arch/x86/prefix/pxeprefix.S) is known.
fn is_ipxe_for_bios(bytes: &[u8]) -> bool {
    let head = bytes.get(..4096).unwrap_or(bytes);
    bytes.first() == Some(&0xea)
        && contains(head, "LRET")
        && contains(head, "PXENV+")
        && contains(head, "No PXE stack found!")
}

/// The text that is nothing but a version, as iPXE's banner prints it: `1.0.0+git-2019…`, `1.21.1+`.
fn ipxe_version(bytes: &[u8]) -> Option<String> {
    let looks_right = |text: &str| {
        let mut parts = text.split(['.', '+', ' ', '-']);
        let number = |part: Option<&str>| {
            part.is_some_and(|p| {
                (1..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit())
            })
        };
        number(parts.next())
            && number(parts.next())
            && number(parts.next())
            && !text.starts_with("0.")
            && text.bytes().filter(|b| *b == b'.').count() >= 2
    };
    bytes
        .split(|b| *b == 0)
        .filter(|part| {
            (5..=64).contains(&part.len()) && part.first().is_some_and(u8::is_ascii_digit)
        })
        .filter_map(|part| std::str::from_utf8(part).ok())
        .find(|text| looks_right(text) && !is_address(text))
        .map(|text| model::text::show(text.as_bytes()))
}

fn is_address(text: &str) -> bool {
    text.parse::<std::net::Ipv4Addr>().is_ok()
}

/// The module that PXELINUX (and syslinux.efi) asks for first: an ELF file by one of three names.
fn ldlinux(file: &str, bytes: &[u8]) -> Option<Arch> {
    let machine = u16_at(bytes, 18).filter(|_| slice(bytes, 0, 4) == Some(b"\x7fELF"))?;
    match (file, machine) {
        // ELF e_machine 3 is 386, 62 is x86-64. BIOS and 32-bit UEFI modules have the same code;
        // their names differ.
        ("ldlinux.c32", 3) => Some(Arch::X86Bios),
        ("ldlinux.e32", 3) => Some(Arch::Ia32Uefi),
        ("ldlinux.e64", 62) => Some(Arch::X64Uefi),
        _ => None,
    }
}
