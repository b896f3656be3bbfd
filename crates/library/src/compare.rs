//! What differs between the files of two images.
//!
//! In: the files of both, which are in one order. Out: how many came, went, changed or stayed, and the first
//! of those that are not the same. Reads no bytes: a file that is a part of a disc has no hash of its own, so
//! two of the same length are *alike*, which is said as that and not called the same.

use model::Asset;
use model::image::Assets;
use std::cmp::Ordering;

/// The files of two images, beside each other.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Compared<'a> {
    /// Files only in the second.
    pub added: usize,
    /// Files only in the first.
    pub removed: usize,
    /// Files with other bytes.
    pub changed: usize,
    /// Parts of two discs with the same length.
    pub alike: usize,
    /// Files with the same bytes.
    pub same: usize,
    /// Those that were added, removed or changed, in the order of their paths; as many as were asked for.
    pub listed: Vec<Differs<'a>>,
}

/// A file that is not the same in both.
#[derive(Debug, Eq, PartialEq)]
pub struct Differs<'a> {
    /// Its path.
    pub path: &'a str,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a file; sizes are bytes.
#[derive(Debug, Eq, PartialEq)]
pub enum Fate {
    /// Only in the second.
    Added(u64),
    /// Only in the first.
    Removed(u64),
    /// Its sizes in the first and the second.
    Changed(u64, u64),
}

impl Compared<'_> {
    /// Those that differ and are not listed.
    pub fn more(&self) -> usize {
        (self.added + self.removed + self.changed).saturating_sub(self.listed.len())
    }
}

/// Walks over both once. Of those that differ the first `list_max` are listed.
pub fn compare<'a>(from: &'a Assets, to: &'a Assets, list_max: usize) -> Compared<'a> {
    let mut compared = Compared::default();
    let (mut old, mut new) = (from.iter().peekable(), to.iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return compared,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => Assets::order(a, b),
        };
        let was = if order == Ordering::Greater { None } else { old.next() };
        let is = if order == Ordering::Less { None } else { new.next() };
        let (count, path, fate) = match (was, is) {
            (Some(a), Some(b)) => match judge(a, b) {
                Likeness::Same => {
                    compared.same += 1;
                    continue;
                }
                Likeness::Alike => {
                    compared.alike += 1;
                    continue;
                }
                Likeness::Differs => {
                    (&mut compared.changed, &b.path, Fate::Changed(a.size, b.size))
                }
            },
            (Some(a), None) => (&mut compared.removed, &a.path, Fate::Removed(a.size)),
            (None, Some(b)) => (&mut compared.added, &b.path, Fate::Added(b.size)),
            (None, None) => return compared,
        };
        *count += 1;
        if compared.listed.len() < list_max {
            compared.listed.push(Differs { path, fate });
        }
    }
}

enum Likeness {
    Same,
    Alike,
    Differs,
}

fn judge(a: &Asset, b: &Asset) -> Likeness {
    if a.size != b.size {
        return Likeness::Differs;
    }
    match (&a.runs, &b.runs) {
        (None, None) if a.sha256 == b.sha256 => Likeness::Same,
        (None, None) => Likeness::Differs,
        (Some(was), Some(is)) if a.sha256 == b.sha256 && was == is => Likeness::Same,
        _ => Likeness::Alike,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Hash;
    use model::image::Run;

    fn file(path: &str, of: u8, size: u64) -> Asset {
        Asset::whole(path, Hash([of; 32]), size)
    }

    fn part(path: &str, of: u8, offset: u64, size: u64) -> Asset {
        let runs = Some([Run { offset: Some(offset), length: size }].into());
        Asset { runs, ..file(path, of, size) }
    }

    #[test]
    fn what_came_went_and_changed_is_told_and_the_rest_is_counted() {
        let old = Assets::new(vec![
            file("a", 1, 5),
            file("B/c", 2, 6),
            file("linux", 3, 7),
            file("z", 9, 1),
        ]);
        let new = Assets::new(vec![
            file("a", 1, 5),
            file("linux", 4, 7),
            file("new", 5, 8),
            file("z", 9, 1),
        ]);
        let compared = compare(&old, &new, 10);
        assert_eq!((compared.same, compared.alike, compared.more()), (2, 0, 0));
        let told: Vec<(&str, &Fate)> =
            compared.listed.iter().map(|one| (one.path, &one.fate)).collect();
        assert_eq!(
            told,
            [("B/c", &Fate::Removed(6)), ("linux", &Fate::Changed(7, 7)), ("new", &Fate::Added(8))]
        );
        let short = compare(&old, &new, 1);
        assert_eq!((short.listed.len(), short.more()), (1, 2));
        assert_eq!(compare(&old, &old, 10), Compared { same: 4, ..Compared::default() });
    }

    #[test]
    fn parts_of_two_discs_are_never_called_the_same_by_their_length() {
        let old = Assets::new(vec![part("a", 1, 0, 5), part("b", 1, 8, 5)]);
        let new = Assets::new(vec![part("a", 2, 0, 5), part("b", 2, 8, 6)]);
        let compared = compare(&old, &new, 10);
        assert_eq!((compared.same, compared.alike, compared.changed), (0, 1, 1));
        // The same disc at the same place is the same.
        assert_eq!(compare(&old, &old, 10).same, 2);
    }
}
