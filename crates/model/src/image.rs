//! Images and bootloaders: what there is to be sent.

mod assets;
mod channel;
mod recipe;
mod secure_boot;
mod trust;

pub use assets::Assets;
pub use channel::{Channel, Channels, Wanted};
pub use recipe::{AnswerWay, ArchKernel, Confidence, Loads, Recipe, SignedChain, Text, Way};
pub use secure_boot::{Judged, SecureBoot};
pub use trust::{Signature, Trust};

use crate::client::{Arch, named};
use crate::time::Now;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

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

crate::schema_text!(Hash, "Hash", "A SHA-256 in hexadecimal digits.", "^[0-9A-Fa-f]{64}$");

/// The bytes of a file: a whole blob, or some of one.
#[derive(Clone, Debug, Eq, PartialEq, Hash)]
pub struct Content {
    /// The blob.
    pub blob: Hash,
    /// Bytes of the file.
    pub size: u64,
    /// Where they stand in the blob, in order; together they are `size` bytes. `None` is all of it.
    pub runs: Option<Arc<[Run]>>,
}

impl Content {
    /// All of a blob.
    pub fn whole(blob: Hash, size: u64) -> Self {
        Self { blob, size, runs: None }
    }
}

/// A run of bytes of a blob that belong to one file.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub struct Run {
    /// Where it stands in the blob. `None`: the disc never recorded it, and it reads as zeros.
    pub offset: Option<u64>,
    /// Bytes.
    pub length: u64,
}

/// A run is kept as `[offset, length]`: a disc has many.
impl Serialize for Run {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (self.offset, self.length).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Run {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (offset, length) = Deserialize::deserialize(from)?;
        Ok(Self { offset, length })
    }
}

/// One file of an image.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Asset {
    /// Path inside the image, `/` between parts, none in front.
    pub path: String,
    /// The blob that holds its bytes.
    pub sha256: Hash,
    /// Bytes.
    pub size: u64,
    /// Where its bytes stand in the blob, as in [`Content::runs`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<Arc<[Run]>>,
}

impl Asset {
    /// A file that is a blob of its own.
    pub fn whole(path: impl Into<String>, sha256: Hash, size: u64) -> Self {
        Self { path: path.into(), sha256, size, runs: None }
    }

    /// Its bytes.
    pub fn content(&self) -> Content {
        Content { blob: self.sha256, size: self.size, runs: self.runs.clone() }
    }
}

/// The disc that an image was imported as.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiscFile {
    /// The blob.
    pub sha256: Hash,
    /// Bytes.
    pub size: u64,
    /// Which of its file systems was read, and why that one: `UDF 1.02`, `ISO 9660 with Rock Ridge`.
    pub format: String,
    /// The volume identifier, shown.
    pub volume: String,
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
    pub assets: Assets,
    /// Symbolic links to directories of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// The disc it is, if it is one.
    #[serde(default)]
    pub disc: Option<DiscFile>,
    /// Why its content may be believed.
    #[serde(default)]
    pub trust: Trust,
    /// What Secure Boot says of its EFI programs.
    #[serde(default)]
    pub secure_boot: SecureBoot,
    /// What else is worth knowing of it, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// When it was imported.
    pub imported: Now,
    /// From where.
    pub source: String,
}

/// A symbolic link to a directory.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// Where it stands.
    pub path: String,
    /// The directory it leads to, from the root of the image.
    pub to: String,
}

/// Links that a path may lead through.
const LINKS_FOLLOWED_MAX: usize = 8;

impl Image {
    /// A version with nothing in it yet; the engine gives the number.
    pub fn new(name: impl Into<String>, source: impl Into<String>, imported: Now) -> Self {
        Self {
            name: name.into(),
            version: 0,
            title: String::new(),
            archs: Vec::new(),
            recipe: Recipe::default(),
            recognised_by: String::new(),
            assets: Assets::default(),
            links: Vec::new(),
            disc: None,
            trust: Trust::default(),
            secure_boot: SecureBoot::default(),
            notes: Vec::new(),
            imported,
            source: source.into(),
        }
    }

    /// The file at exactly this path, else the same path in any letter case, else through links.
    pub fn asset(&self, path: &str) -> Option<&Asset> {
        let mut led = Cow::Borrowed(path);
        for _ in 0..=LINKS_FOLLOWED_MAX {
            if let Some(found) = self.assets.find(&led) {
                return Some(found);
            }
            led = Cow::Owned(self.through_link(&led)?);
        }
        None
    }

    fn through_link(&self, path: &str) -> Option<String> {
        self.links.iter().find_map(|link| {
            let rest = path.get(link.path.len()..).filter(|rest| rest.starts_with('/'))?;
            let begins = path.get(..link.path.len())?;
            let to = if link.to.is_empty() { rest.trim_start_matches('/') } else { rest };
            begins.eq_ignore_ascii_case(&link.path).then(|| format!("{}{to}", link.to))
        })
    }

    /// Bytes of all its files; of a disc, those of the disc.
    pub fn size(&self) -> u64 {
        match &self.disc {
            Some(disc) => disc.size,
            None => self.assets.iter().map(|a| a.size).sum(),
        }
    }

    /// Every blob it needs, some perhaps more than once.
    pub fn blobs(&self) -> impl Iterator<Item = Hash> + '_ {
        let disc = self.disc.iter().map(|disc| disc.sha256);
        self.assets.iter().map(|asset| asset.sha256).chain(disc)
    }

    /// Whether it can run on machines of this kind. An image that does not say runs anywhere.
    pub fn runs_on(&self, arch: Arch) -> bool {
        self.archs.is_empty() || self.archs.contains(&arch)
    }

    /// Whether it holds the same as another version: then a new one is not worth a number.
    pub fn same_content(&self, other: &Self) -> bool {
        let disc = |image: &Self| image.disc.as_ref().map(|disc| disc.sha256);
        self.assets == other.assets && disc(self) == disc(other) && self.recipe == other.recipe
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
