//! A FAT file system, read in place: FAT12, FAT16 and FAT32 with long names (Microsoft's FAT
//! specification 1.03).
//!
//! In: a partition or an image at any place, limits. Out: files and directories, their bytes, and
//! where those stand. Never: a byte written, a chain of clusters followed in a circle, a name with a
//! slash in it.

mod directory;

use crate::error::UnpackError;
use crate::limits::Limits;
use crate::source::{ReadAt, Source, u8_at, u16_at, u32_at, wide};
use crate::text::padded;
use std::collections::BTreeSet;
use std::fmt;

/// Bytes of a directory: 65536 entries of 32 (FAT specification 1.03, section 6).
const DIRECTORY_BYTES_MAX: u64 = 2 << 20;
/// Pieces of one file. A file of an image maker's has one, few have ten.
const EXTENTS_MAX: usize = 65_536;

/// An entry of a directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FatEntry {
    /// Its name, in the letter case it is kept in.
    pub name: String,
    /// From the root, without a slash before it.
    pub path: String,
    /// Its bytes; 0 for a directory.
    pub size: u64,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// Its first cluster; 0 if it has none.
    cluster: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Width {
    Twelve,
    Sixteen,
    ThirtyTwo,
}

/// A FAT file system.
pub struct Fat<'a> {
    source: Source<'a>,
    limits: Limits,
    width: Width,
    label: String,
    cluster_bytes: u64,
    /// Clusters are counted from 2 up to here, this one not among them.
    clusters_end: u32,
    table_at: u64,
    root: Root,
    data_at: u64,
}

#[derive(Clone, Copy)]
enum Root {
    /// FAT12 and FAT16: a place and a length of their own.
    Fixed { at: u64, bytes: u64 },
    /// FAT32: a directory like any other.
    Cluster(u32),
}

impl fmt::Debug for Fat<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.form(), self.label)
    }
}

/// Whether a sector starts a FAT: a jump, and numbers that only a FAT has there.
pub(crate) fn is_boot_sector(sector: &[u8]) -> bool {
    let jump = matches!(sector, [0xeb, _, 0x90, ..] | [0xe9, ..]);
    let sector_bytes = u16_at(sector, 11);
    let sector_size = sector_bytes.is_power_of_two() && (512..=4096).contains(&sector_bytes);
    let cluster = u8_at(sector, 13).is_power_of_two();
    let tables = matches!(u8_at(sector, 16), 1 | 2) && u16_at(sector, 14) != 0;
    let media = u8_at(sector, 21) >= 0xf0;
    sector.len() >= 512 && jump && sector_size && cluster && tables && media
}

impl<'a> Fat<'a> {
    /// Reads the numbers of the first sector, and no more.
    pub fn open(image: &'a dyn ReadAt, limits: Limits) -> Result<Self, UnpackError> {
        let source = Source::new(image, limits.metadata_bytes_max);
        let sector = source.up_to("the boot sector", 0, 512)?;
        if !is_boot_sector(&sector) {
            let why = "its first sector is not that of a FAT".to_owned();
            return Err(UnpackError::NotThis { what: "FAT file system", why });
        }
        let unit = u64::from(u16_at(&sector, 11));
        let either = |short: u16, long: u32| if short == 0 { long } else { u32::from(short) };
        let table_sectors = either(u16_at(&sector, 22), u32_at(&sector, 36));
        let all_sectors = either(u16_at(&sector, 19), u32_at(&sector, 32));
        let tables = u64::from(u8_at(&sector, 16)).saturating_mul(u64::from(table_sectors));
        let root_bytes = u64::from(u16_at(&sector, 17)).saturating_mul(32);
        let root_sectors = root_bytes.div_ceil(unit);
        let reserved = u64::from(u16_at(&sector, 14));
        let root_sector = reserved.saturating_add(tables);
        let data_sector = root_sector.saturating_add(root_sectors);
        let sectors_each = u64::from(u8_at(&sector, 13)).max(1);
        let left = u64::from(all_sectors).saturating_sub(data_sector);
        let clusters = left.checked_div(sectors_each).unwrap_or(0);
        // The number of clusters alone decides (section 3.5).
        let width = match clusters {
            0..4085 => Width::Twelve,
            4085..65525 => Width::Sixteen,
            _ => Width::ThirtyTwo,
        };
        // The top four bits of a number of FAT32 are no part of it.
        let clusters_end = u32::try_from(clusters.saturating_add(2)).unwrap_or(u32::MAX);
        if table_sectors == 0 || clusters == 0 || clusters_end > 0x0fff_fff7 {
            let found = "its numbers leave no room for files".to_owned();
            return Err(UnpackError::Broken { what: "the boot sector of a FAT", at: 0, found });
        }
        let root = match width {
            Width::ThirtyTwo => Root::Cluster(u32_at(&sector, 44)),
            _ => Root::Fixed { at: root_sector.saturating_mul(unit), bytes: root_bytes },
        };
        let label_at = if width == Width::ThirtyTwo { 71_usize } else { 43 };
        let label = sector.get(label_at..label_at.saturating_add(11)).unwrap_or_default();
        Ok(Self {
            label: padded(label),
            cluster_bytes: sectors_each.saturating_mul(unit),
            clusters_end,
            table_at: reserved.saturating_mul(unit),
            root,
            data_at: data_sector.saturating_mul(unit),
            source,
            limits,
            width,
        })
    }

