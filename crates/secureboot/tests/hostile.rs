//! Files bent by chance, thousands of them: an error in words, or facts that hold together; never a
//! panic, a hang, or more memory than the limits allow.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::disallowed_types,
    reason = "how long it takes is measured, and how many files there are can be said"
)]

mod support;

use secureboot::{Flaw, Lists, PeError, SbatLevel, pe, sbat};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use support::image::{image, level, sbat as components, security_version, vendor};
use support::{Chance, Workshop, able, walk};

/// How many files are made of each; `SECUREBOOT_MUTATIONS` says otherwise.
fn mutations() -> u64 {
    std::env::var("SECUREBOOT_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(1500)
}

/// What reading one file may add to the memory of the process.
const MEMORY_MAX_KB: u64 = 64 << 10;
/// And how long it may take, on a busy machine and with all checks on.
const TIME_MAX: Duration = Duration::from_secs(20);

fn peak_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Small files of every kind: some made in code, some signed.
fn binaries() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![
        ("plain", image(&[])),
        ("grub", image(&[components(&[("grub", 5), ("grub.example", 1)])])),
        ("windows", image(&[security_version(1, 7, 0)])),
    ];
    if !able(&["openssl", "sbsign", "osslsigncode", "cert-to-efi-sig-list"]) {
        return all;
    }
    let workshop = Workshop::new();
    workshop.authority("ca", "/CN=Example CA", "rsa:2048", "-sha256");
    workshop.certified("signer", "/CN=Example Signer", "ca", "rsa:2048", "");
    workshop.certificate("ca");
    workshop.run("cert-to-efi-sig-list", &["ca.crt", "ca.esl"]);
    let (der, list) = (workshop.bytes("ca.der"), workshop.bytes("ca.esl"));
    let levels = || level("sbat,1,2024040900\nshim,4\n", "sbat,1,2025021800\nshim,4\ngrub,5\n");
    workshop
        .write("shim.efi", &image(&[vendor(&der, &list), components(&[("shim", 4)]), levels()]));
    workshop.sign("shim.efi", "signer", &["ca"]);
    all.push(("shim", workshop.sign("shim.efi", "ca", &[])));
    workshop.write("list.efi", &image(&[vendor(&list, &list), levels()]));
    all.push(("shim-with-list", workshop.sign("list.efi", "signer", &[])));
    workshop.write("plain.efi", &image(&[]));
    let keys = ["sign", "-certs", "signer.crt", "-ac", "ca.crt", "-key", "signer.key"];
    for (from, to, more) in [("plain.efi", "one.efi", &[][..]), ("one.efi", "two.efi", &["-nest"])]
    {
        workshop.run("osslsigncode", &[&keys[..], more, &["-in", from, "-out", to]].concat());
    }
    all.push(("nested", workshop.bytes("two.efi")));
    all
}

/// Lists of every kind, small.
fn lists() -> Vec<(&'static str, Vec<u8>)> {
    // The GUIDs of SHA-1, SHA-256, X.509 and the digests of X.509, as firmware writes them.
    let kinds: [(&str, [u8; 16], usize); 4] = [
        (
            "sha1",
            [
                0x12, 0xa5, 0x6c, 0x82, 0x10, 0xcf, 0xc9, 0x4a, 0xb1, 0x87, 0xbe, 1, 0x49, 0x66,
                0x31, 0xbd,
            ],
            20,
        ),
        (
            "sha256",
            [
                0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93,
                0x43, 0x28,
            ],
            32,
        ),
        (
            "x509-sha256",
            [
                0x92, 0xa4, 0xd2, 0x3b, 0xc0, 0x96, 0x79, 0x40, 0xb4, 0x20, 0xfc, 0xf9, 0x8e, 0xf1,
                3, 0xed,
            ],
            48,
        ),
        ("unknown", [9; 16], 10),
    ];
    let mut all: Vec<(&str, Vec<u8>)> = kinds
        .iter()
        .map(|(name, kind, length)| {
            let entries: Vec<u8> = (0..3).flat_map(|n| vec![n; 16 + length]).collect();
            let sizes = [28 + entries.len(), 0, 16 + length];
            let sizes = sizes.map(|size| u32::try_from(size).unwrap().to_le_bytes()).concat();
            (*name, [&kind[..], &sizes, &entries].concat())
        })
        .collect();
    all.push(("several", all.iter().flat_map(|(_, bytes)| bytes.clone()).collect()));
    if able(&["openssl", "cert-to-efi-sig-list", "sign-efi-sig-list"]) {
        let workshop = Workshop::new();
        workshop.authority("ca", "/CN=Example CA", "rsa:2048", "-sha256");
        workshop.run("cert-to-efi-sig-list", &["ca.crt", "ca.esl"]);
        let keys = ["-c", "ca.crt", "-k", "ca.key", "dbx", "ca.esl", "update.bin"];
        workshop.run("sign-efi-sig-list", &keys);
        all.push(("update", workshop.bytes("update.bin")));
    }
    all
}

