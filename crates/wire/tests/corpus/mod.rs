//! The files that fuzzing begins with, as ordinary tests walk them.

use std::path::Path;

/// Every file of a corpus, whole, cut anywhere, and with each of these values in the place of every byte.
pub fn walk_all(corpus: &str, values: &[u8], walk: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(corpus);
    let files = std::fs::read_dir(folder).expect("the corpus is in the repository");
    let files: Vec<Vec<u8>> =
        files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    assert!(files.len() >= 10, "only {} files", files.len());
    for bytes in files {
        for end in 0..=bytes.len() {
            walk(&bytes[..end]);
        }
        for at in 0..bytes.len() {
            for value in values {
                let mut bent = bytes.clone();
                bent[at] = *value;
                walk(&bent);
            }
        }
    }
}
