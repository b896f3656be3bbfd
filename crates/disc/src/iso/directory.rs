//! Directory records (ISO 9660, 9.1) and the tree they make.

use super::rock_ridge::{self, Told};
use super::{Names, Span};
use crate::date::Date;
use crate::error::{DiscError, shown};
use crate::file::{Extent, Extents, File};
use crate::notes::Notes;
use crate::recognition::SECTOR;
use crate::source::{Source, View, wide};
use crate::text;
use crate::tree::{Child, Growing, Made, Tree};

const HIDDEN: u8 = 0x01;
const DIRECTORY: u8 = 0x02;
const ASSOCIATED: u8 = 0x04;
const GOES_ON: u8 = 0x80;

/// A record without a name.
const RECORD_MIN: usize = 34;

/// A directory record with its system use area.
pub struct Record<'b> {
    view: View<'b>,
    pub span: Span,
    flags: u8,
    modified: Option<Date>,
    name: &'b [u8],
    /// What follows the name: Rock Ridge's fields, if there are any.
    pub area: View<'b>,
}

/// Where the bytes of a record's file stand.
pub fn span(record: &View<'_>, block: u64) -> Result<Span, DiscError> {
    let attributes = u64::from(record.u8(1)?);
    let blocks = u64::from(record.u32(2)?).saturating_add(attributes);
    Ok(Span { at: blocks.saturating_mul(block), length: u64::from(record.u32(10)?) })
}

/// Bytes of the record at the beginning of a directory, which stands for the directory itself.
pub fn own_record(source: &mut Source<'_>, at: u64) -> Result<OwnRecord, DiscError> {
    let bytes = source.bytes("a directory", at, SECTOR)?;
    let record = View::new("a directory record", at, &bytes);
    let length = usize::from(record.u8(0)?);
    if length < RECORD_MIN || record.slice(32, 2)? != [1, 0] {
        return Err(record.broken(0, "no directory begins here: its record for itself is missing"));
    }
    let bytes = record.slice(0, length)?.to_vec();
    Ok(OwnRecord { at, bytes })
}

/// A record that owns its bytes.
pub struct OwnRecord {
    at: u64,
    bytes: Vec<u8>,
}

impl OwnRecord {
    pub fn view(&self) -> View<'_> {
        View::new("a directory record", self.at, &self.bytes)
    }

    pub fn area(&self) -> Result<View<'_>, DiscError> {
        self.view().inner("a system use area", 34, self.bytes.len().saturating_sub(34))
    }
}

impl<'b> Record<'b> {
    fn read(view: View<'b>, block: u64, notes: &mut Notes) -> Result<Self, DiscError> {
        let record = view;
        let (place, size) = (record.slice(2, 8)?, record.slice(10, 8)?);
        for (both, what) in [(place, "place"), (size, "size")] {
            let (little, big) = both.split_at(4);
            if !little.iter().eq(big.iter().rev()) {
                notes.say(record.at, || {
                    format!(
                        "the two copies of a file's {what} differ; the first is used, as everywhere"
                    )
                });
            }
        }
        if record.u8(26)? != 0 || record.u8(27)? != 0 {
            return Err(DiscError::NotRead {
                what: "a file that is interleaved with others (ISO 9660, 6.4.3)".to_owned(),
                at: record.at,
                hint: "make the disc anew with xorriso or genisoimage",
            });
        }
        let length = usize::from(record.u8(32)?);
        let name = record.slice(33, length)?;
        // A name of even length is padded to keep what follows on an even byte.
        let used = 33_usize.saturating_add(length).saturating_add(usize::from(length % 2 == 0));
        let used = used.min(record.bytes.len());
        let area =
            record.inner("a system use area", used, record.bytes.len().saturating_sub(used))?;
        Ok(Self {
            view: record,
            span: span(&record, block)?,
            flags: record.u8(25)?,
            modified: Date::short(&record, 18)?,
            name,
            area,
        })
    }

