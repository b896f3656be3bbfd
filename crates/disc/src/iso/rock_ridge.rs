//! Rock Ridge (RRIP 1.10 and 1.12): POSIX names, links, kinds and places of moved directories.

use super::directory::OwnRecord;
use super::susp;
use crate::date::Date;
use crate::error::DiscError;
use crate::source::{Source, View, wide};
use crate::text;

/// Names under which discs announce Rock Ridge (SUSP, 5.5).
const EXTENSIONS: [&[u8]; 3] = [b"RRIP_1991A", b"IEEE_P1282", b"IEEE_1282"];

/// CD-ROM XA puts fourteen bytes of its own before SUSP's fields.
const XA: usize = 14;

/// What the fields of a record say.
#[derive(Debug, Default)]
pub struct Told {
    pub name: Option<String>,
    pub link: Option<String>,
    /// The target of a link cannot be told: where its field is wrong.
    pub lost_link: Option<u64>,
    pub modified: Option<Date>,
    /// Neither directory nor file nor link.
    pub special: bool,
    /// RE: this directory only stands here because ISO 9660 allows eight levels.
    pub moved_here: bool,
    /// CL: in the place of this record, the directory at that block.
    pub moved_to: Option<u32>,
    pub zisofs: Option<u64>,
}

/// Whether the root directory's own record announces Rock Ridge, and how many bytes stand before
/// the fields of every other record.
pub fn skip(
    source: &mut Source<'_>,
    own: &OwnRecord,
    block: u64,
) -> Result<Option<usize>, DiscError> {
    let area = own.area()?;
    let announces = |from: usize| {
        let head = area.bytes.get(from..)?.get(..7)?;
        matches!(head, [b'S', b'P', 7, 1, 0xbe, 0xef, _]).then(|| head.last().copied())?
    };
    let Some((from, skip)) = [0, XA].into_iter().find_map(|from| Some((from, announces(from)?)))
    else {
        return Ok(None);
    };
    let mut known = false;
    susp::fields(source, &area, from, block, &mut |signature, field| {
        // Old writers give no ER; a POSIX mode on the root says as much.
        known |= match &signature {
            b"ER" => {
                let length = usize::from(field.u8(4)?);
                EXTENSIONS.contains(&field.slice(8, length)?)
            }
            signature => signature == b"PX" || signature == b"RR",
        };
        Ok(())
    })?;
    Ok(known.then_some(usize::from(skip)))
}

/// Reads all fields of a record.
pub fn told(
    source: &mut Source<'_>,
    area: &View<'_>,
    skip: usize,
    block: u64,
) -> Result<Told, DiscError> {
    let most = wide(usize::try_from(source.limits().path_bytes_max).unwrap_or(usize::MAX));
    let mut told = Told::default();
    let mut name = Name::default();
    let mut link = Link::default();
    let read = susp::fields(source, area, skip, block, &mut |signature, field| {
        match &signature {
            b"NM" => name.take(field)?,
            b"SL" => link.take(field)?,
            b"PX" => told.special = is_special(field.u32(4)?),
            b"TF" => told.modified = modified(field)?,
            b"RE" => told.moved_here = true,
            b"CL" => told.moved_to = Some(field.u32(4)?),
            b"ZF" if field.slice(4, 2)? == b"pz" => told.zisofs = Some(u64::from(field.u32(8)?)),
            b"SF" => {
                return Err(DiscError::NotRead {
                    what: "a sparse file of Rock Ridge (SF)".to_owned(),
                    at: field.at,
                    hint: "make the disc anew with xorriso or genisoimage",
                });
            }
            _ => {}
        }
        let long = name.bytes.len().max(link.bytes.len());
        if wide(long) > most {
            return Err(DiscError::TooMuch { limit: "path_bytes_max", most, at: field.at });
        }
        Ok(())
    });
    match read {
        // genisoimage counts the fields of a long target wrong, and what follows is lost with them.
        // One link is no reason to refuse a disc.
        Err(DiscError::Broken { at, .. }) if link.started => told.lost_link = Some(at),
        other => other?,
    }
    told.name = name.started.then(|| text::latin(&name.bytes));
    told.link = link.started.then(|| text::latin(&link.bytes));
    Ok(told)
}

/// NM (RRIP, 4.1.4): a name, in pieces.
#[derive(Default)]
struct Name {
    started: bool,
    bytes: Vec<u8>,
}

impl Name {
    fn take(&mut self, field: &View<'_>) -> Result<(), DiscError> {
        let length = field.bytes.len().saturating_sub(5);
        match field.u8(4)? & 0x06 {
            0 => {
                self.started = true;
                self.bytes.extend_from_slice(field.slice(5, length)?);
            }
            // The directory itself, or the one above: no name.
            _ => self.started = false,
        }
        Ok(())
    }
}

/// SL (RRIP, 4.1.3): the target of a link, its names in pieces.
#[derive(Default)]
struct Link {
    started: bool,
    /// The last piece goes on: no slash before the next.
    open: bool,
    bytes: Vec<u8>,
}

impl Link {
    fn take(&mut self, field: &View<'_>) -> Result<(), DiscError> {
        self.started = true;
        let mut from = 5_usize;
        while from < field.bytes.len() {
            let piece = field.inner("a piece of a symbolic link", from, 2)?;
            let (flags, length) = (piece.u8(0)?, usize::from(piece.u8(1)?));
            let name = field.slice(from.saturating_add(2), length)?;
            self.piece(flags, name);
            from = from.saturating_add(2).saturating_add(length);
        }
        Ok(())
    }

    fn piece(&mut self, flags: u8, name: &[u8]) {
        let root = flags & 0x08 != 0;
        if !self.open && !self.bytes.is_empty() && self.bytes.last() != Some(&b'/') {
            self.bytes.push(b'/');
        }
        match flags & 0x0e {
            _ if root => self.bytes.push(b'/'),
            0x02 => self.bytes.extend_from_slice(b"."),
            0x04 => self.bytes.extend_from_slice(b".."),
            _ => self.bytes.extend_from_slice(name),
        }
        self.open = flags & 0x01 != 0;
    }
}

/// POSIX modes of what can be read: directory, file, link. No kind at all is a file.
fn is_special(mode: u32) -> bool {
    !matches!(mode & 0o170_000, 0 | 0o040_000 | 0o100_000 | 0o120_000)
}

/// TF (RRIP, 4.1.6): the times named by the flags, in order; the second is the last change.
fn modified(field: &View<'_>) -> Result<Option<Date>, DiscError> {
    let flags = field.u8(4)?;
    if flags & 0x02 == 0 {
        return Ok(None);
    }
    let created = usize::from(flags & 0x01);
    let long = flags & 0x80 != 0;
    let from = 5_usize.saturating_add(created.saturating_mul(if long { 17 } else { 7 }));
    if long { Date::long(field, from) } else { Date::short(field, from) }
}
