//! From what an operator drops in to an image: its bytes kept, its recipe recognised.
//!
//! ```text
//! folder, file ──folder──┐
//! disc image ────disc────┼─▶ Contents: paths, and where the bytes stand ──recognise──▶ Image
//! archive ───────archive─┘
//! ```
//!
//! In: a path, the store, a name, what the operator says, the moment. Out: a [`model::Image`] without
//! a number; nothing is published until the engine takes it. Never: a file from outside the folder.

mod archive;
mod contents;
mod disc;
mod error;
mod folder;
mod origin;
mod single;

pub use error::ImportError;
pub use origin::Origin;

use crate::store::{Blobs, StoreError};
use catalogue::{ABOVE, Recognised, Tree, recognise};
use contents::Contents;
use model::image::{Assets, Way};
use model::{Arch, Content, Image, Now};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use unpack::Kind;

/// Longest name of an image.
const NAME_MAX: usize = 64;

/// Rows of the catalogue that came near and are told.
const NEAR_MAX: usize = 3;

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

/// Hears how far an import is, at least once for each file and each MiB; stops it by returning false.
pub type Tell<'a> = dyn FnMut(Progress<'_>) -> bool + 'a;

/// What is to become an image.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// A folder, or a file: a disc image, an archive, a kernel, an EFI application.
    pub path: &'a Path,
    /// What the file is called where it came from, if the path has another name of ours. It stands in
    /// the image and in words; a name that cannot stand there does not count.
    pub file_name: Option<&'a str>,
    /// The image's name.
    pub name: &'a str,
    /// From where, as operators read it; the path itself if nothing is said.
    pub source: Option<&'a str>,
    /// The moment.
    pub now: Now,
    /// What the operator knows better than we.
    pub said: &'a Said,
}

/// What an operator says of an image that is not recognised, or recognised wrongly.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Said {
    /// What it is, in words.
    pub title: Option<String>,
    /// Path of the kernel inside.
    pub kernel: Option<String>,
    /// Paths of the initrds inside.
    pub initrds: Vec<String>,
    /// Kernel arguments, instead of those of the catalogue.
    pub args: Option<String>,
    /// On which machines it runs.
    pub archs: Vec<Arch>,
}

/// Keeps what is at a path, and says what it is.
///
/// The image has version 0: the engine gives the number. What was kept when an import is stopped or
/// fails stays as blobs that nothing names.
pub fn import(wish: &Wish<'_>, blobs: &Blobs, tell: &mut Tell<'_>) -> Result<Image, ImportError> {
    import_from(wish, blobs, tell).map(|(image, _)| image)
}

/// The same, and what the source was: what is said of that must be said of the bytes that were kept.
pub fn import_from(
    wish: &Wish<'_>,
    blobs: &Blobs,
    tell: &mut Tell<'_>,
) -> Result<(Image, Origin), ImportError> {
    check_name(wish.name)?;
    let shown = wish.file_name.filter(|name| is_file_name(name)).map_or(wish.path, Path::new);
    let contents = keep(Paths { at: wish.path, shown }, blobs, tell)?;
    let origin = contents.origin.clone();
    let recognised = understand(wish.path, &contents, blobs);
    let source = wish.source.map_or_else(|| wish.path.display().to_string(), str::to_owned);
    let Recognised { recipe, title, archs, recognised_by, mut notes, looked_for, .. } = recognised;
    notes.extend(contents.notes);
    notes.extend(looked_for.iter().take(NEAR_MAX).map(ToString::to_string));
    let mut image = Image {
        title,
        archs,
        recipe,
        recognised_by,
        assets: contents.assets,
        links: contents.links,
        disc: contents.disc,
        notes,
        ..Image::new(wish.name, source, wish.now)
    };
    wish.said.correct(&mut image)?;
    Ok((image, origin))
}

/// Where the source is, and what it is called.
#[derive(Clone, Copy)]
struct Paths<'a> {
    at: &'a Path,
    shown: &'a Path,
}

fn is_file_name(name: &str) -> bool {
    let odd = name.contains(['/', '\\']) || name.chars().any(char::is_control);
    !(name.is_empty() || name == "." || name == ".." || name.len() > 255 || odd)
}

