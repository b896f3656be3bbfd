//! What files are, by their first bytes: made by the tools that make them.

mod support;

use std::fs;
use std::path::Path;
use support::{able, fed, file, run, shell};
use tempfile::TempDir;
use unpack::{HEAD_BYTES, Kind, kind};

/// What a file is, in words.
fn told(path: &Path) -> Kind {
    let bytes = fs::read(path).unwrap();
    kind(&bytes[..bytes.len().min(HEAD_BYTES)], bytes.len() as u64)
}

/// Makes a file `out` by a line of shell, and says what it is.
fn made(dir: &Path, line: &str) -> String {
    let _ = fs::remove_file(dir.join("out"));
    shell(line, dir);
    told(&dir.join("out")).to_string()
}

#[test]
fn files_are_told_by_what_is_in_them() {
    let tools = [
        "tar",
        "gzip",
        "xz",
        "zstd",
        "bzip2",
        "lz4",
        "zip",
        "cpio",
        "mksquashfs",
        "genisoimage",
        "sfdisk",
        "sgdisk",
        "mkfs.fat",
        "mkfs.ext4",
        "xorriso",
    ];
    if !able(&tools) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    for (name, length) in [("d/a", 400_000), ("d/b/c", 77)] {
        file(dir, name, length);
    }
    let gpt = "truncate -s 8M out; sgdisk -n 1:2048:0 -t 1:ef00 out";
    let mbr = "truncate -s 8M out; echo 2048,,83 | sfdisk -q out";
    for (line, expected) in [
        ("tar -cf out --format=gnu d", "tar archive (GNU)"),
        ("tar -cf out --format=ustar d", "tar archive (ustar)"),
        ("tar -cf out --format=v7 d", "tar archive (V7)"),
        ("tar -czf out --format=ustar d", "gzip of tar archive (ustar)"),
        ("tar -cJf out --format=gnu d", "xz of tar archive (GNU)"),
        ("tar --zstd -cf out --format=gnu d", "zstd of tar archive (GNU)"),
        ("tar -cjf out d", "bzip2 file"),
        ("tar -cf - d | lz4 -q - out", "lz4 file"),
        ("tar -cf - d | xz --format=lzma > out", "lzma file"),
        ("tar -czf - d | gzip > out", "gzip of gzip file"),
        ("tar -cf - d | bzip2 | xz > out", "xz of bzip2 file"),
        ("zip -qr out.zip d; mv out.zip out", "zip archive"),
        ("find d | cpio -o -H newc --quiet > out", "cpio archive (initramfs)"),
        ("find d | cpio -o -H newc --quiet | zstd -q > out", "zstd of cpio archive (initramfs)"),
        ("find d | cpio -o -H odc --quiet > out", "cpio (odc) archive"),
        ("mksquashfs d out -quiet -no-progress", "squashfs file system"),
        ("genisoimage -quiet -R -o out d", "optical disc"),
        ("genisoimage -quiet -udf -R -o out d", "optical disc"),
        ("genisoimage -quiet -R d | xz > out", "xz of optical disc"),
        ("genisoimage -quiet -R d | zstd -q > out", "zstd of optical disc"),
        (gpt, "disk image (GPT)"),
        (&format!("{gpt}; zstd -q out -o z; mv z out"), "zstd of disk image (GPT)"),
        (mbr, "disk image (MBR)"),
        (&format!("{mbr}; gzip out; mv out.gz out"), "gzip of disk image (MBR)"),
        ("truncate -s 2880K out; mkfs.fat out", "FAT file system"),
        ("truncate -s 40M out; mkfs.fat -F 32 out", "FAT file system"),
        ("truncate -s 40M out; mkfs.fat out", "FAT file system"),
        ("truncate -s 8M out; mkfs.ext4 -q out", "ext2/3/4 file system"),
        ("head -c 100000 /dev/zero > out", "other file"),
        ("head -c 100000 /dev/zero | gzip > out", "gzip of other file"),
        ("echo '#!ipxe' > out", "other file"),
        (": > out", "other file"),
        ("cp /usr/bin/true out", "other file"),
        // A disc that boots from a stick has a partition table before it.
        ("xorriso -as mkisofs -quiet -o out --protective-msdos-label d", "optical disc"),
    ] {
        assert_eq!(made(dir, line), expected, "{line}");
    }
    assert_eq!(told(&dir.join("out")).hint(), None);
}

