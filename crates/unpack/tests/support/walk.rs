//! Goes through everything that a file of any bytes can be made to tell, for the tests that bend
//! files and for the fuzz targets.
#![allow(dead_code, reason = "each fuzz target uses its own part of it")]

use std::io::Read;
use unpack::{
    Decompress, DiskImage, Fat, HEAD_BYTES, Initramfs, Limits, Member, ReadAt, Squashfs,
    SquashfsKind, Tar, UnpackError, kind,
};

/// Less than in the house, so that a walk over a bomb is short.
pub fn limits() -> Limits {
    Limits {
        unpacked_bytes_max: 64 << 20,
        ratio_free_bytes: 1 << 20,
        metadata_bytes_max: 8 << 20,
        file_bytes_max: 4 << 20,
        ..Limits::default()
    }
}

/// What the file is, and that there are words for it.
pub fn head(bytes: &[u8]) -> String {
    let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
    let kind = kind(head, bytes.len() as u64);
    let words = kind.to_string();
    assert!(!words.is_empty() && kind.hint().is_none_or(|hint| !hint.is_empty()));
    words
}

pub fn tar(bytes: &[u8]) -> Result<u64, UnpackError> {
    head(bytes);
    let mut names = std::collections::BTreeSet::new();
    let mut read = 0;
    let totals = Tar::new(bytes, limits())?.each(&mut |member| {
        let path = match member {
            Member::Directory { path } => path,
            Member::SymbolicLink { path, .. } | Member::HardLink { path, .. } => {
                assert!(names.insert(path.to_lowercase()), "`{path}` came twice");
                path
            }
            Member::File { path, size, bytes, .. } => {
                assert!(names.insert(path.to_lowercase()), "`{path}` came twice");
                // Some are read to their end, some are not.
                let most = if size % 3 == 0 { size / 2 } else { size };
                let got = std::io::copy(&mut bytes.take(most), &mut std::io::sink())?;
                assert_eq!(got, most, "{path}");
                read += size;
                path
            }
        };
        let fit = |name: &str| !name.is_empty() && name != "." && name != "..";
        assert!(path.split('/').all(fit), "{path}");
        assert!(!path.chars().any(char::is_control), "{path}");
        Ok(())
    })?;
    assert_eq!(totals.bytes, read);
    Ok(totals.files + totals.links)
}

pub fn packed(bytes: &[u8]) -> Result<u64, UnpackError> {
    head(bytes);
    let mut unpack = Decompress::new(bytes, limits())?;
    let length = std::io::copy(&mut unpack, &mut std::io::sink())?;
    assert_eq!(length, unpack.unpacked_bytes());
    Ok(length)
}

pub fn initramfs(bytes: &[u8]) -> Result<u64, UnpackError> {
    head(bytes);
    let found = Initramfs::names(bytes, limits())?;
    assert!(found.iter().all(|name| found.has(name)));
    Ok(found.iter().count() as u64)
}

/// All of a disk: its partitions, the FAT in each, or the one FAT that it is. What is wrong with a
/// FAT is said last.
pub fn disk(image: &[u8]) -> Result<u64, UnpackError> {
    head(image);
    let disk = DiskImage::read(&image, limits())?;
    let boots = disk.boots(&image, limits());
    let (mut count, mut wrong) = (1 + boots.uefi.len() as u64, None);
    for partition in &disk.partitions {
        assert!(!partition.kind.to_string().is_empty());
        let _ = partition.kind.name();
        let part = partition.part(&image);
        if let Ok(fat) = Fat::open(&part, limits()) {
            match fat_files(&fat) {
                Ok(files) => count += files,
                Err(error) => wrong = Some(error),
            }
        }
    }
    wrong.map_or(Ok(count), Err)
}

fn fat_files(fat: &Fat<'_>) -> Result<u64, UnpackError> {
    let mut count = 0;
    for entry in fat.walk()? {
        assert!(!entry.name.contains(['/', '\\', '\0']), "{}", entry.path);
        if entry.is_directory {
            continue;
        }
        // A bad file leaves the others.
        if let (Ok(extents), Ok(bytes)) = (fat.extents(&entry), fat.read(&entry)) {
            let length: u64 = extents.iter().map(|(_, length)| length).sum();
            assert_eq!((length, bytes.len() as u64), (entry.size, entry.size));
            count += 1;
        }
    }
    Ok(count)
}

/// A squashfs, down three directories.
pub fn squashfs(image: &[u8]) -> Result<u64, UnpackError> {
    head(image);
    let squashfs = Squashfs::open(&image, limits())?;
    let mut waiting = vec![(String::new(), 0)];
    let mut count = 0;
    while let Some((path, depth)) = waiting.pop() {
        for entry in squashfs.list(&path)?.into_iter().take(50) {
            assert!(!entry.name.contains('/'), "{}", entry.name);
            let path = format!("{path}/{}", entry.name);
            match entry.kind {
                SquashfsKind::Directory if depth < 3 => waiting.push((path, depth + 1)),
                SquashfsKind::File | SquashfsKind::Link => {
                    count += u64::from(squashfs.read(&path).is_ok());
                }
                _ => {}
            }
        }
    }
    let _ = squashfs.os_release();
    let _ = squashfs.kernels();
    Ok(count)
}

/// Any bytes as anything that is read in place.
pub fn in_place(image: &[u8]) {
    let _ = disk(image);
    let _ = squashfs(image);
    if let Ok(fat) = Fat::open(&image, limits()) {
        let _ = fat_files(&fat);
    }
    assert_eq!(image.size(), image.len() as u64);
}
