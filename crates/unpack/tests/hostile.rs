//! Files bent by chance, thousands of each kind: an error in words or something that holds together,
//! never a panic, a hang, or more memory than the limits allow.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::disallowed_types,
    reason = "how long it takes is measured, and how many files there are can be said"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use support::seeds::{MAKERS, Seed, seeds, walks};
use support::{Chance, able, mend, status_kb, walk};

/// How many files are made of each seed; `UNPACK_MUTATIONS` says otherwise.
fn mutations() -> u64 {
    std::env::var("UNPACK_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(600)
}

/// What the process may have at any time, the files that are bent among it.
const MEMORY_MAX_KB: u64 = 256 << 10;
/// And how long one may take, on a busy machine and with all checks on.
const TIME_MAX: Duration = Duration::from_secs(20);

/// Numbers that lengths and places go wrong with.
const NUMBERS: [u32; 12] =
    [0, 1, 2, 16, 31, 255, 2047, 4096, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff];

/// Somewhere that is not mere padding, most of the time; often near the start or the end, where the
/// tables are.
fn somewhere(bytes: &[u8], chance: &mut Chance) -> usize {
    for _ in 0..20 {
        let near = chance.below(bytes.len()).min(chance.below(4096));
        let at = match chance.below(4) {
            0 | 1 => near,
            2 => bytes.len() - 1 - near,
            _ => chance.below(bytes.len()),
        };
        if bytes[at] != 0 {
            return at;
        }
    }
    chance.below(bytes.len())
}

fn bend(bytes: &mut Vec<u8>, chance: &mut Chance) {
    for _ in 0..=chance.below(4) {
        let at = somewhere(bytes, chance);
        let word = at.min(bytes.len() - 4);
        match chance.below(9) {
            0 | 1 => bytes[at] ^= 1 << chance.below(8),
            2 => bytes[at] = u8::try_from(chance.below(256)).unwrap(),
            3 | 4 => {
                let number = NUMBERS[chance.below(NUMBERS.len())];
                let number = if chance.below(2) == 0 { number } else { number & 0xffff };
                bytes[word..word + 4].copy_from_slice(&number.to_le_bytes());
            }
            5 => {
                // A small step: another block, a neighbour's length.
                let old = u32::from_le_bytes(bytes[word..word + 4].try_into().unwrap());
                let step = u32::try_from(chance.below(5)).unwrap();
                let new = old.wrapping_add(step).wrapping_sub(2);
                bytes[word..word + 4].copy_from_slice(&new.to_le_bytes());
            }
            6 | 7 => {
                let unit = [4, 16, 32, 512, 2048][chance.below(5)];
                let (from, to) = (somewhere(bytes, chance) / unit * unit, at / unit * unit);
                let length = unit.min(bytes.len() - from.max(to));
                bytes.copy_within(from..from + length, to);
            }
            _ => {
                if chance.below(4) == 0 {
                    bytes.truncate(chance.below(bytes.len()).max(100));
                }
            }
        }
    }
}

/// What became of the bent files of one target.
#[derive(Default)]
struct Told {
    read: u64,
    refused: u64,
    why: BTreeMap<String, u64>,
}

fn bend_all(seed: &Seed, told: &mut Told) {
    let name = format!("{}/{}", seed.target, seed.name);
    for number in 0..mutations() {
        let mut bent = seed.bytes.clone();
        bend(&mut bent, &mut Chance::new(number));
        if number % 4 != 0 {
            mend::tar(&mut bent);
            mend::gpt(&mut bent);
        }
        for walk in walks(seed.target) {
            let start = Instant::now();
            let result = std::panic::catch_unwind(|| walk(&bent));
            let took = start.elapsed();
            assert!(took < TIME_MAX, "{name}, number {number}: {took:?}");
            match result.unwrap_or_else(|_| panic!("{name}, number {number}")) {
                Ok(_) => told.read += 1,
                Err(error) => {
                    told.refused += 1;
                    let text = error.to_string();
                    assert!(!text.chars().any(char::is_control), "{text:?}");
                    let text: String = text.chars().filter(|c| !c.is_ascii_digit()).collect();
                    *told.why.entry(text.split(';').next().unwrap().to_owned()).or_insert(0) += 1;
                }
            }
        }
    }
}

#[test]
fn no_bent_file_stops_a_reader() {
    if !able(&MAKERS) {
        return;
    }
    let seeds = seeds();
    for target in ["tar", "squashfs", "diskimage"] {
        let mut told = Told::default();
        for seed in seeds.iter().filter(|seed| seed.target == target) {
            bend_all(seed, &mut told);
        }
        let peak = status_kb("VmHWM:");
        let Told { read, refused, why } = told;
        println!(
            "{target}: {read} read, {refused} refused for {} reasons, {peak} kB at most",
            why.len()
        );
        assert!(peak < MEMORY_MAX_KB, "{target}: {peak} kB");
        // The bending reaches far in: many different reasons, and many files still read.
        assert!(read > 100 && refused > 100 && why.len() > 10, "{read} {refused} {why:#?}");
    }
}

/// The corpora of the fuzz targets, each file walked as it is, and written for the fuzzers.
#[test]
fn the_corpora_of_the_fuzz_targets_are_whole_and_written() {
    if !able(&MAKERS) {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fuzz-corpus");
    for seed in seeds() {
        let name = format!("{}/{}", seed.target, seed.name);
        let whole = walks(seed.target).iter().any(|walk| walk(&seed.bytes).is_ok());
        assert!(whole, "{name} is not read as it is");
        fs::create_dir_all(root.join(seed.target)).unwrap();
        fs::write(root.join(name), &seed.bytes).unwrap();
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_after_a_signature_are_nothing_or_something(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..3000),
        signature in 0_usize..8,
    ) {
        let signatures: [&[u8]; 8] =
            [b"", b"hsqs", b"\x1f\x8b\x08\0", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"070701",
             b"\xeb\x3c\x90mkfs.fat\0\x02\x01\x01\0\x02\xe0\0\x40\x0b\xf0", b"\x5f\x2a\x4d\x18"];
        let all = [signatures[signature], &bytes].concat();
        walk::in_place(&all);
        let _ = (walk::tar(&all), walk::packed(&all), walk::initramfs(&all));
    }
}
