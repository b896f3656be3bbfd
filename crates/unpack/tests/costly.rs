//! Files that are made to hurt: bombs, and the largest that the limits allow. One test, alone in its
//! process, because it watches the memory of it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::disallowed_types,
    reason = "how long it takes, and how much memory, is measured and told"
)]

mod support;

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};
use support::{Image, able, shell, status_kb};
use tempfile::TempDir;
use unpack::{Decompress, Fat, Initramfs, Limits, Member, ReadAt, Squashfs, Tar, UnpackError};

/// What reading one file may add to the memory of the process.
const MEMORY_MAX_KB: u64 = 256 << 10;
/// And how long it may take, on a busy machine and with all checks on.
const TIME_MAX: Duration = Duration::from_secs(60);

fn measured<T>(
    what: &str,
    work: impl FnOnce() -> Result<T, UnpackError>,
) -> Result<T, UnpackError> {
    // Forgets the peak so far (proc(5)).
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let (before, start) = (status_kb("VmRSS:"), Instant::now());
    let result = work();
    let (grown, took) = (status_kb("VmHWM:").saturating_sub(before), start.elapsed());
    println!("{what}: {grown} kB, {took:?}");
    assert!(grown < MEMORY_MAX_KB, "{what}: {grown} kB");
    assert!(took < TIME_MAX, "{what}: {took:?}");
    result
}

fn decompressed(path: &Path) -> Result<u64, UnpackError> {
    let mut unpack = Decompress::new(fs::File::open(path).unwrap(), Limits::default())?;
    Ok(io::copy(&mut unpack, &mut io::sink())?)
}

fn taken(from: impl Read) -> Result<u64, UnpackError> {
    let totals = Tar::new(from, Limits::default())?.each(&mut |member| {
        if let Member::File { bytes, .. } = member {
            io::copy(bytes, &mut io::sink())?;
        }
        Ok(())
    })?;
    Ok(totals.files + totals.links)
}

/// Ten gigabytes of zeros in a few hundred kilobytes, or as few as the packer makes of them.
fn bombs(dir: &Path) {
    for packer in ["zstd -q", "zstd -q --long=27", "gzip -1", "xz -0"] {
        shell(
            &format!("head -c 1G /dev/zero | {packer} > one; cat one{} > bomb", " one".repeat(9)),
            dir,
        );
        let size = fs::metadata(dir.join("bomb")).unwrap().len();
        let what = format!("{packer}: a bomb of {size} bytes");
        let error = measured(&what, || decompressed(&dir.join("bomb"))).unwrap_err().to_string();
        assert!(error.contains("more than 200 of `ratio_max`"), "{error}");
        let bomb = fs::File::open(dir.join("bomb")).unwrap();
        let result = measured("as an initramfs", || Initramfs::names(bomb, Limits::default()));
        // Zeros are padding between archives: all of them would be gone through.
        let text = result.map_or_else(|e| e.to_string(), |found| found.notes.join(" "));
        assert!(text.contains("`ratio_max`"), "{text}");
    }
}

fn tar_bombs(dir: &Path) {
    // A file that is one hole of ten gigabytes; and one of zeros, packed.
    let line = "truncate -s 10G hole; tar -cf - --format=gnu --sparse hole > sparse.tar; \
                truncate -s 1G hole; tar -cf - --format=gnu hole | zstd -q > bomb.tar.zst; rm hole";
    shell(line, dir);
    for name in ["sparse.tar", "bomb.tar.zst"] {
        let from = fs::File::open(dir.join(name)).unwrap();
        let error = measured(name, || taken(from)).unwrap_err().to_string();
        assert!(error.contains("`ratio_max`"), "{name}: {error}");
    }
}

/// A tar header by hand.
fn header(name: &str, kind: tar::EntryType, size: u64) -> [u8; 512] {
    let mut header = tar::Header::new_gnu();
    header.set_path(name).unwrap();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    *header.as_bytes()
}

fn endless_headers() {
    // A long name without an end, a pax header without one, headers one after the other.
    for kind in [tar::EntryType::GNULongName, tar::EntryType::XHeader] {
        let start = header("x", kind, 8 << 30);
        let from = start.chain(io::repeat(b'a')).take(9 << 30);
        let error = measured("a header without an end", || taken(from)).unwrap_err().to_string();
        assert!(error.contains("`header_bytes_max`"), "{error}");
    }
    struct Many(u64, Vec<u8>);
    impl Read for Many {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.1.is_empty() {
                self.0 += 1;
                let name = format!("{}/{:080}", self.0, self.0);
                self.1 = header(&name, tar::EntryType::Regular, 0).to_vec();
            }
            let read = self.1.len().min(into.len());
            into[..read].copy_from_slice(&self.1[..read]);
            self.1.drain(..read);
            Ok(read)
        }
    }
    let from = Many(0, Vec::new());
    let error = measured("a tar of files without an end", || taken(from)).unwrap_err().to_string();
    assert!(error.contains("_max`"), "{error}");
}

