//! Any bytes as an optical disc: first as they are, then with the checksums of UDF made right, so
//! that what stands behind them is reached. `cargo test -p disc --test hostile` writes a corpus into
//! `target/fuzz-corpus/disc`.
#![no_main]

#[path = "../../crates/disc/tests/support/tags.rs"]
mod tags;
#[path = "../../crates/disc/tests/support/walk.rs"]
mod walk;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // No disc has a meaning in its first sectors.
    let mut image = vec![0; 32768];
    image.extend_from_slice(bytes);
    let _ = walk::walk(&image);
    tags::mend(&mut image);
    let _ = walk::walk(&image);
});
