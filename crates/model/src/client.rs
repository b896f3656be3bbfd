//! What the other end of one exchange says it is.

use crate::address::{HardwareAddress, Uuid};
use crate::quirk::Fingerprint;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::Ipv4Addr;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident: $what:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name users meet.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|v| v.name() == text).ok_or_else(|| {
                    let all: Vec<&str> = Self::ALL.iter().map(|v| v.name()).collect();
                    format!("`{text}` is no {}: write one of {}", $what, all.join(", "))
                })
            }
        }
    };
}
pub(crate) use named;

named! {
    /// Processor and kind of firmware: which machine code a bootloader must be.
    Arch: "architecture" {
        /// PC BIOS.
        X86Bios = "x86-bios",
        /// 32-bit x86 UEFI.
        Ia32Uefi = "ia32-uefi",
        /// 64-bit x86 UEFI.
        X64Uefi = "x64-uefi",
        /// 32-bit ARM UEFI (and U-Boot, which speaks it).
        Arm32Uefi = "arm32-uefi",
        /// 64-bit ARM UEFI (and U-Boot, which speaks it).
        Arm64Uefi = "arm64-uefi",
        /// 32-bit RISC-V UEFI.
        Riscv32Uefi = "riscv32-uefi",
        /// 64-bit RISC-V UEFI.
        Riscv64Uefi = "riscv64-uefi",
        /// 128-bit RISC-V UEFI.
        Riscv128Uefi = "riscv128-uefi",
        /// 32-bit LoongArch UEFI.
        Loong32Uefi = "loong32-uefi",
        /// 64-bit LoongArch UEFI.
        Loong64Uefi = "loong64-uefi",
        /// Itanium EFI.
        Itanium = "ia64-efi",
        /// PowerPC Open Firmware (SLOF).
        PowerOpenFirmware = "ppc-openfirmware",
        /// PowerPC ePAPR.
        PowerEpapr = "ppc-epapr",
        /// POWER OPAL v3 (Petitboot).
        PowerOpal = "ppc-opal",
        /// IBM Z, 31-bit mode.
        S390Basic = "s390-basic",
        /// IBM Z, 64-bit mode.
        S390Extended = "s390-extended",
        /// MIPS UEFI, 32 bit.
        Mips32Uefi = "mips32-uefi",
        /// MIPS UEFI, 64 bit.
        Mips64Uefi = "mips64-uefi",
        /// Sunway UEFI, 32 bit.
        Sunway32Uefi = "sunway32-uefi",
        /// Sunway UEFI, 64 bit.
        Sunway64Uefi = "sunway64-uefi",
    }
}

named! {
    /// The program that asks: how it wants to be answered.
    Firmware: "firmware" {
        /// PXE: takes a bootloader by TFTP (option 60 `PXEClient`).
        Pxe = "pxe",
        /// UEFI HTTP Boot: takes a URL (option 60 `HTTPClient`).
        Http = "http",
        /// U-Boot (option 60 `U-Boot…`, or its own architecture codes).
        Uboot = "uboot",
        /// A Raspberry Pi's own boot code.
        Rpi = "rpi",
        /// Petitboot and IBM Z: take a configuration, no bootloader.
        Config = "config",
        /// BOOTP or DHCP that says nothing of booting: an operating system, most likely.
        None = "none",
    }
}

impl Arch {
    /// Which firmware runs a COFF machine number (UEFI 2.10, 2.1.1, table 2.1).
    pub fn of_machine(number: u16) -> Option<Self> {
        Some(match number {
            0x014c => Self::Ia32Uefi,
            0x8664 => Self::X64Uefi,
            0x01c0 | 0x01c2 | 0x01c4 => Self::Arm32Uefi,
            0xaa64 => Self::Arm64Uefi,
            0x5032 => Self::Riscv32Uefi,
            0x5064 => Self::Riscv64Uefi,
            0x5128 => Self::Riscv128Uefi,
            0x6232 => Self::Loong32Uefi,
            0x6264 => Self::Loong64Uefi,
            0x0200 => Self::Itanium,
            _ => return None,
        })
    }

    /// UEFI of any processor.
    pub fn is_uefi(self) -> bool {
        self.name().ends_with("uefi")
    }

    /// The suffix of removable-media loaders, as in `bootx64.efi` (UEFI 2.10, 3.5.1.1).
    pub fn efi_suffix(self) -> Option<&'static str> {
        Some(match self {
            Self::Ia32Uefi => "ia32",
            Self::X64Uefi => "x64",
            Self::Arm32Uefi => "arm",
            Self::Arm64Uefi => "aa64",
            Self::Riscv32Uefi => "riscv32",
            Self::Riscv64Uefi => "riscv64",
            Self::Riscv128Uefi => "riscv128",
            Self::Loong32Uefi => "loongarch32",
            Self::Loong64Uefi => "loongarch64",
            _ => return None,
        })
    }
}

