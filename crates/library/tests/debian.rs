//! The real files of Debian's packages. Skipped aloud where they are not installed; with `CI=true`
//! they must be.

mod common;

use common::present;
use library::import;
use library::loaders::{self, FoundLoader};
use library::store::Blobs;
use model::image::LoaderKind;
use model::{Arch, Image, Now};
use std::path::Path;

const IMAGES: &str = "/usr/lib/debian-installer/images/12";

fn installer(path: &str) -> Option<Image> {
    let path = format!("{IMAGES}/{path}");
    if !present(&[&path]) {
        return None;
    }
    let state = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::open_at(state.path()).expect("opens");
    let image = import::import(
        &import::Wish {
            path: Path::new(&path),
            name: "debian-12",
            file_name: None,
            source: None,
            now: Now(1),
            said: &import::Said::default(),
        },
        &blobs,
        &mut |_| true,
    );
    let image = image.expect("imports");
    for asset in &image.assets {
        assert_eq!(blobs.open(&asset.sha256).expect("kept").size(), asset.size, "{}", asset.path);
    }
    Some(image)
}

#[test]
fn the_amd64_installer() {
    let Some(image) = installer("amd64/text/debian-installer/amd64") else { return };
    assert_eq!(image.recipe.kind, "debian-di", "{}", image.recognised_by);
    assert!(
        image.title.starts_with("Debian 12 (bookworm) installer, build 2023"),
        "{}",
        image.title
    );
    assert!(image.title.ends_with("(amd64)"), "{}", image.title);
    assert_eq!(image.archs, [Arch::X86Bios, Arch::X64Uefi]);
    assert_eq!(image.recipe.kernel.as_deref(), Some("linux"));
    assert_eq!(image.recipe.initrds, ["initrd.gz"]);
    let chain = image.recipe.signed.as_ref().expect("signed");
    assert_eq!((chain.shim.as_str(), chain.grub.as_str()), ("bootnetx64.efi", "grubx64.efi"));
    assert!(image.recognised_by.contains("-amd64"), "{}", image.recognised_by);
    let linked = image.asset("pxelinux.cfg/default").expect("a link inside");
    assert_eq!(Some(linked.sha256), image.asset("boot-screens/syslinux.cfg").map(|a| a.sha256));
}

#[test]
fn the_arm64_installer_which_has_no_help_screens() {
    let Some(image) = installer("arm64/text/debian-installer/arm64") else { return };
    assert_eq!(image.recipe.kind, "debian-di", "{}", image.recognised_by);
    assert!(
        image.title.starts_with("Debian 12 (bookworm) installer, build 2023"),
        "{}",
        image.title
    );
    assert_eq!(image.archs, [Arch::Arm64Uefi]);
    let chain = image.recipe.signed.as_ref().expect("signed");
    assert_eq!((chain.shim.as_str(), chain.grub.as_str()), ("bootnetaa64.efi", "grubaa64.efi"));
}

#[test]
fn a_tree_with_both_installers_boots_the_plain_one_and_names_the_other() {
    let Some(image) = installer("amd64") else { return };
    assert_eq!(image.recipe.kernel.as_deref(), Some("text/debian-installer/amd64/linux"));
    assert!(image.recognised_by.contains("also there: `gtk/"), "{}", image.recognised_by);
}

fn found(name: &str) -> FoundLoader {
    let all = loaders::find(&["/".into()]);
    let names: Vec<&str> = all.iter().map(|l| l.name.as_str()).collect();
    let one = all.iter().find(|l| l.name == name).cloned();
    one.unwrap_or_else(|| panic!("{name} is not among {names:?}"))
}

