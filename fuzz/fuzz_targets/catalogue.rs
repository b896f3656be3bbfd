//! Any bytes as one of the texts of a disc, or as its names: the first byte says as which.
#![no_main]

#[path = "../../crates/catalogue/tests/support/fuzzed.rs"]
mod fuzzed;
#[path = "../../crates/catalogue/tests/support/heads.rs"]
mod heads;

use catalogue::{Tree, Volume};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let files = fuzzed::files(bytes);
    let read = |path: &str, offset: u64, max: usize| {
        let from = usize::try_from(offset).ok();
        let rest = files.get(path).and_then(|bytes| bytes.get(from?..)).unwrap_or_default();
        rest[..max.min(rest.len())].to_vec()
    };
    let all = files.iter().map(|(path, bytes)| (path.as_str(), bytes.len() as u64));
    let recognised = catalogue::recognise(&Tree::new(all, Some(Volume::default()), &read));
    assert!(!recognised.recognised_by.chars().any(char::is_control));
    assert!(!recognised.title.chars().any(char::is_control));
    assert!(!recognised.recipe.args.chars().any(char::is_control));
});
