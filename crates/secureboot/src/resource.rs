//! The security version number in a Windows boot program.
//!
//! In: a PE's resources. Out: the number, if the program has one: resource type 10 (RCDATA) named
//! `BOOTMGRSECURITYVERSIONNUMBER`, two 16-bit numbers, minor first (so read by public tools for
//! CVE-2023-24932, MediaInfo and Check-UEFISecureBootVariables among them). Never: recursion; a
//! resource tree has three floors and each is looked through once.

use crate::bytes::{place_at, slice, u16_at, u32_at};
use crate::lists::Svn;
use crate::pe::Pe;

/// RT_RCDATA
const RCDATA: u32 = 10;
const NAME: &str = "BOOTMGRSECURITYVERSIONNUMBER";
/// Entries of one floor that are looked at.
const ENTRIES_MAX: usize = 1024;
/// The highest bit of a name: it is a text; of a place: it is a floor and no leaf.
const FLAG: u32 = 0x8000_0000;

/// The number, if it is there.
pub fn svn(pe: &Pe, bytes: &[u8]) -> Option<Svn> {
    let (address, length) = pe.resources;
    let tree = pe.at_address(bytes, address, length).filter(|_| length > 0)?;
    let names = floor(tree, entries(tree, 0).find(|(id, _)| *id == RCDATA)?.1)?;
    let is_named = |(id, _): &(u32, u32)| id & FLAG != 0 && text_is(tree, id & !FLAG, NAME);
    let languages = floor(tree, entries(tree, names).find(is_named)?.1)?;
    let (_, leaf) = entries(tree, languages).next()?;
    let leaf = usize::try_from(leaf).ok().filter(|_| leaf & FLAG == 0)?;
    let data = pe.at_address(bytes, place_at(tree, leaf)?, 4)?;
    Some(Svn { minor: u16_at(data, 0)?, major: u16_at(data, 2)? })
}

/// IMAGE_RESOURCE_DIRECTORY: 12 bytes, how many entries have names, how many numbers; then entries.
fn entries(tree: &[u8], at: usize) -> impl Iterator<Item = (u32, u32)> {
    let count = |more: usize| usize::from(u16_at(tree, at.saturating_add(more)).unwrap_or(0));
    let count = count(12).saturating_add(count(14)).min(ENTRIES_MAX);
    (0..count).map_while(move |number| {
        let entry = at.checked_add(16)?.checked_add(number.checked_mul(8)?)?;
        Some((u32_at(tree, entry)?, u32_at(tree, entry.checked_add(4)?)?))
    })
}

fn floor(tree: &[u8], place: u32) -> Option<usize> {
    let at = usize::try_from(place & !FLAG).ok()?;
    (place & FLAG != 0 && at < tree.len()).then_some(at)
}

/// A counted text in UTF-16.
fn text_is(tree: &[u8], at: u32, text: &str) -> bool {
    let wanted: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let Ok(at) = usize::try_from(at) else { return false };
    u16_at(tree, at).map(usize::from) == Some(text.len())
        && slice(tree, at.saturating_add(2), wanted.len()) == Some(wanted.as_slice())
}