#[test]
fn ipxe_of_the_package() {
    if !present(&["/usr/lib/ipxe/undionly.kpxe", "/boot/ipxe.efi"]) {
        return;
    }
    for (name, kind, arch, path) in [
        ("undionly.kpxe", LoaderKind::Undionly, Arch::X86Bios, "/usr/lib/ipxe/undionly.kpxe"),
        ("ipxe.pxe", LoaderKind::Ipxe, Arch::X86Bios, "/usr/lib/ipxe/ipxe.pxe"),
        ("ipxe-x64.efi", LoaderKind::Ipxe, Arch::X64Uefi, "/usr/lib/ipxe/ipxe.efi"),
        ("snponly-x64.efi", LoaderKind::Snponly, Arch::X64Uefi, "/usr/lib/ipxe/snponly.efi"),
    ] {
        let loader = found(name);
        assert_eq!((loader.kind, loader.arch, loader.path.as_str()), (kind, arch, path));
        assert!(loader.version.ends_with("(ipxe)"), "{}", loader.version);
        assert!(loader.signers.is_empty());
    }
    // Without dpkg's records the file itself tells.
    let alone = loaders::import(Path::new("/boot/ipxe.efi")).expect("read");
    assert!(alone[0].version.starts_with("1."), "{}", alone[0].version);
    assert!(found("ipxe-x64.efi").version.starts_with(&alone[0].version));
}

#[test]
fn the_signed_chain_of_the_packages() {
    if !present(&[
        "/usr/lib/shim/shimx64.efi.signed",
        "/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed",
    ]) {
        return;
    }
    let shim = found("shimx64.efi");
    assert_eq!((shim.kind, shim.arch), (LoaderKind::Shim, Arch::X64Uefi));
    assert_eq!(shim.path, "/usr/lib/shim/shimx64.efi.signed");
    assert!(shim.version.ends_with("(shim-signed)"), "{}", shim.version);
    assert!(shim.signers.iter().any(|s| s.contains("issued by Microsoft")), "{:?}", shim.signers);
    assert!(shim.sbat.iter().any(|line| line.starts_with("shim.debian,")), "{:?}", shim.sbat);
    let grub = found("grubx64.efi");
    assert_eq!((grub.kind, grub.arch), (LoaderKind::Grub, Arch::X64Uefi));
    assert_eq!(grub.path, "/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed");
    assert!(grub.signers.iter().any(|s| s.contains("Debian Secure Boot")), "{:?}", grub.signers);
    assert_eq!(grub.passed_over.len(), 1, "{:?}", grub.passed_over);
}

#[test]
fn a_grub_that_was_changed_on_its_way_is_told_beside_its_signer() {
    let path = "/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed";
    if !present(&[path]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut bytes = std::fs::read(path).expect("read");
    bytes[0x2000] ^= 1;
    std::fs::write(folder.path().join("grubx64.efi"), bytes).expect("written");
    let all = loaders::import(folder.path()).expect("read");
    let text = &all[0].signers[0];
    assert!(text.starts_with("Debian Secure Boot Signer 2022 - grub2, issued by Debian"), "{text}");
    assert!(
        text.contains("(it is for another file or this one was changed: the SHA-256"),
        "{text}"
    );
}

#[test]
fn pxelinux_and_its_module() {
    if !present(&["/usr/lib/PXELINUX/pxelinux.0", "/usr/lib/syslinux/modules/bios/ldlinux.c32"]) {
        return;
    }
    for name in ["pxelinux.0", "lpxelinux.0"] {
        assert_eq!((found(name).kind, found(name).arch), (LoaderKind::Pxelinux, Arch::X86Bios));
    }
    let module = found("ldlinux.c32");
    assert_eq!((module.kind, module.arch), (LoaderKind::Module, Arch::X86Bios));
    assert_eq!(found("ldlinux.e64").arch, Arch::X64Uefi);
}

#[test]
fn the_installer_folder_gives_its_signed_loaders() {
    let folder = format!("{IMAGES}/arm64/text/debian-installer/arm64");
    if !present(&[&folder]) {
        return;
    }
    let all = loaders::import(Path::new(&folder)).expect("read");
    let names: Vec<&str> = all.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(names, ["grubaa64.efi", "shimaa64.efi"]);
    assert!(all.iter().all(|l| l.arch == Arch::Arm64Uefi && l.version != "unknown"));
    assert!(all[1].signers[0].contains("issued by Microsoft"), "{:?}", all[1].signers);
}
