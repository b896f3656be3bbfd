//! Bootloaders out of files, folders, packages and roots; and what damaged ones can do: nothing.

mod common;

use common::{Pe, ar, deb, lay, pack, tar};
use library::loaders::{self, FoundLoader, LoaderError};
use library::store::Blobs;
use model::Arch;
use model::image::LoaderKind;
use proptest::prelude::*;
use std::os::unix::fs::symlink;
use std::path::Path;

fn names(found: &[FoundLoader]) -> Vec<&str> {
    found.iter().map(|loader| loader.name.as_str()).collect()
}

fn import_bytes(name: &str, bytes: &[u8]) -> Result<Vec<FoundLoader>, LoaderError> {
    let folder = tempfile::tempdir().expect("a folder");
    lay(folder.path(), &[(name, bytes)]);
    loaders::import(&folder.path().join(name))
}

#[test]
fn a_package_gives_its_loaders_however_it_is_packed() {
    for how in ["gz", "xz", "zst"] {
        let long = format!("usr/lib/ipxe/{}/snponly.efi", "a-folder-with-a-long-name/".repeat(4));
        let package = deb(
            how,
            "1.21.1+git20250101-1",
            &[
                ("usr/lib/ipxe/ipxe-arm64.efi", &Pe::ipxe(0xaa64)),
                ("usr/lib/ipxe/ipxe.efi", &Pe::ipxe(0x8664)),
                (&long, &Pe::ipxe(0x5064)),
                ("usr/share/doc/ipxe/copyright", b"text"),
            ],
        );
        let found = import_bytes("ipxe_1.21.deb", &package).expect("read");
        assert_eq!(
            names(&found),
            ["ipxe-arm64.efi", "ipxe-x64.efi", "snponly-riscv64.efi"],
            "{how}"
        );
        assert_eq!(found[0].path, "ipxe_1.21.deb:/usr/lib/ipxe/ipxe-arm64.efi");
        assert_eq!(found[0].version, "1.21.1+git20250101-1 (ipxe)");
        assert_eq!(found[0].arch, Arch::Arm64Uefi);
        assert!(found[2].path.ends_with("long-name//snponly.efi"), "{}", found[2].path);
    }
}

#[test]
fn the_machine_code_decides_the_architecture_and_not_the_name() {
    let found = import_bytes("ipxe-arm64.efi", &Pe::ipxe(0x8664)).expect("read");
    assert_eq!((found[0].name.as_str(), found[0].arch), ("ipxe-x64.efi", Arch::X64Uefi));
    assert_eq!(found[0].version, "1.21.1+git-20240101");
    let found = import_bytes("snponly.efi", &Pe::ipxe(0x6264)).expect("read");
    assert_eq!(
        (found[0].name.as_str(), found[0].kind),
        ("snponly-loong64.efi", LoaderKind::Snponly)
    );
    let found = import_bytes("snponly.efi", &Pe::ipxe(0x014c)).expect("read");
    assert_eq!(found[0].name, "snponly-ia32.efi");
}

#[test]
fn shim_and_grub_are_told_apart_and_their_sbat_gives_the_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let unsigned = Pe { sections: vec![(".vendor_cert", vec![1])], ..Pe::default() }.build();
    lay(
        folder.path(),
        &[
            ("bootnetx64.efi", &Pe::shim(0x8664)),
            ("grubx64.efi", &Pe::grub(0x8664)),
            ("shimx64.efi", &unsigned),
            ("ipxe-shimaa64.efi", &Pe::shim(0xaa64)),
        ],
    );
    let found = loaders::import(folder.path()).expect("read");
    assert_eq!(names(&found), ["grubx64.efi", "ipxe-shimaa64.efi", "shimx64.efi"]);
    let versions: Vec<&str> = found.iter().map(|l| l.version.as_str()).collect();
    assert_eq!(versions, ["2.12-9", "16.1", "16.1"]);
    assert_eq!(found[1].kind, LoaderKind::IpxeShim);
    assert_eq!(found[0].sbat.len(), 3);
    assert_eq!(found[0].signers, ["somebody (a signature that we cannot read)"]);
}

