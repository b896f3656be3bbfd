//! Every row: its layout on a real disc and as a folder comes out as written in `rows.txt`.
//!
//! `UPDATE_ROWS=1 cargo test -p catalogue --test rows` writes the file anew; then read the change.
mod support;

use catalogue::{Recognised, Volume};
use model::image::Way;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use support::heads::{arm64_image, bzimage, pe};
use support::{Layout, able, burn, layouts, of_disc, of_files, with_tree};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rows.txt")
}

/// A recipe as people read it. What is empty is left out.
fn written(recognised: &Recognised) -> String {
    let Recognised { recipe, title, version, archs, recognised_by, notes, looked_for } = recognised;
    let mut out = String::new();
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            writeln!(out, "  {label:<11}{value}").unwrap();
        }
    };
    line("row", &recipe.kind);
    line("title", title);
    line("version", version.as_deref().unwrap_or_default());
    let archs: Vec<&str> = archs.iter().map(|arch| arch.name()).collect();
    line("runs on", &archs.join(" "));
    match (&recipe.kernel, recipe.way) {
        (None, Way::Disc) => line("starts", "the disc as a drive"),
        (None, _) => line("starts", "nothing"),
        (Some(kernel), Way::Kernel) => line("kernel", kernel),
        (Some(kernel), way) => line(way.name(), kernel),
    }
    for own in &recipe.kernels {
        line("", &format!("on {}: {}", own.arch, own.path));
    }
    for (n, initrd) in recipe.initrds.iter().enumerate() {
        let told = recipe.initrd_args.get(n).filter(|told| !told.is_empty());
        line("initrd", &told.map_or(initrd.clone(), |told| format!("{initrd}, told: {told}")));
    }
    line(
        "",
        &recipe.disc_as.as_deref().map(|path| format!("the disc as {path}")).unwrap_or_default(),
    );
    line("args", &recipe.args);
    if let Some(answer) = &recipe.answer {
        line("answers", &format!("{}: {}", answer.format, answer.argument));
    }
    let loads = &recipe.loads;
    let mut parts = loads.files.clone();
    if loads.discs > 0 {
        parts.push(format!("the disc × {}", loads.discs));
    }
    if loads.more_mib > 0 {
        parts.push(format!("{} MiB", loads.more_mib));
    }
    line("loads", &parts.join(" + "));
    line("", &loads.less.as_deref().map(|less| format!("less with {less}")).unwrap_or_default());
    if let Some(chain) = &recipe.signed {
        line("signed", &format!("{} and {}", chain.shim, chain.grub));
    }
    line("grade", recipe.confidence.map_or("", |confidence| confidence.words()));
    line("because", recognised_by);
    for note in notes {
        line("note", note);
    }
    for near in looked_for {
        line("near", &near.to_string());
    }
    for text in &recipe.texts {
        line("text", &format!("{} as", text.path));
        text.text.lines().for_each(|own| line("", &format!("| {own}")));
    }
    out
}

fn volume(layout: &Layout) -> Option<Volume> {
    let id = layout.volume?.to_owned();
    Some(Volume { id, boots_bios: layout.boots.is_some(), ..Volume::default() })
}

/// The disc, the folder where that is something else, and which rows would have fitted too.
fn told(layout: &Layout) -> String {
    let mut out = format!("\n{}\n", layout.name);
    let folder = of_files(&layout.files, None);
    let folder = written(&folder);
    if layout.volume.is_none() {
        out.push_str(&folder);
        return out;
    }
    let dir = tempfile::tempdir().unwrap();
    let disc = of_disc(&burn(layout, dir.path()));
    assert_eq!(disc.recipe.kind, layout.kind, "{}: {}", layout.name, disc.recognised_by);
    let disc = written(&disc);
    out.push_str(&disc);
    // Of a plain folder only what differs is told.
    let differs: String = folder.lines().filter(|l| !disc.lines().any(|d| d == *l)).fold(
        String::new(),
        |all, line| {
            let because = line.trim_start().starts_with("because");
            if because { all } else { all + "  folder:  " + line.trim_start() + "\n" }
        },
    );
    out.push_str(&differs);
    out
}

