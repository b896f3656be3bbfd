//! DHCP the whole way, in memory: receive, decide, keep, encode; with crashes. The walk is the one
//! the engine's tests take.
#![no_main]

#[path = "../../crates/engine/tests/whole_path/mod.rs"]
mod whole_path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| whole_path::walk(bytes));
