//! UDF (ECMA-167 as OSTA narrowed it), revisions 1.02 to 2.60.
//!
//! ```text
//! anchor ─▶ volume descriptors ─▶ partitions ─▶ file set ─▶ root ICB ─▶ directories ─▶ ICBs
//! ```
//!
//! In: an image in which `NSR02` or `NSR03` was seen. Out: who made the disc, its revision, its
//! tree. Never: a descriptor taken without its checksum.

mod anchor;
mod directory;
mod icb;
mod partition;
mod tag;

use crate::error::DiscError;
use crate::notes::Notes;
use crate::source::{Source, View};
use crate::tree::{Growing, Tree};
use crate::volume::Ids;
use partition::{LongAd, Partitions};

/// A UDF volume whose file set is known.
#[derive(Debug)]
pub struct Volume {
    pub ids: Ids,
    /// 0x0102 is 1.02.
    pub revision: u16,
    partitions: Partitions,
    root: LongAd,
}

impl Volume {
    /// From the anchor to the file set descriptor.
    pub fn read(source: &mut Source<'_>) -> Result<Self, DiscError> {
        let anchor = anchor::find(source)?;
        let described = anchor::descriptors(source, &anchor)?;
        let (ids, revision, first_set) = (described.ids, described.revision, described.file_set);
        let partitions =
            Partitions::read(source, anchor.block, &described.logical, &described.partitions)?;
        let root = file_set(source, &partitions, first_set)?;
        Ok(Self { ids, revision, partitions, root })
    }

    /// All names of the tree.
    pub fn tree(&self, source: &mut Source<'_>, notes: &mut Notes) -> Result<Tree, DiscError> {
        let parts = &self.partitions;
        let root_at = parts.place(self.root.partition, self.root.block)?;
        let mut growing = Growing::new(source.limits(), root_at, self.root);
        while let Some((id, ad)) = growing.next() {
            let children = directory::read(source, parts, ad, notes)?;
            growing.add(id, children, notes)?;
        }
        Ok(growing.done())
    }
}

/// The file set descriptor (ECMA-167, 4/14.1): where the root directory is. The last of several
/// counts, as on discs that were written to again.
fn file_set(
    source: &mut Source<'_>,
    partitions: &Partitions,
    first: LongAd,
) -> Result<LongAd, DiscError> {
    let what = "the file set descriptor of UDF";
    let mut next = first;
    let mut root = None;
    for _ in 0..=source.limits().continuation_hops_max {
        let at = partitions.place(next.partition, next.block)?;
        let bytes = source.bytes(what, at, partitions.block_bytes())?;
        let view = View::new(what, at, &bytes);
        match (tag::check(&view, Some(next.block)), root) {
            (Ok(tag::FILE_SET), _) => root = Some(LongAd::read(&view, 400)?),
            // What follows the last one is a terminator, or was never written.
            (_, Some(root)) => return Ok(root),
            (Ok(other), None) => return Err(tag::wrong(&view, other, what)),
            (Err(error), None) => return Err(error),
        }
        let continued = LongAd::read(&view, 448)?;
        match root {
            Some(root) if continued.length == 0 => return Ok(root),
            _ => next = continued,
        }
    }
    let (limit, most) = ("continuation_hops_max", u64::from(source.limits().continuation_hops_max));
    Err(DiscError::TooMuch { limit, most, at: partitions.place(first.partition, first.block)? })
}
