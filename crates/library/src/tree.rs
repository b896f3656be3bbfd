//! The files of a folder, found without ever leaving it.
//!
//! In: a path an operator named. Out: relative paths with sizes, and each file opened. Symlinks are
//! followed by the kernel, below the folder only (`openat2`, `RESOLVE_BENEATH`), at the walk and
//! again at the opening: who may write to the folder cannot lead us to the server's keys. Never: a
//! device, a FIFO, a name that cannot stand in a URL.

use crate::import::ImportError;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{self as sys, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Files and folders in one import.
pub const ENTRIES_MAX: usize = 200_000;
/// Folders inside folders.
pub const DEPTH_MAX: usize = 32;
/// Bytes of a path inside an image.
pub const PATH_MAX: usize = 1024;

/// A file of the tree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Entry {
    pub path: String,
    pub size: u64,
}

/// A folder held open, and what was found in it.
#[derive(Debug)]
pub(crate) struct Tree {
    root: OwnedFd,
    shown: PathBuf,
    pub files: Vec<Entry>,
}

impl Tree {
    /// Lists a folder; or a single file, as a tree that holds only it.
    pub(crate) fn walk(path: &Path) -> Result<Self, ImportError> {
        let unreadable = |cause| ImportError::Read { path: path.to_owned(), cause };
        let real = path.canonicalize().map_err(unreadable)?;
        let told = std::fs::metadata(&real).map_err(unreadable)?;
        let (folder, single) = match (told.is_dir(), real.parent(), real.file_name()) {
            (true, ..) => (real.as_path(), None),
            (false, Some(parent), Some(name)) => (parent, Some(name.to_owned())),
            (false, ..) => return Err(ImportError::NoPlainFile { path: real }),
        };
        let root =
            sys::open(folder, OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
                .map_err(|e| unreadable(e.into()))?;
        let mut tree = Self { root, shown: folder.to_owned(), files: Vec::new() };
        match single {
            Some(name) => {
                let path = tree.name("", name.as_encoded_bytes())?;
                let node = tree.look(&path)?;
                tree.keep(path, &node)?;
            }
            None => tree.descend()?,
        }
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        tree.refuse_case_twins()?;
        Ok(tree)
    }

    /// Opens one of the files.
    pub(crate) fn open(&self, path: &str) -> Result<File, ImportError> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = beneath(self.root.as_fd(), path, flags).map_err(|e| self.explain(path, e))?;
        let file = File::from(opened);
        let told = file.metadata();
        match told {
            Ok(told) if told.is_file() => Ok(file),
            _ => Err(ImportError::NoPlainFile { path: self.shown.join(path) }),
        }
    }

    /// Bytes of all files, as the walk saw them.
    pub(crate) fn size(&self) -> u64 {
        self.files.iter().fold(0, |sum, entry| sum.saturating_add(entry.size))
    }

    fn descend(&mut self) -> Result<(), ImportError> {
        let top = self.look(".")?;
        let mut waiting = vec![(String::new(), vec![top.identity])];
        let mut seen = 0_usize;
        while let Some((folder, above)) = waiting.pop() {
            for name in self.names(&folder)? {
                seen += 1;
                if seen > ENTRIES_MAX {
                    return Err(ImportError::TooMany { path: self.shown.clone() });
                }
                let path = self.name(&folder, &name)?;
                let node = self.look(&path)?;
                if node.kind != FileType::Directory {
                    self.keep(path, &node)?;
                } else if above.contains(&node.identity) {
                    return Err(ImportError::Loop { path: self.shown.join(path) });
                } else if above.len() >= DEPTH_MAX {
                    return Err(ImportError::TooDeep { path: self.shown.join(path) });
                } else {
                    let mut here = above.clone();
                    here.push(node.identity);
                    waiting.push((path, here));
                }
            }
        }
        Ok(())
    }

    fn keep(&mut self, path: String, node: &Node) -> Result<(), ImportError> {
        if node.kind != FileType::RegularFile {
            return Err(ImportError::NoPlainFile { path: self.shown.join(path) });
        }
        self.files.push(Entry { path, size: node.size });
        Ok(())
    }

