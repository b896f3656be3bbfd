//! Where UDF begins: the anchor, and the volume descriptors it points to (ECMA-167, 3/8.4).

use super::partition::{LogicalMaps, LongAd, Physical};
use super::tag;
use crate::date::Date;
use crate::error::{DiscError, shown_bytes};
use crate::source::{Source, View, wide};
use crate::text::{dstring, padded};
use crate::volume::Ids;

/// Sizes of a block, the disc's own first: an image says nowhere which it is but by where its
/// anchor stands.
const BLOCKS: [usize; 7] = [2048, 512, 4096, 1024, 8192, 16384, 32768];

/// What an anchor says.
#[derive(Debug)]
pub struct Anchor {
    /// Bytes of a block.
    pub block: usize,
    main: Run,
    reserve: Run,
}

/// Bytes and first block of a sequence.
#[derive(Clone, Copy, Debug)]
struct Run {
    length: u32,
    block: u32,
}

impl Run {
    fn read(view: &View<'_>, from: usize) -> Result<Self, DiscError> {
        Ok(Self { length: view.u32(from)?, block: view.u32(from.saturating_add(4))? })
    }
}

/// What the volume descriptors say.
#[derive(Debug)]
pub struct Described {
    pub ids: Ids,
    pub revision: u16,
    pub file_set: LongAd,
    pub logical: LogicalMaps,
    pub partitions: Vec<Physical>,
}

/// The anchor: in block 256, 256 before the last, or the last (UDF 2.2.3).
pub fn find(source: &mut Source<'_>) -> Result<Anchor, DiscError> {
    let what = "the anchor of UDF";
    let mut first_error = None;
    for block in BLOCKS {
        let blocks = source.size().checked_div(wide(block)).unwrap_or_default();
        let last = blocks.saturating_sub(1);
        for number in [256, last.saturating_sub(256), last] {
            let at = number.saturating_mul(wide(block));
            let Ok(place) = u32::try_from(number) else { continue };
            if place == 0 || number >= blocks {
                continue;
            }
            let bytes = source.bytes(what, at, 512)?;
            let view = View::new(what, at, &bytes);
            match tag::check(&view, Some(place)) {
                Ok(tag::ANCHOR) => {
                    let (main, reserve) = (Run::read(&view, 16)?, Run::read(&view, 24)?);
                    return Ok(Anchor { block, main, reserve });
                }
                Ok(other) => first_error.get_or_insert_with(|| tag::wrong(&view, other, what)),
                Err(error) => first_error.get_or_insert(error),
            };
        }
    }
    Err(first_error.unwrap_or_else(|| DiscError::NotADisc {
        why: format!("it ends before {what}, with {} bytes", source.size()),
    }))
}

/// The main sequence, or if it is damaged the reserve.
pub fn descriptors(source: &mut Source<'_>, anchor: &Anchor) -> Result<Described, DiscError> {
    match sequence(source, anchor.block, anchor.main) {
        Ok(described) => Ok(described),
        Err(error) => sequence(source, anchor.block, anchor.reserve).map_err(|_| error),
    }
}

/// The descriptors that count, each with its sequence number: the highest prevails (3/8.4.3).
#[derive(Default)]
struct Prevailing {
    primary: Option<(u32, Ids)>,
    logical: Option<(u32, LogicalVolume)>,
    partitions: Vec<(u32, Physical)>,
}

