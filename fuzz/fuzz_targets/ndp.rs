//! Any bytes through the parsers of IPv6 packets and router advertisements. The walk is the one the ordinary tests take
//! over the corpus.
#![no_main]

#[path = "../../crates/wire/tests/ndp_support/mod.rs"]
mod ndp_support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ndp_support::walk(bytes));