#[test]
fn every_row_comes_out_as_written() {
    if !able(&["xorriso", "genisoimage"]) {
        return;
    }
    let mut text = String::from(
        "What the catalogue says of each layout: on a disc, and below what is different when its files\n\
         are a plain folder. Written by `UPDATE_ROWS=1 cargo test -p catalogue --test rows`.\n",
    );
    let all = layouts::all();
    all.iter().for_each(|layout| text.push_str(&told(layout)));
    text.push_str("\nRows whose files are all on a layout, where there are several; the first wins, but among rows\n\
         that rest on the very same files what speaks for one of them decides\n");
    for layout in &all {
        let rows = with_tree(&layout.files, volume(layout), catalogue::fitting);
        if rows.len() > 1 {
            writeln!(text, "  {}: {}", layout.name, rows.join(", ")).unwrap();
        }
    }
    if std::env::var_os("UPDATE_ROWS").is_some() {
        std::fs::write(golden(), &text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(golden()).unwrap_or_default();
    let first = kept.lines().zip(text.lines()).find(|(kept, new)| kept != new);
    assert!(
        kept == text,
        "rows came out otherwise, first here:\n{first:#?}\nUPDATE_ROWS=1 writes rows.txt anew, then \
         read the change"
    );
}

#[test]
fn every_layout_is_recognised_as_itself() {
    for layout in layouts::all() {
        let recognised = of_files(&layout.files, volume(&layout));
        assert_eq!(
            recognised.recipe.kind, layout.kind,
            "{}: {}",
            layout.name, recognised.recognised_by
        );
        assert!(
            recognised.recipe.boots() || !recognised.notes.is_empty() || layout.kind == "files",
            "{} does not boot, and nothing says why",
            layout.name
        );
    }
}

/// A row must rest on its files: without any one of those it names, it is another or none.
#[test]
fn a_row_without_one_of_its_files_is_not_the_same() {
    for layout in layouts::all() {
        let whole = of_files(&layout.files, volume(&layout));
        let named = whole.recipe.kernel.iter().chain(&whole.recipe.initrds);
        for path in named.chain(&whole.recipe.loads.files) {
            let mut files = layout.files.clone();
            files.remove(path.as_str());
            let recipe = of_files(&files, volume(&layout)).recipe;
            let kept = recipe.kernel.iter().chain(&recipe.initrds).chain(&recipe.loads.files);
            assert!(!kept.into_iter().any(|kept| kept == path), "{}: {path}", layout.name);
        }
    }
}

/// Discs without Rock Ridge and Joliet tell capitals only.
#[test]
fn letter_case_does_not_matter() {
    for layout in layouts::all() {
        let upper =
            layout.files.iter().map(|(path, bytes)| (path.to_ascii_uppercase(), bytes.clone()));
        let recognised = of_files(&upper.collect(), volume(&layout));
        assert_eq!(
            recognised.recipe.kind, layout.kind,
            "{}: {}",
            layout.name, recognised.recognised_by
        );
    }
}

/// Files with their heads, as a folder.
fn folder(files: Vec<(String, Vec<u8>)>) -> Recognised {
    of_files(&files.into_iter().collect(), None)
}

#[test]
fn a_kernel_never_goes_with_the_initrd_of_another_processor() {
    let of = |kernel: &str, initrds: &[&str]| {
        let bytes = if kernel.ends_with("arm64") { arm64_image() } else { bzimage("6.6.33-talos") };
        let initrd = |name: &&str| ((*name).to_owned(), b"\xfd7zXZ\0".to_vec());
        folder([(kernel.to_owned(), bytes)].into_iter().chain(initrds.iter().map(initrd)).collect())
    };
    let both = ["initramfs-amd64.xz", "initramfs-arm64.xz"];
    for (processor, initrd) in [("amd64", both[0]), ("arm64", both[1])] {
        let recognised = of(&format!("vmlinuz-{processor}"), &both);
        assert_eq!(
            (recognised.recipe.kind.as_str(), recognised.recipe.initrds),
            ("talos", vec![initrd.to_owned()])
        );
    }
    for (processor, other) in [("amd64", both[1]), ("arm64", both[0])] {
        let recognised = of(&format!("vmlinuz-{processor}"), &[other]);
        assert_ne!(recognised.recipe.kind, "talos");
        assert_eq!(recognised.recipe.initrds, Vec::<String>::new(), "{}", recognised.recognised_by);
    }
}

/// 64 names are read; what comes after them in the alphabet may be just what is looked for.
#[test]
fn what_is_called_like_a_kernel_is_looked_at_before_firmware() {
    let many = |more: Vec<(&str, Vec<u8>)>| {
        let firmware = (0..100).map(|n| (format!("a/{n:03}.bin"), vec![0; 64]));
        let more = more.into_iter().map(|(path, bytes)| (path.to_owned(), bytes));
        folder(firmware.chain(more).collect())
    };
    let linux = many(vec![("z/vmlinuz", bzimage("6.1.0")), ("z/initrd.img", b"070701".to_vec())]);
    assert_eq!(linux.recipe.kernel.as_deref(), Some("z/vmlinuz"), "{}", linux.recognised_by);
    assert!(linux.recognised_by.contains("37 more files"), "{}", linux.recognised_by);
    // One EFI application was found, and nobody knows whether it is the only one.
    let files = many(vec![("z/tool.efi", pe(0x8664, false))]);
    assert_eq!(files.recipe.kind, "files");
    assert!(
        files.recognised_by.contains("`z/tool.efi`, an EFI application"),
        "{}",
        files.recognised_by
    );
    assert!(files.recognised_by.contains("37 more files"), "{}", files.recognised_by);
}

#[test]
fn what_is_started_is_told_by_its_bytes() {
    let of = |name: &str| layouts::all().into_iter().find(|layout| layout.name == name).unwrap();
    let mut xen = of("xenserver 7").files;
    assert_eq!(of_files(&xen, None).recipe.kernel.as_deref(), Some("boot/xen.gz"));
    for other in [b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\x04\0\xfb\xfftext".to_vec(), vec![0x1f, 0x8b]]
    {
        xen.insert("boot/xen.gz".into(), other);
        assert_ne!(of_files(&xen, None).recipe.kind, "xcp-ng");
    }
    // No loader here starts a program of Syslinux, so that machines with BIOS are not offered ESXi.
    let esxi = of_files(&of("esxi 7").files, None);
    assert_eq!(esxi.archs, [model::Arch::X64Uefi]);
    assert!(esxi.notes.iter().any(|note| note.contains("machines need UEFI")), "{:?}", esxi.notes);
}