/// A code of option 93 (RFC 4578, 2.1; IANA "Processor Architecture Types") and what it means.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ArchCode(pub u16);

impl ArchCode {
    /// Processor and the way it wants to be answered, or `None` for codes that name hardware
    /// nobody netboots (or that are not assigned).
    pub fn meaning(self) -> Option<(Arch, Firmware)> {
        use {Arch::*, Firmware as F};
        Some(match self.0 {
            0 => (X86Bios, F::Pxe),
            2 => (Itanium, F::Pxe),
            6 => (Ia32Uefi, F::Pxe),
            // RFC 4578 printed 7 and 9 the wrong way round (erratum 4624), and 9 is EFI byte
            // code by the registry. Firmware exists that follows either text; both are x64.
            7 | 9 => (X64Uefi, F::Pxe),
            10 => (Arm32Uefi, F::Pxe),
            11 => (Arm64Uefi, F::Pxe),
            12 => (PowerOpenFirmware, F::Pxe),
            13 => (PowerEpapr, F::Pxe),
            14 => (PowerOpal, F::Config),
            15 => (Ia32Uefi, F::Http),
            16 | 17 => (X64Uefi, F::Http),
            18 => (Arm32Uefi, F::Http),
            19 => (Arm64Uefi, F::Http),
            20 => (X86Bios, F::Http),
            21 => (Arm32Uefi, F::Uboot),
            22 => (Arm64Uefi, F::Uboot),
            // U-Boot with its HTTP client: takes a URL like any HTTP Boot firmware.
            23 => (Arm32Uefi, F::Http),
            24 => (Arm64Uefi, F::Http),
            25 => (Riscv32Uefi, F::Pxe),
            26 => (Riscv32Uefi, F::Http),
            27 => (Riscv64Uefi, F::Pxe),
            28 => (Riscv64Uefi, F::Http),
            29 => (Riscv128Uefi, F::Pxe),
            30 => (Riscv128Uefi, F::Http),
            31 => (S390Basic, F::Config),
            32 => (S390Extended, F::Config),
            33 => (Mips32Uefi, F::Pxe),
            34 => (Mips64Uefi, F::Pxe),
            35 => (Sunway32Uefi, F::Pxe),
            36 => (Sunway64Uefi, F::Pxe),
            37 => (Loong32Uefi, F::Pxe),
            38 => (Loong32Uefi, F::Http),
            39 => (Loong64Uefi, F::Pxe),
            40 => (Loong64Uefi, F::Http),
            41 => (Arm64Uefi, F::Rpi),
            _ => return None,
        })
    }

    /// The registry's own name, for operators.
    pub fn registry_name(self) -> &'static str {
        match self.0 {
            0 => "x86 BIOS",
            1 => "NEC/PC98",
            2 => "Itanium",
            3 => "DEC Alpha",
            4 => "Arc x86",
            5 => "Intel Lean Client",
            6 => "x86 UEFI",
            7 => "x64 UEFI",
            8 => "EFI Xscale",
            9 => "EBC",
            10 => "ARM 32-bit UEFI",
            11 => "ARM 64-bit UEFI",
            12 => "PowerPC Open Firmware",
            13 => "PowerPC ePAPR",
            14 => "POWER OPAL v3",
            15 => "x86 UEFI boot from HTTP",
            16 => "x64 UEFI boot from HTTP",
            17 => "EBC boot from HTTP",
            18 => "ARM 32-bit UEFI boot from HTTP",
            19 => "ARM 64-bit UEFI boot from HTTP",
            20 => "PC/AT BIOS boot from HTTP",
            21 => "ARM 32 U-Boot",
            22 => "ARM 64 U-Boot",
            23 => "ARM 32 U-Boot boot from HTTP",
            24 => "ARM 64 U-Boot boot from HTTP",
            25 => "RISC-V 32-bit UEFI",
            26 => "RISC-V 32-bit UEFI boot from HTTP",
            27 => "RISC-V 64-bit UEFI",
            28 => "RISC-V 64-bit UEFI boot from HTTP",
            29 => "RISC-V 128-bit UEFI",
            30 => "RISC-V 128-bit UEFI boot from HTTP",
            31 => "s390 Basic",
            32 => "s390 Extended",
            33 => "MIPS 32-bit UEFI",
            34 => "MIPS 64-bit UEFI",
            35 => "Sunway 32-bit UEFI",
            36 => "Sunway 64-bit UEFI",
            37 => "LoongArch 32-bit UEFI",
            38 => "LoongArch 32-bit UEFI boot from HTTP",
            39 => "LoongArch 64-bit UEFI",
            40 => "LoongArch 64-bit UEFI boot from HTTP",
            41 => "ARM rpiboot",
            _ => "not assigned",
        }
    }
}

