//! A disc becomes an image without a file of it being copied out.

mod common;

use common::{bzimage, lay, present};
use library::Blobs;
use library::import::{ImportError, Said, Wish, import};
use model::image::Way;
use model::{Asset, Image, Now};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

struct World {
    folder: tempfile::TempDir,
    blobs: Blobs,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("state")).unwrap();
        let blobs = Blobs::open_at(&folder.path().join("state")).unwrap();
        Self { folder, blobs }
    }

    /// Lays files out and makes a disc of them.
    fn disc(&self, tool: &str, flags: &[&str], files: &[(&str, &[u8])]) -> PathBuf {
        let source = self.folder.path().join("source");
        std::fs::create_dir_all(&source).unwrap();
        lay(&source, files);
        symlink("vmlinuz", source.join("live/linux-link")).unwrap();
        symlink("live", source.join("alias")).unwrap();
        symlink("/nowhere", source.join("dangling")).unwrap();
        let disc = self.folder.path().join("some.iso");
        let made =
            Command::new(tool).args(flags).arg("-o").arg(&disc).arg(&source).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        disc
    }

    fn import(&self, path: &Path, said: &Said) -> Result<Image, ImportError> {
        let wish = Wish { path, name: "live", file_name: None, source: None, now: Now(7), said };
        import(&wish, &self.blobs, &mut |_| true)
    }

    fn bytes(&self, asset: &Asset) -> Vec<u8> {
        let blob = self.blobs.open(&asset.sha256).unwrap();
        let mut bytes = Vec::new();
        for run in asset.runs.as_ref().expect("a part of the disc").iter() {
            let from = bytes.len();
            bytes.resize(from + usize::try_from(run.length).unwrap(), 0);
            blob.read_exact_at(&mut bytes[from..], run.offset.unwrap()).unwrap();
        }
        bytes
    }
}

fn squashfs() -> Vec<u8> {
    (0..3_000_000_u32).map(|n| (n / 7 % 251) as u8).collect()
}

#[test]
fn every_file_of_a_disc_is_a_part_of_its_one_blob() {
    if !present(&["/usr/bin/xorriso", "/usr/bin/genisoimage"]) {
        return;
    }
    let kernel = bzimage(true, "6.1.0-9-amd64 (x");
    let squashfs = squashfs();
    let files: [(&str, &[u8]); 4] = [
        ("live/vmlinuz", &kernel),
        ("live/initrd.img", &[0x1f, 0x8b, 8, 0, 1, 2, 3]),
        ("live/filesystem.squashfs", &squashfs),
        ("empty", b""),
    ];
    let makers: [(&str, &[&str], &str); 2] = [
        ("xorriso", &["-as", "mkisofs", "-R", "-V", "LIVE"], "ISO 9660 with Rock Ridge"),
        ("genisoimage", &["-udf", "-hide", "*", "-V", "LIVE"], "UDF 1.02"),
    ];
    for (tool, flags, format) in makers {
        let world = World::new();
        let disc = world.disc(tool, flags, &files);
        let image = world.import(&disc, &Said::default()).unwrap();
        let about = image.disc.as_ref().unwrap();
        assert_eq!((about.format.as_str(), about.volume.as_str()), (format, "LIVE"));
        assert_eq!(about.size, std::fs::metadata(&disc).unwrap().len());
        assert_eq!(world.blobs.list().unwrap(), [about.sha256], "{tool}: the disc, and no more");
        for (path, content) in files {
            let asset = image.asset(path).unwrap_or_else(|| panic!("{tool}: {path}"));
            assert_eq!(world.bytes(asset), content, "{tool}: {path}");
            assert!(image.asset(&path.to_uppercase()).is_some());
        }
        assert_eq!(image.recipe.kernel.as_deref(), Some("live/vmlinuz"), "{}", image.recognised_by);
        assert!(image.archs.contains(&model::Arch::X64Uefi), "{:?}", image.archs);
        assert_eq!(image.source, disc.display().to_string());
    }
}

