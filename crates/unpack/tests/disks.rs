//! Disk images divided by sfdisk and sgdisk, filled by mkfs.fat and mtools, and damaged by hand.

mod support;

use std::fs;
use std::path::Path;
use support::{Chance, Image, able, fed, file, mend, run, shell};
use tempfile::TempDir;
use unpack::{DiskImage, Fat, Limits, ReadAt, Scheme, UnpackError};

fn read(image: &dyn ReadAt) -> DiskImage {
    DiskImage::read(image, Limits::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// An image `out` by a script of sfdisk's.
fn divided(dir: &Path, size: &str, sector: u32, lines: &str) -> Vec<u8> {
    let _ = fs::remove_file(dir.join("out"));
    shell(&format!("truncate -s {size} out"), dir);
    // sfdisk knows 512 alone; fdisk takes its scripts.
    fs::write(dir.join("script"), lines).unwrap();
    fed("fdisk", &["-b", &sector.to_string(), "out"], dir, "I\nscript\nw\n");
    fs::read(dir.join("out")).unwrap()
}

/// Puts an EFI system partition's content at an offset: what firmware looks for, and more.
fn filled_esp(dir: &Path, offset: u64, kib: u64, sector: u32, width: u32) {
    file(dir, "loader", 123_457);
    fs::write(dir.join("grub.cfg"), "set timeout=5\n").unwrap();
    let of = format!("out@@{offset}");
    let (kib, width, sector) = (kib.to_string(), width.to_string(), sector.to_string());
    let _ = fs::remove_file(dir.join("esp"));
    run("mkfs.fat", &["-C", "-F", &width, "-S", &sector, "-n", "MY ESP", "esp", &kib], dir);
    let seek = format!("seek={offset}");
    run("dd", &["if=esp", "of=out", "conv=notrunc", "bs=64K", "oflag=seek_bytes", &seek], dir);
    for args in [
        &["mmd", "::EFI", "::EFI/BOOT", "::EFI/debian"][..],
        &["mcopy", "loader", "::EFI/BOOT/BOOTX64.EFI"],
        &["mcopy", "grub.cfg", "::EFI/BOOT/bootaa64.efi"],
        &["mcopy", "grub.cfg", "::EFI/BOOT/a long name, with Ümlaut.cfg"],
        &["mcopy", "grub.cfg", "::EFI/debian/grub.cfg"],
    ] {
        run(args[0], &[&["-i", &of], &args[1..]].concat(), dir);
    }
}

#[test]
fn a_gpt_of_either_sector_size_is_read_with_its_loaders() {
    if !able(&["fdisk", "sfdisk", "mkfs.fat", "mcopy"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let lines = "label: gpt\nsize=80MiB, type=U, name=\"EFI ä\"\nsize=1MiB, type=21686148-6449-6E6F-\
                 744E-656564454649\nsize=2MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, attrs=\
                 \"LegacyBIOSBootable\"\ntype=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7\n";
    for sector in [512, 4096] {
        divided(dir, "100M", sector, lines);
        filled_esp(dir, 1 << 20, 80 << 10, sector, if sector == 512 { 32 } else { 16 });
        let image = Image::open(&dir.join("out"));
        let disk = read(&image);
        assert_eq!((disk.scheme, disk.sector_size), (Some(Scheme::Gpt), sector));
        assert_eq!(disk.notes, [""; 0]);
        let told: Vec<_> = disk
            .partitions
            .iter()
            .map(|p| (p.number, p.offset >> 10, p.kind.name().unwrap(), p.active))
            .collect();
        let expected = [
            (1, 1 << 10, "EFI system partition", false),
            (2, 81 << 10, "BIOS boot partition (GRUB)", false),
            (3, 82 << 10, "Linux root (x86-64)", true),
            (4, 84 << 10, "Windows data", false),
        ];
        assert_eq!(told, expected);
        assert_eq!(
            (disk.partitions[0].name.as_str(), disk.partitions[0].size),
            ("EFI ä", 80 << 20)
        );
        assert_eq!(disk.partitions[0].kind.to_string(), "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");

        let boots = disk.boots(&image, Limits::default());
        let loaders: Vec<_> = boots.uefi.iter().map(|l| (l.partition, &*l.path, l.arch)).collect();
        let expected = [(1, "EFI/BOOT/BOOTX64.EFI", "x64"), (1, "EFI/BOOT/bootaa64.efi", "aa64")];
        assert_eq!(loaders, expected);
        assert_eq!((boots.bios, &boots.notes[..]), (None, &[][..]));

        let part = disk.partitions[0].part(&image);
        esp_is_whole(dir, &part, if sector == 512 { "FAT32" } else { "FAT16" });
    }
}

fn esp_is_whole(dir: &Path, part: &dyn ReadAt, form: &str) {
    let fat = Fat::open(part, Limits::default()).unwrap();
    assert_eq!((fat.form(), fat.label()), (form, "MY ESP"));
    let mut paths: Vec<String> = fat.walk().unwrap().into_iter().map(|e| e.path).collect();
    paths.sort();
    let expected = [
        "EFI",
        "EFI/BOOT",
        "EFI/BOOT/BOOTX64.EFI",
        "EFI/BOOT/a long name, with Ümlaut.cfg",
        "EFI/BOOT/bootaa64.efi",
        "EFI/debian",
        "EFI/debian/grub.cfg",
    ];
    assert_eq!(paths, expected);
    let loader = fat.find("\\efi\\boot\\bootx64.efi").unwrap().unwrap();
    assert!(fat.read(&loader).unwrap() == fs::read(dir.join("loader")).unwrap());
    // The extents alone give the bytes too.
    let mut bytes = Vec::new();
    for (at, length) in fat.extents(&loader).unwrap() {
        let mut piece = vec![0; usize::try_from(length).unwrap()];
        part.read_at(&mut piece, at).unwrap();
        bytes.extend(piece);
    }
    assert!(bytes == fs::read(dir.join("loader")).unwrap());
    for missing in ["EFI/BOOT/none", "EFI/BOOT/BOOTX64.EFI/x", "x/y"] {
        assert!(fat.find(missing).unwrap().is_none(), "{missing}");
    }
}

#[test]
fn an_mbr_is_read_with_its_logical_partitions() {
    if !able(&["fdisk", "sfdisk", "mkfs.fat", "mcopy"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let lines =
        "label: dos\n2048,40MiB,ef,*\n,2MiB,83\n,20MiB,E\n,,7\n,2MiB,83\n,3MiB,82\n,4MiB,c\n";
    divided(dir, "80M", 512, lines);
    filled_esp(dir, 1 << 20, 40 << 10, 512, 16);
    let image = fs::read(dir.join("out")).unwrap();
    let disk = read(&image);
    assert_eq!((disk.scheme, disk.sector_size), (Some(Scheme::Mbr), 512));
    let told: Vec<_> =
        disk.partitions.iter().map(|p| (p.number, p.size >> 20, p.kind.name().unwrap())).collect();
    let expected = [
        (1, 40, "EFI system partition"),
        (2, 2, "Linux file system"),
        (4, 17, "Windows (NTFS, exFAT)"),
        (5, 2, "Linux file system"),
        (6, 3, "Linux swap"),
        (7, 4, "FAT32"),
    ];
    assert_eq!(told, expected);
    // The same as sfdisk says it.
    let list = run("sfdisk", &["-d", "out"], dir);
    let list = String::from_utf8(list.stdout).unwrap();
    for partition in &disk.partitions {
        let line = format!("out{} :", partition.number);
        let line = list.lines().find(|l| l.contains(&line)).unwrap();
        let start: u64 =
            line.split("start=").nth(1).unwrap().split(',').next().unwrap().trim().parse().unwrap();
        assert_eq!(partition.offset, start * 512, "{line}");
    }
    let boots = disk.boots(&image, Limits::default());
    assert_eq!((boots.uefi.len(), boots.bios), (2, None));
    esp_is_whole(dir, &disk.partitions[0].part(&image), "FAT16");
}

#[test]
fn an_mbr_of_large_sectors_is_known_by_the_fat_in_it() {
    if !able(&["fdisk", "sfdisk", "mkfs.fat", "mcopy"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    divided(dir.path(), "80M", 4096, "label: dos\n256,60MiB,c,*\n");
    filled_esp(dir.path(), 1 << 20, 60 << 10, 4096, 12);
    let image = fs::read(dir.path().join("out")).unwrap();
    let disk = read(&image);
    assert_eq!((disk.sector_size, disk.partitions[0].size), (4096, 60 << 20));
    // Not marked as EFI, but firmware looks there all the same.
    assert_eq!(disk.boots(&image, Limits::default()).uefi.len(), 2);
}

#[test]
fn fat_of_every_width_alone_in_an_image() {
    if !able(&["mkfs.fat", "mcopy"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    for (kib, width) in [(2880, 12), (1440, 12), (20 << 10, 16), (300 << 10, 32)] {
        shell(&format!("rm -f out; truncate -s {kib}K out"), dir);
        filled_esp(dir, 0, kib, 512, width);
        let image = fs::read(dir.join("out")).unwrap();
        let disk = read(&image);
        assert_eq!((disk.scheme, disk.partitions.len()), (None, 1));
        assert_eq!(disk.boots(&image, Limits::default()).uefi.len(), 2);
        esp_is_whole(dir, &image, &format!("FAT{width}"));
    }
}

#[test]
fn files_in_pieces_and_directories_of_many_clusters() {
    if !able(&["mkfs.fat", "mcopy", "mdel"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    for (kib, width) in [(1440_u32, "12"), (16 << 10, "16"), (70 << 10, "32")] {
        shell(&format!("rm -f out; mkfs.fat -C -s 1 -F {width} out {kib}"), dir);
        for number in 0..200 {
            file(dir, &format!("many/a file with a long name {number:03}.dat"), number * 20);
        }
        // What is deleted in between leaves holes, and the large file fills them.
        shell(
            "mmd -i out ::many; mcopy -i out many/* ::many; \
             mdel -i out '::many/a file with a long name ??5.dat'; rm many/*5.dat",
            dir,
        );
        file(dir, "large", 400_000);
        shell("mcopy -i out large ::many/large; cp large many/large", dir);
        let image = fs::read(dir.join("out")).unwrap();
        let fat = Fat::open(&image, Limits::default()).unwrap();
        let directory = fat.find("many").unwrap().unwrap();
        for entry in fat.list(&directory).unwrap() {
            let original = fs::read(dir.join(&entry.path)).unwrap_or_else(|_| {
                panic!("`{}` was deleted", entry.path);
            });
            assert!(fat.read(&entry).unwrap() == original, "{}", entry.path);
            fs::remove_file(dir.join(&entry.path)).unwrap();
        }
        let left: Vec<_> = fs::read_dir(dir.join("many")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        let large = fat.find("many/large").unwrap().unwrap();
        // mtools goes on behind the last file on FAT32, and fills the holes of the others.
        let pieces = fat.extents(&large).unwrap().len();
        assert!(width == "32" || pieces > 2, "it lies in {pieces} pieces");
    }
}

#[test]
fn boot_code_of_the_bios_is_told() {
    if !able(&["fdisk", "sfdisk", "mkfs.fat"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let told = |image: &Vec<u8>| read(image).boots(image, Limits::default()).bios;
    let with = |mut image: Vec<u8>, code: &[u8]| {
        image[90..90 + code.len()].copy_from_slice(code);
        image
    };
    let mbr = |active: &str| divided(dir, "8M", 512, &format!("label: dos\n2048,,83{active}\n"));
    assert_eq!(told(&mbr(",*")), None);
    assert_eq!(
        told(&with(mbr(",*"), b"\xfa\xfc")).unwrap(),
        "code in the MBR for the active partition"
    );
    assert_eq!(told(&with(mbr(""), b"\xfa\xfc")), None);
    assert_eq!(told(&with(mbr(""), b"GRUB \0Geom")).unwrap(), "GRUB in the MBR");
    let gpt = |more: &str| divided(dir, "8M", 512, &format!("label: gpt\nsize=1MiB,{more}\n"));
    let room = "type=21686148-6449-6E6F-744E-656564454649";
    assert_eq!(told(&gpt(room)), None);
    assert_eq!(
        told(&with(gpt(room), b"GRUB ")).unwrap(),
        "GRUB in the MBR and a BIOS boot partition"
    );
    assert_eq!(told(&with(gpt("type=L"), b"GRUB ")), None);
    let marked = gpt("type=L, attrs=\"LegacyBIOSBootable\"");
    assert_eq!(told(&with(marked, b"\xfa")).unwrap(), "code in the MBR for the marked partition");
    // mkfs.fat's code says that it boots nothing.
    shell("rm -f out; mkfs.fat -C out 1440", dir);
    let mut floppy = fs::read(dir.join("out")).unwrap();
    assert_eq!(told(&floppy), None);
    floppy[3..11].copy_from_slice(b"SYSLINUX");
    assert_eq!(told(&floppy).unwrap(), "SYSLINUX on FAT");
}

#[test]
fn a_damaged_gpt_is_read_by_its_backup_or_not_at_all() {
    if !able(&["fdisk"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    for sector in [512, 4096] {
        let lines = "label: gpt\nsize=1MiB, type=U\nsize=2MiB, type=L\n";
        let whole = divided(dir.path(), "9M", sector, lines);
        let unit = usize::try_from(sector).unwrap();
        let partitions = read(&whole).partitions;
        // The header, its entries, all of both.
        for (from, to) in [(unit + 20, unit + 21), (2 * unit + 5, 2 * unit + 6), (unit, 4 * unit)] {
            let mut bent = whole.clone();
            bent[from..to].fill(0x55);
            let disk = read(&bent);
            assert_eq!((&disk.partitions, disk.sector_size), (&partitions, sector));
            assert!(disk.notes[0].starts_with("the first GPT cannot be used"), "{:?}", disk.notes);
            // Without the backup either, it says what was wrong with the first.
            let end = bent.len() - unit;
            bent[end..].fill(0);
            let error = DiskImage::read(&bent, Limits::default()).unwrap_err();
            assert!(matches!(error, UnpackError::Broken { .. }), "{error}");
        }
        // The backup alone is gone, or says something else.
        let mut bent = whole.clone();
        let end = bent.len() - unit;
        bent[end..].fill(0);
        assert_eq!(read(&bent).notes, ["the GPT has no backup at its end"]);
        bent.truncate(6 << 20);
        assert!(read(&bent).notes[0].contains("it is cut short"), "{:?}", read(&bent).notes);
        bent.truncate(2 << 20);
        assert!(
            read(&bent).notes[1].contains("partition 2 ends at byte"),
            "{:?}",
            read(&bent).notes
        );
        let mut bent = whole.clone();
        bent[2 * unit + 32] = 99;
        mend::gpt(&mut bent);
        assert_eq!(read(&bent).notes, ["the backup of the GPT names other partitions"]);
        assert!(read(&bent).partitions[0].offset != partitions[0].offset);
    }
}

#[test]
fn no_disk_is_told_as_no_disk() {
    for bytes in [vec![], vec![0; 100], vec![0; 1 << 20], Chance::new(1).bytes(10_000)] {
        let error = DiskImage::read(&bytes, Limits::default()).unwrap_err().to_string();
        assert!(error.contains("this is no disk image"), "{error}");
    }
}

#[test]
fn chains_in_a_circle_end() {
    if !able(&["fdisk", "sfdisk", "mkfs.fat", "mcopy"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    // Logical partitions that point back at the first of them.
    let mut image = divided(dir, "20M", 512, "label: dos\n2048,,E\n,1MiB,83\n,1MiB,83\n");
    let second = 2048 * 512 + 446 + 16;
    image[second + 8..second + 12].fill(0);
    assert_eq!(read(&image).partitions.len(), 1);

    // A file and a directory whose clusters go in a circle.
    shell("rm -f out; mkfs.fat -C -F 16 -s 1 out 8192; head -c 9000 /dev/urandom > f", dir);
    shell("mmd -i out ::d; mcopy -i out f ::f; mcopy -i out f ::d/g", dir);
    let mut image = fs::read(dir.join("out")).unwrap();
    let table = 512 * usize::from(image[14]);
    // Cluster 2 is the directory's, 3 the first of the file.
    image[table + 4..table + 6].copy_from_slice(&2_u16.to_le_bytes());
    let fat = Fat::open(&image, Limits::default()).unwrap();
    let error = fat.walk().unwrap_err().to_string();
    assert!(error.contains("goes in a circle"), "{error}");
    assert!(fat.list(&fat.root()).unwrap().iter().any(|entry| entry.name == "f"));
    // A file whose clusters end before it does.
    image[table + 8..table + 10].copy_from_slice(&0xffff_u16.to_le_bytes());
    let fat = Fat::open(&image, Limits::default()).unwrap();
    let entry = fat.find("f").unwrap().unwrap();
    let error = fat.read(&entry).unwrap_err().to_string();
    assert!(error.contains("a file's clusters end"), "{error}");
}

fn tight(change: fn(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

#[test]
fn each_limit_has_its_name() {
    if !able(&["fdisk", "mkfs.fat", "mcopy"]) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    shell("truncate -s 20M out", dir);
    filled_esp(dir, 0, 20 << 10, 512, 16);
    let image = fs::read(dir.join("out")).unwrap();
    let all = |limits: Limits| {
        let fat = Fat::open(&image, limits)?;
        fat.walk()?
            .iter()
            .filter(|entry| !entry.is_directory)
            .try_for_each(|entry| fat.read(entry).map(drop))
    };
    all(Limits::default()).unwrap();
    for (limits, name) in [
        (tight(|l| l.entries_max = 3), "entries_max"),
        (tight(|l| l.depth_max = 2), "depth_max"),
        (tight(|l| l.names_bytes_max = 30), "names_bytes_max"),
        (tight(|l| l.metadata_bytes_max = 2000), "metadata_bytes_max"),
        (tight(|l| l.file_bytes_max = 20_000), "file_bytes_max"),
    ] {
        let error = all(limits).unwrap_err().to_string();
        assert!(error.contains(&format!("of `{name}`")), "{error}");
    }

    let gpt = divided(dir, "9M", 512, "label: gpt\nsize=1MiB\nsize=1MiB\nsize=1MiB\n");
    let mbr = divided(dir, "20M", 512, "label: dos\n2048,,E\n,1MiB,83\n,1MiB,83\n,1MiB,83\n");
    for image in [gpt, mbr] {
        let error = DiskImage::read(&image, tight(|l| l.partitions_max = 2)).unwrap_err();
        assert!(error.to_string().contains("more than 2 of `partitions_max`"), "{error}");
    }
}
