//! Any bytes as a list of signatures. `cargo test -p secureboot --test hostile` writes a corpus into
//! `target/fuzz-corpus/dbx`.
#![no_main]

#[path = "../../crates/secureboot/tests/support/walk.rs"]
#[expect(dead_code, reason = "the other targets use the rest of it")]
mod walk;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| walk::lists(bytes));
