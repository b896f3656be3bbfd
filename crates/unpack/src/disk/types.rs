//! What partitions say they are for.

use std::fmt;

/// The type of a partition, as its table says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PartitionType {
    /// A GUID as its bytes stand in the table.
    Gpt([u8; 16]),
    /// A byte of an MBR.
    Mbr(u8),
    /// The image has no table: all of it is one file system.
    Whole,
}

/// GUIDs as people write them (UEFI 5.3.3, the Discoverable Partitions Specification, the makers).
const GUIDS: &[(&str, &str)] = &[
    (ESP, "EFI system partition"),
    (BIOS_BOOT, "BIOS boot partition (GRUB)"),
    ("024dee41-33e7-11d3-9d69-0008c781f39f", "MBR partition scheme"),
    ("0fc63daf-8483-4772-8e79-3d69d8477de4", "Linux file system"),
    ("4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "Linux root (x86-64)"),
    ("b921b045-1df0-41c3-af44-4c6f280d3fae", "Linux root (ARM 64)"),
    ("44479540-f297-41b2-9af7-d131d5f0458a", "Linux root (x86)"),
    ("69dad710-2ce4-4e3c-b16c-21a1d49abed3", "Linux root (ARM)"),
    ("72ec70a6-cf74-40e6-bd49-4bda08e8f224", "Linux root (RISC-V 64)"),
    ("8484680c-9521-48c6-9c11-b0720656f69e", "Linux /usr (x86-64)"),
    ("b0e01050-ee5f-4390-949a-9101b17104e9", "Linux /usr (ARM 64)"),
    ("bc13c2ff-59e6-4262-a352-b275fd6f7172", "Linux extended boot (XBOOTLDR)"),
    ("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "Linux swap"),
    ("e6d6d379-f507-44c2-a23c-238f2a3df928", "Linux LVM"),
    ("a19d880f-05fc-4d3b-a006-743f0f84911e", "Linux RAID"),
    ("933ac7e1-2eb4-4f13-b844-0e14e2aef915", "Linux /home"),
    ("ca7d7ccb-63ed-4c53-861c-1742536059cc", "Linux LUKS"),
    ("fe3a2a5d-4f32-41a7-b725-accc3285a309", "ChromeOS kernel"),
    ("5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6", "Flatcar /usr"),
    ("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", "Windows data"),
    ("e3c9e316-0b5c-4db8-817d-f92df00215ae", "Microsoft reserved"),
    ("de94bba4-06d1-4d40-a16a-bfd50179d6ac", "Windows recovery"),
    ("516e7cb4-6ecf-11d6-8ff8-00022d09712b", "FreeBSD"),
    ("83bd6b9d-7f41-11dc-be0b-001560b84f0f", "FreeBSD boot"),
    ("516e7cb6-6ecf-11d6-8ff8-00022d09712b", "FreeBSD UFS"),
    ("516e7cba-6ecf-11d6-8ff8-00022d09712b", "FreeBSD ZFS"),
    ("824cc7a0-36a8-11e3-890a-952519ad3f61", "OpenBSD"),
    ("48465300-0000-11aa-aa11-00306543ecac", "Apple HFS+"),
    ("7c3457ef-0000-11aa-aa11-00306543ecac", "Apple APFS"),
    ("aa31e02a-400f-11db-9590-000c2911d1b8", "VMware VMFS"),
    ("9d275380-40ad-11db-bf97-000c2911d1b8", "VMware diagnostics"),
];

const ESP: &str = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
const BIOS_BOOT: &str = "21686148-6449-6e6f-744e-656564454649";

/// Types of an MBR.
const BYTES: &[(u8, &str)] = &[
    (0x01, "FAT12"),
    (0x04, "FAT16"),
    (0x06, "FAT16"),
    (0x07, "Windows (NTFS, exFAT)"),
    (0x0b, "FAT32"),
    (0x0c, "FAT32"),
    (0x0e, "FAT16"),
    (0x17, "hidden NTFS, or a disc for sticks"),
    (0x27, "Windows recovery"),
    (0x82, "Linux swap"),
    (0x83, "Linux file system"),
    (0x8e, "Linux LVM"),
    (0xa5, "FreeBSD"),
    (0xa6, "OpenBSD"),
    (0xcd, "optical disc (isohybrid)"),
    (0xda, "data without a file system"),
    (0xee, "GPT"),
    (0xef, "EFI system partition"),
    (0xfb, "VMware VMFS"),
    (0xfd, "Linux RAID"),
];

impl PartitionType {
    /// Whether UEFI firmware looks for boot loaders here by the table alone.
    pub fn is_esp(&self) -> bool {
        match self {
            Self::Gpt(_) => self.to_string() == ESP,
            Self::Mbr(kind) => *kind == 0xef,
            Self::Whole => true,
        }
    }

    /// Whether GRUB keeps its core here for the BIOS.
    pub fn is_bios_boot(&self) -> bool {
        self.to_string() == BIOS_BOOT
    }

    /// Whether the table says that it holds FAT.
    pub fn is_fat(&self) -> bool {
        matches!(self, Self::Mbr(0x01 | 0x04 | 0x06 | 0x0b | 0x0c | 0x0e))
    }

    /// Its name; `None` if it is not known here.
    pub fn name(&self) -> Option<&'static str> {
        let text = self.to_string();
        match self {
            Self::Gpt(_) => GUIDS.iter().find(|(guid, _)| *guid == text).map(|(_, name)| *name),
            Self::Mbr(kind) => BYTES.iter().find(|(byte, _)| byte == kind).map(|(_, name)| *name),
            Self::Whole => Some("one file system"),
        }
    }
}

/// The type as people write it.
impl fmt::Display for PartitionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The first three fields are numbers, little end first (UEFI, appendix A).
            Self::Gpt([a, b, c, d, e, g, h, i, rest @ ..]) => {
                write!(f, "{d:02x}{c:02x}{b:02x}{a:02x}-{g:02x}{e:02x}-{i:02x}{h:02x}-")?;
                let (two, six) = rest.split_at_checked(2).unwrap_or_default();
                two.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("-")?;
                six.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::Mbr(kind) => write!(f, "0x{kind:02x}"),
            Self::Whole => f.write_str("none"),
        }
    }
}
