//! File systems made by mksquashfs with every compressor and block size, read back.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::disallowed_types,
    reason = "images are made by other programs, in files, and what it takes is measured"
)]

mod support;

use std::cell::Cell;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Instant;
use support::{Image, able, file, run, shell};
use tempfile::TempDir;
use unpack::{Compression, Limits, ReadAt, Squashfs, SquashfsKind, UnpackError};

fn open(image: &dyn ReadAt) -> Squashfs<'_> {
    Squashfs::open(image, Limits::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// A system as live images hold one.
fn system(root: &Path) {
    for (name, length) in [
        ("boot/vmlinuz-6.1.0-50-amd64", 1_300_001),
        ("boot/initrd.img-6.1.0-50-amd64", 131_072),
        ("usr/bin/true", 30_000),
        ("usr/lib/modules/6.1.0-50-amd64/kernel/fs/ext4.ko", 4097),
        ("usr/lib/modules/6.12.9/modules.dep", 100),
        ("empty", 0),
        ("one", 1),
        ("block", 131_072),
        ("smörgåsbord 日本.txt", 33),
    ] {
        file(root, name, length);
    }
    let release = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n";
    fs::write(root.join("usr/lib/os-release"), release).unwrap();
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(root.join("etc/debian_version"), "12.11\n").unwrap();
    let mut holes = vec![0; 400_000];
    holes.extend([7; 300_000]);
    holes.extend([0; 200_000]);
    fs::write(root.join("holes"), holes).unwrap();
    for number in 0..700 {
        file(root, &format!("many/file number {number:04}"), number % 50);
    }
    for (target, name) in [
        ("../usr/lib/os-release", "etc/os-release"),
        ("usr/lib", "lib"),
        ("/lib/modules", "modules"),
        ("../../../../etc/../one", "etc/up"),
        ("boot/vmlinuz-6.1.0-50-amd64", "vmlinuz"),
        ("circle", "circle"),
        ("pong", "ping"),
        ("ping", "pong"),
        ("no/such", "dangling"),
        ("/../../one", "out"),
    ] {
        symlink(target, root.join(name)).unwrap();
    }
}

/// Every file below a directory is in the file system, byte by byte, and no other.
fn same(squashfs: &Squashfs<'_>, root: &Path, under: &str) {
    let mut listed: Vec<String> = Vec::new();
    for entry in squashfs.list(under).unwrap() {
        let path = format!("{under}/{}", entry.name);
        let original = root.join(path.trim_start_matches('/'));
        let meta = fs::symlink_metadata(&original).unwrap_or_else(|_| panic!("`{path}` is new"));
        match entry.kind {
            SquashfsKind::Directory => {
                assert!(meta.is_dir());
                same(squashfs, root, &path);
            }
            SquashfsKind::File => {
                let bytes = squashfs.read(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
                assert!(bytes == fs::read(&original).unwrap(), "`{path}` differs");
            }
            SquashfsKind::Link => assert!(meta.is_symlink(), "{path}"),
            SquashfsKind::Special => panic!("{path} is special"),
        }
        listed.push(entry.name);
    }
    assert_eq!(
        listed.len(),
        fs::read_dir(root.join(under.trim_start_matches('/'))).unwrap().count()
    );
}

#[test]
fn every_compressor_that_is_read_gives_every_byte() {
    if !able(&["mksquashfs"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("source");
    system(&source);
    for (options, compression) in [
        ("-comp gzip", Compression::Gzip),
        ("-comp xz", Compression::Xz),
        ("-comp xz -Xbcj x86 -b 1M", Compression::Xz),
        ("-comp zstd", Compression::Zstd),
        ("-comp zstd -Xcompression-level 22 -b 4K", Compression::Zstd),
        ("-comp gzip -no-fragments -noI -noD", Compression::Gzip),
        ("-comp gzip -always-use-fragments -b 1M", Compression::Gzip),
        ("-comp xz -noF -noX -no-duplicates -no-exports", Compression::Xz),
    ] {
        let line = format!(
            "rm -f out; mksquashfs source out -quiet -no-progress -processors 1 {options} \
             -mkfs-time 1700000000"
        );
        shell(&line, dir.path());
        let image = Image::open(&dir.path().join("out"));
        let squashfs = open(&image);
        let facts = squashfs.facts();
        assert_eq!((facts.compression, facts.version), (compression, (4, 0)), "{options}");
        assert_eq!(facts.made_s, 1_700_000_000);
        assert!(facts.bytes <= image.size() && facts.inodes > 700);
        same(&squashfs, &source, "");
        asked(&squashfs, &source);
    }
}

fn asked(squashfs: &Squashfs<'_>, source: &Path) {
    let release = squashfs.os_release().unwrap();
    assert_eq!(release.pretty_name(), "Debian GNU/Linux 12 (bookworm)");
    assert_eq!((release.id(), release.version_id()), ("debian", Some("12")));
    assert_eq!(squashfs.read("/etc/debian_version").unwrap(), b"12.11\n");
    assert_eq!(squashfs.kernels().unwrap(), ["6.1.0-50-amd64", "6.12.9"]);
    let boot: Vec<String> = squashfs.list("boot").unwrap().into_iter().map(|e| e.name).collect();
    assert_eq!(boot, ["initrd.img-6.1.0-50-amd64", "vmlinuz-6.1.0-50-amd64"]);
    // Links lead where they lead in a running system, never out.
    let one = fs::read(source.join("one")).unwrap();
    for path in
        ["one", "/one", "./one", "etc/up", "/etc/../one", "out", "../../one", "/lib/../../one"]
    {
        assert_eq!(squashfs.read(path).unwrap(), one, "{path}");
    }
    assert!(squashfs.has("/lib/modules/6.12.9/modules.dep").unwrap());
    assert_eq!(squashfs.list("modules").unwrap().len(), 2);
    for (path, why) in [
        ("none", "is not there"),
        ("etc/none", "is not there"),
        ("dangling", "is not there"),
        ("one/x", "leads through what is no directory"),
        ("circle", "without an end"),
        ("ping", "without an end"),
        ("etc", "is no regular file"),
    ] {
        let error = squashfs.read(path).unwrap_err();
        assert!(matches!(error, UnpackError::NotFound { .. }), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
    assert!(squashfs.list("one").unwrap_err().to_string().contains("is no directory"));
}

#[test]
fn other_compressors_are_told() {
    if !able(&["mksquashfs"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    file(dir.path(), "source/etc/os-release", 3000);
    for (name, compression) in [("lz4", Compression::Lz4), ("lzo", Compression::Lzo)] {
        let line = format!("rm -f out; mksquashfs source out -quiet -no-progress -comp {name}");
        shell(&line, dir.path());
        let image = fs::read(dir.path().join("out")).unwrap();
        let squashfs = open(&image);
        assert_eq!(squashfs.facts().compression, compression);
        let error = squashfs.os_release().unwrap_err().to_string();
        assert!(error.contains(&format!("a squashfs packed by {name} is not read")), "{error}");
        assert!(error.contains("mksquashfs"), "{error}");
    }
}

#[test]
fn what_is_cut_or_old_is_told() {
    if !able(&["mksquashfs"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    file(dir.path(), "source/a", 100_000);
    run("mksquashfs", &["source", "out", "-quiet", "-no-progress"], dir.path());
    let image = fs::read(dir.path().join("out")).unwrap();
    let error = |image: Vec<u8>| Squashfs::open(&image, Limits::default()).map(drop).unwrap_err();
    let cut = error(image[..image.len() / 2].to_vec());
    assert!(matches!(cut, UnpackError::CutShort { .. }), "{cut}");
    let mut old = image.clone();
    old[28] = 3;
    assert!(error(old).to_string().contains("squashfs of version 3.0 is not read"));
    let mut bent = image.clone();
    bent[12] = 1;
    assert!(error(bent).to_string().contains("the superblock at byte 0 is damaged"));
    for none in [vec![], b"hsqs".to_vec(), vec![0; 4096]] {
        let error = error(none);
        assert!(matches!(error, UnpackError::NotThis { .. }), "{error}");
    }
    let limits = Limits { file_bytes_max: 1000, ..Limits::default() };
    let error = Squashfs::open(&image, limits).unwrap().read("a").unwrap_err().to_string();
    assert!(error.contains("of `file_bytes_max`"), "{error}");
}

/// Counts what is read.
struct Counted<'a>(&'a Image, Cell<u64>);

impl ReadAt for Counted<'_> {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.1.set(self.1.get() + buffer.len() as u64);
        self.0.read_at(buffer, offset)
    }
}

/// What the size of a system costs whoever asks for its name: nothing.
#[test]
fn a_hundred_thousand_files_cost_no_more_than_a_hundred() {
    if !able(&["sqfstar"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let mut archive = tar::Builder::new(fs::File::create(dir.path().join("a.tar")).unwrap());
    let mut add = |path: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, bytes).unwrap();
    };
    for number in 0..100_000 {
        let path = format!("usr/share/{:03}/file number {number}", number / 1000);
        add(&path, number.to_string().as_bytes());
    }
    add("etc/os-release", b"ID=large\n");
    archive.into_inner().unwrap();
    // Its search for duplicates looks at every pair of files of one size.
    let line = "sqfstar -quiet -no-progress -processors 1 -no-duplicates -comp xz out < a.tar";
    shell(line, dir.path());
    let image = Image::open(&dir.path().join("out"));
    let counted = Counted(&image, Cell::new(0));
    let start = Instant::now();
    let squashfs = open(&counted);
    assert_eq!(squashfs.os_release().unwrap().id(), "large");
    let took = start.elapsed();
    let (read, size) = (counted.1.get(), image.size());
    println!("os-release among 100,000 files: {took:?}, {read} of {size} bytes read");
    assert!(read < 120_000, "{read} bytes read");
    // In a directory of a thousand, too.
    assert_eq!(squashfs.read("usr/share/077/file number 77123").unwrap(), b"77123");
    assert!(counted.1.get() < 400_000, "{} bytes read", counted.1.get());
}

#[test]
fn each_limit_has_its_name() {
    if !able(&["mksquashfs"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    system(&dir.path().join("source"));
    run("mksquashfs", &["source", "out", "-quiet", "-no-progress"], dir.path());
    let image = fs::read(dir.path().join("out")).unwrap();
    let tight = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    for (limits, path, name) in [
        (tight(|l| l.entries_max = 300), "many/file number 0699", "of `entries_max`"),
        (tight(|l| l.depth_max = 2), "usr/lib/modules/6.12.9", "of `depth_max`"),
        (tight(|l| l.path_bytes_max = 5), "etc/os-release", "of `path_bytes_max`"),
        (
            tight(|l| l.metadata_bytes_max = 5000),
            "many/file number 0699",
            "of `metadata_bytes_max`",
        ),
        (tight(|l| l.file_bytes_max = 1000), "usr/bin/true", "of `file_bytes_max`"),
        (tight(|l| l.link_hops_max = 1), "modules/6.12.9/modules.dep", "(`link_hops_max`)"),
    ] {
        let squashfs = Squashfs::open(&image, limits).unwrap();
        let error = squashfs.read(path).unwrap_err().to_string();
        assert!(error.contains(name), "{path}: {error}");
    }
}
