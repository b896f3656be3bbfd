//! Any bytes as a checksum file, a keyring, a signature and a signed text. The first byte says which; what
//! is checked against keys is checked against those of the input itself.
#![no_main]

use std::io::Cursor;

use trust::{Checksums, Digests, Keyring};

/// 2026-11-26.
const NOW_S: u64 = 1_795_651_200;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    if first % 2 == 0 {
        if let Ok(sums) = Checksums::parse(rest) {
            let digests = Digests { sha256: Some([0; 32]), sha512: Some([0; 64]) };
            for entry in sums.entries().iter().take(8) {
                drop(sums.judge(&entry.name, &digests));
            }
        }
        return;
    }
    // A keyring, and after the word between them a signature or a signed text.
    let word = b"--then--";
    let at = rest.windows(word.len()).position(|window| window == word);
    let (ring, signed) = match at {
        Some(at) => (&rest[..at], &rest[at + word.len()..]),
        None => (rest, &[][..]),
    };
    let Ok(ring) = Keyring::read(ring) else { return };
    for key in ring.keys(NOW_S) {
        assert!(!key.user_id.chars().any(char::is_control));
    }
    if let Err(why) = ring.check_detached(signed, &mut Cursor::new(b"content"), NOW_S) {
        assert!(!why.to_string().chars().any(char::is_control), "{why}");
    }
    drop(ring.check_cleartext(signed, NOW_S));
});
