//! Any bytes through the DHCPv6 parsers, their readers and the encoder. The walk is the one the
//! ordinary tests take over the corpus.
#![no_main]

#[path = "../../crates/wire/tests/dhcp6_support/mod.rs"]
mod dhcp6_support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dhcp6_support::walk(bytes));
