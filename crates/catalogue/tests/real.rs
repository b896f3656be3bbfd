//! The real files of Debian's packages. Skipped aloud where they are not installed.

mod support;

use model::Arch;
use model::image::Way;
use std::path::Path;
use support::{Files, of_disc, of_files, present};

/// A folder as an operator would import it.
fn folder(root: &str, names: impl Fn(&str) -> bool) -> Files {
    let mut files = Files::new();
    let mut waiting = vec![Path::new(root).to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                waiting.push(path);
                continue;
            }
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if names(&name) {
                files.insert(name, std::fs::read(&path).unwrap_or_default());
            }
        }
    }
    files
}

#[test]
fn the_installers_of_both_processors() {
    for (processor, archs) in
        [("amd64", &[Arch::X86Bios, Arch::X64Uefi][..]), ("arm64", &[Arch::Arm64Uefi])]
    {
        let root = format!("/usr/lib/debian-installer/images/12/{processor}/text");
        if !present(&root) {
            continue;
        }
        let recognised = of_files(&folder(&root, |_| true), None);
        let recipe = &recognised.recipe;
        assert_eq!(recipe.kind, "debian-di", "{}", recognised.recognised_by);
        let kernel = format!("debian-installer/{processor}/linux");
        assert_eq!(recipe.kernel.as_deref(), Some(kernel.as_str()));
        assert_eq!(recognised.archs, archs);
        assert!(recipe.signed.is_some(), "{}", recognised.recognised_by);
        assert_eq!(recipe.answer.as_ref().unwrap().format, "preseed");
        assert_eq!(recognised.version.as_deref(), Some("12 (bookworm)"));
    }
}

#[test]
fn the_memory_test_gives_each_firmware_its_file() {
    if !present("/boot/memtest86+x64.efi") {
        return;
    }
    let files = folder("/boot", |name| name.starts_with("memtest86+"));
    let recognised = of_files(&files, None);
    let recipe = &recognised.recipe;
    assert_eq!(recipe.kind, "memtest86plus", "{}", recognised.recognised_by);
    assert_eq!(recipe.kernel_for(Arch::X64Uefi), Some("memtest86+x64.efi"));
    assert_eq!(recipe.kernel_for(Arch::X86Bios), Some("memtest86+x64.bin"));
    assert_eq!(recognised.archs, [Arch::X86Bios, Arch::X64Uefi]);
    assert!(recognised.title.starts_with("Memtest86+ v6"), "{}", recognised.title);
}

/// A disc that boots and that no row knows.
#[test]
fn the_disc_of_ipxe_is_a_guess() {
    if !present("/usr/lib/ipxe/ipxe.iso") {
        return;
    }
    let recognised = of_disc(Path::new("/usr/lib/ipxe/ipxe.iso"));
    let recipe = &recognised.recipe;
    assert_eq!((recipe.kind.as_str(), recipe.way), ("disc", Way::Disc), "{recognised:?}");
    assert!(recognised.archs.contains(&Arch::X86Bios));
    assert!(recognised.title.contains("guess"), "{}", recognised.title);
}
