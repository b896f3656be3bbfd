//! Which of a disc's file systems is told.
//!
//! In: what was recognised. Out: one tree, and why that one. Never: a disc that was cut short
//! passed off as one that has just a readme.

use crate::error::DiscError;
use crate::iso::{self, Names};
use crate::notes::Notes;
use crate::recognition::Recognised;
use crate::source::Source;
use crate::tree::Tree;
use crate::udf;
use crate::volume::{Format, Volume};

/// UDF if it can be read; else ISO 9660, by Rock Ridge, by Joliet, or as it is.
pub fn choose(
    source: &mut Source<'_>,
    recognised: &Recognised,
    notes: &mut Notes,
) -> Result<(Tree, Volume), DiscError> {
    let iso = recognised.primary.map(|at| Iso::read(source, at, recognised, notes));
    let udf = recognised.nsr.map(|_| read_udf(source, notes));
    match (udf, iso) {
        (Some(Ok((udf, tree))), iso) => {
            let iso = match iso {
                Some(Err(error)) => {
                    notes.tell(format!("its ISO 9660 side is not read: {error}"));
                    None
                }
                Some(Ok(iso)) => Some(iso),
                None => None,
            };
            Ok((tree, by_udf(udf, iso)))
        }
        (Some(Err(error)), Some(Ok(iso))) if !cut_short(&error, &iso, source.size()) => {
            let tree = iso.tree(source, notes)?;
            let because = format!("its UDF cannot be read: {error}");
            notes.tell(because.clone());
            Ok((tree, by_iso(iso, because, true)))
        }
        (Some(Err(error)), _) => Err(error),
        (None, Some(iso)) => {
            let iso = iso?;
            let tree = iso.tree(source, notes)?;
            let because = iso.because().to_owned();
            Ok((tree, by_iso(iso, because, false)))
        }
        (None, None) => Err(DiscError::NotADisc { why: "nothing was recognised".to_owned() }),
    }
}

fn read_udf(source: &mut Source<'_>, notes: &mut Notes) -> Result<(udf::Volume, Tree), DiscError> {
    let volume = udf::Volume::read(source)?;
    let tree = volume.tree(source, notes)?;
    Ok((volume, tree))
}

/// Whether bytes are missing that the disc says it has. Its ISO 9660 side is then no way out.
fn cut_short(error: &DiscError, iso: &Iso, size: u64) -> bool {
    match error {
        DiscError::Reading { .. } => true,
        DiscError::CutShort { .. } => iso.primary.declared > size,
        _ => false,
    }
}

fn by_udf(udf: udf::Volume, iso: Option<Iso>) -> Volume {
    let used = Format::Udf(udf.revision);
    let because = match &iso {
        Some(_) => {
            "UDF comes first: where a disc has both, its ISO 9660 side may hold just a readme"
        }
        None => "it has nothing but UDF",
    };
    let mut volume = of_iso(iso, used, because.to_owned());
    volume.found.insert(0, used);
    volume.udf = Some(udf.ids);
    volume
}

fn by_iso(iso: Iso, because: String, udf_damaged: bool) -> Volume {
    let used = iso.formats().first().copied().unwrap_or(Format::Iso9660);
    let mut volume = of_iso(Some(iso), used, because);
    volume.found.extend(udf_damaged.then_some(Format::UdfDamaged));
    volume
}

fn of_iso(iso: Option<Iso>, used: Format, because: String) -> Volume {
    let found = iso.as_ref().map(Iso::formats).unwrap_or_default();
    let declared = iso.as_ref().map(|iso| iso.primary.declared);
    let (iso, joliet) = iso.map(|iso| (iso.primary.ids, iso.joliet.map(|j| j.ids))).unzip();
    let joliet = joliet.flatten();
    let (udf, hybrid, notes) = (None, false, Vec::new());
    Volume { iso, joliet, udf, found, used, because, declared, hybrid, notes }
}

/// The ISO 9660 side of a disc.
struct Iso {
    primary: iso::Volume,
    joliet: Option<iso::Volume>,
    /// Bytes before the fields of Rock Ridge, if there is any.
    rock_ridge: Option<usize>,
}

impl Iso {
    fn read(
        source: &mut Source<'_>,
        at: u64,
        recognised: &Recognised,
        notes: &mut Notes,
    ) -> Result<Self, DiscError> {
        let primary = iso::Volume::read(source, at)?;
        let mut joliet = None;
        for at in &recognised.supplementary {
            match iso::Volume::read(source, *at) {
                Ok(volume) if volume.joliet && joliet.is_none() => joliet = Some(volume),
                Ok(_) => {}
                Err(error) => notes.tell(format!("a second set of names is not read: {error}")),
            }
        }
        let rock_ridge = primary.rock_ridge(source)?;
        Ok(Self { primary, joliet, rock_ridge })
    }

    /// What there is, the best first.
    fn formats(&self) -> Vec<Format> {
        let rock_ridge = self.rock_ridge.map(|_| Format::RockRidge);
        let joliet = self.joliet.as_ref().map(|_| Format::Joliet);
        rock_ridge.into_iter().chain(joliet).chain([Format::Iso9660]).collect()
    }

    fn because(&self) -> &'static str {
        match (self.rock_ridge, &self.joliet) {
            (Some(_), Some(_)) => {
                "Rock Ridge comes before Joliet: it keeps whole names, links and deep directories"
            }
            (Some(_), None) => "Rock Ridge keeps the names that ISO 9660 shortens",
            (None, Some(_)) => "Joliet keeps the names that ISO 9660 shortens",
            (None, None) => "it has nothing but ISO 9660",
        }
    }

    fn tree(&self, source: &mut Source<'_>, notes: &mut Notes) -> Result<Tree, DiscError> {
        match (self.rock_ridge, &self.joliet) {
            (Some(skip), _) => self.primary.tree(source, Names::RockRidge { skip }, notes),
            (None, Some(joliet)) => joliet.tree(source, Names::Joliet, notes),
            (None, None) => self.primary.tree(source, Names::Plain, notes),
        }
    }
}