    /// `FAT12`, `FAT16` or `FAT32`.
    pub fn form(&self) -> &'static str {
        match self.width {
            Width::Twelve => "FAT12",
            Width::Sixteen => "FAT16",
            Width::ThirtyTwo => "FAT32",
        }
    }

    /// The label in the boot sector, fit to be shown.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The root directory.
    pub fn root(&self) -> FatEntry {
        let cluster = match self.root {
            Root::Cluster(cluster) => cluster,
            Root::Fixed { .. } => 0,
        };
        let (name, path) = (String::new(), String::new());
        FatEntry { name, path, size: 0, is_directory: true, cluster }
    }

    /// The entries of a directory, in its order.
    pub fn list(&self, directory: &FatEntry) -> Result<Vec<FatEntry>, UnpackError> {
        let pieces = match (self.root, directory.cluster) {
            // Also what `..` of a first-level directory says.
            (Root::Fixed { at, bytes }, 0) => vec![(at, bytes)],
            _ => self.chain(directory.cluster, DIRECTORY_BYTES_MAX, false)?,
        };
        let mut bytes = Vec::new();
        for (at, length) in pieces {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            bytes.extend(self.source.bytes("a directory of a FAT", at, length)?);
        }
        let mut entries = directory::entries(&bytes);
        for entry in &mut entries {
            entry.path = match directory.path.as_str() {
                "" => entry.name.clone(),
                above => format!("{above}/{}", entry.name),
            };
        }
        Ok(entries)
    }

    /// The entry of that path, without regard to letter case, as firmware looks.
    pub fn find(&self, path: &str) -> Result<Option<FatEntry>, UnpackError> {
        let mut entry = self.root();
        for name in path.split(['/', '\\']).filter(|name| !name.is_empty()) {
            if !entry.is_directory {
                return Ok(None);
            }
            let wanted = crate::text::folded(name);
            let entries = self.list(&entry)?;
            let found = entries.into_iter().find(|e| crate::text::folded(&e.name) == wanted);
            let Some(found) = found else { return Ok(None) };
            entry = found;
        }
        Ok(Some(entry))
    }

    /// All files and directories, those of a directory after it.
    pub fn walk(&self) -> Result<Vec<FatEntry>, UnpackError> {
        let mut all: Vec<FatEntry> = Vec::new();
        let mut waiting = vec![(self.root(), 1_u32)];
        let (mut seen, mut names) = (BTreeSet::from([self.root().cluster]), 0_u64);
        while let Some((directory, depth)) = waiting.pop() {
            self.within("depth_max", u64::from(depth), u64::from(self.limits.depth_max))?;
            for entry in self.list(&directory)? {
                if entry.is_directory && !seen.insert(entry.cluster) {
                    let what = "a directory of a FAT";
                    let at = self.place(entry.cluster).unwrap_or(0);
                    let found = "it stands in two places of the tree".to_owned();
                    return Err(UnpackError::Broken { what, at, found });
                }
                names = names.saturating_add(wide(entry.path.len()));
                self.within("names_bytes_max", names, self.limits.names_bytes_max)?;
                let most = u64::from(self.limits.entries_max);
                self.within("entries_max", wide(all.len()), most)?;
                if entry.is_directory {
                    waiting.push((entry.clone(), depth.saturating_add(1)));
                }
                all.push(entry);
            }
        }
        Ok(all)
    }

    /// Where the bytes of a file stand in the image: offset and length of each piece.
    pub fn extents(&self, file: &FatEntry) -> Result<Vec<(u64, u64)>, UnpackError> {
        if file.size == 0 {
            return Ok(Vec::new());
        }
        self.chain(file.cluster, file.size, true)
    }

    /// All bytes of a file, at most `file_bytes_max` of [`Limits`].
    pub fn read(&self, file: &FatEntry) -> Result<Vec<u8>, UnpackError> {
        self.within("file_bytes_max", file.size, self.limits.file_bytes_max)?;
        let mut bytes = Vec::new();
        for (at, length) in self.extents(file)? {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            bytes.extend(self.source.bytes("a file of a FAT", at, length)?);
        }
        Ok(bytes)
    }

    fn within(&self, limit: &'static str, is: u64, most: u64) -> Result<(), UnpackError> {
        if is <= most {
            return Ok(());
        }
        Err(UnpackError::TooMuch { what: format!("the {} file system", self.form()), limit, most })
    }

    fn place(&self, cluster: u32) -> Option<u64> {
        let known = (2..self.clusters_end).contains(&cluster);
        let before = u64::from(cluster.checked_sub(2).filter(|_| known)?);
        Some(self.data_at.saturating_add(before.saturating_mul(self.cluster_bytes)))
    }

    /// The pieces of a chain of clusters: exactly `bytes` of a file, up to `bytes` of a directory.
    fn chain(&self, first: u32, bytes: u64, exact: bool) -> Result<Vec<(u64, u64)>, UnpackError> {
        let mut pieces: Vec<(u64, u64)> = Vec::new();
        let (mut cluster, mut left) = (Some(first), bytes);
        while let Some(now) = cluster.filter(|_| left > 0) {
            let Some(at) = self.place(now) else {
                return Err(self.broken(format!("a file goes on in cluster {now}, which is none")));
            };
            let take = left.min(self.cluster_bytes);
            left = left.saturating_sub(take);
            match pieces.last_mut().filter(|last| last.0.saturating_add(last.1) == at) {
                Some(last) => last.1 = last.1.saturating_add(take),
                None => pieces.push((at, take)),
            }
            if pieces.len() > EXTENTS_MAX {
                let (what, limit) = ("a file of a FAT".to_owned(), "EXTENTS_MAX");
                return Err(UnpackError::TooMuch { what, limit, most: wide(EXTENTS_MAX) });
            }
            if left > 0 {
                cluster = self.next(now)?;
            }
        }
        match (exact, left) {
            (true, 0) | (false, 1..) => Ok(pieces),
            (true, left) => {
                Err(self.broken(format!("a file's clusters end {left} bytes before it does")))
            }
            (false, _) => {
                Err(self.broken(format!("a directory has {bytes} bytes or goes in a circle")))
            }
        }
    }

    /// The cluster after this one; `None` at the end of its chain.
    fn next(&self, cluster: u32) -> Result<Option<u32>, UnpackError> {
        let number = u64::from(cluster);
        let at = |offset: u64| self.table_at.saturating_add(offset);
        let read = |offset, length| self.source.bytes("the table of a FAT", at(offset), length);
        let (next, end) = match self.width {
            Width::Twelve => {
                let pair = u16_at(&read(number.saturating_add(number >> 1), 2)?, 0);
                let next = if cluster & 1 == 1 { pair >> 4 } else { pair & 0xfff };
                (u32::from(next), 0xff8)
            }
            Width::Sixteen => {
                let next = u16_at(&read(number.saturating_mul(2), 2)?, 0);
                (u32::from(next), 0xfff8)
            }
            Width::ThirtyTwo => {
                let next = u32_at(&read(number.saturating_mul(4), 4)?, 0);
                (next & 0x0fff_ffff, 0x0fff_fff8)
            }
        };
        Ok((next < end).then_some(next))
    }

    fn broken(&self, found: String) -> UnpackError {
        UnpackError::Broken { what: "the table of a FAT", at: self.table_at, found }
    }
}