#[test]
fn links_on_a_disc_lead_to_the_same_bytes_and_never_out_of_it() {
    if !present(&["/usr/bin/xorriso"]) {
        return;
    }
    let world = World::new();
    let kernel = bzimage(true, "6.1.0-9-amd64 (x");
    let disc = world.disc("xorriso", &["-as", "mkisofs", "-R"], &[("live/vmlinuz", &kernel)]);
    let image = world.import(&disc, &Said::default()).unwrap();
    for path in ["live/linux-link", "alias/vmlinuz", "ALIAS/linux-link"] {
        let asset = image.asset(path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(world.bytes(asset), kernel, "{path}");
    }
    assert!(image.asset("dangling").is_none());
    assert!(
        image.notes.iter().any(|note| note.contains("1 links to nothing")),
        "{:?}",
        image.notes
    );
}

#[test]
fn what_an_operator_says_goes_before_what_was_recognised() {
    if !present(&["/usr/bin/xorriso"]) {
        return;
    }
    let world = World::new();
    let disc = world.disc(
        "xorriso",
        &["-as", "mkisofs", "-R"],
        &[("live/vmlinuz", b"no kernel at all"), ("odd/one", b"x"), ("odd/two", b"y")],
    );
    let said = Said {
        title: Some("Our own system".into()),
        kernel: Some("ODD/one".into()),
        initrds: vec!["odd/two".into()],
        args: Some("root=live:{I}".into()),
        archs: vec![model::Arch::X64Uefi],
    };
    let image = world.import(&disc, &said).unwrap();
    assert_eq!(image.title, "Our own system");
    assert_eq!(image.recipe.kernel.as_deref(), Some("odd/one"));
    assert_eq!((image.recipe.way, image.recipe.args.as_str()), (Way::Kernel, "root=live:{I}"));
    assert!(image.recognised_by.starts_with("described by hand"), "{}", image.recognised_by);
    let missing = Said { kernel: Some("live/bzImage".into()), ..Said::default() };
    let error = world.import(&disc, &missing).unwrap_err().to_string();
    assert!(error.contains("`live/bzImage` is not in it; it has"), "{error}");
    assert!(error.contains("live/vmlinuz"), "{error}");
}

#[test]
fn a_disc_cut_short_is_refused_before_it_is_copied() {
    if !present(&["/usr/bin/xorriso"]) {
        return;
    }
    let world = World::new();
    let disc = world.disc("xorriso", &["-as", "mkisofs", "-R"], &[("live/vmlinuz", b"x")]);
    let file = std::fs::OpenOptions::new().write(true).open(&disc).unwrap();
    file.set_len(18 * 2048 + 100).unwrap();
    let error = world.import(&disc, &Said::default()).unwrap_err().to_string();
    assert!(error.contains("some.iso is a disc image that cannot be read"), "{error}");
    assert!(error.contains("compare its checksum"), "{error}");
    assert!(world.blobs.list().unwrap().is_empty());
}

#[test]
fn an_import_of_a_disc_that_is_stopped_leaves_nothing() {
    if !present(&["/usr/bin/xorriso"]) {
        return;
    }
    let world = World::new();
    let squashfs = squashfs();
    let disc = world.disc("xorriso", &["-as", "mkisofs", "-R"], &[("live/vmlinuz", &squashfs)]);
    let said = Said::default();
    let wish =
        Wish { path: &disc, name: "live", file_name: None, source: None, now: Now(7), said: &said };
    let stopped = import(&wish, &world.blobs, &mut |progress| progress.done < 1 << 20);
    assert!(matches!(stopped, Err(ImportError::Stopped)), "{stopped:?}");
    assert!(world.blobs.list().unwrap().is_empty());
    let left = std::fs::read_dir(world.blobs.incoming()).unwrap().count();
    assert_eq!(left, 0);
}
