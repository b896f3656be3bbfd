//! El Torito: the images a disc boots from, those among them that no file names.
//!
//! In: the boot record's place, and the files of the tree. Out: every entry of the catalogue, with
//! where its image begins and how long it is, and how we know. Never: an error that keeps the files
//! from being read; what is wrong with a catalogue is a remark.

use crate::error::DiscError;
use crate::notes::Notes;
use crate::recognition::SECTOR;
use crate::source::{Source, View, wide};
use crate::text::padded;
use crate::tree::{Id, Tree};

const SPECIFICATION: &[u8] = b"EL TORITO SPECIFICATION";

/// Bytes of an entry of the catalogue.
const ENTRY: usize = 32;

/// What the entry's image is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Platform {
    /// PC with BIOS.
    Bios,
    /// PowerPC.
    PowerPc,
    /// Macintosh.
    Mac,
    /// UEFI: the image is a FAT file system.
    Uefi,
    /// A number that nobody has defined.
    Other(u8),
}

impl From<u8> for Platform {
    fn from(number: u8) -> Self {
        match number {
            0 => Self::Bios,
            1 => Self::PowerPc,
            2 => Self::Mac,
            0xef => Self::Uefi,
            other => Self::Other(other),
        }
    }
}

/// What the firmware makes of the image.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Emulation {
    /// It is loaded and started.
    None,
    /// It is a diskette of so many bytes.
    Diskette(u32),
    /// It is a hard disk.
    HardDisk,
    /// A number that nobody has defined.
    Other(u8),
}

impl From<u8> for Emulation {
    fn from(number: u8) -> Self {
        match number & 0x0f {
            0 => Self::None,
            1 => Self::Diskette(1_228_800),
            2 => Self::Diskette(1_474_560),
            3 => Self::Diskette(2_949_120),
            4 => Self::HardDisk,
            other => Self::Other(other),
        }
    }
}

/// How the length of a boot image is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SizedBy {
    /// A file of the tree begins where it does.
    File,
    /// It is a FAT file system, which says how large it is.
    Fat,
    /// It is a diskette.
    Emulation,
    /// The catalogue's count of sectors, which is often just what is to be loaded first.
    Count,
    /// Nothing says it: all that follows on the disc (UEFI 13.3.2.1, of a count of 0 or 1).
    EndOfDisc,
}

/// An entry of the boot catalogue.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BootEntry {
    /// What it is for.
    pub platform: Platform,
    /// Whether the firmware is to offer it.
    pub bootable: bool,
    /// What the firmware makes of it.
    pub emulation: Emulation,
    /// The real-mode segment it is loaded to; 0 means 0x7c0.
    pub segment: u16,
    /// Sectors of 512 bytes that are loaded at first.
    pub load_sectors: u16,
    /// Where its image begins, in bytes.
    pub offset: u64,
    /// How long its image is, in bytes, as well as anything says.
    pub length: u64,
    /// What says it.
    pub sized_by: SizedBy,
    /// The file of the tree that is the same bytes. Many images have none: they are hidden.
    pub file: Option<Id>,
    /// The name of the section it is in.
    pub section: String,
}

/// All entries of the disc's boot catalogues.
pub fn entries(
    source: &mut Source<'_>,
    records: &[u64],
    tree: &Tree,
    notes: &mut Notes,
) -> Vec<BootEntry> {
    let mut all = Vec::new();
    for at in records {
        if let Err(error) = catalogue(source, *at, tree, notes, &mut all) {
            notes.tell(format!("the boot catalogue cannot be read whole: {error}"));
        }
    }
    all
}

fn catalogue(
    source: &mut Source<'_>,
    record_at: u64,
    tree: &Tree,
    notes: &mut Notes,
    all: &mut Vec<BootEntry>,
) -> Result<(), DiscError> {
    let record = source.bytes("a boot record", record_at, SECTOR)?;
    let record = View::new("a boot record", record_at, &record);
    if !record.slice(7, 32)?.starts_with(SPECIFICATION) {
        notes.say(record_at, || "a boot record of another kind than El Torito".to_owned());
        return Ok(());
    }
    let mut reading = Reading {
        at: u64::from(record.u32(71)?).saturating_mul(wide(SECTOR)),
        number: 0,
        source,
        tree,
    };
    let (platform, section) = reading.validation()?;
    let initial = reading.next()?;
    all.extend(reading.entry(&initial, platform, &section, notes)?);
    while let Some(more) = reading.section(notes, all)? {
        if !more {
            break;
        }
    }
    Ok(())
}

struct Reading<'r, 's> {
    at: u64,
    number: u32,
    source: &'r mut Source<'s>,
    tree: &'r Tree,
}

/// An entry that owns its bytes.
struct Raw {
    at: u64,
    bytes: Vec<u8>,
}

impl Raw {
    fn view(&self) -> View<'_> {
        View::new("an entry of the boot catalogue", self.at, &self.bytes)
    }
}

impl Reading<'_, '_> {
    fn next(&mut self) -> Result<Raw, DiscError> {
        let at = self.at.saturating_add(u64::from(self.number).saturating_mul(wide(ENTRY)));
        let most = self.source.limits().descriptors_max;
        if self.number >= most {
            let (limit, most) = ("descriptors_max", u64::from(most));
            return Err(DiscError::TooMuch { limit, most, at });
        }
        self.number = self.number.saturating_add(1);
        Ok(Raw { at, bytes: self.source.bytes("an entry of the boot catalogue", at, ENTRY)? })
    }

