//! Entries of a FAT directory: short names, and the long ones before them (FAT specification 1.03,
//! sections 6 and 7).

use super::FatEntry;
use crate::source::{u8_at, u16_at, u32_at};
use crate::text::hostile;

const ENTRY: usize = 32;
/// UTF-16 units of a long name: 20 pieces of 13.
const LONG_MAX: usize = 260;

const LABEL: u8 = 0x08;
const DIRECTORY: u8 = 0x10;
const LONG: u8 = 0x0f;

/// The files and directories in the bytes of a directory. Labels, deleted entries, `.` and `..` are
/// left out; so is what has no name that can be shown. Their paths are the caller's.
pub fn entries(bytes: &[u8]) -> Vec<FatEntry> {
    let mut entries = Vec::new();
    let mut long = Long::default();
    for entry in bytes.chunks_exact(ENTRY) {
        let attributes = u8_at(entry, 11);
        match u8_at(entry, 0) {
            0 => break,
            0xe5 => long = Long::default(),
            _ if attributes & 0x3f == LONG => long.piece(entry),
            _ if attributes & LABEL != 0 => long = Long::default(),
            _ => {
                let name = std::mem::take(&mut long).name(entry).or_else(|| short(entry));
                entries.extend(name.map(|name| made(name, entry)));
            }
        }
    }
    entries
}

fn made(name: String, entry: &[u8]) -> FatEntry {
    let is_directory = u8_at(entry, 11) & DIRECTORY != 0;
    let high = u32::from(u16_at(entry, 20)) << 16;
    FatEntry {
        name,
        path: String::new(),
        size: if is_directory { 0 } else { u64::from(u32_at(entry, 28)) },
        is_directory,
        cluster: (high | u32::from(u16_at(entry, 26))) & 0x0fff_ffff,
    }
}

fn fit(name: &str) -> bool {
    let slash = |c: char| matches!(c, '/' | '\\' | '\0');
    !matches!(name, "" | "." | "..") && !name.chars().any(|c| hostile(c) || slash(c))
}

/// Eight and three letters; Windows NT keeps in byte 12 which of the two are small.
fn short(entry: &[u8]) -> Option<String> {
    let case = u8_at(entry, 12);
    let part = |from: usize, length: usize, small: bool| -> String {
        let bytes = entry.get(from..).and_then(|rest| rest.get(..length)).unwrap_or_default();
        let text = bytes.iter().map(|byte| match byte {
            // Letters of an unknown code page.
            0x80.. => '_',
            _ if small => char::from(byte.to_ascii_lowercase()),
            _ => char::from(*byte),
        });
        text.collect::<String>().trim_end().to_owned()
    };
    let (name, extension) = (part(0, 8, case & 0x08 != 0), part(8, 3, case & 0x10 != 0));
    let whole = if extension.is_empty() { name } else { format!("{name}.{extension}") };
    fit(&whole).then_some(whole)
}

/// The checksum of a short name that its long name carries.
fn checksum(entry: &[u8]) -> u8 {
    let name = entry.get(..11).unwrap_or_default();
    name.iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte))
}

/// A long name while its pieces come, the last one first.
#[derive(Default)]
struct Long {
    units: Vec<u16>,
    checksum: u8,
    /// The number of the piece that came last; 1 when it is whole.
    number: u8,
}

impl Long {
    fn piece(&mut self, entry: &[u8]) {
        let (order, sum) = (u8_at(entry, 0), u8_at(entry, 13));
        let number = order & 0x3f;
        if order & 0x40 != 0 {
            *self = Self { units: Vec::new(), checksum: sum, number: number.saturating_add(1) };
        }
        let follows = self.number.checked_sub(1) == Some(number) && number != 0;
        if !follows || sum != self.checksum || self.units.len() >= LONG_MAX {
            *self = Self::default();
            return;
        }
        let places = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
        let piece = places.map(|place| u16_at(entry, place));
        self.units.splice(..0, piece);
        self.number = number;
    }

    /// The name, if it is whole and belongs to this entry.
    fn name(self, entry: &[u8]) -> Option<String> {
        if self.number != 1 || self.checksum != checksum(entry) {
            return None;
        }
        let units = self.units.into_iter().take_while(|unit| *unit != 0);
        let name: Result<String, _> = char::decode_utf16(units).collect();
        name.ok().filter(|name| fit(name))
    }
}