    /// The path of `name` in `folder`, if it can stand in a URL and a listing.
    fn name(&self, folder: &str, name: &[u8]) -> Result<String, ImportError> {
        let bad = |why: &'static str| ImportError::Name {
            folder: self.shown.join(folder),
            name: model::text::show(name),
            why,
        };
        let text = std::str::from_utf8(name).map_err(|_| bad("it is no UTF-8"))?;
        if text.chars().any(char::is_control) {
            return Err(bad("it holds control characters"));
        }
        let path = if folder.is_empty() { text.to_owned() } else { format!("{folder}/{text}") };
        if path.len() > PATH_MAX {
            Err(bad("its path is longer than 1024 bytes"))
        } else {
            Ok(path)
        }
    }

    /// What stands at a path, links followed.
    fn look(&self, path: &str) -> Result<Node, ImportError> {
        let told = beneath(self.root.as_fd(), path, OFlags::PATH).and_then(sys::fstat);
        let told = told.map_err(|e| self.explain(path, e))?;
        Ok(Node {
            kind: FileType::from_raw_mode(told.st_mode),
            size: u64::try_from(told.st_size).unwrap_or(0),
            identity: (told.st_dev, told.st_ino),
        })
    }

    fn names(&self, folder: &str) -> Result<Vec<Vec<u8>>, ImportError> {
        let at = if folder.is_empty() { "." } else { folder };
        let list = || -> Result<Vec<Vec<u8>>, Errno> {
            let opened = beneath(self.root.as_fd(), at, OFlags::RDONLY | OFlags::DIRECTORY)?;
            let mut names = Vec::new();
            for entry in sys::Dir::read_from(&opened)? {
                let name = entry?.file_name().to_bytes().to_vec();
                if name != b"." && name != b".." {
                    names.push(name);
                }
                if names.len() > ENTRIES_MAX {
                    break;
                }
            }
            Ok(names)
        };
        let mut names = list().map_err(|e| self.explain(folder, e))?;
        names.sort_unstable();
        Ok(names)
    }

    /// Machines ask in any letter case ([`model::Image::asset`]), so no two names may differ in
    /// it alone.
    fn refuse_case_twins(&self) -> Result<(), ImportError> {
        let mut seen = BTreeMap::new();
        for entry in &self.files {
            if let Some(twin) = seen.insert(entry.path.to_ascii_lowercase(), &entry.path) {
                return Err(ImportError::CaseTwins {
                    one: self.shown.join(twin),
                    other: self.shown.join(&entry.path),
                });
            }
        }
        Ok(())
    }

    fn explain(&self, path: &str, errno: Errno) -> ImportError {
        let path = self.shown.join(path);
        match errno {
            Errno::XDEV => ImportError::Outside { path },
            Errno::LOOP => ImportError::Loop { path },
            Errno::NOENT if path.is_symlink() => ImportError::Dangling { path },
            errno => ImportError::Read { path, cause: io::Error::from(errno) },
        }
    }
}

struct Node {
    kind: FileType,
    size: u64,
    identity: (u64, u64),
}

/// Opens a path below `root`. Kernels before 5.6 (and some sandboxes) have no `openat2`: there
/// every part is opened by itself and symlinks are refused, since following them safely needs it.
fn beneath(root: BorrowedFd<'_>, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    // EAGAIN: something was renamed meanwhile and the kernel could not be sure; ask again.
    for _ in 0..8 {
        match sys::openat2(root, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            Err(Errno::NOSYS) => return part_by_part(root, path, flags),
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

fn part_by_part(root: BorrowedFd<'_>, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let (folders, last) = path.rsplit_once('/').unwrap_or(("", path));
    let walk = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at = sys::openat(root, ".", walk, Mode::empty())?;
    for part in folders.split('/').filter(|part| !part.is_empty()) {
        at = sys::openat(&at, part, walk, Mode::empty())?;
    }
    let opened = sys::openat(&at, last, flags | OFlags::NOFOLLOW, Mode::empty())?;
    // With O_PATH the link itself is opened instead of refused.
    if FileType::from_raw_mode(sys::fstat(&opened)?.st_mode) == FileType::Symlink {
        return Err(Errno::LOOP);
    }
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_openat2_plain_files_are_opened_and_links_are_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("a")).expect("create");
        std::fs::write(folder.path().join("a/b"), "x").expect("write");
        std::os::unix::fs::symlink("b", folder.path().join("a/c")).expect("link");
        let root = File::open(folder.path()).expect("open");
        assert!(part_by_part(root.as_fd(), "a/b", OFlags::RDONLY).is_ok());
        for flags in [OFlags::RDONLY, OFlags::PATH] {
            assert_eq!(part_by_part(root.as_fd(), "a/c", flags).err(), Some(Errno::LOOP));
        }
    }
}
