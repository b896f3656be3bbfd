//! ISO 9660 (ECMA-119): volume descriptors, and the tree they lead to.
//!
//! In: the places of the descriptors. Out: who made the disc, and its tree, by Rock Ridge where
//! there is any, else by Joliet, else as it is. Never: two of them mixed.

mod directory;
mod rock_ridge;
mod susp;

use crate::date::Date;
use crate::error::DiscError;
use crate::notes::Notes;
use crate::recognition::SECTOR;
use crate::source::{Source, View};
use crate::text::{padded, padded_ucs2};
use crate::tree::Tree;
use crate::volume::Ids;

/// Escape sequences of the three levels of UCS-2 in a supplementary descriptor: Joliet.
const JOLIET: [&[u8]; 3] = [b"%/@", b"%/C", b"%/E"];

/// A volume descriptor with a tree.
#[derive(Clone, Debug)]
pub struct Volume {
    pub ids: Ids,
    pub joliet: bool,
    /// How many bytes the disc says it has.
    pub declared: u64,
    block: u64,
    root: Span,
}

/// The bytes of a directory.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub at: u64,
    pub length: u64,
}

/// How the names of a tree are to be read.
#[derive(Clone, Copy, Debug)]
pub enum Names {
    Plain,
    Joliet,
    /// Rock Ridge, with the bytes that stand before its fields (SUSP, 5.3).
    RockRidge {
        skip: usize,
    },
}

impl Volume {
    /// Reads the descriptor at a byte of the image.
    pub fn read(source: &mut Source<'_>, at: u64) -> Result<Self, DiscError> {
        let bytes = source.bytes("a volume descriptor of ISO 9660", at, SECTOR)?;
        let view = View::new("a volume descriptor of ISO 9660", at, &bytes);
        let joliet = view.u8(0)? == 2 && JOLIET.contains(&view.slice(88, 3)?);
        let block = u64::from(view.u16(128)?);
        if !block.is_power_of_two() || !(512..=2048).contains(&block) {
            return Err(view.broken(128, format!("its blocks have {block} bytes, not 512 to 2048")));
        }
        let record = view.inner("the root directory's record", 156, 34)?;
        let root = directory::span(&record, block)?;
        let declared = u64::from(view.u32(80)?).saturating_mul(block);
        Ok(Self { ids: ids(&view, joliet)?, joliet, declared, block, root })
    }

    /// Whether the disc has Rock Ridge, and how many bytes its fields are to be found after.
    pub fn rock_ridge(&self, source: &mut Source<'_>) -> Result<Option<usize>, DiscError> {
        let own = directory::own_record(source, self.root.at)?;
        rock_ridge::skip(source, &own, self.block)
    }

    /// All names of the tree.
    pub fn tree(
        &self,
        source: &mut Source<'_>,
        names: Names,
        notes: &mut Notes,
    ) -> Result<Tree, DiscError> {
        directory::tree(source, self.root, self.block, names, notes)
    }
}

fn ids(view: &View<'_>, joliet: bool) -> Result<Ids, DiscError> {
    let text = |from, length| {
        let bytes = view.slice(from, length)?;
        Ok::<_, DiscError>(if joliet { padded_ucs2(bytes) } else { padded(bytes) })
    };
    Ok(Ids {
        system: text(8, 32)?,
        volume: text(40, 32)?,
        volume_set: text(190, 128)?,
        publisher: text(318, 128)?,
        preparer: text(446, 128)?,
        application: text(574, 128)?,
        copyright: text(702, 37)?,
        summary: text(739, 37)?,
        bibliography: text(776, 37)?,
        created: Date::long(view, 813)?,
        modified: Date::long(view, 830)?,
        expires: Date::long(view, 847)?,
        effective: Date::long(view, 864)?,
    })
}
