//! Trees and texts that nobody made in good faith: never a panic, never a word that could fool a
//! terminal, never a path that is not there, never a place for a machine's values that we did not put.

mod support;

use catalogue::{Recognised, Tree, Volume};
use proptest::prelude::*;
use std::path::Path;
use support::heads::{arm64_image, bzimage, pe, wim};
use support::layouts::{self, edition};
use support::{Files, of_files};

/// What holds of every answer.
fn sound(files: &Files, recognised: &Recognised) {
    let recipe = &recognised.recipe;
    let loads = &recipe.loads.files;
    let own = recipe.kernels.iter().map(|kernel| &kernel.path);
    for path in recipe.kernel.iter().chain(&recipe.initrds).chain(loads).chain(own) {
        assert!(files.contains_key(path.as_str()), "{path} is not there");
    }
    for text in &recipe.texts {
        assert!(files.contains_key(&text.path));
        let fine = |c: char| c.is_ascii_graphic() || c == ' ' || c == '\n';
        assert!(text.text.chars().all(fine), "{:?}", text.text);
        assert!(text.text.len() < 70_000);
        places(&text.text);
    }
    places(&recipe.args);
    let near = recognised.looked_for.iter().map(ToString::to_string);
    let shown = [&recognised.title, &recognised.recognised_by].into_iter().cloned();
    let shown = shown.chain(recognised.version.clone()).chain(recognised.notes.clone()).chain(near);
    for text in shown.chain([recipe.args.clone()]) {
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(!text.contains(['\u{202e}', '\u{2028}', '\u{200b}']), "{text:?}");
        assert!(text.len() < 20_000, "{} bytes", text.len());
    }
    assert!(!recipe.args.contains(['\'', '"', '\\', ';', '$']), "{}", recipe.args);
}

/// Braces stand only around what a machine's own values come for.
fn places(text: &str) {
    let known = ["{B}", "{S}", "{I}", "{A}", "{MAC-}", "{ANSWER}"];
    let left = known.iter().fold(text.to_owned(), |text, known| text.replace(known, ""));
    assert!(!left.contains(['{', '}']), "{text}");
}

