//! Any bytes as a disk image or a FAT: first as they are, then with the checksums of a GPT made
//! right. `cargo test -p unpack --test hostile` writes a corpus into `target/fuzz-corpus/diskimage`.
#![no_main]

#[path = "../../crates/unpack/tests/support/mend.rs"]
mod mend;
#[path = "../../crates/unpack/tests/support/walk.rs"]
mod walk;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    walk::in_place(bytes);
    let mut bytes = bytes.to_vec();
    mend::gpt(&mut bytes);
    let _ = walk::disk(&bytes);
});
