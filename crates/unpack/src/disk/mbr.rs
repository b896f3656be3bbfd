//! The partition table of the PC's master boot record, and the chain of its logical partitions.

use super::{Partition, PartitionType};
use crate::error::UnpackError;
use crate::limits::Limits;
use crate::source::{Source, u8_at, u16_at, u32_at, wide};

/// The type of the one partition by which a GPT keeps old programs away (UEFI 5.2.3).
pub const PROTECTIVE: u8 = 0xee;

/// The types of a partition that holds logical partitions: CHS, LBA, Linux.
const EXTENDED: [u8; 3] = [0x05, 0x0f, 0x85];

/// A line of a table, in sectors.
#[derive(Clone, Copy)]
pub struct Line {
    pub active: bool,
    pub kind: u8,
    pub start: u32,
    pub length: u32,
}

impl Line {
    pub fn start_byte(&self, sector_size: u32) -> u64 {
        u64::from(self.start).saturating_mul(u64::from(sector_size))
    }

    pub fn is_used(&self) -> bool {
        self.kind != 0 && self.length != 0
    }
}

/// The four lines of a sector that may be an MBR. `None`: they cannot be that.
pub fn table(sector: &[u8]) -> Option<[Line; 4]> {
    if u16_at(sector, 510) != 0xaa55 || sector.len() < 512 {
        return None;
    }
    let mut lines = [Line { active: false, kind: 0, start: 0, length: 0 }; 4];
    for (line, bytes) in lines.iter_mut().zip(sector.get(446..510)?.chunks_exact(16)) {
        let status = u8_at(bytes, 0);
        if status & 0x7f != 0 {
            return None;
        }
        *line = Line {
            active: status == 0x80,
            kind: u8_at(bytes, 4),
            start: u32_at(bytes, 8),
            length: u32_at(bytes, 12),
        };
    }
    lines.iter().any(|line| line.is_used() && line.start != 0).then_some(lines)
}

pub fn read(
    source: &Source<'_>,
    limits: Limits,
    notes: &mut Vec<String>,
) -> Result<(u32, Vec<Partition>), UnpackError> {
    let sector = source.bytes("the master boot record", 0, 512)?;
    let Some(lines) = table(&sector) else {
        let found = "its partition table is none".to_owned();
        return Err(UnpackError::Broken { what: "the master boot record", at: 0, found });
    };
    let sector_size = sector_size(source, &lines)?;
    let mut partitions = Vec::new();
    for (number, line) in (1_u32..).zip(lines) {
        if EXTENDED.contains(&line.kind) {
            continue;
        }
        if line.is_used() {
            partitions.push(partition(number, &line, 0, sector_size));
        }
    }
    for line in lines.iter().filter(|line| EXTENDED.contains(&line.kind) && line.is_used()) {
        logical(source, line, sector_size, limits, &mut partitions, notes)?;
    }
    Ok((sector_size, partitions))
}

/// An MBR does not say how large its sectors are. On a disk of 4096, partitions start with what is
/// known only there.
fn sector_size(source: &Source<'_>, lines: &[Line; 4]) -> Result<u32, UnpackError> {
    for line in lines.iter().filter(|line| line.is_used()) {
        for size in [512_u16, 4096] {
            let at = line.start_byte(u32::from(size));
            let there = source.up_to("a partition", at.min(source.size()), 512)?;
            if crate::fat::is_boot_sector(&there) && u16_at(&there, 11) == size {
                return Ok(u32::from(size));
            }
        }
    }
    Ok(512)
}

fn partition(number: u32, line: &Line, base: u32, sector_size: u32) -> Partition {
    let unit = u64::from(sector_size);
    let start = u64::from(line.start).saturating_add(u64::from(base));
    Partition {
        number,
        offset: start.saturating_mul(unit),
        size: u64::from(line.length).saturating_mul(unit),
        kind: PartitionType::Mbr(line.kind),
        name: String::new(),
        active: line.active,
    }
}

/// Each logical partition has a sector of its own before it, which names it and the next such
/// sector, both counted from somewhere else.
fn logical(
    source: &Source<'_>,
    extended: &Line,
    sector_size: u32,
    limits: Limits,
    partitions: &mut Vec<Partition>,
    notes: &mut Vec<String>,
) -> Result<(), UnpackError> {
    let mut at = extended.start;
    let mut number = 5_u32;
    loop {
        let byte = u64::from(at).saturating_mul(u64::from(sector_size));
        if byte.saturating_add(512) > source.size() {
            notes.push(format!("the chain of logical partitions leaves the image at byte {byte}"));
            return Ok(());
        }
        let sector = source.bytes("the record of a logical partition", byte, 512)?;
        let Some([own, next, ..]) = table(&sector) else { return Ok(()) };
        if own.is_used() {
            partitions.push(partition(number, &own, at, sector_size));
            number = number.saturating_add(1);
        }
        let most = u64::from(limits.partitions_max);
        if wide(partitions.len()) > most {
            let what = "the chain of logical partitions".to_owned();
            return Err(UnpackError::TooMuch { what, limit: "partitions_max", most });
        }
        let following = extended.start.saturating_add(next.start);
        // The chain goes forward: one that does not would never end.
        if !EXTENDED.contains(&next.kind) || next.length == 0 || following <= at {
            return Ok(());
        }
        at = following;
    }
}
