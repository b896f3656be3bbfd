//! Images bent by chance, thousands of them: an error in words or a disc that holds together, never
//! a panic, a hang, or more memory than the limits allow.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::disallowed_types,
    reason = "how long it takes is measured, and how many images there are can be said"
)]

mod support;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use support::udf::{Anchor, everything};
use support::walk::walk;
use support::{Chance, able, file, run, tags};
use tempfile::TempDir;

/// How many images are made of each; `DISC_MUTATIONS` says otherwise.
fn mutations() -> u64 {
    std::env::var("DISC_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(2000)
}

/// What reading one image may add to the memory of the process.
const MEMORY_MAX_KB: u64 = 64 << 10;
/// And how long it may take, on a busy machine and with all checks on.
const TIME_MAX: Duration = Duration::from_secs(20);

fn source(dir: &Path) {
    let source = dir.join("source");
    for (name, length) in
        [("boot/vmlinuz", 9000), ("boot/efi.img", 4096), ("a/b/c/d/e/f/g/h/i/deep", 9), ("z", 0)]
    {
        file(&source, name, length);
    }
    file(&source, &"n".repeat(150), 5);
    std::os::unix::fs::symlink("../boot/vmlinuz", source.join("a/link")).unwrap();
    std::os::unix::fs::symlink("a/".repeat(60), source.join("far")).unwrap();
}

/// Discs to be bent, each with its name.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut all = vec![
        ("udf-102".to_owned(), everything(512, 0x102, false, true, Anchor::Last)),
        ("udf-201".to_owned(), everything(2048, 0x201, false, true, Anchor::Last)),
        ("udf-260".to_owned(), everything(512, 0x260, true, true, Anchor::Last)),
    ];
    if !able(&["xorriso", "genisoimage"]) {
        return all;
    }
    let dir = TempDir::new().unwrap();
    source(dir.path());
    let boot = [
        "-b",
        "boot/vmlinuz",
        "-no-emul-boot",
        "-eltorito-alt-boot",
        "-e",
        "boot/efi.img",
        "-no-emul-boot",
    ];
    for (name, program, args) in [
        ("rock-ridge", "xorriso", [&["-as", "mkisofs", "-R", "-J"], &boot[..]].concat()),
        ("moved", "genisoimage", vec!["-R", "-hide", "z"]),
        ("joliet", "genisoimage", [&["-J"], &boot[..]].concat()),
        ("plain", "genisoimage", vec![]),
        ("bridge", "genisoimage", vec!["-udf", "-R", "-J"]),
    ] {
        if program == "genisoimage" {
            let _ = fs::remove_file(dir.path().join("source/far"));
        }
        let args = [&args[..], &["-o", "disc.iso", "source"]].concat();
        run(program, &args, dir.path());
        all.push((name.to_owned(), fs::read(dir.path().join("disc.iso")).unwrap()));
    }
    all
}

/// Numbers that lengths and places go wrong with.
const NUMBERS: [u32; 12] =
    [0, 1, 2, 16, 31, 255, 2047, 2048, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff];

/// Somewhere that is not mere content or padding, most of the time.
fn somewhere(image: &[u8], chance: &mut Chance) -> usize {
    for _ in 0..20 {
        let at = chance.below(image.len());
        if image[at] != 0 {
            return at;
        }
    }
    chance.below(image.len())
}

fn bend(image: &mut Vec<u8>, chance: &mut Chance) {
    for _ in 0..=chance.below(6) {
        let at = somewhere(image, chance);
        let word = at.min(image.len() - 4);
        match chance.below(9) {
            0 | 1 => image[at] ^= 1 << chance.below(8),
            2 => image[at] = u8::try_from(chance.below(256)).unwrap(),
            3 | 4 => {
                let number = NUMBERS[chance.below(NUMBERS.len())];
                image[word..word + 4].copy_from_slice(&number.to_le_bytes());
            }
            5 => {
                // A small step: another block, a neighbour's length.
                let old = u32::from_le_bytes(image[word..word + 4].try_into().unwrap());
                let step = u32::try_from(chance.below(5)).unwrap();
                let new = old.wrapping_add(step).wrapping_sub(2);
                image[word..word + 4].copy_from_slice(&new.to_le_bytes());
            }
            6 | 7 => {
                let unit = [4, 16, 34, 512, 2048][chance.below(5)];
                let (from, to) = (somewhere(image, chance) / unit * unit, at / unit * unit);
                let length = unit.min(image.len() - from.max(to));
                image.copy_within(from..from + length, to);
            }
            _ => {
                if chance.below(8) == 0 {
                    image.truncate(chance.below(image.len()).max(40_000));
                }
            }
        }
    }
}

fn peak_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Cuts off the zeros after everything: they cost time and prove nothing.
fn trimmed(mut image: Vec<u8>) -> Vec<u8> {
    let end = image.iter().rposition(|byte| *byte != 0).unwrap_or(0);
    image.truncate((end + 1).next_multiple_of(2048).min(image.len()));
    image
}

#[test]
fn no_bent_image_stops_the_reader() {
    let seeds = seeds();
    let before = peak_kb();
    let (mut read, mut refused) = (0_u64, 0_u64);
    let mut why = std::collections::BTreeMap::new();
    for (name, image) in seeds {
        walk(&image).unwrap_or_else(|error| panic!("{name} as it is: {error}"));
        for seed in 0..mutations() {
            let mut bent = trimmed(image.clone());
            bend(&mut bent, &mut Chance::new(seed));
            if seed % 3 != 0 {
                tags::mend(&mut bent);
            }
            let start = Instant::now();
            // Said before, so that a panic is known by its seed.
            let result = std::panic::catch_unwind(|| walk(&bent));
            let took = start.elapsed();
            assert!(took < TIME_MAX, "{name}, seed {seed}: {took:?}");
            match result.unwrap_or_else(|_| panic!("{name}, seed {seed}")) {
                Ok(_) => read += 1,
                Err(error) => {
                    refused += 1;
                    let text: String =
                        error.to_string().chars().filter(|c| !c.is_ascii_digit()).collect();
                    *why.entry(text.split(';').next().unwrap().to_owned()).or_insert(0) += 1;
                }
            }
        }
    }
    let grown = peak_kb().saturating_sub(before);
    eprintln!("{read} read, {refused} refused for {} reasons, {grown} kB more", why.len());
    assert!(grown < MEMORY_MAX_KB, "{grown} kB");
    // The bending reaches far into the reader: many different reasons, and many discs still read.
    assert!(read > 100 && refused > 100 && why.len() > 30, "{read} {refused} {why:#?}");
}

proptest::proptest! {
    #[test]
    fn any_bytes_where_descriptors_stand_are_no_disc_or_a_disc(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..6000),
        kind in 0_u8..4,
    ) {
        let mut image = vec![0; 32768];
        image.push(kind);
        image.extend_from_slice(b"CD001\x01");
        image.extend(bytes);
        let _ = walk(&image);
    }
}

/// A small corpus for the fuzz target, made anew by each run: no image is kept in the repository.
/// The target puts the empty first sectors back.
#[test]
fn the_corpus_of_the_fuzz_target_is_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fuzz-corpus/disc");
    fs::create_dir_all(&root).unwrap();
    for (name, image) in seeds() {
        fs::write(root.join(name), &trimmed(image)[32768..]).unwrap();
    }
}