/// Changes a few bytes, most of them where structure stands: in the head and in the last part, where
/// signatures are.
fn bend(bytes: &mut Vec<u8>, chance: &mut Chance) {
    for _ in 0..=chance.below(6) {
        let length = bytes.len();
        let at = match chance.below(4) {
            0 => chance.below(length.min(700)),
            1 => chance.below(length),
            _ => length.saturating_sub(1 + chance.below(length.min(7000))),
        };
        let values = [0, 1, 0x30, 0x7f, 0x80, 0x82, 0x84, 0xff];
        match chance.below(8) {
            0 => bytes.truncate(at),
            1 => {
                let from = chance.below(length);
                let part = bytes[from..length.min(from + chance.below(64))].to_vec();
                let end = length.min(at + part.len());
                bytes[at..end].copy_from_slice(&part[..end - at]);
            }
            2 if length < 1 << 17 => {
                let part = bytes[at..length.min(at + 300)].to_vec();
                bytes.splice(at..at, part);
            }
            3 => {
                let end = length.min(at + 4);
                let number = chance.next().to_le_bytes();
                bytes[at..end].copy_from_slice(&number[..end - at]);
            }
            4 | 5 => bytes[at] ^= 1 << chance.below(8),
            _ => bytes[at] = values[chance.below(values.len())],
        }
        if bytes.is_empty() {
            return;
        }
    }
}

/// Bends seeds and walks over what comes of them; gives how often each outcome came.
fn many(
    seeds: &[(&'static str, Vec<u8>)],
    walk: impl Fn(&[u8]) -> String + std::panic::RefUnwindSafe,
) -> BTreeMap<String, u64> {
    let before = peak_kb();
    let mut outcomes = BTreeMap::new();
    for (name, bytes) in seeds {
        for seed in 0..mutations() {
            let mut bent = bytes.clone();
            bend(&mut bent, &mut Chance::new(seed));
            let start = Instant::now();
            // Caught, so that a panic is known by its seed.
            let result = std::panic::catch_unwind(|| walk(&bent));
            let took = start.elapsed();
            assert!(took < TIME_MAX, "{name}, seed {seed}: {took:?}");
            let outcome = result.unwrap_or_else(|_| panic!("{name}, seed {seed}"));
            *outcomes.entry(outcome).or_insert(0) += 1;
        }
    }
    let grown = peak_kb().saturating_sub(before);
    eprintln!("{} outcomes, {grown} kB more", outcomes.len());
    assert!(grown < MEMORY_MAX_KB, "{grown} kB");
    outcomes
}

/// The kind of an outcome: its words without numbers.
fn kind(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_hexdigit()).take(60).collect()
}

#[test]
fn thousands_of_bent_binaries_are_read_or_refused_in_words() {
    let seeds = binaries();
    for (name, bytes) in &seeds {
        let binary = walk::pe(bytes).unwrap_or_else(|error| panic!("{name} as it is: {error}"));
        assert!(binary.signatures.iter().all(|signature| signature.flaw.is_none()), "{name}");
    }
    let outcomes = many(&seeds, |bytes| match walk::pe(bytes) {
        Err(error) => kind(&error.to_string()),
        Ok(binary) => {
            let flaws = binary.signatures.iter().filter_map(|s| s.flaw.as_ref());
            let flaws: Vec<String> = flaws.map(|flaw| kind(&flaw.to_string())).collect();
            format!("read: {}", flaws.join(", "))
        }
    });
    // The bending reaches every part: many kinds of refusals, and of flaws in signatures.
    let (read, refused): (Vec<_>, Vec<_>) = outcomes.keys().partition(|o| o.starts_with("read"));
    assert!(refused.len() > 10, "{outcomes:#?}");
    assert!(seeds.len() < 4 || read.len() > 20, "{outcomes:#?}");
}

#[test]
fn thousands_of_bent_lists_are_read_or_refused_in_words() {
    let outcomes = many(&lists(), |bytes| {
        walk::lists(bytes);
        match Lists::read(bytes) {
            Err(error) => kind(&error.to_string()),
            Ok(lists) => format!("read, {} left out", lists.unread.min(9)),
        }
    });
    assert!(outcomes.len() > 6, "{outcomes:#?}");
}

#[test]
fn thousands_of_bent_sbat_texts_are_read_or_refused_in_words() {
    let seeds: Vec<(&str, Vec<u8>)> = vec![
        ("level", sbat::PUBLISHED[7].as_bytes().to_vec()),
        ("section", components(&[("grub", 5), ("grub.example", 1)]).1),
    ];
    let outcomes = many(&seeds, |bytes| {
        walk::sbat(bytes);
        SbatLevel::read(bytes).map_or_else(|error| kind(&error.to_string()), |_| "read".to_owned())
    });
    assert!(outcomes.contains_key("read") && outcomes.len() > 2, "{outcomes:#?}");
}

#[test]
fn the_kept_corpus_is_walked() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/sbat");
    let files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(files.len() > 10);
    files.iter().for_each(|path| walk::sbat(&fs::read(path).unwrap()));
}

