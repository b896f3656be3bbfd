//! Any bytes through the DHCPv4 parser, every reader and the encoder. The walk is the one the
//! ordinary tests take over the corpus.
#![no_main]

#[path = "../../crates/wire/tests/dhcp4_support/mod.rs"]
mod dhcp4_support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dhcp4_support::walk(bytes));
