//! A tar archive, packed or not: every file of it becomes a blob, links lead to the same bytes.
//!
//! In: an open file, the store. Out: [`Contents`]. Never: a file written under a name of the archive;
//! what was kept of one that turns out to be bad is named by nothing.

use super::origin::Hashing;
use super::{Contents, ImportError, Origin, Progress, Tell, stopped};
use crate::store::{Blobs, StoreError, Touched};
use model::Asset;
use model::image::{Assets, Link};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::Path;
use unpack::{Limits, Member, Tar, UnpackError};

/// Links of an archive that lead through other links.
const HOPS_MAX: usize = 16;

/// Keeps every file of an archive.
pub(super) fn keep(
    file: &File,
    path: &Path,
    blobs: &Blobs,
    tell: &mut Tell<'_>,
) -> Result<Contents, ImportError> {
    let bad = |cause| ImportError::Archive { path: path.to_owned(), cause };
    let total = file.metadata().map_err(|cause| bad(cause.into()))?.len();
    super::check_room(path, total, blobs)?;
    let source = Hashing::new(file);
    let tar = Tar::new(&source, Limits::default()).map_err(bad)?;
    let mut taken = Taken::new(blobs);
    let ended = tar.each(&mut |member| {
        taken.take(member, &mut |file| tell(Progress { done: source.done(), total, file }))
    });
    let Taken { mut files, links, touched, stop, .. } = taken;
    if let Some((path, cause)) = stop {
        return Err(stopped(&path, cause));
    }
    ended.map_err(bad)?;
    let origin = source.origin().map_err(|cause| bad(cause.into()))?;
    blobs.sync(touched).map_err(|cause| stopped("its folder", cause))?;
    let links = lead(&mut files, &links);
    if files.is_empty() {
        return Err(ImportError::Empty { path: path.to_owned() });
    }
    Ok(Contents {
        assets: Assets::new(files.into_values().collect()),
        links,
        origin,
        ..Contents::default()
    })
}

/// What came out of an archive so far.
struct Taken<'a> {
    blobs: &'a Blobs,
    files: BTreeMap<String, Asset>,
    /// Where symbolic links stand, and what they name.
    links: Vec<(String, String)>,
    touched: Touched,
    /// Why the store took no more.
    stop: Option<(String, StoreError)>,
}

impl<'a> Taken<'a> {
    fn new(blobs: &'a Blobs) -> Self {
        let (files, links) = (BTreeMap::new(), Vec::new());
        Self { blobs, files, links, touched: Touched::default(), stop: None }
    }