    /// The directory itself and the one above stand first, and are no entries.
    fn is_self_or_parent(&self) -> bool {
        matches!(self.name, [0] | [1])
    }
}

/// The records of a directory, one after the other. None crosses the end of a sector.
fn records<'b>(bytes: &'b [u8], at: u64) -> impl Iterator<Item = Result<View<'b>, DiscError>> {
    let mut from = 0_usize;
    std::iter::from_fn(move || {
        let directory = View::new("a directory", at, bytes);
        loop {
            let in_sector = from % SECTOR;
            let left = SECTOR.saturating_sub(in_sector);
            let length = usize::from(*bytes.get(from)?);
            if length == 0 {
                from = from.saturating_add(left);
                continue;
            }
            if length < RECORD_MIN || length > left {
                let found =
                    format!("a record of {length} bytes, where it has {RECORD_MIN} to {left}");
                let error = directory.broken(from, found);
                from = bytes.len();
                return Some(Err(error));
            }
            let record = directory.inner("a directory record", from, length);
            from = from.saturating_add(length);
            return Some(record);
        }
    })
}

struct Reading<'r, 's> {
    source: &'r mut Source<'s>,
    block: u64,
    names: Names,
}

pub fn tree(
    source: &mut Source<'_>,
    root: Span,
    block: u64,
    names: Names,
    notes: &mut Notes,
) -> Result<Tree, DiscError> {
    let mut growing = Growing::new(source.limits(), root.at, root);
    let mut reading = Reading { source, block, names };
    while let Some((id, span)) = growing.next() {
        let children = reading.directory(span, notes)?;
        growing.add(id, children, notes)?;
    }
    Ok(growing.done())
}

impl Reading<'_, '_> {
    fn directory(&mut self, span: Span, notes: &mut Notes) -> Result<Vec<Child<Span>>, DiscError> {
        let most = self.source.limits().directory_bytes_max;
        let most_entries = self.source.limits().entries_max;
        if span.length > u64::from(most) {
            let (limit, most) = ("directory_bytes_max", u64::from(most));
            return Err(DiscError::TooMuch { limit, most, at: span.at });
        }
        let length = usize::try_from(span.length).unwrap_or(usize::MAX);
        let bytes = self.source.bytes("a directory", span.at, length)?;
        let mut children = Vec::new();
        let mut open: Option<Parts> = None;
        for view in records(&bytes, span.at) {
            let record = Record::read(view?, self.block, notes)?;
            if record.is_self_or_parent() {
                continue;
            }
            if let Some(parts) = &mut open {
                parts.take(&record, self.source.size())?;
                if record.flags & GOES_ON == 0 {
                    children.extend(open.take().map(Parts::done));
                }
                continue;
            }
            if record.flags & ASSOCIATED != 0 {
                notes.say(record.view.at, || "an associated file is left out".to_owned());
                continue;
            }
            let told = match self.names {
                Names::RockRidge { skip } => {
                    rock_ridge::told(self.source, &record.area, skip, self.block)?
                }
                _ => Told::default(),
            };
            if told.moved_here {
                continue;
            }
            let goes_on = record.flags & GOES_ON != 0;
            let child = self.child(&record, told, notes)?;
            match child.made {
                Made::File(_) if goes_on => open = Some(Parts::new(&record, child)),
                _ => children.push(child),
            }
            if wide(children.len()) > u64::from(most_entries) {
                let (limit, most) = ("entries_max", u64::from(most_entries));
                return Err(DiscError::TooMuch { limit, most, at: span.at });
            }
        }
        if let Some(parts) = open {
            return Err(parts.unfinished());
        }
        Ok(children)
    }

