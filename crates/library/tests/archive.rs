//! Archives, compressed discs and disk images become images.

mod common;

use common::{bzimage, lay, pack, present, tar};
use library::Blobs;
use library::import::{ImportError, Said, Wish, import};
use model::image::Way;
use model::{Arch, Image, Now};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

struct World {
    folder: tempfile::TempDir,
    blobs: Blobs,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("state")).unwrap();
        std::fs::create_dir_all(folder.path().join("source")).unwrap();
        let blobs = Blobs::open_at(&folder.path().join("state")).unwrap();
        Self { folder, blobs }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, program: &str, args: &[&str]) {
        let done = Command::new(program).args(args).current_dir(self.folder.path()).output();
        let done = done.unwrap();
        assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn import(&self, name: &str) -> Result<Image, ImportError> {
        let (path, said) = (self.path(name), Said::default());
        let wish = Wish {
            path: &path,
            name: "image",
            file_name: None,
            source: None,
            now: Now(7),
            said: &said,
        };
        import(&wish, &self.blobs, &mut |_| true)
    }

    fn bytes(&self, image: &Image, path: &str) -> Vec<u8> {
        let asset = image.asset(path).unwrap_or_else(|| panic!("{path}"));
        assert!(asset.runs.is_none());
        let blob = self.blobs.open(&asset.sha256).unwrap();
        let mut bytes = vec![0; usize::try_from(asset.size).unwrap()];
        blob.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }
}

fn netboot(world: &World) -> Vec<u8> {
    let kernel = bzimage(true, "6.6.1-0-lts (x");
    lay(
        &world.path("source"),
        &[("boot/vmlinuz-lts", &kernel), ("boot/initramfs-lts", &[0x1f, 0x8b, 8, 0, 1])],
    );
    symlink("boot/vmlinuz-lts", world.path("source/vmlinuz")).unwrap();
    symlink("boot", world.path("source/again")).unwrap();
    kernel
}

#[test]
fn a_tarball_is_an_image_however_it_is_packed() {
    if !present(&["/usr/bin/xz", "/usr/bin/zstd"]) {
        return;
    }
    for flag in ["", "-z", "-J", "--zstd"] {
        let world = World::new();
        let kernel = netboot(&world);
        let args = ["-cf", "it", "-C", "source", "."];
        let args: Vec<&str> = [flag].into_iter().filter(|f| !f.is_empty()).chain(args).collect();
        world.run("tar", &args);
        let image = world.import("it").unwrap();
        assert_eq!(image.recipe.kernel.as_deref(), Some("boot/vmlinuz-lts"), "{flag}: {image:?}");
        assert_eq!(image.recipe.initrds, ["boot/initramfs-lts"]);
        for path in ["boot/vmlinuz-lts", "vmlinuz", "again/vmlinuz-lts"] {
            assert_eq!(world.bytes(&image, path), kernel, "{flag}: {path}");
        }
        assert_eq!(world.blobs.list().unwrap().len(), 2, "links cost nothing");
    }
}

#[test]
fn a_bad_archive_is_refused_in_words_and_names_nothing() {
    let world = World::new();
    netboot(&world);
    world.run("tar", &["-czf", "good", "-C", "source", "."]);
    let good = std::fs::read(world.path("good")).unwrap();
    std::fs::write(world.path("cut"), &good[..good.len() / 2]).unwrap();
    let error = world.import("cut").unwrap_err().to_string();
    assert!(error.contains("cut: the file is cut short"), "{error}");
    world.run("tar", &["-cf", "above", "-P", "-C", "source", "--transform", "s,^,../,", "boot"]);
    let error = world.import("above").unwrap_err().to_string();
    assert!(error.contains("is refused"), "{error}");
}

#[test]
fn a_packed_disc_is_unpacked_and_read_in_place() {
    if !present(&["/usr/bin/xorriso", "/usr/bin/xz"]) {
        return;
    }
    let world = World::new();
    netboot(&world);
    world.run("xorriso", &["-as", "mkisofs", "-R", "-o", "it.iso", "source"]);
    let size = std::fs::metadata(world.path("it.iso")).unwrap().len();
    world.run("xz", &["it.iso"]);
    let image = world.import("it.iso.xz").unwrap();
    assert_eq!(image.disc.as_ref().unwrap().size, size);
    assert!(image.asset("boot/vmlinuz-lts").unwrap().runs.is_some());
    assert_eq!(world.blobs.list().unwrap().len(), 1);
}

