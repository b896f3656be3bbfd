//! One file that is neither a kernel nor a program: a disk image, a file system, or what only others
//! can open. What it is, and what follows.
//!
//! In: the one file that was kept. Out: a [`Recognised`], better than "a file". Never: a guess that is
//! not called one.

use super::contents::Contents;
use crate::store::{BlobFile, Blobs};
use catalogue::Recognised;
use model::image::{Recipe, Way};
use model::{Arch, Asset};
use std::io;
use unpack::{DiskImage, Kind, Limits, Squashfs};

/// What one file is, if it is something that holds a system or other files.
pub(super) fn understand(contents: &Contents, blobs: &Blobs) -> Option<Recognised> {
    let [asset] = &*contents.assets else { return None };
    let head = contents.head(blobs, &asset.path, unpack::HEAD_BYTES).ok()?;
    let kind = unpack::kind(&head, asset.size);
    let blob = blobs.open(&asset.sha256).ok()?;
    match kind {
        Kind::Disk(_) => Some(disk(asset, &blob, &kind)),
        Kind::Squashfs => Some(squashfs(asset, &blob)),
        Kind::Other | Kind::Disc | Kind::Tar(_) => None,
        other => {
            let note = other.hint().unwrap_or_else(|| {
                format!("a {other} alone starts nothing; import it with what loads it")
            });
            Some(Recognised {
                notes: vec![note],
                ..files(asset, other.to_string(), format!("`{}` is a {other}", asset.path))
            })
        }
    }
}

fn files(asset: &Asset, title: String, why: String) -> Recognised {
    Recognised {
        recipe: Recipe { kind: "files".into(), ..Recipe::default() },
        title: format!("{title}: {}", asset.path),
        recognised_by: why,
        ..Recognised::default()
    }
}

/// A disk image: started as a drive, by whatever on it BIOS or UEFI would start.
fn disk(asset: &Asset, image: &BlobFile, kind: &Kind) -> Recognised {
    let path = &asset.path;
    let read = match DiskImage::read(image, Limits::default()) {
        Ok(read) => read,
        Err(error) => {
            let why = format!("`{path}` looks like a {kind}, and cannot be read: {error}");
            return files(asset, kind.to_string(), why);
        }
    };
    let boots = read.boots(image, Limits::default());
    let mut notes: Vec<String> = read.notes.iter().chain(&boots.notes).cloned().collect();
    let mut archs: Vec<Arch> = boots
        .uefi
        .iter()
        .filter_map(|loader| {
            Arch::ALL.iter().copied().find(|a| a.efi_suffix() == Some(loader.arch))
        })
        .collect();
    archs.dedup();
    if boots.bios.is_some() {
        archs.insert(0, Arch::X86Bios);
    }
    let loaders: Vec<String> = boots.uefi.iter().map(|loader| loader.path.clone()).collect();
    let mut why = format!("`{path}` is a {kind} with {} partitions", read.partitions.len());
    if let Some(bios) = &boots.bios {
        why.push_str(&format!(", for BIOS {bios}"));
    }
    if !loaders.is_empty() {
        why.push_str(&format!(", for UEFI {}", loaders.join(", ")));
    }
    if archs.is_empty() {
        notes.push("nothing on it would start: no loader for UEFI, no boot code for BIOS".into());
        return Recognised { notes, ..files(asset, kind.to_string(), why) };
    }
    notes.push(
        "it is started as a drive over the network, which is a guess: the system on it must \
         have its own way to its disk after its loader ran"
            .into(),
    );
    let recipe = Recipe {
        kind: "disk".into(),
        way: Way::Disc,
        kernel: Some(path.clone()),
        ..Recipe::default()
    };
    let title = format!("Disk image {path}");
    Recognised { recipe, title, archs, recognised_by: why, notes, ..Recognised::default() }
}

fn squashfs(asset: &Asset, image: &BlobFile) -> Recognised {
    let path = &asset.path;
    let told = || -> Result<(String, Vec<String>), unpack::UnpackError> {
        let squashfs = Squashfs::open(image, Limits::default())?;
        let system = squashfs.os_release()?.pretty_name().to_owned();
        Ok((system, squashfs.kernels()?))
    };
    let note = "a file system alone starts nothing: import it together with the kernel and initrd \
                that load it, in one folder"
        .to_owned();
    match told() {
        Ok((system, kernels)) => {
            let modules = match kernels.as_slice() {
                [] => "no kernel modules".to_owned(),
                some => format!("modules of {}", some.join(", ")),
            };
            let why = format!("`{path}` is a squashfs with {system} and {modules}");
            let title = format!("squashfs with {system}");
            Recognised { notes: vec![note], ..files(asset, title, why) }
        }
        Err(error) => {
            let why = format!("`{path}` is a squashfs in which no system was found ({error})");
            Recognised { notes: vec![note], ..files(asset, "squashfs".into(), why) }
        }
    }
}

impl unpack::ReadAt for BlobFile {
    fn size(&self) -> u64 {
        Self::size(self)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }
}
