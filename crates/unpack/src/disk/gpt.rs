//! The GUID partition table (UEFI 2.10, 5.3): header, entries, and the backup at the end.

use super::{Partition, PartitionType};
use crate::error::UnpackError;
use crate::limits::Limits;
use crate::source::{Source, u32_at, u64_at, wide};
use crate::text::shown;
use flate2::Crc;

/// What a header starts with.
pub const SIGNATURE: &[u8; 8] = b"EFI PART";

/// Bytes of a table of entries: 128 of 128 bytes in all tools, room for much more.
const ENTRIES_BYTES_MAX: u64 = 1 << 20;

struct Header {
    sector_size: u32,
    alternate: u64,
    entries_at: u64,
    entry_size: usize,
    entries_bytes: usize,
    entries_crc: u32,
}

pub fn read(
    source: &Source<'_>,
    limits: Limits,
    notes: &mut Vec<String>,
) -> Result<(u32, Vec<Partition>), UnpackError> {
    let mut why = None;
    for sector_size in [512, 4096] {
        match table(source, sector_size, 1, limits) {
            Ok((header, partitions)) => {
                check_backup(source, &header, &partitions, limits, notes);
                return Ok((sector_size, partitions));
            }
            // The size whose header is there at all says best what is wrong with it.
            Err(error) => why = why.or(error),
        }
    }
    for sector_size in [512, 4096] {
        let last = source.size().checked_div(u64::from(sector_size)).unwrap_or(0);
        let backup = table(source, sector_size, last.saturating_sub(1), limits);
        if let Ok((_, partitions)) = backup {
            let what = why.as_ref().map_or_else(|| "it is missing".to_owned(), ToString::to_string);
            notes.push(format!("the first GPT cannot be used, the backup at the end is: {what}"));
            return Ok((sector_size, partitions));
        }
    }
    Err(why.unwrap_or_else(|| broken(512, "there is none, nor a backup at the end")))
}

/// A table by its header in that sector. `Err(None)`: there is no header.
fn table(
    source: &Source<'_>,
    sector_size: u32,
    sector: u64,
    limits: Limits,
) -> Result<(Header, Vec<Partition>), Option<UnpackError>> {
    let at = sector.saturating_mul(u64::from(sector_size));
    let bytes = source.up_to("the GPT header", at.min(source.size()), 512)?;
    if !bytes.starts_with(SIGNATURE) {
        return Err(None);
    }
    let header = header(&bytes, sector_size, sector)?;
    let entries = source.bytes("the GPT", header.entries_at, header.entries_bytes)?;
    if crc(&[&entries]) != header.entries_crc {
        return Err(Some(broken(header.entries_at, "the checksum of its entries does not fit")));
    }
    let partitions = partitions(&entries, &header, limits)?;
    Ok((header, partitions))
}

fn header(bytes: &[u8], sector_size: u32, sector: u64) -> Result<Header, UnpackError> {
    let unit = u64::from(sector_size);
    let at = sector.saturating_mul(unit);
    let length = usize::try_from(u32_at(bytes, 12)).unwrap_or(usize::MAX);
    // 92 bytes since version 1.0; nobody writes more.
    let own = bytes.get(..length).filter(|own| own.len() >= 92);
    let own = own.ok_or_else(|| broken(at, "its header has no possible length"))?;
    let (before, rest) = own.split_at_checked(16).unwrap_or_default();
    if crc(&[before, &[0; 4], rest.get(4..).unwrap_or_default()]) != u32_at(bytes, 16) {
        return Err(broken(at, "the checksum of its header does not fit"));
    }
    if u64_at(bytes, 24) != sector {
        return Err(broken(at, "its header says it stands in another sector"));
    }
    let (count, entry_size) = (u32_at(bytes, 80), u32_at(bytes, 84));
    if entry_size < 128 || !entry_size.is_power_of_two() {
        return Err(broken(at, "its entries have no possible size"));
    }
    let all = u64::from(count).saturating_mul(u64::from(entry_size));
    if all > ENTRIES_BYTES_MAX {
        let (what, limit) = ("the GPT".to_owned(), "ENTRIES_BYTES_MAX");
        return Err(UnpackError::TooMuch { what, limit, most: ENTRIES_BYTES_MAX });
    }
    Ok(Header {
        sector_size,
        alternate: u64_at(bytes, 32),
        entries_at: u64_at(bytes, 72).saturating_mul(unit),
        entry_size: usize::try_from(entry_size).unwrap_or(usize::MAX),
        entries_bytes: usize::try_from(all).unwrap_or(usize::MAX),
        entries_crc: u32_at(bytes, 88),
    })
}

fn partitions(
    entries: &[u8],
    header: &Header,
    limits: Limits,
) -> Result<Vec<Partition>, UnpackError> {
    let mut partitions = Vec::new();
    for (number, entry) in (1_u32..).zip(entries.chunks_exact(header.entry_size)) {
        let kind = entry.first_chunk::<16>().copied().unwrap_or_default();
        if kind == [0; 16] {
            continue;
        }
        let most = u64::from(limits.partitions_max);
        if wide(partitions.len()) >= most {
            let what = "the GPT".to_owned();
            return Err(UnpackError::TooMuch { what, limit: "partitions_max", most });
        }
        let (first, last) = (u64_at(entry, 32), u64_at(entry, 40));
        if last < first {
            let found = format!("partition {number} ends before it starts");
            return Err(broken(header.entries_at, &found));
        }
        let unit = u64::from(header.sector_size);
        let sectors = last.saturating_sub(first).saturating_add(1);
        partitions.push(Partition {
            number,
            offset: first.saturating_mul(unit),
            size: sectors.saturating_mul(unit),
            kind: PartitionType::Gpt(kind),
            name: name(entry.get(56..128).unwrap_or_default()),
            active: u64_at(entry, 48) & 4 != 0,
        });
    }
    Ok(partitions)
}

/// UTF-16LE up to its first zero.
fn name(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| crate::source::u16_at(pair, 0));
    let units = units.take_while(|unit| *unit != 0);
    let name: String =
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    shown(&name)
}

fn check_backup(
    source: &Source<'_>,
    header: &Header,
    partitions: &[Partition],
    limits: Limits,
    notes: &mut Vec<String>,
) {
    let end = header.alternate.saturating_add(1).saturating_mul(u64::from(header.sector_size));
    if end > source.size() {
        notes.push(format!(
            "the backup of the GPT ends at byte {end}, but the image has only {} bytes: it is cut \
             short, or the disk it is of was larger",
            source.size()
        ));
        return;
    }
    match table(source, header.sector_size, header.alternate, limits) {
        Ok((_, backup)) if backup == partitions => {}
        Ok(_) => notes.push("the backup of the GPT names other partitions".to_owned()),
        Err(None) => notes.push("the GPT has no backup at its end".to_owned()),
        Err(Some(error)) => notes.push(format!("the backup of the GPT cannot be used: {error}")),
    }
}

fn crc(pieces: &[&[u8]]) -> u32 {
    let mut crc = Crc::new();
    for piece in pieces {
        crc.update(piece);
    }
    crc.sum()
}

fn broken(at: u64, found: &str) -> UnpackError {
    UnpackError::Broken { what: "the GPT", at, found: found.to_owned() }
}
