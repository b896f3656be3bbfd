//! Discs made by xorriso and genisoimage, read back: every name, every byte, every boot image.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "discs are made by other programs, of files"
)]

mod support;

use disc::{Disc, Emulation, Format, Limits, NotFound, Platform, ReadAt, SizedBy, What};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{Image, Sparse, able, content, file, on_disk, open, paths, posix, run, same, sample};
use tempfile::TempDir;

/// A folder with a source to make discs of.
fn workshop(with_posix: bool) -> TempDir {
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("source");
    sample(&source);
    if with_posix {
        posix(&source);
    }
    dir
}

fn xorriso(dir: &Path, args: &[&str]) -> Image {
    let args = [&["-as", "mkisofs", "-o", "disc.iso"], args, &["source"]].concat();
    run("xorriso", &args, dir);
    Image::open(&dir.join("disc.iso"))
}

fn genisoimage(dir: &Path, args: &[&str]) -> Image {
    let args = [&["-o", "disc.iso"], args, &["source"]].concat();
    run("genisoimage", &args, dir);
    Image::open(&dir.join("disc.iso"))
}

/// Paths as another program lists them.
fn listed(program: &str, args: &[&str], dir: &Path) -> BTreeSet<String> {
    let output = run(program, args, dir);
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn rock_ridge_by_xorriso_is_what_was_put_in() {
    if !able(&["xorriso", "isoinfo"]) {
        return;
    }
    let dir = workshop(true);
    support::far(&dir.path().join("source"));
    let image = xorriso(dir.path(), &["-V", "Debian 12", "-publisher", "US", "-J", "-joliet-long"]);
    let disc = open(&image);
    same(&disc, &image, &dir.path().join("source"));
    let volume = disc.volume();
    assert_eq!(volume.used, Format::RockRidge);
    assert_eq!(volume.found, [Format::RockRidge, Format::Joliet, Format::Iso9660]);
    assert_eq!((&*volume.ids().volume, &*volume.ids().publisher), ("Debian 12", "US"));
    assert!(volume.ids().preparer.starts_with("XORRISO"), "{:?}", volume.ids());
    assert_eq!(volume.joliet.as_ref().unwrap().volume, "Debian 12");
    assert!(volume.ids().created.is_some() && volume.notes.is_empty(), "{volume:?}");
    assert!(volume.declared.unwrap() <= image.size() && !volume.hybrid);
    let other = listed("isoinfo", &["-R", "-f", "-i", "disc.iso"], dir.path());
    assert_eq!(paths(&disc), other);
}

#[test]
fn rock_ridge_by_genisoimage_with_deep_directories_moved() {
    if !able(&["genisoimage"]) {
        return;
    }
    let dir = workshop(true);
    let image = genisoimage(dir.path(), &["-R", "-hide-rr-moved"]);
    let disc = open(&image);
    support::same_but(&disc, &image, &dir.path().join("source"), &["/.rr_moved"]);
    assert_eq!(disc.volume().used, Format::RockRidge);
    // Really moved: more than eight levels stand in a place of their own.
    let raw = fs::read(dir.path().join("disc.iso")).unwrap();
    assert!(raw.windows(4).any(|field| field == b"CL\x0c\x01"));
    assert!(raw.windows(4).any(|field| field == b"RE\x04\x01"));
    assert!(raw.windows(4).any(|field| field == b"CE\x1c\x01"));
}

/// genisoimage writes pieces of a link that are longer than the field they are in.
#[test]
fn a_link_that_its_writer_spoilt_is_a_remark_and_the_files_are_there() {
    if !able(&["genisoimage"]) {
        return;
    }
    let dir = workshop(false);
    let far = ["y".repeat(200), "z".repeat(200)].join("/");
    std::os::unix::fs::symlink(far, dir.path().join("source/far")).unwrap();
    let image = genisoimage(dir.path(), &["-R"]);
    let disc = open(&image);
    assert!(matches!(disc.find("far").unwrap().what, What::Special));
    assert!(disc.volume().notes[0].ends_with("the target of the link `far` is damaged"));
    fs::remove_file(dir.path().join("source/far")).unwrap();
    let others = on_disk(&dir.path().join("source"));
    assert!(others.keys().all(|path| disc.find(path).is_ok()));
}

#[test]
fn joliet_and_plain_names() {
    if !able(&["xorriso", "genisoimage", "isoinfo"]) {
        return;
    }
    let dir = workshop(false);
    let source = dir.path().join("source");
    file(&source, "smörgåsbord 日本.txt", 33);
    let image = genisoimage(dir.path(), &["-J"]);
    let disc = open(&image);
    same(&disc, &image, &source);
    assert_eq!(disc.volume().used, Format::Joliet);

    fs::remove_file(source.join("smörgåsbord 日本.txt")).unwrap();
    let image = genisoimage(dir.path(), &["-l", "-iso-level", "1"]);
    let disc = open(&image);
    assert_eq!(disc.volume().found, [Format::Iso9660]);
    assert!(disc.find("readme.txt").is_ok());
    let strip =
        |name: &String| name.strip_suffix(";1").unwrap_or(name).trim_end_matches('.').to_owned();
    let other = listed("isoinfo", &["-f", "-i", "disc.iso"], dir.path());
    assert_eq!(paths(&disc), other.iter().map(strip).collect());
    let ours: BTreeSet<Vec<u8>> = disc
        .walk()
        .filter_map(|entry| match entry.what {
            What::File(file) => Some(content(&image, file)),
            _ => None,
        })
        .collect();
    let theirs = on_disk(&source).into_values().filter(|path| path.is_file());
    assert_eq!(ours, theirs.map(|path| fs::read(path).unwrap()).collect());
}

#[test]
fn names_are_found_as_written_then_in_any_case_then_through_links() {
    if !able(&["xorriso"]) {
        return;
    }
    let dir = workshop(true);
    let image = xorriso(dir.path(), &[]);
    let disc = open(&image);
    let path = |path: &str| disc.find(path).map(|entry| disc.path(entry.id));
    assert_eq!(path("").unwrap(), "/");
    assert_eq!(path("efi\\boot\\bootx64.efi").unwrap(), "/EFI/BOOT/BOOTX64.EFI");
    assert_eq!(path("/case/File").unwrap(), "/case/File");
    assert_eq!(path("/case/file").unwrap(), "/case/file");
    assert_eq!(path("/CASE/FILE").unwrap(), "/case/File");
    assert_eq!(path("SMÖRGÅSBORD 日本.TXT").unwrap(), "/smörgåsbord 日本.txt");
    assert_eq!(path("/link").unwrap(), "/README.TXT");
    assert_eq!(path("/through").unwrap(), "/EFI/BOOT/BOOTX64.EFI");
    assert_eq!(path("/debian/debian/one").unwrap(), "/one");
    assert_eq!(path("//boot//to grub/normal.mod").unwrap(), "/boot/grub/i386-pc/normal.mod");
    assert!(matches!(disc.find_link("/link").unwrap().what, What::Link("README.TXT")));
    for (lost, why) in [
        ("/no", NotFound::NoSuchName("no".into())),
        ("/boot/../one", NotFound::NoSuchName("..".into())),
        ("/./one", NotFound::NoSuchName(".".into())),
        ("/dangling", NotFound::NoSuchName("no".into())),
        ("/one/two", NotFound::NotADirectory("one".into())),
        ("/absolute", NotFound::LeavesDisc("/etc/passwd".into())),
        ("/out", NotFound::LeavesDisc("../../etc/passwd".into())),
        ("/circle", NotFound::TooManyLinks),
        ("/ping", NotFound::TooManyLinks),
    ] {
        assert_eq!(path(lost).unwrap_err(), why, "{lost}");
    }
}

/// 5 GiB of a file, of which the test keeps what is not zero.
#[test]
fn a_file_of_many_gigabytes_in_several_extents() {
    if !able(&["xorriso"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("source");
    file(&source, "before", 3000);
    let big = fs::File::create(source.join("install.img")).unwrap();
    let size = (4 << 30) + 300_000_123;
    big.set_len(size).unwrap();
    let marks = [0, 1 << 31, (4 << 30) - 2060, (4 << 30) - 4, (4 << 30) + 5000, size - 9];
    for (number, at) in marks.into_iter().enumerate() {
        std::os::unix::fs::FileExt::write_all_at(&big, format!("mark {number} !!").as_bytes(), at)
            .ok();
    }
    big.set_len(size).unwrap();
    file(&source, "zafter", 4000);
    let mut child = Command::new("xorriso")
        .args(["-as", "mkisofs", "-iso-level", "3", "-R", "source"])
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let image = Sparse::read(child.stdout.take().unwrap());
    assert!(child.wait().unwrap().success());
    let disc = open(&image);
    let What::File(file) = disc.find("install.img").unwrap().what else { panic!("no file") };
    assert_eq!(file.size, size);
    let original = Image::open(&source.join("install.img"));
    for at in marks {
        let from = at.saturating_sub(40);
        let length = usize::try_from((size - from).min(90)).unwrap();
        let (mut ours, mut theirs) = (vec![1; length], vec![2; length]);
        file.read_at(&image, &mut ours, from).unwrap();
        original.read_at(&mut theirs, from).unwrap();
        assert_eq!(ours, theirs, "at {at}");
        assert!(ours.iter().any(|byte| *byte != 0));
    }
    for name in ["before", "zafter"] {
        let What::File(file) = disc.find(name).unwrap().what else { panic!("no file") };
        assert_eq!(content(&image, file), fs::read(source.join(name)).unwrap());
    }
    // More than one record on the disc, whether or not they touch.
    let root = (0..64).map(|sector| {
        let mut bytes = vec![0; 2048];
        image.read_at(&mut bytes, sector * 2048).unwrap();
        bytes.windows(13).filter(|name| *name == b"INSTALL.IMG;1").count()
    });
    assert!(root.sum::<usize>() >= 2);
}

/// A FAT file system that says how large it is.
fn fat(path: &Path, sectors: u16) -> Vec<u8> {
    let mut bytes = support::Chance::new(9).bytes(usize::from(sectors) * 512);
    bytes[0..3].copy_from_slice(&[0xeb, 0x3c, 0x90]);
    bytes[11..13].copy_from_slice(&512_u16.to_le_bytes());
    bytes[19..21].copy_from_slice(&sectors.to_le_bytes());
    bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
    fs::write(path, &bytes).unwrap();
    bytes
}

fn bytes_at(image: &dyn ReadAt, offset: u64, length: u64) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(length).unwrap()];
    image.read_at(&mut bytes, offset).unwrap();
    bytes
}

#[test]
fn el_torito_for_bios_and_uefi_named_by_files() {
    if !able(&["xorriso"]) {
        return;
    }
    let dir = workshop(false);
    file(&dir.path().join("source"), "boot/bios.img", 9000);
    let efi = fat(&dir.path().join("source/boot/efi.img"), 200);
    let image = xorriso(
        dir.path(),
        &[
            "-R",
            "-b",
            "boot/bios.img",
            "-c",
            "boot.cat",
            "-no-emul-boot",
            "-boot-load-size",
            "4",
            "-eltorito-alt-boot",
            "-e",
            "boot/efi.img",
            "-no-emul-boot",
        ],
    );
    let disc = open(&image);
    let [bios, uefi] = disc.boot() else { panic!("{:?}", disc.boot()) };
    assert_eq!((bios.platform, bios.emulation), (Platform::Bios, Emulation::None));
    assert_eq!((bios.load_sectors, bios.length, bios.sized_by), (4, 9000, SizedBy::File));
    assert_eq!(disc.path(bios.file.unwrap()), "/boot/bios.img");
    assert_eq!((uefi.platform, uefi.bootable), (Platform::Uefi, true));
    assert_eq!(disc.path(uefi.file.unwrap()), "/boot/efi.img");
    assert_eq!(bytes_at(&image, uefi.offset, uefi.length), efi);
}

#[test]
fn el_torito_images_that_no_file_names_are_told_too() {
    if !able(&["xorriso", "genisoimage"]) {
        return;
    }
    let dir = workshop(false);
    let efi = fat(&dir.path().join("efi.img"), 300);
    let image = xorriso(
        dir.path(),
        &[
            "-R",
            "-append_partition",
            "2",
            "0xef",
            "efi.img",
            "-e",
            "--interval:appended_partition_2:all::",
            "-no-emul-boot",
        ],
    );
    let disc = open(&image);
    let [uefi] = disc.boot() else { panic!("{:?}", disc.boot()) };
    assert_eq!((uefi.file, uefi.sized_by), (None, SizedBy::Fat));
    assert_eq!(bytes_at(&image, uefi.offset, uefi.length), efi);
    assert!(disc.volume().hybrid);

    // As Windows' discs have it: a count of one sector, and no file in the tree.
    let mut raw = fs::read(dir.path().join("disc.iso")).unwrap();
    let needle = raw.windows(2).position(|w| w == b"\x01\xef").unwrap();
    raw[needle + 32 + 6..needle + 32 + 8].copy_from_slice(&1_u16.to_le_bytes());
    let disc = open(&raw);
    assert_eq!((disc.boot()[0].load_sectors, disc.boot()[0].length), (1, 300 * 512));
    // And where not even a FAT says it: to the end of the disc (UEFI 13.3.2.1).
    let at = usize::try_from(uefi.offset).unwrap();
    raw[at] = 0;
    let disc = open(&raw);
    assert_eq!(disc.boot()[0].sized_by, SizedBy::EndOfDisc);
    assert_eq!(disc.boot()[0].length, raw.len() as u64 - uefi.offset);

    // A diskette, hidden.
    fs::write(dir.path().join("source/floppy.img"), vec![7; 1_474_560]).unwrap();
    let image = genisoimage(
        dir.path(),
        &["-R", "-b", "floppy.img", "-c", "boot.cat", "-hide", "floppy.img"],
    );
    let disc = open(&image);
    let [floppy] = disc.boot() else { panic!("{:?}", disc.boot()) };
    assert_eq!(floppy.emulation, Emulation::Diskette(1_474_560));
    assert_eq!(
        (floppy.file, floppy.sized_by, floppy.length),
        (None, SizedBy::Emulation, 1_474_560)
    );
    assert!(bytes_at(&image, floppy.offset, floppy.length).iter().all(|byte| *byte == 7));
}

#[test]
fn a_bad_boot_catalogue_is_a_remark_and_the_files_are_there() {
    if !able(&["xorriso"]) {
        return;
    }
    let dir = workshop(false);
    file(&dir.path().join("source"), "bios.img", 9000);
    xorriso(dir.path(), &["-R", "-b", "bios.img", "-c", "boot.cat", "-no-emul-boot"]);
    let mut raw = fs::read(dir.path().join("disc.iso")).unwrap();
    let disc = open(&raw);
    let What::File(catalogue) = disc.find("boot.cat").unwrap().what else { panic!("no file") };
    let at = usize::try_from(catalogue.extents[0].offset.unwrap()).unwrap();
    raw[at + 5] ^= 1;
    let disc = open(&raw);
    assert!(disc.boot().is_empty());
    let notes = &disc.volume().notes;
    assert!(notes.iter().any(|note| note.contains("boot catalogue cannot be read")), "{notes:?}");
    assert!(disc.find("one").is_ok());
}

#[test]
fn zisofs_is_told_and_refused() {
    if !able(&["xorriso"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("source")).unwrap();
    fs::write(dir.path().join("source/text"), b"the same again ".repeat(9000)).unwrap();
    let args = [
        "-outdev",
        "disc.iso",
        "-zisofs",
        "level=9",
        "-map",
        "source",
        "/",
        "-set_filter_r",
        "--zisofs",
        "/",
        "--",
        "-commit",
    ];
    run("xorriso", &args, dir.path());
    let image = Image::open(&dir.path().join("disc.iso"));
    let disc = open(&image);
    let What::File(file) = disc.find("text").unwrap().what else { panic!("no file") };
    assert_eq!(file.zisofs, Some(135_000));
    assert!(file.size < 10_000);
    let error = file.read_at(&image, &mut [0; 10], 0).unwrap_err().to_string();
    assert!(error.contains("zisofs"), "{error}");
    assert!(disc.volume().notes[0].contains("`text` was compressed"));
}

#[test]
fn a_bridge_disc_is_read_by_udf() {
    if !able(&["genisoimage"]) {
        return;
    }
    let dir = workshop(false);
    file(&dir.path().join("source"), "smörgåsbord 日本.txt", 33);
    let image =
        genisoimage(dir.path(), &["-udf", "-V", "BRIDGE", "-J", "-R", "-input-charset", "utf-8"]);
    let disc = open(&image);
    same(&disc, &image, &dir.path().join("source"));
    assert_eq!(disc.volume().used, Format::Udf(0x0102));
    assert_eq!(disc.volume().found[1..], [Format::RockRidge, Format::Joliet, Format::Iso9660]);
    assert_eq!(disc.volume().ids().volume, "BRIDGE");
    assert_eq!(disc.volume().iso.as_ref().unwrap().volume, "BRIDGE");
}

/// As Windows' discs are: all of it in UDF, a readme in ISO 9660.
fn windows(dir: &TempDir) -> Image {
    fs::create_dir_all(dir.path().join("source/sources")).unwrap();
    file(&dir.path().join("source"), "sources/boot.wim", 2_000_000);
    // genisoimage makes the UDF tree of what Joliet would show: -hide-joliet would empty it too.
    genisoimage(dir.path(), &["-udf", "-V", "CCCOMA_X64FRE", "-hide", "*"])
}

#[test]
fn a_disc_like_windows_is_read_by_udf_though_its_iso_side_is_bare() {
    if !able(&["genisoimage", "7z", "isoinfo"]) {
        return;
    }
    let dir = workshop(false);
    let image = windows(&dir);
    let disc = open(&image);
    same(&disc, &image, &dir.path().join("source"));
    assert!(disc.volume().because.contains("UDF comes first"));
    let bare = listed("isoinfo", &["-f", "-i", "disc.iso"], dir.path());
    assert!(bare.len() <= 1, "{bare:?}");
    let output = run("7z", &["l", "-slt", "-ba", "-tudf", "disc.iso"], dir.path());
    let text = String::from_utf8(output.stdout).unwrap();
    let theirs =
        text.lines().filter_map(|line| Some(format!("/{}", line.strip_prefix("Path = ")?)));
    assert_eq!(paths(&disc), theirs.collect());
}

#[test]
fn a_udf_that_cannot_be_read_leaves_iso_9660_with_a_remark() {
    if !able(&["genisoimage"]) {
        return;
    }
    let dir = workshop(false);
    genisoimage(dir.path(), &["-udf", "-R"]);
    let mut raw = fs::read(dir.path().join("disc.iso")).unwrap();
    // Both anchors.
    let last = raw.len() / 2048 - 1;
    for block in [256, last] {
        raw[block * 2048] ^= 0xff;
    }
    let disc = open(&raw);
    same(&disc, &raw, &dir.path().join("source"));
    let volume = disc.volume();
    assert_eq!(volume.found, [Format::RockRidge, Format::Iso9660, Format::UdfDamaged]);
    assert!(volume.because.starts_with("its UDF cannot be read: the anchor of UDF at byte 524288"));
    assert_eq!(volume.notes, [&*volume.because]);
}

#[test]
fn a_disc_that_was_cut_short_is_refused_not_shown_as_a_readme() {
    if !able(&["genisoimage", "xorriso"]) {
        return;
    }
    let dir = workshop(false);
    windows(&dir);
    let raw = fs::read(dir.path().join("disc.iso")).unwrap();
    let error = Disc::open(&raw[..raw.len() / 2].to_vec(), Limits::default()).unwrap_err();
    assert!(error.to_string().starts_with("the image is cut short: the file `"), "{error}");

    xorriso(dir.path(), &["-R"]);
    let raw = fs::read(dir.path().join("disc.iso")).unwrap();
    let error = Disc::open(&raw[..raw.len() / 2].to_vec(), Limits::default()).unwrap_err();
    assert!(error.to_string().starts_with("the image is cut short: the file `"), "{error}");
}

#[test]
fn what_is_no_disc_is_told_what_it_is_instead() {
    let told = |bytes: Vec<u8>| Disc::open(&bytes, Limits::default()).unwrap_err().to_string();
    assert!(told(vec![]).contains("it has only 0 bytes"));
    assert!(told(vec![0; 100_000]).contains("it begins with zeros"));
    let text = told([b"QFI\xfb\x1b[2J".as_slice(), &[0; 100_000]].concat());
    assert!(text.contains(r"it begins with QFI\xfb\x1b[2J"), "{text}");
    let raw = [b"\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0".as_slice(), &[0; 100_000]].concat();
    assert!(told(raw).contains("2352 bytes each"));
}
