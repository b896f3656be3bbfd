//! Every seed of the fuzz corpus is walked in an ordinary test run, so that what the fuzzer once
//! found stays found without a fuzzer.

mod dhcp4_support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dhcp4_support::{seeds, walk};
use wire::dhcp4::Message;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/dhcp4")
}

#[test]
fn every_corpus_file_is_walked() {
    let mut walked = 0;
    for entry in std::fs::read_dir(corpus()).expect("the corpus is in the repository") {
        let path = entry.expect("a readable directory").path();
        walk(&std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        walked += 1;
    }
    assert!(walked >= seeds::all().len(), "only {walked} files");
}

#[test]
fn the_seeds_are_the_files_of_the_same_name() {
    for (name, bytes) in seeds::all() {
        let kept = std::fs::read(corpus().join(name)).unwrap_or_default();
        assert!(kept == bytes, "{name} is stale: run the ignored test `write_the_seeds`");
    }
}

#[test]
fn seed_names_are_unique() {
    let names: BTreeSet<_> = seeds::all().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), seeds::all().len());
}

#[test]
#[ignore = "writes the corpus files anew from the seeds"]
fn write_the_seeds() {
    std::fs::create_dir_all(corpus()).expect("a writable checkout");
    for (name, bytes) in seeds::all() {
        std::fs::write(corpus().join(name), bytes).expect("a writable checkout");
    }
}

#[test]
fn only_the_refused_are_refused() {
    for (name, bytes) in seeds::all() {
        let parsed = Message::parse(&bytes);
        assert_eq!(parsed.is_err(), name.starts_with("refused-"), "{name}: {parsed:?}");
    }
}

/// A packet may be cut anywhere on its way, and any byte of it may be anything.
#[test]
fn every_seed_is_walked_cut_and_bent() {
    for (_, bytes) in seeds::all() {
        for length in 0..=bytes.len().min(700) {
            walk(&bytes[..length]);
        }
        for at in (0..12).chain(44..48).chain(108..112).chain(236..bytes.len().min(330)) {
            for value in [0, 1, 2, 52, 53, 82, 127, 128, 254, 255] {
                let mut bent = bytes.clone();
                if let Some(byte) = bent.get_mut(at) {
                    *byte = value;
                    walk(&bent);
                }
            }
        }
    }
}
