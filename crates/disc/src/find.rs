//! From a path to an entry: letter by letter, then without regard to letter case and with `\` as
//! `/`, through symbolic links, and never out of the disc.

use crate::tree::{Entry, Kind, Tree};
use std::collections::VecDeque;
use std::fmt;

/// A path that leads through more links than this leads nowhere.
const LINKS_MAX: u32 = 40;

/// A path that needs more steps than this, with its links, leads nowhere.
const STEPS_MAX: usize = 4096;

/// Why a path leads to nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NotFound {
    /// A directory has no entry of this name.
    NoSuchName(String),
    /// The path goes on after something that is no directory.
    NotADirectory(String),
    /// A symbolic link leads out of the disc.
    LeavesDisc(String),
    /// Symbolic links lead in a circle, or through too many others.
    TooManyLinks,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchName(name) => {
                write!(f, "the disc has no `{}` there", crate::error::shown(name))
            }
            Self::NotADirectory(name) => {
                write!(f, "`{}` is no directory", crate::error::shown(name))
            }
            Self::LeavesDisc(target) => write!(
                f,
                "a symbolic link leads out of the disc, to `{}`",
                crate::error::shown(target)
            ),
            Self::TooManyLinks => {
                write!(
                    f,
                    "symbolic links lead in a circle, or through more than {LINKS_MAX} others"
                )
            }
        }
    }
}

impl std::error::Error for NotFound {}

/// One name to be looked for.
enum Step<'p> {
    Into(&'p str),
    Up,
}

/// Finds an entry. What a path names exactly is found before what it names in other letters.
pub(crate) fn find<'d>(tree: &'d Tree, path: &str, through: bool) -> Result<Entry<'d>, NotFound> {
    let exactly = path.split('/').filter(|name| !name.is_empty()).map(Step::Into).collect();
    let first = Walk { tree, at: 0, links: 0, exact: true, through }.to(exactly);
    let Err(why) = first else { return first };
    let loosely = path.split(['/', '\\']).filter(|name| !name.is_empty()).map(Step::Into).collect();
    match (Walk { tree, at: 0, links: 0, exact: false, through }).to(loosely) {
        // What stopped the exact search says more than what stopped the second.
        Err(NotFound::NoSuchName(_)) if !matches!(why, NotFound::NoSuchName(_)) => Err(why),
        second => second,
    }
}

struct Walk<'d> {
    tree: &'d Tree,
    at: u32,
    links: u32,
    exact: bool,
    /// Whether a link at the very end is followed.
    through: bool,
}

impl<'d> Walk<'d> {
    fn to<'p>(mut self, mut steps: VecDeque<Step<'p>>) -> Result<Entry<'d>, NotFound>
    where
        'd: 'p,
    {
        let mut taken = 0_usize;
        while let Some(step) = steps.pop_front() {
            taken = taken.saturating_add(1);
            if taken > STEPS_MAX || steps.len() > STEPS_MAX {
                return Err(NotFound::TooManyLinks);
            }
            let name = match step {
                Step::Up => {
                    self.at = self.tree.get(self.at).map_or(0, |node| node.parent);
                    continue;
                }
                Step::Into(name) => name,
            };
            self.check_directory()?;
            let found = self.tree.child(self.at, name, self.exact);
            let id = found.ok_or_else(|| NotFound::NoSuchName(name.to_owned()))?;
            let target = match self.tree.get(id).map(|node| &node.kind) {
                Some(Kind::Link(target)) if self.through || !steps.is_empty() => target,
                _ => {
                    self.at = id;
                    continue;
                }
            };
            self.links = self.links.saturating_add(1);
            if self.links > LINKS_MAX {
                return Err(NotFound::TooManyLinks);
            }
            self.follow(target, &mut steps)?;
        }
        self.tree.entry(self.at).ok_or_else(|| NotFound::NoSuchName(String::new()))
    }

    fn check_directory(&self) -> Result<(), NotFound> {
        match self.tree.get(self.at) {
            Some(node) if !matches!(node.kind, Kind::Directory { .. }) => {
                Err(NotFound::NotADirectory(node.name.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// Puts the names of a link's target before those that are left. They are looked up from the
    /// directory the link is in.
    fn follow<'p>(&self, target: &'d str, steps: &mut VecDeque<Step<'p>>) -> Result<(), NotFound>
    where
        'd: 'p,
    {
        // An absolute link means the machine's root, not the disc's.
        if target.starts_with('/') {
            return Err(NotFound::LeavesDisc(target.to_owned()));
        }
        let mut depth = self.tree.above(self.at).count();
        let mut ahead = Vec::new();
        for name in target.split('/') {
            match name {
                "" | "." => {}
                ".." => {
                    depth = depth
                        .checked_sub(1)
                        .ok_or_else(|| NotFound::LeavesDisc(target.to_owned()))?;
                    ahead.push(Step::Up);
                }
                name => {
                    depth = depth.saturating_add(1);
                    ahead.push(Step::Into(name));
                }
            }
        }
        for step in ahead.into_iter().rev() {
            steps.push_front(step);
        }
        Ok(())
    }
}
