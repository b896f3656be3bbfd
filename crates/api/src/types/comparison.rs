//! What differs between two versions of an image.

use super::ImageView;
use library::compare::{Differs, Fate, compare};
use model::Image;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Files that are listed.
const FILES_MAX: usize = 500;

/// What differs between two versions of an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImageComparison {
    /// The image.
    pub name: String,
    /// The older of the two, or whichever was named first.
    pub from: u32,
    /// The other.
    pub to: u32,
    /// What is said of the image and differs.
    pub facts: Vec<FactDiffers>,
    /// Files that are only in the second.
    pub added: usize,
    /// Files that are only in the first.
    pub removed: usize,
    /// Files whose content differs.
    pub changed: usize,
    /// Files of two discs that have the same length; nobody compared their bytes.
    pub alike: usize,
    /// Files with the same bytes.
    pub same: usize,
    /// Files that differ, by their path, the first of them.
    pub files: Vec<FileDiffers>,
    /// How many more differ that are not listed.
    pub more: usize,
}

/// Something that is said of an image, in two versions.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FactDiffers {
    /// What: the name of the image's field.
    pub what: String,
    /// In the first; a line each, where it is several.
    pub from: Vec<String>,
    /// In the second.
    pub to: Vec<String>,
}

/// A file that is not the same in two versions.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FileDiffers {
    /// Its path.
    pub path: String,
    /// What became of it.
    pub what: FileFate,
    /// Bytes in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Bytes in the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileFate {
    /// Only in the second.
    Added,
    /// Only in the first.
    Removed,
    /// In both, with other bytes.
    Changed,
}

impl From<Differs<'_>> for FileDiffers {
    fn from(differs: Differs<'_>) -> Self {
        let (what, from, to) = match differs.fate {
            Fate::Added(to) => (FileFate::Added, None, Some(to)),
            Fate::Removed(from) => (FileFate::Removed, Some(from), None),
            Fate::Changed(from, to) => (FileFate::Changed, Some(from), Some(to)),
        };
        Self { path: differs.path.to_owned(), what, from, to }
    }
}

impl ImageComparison {
    /// Compares two versions.
    pub fn of(from: &Image, to: &Image) -> Self {
        let compared = compare(&from.assets, &to.assets, FILES_MAX);
        Self {
            name: to.name.clone(),
            from: from.version,
            to: to.version,
            facts: facts(from, to),
            added: compared.added,
            removed: compared.removed,
            changed: compared.changed,
            alike: compared.alike,
            same: compared.same,
            more: compared.more(),
            files: compared.listed.into_iter().map(FileDiffers::from).collect(),
        }
    }
}

/// What is said of both and differs.
fn facts(from: &Image, to: &Image) -> Vec<FactDiffers> {
    let said = |image: &Image| {
        let view = ImageView::from(image);
        let one = |text: String| if text.is_empty() { Vec::new() } else { vec![text] };
        let mut signers: Vec<String> =
            image.secure_boot.files.iter().flat_map(|file| file.signers.clone()).collect();
        signers.sort();
        signers.dedup();
        [
            ("title", one(view.title)),
            ("archs", view.archs),
            ("kind", one(view.kind)),
            ("kernel", view.kernel.into_iter().collect()),
            ("initrds", view.initrds),
            ("args", one(view.args)),
            ("answer", view.answer.into_iter().map(|way| way.format).collect()),
            ("memory_mib", view.memory_mib.into_iter().map(|mib| mib.to_string()).collect()),
            ("disc", view.disc.into_iter().map(|disc| disc.format).collect()),
            ("trust", one(view.trust)),
            ("signers", signers),
            ("secure_boot", view.secure_boot.verdict),
            ("notes", view.notes),
            ("size", vec![view.size.to_string()]),
            ("files", vec![view.files.to_string()]),
        ]
    };
    let beside = said(from).into_iter().zip(said(to));
    let differ = beside.filter(|((_, from), (_, to))| from != to);
    differ.map(|((what, from), (_, to))| FactDiffers { what: what.to_owned(), from, to }).collect()
}