/// The map of a sparse file as long as may be, every byte apart.
fn many_holes() {
    let pieces = 40_000_u64;
    let mut first = tar::Header::new_gnu();
    first.set_path("holes").unwrap();
    first.set_entry_type(tar::EntryType::GNUSparse);
    first.set_size(pieces);
    let gnu = first.as_gnu_mut().unwrap();
    gnu.set_real_size(pieces * 2);
    gnu.set_is_extended(true);
    first.set_mode(0o644);
    first.set_cksum();
    let mut bytes = first.as_bytes().to_vec();
    let places: Vec<u64> = (0..pieces).collect();
    let blocks = places.chunks(21).count();
    for (number, chunk) in places.chunks(21).enumerate() {
        let mut block = tar::GnuExtSparseHeader::new();
        block.set_is_extended(number + 1 < blocks);
        for (place, number) in block.sparse_mut().iter_mut().zip(chunk) {
            place.set_offset(number * 2);
            place.set_length(1);
        }
        bytes.extend_from_slice(block.as_bytes());
    }
    bytes.extend(vec![b'x'; usize::try_from(pieces).unwrap().next_multiple_of(512)]);
    bytes.extend([0; 1024]);
    let files = measured("a file of 40,000 pieces", || taken(&bytes[..])).unwrap();
    assert_eq!(files, 1);
}

/// Decoders whose window is filled to its end.
fn large_windows(dir: &Path) {
    let limits = Limits { ratio_max: u64::MAX, ..Limits::default() };
    for (packer, fits) in [
        ("xz -0 --lzma2=preset=0,dict=96MiB", true),
        ("xz -0 --lzma2=preset=0,dict=128MiB", false),
        ("zstd -q --long=27", true),
        ("zstd -q --long=28", false),
    ] {
        shell(&format!("head -c 300M /dev/zero | {packer} > packed"), dir);
        let from = fs::File::open(dir.join("packed")).unwrap();
        let result = measured(packer, || {
            let mut unpack = Decompress::new(from, limits)?;
            Ok(io::copy(&mut unpack, &mut io::sink())?)
        });
        match (fits, result) {
            (true, Ok(length)) => assert_eq!(length, 300 << 20),
            (false, Err(error)) => {
                assert!(error.to_string().contains("`decoder_bytes_max`"), "{error}");
            }
            (_, other) => panic!("{packer}: {other:?}"),
        }
    }
}

/// A FAT and a squashfs whose sizes say more than there is.
fn in_place(dir: &Path) {
    shell(
        "mkfs.fat -C -s 1 -F 32 fat 70000; head -c 30M /dev/urandom > f; mcopy -i fat f ::f",
        dir,
    );
    let image = Image::open(&dir.join("fat"));
    let fat = Fat::open(&image, Limits::default()).unwrap();
    let entry = fat.find("f").unwrap().unwrap();
    let bytes = measured("a file of 60,000 clusters", || fat.read(&entry)).unwrap();
    assert!(bytes == fs::read(dir.join("f")).unwrap());

    // A file of zeros that says it has as many as may be: a few bytes of image.
    shell("truncate -s 64M zeros; mkdir s; mv zeros s; mksquashfs s sq -quiet -no-progress", dir);
    let image = fs::read(dir.join("sq")).unwrap();
    assert!(image.size() < 10_000);
    let squashfs = Squashfs::open(&image, Limits::default()).unwrap();
    let bytes = measured("64 MiB of zeros in a squashfs", || squashfs.read("zeros")).unwrap();
    assert_eq!(bytes.len(), 64 << 20);
}

#[test]
fn the_costliest_files_end_at_a_limit_in_time_and_memory() {
    if !able(&["tar", "gzip", "xz", "zstd", "mksquashfs", "mkfs.fat", "mcopy"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    endless_headers();
    many_holes();
    in_place(dir.path());
    tar_bombs(dir.path());
    bombs(dir.path());
    large_windows(dir.path());
}
