//! What goes into a backup: a copy of the store, the blobs that it names, keyrings and revocation lists,
//! the configuration, and the keys if they were asked for.

use crate::{House, Problem};
use backup::{About, is_safe};
use library::Blobs;
use model::Hash;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Small files of one kind, at most.
const FILES_MAX: usize = 4096;
/// Bytes of each.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Folders within each other.
const DEPTH_MAX: usize = 4;
/// Room on the disk that a copy leaves to everybody else: leases go on being kept.
const ROOM: u64 = 64 << 20;

/// The store.
const STORE: &str = "bootwright.db";
/// The configuration, under whatever name it was given.
const CONFIG: &str = "bootwright.toml";
/// Folders of the state directory that anybody may see.
const PUBLIC: [&str; 2] = ["keyrings", "dbx"];
const KEYS: &str = "keys";

/// A copy of the store, which goes when dropped.
pub(super) struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        // What stays is removed at the next start.
        let _ = fs::remove_file(&self.0);
    }
}

/// Everything that will be sent.
pub(super) struct Stock {
    pub(super) about: About,
    /// Name, place, bytes.
    pub(super) files: Vec<(String, PathBuf, u64)>,
    pub(super) blobs: Vec<Hash>,
    /// Named, and not there or damaged; why.
    pub(super) lost: Vec<(Hash, String)>,
    _copy: Copy,
}

impl Stock {
    /// For the log.
    pub(super) fn says(&self) -> String {
        let About { files, blobs, bytes, .. } = self.about;
        let keys = if self.about.with_keys { "with the private keys" } else { "without keys" };
        let bytes = model::event::show_bytes(bytes);
        format!("a backup was made, {keys}: {files} files, {blobs} blobs, {bytes}")
    }
}

/// Copies the store to where nobody looks.
pub(super) async fn copy_store(house: &House) -> Result<Copy, Problem> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let store = house.state.join(STORE);
    let sizes = [store.clone(), house.state.join(format!("{STORE}-wal"))];
    let size: u64 = sizes.iter().filter_map(|file| file.metadata().ok()).map(|m| m.len()).sum();
    if let Some(free) = house.blobs.free_space().filter(|free| *free < size + ROOM) {
        let show = model::event::show_bytes;
        let what = format!("a backup needs {} for a copy of the store, for a moment", show(size));
        return Err(Problem::refused(format!("{what}, and only {} are free there", show(free)))
            .hint("free space on the disk of the state directory"));
    }
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("backup-{}-{number}.db", std::process::id());
    let copy = Copy(house.blobs.incoming().join(name));
    house.site.copy_store(&copy.0).await?;
    Ok(copy)
}

/// Sees what there is.
pub(super) fn take(
    copy: Copy,
    state: &Path,
    config: Option<&Path>,
    blobs: &Blobs,
    about: About,
) -> Result<Stock, Problem> {
    let held = site::look(&copy.0).map_err(|e| Problem::failed(e.why()))?;
    let unreadable = |path: &Path, e: io::Error| {
        Problem::failed(format!("{} cannot be read: {e}", path.display()))
    };
    let size = |path: &Path| path.metadata().map(|m| m.len()).map_err(|e| unreadable(path, e));
    let mut files = vec![(STORE.to_owned(), copy.0.clone(), size(&copy.0)?)];
    if let Some(config) = config {
        files.push((CONFIG.to_owned(), config.to_owned(), size(config)?));
    }
    for folder in PUBLIC.into_iter().chain(about.with_keys.then_some(KEYS)) {
        walk(&state.join(folder), folder, 0, &mut files)?;
    }
    let mut stock = Stock { about, files, blobs: Vec::new(), lost: Vec::new(), _copy: copy };
    let images = held.images.iter().filter(|_| stock.about.with_images);
    let mut bytes: u64 = stock.files.iter().map(|(.., size)| size).sum();
    for hash in held.loaders.union(&images.copied().collect()) {
        match blobs.open(hash) {
            Ok(file) => {
                bytes = bytes.saturating_add(file.size());
                stock.blobs.push(*hash);
            }
            Err(error) => stock.lost.push((*hash, error.to_string())),
        }
    }
    let (files, blobs) = (stock.files.len() as u64, stock.blobs.len() as u64);
    stock.about = About { rows: held.rows, files, blobs, bytes, ..stock.about };
    Ok(stock)
}

/// All plain files below a folder, which may be missing. Links are passed over.
fn walk(
    folder: &Path,
    name: &str,
    depth: usize,
    into: &mut Vec<(String, PathBuf, u64)>,
) -> Result<(), Problem> {
    let refuse =
        |what: String| Err(Problem::failed(what).hint("move it out of the state directory"));
    let failed =
        |e: io::Error| Problem::failed(format!("{} cannot be read: {e}", folder.display()));
    let entries = match folder.read_dir() {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>().map_err(failed)?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(failed(e)),
    };
    for entry in entries {
        let (path, said) = (entry.path(), entry.metadata().map_err(failed)?);
        let below = format!("{name}/{}", entry.file_name().to_string_lossy());
        if said.is_dir() && depth < DEPTH_MAX {
            walk(&path, &below, depth + 1, into)?;
        } else if said.is_dir() {
            return refuse(format!("{} is too deep for a backup", path.display()));
        } else if said.is_file() {
            // A name that is no UTF-8 was shown with signs that are not in it.
            let is_it = entry.file_name().to_str().is_some() && is_safe(&below);
            if !is_it || said.len() > FILE_BYTES_MAX || into.len() >= FILES_MAX {
                return refuse(format!("{} does not fit into a backup", path.display()));
            }
            into.push((below, path, said.len()));
        }
    }
    Ok(())
}

/// Some of many, for a message.
pub(super) fn first_of(lost: &[Hash]) -> String {
    let first: Vec<String> = lost.iter().take(3).map(Hash::to_string).collect();
    let more = if lost.len() > first.len() { ", ..." } else { "" };
    format!("{}{more}", first.join(", "))
}