/// Bytes that texts and heads are made of, bent.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        "[general]\n",
        "arch = x86_64\n",
        "family=",
        "version = ",
        "[images-x86_64]\n",
        "kernel = ../..\n",
        "initrd=initrd\n",
        "Debian GNU/Linux ",
        "Ubuntu",
        " - ",
        "\"",
        "12.5.0",
        "\u{1b}[31m",
        "\u{202e}",
        "kernel=/b.b00\n",
        "modules=/a --- /{A}\n",
        "title={B}\u{7}\n",
        "RELEASE='",
        "init=/nix/store/;rm -rf$x",
        "kernel bzImage init=/nix/store/a\"b/init {A} ${x}\n",
        "/ openSUSE 15.6-1\n",
        "\0",
        "MSWIM\0\0\0",
        "é",
    ]);
    let piece = prop_oneof![
        words.prop_map(|word: &str| word.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    let mixed = prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    let heads = vec![
        bzimage("6.1.0\u{7f}x"),
        bzimage("Memtest86+ v7\u{1b}"),
        arm64_image(),
        pe(0x8664, true),
        b"070701".to_vec(),
    ];
    prop_oneof![3 => mixed, 1 => prop::sample::select(heads)]
}

/// Paths of chance, many of which look like a kernel's.
fn name() -> impl Strategy<Value = String> {
    let begin = prop::sample::select(vec![
        "",
        "boot/",
        "a/vmlinuz",
        "linux",
        "x\u{202e}/kernel",
        "EFI/Linux/talos",
    ]);
    let end = prop::sample::select(vec!["", ".efi", "initrd.gz", "-rootfs.img", ".bin"]);
    (begin, "[a-z./{}*é\u{202e}\u{7} -]{0,20}", end).prop_map(|(a, b, c)| format!("{a}{b}{c}"))
}

fn volume() -> impl Strategy<Value = Option<Volume>> {
    let id = prop::sample::select(vec![
        "",
        "TALOS_V1",
        "Fedora-Live-\u{1b}",
        "13_2_RELEASE_AMD64_CD",
        "x-9é",
    ]);
    let volume = (id, any::<bool>(), any::<bool>()).prop_map(|(id, boots_bios, boots_uefi)| {
        Volume { id: id.to_owned(), boots_bios, boots_uefi, ..Volume::default() }
    });
    prop::option::of(volume)
}

proptest! {
    /// Some files of every layout, some of them with other bytes, some under names of chance.
    #[test]
    fn any_mixture_of_files_is_answered(
        kept in prop::collection::vec(0_usize..10_000, 0..60),
        bent in prop::collection::vec((0_usize..60, bytes()), 0..12),
        named in prop::collection::vec((name(), bytes()), 0..8),
        volume in volume(),
    ) {
        let all = layouts::everything();
        let paths: Vec<&String> = all.keys().collect();
        let mut files = Files::new();
        for at in kept {
            let path = paths[at % paths.len()];
            files.insert(path.clone(), all[path].clone());
        }
        let taken: Vec<String> = files.keys().cloned().collect();
        for (at, bytes) in bent {
            if let Some(path) = taken.get(at) {
                files.insert(path.clone(), bytes);
            }
        }
        files.extend(named.into_iter().map(|(path, bytes)| (path.trim_start_matches('/').to_owned(), bytes)));
        sound(&files, &of_files(&files, volume));
    }

    /// A layout as it should be, with one of its texts bent.
    #[test]
    fn a_layout_with_a_bent_text_is_answered(which in 0_usize..1000, at in 0_usize..100, bytes in bytes()) {
        let all = layouts::all();
        let mut files = all[which % all.len()].files.clone();
        let path = files.keys().nth(at % files.len()).unwrap().clone();
        files.insert(path, bytes);
        let volume = Volume { id: "\u{1b}x".into(), boots_uefi: true, ..Volume::default() };
        sound(&files, &of_files(&files, Some(volume)));
    }

    /// The head of a WIM that points anywhere, and XML that ends anywhere.
    #[test]
    fn a_bent_archive_of_windows_is_answered(place in 72_usize..88, value: u8, cut in 0_usize..900, bytes in bytes()) {
        let mut archive = wim(&format!("<WIM>{}</WIM>", edition(1, "Windows \u{202e}", "x", "Client", 9)));
        archive[place] = value;
        archive.truncate(4096 + cut);
        archive.extend(bytes);
        let files: Files = [
            ("sources/boot.wim", archive),
            ("bootmgr", vec![0]),
        ].into_iter().map(|(path, bytes)| (path.to_owned(), bytes)).collect();
        let recognised = of_files(&files, None);
        prop_assert_eq!(recognised.recipe.kind.as_str(), "windows");
        sound(&files, &recognised);
    }
}

/// What the fuzz target begins with is answered by each run of the tests too.
#[test]
fn the_corpus_of_the_fuzz_target_is_answered() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/catalogue");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).expect("the corpus") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("readable");
        let files = support::fuzzed::files(&bytes);
        sound(&files, &of_files(&files, Some(Volume::default())));
        count += 1;
    }
    assert!(count >= 8, "only {count} files in the corpus");
}

/// Half a million files, most of them in one folder, on a disc that no row knows.
#[test]
fn very_many_files_are_answered_with_few_readings() {
    let mut files: Files = (0..catalogue::FILES_MAX - 10)
        .map(|n| (format!("pool/{}/linux-{n}.deb", n % 7), Vec::new()))
        .collect();
    files.insert("boot/vmlinuz".into(), bzimage("6.1.0"));
    let asked = std::cell::Cell::new(0_usize);
    let read = |path: &str, offset: u64, max: usize| {
        asked.set(asked.get() + 1);
        let bytes = files.get(path).map(Vec::as_slice).unwrap_or_default();
        let rest = bytes.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        rest[..max.min(rest.len())].to_vec()
    };
    let all = files.iter().map(|(path, bytes)| (path.as_str(), bytes.len() as u64));
    let recognised = catalogue::recognise(&Tree::new(all, None, &read));
    sound(&files, &recognised);
    // Files that may be kernels by their names, looked at for three kinds of image.
    assert!(asked.get() < 500, "{} readings", asked.get());
}
