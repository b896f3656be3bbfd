//! What is in an initramfs: Debian's own, and those put together of parts as kernels take them.

#![expect(clippy::disallowed_types, reason = "files are made by other programs, and read")]

mod support;

use std::fs;
use std::path::Path;
use support::{able, file, run, shell};
use tempfile::TempDir;
use unpack::{Initramfs, Limits, Packing, UnpackError};

fn names(bytes: &[u8]) -> Initramfs {
    Initramfs::names(bytes, Limits::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Two trees, and an archive of each.
fn parts(dir: &Path) {
    for name in ["early/kernel/x86/microcode/GenuineIntel.bin", "main/scripts/live", "main/init"] {
        file(dir, name, 3001);
    }
    file(dir, "main/usr/lib/dracut/hooks/cmdline/29-parse-livenet.sh", 10);
    for part in ["early", "main"] {
        shell(&format!("cd {part}; find . | cpio -o -H newc --quiet > ../{part}.cpio"), dir);
    }
}

#[test]
fn every_form_that_kernels_take_is_looked_through() {
    if !able(&["cpio", "gzip", "xz", "zstd"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    parts(dir.path());
    let (gzip, xz, zstd) = (Some(Packing::Gzip), Some(Packing::Xz), Some(Packing::Zstd));
    for (line, packings) in [
        ("cat early.cpio main.cpio", vec![None]),
        ("gzip < main.cpio; cat early.cpio", vec![gzip]),
        ("cat early.cpio; gzip < main.cpio", vec![None, gzip]),
        ("cat early.cpio; xz --check=crc32 < main.cpio", vec![None, xz]),
        ("cat early.cpio; head -c 4096 /dev/zero; zstd -q < main.cpio", vec![None, zstd]),
        ("gzip < early.cpio; zstd -q < main.cpio; head -c 99 /dev/zero", vec![gzip, zstd]),
        ("gzip < early.cpio; head -c 3 /dev/zero; gzip < main.cpio", vec![gzip, gzip]),
        ("cat early.cpio main.cpio | zstd -q -19", vec![zstd]),
        ("xz -0 --check=crc32 < early.cpio; cat main.cpio", vec![xz]),
    ] {
        let out = shell(line, dir.path()).stdout;
        let found = names(&out);
        assert_eq!(found.packings, packings, "{line}");
        assert!(found.is_whole(), "{line}: {:?}", found.notes);
        for path in [
            "scripts/live",
            "/scripts/live",
            "scripts",
            "init",
            "kernel/x86/microcode/GenuineIntel.bin",
            "usr/lib/dracut/hooks/cmdline/29-parse-livenet.sh",
        ] {
            assert!(found.has(path), "{line}: {path}");
        }
        assert!(!found.has("scripts/nfs") && !found.has("."), "{line}");
        assert_eq!(found.iter().count(), 13, "{line}");
    }
}

#[test]
fn the_installers_own_holds_what_cpio_says() {
    let root = "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64/initrd.gz";
    if !Path::new(root).exists() || !able(&["cpio", "gzip"]) {
        able(&["debian-installer-12-netboot-amd64"]);
        return;
    }
    let found = Initramfs::names(fs::File::open(root).unwrap(), Limits::default()).unwrap();
    assert!(found.is_whole(), "{:?}", found.notes);
    assert!(found.has("init") && found.has("bin/busybox") && found.has("usr/bin/wget"));
    let dir = TempDir::new().unwrap();
    let list = shell(&format!("zcat {root} | cpio -t --quiet"), dir.path()).stdout;
    let list = String::from_utf8(list).unwrap();
    let mut expected: Vec<&str> = list.lines().filter(|name| *name != ".").collect();
    expected.sort_unstable();
    assert!(expected.len() > 1000);
    assert!(found.iter().eq(expected));
}

#[test]
fn what_is_not_read_leaves_what_was() {
    if !able(&["cpio", "lz4", "xz"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    parts(dir.path());
    let out = shell("cat early.cpio; lz4 -l -q < main.cpio", dir.path()).stdout;
    let found = names(&out);
    assert!(found.has("kernel/x86/microcode/GenuineIntel.bin") && !found.has("init"));
    assert!(found.notes[0].contains("packed by lz4 is not read"), "{:?}", found.notes);
    let out = shell("cat early.cpio; echo garbage", dir.path()).stdout;
    assert!(names(&out).notes[0].contains("is no part of an initramfs"));

    // Limits are remarks.
    let out = shell("xz < main.cpio", dir.path()).stdout;
    for (limits, name) in [
        (Limits { entries_max: 3, ..Limits::default() }, "entries_max"),
        (Limits { names_bytes_max: 20, ..Limits::default() }, "names_bytes_max"),
        (Limits { unpacked_bytes_max: 3000, ..Limits::default() }, "unpacked_bytes_max"),
    ] {
        let found = Initramfs::names(&out[..], limits).unwrap();
        assert!(!found.is_whole() && found.notes[0].contains(name), "{:?}", found.notes);
    }
}

#[test]
fn what_is_cut_or_none_is_an_error() {
    if !able(&["cpio", "gzip"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    parts(dir.path());
    for line in ["cat main.cpio", "gzip < main.cpio", "cat early.cpio; gzip < main.cpio"] {
        let out = shell(line, dir.path()).stdout;
        // cpio pads to its block; what is before that matters.
        let end = out.iter().rposition(|byte| *byte != 0).unwrap();
        for part in 1..20 {
            let result = Initramfs::names(&out[..end * part / 20], Limits::default());
            // Between two archives a cut cannot be seen.
            if let Ok(found) = result {
                assert!(line.contains("; ") && !found.has("init"), "{line}, {part}");
                continue;
            }
            let error = result.unwrap_err();
            assert!(matches!(error, UnpackError::CutShort { .. }), "{line}, {part}: {error}");
        }
    }
    for none in [&b""[..], &[0; 100], b"hello", &b"\x1f\x8b\x08"[..0]] {
        let error = Initramfs::names(none, Limits::default()).unwrap_err().to_string();
        assert!(error.contains("this is no initramfs"), "{error}");
    }
    let out = run("bash", &["-c", "echo hello | gzip"], dir.path()).stdout;
    let error = Initramfs::names(&out[..], Limits::default()).unwrap_err().to_string();
    assert!(error.contains("this is no initramfs"), "{error}");
    let mut bent = fs::read(dir.path().join("main.cpio")).unwrap();
    bent[95] = b'x';
    let error = Initramfs::names(&bent[..], Limits::default()).unwrap_err().to_string();
    assert!(error.contains("a header of a cpio archive at byte 0 is damaged"), "{error}");
}