    fn child(
        &mut self,
        record: &Record<'_>,
        told: Told,
        notes: &mut Notes,
    ) -> Result<Child<Span>, DiscError> {
        let (plain, version) = self.plain_name(record);
        let name = told.name.unwrap_or(plain);
        let hidden = record.flags & HIDDEN != 0;
        let made = if let Some(at) = told.lost_link {
            notes.say(at, || format!("the target of the link `{}` is damaged", shown(&name)));
            Made::Special
        } else if let Some(target) = told.link {
            Made::Link(target)
        } else if let Some(block) = told.moved_to {
            let at = u64::from(block).saturating_mul(self.block);
            let own = own_record(self.source, at)?;
            Made::Directory(at, Span { at, length: span(&own.view(), self.block)?.length })
        } else if record.flags & DIRECTORY != 0 {
            Made::Directory(record.span.at, record.span)
        } else if told.special {
            Made::Special
        } else {
            self.file(record, &name, told.zisofs, told.modified, notes)?
        };
        Ok(Child { name, version, hidden, made })
    }

    fn file(
        &self,
        record: &Record<'_>,
        name: &str,
        zisofs: Option<u64>,
        modified: Option<Date>,
        notes: &mut Notes,
    ) -> Result<Made<Span>, DiscError> {
        if zisofs.is_some() {
            let name = shown(name);
            notes.say(record.view.at, || {
                format!(
                    "`{name}` was compressed when the disc was made (zisofs), and cannot be read"
                )
            });
        }
        let mut extents = Extents::default();
        push(&mut extents, record.span, name, self.source.size())?;
        let extents = extents.cut(record.span.length).into();
        let modified = modified.or(record.modified);
        Ok(Made::File(File { size: record.span.length, extents, modified, zisofs }))
    }

    /// The name in the record, without its version.
    fn plain_name(&self, record: &Record<'_>) -> (String, u16) {
        let whole = match self.names {
            Names::Joliet => text::ucs2(record.name),
            _ => text::latin(record.name),
        };
        let (name, version) = match whole.rsplit_once(';') {
            Some((name, version)) => (name, version.parse().unwrap_or(1)),
            None => (&*whole, 1),
        };
        let bare = match self.names {
            // ISO 9660, 7.5.1: a dot even where nothing follows it.
            Names::Plain => name.strip_suffix('.').unwrap_or(name),
            _ => name,
        };
        (bare.to_owned(), version)
    }
}

/// The bytes of a file must be there.
fn push(extents: &mut Extents, span: Span, name: &str, size: u64) -> Result<(), DiscError> {
    let end = span.at.saturating_add(span.length);
    if span.length > 0 && end > size {
        return Err(DiscError::CutShort { what: format!("the file `{}`", shown(name)), end, size });
    }
    extents.push(Extent { offset: Some(span.at), length: span.length });
    Ok(())
}

/// A file of several extents (ISO 9660, 6.5.1): a record for each, in order, all of one name.
struct Parts {
    at: u64,
    raw_name: Vec<u8>,
    child: Child<Span>,
    extents: Extents,
}

impl Parts {
    fn new(record: &Record<'_>, child: Child<Span>) -> Self {
        let mut extents = Extents::default();
        extents.push(Extent { offset: Some(record.span.at), length: record.span.length });
        Self { at: record.view.at, raw_name: record.name.to_vec(), child, extents }
    }

    fn take(&mut self, record: &Record<'_>, size: u64) -> Result<(), DiscError> {
        if record.name != self.raw_name {
            return Err(self.unfinished());
        }
        push(&mut self.extents, record.span, &self.child.name, size)
    }

    fn done(self) -> Child<Span> {
        let size = self.extents.length();
        let mut child = self.child;
        if let Made::File(file) = &mut child.made {
            file.size = size;
            file.extents = self.extents.cut(size).into();
        }
        child
    }

    fn unfinished(&self) -> DiscError {
        let name = shown(&self.child.name);
        let found = format!("the file `{name}` goes on, but its next record is missing");
        DiscError::Broken { what: "a directory", at: self.at, found }
    }
}
