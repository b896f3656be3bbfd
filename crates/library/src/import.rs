//! From a folder an operator named to an image: its bytes kept, its recipe recognised.
//!
//! In: a folder or a single file, the store, a name, the moment. Out: a [`model::Image`] without a
//! number; nothing is published until the engine takes it. Never: a file from outside the folder.

use crate::store::{Blobs, StoreError, Touched};
use crate::tree::{DEPTH_MAX, ENTRIES_MAX, Tree};
use catalogue::{ABOVE, Recognised, recognise};
use model::image::Assets;
use model::{Asset, Image, Now};
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Longest name of an image.
const NAME_MAX: usize = 64;

/// How far an import has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress<'a> {
    /// Bytes read.
    pub done: u64,
    /// Bytes there are.
    pub total: u64,
    /// The file being read.
    pub file: &'a str,
}

/// Keeps every file below `path` (or the one file it is) and says what they are together.
///
/// The image has version 0: the engine gives the number. `progress` is called at least once for
/// each file and each MiB, and stops the import by returning false. What was kept by then stays
/// as blobs that nothing names.
pub fn folder(
    path: &Path,
    blobs: &Blobs,
    name: &str,
    now: Now,
    progress: &mut dyn FnMut(Progress<'_>) -> bool,
) -> Result<Image, ImportError> {
    check_name(name)?;
    let tree = Tree::walk(path)?;
    if tree.files.is_empty() {
        return Err(ImportError::Empty { path: path.to_owned() });
    }
    let total = tree.size();
    if let Some(free) = blobs.free_space().filter(|free| *free < total) {
        return Err(ImportError::NoRoom { path: path.to_owned(), total, free });
    }

    let assets = keep(&tree, blobs, total, progress)?;
    let Recognised { recipe, title, archs, recognised_by, notes, .. } =
        understand(path, &assets, blobs);

    let source = path.display().to_string();
    let assets = Assets::new(assets);
    let image = Image::new(name, source, now);
    Ok(Image { title, archs, recipe, recognised_by, notes, assets, ..image })
}

/// Whether a name can be an image's: `[a-z0-9._-]+`, not a dot first, at most 64 long.
pub fn check_name(name: &str) -> Result<(), ImportError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if name.is_empty() || name.len() > NAME_MAX || name.starts_with('.') || !name.chars().all(fits)
    {
        return Err(ImportError::ImageName { name: model::text::show(name.as_bytes()) });
    }
    Ok(())
}

fn keep(
    tree: &Tree,
    blobs: &Blobs,
    total: u64,
    progress: &mut dyn FnMut(Progress<'_>) -> bool,
) -> Result<Vec<Asset>, ImportError> {
    let mut touched = Touched::default();
    let mut assets = Vec::with_capacity(tree.files.len());
    let mut done = 0;
    for entry in &tree.files {
        let mut file = tree.open(&entry.path)?;
        let mut tell = |read| progress(Progress { done: done + read, total, file: &entry.path });
        let added = blobs.add_into(&mut touched, &mut file, &mut tell);
        let (sha256, size) = added.map_err(|cause| match cause {
            StoreError::Stopped => ImportError::Stopped,
            cause => ImportError::Keep { path: entry.path.clone(), cause },
        })?;
        done += size;
        assets.push(Asset::whole(entry.path.clone(), sha256, size));
    }
    blobs.sync(touched).map_err(|cause| ImportError::Keep { path: "its folder".into(), cause })?;
    Ok(assets)
}

/// Recognises from the bytes that were kept, not from the folder, which may change meanwhile.
fn understand(source: &Path, assets: &[Asset], blobs: &Blobs) -> Recognised {
    let read = |path: &str, offset: u64, max: usize| {
        if path == ABOVE {
            return above(source, max);
        }
        let Ok(at) = assets.binary_search_by(|asset| asset.path.as_str().cmp(path)) else {
            return Vec::new();
        };
        let Some(asset) = assets.get(at) else { return Vec::new() };
        let there = asset.size.saturating_sub(offset);
        let mut piece = vec![0; max.min(usize::try_from(there).unwrap_or(max))];
        match blobs.open(&asset.sha256).map(|blob| blob.read_exact_at(&mut piece, offset)) {
            Ok(Ok(())) => piece,
            _ => Vec::new(),
        }
    };
    let files = assets.iter().map(|asset| (asset.path.as_str(), asset.size));
    recognise(&catalogue::Tree::new(files, None, &read))
}

/// Debian's netboot tree keeps its version two folders above the files that machines load.
fn above(source: &Path, max: usize) -> Vec<u8> {
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

/// Why a folder could not become an image.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The operator's wish: a name that cannot be.
    #[error(
        "`{name}` cannot name an image: use 1 to 64 of a-z, 0-9, `.`, `_` and `-`, and no dot first, as in debian-12-amd64"
    )]
    ImageName {
        /// The name, shown.
        name: String,
    },
    /// The operator's wish: nothing to import.
    #[error("{path} holds no files; name the folder that holds the kernel, or a file")]
    Empty {
        /// Where.
        path: PathBuf,
    },
    /// The surroundings: it is not there, or not for us.
    #[error(
        "cannot read {path}: {cause}; check that it exists and that the server's user may read it"
    )]
    Read {
        /// What.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The content: a device, a FIFO, a socket.
    #[error(
        "{path} is no plain file (a device, FIFO or socket); remove it from the folder, or import a folder without it"
    )]
    NoPlainFile {
        /// Where.
        path: PathBuf,
    },
    /// The content: a link that leaves the folder.
    #[error(
        "{path} is a link out of the folder being imported; put the file itself there, or import the folder above that holds both"
    )]
    Outside {
        /// The link.
        path: PathBuf,
    },
    /// The content: a link to nothing.
    #[error("{path} is a link to nothing; remove it or mend it")]
    Dangling {
        /// The link.
        path: PathBuf,
    },
    /// The content: a folder in itself.
    #[error("{path} is a link that leads back into a folder it lies in; remove it")]
    Loop {
        /// The link.
        path: PathBuf,
    },
    /// The content: a name machines could not ask for.
    #[error("{name} in {folder} cannot be served: {why}; rename it")]
    Name {
        /// Where.
        folder: PathBuf,
        /// The name, shown.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The content: two names that firmware cannot tell apart.
    #[error(
        "{one} and {other} differ only in letter case, and some firmware cannot tell them apart; rename or remove one"
    )]
    CaseTwins {
        /// One.
        one: PathBuf,
        /// And the other.
        other: PathBuf,
    },
    /// The content: too much.
    #[error("{path} holds more than {max} files and folders; import the part that machines load", max = ENTRIES_MAX)]
    TooMany {
        /// Where.
        path: PathBuf,
    },
    /// The content: too deep.
    #[error("{path} lies more than {max} folders deep; import the part that machines load", max = DEPTH_MAX)]
    TooDeep {
        /// Where.
        path: PathBuf,
    },
    /// The surroundings: the disk is too small, said before anything was written.
    #[error(
        "{path} holds {total} bytes, and the state directory has {free} left; free some space, or move it to a larger disk"
    )]
    NoRoom {
        /// What was to be imported.
        path: PathBuf,
        /// Its bytes.
        total: u64,
        /// Bytes there is room for.
        free: u64,
    },
    /// The store could not keep a file.
    #[error("{path} could not be kept: {cause}")]
    Keep {
        /// Path inside the image.
        path: String,
        /// Why.
        #[source]
        cause: StoreError,
    },
    /// The caller wanted no more.
    #[error("the import was stopped; nothing was published")]
    Stopped,
}
