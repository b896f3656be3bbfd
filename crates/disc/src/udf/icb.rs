//! Information control blocks: what a file is and where its bytes stand (ECMA-167, 4/14.6 to
//! 4/14.17).

use super::partition::{LongAd, Partitions};
use super::tag;
use crate::date::Date;
use crate::error::DiscError;
use crate::file::{Extent, Extents};
use crate::source::{Source, View, wide};

pub const DIRECTORY: u8 = 4;
pub const LINK: u8 = 12;
pub const METADATA: u8 = 250;
pub const METADATA_MIRROR: u8 = 251;

/// Highest bits of an extent's length (4/14.14.1.1).
const RECORDED: u32 = 0;
const GOES_ON: u32 = 3;

/// What an ICB says of a file.
#[derive(Debug)]
pub struct Icb {
    pub at: u64,
    pub kind: u8,
    pub size: u64,
    pub modified: Option<Date>,
    /// Together exactly `size` bytes.
    pub extents: Vec<Extent>,
}

/// The places of the fields that differ between a file entry and an extended one.
struct Form {
    modified: usize,
    lengths: usize,
}

impl Icb {
    pub fn read(
        source: &mut Source<'_>,
        partitions: &Partitions,
        ad: LongAd,
    ) -> Result<Self, DiscError> {
        let what = "a file entry of UDF";
        let at = partitions.place(ad.partition, ad.block)?;
        let bytes = source.bytes(what, at, partitions.block_bytes())?;
        let view = View::new(what, at, &bytes);
        let form = match tag::check(&view, Some(ad.block))? {
            tag::FILE => Form { modified: 84, lengths: 168 },
            tag::EXTENDED_FILE => Form { modified: 92, lengths: 208 },
            tag::INDIRECT => return Err(strategy(at, "an indirect entry")),
            other => return Err(tag::wrong(&view, other, what)),
        };
        if view.u16(20)? != 4 {
            return Err(strategy(at, &format!("strategy {}", view.u16(20)?)));
        }
        let size = view.u64(56)?;
        let (attributes, ads) =
            (view.length(form.lengths)?, view.length(form.lengths.saturating_add(4))?);
        let from = form.lengths.saturating_add(8).saturating_add(attributes);
        let ads = view.inner("the allocation descriptors of a file of UDF", from, ads)?;
        let flags = view.u16(34)?;
        let mut reading = Reading { source, partitions, partition: ad.partition };
        let extents = reading.extents(&ads, Kind::of(flags), size)?;
        Ok(Self {
            at,
            kind: view.u8(27)?,
            size,
            modified: Date::udf(&view, form.modified)?,
            extents,
        })
    }
}

fn strategy(at: u64, found: &str) -> DiscError {
    DiscError::NotRead {
        what: format!(
            "{found} of UDF's ICBs (strategy 4096: a disc written once, again and again)"
        ),
        at,
        hint: "copy its files with a system that mounts it, and make a disc of them",
    }
}

/// How allocation descriptors are written (4/14.6.8, bits 0 to 2).
#[derive(Clone, Copy)]
enum Kind {
    Short,
    Long,
    Extended,
    /// The file's bytes stand in the place of its descriptors.
    Embedded,
    Unknown(u16),
}

impl Kind {
    fn of(flags: u16) -> Self {
        match flags & 7 {
            0 => Self::Short,
            1 => Self::Long,
            2 => Self::Extended,
            3 => Self::Embedded,
            other => Self::Unknown(other),
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Short => 8,
            Self::Long => 16,
            _ => 20,
        }
    }
}

struct Reading<'r, 's> {
    source: &'r mut Source<'s>,
    partitions: &'r Partitions,
    /// The partition the ICB is in: short descriptors mean it.
    partition: u16,
}

impl Reading<'_, '_> {
    fn extents(
        &mut self,
        first: &View<'_>,
        kind: Kind,
        size: u64,
    ) -> Result<Vec<Extent>, DiscError> {
        let mut extents = Extents::default();
        match kind {
            Kind::Embedded => {
                let length = wide(first.bytes.len());
                extents.push(Extent { offset: Some(first.at), length });
            }
            Kind::Unknown(kind) => {
                return Err(first.broken(0, format!("they are of kind {kind}, which is unknown")));
            }
            _ => self.chain(first, kind, size, &mut extents)?,
        }
        // Linux does not lengthen the last descriptor when a file grows within its last block.
        let block = wide(self.partitions.block_bytes()).max(1);
        extents.stretch(size, block);
        if extents.length() < size {
            let covered = extents.length();
            return Err(first.broken(0, format!("they cover {covered} of {size} bytes")));
        }
        Ok(extents.cut(size))
    }

    /// Descriptors, and those that continue them elsewhere (4/12).
    fn chain(
        &mut self,
        first: &View<'_>,
        kind: Kind,
        size: u64,
        extents: &mut Extents,
    ) -> Result<(), DiscError> {
        let what = "an allocation extent of UDF";
        let mut next = self.list(first, kind, size, extents)?;
        let mut hops = 0_u32;
        while let Some(ad) = next {
            let most = self.source.limits().allocation_hops_max;
            if hops >= most {
                let (limit, most) = ("allocation_hops_max", u64::from(most));
                return Err(DiscError::TooMuch { limit, most, at: first.at });
            }
            hops = hops.saturating_add(1);
            let at = self.partitions.place(ad.partition, ad.block)?;
            let bytes = self.source.bytes(what, at, self.partitions.block_bytes())?;
            let view = View::new(what, at, &bytes);
            match tag::check(&view, Some(ad.block))? {
                tag::ALLOCATION => {}
                other => return Err(tag::wrong(&view, other, what)),
            }
            let list = view.inner(what, 24, view.length(20)?)?;
            next = self.list(&list, kind, size, extents)?;
        }
        Ok(())
    }

    /// One list of descriptors; gives the place where it goes on.
    fn list(
        &mut self,
        list: &View<'_>,
        kind: Kind,
        size: u64,
        extents: &mut Extents,
    ) -> Result<Option<LongAd>, DiscError> {
        let most = self.source.limits().extents_max;
        let mut from = 0_usize;
        while from < list.bytes.len() {
            let ad = self.descriptor(list, from, kind)?;
            from = from.saturating_add(kind.bytes());
            let (form, length) = (ad.length >> 30, ad.length & 0x3fff_ffff);
            // What lies past the end of the file is kept for its growth, and none of it.
            if length == 0 || extents.length() >= size {
                break;
            }
            match form {
                GOES_ON => return Ok(Some(ad)),
                RECORDED => {
                    self.partitions.map(ad.partition, ad.block, u64::from(length), extents)?;
                }
                _ => extents.push(Extent { offset: None, length: u64::from(length) }),
            }
            if wide(extents.count()) > u64::from(most) {
                let (limit, most) = ("extents_max", u64::from(most));
                return Err(DiscError::TooMuch { limit, most, at: list.at });
            }
        }
        Ok(None)
    }

    fn descriptor(&self, list: &View<'_>, from: usize, kind: Kind) -> Result<LongAd, DiscError> {
        match kind {
            Kind::Short => Ok(LongAd {
                length: list.u32(from)?,
                block: list.u32(from.saturating_add(4))?,
                partition: self.partition,
            }),
            Kind::Long => LongAd::read(list, from),
            // 4/14.14.3: length, recorded length, length of information, and the address.
            _ => Ok(LongAd {
                length: list.u32(from)?,
                block: list.u32(from.saturating_add(12))?,
                partition: list.u16(from.saturating_add(16))?,
            }),
        }
    }
}