fn sequence(source: &mut Source<'_>, block: usize, start: Run) -> Result<Described, DiscError> {
    let what = "a volume descriptor of UDF";
    let (hops_max, most) = (source.limits().continuation_hops_max, source.limits().descriptors_max);
    let mut found = Prevailing::default();
    let (mut run, mut hops, mut read) = (start, 0_u32, 0_u32);
    let mut number = 0_u64;
    while number.saturating_mul(wide(block)) < u64::from(run.length) {
        let place = u64::from(run.block).saturating_add(number);
        let at = place.saturating_mul(wide(block));
        read = read.saturating_add(1);
        if read > most || hops > hops_max {
            let (limit, most) = ("descriptors_max", u64::from(most));
            return Err(DiscError::TooMuch { limit, most, at });
        }
        number = number.saturating_add(1);
        let bytes = source.bytes(what, at, block)?;
        if bytes.iter().all(|byte| *byte == 0) {
            // Never written: the end, as after a terminator (3/8.4.2).
            break;
        }
        let view = View::new(what, at, &bytes);
        match tag::check(&view, u32::try_from(place).ok())? {
            tag::TERMINATOR => break,
            tag::POINTER => {
                run = Run::read(&view, 20)?;
                (number, hops) = (0, hops.saturating_add(1));
            }
            kind => found.take(kind, &view)?,
        }
    }
    found.done(u64::from(start.block).saturating_mul(wide(block)), block)
}

impl Prevailing {
    fn take(&mut self, kind: u16, view: &View<'_>) -> Result<(), DiscError> {
        let number = view.u32(16)?;
        let newer = |kept: Option<u32>| kept.is_none_or(|kept| number >= kept);
        match kind {
            tag::PRIMARY if newer(self.primary.as_ref().map(|(n, _)| *n)) => {
                self.primary = Some((number, ids(view)?));
            }
            tag::LOGICAL if newer(self.logical.as_ref().map(|(n, _)| *n)) => {
                self.logical = Some((number, LogicalVolume::read(view)?));
            }
            tag::PARTITION => {
                let physical = Physical::read(view)?;
                let same = self.partitions.iter_mut().find(|(_, p)| p.number == physical.number);
                match same {
                    Some(kept) if number >= kept.0 => *kept = (number, physical),
                    Some(_) => {}
                    None => self.partitions.push((number, physical)),
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn done(self, at: u64, block: usize) -> Result<Described, DiscError> {
        let missing = |which: &str| DiscError::Broken {
            what: "the volume descriptor sequence of UDF",
            at,
            found: format!("it has no {which}"),
        };
        let (_, logical) = self.logical.ok_or_else(|| missing("logical volume descriptor"))?;
        if self.partitions.is_empty() {
            return Err(missing("partition descriptor"));
        }
        if u64::from(logical.block) != wide(block) {
            return Err(DiscError::Broken {
                what: "the logical volume descriptor of UDF",
                at: logical.at,
                found: format!("its blocks have {} bytes, the disc's {block}", logical.block),
            });
        }
        let primary = self.primary.map(|(_, ids)| ids).unwrap_or_default();
        Ok(Described {
            ids: Ids { volume: logical.name, ..primary },
            revision: logical.revision,
            file_set: logical.file_set,
            logical: logical.maps,
            partitions: self.partitions.into_iter().map(|(_, physical)| physical).collect(),
        })
    }
}

/// The primary volume descriptor (3/10.1).
fn ids(view: &View<'_>) -> Result<Ids, DiscError> {
    Ok(Ids {
        volume: dstring(view.slice(24, 32)?),
        volume_set: dstring(view.slice(72, 128)?),
        application: padded(view.slice(345, 23)?),
        preparer: padded(view.slice(389, 23)?),
        created: Date::udf(view, 376)?,
        ..Ids::default()
    })
}

/// The logical volume descriptor (3/10.6).
struct LogicalVolume {
    at: u64,
    name: String,
    block: u32,
    revision: u16,
    file_set: LongAd,
    maps: LogicalMaps,
}

impl LogicalVolume {
    fn read(view: &View<'_>) -> Result<Self, DiscError> {
        let domain = view.slice(217, 23)?;
        if !domain.starts_with(b"*OSTA UDF Compliant") {
            let found = format!("its domain is `{}`, not OSTA's UDF", shown_bytes(domain));
            return Err(view.broken(217, found));
        }
        Ok(Self {
            at: view.at,
            name: dstring(view.slice(84, 128)?),
            block: view.u32(212)?,
            revision: view.u16(240)?,
            file_set: LongAd::read(view, 248)?,
            maps: LogicalMaps::read(view)?,
        })
    }
}
