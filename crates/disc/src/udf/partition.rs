//! Partitions: from a block of a partition to a byte of the image (ECMA-167, 3/10.5 and 3/10.7; UDF
//! 2.2.8 to 2.2.10).

use super::icb::{self, Icb};
use crate::error::{DiscError, shown_bytes};
use crate::file::{Extent, Extents, File};
use crate::source::{Source, View, wide};

/// An address that names its partition (ECMA-167, 4/14.14.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LongAd {
    /// Bytes, and in its two highest bits what kind of extent it is.
    pub length: u32,
    pub block: u32,
    /// The number of the partition's map.
    pub partition: u16,
}

impl LongAd {
    pub fn read(view: &View<'_>, from: usize) -> Result<Self, DiscError> {
        Ok(Self {
            length: view.u32(from)?,
            block: view.u32(from.saturating_add(4))?,
            partition: view.u16(from.saturating_add(8))?,
        })
    }
}

/// A partition descriptor: where a partition begins.
#[derive(Clone, Copy, Debug)]
pub struct Physical {
    pub number: u16,
    start: u32,
}

impl Physical {
    pub fn read(view: &View<'_>) -> Result<Self, DiscError> {
        Ok(Self { number: view.u16(22)?, start: view.u32(188)? })
    }
}

/// The partition maps of a logical volume, as they stand there.
#[derive(Debug)]
pub struct LogicalMaps(Vec<Map>);

#[derive(Debug)]
enum Map {
    Plain { number: u16 },
    Metadata { number: u16, at: u64, main: u32, mirror: u32 },
    NotRead { what: String, at: u64, hint: &'static str },
}

/// More partitions than this no disc has; UDF allows two.
const MAPS_MAX: usize = 16;

impl LogicalMaps {
    pub fn read(view: &View<'_>) -> Result<Self, DiscError> {
        let (bytes, count) = (view.length(264)?, view.length(268)?);
        if count > MAPS_MAX {
            return Err(view.broken(268, format!("it has {count} partitions")));
        }
        let table = view.inner("the partition maps of UDF", 440, bytes)?;
        let mut maps = Vec::new();
        let mut from = 0_usize;
        for _ in 0..count {
            let length = usize::from(table.u8(from.saturating_add(1))?);
            let map = table.inner("a partition map of UDF", from, length)?;
            maps.push(Map::read(&map)?);
            from = from.saturating_add(length);
        }
        Ok(Self(maps))
    }
}

impl Map {
    fn read(map: &View<'_>) -> Result<Self, DiscError> {
        let hint = "copy its files with a system that mounts it, and make a disc of them";
        match (map.u8(0)?, map.bytes.len()) {
            (1, 6..) => return Ok(Self::Plain { number: map.u16(4)? }),
            (2, 64..) => {}
            (kind, length) => {
                return Err(map.broken(0, format!("a map of kind {kind} with {length} bytes")));
            }
        }
        let name = map.slice(5, 23)?;
        let what = if name.starts_with(b"*UDF Metadata Partition") {
            return Ok(Self::Metadata {
                number: map.u16(38)?,
                at: map.at,
                main: map.u32(40)?,
                mirror: map.u32(44)?,
            });
        } else if name.starts_with(b"*UDF Virtual Partition") {
            "a virtual partition of UDF (a CD-R or DVD-R written in packets)".to_owned()
        } else if name.starts_with(b"*UDF Sparable Partition") {
            "a sparable partition of UDF (a CD-RW or DVD-RW written in packets)".to_owned()
        } else {
            format!("a partition of UDF that is called `{}`", shown_bytes(name))
        };
        Ok(Self::NotRead { what, at: map.at, hint })
    }
}

/// The partitions of a volume, by the number of their map.
#[derive(Debug)]
pub struct Partitions {
    block: u64,
    list: Vec<Partition>,
}

#[derive(Debug)]
enum Partition {
    /// It begins at this block of the disc.
    At(u64),
    /// UDF 2.2.10: its blocks are those of a file in another partition.
    Metadata(File),
    NotRead {
        what: String,
        at: u64,
        hint: &'static str,
    },
}

impl Partitions {
    pub fn read(
        source: &mut Source<'_>,
        block: usize,
        maps: &LogicalMaps,
        physical: &[Physical],
    ) -> Result<Self, DiscError> {
        let start = |number: u16| {
            let found = physical.iter().find(|physical| physical.number == number);
            found.map(|physical| u64::from(physical.start)).ok_or_else(|| DiscError::Broken {
                what: "the volume descriptor sequence of UDF",
                at: 0,
                found: format!("a map names partition {number}, which no descriptor describes"),
            })
        };
        let mut all = Self { block: wide(block), list: Vec::new() };
        for map in &maps.0 {
            let partition = match map {
                Map::Plain { number } => Partition::At(start(*number)?),
                Map::Metadata { number, at, main, mirror } => {
                    let whole =
                        Self { block: all.block, list: vec![Partition::At(start(*number)?)] };
                    Partition::Metadata(metadata(source, &whole, *at, *main, *mirror)?)
                }
                Map::NotRead { what, at, hint } => {
                    Partition::NotRead { what: what.clone(), at: *at, hint }
                }
            };
            all.list.push(partition);
        }
        Ok(all)
    }