#[test]
fn a_disk_image_is_started_as_a_drive_where_something_on_it_would_start() {
    if !present(&["/usr/sbin/mkfs.fat", "/usr/bin/mcopy", "/usr/sbin/sfdisk", "/usr/bin/zstd"]) {
        return;
    }
    let world = World::new();
    lay(&world.path("source"), &[("BOOTX64.EFI", &common::Pe::default().build())]);
    std::fs::File::create(world.path("disk.img")).unwrap().set_len(64 << 20).unwrap();
    std::fs::write(world.path("table"), "label: gpt\nstart=2048, size=100000, type=U\n").unwrap();
    world.run("sh", &["-c", "/usr/sbin/sfdisk -q disk.img < table"]);
    world.run("/usr/sbin/mkfs.fat", &["-F", "32", "--offset", "2048", "disk.img", "50000"]);
    world.run("mmd", &["-i", "disk.img@@1M", "::/EFI", "::/EFI/BOOT"]);
    world.run("mcopy", &["-i", "disk.img@@1M", "source/BOOTX64.EFI", "::/EFI/BOOT/BOOTX64.EFI"]);
    world.run("zstd", &["-q", "disk.img", "-o", "disk.img.zst"]);
    for name in ["disk.img", "disk.img.zst"] {
        let image = world.import(name).unwrap();
        assert_eq!(image.recipe.way, Way::Disc, "{}", image.recognised_by);
        assert_eq!(image.recipe.kernel.as_deref(), Some("disk.img"));
        assert_eq!(image.archs, [Arch::X64Uefi], "{}", image.recognised_by);
        assert!(image.notes.iter().any(|note| note.contains("a guess")), "{:?}", image.notes);
    }
    std::fs::File::create(world.path("empty.img")).unwrap().set_len(64 << 20).unwrap();
    world.run("sh", &["-c", "/usr/sbin/sfdisk -q empty.img < table"]);
    let image = world.import("empty.img").unwrap();
    assert!(!image.recipe.boots(), "{}", image.recognised_by);
}

#[test]
fn a_squashfs_alone_says_what_is_in_it_and_what_it_needs() {
    if !present(&["/usr/bin/mksquashfs"]) {
        return;
    }
    let world = World::new();
    let release: &[u8] = b"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n";
    lay(&world.path("source"), &[("etc/os-release", release), ("lib/modules/6.1.0-9/x", b"")]);
    world.run("mksquashfs", &["source", "it.squashfs", "-quiet", "-no-progress"]);
    let image = world.import("it.squashfs").unwrap();
    assert!(image.title.contains("Debian GNU/Linux 12 (bookworm)"), "{}", image.title);
    assert!(image.recognised_by.contains("modules of 6.1.0-9"), "{}", image.recognised_by);
    assert!(image.notes[0].contains("import it together with the kernel"), "{:?}", image.notes);
    assert!(!image.recipe.boots());
}

#[test]
fn what_others_open_is_kept_with_the_command_that_does() {
    let world = World::new();
    lay(&world.folder.path().join("source"), &[]);
    let mut qcow2 = vec![0; 4096];
    qcow2[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
    std::fs::write(world.path("disk.qcow2"), &qcow2).unwrap();
    let image = world.import("disk.qcow2").unwrap();
    assert!(image.notes[0].contains("qemu-img convert -f qcow2"), "{:?}", image.notes);
    assert!(!image.recipe.boots());
}

#[test]
fn nothing_is_imported_from_nothing() {
    let world = World::new();
    world.run("tar", &["-cf", "empty", "source"]);
    let error = world.import("empty").unwrap_err().to_string();
    assert!(error.contains("empty holds no files"), "{error}");
    assert!(world.import("not-there").unwrap_err().to_string().contains("cannot read"));
    assert!(world.blobs.list().unwrap().is_empty());
}

#[test]
fn what_the_source_was_is_hashed_while_it_is_read_under_its_own_name() {
    use library::import::{Origin, import_from};
    use sha2::{Digest, Sha256, Sha512};
    let world = World::new();
    let said = Said::default();
    let path = world.folder.path().join("0123.part");
    let import = |bytes: &[u8], file_name| {
        std::fs::write(&path, bytes).unwrap();
        let (name, source, now) = ("image", None, Now(7));
        let wish = Wish { path: &path, file_name, name, source, now, said: &said };
        let mut shown = Vec::new();
        let mut tell = |progress: library::Progress<'_>| {
            shown.push(progress.file.to_owned());
            true
        };
        let (image, origin) = import_from(&wish, &world.blobs, &mut tell).unwrap();
        (image, origin, shown)
    };
    // What is behind the end of an archive belongs to the file, too: its sums are of all of it.
    let mut archive = tar(&[("vmlinuz", b"kernel")]);
    archive.extend_from_slice(&[0; 1_000_000]);
    let (_, origin, _) = import(&archive, Some("netboot.tar"));
    let packed = |bytes: &[u8]| {
        let (sha256, sha512) = (Sha256::digest(bytes).into(), Sha512::digest(bytes).into());
        Origin::Packed { sha256, sha512 }
    };
    assert_eq!(origin, packed(&archive));

    let mut squashfs = b"hsqs".to_vec();
    squashfs.resize(100_000, 7);
    let gz = pack("gz", &squashfs);
    let (image, origin, shown) = import(&gz, Some("root.squashfs.gz"));
    assert_eq!(origin, packed(&gz));
    assert_eq!(image.assets[0].path, "root.squashfs");
    assert!(!shown.is_empty() && shown.iter().all(|file| file == "root.squashfs.gz"), "{shown:?}");

    // What is kept as it is has the hash of its blob; a name that cannot stand there does not count.
    for (name, called) in
        [(Some("vmlinuz"), "vmlinuz"), (Some("../x"), "0123.part"), (None, "0123.part")]
    {
        let (image, origin, _) = import(b"plain", name);
        assert_eq!(image.assets[0].path, called);
        assert_eq!(origin, Origin::Whole(image.assets[0].sha256));
    }
}
