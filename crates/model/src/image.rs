//! Images and bootloaders: what there is to be sent.

use crate::client::{Arch, named};
use crate::time::Now;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The SHA-256 of some bytes: the name of a blob, and a strong `ETag`.
#[derive(Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The first eight digits, enough to tell two files apart in a listing.
    pub fn short(&self) -> String {
        self.to_string().chars().take(8).collect()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        crate::address::hex(text)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no SHA-256"))
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One file of an image.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Asset {
    /// Path inside the image, `/` between parts, none in front.
    pub path: String,
    /// Which blob holds its bytes.
    pub sha256: Hash,
    /// Bytes.
    pub size: u64,
}

/// Loaders that firmware with Secure Boot accepts, as files of the image itself.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct SignedChain {
    /// Path of shim, which the firmware loads.
    pub shim: String,
    /// Path of the GRUB that shim loads from its own directory.
    pub grub: String,
}

/// How an image is started over the network.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Row of the catalogue: `debian-di`, `linux` (bare kernel and initrd), `efi`, `files`.
    pub kind: String,
    /// Path of the kernel (or EFI application); none means that it cannot be booted.
    pub kernel: Option<String>,
    /// Paths of the initrds, in order.
    pub initrds: Vec<String>,
    /// Kernel arguments that the system needs to boot over the network.
    pub args: String,
    /// Its own signed loaders, if it has them.
    pub signed: Option<SignedChain>,
}

/// One version of an image.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Name, `[a-z0-9._-]+`.
    pub name: String,
    /// 1, 2, … in order of import.
    pub version: u32,
    /// What it is, in words: "Debian 12 installer (amd64)".
    pub title: String,
    /// Processor and firmware families it runs on; empty means unknown.
    pub archs: Vec<Arch>,
    /// How it is started.
    pub recipe: Recipe,
    /// Why we think so, in words: which files were found.
    pub recognised_by: String,
    /// Its files.
    pub assets: Vec<Asset>,
    /// When it was imported.
    pub imported: Now,
    /// From where.
    pub source: String,
}

impl Image {
    /// The file at exactly this path, else the same path in any letter case.
    pub fn asset(&self, path: &str) -> Option<&Asset> {
        let exact = self.assets.iter().find(|a| a.path == path);
        exact.or_else(|| self.assets.iter().find(|a| a.path.eq_ignore_ascii_case(path)))
    }

    /// Bytes of all its files.
    pub fn size(&self) -> u64 {
        self.assets.iter().map(|a| a.size).sum()
    }

    /// Whether it can run on machines of this kind. An image that does not say runs anywhere.
    pub fn runs_on(&self, arch: Arch) -> bool {
        self.archs.is_empty() || self.archs.contains(&arch)
    }
}

named! {
    /// What a bootloader file is.
    LoaderKind: "kind of bootloader" {
        /// iPXE using the firmware's own network driver on BIOS (`undionly.kpxe`).
        Undionly = "ipxe-undionly",
        /// iPXE with its own drivers.
        Ipxe = "ipxe",
        /// iPXE using the UEFI driver (`snponly.efi`).
        Snponly = "ipxe-snponly",
        /// shim, signed by Microsoft.
        Shim = "shim",
        /// A shim that loads a signed iPXE (`ipxe.efi` beside it).
        IpxeShim = "ipxe-shim",
        /// GRUB for network boot, signed by a distribution.
        Grub = "grub",
        /// PXELINUX.
        Pxelinux = "pxelinux",
        /// A module that a loader asks for (`ldlinux.c32`), served by its own name.
        Module = "module",
    }
}

/// A bootloader that we can hand to firmware.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Loader {
    /// File name in `/loader/`, unique: `undionly.kpxe`, `snponly-x64.efi`, `shimx64.efi`.
    pub name: String,
    /// What it is.
    pub kind: LoaderKind,
    /// For which firmware.
    pub arch: Arch,
    /// Its version, as its package or the file says; `unknown` otherwise.
    pub version: String,
    /// Where it was found, for operators.
    pub path: String,
    /// Which blob holds its bytes.
    pub sha256: Hash,
    /// Bytes.
    pub size: u64,
    /// Who signed it, as written in the signing certificates; empty when unsigned.
    pub signers: Vec<String>,
}
