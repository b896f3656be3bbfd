//! Any bytes through the syslog parser. The walk is the one the ordinary tests take over the corpus.
#![no_main]

#[path = "../../crates/wire/tests/syslog_support/mod.rs"]
mod syslog_support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| syslog_support::walk(bytes));
