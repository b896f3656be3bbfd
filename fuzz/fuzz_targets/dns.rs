//! Any bytes through the reader of DNS questions, and answers to what it reads. The walk is the one the
//! ordinary tests take.
#![no_main]

#[path = "../../crates/wire/tests/dns_support/mod.rs"]
mod dns_support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dns_support::walk(bytes));
