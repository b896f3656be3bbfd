//! The files of an image, found by their path in any letter case.
//!
//! In: files. Out: the same in one order, shared by all who hold the image. Never: a walk over all
//! of them to find one; a disc may hold a hundred thousand.

use super::Asset;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::ops::Deref;
use std::sync::Arc;

/// The files of an image, in the order of their paths without regard to letter case (ASCII), and of
/// those that are then alike in the order of the paths as they are written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Assets(Arc<[Asset]>);

impl Assets {
    /// Puts files in order.
    pub fn new(mut all: Vec<Asset>) -> Self {
        all.sort_by(Self::order);
        Self(all.into())
    }

    /// Which of two files comes first: by path in whatever letters, then by its letters.
    pub fn order(a: &Asset, b: &Asset) -> Ordering {
        loosely(&a.path, &b.path).then_with(|| a.path.cmp(&b.path))
    }

    /// The file at exactly this path, else the first at the same path in other letters.
    pub fn find(&self, path: &str) -> Option<&Asset> {
        let from = self.0.partition_point(|a| loosely(&a.path, path) == Ordering::Less);
        let alike = self.0.get(from..)?.iter().take_while(|a| a.path.eq_ignore_ascii_case(path));
        let mut first = None;
        for asset in alike {
            if asset.path == path {
                return Some(asset);
            }
            first = first.or(Some(asset));
        }
        first
    }
}

fn loosely(a: &str, b: &str) -> Ordering {
    let small = |byte: u8| byte.to_ascii_lowercase();
    a.bytes().map(small).cmp(b.bytes().map(small))
}

impl Default for Assets {
    fn default() -> Self {
        Self(Arc::new([]))
    }
}

impl Deref for Assets {
    type Target = [Asset];
    fn deref(&self) -> &[Asset] {
        &self.0
    }
}

impl<'a> IntoIterator for &'a Assets {
    type Item = &'a Asset;
    type IntoIter = std::slice::Iter<'a, Asset>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl FromIterator<Asset> for Assets {
    fn from_iter<I: IntoIterator<Item = Asset>>(all: I) -> Self {
        Self::new(all.into_iter().collect())
    }
}

impl Serialize for Assets {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Assets {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::deserialize(from).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hash;

    fn assets(paths: &[&str]) -> Assets {
        paths.iter().map(|path| Asset::whole(*path, Hash([0; 32]), 1)).collect()
    }

    #[test]
    fn what_is_written_so_comes_before_what_differs_in_letter_case() {
        let all = assets(&["b/x", "B/X", "a", "b/X", "b-x", "B"]);
        for path in ["b/x", "B/X", "b/X", "a", "b-x", "B"] {
            assert_eq!(all.find(path).unwrap().path, path);
        }
        assert_eq!(all.find("A").unwrap().path, "a");
        assert_eq!(all.find("B/x").unwrap().path, "B/X");
        assert!(all.find("b/").is_none() && all.find("").is_none() && all.find("c").is_none());
    }

    #[test]
    fn the_order_is_the_same_after_reading_it_back() {
        let all = assets(&["z", "Y", "x"]);
        let kept = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Assets>(&kept).unwrap(), all);
    }
}
