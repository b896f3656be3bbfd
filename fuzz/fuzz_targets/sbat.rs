//! Any bytes as an SBAT section and as a level. The walk is the one the ordinary tests take over the
//! corpus.
#![no_main]

#[path = "../../crates/secureboot/tests/support/walk.rs"]
#[expect(dead_code, reason = "the other targets use the rest of it")]
mod walk;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| walk::sbat(bytes));