#[test]
fn disks_of_virtual_machines_come_with_the_command_that_converts_them() {
    if !able(&["qemu-img"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    for form in ["qcow2", "vmdk", "vhdx", "vpc", "vdi"] {
        let _ = fs::remove_file(dir.path().join("out"));
        run("qemu-img", &["create", "-q", "-f", form, "out", "8M"], dir.path());
        let kind = told(&dir.path().join("out"));
        assert_eq!(kind.to_string(), format!("virtual disk ({form})"));
        // The command does what it says.
        let hint = kind.hint().unwrap();
        let command = hint.split_once(": ").unwrap().1.replace("FILE", "out");
        shell(&command, dir.path());
        // `vpc` rounds up to whole cylinders.
        let size = fs::metadata(dir.path().join("disk.raw")).unwrap().len();
        assert!((8 << 20..9 << 20).contains(&size), "{form}: {size}");
    }
}

#[test]
fn real_boot_files_are_left_to_the_caller() {
    let root = Path::new("/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64");
    if !root.exists() {
        able(&["debian-installer-12-netboot-amd64"]);
        return;
    }
    for (name, expected) in [
        ("linux", "other file"),
        ("initrd.gz", "gzip of cpio archive (initramfs)"),
        ("bootnetx64.efi", "other file"),
        ("grubx64.efi", "other file"),
        ("pxelinux.0", "other file"),
    ] {
        assert_eq!(told(&root.join(name)).to_string(), expected, "{name}");
    }
}

#[test]
fn windows_images_and_nothings_are_told() {
    for (head, expected) in [
        (&b"MSWIM\0\0\0\xd0\0\0\0"[..], "Windows image (WIM)"),
        (b"WLPWM\0\0\0", "Windows image (WIM)"),
        (b"\x1f\x8b\x08", "gzip of other file"),
        (b"\x1f\x8b", "other file"),
        (b"BZh", "other file"),
        (b"!<arch>\ndebian-binary", "ar (deb) archive"),
        (b"", "other file"),
    ] {
        assert_eq!(kind(head, head.len() as u64).to_string(), expected);
    }
}

/// What carries the mark of a boot sector, and is no disk.
#[test]
fn a_boot_sectors_mark_alone_is_no_disk() {
    let sector = |name: &[u8], line: [u8; 16]| {
        let mut sector = vec![0; 4096];
        sector[3..3 + name.len()].copy_from_slice(name);
        sector[446..462].copy_from_slice(&line);
        sector[510..512].copy_from_slice(&[0x55, 0xaa]);
        kind(&sector, 1 << 20).to_string()
    };
    let line = |status: u8, start: u8| [status, 0, 0, 0, 0x83, 0, 0, 0, 0, start, 0, 0, 0, 1, 0, 0];
    assert_eq!(sector(b"", line(0x80, 1)), "disk image (MBR)");
    assert_eq!(sector(b"", line(0x80, 0)), "other file");
    assert_eq!(sector(b"", line(0x81, 1)), "other file");
    // It starts behind the end.
    assert_eq!(sector(b"", line(0x80, 9)), "other file");
    assert_eq!(sector(b"NTFS    ", line(0, 1)), "NTFS file system");
    assert_eq!(sector(b"EXFAT   ", line(0, 1)), "exFAT file system");
}

#[test]
fn a_name_changes_nothing() {
    if !able(&["tar"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    file(dir.path(), "d/a", 100);
    fed("tar", &["-cf", "disk.iso", "d"], dir.path(), "");
    assert_eq!(told(&dir.path().join("disk.iso")).to_string(), "tar archive (GNU)");
}
