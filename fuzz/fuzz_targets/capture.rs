//! Any bytes through the reader of captures. The walk is the one the ordinary tests take over the corpus.
#![no_main]

#[path = "../../crates/capture/tests/support/walk.rs"]
mod walk;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| walk::walk(bytes));
