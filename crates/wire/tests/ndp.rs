//! Router advertisements as routers send them, and as nobody should.

#[path = "ndp_support/mod.rs"]
mod support;

use proptest::{prelude::any, proptest};
use std::path::Path;
use support::walk;

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/ndp");
    let files = std::fs::read_dir(folder).expect("the corpus is in the repository");
    files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

/// A packet may be cut anywhere on its way, and any byte of it may be anything.
#[test]
fn every_corpus_file_is_walked_cut_and_bent() {
    let files = corpus();
    assert!(files.len() >= 10, "only {} files", files.len());
    for bytes in files {
        for end in 0..=bytes.len() {
            walk(&bytes[..end]);
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 3, 4, 25, 0x40, 0x7f, 0x80, 0xff] {
                let mut bent = bytes.clone();
                bent[at] = value;
                walk(&bent);
            }
        }
    }
}

proptest! {
    #[test]
    fn anything_is_walked(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        walk(&bytes);
        walk(&[&[134, 0, 0, 0][..], &bytes].concat());
    }
}