/// Small corpora for the fuzz targets, made anew by each run: no binary is kept in the repository.
#[test]
fn the_corpora_of_the_fuzz_targets_are_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fuzz-corpus");
    for (target, seeds) in [("pe", binaries()), ("dbx", lists())] {
        fs::create_dir_all(root.join(target)).unwrap();
        for (name, bytes) in seeds {
            fs::write(root.join(target).join(name), &bytes).unwrap();
        }
    }
}

#[test]
fn sections_over_one_another_are_refused_before_they_cost_anything() {
    let mut bytes = image(&[(".a", vec![1; 4096]), (".b", vec![2; 4096])]);
    bytes.resize(32 << 20, 0);
    // Each section's length in the file, and its place there.
    let table = 64 + 24 + 112 + 16 * 8;
    for header in (0..3).map(|number| table + number * 40) {
        bytes[header + 16..header + 20].copy_from_slice(&(31_u32 << 20).to_le_bytes());
        bytes[header + 20..header + 24].copy_from_slice(&512_u32.to_le_bytes());
    }
    let error = secureboot::Binary::read(&bytes).unwrap_err();
    assert!(matches!(error, PeError::Overlap { .. }), "{error}");
    assert!(error.to_string().starts_with("damaged: its parts have "), "{error}");
}

#[test]
fn limits_are_told_with_their_numbers() {
    let mut many = image(&[]);
    many[64 + 6] = 97;
    assert_eq!(walk::pe(&many).unwrap_err(), PeError::TooManySections { count: 97 });
    let mut table = image(&[]);
    let directory = 64 + 24 + 112 + 4 * 8;
    table[directory + 4..directory + 8].copy_from_slice(&(2_u32 << 20).to_le_bytes());
    assert_eq!(walk::pe(&table).unwrap_err(), PeError::TooManySignatures { length: 2 << 20 });
    let large = vec![0; pe::FILE_MAX + 1];
    let error = walk::pe(&large).unwrap_err().to_string();
    assert_eq!(error, "268435457 bytes are more than an EFI binary may have here (268435456)");
    let error = walk::pe(b"#!/bin/sh\n").unwrap_err().to_string();
    assert_eq!(error, "no EFI binary: it has the bytes 23212f62 where `MZ` or `PE` should stand");
    let half = image(&[(".a", vec![1; 4096])]);
    let error = walk::pe(&half[..half.len() / 2]).unwrap_err().to_string();
    assert!(error.ends_with("fetch it again"), "{error}");
}

#[test]
fn a_thousand_signatures_are_as_many_as_the_limit() {
    // Empty entries of the table of signatures: eight bytes of head, four of content.
    let mut bytes = image(&[]);
    let at = bytes.len();
    let entry = [12, 0, 0, 0, 0, 2, 2, 0, 0x30, 0x80, 0, 0, 0, 0, 0, 0];
    bytes.extend(entry.repeat(1000));
    let directory = 64 + 24 + 112 + 4 * 8;
    let told = [at, 16_000].map(|number| u32::try_from(number).unwrap().to_le_bytes()).concat();
    bytes[directory..directory + 8].copy_from_slice(&told);
    let binary = walk::pe(&bytes).unwrap();
    assert_eq!(binary.signatures.len(), 8);
    assert!(binary.signatures.iter().all(|s| s.flaw == Some(Flaw::Unreadable("signature"))));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_no_binary_or_one(bytes: Vec<u8>) {
        let _ = walk::pe(&[b"MZ", &bytes[..]].concat());
        walk::lists(&bytes);
        walk::sbat(&bytes);
    }

    #[test]
    fn any_bytes_where_headers_stand(
        head in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400),
        magic in 0_usize..2,
    ) {
        let mut bytes = image(&[components(&[("app", 1)])]);
        let end = bytes.len().min(64 + 24 + 2 + head.len());
        bytes[64 + 24 + 2..end].copy_from_slice(&head[..end - (64 + 24 + 2)]);
        bytes[64 + 24 + 1] = [1, 2][magic];
        let _ = walk::pe(&bytes);
    }
}
