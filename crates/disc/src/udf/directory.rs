//! Directories of UDF: a file of file identifiers (ECMA-167, 4/14.4), each with an ICB.

use super::icb::{self, Icb};
use super::partition::{LongAd, Partitions};
use super::tag;
use crate::error::{DiscError, shown};
use crate::file::{Extent, File};
use crate::notes::Notes;
use crate::source::{Source, View, wide};
use crate::text;
use crate::tree::{Child, Made};

const HIDDEN: u8 = 0x01;
const DELETED: u8 = 0x04;
const PARENT: u8 = 0x08;

/// A file identifier without names.
const IDENTIFIER_MIN: usize = 38;

pub fn read(
    source: &mut Source<'_>,
    partitions: &Partitions,
    ad: LongAd,
    notes: &mut Notes,
) -> Result<Vec<Child<LongAd>>, DiscError> {
    let icb = Icb::read(source, partitions, ad)?;
    let what = "a directory of UDF";
    if icb.kind != icb::DIRECTORY {
        let found = format!("a file of kind {} stands where a directory should", icb.kind);
        return Err(DiscError::Broken { what, at: icb.at, found });
    }
    let (most, most_entries) = (source.limits().directory_bytes_max, source.limits().entries_max);
    let bytes = content(source, what, &icb, ("directory_bytes_max", u64::from(most)))?;
    let directory = View::new(what, icb.at, &bytes);
    let mut children = Vec::new();
    let mut from = 0_usize;
    while from < bytes.len() {
        let identifier = identifier(&directory, from)?;
        from = from.saturating_add(identifier.bytes.len());
        let kind = identifier.u8(18)?;
        if kind & (DELETED | PARENT) != 0 {
            continue;
        }
        children.push(child(source, partitions, &identifier, notes)?);
        if wide(children.len()) > u64::from(most_entries) {
            let (limit, most) = ("entries_max", u64::from(most_entries));
            return Err(DiscError::TooMuch { limit, most, at: icb.at });
        }
    }
    Ok(children)
}

/// One file identifier, with the padding after it.
fn identifier<'b>(directory: &View<'b>, from: usize) -> Result<View<'b>, DiscError> {
    let rest = directory.bytes.len().saturating_sub(from);
    let head = directory.inner("a file identifier of UDF", from, IDENTIFIER_MIN.min(rest))?;
    let name = usize::from(head.u8(19)?);
    let used = usize::from(head.u16(36)?);
    let length = IDENTIFIER_MIN.saturating_add(used).saturating_add(name);
    // The last one may come without its padding.
    let padded = length.next_multiple_of(4).min(rest.max(length));
    let whole = directory.inner("a file identifier of UDF", from, padded)?;
    match tag::check(&whole, None)? {
        tag::FILE_IDENTIFIER => Ok(whole),
        other => Err(tag::wrong(&whole, other, "a file identifier")),
    }
}

fn child(
    source: &mut Source<'_>,
    partitions: &Partitions,
    identifier: &View<'_>,
    notes: &mut Notes,
) -> Result<Child<LongAd>, DiscError> {
    let used = usize::from(identifier.u16(36)?);
    let raw =
        identifier.slice(IDENTIFIER_MIN.saturating_add(used), usize::from(identifier.u8(19)?))?;
    let name = text::osta(raw).ok_or_else(|| {
        let first = raw.first().copied().unwrap_or_default();
        identifier.broken(38, format!("its name is written in a way called {first}, not 8 or 16"))
    })?;
    let ad = LongAd::read(identifier, 20)?;
    let kind = identifier.u8(18)?;
    let icb = Icb::read(source, partitions, ad)?;
    let is_directory = icb.kind == icb::DIRECTORY;
    if is_directory != (kind & 0x02 != 0) {
        notes.say(icb.at, || {
            format!("`{}` is a directory by one word of the disc and none by another", shown(&name))
        });
    }
    let made = match icb.kind {
        icb::DIRECTORY => Made::Directory(icb.at, ad),
        icb::LINK => Made::Link(link(source, &icb)?),
        // 4/14.6.6: unspecified, a file, a file for real time.
        0 | 5 | 249 => Made::File(file(source, icb, &name)?),
        _ => Made::Special,
    };
    Ok(Child { name, version: identifier.u16(16)?, hidden: kind & HIDDEN != 0, made })
}

fn file(source: &Source<'_>, icb: Icb, name: &str) -> Result<File, DiscError> {
    let ends = icb.extents.iter().filter_map(|e| e.offset?.checked_add(e.length));
    let end = ends.max().unwrap_or_default();
    if end > source.size() {
        let what = format!("the file `{}`", shown(name));
        return Err(DiscError::CutShort { what, end, size: source.size() });
    }
    Ok(File { size: icb.size, extents: icb.extents.into(), modified: icb.modified, zisofs: None })
}

/// The target of a link: path components (4/14.16.1).
fn link(source: &mut Source<'_>, icb: &Icb) -> Result<String, DiscError> {
    let what = "a symbolic link of UDF";
    let most = u64::from(source.limits().path_bytes_max);
    let bytes = content(source, what, icb, ("path_bytes_max", most))?;
    let view = View::new(what, icb.at, &bytes);
    let mut target = String::new();
    let mut from = 0_usize;
    while from < bytes.len() {
        let (kind, length) = (view.u8(from)?, usize::from(view.u8(from.saturating_add(1))?));
        let raw = view.slice(from.saturating_add(4), length)?;
        from = from.saturating_add(4).saturating_add(length);
        if !target.is_empty() && !target.ends_with('/') {
            target.push('/');
        }
        match kind {
            1 | 2 => target = "/".to_owned(),
            3 => target.push_str(".."),
            4 => target.push('.'),
            5 => target.push_str(&text::osta(raw).unwrap_or_default()),
            kind => return Err(view.broken(0, format!("a part of its path is of kind {kind}"))),
        }
    }
    Ok(target)
}

/// The bytes of a directory or a link, which must be few.
fn content(
    source: &mut Source<'_>,
    what: &'static str,
    icb: &Icb,
    (limit, most): (&'static str, u64),
) -> Result<Vec<u8>, DiscError> {
    if icb.size > most {
        return Err(DiscError::TooMuch { limit, most, at: icb.at });
    }
    let mut bytes = Vec::new();
    for Extent { offset, length } in &icb.extents {
        let length = usize::try_from(*length).unwrap_or(usize::MAX);
        match offset {
            Some(at) => bytes.extend(source.bytes(what, *at, length)?),
            None => bytes.resize(bytes.len().saturating_add(length), 0),
        }
    }
    Ok(bytes)
}