/// How far a machine has come: which program is asking.
#[derive(Clone, Debug, Eq, PartialEq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The machine's own firmware: it takes a bootloader.
    Firmware,
    /// iPXE (user class `iPXE`, or option 175): it takes a script.
    Ipxe(IpxeFeatures),
    /// Something that does not netboot: an installer, an operating system, a phone.
    System,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Firmware => "firmware",
            Self::Ipxe(_) => "ipxe",
            Self::System => "system",
        })
    }
}

/// What an iPXE build can do, from option 175 (one sub-option per feature).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct IpxeFeatures {
    /// Sub-option 19: fetches `http://`.
    pub http: bool,
    /// Sub-option 39: shows menus.
    pub menu: bool,
    /// Option 175 was there at all; without it nothing is known of the build.
    pub told: bool,
}

/// A relay agent between the client and us (RFC 3046).
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Relay {
    /// Its `giaddr`: where replies go, and which subnet the client is on.
    pub address: Ipv4Addr,
    /// Sub-option 5: the subnet to choose from instead (RFC 3527).
    pub link_selection: Option<Ipv4Addr>,
    /// Sub-option 1: the port of the switch.
    pub circuit_id: Option<Vec<u8>>,
    /// Sub-option 11: what to say as server identifier (RFC 5107).
    pub server_override: Option<Ipv4Addr>,
    /// Sub-option 19: the relay asked from another port than 67 and listens there (RFC 8357).
    pub source_port: bool,
}

/// Facts about the other end of one exchange, read once from its message.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// The interface it was heard on.
    pub link: String,
    /// Its relay, if it is not on our own link.
    pub relay: Option<Relay>,
    /// `htype` and `chaddr`.
    pub hardware: HardwareAddress,
    /// Option 61, where it is well formed.
    pub client_id: Option<Vec<u8>>,
    /// Option 97.
    pub uuid: Option<Uuid>,
    /// Option 93 (or `Arch:` of option 60), as sent.
    pub arch_codes: Vec<ArchCode>,
    /// The first architecture we know among them.
    pub arch: Option<Arch>,
    /// How it wants to be answered.
    pub firmware: Firmware,
    /// Which program is asking.
    pub stage: Stage,
    /// Option 60, shown (see [`crate::text::show`]).
    pub vendor_class: Option<String>,
    /// Option 12, shown.
    pub host_name: Option<String>,
    /// Serial number, where a script request told it.
    pub serial: Option<String>,
    /// Memory in MiB, where a script request told it.
    pub memory_mib: Option<u64>,
    /// What its message shows of the program that wrote it.
    pub fingerprint: Fingerprint,
}

impl Client {
    /// Somebody of whom only the hardware address is known.
    pub fn unknown(link: &str, hardware: HardwareAddress) -> Self {
        Self {
            link: link.to_owned(),
            relay: None,
            hardware,
            client_id: None,
            uuid: None,
            arch_codes: Vec::new(),
            arch: None,
            firmware: Firmware::None,
            stage: Stage::System,
            vendor_class: None,
            host_name: None,
            serial: None,
            memory_mib: None,
            fingerprint: Fingerprint::of_hardware(&hardware),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_and_nine_are_both_x64() {
        assert_eq!(ArchCode(7).meaning(), ArchCode(9).meaning());
        assert_eq!(ArchCode(7).meaning(), Some((Arch::X64Uefi, Firmware::Pxe)));
    }

    #[test]
    fn the_whole_registry_has_names_and_its_http_codes_are_http() {
        for code in 0..=41 {
            assert_ne!(ArchCode(code).registry_name(), "not assigned", "{code}");
            if ArchCode(code).registry_name().contains("HTTP") {
                assert_eq!(ArchCode(code).meaning().map(|m| m.1), Some(Firmware::Http), "{code}");
            }
        }
        assert_eq!(ArchCode(42).meaning(), None);
        assert_eq!(ArchCode(0xffff).meaning(), None);
    }

    #[test]
    fn names_are_read_back() {
        for arch in Arch::ALL {
            assert_eq!(arch.name().parse(), Ok(*arch));
        }
        assert!("x64".parse::<Arch>().unwrap_err().contains("x64-uefi"));
    }
}
