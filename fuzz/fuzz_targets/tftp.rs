//! Any bytes through the TFTP parser and the encoders. The walk is the one the ordinary tests take
//! over the corpus.
#![no_main]

#[path = "../../crates/wire/tests/tftp_support/mod.rs"]
mod tftp_support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tftp_support::walk(bytes));
