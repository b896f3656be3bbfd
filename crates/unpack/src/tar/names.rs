//! The names of an archive: which are fit, which were there before.
//!
//! In: paths as they stand in headers. Out: the same paths, relative and clean, or why not. Never:
//! two files of one name, nor of names that differ in letter case alone; a file below a file or a
//! link.

use crate::error::UnpackError;
use crate::limits::Limits;
use crate::source::wide;
use crate::text::{folded, hostile, shown, shown_bytes};
use std::collections::BTreeMap;

/// What stands under a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum What {
    Directory,
    File,
    Link,
}

struct Known {
    /// As it is written, if that is not its key.
    written: Option<Box<str>>,
    what: What,
}

pub struct Names {
    /// By the path without regard to letter case.
    all: BTreeMap<Box<str>, Known>,
    bytes: u64,
    /// Entries of the archive, also those that bring no new name.
    entries: u32,
    limits: Limits,
}

impl Names {
    pub fn new(limits: Limits) -> Self {
        Self { all: BTreeMap::new(), bytes: 0, entries: 0, limits }
    }

    /// Takes an entry of that path. `None`: it is the top of the archive.
    pub fn enter(&mut self, raw: &[u8], what: What) -> Result<Option<String>, UnpackError> {
        self.entries = self.entries.saturating_add(1);
        self.within("entries_max", u64::from(self.entries), u64::from(self.limits.entries_max))?;
        let path = self.clean(raw)?;
        if path.is_empty() {
            return Ok(None);
        }
        for (at, _) in path.match_indices('/') {
            let above = path.get(..at).unwrap_or_default();
            self.put(&path, above, What::Directory)?;
        }
        self.put(&path, &path, what)?;
        Ok(Some(path))
    }

    /// Takes an entry that must have a name.
    pub fn enter_named(&mut self, raw: &[u8], what: What) -> Result<String, UnpackError> {
        let path = self.enter(raw, what)?;
        path.ok_or_else(|| refused(raw, "it has no name, and is no directory"))
    }

    /// A target of a symbolic link that stays in the archive.
    pub fn target<'l>(&mut self, path: &str, link: &'l [u8]) -> Result<&'l str, UnpackError> {
        let no = |why: &str| UnpackError::Refused { path: shown(path), why: why.to_owned() };
        let Ok(target) = std::str::from_utf8(link) else {
            return Err(no("it is a link to a name that is no UTF-8"));
        };
        if target.is_empty() || target.chars().any(hostile) {
            return Err(no("it is a link to a name that is empty or holds control characters"));
        }
        if wide(target.len()) > u64::from(self.limits.path_bytes_max) {
            return Err(no("it is a link to a name longer than `path_bytes_max`"));
        }
        if target.starts_with('/') {
            return Err(no("it is a link out of the archive, to an absolute path"));
        }
        // How far down the link itself stands; each `..` goes one up.
        let mut depth = path.matches('/').count();
        for name in target.split('/') {
            depth = match name {
                "" | "." => depth,
                ".." => {
                    depth.checked_sub(1).ok_or_else(|| no("it is a link out of the archive"))?
                }
                _ => depth.saturating_add(1),
            };
        }
        self.grow(target)?;
        Ok(target)
    }

    /// A target of a hard link: a file that stood before it.
    pub fn known_file(&self, raw: &[u8], link: &[u8]) -> Result<String, UnpackError> {
        let target = self.clean(link).map_err(|error| match error {
            UnpackError::Refused { why, .. } => {
                refused(raw, &format!("it is a hard link to a name that is unfit: {why}"))
            }
            other => other,
        })?;
        let key = folded(&target);
        let known = self.all.get(key.as_str()).filter(|known| known.what == What::File);
        if known.is_some_and(|known| known.written.as_deref().unwrap_or(&key) == target) {
            return Ok(target);
        }
        let why =
            format!("it is a hard link to `{}`, no file that stands before it", shown(&target));
        Err(refused(raw, &why))
    }

    /// The path, relative and without `.`.
    fn clean(&self, raw: &[u8]) -> Result<String, UnpackError> {
        let most = u64::from(self.limits.path_bytes_max);
        self.within("path_bytes_max", wide(raw.len()), most)?;
        let Ok(text) = std::str::from_utf8(raw) else {
            return Err(refused(raw, "its name is no UTF-8"));
        };
        if text.chars().any(hostile) {
            return Err(refused(raw, "its name holds control characters"));
        }
        if text.starts_with('/') {
            return Err(refused(raw, "its path is absolute"));
        }
        let mut names = Vec::new();
        for name in text.split('/') {
            match name {
                "" | "." => {}
                ".." => return Err(refused(raw, "its path goes up by `..`")),
                _ => names.push(name),
            }
        }
        self.within("depth_max", wide(names.len()), u64::from(self.limits.depth_max))?;
        Ok(names.join("/"))
    }

    fn put(&mut self, entry: &str, path: &str, what: What) -> Result<(), UnpackError> {
        let key = folded(path);
        let no = |why: String| Err(UnpackError::Refused { path: shown(entry), why });
        if let Some(known) = self.all.get(key.as_str()) {
            let written = known.written.as_deref().unwrap_or(&key);
            if written != path {
                let (one, other) = (shown(written), shown(path));
                return no(format!("`{one}` and `{other}` differ in letter case alone"));
            }
            return match (known.what, what) {
                (What::Directory, What::Directory) => Ok(()),
                (_, What::Directory) => {
                    no(format!("it lies below `{}`, which is no directory", shown(path)))
                }
                _ => no("the archive holds it twice".to_owned()),
            };
        }
        self.grow(path)?;
        let written = (key != path).then(|| path.into());
        self.all.insert(key.into(), Known { written, what });
        let most = u64::from(self.limits.entries_max);
        self.within("entries_max", wide(self.all.len()), most)
    }

    fn grow(&mut self, text: &str) -> Result<(), UnpackError> {
        self.bytes = self.bytes.saturating_add(wide(text.len()));
        self.within("names_bytes_max", self.bytes, self.limits.names_bytes_max)
    }

    fn within(&self, limit: &'static str, is: u64, most: u64) -> Result<(), UnpackError> {
        if is <= most {
            return Ok(());
        }
        Err(UnpackError::TooMuch { what: "the tar archive".to_owned(), limit, most })
    }
}

fn refused(raw: &[u8], why: &str) -> UnpackError {
    UnpackError::Refused { path: shown_bytes(raw), why: why.to_owned() }
}