    fn take(&mut self, member: Member<'_>, tell: &mut dyn FnMut(&str) -> bool) -> io::Result<()> {
        match member {
            Member::Directory { .. } => {}
            Member::SymbolicLink { path, target } => {
                self.links.push((path.to_owned(), target.to_owned()));
            }
            Member::HardLink { path, target } => {
                let file = self.files.get(target).cloned();
                let file = file.ok_or_else(|| io::Error::other(format!("{target} is no file")))?;
                self.files.insert(path.to_owned(), Asset { path: path.to_owned(), ..file });
            }
            Member::File { path, mut bytes, .. } => {
                let added = self.blobs.add_into(&mut self.touched, &mut bytes, &mut |_| tell(path));
                match added {
                    Ok((sha256, size)) => {
                        self.files.insert(path.to_owned(), Asset::whole(path, sha256, size));
                    }
                    // What the archive itself did wrong is its own error, and goes on as that.
                    Err(StoreError::Source(cause)) => return Err(cause),
                    Err(cause) => {
                        self.stop = Some((path.to_owned(), cause));
                        return Err(io::Error::other("the store took no more"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Puts the files that links lead to under the links' names too; gives the links to directories.
fn lead(files: &mut BTreeMap<String, Asset>, links: &[(String, String)]) -> Vec<Link> {
    let by_path: BTreeMap<&str, &str> =
        links.iter().map(|(path, target)| (path.as_str(), target.as_str())).collect();
    let directories: BTreeSet<String> = files.keys().flat_map(|path| above(path)).collect();
    let (mut led, mut aliases) = (Vec::new(), Vec::new());
    for (path, target) in links {
        let mut at = resolve(path, target);
        for _ in 0..HOPS_MAX {
            let Some(next) = by_path.get(at.as_str()) else { break };
            at = resolve(&at, next);
        }
        if let Some(file) = files.get(&at) {
            aliases.push(Asset { path: path.clone(), ..file.clone() });
        } else if directories.contains(&at) || at.is_empty() {
            led.push(Link { path: path.clone(), to: at });
        }
    }
    for alias in aliases {
        files.entry(alias.path.clone()).or_insert(alias);
    }
    led
}

/// The directories a path lies in.
fn above(path: &str) -> Vec<String> {
    path.match_indices('/').filter_map(|(at, _)| path.get(..at).map(str::to_owned)).collect()
}

/// Where a link leads, from the top of the archive; never above it.
fn resolve(link: &str, target: &str) -> String {
    let mut parts: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => link.split('/').collect(),
    };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// Keeps what comes out of one compressed file, as one file.
pub(super) fn keep_unpacked(
    file: &File,
    path: &Path,
    blobs: &Blobs,
    tell: &mut Tell<'_>,
) -> Result<(Asset, Origin), ImportError> {
    let bad = |cause: UnpackError| ImportError::Archive { path: path.to_owned(), cause };
    let total = file.metadata().map_err(|cause| bad(cause.into()))?.len();
    let shown = path.file_name().unwrap_or_default().to_string_lossy();
    let name = [".gz", ".xz", ".zst"].iter().find_map(|end| shown.strip_suffix(end));
    let name = name.unwrap_or(&shown).to_owned();
    let source = Hashing::new(file);
    let mut unpacked = unpack::Decompress::new(&source, Limits::default()).map_err(bad)?;
    let mut told = |_| tell(Progress { done: source.done(), total, file: &shown });
    let added = blobs.add(&mut unpacked, &mut told);
    match added {
        Ok((sha256, size)) => {
            let origin = source.origin().map_err(|cause| bad(cause.into()))?;
            Ok((Asset::whole(name, sha256, size), origin))
        }
        Err(StoreError::Source(cause)) => Err(bad(UnpackError::from(cause))),
        Err(cause) => Err(stopped(&shown, cause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Hash;

    #[test]
    fn links_lead_within_the_archive() {
        for (link, target, to) in [
            ("a/b/link", "c", "a/b/c"),
            ("a/b/link", "../c", "a/c"),
            ("a/link", "../../../etc", "etc"),
            ("link", "/boot/./vmlinuz", "boot/vmlinuz"),
            ("link", ".", ""),
        ] {
            assert_eq!(resolve(link, target), to, "{link} -> {target}");
        }
    }

    #[test]
    fn a_link_to_a_file_is_the_file_and_one_to_a_directory_is_kept() {
        let file = |path: &str| (path.to_owned(), Asset::whole(path, Hash([1; 32]), 3));
        let mut files = BTreeMap::from([file("boot/vmlinuz-6"), file("dists/bookworm/Release")]);
        let link = |path: &str, target: &str| (path.to_owned(), target.to_owned());
        let links = lead(
            &mut files,
            &[
                link("vmlinuz", "boot/vmlinuz"),
                link("boot/vmlinuz", "vmlinuz-6"),
                link("dists/stable", "bookworm"),
                link("loop", "loop"),
                link("debian", "."),
                link("nowhere", "x/y"),
            ],
        );
        assert_eq!(files["vmlinuz"].sha256, Hash([1; 32]));
        assert_eq!(files["boot/vmlinuz"].path, "boot/vmlinuz");
        let to = |path: &str, to: &str| Link { path: path.into(), to: to.into() };
        assert_eq!(links, [to("dists/stable", "dists/bookworm"), to("debian", "")]);
    }
}
