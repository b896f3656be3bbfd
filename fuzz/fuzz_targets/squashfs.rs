//! Any bytes as a squashfs. `cargo test -p unpack --test hostile` writes a corpus into
//! `target/fuzz-corpus/squashfs`.
#![no_main]

#[path = "../../crates/unpack/tests/support/walk.rs"]
mod walk;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = walk::squashfs(bytes);
});
