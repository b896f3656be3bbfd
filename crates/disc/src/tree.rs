//! The names of a disc: a flat list in which every directory's entries stand side by side.
//!
//! In: the entries of one directory after the other. Out: the tree. Never: a way from one
//! directory into itself, more than the limits allow, two entries of one name.

use crate::error::{DiscError, shown};
use crate::file::File;
use crate::limits::Limits;
use crate::notes::Notes;
use crate::source::wide;
use crate::text;
use std::collections::VecDeque;

/// An entry of one disc. It means nothing on another.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Id(pub(crate) u32);

/// An entry of a disc.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'d> {
    /// Which.
    pub id: Id,
    /// Its name; empty for the root.
    pub name: &'d str,
    /// The disc asks that it not be shown.
    pub hidden: bool,
    /// What it is.
    pub what: What<'d>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug)]
pub enum What<'d> {
    /// A directory.
    Directory,
    /// A file with bytes.
    File(&'d File),
    /// A symbolic link, with the path it names.
    Link(&'d str),
    /// A device, socket or pipe: nothing that can be read from.
    Special,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub name: Box<str>,
    pub parent: u32,
    pub hidden: bool,
    pub kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Directory { at: u64, first: u32, count: u32 },
    File(Box<File>),
    Link(Box<str>),
    Special,
}

/// An entry that was just read. `D` is what its file system needs to read a directory.
pub(crate) struct Child<D> {
    pub name: String,
    /// ISO 9660 and UDF can keep several versions of a file; the highest counts.
    pub version: u16,
    pub hidden: bool,
    pub made: Made<D>,
}

pub(crate) enum Made<D> {
    Directory(u64, D),
    File(File),
    Link(String),
    Special,
}

#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    pub fn get(&self, id: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(id).ok()?)
    }

    /// How many entries there are, the root among them.
    pub fn count(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)
    }

    pub fn files(&self) -> impl Iterator<Item = (Id, &File)> {
        (0..self.count()).filter_map(|id| match &self.get(id)?.kind {
            Kind::File(file) => Some((Id(id), &**file)),
            _ => None,
        })
    }

    pub fn entry(&self, id: u32) -> Option<Entry<'_>> {
        let node = self.get(id)?;
        let what = match &node.kind {
            Kind::Directory { .. } => What::Directory,
            Kind::File(file) => What::File(file),
            Kind::Link(target) => What::Link(target),
            Kind::Special => What::Special,
        };
        Some(Entry { id: Id(id), name: &node.name, hidden: node.hidden, what })
    }

    /// First entry and number of entries of a directory.
    pub fn range(&self, directory: u32) -> std::ops::Range<u32> {
        match self.get(directory) {
            Some(Node { kind: Kind::Directory { first, count, .. }, .. }) => {
                *first..first.saturating_add(*count)
            }
            _ => 0..0,
        }
    }

    /// The entry of this name; without regard to letter case, the first of those that fit.
    pub fn child(&self, directory: u32, name: &str, exact: bool) -> Option<u32> {
        let range = self.range(directory);
        let bounds = usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?;
        let children = self.nodes.get(bounds)?;
        let before = children.partition_point(|c| text::compare_folded(&c.name, name).is_lt());
        let alike = children
            .get(before..)?
            .iter()
            .take_while(|c| text::compare_folded(&c.name, name).is_eq());
        let mut places = alike.enumerate();
        let same = places.clone().find(|(_, child)| *child.name == *name);
        let (place, _) = if exact { same? } else { same.or_else(|| places.next())? };
        range.start.checked_add(u32::try_from(before.checked_add(place)?).ok()?)
    }

    /// The directories above an entry, nearest first, the root last.
    pub fn above(&self, id: u32) -> impl Iterator<Item = (u32, &Node)> {
        let parent = |id: u32| {
            let parent = self.get(id)?.parent;
            (id != 0).then_some((parent, self.get(parent)?))
        };
        std::iter::successors(parent(id), move |(id, _)| parent(*id))
    }

    pub fn path(&self, id: Id) -> String {
        let Some(node) = self.get(id.0) else { return String::new() };
        let mut names = vec![&*node.name];
        names.extend(self.above(id.0).map(|(_, node)| &*node.name));
        names.reverse();
        if id.0 == 0 { "/".to_owned() } else { names.join("/") }
    }

    /// The entry after this one: into directories first, then on, then back up.
    pub fn next(&self, id: u32) -> Option<u32> {
        let inside = self.range(id);
        if !inside.is_empty() {
            return Some(inside.start);
        }
        let mut at = id;
        loop {
            let parent = self.get(at)?.parent;
            let next = at.saturating_add(1);
            if at != 0 && self.range(parent).contains(&next) {
                return Some(next);
            }
            if at == 0 {
                return None;
            }
            at = parent;
        }
    }
}

