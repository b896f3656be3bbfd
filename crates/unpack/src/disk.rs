//! A raw image of a disk: its partitions, and whether it boots.
//!
//! ```text
//! image ─ReadAt─▶ scheme ─┬─ gpt (header, entries, backup) ─┐
//!                         └─ mbr (four, and their chain) ───┴─▶ partitions ─▶ boots ─ fat
//! ```
//!
//! In: an image at any place, limits. Out: partitions with their types, boot loaders of UEFI by
//! processor, boot code of the BIOS. Never: a partition's bytes copied, a damaged table believed.

mod boots;
mod gpt;
mod mbr;
mod types;

pub use boots::{Boots, EfiLoader};
pub use types::PartitionType;

use crate::error::UnpackError;
use crate::fat;
use crate::kind::Scheme;
use crate::limits::Limits;
use crate::source::{Part, ReadAt, Source};

/// A disk.
#[derive(Clone, Debug)]
pub struct DiskImage {
    /// How it is divided. `None`: not at all, it is one FAT file system.
    pub scheme: Option<Scheme>,
    /// Bytes of a sector, 512 or 4096.
    pub sector_size: u32,
    /// Its partitions in the order of the table; one of the whole image if it has no table.
    pub partitions: Vec<Partition>,
    /// What is odd about it, fit to be shown.
    pub notes: Vec<String>,
    /// The first sector.
    first: Vec<u8>,
}

/// A partition.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Partition {
    /// As Linux counts it, from 1; 0 for an image without a table.
    pub number: u32,
    /// The byte of the image where it starts.
    pub offset: u64,
    /// Its bytes.
    pub size: u64,
    /// What it says it is for.
    pub kind: PartitionType,
    /// Its name in a GPT, fit to be shown; empty in an MBR.
    pub name: String,
    /// Marked for the BIOS: active in an MBR, attribute bit 2 in a GPT.
    pub active: bool,
}

impl Partition {
    /// Its bytes as a file of their own, as far as the image goes.
    pub fn part<'a>(&self, image: &'a dyn ReadAt) -> Part<'a> {
        Part::new(image, self.offset, self.size)
    }
}

impl DiskImage {
    /// Reads the partition table of an image, or takes it for a FAT file system if it has none.
    pub fn read(image: &dyn ReadAt, limits: Limits) -> Result<Self, UnpackError> {
        let source = Source::new(image, limits.metadata_bytes_max);
        let head = source.up_to("the first sectors", 0, 8192)?;
        let first = head.get(..512).unwrap_or(&head).to_vec();
        let mut notes = Vec::new();
        let scheme = scheme(&head, source.size());
        let (sector_size, partitions) = match scheme {
            Some(Scheme::Gpt) => gpt::read(&source, limits, &mut notes)?,
            Some(Scheme::Mbr) => mbr::read(&source, limits, &mut notes)?,
            None if fat::is_boot_sector(&head) => (512, vec![whole(source.size())]),
            None => {
                let why = "it has no partition table, and is no FAT file system".to_owned();
                return Err(UnpackError::NotThis { what: "disk image", why });
            }
        };
        for partition in &partitions {
            let end = partition.offset.saturating_add(partition.size);
            if end > source.size() {
                notes.push(format!(
                    "partition {} ends at byte {end}, but the image has only {} bytes",
                    partition.number,
                    source.size()
                ));
            }
        }
        Ok(Self { scheme, sector_size, partitions, notes, first })
    }
}

fn whole(size: u64) -> Partition {
    let kind = PartitionType::Whole;
    Partition { number: 0, offset: 0, size, kind, name: String::new(), active: false }
}

/// How a disk is divided, by its first sectors; `None` if it is not a disk with partitions.
pub(crate) fn scheme(head: &[u8], size: u64) -> Option<Scheme> {
    let gpt = |at: usize| head.get(at..).is_some_and(|rest| rest.starts_with(gpt::SIGNATURE));
    if gpt(512) || gpt(4096) {
        return Some(Scheme::Gpt);
    }
    let table = mbr::table(head)?;
    if table.iter().any(|line| line.kind == mbr::PROTECTIVE) {
        return Some(Scheme::Gpt);
    }
    // A FAT's boot code may look like a table; its numbers at the start do not look like code.
    let within = table.iter().any(|line| line.is_used() && line.start_byte(512) < size);
    (within && !fat::is_boot_sector(head)).then_some(Scheme::Mbr)
}