#[test]
fn a_root_is_searched_where_packages_put_loaders_and_dpkg_knows_the_versions() {
    let root = tempfile::tempdir().expect("a folder");
    lay(
        root.path(),
        &[
            ("boot/ipxe.efi", &Pe::ipxe(0x8664)),
            ("usr/lib/ipxe/snponly.efi", &Pe::ipxe(0x8664)),
            ("usr/lib/grub/arm64-efi-signed/grubnetaa64.efi.signed", &Pe::grub(0xaa64)),
            ("usr/lib/grub/arm64-efi-signed/grubnetaa64-installer.efi.signed", &Pe::grub(0xaa64)),
            ("usr/lib/shim/shimaa64.efi.signed", &Pe::shim(0xaa64)),
            ("usr/lib/shim/notes.efi", b"text"),
            ("var/lib/dpkg/info/ipxe.list", b"/.\n/boot/ipxe.efi\n/usr/lib/ipxe/ipxe.efi\n"),
            ("var/lib/dpkg/info/shim-signed:arm64.list", b"/usr/lib/shim/shimaa64.efi.signed\n"),
            (
                "var/lib/dpkg/status",
                b"Package: ipxe\nStatus: x\nVersion: 1.0-1\n\nPackage: shim-signed\nVersion: 1.44\n",
            ),
        ],
    );
    symlink("../../../boot/ipxe.efi", root.path().join("usr/lib/ipxe/ipxe.efi")).expect("link");
    symlink("/etc/hostname", root.path().join("usr/lib/ipxe/far.efi")).expect("link");
    let found = loaders::find(&[root.path().to_owned()]);
    let told: Vec<(&str, &str)> = found.iter().map(|l| (&l.name[..], &l.version[..])).collect();
    assert_eq!(
        told,
        [
            ("grubaa64.efi", "2.12-9"),
            ("ipxe-x64.efi", "1.0-1 (ipxe)"),
            ("shimaa64.efi", "1.44 (shim-signed)"),
            ("snponly-x64.efi", "1.21.1+git-20240101"),
        ]
    );
    assert!(found[0].path.ends_with("grubnetaa64.efi.signed"));
    assert!(found[0].passed_over[0].ends_with("grubnetaa64-installer.efi.signed"));
    assert_eq!(loaders::find(&["/nowhere/at/all".into()]), []);
}

#[test]
fn a_published_loader_is_a_blob() {
    let state = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::open_at(state.path()).expect("opens");
    let found = import_bytes("ipxe.efi", &Pe::ipxe(0x8664)).expect("read");
    let loader = loaders::publish(&found[0], &blobs).expect("kept");
    assert_eq!(loader.size, found[0].bytes().len() as u64);
    assert_eq!(blobs.verify(&loader.sha256).expect("sound"), loader.size);
}

#[test]
fn what_holds_no_loader_says_what_was_looked_for() {
    for (name, bytes) in [("text.efi", &b"text"[..]), ("x.deb", &deb("gz", "1", &[]))] {
        let fault = import_bytes(name, bytes).expect_err("nothing in it");
        assert!(fault.to_string().contains("looked for iPXE"), "{fault}");
    }
    let gone = loaders::import(Path::new("/nowhere.deb")).expect_err("nothing there");
    assert!(gone.to_string().contains("/nowhere.deb"), "{gone}");
    assert!(matches!(
        loaders::import(Path::new("/dev/null")),
        Err(LoaderError::NoPlainFile { .. })
    ));
}

#[test]
fn packages_that_promise_too_much_are_refused_without_taking_the_memory() {
    // 8 MiB of zeros per file in a few KiB of package, more than the total in all.
    let zeros = vec![0; 8 << 20];
    let files: Vec<(String, &[u8])> = (0..20).map(|n| (format!("{n}.efi"), &zeros[..])).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, b)| (&name[..], *b)).collect();
    let fault = import_bytes("big.deb", &deb("gz", "1", &files)).expect_err("too large");
    assert!(fault.to_string().contains("larger than in any package we know"), "{fault}");

    // A member that says it is larger than the package.
    let mut short = ar(&[("debian-binary", b"2.0\n"), ("data.tar.gz", &pack("gz", &tar(&[])))]);
    let size = 8 + 60 + 4 + 48;
    short[size..size + 10].copy_from_slice(b"9999999999");
    assert!(import_bytes("short.deb", &short).is_err());
}

fn small_package(how: &str) -> Vec<u8> {
    deb(how, "1", &[("ipxe.efi", &Pe::ipxe(0x8664)), ("grub.efi", &Pe::grub(0x8664))])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damaged_packages_are_read_without_panic(
        how in prop_oneof![Just("gz"), Just("xz"), Just("zst")],
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(), whole: bool,
    ) {
        let mut package = small_package(how);
        for (place, value) in places {
            let at = place.index(package.len());
            package[at] = value;
        }
        if !whole {
            package.truncate(cut.index(package.len()));
        }
        let _ = import_bytes("x.deb", &package);
    }

    /// The packing checks its bytes, so damage to what is inside is made before packing.
    #[test]
    fn damaged_archives_inside_a_package_are_read_without_panic(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut inner = tar(&[("ipxe.efi", &Pe::ipxe(0x8664)), (&"x/".repeat(80), b"long")]);
        for (place, value) in places {
            let at = place.index(inner.len());
            inner[at] = value;
        }
        let package = ar(&[("debian-binary", b"2.0\n"), ("data.tar.gz", &pack("gz", &inner))]);
        let _ = import_bytes("x.deb", &package);
    }

    #[test]
    fn damaged_programs_are_read_without_panic(
        which in 0..3_usize,
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(), whole: bool,
    ) {
        let mut program = [Pe::ipxe, Pe::shim, Pe::grub][which](0x8664);
        for (place, value) in places {
            // Most of the file is padding; the headers are what is read.
            let at = place.index(0x300.min(program.len()));
            program[at] = value;
        }
        if !whole {
            program.truncate(cut.index(program.len()));
        }
        let _ = import_bytes("x.efi", &program);
    }
}
