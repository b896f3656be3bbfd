//! Any bytes through the readers of other servers' files: the first byte says which server's.
#![no_main]

use foreign::{Book, Server};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, mut rest)) = bytes.split_first() else { return };
    let server = match first % 7 {
        0 => Server::Dnsmasq,
        1 => Server::Isc,
        2 => Server::Kea,
        3 => Server::Matchbox,
        4 => Server::Cobbler,
        5 => Server::Pxelinux,
        _ => Server::Fog,
    };
    let mut book = Book::new(model::Now(1_795_391_800_000));
    // Only what is larger than any such file is an error.
    if book.read(server, "file", &mut rest).is_ok() {
        let parsed = book.done();
        for out in &parsed.left_out {
            assert!(!out.to_string().chars().any(char::is_control));
        }
        let written = parsed.settings.written();
        let odd = |c: char| c.is_control() && c != '\n';
        assert!(!written.document.contains(odd) && !written.networks.contains(odd));
    }
});
