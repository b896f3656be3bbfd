//! A folder, or one file that is no disc and no archive: every file of it becomes a blob.
//!
//! In: a path, the store. Out: [`Contents`]. Never: a file from outside the folder.

use super::{Contents, ImportError, Origin, Paths, Tell, stopped};
use crate::store::{Blobs, Touched};
use crate::tree::Tree;
use catalogue::ABOVE;
use model::Asset;
use model::image::Assets;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Keeps every file below `path`, or the one file it is.
pub(super) fn keep(
    Paths { at, shown: path }: Paths<'_>,
    blobs: &Blobs,
    tell: &mut Tell<'_>,
) -> Result<Contents, ImportError> {
    let tree = Tree::walk(at)?;
    let is_file = !at.is_dir();
    let name = path.file_name().filter(|_| is_file && at != path);
    let name = name.map(|name| name.to_string_lossy().into_owned());
    if tree.files.is_empty() {
        return Err(ImportError::Empty { path: path.to_owned() });
    }
    let total = tree.size();
    super::check_room(path, total, blobs)?;
    let mut touched = Touched::default();
    let mut assets = Vec::with_capacity(tree.files.len());
    let mut done = 0;
    for entry in &tree.files {
        let mut file = tree.open(&entry.path)?;
        let shown = name.as_ref().unwrap_or(&entry.path);
        let mut told = |read| tell(super::Progress { done: done + read, total, file: shown });
        let added = blobs.add_into(&mut touched, &mut file, &mut told);
        let (sha256, size) = added.map_err(|cause| stopped(shown, cause))?;
        done += size;
        assets.push(Asset::whole(shown.clone(), sha256, size));
    }
    blobs.sync(touched).map_err(|cause| stopped("its folder", cause))?;
    let origin = match assets.first().filter(|_| is_file) {
        Some(file) => Origin::Whole(file.sha256),
        None => Origin::Folder,
    };
    Ok(Contents { assets: Assets::new(assets), origin, ..Contents::default() })
}

/// Debian's netboot tree keeps its version two folders above the files that machines load.
pub(super) fn above(source: &Path, max: usize) -> Vec<u8> {
    let read = || -> io::Result<Vec<u8>> {
        let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
        let path = source.canonicalize()?.join(ABOVE);
        let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
        let mut text = Vec::new();
        if file.metadata()?.is_file() {
            file.take(max as u64).read_to_end(&mut text)?;
        }
        Ok(text)
    };
    read().unwrap_or_default()
}
