//! What was acknowledged, as a plain list, and whether what is seen is it.
//!
//! In: acts with their acknowledgements, what is seen after a start. Out: what is on the shelf, or
//! which promise was broken. Never: a file, a clock, a server.

use std::collections::BTreeMap;
use std::fmt;

/// The number of a source.
pub type Source = usize;

/// What an operator asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Act {
    /// A new version.
    Import {
        /// Of this image.
        name: String,
        /// From this source.
        source: Source,
    },
    /// A version becomes `stable`.
    Promote {
        /// Image.
        name: String,
        /// Version.
        version: u32,
    },
    /// `stable` becomes what it was before.
    Rollback(String),
    /// A version goes, or all.
    Remove {
        /// Image.
        name: String,
        /// Only this one.
        version: Option<u32>,
    },
}

impl fmt::Display for Act {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Import { name, source } => write!(out, "import {name} from source {source}"),
            Self::Promote { name, version } => write!(out, "promote {name} version {version}"),
            Self::Rollback(name) => write!(out, "rollback {name}"),
            Self::Remove { name, version: Some(v) } => write!(out, "remove {name} version {v}"),
            Self::Remove { name, version: None } => write!(out, "remove {name}"),
        }
    }
}

/// Images and their versions, each with the source it was made from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Shelf {
    images: BTreeMap<String, Image>,
    /// The highest number that was given under a name; none is given twice, whatever was removed.
    highest: BTreeMap<String, u32>,
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Image {
    versions: BTreeMap<u32, Source>,
    stable: u32,
    /// What was `stable` before, the latest last.
    past: Vec<u32>,
}

/// What is there after a start.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Seen {
    /// Versions of each image, with the source that their bytes are of.
    pub versions: BTreeMap<String, BTreeMap<u32, Source>>,
    /// The source that the bytes of `stable` are of.
    pub stable: BTreeMap<String, Source>,
}

impl Shelf {
    /// Whether the image is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.images.contains_key(name)
    }

    /// Whether this version is.
    #[must_use]
    pub fn is_there(&self, name: &str, version: u32) -> bool {
        self.images.get(name).is_some_and(|image| image.versions.contains_key(&version))
    }

    /// The versions of an image.
    #[must_use]
    pub fn versions(&self, name: &str) -> Vec<u32> {
        self.images
            .get(name)
            .map(|image| image.versions.keys().copied().collect())
            .unwrap_or_default()
    }

    /// Every version of every image.
    pub fn all(&self) -> impl Iterator<Item = (String, u32, Source)> {
        let of = |(name, image): (&String, &Image)| -> Vec<(String, u32, Source)> {
            image
                .versions
                .iter()
                .map(|(version, source)| (name.clone(), *version, *source))
                .collect()
        };
        self.images.iter().flat_map(of).collect::<Vec<_>>().into_iter()
    }

    /// Sources of `count` that no version of this image was made from: versions are told apart by
    /// their bytes.
    #[must_use]
    pub fn unused(&self, name: &str, count: usize) -> Vec<Source> {
        let used = |source: &Source| {
            self.images
                .get(name)
                .is_some_and(|image| image.versions.values().any(|one| one == source))
        };
        (0..count).filter(|source| !used(source)).collect()
    }

    /// Versions that `stable` can be moved to.
    #[must_use]
    pub fn promotable(&self, name: &str) -> Vec<u32> {
        let Some(image) = self.images.get(name) else { return Vec::new() };
        let full = image.past.len() >= PAST_MAX;
        image.versions.keys().copied().filter(|v| !full && *v != image.stable).collect()
    }

    /// Versions that no machine would miss: neither `stable`, nor on the way back.
    #[must_use]
    pub fn removable(&self, name: &str) -> Vec<u32> {
        let Some(image) = self.images.get(name) else { return Vec::new() };
        let kept = |version: &u32| *version == image.stable || image.past.contains(version);
        image.versions.keys().copied().filter(|version| !kept(version)).collect()
    }

    /// Whether there is a way back.
    #[must_use]
    pub fn can_roll_back(&self, name: &str) -> bool {
        self.images.get(name).is_some_and(|image| !image.past.is_empty())
    }

    /// The same after an act; an import has the number it was acknowledged with.
    ///
    /// # Errors
    /// When it cannot have been done: an import without a number or with one that is in use.
    pub fn after(&self, act: &Act, version: Option<u32>) -> Result<Self, String> {
        let mut next = self.clone();
        match act {
            Act::Import { name, source } => {
                let number = version.ok_or("an import was acknowledged without its version")?;
                let highest = next.highest.entry(name.clone()).or_default();
                if number <= *highest {
                    return Err(format!("{name} version {number} was given before"));
                }
                *highest = number;
                let first = !self.has(name);
                let image = next.images.entry(name.clone()).or_default();
                image.versions.insert(number, *source);
                if first {
                    image.stable = number;
                }
            }
            Act::Promote { name, version } => {
                let image = next.images.get_mut(name).ok_or("it is not there")?;
                image.past.push(image.stable);
                image.stable = *version;
            }
            Act::Rollback(name) => {
                let image = next.images.get_mut(name).ok_or("it is not there")?;
                image.stable = image.past.pop().ok_or("there is no way back")?;
            }
            Act::Remove { name, version: Some(version) } => {
                let image = next.images.get_mut(name).ok_or("it is not there")?;
                image.versions.remove(version).ok_or("it is not there")?;
            }
            Act::Remove { name, version: None } => {
                next.images.remove(name).ok_or("it is not there")?;
            }
        }
        Ok(next)
    }

    /// What is on the shelf, when `pending` was asked for and nothing was heard of it.
    ///
    /// # Errors
    /// The broken promise: neither what was acknowledged is seen, nor that and all of `pending`.
    pub fn settle(&self, pending: Option<&Act>, seen: &Seen) -> Result<Self, String> {
        let done = pending.and_then(|act| self.after(act, self.new_version(act, seen)).ok());
        let fits = |shelf: &&Self| shelf.shown() == *seen;
        if let Some(found) = [Some(self), done.as_ref()].into_iter().flatten().find(fits) {
            return Ok(found.clone());
        }
        let or = match (pending, done) {
            (Some(act), Some(done)) => format!("\nor, after {act}: {}", done.shown()),
            (Some(act), None) => format!("\nor that with all of `{act}`"),
            (None, _) => String::new(),
        };
        Err(format!("promised: {}{or}\nbut seen: {seen}", self.shown()))
    }

    /// The number that an import got, if it can be seen.
    fn new_version(&self, act: &Act, seen: &Seen) -> Option<u32> {
        let Act::Import { name, .. } = act else { return None };
        let mut new = seen.versions.get(name)?.keys().filter(|v| !self.is_there(name, **v));
        new.next().copied()
    }

    fn shown(&self) -> Seen {
        let mut shown = Seen::default();
        for (name, image) in &self.images {
            shown.versions.insert(name.clone(), image.versions.clone());
            let stable = image.versions.get(&image.stable);
            shown.stable.extend(stable.map(|source| (name.clone(), *source)));
        }
        shown
    }
}