    /// The first entry: platform and maker, and a sum over all of it that is zero.
    fn validation(&mut self) -> Result<(Platform, String), DiscError> {
        let raw = self.next()?;
        let view = raw.view();
        let words = raw.bytes.chunks_exact(2);
        let sum = words.fold(0_u16, |sum, pair| {
            let mut word = [0; 2];
            word.copy_from_slice(pair);
            sum.wrapping_add(u16::from_le_bytes(word))
        });
        if view.u8(0)? != 1 || view.slice(30, 2)? != [0x55, 0xaa] || sum != 0 {
            return Err(
                view.broken(0, "no boot catalogue begins here: its first entry is not valid")
            );
        }
        Ok((Platform::from(view.u8(1)?), padded(view.slice(4, 24)?)))
    }

    /// A section: a header, and as many entries as it says. `None` if there is none, else whether
    /// another follows.
    fn section(
        &mut self,
        notes: &mut Notes,
        all: &mut Vec<BootEntry>,
    ) -> Result<Option<bool>, DiscError> {
        let header = self.next()?;
        let header = header.view();
        let more = match header.u8(0)? {
            0x90 => true,
            0x91 => false,
            _ => return Ok(None),
        };
        let platform = Platform::from(header.u8(1)?);
        let name = padded(header.slice(4, 28)?);
        for _ in 0..header.u16(2)? {
            let raw = self.next()?;
            all.extend(self.entry(&raw, platform, &name, notes)?);
            // El Torito, figure 5: selection criteria that go on in entries of their own.
            let mut goes_on = raw.view().u8(1)? & 0x20 != 0;
            while goes_on {
                let extension = self.next()?;
                let view = extension.view();
                goes_on = view.u8(0)? == 0x44 && view.u8(1)? & 0x20 != 0;
            }
        }
        Ok(Some(more))
    }

    fn entry(
        &mut self,
        raw: &Raw,
        platform: Platform,
        section: &str,
        notes: &mut Notes,
    ) -> Result<Option<BootEntry>, DiscError> {
        let view = raw.view();
        let bootable = match view.u8(0)? {
            0x88 => true,
            0 => false,
            other => return Err(view.broken(0, format!("it begins with {other:#04x}"))),
        };
        let offset = u64::from(view.u32(8)?).saturating_mul(wide(SECTOR));
        if offset == 0 || offset >= self.source.size() {
            if bootable {
                notes.say(raw.at, || {
                    format!("a boot image at byte {offset}, which the image does not have")
                });
            }
            return Ok(None);
        }
        let (emulation, load_sectors) = (Emulation::from(view.u8(1)?), view.u16(6)?);
        let named = self.tree.files().find(|(_, file)| {
            file.extents.first().is_some_and(|first| first.offset == Some(offset))
        });
        let known = named.map(|(_, file)| file.size);
        let (length, sized_by) = self.length(platform, emulation, load_sectors, offset, known)?;
        let rest = self.source.size().saturating_sub(offset);
        if length > rest {
            notes.say(raw.at, || {
                format!(
                    "a boot image of {length} bytes at byte {offset}, of which {rest} are there"
                )
            });
        }
        Ok(Some(BootEntry {
            platform,
            bootable,
            emulation,
            segment: view.u16(2)?,
            load_sectors,
            offset,
            length: length.min(rest),
            sized_by,
            file: named.map(|(id, _)| id),
            section: section.to_owned(),
        }))
    }

    fn length(
        &mut self,
        platform: Platform,
        emulation: Emulation,
        load_sectors: u16,
        offset: u64,
        file: Option<u64>,
    ) -> Result<(u64, SizedBy), DiscError> {
        if let Some(size) = file {
            return Ok((size, SizedBy::File));
        }
        if let Emulation::Diskette(size) = emulation {
            return Ok((u64::from(size), SizedBy::Emulation));
        }
        let uefi = platform == Platform::Uefi;
        if uefi && let Some(size) = self.fat(offset)? {
            return Ok((size, SizedBy::Fat));
        }
        if uefi && load_sectors <= 1 {
            return Ok((self.source.size().saturating_sub(offset), SizedBy::EndOfDisc));
        }
        Ok((u64::from(load_sectors.max(1)).saturating_mul(512), SizedBy::Count))
    }

    /// How many bytes a FAT file system says it has.
    fn fat(&mut self, offset: u64) -> Result<Option<u64>, DiscError> {
        if self.source.size().saturating_sub(offset) < 512 {
            return Ok(None);
        }
        let bytes = self.source.bytes("a FAT file system", offset, 512)?;
        let view = View::new("a FAT file system", offset, &bytes);
        let (sector, small, large) =
            (u64::from(view.u16(11)?), u64::from(view.u16(19)?), u64::from(view.u32(32)?));
        let jumps = matches!(view.u8(0)?, 0xeb | 0xe9) && view.slice(510, 2)? == [0x55, 0xaa];
        let sectors = if small != 0 { small } else { large };
        let sane = jumps && [512, 1024, 2048, 4096].contains(&sector) && sectors != 0;
        Ok(sane.then(|| sectors.saturating_mul(sector)))
    }
}