/// A tree while it is being read, one directory at a time.
pub(crate) struct Growing<D> {
    tree: Tree,
    waiting: VecDeque<(u32, D)>,
    limits: Limits,
    names_bytes: u64,
    extents: u64,
}

impl<D> Growing<D> {
    pub fn new(limits: Limits, root_at: u64, root: D) -> Self {
        let kind = Kind::Directory { at: root_at, first: 0, count: 0 };
        let node = Node { name: "".into(), parent: 0, hidden: false, kind };
        Self {
            tree: Tree { nodes: vec![node] },
            waiting: VecDeque::from([(0, root)]),
            limits,
            names_bytes: 0,
            extents: 0,
        }
    }

    /// The next directory whose entries are not known yet.
    pub fn next(&mut self) -> Option<(u32, D)> {
        self.waiting.pop_front()
    }

    pub fn done(self) -> Tree {
        self.tree
    }

    /// Takes the entries of a directory.
    pub fn add(
        &mut self,
        directory: u32,
        mut children: Vec<Child<D>>,
        notes: &mut Notes,
    ) -> Result<(), DiscError> {
        let place = Place::new(&self.tree, directory);
        for child in &mut children {
            let (name, changed) = text::name(std::mem::take(&mut child.name));
            if changed {
                notes.say(place.at, || {
                    format!("a name was unfit and is shown as `{}`", shown(&name))
                });
            }
            child.name = name;
        }
        children.sort_by(|a, b| {
            let names = text::compare_folded(&a.name, &b.name).then_with(|| a.name.cmp(&b.name));
            names.then_with(|| b.version.cmp(&a.version))
        });
        children.dedup_by(|later, first| {
            let same = later.name == first.name;
            if same && later.version == first.version {
                let name = shown(&first.name);
                notes
                    .say(place.at, || format!("two entries are called `{name}`: the first counts"));
            }
            same
        });
        let first = self.tree.count();
        for child in children {
            self.push(directory, &place, child)?;
        }
        let grown = self.tree.count().saturating_sub(first);
        let index = usize::try_from(directory).unwrap_or(usize::MAX);
        if let Some(Node { kind: Kind::Directory { first: f, count, .. }, .. }) =
            self.tree.nodes.get_mut(index)
        {
            (*f, *count) = (first, grown);
        }
        Ok(())
    }

    fn push(&mut self, parent: u32, place: &Place, child: Child<D>) -> Result<(), DiscError> {
        self.count(place, &child)?;
        let id = self.tree.count();
        let kind = match child.made {
            Made::Directory(at, how) => {
                self.check_directory(parent, place, at)?;
                self.waiting.push_back((id, how));
                Kind::Directory { at, first: 0, count: 0 }
            }
            Made::File(file) => Kind::File(Box::new(file)),
            Made::Link(target) => Kind::Link(target.into()),
            Made::Special => Kind::Special,
        };
        self.tree.nodes.push(Node { name: child.name.into(), parent, hidden: child.hidden, kind });
        Ok(())
    }

    fn count(&mut self, place: &Place, child: &Child<D>) -> Result<(), DiscError> {
        let limits = self.limits;
        let (target, extents) = match &child.made {
            Made::Link(target) => (target.len(), 0),
            Made::File(file) => (0, file.extents.len()),
            _ => (0, 0),
        };
        let name = wide(child.name.len());
        self.names_bytes = self.names_bytes.saturating_add(name).saturating_add(wide(target));
        self.extents = self.extents.saturating_add(wide(extents));
        let path = place.path_bytes.saturating_add(name).saturating_add(1);
        let counts = [
            ("entries_max", u64::from(self.tree.count()), limits.entries_max),
            ("names_bytes_max", self.names_bytes, limits.names_bytes_max),
            ("extents_max", self.extents, limits.extents_max),
            ("path_bytes_max", path, limits.path_bytes_max),
        ];
        for (limit, is, most) in counts {
            if is > u64::from(most) {
                return Err(DiscError::TooMuch { limit, most: u64::from(most), at: place.at });
            }
        }
        Ok(())
    }

