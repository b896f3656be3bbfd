//! A disc image: kept as the one blob it is, and its files are parts of that.
//!
//! In: an open file, the store. Out: [`Contents`]. Never: a file of the disc copied out of it.

use super::{Contents, ImportError, Origin, Progress, Tell, check_room, stopped};
use crate::store::{BlobFile, Blobs};
use catalogue::Volume;
use disc::{Disc, Format, Limits, Platform, What};
use model::image::{Assets, DiscFile, Link, Run};
use model::{Asset, Hash};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Remarks of the reader that are kept with the image.
const NOTES_MAX: usize = 8;

/// Keeps a disc, and reads where its files stand.
pub(super) fn keep(
    mut file: File,
    path: &Path,
    blobs: &Blobs,
    tell: &mut Tell<'_>,
) -> Result<Contents, ImportError> {
    let unreadable = |cause| ImportError::Read { path: path.to_owned(), cause };
    let total = file.metadata().map_err(unreadable)?.len();
    check_room(path, total, blobs)?;
    let shown = path.file_name().unwrap_or_default().to_string_lossy();
    // What cannot be read is said before gigabytes are copied.
    read(&At::File(&file), path)?;
    let mut told = |done| tell(Progress { done, total, file: &shown });
    let added = blobs.add(&mut file, &mut told).map_err(|cause| stopped(&shown, cause))?;
    let disc = of_blob(added, path, blobs)?;
    Ok(Contents { origin: Origin::Whole(added.0), ..disc })
}

/// The same for a disc that is in the store already.
pub(super) fn of_blob(
    (sha256, size): (Hash, u64),
    path: &Path,
    blobs: &Blobs,
) -> Result<Contents, ImportError> {
    let shown = path.file_name().unwrap_or_default().to_string_lossy();
    let blob = blobs.open(&sha256).map_err(|cause| stopped(&shown, cause))?;
    let disc = read(&At::Blob(&blob), path)?;
    Ok(contents(&disc, sha256, size))
}

fn read(image: &At<'_>, path: &Path) -> Result<Disc, ImportError> {
    Disc::open(image, Limits::default())
        .map_err(|cause| ImportError::Disc { path: path.to_owned(), cause })
}

fn contents(disc: &Disc, sha256: Hash, size: u64) -> Contents {
    let mut left_out = LeftOut::default();
    let (mut assets, mut links) = (Vec::new(), Vec::new());
    for entry in disc.walk() {
        let path = from_root(disc, entry.id);
        if path.chars().any(char::is_control) {
            left_out.names += 1;
            continue;
        }
        let file = match entry.what {
            What::Directory => continue,
            What::File(file) => file,
            What::Special => {
                left_out.special += 1;
                continue;
            }
            What::Link(_) => match disc.find(&path) {
                Err(_) => {
                    left_out.links += 1;
                    continue;
                }
                Ok(to) => match to.what {
                    What::File(file) => file,
                    _ => {
                        links.push(Link { path, to: from_root(disc, to.id) });
                        continue;
                    }
                },
            },
        };
        if file.zisofs.is_some() {
            left_out.compressed += 1;
            continue;
        }
        let run = |extent: &disc::Extent| Run { offset: extent.offset, length: extent.length };
        let runs: Arc<[Run]> = file.extents.iter().map(run).collect();
        assets.push(Asset { path, sha256, size: file.size, runs: Some(runs) });
    }
    let volume = disc.volume();
    let mut notes: Vec<String> = volume.notes.iter().take(NOTES_MAX).cloned().collect();
    notes.extend(left_out.words());
    let ids = volume.ids();
    let primary = volume.iso.as_ref().unwrap_or(ids);
    let starts = |platform: Platform| {
        disc.boot().iter().any(|entry| entry.bootable && entry.platform == platform)
    };
    Contents {
        assets: Assets::new(assets),
        links,
        disc: Some(DiscFile {
            sha256,
            size,
            format: format_of(volume),
            volume: model::text::show(ids.volume.as_bytes()),
        }),
        volume: Some(Volume {
            id: ids.volume.clone(),
            system: primary.system.clone(),
            publisher: primary.publisher.clone(),
            application: primary.application.clone(),
            boots_bios: starts(Platform::Bios),
            boots_uefi: starts(Platform::Uefi),
        }),
        notes,
        ..Contents::default()
    }
}

/// The path of an entry as images write it: no slash in front.
fn from_root(disc: &Disc, id: disc::Id) -> String {
    disc.path(id).trim_start_matches('/').to_owned()
}

fn format_of(volume: &disc::Volume) -> String {
    let name = match volume.used {
        Format::RockRidge => "ISO 9660 with Rock Ridge".to_owned(),
        Format::Joliet => "ISO 9660 with Joliet".to_owned(),
        other => other.to_string(),
    };
    if volume.hybrid { format!("{name}, also bootable from a stick") } else { name }
}

/// What of a disc cannot be served.
#[derive(Default)]
struct LeftOut {
    names: usize,
    special: usize,
    links: usize,
    compressed: usize,
}

impl LeftOut {
    fn words(&self) -> impl Iterator<Item = String> {
        [
            (self.names, "names with control characters"),
            (self.special, "devices, sockets or pipes"),
            (self.links, "links to nothing on the disc"),
            (self.compressed, "files that were compressed when the disc was made (zisofs)"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what} are left out"))
    }
}

/// A disc to be read from: the file it comes as, or the blob it became.
enum At<'a> {
    File(&'a File),
    Blob(&'a BlobFile),
}

impl disc::ReadAt for At<'_> {
    fn size(&self) -> u64 {
        match self {
            Self::File(file) => file.metadata().map_or(0, |told| told.len()),
            Self::Blob(blob) => blob.size(),
        }
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Self::File(file) => file.read_exact_at(buffer, offset),
            Self::Blob(blob) => blob.read_exact_at(buffer, offset),
        }
    }
}
