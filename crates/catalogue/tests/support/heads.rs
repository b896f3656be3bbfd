//! Files that begin as the real ones do.
#![allow(dead_code, reason = "the fuzz target uses a part of it")]

/// A kernel as x86 has them: 64-bit, with an EFI stub.
pub fn bzimage(release: &str) -> Vec<u8> {
    let mut file = vec![0; 0x1000];
    file[..0x1f0].copy_from_slice(&pe(0x8664, false)[..0x1f0]);
    header(&mut file, release);
    file
}

/// The same for BIOS alone.
pub fn bios_kernel(release: &str) -> Vec<u8> {
    let mut file = vec![0; 0x1000];
    header(&mut file, release);
    file
}

fn header(file: &mut [u8], release: &str) {
    file[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    file[0x202..0x206].copy_from_slice(b"HdrS");
    file[0x20e..0x210].copy_from_slice(&0x200_u16.to_le_bytes());
    file[0x236] = 1;
    file[0x400..0x400 + release.len()].copy_from_slice(release.as_bytes());
}

/// A kernel as arm64 has them.
pub fn arm64_image() -> Vec<u8> {
    let mut file = vec![0; 0x1000];
    file[56..60].copy_from_slice(b"ARM\x64");
    file
}

/// An EFI application.
pub fn pe(machine: u16, signed: bool) -> Vec<u8> {
    let mut file = vec![0; 0x400];
    file[..2].copy_from_slice(b"MZ");
    file[0x3c] = 0x40;
    file[0x40..0x44].copy_from_slice(b"PE\0\0");
    file[0x44..0x46].copy_from_slice(&machine.to_le_bytes());
    file[0x54..0x56].copy_from_slice(&0xf0_u16.to_le_bytes());
    file[0x58..0x5a].copy_from_slice(&0x20b_u16.to_le_bytes());
    file[0x9c] = 10;
    file[0xc4] = 16;
    if signed {
        file[0xe8..0xec].copy_from_slice(&0x400_u32.to_le_bytes());
        file[0xec..0xf0].copy_from_slice(&16_u32.to_le_bytes());
        file.extend_from_slice(&[16, 0, 0, 0, 0, 2, 2, 0, 0x30, 0x80, 0, 0, 0, 0, 0, 0]);
    }
    file
}

/// A WIM whose header leads to this XML.
pub fn wim(xml: &str) -> Vec<u8> {
    let mut text = vec![0xff, 0xfe];
    text.extend(xml.encode_utf16().flat_map(u16::to_le_bytes));
    let mut file = vec![0; 4096];
    file[..8].copy_from_slice(b"MSWIM\0\0\0");
    file[8] = 208;
    file[72..80].copy_from_slice(&(text.len() as u64 | 2 << 56).to_le_bytes());
    file[80..88].copy_from_slice(&4096_u64.to_le_bytes());
    file.extend(text);
    file
}