    /// A directory may stand in the tree twice, but not within itself, and not without end.
    fn check_directory(&self, parent: u32, place: &Place, at: u64) -> Result<(), DiscError> {
        let most = u64::from(self.limits.depth_max);
        if place.depth >= most {
            return Err(DiscError::TooMuch { limit: "depth_max", most, at: place.at });
        }
        let own = self.tree.get(parent).into_iter();
        let above = own.chain(self.tree.above(parent).map(|(_, node)| node));
        for node in above {
            if matches!(node.kind, Kind::Directory { at: here, .. } if here == at) {
                return Err(DiscError::Broken {
                    what: "a directory",
                    at: place.at,
                    found: format!("it holds the directory at byte {at}, in which it is itself"),
                });
            }
        }
        Ok(())
    }
}

/// Where in the tree a directory is.
struct Place {
    at: u64,
    depth: u64,
    path_bytes: u64,
}

impl Place {
    fn new(tree: &Tree, directory: u32) -> Self {
        let mut place = Self { at: 0, depth: 0, path_bytes: 0 };
        let Some(own) = tree.get(directory) else { return place };
        if let Kind::Directory { at, .. } = own.kind {
            place.at = at;
        }
        place.path_bytes = wide(own.name.len());
        for (_, node) in tree.above(directory) {
            place.depth = place.depth.saturating_add(1);
            place.path_bytes =
                place.path_bytes.saturating_add(wide(node.name.len())).saturating_add(1);
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child(name: &str, made: Made<()>) -> Child<()> {
        Child { name: name.to_owned(), version: 1, hidden: false, made }
    }

    fn grow(limits: Limits) -> (Growing<()>, Notes) {
        let mut growing = Growing::new(limits, 100, ());
        assert_eq!(growing.next(), Some((0, ())));
        (growing, Notes::new(limits))
    }

    #[test]
    fn a_walk_enters_every_directory_once_and_comes_back() {
        let (mut growing, mut notes) = grow(Limits::default());
        let children = ["b", "a", "C"].map(|n| child(n, Made::Directory(n.len() as u64, ())));
        growing.add(0, children.into(), &mut notes).unwrap();
        while let Some((id, ())) = growing.next() {
            growing.add(id, vec![child("x", Made::Special)], &mut notes).unwrap();
        }
        let tree = growing.done();
        let walk = std::iter::successors(Some(0), |id| tree.next(*id));
        let paths: Vec<String> = walk.map(|id| tree.path(Id(id))).collect();
        assert_eq!(paths, ["/", "/a", "/a/x", "/b", "/b/x", "/C", "/C/x"]);
    }

    #[test]
    fn the_highest_version_counts_and_the_first_of_twins() {
        let (mut growing, mut notes) = grow(Limits::default());
        let mut children = vec![child("f", Made::Special), child("f", Made::Link("new".into()))];
        children[1].version = 2;
        children.extend([child("t", Made::Link("one".into())), child("t", Made::Special)]);
        growing.add(0, children, &mut notes).unwrap();
        let tree = growing.done();
        let targets: Vec<_> = (1..tree.count())
            .map(|id| match tree.entry(id).unwrap().what {
                What::Link(target) => target,
                _ => "",
            })
            .collect();
        assert_eq!(targets, ["new", "one"]);
        assert_eq!(notes.done(), ["byte 100: two entries are called `t`: the first counts"]);
    }

    #[test]
    fn each_limit_has_its_name() {
        let tight = |change: fn(&mut Limits)| {
            let mut limits = Limits::default();
            change(&mut limits);
            limits
        };
        let extents = [crate::Extent { offset: None, length: 1 }; 3];
        let file = File { size: 3, extents: extents.into(), ..File::default() };
        let cases = [
            (tight(|l| l.entries_max = 1), "entries_max"),
            (tight(|l| l.names_bytes_max = 1), "names_bytes_max"),
            (tight(|l| l.extents_max = 2), "extents_max"),
            (tight(|l| l.path_bytes_max = 4), "path_bytes_max"),
            (tight(|l| l.depth_max = 0), "depth_max"),
        ];
        for (limits, name) in cases {
            let (mut growing, mut notes) = grow(limits);
            let children = vec![
                child("d", Made::Directory(7, ())),
                child("e", Made::File(file.clone())),
                child("long", Made::Special),
            ];
            let error = growing.add(0, children, &mut notes).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn a_directory_in_itself_is_found() {
        let (mut growing, mut notes) = grow(Limits::default());
        growing.add(0, vec![child("d", Made::Directory(7, ()))], &mut notes).unwrap();
        let error = growing.add(1, vec![child("up", Made::Directory(100, ()))], &mut notes);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("holds the directory at byte 100"), "{error}");
    }
}
