//! A small disk that says [`REACHED`] on the serial port when a machine really starts it.
//!
//! One image serves every firmware: its boot sector speaks for BIOS; its EFI system partition
//! holds Debian's signed shim and GRUB, for x64 and arm64, so that Secure Boot starts it too.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::run;
use super::{Trouble, io};

/// What the disk says when it was started.
pub const REACHED: &str = "LOCAL DISK REACHED";

const SECTOR: u32 = 512;
const PARTITION_START: u32 = 2048;
/// Sectors of a mebibyte.
const MIB: u32 = 2048;

/// What the system partition holds: where it comes from, and its name there.
const LOADERS: &[(&str, &str)] = &[
    ("/usr/lib/shim/shimx64.efi.signed", "EFI/BOOT/BOOTX64.EFI"),
    ("/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "EFI/BOOT/grubx64.efi"),
    (
        "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64/bootnetaa64.efi",
        "EFI/BOOT/BOOTAA64.EFI",
    ),
    (
        "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64/grubaa64.efi",
        "EFI/BOOT/grubaa64.efi",
    ),
];
/// Where these GRUBs look for their configuration: the prefix is signed into them. Debian
/// signs no arm64 disk GRUB into an amd64 package, so the netboot one does, by its own prefix.
const GRUB_CONFIGS: &[&str] = &["EFI/debian/grub.cfg", "debian-installer/arm64/grub/grub.cfg"];
const DIRECTORIES: &[&str] = &[
    "EFI",
    "EFI/BOOT",
    "EFI/debian",
    "debian-installer",
    "debian-installer/arm64",
    "debian-installer/arm64/grub",
];

/// What else stands on a disk, and what its GRUB does.
#[derive(Debug)]
pub struct Contents<'a> {
    /// The size of its system partition.
    pub mib: u32,
    /// The text of `grub.cfg`.
    pub config: &'a str,
    /// More files: where each comes from, and its name in the root of the partition.
    pub files: &'a [(PathBuf, &'a str)],
}

/// Writes the disk into `directory` and gives its path.
///
/// # Errors
/// When a loader is not installed, or mtools fail.
pub fn make(directory: &Path) -> Result<PathBuf, Trouble> {
    let config = format!("echo \"{REACHED}\"\nsleep 3600\n");
    with(directory, &Contents { mib: 15, config: &config, files: &[] })
}

/// The same disk with something else on it.
///
/// # Errors
/// As [`make`].
pub fn with(directory: &Path, contents: &Contents<'_>) -> Result<PathBuf, Trouble> {
    let path = directory.join("disk.img");
    let length = contents.mib * MIB;
    let mut file = File::create(&path).map_err(io(format!("making {}", path.display())))?;
    file.write_all(&boot_record(length)).map_err(io("writing the boot sector"))?;
    let bytes = u64::from(PARTITION_START + length) * u64::from(SECTOR);
    file.set_len(bytes).map_err(io("giving the disk its size"))?;

    let partition = format!("{}@@{}", path.display(), PARTITION_START * SECTOR);
    let sectors = length.to_string();
    run(Command::new("mformat")
        .args(["-i", &partition, "-T", &sectors, "-h", "16", "-s", "63", "::"]))?;
    for name in DIRECTORIES {
        run(Command::new("mmd").args(["-i", &partition, &format!("::/{name}")]))?;
    }
    let config = directory.join("disk-grub.cfg");
    fs::write(&config, contents.config).map_err(io("writing the disk's grub.cfg"))?;
    let config = config.to_string_lossy();
    let configs = GRUB_CONFIGS.iter().map(|name| (&*config, *name));
    let more: Vec<_> =
        contents.files.iter().map(|(from, name)| (from.to_string_lossy(), *name)).collect();
    let more = more.iter().map(|(from, name)| (&**from, *name));
    for (from, name) in LOADERS.iter().copied().chain(configs).chain(more) {
        run(Command::new("mcopy").args(["-i", &partition, from, &format!("::/{name}")]))?;
    }
    Ok(path)
}

/// The first sector: a program for the BIOS, and the table with the one EFI system partition.
fn boot_record(length: u32) -> [u8; SECTOR as usize] {
    let mut sector = [0; SECTOR as usize];
    let text = format!("{REACHED}\r\n\0");
    sector[..PROGRAM.len()].copy_from_slice(&PROGRAM);
    sector[PROGRAM.len()..][..text.len()].copy_from_slice(text.as_bytes());

    let entry = &mut sector[446..462];
    entry[0] = 0x80; // active
    entry[1..4].copy_from_slice(&[0xfe, 0xff, 0xff]); // no CHS address
    entry[4] = 0xef; // EFI system partition
    entry[5..8].copy_from_slice(&[0xfe, 0xff, 0xff]);
    entry[8..12].copy_from_slice(&PARTITION_START.to_le_bytes());
    entry[12..].copy_from_slice(&length.to_le_bytes());
    sector[510..].copy_from_slice(&[0x55, 0xaa]);
    sector
}

/// Writes the text that follows it to COM1 and halts. Loaded at 0x7c00, 16 bit.
const PROGRAM: [u8; 35] = [
    0xfa, // cli
    0xfc, // cld
    0x31, 0xc0, // xor ax, ax
    0x8e, 0xd8, // mov ds, ax
    0xbe, 0x23, 0x7c, // mov si, 0x7c23: the text behind these 35 bytes
    // next:
    0xac, // lodsb
    0x08, 0xc0, // or al, al
    0x74, 0x12, // jz done
    0x88, 0xc4, // mov ah, al
    0xba, 0xfd, 0x03, // mov dx, 0x3fd: the line status of COM1
    // wait:
    0xec, // in al, dx
    0xa8, 0x20, // test al, 0x20: room for a byte?
    0x74, 0xfb, // jz wait
    0x88, 0xe0, // mov al, ah
    0xba, 0xf8, 0x03, // mov dx, 0x3f8: its data
    0xee, // out dx, al
    0xeb, 0xe9, // jmp next
    // done:
    0xf4, // hlt
    0xeb, 0xfd, // jmp done
];

#[cfg(test)]
mod tests {
    use super::{PROGRAM, REACHED, boot_record};

    #[test]
    fn the_program_finds_its_text() {
        let [low, high] = [PROGRAM[7], PROGRAM[8]];
        let text = usize::from(u16::from_le_bytes([low, high]) - 0x7c00);
        assert_eq!(text, PROGRAM.len());
        assert!(boot_record(2048)[text..].starts_with(REACHED.as_bytes()));
    }

    #[test]
    fn every_jump_lands_on_an_instruction() {
        let target = |at: usize| {
            at.wrapping_add(2).wrapping_add_signed(isize::from(PROGRAM[at + 1].cast_signed()))
        };
        assert_eq!(target(12), 32, "jz done");
        assert_eq!(target(22), 19, "jz wait");
        assert_eq!(target(30), 9, "jmp next");
        assert_eq!(target(33), 32, "jmp done");
    }
}
