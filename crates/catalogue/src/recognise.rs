//! What some files are together: which recipe starts them, on which machines, and why we think so.
//!
//! In: a [`Tree`]. Out: [`Recognised`]. Never: a decision that is not told: which row, which files it
//! rests on, and where no row fits, which came near and what they miss.

use crate::facts::{Facts, archs};
use crate::kernel;
use crate::pe;
use crate::row::{Fit, Row};
use crate::rows::{self, bare};
use crate::tree::{Tree, shown};
use model::Arch;
use model::image::{AnswerWay, Loads, Recipe, Way};
use std::fmt;

/// Where the version of a Debian netboot tree stands when only its inner folder is imported.
/// [`recognise`] asks for it like for a file of the image; whoever cannot read it gives nothing.
pub const ABOVE: &str = "../../version.info";

/// Rows that are told as near.
const NEAR_MAX: usize = 3;

/// What an image is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recognised {
    /// How it is started.
    pub recipe: Recipe,
    /// What it is, in words.
    pub title: String,
    /// Its version, as a text on it says; shown.
    pub version: Option<String>,
    /// Where it runs; empty means unknown.
    pub archs: Vec<Arch>,
    /// Why we think so, in words.
    pub recognised_by: String,
    /// What else is worth knowing, a sentence each.
    pub notes: Vec<String>,
    /// Rows that came near, where none fits.
    pub looked_for: Vec<Near>,
}

/// A row of the catalogue that does not fit, though some of it is there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Near {
    /// Which.
    pub row: &'static str,
    /// Of which system.
    pub name: &'static str,
    /// Files of it that are there, shown.
    pub there: Vec<String>,
    /// What is missing, in words.
    pub missing: Vec<String>,
}

impl fmt::Display for Near {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (there, missing) = (self.there.join(", "), self.missing.join(", "));
        write!(f, "not {} (row {}): {there} there, but not {missing}", self.name, self.row)
    }
}

/// Says what these files are. The first row of the catalogue that fits wins; where a later one rests
/// on the very same files, the volume identifier decides.
#[must_use]
pub fn recognise(tree: &Tree<'_>) -> Recognised {
    let mut recognised = rows::netboot(tree)
        .or_else(|| best(tree).map(|(row, fit)| described(tree, row, &fit)))
        .or_else(|| bare::memtest(tree))
        .or_else(|| bare::disc(tree))
        .or_else(|| bare::linux(tree))
        .or_else(|| bare::efi(tree))
        .unwrap_or_else(|| bare::only_files(tree));
    if rows::is_bare(&recognised.recipe.kind) {
        recognised.looked_for = nearest(tree);
    }
    if tree.cut() {
        recognised.notes.push(format!(
            "there are more than {} files; what comes after them was not looked at",
            crate::tree::FILES_MAX
        ));
    }
    recognised
}

/// All rows of the table that fit, in their order: which of them shadow each other.
#[must_use]
pub fn fitting(tree: &Tree<'_>) -> Vec<String> {
    let all = rows::ROWS.iter().filter(|row| row.fit(tree).is_some());
    all.map(|row| format!("{} ({})", row.kind, row.name)).collect()
}

fn best<'t>(tree: &Tree<'t>) -> Option<(&'static Row, Fit<'t>)> {
    let mut best: Option<(&'static Row, Fit<'t>)> = None;
    for row in rows::ROWS {
        let Some(fit) = row.fit(tree) else { continue };
        let Some((first, found)) = &best else {
            best = Some((row, fit));
            continue;
        };
        let tied = found.files == fit.files;
        if tied && row.wins_ties(tree, &fit) && !first.wins_ties(tree, found) {
            best = Some((row, fit));
        }
    }
    best
}

fn nearest(tree: &Tree<'_>) -> Vec<Near> {
    let mut near: Vec<Near> = rows::ROWS.iter().filter_map(|row| row.near(tree)).collect();
    near.sort_by_key(|near| (near.missing.len(), std::cmp::Reverse(near.there.len())));
    near.truncate(NEAR_MAX);
    near
}

/// All that a row says of a tree that it fits.
fn described(tree: &Tree<'_>, row: &Row, fit: &Fit<'_>) -> Recognised {
    let facts = (row.facts)(tree);
    let mut recognised = Recognised {
        recipe: recipe(row, fit),
        version: facts.version.clone(),
        archs: fit.archs.clone(),
        recognised_by: why(tree, row, fit, &facts),
        notes: row.notes.iter().map(|note| (*note).to_owned()).collect(),
        ..Recognised::default()
    };
    let told = facts.processor.map(archs).unwrap_or_default();
    if recognised.archs.is_empty() {
        recognised.archs = told.to_vec();
    } else if !told.is_empty() && !recognised.archs.iter().any(|arch| told.contains(arch)) {
        let (from, says) = (facts.from.unwrap_or_default(), facts.processor.unwrap_or_default());
        let archs: Vec<String> = recognised.archs.iter().map(ToString::to_string).collect();
        recognised.notes.push(format!(
            "{from} says {says}, but its kernel is for {}; the kernel is believed",
            archs.join(" and ")
        ));
    }
    recognised.title = title(row, fit, &facts);
    recognised.archs.sort_unstable();
    recognised.archs.dedup();
    if row.way == Way::Kernel {
        recognised.notes.extend(fit.initrds.iter().filter_map(|path| odd_initrd(tree, path)));
    }
    (row.more)(tree, &mut recognised);
    recognised.notes.extend(own_loaders(tree));
    without_disc(tree, &mut recognised);
    recognised
}

