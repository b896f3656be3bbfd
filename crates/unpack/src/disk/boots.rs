//! Whether a disk boots, how, and on which processors.

use super::{DiskImage, Partition};
use crate::error::UnpackError;
use crate::fat::Fat;
use crate::kind::Scheme;
use crate::limits::Limits;
use crate::source::ReadAt;

/// How a disk boots.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Boots {
    /// Loaders that UEFI firmware finds by itself on a disk it does not know.
    pub uefi: Vec<EfiLoader>,
    /// What the BIOS would start. `None`: nothing.
    pub bios: Option<String>,
    /// What kept us from looking, fit to be shown.
    pub notes: Vec<String>,
}

/// A boot loader for UEFI.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EfiLoader {
    /// The number of its partition.
    pub partition: u32,
    /// Its path there.
    pub path: String,
    /// The processor, as its file name says it: `x64`, `aa64`, `ia32`, `arm`, `riscv64`, ...
    pub arch: &'static str,
}

/// Names of removable media (UEFI 2.10, 3.5.1.1).
const LOADERS: [(&str, &str); 8] = [
    ("BOOTX64.EFI", "x64"),
    ("BOOTAA64.EFI", "aa64"),
    ("BOOTIA32.EFI", "ia32"),
    ("BOOTARM.EFI", "arm"),
    ("BOOTRISCV64.EFI", "riscv64"),
    ("BOOTLOONGARCH64.EFI", "loongarch64"),
    ("BOOTRISCV32.EFI", "riscv32"),
    ("BOOTIA64.EFI", "ia64"),
];

impl DiskImage {
    /// Looks into the EFI system partitions and at the boot code. A file system that cannot be read
    /// is a remark, not an error.
    pub fn boots(&self, image: &dyn ReadAt, limits: Limits) -> Boots {
        let mut boots = Boots { bios: self.bios(), ..Boots::default() };
        // Firmware looks at any FAT of a removable disk with an MBR, not at those marked alone.
        let may = |partition: &&Partition| partition.kind.is_esp() || partition.kind.is_fat();
        for partition in self.partitions.iter().filter(may) {
            match loaders(partition, image, limits) {
                Ok(mut found) => boots.uefi.append(&mut found),
                Err(error) if partition.kind.is_esp() => {
                    let number = partition.number;
                    boots.notes.push(format!("the FAT of partition {number}: {error}"));
                }
                Err(_) => {}
            }
        }
        boots
    }

    fn bios(&self) -> Option<String> {
        let code = self.first.get(..440).unwrap_or_default();
        let says = |word: &[u8]| code.windows(word.len()).any(|bytes| bytes == word);
        if code.iter().all(|byte| *byte == 0) {
            return None;
        }
        let active = self.partitions.iter().any(|partition| partition.active);
        let grub = says(b"GRUB");
        match self.scheme {
            // mkfs.fat puts code there that says it boots nothing.
            None => (code.get(3..11) == Some(b"SYSLINUX")).then(|| "SYSLINUX on FAT".to_owned()),
            Some(Scheme::Gpt) => {
                let room = self.partitions.iter().any(|partition| partition.kind.is_bios_boot());
                match (grub && room, active) {
                    (true, _) => Some("GRUB in the MBR and a BIOS boot partition".to_owned()),
                    (_, true) => Some("code in the MBR for the marked partition".to_owned()),
                    _ => None,
                }
            }
            Some(Scheme::Mbr) if grub => Some("GRUB in the MBR".to_owned()),
            Some(Scheme::Mbr) => {
                active.then(|| "code in the MBR for the active partition".to_owned())
            }
        }
    }
}

fn loaders(
    partition: &Partition,
    image: &dyn ReadAt,
    limits: Limits,
) -> Result<Vec<EfiLoader>, UnpackError> {
    let part = partition.part(image);
    let fat = Fat::open(&part, limits)?;
    let Some(directory) = fat.find("EFI/BOOT")?.filter(|entry| entry.is_directory) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in fat.list(&directory)?.iter().filter(|entry| !entry.is_directory) {
        let known = LOADERS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&entry.name));
        if let Some((_, arch)) = known {
            let (partition, path) =
                (partition.number, format!("{}/{}", directory.path, entry.name));
            found.push(EfiLoader { partition, path, arch });
        }
    }
    Ok(found)
}
