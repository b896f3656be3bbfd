//! Folders become images; what they are is told by their bytes; nothing from outside comes along.

mod common;

use common::{Pe, arm64_image, bzimage, lay};
use library::import::{self, ImportError, Said, Wish};
use library::store::Blobs;
use model::{Arch, Image, Now};
use std::os::unix::fs::symlink;
use std::path::Path;

const GZIP: &[u8] = &[0x1f, 0x8b, 8, 0];

fn wish<'a>(path: &'a Path, name: &'a str) -> Wish<'a> {
    static NOTHING: Said =
        Said { title: None, kernel: None, initrds: Vec::new(), args: None, archs: Vec::new() };
    Wish { path, name, file_name: None, source: None, now: Now(7), said: &NOTHING }
}

struct World {
    folder: tempfile::TempDir,
    state: tempfile::TempDir,
}

impl World {
    fn of(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        lay(folder.path(), files);
        Self { folder, state: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn import(&self) -> Result<Image, ImportError> {
        self.import_at(self.path())
    }

    fn import_at(&self, path: &Path) -> Result<Image, ImportError> {
        let blobs = Blobs::open_at(self.state.path()).expect("opens");
        import::import(&wish(path, "image"), &blobs, &mut |_| true)
    }
}

#[test]
fn a_netboot_tree_is_the_debian_installer() {
    let (kernel, shim, grub) =
        (bzimage(true, "6.1.0-50-amd64 (x"), Pe::shim(0x8664), Pe::grub(0x8664));
    let world = World::of(&[
        ("version.info", b"Debian version:  12 (bookworm)\nInstaller build: 20230607+deb12u15\n"),
        ("debian-installer/amd64/linux", &kernel),
        ("debian-installer/amd64/initrd.gz", GZIP),
        ("debian-installer/amd64/bootnetx64.efi", &shim),
        ("debian-installer/amd64/grubx64.efi", &grub),
    ]);
    let image = world.import().expect("imports");
    assert_eq!(image.recipe.kind, "debian-di");
    assert_eq!(image.title, "Debian 12 (bookworm) installer, build 20230607+deb12u15 (amd64)");
    assert_eq!(image.archs, [Arch::X86Bios, Arch::X64Uefi]);
    assert_eq!(image.recipe.kernel.as_deref(), Some("debian-installer/amd64/linux"));
    assert_eq!(image.recipe.initrds, ["debian-installer/amd64/initrd.gz"]);
    let chain = image.recipe.signed.as_ref().expect("signed");
    assert_eq!(chain.shim, "debian-installer/amd64/bootnetx64.efi");
    assert_eq!(chain.grub, "debian-installer/amd64/grubx64.efi");
    assert_eq!((image.version, image.imported, image.name.as_str()), (0, Now(7), "image"));

    // The same with only the folder that machines load from.
    let inner = world.import_at(&world.path().join("debian-installer/amd64")).expect("imports");
    assert_eq!(inner.title, image.title);
    assert_eq!(inner.recipe.kernel.as_deref(), Some("linux"));
    assert_eq!(inner.assets.len(), 4);
}

#[test]
fn loaders_for_another_processor_or_unsigned_are_no_signed_chain() {
    let unsigned = Pe::default().build();
    for shim in [Pe::shim(0xaa64), unsigned] {
        let world = World::of(&[
            ("linux", &bzimage(true, "6.1")),
            ("initrd.gz", GZIP),
            ("bootnetx64.efi", &shim),
            ("grubx64.efi", &Pe::grub(0x8664)),
        ]);
        let image = world.import().expect("imports");
        assert_eq!(image.recipe.signed, None);
        assert!(image.recognised_by.contains("`bootnetx64.efi` is not signed for x64-uefi"));
    }
}

#[test]
fn a_bare_kernel_takes_the_initrd_of_its_version() {
    let world = World::of(&[
        ("vmlinuz-6.1.0-9-amd64", &bzimage(true, "6.1.0-9-amd64")),
        ("initrd.img-6.1.0-9-amd64", GZIP),
        ("vmlinuz-6.1.0-50-amd64", &bzimage(true, "6.1.0-50-amd64")),
        ("initrd.img-6.1.0-50-amd64", GZIP),
    ]);
    let image = world.import().expect("imports");
    assert_eq!(image.recipe.kind, "linux");
    assert_eq!(image.title, "Linux 6.1.0-50-amd64 (amd64)");
    assert_eq!(image.recipe.kernel.as_deref(), Some("vmlinuz-6.1.0-50-amd64"));
    assert_eq!(image.recipe.initrds, ["initrd.img-6.1.0-50-amd64"]);
    assert!(image.recognised_by.contains("also there: `vmlinuz-6.1.0-9-amd64`"));
}

#[test]
fn single_files_are_images_too() {
    let world = World::of(&[
        ("my-kernel", &arm64_image()),
        ("shell.efi", &Pe { machine: 0xaa64, ..Pe::default() }.build()),
        ("driver.efi", &Pe { subsystem: 11, ..Pe::default() }.build()),
    ]);
    let kernel = world.import_at(&world.path().join("my-kernel")).expect("imports");
    assert_eq!((kernel.recipe.kind.as_str(), &kernel.archs[..]), ("linux", &[Arch::Arm64Uefi][..]));
    let shell = world.import_at(&world.path().join("shell.efi")).expect("imports");
    assert_eq!((shell.recipe.kind.as_str(), &shell.archs[..]), ("efi", &[Arch::Arm64Uefi][..]));
    let driver = world.import_at(&world.path().join("driver.efi")).expect("imports");
    assert_eq!((driver.recipe.kind.as_str(), driver.recipe.kernel), ("files", None));
}

#[test]
fn memtest_runs_on_both_firmwares() {
    let world = World::of(&[
        ("memtest86+x64.efi", &bzimage(true, "Memtest86+ v6.10")),
        ("memtest86+x64.bin", &bzimage(false, "Memtest86+ v6.10")),
    ]);
    let image = world.import().expect("imports");
    assert_eq!(image.recipe.kind, "memtest86plus");
    assert_eq!(image.title, "Memtest86+ v6.10");
    assert_eq!(image.recipe.kernel.as_deref(), Some("memtest86+x64.efi"));
    assert_eq!(image.archs, [Arch::X86Bios, Arch::X64Uefi]);
}

#[test]
fn names_alone_convince_nobody() {
    let world = World::of(&[("linux", b"text"), ("initrd.gz", b"text"), ("vmlinuz", b"text")]);
    let image = world.import().expect("imports");
    assert_eq!((image.recipe.kind.as_str(), image.recipe.kernel), ("files", None));
    assert!(image.recognised_by.contains("looked for the Debian installer's `linux`"));
}

#[test]
fn links_inside_are_followed_and_links_outside_are_refused() {
    let world = World::of(&[("a/real", b"bytes")]);
    symlink("real", world.path().join("a/near")).expect("link");
    symlink("a", world.path().join("b")).expect("link");
    let image = world.import().expect("imports");
    let paths: Vec<&str> = image.assets.iter().map(|a| a.path.as_str()).collect();
    assert_eq!(paths, ["a/near", "a/real", "b/near", "b/real"]);

    for target in ["/etc/hostname", "../../../../etc/hostname"] {
        let world = World::of(&[("a", b"bytes")]);
        symlink(target, world.path().join("far")).expect("link");
        let fault = world.import().expect_err("refused");
        assert!(
            matches!(&fault, ImportError::Outside { path } if path.ends_with("far")),
            "{fault}"
        );
    }
}

#[test]
fn what_is_no_plain_file_is_refused_by_name() {
    let fault = |prepare: &dyn Fn(&Path)| {
        let world = World::of(&[("fine", b"bytes")]);
        prepare(world.path());
        world.import().expect_err("refused")
    };
    let pipe = fault(&|p| {
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mknodat(rustix::fs::CWD, p.join("pipe"), rustix::fs::FileType::Fifo, mode, 0)
            .expect("a FIFO");
    });
    assert!(matches!(&pipe, ImportError::NoPlainFile { path } if path.ends_with("pipe")), "{pipe}");
    let circle = fault(&|p| symlink(".", p.join("again")).expect("link"));
    assert!(matches!(&circle, ImportError::Loop { path } if path.ends_with("again")), "{circle}");
    let itself = fault(&|p| symlink("me", p.join("me")).expect("link"));
    assert!(matches!(&itself, ImportError::Loop { .. }), "{itself}");
    let nothing = fault(&|p| symlink("gone", p.join("link")).expect("link"));
    assert!(matches!(&nothing, ImportError::Dangling { .. }), "{nothing}");
    let twins = fault(&|p| std::fs::write(p.join("FINE"), "").expect("write"));
    assert!(matches!(&twins, ImportError::CaseTwins { .. }), "{twins}");
    let control = fault(&|p| std::fs::write(p.join("a\nb"), "").expect("write"));
    assert!(control.to_string().contains("control characters"), "{control}");
    let deep = fault(&|p| std::fs::create_dir_all(p.join("d/".repeat(40))).expect("create"));
    assert!(matches!(&deep, ImportError::TooDeep { .. }), "{deep}");
}

#[test]
fn wishes_that_cannot_be_are_told_before_anything_is_read() {
    let world = World::of(&[("a", b"bytes")]);
    let blobs = Blobs::open_at(world.state.path()).expect("opens");
    for name in ["", "Debian", "../x", ".hidden", "a b", &"x".repeat(65)] {
        let fault = import::import(&wish(world.path(), name), &blobs, &mut |_| true);
        assert!(matches!(fault, Err(ImportError::ImageName { .. })), "{name}");
    }
    let gone = world.import_at(Path::new("/nowhere/at/all")).expect_err("nothing there");
    assert!(gone.to_string().contains("/nowhere/at/all"), "{gone}");
    let empty = World::of(&[]).import().expect_err("nothing in it");
    assert!(matches!(empty, ImportError::Empty { .. }), "{empty}");
    assert!(matches!(
        world.import_at(Path::new("/dev/null")),
        Err(ImportError::NoPlainFile { .. })
    ));
}

#[test]
fn progress_counts_to_the_end_and_can_stop() {
    let world = World::of(&[("a", &[1; 3 << 20]), ("b", &[2; 10])]);
    let blobs = Blobs::open_at(world.state.path()).expect("opens");
    let mut heard = Vec::new();
    import::import(&wish(world.path(), "image"), &blobs, &mut |p| {
        heard.push((p.file.to_owned(), p.done));
        assert_eq!(p.total, (3 << 20) + 10);
        true
    })
    .expect("imports");
    assert_eq!(heard.last(), Some(&("b".to_owned(), (3 << 20) + 10)));

    let stopped = import::import(&wish(world.path(), "image"), &blobs, &mut |p| p.file != "b");
    assert!(matches!(stopped, Err(ImportError::Stopped)));
}