fn recipe(row: &Row, fit: &Fit<'_>) -> Recipe {
    let load = fit.load.map(model::url::path).unwrap_or_default();
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Recipe {
        kind: row.kind.to_owned(),
        way: row.way,
        kernel: fit.kernel.as_ref().map(|(path, _)| (*path).to_owned()),
        initrds: texts(&fit.initrds),
        initrd_args: texts(row.initrd_args),
        disc_as: row.disc_as.map(str::to_owned),
        args: row.args.replace("{LOAD}", &load),
        answer: row.answer.map(|(format, argument)| AnswerWay {
            format: format.to_owned(),
            argument: argument.to_owned(),
        }),
        loads: Loads {
            files: fit.load.iter().map(|path| (*path).to_owned()).collect(),
            discs: row.discs,
            more_mib: row.more_mib,
            less: row.less.map(str::to_owned),
        },
        confidence: Some(row.confidence),
        ..Recipe::default()
    }
}

/// `Debian GNU/Linux 12.5.0 (amd64)`.
fn title(row: &Row, fit: &Fit<'_>, facts: &Facts) -> String {
    let mut title = facts.name.clone().unwrap_or_else(|| row.name.to_owned());
    if let Some(version) = &facts.version {
        title.push_str(&format!(" {version}"));
    }
    let kernel = fit.kernel.as_ref().and_then(|(_, kernel)| kernel.as_ref());
    let processor = kernel.map(|kernel| kernel.processor).or(facts.processor);
    if let Some(processor) = processor.filter(|processor| *processor != "unknown") {
        title.push_str(&format!(" ({processor})"));
    }
    title
}

fn why(tree: &Tree<'_>, row: &Row, fit: &Fit<'_>, facts: &Facts) -> String {
    let mut parts = Vec::new();
    for path in &fit.files {
        let mut part = shown(path);
        if let Some((_, Some(kernel))) = fit.kernel.as_ref().filter(|(own, _)| own == path) {
            part.push_str(&format!(" ({})", kernel.words()));
        }
        parts.push(part);
    }
    let mut why = format!("row {} of the catalogue: {}", row.kind, parts.join(", "));
    if let Some(volume) = tree.volume().filter(|volume| !volume.id.is_empty()) {
        why.push_str(&format!("; the disc is called {}", shown(&volume.id)));
    }
    if let Some(from) = facts.from.filter(|_| facts.version.is_some()) {
        why.push_str(&format!("; version from {from}"));
    }
    why
}

/// Linux would refuse it; the disc may be damaged.
fn odd_initrd(tree: &Tree<'_>, path: &str) -> Option<String> {
    let packed = kernel::initrd(&tree.head(path, kernel::INITRD_HEAD));
    packed.is_none().then(|| {
        format!("{} does not begin like an initrd that Linux unpacks; is it damaged?", shown(path))
    })
}

/// Loaders of the disc itself. A GRUB on a disc reads its own disc; whether it can use a network is
/// not told by its headers, so that it is not offered.
fn own_loaders(tree: &Tree<'_>) -> Option<String> {
    let signed = |pattern: &str| {
        let signed = |path: &&&str| {
            pe::application(&tree.head(path, kernel::HEAD)).is_some_and(|program| program.signed)
        };
        tree.glob(pattern).iter().find(signed).map(|path| shown(path))
    };
    let (shim, grub) = (signed("efi/boot/boot*.efi")?, signed("efi/boot/grub*.efi")?);
    Some(format!(
        "{shim} and {grub} are signed, but made to start from the disc; whether they can use a \
         network is not known, so machines with Secure Boot get the server's signed loaders"
    ))
}

/// What needs the disc as a whole cannot be started where there are only its files.
fn without_disc(tree: &Tree<'_>, recognised: &mut Recognised) {
    let recipe = &mut recognised.recipe;
    let needs = recipe.way == Way::Disc
        || recipe.disc_as.is_some()
        || recipe.loads.discs > 0
        || recipe.args.contains("{I}");
    if !needs || tree.volume().is_some() {
        return;
    }
    let Recipe { kind, confidence, .. } = std::mem::take(recipe);
    *recipe = Recipe { kind, confidence, ..Recipe::default() };
    recognised.notes.push(
        "this system fetches the whole disc, and only its files are here: import the .iso file itself"
            .to_owned(),
    );
}