/// Keeps what is at a path, by what its first bytes say it is.
fn keep(paths: Paths<'_>, blobs: &Blobs, tell: &mut Tell<'_>) -> Result<Contents, ImportError> {
    let path = paths.shown;
    let unreadable = |cause| ImportError::Read { path: path.to_owned(), cause };
    if !std::fs::metadata(paths.at).map_err(unreadable)?.is_file() {
        return folder::keep(paths, blobs, tell);
    }
    let file = File::open(paths.at).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let mut head = vec![0; unpack::HEAD_BYTES.min(usize::try_from(size).unwrap_or(usize::MAX))];
    file.read_exact_at(&mut head, 0).map_err(unreadable)?;
    match unpack::kind(&head, size) {
        Kind::Disc => disc::keep(file, path, blobs, tell),
        Kind::Tar(_) => archive::keep(&file, path, blobs, tell),
        Kind::Packed(_, Some(inside)) => match *inside {
            Kind::Tar(_) => archive::keep(&file, path, blobs, tell),
            Kind::Disc => {
                let (asset, origin) = archive::keep_unpacked(&file, path, blobs, tell)?;
                let disc = disc::of_blob((asset.sha256, asset.size), path, blobs)?;
                Ok(Contents { origin, ..disc })
            }
            Kind::Disk(_) | Kind::Squashfs | Kind::Fat => {
                let (asset, origin) = archive::keep_unpacked(&file, path, blobs, tell)?;
                let assets = Assets::new(vec![asset]);
                Ok(Contents { assets, origin, ..Contents::default() })
            }
            // An initrd, or a kernel for a loader that unpacks it: machines want it as it is.
            _ => folder::keep(paths, blobs, tell),
        },
        _ => folder::keep(paths, blobs, tell),
    }
}

/// All bytes of a file that is in the store, which must be small enough to hold.
pub(crate) fn read_whole(blobs: &Blobs, content: &Content) -> io::Result<Vec<u8>> {
    let blob = blobs.open(&content.blob).map_err(io::Error::other)?;
    let length = usize::try_from(content.size).map_err(io::Error::other)?;
    contents::part(&blob, content, 0, length)
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

/// Says before anything is written that there is no room for it.
fn check_room(path: &Path, total: u64, blobs: &Blobs) -> Result<(), ImportError> {
    match blobs.free_space().filter(|free| *free < total) {
        Some(free) => Err(ImportError::NoRoom { path: path.to_owned(), total, free }),
        None => Ok(()),
    }
}

/// Why a file was not kept: somebody stopped it, or the store could not.
fn stopped(path: &str, cause: StoreError) -> ImportError {
    match cause {
        StoreError::Stopped => ImportError::Stopped,
        cause => ImportError::Keep { path: path.to_owned(), cause },
    }
}

/// Recognises from the bytes that were kept, not from the source, which may change meanwhile.
fn understand(source: &Path, contents: &Contents, blobs: &Blobs) -> Recognised {
    let read = |path: &str, offset: u64, max: usize| match path {
        ABOVE => folder::above(source, max),
        path => contents.read(blobs, path, offset, max).unwrap_or_default(),
    };
    let files = contents.assets.iter().map(|asset| (asset.path.as_str(), asset.size));
    let recognised = recognise(&Tree::new(files, contents.volume.clone(), &read));
    if recognised.recipe.boots() {
        return recognised;
    }
    single::understand(contents, blobs).unwrap_or(recognised)
}

impl Said {
    /// Puts what the operator says in the place of what was recognised.
    fn correct(&self, image: &mut Image) -> Result<(), ImportError> {
        let there = |what: &'static str, path: &String| match image.asset(path) {
            Some(asset) => Ok(asset.path.clone()),
            None => Err(ImportError::NotThere {
                what,
                path: model::text::show(path.as_bytes()),
                has: a_few(image),
            }),
        };
        let kernel = self.kernel.as_ref().map(|path| there("the kernel", path)).transpose()?;
        let initrds: Vec<String> =
            self.initrds.iter().map(|path| there("the initrd", path)).collect::<Result<_, _>>()?;
        if let Some(title) = &self.title {
            image.title.clone_from(title);
        }
        if !self.archs.is_empty() {
            image.archs.clone_from(&self.archs);
        }
        let recipe = &mut image.recipe;
        if kernel.is_some() || !initrds.is_empty() {
            if kernel.is_some() {
                recipe.kernel = kernel;
                recipe.kernels.clear();
            }
            recipe.initrds = initrds;
            recipe.way = Way::Kernel;
            recipe.signed = None;
            recipe.confidence = None;
            image.recognised_by = format!("described by hand; else: {}", image.recognised_by);
        }
        if let Some(args) = &self.args {
            recipe.args.clone_from(args);
        }
        Ok(())
    }
}

/// The largest files near the root, for who named one that is not there.
fn a_few(image: &Image) -> String {
    let mut near: Vec<_> = image.assets.iter().collect();
    near.sort_by_key(|asset| (asset.path.matches('/').count(), std::cmp::Reverse(asset.size)));
    let names: Vec<String> =
        near.iter().take(8).map(|asset| model::text::show(asset.path.as_bytes())).collect();
    names.join(", ")
}