    pub fn block_bytes(&self) -> usize {
        usize::try_from(self.block).unwrap_or(usize::MAX)
    }

    /// The byte of the image at which a block begins.
    pub fn place(&self, partition: u16, block: u32) -> Result<u64, DiscError> {
        let mut one = Extents::default();
        self.map(partition, block, self.block, &mut one)?;
        let first = one.cut(self.block).first().and_then(|extent| extent.offset);
        first.ok_or_else(|| self.outside(partition, block))
    }

    /// Where bytes that begin with a block of a partition stand in the image.
    pub fn map(
        &self,
        partition: u16,
        block: u32,
        length: u64,
        to: &mut Extents,
    ) -> Result<(), DiscError> {
        match self.list.get(usize::from(partition)) {
            Some(Partition::At(start)) => {
                let offset = start.saturating_add(u64::from(block)).saturating_mul(self.block);
                to.push(Extent { offset: Some(offset), length });
                Ok(())
            }
            Some(Partition::Metadata(file)) => {
                let from = u64::from(block).saturating_mul(self.block);
                let mut left = length;
                for piece in file.pieces(from, length) {
                    left = left.saturating_sub(piece.length);
                    to.push(piece);
                }
                if left > 0 { Err(self.outside(partition, block)) } else { Ok(()) }
            }
            Some(Partition::NotRead { what, at, hint }) => {
                Err(DiscError::NotRead { what: what.clone(), at: *at, hint })
            }
            None => Err(self.outside(partition, block)),
        }
    }

    fn outside(&self, partition: u16, block: u32) -> DiscError {
        let has = self.list.len();
        DiscError::Broken {
            what: "an address of UDF",
            at: u64::from(block).saturating_mul(self.block),
            found: format!(
                "it names block {block} of partition {partition}, which is not there (the disc has \
                 {has} partitions)"
            ),
        }
    }
}

/// Every address in a metadata partition is looked up in its file's extents; discs have one or two.
const METADATA_EXTENTS_MAX: usize = 1024;

/// The metadata file, or if it is damaged its mirror.
fn metadata(
    source: &mut Source<'_>,
    whole: &Partitions,
    at: u64,
    main: u32,
    mirror: u32,
) -> Result<File, DiscError> {
    let mut read = |block: u32| -> Result<File, DiscError> {
        let icb = Icb::read(source, whole, LongAd { length: 0, block, partition: 0 })?;
        let pieces = icb.extents.len();
        match icb.kind {
            icb::METADATA | icb::METADATA_MIRROR if pieces <= METADATA_EXTENTS_MAX => {
                Ok(File { size: icb.size, extents: icb.extents.into(), ..File::default() })
            }
            kind => Err(DiscError::Broken {
                what: "the metadata partition of UDF",
                at,
                found: format!("its file is of kind {kind}, in {pieces} pieces"),
            }),
        }
    };
    read(main).or_else(|error| read(mirror).map_err(|_| error))
}