/// A way back that is longer is not tried: a server may forget it.
const PAST_MAX: usize = 16;

impl fmt::Display for Seen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.versions.is_empty() && self.stable.is_empty() {
            return write!(out, "nothing");
        }
        for (name, versions) in &self.versions {
            write!(out, "{name} (version: source)")?;
            for (version, source) in versions {
                write!(out, " {version}: {source},")?;
            }
            match self.stable.get(name) {
                Some(source) => write!(out, " stable: source {source}; ")?,
                None => write!(out, " no stable; ")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(source: Source) -> Act {
        Act::Import { name: "a".to_owned(), source }
    }

    fn promote(version: u32) -> Act {
        Act::Promote { name: "a".to_owned(), version }
    }

    fn rollback() -> Act {
        Act::Rollback("a".to_owned())
    }

    fn two() -> Shelf {
        let one = Shelf::default().after(&import(7), Some(1)).unwrap();
        one.after(&import(8), Some(2)).unwrap()
    }

    fn seen(versions: &[(u32, Source)], stable: Source) -> Seen {
        Seen {
            versions: [("a".to_owned(), versions.iter().copied().collect())].into(),
            stable: [("a".to_owned(), stable)].into(),
        }
    }

    #[test]
    fn the_first_version_is_stable_until_another_is_promoted() {
        assert_eq!(two().shown(), seen(&[(1, 7), (2, 8)], 7));
        let promoted = two().after(&promote(2), None).unwrap();
        assert_eq!(promoted.shown(), seen(&[(1, 7), (2, 8)], 8));
        assert_eq!(promoted.removable("a"), Vec::<u32>::new(), "1 is on the way back");
        assert_eq!(promoted.after(&rollback(), None).unwrap(), two());
        assert!(two().after(&rollback(), None).is_err());
    }

    #[test]
    fn what_was_pending_is_there_wholly_or_not_at_all() {
        let done = two().after(&promote(2), None).unwrap();
        assert_eq!(two().settle(Some(&promote(2)), &two().shown()), Ok(two()));
        assert_eq!(two().settle(Some(&promote(2)), &done.shown()), Ok(done));
        let third = two().after(&import(9), Some(3)).unwrap();
        assert_eq!(two().settle(Some(&import(9)), &third.shown()), Ok(third.clone()));
        // The right number with the wrong bytes, and a version that nobody asked for.
        assert!(two().settle(Some(&import(5)), &third.shown()).is_err());
        assert!(two().settle(None, &third.shown()).is_err());
        // A removal that took one of two versions with it.
        let all = Act::Remove { name: "a".to_owned(), version: None };
        assert!(two().settle(Some(&all), &seen(&[(1, 7)], 7)).is_err());
        let none = two().settle(Some(&all), &Seen::default()).unwrap();
        assert!(!none.has("a"));
        // A number that was given is not given again, not even after all of them are gone.
        assert!(none.settle(Some(&import(9)), &seen(&[(1, 9)], 9)).is_err());
        assert!(none.settle(Some(&import(9)), &seen(&[(3, 9)], 9)).unwrap().has("a"));
    }

    #[test]
    fn what_was_acknowledged_and_is_not_there_is_a_broken_promise() {
        let broken = two().settle(None, &seen(&[(1, 7)], 7)).unwrap_err();
        assert!(broken.contains("promised: a (version: source) 1: 7, 2: 8, stable: source 7"));
        assert!(broken.contains("but seen: a (version: source) 1: 7, stable: source 7"));
        let done = two().after(&promote(2), None).unwrap();
        assert!(done.settle(None, &two().shown()).is_err(), "stable went back by itself");
        assert!(two().settle(None, &Seen::default()).is_err());
    }

    #[test]
    fn versions_are_told_apart_by_their_sources() {
        assert_eq!(two().unused("a", 10), [0, 1, 2, 3, 4, 5, 6, 9]);
        assert_eq!(two().unused("b", 2), [0, 1]);
        assert!(two().after(&import(9), Some(2)).is_err());
        assert!(two().after(&import(9), None).is_err());
    }
}
