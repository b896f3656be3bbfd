//! Optical disc images, read in place: what is on them, and where each byte of it stands.
//!
//! ```text
//! image ─ReadAt─▶ recognition ─┬─ udf ── anchor ─ partition ─ icb ─ directory ─┐
//!                              ├─ iso ── directory ─ rock_ridge ─ susp ────────┼─▶ tree ─▶ find
//!                              └─ boot (El Torito) ────────────────────────────┘
//! ```
//!
//! In: the bytes of an image, by a reader of the caller's, and limits. Out: names, extents, boot
//! images, who made the disc; or why not, in words: which structure, at which byte, what was found.
//! Never: a file opened, a byte of a file copied to learn its place, recursion over what is on the
//! disc, a panic, a loop without a limit with a name.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod boot;
mod choice;
mod date;
mod error;
mod file;
mod find;
mod iso;
mod limits;
mod notes;
mod recognition;
mod source;
mod text;
mod tree;
mod udf;
mod volume;

pub use boot::{BootEntry, Emulation, Platform, SizedBy};
pub use date::Date;
pub use error::DiscError;
pub use file::{Extent, File};
pub use find::NotFound;
pub use limits::Limits;
pub use source::ReadAt;
pub use tree::{Entry, Id, What};
pub use volume::{Format, Ids, Volume};

use notes::Notes;
use source::Source;
use tree::Tree;

/// A disc: its names, and where their bytes stand in the image.
#[derive(Debug)]
pub struct Disc {
    tree: Tree,
    volume: Volume,
    boot: Vec<BootEntry>,
}

impl Disc {
    /// The root directory of every disc.
    pub const ROOT: Id = Id(0);

    /// Reads all names of a disc. UDF comes first: a disc for Windows shows only a readme in its
    /// ISO 9660 side. A UDF that cannot be read leaves ISO 9660, with a remark.
    pub fn open(image: &dyn ReadAt, limits: Limits) -> Result<Self, DiscError> {
        let mut source = Source::new(image, limits);
        let mut notes = Notes::new(limits);
        let recognised = recognition::recognise(&mut source)?;
        let (tree, mut volume) = choice::choose(&mut source, &recognised, &mut notes)?;
        let boot = boot::entries(&mut source, &recognised.boot, &tree, &mut notes);
        volume.hybrid = hybrid(&mut source)?;
        if let Some(declared) = volume.declared.filter(|declared| *declared > source.size()) {
            let size = source.size();
            notes.tell(format!("the disc says it has {declared} bytes, but the image has {size}"));
        }
        volume.notes = notes.done();
        Ok(Self { tree, volume, boot })
    }

    /// What the disc says of itself as a whole, which of its file systems is told, and why.
    #[must_use]
    pub fn volume(&self) -> &Volume {
        &self.volume
    }

    /// Every entry of the boot catalogue, those whose image no file names among them.
    #[must_use]
    pub fn boot(&self) -> &[BootEntry] {
        &self.boot
    }

    /// An entry.
    #[must_use]
    pub fn entry(&self, id: Id) -> Option<Entry<'_>> {
        self.tree.entry(id.0)
    }

    /// The entries of a directory, in the order of their names without regard to letter case. What
    /// is no directory has none.
    pub fn entries(&self, directory: Id) -> impl Iterator<Item = Entry<'_>> {
        self.tree.range(directory.0).filter_map(|id| self.tree.entry(id))
    }

    /// All entries but the root, each directory before what is in it.
    pub fn walk(&self) -> impl Iterator<Item = Entry<'_>> {
        let all = std::iter::successors(self.tree.next(0), |id| self.tree.next(*id));
        all.filter_map(|id| self.tree.entry(id))
    }

    /// The path of an entry, from the root on, with `/`.
    #[must_use]
    pub fn path(&self, id: Id) -> String {
        self.tree.path(id)
    }

    /// The entry a path leads to: as it is written; else without regard to letter case and with `\`
    /// as `/`, and where a directory then has several, the one that is written so or the first.
    /// Symbolic links are followed, within the disc.
    pub fn find(&self, path: &str) -> Result<Entry<'_>, NotFound> {
        find::find(&self.tree, path, true)
    }

    /// The same, but a symbolic link at the path's very end is not followed.
    pub fn find_link(&self, path: &str) -> Result<Entry<'_>, NotFound> {
        find::find(&self.tree, path, false)
    }
}

/// An MBR with a partition in the sectors that a disc leaves free.
fn hybrid(source: &mut Source<'_>) -> Result<bool, DiscError> {
    let bytes = source.bytes("the first sector", 0, 512)?;
    let table = bytes.get(446..510).unwrap_or_default();
    Ok(bytes.ends_with(&[0x55, 0xaa]) && table.iter().any(|byte| *byte != 0))
}
