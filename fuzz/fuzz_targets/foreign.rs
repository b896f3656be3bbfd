//! Any bytes through the readers of other servers' files: the first byte says which server's.
#![no_main]

use foreign::{Book, Server};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, mut rest)) = bytes.split_first() else { return };
    let server = match first % 3 {
        0 => Server::Dnsmasq,
        1 => Server::Isc,
        _ => Server::Kea,
    };
    let mut book = Book::new(model::Now(1_795_391_800_000));
    // Only what is larger than any such file is an error.
    if book.read(server, "file", &mut rest).is_ok() {
        for out in book.done().left_out {
            assert!(!out.to_string().chars().any(char::is_control));
        }
    }
});
