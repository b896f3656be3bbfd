//! Any bytes as a tar, as a compressed file and as an initramfs: first as they are, then with the
//! checksums of tar headers made right. `cargo test -p unpack --test hostile` writes a corpus into
//! `target/fuzz-corpus/tar`.
#![no_main]

#[path = "../../crates/unpack/tests/support/mend.rs"]
mod mend;
#[path = "../../crates/unpack/tests/support/walk.rs"]
mod walk;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = (walk::tar(bytes), walk::packed(bytes), walk::initramfs(bytes));
    let mut bytes = bytes.to_vec();
    mend::tar(&mut bytes);
    let _ = walk::tar(&bytes);
});
